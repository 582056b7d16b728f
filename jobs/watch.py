"""Following a job: every event from a number on, then live; resumable without loss or repeat."""

from collections.abc import AsyncIterator
from functools import partial

from core.errors import InvalidRequest, Violation
from jobs import events
from jobs.context import Context
from jobs.events import Event, EventKind
from jobs.queries import job_row
from jobs.records import JobState

_HEARTBEAT = 15.0
"""Seconds after which a silent watcher looks at the rows anyway."""


async def watch(context: Context, job_id: str, tenant: str | None, after: int) -> AsyncIterator[Event]:
    """Events numbered above `after`; ends after the terminal one, or when the server drains."""
    job = await context.database.read(partial(job_row, job_id=job_id, tenant=tenant))
    if not 0 <= after <= job.last_event:
        message = f"it must be between 0 and the job's last event, {job.last_event}"
        raise InvalidRequest.of([Violation(field="after_event", message=message)])
    with context.bell.listen(job_id) as listening:
        while True:
            news = await context.database.read(partial(events.after, job_id=job_id, seq=after))
            for event in news:
                after = event.seq
                yield event
                if event.kind is EventKind.ENDED:
                    return
            if context.draining.is_set():
                return
            if not news:
                if job.state.terminal:
                    return
                await listening.wait(_HEARTBEAT)


async def wait(context: Context, job_id: str, timeout: float) -> None:
    """Return when the job has ended or parked, the server drains, or the time is over."""
    loop_end = context.monotonic() + timeout
    with context.bell.listen(job_id) as listening:
        while not context.draining.is_set():
            job = await context.database.read(partial(job_row, job_id=job_id, tenant=None))
            left = loop_end - context.monotonic()
            if job.state.terminal or job.state is JobState.NEEDS_RESOLUTION or left <= 0:
                return
            await listening.wait(min(left, _HEARTBEAT))
