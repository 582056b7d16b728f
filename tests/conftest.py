"""What all tests share: no test can reach a paid API, and the real application on free ports with mocked vendors."""

import asyncio
import ipaddress
import logging
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import structlog

from server import settings
from tests.postgres import Postgres

settings.quiet_grpc()
for _name in tuple(os.environ):
    # A developer's own keys and settings must not change what a test does, or be spent by it.
    if _name not in settings.for_child():
        del os.environ[_name]
for _name in ("COLUMNS", "LINES"):
    # Nor must the size of a terminal; readline hands it on to the workers of pytest-xdist.
    os.environ.pop(_name, None)

hypothesis.settings.register_profile(
    "filmgate",
    deadline=None,  # how long an example takes says how busy the machine is
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize=True,  # a run tells of the change, not of its luck; `--hypothesis-profile=default` looks further
)
hypothesis.settings.load_profile("filmgate")

_LONGEST = {"upgrade", "chaos", "replicas", "life"}
"""Folders with few tests that take long."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let those go first: at the end they would keep one worker busy for minutes, and the other one idle."""
    items.sort(key=lambda item: _LONGEST.isdisjoint(item.path.relative_to(Path(__file__).parent).parts))


_reached_out: list[str] = []


def _refuse_the_world(event: str, arguments: tuple[Any, ...]) -> None:
    """The global switch: whatever connects beyond this machine fails at once, and its test with it."""
    if event != "socket.connect":
        return
    address = arguments[1]
    if not isinstance(address, tuple) or _is_here(str(address[0])):
        return
    _reached_out.append(f"{address[0]}:{address[1]}")
    raise ConnectionRefusedError(f"tests may not connect to {address[0]}")


def _is_here(host: str) -> bool:
    try:
        ip = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host in {"localhost", ""}
    return ip.is_loopback or ip.is_unspecified


sys.addaudithook(_refuse_the_world)


@pytest.fixture(autouse=True)
def no_paid_api() -> Iterator[None]:
    """Fail the test that tried to leave this machine, even if it swallowed the error."""
    _reached_out.clear()
    yield
    assert _reached_out == [], "a test tried to connect to the outside"


@pytest.fixture(autouse=True)
def log_of_its_own() -> Iterator[None]:
    """Undo what a test, or a command that it ran, did to the log: its stream is closed when the test is over."""
    configuration, root = structlog.get_config(), logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.configure(**configuration)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A Postgres server, for as long as this process of tests runs."""
    server = Postgres()
    yield server
    server.remove()


@dataclass(frozen=True, kw_only=True)
class Served:
    """A server that runs in a thread of its own, for tests that call it as a client would."""

    application: Any
    """`server.app.Application`; call into it through `run`."""
    loop: asyncio.AbstractEventLoop
    data_dir: Path

    @property
    def target(self) -> str:
        """Of gRPC."""
        return f"127.0.0.1:{self.application.grpc_port}"

    @property
    def url(self) -> str:
        """Of the HTTP edge."""
        return f"http://127.0.0.1:{self.application.http_port}"

    def run(self, coroutine: Any) -> Any:
        """The result of a coroutine on the server's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(60)


@contextmanager
def serving(data_dir: Path, **overrides: object) -> Iterator[Served]:
    """Run the application in a thread until the block ends. One at a time: the engine is one per process."""
    from server.app import Application

    chosen = settings.load({}, **(_defaults(data_dir) | overrides))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        served = Served(application=Application(chosen), loop=loop, data_dir=data_dir)
        served.run(served.application.start())
        try:
            yield served
        finally:
            served.run(served.application.stop())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _defaults(data_dir: Path) -> dict[str, Any]:
    return {"data_dir": data_dir, "grpc_port": 0, "http_port": 0, "mock": "always", "emulator_speed": 50_000.0}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One running server for all tests of a module; each test takes a tenant of its own."""
    with serving(tmp_path_factory.mktemp("served")) as running:
        yield running


@pytest.fixture
async def application(tmp_path: Path) -> AsyncIterator[Any]:
    """The real application on this test's loop: mocked vendors, embedded store, free ports."""
    from server.app import Application

    running = Application(settings.load({}, **_defaults(tmp_path)))
    await running.start()
    yield running
    await running.stop()
