"""Real servers on loopback that behave as a test scripts them, byte by byte."""

import asyncio
import contextlib
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest
import trustme

from tests.jobs.office import Office, Open

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Served:
    """A listening server: its port, and the head and body of every request it has read."""

    port: int
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0


class Serve(Protocol):
    """Starts a server that hands every connection to `script`, after reading one request unless `read` is False."""

    async def __call__(
        self, script: Script, *, host: str = ..., port: int = ..., tls: ssl.SSLContext | None = ..., read: bool = ...
    ) -> Served: ...


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """A factory of servers that are gone, with their connections, when the test is over."""
    handlers: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}
    servers: list[asyncio.Server] = []

    async def start(
        script: Script, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None, read: bool = True
    ) -> Served:
        served = Served(0)

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            served.connections += 1
            task = asyncio.current_task()
            assert task is not None
            handlers[writer] = task
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):  # the client has gone
                if read:
                    served.heads.append(await reader.readuntil(b"\r\n\r\n"))
                    length = re.search(rb"(?i)content-length: *(\d+)", served.heads[-1])
                    served.bodies.append(await reader.readexactly(int(length[1]) if length else 0))
                await script(reader, writer)
                await writer.drain()
            writer.close()

        server = await asyncio.start_server(handle, host, port, ssl=tls)
        servers.append(server)
        served.port = server.sockets[0].getsockname()[1]
        return served

    yield start
    for server in servers:
        server.close()
    for writer in handlers:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    await asyncio.gather(*handlers.values())


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A certificate authority of our own."""
    return trustme.CA()


@pytest.fixture(scope="session")
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """A client's TLS settings that trust it."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Open]:
    """`office(seconds=1.0)`: outgoing webhooks on a database of the test's own, closed after it."""
    made: list[Office] = []

    def open_one(**options: Any) -> Office:
        made.append(Office(tmp_path, **options))
        return made[-1]

    yield open_one
    for each in made:
        await each.close()
