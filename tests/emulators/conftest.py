"""One emulator server for the whole folder, in a thread of its own; others on demand in the test's own loop."""

import asyncio
import contextlib
import io
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvloop
from PIL import Image

from emulators.server import EmulatorServer
from emulators.vendor import Vendor
from emulators.world import Options
from tests.emulators.driving import NO_TLS, Inbox, Start


@contextlib.contextmanager
def in_thread(loop: asyncio.AbstractEventLoop, folder: Path) -> Iterator[str]:
    """A server at 2,000 times real speed that plays faults asked for in prompts."""
    started: list[str] = []
    ready, done = threading.Event(), asyncio.Event()

    async def serve() -> None:
        server = EmulatorServer(options=Options(speed=2000, allow_prompt_faults=True))
        started.append(await server.start(data_dir=folder))
        ready.set()
        await done.wait()
        await server.stop()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(30)
    yield started[0]
    loop.call_soon_threadsafe(done.set)
    thread.join(30)
    loop.close()


@pytest.fixture(scope="session")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server that most tests share."""
    with in_thread(asyncio.new_event_loop(), tmp_path_factory.mktemp("emulators")) as url:
        yield url


@pytest.fixture
def uvloop_url(tmp_path: Path) -> Iterator[str]:
    """The same on the event loop of production."""
    with in_thread(uvloop.new_event_loop(), tmp_path) as url:
        yield url


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts servers with options (and `vendors`) of the test's own, on one data folder, and stops them in the end."""
    servers: list[EmulatorServer] = []

    async def begin(vendors: Sequence[Vendor] | None = None, **options: Any) -> EmulatorServer:
        server = EmulatorServer(options=Options(**options), vendors=vendors)
        await server.start(data_dir=tmp_path)
        servers.append(server)
        return server

    yield begin
    for server in servers:
        await server.stop()


@pytest.fixture(scope="session")
def http(base_url: str) -> Iterator[httpx.Client]:
    """A client of the shared server that follows no redirect."""
    with httpx.Client(base_url=base_url, trust_env=False, verify=NO_TLS, timeout=20) as client:
        yield client


@pytest.fixture(scope="session")
def png() -> bytes:
    """A 128 x 64 picture."""
    stream = io.BytesIO()
    Image.new("RGB", (128, 64), "teal").save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    """A server that keeps the webhooks it is sent; its `url` is their address."""
    box = Inbox()
    server = await asyncio.start_server(box.receive, "127.0.0.1", 0)
    box.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/webhooks/replicate/tok1?x=1"
    yield box
    server.close()
    await server.wait_closed()
