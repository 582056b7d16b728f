"""Refused submits: how often they are tried again, after which pause, and when another model takes over."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

import pytest

from core.errors import Billed, FailureReason
from jobs.orders import JobView
from jobs.records import AttemptOutcome, JobState
from providers.base import REFUSED_STATUSES

if TYPE_CHECKING:
    from tests.life.conftest import Workshop

Opened = Callable[..., "Awaitable[Workshop]"]
GEN45 = "runway/gen4.5"
KLING = "replicate/kling-v2.5-turbo-pro"
VIDEO_01 = "replicate/minimax-video-01"
MODELS: Mapping[str, str] = {"runway": GEN45, "replicate": VIDEO_01}
REFUSED = AttemptOutcome.REFUSED
ALWAYS = 1000


def _reasons(view: JobView) -> list[FailureReason | None]:
    failures = [attempt.failure for attempt in view.clips[0].attempts]
    return [None if failure is None else failure.reason for failure in failures]


async def _ended_unpaid(workshop: "Workshop", views: list[JobView]) -> None:
    """All failed, nothing was billed, every hold was given back, nobody bought anything."""
    for view in views:
        assert view.job.state is JobState.FAILED
        assert view.job.failure is not None
        assert view.job.failure.billed is Billed.NO
        assert {attempt.outcome for attempt in view.clips[0].attempts} == {REFUSED}
        assert (view.cost.micros, view.held.micros, view.cost_unknown) == (0, 0, False)
    assert await workshop.vendor_jobs() == []
    assert await workshop.booked("HOLD") == await workshop.booked("RELEASE")
    assert (await workshop.verdict()).faults == ()


@pytest.mark.parametrize("vendor", ["runway", "replicate"])
async def test_every_status_that_means_not_accepted(opened: Opened, vendor: str) -> None:
    workshop = await opened()
    statuses = [status for status in REFUSED_STATUSES if status != 429]
    ids = []
    for status in statuses:
        prompt = f"refused with {status} always"
        await workshop.script(vendor, f"http-{status}", contains=prompt, times=ALWAYS)
        ids.append(await workshop.order(MODELS[vendor], prompt=prompt))
    for prompt, fault in (("no money", "no-credit"), ("too fast", "rate-limit-bare")):
        await workshop.script(vendor, fault, contains=prompt, times=ALWAYS)
        ids.append(await workshop.order(MODELS[vendor], prompt=prompt))
    views = await workshop.all_ended(ids)
    expected = [[REFUSED_STATUSES[status]] for status in statuses]
    expected += [[FailureReason.VENDOR_CREDIT], [FailureReason.RATE_LIMITED] * 3]
    assert [_reasons(view) for view in views] == expected
    assert len(await workshop.vendor_ledger()) == len(statuses) + 4
    await _ended_unpaid(workshop, views)


async def test_an_unreachable_vendor_is_tried_three_times_and_never_ambiguous(opened: Opened) -> None:
    workshop = await opened(policy={"retry_base": 0.2, "retry_longest": 10.0})
    await workshop.emulators.stop()
    ids = [await workshop.order(model) for model in (GEN45, VIDEO_01)]
    for view in await workshop.all_ended(ids):
        assert _reasons(view) == [FailureReason.VENDOR_UNAVAILABLE] * 3
        assert {attempt.outcome for attempt in view.clips[0].attempts} == {REFUSED}
        first, second, third = (attempt.intend_time for attempt in view.clips[0].attempts)
        assert (second - first).total_seconds() >= 0.15
        assert (third - second).total_seconds() >= 0.3
        assert (view.cost.micros, view.held.micros) == (0, 0)
    assert (await workshop.verdict()).faults == ()


async def test_a_wait_that_a_429_names_is_waited_out_and_is_no_attempt(opened: Opened) -> None:
    workshop = await opened(policy={"retry_longest": 0.1})
    waits = {"seconds": 0.4, "date": 2.0, "body": 0.4, "prose": 0.4}
    cases = [(vendor, form) for vendor in MODELS for form in waits if (vendor, form) != ("runway", "prose")]
    ids = []
    for vendor, form in cases:
        prompt = f"slow down, says {form}"
        options = {"seconds": waits[form]}
        strikes = 1 if form == "date" else 3
        await workshop.script(vendor, f"rate-limit-{form}", contains=prompt, times=strikes, options=options)
        ids.append(await workshop.order(MODELS[vendor], prompt=prompt))
    views = await workshop.all_ended(ids)
    for view, (_, form) in zip(views, cases, strict=True):
        attempts = view.clips[0].attempts
        refused = [REFUSED] * (1 if form == "date" else 3)
        assert [attempt.outcome for attempt in attempts] == [*refused, AttemptOutcome.ACCEPTED]
        times = [attempt.intend_time for attempt in attempts]
        pauses = [(after - before).total_seconds() for before, after in itertools.pairwise(times)]
        assert min(pauses) >= (0.9 if form == "date" else waits[form])  # a date has whole seconds
        assert view.job.state is JobState.SUCCEEDED
    assert len(await workshop.vendor_jobs()) == len(ids)
    assert await workshop.booked("SETTLE") == await workshop.vendor_bill()


async def test_waiting_for_a_rate_limit_ends_with_the_models_deadline(opened: Opened) -> None:
    workshop = await opened()
    options = {"seconds": 3000}
    await workshop.script("runway", "rate-limit-seconds", times=ALWAYS, options=options)
    view = await workshop.ended(await workshop.order(GEN45, prompt="an hour's wait for a quarter's deadline"))
    assert _reasons(view) == [FailureReason.RATE_LIMITED]
    await _ended_unpaid(workshop, [view])


async def test_a_wait_of_nothing_still_pauses(opened: Opened) -> None:
    workshop = await opened(policy={"retry_base": 0.3})
    await workshop.script("runway", "rate-limit-seconds", times=2, options={"seconds": 0})
    view = await workshop.ended(await workshop.order(GEN45, duration=2.0))
    first, second, third = (attempt.intend_time for attempt in view.clips[0].attempts)
    assert min((second - first).total_seconds(), (third - second).total_seconds()) >= 0.1


async def test_a_fallback_takes_over_after_a_refusal_and_says_so(opened: Opened) -> None:
    workshop = await opened()
    await workshop.script("runway", "no-credit", contains="fall back at once")
    await workshop.script("runway", "rate-limit-bare", contains="fall back in the end", times=3)
    await workshop.script("runway", "fail-INTERNAL", contains="fall back after failing", times=3)
    ids = [
        await workshop.order(GEN45, prompt=prompt, duration=5.0, fallbacks=[VIDEO_01, KLING])
        for prompt in ("fall back at once", "fall back in the end", "fall back after failing")
    ]
    views = await workshop.all_ended(ids)
    tried = [[attempt.model for attempt in view.clips[0].attempts] for view in views]
    assert tried == [[GEN45, KLING], [GEN45] * 3 + [KLING], [GEN45] * 3 + [KLING]]
    for view in views:
        assert view.job.state is JobState.SUCCEEDED
        assert any(notice["code"] == "FALLBACK_SKIPPED" for notice in view.job.notices)
        [notice] = [notice for notice in view.clips[0].clip.notices if notice["code"] == "FALLBACK_USED"]
        assert (notice["field"], notice["before"], notice["after"]) == ("model", GEN45, KLING)
        assert "0.35 XTS" in notice["message"]
        assert "0.60 XTS" in notice["message"]
        assert view.clips[0].clip.model == KLING
        assert view.videos[0].provenance["model"] == KLING
        assert view.job.quote["held_max"] == 600_000
    assert await workshop.booked("SETTLE") == await workshop.vendor_bill()
    assert (await workshop.verdict()).faults == ()


async def test_no_fallback_after_what_may_have_been_bought_or_was_billed(opened: Opened) -> None:
    workshop = await opened()
    await workshop.script("runway", "lost-reply", contains="lost")
    await workshop.script("runway", "fail-SAFETY.INPUT.TEXT", contains="billed")
    ids = [await workshop.order(GEN45, prompt=prompt, duration=5.0, fallbacks=[KLING]) for prompt in ("lost", "billed")]
    lost, billed = await workshop.all_ended(ids)
    assert lost.job.state is JobState.NEEDS_RESOLUTION
    assert billed.job.state is JobState.FAILED
    assert {attempt.model for view in (lost, billed) for attempt in view.clips[0].attempts} == {GEN45}
    assert {post["vendor"] for post in await workshop.vendor_ledger()} == {"runway"}


async def test_the_last_fallbacks_failure_is_the_clips(opened: Opened) -> None:
    workshop = await opened()
    await workshop.script("runway", "http-403", times=ALWAYS)
    await workshop.script("replicate", "http-410", times=ALWAYS)
    views = await asyncio.gather(
        *[workshop.ended(await workshop.order(GEN45, duration=5.0, fallbacks=[KLING])) for _ in range(2)]
    )
    for view in views:
        assert _reasons(view) == [FailureReason.VENDOR_AUTH, FailureReason.VENDOR_RETIRED]
        assert view.job.failure is not None
        assert view.job.failure.reason is FailureReason.VENDOR_RETIRED
    await _ended_unpaid(workshop, list(views))
