"""A supervisor of media workers: one call each at a time, and whatever a call does, only its own worker dies of it.

A worker is a fresh interpreter, started when there is work for it: it inherits no memory, no lock, no descriptor and no
environment (so no secret) from the server, and does not import the server's main module, as `multiprocessing` would.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, TypeVar, cast

from core.errors import MediaRejected
from media.errors import MediaCrashed, MediaFault, MediaTimeout
from media.wire import HEADER, MAX_REPLY, REJECTED, RESULT, decode_reply, encode

Result = TypeVar("Result")

GIBIBYTE = 1024**3


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerLimits:
    """What one worker may use, and when it is replaced."""

    memory: int = 2 * GIBIBYTE
    """Bytes of address space."""
    cpu_seconds: int = 600
    """Of one call."""
    calls: int = 100
    """After so many calls a worker is replaced, so that leaks and fragmentation do not add up."""
    idle_seconds: float = 30.0
    """A worker without work for so long is ended."""


DEFAULT_LIMITS = WorkerLimits()


class MediaPool:
    """Runs functions of the media room in worker processes. Belongs to one event loop; uses no executor."""

    def __init__(self, *, workers: int | None = None, limits: WorkerLimits = DEFAULT_LIMITS) -> None:
        """At most `workers` processes (default: the cores), none of them started before there is work."""
        self._limits = limits
        self._slots = asyncio.Semaphore(workers or os.cpu_count() or 1)
        self._idle: list[_Worker] = []
        self._all: set[_Worker] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def process_ids(self) -> frozenset[int]:
        """Of the living workers, idle or busy."""
        return frozenset(worker.process.pid for worker in self._all)

    async def run(self, function: Callable[..., Result], /, *args: object, timeout: float, **kwargs: object) -> Result:
        """`function(*args, **kwargs)` in a worker; top-level functions that return plain data or `media.facts` only.

        `timeout` seconds count from when a worker is free. Being cancelled kills the worker at once.
        Raises MediaRejected with the function's text, MediaTimeout, MediaCrashed, or MediaFault.
        """
        call = encode((function, args, kwargs))
        async with self._slots:
            try:
                async with asyncio.timeout(timeout):
                    reply = await self._perform(call)
            except TimeoutError:
                raise MediaTimeout(f"took longer than {timeout:g} s to process") from None
        return cast(Result, _result_of(reply))

    async def close(self) -> None:
        """Kill every worker and wait until all are gone; calls under way raise MediaFault."""
        self._closed = True
        for worker in tuple(self._all):
            self._discard(worker)
        while self._ending:
            await asyncio.wait(self._ending)

    async def _perform(self, call: bytes) -> bytes:
        worker = await self._take()
        try:
            reply = await worker.perform(call)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise await self._explain(worker) from None
        except BaseException:  # cancelled or broken, the worker is in an unknown state; raised on
            self._discard(worker)
            raise
        self._put_back(worker)
        return reply

    async def _take(self) -> "_Worker":
        """An idle worker that still lives, or a new one."""
        self._refuse_if_closed()
        while self._idle:
            worker = self._idle.pop()
            if worker.wake():
                return worker
            self._discard(worker)
        worker = await _start_worker(self._limits)
        if self._closed:
            self._discard(worker)
        self._refuse_if_closed()
        self._all.add(worker)
        return worker

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise MediaFault("the media pool is closed")

    def _put_back(self, worker: "_Worker") -> None:
        if self._closed or worker.calls >= self._limits.calls:
            self._discard(worker)
            return
        self._idle.append(worker)
        loop = asyncio.get_running_loop()
        worker.retirement = loop.call_later(self._limits.idle_seconds, self._retire, worker)

    def _retire(self, worker: "_Worker") -> None:
        self._idle.remove(worker)
        self._discard(worker)

    def _discard(self, worker: "_Worker") -> None:
        """Kill a worker now and bury it in the background, so that its slot is free at once."""
        self._all.discard(worker)
        worker.kill()
        burial = asyncio.ensure_future(worker.bury())
        self._ending.add(burial)
        burial.add_done_callback(self._ending.discard)

    async def _explain(self, worker: "_Worker") -> Exception:
        """Why a worker left in the middle of a call: its death is awaited, not caused, so the status is its own."""
        try:
            async with asyncio.timeout(5):
                status = await worker.process.wait()
        except TimeoutError:
            status = 0
        finally:
            self._discard(worker)
        if self._closed:
            return MediaFault("the media pool is closed")
        return _death(status, self._limits)


class _Worker:
    """One process and our end of its socket."""

    def __init__(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.process = process
        self.calls = 0
        self.retirement: asyncio.TimerHandle | None = None
        self._reader = reader
        self._writer = writer

    async def perform(self, call: bytes) -> bytes:
        """Its reply. Raises IncompleteReadError or ConnectionError when the process dies of it."""
        self.calls += 1
        self._writer.write(HEADER.pack(len(call)))
        self._writer.write(call)
        await self._writer.drain()
        (length,) = HEADER.unpack(await self._reader.readexactly(HEADER.size))
        if length > MAX_REPLY:
            raise MediaFault("a media worker replied with too much")
        return await self._reader.readexactly(length)

    def wake(self) -> bool:
        """Stop the wait for retirement; whether the process still lives."""
        if self.retirement is not None:
            self.retirement.cancel()
        return self.process.returncode is None and not self._reader.at_eof()

    def kill(self) -> None:
        """End the process, if it has not ended."""
        if self.retirement is not None:
            self.retirement.cancel()
        self._writer.close()
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()

    async def bury(self) -> None:
        """Wait until the process is gone."""
        await self.process.wait()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


async def _start_worker(limits: WorkerLimits) -> _Worker:
    ours, theirs = socket.socketpair()
    with theirs:
        reader, writer = await asyncio.open_connection(sock=ours)
        try:
            process = await _start_process(theirs.fileno(), limits)
        except BaseException:  # whatever happens, our end is closed, and it is raised on
            writer.close()
            raise
    return _Worker(process, reader, writer)


async def _start_process(descriptor: int, limits: WorkerLimits) -> asyncio.subprocess.Process:
    """The interpreter, in a session of its own so that Ctrl-C in a terminal is the server's to handle."""
    arguments = (str(descriptor), str(limits.memory), str(limits.cpu_seconds))
    try:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "media.worker", *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            pass_fds=(descriptor,),
            env=_worker_environment(),
            start_new_session=True,
        )
    except OSError as error:
        raise MediaFault(f"a media worker could not be started ({type(error).__name__})") from error


def _worker_environment() -> dict[str, str]:
    """Where our code is, and one thread for numpy: nothing of the server's own environment."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    return {"PYTHONPATH": path, "PYTHONUTF8": "1", "PYTHONNOUSERSITE": "1", "OPENBLAS_NUM_THREADS": "1"}


def _result_of(reply: bytes) -> object:
    try:
        kind, value = decode_reply(reply)
    except ValueError as error:
        raise MediaFault(str(error)) from error
    if kind == RESULT:
        return value
    raise MediaRejected(value) if kind == REJECTED else MediaFault(value)


def _death(status: int, limits: WorkerLimits) -> Exception:
    """The error for a worker's exit status."""
    if status >= 0:
        return MediaFault(f"a media worker ended by itself (status {status})")
    if status == -signal.SIGXCPU:
        return MediaCrashed(f"needs more than {limits.cpu_seconds} s of CPU time to process")
    name = signal.Signals(-status).name if -status in signal.valid_signals() else str(-status)
    return MediaCrashed(f"could not be processed: the decoder was ended by {name}")
