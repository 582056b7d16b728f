"""Endings: what an attempt cost, what a clip became, what the job is then. Always inside the caller's transaction."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from core.errors import Billed, Failure, FailureReason
from core.identifiers import new_id
from core.money import Money
from core.outcome import Failed, Json, Stage, Usage
from jobs import funds, journal, tables
from jobs.context import Context, emit
from jobs.events import EventKind, ProgressStage
from jobs.locks import lock_job
from jobs.records import (
    TERMINAL_CLIP,
    Attempt,
    AttemptOutcome,
    Candidate,
    ClipState,
    Enhancement,
    JobState,
    Situation,
    failure_json,
    job_of,
    spec_of,
)
from ledger import ledger
from providers import prices


@dataclass(frozen=True, kw_only=True, slots=True)
class Bill:
    """What an attempt costs, and how we know."""

    money: Money
    basis: str
    unknown: bool = False
    """Nobody knows: the amount is booked until news comes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredVideo:
    """A clip's file in the tenant's store."""

    key: str
    size: int
    sha256: str
    facts: Mapping[str, Json]


def candidate_of(situation: Situation, attempt: Attempt) -> Candidate:
    """What the attempt was to buy."""
    return next(candidate for candidate in situation.clip.candidates if candidate.model == attempt.model)


def bill_success(context: Context, situation: Situation, attempt: Attempt, usage: Usage, seconds: float) -> Bill:
    """The cost of a delivered clip: vendor-stated, else price x delivered seconds."""
    spec = spec_of(candidate_of(situation, attempt).spec, {})
    cost = prices.cost(context.row(attempt), spec, usage, seconds, currency=attempt.currency)
    return Bill(money=cost.money, basis=cost.basis, unknown=cost.billed is Billed.UNKNOWN)


def bill_failure(
    context: Context,
    situation: Situation,
    attempt: Attempt,
    failed: Failed,
    *,
    stopped: bool = False,
    overdue: bool = False,
) -> tuple[Failure, Bill]:
    """The failure as the clip's, and its cost; UNKNOWN books the quote, never 0.

    `stopped`: we asked the vendor to stop, so the row's cancel rule counts; `overdue`: because of the deadline.
    """
    estimate = attempt.estimate_micros
    cost = prices.failure_cost(
        context.row(attempt),
        spec_of(candidate_of(situation, attempt).spec, {}),
        failed,
        last_seen=Stage(attempt.stage or Stage.QUEUED),
        cancelled=stopped,
        estimate=None if estimate is None else Money(currency=attempt.currency, micros=estimate),
        currency=attempt.currency,
    )
    stated_free = cost.billed is Billed.YES and not cost.money.micros
    failure = replace(failed.failure, billed=Billed.NO if stated_free else cost.billed)
    if stopped:
        reason = FailureReason.TIMED_OUT if overdue else FailureReason.CANCELLED
        message = "the vendor did not finish before the model's deadline" if overdue else "cancelled on request"
        failure = Failure(reason=reason, message=message, billed=failure.billed, retryable=False)
    return failure, Bill(money=cost.money, basis=cost.basis, unknown=failure.billed is Billed.UNKNOWN)


def settle_attempt(
    connection: sa.Connection,
    situation: Situation,
    attempt: Attempt,
    bill: Bill,
    failure: Failure | None,
    now: datetime,
) -> bool:
    """Book an attempt's cost and end it, once, in a job that is locked. False when it had ended already."""
    update = (
        sa.update(tables.attempts)
        .where(tables.attempts.c.id == attempt.id, tables.attempts.c.end_time.is_(None))
        .values(
            end_time=now,
            cost_micros=bill.money.micros,
            cost_basis=str(bill.basis),
            failure=failure_json(failure),
        )
    )
    if connection.execute(update).rowcount == 0:
        return False
    account = situation.account
    grown = ledger.settle(connection, account, bill.money, bill.basis, now, attempt_id=attempt.id, unknown=bill.unknown)
    funds.watch_bill(connection, situation, attempt, grown, bill.basis, now)
    if bill.unknown:
        funds.watch_unknown(connection, situation, attempt, bill.money, now)
    return True


def fail_attempt(
    connection: sa.Connection, situation: Situation, attempt: Attempt, failure: Failure, bill: Bill, now: datetime
) -> None:
    """An accepted attempt that brought no clip: booked, told; what comes next is decided from the rows.

    Locks the job.
    """
    lock_job(connection, situation.job.id)
    if settle_attempt(connection, situation, attempt, bill, failure, now):
        body = _about(situation, attempt) | {"failure": failure_json(failure), "cost": _money(bill.money)}
        emit(connection, situation.job.id, EventKind.ATTEMPT, now, body)


def succeed(
    context: Context,
    connection: sa.Connection,
    situation: Situation,
    attempt: Attempt,
    bill: Bill,
    video: StoredVideo,
    notices: Sequence[Mapping[str, Json]],
    now: datetime,
) -> None:
    """The clip is in the tenant's store: video row, real cost, release of the rest, events, job state.

    Locks the job.
    """
    lock_job(connection, situation.job.id)
    if not settle_attempt(connection, situation, attempt, bill, None, now):
        return
    video_id = new_id("vid")
    mock = attempt.endpoint.startswith("mock:")
    row = {
        "id": video_id,
        "tenant": situation.job.tenant,
        "creative_id": situation.job.creative_id,
        "job_id": situation.job.id,
        "clip_id": situation.clip.id,
        "iteration": situation.clip.iteration,
        "key": video.key,
        "create_time": now,
        "size": video.size,
        "sha256": video.sha256,
        "facts": dict(video.facts),
        "provenance": {"model": attempt.model, "vendor_task_id": attempt.vendor_task_id, "mock": mock},
        "labels": dict(situation.job.labels),
    }
    connection.execute(sa.insert(tables.videos), row)
    about = _about(situation, attempt) | {"video_id": video_id, "key": video.key}
    emit(connection, situation.job.id, EventKind.COLLECTED, now, about)
    values = {"facts": dict(video.facts), "notices": [*situation.clip.notices, *notices], "progress": 1.0}
    _end(context, connection, situation, ClipState.SUCCEEDED, values, about | {"cost": _money(bill.money)}, now)


def end_clip(
    context: Context, connection: sa.Connection, situation: Situation, failure: Failure, now: datetime
) -> None:
    """The clip ends without a video: release, event, job state. What attempts cost is booked already."""
    state = ClipState.CANCELLED if failure.reason is FailureReason.CANCELLED else ClipState.FAILED
    body = {"clip_id": situation.clip.id, "clip_index": situation.clip.position, "failure": failure_json(failure)}
    _end(context, connection, situation, state, {"failure": failure_json(failure)}, body, now)


def _end(
    context: Context,
    connection: sa.Connection,
    situation: Situation,
    state: ClipState,
    values: Mapping[str, Json],
    body: Mapping[str, Json],
    now: datetime,
) -> None:
    update = (
        sa.update(tables.clips)
        .where(tables.clips.c.id == situation.clip.id, tables.clips.c.state.not_in([str(s) for s in TERMINAL_CLIP]))
        .values(state=str(state), stage=str(ProgressStage.ENDED), end_time=now, **values)
    )
    if connection.execute(update).rowcount == 0:
        return
    currency = situation.job.quote["currency"]
    ledger.release(connection, situation.account, currency, now)
    ended = {"clip_state": str(state), "clip_stage": str(ProgressStage.ENDED)}
    derive_job(context, connection, situation.job.id, now, (EventKind.SETTLED, dict(body) | ended))


def derive_job(
    context: Context,
    connection: sa.Connection,
    job_id: str,
    now: datetime,
    cause: tuple[EventKind, Mapping[str, Json]] | None = None,
) -> None:
    """The job's state from its clips': NEEDS_RESOLUTION while any is parked, then its end; terminal never changes.

    `cause` is the event of what happened: it tells the job's state as it is then, but its end has an event of its own.
    """
    job = job_of(connection.execute(sa.select(tables.jobs).where(tables.jobs.c.id == job_id)).one())
    if job.state.terminal:
        return
    query = sa.select(tables.clips.c.state, tables.clips.c.progress, tables.clips.c.failure).where(
        tables.clips.c.job_id == job_id
    )
    rows = connection.execute(query.order_by(tables.clips.c.position)).all()
    counts = Counter(ClipState(row.state) for row in rows)
    state = _state(counts, len(rows), cancelling=job.cancel_requested, current=job.state)
    progress = sum(row.progress for row in rows) / len(rows)
    values: dict[str, Json] = {"state": str(state), "progress": 1.0 if state.terminal else progress}
    if state.terminal:
        failure = next((row.failure for row in rows if row.failure), None)
        succeeded = state is JobState.SUCCEEDED
        values |= {"end_time": now, "stage": str(ProgressStage.ENDED), "failure": None if succeeded else failure}
    elif state is JobState.NEEDS_RESOLUTION:
        values |= {"stage": str(ProgressStage.PARKED)}
    if cause is not None and state.terminal:
        emit(connection, job_id, cause[0], now, cause[1])
    connection.execute(sa.update(tables.jobs).where(tables.jobs.c.id == job_id).values(**values))
    if cause is not None and not state.terminal:
        emit(connection, job_id, cause[0], now, cause[1])
    if state.terminal and job.enhancement is Enhancement.DUE:
        journal.abandon(connection, str(job.prompt_id), now)
    if state.terminal:
        emit(connection, job_id, EventKind.ENDED, now, {"job_state": str(state), "failure": values["failure"]})


def _state(counts: Counter[ClipState], total: int, *, cancelling: bool, current: JobState) -> JobState:
    ended = sum(counts[state] for state in TERMINAL_CLIP)
    if ended + counts[ClipState.PARKED] < total:
        working = JobState.CANCELLING if cancelling else JobState.RUNNING
        return current if current is JobState.QUEUED and not cancelling else working
    if counts[ClipState.PARKED]:
        return JobState.NEEDS_RESOLUTION
    if counts[ClipState.SUCCEEDED] == total:
        return JobState.SUCCEEDED
    if counts[ClipState.SUCCEEDED]:
        return JobState.PARTIALLY_SUCCEEDED
    return JobState.CANCELLED if cancelling else JobState.FAILED


def _about(situation: Situation, attempt: Attempt) -> dict[str, Json]:
    return {
        "clip_id": situation.clip.id,
        "clip_index": situation.clip.position,
        "attempt_number": attempt.number,
        "attempt_outcome": str(AttemptOutcome(attempt.outcome)),
        "model": attempt.model,
    }


def _money(money: Money) -> dict[str, Json]:
    return {"currency": money.currency, "micros": money.micros}
