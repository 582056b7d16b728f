"""The embedded database's file is locked, cannot grow, or may not be written: told clearly, and nothing is stranded."""

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import grpc
import pytest
from filmgate.v1 import job_pb2
from filmgate.v1 import video_service_pb2 as pb

from tests.chaos.lives import FILMGATE, Emulators, Server, environment
from tests.server.calling import Refusal, read_refusal, wanted

JOBS = 3
SLOW, FAST = 0.01, 2000.0
PATIENCE = 90.0
CANNOT_START = 3
SMALL = 4096
"""Bytes beyond which no file may grow: every file of the database is larger."""

ENDED = {job_pb2.JOB_STATE_SUCCEEDED}
WITH_VENDOR = {job_pb2.PROGRESS_STAGE_VENDOR_QUEUED, job_pb2.PROGRESS_STAGE_VENDOR_RUNNING}
OBEDIENT = """
import ctypes, os, sys
for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: root obeys the modes of files then, too
    ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


class Site:
    """A data folder with an emulator beside it, and the server's lives on it."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.emulators = Emulators(folder / "vendors", SLOW)
        stack.callback(self.emulators.stop)
        self._stack = stack
        self.server = self.start()

    def start(self) -> Server:
        """The next life."""
        self.server = Server(self.folder, self.emulators.url, "")
        self._stack.callback(self.server.kill)
        return self.server

    def refusal_to_start(self, limit: int | None = None) -> str:
        """What a server says that cannot start, perhaps for a limit on the size of files."""
        command = [FILMGATE, "serve", "--grpc-port=0", "--http-port=0", f"--data-dir={self.folder}"]
        command = [sys.executable, "-c", OBEDIENT, *command]
        if limit is not None:
            command = ["sh", "-c", f'ulimit -f {limit // 512}; exec "$@"', "sh", *command]
        variables = environment(FILMGATE_MOCK="always", FILMGATE_EMULATOR_URL=self.emulators.url)
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
        assert done.returncode == CANNOT_START, done.stderr
        return done.stderr

    def order(self, prompt: str) -> Refusal | None:
        """Why a job was not taken, if it was not."""
        with self.server.client() as client:
            try:
                client.GenerateVideo(wanted("acme", prompt=prompt, request_id=prompt.replace(" ", "-")), timeout=60)
            except grpc.RpcError as error:
                return read_refusal(error)
        return None

    def jobs(self) -> list[job_pb2.Job]:
        """All jobs."""
        with self.server.client() as client:
            return list(client.ListJobs(pb.ListJobsRequest(tenant_name="acme", page_size=100), timeout=30).jobs)

    def begin(self) -> None:
        """Order some jobs, which the vendor does not finish before it is told to."""
        self.order_many("clip")

    def order_many(self, prompt: str) -> None:
        """Some jobs, until each is known to be the vendor's: a kill loses no reply of it then."""
        for number in range(JOBS):
            assert self.order(f"{prompt} {number}") is None
        _eventually(lambda: all(job.state in ENDED or job.progress.stage in WITH_VENDOR for job in self.jobs()))

    def judge(self, jobs: int) -> None:
        """Everything goes on: every job succeeds, each bought once, and file and books are sound."""
        self.emulators.ask("/control/speed", {"speed": FAST})
        _eventually(lambda: [job.state for job in self.jobs()] == [job_pb2.JOB_STATE_SUCCEEDED] * jobs)
        assert len(self.emulators.ask("/control/jobs")["jobs"]) == jobs
        assert self.server.stop()
        with closing(sqlite3.connect(self.folder / "filmgate.sqlite")) as file:
            assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        verdict = subprocess.run(
            [FILMGATE, "ledger", "verify", f"--data-dir={self.folder}"],
            capture_output=True,
            text=True,
            check=False,
            env=environment(),
        )
        assert verdict.returncode == 0, verdict.stdout


def _eventually(look: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A server with jobs under way."""
    with ExitStack() as stack:
        site = Site(tmp_path, stack)
        site.begin()
        yield site


@pytest.fixture
def lock_seconds(request: pytest.FixtureRequest) -> float:
    """For how long another program holds the file."""
    return float(request.config.getoption("--lock-seconds", 2.0))


@contextmanager
def _locked(folder: Path, seconds: float) -> Iterator[None]:
    """Another program writes, until so many seconds after the block has begun."""
    begun = time.monotonic()
    with closing(sqlite3.connect(folder / "filmgate.sqlite", isolation_level=None, timeout=30)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
            time.sleep(max(0.0, begun + seconds - time.monotonic()))
        finally:
            other.execute("ROLLBACK")


def _unavailable(refusal: Refusal | None, says: str) -> None:
    assert refusal is not None
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE")
    assert refusal.retry_after
    assert says in refusal.message


@pytest.mark.timeout(300)
def test_locked_by_another_program(site: Site, lock_seconds: float) -> None:
    refusals: list[Refusal | None] = []
    ordering = threading.Thread(target=lambda: refusals.append(site.order("while locked")))
    with _locked(site.folder, lock_seconds):
        ordering.start()
        assert len(site.jobs()) == JOBS  # reading goes on
    ordering.join()
    if refusals != [None]:
        _unavailable(refusals[0], "another program has locked it")
    assert site.order("while locked") is None
    _eventually(lambda: all(job.progress.stage in WITH_VENDOR for job in site.jobs()))
    site.server.kill()
    starting = threading.Thread(target=site.start)
    with _locked(site.folder, lock_seconds):
        starting.start()
    starting.join()
    if not site.server.target:  # it was locked for longer than is waited for
        site.start()
    site.judge(JOBS + 1)


@pytest.mark.timeout(300)
def test_a_full_disk(site: Site) -> None:
    site.server.fill_disk(SMALL)
    _unavailable(site.order("while full"), "free space")
    assert len(site.jobs()) == JOBS
    site.emulators.ask("/control/speed", {"speed": FAST})  # what is finished now cannot be written down
    _unavailable(site.order("while full"), "free space")
    site.server.empty_disk()
    _eventually(lambda: site.order("while full") is None)
    _eventually(lambda: [job.state for job in site.jobs()] == [job_pb2.JOB_STATE_SUCCEEDED] * (JOBS + 1))
    site.emulators.ask("/control/speed", {"speed": SLOW})
    site.order_many("before the kill")
    site.server.fill_disk(SMALL)
    site.server.kill()
    assert "free space" in site.refusal_to_start(limit=SMALL)
    site.start().fill_disk(SMALL)  # while it takes up what the last life left
    _unavailable(site.order("while full again"), "free space")
    site.server.empty_disk()
    site.judge(2 * JOBS + 1)


@pytest.mark.timeout(300)
def test_a_file_that_may_not_be_written(site: Site) -> None:
    site.server.kill()
    file = site.folder / "filmgate.sqlite"
    file.chmod(0o444)
    assert "read-only" in site.refusal_to_start()
    file.chmod(0o000)
    assert "cannot be opened" in site.refusal_to_start()
    file.chmod(0o600)
    site.start()
    site.judge(JOBS)
