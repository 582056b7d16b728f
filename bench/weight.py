"""What the server weighs: idle, and while big files come home."""

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from filmgate.v1 import job_pb2
from filmgate.v1 import video_service_pb2 as pb

from bench.client import big_clip, order, service, state
from bench.figures import MIB, at_most, told
from bench.processes import CannotMeasure, Started, mocked, server, started
from bench.report import Section
from bench.waiting import cpu_percent

_SETTLE_SECONDS = 5.0
_IDLE_SECONDS = 6.0
_FILES, _FILE_SIZE = 8, 64 * MIB


def idle(folder: Path) -> Section:
    """A server that nobody calls."""
    with mocked(folder, speed=20.0) as ours:
        time.sleep(_SETTLE_SECONDS)
        cpu = cpu_percent(ours, _IDLE_SECONDS)
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


def _variations(count: int) -> pb.GenerateVideoRequest:
    request = order()
    request.variations = count
    request.wait.seconds = 120
    return request


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
