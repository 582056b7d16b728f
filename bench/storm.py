"""Sends requests for videos, also more than can be accepted, from a process of its own: `python -m bench.storm JSON`.

A storm gives way to the server (nice 10), so that what is measured is not what measuring costs; it tells what it took.
"""

import asyncio
import base64
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeAlias

import grpc
import uvloop
from filmgate.v1 import video_service_pb2 as pb
from google.rpc import error_details_pb2  # type: ignore[import-untyped] # ships no py.typed
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped] # ships no py.typed

from bench.figures import percentile
from bench.load import GENERATE
from bench.processes import ended

_Call: TypeAlias = "grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]"  # generic in the stubs only
EXPECTED = frozenset({"OK", "RESOURCE_EXHAUSTED", "UNAVAILABLE"})
_TICK = 0.005
_MOST_OPEN = 4000
_DEADLINE = 20.0
_DETAILS = "grpc-status-details-bin"


@dataclass(frozen=True, kw_only=True, slots=True)
class Storm:
    """How many calls are sent, each with a request id of its own, and for how long."""

    target: str
    request: str
    """A GenerateVideoRequest in base64."""
    seconds: float
    rate: float = 0.0
    """Calls a second, sent whether or not answers come."""
    callers: int = 0
    """Instead of a rate: so many callers, each calling again when it is answered, a refused one when it was told to."""
    deaf: bool = False
    """Refused callers call again at once."""
    pace: float = 0.0
    """Calls per second of each caller that is not refused; 0 calls again as soon as the answer is there."""
    connections: int = 8
    nice: int = 10
    times: bool = False
    """Whether each accepted call's time is told."""


@dataclass(kw_only=True, slots=True)
class Weathered:
    """What became of the calls."""

    sent: int = 0
    unsent: int = 0
    """Due, but too many were open."""
    seconds: float = 0.0
    tail: float = 0.0
    """Seconds from the last call that was sent to the last answer."""
    statuses: dict[str, int] = field(default_factory=dict)
    without_retry_info: int = 0
    """Refusals that did not say when to come back."""
    odd: dict[str, int] = field(default_factory=dict)
    """What came with statuses that nobody expects."""
    p50: float = 0.0
    p99: float = 0.0
    """Of accepted calls, in milliseconds."""
    cores: float = 0.0
    """What the storm itself took, of the processor."""
    times: list[float] = field(default_factory=list)
    """Of accepted calls, in milliseconds, ascending; when they were wanted."""

    @property
    def accepted(self) -> float:
        """Accepted calls per second."""
        return self.statuses.get("OK", 0) / self.seconds


def storm(folder: Path, wanted: Storm) -> Weathered:
    """Run it. Raises CannotMeasure."""
    text = ended(("-m", "bench.storm", json.dumps(asdict(wanted))), folder, seconds=wanted.seconds + 90)
    return Weathered(**json.loads(text))


class _Sender:
    def __init__(self, wanted: Storm) -> None:
        self._wanted = wanted
        self._requests = _requests(wanted)
        self._statuses: Counter[str] = Counter()
        self._odd: Counter[str] = Counter()
        self._times: list[float] = []
        self._open: set[asyncio.Task[float]] = set()
        self._seen = Weathered()

    async def run(self) -> Weathered:
        options = [("grpc.use_local_subchannel_pool", 1)]
        targets = [self._wanted.target] * self._wanted.connections
        channels = [grpc.aio.insecure_channel(target, options=options) for target in targets]
        await asyncio.gather(*(channel.channel_ready() for channel in channels))
        calls: list[_Call] = [channel.unary_unary(GENERATE) for channel in channels]
        begin, worked = time.perf_counter(), time.process_time()
        if self._wanted.callers:
            end = begin + self._wanted.seconds
            listening = (self._listen(calls[number % len(calls)], end) for number in range(self._wanted.callers))
            await asyncio.gather(*listening)
        else:
            await self._send(calls, begin)
        self._seen.seconds = time.perf_counter() - begin
        self._seen.cores = (time.process_time() - worked) / self._seen.seconds
        self._seen.statuses = dict(self._statuses)
        await asyncio.gather(*self._open)
        self._seen.tail = time.perf_counter() - begin - self._seen.seconds
        for channel in channels:
            await channel.close()
        milliseconds = sorted(seconds * 1000 for seconds in self._times) or [0.0]
        self._seen.p50, self._seen.p99 = percentile(milliseconds, 0.5), percentile(milliseconds, 0.99)
        self._seen.odd = dict(self._odd)
        self._seen.times = milliseconds if self._wanted.times else []
        return self._seen

    async def _send(self, calls: list[_Call], begin: float) -> None:
        seen, due = self._seen, 0.0
        while (passed := time.perf_counter() - begin) < self._wanted.seconds:
            due = passed * self._wanted.rate
            while seen.sent + seen.unsent < due:
                if len(self._open) >= _MOST_OPEN:
                    seen.unsent += 1
                    continue
                task = asyncio.create_task(self._call(calls[seen.sent % len(calls)]))
                self._open.add(task)
                task.add_done_callback(self._open.discard)
                seen.sent += 1
            await asyncio.sleep(_TICK)

    async def _listen(self, call: _Call, end: float) -> None:
        while time.perf_counter() < end:
            self._seen.sent += 1
            wait = await self._call(call)
            if self._wanted.deaf:
                continue
            if self._wanted.pace:
                wait = max(wait, 1 / self._wanted.pace)
            await asyncio.sleep(min(wait, max(0.0, end - time.perf_counter())))

    async def _call(self, call: _Call) -> float:
        """Call once; the seconds after which to call again."""
        start = time.perf_counter()
        try:
            await call(next(self._requests), timeout=_DEADLINE)
        except grpc.aio.AioRpcError as error:
            return self._refused(error)
        self._statuses["OK"] += 1
        self._times.append(time.perf_counter() - start)
        return 0.0

    def _refused(self, error: grpc.aio.AioRpcError) -> float:
        name = error.code().name
        self._statuses[name] += 1
        wait = _told(error)
        self._seen.without_retry_info += wait is None
        if name not in EXPECTED or wait is None:
            self._odd[f"{name}: {error.details()}"] += 1
        return wait or 1.0


def _told(error: grpc.aio.AioRpcError) -> float | None:
    """When a refused call may be made again, in seconds from now."""
    packed = next((value for key, value in error.trailing_metadata() if key == _DETAILS), b"")
    retry = error_details_pb2.RetryInfo()
    for detail in Status.FromString(packed).details:
        if detail.Unpack(retry):
            return float(retry.retry_delay.ToMilliseconds()) / 1000
    return None


def _requests(wanted: Storm) -> Iterator[bytes]:
    request = pb.GenerateVideoRequest.FromString(base64.b64decode(wanted.request))
    stamp, number = time.time_ns(), 0
    while True:
        number += 1
        request.request_id = f"storm-{stamp}-{number}"
        yield request.SerializeToString()


def _main() -> None:
    wanted = Storm(**json.loads(sys.argv[1]))
    os.nice(wanted.nice)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(asdict(runner.run(_Sender(wanted).run()))))


if __name__ == "__main__":
    _main()
