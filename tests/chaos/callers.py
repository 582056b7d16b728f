"""Callers of the rig: what they order, repeat, cancel and follow, and everything they were told."""

import json
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from filmgate.v1 import (
    account_pb2,
    account_service_pb2,
    account_service_pb2_grpc,
    job_pb2,
    prompt_service_pb2,
    prompt_service_pb2_grpc,
    video_service_pb2,
    video_service_pb2_grpc,
    webhook_pb2,
)

from tests.chaos.calling import LLM, clips_of
from tests.chaos.lives import Emulators

CONTRACT = Path(__file__).parents[1] / "providers" / "contract"
SURFACES = ("runway", "replicate", "fal", "google", "luma", "luma-legacy", "openai-compatible", "cog", "minimax")
TENANTS = ("acme", "bolt")
THRIFTY, THRIFTY_SURFACE = "thrifty", "cog"
"""The tenant with a budget, and the vendor that it pays real money."""
ROOM = 2_000_000
"""Micros of its first budget, and of every rise."""
FAULTS: dict[str, tuple[str, ...]] = {
    "submit": ("lost-reply", "http-500", "reset", "reset-after-accept", "rate-limit-seconds", "http-400", "slow-job"),
    "poll": ("http-500", "reset", "malformed-json", "unknown-status"),
    "download": ("truncated", "http-503"),
}
LLM_FAULTS = ("lost-reply", "http-500", "llm-malformed", "llm-refusal", "timeout-after-accept", "http-400")
_ENHANCED, _MISHEARD = 0.2, 0.4
"""How many prompts are to be rewritten, and how many of those calls go wrong."""
MOST_UNFINISHED = 24
"""More than that at once and a small machine tests only its own patience."""
Video = video_service_pb2_grpc.VideoServiceStub
Request = video_service_pb2.GenerateVideoRequest | video_service_pb2.BatchGenerateVideosRequest


@dataclass
class Told:
    """Everything that callers were told: what the server is held to."""

    answers: defaultdict[str, set[tuple[str, ...]]] = field(default_factory=lambda: defaultdict(set))
    """Request id -> the jobs it was answered with."""
    requests: dict[str, tuple[str, Request]] = field(default_factory=dict)
    """Request id -> tenant and content."""
    unanswered: dict[str, None] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    jobs: dict[str, str] = field(default_factory=dict)
    """Job -> tenant."""
    ends: dict[str, int] = field(default_factory=dict)
    heard: defaultdict[tuple[str, int], list[int]] = field(default_factory=lambda: defaultdict(list))
    """Job and caller -> the events it has heard."""
    budgets: list[tuple[float, int]] = field(default_factory=list)
    """Unix time before which the limit was not in force, limit in micros."""
    errors: Counter[str] = field(default_factory=Counter)
    faults: list[tuple[str, str]] = field(default_factory=list)
    """Invariant and what broke it, where a caller saw it at once."""

    def ended(self, job: job_pb2.Job, before: Mapping[str, int]) -> None:
        """What a caller sees of a job, which asked when `before` was known; an end is an end (N9)."""
        if job.state in TERMINAL and self.ends.setdefault(job.id, job.state) != job.state:
            self.faults.append(("N9", f"{job.id} ended again, as {job_pb2.JobState.Name(job.state)}"))
        if job.state not in TERMINAL and job.id in before:
            self.faults.append(("N9", f"{job.id} had ended, and goes on"))


TERMINAL = {
    job_pb2.JOB_STATE_SUCCEEDED,
    job_pb2.JOB_STATE_PARTIALLY_SUCCEEDED,
    job_pb2.JOB_STATE_FAILED,
    job_pb2.JOB_STATE_CANCELLED,
}


class Door:
    """A way to one server."""

    def __init__(self, target: str) -> None:
        self._channel = grpc.insecure_channel(target)
        self.videos = Video(self._channel)  # type: ignore[no-untyped-call]  # generated code
        self.prompts = prompt_service_pb2_grpc.PromptServiceStub(self._channel)  # type: ignore[no-untyped-call]  # as above
        self.accounts = account_service_pb2_grpc.AccountServiceStub(self._channel)  # type: ignore[no-untyped-call]  # as above

    def close(self) -> None:
        """Calls under way are cut."""
        self._channel.close()


class Doors:
    """The ways that are open now: to servers that live, as far as their callers know."""

    def __init__(self) -> None:
        self._doors: dict[int, Door] = {}

    @contextmanager
    def to(self, number: int, target: str) -> Iterator[None]:
        """A way to this server, until the block ends."""
        door = self._doors[number] = Door(target)
        try:
            yield
        finally:
            del self._doors[number]
            door.close()

    def any(self, chance: random.Random, but: Door | None = None) -> Door | None:
        """One of them: another than `but`, where there is another."""
        doors = list(self._doors.values())
        others = [door for door in doors if door is not but] or doors
        return chance.choice(others) if others else None


class Callers:
    """What one row of callers does, one thing after the other."""

    def __init__(
        self, emulators: Emulators, told: Told, hook: str, chance: random.Random, number: int, *, patience: float = 40.0
    ) -> None:
        """`number` tells rows of callers apart; an answer is waited for no longer than `patience`."""
        self._emulators, self._told, self._hook, self._chance, self._row = emulators, told, hook, chance, number
        self._patience = patience
        self._number = 0
        self._facts = {name: json.loads((CONTRACT / name / "conformance.json").read_text()) for name in SURFACES}
        self._unfinished = 0
        self._parked: list[job_pb2.Job] = []

    def run(self, doors: Doors, over: threading.Event) -> None:
        """Until it is over: first everything that was never answered, then whatever comes."""
        doings: dict[Callable[[Door], None], int] = {
            self._order: 8,
            self._batch: 1,
            self._again: 2,
            self._once_more: 3,
            self._cancel: 2,
            self._refused: 1,
            self._look: 3,
            self._listen: 2,
            self._adopt: 1,
            self._thrifty: 2,
            self._raise_budget: 1,
            self._quantify: 1,
        }
        for request_id in list(self._told.unanswered):
            self._try(doors, lambda door, name=request_id: self._send(door, name))  # type: ignore[misc]
        while not over.is_set():
            (doing,) = self._chance.choices(list(doings), list(doings.values()))
            self._try(doors, doing)
            over.wait(self._chance.uniform(0.0, 0.2))

    def _try(self, doors: Doors, doing: Callable[[Door], None]) -> None:
        """What one server never answered is asked of another at once, now and then."""
        door = doors.any(self._chance)
        waiting = set(self._told.unanswered)
        try:
            if door is not None:
                doing(door)
            return
        except grpc.RpcError as error:
            self._told.errors[error.code().name] += 1
        except (ValueError, OSError):  # the door was closed under the call; the emulators were too busy
            self._told.errors["not called"] += 1
        other = doors.any(self._chance, door)
        for request_id in list(self._told.unanswered):
            if request_id not in waiting and other is not None and self._chance.random() < 0.5:
                with suppress(grpc.RpcError, ValueError):
                    self._send(other, request_id)

    def _send(self, door: Door, request_id: str) -> None:
        tenant, request = self._told.requests[request_id]
        self._told.unanswered[request_id] = None
        if isinstance(request, video_service_pb2.BatchGenerateVideosRequest):
            jobs = [result.job for result in door.videos.BatchGenerateVideos(request, timeout=self._patience).results]
        else:
            jobs = [door.videos.GenerateVideo(request, timeout=self._patience).job]
        self._told.unanswered.pop(request_id, None)
        self._told.answers[request_id].add(tuple(job.id for job in jobs))
        self._told.jobs.update({job.id: tenant for job in jobs})

    def _once_more(self, door: Door) -> None:
        """A request that was never answered, asked wherever."""
        waiting = list(self._told.unanswered)
        if waiting:
            self._send(door, self._chance.choice(waiting))

    def _new(self, tenant: str, surface: str, variations: int) -> video_service_pb2.GenerateVideoRequest:
        self._number += 1
        name = f"{self._row:04d}-{self._number:04d}"
        facts = self._facts[surface]
        request = video_service_pb2.GenerateVideoRequest(
            tenant_name=tenant,
            creative_id=f"creative-{self._number % 3}",
            prompt=f"marker-{name}-end",
            model=facts["model"],
            variations=variations,
            webhook=webhook_pb2.Webhook(url=self._hook),
            enhance_prompt=self._chance.random() < _ENHANCED,
        )
        wish = facts["wish"]
        if "duration" in wish:
            request.parameters.duration.seconds = wish["duration"]
        for word in ("resolution", "aspect_ratio"):
            setattr(request.parameters, word, wish.get(word, ""))
        return request

    def _order(self, door: Door) -> None:
        if self._unfinished > MOST_UNFINISHED:
            self._look(door)
            return
        surface = self._chance.choice(SURFACES)
        request = self._new(self._chance.choice(TENANTS), surface, self._chance.choice((1, 1, 1, 2, 3)))
        if self._chance.random() < 0.4:
            self._trouble(surface, request.prompt)
        if request.enhance_prompt and self._chance.random() < _MISHEARD:
            fault = self._chance.choice(LLM_FAULTS)
            entry = {"vendor": LLM, "match": "submit", "fault": fault, "times": 1, "contains": request.prompt}
            self._emulators.ask("/control/script", entry)
        self._ask(door, request)

    def _ask(self, door: Door, request: video_service_pb2.GenerateVideoRequest) -> None:
        request.request_id = f"request-{request.prompt}"
        self._told.requests[request.request_id] = (request.tenant_name, request)
        self._send(door, request.request_id)

    def _trouble(self, surface: str, prompt: str) -> None:
        stage = self._chance.choice(sorted(FAULTS))
        fault = self._chance.choice(FAULTS[stage])
        if self._chance.random() < 0.3:
            stage, fault = "submit", f"fail-{self._chance.choice(sorted(self._facts[surface]['failures']))}"
        entry = {"vendor": surface, "match": stage, "fault": fault, "times": self._chance.choice((1, 1, 2))}
        with suppress(OSError):  # what this vendor does not play
            self._emulators.ask("/control/script", {**entry, "contains": prompt, "options": {"seconds": 0.5}})

    def _batch(self, door: Door) -> None:
        if self._unfinished > MOST_UNFINISHED:
            return
        tenant = self._chance.choice(TENANTS)
        requests = [self._new(tenant, self._chance.choice(SURFACES), 1) for _ in range(self._chance.choice((2, 3)))]
        request_id = f"batch-{requests[0].prompt}"
        batch = video_service_pb2.BatchGenerateVideosRequest(
            tenant_name=tenant, requests=requests, request_id=request_id
        )
        self._told.requests[request_id] = (tenant, batch)
        self._send(door, request_id)

    def _again(self, door: Door) -> None:
        """A request that was answered long ago, or moments ago."""
        if self._told.requests:
            self._send(door, self._chance.choice(sorted(self._told.requests)))

    def _cancel(self, door: Door) -> None:
        job = self._any_job()
        if job:
            door.videos.CancelJob(
                video_service_pb2.CancelJobRequest(tenant_name=self._told.jobs[job], job_id=job),
                timeout=self._patience / 2,
            )

    def _any_job(self) -> str:
        going = [job for job in list(self._told.jobs) if job not in self._told.ends]
        return self._chance.choice(going) if going else ""

    def _refused(self, door: Door) -> None:
        """A request that may cost nothing is refused, and leaves nothing (N12)."""
        request = self._new(self._chance.choice(TENANTS), self._chance.choice(SURFACES), 1)
        request.request_id = f"refused-{request.prompt}"
        request.max_cost.currency_code, request.max_cost.micros = "USD", 1
        self._told.refused.add(request.request_id)
        try:
            answer = door.videos.GenerateVideo(request, timeout=self._patience / 2)
        except grpc.RpcError:
            return
        self._told.faults.append(("N12", f"{answer.job.id} was taken for a micro-dollar"))

    def _look(self, door: Door) -> None:
        jobs: list[job_pb2.Job] = []
        for tenant in (*TENANTS, THRIFTY):
            before = dict(self._told.ends)
            request = video_service_pb2.ListJobsRequest(tenant_name=tenant, page_size=100)
            found = door.videos.ListJobs(request, timeout=self._patience / 2).jobs
            for job in found:
                self._told.ended(job, before)
            jobs += found
        self._parked = [job for job in jobs if job.state == job_pb2.JOB_STATE_NEEDS_RESOLUTION]
        self._unfinished = sum(job.state not in TERMINAL for job in jobs) - len(self._parked)

    def _listen(self, door: Door) -> None:
        """Follow a job for a moment, from where it was left (N8)."""
        job = self._any_job()
        if not job:
            return
        heard = self._told.heard[job, self._row]
        request = video_service_pb2.WatchJobRequest(
            tenant_name=self._told.jobs[job], job_id=job, after_event=heard[-1] if heard else 0
        )
        heard.extend(answer.event.seq for answer in door.videos.WatchJob(request, timeout=0.7))

    def _adopt(self, door: Door) -> None:
        """An operator finds at the vendor what a parked clip has bought; only where it can be nobody else's."""
        alone = [job for job in self._parked if len(job.clips) == 1]
        if not alone:
            return
        job = self._chance.choice(alone)
        known = {attempt.vendor_task_id for attempt in job.clips[0].attempts}
        made = clips_of(self._emulators.ask("/control/jobs")["jobs"])
        theirs = [row["id"] for row in made if row["prompt"] == job.prompt]
        for name in sorted(set(theirs) - known):
            request = video_service_pb2.ResolveClipRequest(tenant_name=job.tenant_name, clip_id=job.clips[0].id)
            request.adopt.vendor_task_id = name
            door.videos.ResolveClip(request, timeout=self._patience / 2)

    def _quantify(self, door: Door) -> None:
        """A prompt, by the language model."""
        self._number += 1
        name = f"marker-{self._row:04d}-{self._number:04d}-end"
        request = prompt_service_pb2.QuantifyPromptRequest(
            tenant_name=self._chance.choice(TENANTS), creative_id="prompts", text=name, request_id=f"prompt-{name}"
        )
        door.prompts.QuantifyPrompt(request, timeout=self._patience / 2)

    def _thrifty(self, door: Door) -> None:
        """Real money, within a budget (N10)."""
        if not self._told.budgets:
            self._raise_budget(door)
        if self._unfinished <= MOST_UNFINISHED:
            self._ask(door, self._new(THRIFTY, THRIFTY_SURFACE, self._chance.choice((1, 2))))

    def _raise_budget(self, door: Door) -> None:
        limit = ROOM + (self._told.budgets[-1][1] if self._told.budgets else 0)
        self._told.budgets.append((time.time(), limit))
        request = account_service_pb2.SetBudgetRequest(tenant_name=THRIFTY, period=account_pb2.BUDGET_PERIOD_TOTAL)
        request.limit.currency_code, request.limit.micros = "USD", limit
        door.accounts.SetBudget(request, timeout=self._patience / 2)
