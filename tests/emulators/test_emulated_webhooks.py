"""The emulated webhooks, received on a real socket and judged by Replicate's SDK and by standardwebhooks."""

import time
from typing import Any

import httpx
import pytest
from replicate.webhook import Webhooks, WebhookSigningSecret
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from emulators.faults import FAULTS
from emulators.signing import hmac_signature
from tests.emulators.driving import NO_TLS, REPLICATE, Inbox, Start, until

MODEL = "/replicate/v1/models/minimax/video-01/predictions"
BOTH = ["start", "completed"]


async def buy(base_url: str, inbox: Inbox, prompt: str = "x", events: list[str] | None = None) -> dict[str, Any]:
    """A prediction with a webhook."""
    body: dict[str, Any] = {"input": {"prompt": prompt}, "webhook": inbox.url}
    body |= {} if events is None else {"webhook_events_filter": events}
    async with httpx.AsyncClient(base_url=base_url, trust_env=False, verify=NO_TLS, headers=REPLICATE) as client:
        made: dict[str, Any] = (await client.post(MODEL, json=body)).raise_for_status().json()
        return made


async def secret_of(base_url: str) -> str:
    """The account's signing secret."""
    async with httpx.AsyncClient(base_url=base_url, trust_env=False, verify=NO_TLS, headers=REPLICATE) as client:
        key: str = (await client.get("/replicate/v1/webhooks/default/secret")).json()["key"]
        return key


async def until_state(base_url: str, *states: str) -> None:
    """Wait until the begun deliveries are in these states."""

    def arrived(reply: httpx.Response) -> bool:
        return sorted(row["state"] for row in reply.json()["deliveries"]) == sorted(states)

    async with httpx.AsyncClient(base_url=base_url, trust_env=False, verify=NO_TLS) as client:
        await until(lambda: client.get("/control/deliveries"), arrived)


VECTORS = [
    (
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ),
    (
        "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX",
        "msg_2b7Q0hFilmgateTestVector01",
        1763683200,
        (
            b'{"id":"ufawqhfynnddngldkgtslldrkq","model":"minimax/video-01","version":"hidden","input":'
            b'{"prompt":"a cat"},"logs":"","output":"https://replicate.delivery/xezq/abc/tmp1.mp4","error":null,"status":"succeeded",'
            b'"created_at":"2026-11-20T10:00:00.000Z","metrics":{"predict_time":61.2,"total_time":62.0}}'
        ),
        "v1,14NP1R5i+HnnjioTSq8oy/NzjXg/RZz1RRvFgKqgcSo=",
    ),
]


@pytest.mark.parametrize(("secret", "identifier", "timestamp", "body", "signature"), VECTORS)
def test_published_vectors(secret: str, identifier: str, timestamp: int, body: bytes, signature: str) -> None:
    assert hmac_signature(secret, identifier, timestamp, body) == signature


async def test_start_and_completed_are_signed(start: Start, inbox: Inbox) -> None:
    server = await start(speed=600)
    made = await buy(server.base_url, inbox, events=BOTH)
    bodies = await inbox.until(2)
    assert [body["status"] for body in bodies] == ["processing", "succeeded"]
    assert {body["id"] for body in bodies} == {made["id"]}
    assert bodies[1]["output"].startswith(server.base_url)
    secret = await secret_of(server.base_url)
    for target, headers, body in inbox.mail:
        assert target == "/webhooks/replicate/tok1?x=1"
        Webhooks.validate(headers=headers, body=body.decode(), secret=WebhookSigningSecret(key=secret), tolerance=300)
        assert Webhook(secret).verify(body, headers)["id"] == made["id"]
    assert inbox.mail[0][1]["webhook-id"] != inbox.mail[1][1]["webhook-id"]


async def test_without_a_filter_output_and_completed_come(start: Start, inbox: Inbox) -> None:
    server = await start(speed=6000)
    await buy(server.base_url, inbox)
    bodies = await inbox.until(2)
    assert [(body["status"], bool(body["output"])) for body in bodies] == [("processing", True), ("succeeded", True)]


async def test_logs_of_a_community_model(start: Start, inbox: Inbox) -> None:
    server = await start(speed=6000)
    body = {
        "version": "3f0457e4619daac51203dedb472816fd4af51f3149fa7a9e0b5ffcf1b8172438",
        "input": {"input_image": "https://example.com/a.png"},
        "webhook": inbox.url,
        "webhook_events_filter": ["logs", "completed"],
    }
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False, verify=NO_TLS, headers=REPLICATE) as client:
        await client.post("/replicate/v1/predictions", json=body)
    [during, after] = await inbox.until(2)
    assert during["status"] == "processing"
    assert "20%|" in during["logs"]
    assert after["logs"].endswith("25/25 [00:25<00:00]\n")


async def test_a_cancelled_prediction_completes_at_once(start: Start, inbox: Inbox) -> None:
    server = await start(speed=1, cancel_seconds=0)
    made = await buy(server.base_url, inbox, events=BOTH)
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False, verify=NO_TLS, headers=REPLICATE) as client:
        await client.post(made["urls"]["cancel"])
    [body] = await inbox.until(1)
    assert (body["status"], body["started_at"]) == ("canceled", None)


async def test_refused_deliveries_are_repeated_unchanged(start: Start, inbox: Inbox) -> None:
    server = await start(speed=6000)
    inbox.statuses = [500, 302]
    await buy(server.base_url, inbox, events=["completed"])
    await inbox.until(3)
    assert len({(headers["webhook-id"], body) for _, headers, body in inbox.mail}) == 1
    await until_state(server.base_url, "delivered")


async def test_webhooks_stay_on_loopback(start: Start, inbox: Inbox) -> None:
    server = await start(speed=6000)
    inbox.url = "https://192.0.2.1/webhooks/replicate/tok1"
    await buy(server.base_url, inbox, events=["completed"])
    await until_state(server.base_url, "refused")


async def duplicate(inbox: Inbox, secret: str) -> None:
    bodies = await inbox.until(4)
    assert [body["status"] for body in bodies] == ["processing", "processing", "succeeded", "succeeded"]
    assert len({headers["webhook-id"] for _, headers, _ in inbox.mail}) == 2


async def reordered(inbox: Inbox, secret: str) -> None:
    assert [body["status"] for body in await inbox.until(2)] == ["succeeded", "processing"]


async def bad_signature(inbox: Inbox, secret: str) -> None:
    await inbox.until(2)
    for _, headers, body in inbox.mail:
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, headers)


async def stale(inbox: Inbox, secret: str) -> None:
    await inbox.until(2)
    _, headers, body = inbox.mail[0]
    assert time.time() - int(headers["webhook-timestamp"]) > 3500
    assert headers["webhook-signature"] == hmac_signature(
        secret, headers["webhook-id"], int(headers["webhook-timestamp"]), body
    )
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers)


async def slow(inbox: Inbox, secret: str) -> None:
    began = time.monotonic()
    await inbox.until(1)
    assert time.monotonic() - began > 0.25


async def never(inbox: Inbox, secret: str) -> None:
    assert inbox.mail == []


PLAYS = {
    "webhook-duplicate": duplicate,
    "webhook-reordered": reordered,
    "webhook-bad-signature": bad_signature,
    "webhook-stale": stale,
    "webhook-slow": slow,
    "webhook-never": never,
}


@pytest.mark.parametrize("fault", [name for name in FAULTS if name.startswith("webhook-")])
async def test_every_webhook_fault(start: Start, inbox: Inbox, fault: str) -> None:
    server = await start(speed=2000, allow_prompt_faults=True)
    secret = await secret_of(server.base_url)
    prompt = f"[[fault:{fault}]]"
    if fault == "webhook-slow":
        prompt = "slow"
        async with httpx.AsyncClient(base_url=server.base_url, trust_env=False, verify=NO_TLS) as client:
            await client.post("/control/script", json={"fault": fault, "times": 2, "options": {"seconds": 0.3}})
    await buy(server.base_url, inbox, prompt=prompt, events=BOTH)
    if fault == "webhook-never":
        await until_state(server.base_url, "never", "never")
    await PLAYS[fault](inbox, secret)


async def test_a_restart_takes_up_what_was_left(start: Start, inbox: Inbox) -> None:
    first = await start(speed=1)
    await buy(first.base_url, inbox, events=BOTH)
    secret = await secret_of(first.base_url)
    await first.stop()
    assert inbox.mail == []
    second = await start(speed=6000)
    assert [body["status"] for body in await inbox.until(2)] == ["processing", "succeeded"]
    assert await secret_of(second.base_url) == secret
    await until_state(second.base_url, "delivered", "delivered")
    await second.stop()
    third = await start(speed=6000)
    await until_state(third.base_url, "delivered", "delivered")
    assert len(inbox.mail) == 2
