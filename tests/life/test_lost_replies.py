"""Lost replies: whatever breaks after the POST, the vendor has one job, and nothing is bought a second time."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

from core.spec import MediaInput
from jobs.events import EventKind
from jobs.orders import JobView
from jobs.records import AttemptOutcome, ClipState, JobState

if TYPE_CHECKING:
    from tests.life.conftest import Workshop

Opened = Callable[..., "Awaitable[Workshop]"]

AFTER_ACCEPT = (
    "lost-reply",
    "timeout-after-accept",
    "reset-after-accept",
    "reset-in-body",
    "malformed-json",
    "no-id",
    "wrong-shape",
    *(f"http-{status}-after-accept" for status in (408, 409, 425, 500, 502, 503, 504)),
    *(f"html-{status}-after-accept" for status in (200, 502, 503)),
    "redirect-302",
    "redirect-307",
)
NOT_ACCEPTED = ("timeout", "reset", "http-408", "http-500", "http-503", "html-200", "html-502", "redirect-307")
SVD = "replicate/stable-video-diffusion"


def _frame(mark: str) -> MediaInput:
    return MediaInput(uri=f"https://example.com/{mark}.png", mime_type="image/png")


async def _lose(workshop: "Workshop", vendor: str, faults: tuple[str, ...], *, accept: bool) -> list[str]:
    """One job per fault, struck at its first submit; the ids."""
    ids = []
    for fault in faults:
        if vendor == "runway":
            await workshop.script(vendor, fault, contains=f"lost by {fault} alone", options={"accept": accept})
            ids.append(await workshop.order("runway/gen4.5", prompt=f"lost by {fault} alone", duration=2.0))
        else:
            await workshop.script(vendor, fault, contains=f"/{fault}.png", options={"accept": accept})
            ids.append(await workshop.order(SVD, first_frame=_frame(fault)))
    return ids


def _attempts(views: list[JobView]) -> list[list[AttemptOutcome]]:
    return [[attempt.outcome for attempt in view.clips[0].attempts] for view in views]


async def _bought_once(workshop: "Workshop", views: list[JobView]) -> None:
    """The witness has exactly one job per order, each adopted by the order's only attempt, and the bills agree."""
    assert _attempts(views) == [[AttemptOutcome.ACCEPTED]] * len(views)
    assert {view.job.state for view in views} == {JobState.SUCCEEDED}, [view.job.failure for view in views]
    tickets = Counter(view.clips[0].attempts[0].vendor_task_id for view in views)
    assert tickets == Counter(job["id"] for job in await workshop.vendor_jobs())
    assert await workshop.booked("SETTLE") == await workshop.vendor_bill()
    assert (await workshop.verdict()).faults == ()


async def test_replicates_lost_jobs_are_found_in_its_list_by_their_input(opened: Opened) -> None:
    workshop = await opened()
    views = await workshop.all_ended(await _lose(workshop, "replicate", AFTER_ACCEPT, accept=True))
    await _bought_once(workshop, views)
    assert len(views) == len(await workshop.vendor_jobs()) == len(AFTER_ACCEPT)


async def test_replicates_lost_jobs_are_found_in_its_list_by_their_token(opened: Opened) -> None:
    workshop = await opened(webhooks=True)
    await workshop.script("replicate", "webhook-never", match="webhook", times=1000)
    ids = await _lose(workshop, "replicate", ("lost-reply", "timeout-after-accept", "reset-after-accept"), accept=True)
    await _bought_once(workshop, await workshop.all_ended(ids))


async def test_replicates_lost_jobs_are_brought_home_by_their_webhook(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.replicate.ReplicateProvider.can_search", False)
    workshop = await opened(webhooks=True, speed=100.0)
    views = await workshop.all_ended(await _lose(workshop, "replicate", AFTER_ACCEPT, accept=True))
    parked = [view.job.id for view in views if view.job.state is JobState.NEEDS_RESOLUTION]
    for job_id in parked:
        await workshop.until(job_id, lambda view: view.job.state.terminal)
    await _bought_once(workshop, await workshop.all_ended(view.job.id for view in views))


async def test_what_replicate_never_took_is_looked_up_and_bought_anew_once(opened: Opened) -> None:
    workshop = await opened()
    ids = await _lose(workshop, "replicate", NOT_ACCEPTED, accept=False)
    for job_id in ids:
        await workshop.until(job_id, lambda view: view.job.state.terminal)
    views = await workshop.all_ended(ids)
    assert _attempts(views) == [[AttemptOutcome.REFUSED, AttemptOutcome.ACCEPTED]] * len(views)
    assert {view.job.state for view in views} == {JobState.SUCCEEDED}
    assert len(await workshop.vendor_jobs()) == len(NOT_ACCEPTED)
    assert await workshop.booked("SETTLE") == await workshop.vendor_bill()


async def test_twins_that_cannot_be_told_apart_are_never_guessed(opened: Opened) -> None:
    workshop = await opened(policy={"lookup_settle": 0.2})
    await workshop.script("replicate", "timeout-after-accept", times=2)  # both are there before either is looked for
    ids = [await workshop.order(SVD, first_frame=_frame("twin")) for _ in range(2)]
    views = await workshop.all_ended(ids)
    assert [view.job.state for view in views] == [JobState.NEEDS_RESOLUTION] * 2
    assert len(await workshop.vendor_jobs()) == 2
    assert len(await workshop.vendor_ledger()) == 2


async def test_runways_lost_jobs_are_parked_with_their_money(opened: Opened) -> None:
    workshop = await opened()
    views = await workshop.all_ended(await _lose(workshop, "runway", AFTER_ACCEPT, accept=True))
    assert _attempts(views) == [[AttemptOutcome.AMBIGUOUS]] * len(views)
    for view in views:
        assert view.job.state is JobState.NEEDS_RESOLUTION
        assert view.clips[0].clip.state is ClipState.PARKED
        assert view.held.micros == view.job.quote["held_max"] > 0
        assert view.cost.micros == 0
    assert len(await workshop.vendor_jobs()) == len(await workshop.vendor_ledger()) == len(AFTER_ACCEPT)
    assert (await workshop.verdict()).faults == ()
    stalled = await workshop.heard(views[0].job.id, EventKind.STALLED)
    assert (stalled.body["clip_state"], stalled.body["attempt_outcome"]) == ("PARKED", "AMBIGUOUS")
    assert stalled.body["job_state"] == "NEEDS_RESOLUTION"


async def test_a_parked_clip_frees_its_slot(opened: Opened) -> None:
    workshop = await opened(tenant_clips=1)
    await workshop.script("runway", "timeout-after-accept")
    parked = await workshop.order("runway/gen4.5", duration=2.0)
    other = await workshop.ended(await workshop.order("runway/gen4.5", duration=2.0))
    assert other.job.state is JobState.SUCCEEDED
    assert (await workshop.jobs.view(parked, "acme")).job.state is JobState.NEEDS_RESOLUTION
    assert (await workshop.verdict()).faults == ()


async def test_an_answer_that_is_only_late_or_odd_is_not_lost(opened: Opened) -> None:
    workshop = await opened()
    ids = []
    for fault in ("slow-reply", "no-status"):
        await workshop.script("runway", fault, contains=f"meets {fault}", options={"seconds": 0.5})
        ids.append(await workshop.order("runway/gen4.5", prompt=f"meets {fault}", duration=2.0))
    await _bought_once(workshop, await workshop.all_ended(ids))
