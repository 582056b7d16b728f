"""Cancelling is a race, told honestly: where the clip was when it was stopped, and what that costs."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

from core.errors import Billed, FailureReason, NotFound, Precondition
from core.spec import MediaInput
from jobs.events import EventKind, ProgressStage
from jobs.orders import JobView
from jobs.records import ClipState, JobState

if TYPE_CHECKING:
    from tests.life.conftest import Workshop

Opened = Callable[..., "Awaitable[Workshop]"]
GEN45 = "runway/gen4.5"
VIDEO_01 = "replicate/minimax-video-01"
SVD = "replicate/stable-video-diffusion"
FRAME = MediaInput(uri="https://example.com/frame.png", mime_type="image/png")


def _at(stage: ProgressStage) -> Callable[[JobView], bool]:
    return lambda view: view.clips[0].clip.stage == stage


async def _cancelled(workshop: "Workshop", job_id: str) -> JobView:
    """The job, stopped: cancelled, nothing held, and the books as the vendor's."""
    asked = await workshop.jobs.cancel(job_id, "acme")
    assert asked.job.cancel_requested
    view = await workshop.ended(job_id)
    assert view.job.state is JobState.CANCELLED
    assert view.clips[0].clip.state is ClipState.CANCELLED
    assert view.job.failure is not None
    assert view.job.failure.reason is FailureReason.CANCELLED
    assert view.held.micros == 0
    assert (await workshop.verdict()).faults == ()
    kinds = [event.kind for event in await workshop.events(job_id)]
    assert kinds.count(EventKind.CANCELLING) == 1
    assert kinds[-1] is EventKind.ENDED
    return view


async def test_a_clip_that_still_waits_for_its_slot_is_never_bought(opened: Opened) -> None:
    workshop = await opened(tenant_clips=1)
    await workshop.script("runway", "stuck-running")
    first = await workshop.order(GEN45, prompt="in the way")
    await workshop.until(first, _at(ProgressStage.VENDOR_RUNNING))
    waiting = await workshop.order(GEN45, prompt="not yet", variations=2)
    view = await workshop.jobs.cancel(waiting, "acme")
    assert view.job.state is JobState.CANCELLED
    assert (view.cost.micros, view.held.micros) == (0, 0)
    again = await workshop.jobs.cancel(waiting, "acme")
    assert again.job == view.job
    await _cancelled(workshop, first)
    other = await workshop.ended(await workshop.order(GEN45, prompt="after them", duration=2.0))
    assert other.job.state is JobState.SUCCEEDED
    assert await workshop.vendor_jobs("not yet") == []
    assert (await workshop.verdict()).faults == ()


async def test_a_cancel_that_nobody_heard_is_heard_when_it_is_asked_for_again(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop = await opened()
    await workshop.script("runway", "stuck-running")
    job_id = await workshop.order(GEN45)
    await workshop.until(job_id, _at(ProgressStage.VENDOR_RUNNING))
    with monkeypatch.context() as deaf:
        deaf.setattr(workshop.jobs.context.bell, "ring", lambda *_keys: None)
        await workshop.jobs.cancel(job_id, "acme")
    await _cancelled(workshop, job_id)


async def test_a_clip_in_back_off_stops_at_once(opened: Opened) -> None:
    workshop = await opened()
    await workshop.script("runway", "rate-limit-seconds", times=9, options={"seconds": 600})
    job_id = await workshop.order(GEN45)
    await workshop.until(job_id, lambda view: any(attempt.end_time for attempt in view.clips[0].attempts))
    view = await _cancelled(workshop, job_id)
    assert (view.cost.micros, len(view.clips[0].attempts)) == (0, 1)
    assert await workshop.vendor_jobs() == []


async def test_runways_refund_rule(opened: Opened) -> None:
    workshop = await opened()
    await workshop.script("runway", "stuck", contains="never starts")
    await workshop.script("runway", "throttled", contains="held back", options={"seconds": 1e9})
    await workshop.script("runway", "stuck-running", contains="never ends")
    queued = await workshop.order(GEN45, prompt="never starts")
    throttled = await workshop.order(GEN45, prompt="held back")
    running = await workshop.order(GEN45, prompt="never ends")
    await workshop.until(
        queued, lambda view: bool(view.clips[0].attempts[0].ticket) if view.clips[0].attempts else False
    )
    await workshop.until(throttled, _at(ProgressStage.VENDOR_THROTTLED))
    await workshop.until(running, _at(ProgressStage.VENDOR_RUNNING))
    for job_id in (queued, throttled):
        view = await _cancelled(workshop, job_id)
        assert view.cost.micros == 0
        assert view.job.failure is not None
        assert view.job.failure.billed is Billed.NO
    view = await _cancelled(workshop, running)
    assert view.cost.micros == await workshop.vendor_bill("never ends") == 600_000
    assert view.cost_unknown
    assert view.job.failure is not None
    assert view.job.failure.billed is Billed.UNKNOWN
    assert await workshop.booked("SETTLE") == await workshop.vendor_bill()


async def test_replicate_is_paid_what_its_metrics_say(opened: Opened) -> None:
    workshop = await opened()
    await workshop.script("replicate", "stuck", contains="never starts")
    await workshop.script("replicate", "stuck-running", contains="never ends")
    await workshop.script("replicate", "stuck-running", contains="example.com")
    queued = await workshop.order(VIDEO_01, prompt="never starts")
    running = await workshop.order(VIDEO_01, prompt="never ends")
    metered = await workshop.order(SVD, first_frame=FRAME)
    await workshop.until(queued, lambda view: view.clips[0].clip.stage == ProgressStage.VENDOR_QUEUED)
    await workshop.until(running, _at(ProgressStage.VENDOR_RUNNING))
    await workshop.until(metered, _at(ProgressStage.VENDOR_RUNNING))
    view = await _cancelled(workshop, queued)
    assert view.cost.micros == 0
    await _cancelled(workshop, metered)
    await _cancelled(workshop, running)
    assert await workshop.booked("SETTLE") == await workshop.vendor_bill() > 0


async def test_a_success_that_wins_the_race_is_delivered_and_billed(opened: Opened) -> None:
    workshop = await opened()
    await workshop.script("runway", "trickle", match="download", options={"bytes": 4096, "seconds": 0.02})
    job_id = await workshop.order(GEN45, duration=2.0)
    await workshop.until(job_id, _at(ProgressStage.COLLECTING))
    asked = await workshop.jobs.cancel(job_id, "acme")
    assert asked.job.state is JobState.CANCELLING
    view = await workshop.ended(job_id)
    assert view.job.state is JobState.SUCCEEDED
    assert len(view.videos) == 1
    assert view.cost.micros == await workshop.vendor_bill() == 240_000
    assert {post["method"] for post in await workshop.vendor_ledger()} == {"POST"}
    with pytest.raises(Precondition):
        await workshop.jobs.cancel(job_id, "acme")


async def test_after_the_end_only_the_cancelled_can_be_cancelled_again(opened: Opened) -> None:
    workshop = await opened()
    await workshop.script("runway", "http-403", contains="refused")
    await workshop.script("runway", "stuck", contains="stopped")
    refused = await workshop.ended(await workshop.order(GEN45, prompt="refused"))
    with pytest.raises(Precondition) as told:
        await workshop.jobs.cancel(refused.job.id, "acme")
    assert told.value.metadata == {"state": "FAILED"}
    stopped = await workshop.order(GEN45, prompt="stopped")
    await workshop.until(stopped, lambda view: bool(view.clips[0].attempts))
    twice = [await workshop.jobs.cancel(stopped, "acme") for _ in range(2)]
    assert {view.job.state for view in twice} <= {JobState.CANCELLING, JobState.CANCELLED}
    ended = await _cancelled(workshop, stopped)
    assert (await workshop.jobs.cancel(stopped, "acme")).job == ended.job
    with pytest.raises(NotFound):
        await workshop.jobs.cancel(stopped, "rival")
    with pytest.raises(NotFound):
        await workshop.jobs.cancel("job_00000000000000000000000000", "rival")


async def test_a_cancel_that_the_vendor_did_not_hear_is_asked_again(opened: Opened) -> None:
    workshop = await opened()
    ids = []
    for fault in ("http-500", "timeout", "reset", "html-502", "lost-reply"):
        for vendor, model in (("runway", GEN45), ("replicate", VIDEO_01)):
            await workshop.script(vendor, "stuck-running", contains=fault)
            await workshop.script(vendor, fault, match="cancel", contains=fault)
            ids.append(await workshop.order(model, prompt=f"its cancel meets {fault}"))
    for job_id in ids:
        await workshop.until(job_id, _at(ProgressStage.VENDOR_RUNNING))
        await workshop.jobs.cancel(job_id, "acme")
    for view in await workshop.all_ended(ids):
        assert view.job.state is JobState.CANCELLED
    assert await workshop.booked("SETTLE") == await workshop.vendor_bill() > 0
    assert (await workshop.verdict()).faults == ()


async def test_some_variations_may_be_done_when_the_rest_is_cancelled(opened: Opened) -> None:
    workshop = await opened()
    await workshop.script("runway", "stuck")
    job_id = await workshop.order(GEN45, variations=3, duration=2.0)
    await workshop.until(job_id, lambda view: len(view.videos) == 2)
    await workshop.jobs.cancel(job_id, "acme")
    view = await workshop.ended(job_id)
    assert view.job.state is JobState.PARTIALLY_SUCCEEDED
    assert sorted(str(clip.clip.state) for clip in view.clips) == ["CANCELLED", "SUCCEEDED", "SUCCEEDED"]
    assert await workshop.booked("SETTLE") == await workshop.vendor_bill() == 480_000
    assert (await workshop.verdict()).faults == ()
