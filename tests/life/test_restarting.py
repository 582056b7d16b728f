"""A process that ends at any moment: the next one goes on, and no attempt is ever sent twice."""

import asyncio
import contextlib
import logging
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from core.database import Database, sqlite_engine
from core.spec import MediaInput
from jobs.engine import Engine, EngineLocked
from jobs.events import EventKind
from jobs.orders import JobView, Verdict, VerdictKind
from jobs.records import AttemptOutcome, ClipState, JobState

if TYPE_CHECKING:
    from tests.life.conftest import Places, Workshop

Opened = Callable[..., "Awaitable[Workshop]"]
GEN45 = "runway/gen4.5"
SVD = "replicate/stable-video-diffusion"
FRAME = MediaInput(uri="https://example.com/frame.png", mime_type="image/png")
MODELS: Mapping[str, str] = {"runway": GEN45, "replicate": "replicate/minimax-video-01"}


async def _reopen(workshop: "Workshop", *, drain: bool) -> None:
    await workshop.close(drain=drain)
    await workshop.open()


async def _news(workshop: "Workshop", ids: list[str], seen: dict[str, int]) -> None:
    """Return after the next event of any job that has not come to rest."""

    async def one(job_id: str) -> None:
        async for event in workshop.jobs.watch(job_id, "acme", seen[job_id]):
            seen[job_id] = event.seq
            return

    tasks = [asyncio.create_task(one(job_id)) for job_id in ids]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED, timeout=30)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _decide(workshop: "Workshop", view: JobView) -> None:
    """Do what an operator would: adopt the vendor's jobs of this prompt that nobody owns, let the rest be bought."""
    owned = {attempt.vendor_task_id for clip in view.clips for attempt in clip.attempts}
    unowned = [job["id"] for job in await workshop.vendor_jobs(view.job.prompt) if job["id"] not in owned]
    for clip in view.clips:
        if clip.clip.state is ClipState.PARKED:
            verdict = Verdict(kind=VerdictKind.RESUBMIT)
            if unowned:
                verdict = Verdict(kind=VerdictKind.ADOPT, vendor_task_id=unowned.pop())
            await workshop.jobs.resolve(clip.clip.id, "acme", verdict)
    assert not unowned


@pytest.mark.timeout(300)  # some sixty lives, one after the other
@pytest.mark.parametrize("drain", [True, False], ids=["drained", "cut"])
async def test_a_process_that_ends_after_every_event(opened: Opened, drain: bool) -> None:
    workshop = await opened(speed=400.0, policy={"clip_attempts": 20})
    await workshop.script("runway", "fail-INTERNAL", contains="at runway")
    await workshop.script("replicate", "lost-reply", contains="example.com")
    await workshop.script("replicate", "truncated", match="download")
    ids = [
        await workshop.order(GEN45, prompt="at runway", duration=2.0),
        await workshop.order(SVD, first_frame=FRAME),
    ]
    seen = dict.fromkeys(ids, 0)
    for _ in range(60):
        views = [await workshop.jobs.view(job_id, "acme") for job_id in ids]
        waiting = [view.job.id for view in views if not view.job.state.terminal]
        if not waiting:
            break
        for view in views:
            if view.job.state is JobState.NEEDS_RESOLUTION and view.job.model == GEN45:
                await _decide(workshop, view)
        await _news(workshop, waiting, seen)
        await _reopen(workshop, drain=drain)
    views = await workshop.all_ended(ids)
    assert [view.job.failure for view in views] == [None] * 2
    await _every_attempt_was_sent_once(workshop, views)


async def _every_attempt_was_sent_once(workshop: "Workshop", views: list[JobView]) -> None:
    attempts = [attempt for view in views for clip in view.clips for attempt in clip.attempts]
    accepted = Counter(attempt.vendor_task_id for attempt in attempts if attempt.outcome is AttemptOutcome.ACCEPTED)
    assert accepted == Counter(job["id"] for job in await workshop.vendor_jobs())
    posts = [post for post in await workshop.vendor_ledger() if post["job"]]
    assert len(posts) == accepted.total()
    unknown = sum(attempt.cost_micros or 0 for attempt in attempts if attempt.vendor_task_id is None)
    assert await workshop.booked("SETTLE") == await workshop.vendor_bill() + unknown
    assert (await workshop.verdict()).faults == ()
    for view in views:
        events = await workshop.events(view.job.id)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        assert [event.kind for event in events].count(EventKind.ENDED) == 1
        assert len(view.videos) == len(view.clips)


async def test_a_drain_lets_purchases_in_flight_finish(opened: Opened) -> None:
    workshop = await opened(policy={"submit_timeout": 5.0})
    ids = []
    for vendor, model in MODELS.items():
        await workshop.script(vendor, "slow-reply", options={"seconds": 1.0})
        ids.append(await workshop.order(model, prompt=f"cut at {vendor}"))
    await workshop.eventually(lambda: _posted(workshop, 2))
    await _reopen(workshop, drain=True)
    views = await workshop.all_ended(ids)
    assert [view.job.state for view in views] == [JobState.SUCCEEDED] * 2
    assert EventKind.STALLED not in {event.kind for job_id in ids for event in await workshop.events(job_id)}
    await _every_attempt_was_sent_once(workshop, views)


async def _posted(workshop: "Workshop", count: int) -> bool:
    return len(await workshop.vendor_jobs()) >= count


async def test_a_clip_is_not_given_up_however_often_its_process_died(opened: Opened) -> None:
    workshop = await opened()
    job_id = await workshop.order(MODELS["replicate"])
    await workshop.eventually(lambda: _posted(workshop, 1))
    await workshop.close(drain=False)
    with contextlib.closing(sqlite3.connect(workshop.database.path)) as rows, rows:
        died = rows.execute("UPDATE workflow_status SET recovery_attempts = 5000 WHERE status = 'PENDING'").rowcount
    assert died == 1
    await workshop.open()
    (view,) = await workshop.all_ended([job_id])
    assert view.job.state is JobState.SUCCEEDED
    await _every_attempt_was_sent_once(workshop, [view])


async def test_a_purchase_cut_in_flight_is_found_or_parked_never_repeated(opened: Opened) -> None:
    workshop = await opened()
    ids = []
    for vendor, model in MODELS.items():
        await workshop.script(vendor, "slow-reply", options={"seconds": 1.0})
        ids.append(await workshop.order(model, prompt=f"cut at {vendor}"))
    await workshop.eventually(lambda: _posted(workshop, 2))
    await _reopen(workshop, drain=False)
    runway, replicate = await workshop.all_ended(ids)
    assert runway.job.state is JobState.NEEDS_RESOLUTION
    assert replicate.job.state is JobState.SUCCEEDED
    assert len(await workshop.vendor_ledger()) == 2
    await _decide(workshop, runway)
    adopted = await workshop.until(runway.job.id, lambda view: view.job.state.terminal)
    await _every_attempt_was_sent_once(workshop, [adopted, replicate])


async def test_nothing_is_bought_while_draining(opened: Opened) -> None:
    workshop = await opened()
    workshop.jobs.context.draining.set()
    workshop.jobs.context.draining = asyncio.Event()
    job_id = await workshop.order(GEN45, duration=2.0)
    workshop.jobs.context.draining.set()
    await _reopen(workshop, drain=True)
    view = await workshop.ended(job_id)
    assert view.job.state is JobState.SUCCEEDED
    assert len(await workshop.vendor_ledger()) == 1


async def test_a_cancel_survives_a_restart(opened: Opened) -> None:
    workshop = await opened()
    await workshop.script("runway", "stuck-running")
    await workshop.script("runway", "http-500", match="cancel", times=1)
    job_id = await workshop.order(GEN45)
    await workshop.until(job_id, lambda view: view.clips[0].clip.stage == "VENDOR_RUNNING")
    await workshop.jobs.cancel(job_id, "acme")
    await _reopen(workshop, drain=False)
    view = await workshop.ended(job_id)
    assert view.job.state is JobState.CANCELLED
    assert await workshop.booked("SETTLE") == await workshop.vendor_bill() == 600_000


async def test_one_engine_per_data_directory(opened: Opened) -> None:
    workshop = await opened()
    second = Engine(workshop.database, workshop.data_dir, tenant_clips=1, worker_clips=1)
    with pytest.raises(EngineLocked):
        await second.launch({}, workshop.jobs._is_current)
    await second.stop()
    view = await workshop.ended(await workshop.order(GEN45, duration=2.0))
    assert view.job.state is JobState.SUCCEEDED
    await _reopen(workshop, drain=True)


async def test_what_is_taken_from_the_queue_while_stopping_leaves_no_task_behind(opened: Opened) -> None:
    workshop = await opened()
    await workshop.script("runway", "http-403", times=1000)
    ids: list[str] = []
    for _ in range(3):
        ids += await asyncio.gather(*(workshop.order(GEN45) for _ in range(10)))
        dbos = workshop.jobs.context.engine._dbos
        assert dbos is not None
        await workshop.eventually(lambda: _working(workshop))
        await workshop.close()
        assert not dbos._workflow_tasks
        await workshop.open()
    views = await workshop.all_ended(ids)
    assert {view.job.state for view in views} == {JobState.FAILED}
    assert len(await workshop.vendor_ledger()) == len(ids)


async def _working(workshop: "Workshop") -> bool:
    return workshop.jobs.context.engine.running() > 0


async def test_a_launch_that_fails_leaves_nothing_behind(places: "Places", tmp_path: Path) -> None:
    with places(tmp_path) as place:
        database = Database(place)
        good, database.dbos_engine = database.dbos_engine, sqlite_engine(tmp_path)  # a folder is no database

        async def nothing_runs(_clip_id: str, _run: int) -> bool:
            return False

        with pytest.raises(sa.exc.OperationalError):
            await Engine(database, tmp_path, tenant_clips=1, worker_clips=1).launch({}, nothing_runs)
        database.dbos_engine = good
        second = Engine(database, tmp_path, tenant_clips=1, worker_clips=1)
        await second.launch({}, nothing_runs)
        assert [type(handler) for handler in logging.getLogger("dbos").handlers] == [logging.NullHandler]
        await second.stop()
        database.close()
