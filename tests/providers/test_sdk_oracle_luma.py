"""Luma's own SDKs, `luma-agents` and `lumaai`, against a recording server: our requests are theirs, word for word."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode

import httpx
import luma_agents
import lumaai
import pytest

from core.outcome import AttemptReference, Reply, Request
from core.spec import MediaInput, Wish
from providers.catalogue import ADAPTERS, CATALOGUE
from providers.luma import LumaProvider
from providers.resolve import resolve

_SECRET = "planted-secret"
_JOB = "9f0c1c5e-0000-4000-8000-000000000001"
_CALLBACK = "https://filmgate.example/webhooks/luma-legacy/token"
_A, _B, _V = "https://example.com/a.png", "https://example.com/b.png", "https://example.com/v.mp4"
_LUMA = LumaProvider()
_LEGACY = ADAPTERS["luma-legacy"]


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One recorded request; header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Recorder:
    """A server on loopback that remembers what it was sent and answers with an empty object."""

    url: str
    sent: list[Sent] = field(default_factory=list)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """A recording server."""
    sent: list[Sent] = []

    class Handler(BaseHTTPRequestHandler):
        def _record(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            sent.append(Sent(method=self.command, path=self.path, headers=headers, body=body))
            payload = b"" if self.command == "DELETE" else b"{}"
            self.send_response(200 if payload else 204)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_DELETE = _record  # noqa: N815 - the names http.server looks for

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield Recorder(url=f"http://127.0.0.1:{server.server_address[1]}", sent=sent)
        finally:
            server.shutdown()
            thread.join()


def _assert_same(ours: Request | None, theirs: Sent) -> None:
    """Method, path with query, JSON and the credential; the sender adds the secret to ours."""
    assert ours is not None
    assert ours.auth is not None
    query = f"?{urlencode(ours.query)}" if ours.query else ""
    assert (ours.method, ours.path + query) == (theirs.method, theirs.path)
    assert ours.json == (json.loads(theirs.body) if theirs.body else None)
    assert ours.auth.prefix + _SECRET == theirs.headers[ours.auth.header.lower()]
    assert not ours.headers


def _submit(model_id: str, callback: str | None = None, **typed: Any) -> Request:
    model = CATALOGUE.rows[model_id]
    resolved = resolve(Wish(**typed), model)
    assert not resolved.violations
    return ADAPTERS[model.provider].submit(resolved.spec, model, callback)


def _at(uri: str) -> MediaInput:
    return MediaInput(uri=uri)


_INLINE = MediaInput(data=b"PNG", mime_type="image/png")
_T, _E, _R = "luma/ray-3.2", "luma/ray-3.2-edit", "luma/ray-3.2-reframe"
_Agents = Callable[[luma_agents.Luma], object]
_AGENTS: dict[str, tuple[Callable[[], Request | None], _Agents]] = {
    "text": (
        lambda: _submit(_T, prompt="A cat", aspect_ratio="16:9", duration=5),
        lambda sdk: sdk.generations.create(
            prompt="A cat",
            aspect_ratio="16:9",
            model="ray-3.2",
            type="video",
            video={"duration": "5s", "resolution": "720p"},
        ),
    ),
    "text, long and tall": (
        lambda: _submit(_T, prompt="A cat", aspect_ratio="9:16", duration=10, resolution="1080p"),
        lambda sdk: sdk.generations.create(
            prompt="A cat",
            aspect_ratio="9:16",
            model="ray-3.2",
            type="video",
            video={"duration": "10s", "resolution": "1080p"},
        ),
    ),
    "loop": (
        lambda: _submit(_T, prompt="A cat", vendor_options={"loop": True}),
        lambda sdk: sdk.generations.create(
            prompt="A cat",
            aspect_ratio="16:9",
            model="ray-3.2",
            type="video",
            video={"duration": "5s", "resolution": "720p", "loop": True},
        ),
    ),
    "hdr": (
        lambda: _submit(_T, prompt="A cat", resolution="1080p", vendor_options={"hdr": True}),
        lambda sdk: sdk.generations.create(
            prompt="A cat",
            aspect_ratio="16:9",
            model="ray-3.2",
            type="video",
            video={"duration": "5s", "resolution": "1080p", "hdr": True},
        ),
    ),
    "first and last frame": (
        lambda: _submit(_T, prompt="A cat", first_frame=_at(_A), last_frame=_INLINE),
        lambda sdk: sdk.generations.create(
            prompt="A cat",
            model="ray-3.2",
            type="video",
            video={
                "duration": "5s",
                "resolution": "720p",
                "start_frame": {"url": _A},
                "end_frame": {"data": "UE5H", "media_type": "image/png"},
            },
        ),
    ),
    "keyframes": (
        lambda: _submit(_T, prompt="A cat", first_frame=_at(_A), last_frame=_at(_B), duration=10),
        lambda sdk: sdk.generations.create(
            prompt="A cat",
            model="ray-3.2",
            type="video",
            video={
                "duration": "10s",
                "resolution": "720p",
                "keyframes": [{"url": _A}, {"url": _B}],
                "keyframe_indexes": [0, 240],
            },
        ),
    ),
    "extension": (
        lambda: _submit(_T, prompt="on", vendor_options={"start_frame": {"generation_id": _JOB}}),
        lambda sdk: sdk.generations.create(
            prompt="on",
            model="ray-3.2",
            type="video",
            video={"duration": "5s", "resolution": "720p", "start_frame": {"generation_id": _JOB}},
        ),
    ),
    "edit": (
        lambda: _submit(_E, prompt="snow", source_video=_at(_V), vendor_options={"edit": {"strength": "flex_1"}}),
        lambda sdk: sdk.generations.create(
            prompt="snow",
            model="ray-3.2",
            type="video_edit",
            source={"url": _V, "media_type": "video/mp4"},
            video={"resolution": "720p", "edit": {"strength": "flex_1"}},
        ),
    ),
    "reframe of an uploaded file": (
        lambda: _submit(_R, prompt="wide", source_video=_at(f"luma-file:{_JOB}"), aspect_ratio="21:9"),
        lambda sdk: sdk.generations.create(
            prompt="wide",
            aspect_ratio="21:9",
            model="ray-3.2",
            type="video_reframe",
            source={"file_id": _JOB},
            video={"resolution": "720p"},
        ),
    ),
    "poll": (lambda: _LUMA.poll({"id": _JOB}), lambda sdk: sdk.generations.get(_JOB)),
    "upload": (
        lambda: _LUMA.upload(MediaInput(asset_id="a", mime_type="image/png", size=4), CATALOGUE.rows[_T]),
        lambda sdk: sdk.files.create(mime_type="image/png", size_bytes=4, purpose="input"),
    ),
    "upload complete": (lambda: _LUMA.complete(f"luma-file:{_JOB}"), lambda sdk: sdk.files.complete(_JOB)),
    "upload state": (lambda: _LUMA.inspect(f"luma-file:{_JOB}"), lambda sdk: sdk.files.get(_JOB)),
}

_ATTEMPT = AttemptReference(
    attempt_id="attempt_1", callback_token="token", model="ray-2", request={}, intended_at="2026-11-20T10:00:00+00:00"
)
_Legacy = Callable[[lumaai.LumaAI], object]
_DREAMS: dict[str, tuple[Callable[[], Request | None], _Legacy]] = {
    "text with everything": (
        lambda: _submit(
            "luma-legacy/ray-2",
            _CALLBACK,
            prompt="A cat",
            vendor_options={"concepts": "dolly_zoom", "loop": False},
        ),
        lambda sdk: sdk.generations.create(
            model="ray-2",
            aspect_ratio="16:9",
            callback_url=_CALLBACK,
            concepts=[{"key": "dolly_zoom"}],
            duration="5s",
            loop=False,
            prompt="A cat",
            resolution="720p",
        ),
    ),
    "text, the other method": (
        lambda: _submit("luma-legacy/ray-flash-2", prompt="A cat", aspect_ratio="9:21", duration=9, resolution="4k"),
        lambda sdk: sdk.generations.video.create(
            model="ray-flash-2", aspect_ratio="9:21", duration="9s", prompt="A cat", resolution="4k"
        ),
    ),
    "first frame": (
        lambda: _submit("luma-legacy/ray-2", prompt="move", first_frame=_at(_A)),
        lambda sdk: sdk.generations.create(
            model="ray-2",
            prompt="move",
            duration="5s",
            resolution="720p",
            keyframes={"frame0": {"type": "image", "url": _A}},
        ),
    ),
    "both frames": (
        lambda: _submit("luma-legacy/ray-flash-2", prompt="move", first_frame=_at(_A), last_frame=_at(_B)),
        lambda sdk: sdk.generations.create(
            model="ray-flash-2",
            prompt="move",
            duration="5s",
            resolution="720p",
            keyframes={"frame0": {"type": "image", "url": _A}, "frame1": {"type": "image", "url": _B}},
        ),
    ),
    "extension": (
        lambda: _submit("luma-legacy/ray-2", prompt="extend", vendor_options={"keyframes": {"frame0": {"id": _JOB}}}),
        lambda sdk: sdk.generations.create(
            model="ray-2",
            aspect_ratio="16:9",
            prompt="extend",
            duration="5s",
            resolution="720p",
            keyframes={"frame0": {"type": "generation", "id": _JOB}},
        ),
    ),
    "extension from a frame": (
        lambda: _submit(
            "luma-legacy/ray-2",
            prompt="extend",
            first_frame=_at(_A),
            vendor_options={"keyframes": {"frame1": {"id": _JOB}}},
        ),
        lambda sdk: sdk.generations.create(
            model="ray-2",
            prompt="extend",
            duration="5s",
            resolution="720p",
            keyframes={"frame0": {"type": "image", "url": _A}, "frame1": {"type": "generation", "id": _JOB}},
        ),
    ),
    "poll": (lambda: _LEGACY.poll({"id": _JOB}), lambda sdk: sdk.generations.get(_JOB)),
    "list": (lambda: _LEGACY.search(_ATTEMPT), lambda sdk: sdk.generations.list(limit=50, offset=0)),
    "list, second page": (
        lambda: _LEGACY.search_next(
            Reply(
                status=200,
                body=json.dumps({"generations": [{}] * 50, "has_more": True, "limit": 50, "offset": 0}).encode(),
            )
        ),
        lambda sdk: sdk.generations.list(limit=50, offset=50),
    ),
    "cancel": (lambda: _LEGACY.cancel({"id": _JOB}), lambda sdk: sdk.generations.delete(_JOB)),
    "delete": (lambda: _LEGACY.delete({"id": _JOB}), lambda sdk: sdk.generations.delete(_JOB)),
}


@pytest.mark.parametrize("name", _AGENTS)
def test_luma(name: str, recorder: Recorder) -> None:
    ours, theirs = _AGENTS[name]
    with (
        httpx.Client(trust_env=False) as http,
        luma_agents.Luma(auth_token=_SECRET, base_url=f"{recorder.url}/v1", max_retries=0, http_client=http) as sdk,
    ):
        theirs(sdk)
    assert len(recorder.sent) == 1
    _assert_same(ours(), recorder.sent[0])


@pytest.mark.parametrize("name", _DREAMS)
def test_luma_legacy(name: str, recorder: Recorder) -> None:
    ours, theirs = _DREAMS[name]
    with (
        httpx.Client(trust_env=False) as http,
        lumaai.LumaAI(
            auth_token=_SECRET, base_url=f"{recorder.url}/dream-machine/v1", max_retries=0, http_client=http
        ) as sdk,
    ):
        theirs(sdk)
    assert len(recorder.sent) == 1
    _assert_same(ours(), recorder.sent[0])


def test_enough_cases() -> None:
    assert min(len(_AGENTS), len(_DREAMS)) >= 8
