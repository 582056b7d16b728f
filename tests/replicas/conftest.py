"""Replicas: real `filmgate serve` processes on one Postgres, with one `filmgate emulate` beside them."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import grpc
import psycopg
import pytest
from filmgate.v1 import job_pb2
from filmgate.v1 import video_service_pb2 as pb

from tests.postgres import Postgres
from tests.server.calling import Stub, stub_on, wanted

FILMGATE = str(Path(sys.executable).with_name("filmgate"))
LEASE = 4
PATIENCE = 180.0
TERMINAL = {
    job_pb2.JOB_STATE_SUCCEEDED,
    job_pb2.JOB_STATE_PARTIALLY_SUCCEEDED,
    job_pb2.JOB_STATE_FAILED,
    job_pb2.JOB_STATE_CANCELLED,
}
Found = TypeVar("Found")


def eventually(look: Callable[[], Found], patience: float = PATIENCE) -> Found:
    """What `look` finds, as soon as it finds anything."""
    end = time.monotonic() + patience
    while not (found := look()):
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)
    return found


class Process:
    """A `filmgate` process, and its log."""

    program: tuple[str, ...] = (FILMGATE,)
    more: ClassVar[Mapping[str, str]] = {}
    """Variables of all of a kind."""

    def __init__(self, log: Path, *arguments: str, **variables: str) -> None:
        self.log = log
        environment = {"PATH": os.environ["PATH"], "GRPC_ENABLE_FORK_SUPPORT": "0", **self.more, **variables}
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(
                [*self.program, *arguments], stdout=subprocess.PIPE, stderr=stderr, text=True, env=environment
            )

    def first_line(self) -> str:
        """What it says once it serves."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.log.read_text()
        return line

    def send(self, number: signal.Signals) -> None:
        """A signal."""
        self.process.send_signal(number)

    def end(self) -> int:
        """Kill it unless it has ended; its exit status."""
        if self.process.poll() is None:
            self.send(signal.SIGKILL)
        status = self.process.wait(30)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return status


class Replica(Process):
    """One server."""

    def __init__(self, fleet: "Fleet", number: int, variables: Mapping[str, str]) -> None:
        usual = {
            "FILMGATE_DATABASE_URL": fleet.urls[number % 2],
            "FILMGATE_EMULATOR_URL": fleet.emulator_url,
            "FILMGATE_MOCK": "always",
            "FILMGATE_LEASE_SECONDS": str(LEASE),
            "FILMGATE_TENANT_CLIPS": "100",
            "FILMGATE_LOG_LEVEL": "info",
        }
        super().__init__(
            fleet.folder / f"replica-{number}.log",
            *("serve", "--grpc-port=0", "--http-port=0", f"--data-dir={fleet.folder}"),
            **{**usual, **variables},
        )

    def connect(self) -> "Replica":
        """Return once it serves, with a stub on it."""
        words = dict(word.split("=") for word in self.first_line().split() if "=" in word)
        self.http = f"http://{words['http']}"
        self.channel = grpc.insecure_channel(words["grpc"])
        self.stub: Stub = stub_on(self.channel)
        return self

    @property
    def executor(self) -> str:
        """Its name among the others, from its log."""
        [entry] = [json.loads(line) for line in self.log.read_text().splitlines() if "a lease was taken" in line]
        return str(entry["executor"])

    def order(self, prompt: str, **fields: Any) -> str:
        """A job's id."""
        return str(self.stub.GenerateVideo(wanted("acme", prompt=prompt, **fields), timeout=30).job.id)

    def job(self, job_id: str) -> job_pb2.Job:
        """A job as it is now."""
        answer: pb.GetJobResponse = self.stub.GetJob(pb.GetJobRequest(tenant_name="acme", job_id=job_id), timeout=30)
        return answer.job

    def jobs(self) -> list[job_pb2.Job]:
        """All jobs."""
        return list(self.stub.ListJobs(pb.ListJobsRequest(tenant_name="acme", page_size=200), timeout=30).jobs)

    def all_ended(self) -> list[job_pb2.Job]:
        """All jobs, once every one has ended."""

        def look() -> list[job_pb2.Job]:
            jobs = self.jobs()
            return jobs if all(job.state in TERMINAL for job in jobs) else []

        return eventually(look)


class Fleet:
    """A database, an emulator, and the servers on them."""

    def __init__(self, folder: Path, urls: tuple[str, str], emulator_url: str, stack: ExitStack) -> None:
        self.folder = folder
        self.urls = urls
        self.url = urls[0]
        self.emulator_url = emulator_url
        self._stack = stack
        self._started = 0

    def start(self, count: int = 1, kind: type[Replica] = Replica, **variables: str) -> list[Replica]:
        """So many servers more, started at once; `variables` are added to their environment."""
        replicas = []
        for _ in range(count):
            self._started += 1
            replica = kind(self, self._started, variables)
            self._stack.callback(replica.end)
            replicas.append(replica)
        for replica in replicas:
            self._stack.callback(replica.connect().channel.close)
        return replicas

    def control(self, path: str, order: Any = None) -> Any:
        """Ask the emulator's control API: POST when there is an order, else GET."""
        data = None if order is None else json.dumps(order).encode()
        request = urllib.request.Request(f"{self.emulator_url}/control/{path}", data=data)  # noqa: S310 - loopback
        with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310 - loopback
            return json.loads(reply.read())

    def speed(self, speed: float) -> None:
        """How much faster than real the vendors are, from now on."""
        self.control("speed", {"speed": speed})

    def bought(self) -> Counter[str]:
        """Prompt -> how often it was bought at the vendor."""
        return Counter(job["prompt"] for job in self.control("jobs")["jobs"])

    def query(self, text: str) -> list[tuple[Any, ...]]:
        """Rows of the database."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(text.encode()).fetchall()

    def pending(self) -> Counter[str]:
        """Executor -> runs it works on."""
        rows = self.query("SELECT executor_id, count(*) FROM dbos.workflow_status WHERE status = 'PENDING' GROUP BY 1")
        return Counter(dict(rows))

    def judge(self) -> None:
        """Nothing was bought twice, and the books are right."""
        assert set(self.bought().values()) <= {1}
        done = subprocess.run(
            [FILMGATE, "ledger", "verify"],
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": os.environ["PATH"], "FILMGATE_DATABASE_URL": self.url},
        )
        assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def fleet_on(postgres: Postgres, folder: Path, *, speed: float) -> Iterator[Fleet]:
    """An empty database, and an emulator at this speed; every other server comes by TCP, the rest by unix socket."""
    with ExitStack() as stack:
        name = stack.enter_context(postgres.database())
        emulator = Process(
            folder / "emulator.log", "emulate", "--port=0", f"--data-dir={folder}/vendors", f"--speed={speed}"
        )
        stack.callback(emulator.end)
        emulator_url = next(word for word in emulator.first_line().split() if word.startswith("http"))
        yield Fleet(folder, (postgres.url(name), postgres.url(name, tcp=True)), emulator_url, stack)


@pytest.fixture
def fleet(postgres: Postgres, tmp_path: Path) -> Iterator[Fleet]:
    """Its vendors are slow, until a test has seen enough."""
    with fleet_on(postgres, tmp_path, speed=0.01) as fleet:
        yield fleet
