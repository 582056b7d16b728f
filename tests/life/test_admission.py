"""Who is let in when there is not room for all: shares, causes, what the log says, and what a call may count on."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest
import structlog

from core.errors import DatabaseUnavailable, Exhausted, Reason
from jobs.admission import Admission
from jobs.tenants import TenantLimits

if TYPE_CHECKING:
    from tests.life.conftest import Workshop

Opened = Callable[..., "Awaitable[Workshop]"]
GEN45 = "runway/gen4.5"
HURRY = 0.3
"""Seconds of a deadline that leave none to wait in."""


async def _refusal(admission: Admission, tenant: str, left: float = HURRY) -> Exhausted:
    with pytest.raises(Exhausted) as caught:
        async with admission.accepting(tenant, left=left):
            pass
    return caught.value


async def test_who_is_below_its_share_is_let_in_beyond_what_is_worked_on_at_once(opened: Opened) -> None:
    admission = (await opened(policy={"accepts_at_once": 4})).jobs.admission
    async with contextlib.AsyncExitStack() as stack:

        async def enter(tenant: str) -> None:
            await stack.enter_async_context(admission.accepting(tenant))

        for _ in range(4):
            await enter("loud")
        refusal = await _refusal(admission, "loud")
        assert refusal.reason is Reason.SERVER_OVERLOADED
        assert refusal.metadata == {"cause": "accepts", "tenant": "loud"}
        assert 0.05 <= (refusal.retry_after or 0) <= 15
        await enter("quiet")
        await enter("quiet")
        assert (await _refusal(admission, "quiet")).metadata["tenant"] == "quiet"
        for number in range(10):
            await enter(f"other-{number}")
        assert (await _refusal(admission, "one-more")).metadata["cause"] == "accepts"
    async with admission.accepting("loud"):
        pass


async def test_a_tenant_with_more_than_its_share_of_the_queue_is_refused_first(opened: Opened) -> None:
    workshop = await opened(tenant_clips=1, speed=0.001, policy={"max_queued": 16})
    admission = workshop.jobs.admission
    await workshop.order(GEN45, duration=2.0, variations=8, tenant="quiet")
    for _ in range(2):
        await workshop.order(GEN45, duration=2.0, variations=4, tenant="loud")

    async def waiting() -> bool:
        await admission.look()
        return admission._look.queued == 14

    await workshop.eventually(waiting)
    refusal = await _refusal(admission, "loud")
    assert refusal.metadata == {"cause": "queue", "tenant": "loud"}
    async with admission.accepting("new"):
        pass
    await workshop.order(GEN45, duration=2.0, variations=2, tenant="new")
    refusal = await _refusal(admission, "newer")
    assert refusal.metadata == {"cause": "queue"}
    assert 1.0 <= (refusal.retry_after or 0) <= 60.0


async def test_the_log_tells_each_change_once(opened: Opened) -> None:
    workshop = await opened()
    context, admission = workshop.jobs.context, workshop.jobs.admission
    with structlog.testing.capture_logs() as lines:
        usual = context.policy
        context.policy = type(usual)(disk_reserve=1 << 62)
        for _ in range(3):
            await admission.look()
            assert (await _refusal(admission, "acme")).metadata == {"cause": "disk"}
        assert admission.state() == "refusing: disk"
        context.policy = usual
        for _ in range(3):
            await admission.look()
        assert admission.state() == "ok"
    told = [(line["event"], line["cause"]) for line in lines if "cause" in line]
    assert told == [("new work is refused", "disk"), ("new work is taken again", "disk")]


async def test_a_tenants_own_limits_stand_before_the_servers(opened: Opened) -> None:
    workshop = await opened(policy={"tenant_limits": TenantLimits(requests_per_second=0.01, burst=1)})
    admission = workshop.jobs.admission
    async with admission.accepting("acme"):
        pass
    refusal = await _refusal(admission, "acme")
    assert refusal.reason is Reason.TENANT_RATE_LIMITED
    assert 99 < (refusal.retry_after or 0) <= 100
    async with admission.accepting("rival"):
        pass
    for _ in range(3):
        async with admission.accepting("No Name"):  # will be refused for its name: no bucket is made for it
            pass


async def test_who_must_wait_for_less_than_can_be_told_is_told_to_wait_ten_milliseconds(opened: Opened) -> None:
    workshop = await opened(policy={"tenant_limits": TenantLimits(requests_per_second=10_000.0, burst=1)})
    begin = workshop.jobs.context.now()
    workshop.jobs.context.now = lambda: begin
    async with workshop.jobs.admission.accepting("acme"):
        pass
    refusal = await _refusal(workshop.jobs.admission, "acme")
    assert refusal.reason is Reason.TENANT_RATE_LIMITED
    assert refusal.retry_after == 0.01
    assert "try again in 0.01 s" in refusal.message


async def test_who_does_not_listen_waits_for_being_refused(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.admission._HOLD", 0.2)
    workshop = await opened(policy={"tenant_limits": TenantLimits(requests_per_second=0.01, burst=1)})
    admission = workshop.jobs.admission
    async with admission.accepting("deaf"):
        pass
    took = [0.0]
    while max(took) < 0.1:  # a look at what there is may come between, and begins the count anew
        assert len(took) < 1000
        await admission._accounts.limits("deaf")  # from the database, now and then
        begin = time.monotonic()
        refusal = await _refusal(admission, "deaf", left=20.0)
        took.append(time.monotonic() - begin)
        assert refusal.reason is Reason.TENANT_RATE_LIMITED
        assert 90 < (refusal.retry_after or 0) <= 100
    assert len(took) > 10
    assert admission._held == 0
    assert admission._places.taken == 0


async def test_while_the_database_does_not_answer_new_work_is_refused_at_once(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.admission._LATE", 0.1)
    workshop = await opened()
    admission = workshop.jobs.admission
    locked = sqlite3.connect(workshop.database.path, isolation_level=None)
    locked.execute("BEGIN IMMEDIATE")
    stuck = asyncio.create_task(workshop.order(GEN45, duration=2.0))

    async def refused() -> DatabaseUnavailable | None:
        try:
            async with admission.accepting("acme"):
                return None
        except DatabaseUnavailable as error:
            return error

    refusal = await workshop.eventually(refused)
    assert refusal.retry_after == 1.0
    assert not stuck.done()
    locked.rollback()
    locked.close()
    assert (await workshop.ended(await stuck)).job.state == "SUCCEEDED"
    assert await refused() is None


async def test_a_look_that_does_not_come_back_is_waited_for(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.admission._LATE", 0.1)
    workshop = await opened()
    admission, database = workshop.jobs.admission, workshop.database
    read, hung, looks = database.read, asyncio.Event(), 0

    async def stands_still(work: Callable[..., object]) -> object:
        nonlocal looks
        if work == admission._see:
            looks += 1
            await hung.wait()
        return await read(work)

    monkeypatch.setattr(database, "read", stands_still)
    away = await workshop.eventually(lambda: _when(lambda: admission._away))
    assert away
    with pytest.raises(DatabaseUnavailable):
        async with admission.accepting("acme"):
            pass
    await asyncio.sleep(0.5)
    assert looks == 1
    hung.set()
    assert await workshop.eventually(lambda: _when(lambda: not admission._away))
    async with admission.accepting("acme"):
        pass


async def _when(condition: Callable[[], bool]) -> bool:
    return condition()
