"""What the witnesses of a mix must agree on, one verdict for each invariant N1 to N12 of the design."""

import asyncio
import hashlib
import subprocess
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import grpc
import sqlalchemy as sa
from filmgate.v1 import job_pb2, video_service_pb2, video_service_pb2_grpc

from jobs import funds, tables
from ledger.tables import entries
from storage.disk import DiskStore
from tests.chaos.callers import TENANTS, TERMINAL, THRIFTY, Told
from tests.chaos.calling import OPEN, calls_differ, clips_of
from tests.chaos.hearing import Receiver
from tests.chaos.lives import FILMGATE, Emulators, Server, Site, environment

PATIENCE = 120.0
DEADLINE = 1320.0
"""Seconds after which a clip's own deadline and its grace are over, for those that nothing else can end."""
TELLS_ONCE = {"cog"}
"""Vendors that tell of an end once, by webhook, and cannot be asked: whoever was dead then waits for the deadline."""
PROVEN = {"replicate", "luma-legacy"}
"""Vendors at which no clip stays parked: their lists find what is there and prove what is not."""
MEANINGS = {
    "N1": "every accepted job ended, or is parked where nobody can know",
    "N2": "no attempt was bought twice, and nothing was bought that no attempt knows",
    "N3": "what the vendors bill is what the ledger says",
    "N4": "every finished clip is in the store as its row says",
    "N5": "nothing lies about: objects, temporary files, unfinished uploads",
    "N6": "one request id, one answer",
    "N7": "every end was told by webhook, each delivery with one body",
    "N8": "events without gap or repeat, the end last",
    "N9": "an end is an end",
    "N10": "spent and held never exceeded the budget",
    "N11": "no clip was bought again once it was there",
    "N12": "what was refused left nothing",
    "LEASE": "who was taken for dead ended itself",
    "LIVE": "nothing was stranded: what was not over had a run, and no run is left",
    "DB": "the database is sound, and so is its ledger",
}


@dataclass
class Line:
    """One invariant: how much was looked at, and what is wrong."""

    name: str
    seen: int = 0
    faults: list[str] = field(default_factory=list)

    def look(self, seen: int, faults: list[str]) -> None:
        """So many more were looked at, and this is wrong with them."""
        self.seen += seen
        self.faults += faults

    def text(self) -> str:
        """For the summary."""
        verdict = f"VIOLATED {len(self.faults)} times" if self.faults else "ok"
        return f"{self.name:5} {verdict:20} {self.seen:6} looked at: {MEANINGS[self.name]}"


class Judge:
    """Lets everything come to rest, resolves what is parked, and asks all witnesses."""

    def __init__(self, site: Site, emulators: Emulators, receiver: Receiver, told: Told, events: Counter[str]) -> None:
        self._site, self._emulators, self._receiver, self._told, self._events = site, emulators, receiver, told, events
        self._lines = {name: Line(name) for name in MEANINGS}
        self._jobs: list[job_pb2.Job] = []
        self._keys: set[str] = set()
        """Of finished clips, and their ids, after which the pictures made of them are named."""

    def judge(
        self, start: Callable[[], Server], alive: Line, sound: Callable[[], list[str]] | None = None
    ) -> list[Line]:
        """A line for each invariant. `start`: one more server, at the public address; `alive`: what was seen of LIVE
        so far; `sound`: what is wrong with the database itself, once nobody uses it.
        """
        self._lines["LIVE"] = alive
        self._look("LEASE", self._events["freezes"], [])
        server = start()
        try:
            self._repeat(server)
            self._rest(server)
            for _ in range(12):
                if not self._resolve(server):
                    break
                self._rest(server)
            self._check_ends()
            self._check_store(server)
            self._check_webhooks()
            self._check_runs()
            self._check_prompts()
            self._check_temporary()
            server.stop()
        finally:
            server.kill()
        with self._reading() as connection:
            self._check_rows(connection)
        self._check_files()
        self._check_verify()
        self._look("DB", 1, sound() if sound is not None else self._integrity())
        for name, fault in self._told.faults:
            self._lines[name].faults.append(fault)
        return list(self._lines.values())

    def _look(self, name: str, seen: int, faults: list[str]) -> None:
        self._lines[name].look(seen, faults)

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        engine = self._site.engine()
        with engine.connect() as connection:
            yield connection
        engine.dispose()

    def _repeat(self, server: Server) -> None:
        """Whoever was never answered asks once more, and everybody asks again (N6)."""
        with server.client() as client:
            for name, (_, request) in self._told.requests.items():
                batch = isinstance(request, video_service_pb2.BatchGenerateVideosRequest)
                call: Callable[..., Any] = client.BatchGenerateVideos if batch else client.GenerateVideo
                try:
                    answer = call(request, timeout=30)
                except grpc.RpcError as error:
                    self._refused_again(name, error)
                    continue
                jobs = [result.job for result in answer.results] if batch else [answer.job]
                self._told.answers[name].add(tuple(job.id for job in jobs))

    def _refused_again(self, name: str, error: Any) -> None:
        """A new request may well meet an empty budget; one that was accepted before may not."""
        if self._told.answers[name] or error.code() is not grpc.StatusCode.FAILED_PRECONDITION:
            self._look("N6", 0, [f"{name}: {error.code().name} {error.details()}"])
        else:
            del self._told.answers[name]

    def _rest(self, server: Server) -> None:
        """Until every job is over or parked."""
        begin, before = time.monotonic(), dict(self._told.ends)
        with server.client() as client:
            while True:
                self._jobs = [job for tenant in (*TENANTS, THRIFTY) for job in _jobs(client, tenant)]
                busy = [job for job in self._jobs if _busy(job)]
                told_once = all(job.model.partition("/")[0] in TELLS_ONCE for job in busy)
                if not busy or time.monotonic() > begin + (DEADLINE if told_once else PATIENCE):
                    break
                time.sleep(0.2)
        for job in self._jobs:
            self._told.ended(job, before)

    def _resolve(self, server: Server) -> int:
        """ADOPT what a vendor has and nobody owns, ABANDON the rest; how many clips were parked."""
        unowned = self._unowned()
        count = 0
        with server.client() as client:
            for job in self._jobs:
                for clip in job.clips:
                    if clip.state != job_pb2.CLIP_STATE_PARKED:
                        continue
                    count += 1
                    vendor = clip.attempts[-1].model.partition("/")[0]
                    if vendor in PROVEN:
                        self._look("N1", 0, [f"{clip.id} is parked at {vendor}, whose list could be asked"])
                    request = video_service_pb2.ResolveClipRequest(tenant_name=job.tenant_name, clip_id=clip.id)
                    if unowned[job.prompt]:
                        request.adopt.vendor_task_id = unowned[job.prompt].pop()["id"]
                    else:
                        request.abandon.SetInParent()
                    with suppress(grpc.RpcError):  # a fault may strike the look at the vendor: asked anew next time
                        client.ResolveClip(request, timeout=20)
        self._events["parked"] += count
        return count

    def _unowned(self) -> defaultdict[str, list[dict[str, Any]]]:
        """Prompt -> the vendors' jobs that no attempt has got."""
        owned = {attempt.vendor_task_id for job in self._jobs for clip in job.clips for attempt in clip.attempts}
        found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in clips_of(self._emulators.ask("/control/jobs")["jobs"]):
            if row["id"] not in owned:
                found[row["prompt"]].append(row)
        return found

    def _check_ends(self) -> None:
        known = {job.id for job in self._jobs}
        lost = [f"{name} was accepted and is gone" for name in self._told.jobs if name not in known]
        stuck = [
            f"{job.id} ({job.model}) is {job_pb2.JobState.Name(job.state)}"
            for job in self._jobs
            if job.state not in TERMINAL
        ]
        self._look("N1", len(self._jobs), lost + stuck)
        self._look("N9", len(self._told.ends), [])
        several = [f"{name}: {sorted(jobs)}" for name, jobs in self._told.answers.items() if len(jobs) > 1]
        self._look("N6", len(self._told.answers), several)

    def _check_store(self, server: Server) -> None:
        with server.client() as client:
            for job in self._jobs:
                request = video_service_pb2.GetJobRequest(tenant_name=job.tenant_name, job_id=job.id)
                for video in client.GetJob(request, timeout=20).job.videos:
                    self._look("N4", 1, _wrong(video))

    def _check_webhooks(self) -> None:
        ended = {job.id for job in self._jobs if job.state in TERMINAL and job.id in self._told.jobs}
        hooked = {job for job in ended if self._asked_to_be_told(job)}
        end = time.monotonic() + PATIENCE
        while not hooked <= self._receiver.ended() and time.monotonic() < end:
            time.sleep(0.1)
        self._look("N7", len(hooked), self._receiver.faults(hooked))

    def _asked_to_be_told(self, _job: str) -> bool:
        return True  # every request of a mix names an address

    def _check_rows(self, connection: sa.Connection) -> None:
        rows = {
            table.name: list(connection.execute(sa.select(table)))
            for table in (
                tables.attempts,
                tables.clips,
                tables.jobs,
                tables.videos,
                tables.requests,
                tables.prompt_calls,
            )
        }
        self._check_purchases(rows)
        self._check_calls(rows["prompt_call"])
        self._check_bill(rows["attempt"])
        self._check_requests(rows)
        self._check_events(connection)
        self._check_budget(list(connection.execute(sa.select(entries).order_by(entries.c.id))))

    def _check_purchases(self, rows: dict[str, list[Any]]) -> None:
        """Vendors' jobs by prompt against attempts by prompt, and against attempts by their tickets."""
        prompts = {row.id: row.prompt for row in rows["job"]}
        clips = {row.id: prompts[row.job_id] for row in rows["clip"]}
        sent = Counter(clips[row.clip_id] for row in rows["attempt"] if row.outcome != "REFUSED")
        owned = Counter(row.vendor_task_id for row in rows["attempt"] if row.vendor_task_id)
        theirs = clips_of(self._emulators.ask("/control/jobs")["jobs"])
        made = Counter(row["prompt"] for row in theirs)
        given_up = Counter(clips[row.clip_id] for row in rows["attempt"] if _given_up(row))
        unowned = Counter(row["prompt"] for row in theirs if row["id"] not in owned)
        faults = [f"{prompt}: bought {made[prompt]} times for {sent[prompt]}" for prompt in made - sent]
        faults += [f"{name} belongs to {count} attempts" for name, count in owned.items() if count > 1]
        faults += [f"{prompt}: nobody's at the vendor" for prompt in unowned - given_up]
        self._look("N2", len(theirs), faults)
        self._keys = {name for row in rows["video"] for name in (row.key, row.clip_id)}
        done = {row.clip_id for row in rows["video"]}
        bought = Counter(row.clip_id for row in rows["attempt"] if row.outcome == "ACCEPTED" and row.failure is None)
        self._look("N11", len(done), [f"{name} was bought anew" for name, count in bought.items() if count > 1])
        missing = [row.id for row in rows["clip"] if row.state == "SUCCEEDED" and row.id not in done]
        self._look("N4", 0, [f"{name} succeeded without a video" for name in missing])

    def _check_calls(self, calls: list[Any]) -> None:
        """Every call of the language model, in its own account and in ours."""
        self._look("N3", len(calls), calls_differ(self._emulators.ask("/control/jobs")["jobs"], calls))

    def _check_bill(self, attempts: list[Any]) -> None:
        """Attempt by attempt, but for those whose cost is booked as unknown."""
        theirs = {row["id"]: row for row in self._emulators.ask("/control/jobs")["jobs"]}
        for row in attempts:
            if row.vendor_task_id and row.end_time is not None and not _unknown(row):
                billed = theirs[row.vendor_task_id]["billed_micros"]
                wrong = row.cost_micros != billed
                text = f"{row.id} ({row.model}): we have settled {row.cost_micros}, the vendor bills {billed}"
                self._look("N3", 1, [text] * wrong)

    def _check_requests(self, rows: dict[str, list[Any]]) -> None:
        known = {row.request_id: tuple(row.job_ids) for row in rows["request"]}
        wrong = [name for name, jobs in self._told.answers.items() if jobs != {known.get(name)}]
        self._look("N6", 0, [f"{name}: {self._told.answers[name]} told, {known.get(name)} kept" for name in wrong])
        self._look("N12", len(self._told.refused), sorted(self._told.refused & known.keys()))
        strangers = {row.id for row in rows["job"]} - {job for jobs in known.values() for job in jobs}
        self._look("N12", 0, [f"{name}: nobody asked for it" for name in strangers])

    def _check_events(self, connection: sa.Connection) -> None:
        events = tables.events
        told: defaultdict[str, list[str]] = defaultdict(list)
        faults = []
        for row in connection.execute(sa.select(events).order_by(events.c.job_id, events.c.seq)):
            told[row.job_id].append(row.kind)
            if row.seq != len(told[row.job_id]):
                faults.append(f"{row.job_id}: {row.seq} follows {len(told[row.job_id]) - 1}")
        faults += [f"{job}: something after its end" for job, kinds in told.items() if "ENDED" in kinds[:-1]]
        for (job, _), heard in self._told.heard.items():
            if heard != list(range(1, len(heard) + 1)):
                faults.append(f"{job}: a caller heard {heard}")
        self._look("N8", sum(map(len, told.values())), faults)

    def _check_budget(self, rows: list[Any]) -> None:
        used = 0
        slack = self._site.lease if self._site.database_urls else 0  # a time is told before its lock is waited for
        for row in rows:
            if row.tenant != THRIFTY or row.currency != "USD":
                continue
            used += {"RELEASE": -row.micros, "SETTLE": 0}.get(row.kind, row.micros)
            until = row.time.timestamp() + slack
            limit = max((limit for since, limit in self._told.budgets if since <= until), default=0)
            if row.kind == "HOLD" or row.basis == funds.NEW_HOLD:
                self._look("N10", 1, [f"{used} of {limit} used by {row.clip_id}"] * (used > limit))

    def _check_temporary(self) -> None:
        """No temporary file, once the living have had the time to remove what the dead have left."""
        end = time.monotonic() + (PATIENCE if self._site.database_urls else 0.0)
        while (left := self._temporary()) and time.monotonic() < end:
            time.sleep(0.5)
        self._look("N5", 1, [f"left over: {path}" for path in left])

    def _temporary(self) -> list[Path]:
        return [path for path in (self._site.folder / "tmp").rglob("*") if path.is_file()]

    def _check_files(self) -> None:
        """No object of which no row knows."""
        store = DiskStore(self._site.folder / "media", secret=b"-" * 32, public_base_url="http://127.0.0.1:1")
        objects = asyncio.run(_listed(store))
        strangers = [key for key in objects if key not in self._keys and PurePath(key).stem not in self._keys]
        self._look("N5", len(objects), [f"nobody's: {key}" for key in strangers])

    def _check_verify(self) -> None:
        command = [FILMGATE, "ledger", "verify", "--data-dir", str(self._site.folder)]
        variables = environment(**self._site.variables())
        done = subprocess.run(command, capture_output=True, text=True, env=variables, check=False)
        self._look("DB", 1, [f"{done.stdout[-300:]} {done.stderr[-300:]}"] if done.returncode else [])

    def _integrity(self) -> list[str]:
        with self._reading() as connection:
            answer = connection.execute(sa.text("PRAGMA integrity_check")).scalar_one()
        return [] if answer == "ok" else [str(answer)]

    def _check_runs(self) -> None:
        """Once all is over, so is every run, whoever had begun it."""
        end = time.monotonic() + PATIENCE
        while (left := self._runs_left()) and time.monotonic() < end:
            time.sleep(0.2)
        self._look("LIVE", 0, left)

    def _check_prompts(self) -> None:
        """No prompt is left open, whoever had asked for it."""
        end = time.monotonic() + PATIENCE
        while (left := self._prompts_left()) and time.monotonic() < end:
            time.sleep(0.2)
        self._look("LIVE", 0, [f"{left} prompts are still open"] if left else [])

    def _prompts_left(self) -> int:
        with self._reading() as connection:
            return int(connection.execute(sa.text(OPEN)).scalar_one())

    def _runs_left(self) -> list[str]:
        with self._reading() as connection:
            rows = connection.execute(sa.text(_RUNS.format(table=_table_of_runs(self._site)))).all()
        return [f"{row.workflow_uuid} is {row.status} of {row.executor_id}" for row in rows]


_RUNS = "SELECT workflow_uuid, status, executor_id FROM {table} WHERE status IN ('ENQUEUED', 'DELAYED', 'PENDING')"
_CLIPS_WITHOUT = (
    "SELECT clip.id AS id, clip.state AS state, run.status AS status FROM clip LEFT JOIN {table} AS run "
    "ON run.workflow_uuid = clip.id || ':' || clip.run WHERE clip.state IN ('QUEUED', 'RUNNING')"
)


def _table_of_runs(site: Site) -> str:
    return "dbos.workflow_status" if site.database_urls else "workflow_status"


def stranded(site: Site) -> tuple[int, list[str]]:
    """At this moment: how many clips are neither over nor parked, and those of them that have no run."""
    engine = site.engine()
    try:
        with engine.connect() as connection:
            rows = connection.execute(sa.text(_CLIPS_WITHOUT.format(table=_table_of_runs(site)))).all()
    finally:
        engine.dispose()
    without = [row for row in rows if row.status not in ("ENQUEUED", "DELAYED", "PENDING")]
    return len(rows), [f"{row.id} is {row.state}, its run {row.status}" for row in without]


def _jobs(client: video_service_pb2_grpc.VideoServiceStub, tenant: str) -> list[job_pb2.Job]:
    found: list[job_pb2.Job] = []
    request = video_service_pb2.ListJobsRequest(tenant_name=tenant, page_size=200)
    while True:
        answer = client.ListJobs(request, timeout=30)
        found.extend(answer.jobs)
        if not answer.next_page_token:
            return found
        request.page_token = answer.next_page_token


def _busy(job: job_pb2.Job) -> bool:
    """Whether the job still moves by itself; a clip that is parked at a vendor with a list does."""
    if job.state == job_pb2.JOB_STATE_NEEDS_RESOLUTION:
        parked = [clip for clip in job.clips if clip.state == job_pb2.CLIP_STATE_PARKED]
        return any(clip.attempts[-1].model.partition("/")[0] in PROVEN for clip in parked)
    return job.state not in TERMINAL


def _wrong(video: Any) -> list[str]:
    with urllib.request.urlopen(video.url, timeout=20) as reply:  # noqa: S310 - our own server's address
        data = reply.read()
    good = hashlib.sha256(data).hexdigest() == video.sha256
    return [] if good else [f"{video.key} is not in the store as its row says"]


async def _listed(store: DiskStore) -> list[str]:
    try:
        return [found.key for found in await store.list(limit=1_000_000)]
    finally:
        await store.close()


def _given_up(row: Any) -> bool:
    return bool(row.failure) and row.failure.get("reason") == "SUBMIT_UNKNOWN"


def _unknown(row: Any) -> bool:
    return bool(row.failure) and row.failure.get("billed") == "UNKNOWN"
