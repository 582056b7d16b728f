"""Cancelling a job: a flag and an event at once, then the vendor's verdict (jobs.md, rule 8)."""

from datetime import datetime

import sqlalchemy as sa

from core.crashpoints import crashpoint, declare
from core.errors import Failure, FailureReason
from jobs import tables
from jobs.context import Context, emit
from jobs.events import EventKind
from jobs.locks import lock_job
from jobs.parked import not_cancellable
from jobs.records import ClipState, JobState, situation
from jobs.settle import derive_job, end_clip

declare("before-cancel-flag", "after-cancel-flag")


async def cancel(context: Context, job_id: str) -> None:
    """Ask a job to stop. Idempotent. Raises Precondition when it has ended otherwise."""
    now = context.now()
    crashpoint("before-cancel-flag")
    clips = await context.database.write(lambda connection: _flag(context, connection, job_id, now))
    crashpoint("after-cancel-flag")
    context.bell.ring(job_id, *clips)


def _flag(context: Context, connection: sa.Connection, job_id: str, now: datetime) -> list[str]:
    jobs, clips = tables.jobs, tables.clips
    job = lock_job(connection, job_id)
    state = job.state
    if state.terminal and state is not JobState.CANCELLED:
        raise not_cancellable(state)
    if state.terminal:
        return []
    rows = connection.execute(sa.select(clips.c.id, clips.c.state).where(clips.c.job_id == job_id)).all()
    if job.cancel_requested:  # their bell is rung again: the first time it may not have come to that
        return [row.id for row in rows]
    parked = state is JobState.NEEDS_RESOLUTION
    values = {"cancel_requested": True, "state": str(job.state) if parked else str(JobState.CANCELLING)}
    connection.execute(sa.update(jobs).where(jobs.c.id == job_id).values(**values))
    emit(connection, job_id, EventKind.CANCELLING, now, {"job_state": values["state"]})
    failure = Failure(reason=FailureReason.CANCELLED, message="cancelled on request")
    for row in rows:
        if row.state == str(ClipState.QUEUED):  # nothing was bought yet: it ends here, whatever the queue holds
            end_clip(context, connection, situation(connection, row.id), failure, now)
    derive_job(context, connection, job_id, now)
    return [row.id for row in rows]
