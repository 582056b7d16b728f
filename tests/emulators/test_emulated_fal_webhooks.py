"""The emulated fal's webhooks, read by our adapter with the emulator's own keys; its clock; addresses that end."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from core.errors import FailureReason
from core.outcome import CallbackRefused, Failed, Pending, Ready, Reply, Stage
from emulators.server import EmulatorServer
from emulators.vendors.fal import VENDOR
from providers.catalogue import ADAPTERS
from tests.emulators.driving import NO_TLS, Inbox, Start, until

_FAL = ADAPTERS["fal"]
_KEY = {"Authorization": "Key planted-secret"}
_TURBO = "fal-ai/pika/v2/turbo/text-to-video"
_SVD = "fal-ai/fast-svd-lcm"
_IMAGE = "https://example.com/a.png"


def _client(server: EmulatorServer) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=server.base_url, headers=_KEY, trust_env=False, verify=NO_TLS, timeout=20)


async def _submit(http: httpx.AsyncClient, endpoint: str, webhook: str = "", **inputs: Any) -> dict[str, Any]:
    answer = await http.post(f"/fal/{endpoint}", params={"fal_webhook": webhook} if webhook else {}, json=inputs)
    assert answer.status_code == 200
    told: dict[str, Any] = answer.json()
    return told


async def _keys(http: httpx.AsyncClient) -> tuple[str, ...]:
    request = _FAL.callback_secret()
    assert request is not None
    answer = await http.get(f"/fal-rest{request.path}")
    return _FAL.callback_secrets(Reply(status=answer.status_code, body=answer.content))


async def _told(start: Start, inbox: Inbox, *faults: str, **inputs: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The keys, and the request whose first webhook has arrived."""
    server = await start(vendors=(VENDOR,), speed=2000, allow_prompt_faults=True)
    async with _client(server) as http:
        note = " ".join(f"[[fault:{fault}]]" for fault in faults)
        told = await _submit(http, _SVD, inbox.url, **{"image_url": _IMAGE, "note": note, **inputs})
        await inbox.until(1)
        return await _keys(http), told


async def test_a_success_is_told_and_signed(start: Start, inbox: Inbox) -> None:
    keys, told = await _told(start, inbox)
    path, headers, body = inbox.mail[0]
    assert path.endswith("/tok1?x=1")
    callback = _FAL.callback(headers, body, keys, datetime.now(UTC))
    assert (callback.vendor_task_id, callback.signed) == (told["request_id"], True)
    assert isinstance(callback.outcome, Ready)
    payload = json.loads(body)["payload"]
    assert callback.outcome.outputs == (payload["video"]["url"],)
    assert set(json.loads(body)) == {"request_id", "gateway_request_id", "status", "payload"}


async def test_a_failure_is_told_and_signed(start: Start, inbox: Inbox) -> None:
    keys, _ = await _told(start, inbox, "fail-content_policy_violation")
    _, headers, body = inbox.mail[0]
    document = json.loads(body)
    assert (document["status"], document["error"]) == ("ERROR", "Invalid status code: 422")
    outcome = _FAL.callback(headers, body, keys, datetime.now(UTC)).outcome
    assert isinstance(outcome, Failed)
    assert outcome.failure.reason is FailureReason.CONTENT_POLICY


async def test_what_its_model_refuses_is_told_too(start: Start, inbox: Inbox) -> None:
    keys, _ = await _told(start, inbox, fps=1000)
    _, headers, body = inbox.mail[0]
    outcome = _FAL.callback(headers, body, keys, datetime.now(UTC)).outcome
    assert isinstance(outcome, Failed)
    assert (outcome.failure.reason, "fps" in outcome.failure.message) == (FailureReason.INVALID_INPUT, True)


@pytest.mark.parametrize("fault", ["webhook-bad-signature", "webhook-stale"])
async def test_a_spoilt_one_is_refused(start: Start, inbox: Inbox, fault: str) -> None:
    keys, _ = await _told(start, inbox, fault)
    _, headers, body = inbox.mail[0]
    with pytest.raises(CallbackRefused):
        _FAL.callback(headers, body, keys, datetime.now(UTC))


async def test_a_repetition_is_recognised(start: Start, inbox: Inbox) -> None:
    inbox.statuses = [500]
    keys, _ = await _told(start, inbox)
    await inbox.until(2)
    callbacks = [_FAL.callback(headers, body, keys, datetime.now(UTC)) for _, headers, body in inbox.mail]
    assert len({callback.delivery_id for callback in callbacks}) == 1
    assert inbox.mail[0][2] == inbox.mail[1][2]


async def test_an_output_that_cannot_be_sent_is_looked_up(start: Start, inbox: Inbox) -> None:
    keys, _ = await _told(start, inbox, "payload-error")
    _, headers, body = inbox.mail[0]
    assert json.loads(body)["payload"] is None
    assert _FAL.callback(headers, body, keys, datetime.now(UTC)).outcome == Pending()


async def test_keys_outlast_a_restart(start: Start, inbox: Inbox) -> None:
    keys, _ = await _told(start, inbox)
    again = await start(vendors=(VENDOR,))
    async with _client(again) as http:
        assert await _keys(http) == keys


async def test_whoever_cancels_in_the_queue_is_told_nothing(start: Start, inbox: Inbox) -> None:
    server = await start(vendors=(VENDOR,), speed=1)
    async with _client(server) as http:
        told = await _submit(http, _TURBO, inbox.url, prompt="x")
        other = await _submit(http, _SVD, inbox.url, image_url=_IMAGE)
        assert (await http.put(told["cancel_url"])).json() == {"status": "OK"}
        await http.post("/control/advance", json={"seconds": 60})
        assert [each["request_id"] for each in await inbox.until(1)] == [other["request_id"]]
        deliveries = (await http.get("/control/deliveries")).json()["deliveries"]
        assert {each["job"] for each in deliveries} == {other["request_id"]}


async def test_the_queue_counts_down_and_the_bar_goes_up(start: Start) -> None:
    server = await start(vendors=(VENDOR,), speed=1)
    async with _client(server) as http:
        told = await _submit(http, _SVD, image_url=_IMAGE)

        async def seen(seconds: float = 0.0) -> tuple[int, dict[str, Any]]:
            await http.post("/control/advance", json={"seconds": seconds})
            answer = await http.get(told["status_url"], params={"logs": "1"})
            return answer.status_code, answer.json()

        status, document = await seen()
        assert (status, document["status"], document["queue_position"]) == (202, "IN_QUEUE", 1)
        assert (await seen(3))[1]["queue_position"] == 0
        status, document = await seen(7)
        assert (status, document["status"], "queue_position" in document) == (202, "IN_PROGRESS", False)
        outcome = _FAL.outcome(Reply(status=status, body=json.dumps(document).encode()))
        assert isinstance(outcome, Pending)
        assert outcome.stage is Stage.RUNNING
        assert outcome.progress is not None
        assert 0.3 < outcome.progress < 0.9
        quiet = (await http.get(told["status_url"])).json()
        assert quiet["logs"] is None
        assert (await seen(10))[0] == 200


async def test_a_partners_model_shows_no_progress(start: Start) -> None:
    server = await start(vendors=(VENDOR,), speed=1)
    async with _client(server) as http:
        told = await _submit(http, _TURBO, prompt="x")
        await http.post("/control/advance", json={"seconds": 20})
        answer = await http.get(told["status_url"], params={"logs": "true"})
        outcome = _FAL.outcome(Reply(status=answer.status_code, body=answer.content))
        assert outcome == Pending(stage=Stage.RUNNING)


async def _output(http: httpx.AsyncClient, headers: dict[str, str]) -> str:
    """The address of a finished clip."""
    answer = await http.post(f"/fal/{_SVD}", headers=headers, json={"image_url": _IMAGE})
    way = answer.json()["response_url"]
    result = await until(lambda: http.get(way), lambda seen: seen.status_code == 200)
    return str(result.json()["video"]["url"])


async def test_outputs_are_kept_as_long_as_was_asked(start: Start) -> None:
    server = await start(vendors=(VENDOR,), speed=2000)
    async with _client(server) as http:
        keep = {"X-Fal-Object-Lifecycle-Preference": json.dumps({"expiration_duration_seconds": 3600})}
        urls = [await _output(http, headers) for headers in (keep, {})]
        assert [(await http.get(url)).status_code for url in urls] == [200, 200]
        await http.post("/control/advance", json={"seconds": 3700})
        assert [(await http.get(url)).status_code for url in urls] == [403, 200]


async def test_no_two_get_in_each_others_way(start: Start) -> None:
    server = await start(vendors=(VENDOR,), speed=2000)
    async with _client(server) as http:
        told = await asyncio.gather(*(_submit(http, _TURBO, prompt=f"{number}") for number in range(8)))
        assert len({each["request_id"] for each in told}) == 8
