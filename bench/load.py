"""Calls one method from a process of its own and tells what it saw: `python -m bench.load JSON` prints JSON."""

import asyncio
import base64
import itertools
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

import grpc
import uvloop
from filmgate.v1 import video_service_pb2 as pb

from bench.figures import percentile
from bench.processes import CannotMeasure, ended

_Call: TypeAlias = "grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]"  # generic in the stubs only
GENERATE = "/filmgate.v1.VideoService/GenerateVideo"
_CONNECTIONS = 4
_WARM_CALLS = 50
_ERRORS = 5
"""Failed calls after which a load gives up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """What to call, and how hard."""

    target: str
    method: str
    request: str = ""
    """The message's bytes in base64. For GENERATE each call gets a request id of its own."""
    concurrency: int = 1
    seconds: float = 2.0
    pace: float = 0.0
    """Calls per second of each caller; 0 calls again as soon as the answer is there."""
    key: str = ""
    """The server's key; without one none is sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What a load saw. Times in milliseconds, of whole calls as the caller sees them."""

    calls: int
    errors: int
    error: str
    rate: float
    """Calls per second."""
    p50: float
    p99: float
    slowest: float


def load(folder: Path, wanted: Load) -> Seen:
    """Run a load in a process of its own. Raises CannotMeasure when a call failed."""
    text = ended(("-m", "bench.load", json.dumps(asdict(wanted))), folder, seconds=wanted.seconds + 60)
    seen = Seen(**json.loads(text))
    if seen.errors:
        raise CannotMeasure(f"{wanted.method}: {seen.errors} calls failed: {seen.error}")
    return seen


def encoded(message: bytes) -> str:
    """A message as `Load.request`."""
    return base64.b64encode(message).decode("ascii")


def summary(times: Sequence[float], elapsed: float, errors: int, error: str) -> Seen:
    """What calls that took so many seconds each, within `elapsed` in all, amount to."""
    milliseconds = sorted(seconds * 1000 for seconds in times) or [0.0]
    return Seen(
        calls=len(times),
        errors=errors,
        error=error,
        rate=len(times) / elapsed,
        p50=percentile(milliseconds, 0.5),
        p99=percentile(milliseconds, 0.99),
        slowest=milliseconds[-1],
    )


class _Caller:
    """Calls until the time is over. Messages stay bytes, so that the peer and we cost the caller the same."""

    def __init__(self, wanted: Load) -> None:
        self._wanted = wanted
        self._requests = _requests(wanted)
        self._metadata = (("authorization", f"Bearer {wanted.key}"),) if wanted.key else ()
        self.times: list[float] = []
        self.errors = 0
        self.error = ""

    async def run(self) -> Seen:
        wanted = self._wanted
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", 20 * 1024 * 1024)]
        count = min(_CONNECTIONS, wanted.concurrency)
        channels = [grpc.aio.insecure_channel(wanted.target, options=options) for _ in range(count)]
        calls: list[_Call] = [channel.unary_unary(wanted.method) for channel in channels]
        await asyncio.gather(*(self._warm(call) for call in calls))
        self.times.clear()
        start = time.perf_counter()
        callers = (self._call(calls[number % count], start + wanted.seconds) for number in range(wanted.concurrency))
        await asyncio.gather(*callers)
        elapsed = time.perf_counter() - start
        for channel in channels:
            await channel.close()
        return summary(self.times, elapsed, self.errors, self.error)

    async def _warm(self, call: _Call) -> None:
        for _ in range(_WARM_CALLS):
            await self._once(call)

    async def _call(self, call: _Call, end: float) -> None:
        while time.perf_counter() < end and self.errors < _ERRORS:
            await self._once(call)
            if self._wanted.pace:
                await asyncio.sleep(1 / self._wanted.pace)

    async def _once(self, call: _Call) -> None:
        request = next(self._requests)
        start = time.perf_counter()
        try:
            await call(request, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            self.errors += 1
            self.error = f"{error.code()}: {error.details()}"
        self.times.append(time.perf_counter() - start)


def _requests(wanted: Load) -> Iterator[bytes]:
    message = base64.b64decode(wanted.request)
    if wanted.method != GENERATE:
        return itertools.repeat(message)
    return _unique(pb.GenerateVideoRequest.FromString(message))


def _unique(request: pb.GenerateVideoRequest) -> Iterator[bytes]:
    stamp = time.time_ns()
    for number in itertools.count():
        request.request_id = f"bench-{stamp}-{number}"
        yield request.SerializeToString()


def _main() -> None:
    wanted = Load(**json.loads(sys.argv[1]))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(asdict(runner.run(_Caller(wanted).run()))))


if __name__ == "__main__":
    _main()
