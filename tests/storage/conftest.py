"""A real S3 service on loopback, a faulty road to it, and both stores ready for use."""

import asyncio
import contextlib
import hashlib
import itertools
import json
import re
import subprocess
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from storage.disk import DiskStore
from storage.s3 import S3Store
from storage.s3_options import S3Options
from storage.store import ObjectStore

SECRET = b"0123456789abcdef0123456789abcdef"
BUCKET = "filmgate"


@dataclass(frozen=True, kw_only=True)
class Service:
    """A running S3 service."""

    endpoint: str
    access_key: str
    secret_key: str

    def options(self, **changes: Any) -> S3Options:
        """Options for a store in the test bucket, hurrying between attempts."""
        given: dict[str, Any] = {
            "bucket": BUCKET,
            "endpoint_url": self.endpoint,
            "access_key_id": self.access_key,
            "secret_access_key": self.secret_key,
            "retry_pause": 0.01,
            "threads": 4,
        }
        return S3Options(**{**given, **changes})

    def client(self) -> Any:
        """A plain boto3 client: the independent witness."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(s3={"addressing_style": "path"}, proxies={}),
        )


@dataclass
class Clock:
    """A clock a test can set."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **parts: float) -> None:
        """Let this much time pass."""
        self.now += timedelta(**parts)


@dataclass(frozen=True)
class Fault:
    """What happens to the next request whose line starts with `line`.

    `pass`: nothing bad; `lose`: it arrives, its reply does not; `reset`: cut after the first bytes of its body;
    `cut`: half of the reply; `answer`: this reply instead of the service's; `stall`: nothing at all.
    """

    line: str
    kind: str
    answer: bytes = b""


class FaultProxy:
    """A TCP proxy before the service: counts requests and applies each planned fault once."""

    def __init__(self, upstream_port: int) -> None:
        self._upstream_port = upstream_port
        self.faults: deque[Fault] = deque()
        self.heads: list[str] = []
        self._news = asyncio.Condition()
        self.endpoint = ""
        self._tasks: set[asyncio.Task[None]] = set()

    def count(self, line: str) -> int:
        """How many requests had a line starting so."""
        return sum(head.startswith(line) for head in self.heads)

    async def reached(self, line: str, count: int) -> None:
        """Wait until this many requests had a line starting so."""
        async with self._news:
            await self._news.wait_for(lambda: self.count(line) >= count)

    def plan(self, line: str, kind: str, answer: bytes = b"") -> None:
        """Do this to the next request that starts with `line`, after what was planned before."""
        self.faults.append(Fault(line, kind, answer))

    async def serve(self) -> AsyncIterator["FaultProxy"]:
        """Listen until the generator is closed."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield self
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._exchange(reader, writer)
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        async with self._news:
            self.heads.append(head.decode())
            self._news.notify_all()
        fault = self._fault(head.decode())
        if fault.kind == "stall":
            await asyncio.Event().wait()
        if fault.kind == "answer":
            writer.write(fault.answer)
            await writer.drain()
            writer.close()
            await writer.wait_closed()
            return
        upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", self._upstream_port)
        try:
            upstream.write(head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            replies = asyncio.create_task(self._replies(upstream_reader, writer, fault.kind))
            await self._body(head, reader, upstream, cut=fault.kind == "reset")
            await replies
        finally:
            upstream.transport.abort()

    def _fault(self, line: str) -> Fault:
        if self.faults and line.startswith(self.faults[0].line):
            return self.faults.popleft()
        return Fault("", "pass")

    async def _body(
        self, head: bytes, reader: asyncio.StreamReader, upstream: asyncio.StreamWriter, *, cut: bool
    ) -> None:
        length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
        left = int(length[1]) if length else 0
        while left:
            part = await reader.read(min(left, 65536))
            if not part or cut:
                raise ConnectionResetError
            upstream.write(part)
            await upstream.drain()
            left -= len(part)

    async def _replies(self, upstream: asyncio.StreamReader, writer: asyncio.StreamWriter, kind: str) -> None:
        """Pass the reply on, or half of it, or when it is to be lost only interim ones; always wait for its end."""
        head = await upstream.readuntil(b"\r\n\r\n")
        while head.startswith(b"HTTP/1.1 100"):
            writer.write(head)
            head = await upstream.readuntil(b"\r\n\r\n")
        final = head + await upstream.read()
        if kind != "lose":
            writer.write(final if kind != "cut" else final[: len(final) // 2])
            await writer.drain()
            writer.close()
            await writer.wait_closed()


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """OpenStack Swift with its S3 API, one process, in a directory of this run."""
    script = Path(__file__).with_name("swift_server.py")
    command = [sys.executable, "-W", "ignore", str(script), str(tmp_path_factory.mktemp("swift"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            started = Service(**json.loads(process.stdout.readline()))
            client = started.client()
            client.create_bucket(Bucket=BUCKET)
            client.close()
            yield started
        finally:
            process.kill()


@pytest.fixture
def witness(service: Service) -> Iterator[Any]:
    """A plain boto3 client of the service."""
    client = service.client()
    yield client
    client.close()


@pytest.fixture
async def proxy(service: Service) -> AsyncIterator[FaultProxy]:
    """A road to the service that can be made faulty."""
    async for proxy in FaultProxy(int(service.endpoint.rpartition(":")[2])).serve():
        yield proxy


@pytest.fixture
async def faulty(service: Service, proxy: FaultProxy) -> AsyncIterator[S3Store]:
    """A store that reaches the service through the proxy, with small parts and a short patience."""
    options = service.options(
        endpoint_url=proxy.endpoint, read_timeout=2.0, single_put_bytes=6 << 20, part_bytes=5 << 20
    )
    store = S3Store(options)
    yield store
    await store.close()


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still until told."""
    return Clock()


@pytest.fixture
async def disk(tmp_path: Path, clock: Clock) -> AsyncIterator[DiskStore]:
    """A disk store with a settable clock."""
    store = DiskStore(tmp_path / "media", secret=SECRET, public_base_url="http://films.example", clock=clock)
    yield store
    await store.close()


@pytest.fixture
async def s3(service: Service) -> AsyncIterator[S3Store]:
    """An S3 store on the real service."""
    store = S3Store(service.options())
    yield store
    await store.close()


@pytest.fixture(params=["disk", "s3"])
def store(request: pytest.FixtureRequest) -> ObjectStore:
    """Each of the two stores."""
    made: ObjectStore = request.getfixturevalue(request.param)
    return made


_spaces = itertools.count()


@pytest.fixture
def space() -> str:
    """A key prefix nobody else uses, without a slash at its end."""
    return f"videos/tenant-{next(_spaces)}"


MakeFile = Callable[[bytes], tuple[Path, str]]


@pytest.fixture
def make_file(tmp_path: Path) -> MakeFile:
    """Writes a local file; returns its path and SHA-256."""
    numbers = itertools.count()

    def make(data: bytes) -> tuple[Path, str]:
        path = tmp_path / f"local-{next(numbers)}"
        path.write_bytes(data)
        return path, hashlib.sha256(data).hexdigest()

    return make
