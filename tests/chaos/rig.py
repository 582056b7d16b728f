"""The crash rig: kill the server with SIGKILL at every named crash point, restart it, and ask three witnesses.

    python tests/chaos/rig.py [--runs 10] [--points a,b] [--vendors runway,replicate] [--lanes 2] [--seed 1]
    python tests/chaos/rig.py --mix 200 [--lanes 1] [--seed 1] [--points a,b] [--lock-seconds 3]
    python tests/chaos/rig.py --postgres [--replicas 2] [--kills 300] [--freezes 100] [--lease 4] [--seed 1]
    python tests/chaos/rig.py --postgres --outages --minutes 20 [the same]

The first form visits one point after the other; the second plays the random mix of `mix.py`, with so many kills; the
others play it on several replicas (`fleet.py`), the last one while Postgres itself comes and goes.

The witnesses: the emulators' ledger (a process of its own), the object store, our own rows and ledger.
"""

import argparse
import hashlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
from filmgate.v1 import (
    job_pb2,
    prompt_service_pb2,
    prompt_service_pb2_grpc,
    video_service_pb2,
    video_service_pb2_grpc,
    webhook_pb2,
)

from tests.chaos import calling, fleet, mix
from tests.chaos.hearing import Receiver
from tests.chaos.lives import CHILDREN, FILMGATE, Emulators, Server, environment

MODELS = {"runway": "runway/gen4.5", "replicate": "replicate/minimax-video-01"}
TERMINAL = {"SUCCEEDED", "PARTIALLY_SUCCEEDED", "FAILED", "CANCELLED"}
LOST = {"runway": "lost-reply", "replicate": "http-500"}
"""What leads to a parked clip: at Replicate an accepted job is found in the list, so there it must not be accepted."""
FOUND = {"runway": "lost-reply", "replicate": "lost-reply"}
SCENARIOS = {
    "before-park": "lost",
    "after-park": "lost",
    "before-adopt": "found",
    "after-adopt": "found",
    "before-cancel": "cancel",
    "after-cancel": "cancel",
    "before-cancel-flag": "cancel",
    "after-cancel-flag": "cancel",
    **{
        point.format(task): task
        for task in ("enhance", "prompt")
        for point in ("before-{}", "after-{}-intend", "before-{}-record", "after-{}-record")
    },
}
PATIENCE = 60.0


def crash_points() -> list[str]:
    """Every declared point, found by loading the rooms that declare them."""
    import core.crashpoints
    import jobs.life  # noqa: F401 - declares
    import storage.disk  # noqa: F401 - declares

    return sorted(name for name in core.crashpoints.NAMES if "erase" not in name)  # those: test_erasing_kills.py


@dataclass
class Report:
    """What one chain (a vendor and a point) showed."""

    vendor: str
    point: str
    kills: int = 0
    jobs: int = 0
    parked: int = 0
    states: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


@dataclass
class Chain:
    """Runs of one crash point at one vendor, in one data directory."""

    vendor: str
    point: str
    runs: int
    seed: int
    folder: Path
    accepted: list[str] = field(default_factory=list)
    receiver: Receiver = field(default_factory=Receiver)
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1_000_000)))

    def run(self) -> Report:
        """Kill until there are enough kills, settle, judge."""
        report = Report(self.vendor, self.point)
        chance = random.Random(f"{self.seed} {self.vendor} {self.point}")
        emulators = Emulators(self.folder / "emulators", speed=300.0)
        try:
            for _ in range(self.runs * 4):
                if report.kills >= self.runs:
                    break
                passage = chance.choice((1, 1, 2))
                report.kills += self._one(emulators, f"{self.point}:{passage}")
            if report.kills < self.runs:
                report.faults.append(f"only {report.kills} of {self.runs} kills: the point is hardly reached")
            self._judge(emulators, report)
        finally:
            emulators.stop()
            self.receiver.stop()
        return report

    def _one(self, emulators: Emulators, crashpoint: str) -> int:
        """One armed life of the server; 1 if it died of its crash point."""
        server = Server(self.folder, emulators.url, self.receiver.origin, crashpoint)
        try:
            if server.target:
                self._provoke(emulators, server)
            return int(server.died(0.5) and server.process.returncode == -signal.SIGKILL)
        finally:
            server.kill()

    def _provoke(self, emulators: Emulators, server: Server) -> None:
        scenario = SCENARIOS.get(self.point, "")
        if scenario in ("lost", "found"):
            fault = (LOST if scenario == "lost" else FOUND)[self.vendor]
            emulators.ask("/control/script", {"vendor": self.vendor, "match": "submit", "fault": fault, "times": 1})
        try:
            if scenario == "prompt":
                self._quantify(server)
            with server.client() as client:
                job = self._submit(client)
                self._submit(client)
                if scenario == "cancel":
                    self._await_start(client, job)
                    client.CancelJob(video_service_pb2.CancelJobRequest(tenant_name="acme", job_id=job))
                if scenario == "found" and self.vendor == "runway":
                    self._adopt_parked(emulators, client, job)
                self._await_end(client)
        except grpc.RpcError:
            return  # the server died under us, as it should

    def _quantify(self, server: Server) -> None:
        with grpc.insecure_channel(server.target) as channel:
            prompts = prompt_service_pb2_grpc.PromptServiceStub(channel)  # type: ignore[no-untyped-call] # generated
            for number in range(2):
                text = f"marker-{number}-end, vertical"
                request = prompt_service_pb2.QuantifyPromptRequest(tenant_name="acme", creative_id="rig", text=text)
                prompts.QuantifyPrompt(request, timeout=20)

    def _submit(self, client: video_service_pb2_grpc.VideoServiceStub) -> str:
        number = next(self.numbers)
        request = video_service_pb2.GenerateVideoRequest(
            tenant_name="acme",
            creative_id="rig",
            prompt=f"marker-{number}-end",
            model=MODELS[self.vendor],
            request_id=f"rig-{number}",
            webhook=webhook_pb2.Webhook(url=f"{self.receiver.origin}/hook"),
            enhance_prompt=SCENARIOS.get(self.point) == "enhance",
        )
        if self.vendor == "runway":
            request.parameters.duration.seconds = 2
        self.accepted.append(request.prompt)
        return str(client.GenerateVideo(request, timeout=10).job.id)

    def _await_start(self, client: video_service_pb2_grpc.VideoServiceStub, job: str) -> None:
        request = video_service_pb2.WatchJobRequest(tenant_name="acme", job_id=job)
        for answer in client.WatchJob(request, timeout=10):
            if answer.event.attempt_outcome == job_pb2.ATTEMPT_OUTCOME_ACCEPTED:
                return

    def _await_end(self, client: video_service_pb2_grpc.VideoServiceStub) -> None:
        """Until nothing moves any more, or the server dies."""
        end = time.monotonic() + 6
        while time.monotonic() < end:
            if all(ended(job) or parked(job) for job in list_jobs(client)):
                return
            time.sleep(0.1)

    def _adopt_parked(self, emulators: Emulators, client: video_service_pb2_grpc.VideoServiceStub, job: str) -> None:
        request = video_service_pb2.GetJobRequest(tenant_name="acme", job_id=job)
        end = time.monotonic() + 4
        while time.monotonic() < end:
            found = client.GetJob(request, timeout=5).job
            if found.state == job_pb2.JOB_STATE_NEEDS_RESOLUTION:
                task = vendor_jobs(emulators)[found.prompt][0]["id"]
                client.ResolveClip(resolution(found, adopt=task), timeout=5)
                return
            time.sleep(0.05)

    def _judge(self, emulators: Emulators, report: Report) -> None:
        server = Server(self.folder, emulators.url, self.receiver.origin)
        try:
            jobs = self._quiet(server, lambda job: self.vendor == "runway" or not parked(job))
            self._check_parked(emulators, jobs, report)
            self._check_bill(emulators, report)
            self._check_calls(emulators, report)
            self._resolve(emulators, server, jobs)
            jobs = self._quiet(server, lambda job: job.state != job_pb2.JOB_STATE_NEEDS_RESOLUTION)
            self._check_store(server, jobs, report)
            self._check_webhooks(jobs, report)
        finally:
            server.kill()
        report.jobs = len(jobs)
        report.states.update(job_pb2.JobState.Name(job.state).removeprefix("JOB_STATE_") for job in jobs)
        self._check_end(emulators, jobs, report)

    def _quiet(self, server: Server, good: Any) -> list[job_pb2.Job]:
        """All jobs, once every one is terminal or parked (and `good`)."""
        end = time.monotonic() + PATIENCE
        with server.client() as client:
            while True:
                jobs = list_jobs(client)
                busy = [job for job in jobs if not (ended(job) or parked(job)) or not good(job)]
                if not busy or time.monotonic() > end:
                    return jobs
                time.sleep(0.1)

    def _check_webhooks(self, jobs: list[job_pb2.Job], report: Report) -> None:
        """Every end is told, once at least, with one body for each delivery (N7)."""
        terminal = {job.id for job in jobs if ended(job)}
        end = time.monotonic() + PATIENCE
        while not terminal <= self.receiver.ended() and time.monotonic() < end:
            time.sleep(0.1)
        report.faults += self.receiver.faults(terminal)

    def _check_parked(self, emulators: Emulators, jobs: list[job_pb2.Job], report: Report) -> None:
        for job in jobs:
            if parked(job):
                report.parked += 1
                if self.vendor != "runway":
                    report.faults.append(f"{job.id} is parked although the vendor can be asked")
            elif not ended(job):
                report.faults.append(f"{job.id} is stuck in {job_pb2.JobState.Name(job.state)}")
        made = vendor_jobs(emulators)
        for prompt, rows in made.items():
            if len(rows) > 1:
                report.faults.append(f"{prompt}: bought {len(rows)} times")
        known = {job.prompt for job in jobs}
        report.faults += [f"{prompt}: bought, but no job knows it" for prompt in made if prompt not in known]

    def _check_bill(self, emulators: Emulators, report: Report) -> None:
        """The vendor's bill = what is settled + what parked attempts hold that the vendor accepted."""
        made = vendor_jobs(emulators)
        billed = sum(row["billed_micros"] for rows in made.values() for row in rows)
        settled = self._sum(
            "SELECT coalesce(sum(micros), 0) FROM ledger_entry WHERE kind = 'SETTLE' AND stage = 'video'"
        )
        held = 0
        for prompt, quote in self._rows(
            "SELECT job.prompt, attempt.quote_micros FROM attempt JOIN clip ON clip.id = attempt.clip_id "
            "JOIN job ON job.id = clip.job_id WHERE attempt.outcome = 'AMBIGUOUS' AND attempt.end_time IS NULL"
        ):
            held += quote if prompt in made else 0
        if billed != settled + held:
            report.faults.append(f"the vendor bills {billed}, we have settled {settled} and hold {held}")

    def _check_calls(self, emulators: Emulators, report: Report) -> None:
        """The language model's charges = what we have booked, but for answers that were lost; nothing is left open."""
        end = time.monotonic() + PATIENCE
        while self._sum(calling.OPEN) and time.monotonic() < end:
            time.sleep(0.2)
        report.faults += [f"{count} prompts are still open" for (count,) in self._rows(calling.OPEN) if count]
        calls = [SimpleNamespace(**row) for row in self._dicts(calling.CALLS)]
        report.faults += calling.calls_differ(emulators.ask("/control/jobs")["jobs"], calls)

    def _resolve(self, emulators: Emulators, server: Server, jobs: list[job_pb2.Job]) -> None:
        made = vendor_jobs(emulators)
        with server.client() as client:
            for job in jobs:
                if parked(job):
                    rows = made.get(job.prompt)
                    client.ResolveClip(resolution(job, adopt=rows[0]["id"] if rows else ""), timeout=10)

    def _check_store(self, server: Server, jobs: list[job_pb2.Job], report: Report) -> None:
        """Every finished clip's file, fetched by its address as a caller would, is what its row says."""
        with server.client() as client:
            for job in jobs:
                request = video_service_pb2.GetJobRequest(tenant_name="acme", job_id=job.id)
                for video in client.GetJob(request, timeout=10).job.videos:
                    with urllib.request.urlopen(video.url, timeout=10) as reply:  # noqa: S310 - our own server's address
                        digest = hashlib.sha256(reply.read()).hexdigest()
                    if digest != video.sha256:
                        report.faults.append(f"{video.key} is not in the store as its row says")

    def _check_end(self, emulators: Emulators, jobs: list[job_pb2.Job], report: Report) -> None:
        report.faults += [f"{job.id} did not end" for job in jobs if not ended(job)]
        made = vendor_jobs(emulators)
        billed = sum(row["billed_micros"] for rows in made.values() for row in rows)
        settled = self._sum(
            "SELECT coalesce(sum(cost_micros), 0) FROM attempt WHERE coalesce(json_extract(failure, '$.reason'), '') "
            "<> 'SUBMIT_UNKNOWN'"
        )
        if billed != settled:
            report.faults.append(f"in the end the vendor bills {billed}, we have settled {settled}")
        repeated = self._sum("SELECT count(*) - count(DISTINCT key) FROM video")
        if repeated:
            report.faults.append(f"{repeated} videos share a key")
        missing = self._sum(
            "SELECT count(*) FROM clip LEFT JOIN video ON video.clip_id = clip.id "
            "WHERE clip.state = 'SUCCEEDED' AND video.id IS NULL"
        )
        if missing:
            report.faults.append(f"{missing} finished clips have no video")
        gaps = self._sum(
            "SELECT count(*) FROM (SELECT job_id, max(seq) - count(*) AS gap FROM event GROUP BY job_id) WHERE gap"
        )
        if gaps:
            report.faults.append(f"{gaps} jobs have gaps in their events")
        verify = [FILMGATE, "ledger", "verify", "--data-dir", str(self.folder)]
        done = subprocess.run(verify, capture_output=True, text=True, env=environment(), check=False)
        if done.returncode:
            report.faults.append(f"ledger verify: {done.stdout[-300:]} {done.stderr[-300:]}")

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.folder / "filmgate.sqlite")) as connection:
            return connection.execute(query).fetchall()

    def _dicts(self, query: str) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(self.folder / "filmgate.sqlite")) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query)]

    def _sum(self, query: str) -> int:
        return int(self._rows(query)[0][0])


def list_jobs(client: video_service_pb2_grpc.VideoServiceStub) -> list[job_pb2.Job]:
    """Every job of the rig's tenant."""
    jobs: list[job_pb2.Job] = []
    request = video_service_pb2.ListJobsRequest(tenant_name="acme", page_size=200)
    while True:
        answer = client.ListJobs(request, timeout=20)
        jobs.extend(answer.jobs)
        if not answer.next_page_token:
            return jobs
        request.page_token = answer.next_page_token


def resolution(job: job_pb2.Job, *, adopt: str) -> video_service_pb2.ResolveClipRequest:
    """ADOPT what the vendor has; ABANDON what it never got."""
    clip = next(clip for clip in job.clips if clip.state == job_pb2.CLIP_STATE_PARKED)
    request = video_service_pb2.ResolveClipRequest(tenant_name="acme", clip_id=clip.id)
    if adopt:
        request.adopt.vendor_task_id = adopt
    else:
        request.abandon.SetInParent()
    return request


def ended(job: job_pb2.Job) -> bool:
    """Whether the job is over."""
    return job_pb2.JobState.Name(job.state).removeprefix("JOB_STATE_") in TERMINAL


def parked(job: job_pb2.Job) -> bool:
    """Whether the job waits for news."""
    return job.state == job_pb2.JOB_STATE_NEEDS_RESOLUTION


def vendor_jobs(emulators: Emulators) -> dict[str, list[dict[str, Any]]]:
    """The vendor's own jobs by prompt, however it was rewritten."""
    by_prompt: dict[str, list[dict[str, Any]]] = {}
    for row in calling.clips_of(emulators.ask("/control/jobs")["jobs"]):
        by_prompt.setdefault(row["prompt"], []).append(row)
    return by_prompt


def run_chain(vendor: str, point: str, runs: int, seed: int) -> Report:
    """One chain in a folder of its own, which stays only when something is wrong."""
    folder = Path(tempfile.mkdtemp(prefix=f"filmgate-rig-{vendor}-{point}-"))
    try:
        report = Chain(vendor, point, runs, seed, folder).run()
    except Exception as error:  # one chain's trouble is a finding, not the end of the rig
        report = Report(vendor, point, faults=[f"{type(error).__name__}: {error}"])
    if not report.faults:
        shutil.rmtree(folder)
    else:
        report.faults.append(f"kept: {folder}")
    return report


def _wanted(options: argparse.Namespace) -> fleet.Wanted:
    names = ("seed", "replicas", "kills", "freezes", "lease", "outages", "minutes")
    return fleet.Wanted(**{name: getattr(options, name) for name in names})


def _interrupted(number: int, _frame: object) -> None:
    """End at once, and every process with it; folders stay."""
    for process in list(CHILDREN):
        process.kill()
    print("interrupted", flush=True)
    os._exit(128 + number)


def main(arguments: list[str] | None = None) -> int:
    """Run the rig; 0 when no chain has a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--points", default="")
    parser.add_argument("--vendors", default="runway,replicate")
    parser.add_argument("--lanes", type=int, default=0, help="so many at once; 2, and 1 for the mix")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mix", type=int, default=0, help="play the random mix instead, with so many kills")
    parser.add_argument("--lock-seconds", type=float, default=3.0)
    replicas = parser.add_argument_group("the mix on Postgres, with several replicas")
    replicas.add_argument("--postgres", action="store_true")
    replicas.add_argument("--replicas", type=int, default=2)
    replicas.add_argument("--kills", type=int, default=300)
    replicas.add_argument("--freezes", type=int, default=100, help="longer than the lease")
    replicas.add_argument("--lease", type=int, default=4, help="seconds")
    replicas.add_argument("--outages", action="store_true", help="stop Postgres every 5 to 40 s for 0 to 5 s")
    replicas.add_argument("--minutes", type=float, default=0.0, help="for so long, however many kills there are")
    options = parser.parse_args(arguments)
    if options.postgres:
        return fleet.run(_wanted(options), options.points.split(",") if options.points else crash_points())
    if options.mix:
        chosen = options.points.split(",") if options.points else crash_points()
        return mix.run(options.seed, options.mix, chosen, options.lock_seconds, options.lanes or 1)
    points = options.points.split(",") if options.points else crash_points()
    started = time.monotonic()
    with ThreadPoolExecutor(options.lanes or 2) as lanes:
        futures = [
            lanes.submit(run_chain, vendor, point, options.runs, options.seed)
            for point in points
            for vendor in options.vendors.split(",")
        ]
        reports = []
        for future in futures:
            report = future.result()
            reports.append(report)
            states = ", ".join(f"{count} {state}" for state, count in sorted(report.states.items()))
            verdict = "ok" if not report.faults else "FAULT " + "; ".join(report.faults)
            print(
                f"{report.point:20} {report.vendor:10} kills {report.kills:3}  jobs {report.jobs:3} ({states})"
                f"  parked {report.parked}  {verdict}",
                flush=True,
            )
    faults = sum(bool(report.faults) for report in reports)
    kills, jobs = sum(report.kills for report in reports), sum(report.jobs for report in reports)
    print(
        f"{len(reports)} chains, {len(points)} points, {kills} kills, {jobs} jobs, "
        f"{sum(report.parked for report in reports)} parked, {faults} chains with faults; seed {options.seed}, "
        f"{time.monotonic() - started:.0f} s"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, _interrupted)
    sys.exit(main())
