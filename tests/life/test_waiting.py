"""Waiting for a vendor: noise is waited out, an unknown word is never success, and a deadline has its grace."""

import math
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from core.errors import Billed, FailureReason
from core.outcome import Pending
from jobs.events import EventKind, ProgressStage
from jobs.orders import JobView
from jobs.pace import LONGEST_POLL, next_poll
from jobs.records import Attempt, JobState, Situation
from jobs.sender import Sender
from jobs.wait import Waiting, _Watch
from providers.catalogue import CATALOGUE

if TYPE_CHECKING:
    from tests.life.conftest import Workshop

Opened = Callable[..., "Awaitable[Workshop]"]
MODELS: Mapping[str, str] = {"runway": "runway/gen4.5", "replicate": "replicate/minimax-video-01"}
NOISE = (
    "unknown-status",
    "no-status",
    "wrong-shape",
    "backwards",
    "malformed-json",
    "html-200",
    "html-502",
    "http-401",
    "http-408",
    "http-409",
    "http-500",
    "http-503",
    "timeout",
    "reset",
    "reset-in-body",
    "rate-limit-seconds",
    "rate-limit-date",
    "redirect-302",
)
ALWAYS = 100_000
STUCK = "stuck-running"


async def test_whatever_a_poll_meets_is_waited_out(opened: Opened) -> None:
    workshop = await opened()
    ids = []
    for fault in NOISE:
        options = {"seconds": 0.3}
        contains = f"meet {fault} there"
        await workshop.script("runway", fault, match="poll", contains=contains, times=3, options=options)
        ids.append(await workshop.order("runway/gen4.5", prompt=f"its polls meet {fault} there", duration=2.0))
    for fault in ("unknown-status", "no-status", "malformed-json", "http-500"):
        await workshop.script("replicate", fault, match="poll", contains=f"meet {fault} there", times=3)
        ids.append(await workshop.order(MODELS["replicate"], prompt=f"its polls meet {fault} there"))
    views = await workshop.all_ended(ids)
    assert [view.job.failure for view in views] == [None] * len(ids)
    assert len(await workshop.vendor_jobs()) == len(ids)
    assert await workshop.booked("SETTLE") == await workshop.vendor_bill()


async def test_a_job_the_vendor_no_longer_knows_is_unknown_not_free(opened: Opened) -> None:
    workshop = await opened()
    ids = []
    for vendor, model in MODELS.items():
        await workshop.script(vendor, "http-404", match="poll", times=1)
        ids.append(await workshop.order(model))
    for view in await workshop.all_ended(ids):
        assert _told(view) == (FailureReason.VENDOR_FAILED, Billed.UNKNOWN)
        assert view.cost.micros == view.clips[0].attempts[0].quote_micros
        assert len(view.clips[0].attempts) == 1
    assert (await workshop.verdict()).faults == ()


def _told(view: JobView) -> tuple[FailureReason, Billed]:
    assert view.job.state is JobState.FAILED
    assert view.job.failure is not None
    assert view.cost_unknown is (view.job.failure.billed is Billed.UNKNOWN)
    return view.job.failure.reason, view.job.failure.billed


async def _running(workshop: "Workshop", fault: str) -> dict[str, str]:
    ids = {}
    for vendor, model in MODELS.items():
        await workshop.script(vendor, fault, options={"factor": 4})
        ids[vendor] = await workshop.order(model)
    for job_id in ids.values():
        await workshop.until(job_id, lambda view: view.clips[0].clip.stage == ProgressStage.VENDOR_RUNNING)
    return ids


async def test_at_its_deadline_a_clip_is_stopped_at_the_vendor(opened: Opened) -> None:
    workshop = await opened()
    ids = await _running(workshop, STUCK)
    deadline = CATALOGUE.rows[MODELS["runway"]].deadline_seconds
    workshop.pass_time(deadline - 30)
    other = await workshop.ended(await workshop.order("runway/gen4.5", prompt="meanwhile", duration=2.0))
    assert other.job.state is JobState.SUCCEEDED
    for job_id in ids.values():
        assert (await workshop.jobs.view(job_id, "acme")).clips[0].clip.stage == ProgressStage.VENDOR_RUNNING
    workshop.pass_time(31)
    runway, replicate = await workshop.all_ended(ids.values())
    assert _told(runway) == (FailureReason.TIMED_OUT, Billed.UNKNOWN)
    assert _told(replicate)[0] is FailureReason.TIMED_OUT
    for view in (runway, replicate):
        stages = [event.body.get("clip_stage") for event in await workshop.events(view.job.id)]
        assert stages.count("OVERDUE") == 1
        assert len(view.clips[0].attempts) == 1
    cancels = [post for post in await workshop.vendor_ledger() if post["job"] == "" and post["method"] == "DELETE"]
    assert len(cancels) == 1
    assert await workshop.booked("SETTLE") == await workshop.vendor_bill()
    assert (await workshop.verdict()).faults == ()


async def test_nothing_is_terminal_before_its_grace_is_over(opened: Opened) -> None:
    workshop = await opened(policy={"overdue_grace": 600.0})
    for vendor in MODELS:
        await workshop.script(vendor, "http-500", match="cancel", times=ALWAYS)
    ids = await _running(workshop, STUCK)
    workshop.pass_time(901)
    for job_id in ids.values():
        await workshop.until(job_id, lambda view: view.clips[0].clip.stage == ProgressStage.OVERDUE)
        await workshop.eventually(lambda: _cancels(workshop, 2))
        assert (await workshop.jobs.view(job_id, "acme")).job.state is JobState.RUNNING
    workshop.pass_time(600)
    for view in await workshop.all_ended(ids.values()):
        assert _told(view) == (FailureReason.TIMED_OUT, Billed.UNKNOWN)
        assert view.cost.micros == view.clips[0].attempts[0].quote_micros
    assert (await workshop.verdict()).faults == ()


async def _cancels(workshop: "Workshop", count: int) -> bool:
    return sum("http-500" in post["fault"] for post in await workshop.vendor_ledger()) >= count


async def test_a_success_within_the_grace_is_kept(opened: Opened) -> None:
    workshop = await opened(policy={"overdue_grace": 600.0}, speed=60.0)
    for vendor in MODELS:
        await workshop.script(vendor, "http-500", match="cancel", times=ALWAYS)
    ids = await _running(workshop, "slow-job")
    workshop.pass_time(901)
    for job_id in ids.values():
        await workshop.heard(job_id, EventKind.PROGRESS)
        await workshop.until(job_id, lambda view: view.clips[0].clip.stage == ProgressStage.OVERDUE)
    await workshop.control("speed", {"speed": 1000})
    for view in await workshop.all_ended(ids.values()):
        assert view.job.state is JobState.SUCCEEDED
        assert len(view.videos) == 1
    assert await workshop.booked("SETTLE") == await workshop.vendor_bill()
    assert (await workshop.verdict()).faults == ()


@pytest.mark.parametrize(
    ("elapsed", "low", "high"),
    [(0, 29.9, 36.1), (59, 5, 6.1), (80, 5, 6.1), (300, 12, 14.5), (100_000, 12, 30.1 * 1.2)],
)
def test_polls_are_dense_around_the_usual_run_time(elapsed: float, low: float, high: float) -> None:
    for _ in range(100):
        assert low <= next_poll(elapsed, (60, 90), 5.0) <= high


def test_polls_are_few_and_hear_of_an_end_soon() -> None:
    """Run times vary by a third; asking every 6 s, as a vendor's SDK does, takes 40 polls for a run of 240 s."""
    dice, asked, late = random.Random(1), 0, []
    for _ in range(500):
        end, now = dice.lognormvariate(math.log(240), 0.3), 0.0
        while now < end:
            now += next_poll(now, (240, 400), 5.0)
            asked += 1
        late.append((now - end) / end)
    assert asked / 500 < 20
    assert sorted(late)[475] < 0.05


def test_polls_are_never_faster_than_the_vendors_advice_nor_slower_than_half_a_minute() -> None:
    for elapsed in range(0, 2000, 7):
        for typical in ((1, 2), (30, 60), (120, 240)):
            assert 3.0 <= next_poll(float(elapsed), typical, 3.0) <= 36.0


async def _at_work(workshop: "Workshop", vendor: str) -> tuple[Situation, Attempt]:
    """A clip that its vendor works on and never finishes, and its attempt."""
    await workshop.script(vendor, STUCK)
    job_id = await workshop.order(MODELS[vendor])
    view = await workshop.until(job_id, lambda view: view.clips[0].clip.stage == ProgressStage.VENDOR_RUNNING)
    found = await workshop.jobs.context.situations(view.clips[0].clip.id)
    assert found.last is not None
    return found, found.last


async def test_where_webhooks_arrive_polls_are_a_safety_net(opened: Opened) -> None:
    workshop = await opened()
    context = workshop.jobs.context
    found, last = await _at_work(workshop, "replicate")
    now = context.now()
    live = replace(last, endpoint="replicate", submit_time=now - timedelta(seconds=600))
    called, polled = (_Watch(found, replace(live, called_back=yes), live.stage) for yes in (True, False))
    step = Waiting(context, Sender(context))
    usual = context.row(live).typical_seconds[0]
    assert usual * 0.6 < 600
    context.history.heard("replicate", rang=True)
    assert step._delay(called, Pending()) == LONGEST_POLL > step._delay(polled, Pending())
    context.history.heard("replicate", rang=False)
    assert step._delay(called, Pending()) < LONGEST_POLL
    await workshop.jobs.cancel(found.job.id, "acme")


async def test_however_long_a_vendor_wants_quiet_a_clip_is_looked_at_when_its_time_is_over(opened: Opened) -> None:
    workshop = await opened()
    context = workshop.jobs.context
    found, last = await _at_work(workshop, "runway")
    step, quiet = Waiting(context, Sender(context)), Pending(retry_after=3600.0)
    for left, most in ((7200.0, 3600.0), (100.0, 100.0), (-5.0, LONGEST_POLL)):
        attempt = replace(last, deadline=context.now() + timedelta(seconds=left))
        assert most - 1 < step._delay(_Watch(found, attempt, attempt.stage), quiet) <= most
    await workshop.jobs.cancel(found.job.id, "acme")


async def test_what_a_dead_process_waited_for_is_looked_at_one_after_the_other(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop = await opened()
    context = workshop.jobs.context
    found, last = await _at_work(workshop, "runway")
    step = Waiting(context, Sender(context))
    known, new = (_Watch(found, replace(last, stage=stage), stage) for stage in (last.stage, ""))
    with monkeypatch.context() as still:
        still.setattr(context, "monotonic", lambda: 1000.0)
        assert [step._first_delay(known) for _ in range(500)] == pytest.approx([0.02 * turn for turn in range(500)])
        still.setattr(context, "monotonic", lambda: 1005.0)
        assert step._first_delay(known) == pytest.approx(5.0)
    assert step._first_delay(new) == 0
    known.found = replace(found, job=replace(found.job, cancel_requested=True))
    assert step._first_delay(known) == 0
    await workshop.jobs.cancel(found.job.id, "acme")
