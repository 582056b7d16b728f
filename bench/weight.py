"""What the server weighs: idle, while big files come home, and with thousands of clips waiting."""

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from filmgate.v1 import job_pb2
from filmgate.v1 import video_service_pb2 as pb

from bench.client import TENANT, big_clip, order, service, state, until
from bench.figures import MIB, Figure, at_most, told
from bench.load import Load, Seen, encoded, load
from bench.processes import CannotMeasure, Started, mocked, server, started
from bench.report import Section

_HEALTH = "/grpc.health.v1.Health/Check"
_SETTLE_SECONDS = 5.0
_IDLE_SECONDS = 6.0
_FILES, _FILE_SIZE = 8, 64 * MIB
_WAITING, _WARM, _BATCH = 2000, 100, 100
_WATCH_SECONDS = 30.0


def idle(folder: Path) -> Section:
    """A server that nobody calls."""
    with mocked(folder, speed=20.0) as ours:
        time.sleep(_SETTLE_SECONDS)
        cpu = _cpu_percent(ours, _IDLE_SECONDS)
        figures = [
            at_most("resident memory", ours.memory() / MIB, 120, "MiB"),
            told("CPU of one core", cpu, "%"),
            told("threads", ours.process.num_threads(), ""),
        ]
    remark = f"{_SETTLE_SECONDS:g} s after its start, over {_IDLE_SECONDS:g} s; the emulators are another process."
    return Section(title="Idle", remark=remark, figures=figures)


def collect(folder: Path) -> Section:
    """Eight outputs of 64 MiB that are downloaded, checked and stored at once."""
    clip = big_clip(folder / "clip", _FILE_SIZE)
    with _vendor(folder, "--file", str(clip), "--together", str(_FILES)) as vendor:
        variables = {"FILMGATE_EMULATOR_URL": vendor.told["url"], "FILMGATE_TENANT_CLIPS": str(_FILES)}
        with server(folder / "server", **variables) as ours:
            time.sleep(_SETTLE_SECONDS)
            base = ours.memory()
            peak = _Peak(ours)
            with peak.watched(), service(ours.told["grpc"]) as stub:
                begin = time.monotonic()
                job = stub.GenerateVideo(_variations(_FILES), timeout=130).job
                seconds = time.monotonic() - begin
            downloads = state(vendor.told["url"])["downloads"]
    if job.state != job_pb2.JOB_STATE_SUCCEEDED:
        raise CannotMeasure(f"collecting ended as {job_pb2.JobState.Name(job.state)}: {job.error.message}")
    remark = (
        f"One job of {_FILES} variations; a stand-in vendor finishes all at once, each with a real clip that an empty"
        f" box pads to 64 MiB ({downloads} downloads). Memory is sampled every 10 ms; media workers are processes of"
        " their own and told apart."
    )
    figures = [
        told("resident memory before", base / MIB, "MiB"),
        at_most("most resident memory above that", (peak.own - base) / MIB, 64, "MiB"),
        told("most resident memory of all media workers", peak.children / MIB, "MiB"),
        told("from request to eight stored videos", seconds, "s"),
    ]
    return Section(title="Collecting 8 x 64 MiB", remark=remark, figures=figures)


def waiting(folder: Path) -> Section:
    """Thousands of clips of one tenant that wait for their vendor."""
    with _vendor(folder) as vendor:
        variables = {
            "RUNWAY_API_KEY": "bench-no-secret",
            "RUNWAY_BASE_URL": vendor.told["url"],
            "FILMGATE_MOCK": "auto",
            "FILMGATE_EMULATOR_URL": vendor.told["url"],
            "FILMGATE_TENANT_CLIPS": "2500",
        }
        with server(folder / "server", **variables) as ours:
            before = _asked(ours, folder)
            _fill(ours, vendor, _WARM, _WARM)
            time.sleep(_SETTLE_SECONDS)
            base, begin = ours.memory(), time.monotonic()
            _fill(ours, vendor, _WAITING, _WARM + _WAITING)
            filled = time.monotonic() - begin
            time.sleep(_SETTLE_SECONDS)
            figures = [
                told("accepted and submitted", _WAITING / filled, "clips/s"),
                *_watch(ours, vendor, folder, before),
            ]
            figures.append(told("memory per waiting clip", (ours.memory() - base) / _WAITING / 1024, "KiB"))
    remark = (
        f"{_WAITING:,} clips of one tenant, its cap raised to 2,500, at a stand-in vendor on loopback that never"
        " finishes; it is spoken to as a live one, so polls keep to the vendor's budget of requests, and each clip's"
        " first one writes that it runs. The loop's lag is read from outside: health checks, one at a time, 100 a"
        f" second, which touch no row. CPU over {_WATCH_SECONDS:g} s. Peer: the same server before."
    )
    return Section(title="Two thousand clips waiting", remark=remark, figures=figures)


def _watch(ours: Started, vendor: Started, folder: Path, before: Seen) -> list[Figure]:
    polls, begin = state(vendor.told["url"])["polls"], time.monotonic()
    cpu = _cpu_percent(ours, _WATCH_SECONDS)
    rate = (state(vendor.told["url"])["polls"] - polls) / (time.monotonic() - begin)
    after = _asked(ours, folder)
    return [
        told("CPU of one core", cpu, "%"),
        told("polls of the vendor", rate, "/s"),
        told("health check, p50", after.p50, "ms", f"{after.p50 / before.p50:.2f} x before"),
        told("health check (loop lag), p99", after.p99, "ms", f"{after.p99 / before.p99:.2f} x before"),
        told("health check, slowest", after.slowest, "ms", f"{after.slowest / before.slowest:.2f} x before"),
    ]


def _asked(ours: Started, folder: Path) -> Seen:
    return load(folder, Load(target=ours.told["grpc"], method=_HEALTH, request=encoded(b""), seconds=6.0, pace=100.0))


def _fill(ours: Started, vendor: Started, clips: int, total: int) -> None:
    """Order clips, a hundred jobs a call, and wait until the vendor has them all."""
    requests = [order() for _ in range(_BATCH)]
    with service(ours.told["grpc"]) as stub:
        for _ in range(clips // _BATCH):
            stub.BatchGenerateVideos(pb.BatchGenerateVideosRequest(tenant_name=TENANT, requests=requests), timeout=30)
    until(lambda: state(vendor.told["url"])["created"] >= total, 90, f"submitting {total} clips")


def _variations(count: int) -> pb.GenerateVideoRequest:
    request = order()
    request.variations = count
    request.wait.seconds = 120
    return request


def _cpu_percent(ours: Started, seconds: float) -> float:
    before, begin = ours.cpu_seconds(), time.monotonic()
    time.sleep(seconds)
    return (ours.cpu_seconds() - before) / (time.monotonic() - begin) * 100


class _Peak:
    """The most memory that a process and its children were seen to use."""

    def __init__(self, ours: Started) -> None:
        self.own = self.children = 0
        self._ours = ours
        self._stop = threading.Event()

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Watch while the body runs."""
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.01):
            self.own = max(self.own, self._ours.memory())
            self.children = max(self.children, self._ours.children_memory())


def _vendor(folder: Path, *arguments: str) -> contextlib.AbstractContextManager[Started]:
    ready = r"(?m)^vendor ready (?P<url>\S+)$"
    return started(("-m", "bench.upstream", *arguments), ready, folder / "vendor")
