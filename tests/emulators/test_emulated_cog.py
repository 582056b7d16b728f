"""The emulated Cog servers, driven over plain HTTP as Cog's manual has it, and by Filmgate's own adapter.

Cog has no SDK: its clients are whoever speaks HTTP.
"""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.errors import Billed, FailureReason
from core.outcome import Accepted, Ambiguous, Callback, Failed, Pending, Ready, Refused, Reply, Request
from core.spec import MediaInput, Wish
from emulators.server import EmulatorServer
from emulators.vendors import cog
from emulators.vendors.cog_models import IMAGES
from emulators.vendors.cog_predictions import FAILURES
from providers.cog import CogProvider
from providers.resolve import resolve
from tests.emulators.driving import NO_TLS, Inbox, Start, data_uri, look, until

_ADAPTER = CogProvider()
_ROWS = {_ADAPTER.place(row): row for row in CogProvider.models}
_ASYNC = {"Prefer": "respond-async"}
_INPUT = {"prompt": "a cat", "mp4": True}
_EXPECTED = json.loads((Path(__file__).parents[1] / "providers/contract/cog/conformance.json").read_text())["failures"]


@pytest.fixture
async def server(start: Start) -> EmulatorServer:
    """Every image with one slot, at 2,000 times real speed."""
    return await start(vendors=(cog.VENDOR,), speed=2000, allow_prompt_faults=True)


@pytest.fixture
async def client(server: EmulatorServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False, verify=NO_TLS, timeout=20) as made:
        yield made


def _reply(response: httpx.Response) -> Reply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(status=response.status_code, headers=headers, body=response.content)


async def _send(client: httpx.AsyncClient, place: str, request: Request | None) -> Reply:
    assert request is not None
    path = f"/cog/{place}{request.path}"
    return _reply(await client.request(request.method, path, headers=dict(request.headers), json=request.json))


async def _put(client: httpx.AsyncClient, name: str, image: str = "hotshot-xl", **body: Any) -> httpx.Response:
    path = f"/cog/{image}/predictions/{name}"
    return await client.put(path, headers=_ASYNC, json={"input": _INPUT, **body})


def _ours(place: str, callback: str, prompt: str = "a cat", **typed: Any) -> Request:
    resolved = resolve(Wish(prompt=prompt, **typed), _ROWS[place])
    assert not resolved.violations
    return _ADAPTER.submit(resolved.spec, _ROWS[place], callback)


def _heard(mail: tuple[str, dict[str, str], bytes]) -> Callback:
    _, headers, body = mail
    return _ADAPTER.callback(headers, body, (), datetime.now(UTC))


async def _jobs(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    jobs: list[dict[str, Any]] = (await client.get("/control/jobs")).json()["jobs"]
    return jobs


async def _over(client: httpx.AsyncClient, count: int = 1) -> list[dict[str, Any]]:
    """The jobs, once so many have ended."""
    return await until(lambda: _jobs(client), lambda jobs: sum(job["terminal"] for job in jobs) == count)


def _bytes(uri: str) -> bytes:
    return base64.b64decode(uri.partition(",")[2], validate=True)


async def test_a_clip_comes_by_webhook_only(client: httpx.AsyncClient, inbox: Inbox) -> None:
    request = _ours("hotshot-xl", inbox.url)
    accepted = _ADAPTER.submitted(await _send(client, "hotshot-xl", request))
    assert isinstance(accepted, Accepted)
    name = accepted.ticket["id"]
    assert request.path == f"/predictions/{name}"
    started, completed = await inbox.until(2)
    assert (started["id"], started["status"], started["metrics"]) == (name, "processing", {})
    assert "output" not in started
    assert completed["status"] == "succeeded"
    told = [_heard(mail) for mail in inbox.mail]
    assert isinstance(told[0].outcome, Pending)
    assert isinstance(told[1].outcome, Ready)
    [uri] = told[1].outcome.outputs
    facts = look(_bytes(uri))
    assert (facts.frames, facts.fps, facts.size) == (8, 125.0, (672, 384))
    [job] = await _jobs(client)
    assert told[1].outcome.usage.compute_seconds == 30.0
    assert job["billed_micros"] == 30 * 975
    answers = [await client.get(f"/cog/hotshot-xl/predictions/{name}"), await client.get("/cog/hotshot-xl/predictions")]
    assert [answer.status_code for answer in answers] == [405, 404]


@pytest.mark.parametrize("place", _ROWS)
async def test_every_row(client: httpx.AsyncClient, inbox: Inbox, png: bytes, place: str) -> None:
    row = _ROWS[place]
    frame = None if row.text else MediaInput(data=png, mime_type="image/png")
    spec = resolve(Wish(prompt="a cat", first_frame=frame), row).spec
    assert isinstance(_ADAPTER.submitted(await _send(client, place, _ADAPTER.submit(spec, row, inbox.url))), Accepted)
    await inbox.until(2)
    outcome = _heard(inbox.mail[1]).outcome
    assert isinstance(outcome, Ready)
    facts = look(_bytes(outcome.outputs[0]))
    seconds = facts.frames / (row.retime_fps or facts.fps)
    assert seconds == pytest.approx(spec.duration, abs=0.01)


def test_the_rows_are_the_images() -> None:
    assert set(_ROWS) == set(IMAGES)
    for place, row in _ROWS.items():
        model = IMAGES[place]
        assert row.wire_name == f"r8.im/{model.name}@sha256:{model.version}"
        assert (set(row.wire.values()) | set(row.constants) | set(row.options)) <= set(model.fields)


async def test_a_put_repeated_while_it_runs_buys_nothing(client: httpx.AsyncClient) -> None:
    slow = {"prompt": "[[fault:stuck-running]]", "mp4": True}
    first = await _put(client, "abc", input=slow)
    again = await _put(client, "abc", input=slow)
    assert (first.status_code, first.json()) == (202, {"id": "abc", "status": "starting"})
    assert again.status_code == 202
    assert (again.json()["status"], again.json()["input"]) == ("processing", slow)
    assert isinstance(_ADAPTER.submitted(_reply(again)), Accepted)
    assert len(await _jobs(client)) == 1


async def test_a_put_repeated_after_the_end_runs_again(client: httpx.AsyncClient) -> None:
    """Which is why it must never be used to ask."""
    await _put(client, "abc")
    await _over(client, 1)
    assert (await _put(client, "abc")).json() == {"id": "abc", "status": "starting"}
    jobs = await _over(client, 2)
    assert {job["extra"]["prediction"] for job in jobs} == {"abc"}
    assert sum(job["billed_micros"] for job in jobs) == 2 * 30 * 975


async def test_one_slot_for_each_image(client: httpx.AsyncClient) -> None:
    stuck = {"prompt": "[[fault:stuck-running]]"}
    await _put(client, "first", input=stuck)
    refused = await _put(client, "second")
    assert refused.status_code == 409
    assert refused.json() == {"error": "At capacity - all prediction slots busy", "status": "failed"}
    outcome = _ADAPTER.submitted(_reply(refused))
    assert isinstance(outcome, Refused)
    assert (outcome.failure.reason, outcome.failure.billed) == (FailureReason.RATE_LIMITED, Billed.NO)
    assert (await _put(client, "other", "cogvideox-5b", input=stuck)).status_code == 202
    for image, word in (("hotshot-xl", "BUSY"), ("cogvideox-5b", "BUSY"), ("ltx-video", "READY")):
        health = await _send(client, image, _ADAPTER.health_check())
        assert _ADAPTER.health(health) == word
        assert isinstance(_ADAPTER.outcome(health), Pending)
    assert (await client.post("/cog/hotshot-xl/predictions/first/cancel")).status_code == 200
    await until(lambda: client.get("/cog/hotshot-xl/health-check"), lambda answer: answer.json()["status"] == "READY")
    assert (await _put(client, "second")).status_code == 202


async def test_more_slots(start: Start) -> None:
    server = await start(vendors=(cog.vendor(slots=2),), speed=1)
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False, verify=NO_TLS) as client:
        statuses = [(await _put(client, name)).status_code for name in ("a", "b", "c")]
        assert statuses == [202, 202, 409]


async def test_cancel(client: httpx.AsyncClient, inbox: Inbox) -> None:
    request = _ours("hotshot-xl", inbox.url, prompt="[[fault:stuck-running]]")
    accepted = _ADAPTER.submitted(await _send(client, "hotshot-xl", request))
    assert isinstance(accepted, Accepted)
    cancel = _ADAPTER.cancel(accepted.ticket)
    answer = await _send(client, "hotshot-xl", cancel)
    assert (answer.status, answer.body) == (200, b"{}")
    bodies = await inbox.until(2)
    assert [body["status"] for body in bodies] == ["processing", "canceled"]
    outcome = _heard(inbox.mail[1]).outcome
    assert isinstance(outcome, Failed)
    assert (outcome.failure.reason, outcome.failure.billed) == (FailureReason.CANCELLED, Billed.YES)
    [job] = await _jobs(client)
    assert job["billed_micros"] == pytest.approx((outcome.usage.compute_seconds or 0) * 975, abs=1)
    late = await _send(client, "hotshot-xl", cancel)
    assert (late.status, late.body) == (404, b"{}")
    assert isinstance(_ADAPTER.cancelled(late), Pending)


@pytest.mark.parametrize("code", FAILURES)
async def test_every_failure(client: httpx.AsyncClient, inbox: Inbox, code: str) -> None:
    await _send(client, "hotshot-xl", _ours("hotshot-xl", inbox.url, prompt=f"[[fault:fail-{code}]]"))
    body = (await inbox.until(2))[1]
    assert (body["status"], body["error"]) == ("failed", FAILURES[code])
    outcome = _heard(inbox.mail[1]).outcome
    assert isinstance(outcome, Failed)
    failure = outcome.failure
    told = {"reason": failure.reason, "stage": failure.stage, "billed": failure.billed, "retryable": failure.may_retry}
    assert told == _EXPECTED[code]
    [job] = await _jobs(client)
    assert job["billed_micros"] == round((outcome.usage.compute_seconds or 0) * 975)


def test_every_failure_is_expected() -> None:
    assert set(_EXPECTED) == set(FAILURES)


async def test_success_without_a_video(client: httpx.AsyncClient, inbox: Inbox) -> None:
    await _send(client, "hotshot-xl", _ours("hotshot-xl", inbox.url, prompt="[[fault:no-video]]"))
    assert (await inbox.until(2))[1]["status"] == "succeeded"
    outcome = _heard(inbox.mail[1]).outcome
    assert isinstance(outcome, Failed)
    assert outcome.failure.reason == FailureReason.BAD_OUTPUT


async def test_a_server_that_uploads(client: httpx.AsyncClient, inbox: Inbox) -> None:
    await _send(client, "zeroscope-v2-xl", _ours("zeroscope-v2-xl", inbox.url, prompt="[[fault:uploaded]]"))
    await inbox.until(2)
    outcome = _heard(inbox.mail[1]).outcome
    assert isinstance(outcome, Ready)
    assert "?" not in outcome.outputs[0]
    assert (await client.get(outcome.outputs[0])).content[4:8] == b"ftyp"


@pytest.mark.parametrize(
    "fault", ["lost-reply", "http-502-after-accept", "malformed-json", "no-id", "html-200-after-accept"]
)
async def test_a_lost_reply_is_healed_by_the_first_webhook(client: httpx.AsyncClient, inbox: Inbox, fault: str) -> None:
    request = _ours("hotshot-xl", inbox.url, prompt=f"[[fault:{fault}]]")
    assert isinstance(_ADAPTER.submitted(await _send(client, "hotshot-xl", request)), Ambiguous)
    await inbox.until(1)
    told = _heard(inbox.mail[0])
    assert request.path == f"/predictions/{told.vendor_task_id}"
    assert _ADAPTER.adopt(told.vendor_task_id, _ROWS["hotshot-xl"]) == {"id": told.vendor_task_id}
    assert len(await _jobs(client)) == 1


async def test_a_webhook_that_was_not_taken_comes_again(client: httpx.AsyncClient, inbox: Inbox) -> None:
    inbox.statuses = [500, 503]
    await _put(client, "abc", webhook=inbox.url, webhook_events_filter=["completed"])
    bodies = await inbox.until(3)
    assert [body["status"] for body in bodies] == ["succeeded"] * 3
    assert len({body for _, _, body in inbox.mail}) == 1
    assert len({_heard(mail).delivery_id for mail in inbox.mail}) == 1


async def test_without_a_filter_everything_is_told(client: httpx.AsyncClient, inbox: Inbox) -> None:
    await _put(client, "abc", webhook=inbox.url)
    bodies = await inbox.until(3)
    assert [body["status"] for body in bodies] == ["processing", "processing", "succeeded"]


_IS_UNSIGNED: Mapping[str, object] = cog.VENDOR.played()


@pytest.mark.parametrize("name", ["webhook-bad-signature", "webhook-stale"])
def test_nothing_is_signed(name: str) -> None:
    assert name not in _IS_UNSIGNED
    assert cog.VENDOR.webhooks is not None
    assert cog.VENDOR.webhooks.sign is None


@pytest.mark.parametrize(
    ("image", "inputs", "detail"),
    [
        (
            "stable-video-diffusion",
            {},
            {"loc": ["body", "input", "input_image"], "msg": "Field required", "type": "value_error.missing"},
        ),
        (
            "zeroscope-v2-xl",
            {"width": 1},
            {"loc": ["body", "input", "width"], "msg": "1 is less than the minimum of 256", "type": "value_error"},
        ),
        (
            "zeroscope-v2-xl",
            {"num_inference_steps": 501},
            {
                "loc": ["body", "input", "num_inference_steps"],
                "msg": "501 is greater than the maximum of 500",
                "type": "value_error",
            },
        ),
        (
            "ltx-video",
            {"length": "97"},
            {"loc": ["body", "input", "length"], "msg": '"97" is not of type "integer"', "type": "value_error"},
        ),
        (
            "ltx-video",
            {"model": "1.0"},
            {
                "loc": ["body", "input", "model"],
                "msg": '"1.0" is not one of ["0.9.1", "0.9"]',
                "type": "value_error",
            },
        ),
        (
            "ltx-video",
            {"image": "a.png"},
            {"loc": ["body", "input", "image"], "msg": '"a.png" is not a "uri"', "type": "value_error"},
        ),
    ],
)
async def test_inputs_are_checked(
    client: httpx.AsyncClient, image: str, inputs: dict[str, Any], detail: dict[str, Any]
) -> None:
    answer = await _put(client, "abc", image, input=inputs)
    assert (answer.status_code, answer.json()) == (422, {"detail": [detail]})
    refused = _ADAPTER.submitted(_reply(answer))
    assert isinstance(refused, Refused)
    assert refused.failure.message.endswith(f"{detail['loc'][-1]}: {detail['msg']}")
    assert await _jobs(client) == []


async def test_unknown_inputs_are_dropped_without_a_word(client: httpx.AsyncClient) -> None:
    answer = await _put(client, "abc", input={**_INPUT, "image": "https://example.com/a.png"})
    assert answer.status_code == 202
    [job] = await _jobs(client)
    assert job["clip"]["format"] == "mp4"
    assert (await _put(client, "abd", "cogvideox-5b", input={"prompt": "x", "duration": 10})).status_code == 202


async def test_bodies_that_make_no_sense(client: httpx.AsyncClient) -> None:
    path = "/cog/hotshot-xl/predictions/abc"
    for content, status in ((b"{", 422), (b'{"input": 7}', 422), (b'{"id": "abd"}', 422)):
        assert (await client.put(path, headers=_ASYNC, content=content)).status_code == status
    other = (await client.put(path, headers=_ASYNC, content=b'{"id": "abd"}')).json()
    assert other["detail"][0]["loc"] == ["body", "id"]
    assert (await client.put("/cog/sora-2/predictions/abc", headers=_ASYNC, json={})).status_code == 404
    stream = {"Accept": "text/event-stream"}
    assert (await client.put(path, headers=stream, json={"input": _INPUT})).status_code == 406
    assert await _jobs(client) == []


async def test_who_waits_is_told_at_the_end(client: httpx.AsyncClient) -> None:
    answer = await client.post("/cog/hotshot-xl/predictions", json={"input": {"prompt": "a cat"}})
    body = answer.json()
    assert (answer.status_code, body["status"]) == (200, "succeeded")
    assert body["id"].startswith("pred_")
    assert body["output"].startswith("data:image/gif;base64,")
    assert body["metrics"] == {"predict_time": 30.0}


async def test_a_body_is_not_needed(client: httpx.AsyncClient) -> None:
    answer = await client.post("/cog/hotshot-xl/predictions", headers=_ASYNC)
    assert answer.json()["status"] == "starting"
    [job] = await _jobs(client)
    assert job["prompt"] == "a camel smoking a cigarette, hd, high quality"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("busy", FailureReason.RATE_LIMITED),
        ("loading", FailureReason.VENDOR_UNAVAILABLE),
        ("rate-limit-seconds", FailureReason.RATE_LIMITED),
        ("http-401", FailureReason.VENDOR_AUTH),
        ("http-413", FailureReason.INVALID_INPUT),
    ],
)
async def test_refusals(client: httpx.AsyncClient, inbox: Inbox, fault: str, reason: FailureReason) -> None:
    request = _ours("hotshot-xl", inbox.url, prompt=f"[[fault:{fault}]]")
    refused = _ADAPTER.submitted(await _send(client, "hotshot-xl", request))
    assert isinstance(refused, Refused)
    assert refused.failure.reason == reason
    assert await _jobs(client) == []


@pytest.mark.parametrize("fault", ["http-409", "http-409-after-accept", "http-503", "html-503", "http-500"])
async def test_answers_that_prove_nothing(client: httpx.AsyncClient, inbox: Inbox, fault: str) -> None:
    request = _ours("hotshot-xl", inbox.url, prompt=f"[[fault:{fault}]]")
    assert isinstance(_ADAPTER.submitted(await _send(client, "hotshot-xl", request)), Ambiguous)


@pytest.mark.parametrize(
    ("fault", "lost"),
    [
        ("restarted", True),
        ("setup-failed", True),
        ("defunct", True),
        ("unknown-status", False),
        ("no-status", False),
        ("no-output", False),
        ("backwards", False),
        ("http-502", False),
        ("http-404", False),
        ("html-200", False),
        ("wrong-shape", False),
        ("malformed-json", False),
    ],
)
async def test_what_a_poll_can_find(client: httpx.AsyncClient, fault: str, lost: bool) -> None:
    await client.post("/control/script", json={"fault": fault, "match": "poll", "vendor": "cog"})
    outcome = _ADAPTER.outcome(await _send(client, "hotshot-xl", _ADAPTER.poll({"id": "abc"})))
    assert isinstance(outcome, Failed if lost else Pending)
    if isinstance(outcome, Failed):
        assert outcome.failure == _ADAPTER.lost()


async def test_a_server_describes_itself(client: httpx.AsyncClient) -> None:
    for path in ("/cog/ltx-video", "/cog/ltx-video/"):
        told = (await client.get(path)).json()
        assert told["predictions_idempotent_url"] == "/predictions/{prediction_id}"
    schema = (await client.get("/cog/ltx-video/openapi.json")).json()["components"]["schemas"]
    assert set(schema["Input"]["properties"]) == set(IMAGES["ltx-video"].fields)
    assert schema["Output"]["type"] == "array"
    health = (await client.get("/cog/ltx-video/health-check")).json()
    assert (health["status"], health["setup"]["status"]) == ("READY", "succeeded")
    for path in ("", "/health-check", "/openapi.json"):
        assert (await client.get(f"/cog/sora-2{path}")).status_code == 404


async def test_a_first_frame_decides_the_shape(client: httpx.AsyncClient, png: bytes) -> None:
    await _put(client, "abc", "stable-video-diffusion", input={"input_image": data_uri(png)})
    [job] = await _jobs(client)
    assert (job["clip"]["width"], job["clip"]["height"]) == (1024, 512)


async def test_every_request_is_witnessed(client: httpx.AsyncClient) -> None:
    await _put(client, "abc", input={"prompt": 7})
    await _put(client, "abc")
    rows = (await client.get("/control/ledger")).json()["posts"]
    assert [(row["method"], row["accepted"], row["status"]) for row in rows] == [
        ("PUT", False, 422),
        ("PUT", True, 202),
    ]
