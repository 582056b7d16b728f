"""Hours at 80 % of what the server can do: does anything grow? Whole jobs, from order to stored video."""

import random
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import grpc
from filmgate.v1 import video_service_pb2 as pb

from bench.client import TENANT, order, real_clip, service, state
from bench.figures import MIB, Figure, at_most, told
from bench.inside import Inside, watched
from bench.processes import CannotMeasure, Started
from bench.report import Section
from bench.waiting import settings, vendor

MINUTES = 60.0
_LOAD = 0.8
_PEAK_SECONDS = 40.0
_AT_ONCE = 48
"""Jobs under way while the peak is taken."""
_EVERY = 10.0
_WARM_SHARE = 0.2
"""Of the time, at its start: not judged."""
_LONGEST_WARM = 900.0
_DRAIN_SECONDS = 120.0
_HOUR = 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Slope:
    """A least-squares line through samples: growth an hour, and the standard error of that."""

    per_hour: float
    error: float


def slope(times: Sequence[float], values: Sequence[float]) -> Slope:
    """Of values at times in seconds; at least three of them."""
    count = len(times)
    middle, mean = sum(times) / count, sum(values) / count
    spread = sum((each - middle) ** 2 for each in times)
    rise = sum((at - middle) * (value - mean) for at, value in zip(times, values, strict=True)) / spread
    left = sum((value - mean - rise * (at - middle)) ** 2 for at, value in zip(times, values, strict=True))
    return Slope(per_hour=rise * _HOUR, error=(left / (count - 2) / spread) ** 0.5 * _HOUR)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sample:
    """What was seen at one moment. Bytes, but for the counts."""

    at: float
    memory: float
    descriptors: float
    tasks: float
    threads: float
    wal: float
    database: float
    done: float
    """Jobs whose file was fetched, so far."""


def soak(folder: Path, minutes: float = MINUTES) -> Section:
    """Keep the server at 80 % of its peak, and look at it every 10 s."""
    clip = folder / "clip.mp4"
    clip.write_bytes(real_clip(folder / "maker"))
    place = folder / "server"
    with (
        vendor(folder, "--file", str(clip)) as upstream,
        watched(place, **settings(upstream, 1000)) as (ours, inside),
    ):
        seen = _Looking(ours, inside, upstream, place / "data")
        peak = _peak(ours, upstream)
        seen.begin()
        print(f"soak: peak {peak:.2f} jobs/s; {minutes:g} minutes at {_LOAD * peak:.2f}", file=sys.stderr)
        with _Pace(ours.told["grpc"], _LOAD * peak) as pace:
            samples = _sampled(seen, minutes * 60)
        left = _drained(upstream, seen.before + pace.ordered)
        cpu, own = seen.cpu_per_job(), seen.cpu_per_job(alone=True)
    warm = min(_LONGEST_WARM, minutes * 60 * _WARM_SHARE)
    judged = [each for each in samples if each.at >= samples[0].at + warm]
    if len(judged) < 3:
        raise CannotMeasure("the time is too short for three samples after the warm-up")
    jobs = judged[-1].done - judged[0].done
    figures = [
        told("peak, whole jobs", peak, "/s"),
        told("jobs in the time that is judged", jobs, "", f"{jobs / (judged[-1].at - judged[0].at) / peak:.2f} x peak"),
        told("orders that failed", pace.failed, ""),
        at_most("jobs that were not done after it", left, 0, ""),
        told("CPU per whole job, media workers included", cpu * 1000, "ms"),
        told("CPU per whole job, the server's process alone", own * 1000, "ms"),
        *_growth(judged),
    ]
    text = _REMARK.format(minutes=minutes, warm=warm / 60)
    return Section(title=f"{minutes:g} minutes at {_LOAD:.0%} of the peak", remark=text, figures=figures)


_REMARK = (
    "{minutes:g} minutes of whole jobs, ordered at an even pace of 80 % of what was done in"
    f" {_PEAK_SECONDS:g} s with {_AT_ONCE} under way, at a stand-in vendor on loopback that is done when it is first"
    " asked and gives a small real clip; it is spoken to as a live one. Looked"
    f" at every {_EVERY:g} s; the first {{warm:.3g}} minutes are not judged. Slopes are least-squares lines, with their"
    " standard errors. Tasks are told by the process itself; jobs come and go, so they vary with how many there are."
)


def _growth(samples: Sequence[_Sample]) -> list[Figure]:
    times = [each.at for each in samples]
    memory, database = ([getattr(each, name) / MIB for each in samples] for name in ("memory", "database"))
    grown = slope(times, memory)
    figures = [
        told("resident memory at the end", memory[-1], "MiB"),
        Figure(
            name="resident memory grows",
            got=_said(grown, "MiB/h"),
            goal="<= 1 MiB/h, within two errors",
            met=grown.per_hour - 2 * grown.error <= 1.0,
        ),
    ]
    for name in ("descriptors", "tasks", "threads"):
        values = [getattr(each, name) for each in samples]
        line = slope(times, values)
        rise = line.per_hour * (times[-1] - times[0]) / _HOUR
        sure = abs(rise) - 2 * line.error * (times[-1] - times[0]) / _HOUR
        got = f"{min(values):g} to {max(values):g}, {_said(line, '/h')}"
        figures.append(Figure(name=name, got=got, goal="line flat within 5", met=sure <= 5))
    wal = [each.wal / MIB for each in samples]
    jobs = max(1.0, samples[-1].done - samples[0].done)
    per_job = (database[-1] - database[0]) * 1024 / jobs
    return [
        *figures,
        told("write-ahead log, most", max(wal), "MiB"),
        Figure(name="write-ahead log grows", got=_said(slope(times, wal), "MiB/h")),
        Figure(name="database grows", got=_said(slope(times, database), "MiB/h")),
        told("database per job", per_job, "KiB"),
    ]


def _said(line: Slope, unit: str) -> str:
    return f"{line.per_hour:+.3g} ± {line.error:.2g} {unit}"


class _Looking:
    """Takes samples of one server."""

    def __init__(self, ours: Started, inside: Inside, upstream: Started, data: Path) -> None:
        self._ours = ours
        self._inside = inside
        self._upstream = upstream
        self._database = data / "filmgate.sqlite"
        self.before = 0
        self._used = (0.0, 0.0)

    def begin(self) -> None:
        """Count from here."""
        self.before, self._used = self._done(), self._spent()

    def sample(self) -> _Sample:
        """What is there now."""
        counts = self._inside.now()
        return _Sample(
            at=time.monotonic(),
            memory=self._ours.memory(),
            descriptors=self._ours.process.num_fds(),
            tasks=counts["tasks"],
            threads=self._ours.process.num_threads(),
            wal=_size(self._database.with_name(self._database.name + "-wal")),
            database=_size(self._database),
            done=self._done(),
        )

    def cpu_per_job(self, *, alone: bool = False) -> float:
        """Seconds, since `begin`, with the children it has waited for unless `alone`."""
        own, children = (now - then for now, then in zip(self._spent(), self._used, strict=True))
        return (own + (0.0 if alone else children)) / max(1, self._done() - self.before)

    def _spent(self) -> tuple[float, float]:
        times = self._ours.process.cpu_times()
        return times.user + times.system, times.children_user + times.children_system

    def _done(self) -> int:
        return state(self._upstream.told["url"])["downloads"]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _sampled(seen: _Looking, seconds: float) -> list[_Sample]:
    begin, samples = time.monotonic(), list[_Sample]()
    while (passed := time.monotonic() - begin) < seconds:
        samples.append(seen.sample())
        last = samples[-1]
        if len(samples) % 6 == 1:
            words = f"{last.memory / MIB:.1f} MiB, {last.descriptors:g} descriptors, {last.tasks:g} tasks"
            size = f"wal {last.wal / MIB:.1f} MiB, database {last.database / MIB:.1f} MiB"
            print(f"soak: {passed:.0f} s, {last.done:g} jobs, {words}, {size}", file=sys.stderr)
        time.sleep(max(0.0, begin + len(samples) * _EVERY - time.monotonic()))
    return samples


def _peak(ours: Started, upstream: Started) -> float:
    """Whole jobs a second while there are always some to do."""
    url = upstream.told["url"]
    ordered = state(url)["downloads"]
    begin = time.monotonic()
    warm, start = begin + _PEAK_SECONDS / 4, 0
    with service(ours.told["grpc"]) as stub:
        while (now := time.monotonic()) < begin + _PEAK_SECONDS:
            done = state(url)["downloads"]
            if now < warm:
                start = done
            missing = done + _AT_ONCE - ordered
            if missing > 0:
                requests = [order() for _ in range(missing)]
                batch = pb.BatchGenerateVideosRequest(tenant_name=TENANT, requests=requests)
                stub.BatchGenerateVideos(batch, timeout=30)
                ordered += missing
            time.sleep(0.1)
        rate = (state(url)["downloads"] - start) / (time.monotonic() - warm)
    _drained(upstream, ordered)
    if rate <= 0:
        raise CannotMeasure("no job was done while the peak was taken")
    return rate


def _order() -> pb.GenerateVideoRequest:
    request = order()
    request.request_id = f"soak-{random.getrandbits(64):x}"
    return request


def _drained(upstream: Started, ordered: int) -> int:
    """Wait until all that was ordered is done; how many are not."""
    end = time.monotonic() + _DRAIN_SECONDS
    while time.monotonic() < end and state(upstream.told["url"])["downloads"] < ordered:
        time.sleep(0.2)
    return max(0, ordered - state(upstream.told["url"])["downloads"])


class _Pace:
    """Orders jobs evenly, from a thread, while the body of `with` runs."""

    def __init__(self, target: str, rate: float) -> None:
        self.ordered = self.failed = 0
        self._target = target
        self._rate = rate
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(1)

    def __enter__(self) -> "_Pace":
        self._running = self._pool.submit(self._run)
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._pool.shutdown()
        if not any(_error):
            self._running.result()

    def _run(self) -> None:
        begin, asked = time.monotonic(), 0
        with service(self._target) as stub:
            while not self._stop.wait(max(0.0, begin + asked / self._rate - time.monotonic())):
                asked += 1
                try:
                    stub.GenerateVideo(_order(), timeout=30)
                    self.ordered += 1
                except grpc.RpcError as error:
                    self.failed += 1
                    print("soak: an order failed:", *str(error).split()[:30], file=sys.stderr)
