"""fal's own SDK, `fal-client`, against a recording server: our requests are its requests."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from core.outcome import Accepted, Failed, Finished, Pending, Reply, Request
from core.spec import MediaInput, Wish
from providers.catalogue import ADAPTERS, CATALOGUE
from providers.resolve import resolve
from tests.providers.fal_sdk import Refusal, Sdk, certified, sdk, server_context

_SECRET = "planted-secret"
_ID = "764cabcf-b745-4b3e-ae38-1200304cf45b"
_A, _B = "https://example.com/a.png", "https://example.com/b.png"
_CALLBACK = "https://filmgate.example/callbacks/fal/token?x=1&y=ä"
_FAL = ADAPTERS["fal"]
_TELEMETRY = ("user-agent", "accept-encoding", "connection", "host", "accept", "content-length")


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One recorded request; header names are lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(kw_only=True)
class Recorder:
    """A TLS server on loopback that remembers what it was sent; `answers` are its next answers."""

    sdk: Sdk
    host: str
    sent: list[Sent] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], Any]] = field(default_factory=list)

    def last(self) -> Sent:
        """The newest request."""
        return self.sent[-1]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    """The server, and the SDK that speaks to it."""
    certificate = certified(tmp_path_factory.mktemp("tls"))
    recorder: Recorder

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _record(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            parts = urlsplit(self.path)
            recorder.sent.append(
                Sent(
                    method=self.command,
                    path=parts.path,
                    query=dict(parse_qsl(parts.query)),
                    headers={name.lower(): value for name, value in self.headers.items()},
                    body=body,
                )
            )
            status, headers, answer = recorder.answers.pop(0) if recorder.answers else (200, {}, _accepted())
            payload = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {"content-type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PUT = _record  # noqa: N815 - the names http.server looks for

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads = True
        listening.block_on_close = False
        listening.socket = server_context(certificate).wrap_socket(listening.socket, server_side=True)
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        host = f"127.0.0.1:{listening.server_address[1]}"
        try:
            with sdk(host, certificate, f"https://{host}/fal") as client:
                recorder = Recorder(sdk=client, host=host)
                yield recorder
        finally:
            listening.shutdown()
            thread.join()


@pytest.fixture
def recorder(server: Recorder) -> Recorder:
    """The server, with a clean memory."""
    server.sent.clear()
    server.answers.clear()
    return server


def _accepted(app: str = "fal-ai/pika") -> dict[str, Any]:
    way = f"https://queue.fal.run/{app}/requests/{_ID}"
    addresses = {"response_url": way, "status_url": f"{way}/status", "cancel_url": f"{way}/cancel"}
    return {"status": "IN_QUEUE", "request_id": _ID, "queue_position": 0, **addresses}


def _submit(model_id: str, callback: str | None = None, **typed: Any) -> Request:
    model = CATALOGUE.rows[model_id]
    resolved = resolve(Wish(**typed), model)
    assert not resolved.violations
    return _FAL.submit(resolved.spec, model, callback)


def _assert_same(ours: Request | None, theirs: Sent, *, prefix: str = "") -> None:
    """Method, path, query, JSON, the credential and every header that means something."""
    assert ours is not None
    assert ours.auth is not None
    assert (ours.method, prefix + ours.path, dict(ours.query)) == (theirs.method, theirs.path, theirs.query)
    assert ours.json == (json.loads(theirs.body) if theirs.body else None)
    meaning = {name: value for name, value in theirs.headers.items() if name not in _TELEMETRY}
    if ours.json is not None:
        assert meaning.pop("content-type") == "application/json"
    said = {name.lower(): value for name, value in ours.headers.items()}
    said[ours.auth.header.lower()] = ours.auth.prefix + _SECRET
    assert {name: _plain(value) for name, value in said.items()} == {
        name: _plain(value) for name, value in meaning.items()
    }


def _plain(value: str) -> Any:
    """`900` and `900.0` are one limit, and JSON is compared as such."""
    try:
        return json.loads(value)
    except ValueError:
        return value


def _at(uri: str) -> MediaInput:
    return MediaInput(uri=uri)


_SUBMITS: dict[str, tuple[Callable[[], Request], str, dict[str, Any]]] = {
    "pika 2.2 from text": (
        lambda: _submit("fal/pika-v2.2", prompt="A cat", aspect_ratio="16:9", resolution="720p", duration=5),
        "fal-ai/pika/v2.2/text-to-video",
        {"prompt": "A cat", "aspect_ratio": "16:9", "resolution": "720p", "duration": 5},
    ),
    "pika 2.2 from an image": (
        lambda: _submit("fal/pika-v2.2", prompt="A cat", first_frame=_at(_A), seed=7, negative_prompt="rain"),
        "fal-ai/pika/v2.2/image-to-video",
        {
            "prompt": "A cat",
            "image_url": _A,
            "seed": 7,
            "negative_prompt": "rain",
            "resolution": "720p",
            "duration": 5,
        },
    ),
    "pikascenes": (
        lambda: _submit("fal/pika-v2.2-scenes", prompt="A cat", references=(_at(_A), _at(_B))),
        "fal-ai/pika/v2.2/pikascenes",
        {
            "prompt": "A cat",
            "image_urls": [_A, _B],
            "aspect_ratio": "16:9",
            "resolution": "1080p",
            "duration": 5,
        },
    ),
    "pikaframes": (
        lambda: _submit("fal/pika-v2.2-frames", prompt="A cat", first_frame=_at(_A), last_frame=_at(_B), duration=10),
        "fal-ai/pika/v2.2/pikaframes",
        {
            "prompt": "A cat",
            "image_urls": [_A, _B],
            "transitions": [{"duration": 10}],
            "resolution": "720p",
        },
    ),
    "hailuo": (
        lambda: _submit("fal/hailuo-2.3", prompt="A cat", duration=10),
        "fal-ai/minimax/hailuo-2.3/standard/text-to-video",
        {"prompt": "A cat", "duration": "10"},
    ),
    "kling": (
        lambda: _submit("fal/kling-v2.5-turbo-pro", prompt="A cat", first_frame=_at(_A), last_frame=_at(_B)),
        "fal-ai/kling-video/v2.5-turbo/pro/image-to-video",
        {"prompt": "A cat", "image_url": _A, "tail_image_url": _B, "duration": "5"},
    ),
    "stable video": (
        lambda: _submit("fal/stable-video", prompt="", first_frame=_at(_A)),
        "fal-ai/stable-video",
        {"image_url": _A, "fps": 25},
    ),
    "veo": (
        lambda: _submit("fal/veo-3.1", prompt="A cat", first_frame=_at(_A), last_frame=_at(_B), audio=False),
        "fal-ai/veo3.1/first-last-frame-to-video",
        {
            "prompt": "A cat",
            "first_frame_url": _A,
            "last_frame_url": _B,
            "duration": "8s",
            "resolution": "720p",
            "generate_audio": False,
        },
    ),
    "ltx": (
        lambda: _submit("fal/ltx-2-fast", prompt="A cat", duration=20),
        "fal-ai/ltx-2/text-to-video/fast",
        {
            "prompt": "A cat",
            "duration": 20,
            "resolution": "1080p",
            "aspect_ratio": "16:9",
            "generate_audio": True,
        },
    ),
}


@pytest.mark.parametrize("name", list(_SUBMITS))
def test_submit(recorder: Recorder, name: str) -> None:
    ours, application, arguments = _SUBMITS[name]
    request = ours()
    limit = int(request.headers["X-Fal-Request-Timeout"])
    keep = {"X-Fal-Object-Lifecycle-Preference": json.dumps({"expiration_duration_seconds": 7 * 86_400})}
    handle = recorder.sdk.submit(application, arguments, start_timeout=limit, headers=keep)
    assert handle["request_id"] == _ID
    _assert_same(request, recorder.last())


def test_submit_with_a_webhook(recorder: Recorder) -> None:
    request = _submit("fal/pika-v2.2", _CALLBACK, prompt="A cat")
    keep = {"X-Fal-Object-Lifecycle-Preference": json.dumps({"expiration_duration_seconds": 7 * 86_400})}
    arguments = {"prompt": "A cat", "duration": 5, "aspect_ratio": "16:9", "resolution": "720p"}
    recorder.sdk.submit(
        "fal-ai/pika/v2.2/text-to-video", arguments, start_timeout=900, headers=keep, webhook_url=_CALLBACK
    )
    _assert_same(request, recorder.last())


def test_both_read_the_answer_alike(recorder: Recorder) -> None:
    handle = recorder.sdk.submit("fal-ai/pika/v2.2/text-to-video", {"prompt": "A cat"})
    accepted = _FAL.submitted(Reply(status=200, body=json.dumps(_accepted()).encode()))
    assert isinstance(accepted, Accepted)
    ways = {"status_url": _FAL.poll(accepted.ticket), "response_url": _FAL.result(accepted.ticket)}
    ways["cancel_url"] = _FAL.cancel(accepted.ticket)
    for name, request in ways.items():
        assert request is not None
        assert handle[name] == f"{_FAL.base_url}{request.path}"


@pytest.mark.parametrize("model_id", ["fal/pika-v2.2", "fal/pika-v2-turbo", "fal/veo-3.1", "fal/hailuo-2.3"])
def test_status(recorder: Recorder, model_id: str) -> None:
    """The SDK makes the addresses of a request from its endpoint, as `adopt` does."""
    model = CATALOGUE.rows[model_id]
    ticket = _FAL.adopt(_ID, model)
    assert ticket is not None
    recorder.answers.append((202, {}, {"status": "IN_PROGRESS", "logs": None}))
    assert recorder.sdk.status([f"{model.wire_name}/image-to-video", _ID], logs=True)["is"] == "InProgress"
    _assert_same(_FAL.poll(ticket), recorder.last())


def test_result(recorder: Recorder) -> None:
    output = {"video": {"url": "https://v3.fal.media/files/x/out.mp4"}}
    recorder.answers += [(200, {}, {"status": "COMPLETED", "logs": None, "metrics": {}}), (200, {}, output)]
    assert recorder.sdk.result(["fal-ai/pika/v2.2/text-to-video", _ID]) == output
    _assert_same(_FAL.result({"id": _ID, "app": "fal-ai/pika"}), recorder.last())


def test_cancel(recorder: Recorder) -> None:
    recorder.answers.append((202, {}, {"status": "CANCELLATION_REQUESTED"}))
    recorder.sdk.cancel(["fal-ai/pika/v2.2/text-to-video", _ID])
    _assert_same(_FAL.cancel({"id": _ID, "app": "fal-ai/pika"}), recorder.last())


def test_upload(recorder: Recorder) -> None:
    told = {"upload_url": f"https://{recorder.host}/slot?sig=1", "file_url": "https://v3.fal.media/files/a.png"}
    recorder.answers += [(200, {}, told), (200, {}, {})]
    assert recorder.sdk.upload(b"PNG", "image/png", "a.png", "fal", expires=86_400) == told["file_url"]
    model = CATALOGUE.rows["fal/pika-v2.2"]
    begun, sent = recorder.sent
    media = MediaInput(name="a.png", mime_type="image/png")
    _assert_same(_FAL.upload(media, model), begun, prefix="/fal-rest")
    slot = _FAL.slot(Reply(status=200, body=json.dumps(told).encode()))
    assert slot is not None
    assert (slot.uri, slot.url) == (told["file_url"], told["upload_url"])
    assert (slot.method, sent.method, sent.path, sent.body) == ("PUT", "PUT", "/slot", b"PNG")
    assert sent.headers["content-type"] == "image/png"


_STATUSES: list[tuple[dict[str, Any], str, type]] = [
    ({"status": "IN_QUEUE", "queue_position": 3}, "Queued", Pending),
    ({"status": "IN_PROGRESS", "logs": None}, "InProgress", Pending),
    ({"status": "COMPLETED", "logs": None, "metrics": {"inference_time": 3.5}}, "Completed", Finished),
    ({"status": "COMPLETED", "logs": None, "error": "x", "error_type": "runner_disconnected"}, "Completed", Failed),
]


@pytest.mark.parametrize(("document", "theirs", "ours"), _STATUSES)
def test_both_read_a_status_alike(recorder: Recorder, document: dict[str, Any], theirs: str, ours: type) -> None:
    recorder.answers.append((200, {}, document))
    assert recorder.sdk.status(["fal-ai/pika", _ID])["is"] == theirs
    assert isinstance(_FAL.outcome(Reply(status=200, body=json.dumps(document).encode())), ours)


def test_what_breaks_the_sdk_does_not_break_us(recorder: Recorder) -> None:
    for document in ({"status": "FAILED"}, {"status": "IN_QUEUE"}, {"status": "IN_PROGRESS"}):
        recorder.answers.append((200, {}, document))
        with pytest.raises(Refusal) as raised:
            recorder.sdk.status(["fal-ai/pika", _ID])
        assert raised.value.kind in ("ValueError", "KeyError")
        assert isinstance(_FAL.outcome(Reply(status=200, body=json.dumps(document).encode())), Pending)


def test_a_result_that_is_an_error(recorder: Recorder) -> None:
    detail = [{"loc": ["body", "prompt"], "msg": "flagged", "type": "content_policy_violation"}]
    recorder.answers += [
        (200, {}, {"status": "COMPLETED", "logs": None}),
        (422, {"x-fal-request-id": _ID}, {"detail": detail}),
    ]
    with pytest.raises(Refusal) as raised:
        recorder.sdk.result(["fal-ai/pika", _ID])
    assert (raised.value.status, raised.value.kind) == (422, "FalClientHTTPError")
    outcome = _FAL.delivered(Reply(status=422, body=json.dumps({"detail": detail}).encode()))
    assert isinstance(outcome, Failed)


def test_the_sdk_orders_again_where_we_never_would(recorder: Recorder) -> None:
    """Its own retries buy twice: a 503 with a proxy's page says nothing about whether the order was taken."""
    recorder.answers.append((503, {}, "<html>nginx</html>"))
    recorder.sdk.submit("fal-ai/pika/v2.2/text-to-video", {"prompt": "A cat"})
    assert [each.method for each in recorder.sent] == ["POST", "POST"]
    ours = _FAL.submitted(Reply(status=503, body=b"<html>nginx</html>"))
    assert type(ours).__name__ == "Ambiguous"
