"""What was kept long enough goes, and what has money in it stays."""

import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from jobs import failover, tables
from jobs.events import EventKind
from jobs.orders import Page
from jobs.records import JobState
from jobs.retention import old_jobs
from jobs.webhooks import DeliveryFilter
from ledger.tables import entries

if TYPE_CHECKING:
    from tests.life.conftest import Workshop

Opened = Callable[..., "Awaitable[Workshop]"]
DAY = 86_400.0
MONEY = (tables.jobs, tables.clips, tables.attempts, tables.videos, entries)


async def counted(workshop: "Workshop", *queried: sa.Table) -> list[int]:
    """How many rows each table has."""

    def work(connection: sa.Connection) -> list[int]:
        return [connection.execute(sa.select(sa.func.count()).select_from(each)).scalar_one() for each in queried]

    return await workshop.database.read(work)


async def workflows(workshop: "Workshop") -> int:
    """How many runs the engine remembers."""
    query = sa.text("SELECT count(*) FROM workflow_status WHERE name = 'clip'")
    return int(await workshop.database.read(lambda connection: connection.execute(query).scalar_one()))


async def test_each_thing_goes_in_its_time_and_money_stays(opened: Opened) -> None:
    workshop = await opened()
    webhook = {"url": "https://192.0.2.1/hook"}
    view = await workshop.ended(await workshop.order("runway/gen4.5", variations=2, webhook=webhook))
    job_id = view.job.id
    before = await counted(workshop, *MONEY)
    events = await workshop.events(job_id)
    assert len(events) > 5

    async def kept() -> tuple[int, int, int, bool]:
        await workshop.jobs.retention.sweep()
        seen = await workshop.jobs.view(job_id, "acme")
        [left] = await counted(workshop, tables.events)
        log = await workshop.jobs.webhooks.deliveries("acme", DeliveryFilter(), Page(size=100))
        sent = all(attempt.request is not None for clip in seen.clips for attempt in clip.attempts)
        return left, await workflows(workshop), len(log), sent

    assert await kept() == (len(events), 2, 1, True)
    workshop.pass_time(1.1 * DAY)
    assert await kept() == (len(events), 2, 1, False)
    workshop.pass_time(6 * DAY)
    assert await kept() == (len(events), 0, 1, False)
    workshop.pass_time(24 * DAY)
    await workshop.database.write(
        lambda connection: connection.execute(sa.update(tables.deliveries).values(state="EXHAUSTED")).rowcount
    )
    assert await kept() == (1, 0, 0, False)
    assert await counted(workshop, *MONEY) == before
    assert await counted(workshop, tables.delivery_attempts) == [0]
    assert (await workshop.verdict()).faults == ()
    assert [event.kind for event in await workshop.events(job_id)] == [EventKind.ENDED]
    assert (await workshop.ended(job_id)).job.state is JobState.SUCCEEDED


async def test_what_has_not_ended_keeps_everything(opened: Opened) -> None:
    workshop = await opened(speed=1.0)
    running = await workshop.order("runway/gen4.5", duration=10.0)
    await workshop.heard(running, EventKind.ATTEMPT)
    younger = await workshop.order("runway/gen4.5", duration=10.0, prompt="another")
    await workshop.jobs.cancel(younger, "acme")
    later = workshop.jobs.context.now() + timedelta(days=400)
    found = await workshop.database.read(lambda connection: old_jobs(connection, "event", later, 100))
    assert found == []


async def test_a_request_id_is_remembered_for_seven_days(opened: Opened) -> None:
    workshop = await opened()
    row = {
        "tenant": "acme",
        "rpc": "GenerateVideo",
        "request_id": "r1",
        "hash": "x",
        "job_ids": [],
        "time": workshop.jobs.context.now(),
    }
    await workshop.database.write(lambda connection: connection.execute(sa.insert(tables.requests), row).rowcount)
    workshop.pass_time(6.9 * DAY)
    await workshop.jobs.retention.sweep()
    assert await counted(workshop, tables.requests) == [1]
    workshop.pass_time(0.2 * DAY)
    await workshop.jobs.retention.sweep()
    assert await counted(workshop, tables.requests) == [0]


@pytest.mark.parametrize("kind", ["postgres"], indirect=True)
async def test_a_process_that_is_gone_is_forgotten_once_nothing_of_it_is_left(opened: Opened) -> None:
    workshop = await opened()
    now = workshop.jobs.context.now()
    old, young = now - timedelta(days=31), now - timedelta(days=29)
    rows = {"gone": (old, True), "gone-lately": (young, True), "unjudged": (old, False), "missed": (old, True)}
    pending = sa.text(
        "INSERT INTO dbos.workflow_status (workflow_uuid, status, name, executor_id, created_at, updated_at) "
        "VALUES ('a clip', 'PENDING', 'clip', 'missed', 0, 0)"
    )

    def work(connection: sa.Connection) -> None:
        values = [{"id": name, "lease_until": until, "reaped": reaped} for name, (until, reaped) in rows.items()]
        connection.execute(sa.insert(tables.executors), values)
        connection.execute(pending)
        assert failover.forget(connection, 100, now - timedelta(days=30)) == 1

    await workshop.database.write(work)
    query = sa.select(tables.executors.c.id)
    known = await workshop.database.read(lambda connection: set(connection.execute(query).scalars()))
    assert known & rows.keys() == {"gone-lately", "unjudged", "missed"}
    await workshop.jobs.retention.sweep()


async def test_files_left_behind_go_and_files_in_use_stay(opened: Opened) -> None:
    workshop = await opened()
    folder = workshop.jobs.context.temp_dir
    (folder / "tmpold").mkdir(parents=True)
    for name in ("attempt_1.mp4", "tmpold/part", "attempt_2.mp4", "look_1.video"):
        (folder / name).write_bytes(b"x")
    old = workshop.jobs.context.now().timestamp() - 7 * 3600
    for name in ("attempt_1.mp4", "tmpold/part", "tmpold"):
        os.utime(folder / name, (old, old))
    await workshop.jobs.retention.sweep_files()
    left = sorted(path.name for path in folder.iterdir())
    assert left == ["attempt_2.mp4", "look_1.video", "tmpold"]
    os.utime(folder / "tmpold", (old, old))  # its time is that of what was removed from it
    os.utime(folder / "look_1.video", (old, old))
    await workshop.jobs.retention.sweep_files()
    assert [path.name for path in folder.iterdir()] == ["attempt_2.mp4"]
