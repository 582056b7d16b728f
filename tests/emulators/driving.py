"""What several test files do with an emulator: buy, wait, fetch, ask the witness, look into an MP4."""

import base64
import io
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import av
import httpx

from emulators.server import EmulatorServer

Start = Callable[..., Awaitable[EmulatorServer]]
RUNWAY = {"Authorization": "Bearer rw-key", "X-Runway-Version": "2024-11-06"}
REPLICATE = {"Authorization": "Bearer r8-key"}
GEN45: Mapping[str, Any] = {"model": "gen4.5", "promptText": "a cat", "ratio": "1280:720", "duration": 2}
SVD_VERSION = "3f0457e4619daac51203dedb472816fd4af51f3149fa7a9e0b5ffcf1b8172438"


def data_uri(png: bytes) -> str:
    """The picture inline."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def buy_runway(client: httpx.Client, prompt: str = "a cat", **more: Any) -> httpx.Response:
    """POST a gen4.5 task."""
    return client.post("/runway/v1/text_to_video", headers=RUNWAY, json={**GEN45, "promptText": prompt, **more})


def buy_replicate(client: httpx.Client, prompt: str = "a cat", **members: Any) -> httpx.Response:
    """POST a video-01 prediction."""
    body = {"input": {"prompt": prompt}, **members}
    return client.post("/replicate/v1/models/minimax/video-01/predictions", headers=REPLICATE, json=body)


def task(client: httpx.Client, job: str) -> httpx.Response:
    """Poll a Runway task."""
    return client.get(f"/runway/v1/tasks/{job}", headers=RUNWAY)


def prediction(client: httpx.Client, job: str) -> httpx.Response:
    """Poll a Replicate prediction."""
    return client.get(f"/replicate/v1/predictions/{job}", headers=REPLICATE)


def finished(client: httpx.Client, job: str) -> dict[str, Any]:
    """Poll a Runway task until it has ended."""
    return _until(lambda: task(client, job).json(), ("SUCCEEDED", "FAILED"))


def completed(client: httpx.Client, job: str) -> dict[str, Any]:
    """Poll a Replicate prediction until it has ended."""
    return _until(lambda: prediction(client, job).json(), ("succeeded", "failed", "canceled", "aborted"))


def _until(look: Any, statuses: tuple[str, ...]) -> dict[str, Any]:
    limit = time.monotonic() + 20
    while (shown := look())["status"] not in statuses:
        assert time.monotonic() < limit, shown
        time.sleep(0.01)
    result: dict[str, Any] = shown
    return result


def posts(client: httpx.Client, **wanted: Any) -> list[dict[str, Any]]:
    """The witness' rows with these values."""
    rows = client.get("/control/ledger").json()["posts"]
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def job_of(client: httpx.Client, job: str) -> dict[str, Any]:
    """The witness' view of one job."""
    found: dict[str, Any] = next(row for row in client.get("/control/jobs").json()["jobs"] if row["id"] == job)
    return found


def jobs_for(client: httpx.Client, prompt: str) -> list[dict[str, Any]]:
    """The jobs bought with this very prompt."""
    return [row for row in client.get("/control/jobs").json()["jobs"] if row["prompt"] == prompt]


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What a decoded MP4 is."""

    frames: int
    fps: float
    seconds: float
    size: tuple[int, int]
    audio: bool
    brightness: float


def look(data: bytes) -> Facts:
    """Decode the whole file."""
    with av.open(io.BytesIO(data), "r", format="mp4") as container:
        stream = container.streams.video[0]
        means = [float(frame.to_ndarray(format="gray").mean()) for frame in container.decode(stream)]
        rate = stream.average_rate
        assert rate is not None
        return Facts(
            frames=len(means),
            fps=float(rate),
            seconds=round(len(means) / float(rate), 3),
            size=(stream.width, stream.height),
            audio=bool(container.streams.audio),
            brightness=sum(means) / len(means),
        )
