"""Vendors' webhooks over a real socket: verified, then only ever a reason to look."""

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import httpx

from emulators.signing import hmac_signature
from jobs.events import EventKind, ProgressStage
from jobs.orders import JobView
from jobs.records import Attempt, JobState

if TYPE_CHECKING:
    from tests.life.conftest import Workshop

Opened = Callable[..., "Awaitable[Workshop]"]
VIDEO_01 = "replicate/minimax-video-01"
DELIVERIES = ("webhook-duplicate", "webhook-reordered", "webhook-bad-signature", "webhook-stale", "webhook-never")


async def _secret(workshop: "Workshop") -> str:
    async with httpx.AsyncClient(base_url=workshop.emulator_url, trust_env=False) as client:
        path = "/replicate/v1/webhooks/default/secret"
        reply = await client.get(path, headers={"Authorization": "Bearer mock-key"})
    return str(reply.json()["key"])


async def _post(workshop: "Workshop", path: str, body: bytes, headers: Mapping[str, str]) -> int:
    base = workshop.jobs.context.loopback_url
    async with httpx.AsyncClient(base_url=base, trust_env=False) as client:
        return (await client.post(f"/webhooks/{path}", content=body, headers=headers)).status_code


def _signed(secret: str, body: bytes, *, age: int = 0, delivery: str = "msg_1") -> dict[str, str]:
    timestamp = int(time.time()) - age
    return {
        "webhook-id": delivery,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": hmac_signature(secret, delivery, timestamp, body),
    }


def _says(vendor_task_id: str | None, status: str = "succeeded", **more: Any) -> bytes:
    return json.dumps({"id": vendor_task_id, "status": status, **more}).encode()


async def _waiting(workshop: "Workshop", prompt: str) -> tuple[str, Attempt]:
    """A job whose prediction runs for ever, and its attempt."""
    await workshop.script("replicate", "stuck-running", contains=prompt)
    job_id = await workshop.order(VIDEO_01, prompt=prompt)
    view = await workshop.until(job_id, lambda seen: seen.clips[0].clip.stage == ProgressStage.VENDOR_RUNNING)
    return job_id, view.clips[0].attempts[0]


async def test_only_the_vendor_is_listened_to_and_only_at_its_address(opened: Opened) -> None:
    workshop = await opened(webhooks=True)
    secret = await _secret(workshop)
    job_id, attempt = await _waiting(workshop, "listen")
    place = f"replicate/{attempt.callback_token}"
    body = _says(attempt.vendor_task_id, output="http://127.0.0.1:9/evil.mp4")
    before = await workshop.jobs.view(job_id, "acme")
    forged = "whsec_" + "QUJD" * 8
    assert await _post(workshop, place, body, {}) == 401
    assert await _post(workshop, place, body, _signed(forged, body)) == 401
    assert await _post(workshop, place, body, _signed(secret, body, age=3600)) == 401
    assert await _post(workshop, place, body, _signed(secret, body, age=-3600)) == 401
    assert await _post(workshop, place, body + b" ", _signed(secret, body)) == 401
    assert await _post(workshop, place, b"[]", _signed(secret, b"[]")) == 401
    assert await _post(workshop, place, b"\xff", _signed(secret, b"\xff")) == 401
    for path in ("replicate/unknown", f"runway/{attempt.callback_token}", f"nobody/{attempt.callback_token}"):
        assert await _post(workshop, path, body, _signed(secret, body)) == 404
    for delivery in ("msg_1", "msg_1", "msg_2"):
        assert await _post(workshop, place, body, _signed(secret, body, delivery=delivery)) == 200
    after = await workshop.jobs.view(job_id, "acme")
    assert after.job == before.job
    await workshop.jobs.cancel(job_id, "acme")
    ended = await workshop.ended(job_id)
    assert ended.job.state is JobState.CANCELLED
    assert await _post(workshop, place, body, _signed(secret, body)) == 200
    assert await workshop.jobs.view(job_id, "acme") == ended


async def test_another_jobs_id_is_ignored(opened: Opened, monkeypatch: Any) -> None:
    monkeypatch.setattr("providers.replicate.ReplicateProvider.can_search", False)
    workshop = await opened(webhooks=True)
    secret = await _secret(workshop)
    first, mine = await _waiting(workshop, "the first")
    second, theirs = await _waiting(workshop, "the second")
    await workshop.script("replicate", "webhook-never", match="webhook", contains="parked one", times=9)
    await workshop.script("replicate", "lost-reply", contains="parked one")
    parked = await workshop.ended(await workshop.order(VIDEO_01, prompt="parked one"))
    unowned = parked.clips[0].attempts[0]
    body = _says(theirs.vendor_task_id)
    for attempt in (mine, unowned):
        assert await _post(workshop, f"replicate/{attempt.callback_token}", body, _signed(secret, body)) == 200
    assert (await workshop.jobs.view(parked.job.id, "acme")).job.state is JobState.NEEDS_RESOLUTION
    for job_id in (first, second):
        assert (await workshop.jobs.view(job_id, "acme")).job.state is JobState.RUNNING


async def test_whatever_happens_to_webhooks_the_poll_brings_the_clip_home(opened: Opened) -> None:
    workshop = await opened(webhooks=True)
    ids = []
    for fault in DELIVERIES:
        await workshop.script("replicate", fault, match="webhook", contains=f"meet {fault} there", times=9)
        ids.append(await workshop.order(VIDEO_01, prompt=f"its webhooks meet {fault} there"))
    views = await workshop.all_ended(ids)
    assert [view.job.failure for view in views] == [None] * len(ids)
    assert len(await workshop.vendor_jobs()) == len(ids)
    assert await workshop.booked("SETTLE") == await workshop.vendor_bill()
    for view in views:
        events = await workshop.events(view.job.id)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        assert [event.kind for event in events].count(EventKind.SETTLED) == 1


async def test_a_webhook_wakes_a_wait_that_polls_rarely(opened: Opened) -> None:
    workshop = await opened(webhooks=True, policy={"mock_poll": 60.0})
    views = await workshop.all_ended([await workshop.order(VIDEO_01, prompt=f"clip {number}") for number in range(3)])
    assert all(isinstance(view, JobView) and view.job.state is JobState.SUCCEEDED for view in views)
