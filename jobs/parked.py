"""Attempts that may have been bought: heal, park, adopt, resolve. Nothing here ever sends a paid POST."""

import asyncio
import contextlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa
import structlog

from core.crashpoints import crashpoint, declare
from core.errors import Billed, Failure, FailureReason, InvalidRequest, NotFound, Precondition, Reason, Violation
from core.money import Money
from core.outcome import Failed, Json, Ready, Ticket
from jobs import funds, tables, tenants
from jobs.context import Context, emit
from jobs.endpoints import provider_of
from jobs.events import EventKind, ProgressStage
from jobs.locks import lock_job
from jobs.orders import Verdict, VerdictKind
from jobs.records import Attempt, AttemptOutcome, ClipState, Situation, attempt_of, failure_json, situation
from jobs.sender import Sender
from jobs.settle import Bill, bill_failure, bill_success, derive_job, end_clip, settle_attempt
from ledger import ledger
from ledger.ledger import Basis

declare("before-park", "after-park", "before-adopt", "after-adopt")
_log = structlog.get_logger()
UNSETTLED = (str(AttemptOutcome.INTENDED), str(AttemptOutcome.AMBIGUOUS))
"""Outcomes of an attempt of which nobody knows yet whether it was taken."""
_PATIENCE = 0.1
"""A parked attempt is looked for again when this share of its age has passed since the last look."""
_FIRST_LOOKS = (0.0, 1.0)
"""Seconds before each search of the vendor's list while the clip still holds its slot."""


async def heal(context: Context, sender: Sender, found: Situation, attempt: Attempt, detail: str) -> str:
    """An attempt whose reply is lost: search the vendor's list, else park. The name of the next step."""
    await context.database.write_surely(lambda connection: _mark_ambiguous(connection, found.job.id, attempt, detail))
    for pause in _FIRST_LOOKS if context.provider(attempt).can_search else ():
        await asyncio.sleep(pause)
        ticket, _ = await look(context, sender, attempt)
        if ticket is not None:
            with contextlib.suppress(sa.exc.IntegrityError):  # another clip has just taken it: look again
                await adopt(context, found, attempt, ticket, "found in the vendor's list")
                return "wait"
    crashpoint("before-park")
    parked = await context.database.write(lambda connection: _park(context, connection, found, context.now()))
    crashpoint("after-park")
    context.bell.ring(found.job.id)
    return "parked" if parked else "submit"


async def look(context: Context, sender: Sender, attempt: Attempt) -> tuple[Ticket | None, bool]:
    """Search the vendor's list: (the attempt's ticket, whether it is surely not there).

    A job that only looks like ours is ours when it is the only one nobody owns.
    """
    found = await sender.search(attempt)
    if found.ticket is not None:
        return found.ticket, False
    ours = [ticket for ticket in found.candidates if not await owned(context, attempt, ticket)]
    if len(ours) == 1:
        return ours[0], False
    return None, found.complete and not ours


async def owned(context: Context, attempt: Attempt, ticket: Ticket) -> bool:
    """Whether the vendor's job belongs to another attempt."""
    name = str(ticket["id"])
    return await context.database.read(lambda connection: _owner(connection, attempt, name)) is not None


def _mark_ambiguous(connection: sa.Connection, job_id: str, attempt: Attempt, detail: str) -> None:
    attempts = tables.attempts
    lock_job(connection, job_id)
    update = sa.update(attempts).where(attempts.c.id == attempt.id, attempts.c.outcome == str(AttemptOutcome.INTENDED))
    connection.execute(update.values(outcome=str(AttemptOutcome.AMBIGUOUS), detail=detail))


def _park(context: Context, connection: sa.Connection, before: Situation, now: datetime) -> bool:
    clip_id = before.clip.id
    lock_job(connection, before.job.id)
    found = situation(connection, clip_id)
    last = found.last
    if last is None or last.outcome is not AttemptOutcome.AMBIGUOUS or last.end_time is not None:
        return False  # a webhook brought news in the meantime
    if found.clip.state is ClipState.PARKED:
        return True  # this step was cut after it had parked the clip, before the engine wrote that down
    values = {"state": str(ClipState.PARKED), "stage": str(ProgressStage.PARKED)}
    connection.execute(sa.update(tables.clips).where(tables.clips.c.id == clip_id).values(**values))
    body = {
        "clip_id": clip_id,
        "clip_index": found.clip.position,
        "clip_state": str(ClipState.PARKED),
        "clip_stage": str(ProgressStage.PARKED),
        "attempt_number": last.number,
        "attempt_outcome": str(AttemptOutcome.AMBIGUOUS),
        "model": last.model,
        "message": "the vendor may or may not have accepted this clip; it is not bought again by itself",
    }
    derive_job(context, connection, found.job.id, now, (EventKind.STALLED, body))
    return True


def accept_attempt(
    context: Context,
    connection: sa.Connection,
    job_id: str,
    attempt: Attempt,
    ticket: Ticket,
    now: datetime,
    estimate: Money | None = None,
    why: str = "the vendor's answer came late",
) -> bool:
    """Write that the vendor has the job, and tell. False when that was known already. Locks the job.

    A clip that is parked on the attempt goes on, and tells `why`.
    """
    lock_job(connection, job_id)
    deadline = now + timedelta(seconds=context.row(attempt).deadline_seconds)
    if not _own(connection, attempt, ticket, estimate, now, deadline):
        return False
    clips = tables.clips
    waiting = sa.update(clips).where(clips.c.id == attempt.clip_id).values(stage=str(ProgressStage.VENDOR_QUEUED))
    clip = connection.execute(waiting.returning(clips.c.position, clips.c.state)).one()
    body = {
        "clip_id": attempt.clip_id,
        "clip_index": clip.position,
        "clip_stage": str(ProgressStage.VENDOR_QUEUED),
        "attempt_number": attempt.number,
        "attempt_outcome": str(AttemptOutcome.ACCEPTED),
        "model": attempt.model,
    }
    emit(connection, job_id, EventKind.ATTEMPT, now, body)
    if clip.state == str(ClipState.PARKED):
        unpark(context, connection, attempt.clip_id, now, why)
    return True


def _own(
    connection: sa.Connection,
    attempt: Attempt,
    ticket: Ticket,
    estimate: Money | None,
    now: datetime,
    deadline: datetime,
) -> bool:
    """Give the attempt its ticket, once."""
    attempts = tables.attempts
    still_open = (attempts.c.outcome.in_(UNSETTLED), attempts.c.end_time.is_(None))
    update = sa.update(attempts).where(attempts.c.id == attempt.id, *still_open)
    values = {
        "outcome": str(AttemptOutcome.ACCEPTED),
        "ticket": dict(ticket),
        "vendor_task_id": str(ticket["id"]),
        "estimate_micros": None if estimate is None else estimate.micros,
        "submit_time": now,
        "deadline": deadline,
    }
    return connection.execute(update.values(**values)).rowcount == 1


async def adopt(context: Context, found: Situation, attempt: Attempt, ticket: Ticket, why: str) -> bool:
    """News of a lost submit: the vendor has it. A parked clip gets a new run. False when it was known already."""
    now = context.now()
    crashpoint("before-adopt")
    adopted = await context.database.write(
        lambda connection: accept_attempt(context, connection, found.job.id, attempt, ticket, now, why=why)
    )
    crashpoint("after-adopt")
    context.bell.ring(found.job.id, found.clip.id)
    return adopted


def unpark(context: Context, connection: sa.Connection, clip_id: str, now: datetime, why: str) -> None:
    """A parked clip goes on in a new run, queued in the caller's transaction."""
    found = situation(connection, clip_id)
    if found.clip.state is not ClipState.PARKED:
        return
    run = found.clip.run + 1
    values = {"state": str(ClipState.RUNNING), "run": run}
    connection.execute(sa.update(tables.clips).where(tables.clips.c.id == clip_id).values(**values))
    context.engine.enqueue(connection, clip_id=clip_id, run=run, tenant=found.job.tenant)
    body = {
        "clip_id": clip_id,
        "clip_index": found.clip.position,
        "clip_state": str(ClipState.RUNNING),
        "message": why,
    }
    emit(connection, found.job.id, EventKind.RESOLVED, now, body)
    derive_job(context, connection, found.job.id, now)


@dataclass(frozen=True, slots=True)
class Resolver:
    """Looks again for parked attempts, ends those whose time is over, and carries out an operator's verdict."""

    context: Context
    sender: Sender
    _looked: dict[str, datetime] = field(default_factory=dict)

    async def sweep(self) -> None:
        """One pass over the parked clips: at first every time, then the more seldom the longer they wait."""
        for clip_id in await self.context.database.read(_parked_clips):
            found = await self.context.database.read(partial(situation, clip_id=clip_id))
            last = found.last
            if last is not None and found.clip.state is ClipState.PARKED:
                await self._look(found, last)

    async def _look(self, found: Situation, attempt: Attempt) -> None:
        now = self.context.now()
        age = (now - attempt.intend_time).total_seconds()
        since = (now - self._looked.get(attempt.id, attempt.intend_time)).total_seconds()
        if since < age * _PATIENCE and age < self.context.policy.resolution_ttl:
            return
        self._looked[attempt.id] = now
        if self.context.provider(attempt).can_search:
            ticket, absent = await look(self.context, self.sender, attempt)
            if ticket is not None:
                with contextlib.suppress(
                    sa.exc.IntegrityError
                ):  # another clip has just taken it: the next pass looks again
                    await adopt(self.context, found, attempt, ticket, "found in the vendor's list")
                return
            if absent and age >= self.context.policy.lookup_settle:
                await self._absent(found, attempt)
                return
        if age >= self.context.policy.lookup_settle and await self._bought_again(found, attempt):
            return
        if age >= self.context.policy.resolution_ttl:
            await self._give_up(found, attempt)

    async def _bought_again(self, found: Situation, attempt: Attempt) -> bool:
        """What a tenant may choose: a new attempt without asking anybody, as often as a clip may be tried."""
        if len(found.attempts) >= self.context.policy.clip_attempts:
            return False
        policy = await self.context.database.read(partial(tenants.policy, name=found.job.tenant))
        if policy.ambiguous is not tenants.Ambiguous.RESUBMIT:
            return False
        try:
            return await self._resubmit(found, attempt, "the tenant's policy")
        except Precondition as refusal:
            _log.warning("a parked clip is not bought again", clip=found.clip.id, why=refusal.message)
            return False

    async def _absent(self, found: Situation, attempt: Attempt) -> None:
        """The vendor's whole list, read well after the submit, does not know it: it was never accepted."""
        failure = Failure(
            reason=FailureReason.VENDOR_UNAVAILABLE,
            message="the submit was lost on its way: the vendor's list does not know it",
            billed=Billed.NO,
        )
        await self._free(found, attempt, failure, "the vendor never accepted it")

    async def _free(self, found: Situation, attempt: Attempt, failure: Failure, why: str) -> None:
        now = self.context.now()

        def work(connection: sa.Connection) -> None:
            attempts = tables.attempts
            still_open = (attempts.c.outcome == str(AttemptOutcome.AMBIGUOUS), attempts.c.end_time.is_(None))
            lock_job(connection, found.job.id)
            update = sa.update(attempts).where(attempts.c.id == attempt.id, *still_open)
            values = {"outcome": str(AttemptOutcome.REFUSED), "end_time": now, "failure": failure_json(failure)}
            if connection.execute(update.values(**values)).rowcount:
                unpark(self.context, connection, found.clip.id, now, why)

        await self.context.database.write(work)
        self.context.bell.ring(found.job.id)

    async def _give_up(self, found: Situation, attempt: Attempt) -> bool:
        """End the clip with the quote booked. False when it is not parked on this attempt any more."""
        failure = Failure(
            reason=FailureReason.SUBMIT_UNKNOWN,
            message="it never became known whether the vendor accepted this clip",
            billed=Billed.UNKNOWN,
            retryable=False,
        )
        now = self.context.now()

        def work(connection: sa.Connection) -> bool:
            lock_job(connection, found.job.id)
            fresh = situation(connection, found.clip.id)
            if not _parked_on(fresh, attempt):
                return False
            money = Money(currency=attempt.currency, micros=attempt.quote_micros)
            bill = Bill(money=money, basis=Basis.UNKNOWN, unknown=True)
            settle_attempt(connection, fresh, attempt, bill, failure, now)
            end_clip(self.context, connection, fresh, failure, now)
            return True

        ended = await self.context.database.write(work)
        if ended:
            _log.error("a clip ended without knowing whether it was bought", clip=found.clip.id, attempt=attempt.id)
        self.context.bell.ring(found.job.id)
        return ended

    async def resolve(self, clip_id: str, tenant: str | None, verdict: Verdict) -> str:
        """Carry out an operator's verdict on a parked clip; the job's id."""
        found = await self._parked(clip_id, tenant)
        attempt = found.last
        assert attempt is not None
        if verdict.attempt_number not in (0, attempt.number):
            message = f"the clip is parked on attempt {attempt.number}: look at it again before deciding"
            raise InvalidRequest.of([Violation(field="attempt_number", message=message)])
        if verdict.kind is VerdictKind.ADOPT:
            done = await self._adopt(found, attempt, verdict.vendor_task_id)
        elif verdict.kind is VerdictKind.ABANDON:
            done = await self._give_up(found, attempt)
        else:
            done = await self._resubmit(found, attempt)
        if not done:
            message = "there was news of the clip in the meantime: look at it again before deciding"
            raise InvalidRequest.of([Violation(field="clip_id", message=message)])
        return found.job.id

    async def _parked(self, clip_id: str, tenant: str | None) -> Situation:
        def work(connection: sa.Connection) -> Situation | None:
            known = connection.execute(sa.select(tables.clips.c.id).where(tables.clips.c.id == clip_id)).scalar()
            return None if known is None else situation(connection, clip_id)

        found = await self.context.database.read(work)
        if found is None or (tenant is not None and found.job.tenant != tenant):
            raise NotFound(reason=Reason.NOT_FOUND, message="no such clip")
        if found.clip.state is not ClipState.PARKED:
            message = f"clip_id: the clip is {found.clip.state}, only a PARKED clip can be resolved"
            raise InvalidRequest.of([Violation(field="clip_id", message=message)])
        return found

    async def _adopt(self, found: Situation, attempt: Attempt, vendor_task_id: str) -> bool:
        """Poll first with the attempt's credential: the vendor must know the job, and nobody else may own it."""
        owner = await self.context.database.read(lambda connection: _owner(connection, attempt, vendor_task_id))
        if owner is not None:
            raise _bad_task("this vendor task belongs to another attempt")
        ticket = self.context.provider(attempt).adopt(vendor_task_id, self.context.row(attempt))
        if ticket is None:
            raise _bad_task("this cannot be one of the vendor's task ids")
        outcome = await self.sender.poll(_with_ticket(attempt, ticket))
        if isinstance(outcome, Failed) and outcome.failure == self.context.provider(attempt).lost():
            raise _bad_task("the vendor does not know this task")
        if not isinstance(outcome, Failed | Ready) and outcome.unknown:
            raise _bad_task("the vendor could not be asked about this task; try again")
        try:
            return await adopt(self.context, found, attempt, ticket, "adopted by an operator")
        except sa.exc.IntegrityError:
            raise _bad_task("this vendor task belongs to another attempt") from None

    async def _resubmit(self, found: Situation, attempt: Attempt, who: str = "an operator") -> bool:
        """Let the clip be bought again, on a new hold; the lost attempt's quote stays booked as UNKNOWN.

        Raises Precondition where a budget or `max_cost` has no room for the hold; then nothing has changed.
        """
        now = self.context.now()
        failure = Failure(
            reason=FailureReason.SUBMIT_UNKNOWN,
            message=f"{who} ordered a new attempt; this one may have been bought too",
            billed=Billed.UNKNOWN,
            retryable=True,
        )

        def work(connection: sa.Connection) -> bool:
            lock_job(connection, found.job.id)
            fresh = situation(connection, found.clip.id)
            if not _parked_on(fresh, attempt):
                return False
            money = Money(currency=attempt.currency, micros=attempt.quote_micros)
            bill = Bill(money=money, basis=Basis.UNKNOWN, unknown=True)
            settle_attempt(connection, fresh, attempt, bill, failure, now)
            hold = Money(currency=attempt.currency, micros=attempt.held_micros)
            refusal = funds.hold_more(connection, funds.Top(situation=fresh, money=hold, attempt_id=attempt.id), now)
            if refusal is not None:
                raise refusal
            unpark(self.context, connection, found.clip.id, now, f"{who} ordered a new attempt; it may pay twice")
            return True

        ordered = await self.context.database.write(work)
        self.context.bell.ring(found.job.id)
        return ordered

    async def late_news(self, found: Situation, attempt: Attempt, ticket: Ticket) -> None:
        """An attempt whose books are closed turns out to be known: book what it really costs, once the vendor says."""
        outcome = await self.sender.poll(_with_ticket(attempt, ticket))
        if isinstance(outcome, Ready):
            seconds = found.clip.target_duration
            billed, bill = Billed.YES, bill_success(self.context, found, attempt, outcome.usage, seconds)
        elif isinstance(outcome, Failed):
            failure, bill = bill_failure(self.context, found, attempt, outcome)
            billed = failure.billed
        else:
            return
        now = self.context.now()
        await self.context.database.write(
            lambda connection: _correct(connection, found, attempt, ticket, bill, billed, now)
        )
        self.context.bell.ring(found.job.id)


def _correct(
    connection: sa.Connection,
    found: Situation,
    attempt: Attempt,
    ticket: Ticket,
    bill: Bill,
    billed: Billed,
    now: datetime,
) -> None:
    """Pin the closed attempt to the vendor's job and book the difference; once. No event: the job may have ended."""
    attempts = tables.attempts
    lock_job(connection, found.job.id)
    failure = None if attempt.failure is None else replace(attempt.failure, billed=billed)
    update = sa.update(attempts).where(attempts.c.id == attempt.id, attempts.c.vendor_task_id.is_(None))
    values = {
        "outcome": str(AttemptOutcome.ACCEPTED),
        "ticket": dict(ticket),
        "vendor_task_id": str(ticket["id"]),
        "cost_micros": bill.money.micros,
        "cost_basis": str(bill.basis),
        "failure": failure_json(failure),
    }
    if connection.execute(update.values(**values)).rowcount:
        difference = Money(currency=attempt.currency, micros=bill.money.micros - (attempt.cost_micros or 0))
        ledger.correct(
            connection, found.account, difference, bill.basis, now, attempt_id=attempt.id, unknown=bill.unknown
        )
        funds.watch_bill(connection, found, attempt, difference.micros, bill.basis, now)


def _parked_on(found: Situation, attempt: Attempt) -> bool:
    return found.clip.state is ClipState.PARKED and found.last is not None and found.last.id == attempt.id


def _bad_task(message: str) -> InvalidRequest:
    return InvalidRequest.of([Violation(field="adopt.vendor_task_id", message=message)])


def _with_ticket(attempt: Attempt, ticket: Ticket) -> Attempt:
    values: dict[str, Json] = {name: getattr(attempt, name) for name in Attempt.__slots__}
    return Attempt(**values | {"ticket": ticket})


def _owner(connection: sa.Connection, attempt: Attempt, vendor_task_id: str) -> str | None:
    attempts = tables.attempts
    query = sa.select(attempts.c.id).where(
        attempts.c.endpoint == attempt.endpoint,
        attempts.c.vendor_task_id == vendor_task_id,
        attempts.c.id != attempt.id,
    )
    owner: str | None = connection.execute(query).scalar()
    return owner


def _parked_clips(connection: sa.Connection) -> list[str]:
    query = sa.select(tables.clips.c.id).where(tables.clips.c.state == str(ClipState.PARKED)).limit(1000)
    return list(connection.execute(query).scalars())


def attempt_by_token(connection: sa.Connection, provider: str, token: str) -> tuple[Situation, Attempt] | None:
    """The attempt whose webhook address holds this token, at this vendor."""
    attempts = tables.attempts
    row = connection.execute(sa.select(attempts).where(attempts.c.callback_token == token)).one_or_none()
    if row is None or provider_of(row.endpoint) != provider:
        return None
    return situation(connection, row.clip_id), attempt_of(row)


def not_cancellable(state: str) -> Precondition:
    """The refusal to cancel what has ended otherwise."""
    return Precondition(
        reason=Reason.JOB_NOT_CANCELLABLE,
        message=f"the job has already ended as {state}",
        metadata={"state": state},
    )
