"""What an operator, the time or late news makes of a parked clip; the money follows each of them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

from core.errors import Billed, FailureReason, InvalidRequest, NotFound
from jobs.events import EventKind
from jobs.orders import JobView, Verdict, VerdictKind
from jobs.records import AttemptOutcome, ClipState, JobState

if TYPE_CHECKING:
    from tests.life.conftest import Workshop

Opened = Callable[..., "Awaitable[Workshop]"]
GEN45 = "runway/gen4.5"
ABANDON = Verdict(kind=VerdictKind.ABANDON)
RESUBMIT = Verdict(kind=VerdictKind.RESUBMIT)


def _adopt(vendor_task_id: str) -> Verdict:
    return Verdict(kind=VerdictKind.ADOPT, vendor_task_id=vendor_task_id)


async def _parked(workshop: "Workshop", prompt: str, fault: str = "lost-reply") -> JobView:
    await workshop.script("runway", fault, contains=prompt)
    view = await workshop.ended(await workshop.order(GEN45, prompt=prompt, duration=2.0))
    assert view.job.state is JobState.NEEDS_RESOLUTION
    return view


async def _resolved(workshop: "Workshop", view: JobView, verdict: Verdict) -> JobView:
    """The job once the verdict has ended it."""
    assert await workshop.jobs.resolve(view.clips[0].clip.id, "acme", verdict) == view.job.id
    return await workshop.until(view.job.id, lambda seen: seen.job.state.terminal)


async def test_an_adopted_clip_comes_home_and_costs_what_the_vendor_charged(opened: Opened) -> None:
    workshop = await opened()
    view = await _parked(workshop, "adopt me")
    [theirs] = await workshop.vendor_jobs()
    ended = await _resolved(workshop, view, _adopt(theirs["id"]))
    assert ended.job.state is JobState.SUCCEEDED
    assert ended.clips[0].attempts[0].vendor_task_id == theirs["id"]
    assert await workshop.booked("SETTLE") == await workshop.vendor_bill() > 0
    assert len(await workshop.vendor_ledger()) == 1
    assert (await workshop.verdict()).faults == ()
    assert await workshop.heard(view.job.id, EventKind.RESOLVED)


async def test_only_the_clips_own_vendor_task_is_adopted(opened: Opened) -> None:
    workshop = await opened()
    other = await workshop.ended(await workshop.order(GEN45, prompt="somebody else's", duration=2.0))
    owned = other.clips[0].attempts[0].vendor_task_id
    view = await _parked(workshop, "adopt me")
    clip_id = view.clips[0].clip.id
    unknown = "00000000-0000-4000-8000-000000000000"
    for wrong in (owned, unknown, "", "../organization", "a/b", "x" * 4000, "a?b", "\N{SNOWMAN}"):
        with pytest.raises(InvalidRequest) as refused:
            await workshop.jobs.resolve(clip_id, "acme", _adopt(wrong or ""))
        assert refused.value.violations[0].field == "adopt.vendor_task_id", wrong
    again = await workshop.jobs.view(view.job.id, "acme")
    assert again.clips[0].clip.state is ClipState.PARKED
    assert again.held == view.held


async def test_strangers_and_unparked_clips_are_refused(opened: Opened) -> None:
    workshop = await opened()
    view = await _parked(workshop, "resolve me")
    clip_id = view.clips[0].clip.id
    with pytest.raises(NotFound) as foreign:
        await workshop.jobs.resolve(clip_id, "rival", ABANDON)
    with pytest.raises(NotFound) as missing:
        await workshop.jobs.resolve("clip_00000000000000000000000000", "rival", ABANDON)
    assert str(foreign.value) == str(missing.value)
    verdicts = [workshop.jobs.resolve(clip_id, "acme", ABANDON) for _ in range(4)]
    await asyncio.gather(*verdicts, return_exceptions=True)
    with pytest.raises(InvalidRequest):
        await workshop.jobs.resolve(clip_id, "acme", RESUBMIT)
    assert await workshop.booked("SETTLE") == view.clips[0].attempts[0].quote_micros


async def test_a_resubmitted_clip_is_bought_again_on_a_new_hold_and_tells_both_costs(opened: Opened) -> None:
    workshop = await opened()
    view = await _parked(workshop, "buy me again")
    ended = await _resolved(workshop, view, RESUBMIT)
    assert ended.job.state is JobState.SUCCEEDED
    lost, bought = ended.clips[0].attempts
    assert (lost.outcome, bought.outcome) == (AttemptOutcome.AMBIGUOUS, AttemptOutcome.ACCEPTED)
    assert lost.failure is not None
    assert (lost.failure.reason, lost.failure.billed) == (FailureReason.SUBMIT_UNKNOWN, Billed.UNKNOWN)
    assert lost.cost is not None
    assert bought.cost is not None
    assert ended.cost.micros == lost.cost.micros + bought.cost.micros == await workshop.vendor_bill()
    assert ended.cost_unknown
    assert await workshop.booked("ADJUST") == view.held.micros
    assert len(await workshop.vendor_jobs()) == 2
    assert (await workshop.verdict()).faults == ()


async def test_two_resubmits_at_once_buy_once(opened: Opened) -> None:
    workshop = await opened()
    view = await _parked(workshop, "buy me again", "timeout")
    clip_id = view.clips[0].clip.id
    await asyncio.gather(*(workshop.jobs.resolve(clip_id, "acme", RESUBMIT) for _ in range(5)), return_exceptions=True)
    ended = await workshop.until(view.job.id, lambda seen: seen.job.state.terminal)
    assert len(ended.clips[0].attempts) == 2
    assert len(await workshop.vendor_jobs()) == 1
    assert await workshop.booked("ADJUST") == view.held.micros
    assert (await workshop.verdict()).faults == ()


async def test_an_abandoned_clip_fails_with_its_quote_booked(opened: Opened) -> None:
    workshop = await opened()
    view = await _parked(workshop, "give me up")
    ended = await _resolved(workshop, view, ABANDON)
    _is_given_up(ended)
    assert len(await workshop.vendor_ledger()) == 1
    assert (await workshop.verdict()).faults == ()


def _is_given_up(view: JobView) -> None:
    assert view.job.state is JobState.FAILED
    failure = view.job.failure
    assert failure is not None
    assert (failure.reason, failure.billed) == (FailureReason.SUBMIT_UNKNOWN, Billed.UNKNOWN)
    assert view.cost.micros == view.clips[0].attempts[0].quote_micros > 0
    assert view.cost_unknown
    assert view.held.micros == 0


async def test_a_parked_clip_whose_time_is_over_fails_likewise(opened: Opened) -> None:
    workshop = await opened()
    view = await _parked(workshop, "forget me")
    workshop.pass_time(86_400 - 60)
    await workshop.ended(await workshop.order(GEN45, prompt="meanwhile", duration=2.0))
    assert (await workshop.jobs.view(view.job.id, "acme")).job.state is JobState.NEEDS_RESOLUTION
    workshop.pass_time(120)
    _is_given_up(await workshop.until(view.job.id, lambda seen: seen.job.state.terminal))
    assert (await workshop.verdict()).faults == ()


@pytest.mark.parametrize("verdict", [ABANDON, RESUBMIT], ids=["abandoned", "resubmitted"])
async def test_late_news_corrects_the_books(opened: Opened, monkeypatch: pytest.MonkeyPatch, verdict: Verdict) -> None:
    monkeypatch.setattr("providers.replicate.ReplicateProvider.can_search", False)
    workshop = await opened(webhooks=True, speed=1.0, allow_prompt_faults=True)
    prompt = "[[fault:fail-E005*1]] [[fault:lost-reply*1]] late news"
    await workshop.script("replicate", "webhook-never", match="webhook", contains="late news start")
    view = await workshop.ended(await workshop.order("replicate/minimax-video-01", prompt=prompt))
    assert view.job.state is JobState.NEEDS_RESOLUTION
    await workshop.jobs.resolve(view.clips[0].clip.id, "acme", verdict)
    before = await workshop.until(view.job.id, lambda seen: seen.job.state.terminal or len(seen.clips[0].attempts) == 2)
    assert before.clips[0].attempts[0].cost_micros == 500_000
    await workshop.control("advance", {"seconds": 400})
    ended = await workshop.until(view.job.id, lambda seen: seen.job.state.terminal)

    async def corrected() -> JobView | None:
        seen = await workshop.jobs.view(ended.job.id, "acme")
        return seen if seen.clips[0].attempts[0].cost_micros == 0 else None

    seen = await workshop.eventually(corrected)
    assert seen.cost.micros == await workshop.vendor_bill()
    assert seen.job.state is ended.job.state
    assert not seen.cost_unknown
    assert seen.clips[0].attempts[0].vendor_task_id
    assert (await workshop.verdict()).faults == ()
    assert (await workshop.events(view.job.id))[-1].kind is EventKind.ENDED


async def test_a_parked_clip_that_is_cancelled_waits_for_its_verdict_and_is_then_stopped(opened: Opened) -> None:
    workshop = await opened(speed=20.0)
    view = await _parked(workshop, "cancel me")
    cancelled = await workshop.jobs.cancel(view.job.id, "acme")
    assert cancelled.job.cancel_requested
    assert cancelled.job.state is JobState.NEEDS_RESOLUTION
    [theirs] = await workshop.vendor_jobs()
    ended = await _resolved(workshop, view, _adopt(theirs["id"]))
    assert ended.job.state is JobState.CANCELLED
    assert len(await workshop.vendor_jobs()) == 1
    assert (await workshop.verdict()).faults == ()
