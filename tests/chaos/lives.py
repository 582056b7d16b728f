"""Processes of the rig: the emulators, and replicas of the server that are armed, frozen, starved and killed."""

import json
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import sqlalchemy as sa
from filmgate.v1 import video_service_pb2_grpc

from core.database import sqlite_engine
from core.postgres import postgres_engine

FILMGATE = str(Path(sys.executable).with_name("filmgate"))
MOCK_KEYS = ("RUNWAY", "REPLICATE", "AWS", "S3_", "FILMGATE", "OPENAI", "GOOGLE", "LUMA", "PIKA", "FAL", "STABILITY")

CHILDREN: "weakref.WeakSet[subprocess.Popen[str]]" = weakref.WeakSet()
"""Every process of the rig, for whoever must end them all at once."""


class Emulators:
    """`filmgate emulate` as a process of its own."""

    def __init__(self, data_dir: Path, speed: float) -> None:
        command = [FILMGATE, "emulate", "--port", "0", "--data-dir", str(data_dir)]
        data_dir.mkdir(parents=True, exist_ok=True)
        with (data_dir / "emulators.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--speed", str(speed)], stdout=subprocess.PIPE, stderr=log, text=True, env=environment()
            )
        CHILDREN.add(self.process)
        assert self.process.stdout is not None
        self.url = first_url(self.process.stdout.readline())

    def ask(self, path: str, body: Any = None) -> Any:
        """One call of the control API."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method="GET" if data is None else "POST")  # noqa: S310 - our own loopback emulator
        with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310 - as above
            return json.loads(reply.read())

    def stop(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.wait(10)
        if self.process.stdout is not None:
            self.process.stdout.close()


def first_url(line: str) -> str:
    """The http URL in a line of output."""
    return next(word for word in line.split() if word.startswith("http"))


def environment(**more: str) -> dict[str, str]:
    """The environment of a child: nothing that could reach a paid API."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(MOCK_KEYS)}
    return kept | more


class Server:
    """`filmgate serve`, perhaps armed."""

    def __init__(
        self,
        data_dir: Path,
        emulator_url: str,
        webhooks: str,
        crashpoint: str = "",
        *,
        http_port: int = 0,
        more: Mapping[str, str] | None = None,
        log: str = "server.log",
    ) -> None:
        settings = {
            "FILMGATE_WEBHOOK_ORIGINS": webhooks,
            "FILMGATE_EMULATOR_URL": emulator_url,
            "FILMGATE_MOCK": "always",
            "FILMGATE_LLM": "mock",
            "FILMGATE_LLM_TIMEOUT": "2",
            "FILMGATE_LOOKUP_SETTLE": "1",
            "FILMGATE_LOG_LEVEL": "warning",
            **(more or {}),
        }
        if crashpoint:
            settings["FILMGATE_CRASHPOINT"] = crashpoint
        command = [FILMGATE, "serve", "--grpc-port", "0", "--http-port", str(http_port)]
        self._log = (data_dir / log).open("ab")
        self._log_path, self._log_start = data_dir / log, self._log.tell()
        self._reader: threading.Thread | None = None
        self.process = subprocess.Popen(
            [*command, "--data-dir", str(data_dir)],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=environment(**settings),
        )
        CHILDREN.add(self.process)
        self.born = time.monotonic()
        self.http = ""
        """Host and port of its HTTP edge, once it serves."""
        self.target = self._ready()
        """Host and port of gRPC; empty when it ended before it served."""

    def _ready(self) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("filmgate ready"):
                self._reader = threading.Thread(target=self.process.stdout.read, daemon=True)
                self._reader.start()
                places = dict(part.split("=", 1) for part in line.split()[2:])
                self.http = places["http"]
                return places["grpc"]
        return ""

    @property
    def executor(self) -> str:
        """Its name among those that share a Postgres, from its log."""
        with self._log_path.open("rb") as log:
            log.seek(self._log_start)
            entries = [json.loads(line) for line in log if b"a lease was taken" in line]
        return str(entries[0]["executor"])

    @contextmanager
    def client(self) -> Iterator[video_service_pb2_grpc.VideoServiceStub]:
        """A stub on a channel of its own."""
        with grpc.insecure_channel(self.target) as channel:
            yield video_service_pb2_grpc.VideoServiceStub(channel)  # type: ignore[no-untyped-call]  # generated code

    def died(self, timeout: float) -> bool:
        """Whether the process is gone within `timeout` seconds."""
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        return True

    def freeze(self) -> None:
        """SIGSTOP."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    def fill_disk(self, largest: int) -> None:
        """From now on no file of its may grow beyond so many bytes: every such write fails."""
        _, hard = resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (largest, hard))

    def empty_disk(self) -> None:
        """Files may grow again."""
        _, hard = resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (hard, hard))

    def stop(self) -> bool:
        """SIGTERM; whether it ended by itself, and well."""
        self.process.send_signal(signal.SIGTERM)
        return self.died(35.0) and self.process.returncode == 0

    def kill(self) -> None:
        """SIGKILL, if it still lives."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._log.close()
        if self._reader is not None:
            self._reader.join()
        if self.process.stdout is not None:
            self.process.stdout.close()


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where replicas run: all that they share."""

    folder: Path
    emulator_url: str
    webhooks: str
    http_port: int
    """Of the public address: the server's own on SQLite, the balancer's before replicas."""
    database_urls: tuple[str, ...] = ()
    """Ways to one Postgres, which replicas take in turn; none: SQLite in the folder."""
    lease: int = 4

    def replica(self, crashpoint: str = "", number: int = 0) -> Server:
        """Start one, perhaps armed. `number` tells replicas apart that run at the same time."""
        settings = {
            "FILMGATE_MOCK": "auto",
            "FILMGATE_TENANT_CLIPS": "50",
            "FILMGATE_PUBLIC_URL": f"http://127.0.0.1:{self.http_port}",
            "COG_BASE_URL": f"hotshot-xl={self.emulator_url}/cog/hotshot-xl",
        }
        port, log = self.http_port, "server.log"
        if self.database_urls:
            port, log = 0, f"replica-{number}.log"
            settings |= self.variables(number) | {
                "FILMGATE_LEASE_SECONDS": str(self.lease),
                "FILMGATE_LOG_LEVEL": "info",
                "FILMGATE_LOG_FORMAT": "json",
            }
        server = (self.folder, self.emulator_url, self.webhooks, crashpoint)
        return Server(*server, http_port=port, more=settings, log=log)

    def variables(self, number: int = 0) -> dict[str, str]:
        """What says where the database is, beside the folder."""
        urls = self.database_urls
        return {"FILMGATE_DATABASE_URL": urls[number % len(urls)]} if urls else {}

    def engine(self) -> sa.Engine:
        """A way to look at the database: each connection sees one moment of it."""
        if self.database_urls:
            return postgres_engine(
                self.database_urls[0], application_name="rig", pool_size=3, isolation="REPEATABLE READ", pre_ping=True
            )
        return sqlite_engine(self.folder / "filmgate.sqlite", begin="BEGIN", pool_size=1)


def free_port() -> int:
    """A port that nobody listens on, and that no outgoing connection takes while its server is down."""
    while True:
        port = random.randrange(20_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
