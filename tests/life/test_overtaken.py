"""A process that is late: what it has read is old, others went on, and it changes nothing of that."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa

from core.errors import Failure, FailureReason
from core.identifiers import new_id
from jobs import submit, tables
from jobs.events import EventKind, ProgressStage
from jobs.records import JobState, Situation, situation
from jobs.submit import Submitting

if TYPE_CHECKING:
    from tests.life.conftest import Workshop

Opened = Callable[..., "Awaitable[Workshop]"]
GEN45 = "runway/gen4.5"


async def _read_before(workshop: "Workshop", job_id: str) -> Situation:
    """The job's clip, as it was before anything of it was bought."""
    [clip] = (await workshop.jobs.view(job_id, "acme")).clips
    found = await workshop.database.read(partial(situation, clip_id=clip.clip.id))
    return replace(found, attempts=())


async def test_nothing_is_told_after_the_end(opened: Opened) -> None:
    workshop = await opened()
    view = await workshop.ended(await workshop.order(GEN45, duration=2.0))
    found, now = await _read_before(workshop, view.job.id), workshop.jobs.context.now()
    await workshop.database.write(lambda connection: submit._note_throttled(connection, found, now))
    after = await workshop.jobs.view(view.job.id, "acme")
    assert (after.job.stage, after.clips[0].clip.stage) == (ProgressStage.ENDED, ProgressStage.ENDED)
    assert (await workshop.events(view.job.id))[-1].kind is EventKind.ENDED


async def test_nothing_is_bought_for_a_clip_that_has_ended(opened: Opened) -> None:
    workshop = await opened()
    view = await workshop.ended(await workshop.order(GEN45, duration=2.0))
    found, now = await _read_before(workshop, view.job.id), workshop.jobs.context.now()
    attempts = tables.attempts

    def buy(connection: sa.Connection) -> object:
        first = connection.execute(sa.select(attempts).where(attempts.c.clip_id == found.clip.id)).mappings().one()
        second = {"id": new_id("att"), "number": 2, "callback_token": "another", "ticket": None, "vendor_task_id": None}
        return submit._insert(connection, found, {**first, **second}, now)

    assert await workshop.database.write(buy) is None
    after = await workshop.jobs.view(view.job.id, "acme")
    assert (after.job.state, len(after.clips[0].attempts)) == (JobState.SUCCEEDED, 1)
    assert (await workshop.verdict()).faults == ()


async def test_a_clip_that_was_bought_meanwhile_is_not_given_up(opened: Opened) -> None:
    workshop = await opened()
    await workshop.script("runway", "stuck-running")
    job_id = await workshop.order(GEN45, duration=2.0)
    await workshop.until(job_id, lambda view: view.clips[0].clip.stage == ProgressStage.VENDOR_RUNNING)
    found = await _read_before(workshop, job_id)
    step = Submitting(workshop.jobs.context, cast("Any", None))
    failure = Failure(reason=FailureReason.VENDOR_UNAVAILABLE, message="the model is not available any more")
    assert await step._end(found, failure) == "submit"
    after = await workshop.jobs.view(job_id, "acme")
    assert (after.job.state, after.clips[0].clip.failure) == (JobState.RUNNING, None)
