"""The emulator server: all vendors on one loopback port, inside another process' event loop or alone."""

import asyncio
import contextlib
import ipaddress
import signal
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from emulators import control, exchange, files
from emulators.courier import Courier
from emulators.discovery import checked, discovered
from emulators.vendor import Vendor
from emulators.wire import TransportProtocol
from emulators.world import Options, World
from media.pool import MediaPool

DEFAULT_OPTIONS = Options()


class _Server(uvicorn.Server):
    """uvicorn without its grip on the process: signals stay the host's."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self.ready.set()


class EmulatorServer:
    """Every emulated vendor on one port; `{base_url}/runway` stands for Runway's real host, and so on."""

    def __init__(
        self,
        *,
        options: Options = DEFAULT_OPTIONS,
        pool: MediaPool | None = None,
        vendors: Sequence[Vendor] | None = None,
    ) -> None:
        """`pool` draws the clips and stays the caller's; without one the server has its own.

        `vendors` are those of `emulators/vendors/` unless named. Raises ValueError when they do not fit together.
        """
        self._vendors = discovered() if vendors is None else checked(vendors)
        self._options = options
        self._given_pool = pool
        self._stack = contextlib.AsyncExitStack()
        self.base_url = ""

    async def start(
        self, *, data_dir: Path, host: str = "127.0.0.1", port: int = 0, public_url: str | None = None
    ) -> str:
        """Listen and return the base URL. State lives in `{data_dir}/emulators`.

        `public_url` is what clients reach us by, if it is not host and port. Raises ValueError for a host beyond
        loopback unless `allow_remote`, OSError when the port is taken.
        """
        if not self._options.allow_remote and not ipaddress.ip_address(host).is_loopback:
            raise ValueError("emulators listen on loopback only, unless allow_remote is set")
        async with contextlib.AsyncExitStack() as stack:
            listener = stack.enter_context(_listener(host, port))
            bound = listener.getsockname()
            name = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
            self.base_url = public_url or f"http://{name}:{bound[1]}"
            pool = self._given_pool
            if pool is None:
                pool = await stack.enter_async_context(MediaPool())
            world = await stack.enter_async_context(_opened(data_dir, self._options, pool, self._vendors))
            world.base_url = self.base_url
            courier = Courier(world)
            stack.push_async_callback(courier.close)
            await stack.enter_async_context(_serving(application(world, courier), listener))
            stack.callback(world.closing.set)
            await courier.rearm()
            self._stack = stack.pop_all()
        return self.base_url

    async def stop(self) -> None:
        """Close every connection, the held ones too, and the ledger."""
        await self._stack.aclose()


def application(world: World, courier: Courier) -> Starlette:
    """The ASGI application of all vendors; it needs `TransportProtocol` below it."""
    return Starlette(routes=[*control.routes(world, courier), *files.routes(world), *exchange.mounts(world, courier)])


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio switches Nagle off; without it every small answer waits 40 ms for an ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except BaseException:  # whatever happens, the socket is closed, and it is raised on
        listener.close()
        raise
    return listener


@contextlib.asynccontextmanager
async def _opened(data_dir: Path, options: Options, pool: MediaPool, vendors: Sequence[Vendor]) -> AsyncIterator[World]:
    world = World(data_dir, options, pool, vendors)
    try:
        await world.load()
        yield world
    finally:
        await world.close()


@contextlib.asynccontextmanager
async def _serving(app: Starlette, listener: socket.socket) -> AsyncIterator[None]:
    config = uvicorn.Config(
        app,
        http=TransportProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=3,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    ready = asyncio.create_task(server.ready.wait())
    await asyncio.wait((task, ready), return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        await task
    try:
        yield
    finally:
        ready.cancel()
        server.should_exit = True
        await task


def run(*, data_dir: Path, host: str = "127.0.0.1", port: int = 0, options: Options = DEFAULT_OPTIONS) -> None:
    """Serve until SIGTERM or SIGINT; prints the base URL, alone on the first line, once it listens."""
    asyncio.run(_run(data_dir, host, port, options))


async def _run(data_dir: Path, host: str, port: int, options: Options) -> None:
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, done.set)
    server = EmulatorServer(options=options)
    print(await server.start(data_dir=data_dir, host=host, port=port), flush=True)
    try:
        await done.wait()
    finally:
        await server.stop()
