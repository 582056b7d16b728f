"""OpenAI's own SDK against a recording server: our requests are its, part by part.

The SDK calls its Videos API deprecated at every call; it still speaks it.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode

import httpx2
import openai
import pytest

from core.outcome import AttemptReference, Reply, Request
from core.spec import MediaInput, Wish
from jobs.http import multipart
from providers.catalogue import ADAPTERS, CATALOGUE
from providers.resolve import resolve

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")
_SECRET = "planted-secret"
_VIDEO = {
    "id": "video_68d7",
    "object": "video",
    "created_at": 1758941485,
    "status": "queued",
    "model": "sora-2",
    "progress": 0,
    "seconds": "4",
    "size": "1280x720",
}
_OURS = ADAPTERS["openai-compatible"]


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


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """A recording server that answers as the Videos API would."""
    sent: list[Sent] = []

    class Handler(BaseHTTPRequestHandler):
        def _record(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            sent.append(Sent(method=self.command, path=self.path, headers=headers, body=body))
            listed = self.command == "GET" and self.path.partition("?")[0].endswith("/videos")
            payload = json.dumps({"object": "list", "data": [], "has_more": False} if listed else _VIDEO).encode()
            self.send_response(200)
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
            yield Recorder(url=f"http://127.0.0.1:{server.server_address[1]}/v1", sent=sent)
        finally:
            server.shutdown()
            thread.join()


def _parts(content_type: str, body: bytes) -> list[tuple[object, ...]]:
    """Name, file name, type and bytes of every part, in order."""
    message = message_from_bytes(f"content-type: {content_type}\r\n\r\n".encode() + body, policy=HTTP)
    return [
        (
            part.get_param("name", header="content-disposition"),
            part.get_filename(),
            part["content-type"],
            part.get_payload(decode=True),
        )
        for part in message.iter_parts()
    ]


def _assert_same(ours: Request | None, theirs: Sent) -> None:
    """Method, path below the version, query, form and credential; boundaries are anybody's."""
    assert ours is not None
    assert ours.auth is not None
    query = f"?{urlencode(ours.query)}" if ours.query else ""
    assert (ours.method, f"/v1{ours.path}{query}") == (theirs.method, theirs.path)
    assert ours.auth.prefix + _SECRET == theirs.headers[ours.auth.header.lower()]
    assert not ours.headers
    assert ours.json is None
    if ours.form:
        body, headers = multipart(ours.form)
        assert _parts(headers["Content-Type"], body) == _parts(theirs.headers["content-type"], theirs.body)
    else:
        assert theirs.body == b""


def _submit(name: str, **typed: Any) -> Request:
    model = CATALOGUE.rows[f"openai-compatible/{name}"]
    resolved = resolve(Wish(**typed), model)
    assert not resolved.violations
    return _OURS.submit(resolved.spec, model, None)


_ATTEMPT = AttemptReference(
    attempt_id="attempt_1", callback_token="", model="sora-2", request={}, intended_at="2026-11-20T10:00:00+00:00"
)
_PNG = MediaInput(data=b"\x89PNG\r\n--x\r\n\x00", mime_type="image/png")
_MORE = Reply(status=200, body=b'{"data": [], "has_more": true, "last_id": "video_9"}')
_Call = Callable[[openai.OpenAI], object]
_CASES: dict[str, tuple[Callable[[], Request | None], _Call]] = {
    "text": (
        lambda: _submit("sora-2", prompt="A cat"),
        lambda sdk: sdk.videos.create(prompt="A cat", model="sora-2", seconds="4", size="1280x720"),
    ),
    "text, tall and long": (
        lambda: _submit("sora-2", prompt="Größe: 猫", aspect_ratio="9:16", duration=12),
        lambda sdk: sdk.videos.create(prompt="Größe: 猫", model="sora-2", seconds="12", size="720x1280"),
    ),
    "lines in the prompt": (
        lambda: _submit("sora-2", prompt='first "line"\r\nsecond: line\n\nthird', duration=8),
        lambda sdk: sdk.videos.create(
            prompt='first "line"\r\nsecond: line\n\nthird', model="sora-2", seconds="8", size="1280x720"
        ),
    ),
    "pro, wide": (
        lambda: _submit("sora-2-pro", prompt="A cat", aspect_ratio="7:4", duration=8),
        lambda sdk: sdk.videos.create(prompt="A cat", model="sora-2-pro", seconds="8", size="1792x1024"),
    ),
    "pro, tall": (
        lambda: _submit("sora-2-pro", prompt="A cat", aspect_ratio="4:7", resolution="1024p"),
        lambda sdk: sdk.videos.create(prompt="A cat", model="sora-2-pro", seconds="4", size="1024x1792"),
    ),
    "pro, what only the guide knows": (
        lambda: _submit("sora-2-pro", prompt="A cat", resolution="1080p", duration=20),
        lambda sdk: sdk.videos.create(
            prompt="A cat",
            model="sora-2-pro",
            seconds="20",  # type: ignore[arg-type]  # the SDK's type ends at 12
            size="1920x1080",  # type: ignore[arg-type]  # the SDK's type ends at 1792x1024
        ),
    ),
    "a first frame": (
        lambda: _submit("sora-2", prompt="pan", first_frame=_PNG, duration=8),
        lambda sdk: sdk.videos.create(
            prompt="pan",
            model="sora-2",
            seconds="8",
            size="1280x720",
            input_reference=("reference.png", _PNG.data, "image/png"),
        ),
    ),
    "a first frame as JPEG, pro": (
        lambda: _submit(
            "sora-2-pro", prompt="pan", first_frame=MediaInput(data=b"\xff\xd8\xff", mime_type="image/jpeg")
        ),
        lambda sdk: sdk.videos.create(
            prompt="pan",
            model="sora-2-pro",
            seconds="4",
            size="1280x720",
            input_reference=("reference.jpg", b"\xff\xd8\xff", "image/jpeg"),
        ),
    ),
    "characters": (
        lambda: _submit("sora-2", prompt="two", vendor_options={"characters": "char_1,char_2"}),
        lambda sdk: sdk.videos.create(
            prompt="two",
            model="sora-2",
            seconds="4",
            size="1280x720",
            extra_body={"characters": [{"id": "char_1"}, {"id": "char_2"}]},
        ),
    ),
    "poll": (
        lambda: _OURS.poll({"id": "video_68d7"}),
        lambda sdk: sdk.videos.retrieve("video_68d7"),
    ),
    "delete": (
        lambda: _OURS.delete({"id": "video_68d7"}),
        lambda sdk: sdk.videos.delete("video_68d7"),
    ),
    "list": (
        lambda: _OURS.search(_ATTEMPT),
        lambda sdk: sdk.videos.list(limit=100, order="desc"),
    ),
    "next page": (
        lambda: _OURS.search_next(_MORE),
        lambda sdk: sdk.videos.list(after="video_9", limit=100, order="desc"),
    ),
}


@pytest.mark.parametrize("name", _CASES)
def test_openai(name: str, recorder: Recorder) -> None:
    ours, theirs = _CASES[name]
    with (
        httpx2.Client(trust_env=False) as http,
        openai.OpenAI(api_key=_SECRET, base_url=recorder.url, max_retries=0, http_client=http) as sdk,
    ):
        theirs(sdk)
    assert len(recorder.sent) == 1
    _assert_same(ours(), recorder.sent[0])


def test_the_download_is_at_the_address_we_name(recorder: Recorder) -> None:
    ready = _OURS.outcome(Reply(status=200, body=json.dumps({**_VIDEO, "status": "completed"}).encode()))
    with (
        httpx2.Client(trust_env=False) as http,
        openai.OpenAI(api_key=_SECRET, base_url=recorder.url, max_retries=0, http_client=http) as sdk,
    ):
        sdk.videos.download_content("video_68d7").read()
    assert f"/v1{ready.outputs[0]}" == recorder.sent[0].path  # type: ignore[union-attr]  # it is a Ready


def test_enough_cases() -> None:
    assert len(_CASES) >= 8
