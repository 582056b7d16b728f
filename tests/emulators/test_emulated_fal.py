"""fal's own SDK, `fal-client`, and our adapter drive the emulated fal queue and its storage.

The SDK speaks https only: it submits through a TLS server on loopback and then follows the plain addresses it is told.
"""

import base64
import io
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image

from core.errors import Billed, FailureReason
from core.outcome import Accepted, Ambiguous, Failed, Finished, Outcome, Pending, Ready, Refused, Reply, Request
from core.spec import MediaInput, Wish
from emulators.vendors.fal import VENDOR
from emulators.vendors.fal_errors import ERRORS
from providers.catalogue import ADAPTERS, CATALOGUE
from providers.resolve import resolve
from tests.emulators.driving import data_uri, fresh, job_of, jobs_for, look, posts
from tests.providers.fal_sdk import Refusal, Sdk, certified, pipe, sdk

_FAL = ADAPTERS["fal"]
_KEY = {"Authorization": "Key planted-secret"}
_TURBO = "fal-ai/pika/v2/turbo/text-to-video"
_SVD = "fal-ai/fast-svd-lcm"
_CONTRACT = Path(__file__).parents[1] / "providers" / "contract" / "fal" / "conformance.json"
_EXPECTED = json.loads(_CONTRACT.read_text())["failures"]
Seen = TypeVar("Seen")


@pytest.fixture(scope="module")
def fal(base_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sdk]:
    """The SDK on the shared server."""
    certificate = certified(tmp_path_factory.mktemp("tls"))
    parts = urlsplit(base_url)
    assert parts.hostname is not None
    assert parts.port is not None
    with (
        pipe(certificate, parts.hostname, parts.port) as port,
        sdk(f"127.0.0.1:{port}/fal", certificate, f"{base_url}/fal") as client,
    ):
        yield client


def _until(look_at: Callable[[], Seen], good: Callable[[Seen], bool]) -> Seen:
    limit = time.monotonic() + 20
    while not good(seen := look_at()):
        assert time.monotonic() < limit, seen
        time.sleep(0.01)
    return seen


def _send(http: httpx.Client, request: Request | None) -> Reply:
    """What the sender does with an adapter's request, here to the emulator."""
    assert request is not None
    headers = dict(request.headers)
    if request.auth is not None:
        headers[request.auth.header] = f"{request.auth.prefix}planted-secret"
    mount = f"/fal-{request.host}" if request.host else "/fal"
    answer = http.request(
        request.method, mount + request.path, params=dict(request.query), headers=headers, json=request.json
    )
    return Reply(status=answer.status_code, headers=dict(answer.headers), body=answer.content)


def _order(model_id: str, **typed: Any) -> Request:
    model = CATALOGUE.rows[model_id]
    resolved = resolve(Wish(**typed), model)
    assert not resolved.violations
    return _FAL.submit(resolved.spec, model, None)


def _accepted(http: httpx.Client, request: Request) -> Accepted:
    accepted = _FAL.submitted(_send(http, request))
    assert isinstance(accepted, Accepted)
    return accepted


def _end(http: httpx.Client, ticket: Any) -> Outcome:
    """Poll with the adapter to the end, then the result, as the sender does."""

    def asked() -> Outcome:
        outcome = _FAL.outcome(_send(http, _FAL.poll(ticket)))
        return _FAL.delivered(_send(http, _FAL.result(ticket))) if isinstance(outcome, Finished) else outcome

    return _until(asked, lambda outcome: not isinstance(outcome, Pending))


def _ended(fal: Sdk, handle: Any) -> dict[str, Any]:
    return _until(lambda: fal.status(handle, logs=True), lambda seen: bool(seen["is"] == "Completed"))


def _raw(http: httpx.Client, endpoint: str, **inputs: Any) -> dict[str, Any]:
    answer = http.post(f"/fal/{endpoint}", headers=_KEY, json=inputs)
    assert answer.status_code == 200
    told: dict[str, Any] = answer.json()
    return told


def _result(http: httpx.Client, told: dict[str, Any]) -> httpx.Response:
    _until(lambda: http.get(told["status_url"], headers=_KEY).json(), lambda seen: bool(seen["status"] == "COMPLETED"))
    return http.get(told["response_url"], headers=_KEY)


def _picture(width: int, height: int) -> str:
    stream = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(stream, "PNG")
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()


def test_from_submit_to_download(fal: Sdk, http: httpx.Client, png: bytes) -> None:
    handle = fal.submit(_SVD, {"image_url": data_uri(png), "fps": 25, "seed": 7}, priority="low")
    assert handle["response_url"].endswith(f"/fal/fal-ai/fast-svd-lcm/requests/{handle['request_id']}")
    done = _ended(fal, handle)
    assert (done["error"], done["error_type"], done["metrics"]) == (None, None, {"inference_time": 10})
    assert done["logs"][-1]["message"].startswith("100%|##########| 50/50")
    output = fal.result(handle)
    assert (output["seed"], output["video"]["content_type"], output["video"]["file_name"]) == (
        7,
        "video/mp4",
        "output.mp4",
    )
    clip = httpx.get(output["video"]["url"], trust_env=False).content
    assert len(clip) == output["video"]["file_size"]
    facts = look(clip)
    assert (facts.frames, facts.fps, facts.size, facts.audio) == (25, 25.0, (1024, 576), False)
    assert job_of(http, handle["request_id"])["billed_micros"] == 75_000
    with pytest.raises(Refusal) as raised:
        fal.cancel(handle)
    assert (raised.value.status, "ALREADY_COMPLETED" in raised.value.message) == (400, True)


def test_the_adapter_from_submit_to_download(http: httpx.Client, png: bytes) -> None:
    frame = MediaInput(data=png, mime_type="image/png")
    accepted = _accepted(http, _order("fal/stable-video", prompt="", first_frame=frame, duration=2.5))
    assert accepted.ticket["app"] == "fal-ai/stable-video"
    outcome = _end(http, accepted.ticket)
    assert isinstance(outcome, Ready)
    assert outcome.usage.compute_seconds == 30
    facts = look(http.get(outcome.outputs[0]).content)
    assert (facts.frames, facts.seconds) == (25, 2.5)
    assert job_of(http, accepted.ticket["id"])["billed_micros"] == 75_000


def test_the_sdk_finds_what_the_adapter_bought(fal: Sdk, http: httpx.Client) -> None:
    accepted = _accepted(http, _order("fal/pika-v2.2", prompt=fresh()))
    endpoint = "fal-ai/pika/v2.2/text-to-video"
    assert _ended(fal, [endpoint, accepted.ticket["id"]])["is"] == "Completed"


def test_the_adapter_adopts_what_the_sdk_bought(fal: Sdk, http: httpx.Client) -> None:
    handle = fal.submit("fal-ai/minimax/hailuo-2.3/pro/text-to-video", {"prompt": fresh()})
    ticket = _FAL.adopt(handle["request_id"], CATALOGUE.rows["fal/hailuo-2.3"])
    assert ticket is not None
    _until(lambda: _FAL.outcome(_send(http, _FAL.poll(ticket))), lambda seen: isinstance(seen, Finished))


@pytest.mark.parametrize(
    ("endpoint", "typed", "is_taken"),
    [
        (_TURBO, {"duration": 5}, True),
        (_TURBO, {"duration": "5"}, True),
        ("fal-ai/pika/v2.2/text-to-video", {"duration": "10"}, True),
        ("fal-ai/pika/v2.2/text-to-video", {"duration": 7}, False),
        ("fal-ai/kling-video/v2.5-turbo/pro/text-to-video", {"duration": "5"}, True),
        ("fal-ai/kling-video/v2.5-turbo/pro/text-to-video", {"duration": 5}, False),
        ("fal-ai/minimax/hailuo-2.3/standard/text-to-video", {"duration": 6}, False),
        ("fal-ai/veo3.1", {"duration": "8s"}, True),
        ("fal-ai/veo3.1", {"duration": 8}, False),
        ("fal-ai/wan-25-preview/text-to-video", {"duration": "5", "resolution": "480p"}, True),
        ("fal-ai/wan-25-preview/text-to-video", {"prompt": "x" * 801}, False),
        ("fal-ai/ltx-2/text-to-video/fast", {"duration": 20}, True),
        ("fal-ai/ltx-2/text-to-video/fast", {"duration": 20, "fps": 50}, False),
        ("fal-ai/ltx-2/text-to-video", {"duration": 12}, False),
        (_TURBO, {"aspect_ratio": "21:9"}, False),
        (_TURBO, {"seed": None, "unknown": "input"}, True),
        (_TURBO, {"prompt": None}, False),
    ],
)
def test_the_queue_takes_everything_and_the_model_judges(
    http: httpx.Client, endpoint: str, typed: dict[str, Any], is_taken: bool
) -> None:
    told = _raw(http, endpoint, **{"prompt": fresh(), **typed})
    assert told["status"] == "IN_QUEUE"
    job = _until(lambda: job_of(http, told["request_id"]), lambda seen: bool(seen["phase"] in ("succeeded", "failed")))
    assert (job["phase"] == "succeeded", job["billed_micros"] > 0) == (is_taken, is_taken)
    if not is_taken:
        assert http.get(told["response_url"], headers=_KEY).status_code == 422


def test_what_is_wrong_is_told_at_the_result(fal: Sdk, http: httpx.Client) -> None:
    handle = fal.submit(_TURBO, {"aspect_ratio": "21:9", "duration": "long"})
    done = _ended(fal, handle)
    assert (done["is"], done["error"]) == ("Completed", "Invalid status code: 422")
    with pytest.raises(Refusal) as raised:
        fal.result(handle)
    assert raised.value.status == 422
    outcome = _end(http, {"id": handle["request_id"], "app": "fal-ai/pika"})
    assert isinstance(outcome, Failed)
    assert (outcome.failure.reason, outcome.failure.billed) == (FailureReason.INVALID_INPUT, Billed.NO)
    for word in ("prompt", "aspect_ratio", "duration"):
        assert word in outcome.failure.message


@pytest.mark.parametrize(
    ("endpoint", "inputs", "kind"),
    [
        ("fal-ai/pika/v2.2/image-to-video", {"image_url": "data:image/png;base64,AAAA"}, "image_load_error"),
        ("fal-ai/pika/v2.2/image-to-video", {"image_url": "cat.png"}, "image_load_error"),
        ("fal-ai/wan-25-preview/image-to-video", {"image_url": _picture(128, 64)}, "image_too_small"),
        ("fal-ai/wan-25-preview/image-to-video", {"image_url": _picture(2400, 400)}, "image_too_large"),
        ("fal-ai/pika/v2.2/pikaframes", {"image_urls": ["https://a.example/1.png"]}, "too_short"),
        (
            "fal-ai/pika/v2.2/pikaframes",
            {"image_urls": ["https://a.example/1.png"] * 2, "transitions": [{"duration": 5}] * 2},
            "literal_error",
        ),
        (
            "fal-ai/pika/v2.2/pikaframes",
            {"image_urls": ["https://a.example/1.png"] * 4, "transitions": [{"duration": 10}] * 3},
            "less_than_equal",
        ),
    ],
)
def test_unusable_images(http: httpx.Client, endpoint: str, inputs: dict[str, Any], kind: str) -> None:
    answer = _result(http, _raw(http, endpoint, prompt=fresh(), **inputs))
    assert answer.status_code == 422
    assert kind in answer.json()["detail"][0]["type"]
    assert answer.headers["x-fal-retryable"] == "false"


def test_the_shape_follows_the_image(http: httpx.Client) -> None:
    told = _raw(http, "fal-ai/pika/v2.2/image-to-video", prompt=fresh(), image_url=_picture(300, 400))
    clip = job_of(http, told["request_id"])["clip"]
    assert (clip["width"], clip["height"]) == (720, 960)


def test_every_failure_has_its_expectation() -> None:
    assert set(_EXPECTED) == set(ERRORS) == set(VENDOR.failures)


@pytest.mark.parametrize("code", list(_EXPECTED))
def test_failures(fal: Sdk, http: httpx.Client, code: str) -> None:
    prompt = fresh(f"fail-{code}")
    handle = fal.submit(_TURBO, {"prompt": prompt})
    done = _ended(fal, handle)
    error = ERRORS[code]
    assert (done["error_type"] or "", bool(done["error"])) == (error.error_type, True)
    answer = http.get(handle["response_url"], headers=_KEY)
    assert answer.status_code == error.status
    assert answer.headers.get("x-fal-error-type", "") == error.error_type
    outcome = _end(http, {"id": handle["request_id"], "app": "fal-ai/pika"})
    assert isinstance(outcome, Failed)
    expected = _EXPECTED[code]
    failure = outcome.failure
    assert (failure.reason, failure.stage, failure.billed, failure.may_retry) == (
        expected["reason"],
        expected["stage"],
        expected["billed"],
        expected["retryable"],
    )
    assert job_of(http, handle["request_id"])["billed_micros"] == 0


def test_no_credit(fal: Sdk, http: httpx.Client) -> None:
    with pytest.raises(Refusal) as raised:
        fal.submit(_TURBO, {"prompt": fresh("no-credit")})
    assert raised.value.status == 403
    refused = _FAL.submitted(_send(http, _order("fal/pika-v2-turbo", prompt=fresh("no-credit"))))
    assert isinstance(refused, Refused)
    assert refused.failure.reason is FailureReason.VENDOR_CREDIT


def test_the_sdk_repeats_a_throttled_order_and_we_are_told_to_wait(fal: Sdk, http: httpx.Client) -> None:
    prompt = fresh("rate-limit-bare*1")
    fal.submit(_TURBO, {"prompt": prompt})
    assert len(jobs_for(http, prompt)) == 1
    refused = _FAL.submitted(_send(http, _order("fal/pika-v2-turbo", prompt=fresh("rate-limit-seconds"))))
    assert isinstance(refused, Refused)
    assert (refused.failure.reason, refused.retry_after) == (FailureReason.RATE_LIMITED, 2.0)


def test_the_sdk_buys_twice_when_a_reply_is_lost_and_the_adapter_does_not(fal: Sdk, http: httpx.Client) -> None:
    prompt = fresh("html-503-after-accept*1")
    fal.submit(_TURBO, {"prompt": prompt})
    assert len(jobs_for(http, prompt)) == 2
    lost = fresh("html-503-after-accept*1")
    assert isinstance(_FAL.submitted(_send(http, _order("fal/pika-v2-turbo", prompt=lost))), Ambiguous)
    assert len(jobs_for(http, lost)) == 1


def test_the_sdk_buys_again_when_an_answer_is_slow(fal: Sdk, http: httpx.Client) -> None:
    prompt = fresh("slow-reply*2")
    fal.submit(_TURBO, {"prompt": prompt}, timeout=0.3)
    assert len(jobs_for(http, prompt)) == 3
    honoured = fresh("slow-reply*2")
    with pytest.raises(Refusal) as raised:
        fal.submit(_TURBO, {"prompt": honoured}, timeout=0.3, start_timeout=600)
    assert "Timeout" in raised.value.kind
    _until(lambda: len(jobs_for(http, honoured)), lambda count: count == 1)


def test_an_answer_without_addresses(fal: Sdk, http: httpx.Client) -> None:
    """As fal's guide to webhooks shows it: its own SDK cannot read that either."""
    prompt = fresh("short-reply")
    with pytest.raises(Refusal) as raised:
        fal.submit(_TURBO, {"prompt": prompt})
    assert raised.value.kind == "KeyError"
    assert isinstance(_FAL.submitted(_send(http, _order("fal/pika-v2-turbo", prompt=fresh("short-reply")))), Ambiguous)


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 401), ({"Authorization": "Bearer planted-secret"}, 401), ({"Authorization": "Key other"}, 404)],
)
def test_another_key(http: httpx.Client, headers: dict[str, str], status: int) -> None:
    told = _raw(http, _TURBO, prompt=fresh())
    assert http.get(told["status_url"], headers=headers).status_code == status
    assert http.get(told["response_url"], headers=headers).status_code == status
    assert http.put(told["cancel_url"], headers=headers).status_code == status


def test_unknown_things(fal: Sdk, http: httpx.Client) -> None:
    with pytest.raises(Refusal) as raised:
        fal.submit("fal-ai/pika-v9/text-to-video", {"prompt": "x"})
    assert (raised.value.status, raised.value.message) == (404, "Application 'pika-v9/text-to-video' not found")
    told = _raw(http, _TURBO, prompt=fresh())
    elsewhere = f"/fal/fal-ai/veo3.1/requests/{told['request_id']}"
    assert http.get(f"{elsewhere}/status", headers=_KEY).status_code == 404
    assert http.get(elsewhere, headers=_KEY).status_code == 404
    assert http.put(f"{elsewhere}/cancel", headers=_KEY).json() == {"status": "NOT_FOUND"}
    assert http.post(f"/fal/{_TURBO}", headers=_KEY, content=b"[1]").status_code == 400
    outcome = _FAL.outcome(_send(http, _FAL.poll({"id": "unknown", "app": "fal-ai/pika"})))
    assert outcome == Failed(failure=_FAL.lost())


def test_cancel_in_the_queue(fal: Sdk, http: httpx.Client) -> None:
    handle = fal.submit(_TURBO, {"prompt": fresh("stuck")})
    assert http.put(handle["cancel_url"], headers=_KEY).json() == {"status": "OK"}
    done = _ended(fal, handle)
    assert done["error_type"] == "client_cancelled"
    assert job_of(http, handle["request_id"])["billed_micros"] == 0
    outcome = _end(http, {"id": handle["request_id"], "app": "fal-ai/pika"})
    assert isinstance(outcome, Failed)
    assert outcome.failure.reason is FailureReason.CANCELLED


def test_a_run_may_finish_though_it_was_cancelled(fal: Sdk, http: httpx.Client) -> None:
    handle = fal.submit(_TURBO, {"prompt": fresh("slow-job")})
    ticket = {"id": handle["request_id"], "app": "fal-ai/pika"}
    _until(lambda: fal.status(handle), lambda seen: bool(seen["is"] == "InProgress"))
    reply = _send(http, _FAL.cancel(ticket))
    assert (reply.status, reply.document) == (202, {"status": "CANCELLATION_REQUESTED"})
    assert isinstance(_FAL.cancelled(reply), Pending)
    done = _ended(fal, handle)
    assert done["error"] is None
    assert job_of(http, handle["request_id"])["billed_micros"] == 200_000


def test_a_run_that_stops(fal: Sdk, http: httpx.Client) -> None:
    handle = fal.submit(_TURBO, {"prompt": fresh("stuck-running", "heeds-cancel")})
    _until(lambda: fal.status(handle), lambda seen: bool(seen["is"] == "InProgress"))
    fal.cancel(handle)
    outcome = _end(http, {"id": handle["request_id"], "app": "fal-ai/pika"})
    assert isinstance(outcome, Failed)
    assert (outcome.failure.reason, outcome.failure.billed) == (FailureReason.CANCELLED, Billed.UNKNOWN)


def test_our_own_limit_on_waiting(http: httpx.Client) -> None:
    accepted = _accepted(http, _order("fal/pika-v2-turbo", prompt=fresh("stuck")))
    outcome = _end(http, accepted.ticket)
    assert isinstance(outcome, Failed)
    assert (outcome.failure.reason, outcome.failure.billed) == (FailureReason.TIMED_OUT, Billed.NO)
    assert job_of(http, accepted.ticket["id"])["billed_micros"] == 0


def test_a_result_without_a_video(http: httpx.Client) -> None:
    accepted = _accepted(http, _order("fal/pika-v2-turbo", prompt=fresh("poll/no-output")))
    outcome = _end(http, accepted.ticket)
    assert isinstance(outcome, Failed)
    assert outcome.failure.reason is FailureReason.BAD_OUTPUT


def test_a_result_before_the_end(fal: Sdk, http: httpx.Client) -> None:
    handle = fal.submit(_TURBO, {"prompt": fresh("stuck-running")})
    early = http.get(handle["response_url"], headers=_KEY)
    assert (early.status_code, early.json()) == (400, {"detail": "Request is still in progress"})
    ticket = {"id": handle["request_id"], "app": "fal-ai/pika"}
    assert isinstance(_FAL.delivered(_send(http, _FAL.result(ticket))), Pending)


@pytest.mark.parametrize("repository", ["fal", "fal_v3"])
def test_an_uploaded_image(fal: Sdk, http: httpx.Client, png: bytes, repository: str) -> None:
    address = fal.upload(png, "image/png", "my cat.png", repository)
    assert "/fal-cdn/files/" in address
    assert address.endswith("/my%20cat.png")
    stored = http.get(address)
    assert (stored.content, stored.headers["content-type"]) == (png, "image/png")
    told = _raw(http, "fal-ai/pika/v2.2/image-to-video", prompt=fresh(), image_url=address)
    clip = job_of(http, told["request_id"])["clip"]
    assert (clip["width"], clip["height"]) == (1440, 720)


def test_the_adapters_upload(http: httpx.Client, png: bytes) -> None:
    media = MediaInput(name="a.png", mime_type="image/png", size=len(png))
    slot = _FAL.slot(_send(http, _FAL.upload(media, CATALOGUE.rows["fal/stable-video"])))
    assert slot is not None
    unfilled = _raw(http, _SVD, image_url=slot.uri)
    assert _result(http, unfilled).json()["detail"][0]["type"] == "file_download_error"
    assert http.put(slot.url, content=png, headers={"Content-Type": "image/jpeg"}).status_code == 403
    assert http.put(slot.url.replace("Signature=", "Signature=0"), content=png).status_code == 403
    assert http.put(slot.url, content=png, headers={"Content-Type": "image/png", **slot.headers}).status_code == 200
    assert _result(http, _raw(http, _SVD, image_url=slot.uri)).status_code == 200


def test_uploads_that_are_refused(http: httpx.Client) -> None:
    rest, cdn = "/fal-rest/storage/upload/initiate", "/fal-cdn/files/upload"
    assert http.post(rest, json={"file_name": "a", "content_type": "b"}).status_code == 401
    assert http.post(rest, headers=_KEY, json={"file_name": "a"}).status_code == 422
    assert http.post(rest, headers=_KEY, json={"content_type": "a"}).status_code == 422
    assert http.post(cdn, headers={"Authorization": "Bearer a.1.b"}, content=b"x").status_code == 401
    assert http.post(cdn, headers=_KEY, content=b"x").status_code == 401
    assert http.get("/fal-cdn/files/unknown/a.png").status_code == 404


def test_every_order_is_witnessed(fal: Sdk, http: httpx.Client) -> None:
    handle = fal.submit(_TURBO, {"prompt": fresh()}, webhook_url="http://127.0.0.1:1/hook/tok9")
    [row] = posts(http, job=handle["request_id"])
    assert (row["method"], row["path"], row["accepted"], row["status"]) == ("POST", f"/fal/{_TURBO}", True, 200)
    assert (row["callback_token"], row["price_micros"]) == ("tok9", 200_000)


def test_the_key_set_is_open(http: httpx.Client) -> None:
    reply = _send(http, _FAL.callback_secret())
    assert reply.status == 200
    assert len(_FAL.callback_secrets(reply)) == 1
