"""Luma's older SDK, `lumaai`, drives the emulated Dream Machine API."""

import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import lumaai
import pytest
from lumaai import APIStatusError, LumaAI

from core.outcome import AttemptReference, Failed, Ready, Reply
from emulators.vendors.luma_legacy import FAILURES, VENDOR
from providers.luma_legacy import LumaLegacyProvider
from tests.emulators.driving import NO_TLS, Inbox, Start, fresh, job_of, jobs_for, look

_ADAPTER = LumaLegacyProvider()
_SMALL: Mapping[str, Any] = {"model": "ray-flash-2", "resolution": "540p"}
_A, _B = "https://example.com/a.png", "https://example.com/b.png"
_CONTRACT = Path(__file__).parents[1] / "providers" / "contract" / "luma-legacy" / "conformance.json"
_EXPECTED = json.loads(_CONTRACT.read_text())["failures"]
_ROOT = "/luma-legacy/dream-machine/v1"
_KEY = {"Authorization": "Bearer luma-key"}


@pytest.fixture
def dreams(base_url: str) -> Iterator[LumaAI]:
    """The SDK on the shared server, over plain HTTP, which it does not mind."""
    with LumaAI(
        auth_token="luma-key",
        base_url=f"{base_url}{_ROOT}",
        http_client=httpx.Client(trust_env=False, verify=NO_TLS),
        max_retries=0,
    ) as sdk:
        yield sdk


def _bought(dreams: LumaAI, prompt: str = "A cat", **typed: Any) -> str:
    created = dreams.generations.create(**{**_SMALL, "prompt": prompt, **typed})
    assert created.state == "queued"
    assert created.id
    return created.id


def _ended(dreams: LumaAI, generation_id: str) -> lumaai.types.Generation:
    limit = time.monotonic() + 20
    while (seen := dreams.generations.get(generation_id)).state not in ("completed", "failed"):
        assert time.monotonic() < limit, seen
        time.sleep(0.01)
    return seen


def test_from_create_to_download(dreams: LumaAI, http: httpx.Client) -> None:
    created = _bought(dreams, aspect_ratio="9:16", duration="9s")
    done = _ended(dreams, created)
    assert done.assets
    assert done.assets.video
    answer = http.get(done.assets.video)
    assert answer.headers["content-type"] == "video/mp4"
    facts = look(answer.content)
    assert (facts.seconds, facts.size, facts.audio) == (9.0, (540, 960), False)
    assert job_of(http, created)["billed_micros"] == 246_344


def test_the_larger_model_and_the_other_method(dreams: LumaAI, http: httpx.Client) -> None:
    created = dreams.generations.video.create(model="ray-2", prompt="A cat", resolution="540p", loop=True)
    assert created.id
    done = _ended(dreams, created.id)
    assert done.request
    assert done.model == "ray-2"
    assert job_of(http, created.id)["billed_micros"] == 398_131


def test_frames_and_extensions(dreams: LumaAI) -> None:
    first = _bought(dreams, keyframes={"frame0": {"type": "image", "url": _A}, "frame1": {"type": "image", "url": _B}})
    assert _ended(dreams, first).state == "completed"
    onwards = _bought(dreams, keyframes={"frame0": {"type": "generation", "id": first}}, prompt="onwards")
    assert _ended(dreams, onwards).state == "completed"


async def test_every_state_in_order(start: Start) -> None:
    server = await start(vendors=(VENDOR,), speed=1)
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False, verify=NO_TLS, headers=_KEY) as client:
        created = (await client.post(f"{_ROOT}/generations", json={"model": "ray-2", "prompt": "A cat"})).json()
        seen = []
        for seconds in (0, 6, 60, 60):
            await client.post("/control/advance", json={"seconds": seconds})
            shown = (await client.get(f"{_ROOT}/generations/{created['id']}")).json()
            assert (shown["assets"] is not None) == (shown["state"] == "completed")
            seen.append(shown["state"])
    assert seen == ["queued", "dreaming", "dreaming", "completed"]


@pytest.mark.parametrize("code", FAILURES)
def test_every_failure(dreams: LumaAI, http: httpx.Client, code: str) -> None:
    created = _bought(dreams, f"A cat [[fault:fail-{code}]]")
    ended = _ended(dreams, created)
    assert (ended.state, ended.assets, ended.failure_reason) == ("failed", None, FAILURES[code] or None)
    assert job_of(http, created)["billed_micros"] == 0
    outcome = _ADAPTER.outcome(Reply(status=200, body=ended.to_json().encode()))
    assert isinstance(outcome, Failed)
    failure = outcome.failure
    read = {"reason": failure.reason, "stage": failure.stage, "billed": failure.billed, "retryable": failure.may_retry}
    assert read == _EXPECTED[code]


def test_every_failure_is_expected() -> None:
    assert {*_EXPECTED} == {*FAILURES}


def test_the_list(dreams: LumaAI) -> None:
    dreams = dreams.with_options(auth_token="of its own")
    made = [_bought(dreams, f"number {number}") for number in range(3)]
    first = dreams.generations.list(limit=2, offset=0)
    assert (first.count, first.limit, first.offset, first.has_more) == (2, 2, 0, True)
    rest = dreams.generations.list(limit=2, offset=2)
    assert rest.has_more is False
    assert [each.id for each in (*first.generations, *rest.generations)] == made[::-1]


def test_a_lost_submit_is_found_by_its_callback(dreams: LumaAI, http: httpx.Client) -> None:
    dreams = dreams.with_options(auth_token="loser")
    token, prompt = "tok-lost", fresh("lost-reply")
    with pytest.raises(lumaai.InternalServerError):
        _bought(dreams, prompt, callback_url=f"https://filmgate.example/webhooks/luma-legacy/{token}")
    for number in range(3):
        _bought(dreams, f"another {number}")
    attempt = AttemptReference(
        attempt_id="a", callback_token=token, model="ray-flash-2", request=None, intended_at="2026-11-20T10:00:00Z"
    )
    request, ticket = _ADAPTER.search(attempt), None
    while request is not None and ticket is None:
        reply = http.get(
            f"/luma-legacy{request.path}", params={**request.query}, headers={"Authorization": "Bearer loser"}
        )
        read = Reply(status=reply.status_code, body=reply.content)
        ticket, request = _ADAPTER.found(read, attempt), _ADAPTER.search_next(read)
    assert ticket == {"id": jobs_for(http, prompt)[0]["id"]}


def test_a_deleted_generation_is_gone_and_still_charged(dreams: LumaAI, http: httpx.Client) -> None:
    running = _bought(dreams, "A cat [[fault:slow-job]]")
    dreams.generations.delete(running)
    done = _bought(dreams)
    video = (_ended(dreams, done).assets or lumaai.types.generation.Assets()).video or ""
    dreams.generations.delete(done)
    for gone in (running, done):
        for ask in (dreams.generations.get, dreams.generations.delete):
            with pytest.raises(lumaai.NotFoundError, match="Generation not found"):
                ask(gone)
    assert http.get(video).status_code == 404
    limit = time.monotonic() + 20
    while job_of(http, running)["billed_micros"] == 0:
        assert time.monotonic() < limit
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("members", "place", "kind"),
    [
        ({"model": "ray-1-6"}, "model", "literal_error"),
        ({"aspect_ratio": "3:1"}, "aspect_ratio", "literal_error"),
        ({"resolution": "8k"}, "resolution", "literal_error"),
        ({"duration": "10s"}, "duration", "literal_error"),
        ({"prompt": "ab"}, "prompt", "string_too_short"),
        ({"prompt": "x" * 5001}, "prompt", "string_too_long"),
        ({"loop": "yes"}, "loop", "bool_type"),
        ({"callback_url": "here"}, "callback_url", "url_parsing"),
        ({"concepts": [{"name": "x"}]}, "concepts", "type_error"),
        ({"keyframes": {"frame0": {"type": "image", "url": "data:image/png;base64,AAAA"}}}, "keyframes.frame0", ""),
        ({"keyframes": {"frame1": {"type": "generation"}}}, "keyframes.frame1", ""),
        ({"keyframes": {"frame1": {"type": "video", "url": _A}}}, "keyframes.frame1", ""),
    ],
)
def test_refusals_as_fastapi_writes_them(dreams: LumaAI, members: Mapping[str, Any], place: str, kind: str) -> None:
    with pytest.raises(lumaai.UnprocessableEntityError) as caught:
        dreams.generations.create(**{**_SMALL, "prompt": "A cat", **members})
    (wrong,) = caught.value.response.json()["detail"]
    assert wrong["loc"] == ["body", place]
    assert not kind or wrong["type"] == kind
    refused = _ADAPTER.refusal(Reply(status=422, body=caught.value.response.content))
    assert refused is not None
    assert place in refused.message


@pytest.mark.parametrize(
    ("fault", "status", "detail"),
    [
        ("no-credit", 400, "Insufficient credits"),
        ("moderated-prompt", 400, "Prompt not allowed because advanced moderation failed"),
    ],
)
def test_what_a_submit_can_meet(dreams: LumaAI, http: httpx.Client, fault: str, status: int, detail: str) -> None:
    prompt = fresh(fault)
    with pytest.raises(APIStatusError) as caught:
        _bought(dreams, prompt)
    assert (caught.value.status_code, caught.value.response.json()) == (status, {"detail": detail})
    assert jobs_for(http, prompt) == []


def test_the_sdk_buys_three_times_when_a_reply_is_lost(
    dreams: LumaAI, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LumaAI, "_calculate_retry_timeout", lambda *_: 0.01)  # its own pauses are half a second
    prompt = fresh("lost-reply")
    with pytest.raises(lumaai.InternalServerError):
        _bought(dreams.with_options(max_retries=2), prompt)
    assert len(jobs_for(http, prompt)) == 3


def test_keys(dreams: LumaAI, http: httpx.Client) -> None:
    created = _bought(dreams)
    path = f"{_ROOT}/generations/{created}"
    for headers, status, detail in (
        ({}, 401, "Invalid API key is provided"),
        ({"Authorization": "Bearer luma-api-key"}, 403, "Not authenticated"),
        ({"Authorization": "Bearer other"}, 404, "Generation not found"),
    ):
        answer = http.get(path, headers=headers)
        assert (answer.status_code, answer.json()) == (status, {"detail": detail})


def test_credits_concepts_and_ping(dreams: LumaAI) -> None:
    dreams = dreams.with_options(auth_token="rich")
    assert dreams.credits.get().credit_balance == 1_000_000
    _ended(dreams, _bought(dreams))
    assert dreams.credits.get().credit_balance == pytest.approx(1_000_000 - 13.6858)
    assert "dolly_zoom" in dreams.generations.concepts.list()
    assert dreams.ping.check().message == "pong"


@pytest.mark.parametrize(("fault", "last"), [("", "completed"), ("fail-internal", "failed")])
async def test_callbacks(start: Start, inbox: Inbox, fault: str, last: str) -> None:
    server = await start(vendors=(VENDOR,), speed=2000, allow_prompt_faults=True)
    inbox.statuses = [500, 200]
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False, verify=NO_TLS, headers=_KEY) as client:
        body = {**_SMALL, "prompt": fresh(fault) if fault else "A cat", "callback_url": inbox.url}
        created = (await client.post(f"{_ROOT}/generations/video", json=body)).json()
        told = await inbox.until(3)
    assert [each["state"] for each in told] == ["dreaming", "dreaming", last]
    assert {each["id"] for each in told} == {created["id"]}
    heard = [_ADAPTER.callback(headers, mail, (), datetime.now(UTC)) for _, headers, mail in inbox.mail]
    assert len({each.delivery_id for each in heard}) == 2
    assert not any(each.signed for each in heard)
    assert isinstance(heard[-1].outcome, Ready if last == "completed" else Failed)


def test_our_adapter_reads_it(dreams: LumaAI) -> None:
    done = _ended(dreams, _bought(dreams))
    outcome = _ADAPTER.outcome(Reply(status=200, body=json.dumps(done.to_dict(mode="json")).encode()))
    assert isinstance(outcome, Ready)
    assert done.assets
    assert outcome.outputs == (done.assets.video,)
