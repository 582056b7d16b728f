"""The step that waits for the vendor: webhook, cancel and adaptive poll raced on one in-process bell."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from core.crashpoints import crashpoint, declare
from core.errors import Failure
from core.outcome import Auth, Failed, Outcome, Pending, Ready, Stage
from jobs import tables
from jobs.context import Context, emit
from jobs.events import EventKind, ProgressStage
from jobs.locks import lock_job
from jobs.pace import LONGEST_POLL, Spaced, next_poll
from jobs.records import Attempt, AttemptOutcome, Situation, usage_json
from jobs.sender import Sender
from jobs.settle import Bill, bill_failure, derive_job, fail_attempt

declare("before-poll", "after-poll", "before-cancel", "after-cancel", "before-ready", "after-ready")
_log = structlog.get_logger()
_AFTER_CANCEL = 1.0
_BETWEEN_FIRST_POLLS = 0.02
_STAGES = {
    Stage.QUEUED: ProgressStage.VENDOR_QUEUED,
    Stage.THROTTLED: ProgressStage.VENDOR_THROTTLED,
    Stage.RUNNING: ProgressStage.VENDOR_RUNNING,
}


@dataclass(slots=True)
class _Watch:
    """What one waiting remembers; nothing of it has to survive a crash."""

    found: Situation
    attempt: Attempt
    stage: str
    progress: float = 0.0
    stop_asked: datetime | None = None
    """When the vendor was last asked to stop."""
    stop_pause: float = 1.0
    """Seconds until it is asked again, should it not have heard."""
    overdue: bool = False
    news: bool = True
    """Whether the job's row may have changed since it was last looked at."""
    unknown: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Step `wait`: from an accepted attempt to its outcome, written to its row."""

    context: Context
    sender: Sender
    _left_behind: Spaced = field(default_factory=lambda: Spaced(_BETWEEN_FIRST_POLLS))

    async def __call__(self, clip_id: str) -> str:
        """Wait for the vendor's verdict; the name of the next step."""
        with self.context.bell.listen(clip_id) as listening:
            found = await self.context.situations(clip_id)
            attempt = found.last
            if found.clip.state.terminal:
                return "end"
            if attempt is None or attempt.outcome is not AttemptOutcome.ACCEPTED or attempt.end_time is not None:
                return "submit"
            if attempt.result is not None:
                return "collect"
            watch = _Watch(found, attempt, attempt.stage)
            rang = await listening.wait(self._first_delay(watch))
            while True:
                crashpoint("before-poll")
                outcome = await self.sender.poll(attempt, found.job.tenant)
                crashpoint("after-poll")
                step = await self._digest(watch, outcome)
                if attempt.called_back and isinstance(outcome, Ready):
                    self.context.history.heard(attempt.endpoint, rang=rang)
                if step is not None:
                    return step
                watch.news = rang = await listening.wait(self._delay(watch, outcome))

    async def _digest(self, watch: _Watch, outcome: Outcome) -> str | None:
        """Act on what the vendor says; the next step's name, or None to go on waiting."""
        match outcome:
            case Ready():
                return await self._ready(watch, outcome)
            case Failed():
                return await self._failed(watch, outcome)
            case Pending():
                await self._pending(watch, outcome)
                return await self._stop_if_due(watch)

    async def _ready(self, watch: _Watch, outcome: Ready) -> str:
        result = ready_json(outcome)
        attempts = tables.attempts
        now = self.context.now()

        def work(connection: sa.Connection) -> None:
            lock_job(connection, watch.found.job.id)
            under_way = (attempts.c.id == watch.attempt.id, attempts.c.end_time.is_(None))
            connection.execute(sa.update(attempts).where(*under_way).values(result=result))
            _note(self.context, connection, watch, ProgressStage.COLLECTING, now)

        self.context.history.add(watch.attempt.endpoint, watch.attempt.model, self._elapsed(watch.attempt))
        crashpoint("before-ready")
        await self.context.database.write(work)
        crashpoint("after-ready")
        self.context.bell.ring(watch.found.job.id)
        return "collect"

    async def _failed(self, watch: _Watch, outcome: Failed) -> str:
        """A failure after we asked the vendor to stop is the stop's success, whatever word the vendor uses."""
        attempt = _at_stage(watch.attempt, watch.stage)
        lost = outcome.failure == self.context.provider(attempt).lost()
        overdue = attempt.deadline is not None and self.context.now() >= attempt.deadline
        asked = overdue or watch.stop_asked is not None or await self._cancel_requested(watch)
        stopped = asked and (lost or not outcome.failure.may_retry)
        bill = bill_failure(self.context, watch.found, attempt, outcome, stopped=stopped, overdue=overdue)
        return await self._end(watch, *bill)

    async def _end(self, watch: _Watch, failure: Failure, bill: Bill) -> str:
        await self.context.engine.hold()
        now = self.context.now()
        await self.context.database.write(
            lambda connection: fail_attempt(connection, watch.found, watch.attempt, failure, bill, now)
        )
        self.context.bell.ring(watch.found.job.id)
        return "submit"

    async def _pending(self, watch: _Watch, outcome: Pending) -> None:
        if outcome.unknown:
            if outcome.unknown not in watch.unknown:
                watch.unknown.add(outcome.unknown)
                _log.warning("unknown vendor status", attempt=watch.attempt.id, status=outcome.unknown[:80])
            return
        progress = max(watch.progress, min(outcome.progress or 0.0, 0.99))
        if outcome.stage == watch.stage and progress < watch.progress + 0.1:
            return
        watch.stage, watch.progress = str(outcome.stage), progress
        now = self.context.now()
        await self.context.database.write(
            lambda connection: _note(self.context, connection, watch, _STAGES[outcome.stage], now)
        )
        self.context.bell.ring(watch.found.job.id)

    async def _stop_if_due(self, watch: _Watch) -> str | None:
        """Cancel at the vendor when the caller asked or the deadline is over; give up when the grace is over too."""
        now = self.context.now()
        deadline = watch.attempt.deadline or now + timedelta(days=1)
        if now >= deadline or await self._has_been_cancelled(watch):
            await self._ask_to_stop(watch, now)
        if now >= deadline and not watch.overdue:
            await self._overdue(watch, now)
        grace = timedelta(seconds=self.context.policy.overdue_grace)
        if now < deadline + grace:
            return None
        failed = Failed(failure=self.context.provider(watch.attempt).lost())
        attempt = _at_stage(watch.attempt, Stage.RUNNING)
        bill = bill_failure(self.context, watch.found, attempt, failed, stopped=True, overdue=True)
        return await self._end(watch, *bill)

    async def _ask_to_stop(self, watch: _Watch, now: datetime) -> None:
        """Cancel at the vendor; again after a growing pause, for a cancel may be lost and does no harm twice."""
        if watch.stop_asked is not None and now < watch.stop_asked + timedelta(seconds=watch.stop_pause):
            return
        watch.stop_pause *= 1 if watch.stop_asked is None else 2
        crashpoint("before-cancel")
        await self.sender.cancel(watch.attempt)
        crashpoint("after-cancel")
        watch.stop_asked = now

    async def _overdue(self, watch: _Watch, now: datetime) -> None:
        watch.overdue = True
        await self.context.database.write(
            lambda connection: _note(self.context, connection, watch, ProgressStage.OVERDUE, now)
        )
        self.context.bell.ring(watch.found.job.id)

    async def _has_been_cancelled(self, watch: _Watch) -> bool:
        """As `_cancel_requested`, but no look without news: alone on its database it hears of each cancel."""
        if watch.stop_asked is not None:
            return True
        return (watch.news or self.context.database.shared) and await self._cancel_requested(watch)

    async def _cancel_requested(self, watch: _Watch) -> bool:
        query = sa.select(tables.jobs.c.cancel_requested).where(tables.jobs.c.id == watch.found.job.id)
        return bool(await self.context.database.read(lambda connection: connection.execute(query).scalar()))

    def _first_delay(self, watch: _Watch) -> float:
        """None for a new attempt. Those a dead process waited for go one after the other: they may be thousands.

        All at once, they would hold up each other, and all that starts.
        """
        if not watch.attempt.stage or watch.found.job.cancel_requested:
            return 0.0
        return self._left_behind.wait(self.context.monotonic())

    def _delay(self, watch: _Watch, outcome: Outcome) -> float:
        quiet = self._quiet(watch, outcome)
        if watch.attempt.endpoint.startswith("mock:"):
            return max(self.context.policy.mock_poll, quiet)
        floor = self.context.provider(watch.attempt).poll_floor
        if watch.stop_asked is not None:
            return max(_AFTER_CANCEL, quiet)
        attempt = watch.attempt
        if attempt.called_back and self.context.history.rings(attempt.endpoint):
            return max(LONGEST_POLL, quiet)
        elapsed = self._elapsed(attempt)
        usual = self.context.row(attempt).typical_seconds
        typical = self.context.history.typical(attempt.endpoint, attempt.model, usual)
        return max(next_poll(elapsed, typical, floor), quiet)

    def _quiet(self, watch: _Watch, outcome: Outcome) -> float:
        """For how long the vendor wants to be left alone; but a clip is looked at when its time is over."""
        asked = outcome.retry_after if isinstance(outcome, Pending) else None
        deadline = watch.attempt.deadline
        left = float("inf") if deadline is None else (deadline - self.context.now()).total_seconds()
        return min(asked or 0.0, max(left, LONGEST_POLL))

    def _elapsed(self, attempt: Attempt) -> float:
        return (self.context.now() - (attempt.submit_time or attempt.intend_time)).total_seconds()


INLINE = "data:"
"""Stands on an attempt's row for a clip that came inside the vendor's answer: it is asked for again to collect it."""


def ready_json(outcome: Ready, *, whole: bool = False) -> dict[str, object]:
    """A Ready as JSON, kept on the attempt's row until the clip is collected; a `data:` URI only when `whole`."""
    auth = outcome.auth
    inline = any(output.startswith(INLINE) for output in outcome.outputs)
    return {
        "outputs": [INLINE] if inline and not whole else list(outcome.outputs),
        "auth": None if auth is None else [auth.header, auth.prefix],
        "usage": usage_json(outcome.usage),
    }


def auth_of(value: list[str] | None) -> Auth | None:
    """The Auth of a kept Ready."""
    return None if value is None else Auth(header=value[0], prefix=value[1])


def _at_stage(attempt: Attempt, stage: str) -> Attempt:
    return Attempt(**{name: getattr(attempt, name) for name in Attempt.__slots__} | {"stage": stage})


def _note(context: Context, connection: sa.Connection, watch: _Watch, stage: ProgressStage, now: datetime) -> None:
    """Write how far the vendor is, and tell watchers; nothing once the attempt has ended. Locks the job."""
    clip, attempts = watch.found.clip, tables.attempts
    lock_job(connection, watch.found.job.id)
    update = sa.update(attempts).where(attempts.c.id == watch.attempt.id, attempts.c.end_time.is_(None))
    if connection.execute(update.values(stage=watch.stage)).rowcount == 0:
        return
    values = {"stage": str(stage), "progress": watch.progress}
    connection.execute(sa.update(tables.clips).where(tables.clips.c.id == clip.id).values(**values))
    connection.execute(sa.update(tables.jobs).where(tables.jobs.c.id == watch.found.job.id).values(stage=str(stage)))
    derive_job(context, connection, watch.found.job.id, now)
    body = {
        "clip_id": clip.id,
        "clip_index": clip.position,
        "clip_stage": str(stage),
        "attempt_number": watch.attempt.number,
        "model": watch.attempt.model,
        "progress": watch.progress,
    }
    emit(connection, watch.found.job.id, EventKind.PROGRESS, now, body)
