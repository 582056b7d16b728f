"""Every failure both vendors know: why, where it struck, whether it costs, and the books equal to the vendor's bill."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from core.errors import Billed, Failure, FailureReason, PolicyStage
from core.spec import MediaInput
from emulators.vendors.replicate_errors import FAILURES as REPLICATE_FAILURES
from emulators.vendors.runway import FAILURES as RUNWAY_FAILURES
from jobs.orders import JobView
from jobs.records import JobState

if TYPE_CHECKING:
    from tests.life.conftest import Workshop

Opened = Callable[..., "Awaitable[Workshop]"]
Expected = tuple[FailureReason, PolicyStage | None, Billed, int]
"""Reason, stage, billed, attempts."""

_POLICY, _FAILED, _INPUT = FailureReason.CONTENT_POLICY, FailureReason.VENDOR_FAILED, FailureReason.INVALID_INPUT
RUNWAY: Mapping[str, Expected] = {
    "SAFETY.INPUT.TEXT": (_POLICY, PolicyStage.PROMPT, Billed.YES, 1),
    "SAFETY.INPUT.IMAGE": (_POLICY, PolicyStage.INPUT, Billed.YES, 1),
    "SAFETY.INPUT.VIDEO": (_POLICY, PolicyStage.INPUT, Billed.YES, 1),
    "SAFETY.OUTPUT.VIDEO": (_POLICY, PolicyStage.OUTPUT, Billed.NO, 1),
    "INPUT_PREPROCESSING.SAFETY.TEXT": (_POLICY, PolicyStage.PROMPT, Billed.NO, 1),
    "INPUT_PREPROCESSING.INTERNAL": (_FAILED, None, Billed.NO, 3),
    "INTERNAL.BAD_OUTPUT.CODE01": (_FAILED, None, Billed.NO, 3),
    "INTERNAL": (_FAILED, None, Billed.NO, 3),
    "ASSET.INVALID": (_INPUT, None, Billed.NO, 1),
    "THIRD_PARTY.UNAVAILABLE": (FailureReason.VENDOR_UNAVAILABLE, None, Billed.NO, 3),
    "NULL": (_FAILED, None, Billed.NO, 3),
}
OFFICIAL: Mapping[str, Expected] = {
    "E005": (_POLICY, None, Billed.NO, 1),
    "E8765": (_FAILED, None, Billed.NO, 3),
    "QUEUE": (_FAILED, None, Billed.NO, 3),
    "TIMEOUT": (_FAILED, None, Billed.NO, 3),
    "UNAVAILABLE": (_FAILED, None, Billed.NO, 3),
    "OOM": (_FAILED, None, Billed.NO, 3),
    "ERROR": (_FAILED, None, Billed.NO, 1),
}
"""Official models do not charge for failures."""
COMMUNITY: Mapping[str, Expected] = {
    code: (reason, stage, Billed.UNKNOWN, 1) for code, (reason, stage, _, _) in OFFICIAL.items()
}
"""Time on a machine is booked, and never spent a second time by itself."""
ALWAYS = 1000


async def test_every_failure_code_of_runway(opened: Opened) -> None:
    assert set(RUNWAY) == set(RUNWAY_FAILURES)
    workshop = await opened()
    ids = {}
    for code in RUNWAY:
        await workshop.script("runway", f"fail-{code}", contains=f"fails with {code} always", times=ALWAYS)
        ids[code] = await workshop.order("runway/gen4.5", prompt=f"fails with {code} always", duration=2.0)
    await _are_as_expected(workshop, ids, RUNWAY)


async def test_every_failure_of_replicates_official_models(opened: Opened) -> None:
    assert set(OFFICIAL) == set(REPLICATE_FAILURES)
    workshop = await opened()
    ids = {}
    for code in OFFICIAL:
        await workshop.script("replicate", f"fail-{code}", contains=f"fails with {code} always", times=ALWAYS)
        ids[code] = await workshop.order("replicate/minimax-video-01", prompt=f"fails with {code} always")
    await _are_as_expected(workshop, ids, OFFICIAL)


async def test_every_failure_of_replicates_community_models(opened: Opened) -> None:
    workshop = await opened()
    ids = {}
    for code in COMMUNITY:
        await workshop.script("replicate", f"fail-{code}", contains=f"/{code}.png", times=ALWAYS)
        frame = MediaInput(uri=f"https://example.com/{code}.png", mime_type="image/png")
        ids[code] = await workshop.order("replicate/stable-video-diffusion", first_frame=frame)
    await _are_as_expected(workshop, ids, COMMUNITY)
    assert await workshop.vendor_bill() > 0


async def _are_as_expected(workshop: "Workshop", ids: Mapping[str, str], expected: Mapping[str, Expected]) -> None:
    views = await workshop.all_ended(ids.values())
    assert {code: _seen(view) for code, view in zip(ids, views, strict=True)} == expected
    by_ticket = {job["id"]: job["billed_micros"] for job in await workshop.vendor_jobs()}
    attempts = [attempt for view in views for attempt in view.clips[0].attempts]
    assert {attempt.vendor_task_id: attempt.cost_micros for attempt in attempts} == by_ticket
    assert await workshop.booked("SETTLE") == await workshop.vendor_bill()
    assert all(view.held.micros == 0 for view in views)
    assert (await workshop.verdict()).faults == ()


def _seen(view: JobView) -> Expected:
    assert view.job.state is JobState.FAILED
    failure = view.job.failure
    assert isinstance(failure, Failure)
    assert view.cost_unknown is (failure.billed is Billed.UNKNOWN)
    return failure.reason, failure.stage, failure.billed, len(view.clips[0].attempts)


async def test_a_failure_that_passes_is_tried_again_and_paid_once(opened: Opened) -> None:
    workshop = await opened()
    await workshop.script("runway", "fail-INTERNAL", times=2)
    view = await workshop.ended(await workshop.order("runway/gen4.5", duration=2.0))
    assert view.job.state is JobState.SUCCEEDED
    assert [attempt.cost_micros for attempt in view.clips[0].attempts] == [0, 0, 240_000]
    assert len({attempt.callback_token for attempt in view.clips[0].attempts}) == 3
    assert view.cost.micros == await workshop.vendor_bill() == 240_000
    assert view.job.failure is None
    assert (await workshop.verdict()).faults == ()
