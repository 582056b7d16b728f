"""How often vendors are asked: budgets that all callers share, and run times learned from our own history."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from jobs import tables
from jobs.buckets import Local, Rate, Shared
from jobs.endpoints import Vendors
from jobs.events import ProgressStage
from jobs.orders import JobView
from jobs.pace import Budget, History, past_runs
from jobs.records import AttemptOutcome, JobState
from providers.catalogue import ADAPTERS
from providers.runway import RunwayProvider
from server.vendors import mock_endpoints

if TYPE_CHECKING:
    from tests.life.conftest import Workshop

Opened = Callable[..., "Awaitable[Workshop]"]
GEN45 = "runway/gen4.5"


def _budget(per_second: float, burst: int) -> Budget:
    return Budget(Local(), Rate(per_second=per_second, burst=burst))


async def test_a_seconds_worth_may_come_at_once_and_the_rest_waits_its_turn() -> None:
    budget = _budget(50.0, 50)
    start = time.monotonic()
    await asyncio.gather(*(budget.turn() for _ in range(50)))
    assert time.monotonic() - start < 0.5
    await asyncio.gather(*(budget.turn() for _ in range(25)))
    assert 0.4 <= time.monotonic() - start < 1.5


async def test_owners_take_turns_however_many_wait() -> None:
    budget, served = _budget(200.0, 1), list[str]()

    async def wait(owner: str) -> None:
        await budget.turn(owner)
        served.append(owner)

    await budget.turn()
    loud = [asyncio.create_task(wait("loud")) for _ in range(20)]
    await asyncio.sleep(0)
    quiet = [asyncio.create_task(wait("quiet")) for _ in range(3)]
    await asyncio.gather(*loud, *quiet)
    assert served[:7].count("quiet") == 3
    assert len(served) == 23


async def test_whoever_leaves_the_line_hands_it_over() -> None:
    budget = _budget(100.0, 1)
    await budget.turn()
    waiting = [asyncio.create_task(budget.turn(f"owner-{number % 3}")) for number in range(12)]
    await asyncio.sleep(0)
    for number in (0, 1, 5, 11):  # the first, who asks for all; who would be next; two others
        waiting[number].cancel()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert sum(isinstance(answer, asyncio.CancelledError) for answer in answers) == 4
    assert budget._line == {}
    await budget.turn()
    assert not budget._served


async def test_a_line_outlives_a_source_that_fails() -> None:
    class Broken(Local):
        def at_hand(self, rate: Rate, count: int = 1) -> bool:
            return False

        async def take(self, rate: Rate, count: int = 1) -> float:
            if not (failed := self._full):
                self._full = 1
                raise OSError("the database is away")
            return float(failed - 1)

    await asyncio.wait_for(Budget(Broken(), Rate(per_second=1.0, burst=1)).turn(), 20)


async def _throttled(workshop: "Workshop", job_id: str) -> JobView:
    return await workshop.until(job_id, lambda view: view.job.stage == str(ProgressStage.VENDOR_THROTTLED))


@pytest.fixture
def real(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> Opened:
    """As `opened`, but the emulators are reached as if they were the vendors, whose budgets are in the database."""
    monkeypatch.setattr("jobs.wait.next_poll", lambda *_: 0.1)  # only how often it looks

    async def start(**options: Any) -> "Workshop":
        workshop = await opened(webhooks=True, **options)
        context = workshop.jobs.context
        mocks = [each for adapter in ADAPTERS.values() for each in mock_endpoints(adapter, workshop.emulator_url)]
        live = [replace(each, name=each.name.removeprefix("mock:"), credential=each.provider) for each in mocks]
        context.vendors = Vendors(ADAPTERS.values(), live, {})
        context.public_url = context.loopback_url
        return workshop

    return start


async def test_submits_wait_for_the_vendors_budget_and_say_so(real: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunwayProvider, "submits_per_second", 0.5)
    workshop = await real()
    first, second = [await workshop.order(GEN45, duration=2.0) for _ in range(2)]
    waiting = await _throttled(workshop, second)
    assert waiting.clips[0].attempts == []
    done, late = await workshop.all_ended([first, second])
    assert (done.job.state, late.job.state) == (JobState.SUCCEEDED, JobState.SUCCEEDED)
    apart = late.clips[0].attempts[0].intend_time - done.clips[0].attempts[0].intend_time
    assert apart >= timedelta(seconds=1.9)


def _submitted(view: JobView) -> datetime:
    moment = view.clips[0].attempts[-1].submit_time
    assert moment is not None
    return moment


async def test_a_clip_that_waits_for_the_budget_can_be_cancelled(real: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunwayProvider, "submits_per_second", 0.001)
    workshop = await real()
    await workshop.ended(await workshop.order(GEN45, duration=2.0))
    job_id = await workshop.order(GEN45, duration=2.0)
    await _throttled(workshop, job_id)
    await workshop.jobs.cancel(job_id, "acme")
    view = await workshop.ended(job_id)
    assert view.job.state is JobState.CANCELLED
    assert view.clips[0].attempts == []
    assert len(await workshop.vendor_jobs()) == 1


async def test_a_wait_that_the_vendor_names_holds_for_every_clip_and_every_replica(real: Opened) -> None:
    workshop = await real()
    await workshop.script("runway", "rate-limit-seconds", options={"seconds": 2})
    job_id = await workshop.order(GEN45, duration=2.0)
    await workshop.until(job_id, lambda view: len(view.clips[0].attempts) == 1)
    now = workshop.jobs.context.now
    other = Shared(workshop.database, "vendor:runway/submits", now, time.monotonic)

    async def emptied() -> float | None:
        return (await other.take(Rate(per_second=5.0, burst=5))) or None

    assert 0 < await workshop.eventually(emptied) <= 2.5
    view = await workshop.ended(job_id)
    assert view.job.state is JobState.SUCCEEDED
    first, second = view.clips[0].attempts
    assert first.submit_time is not None
    assert _submitted(view) - first.submit_time >= timedelta(seconds=1.9)
    assert second.outcome is AttemptOutcome.ACCEPTED


async def test_only_those_who_share_a_database_write_down_what_they_ask(real: Opened) -> None:
    workshop = await real()
    view = await workshop.ended(await workshop.order(GEN45, duration=2.0))
    assert view.job.state is JobState.SUCCEEDED
    query = sa.select(tables.buckets.c.name)
    names = await workshop.database.read(lambda connection: set(connection.execute(query).scalars()))
    shared = {"vendor:runway"} if workshop.database.shared else set()
    assert names == {"vendor:runway/submits"} | shared


def test_our_own_history_counts_once_there_is_enough_of_it() -> None:
    history = History()
    for seconds in (10, 20, 30, 40):
        history.add("runway", "runway/gen4.5", seconds)
    assert history.typical("runway", "runway/gen4.5", (75, 180)) == (75, 180)
    history.add("runway", "runway/gen4.5", 50)
    assert history.typical("runway", "runway/gen4.5", (75, 180)) == (30, 46)
    assert history.typical("mock:runway", "runway/gen4.5", (75, 180)) == (75, 180)
    for _ in range(1000):
        history.add("runway", "runway/gen4.5", 7)
    assert history.typical("runway", "runway/gen4.5", (75, 180)) == (7, 7)


async def test_a_new_process_knows_what_the_old_one_learned(opened: Opened) -> None:
    workshop = await opened()
    view = await workshop.ended(await workshop.order("runway/gen4.5", duration=2.0, variations=5))
    await workshop.script("runway", "fail-ASSET.INVALID")
    await workshop.ended(await workshop.order("runway/gen4.5", duration=2.0))
    runs = await workshop.database.read(past_runs)
    assert len(runs) == len(view.clips) == 5
    assert {(endpoint, model) for endpoint, model, _ in runs} == {("mock:runway", "runway/gen4.5")}
    assert all(0 < seconds < 30 for _, _, seconds in runs)
    await workshop.close()
    await workshop.open()
    assert workshop.jobs.context.history.typical("mock:runway", "runway/gen4.5", (75, 180)) != (75, 180)


async def test_clips_that_start_together_are_shared_out_among_the_credentials(real: Opened) -> None:
    workshop = await real(tenant_clips=9)
    context = workshop.jobs.context
    runway = next(each for each in mock_endpoints(ADAPTERS["runway"], workshop.emulator_url))
    keys = [replace(runway, name=f"runway#{number}", credential=f"key {number}") for number in range(3)]
    context.vendors = Vendors(ADAPTERS.values(), keys, {})
    view = await workshop.ended(await workshop.order(GEN45, variations=4, duration=2.0))
    assert view.job.state is JobState.SUCCEEDED
    used = Counter(clip.attempts[0].endpoint for clip in view.clips)
    assert sorted(used.values()) == [1, 1, 2]
