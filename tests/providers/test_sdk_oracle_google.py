"""Google's own SDK against a recording server: our requests to the API by key and to Vertex are its, word for word."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode

import pytest
from google import genai
from google.genai import types
from google.oauth2.credentials import Credentials

from core.outcome import Request
from core.spec import MediaInput, Wish
from providers.catalogue import ADAPTERS, CATALOGUE
from providers.resolve import resolve
from providers.vertex import address

_SECRET = "planted-secret"
_CALLBACK = "https://filmgate.example/webhooks/google/token"
_WEBHOOK = {"uris": [_CALLBACK], "user_metadata": {"client": "filmgate"}}
_BASE = "/v1/projects/my-project/locations/us-central1"
_OPERATION = f"{_BASE.removeprefix('/v1/')}/publishers/google/models/veo-3.1-generate-001/operations/op1"
_INTERACTION = {
    "id": "v1_abc",
    "object": "interaction",
    "status": "in_progress",
    "model": "gemini-omni-1.1-flash",
    "created": "2026-11-20T10:00:00Z",
    "updated": "2026-11-20T10:00:00Z",
    "steps": [],
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
        payload = json.dumps({"name": _OPERATION} if "projects" in self.path else _INTERACTION).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    do_GET = do_POST = do_DELETE = _record  # noqa: N815 - the names http.server looks for

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    """A recording server, and no proxy that could come between."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    handler = type("Handler", (_Handler,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        recording = Recorder(url=f"http://127.0.0.1:{server.server_address[1]}")
        handler.recorder = recording  # type: ignore[attr-defined]  # the class was made a line above
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield recording
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def _by_key(url: str) -> Iterator[genai.Client]:
    client = genai.Client(api_key=_SECRET, http_options=types.HttpOptions(base_url=url))
    try:
        yield client
    finally:
        client.close()


@contextmanager
def _by_token(url: str) -> Iterator[genai.Client]:
    client = genai.Client(
        enterprise=True,
        project="my-project",
        location="us-central1",
        credentials=Credentials(token=_SECRET),  # type: ignore[no-untyped-call]  # google-auth has no types here
        http_options=types.HttpOptions(base_url=url, api_version="v1"),
    )
    try:
        yield client
    finally:
        client.close()


def _assert_same(ours: Request, theirs: Sent, base: str = "") -> None:
    """Method, path with query, JSON, and the header that holds the secret; the sender adds that to ours."""
    query = f"?{urlencode(ours.query)}" if ours.query else ""
    assert (ours.method, base + ours.path + query) == (theirs.method, theirs.path)
    assert ours.json == (json.loads(theirs.body) if theirs.body else None)
    assert ours.auth is not None
    assert theirs.headers[ours.auth.header.lower()] == ours.auth.prefix + _SECRET
    assert ours.headers == {}
    assert theirs.headers.get("content-type", "application/json") == "application/json"


def _submit(model_id: str, callback: str | None = None, **typed: Any) -> Request:
    model = CATALOGUE.rows[model_id]
    resolved = resolve(Wish(**typed), model)
    assert not resolved.violations
    return ADAPTERS[model.provider].submit(resolved.spec, model, callback)


_PNG = MediaInput(data=b"PNG", mime_type="image/png")
_JPG = MediaInput(data=b"JPG", mime_type="image/jpeg")
_MP4 = MediaInput(data=b"MP4", mime_type="video/mp4")
_ONE, _TWO = "google/gemini-omni-1.1-flash", "google/gemini-omni-1.2-flash"


def _block(kind: str, data: str, mime_type: str) -> dict[str, str]:
    return {"type": kind, "data": data, "mime_type": mime_type}


def _format(**chosen: str) -> dict[str, str]:
    usual = {"resolution": "720p", "aspect_ratio": "16:9", "duration": "5s"}
    return {"type": "video", "delivery": "uri"} | (usual | chosen)


def _create(sdk: genai.Client, content: Any, task: str | None, chosen: Mapping[str, str], **more: Any) -> object:
    arguments: dict[str, Any] = {"model": "gemini-omni-1.1-flash", "background": True, "store": True, **more}
    if task is not None:
        arguments["generation_config"] = {"video_config": {"task": task}}
    return sdk.interactions.create(input=content, response_format=dict(chosen), **arguments)


_PNG_BLOCK = _block("image", "UE5H", "image/png")
_JPG_BLOCK = _block("image", "SlBH", "image/jpeg")
_MP4_BLOCK = _block("video", "TVA0", "video/mp4")
_NO_SHAPE = {"type": "video", "delivery": "uri", "resolution": "720p"}


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


_Call = Callable[[genai.Client], object]
_OMNI: dict[str, tuple[Callable[[], Request | None], _Call]] = {
    "text": (
        lambda: _submit(_ONE, prompt="A cat"),
        lambda sdk: _create(sdk, "A cat", "text_to_video", _format()),
    ),
    "text, typed, with a webhook": (
        lambda: _submit(_ONE, _CALLBACK, prompt="A cat", duration=10, aspect_ratio="9:16", resolution="1080p"),
        lambda sdk: _create(
            sdk,
            "A cat",
            "text_to_video",
            _format(aspect_ratio="9:16", resolution="1080p", duration="10s"),
            webhook_config=_WEBHOOK,
        ),
    ),
    "the newest, fifteen seconds": (
        lambda: _submit(_TWO, prompt="A cat", duration=15, resolution="360p"),
        lambda sdk: _create(
            sdk,
            "A cat",
            "text_to_video",
            _format(resolution="360p", duration="15s"),
            model="gemini-omni-1.2-flash",
        ),
    ),
    "first frame": (
        lambda: _submit(_ONE, prompt="pan", first_frame=_PNG),
        lambda sdk: _create(sdk, [_PNG_BLOCK, _text("<FIRST_FRAME> pan")], "image_to_video", _format()),
    ),
    "first and last frame": (
        lambda: _submit(_ONE, prompt="pan", first_frame=_PNG, last_frame=_JPG),
        lambda sdk: _create(
            sdk, [_PNG_BLOCK, _JPG_BLOCK, _text("<FIRST_FRAME> <LAST_FRAME> pan")], "image_to_video", _format()
        ),
    ),
    "references": (
        lambda: _submit(_ONE, prompt="they meet", references=(_PNG, _JPG)),
        lambda sdk: _create(
            sdk,
            [_PNG_BLOCK, _JPG_BLOCK, _text("[# References <IMAGE_REF_0>@Image1 <IMAGE_REF_1>@Image2] they meet")],
            "reference_to_video",
            _format(),
        ),
    ),
    "edit": (
        lambda: _submit(_ONE, prompt="anime", source_video=_MP4),
        lambda sdk: _create(sdk, [_MP4_BLOCK, _text("[# Sources <VIDEO_0>@Video1] anime")], "edit", _NO_SHAPE),
    ),
    "extend": (
        lambda: _submit(_ONE, prompt="go on", source_video=_MP4, duration=3, vendor_options={"task": "extend"}),
        lambda sdk: _create(sdk, [_MP4_BLOCK, _text("go on")], "extend", {**_NO_SHAPE, "duration": "3s"}),
    ),
    "go on with an earlier one": (
        lambda: _submit(_ONE, prompt="at night", vendor_options={"previous_interaction_id": "v1_old"}),
        lambda sdk: _create(sdk, "at night", None, _format(), previous_interaction_id="v1_old"),
    ),
    "poll": (
        lambda: ADAPTERS["google"].poll({"id": "v1_abc"}),
        lambda sdk: sdk.interactions.get("v1_abc"),
    ),
    "cancel": (
        lambda: ADAPTERS["google"].cancel({"id": "v1_abc"}),
        lambda sdk: sdk.interactions.cancel("v1_abc"),
    ),
    "delete": (
        lambda: ADAPTERS["google"].delete({"id": "v1_abc"}),
        lambda sdk: sdk.interactions.delete("v1_abc"),
    ),
}


def _veo(sdk: genai.Client, image: types.Image | None = None, model: str = "veo-3.1-generate-001", **more: Any) -> Any:
    usual: dict[str, Any] = {
        "number_of_videos": 1,
        "duration_seconds": 8,
        "aspect_ratio": "16:9",
        "resolution": "720p",
        "generate_audio": True,
    }
    return sdk.models.generate_videos(
        model=model,
        source=types.GenerateVideosSource(prompt="A cat", image=image),
        config=types.GenerateVideosConfig(**usual | more),
    )


_PNG_IMAGE = types.Image(image_bytes=b"PNG", mime_type="image/png")
_JPG_IMAGE = types.Image(image_bytes=b"JPG", mime_type="image/jpeg")


def _reference(image: types.Image) -> types.VideoGenerationReferenceImage:
    return types.VideoGenerationReferenceImage(image=image, reference_type=types.VideoGenerationReferenceType.ASSET)


_VEO: dict[str, tuple[Callable[[], Request | None], _Call]] = {
    "text": (
        lambda: _submit("vertex/veo-3.1", prompt="A cat"),
        _veo,
    ),
    "text, typed": (
        lambda: _submit(
            "vertex/veo-3.1",
            prompt="A cat",
            duration=4,
            aspect_ratio="9:16",
            seed=7,
            negative_prompt="text",
            audio=False,
        ),
        lambda sdk: _veo(
            sdk, duration_seconds=4, aspect_ratio="9:16", seed=7, negative_prompt="text", generate_audio=False
        ),
    ),
    "full size": (
        lambda: _submit("vertex/veo-3.1-fast", prompt="A cat", resolution="4k"),
        lambda sdk: _veo(sdk, model="veo-3.1-fast-generate-001", resolution="4k"),
    ),
    "lite": (
        lambda: _submit("vertex/veo-3.1-lite", prompt="A cat", resolution="1080p"),
        lambda sdk: _veo(sdk, model="veo-3.1-lite-generate-001", resolution="1080p"),
    ),
    "first frame": (
        lambda: _submit("vertex/veo-3.1", prompt="A cat", first_frame=_PNG),
        lambda sdk: _veo(sdk, _PNG_IMAGE),
    ),
    "first and last frame": (
        lambda: _submit("vertex/veo-3.1", prompt="A cat", first_frame=_PNG, last_frame=_JPG, duration=6),
        lambda sdk: _veo(sdk, _PNG_IMAGE, last_frame=_JPG_IMAGE, duration_seconds=6),
    ),
    "references": (
        lambda: _submit("vertex/veo-3.1", prompt="A cat", references=(_PNG, _JPG)),
        lambda sdk: _veo(sdk, reference_images=[_reference(_PNG_IMAGE), _reference(_JPG_IMAGE)]),
    ),
    "options": (
        lambda: _submit(
            "vertex/veo-3.1",
            prompt="A cat",
            vendor_options={
                "storageUri": "gs://bucket/folder/",
                "personGeneration": "allow_adult",
                "enhancePrompt": True,
                "resizeMode": "PAD",
                "compressionQuality": "LOSSLESS",
            },
        ),
        lambda sdk: _veo(
            sdk,
            output_gcs_uri="gs://bucket/folder/",
            person_generation="allow_adult",
            enhance_prompt=True,
            resize_mode="PAD",
            compression_quality="LOSSLESS",
        ),
    ),
    "poll": (
        lambda: ADAPTERS["vertex"].poll({"id": _OPERATION}),
        lambda sdk: sdk.operations.get(types.GenerateVideosOperation.model_validate({"name": _OPERATION})),
    ),
}


@pytest.mark.parametrize("name", _OMNI)
def test_omni_by_key(name: str, recorder: Recorder) -> None:
    ours, theirs = _OMNI[name]
    with _by_key(recorder.url) as sdk:
        theirs(sdk)
    request = ours()
    assert request is not None
    [sent] = recorder.sent
    _assert_same(request, sent)


@pytest.mark.parametrize("name", _VEO)
def test_veo_on_vertex(name: str, recorder: Recorder) -> None:
    ours, theirs = _VEO[name]
    with _by_token(recorder.url) as sdk:
        theirs(sdk)
    request = ours()
    assert request is not None
    [sent] = recorder.sent
    _assert_same(request, sent, _BASE)
    assert sent.headers["authorization"] == f"Bearer {_SECRET}"


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("us-central1", "us-central1-aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("us", "aiplatform.us.rep.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
    ],
)
def test_the_host_of_a_location_is_the_sdks(location: str, host: str) -> None:
    client = genai.Client(
        enterprise=True,
        project="my-project",
        location=location,
        credentials=Credentials(token=_SECRET),  # type: ignore[no-untyped-call]  # google-auth has no types here
    )
    assert client._api_client._http_options.base_url == f"https://{host}/"
    client.close()
    assert address("my-project", location) == f"https://{host}/v1/projects/my-project/locations/{location}"
