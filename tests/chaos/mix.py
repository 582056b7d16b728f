"""A seeded random mix of callers over many vendors, while the server is killed, frozen, locked out and starved.

The seed decides every choice; only the machine's pace differs from run to run.
"""

import json
import random
import shutil
import sqlite3
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from filmgate.v1 import (
    account_pb2,
    account_service_pb2,
    account_service_pb2_grpc,
    job_pb2,
    video_service_pb2,
    video_service_pb2_grpc,
    webhook_pb2,
)

from tests.chaos.hearing import Receiver
from tests.chaos.lives import Emulators, Server, Site, free_port

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
ENDINGS = {"kill": 8, "point": 8, "freeze": 3, "lock": 1, "full": 1, "term": 1}
"""How a life ends, and how often; all but `term` with SIGKILL."""
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
    heard: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    budgets: list[tuple[float, int]] = field(default_factory=list)
    """Unix time before which the limit was not in force, limit in micros."""
    errors: Counter[str] = field(default_factory=Counter)
    faults: list[tuple[str, str]] = field(default_factory=list)
    """Invariant and what broke it, where a caller saw it at once."""

    def ended(self, job: job_pb2.Job, *, terminal: bool) -> None:
        """What a caller sees of a job now; an end is an end (N9)."""
        if terminal and self.ends.setdefault(job.id, job.state) != job.state:
            self.faults.append(("N9", f"{job.id} ended again, as {job_pb2.JobState.Name(job.state)}"))
        if not terminal and job.id in self.ends:
            self.faults.append(("N9", f"{job.id} had ended, and goes on"))


TERMINAL = {
    job_pb2.JOB_STATE_SUCCEEDED,
    job_pb2.JOB_STATE_PARTIALLY_SUCCEEDED,
    job_pb2.JOB_STATE_FAILED,
    job_pb2.JOB_STATE_CANCELLED,
}


class Callers:
    """What callers do during one life of the server, one thing after the other."""

    def __init__(self, emulators: Emulators, told: Told, hook: str, chance: random.Random, life: int) -> None:
        self._emulators, self._told, self._hook, self._chance, self._life = emulators, told, hook, chance, life
        self._number = 0
        self._facts = {name: json.loads((CONTRACT / name / "conformance.json").read_text()) for name in SURFACES}
        self.over = threading.Event()
        self._unfinished = 0

    def run(self, server: Server) -> None:
        """Until the server is gone or it is over: first everything that was never answered, then whatever comes."""
        doings = {
            self._order: 8,
            self._batch: 1,
            self._again: 2,
            self._cancel: 2,
            self._refused: 1,
            self._look: 3,
            self._listen: 2,
            self._thrifty: 2,
            self._raise_budget: 1,
        }
        with grpc.insecure_channel(server.target) as channel:
            client = Video(channel)  # type: ignore[no-untyped-call]  # generated code
            self._accounts = account_service_pb2_grpc.AccountServiceStub(channel)  # type: ignore[no-untyped-call]  # as above
            for request_id in list(self._told.unanswered):
                self._try(lambda name=request_id: self._send(client, name))  # type: ignore[misc]
            while not self.over.is_set() and server.process.poll() is None:
                (doing,) = self._chance.choices(list(doings), list(doings.values()))
                self._try(lambda doing=doing: doing(client))  # type: ignore[misc]
                self.over.wait(self._chance.uniform(0.0, 0.2))

    def _try(self, doing: Callable[[], None]) -> None:
        try:
            doing()
        except grpc.RpcError as error:
            self._told.errors[error.code().name] += 1

    def _send(self, client: Video, request_id: str) -> None:
        tenant, request = self._told.requests[request_id]
        self._told.unanswered[request_id] = None
        if isinstance(request, video_service_pb2.BatchGenerateVideosRequest):
            jobs = [result.job for result in client.BatchGenerateVideos(request, timeout=40).results]
        else:
            jobs = [client.GenerateVideo(request, timeout=40).job]
        self._told.unanswered.pop(request_id)
        self._told.answers[request_id].add(tuple(job.id for job in jobs))
        self._told.jobs.update({job.id: tenant for job in jobs})

    def _new(self, tenant: str, surface: str, variations: int) -> video_service_pb2.GenerateVideoRequest:
        self._number += 1
        name = f"{self._life:04d}-{self._number:04d}"
        facts = self._facts[surface]
        request = video_service_pb2.GenerateVideoRequest(
            tenant_name=tenant,
            creative_id=f"creative-{self._number % 3}",
            prompt=f"marker-{name}-end",
            model=facts["model"],
            variations=variations,
            webhook=webhook_pb2.Webhook(url=self._hook),
        )
        wish = facts["wish"]
        if "duration" in wish:
            request.parameters.duration.seconds = wish["duration"]
        for word in ("resolution", "aspect_ratio"):
            setattr(request.parameters, word, wish.get(word, ""))
        return request

    def _order(self, client: Video) -> None:
        if self._unfinished > MOST_UNFINISHED:
            self._look(client)
            return
        surface = self._chance.choice(SURFACES)
        request = self._new(self._chance.choice(TENANTS), surface, self._chance.choice((1, 1, 1, 2, 3)))
        if self._chance.random() < 0.4:
            self._trouble(surface, request.prompt)
        self._ask(client, request)

    def _ask(self, client: Video, request: video_service_pb2.GenerateVideoRequest) -> None:
        request.request_id = f"request-{request.prompt}"
        self._told.requests[request.request_id] = (request.tenant_name, request)
        self._send(client, request.request_id)

    def _trouble(self, surface: str, prompt: str) -> None:
        stage = self._chance.choice(sorted(FAULTS))
        fault = self._chance.choice(FAULTS[stage])
        if self._chance.random() < 0.3:
            stage, fault = "submit", f"fail-{self._chance.choice(sorted(self._facts[surface]['failures']))}"
        entry = {"vendor": surface, "match": stage, "fault": fault, "times": self._chance.choice((1, 1, 2))}
        with suppress(OSError):  # what this vendor does not play
            self._emulators.ask("/control/script", {**entry, "contains": prompt, "options": {"seconds": 0.5}})

    def _batch(self, client: Video) -> None:
        if self._unfinished > MOST_UNFINISHED:
            return
        tenant = self._chance.choice(TENANTS)
        requests = [self._new(tenant, self._chance.choice(SURFACES), 1) for _ in range(self._chance.choice((2, 3)))]
        request_id = f"batch-{requests[0].prompt}"
        batch = video_service_pb2.BatchGenerateVideosRequest(
            tenant_name=tenant, requests=requests, request_id=request_id
        )
        self._told.requests[request_id] = (tenant, batch)
        self._send(client, request_id)

    def _again(self, client: Video) -> None:
        """A request that was answered long ago, or moments ago."""
        if self._told.requests:
            self._send(client, self._chance.choice(sorted(self._told.requests)))

    def _cancel(self, client: Video) -> None:
        job = self._any_job()
        if job:
            client.CancelJob(
                video_service_pb2.CancelJobRequest(tenant_name=self._told.jobs[job], job_id=job), timeout=20
            )

    def _any_job(self) -> str:
        going = [job for job in self._told.jobs if job not in self._told.ends]
        return self._chance.choice(going) if going else ""

    def _refused(self, client: Video) -> None:
        """A request that may cost nothing is refused, and leaves nothing (N12)."""
        request = self._new(self._chance.choice(TENANTS), self._chance.choice(SURFACES), 1)
        request.request_id = f"refused-{request.prompt}"
        request.max_cost.currency_code, request.max_cost.micros = "USD", 1
        self._told.refused.add(request.request_id)
        try:
            answer = client.GenerateVideo(request, timeout=20)
        except grpc.RpcError:
            return
        self._told.faults.append(("N12", f"{answer.job.id} was taken for a micro-dollar"))

    def _look(self, client: Video) -> None:
        going = 0
        for tenant in (*TENANTS, THRIFTY):
            request = video_service_pb2.ListJobsRequest(tenant_name=tenant, page_size=100)
            for job in client.ListJobs(request, timeout=20).jobs:
                terminal = job.state in TERMINAL
                self._told.ended(job, terminal=terminal)
                going += not terminal and job.state != job_pb2.JOB_STATE_NEEDS_RESOLUTION
        self._unfinished = going

    def _listen(self, client: Video) -> None:
        """Follow a job for a moment, from where it was left (N8)."""
        job = self._any_job()
        if not job:
            return
        heard = self._told.heard[job]
        request = video_service_pb2.WatchJobRequest(
            tenant_name=self._told.jobs[job], job_id=job, after_event=heard[-1] if heard else 0
        )
        heard.extend(answer.event.seq for answer in client.WatchJob(request, timeout=0.7))

    def _thrifty(self, client: Video) -> None:
        """Real money, within a budget (N10)."""
        if not self._told.budgets:
            self._raise_budget(client)
        if self._unfinished <= MOST_UNFINISHED:
            self._ask(client, self._new(THRIFTY, THRIFTY_SURFACE, self._chance.choice((1, 2))))

    def _raise_budget(self, _client: Video) -> None:
        limit = ROOM + (self._told.budgets[-1][1] if self._told.budgets else 0)
        self._told.budgets.append((time.time(), limit))
        request = account_service_pb2.SetBudgetRequest(tenant_name=THRIFTY, period=account_pb2.BUDGET_PERIOD_TOTAL)
        request.limit.currency_code, request.limit.micros = "USD", limit
        self._accounts.SetBudget(request, timeout=20)


@dataclass
class Mix:
    """One seed: life after life on one data directory, until there were enough kills."""

    seed: int
    kills: int
    points: list[str]
    lock_seconds: float
    folder: Path
    speed: float = 300.0
    told: Told = field(default_factory=Told)
    events: Counter[str] = field(default_factory=Counter)
    recoveries: list[float] = field(default_factory=list)
    """Seconds from the start of a process to its being ready, after a kill."""

    def run(self) -> list[Any]:
        """What is wrong with each invariant, in the order of `verdicts.MEANINGS`."""
        from tests.chaos.verdicts import Judge

        emulators = Emulators(self.folder / "emulators", self.speed)
        receiver = Receiver()
        site = Site(folder=self.folder, emulator_url=emulators.url, webhooks=receiver.origin, http_port=free_port())
        try:
            life = 0
            while self.events["kills"] < self.kills:
                self._life(site, emulators, f"{receiver.origin}/hook", life)
                life += 1
            return Judge(site, emulators, receiver, self.told, self.events).judge()
        finally:
            emulators.stop()
            receiver.stop()

    def _life(self, site: Site, emulators: Emulators, hook: str, life: int) -> None:
        chance = random.Random(f"{self.seed} life {life}")
        (ending,) = chance.choices(list(ENDINGS), list(ENDINGS.values()))
        point = f"{chance.choice(self.points)}:{chance.choice((1, 1, 2, 3))}" if ending == "point" else ""
        started = time.monotonic()
        server = site.replica(point)
        self.recoveries.append(time.monotonic() - started)
        callers = Callers(emulators, self.told, hook, random.Random(f"{self.seed} callers {life}"), life)
        thread = threading.Thread(target=callers.run, args=(server,))
        if server.target:
            thread.start()
        elif not point:
            self.told.faults.append(("N1", f"life {life}: the server did not start"))
        try:
            self._end(server, site, ending, chance)
        finally:
            callers.over.set()
            server.kill()
            if server.target:
                thread.join()
        self.events[ending] += 1
        self.events["kills"] += ending != "term"

    def _end(self, server: Server, site: Site, ending: str, chance: random.Random) -> None:
        if ending == "point":
            if server.died(chance.uniform(2.0, 5.0)):
                self.events["died at a point"] += 1
            return
        server.died(chance.uniform(0.3, 3.0))
        if ending == "freeze":
            server.freeze()
            time.sleep(chance.uniform(0.2, 2.5))
            server.thaw()
        elif ending == "lock":
            lock_out(site.folder / "filmgate.sqlite", self.lock_seconds)
        elif ending == "full":
            server.fill_disk(4096)
            time.sleep(chance.uniform(0.5, 2.0))
            server.empty_disk()
        elif ending == "term":
            if not server.stop():
                self.told.faults.append(("N1", "the server did not end well on SIGTERM"))
            return
        server.died(chance.uniform(0.1, 2.0))


def lock_out(path: Path, seconds: float) -> None:
    """Hold the database's write lock for so long."""
    with closing(sqlite3.connect(path, timeout=5)) as connection, suppress(sqlite3.OperationalError):
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        connection.rollback()


def run(seed: int, kills: int, points: list[str], lock_seconds: float) -> int:
    """Play one seed and print its summary; 0 when every invariant holds. The folder stays when one does not."""
    folder = Path(tempfile.mkdtemp(prefix=f"filmgate-mix-{seed}-"))
    started = time.monotonic()
    mix = Mix(seed=seed, kills=kills, points=points, lock_seconds=lock_seconds, folder=folder)
    lines = mix.run()
    broken = 0
    for line in lines:
        broken += bool(line.faults)
        print(line.text(), flush=True)
        for fault in line.faults[:20]:
            print(f"     {fault}")
    events = ", ".join(f"{count} {name}" for name, count in sorted(mix.events.items()))
    errors = ", ".join(f"{count} {name}" for name, count in sorted(mix.told.errors.items()))
    ready = sorted(mix.recoveries)
    print(f"{events}; callers were told {errors}")
    print(f"ready after {ready[len(ready) // 2]:.2f} s (p50), {ready[-1]:.2f} s at most")
    print(f"mix: {len(mix.told.jobs)} jobs, {broken} invariants broken, {time.monotonic() - started:.0f} s")
    if broken:
        print(f"replay: make chaos ARGS='--mix {kills} --seed {seed}'; kept: {folder}")
    else:
        shutil.rmtree(folder)
    return 1 if broken else 0
