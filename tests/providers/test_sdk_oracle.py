"""The vendors' own SDKs against a recording server: our adapters' requests are theirs, word for word."""

import io
import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import runwayml
from replicate.client import Client as ReplicateClient

from core.outcome import Reply, Request
from core.spec import MediaInput, Motion, Wish
from providers.catalogue import ADAPTERS, CATALOGUE
from providers.replicate_schema import question
from providers.resolve import resolve

_SECRET = "planted-secret"
_TASK = "17f20503-6c24-4c16-946b-35dbbce2af2f"
_PREDICTION = "7v2d7djbn1rma0cqh6rbxwpxv0"
_CALLBACK = "https://filmgate.example/webhooks/replicate/token"
_EVENTS = ["start", "completed"]
_SVD = CATALOGUE.rows["replicate/stable-video-diffusion"].wire_version
_A, _B = "https://example.com/a.png", "https://example.com/b.png"
_FILE = "https://api.replicate.com/v1/files/ZjY5MDYxMjQ"
_MODEL = {"url": "u", "owner": "o", "name": "n", "visibility": "public", "run_count": 1, "latest_version": None}

_REPLIES: Mapping[str, object] = {
    "/v1/predictions?": {"results": [], "next": None, "previous": None},
    "/v1/webhooks": {"key": "whsec_AAAA"},
    "/v1/models/kwaivgi/kling-v2.1": _MODEL,
    "/v1/files": {
        "id": "ZjY5MDYxMjQ",
        "name": "a.png",
        "content_type": "image/png",
        "size": 3,
        "etag": "e",
        "checksums": {"sha256": "0"},
        "metadata": {},
        "created_at": "2026-11-20T10:00:00Z",
        "urls": {"get": _FILE},
    },
    "/v1/tasks": {"id": _TASK, "status": "PENDING", "createdAt": "2026-11-20T10:00:00Z"},
    "/v1/text_to_video": {"id": _TASK, "estimatedCost": {"credits": 60}},
    "/v1/image_to_video": {"id": _TASK, "estimatedCost": {"credits": 60}},
    "/v1": {"id": _PREDICTION, "model": "a/b", "version": "hidden", "status": "starting", "input": {}, "urls": {}},
}


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One recorded request; header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Recorder:
    """A server on loopback that remembers what it was sent."""

    url: str
    sent: list[Sent] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    recorder: Recorder

    def _record(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.recorder.sent.append(Sent(method=self.command, path=self.path, headers=headers, body=body))
        listed = self.command == "GET" and self.path.split("?")[0] == "/v1/predictions"
        key = "/v1/predictions?" if listed else next(key for key in _REPLIES if self.path.startswith(key))
        payload = b"" if self.command == "DELETE" else json.dumps(_REPLIES[key]).encode()
        self.send_response(204 if self.command == "DELETE" else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    do_GET = do_POST = do_DELETE = _record  # noqa: N815 - the names http.server looks for

    def log_message(self, *_: object) -> None:
        """Say nothing."""


_connections: list[object] = []
_watching = threading.Event()


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event in ("socket.connect", "socket.getaddrinfo") and _watching.is_set():
        _connections.append(arguments[1][0] if event == "socket.connect" else arguments[0])  # type: ignore[index]  # (socket, (host, port))


sys.addaudithook(_watch)


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    """A recording server; afterwards nothing but loopback may have been connected to."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    handler = type("Handler", (_Handler,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        recording = Recorder(url=f"http://127.0.0.1:{server.server_address[1]}")
        handler.recorder = recording  # type: ignore[attr-defined]  # the class was made a line above
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        _connections.clear()
        _watching.set()
        try:
            yield recording
        finally:
            _watching.clear()
            server.shutdown()
            thread.join()
    assert _connections, "the SDK did not connect at all"
    assert set(_connections) == {"127.0.0.1"}


@contextmanager
def _runway(url: str) -> Iterator[runwayml.RunwayML]:
    with (
        httpx.Client(trust_env=False) as http,
        runwayml.RunwayML(api_key=_SECRET, base_url=url, max_retries=0, http_client=http) as client,
    ):
        yield client


@contextmanager
def _replicate(url: str, headers: Mapping[str, str] | None = None) -> Iterator[ReplicateClient]:
    client = ReplicateClient(api_token=_SECRET, base_url=url, headers=dict(headers or {}))
    try:
        yield client
    finally:
        client._client.close()


def _assert_same(ours: Request, theirs: Sent, headers: tuple[str, ...]) -> None:
    """Method, path with query, JSON, and the headers that matter; the sender adds the secret to ours."""
    query = f"?{urlencode(ours.query)}" if ours.query else ""
    assert (ours.method, ours.path + query) == (theirs.method, theirs.path)
    assert ours.json == (json.loads(theirs.body) if theirs.body else None)
    assert ours.auth is not None
    mine = {ours.auth.header.lower(): ours.auth.prefix + _SECRET}
    mine |= {name.lower(): value for name, value in ours.headers.items()}
    assert {name: mine.get(name) for name in headers} == {name: theirs.headers.get(name) for name in headers}


def _submit(model_id: str, callback: str | None = None, **typed: Any) -> Request:
    model = CATALOGUE.rows[model_id]
    resolved = resolve(Wish(**typed), model)
    assert not resolved.violations
    return ADAPTERS[model.provider].submit(resolved.spec, model, callback)


def _version(name: str) -> str:
    return CATALOGUE.rows[f"replicate/{name}"].wire_version


def _at(uri: str) -> MediaInput:
    return MediaInput(uri=uri)


_INLINE = MediaInput(data=b"PNG", mime_type="image/png")
_DATA_URI = "data:image/png;base64,UE5H"

_RunwayCall = Callable[[runwayml.RunwayML], object]
_RUNWAY: dict[str, tuple[Callable[[], Request | None], _RunwayCall]] = {
    "text, typed": (
        lambda: _submit("runway/gen4.5", prompt="A cat", duration=5, aspect_ratio="16:9", seed=42),
        lambda sdk: sdk.text_to_video.create(
            model="gen4.5", prompt_text="A cat", ratio="1280:720", duration=5, seed=42
        ),
    ),
    "text, tall, moderated": (
        lambda: _submit(
            "runway/gen4.5",
            prompt="A cat",
            duration=10,
            aspect_ratio="9:16",
            vendor_options={"contentModeration": {"publicFigureThreshold": "auto"}},
        ),
        lambda sdk: sdk.text_to_video.create(
            model="gen4.5",
            prompt_text="A cat",
            ratio="720:1280",
            duration=10,
            content_moderation={"public_figure_threshold": "auto"},
        ),
    ),
    "text, veo, silent": (
        lambda: _submit("runway/veo3.1", prompt="A cat", duration=4, audio=False, negative_prompt="text", seed=1),
        lambda sdk: sdk.text_to_video.create(
            model="veo3.1",
            prompt_text="A cat",
            ratio="1280:720",
            duration=4,
            audio=False,
            negative_prompt="text",
            seed=1,
        ),
    ),
    "text, veo, full size": (
        lambda: _submit("runway/veo3.1", prompt="A cat", resolution="1080p", aspect_ratio="9:16"),
        lambda sdk: sdk.text_to_video.create(
            model="veo3.1", prompt_text="A cat", ratio="1080:1920", duration=8, audio=True
        ),
    ),
    "image by address": (
        lambda: _submit("runway/gen4.5", prompt="pan left", first_frame=_at(_A)),
        lambda sdk: sdk.image_to_video.create(
            model="gen4.5", prompt_text="pan left", prompt_image=_A, ratio="1280:720", duration=5
        ),
    ),
    "image inline, turbo": (
        lambda: _submit("runway/gen4_turbo", prompt="pan", first_frame=_INLINE, duration=2, aspect_ratio="1:1"),
        lambda sdk: sdk.image_to_video.create(
            model="gen4_turbo", prompt_text="pan", prompt_image=_DATA_URI, ratio="960:960", duration=2
        ),
    ),
    "image, widest": (
        lambda: _submit("runway/gen4_turbo", prompt="pan", first_frame=_at(_A), aspect_ratio="21:9", seed=0),
        lambda sdk: sdk.image_to_video.create(
            model="gen4_turbo", prompt_text="pan", prompt_image=_A, ratio="1584:672", duration=5, seed=0
        ),
    ),
    "image, veo, first only": (
        lambda: _submit("runway/veo3.1", prompt="x", first_frame=_at(_A), duration=6),
        lambda sdk: sdk.image_to_video.create(
            model="veo3.1", prompt_text="x", prompt_image=_A, ratio="1280:720", duration=6, audio=True
        ),
    ),
    "image, veo, first and last": (
        lambda: _submit(
            "runway/veo3.1",
            prompt="x",
            first_frame=_at(_A),
            last_frame=_at(_B),
            duration=8,
            audio=False,
            resolution="1080p",
        ),
        lambda sdk: sdk.image_to_video.create(
            model="veo3.1",
            prompt_text="x",
            prompt_image=[{"uri": _A, "position": "first"}, {"uri": _B, "position": "last"}],
            ratio="1920:1080",
            duration=8,
            audio=False,
        ),
    ),
    "poll": (
        lambda: ADAPTERS["runway"].poll({"id": _TASK}),
        lambda sdk: sdk.tasks.retrieve(_TASK),
    ),
    "cancel": (
        lambda: ADAPTERS["runway"].cancel({"id": _TASK}),
        lambda sdk: sdk.tasks.delete(_TASK),
    ),
    "delete": (
        lambda: ADAPTERS["runway"].delete({"id": _TASK}),
        lambda sdk: sdk.tasks.delete(_TASK),
    ),
}

_ReplicateCall = Callable[[ReplicateClient], object]
_REPLICATE: dict[str, tuple[Callable[[], Request | None], _ReplicateCall]] = {
    "official with a webhook": (
        lambda: _submit("replicate/minimax-video-01", _CALLBACK, prompt="a cat"),
        lambda sdk: sdk.models.predictions.create(
            "minimax/video-01", {"prompt": "a cat"}, webhook=_CALLBACK, webhook_events_filter=_EVENTS
        ),
    ),
    "official without": (
        lambda: _submit("replicate/minimax-video-01", prompt="a cat", vendor_options={"prompt_optimizer": False}),
        lambda sdk: sdk.models.predictions.create("minimax/video-01", {"prompt": "a cat", "prompt_optimizer": False}),
    ),
    "official from an image": (
        lambda: _submit("replicate/minimax-video-01", prompt="a cat", first_frame=_at(_A)),
        lambda sdk: sdk.models.predictions.create("minimax/video-01", {"prompt": "a cat", "first_frame_image": _A}),
    ),
    "kling from text": (
        lambda: _submit("replicate/kling-v2.5-turbo-pro", prompt="a cat", duration=10, aspect_ratio="9:16"),
        lambda sdk: sdk.models.predictions.create(
            "kwaivgi/kling-v2.5-turbo-pro", {"prompt": "a cat", "duration": 10, "aspect_ratio": "9:16"}
        ),
    ),
    "kling from frames": (
        lambda: _submit(
            "replicate/kling-v2.5-turbo-pro",
            _CALLBACK,
            prompt="a cat",
            negative_prompt="text",
            first_frame=_at(_A),
            last_frame=_at(_B),
        ),
        lambda sdk: sdk.models.predictions.create(
            "kwaivgi/kling-v2.5-turbo-pro",
            {"prompt": "a cat", "duration": 5, "negative_prompt": "text", "start_image": _A, "end_image": _B},
            webhook=_CALLBACK,
            webhook_events_filter=_EVENTS,
        ),
    ),
    "by version with a webhook": (
        lambda: _submit(
            "replicate/stable-video-diffusion",
            _CALLBACK,
            prompt="x",
            first_frame=_at(_A),
            duration=3.57,
            motion=Motion.HIGH,
            seed=7,
        ),
        lambda sdk: sdk.predictions.create(
            version=_SVD,
            input={
                "input_image": _A,
                "video_length": "25_frames_with_svd_xt",
                "frames_per_second": 6,
                "motion_bucket_id": 200,
                "seed": 7,
            },
            webhook=_CALLBACK,
            webhook_events_filter=_EVENTS,
        ),
    ),
    "several resolutions under another name": (
        lambda: _submit(
            "replicate/kling-v3-video", prompt="a cat", duration=7, resolution="720p", aspect_ratio="1:1", audio=True
        ),
        lambda sdk: sdk.models.predictions.create(
            "kwaivgi/kling-v3-video",
            {"prompt": "a cat", "duration": 7, "mode": "standard", "aspect_ratio": "1:1", "generate_audio": True},
        ),
    ),
    "references": (
        lambda: _submit("replicate/veo-3.1", _CALLBACK, prompt="x", references=(_at(_A), _INLINE), audio=False, seed=5),
        lambda sdk: sdk.models.predictions.create(
            "google/veo-3.1",
            {
                "prompt": "x",
                "duration": 8,
                "aspect_ratio": "16:9",
                "resolution": "1080p",
                "generate_audio": False,
                "seed": 5,
                "reference_images": [_A, _DATA_URI],
            },
            webhook=_CALLBACK,
            webhook_events_filter=_EVENTS,
        ),
    ),
    "a source video and one reference": (
        lambda: _submit("replicate/gen4-aleph", prompt="x", source_video=_at(_B), references=(_at(_A),)),
        lambda sdk: sdk.models.predictions.create(
            "runwayml/gen4-aleph", {"prompt": "x", "video": _B, "reference_image": _A, "aspect_ratio": "16:9"}
        ),
    ),
    "pixels in one word": (
        lambda: _submit("replicate/wan-2.5-t2v", prompt="x", aspect_ratio="9:16", duration=10, negative_prompt="text"),
        lambda sdk: sdk.models.predictions.create(
            "wan-video/wan-2.5-t2v", {"prompt": "x", "size": "720*1280", "duration": 10, "negative_prompt": "text"}
        ),
    ),
    "a task for an image": (
        lambda: _submit("replicate/ltx-2.3-pro", prompt="x", first_frame=_at(_A), last_frame=_at(_B), fps=24),
        lambda sdk: sdk.models.predictions.create(
            "lightricks/ltx-2.3-pro",
            {
                "task": "image_to_video",
                "prompt": "x",
                "image": _A,
                "last_frame_image": _B,
                "duration": 6,
                "fps": 24,
                "resolution": "1080p",
                "aspect_ratio": "16:9",
                "generate_audio": True,
            },
        ),
    ),
    "frames and pixels, by version": (
        lambda: _submit("replicate/zeroscope-v2-xl", _CALLBACK, prompt="x", duration=4, aspect_ratio="9:16", seed=1),
        lambda sdk: sdk.predictions.create(
            version=_version("zeroscope-v2-xl"),
            input={"prompt": "x", "num_frames": 32, "fps": 8, "width": 320, "height": 576, "seed": 1},
            webhook=_CALLBACK,
            webhook_events_filter=_EVENTS,
        ),
    ),
    "an mp4 instead of a gif": (
        lambda: _submit("replicate/hotshot-xl", prompt="x", negative_prompt="blurry"),
        lambda sdk: sdk.predictions.create(
            version=_version("hotshot-xl"),
            input={"prompt": "x", "negative_prompt": "blurry", "mp4": True, "width": 672, "height": 384},
        ),
    ),
    "by version without": (
        lambda: _submit("replicate/stable-video-diffusion", prompt="x", first_frame=_INLINE),
        lambda sdk: sdk.predictions.create(
            version=_SVD,
            input={"input_image": _DATA_URI, "video_length": "14_frames_with_svd", "frames_per_second": 6},
        ),
    ),
    "poll": (
        lambda: ADAPTERS["replicate"].poll({"id": _PREDICTION}),
        lambda sdk: sdk.predictions.get(_PREDICTION),
    ),
    "cancel": (
        lambda: ADAPTERS["replicate"].cancel({"id": _PREDICTION}),
        lambda sdk: sdk.predictions.cancel(_PREDICTION),
    ),
    "next page": (
        lambda: ADAPTERS["replicate"].search_next(
            Reply(status=200, body=b'{"next": "https://api.replicate.com/v1/predictions?cursor=cD0yMDI2"}')
        ),
        lambda sdk: sdk.predictions.list(cursor="/v1/predictions?cursor=cD0yMDI2"),
    ),
    "a model's schema": (
        lambda: question(CATALOGUE.rows["replicate/kling-v2.1"]),
        lambda sdk: sdk.models.get("kwaivgi/kling-v2.1"),
    ),
    "webhook secret": (
        ADAPTERS["replicate"].callback_secret,
        lambda sdk: sdk.webhooks.default.secret(),
    ),
}


@pytest.mark.parametrize("name", _RUNWAY)
def test_runway(name: str, recorder: Recorder) -> None:
    ours, theirs = _RUNWAY[name]
    with _runway(recorder.url) as sdk:
        theirs(sdk)
    request = ours()
    assert request is not None
    assert len(recorder.sent) == 1
    _assert_same(request, recorder.sent[0], ("authorization", "x-runway-version"))


@pytest.mark.parametrize("name", _REPLICATE)
def test_replicate(name: str, recorder: Recorder) -> None:
    ours, theirs = _REPLICATE[name]
    with _replicate(recorder.url) as sdk:
        theirs(sdk)
    request = ours()
    assert request is not None
    assert len(recorder.sent) == 1
    _assert_same(request, recorder.sent[0], ("authorization",))


def test_replicate_deadline(recorder: Recorder) -> None:
    """This SDK can send `Cancel-After` for a whole client only; the wire is the same."""
    with _replicate(recorder.url, {"Cancel-After": "900s"}) as sdk:
        sdk.models.predictions.create("minimax/video-01", {"prompt": "a cat"})
    ours = _submit("replicate/minimax-video-01", prompt="a cat")
    _assert_same(ours, recorder.sent[0], ("authorization", "cancel-after"))


def test_replicate_files(recorder: Recorder) -> None:
    """The SDK adds a part of its own, `metadata`; the file's part is ours to the letter."""
    with _replicate(recorder.url) as sdk:
        stored = sdk.files.create(_Png(b"PNG"))
    (theirs,) = recorder.sent
    row = CATALOGUE.rows["replicate/kling-v2.1"]
    ours = ADAPTERS["replicate"].upload(MediaInput(data=b"PNG", mime_type="image/png", name="a.png"), row)
    assert ours is not None
    assert (ours.method, ours.path) == (theirs.method, theirs.path)
    assert [(part.name, part.filename, part.content_type, part.data) for part in ours.form] == [
        each for each in _parts(theirs) if each[0] != "metadata"
    ]
    slot = ADAPTERS["replicate"].slot(Reply(status=201, body=json.dumps(_REPLIES["/v1/files"]).encode()))
    assert slot is not None
    assert slot.uri == stored.urls["get"]


class _Png(io.BytesIO):
    name = "a.png"


def _parts(sent: Sent) -> list[tuple[str, str, str, bytes]]:
    """Name, file name, type and bytes of each part of a form."""
    head = f"content-type: {sent.headers['content-type']}\r\n\r\n".encode()
    message = message_from_bytes(head + sent.body, policy=default)
    return [
        (
            str(part.get_param("name", header="content-disposition")),
            part.get_filename() or "",
            part.get_content_type(),
            part.get_content() if part.get_content_maintype() != "text" else b"",
        )
        for part in message.iter_parts()
    ]


def test_enough_cases() -> None:
    assert min(len(_RUNWAY), len(_REPLICATE)) >= 8
