"""Accepting: once per request id, numbered without a double, nothing of a refused request remains."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from core.errors import Conflict, Precondition, Reason, Unavailable
from core.money import Money
from core.spec import Wish
from jobs import tables
from jobs.events import EventKind
from jobs.orders import Order, Plan
from ledger.tables import entries

if TYPE_CHECKING:
    from tests.life.conftest import Workshop

Opened = Callable[..., "Awaitable[Workshop]"]
ORDER = Order(tenant="acme", creative_id="spring", model="runway/gen4.5", wish=Wish(prompt="a cat", duration=2.0))


def _plan(workshop: "Workshop", **changes: Any) -> Plan:
    return workshop.jobs.plan(replace(ORDER, **changes))


async def _accept(workshop: "Workshop", plan: Plan, request_id: str = "", hashed: str = "h") -> list[str]:
    return await _accept_all(workshop, [plan], "GenerateVideo", request_id, hashed)


async def _accept_all(
    workshop: "Workshop", plans: list[Plan], rpc: str, request_id: str, hashed: str = "h"
) -> list[str]:
    views = await workshop.jobs.accept(plans, rpc=rpc, request_id=request_id, request_hash=hashed)
    return [view.job.id for view in views]


async def _count(workshop: "Workshop", table: sa.Table) -> int:
    query = sa.select(sa.func.count()).select_from(table)
    return int(await workshop.database.read(lambda connection: connection.execute(query).scalar_one()))


async def test_a_hundred_repeats_are_one_job(opened: Opened) -> None:
    workshop = await opened()
    answers = await asyncio.gather(*(_accept(workshop, _plan(workshop, variations=2), "same") for _ in range(100)))
    assert len({name for names in answers for name in names}) == 1
    assert {len(names) for names in answers} == {1}
    assert await workshop.jobs.repeated("acme", "GenerateVideo", "same", "h") == answers[0]
    with pytest.raises(Conflict):
        await _accept(workshop, _plan(workshop), "same", "another hash")
    with pytest.raises(Conflict):
        await workshop.jobs.repeated("acme", "GenerateVideo", "same", "another hash")
    others = [
        await _accept(workshop, _plan(workshop, tenant="rival"), "same", "another hash"),
        await _accept_all(workshop, [_plan(workshop)], "Batch", "same", "x"),
    ]
    assert len({answers[0][0], *(names[0] for names in others)}) == 3
    assert await workshop.jobs.repeated("acme", "GenerateVideo", "", "h") is None
    assert (await _count(workshop, tables.jobs), await _count(workshop, tables.clips)) == (3, 4)
    views = await workshop.all_ended([answers[0][0], others[1][0]])
    assert sorted(clip.clip.iteration for view in views for clip in view.clips) == [1, 2, 3]
    assert len(await workshop.vendor_jobs()) == 4
    assert (await workshop.verdict()).faults == ()


async def test_conflicting_requests_at_the_same_time_are_one_job_and_conflicts(opened: Opened) -> None:
    workshop = await opened()
    await workshop.script("runway", "http-403", times=1000)
    calls = [_accept(workshop, _plan(workshop), "same", f"hash {number % 5}") for number in range(50)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    taken = [answer for answer in answers if isinstance(answer, list)]
    assert len(taken) == 10
    assert len({names[0] for names in taken}) == 1
    assert sum(isinstance(answer, Conflict) for answer in answers) == 40
    assert await _count(workshop, tables.jobs) == 1


async def test_iterations_are_unique_under_concurrency(opened: Opened) -> None:
    workshop = await opened()
    await workshop.script("runway", "http-403", times=1000)
    plans = [_plan(workshop, variations=1 + number % 4) for number in range(40)]
    plans += [_plan(workshop, creative_id="autumn"), _plan(workshop, tenant="rival")]
    names = [name for names in await asyncio.gather(*(_accept(workshop, plan) for plan in plans)) for name in names]
    views = await asyncio.gather(*(workshop.jobs.view(name, None) for name in names))
    numbers = [[clip.clip.iteration for clip in view.clips] for view in views]
    assert all(run == list(range(run[0], run[0] + len(run))) for run in numbers)
    assert sorted(number for run in numbers[:40] for number in run) == list(range(1, 101))
    assert numbers[40:] == [[1], [1]]


async def test_a_refused_request_burns_nothing(opened: Opened) -> None:
    workshop = await opened()
    await workshop.script("runway", "http-403", times=1000)
    plan = _plan(workshop, variations=3, max_cost=Money(currency="XTS", micros=719_999))
    with pytest.raises(Precondition) as refused:
        await _accept(workshop, plan, "once")
    assert refused.value.reason is Reason.COST_LIMIT_EXCEEDED
    assert refused.value.metadata == {"held_max_micros": "720000", "max_cost_micros": "719999"}
    for table in (tables.jobs, tables.clips, tables.requests, tables.iterations, tables.events, entries):
        assert await _count(workshop, table) == 0, table.name
    [job_id] = await _accept(workshop, _plan(workshop, variations=3, max_cost=Money(currency="XTS", micros=720_000)))
    assert [clip.clip.iteration for clip in (await workshop.jobs.view(job_id, "acme")).clips] == [1, 2, 3]
    workshop.jobs.draining.set()
    with pytest.raises(Unavailable):
        await _accept(workshop, plan, "late")


async def test_a_batch_is_all_or_nothing(opened: Opened) -> None:
    workshop = await opened()
    await workshop.script("runway", "http-403", times=1000)
    dear = _plan(workshop, max_cost=Money(currency="XTS", micros=1))
    with pytest.raises(Precondition):
        await _accept_all(workshop, [_plan(workshop), dear], "Batch", "b")
    assert await _count(workshop, tables.jobs) == 0
    plans = [_plan(workshop), _plan(workshop, creative_id="autumn")]
    names = await _accept_all(workshop, plans, "Batch", "b")
    again = await _accept_all(workshop, plans, "Batch", "b")
    assert names == again
    assert [(await workshop.jobs.view(name, "acme")).job.creative_id for name in names] == ["spring", "autumn"]


async def test_an_accept_answers_with_the_job_as_it_is_stored(opened: Opened) -> None:
    workshop = await opened(tenant_clips=1)
    await workshop.script("runway", "stuck")
    [busy] = await _accept(workshop, _plan(workshop))
    await workshop.heard(busy, EventKind.STARTED)
    plan = _plan(workshop, variations=2, labels={"season": "spring"}, fallbacks=("replicate/minimax-video-01",))
    [answer] = await workshop.jobs.accept([plan], rpc="GenerateVideo", request_id="one", request_hash="h")
    assert answer == await workshop.jobs.view(answer.job.id, "acme")
    [again] = await workshop.jobs.accept([plan], rpc="GenerateVideo", request_id="one", request_hash="h")
    assert again == answer
    for job_id in (busy, answer.job.id):
        await workshop.jobs.cancel(job_id, "acme")


async def test_a_hundred_ids_each_sent_ten_times_at_once_are_a_hundred_jobs(opened: Opened) -> None:
    workshop = await opened()
    await workshop.script("runway", "http-403", times=1000)
    plan = _plan(workshop)
    calls = [_accept(workshop, plan, f"id {number % 100}") for number in range(10 * 100)]
    answers = await asyncio.gather(*calls)
    assert {len(names) for names in answers} == {1}
    jobs = [{names[0] for names in answers[number::100]} for number in range(100)]
    assert {len(each) for each in jobs} == {1}
    assert len(set.union(*jobs)) == await _count(workshop, tables.jobs) == 100
    assert await _count(workshop, tables.requests) == 100
