"""What every section asks a server for, over the contract alone."""

import contextlib
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
from filmgate.v1 import job_pb2, media_pb2, video_service_pb2_grpc
from filmgate.v1 import video_service_pb2 as pb
from google.protobuf.duration_pb2 import Duration

from bench.figures import MIB
from bench.processes import CannotMeasure, mocked

TENANT = "bench"

_PROMPT = "A paper boat drifts down a rainy street, camera low above the water, shallow focus, evening light"
_WAIT = 90


@contextlib.contextmanager
def service(target: str) -> Iterator[Any]:
    """The stub of a server; the generated code has no types of its own."""
    with grpc.insecure_channel(target) as channel:
        yield video_service_pb2_grpc.VideoServiceStub(channel)  # type: ignore[no-untyped-call] # generated code


def order() -> pb.GenerateVideoRequest:
    """A plain request for one clip of text to video."""
    return pb.GenerateVideoRequest(
        tenant_name=TENANT,
        creative_id="bench",
        prompt=_PROMPT,
        model="runway/gen4.5",
        parameters=media_pb2.VideoParameters(duration=Duration(seconds=5), aspect_ratio="16:9"),
    )


def finished_job(target: str) -> job_pb2.Job:
    """One job, made now, that succeeded. Raises CannotMeasure."""
    request = order()
    request.wait.seconds = _WAIT
    with service(target) as stub:
        job: job_pb2.Job = stub.GenerateVideo(request, timeout=_WAIT + 5).job
    if job.state != job_pb2.JOB_STATE_SUCCEEDED:
        raise CannotMeasure(f"a mocked job ended as {job_pb2.JobState.Name(job.state)}: {job.error.message}")
    return job


def real_clip(folder: Path) -> bytes:
    """A clip made by a server on mocks: 5 s of 1280x720, some tens of KiB."""
    with mocked(folder, speed=1000) as ours:
        url = finished_job(ours.told["grpc"]).videos[0].url
        with urllib.request.urlopen(url, timeout=30) as reply:  # noqa: S310 - our own server's address
            return bytes(reply.read())


def big_clip(folder: Path, size: int) -> Path:
    """A real clip that an empty box at its end pads to `size` bytes."""
    clip = real_clip(folder)
    path = folder / "big.mp4"
    free = size - len(clip)
    if free < MIB:
        raise CannotMeasure(f"the clip has {len(clip)} bytes already")
    with path.open("wb") as file:
        file.write(clip + free.to_bytes(4, "big") + b"free")
        file.truncate(size)
    return path


def state(address: str) -> dict[str, int]:
    """What the stand-in vendor counted."""
    with urllib.request.urlopen(f"{address}/state", timeout=10) as reply:  # noqa: S310 - loopback
        counts: dict[str, int] = json.load(reply)
    return counts


def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for a condition. Raises CannotMeasure when it takes longer."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise CannotMeasure(f"{what} did not happen within {seconds:g} s")
        time.sleep(0.1)
