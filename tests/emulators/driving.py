"""What several test files do with an emulator: buy, wait, fetch, ask the witness, look into an MP4."""

import asyncio
import base64
import io
import itertools
import json
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import av
import httpx

from emulators.server import EmulatorServer
from media.luma import Miniature, mean_of

VENDORS = ("runway", "replicate")
numbers = itertools.count()
Result = TypeVar("Result")
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of loopback: loading the system's certificates takes longer than most tests."""
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


async def until(look: Callable[[], Awaitable[Result]], good: Callable[[Result], bool]) -> Result:
    """What `look` gives once it is good."""
    async with asyncio.timeout(20):
        while not good(seen := await look()):  # noqa: ASYNC110 - what is waited for is in another process or server
            await asyncio.sleep(0.01)
    return seen


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
        miniature = Miniature()
        means = [mean_of(miniature.of(frame)) for frame in container.decode(stream)]
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


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What came over the wire, and how it ended: closed, reset or silence."""

    head: str
    body: bytes
    end: str

    @property
    def length(self) -> int:
        """The announced Content-Length; -1 without."""
        lines = [line for line in self.head.splitlines() if line.lower().startswith("content-length:")]
        return int(lines[0].split(":")[1]) if lines else -1


def raw(base_url: str, method: str, target: str, headers: dict[str, str], body: bytes = b"", wait: float = 5) -> Seen:
    """One request over a bare socket."""
    parts = urlsplit(base_url)
    lines = [f"{method} {target} HTTP/1.1", f"host: {parts.netloc}", f"content-length: {len(body)}"]
    lines += ["connection: close", *(f"{name}: {value}" for name, value in headers.items())]
    got, end = b"", "closed"
    with socket.create_connection((parts.hostname, parts.port), timeout=wait) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        try:
            while part := connection.recv(65_536):
                got += part
        except ConnectionResetError:
            end = "reset"
        except TimeoutError:
            end = "silence"
    head, _, rest = got.partition(b"\r\n\r\n")
    return Seen(head=head.decode("latin-1"), body=rest, end=end)


def raw_submit(base_url: str, vendor: str, prompt: str, wait: float = 5) -> Seen:
    """Buy over a bare socket."""
    if vendor == "runway":
        body = json.dumps({**GEN45, "promptText": prompt}).encode()
        return raw(base_url, "POST", "/runway/v1/text_to_video", RUNWAY, body, wait)
    body = json.dumps({"input": {"prompt": prompt}}).encode()
    return raw(base_url, "POST", "/replicate/v1/models/minimax/video-01/predictions", REPLICATE, body, wait)


def fresh(*faults: str) -> str:
    """A prompt used once, asking for these faults."""
    return " ".join((f"prompt {next(numbers)}", *(f"[[fault:{fault}]]" for fault in faults)))


def buy(http: httpx.Client, vendor: str, prompt: str) -> httpx.Response:
    """Buy a clip."""
    return buy_runway(http, prompt) if vendor == "runway" else buy_replicate(http, prompt)


def poll(http: httpx.Client, vendor: str, job: str) -> httpx.Response:
    """Ask for a job."""
    return task(http, job) if vendor == "runway" else prediction(http, job)


def output(http: httpx.Client, vendor: str, job: str) -> str:
    """The address of the finished clip."""
    url = finished(http, job)["output"][0] if vendor == "runway" else completed(http, job)["output"]
    return str(url)


def cancel(http: httpx.Client, vendor: str, job: str) -> httpx.Response:
    """Stop a job."""
    if vendor == "runway":
        return http.delete(f"/runway/v1/tasks/{job}", headers=RUNWAY)
    return http.post(f"/replicate/v1/predictions/{job}/cancel", headers=REPLICATE)


@dataclass
class Inbox:
    """A server that keeps what it is sent; `statuses` are its next answers, 200 when none is left."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    mail: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
        headers = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in head[1:] if line}
        body = await reader.readexactly(int(headers["content-length"]))
        self.mail.append((head[0].split()[1], headers, body))
        status = self.statuses.pop(0) if self.statuses else 200
        writer.write(f"HTTP/1.1 {status} X\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n".encode())
        writer.close()
        self.arrived.set()

    async def until(self, count: int) -> list[dict[str, Any]]:
        """Wait for so many deliveries; their bodies."""
        async with asyncio.timeout(15):
            while len(self.mail) < count:
                self.arrived.clear()
                await self.arrived.wait()
        return [json.loads(body) for _, _, body in self.mail]
