"""The server as a process: its loop, its signals, and an end within thirty seconds."""

import asyncio
import contextlib
import ctypes
import gc
import os
import signal
import sys

import structlog

from server import logs
from server.app import Application, announce
from server.settings import LogFormat, Settings

_END_SECONDS = 28.0
_SWITCH_SECONDS = 0.0005
"""How long a thread keeps the interpreter from another. A tenth of Python's own: the writer gives it away at each of
some twenty statements of an accept, and would wait as long for it each time the loop is busy, if only with refusals.
"""
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # malloc.h
_log = structlog.get_logger()


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then drain and return; a second signal ends the process at once."""
    configure_logs(settings)
    _share_memory()
    sys.setswitchinterval(_SWITCH_SECONDS)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(settings))


def configure_logs(settings: Settings) -> None:
    """The log as the settings want it, with every secret of theirs masked."""
    json = settings.log_format is LogFormat.JSON or (settings.log_format is LogFormat.AUTO and not sys.stderr.isatty())
    logs.configure(settings.log_level, json=json, secrets=settings.secrets().values())


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # not on Windows
        return None
    return uvloop.Loop


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    _take_signals(stop)
    application = Application(settings)
    await application.start()
    gc.collect()
    gc.freeze()  # what exists now stays: no later collection need look at it, which would stall the loop
    announce(application)
    _log.info("ready", grpc_port=application.grpc_port, http_port=application.http_port, mock=str(settings.mock))
    waiting = {asyncio.ensure_future(stop.wait()), asyncio.ensure_future(application.failed())}
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    _log.info("draining")
    try:
        async with asyncio.timeout(_END_SECONDS):
            await application.drain()
            await application.stop()
    except TimeoutError:
        _log.warning("not everything ended in time; the next start continues it")
        _leave(0)
    _log.info("stopped")


def _share_memory() -> None:
    """Few malloc arenas, and big buffers given back at once: by glibc's defaults every thread that ever copied a file
    keeps what it used.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            library = ctypes.CDLL(None)
            library.mallopt(_M_ARENA_MAX, 2)
            library.mallopt(_M_MMAP_THRESHOLD, 256 * 1024)


def _take_signals(stop: asyncio.Event) -> None:
    def signalled() -> None:
        if stop.is_set():
            _leave(1)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signalled)


def _leave(status: int) -> None:
    """End without another word: everything that counts is in the database already."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
