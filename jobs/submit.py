"""The step that pays: intend, POST once, record. Never the engine's to repeat (jobs.md, rule 1)."""

import asyncio
import hashlib
import json
import math
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import structlog

from core.crashpoints import crashpoint, declare
from core.errors import Failure, FailureReason
from core.identifiers import new_id
from core.money import Money
from core.outcome import Accepted, Ambiguous, Json, Refused, Request, Submitted
from core.spec import Notice
from jobs import funds, parked, tables
from jobs.breaker import CREDENTIAL_REFUSED
from jobs.context import Context, emit
from jobs.decide import Buy, GiveUp, decide
from jobs.endpoints import Endpoint
from jobs.events import EventKind, Listening, ProgressStage
from jobs.locks import lock_job
from jobs.records import (
    Attempt,
    AttemptOutcome,
    Candidate,
    ClipState,
    JobState,
    Situation,
    attempt_of,
    failure_json,
    input_ids,
    notice_json,
    situation,
    spec_of,
)
from jobs.sender import Sender
from jobs.settle import end_clip
from jobs.supply import InputUnusable, Supply
from providers.base import BaseVideoProvider
from providers.model import VideoModel

declare("before-intend", "after-intend", "before-record", "after-record")
_log = structlog.get_logger()
_LARGEST_KEPT_REQUEST = 64 * 1024
_SILENT_WAIT = 1.0
"""Seconds for a vendor's budget that are not worth an event."""
_LOADS_SECONDS = 1.0
_UNTOLD = Failure(
    reason=FailureReason.VENDOR_UNAVAILABLE,
    message="the vendor tells its results by webhook only, and this server has no address for webhooks",
    retryable=False,
)


@dataclass(slots=True)
class _Loads:
    """How many clips are under way at each endpoint: counted anew now and then, for it takes longer the more wait."""

    clips: Counter[str] = field(default_factory=Counter)
    _counting: asyncio.Lock = field(default_factory=asyncio.Lock)
    _until: float = -math.inf

    async def refresh(self, context: Context, bound: Mapping[str, int]) -> None:
        """Count, if that is a while ago; whoever chooses an endpoint adds itself. `bound`: who has no attempt yet."""
        async with self._counting:
            if context.monotonic() >= self._until:
                clips = Counter(bound)
                clips.update(await context.database.read(_under_way))
                self.clips, self._until = clips, context.monotonic() + _LOADS_SECONDS


@dataclass(frozen=True, slots=True)
class Submitting:
    """Step `submit`: from whatever the rows say to an accepted attempt, a parked clip or an ended one."""

    context: Context
    sender: Sender
    bound: Counter[str] = field(default_factory=Counter)
    """Endpoint -> clips of this process that chose it and have no attempt there yet."""
    loads: _Loads = field(default_factory=_Loads)

    async def __call__(self, clip_id: str) -> str:
        """One purchase at most; the name of the next step."""
        with self.context.bell.listen(clip_id) as listening:
            return await self._act(clip_id, listening)

    async def _act(self, clip_id: str, listening: Listening) -> str:
        found = await self.context.situations(clip_id)
        last = found.last
        if found.clip.state.terminal:
            return "end"
        if found.enhances:
            return "enhance"
        if last is not None and last.end_time is None:
            if last.outcome is AttemptOutcome.ACCEPTED:
                return "wait"
            return await parked.heal(self.context, self.sender, found, last, "the process died before the reply")
        match decide(found.clip.candidates, found.attempts, self.context.policy, self.context.vendors.catalogue):
            case GiveUp(failure=failure):
                return await self._end(found, failure)
            case Buy() if found.job.cancel_requested:
                return await self._end(found, Failure(reason=FailureReason.CANCELLED, message="cancelled on request"))
            case Buy(due=due) as purchase:
                if due is not None and due > self.context.now():
                    return await self._pause(due, listening)
                return await self._buy(found, purchase, listening)

    async def _pause(self, due: datetime, listening: Listening) -> str:
        """Until then, or until the bell (a cancel) rings: it has been listened to since before the rows were read."""
        await listening.wait((due - self.context.now()).total_seconds())
        return "submit"

    async def _end(self, found: Situation, failure: Failure) -> str:
        now = self.context.now()

        def work(connection: sa.Connection) -> str:
            lock_job(connection, found.job.id)
            fresh = situation(connection, found.clip.id)
            if len(fresh.attempts) > len(found.attempts):
                return "submit"  # somebody else went on meanwhile
            end_clip(self.context, connection, fresh, failure, now)
            return "end"

        step = await self.context.database.write(work)
        self.context.bell.ring(found.job.id)
        return step

    async def _buy(self, found: Situation, purchase: Buy, listening: Listening) -> str:
        row = self.context.vendors.catalogue.rows[purchase.candidate.model]
        endpoint = await self._endpoint(row, found.job.quote["currency"])
        if endpoint is None:
            failure = Failure(reason=FailureReason.VENDOR_UNAVAILABLE, message="the model is not available any more")
            return await self._end(found, failure)
        self.bound[endpoint.name] += 1
        try:
            return await self._buy_at(endpoint, found, purchase, listening)
        finally:
            self.bound[endpoint.name] -= 1

    async def _buy_at(self, endpoint: Endpoint, found: Situation, purchase: Buy, listening: Listening) -> str:
        row = self.context.vendors.catalogue.rows[purchase.candidate.model]
        breaker = self.context.vendors.breakers[endpoint.name]
        if not breaker.why() and not await self._turn(found, endpoint, listening):
            return "submit"
        if self.context.draining.is_set():
            await asyncio.Event().wait()  # the engine is being stopped: leave this step unrecorded
        await self.context.engine.hold()
        if not breaker.admit():
            paused = Refused(failure=breaker.failure(), retry_after=breaker.wait())
            return await self._refuse(found, purchase, endpoint, paused)
        self.context.purchases += 1
        try:
            return await self._purchase(found, purchase, self.context.vendors.providers[row.provider], endpoint)
        finally:
            self.context.purchases -= 1

    async def _turn(self, found: Situation, endpoint: Endpoint, listening: Listening) -> bool:
        """Wait until the vendor's budget has room for one more submit; False when the bell (a cancel) rings first."""
        budget = self.sender.budget(endpoint, submits=True)
        if budget.at_once():
            return True
        turn = asyncio.ensure_future(budget.turn(found.job.tenant))
        bell = asyncio.ensure_future(listening.wait(None))
        try:
            await asyncio.wait({turn, bell}, timeout=_SILENT_WAIT, return_when=asyncio.FIRST_COMPLETED)
            if not turn.done() and not bell.done():
                await self._say_throttled(found)
                await asyncio.wait({turn, bell}, return_when=asyncio.FIRST_COMPLETED)
            return turn.done()
        finally:
            await _ended(turn, bell)

    async def _say_throttled(self, found: Situation) -> None:
        now = self.context.now()
        await self.context.database.write(lambda connection: _note_throttled(connection, found, now))
        self.context.bell.ring(found.job.id)

    async def _endpoint(self, row: VideoModel, currency: str) -> Endpoint | None:
        """Of the vendor's credentials that are not paused, the one with the fewest clips under way."""
        vendors = self.context.vendors
        usable = [endpoint for endpoint in vendors.endpoints(row) if endpoint.currency == currency]
        if len(usable) < 2:
            return usable[0] if usable else None
        await self.loads.refresh(self.context, self.bound)
        busy = self.loads.clips
        found = min(usable, key=lambda each: (bool(vendors.breakers[each.name].why()), busy[each.name]))
        busy[found.name] += 1
        return found

    def _with_another_key(self, row: VideoModel, endpoint: Endpoint, submitted: Submitted) -> Submitted:
        """The same, but what one credential is refused may be tried again with another that is not paused."""
        vendors = self.context.vendors
        if not isinstance(submitted, Refused) or submitted.failure.reason not in CREDENTIAL_REFUSED:
            return submitted
        others = (other.name for other in vendors.endpoints(row) if other.name != endpoint.name)
        usable = any(not vendors.breakers[name].why() for name in others)
        return replace(submitted, failure=replace(submitted.failure, retryable=usable))

    async def _refuse(self, found: Situation, purchase: Buy, endpoint: Endpoint, refused: Refused) -> str:
        """An attempt that is over before anything of it is sent."""
        intent = _attempt_row(found, purchase, endpoint, None, self.context.now())
        intent |= {"callback_token": secrets.token_urlsafe(24), "called_back": False}
        attempt = await self._intend(found, intent)
        if isinstance(attempt, Failure):
            return await self._end(found, attempt)
        return "submit" if attempt is None else await record(self.context, self.sender, found, attempt, refused)

    async def _purchase(self, found: Situation, purchase: Buy, provider: BaseVideoProvider, endpoint: Endpoint) -> str:
        token = secrets.token_urlsafe(24)
        callback = self.context.callback_url(endpoint, token)
        if callback is None and provider.answers_by_callback:
            return await self._refuse(found, purchase, endpoint, Refused(failure=_UNTOLD))
        try:
            request = await self._request(found, purchase.candidate, provider, endpoint, callback)
        except InputUnusable as error:
            return await self._refuse(found, purchase, endpoint, Refused(failure=error.failure))
        crashpoint("before-intend")
        intent = _attempt_row(found, purchase, endpoint, request, self.context.now())
        intent |= {"callback_token": token, "called_back": callback is not None}
        attempt = await self._intend(found, intent)
        if isinstance(attempt, Failure):
            return await self._end(found, attempt)
        if attempt is None:
            return "submit"
        crashpoint("after-intend")
        row = self.context.vendors.catalogue.rows[purchase.candidate.model]
        submitted = self._with_another_key(row, endpoint, await self.sender.submit(provider, endpoint, request))
        crashpoint("before-record")
        step = await record(self.context, self.sender, found, attempt, submitted)
        crashpoint("after-record")
        return step

    async def _request(
        self,
        found: Situation,
        candidate: Candidate,
        provider: BaseVideoProvider,
        endpoint: Endpoint,
        callback: str | None,
    ) -> Request:
        wanted = input_ids(candidate.spec)
        blobs = await self.context.database.read(lambda connection: _blobs(connection, wanted)) if wanted else {}
        row = self.context.vendors.catalogue.rows[candidate.model]
        supply = Supply(
            context=self.context, sender=self.sender, provider=provider, endpoint=endpoint, row=row, found=found
        )
        return provider.submit(await supply(spec_of(candidate.spec, blobs)), row, callback)

    async def _intend(self, found: Situation, intent: dict[str, Json]) -> Attempt | Failure | None:
        now = self.context.now()
        attempt = await self.context.database.write_surely(lambda connection: _insert(connection, found, intent, now))
        self.context.bell.ring(found.job.id)
        return attempt


async def _ended(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel what has not ended, and wait for it."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _note_throttled(connection: sa.Connection, found: Situation, now: datetime) -> None:
    """Write that the clip waits for the vendor's budget, and tell watchers; once per wait, and not after its end."""
    stage = str(ProgressStage.VENDOR_THROTTLED)
    clips, jobs = tables.clips, tables.jobs
    lock_job(connection, found.job.id)
    waits = (clips.c.id == found.clip.id, clips.c.stage != stage, clips.c.end_time.is_(None))
    if connection.execute(sa.update(clips).where(*waits).values(stage=stage)).rowcount:
        connection.execute(sa.update(jobs).where(jobs.c.id == found.job.id).values(stage=stage))
        body = {"clip_id": found.clip.id, "clip_index": found.clip.position, "clip_stage": stage}
        emit(connection, found.job.id, EventKind.PROGRESS, now, body)


def _blobs(connection: sa.Connection, ids: list[str]) -> dict[str, bytes]:
    query = sa.select(tables.inputs.c.id, tables.inputs.c.data).where(tables.inputs.c.id.in_(ids))
    return {row.id: row.data for row in connection.execute(query)}


def _under_way(connection: sa.Connection) -> dict[str, int]:
    """Endpoint -> attempts under way there."""
    attempts = tables.attempts
    query = sa.select(attempts.c.endpoint, sa.func.count()).where(attempts.c.end_time.is_(None))
    return {row[0]: row[1] for row in connection.execute(query.group_by(attempts.c.endpoint))}


def _attempt_row(
    found: Situation, purchase: Buy, endpoint: Endpoint, request: Request | None, now: datetime
) -> dict[str, Json]:
    sent, body = _sent(request)
    return {
        "id": new_id("att"),
        "clip_id": found.clip.id,
        "number": purchase.number,
        "model": purchase.candidate.model,
        "endpoint": endpoint.name,
        "credential": endpoint.credential,
        "request": sent if len(body) <= _LARGEST_KEPT_REQUEST else None,
        "request_hash": hashlib.sha256(body).hexdigest(),
        "quote_micros": purchase.candidate.quote_micros,
        "held_micros": purchase.candidate.held_micros,
        "currency": endpoint.currency,
        "outcome": str(AttemptOutcome.INTENDED),
        "intend_time": now,
    }


def _sent(request: Request | None) -> tuple[Json, bytes]:
    """What a request says, as it is kept to recognise it by: its JSON, or the text fields of its form."""
    if request is None:
        return None, b""
    fields = {part.name: part.data.decode("utf-8", "replace") for part in request.form if not part.filename}
    sent = request.json if request.json is not None else fields or None
    body = json.dumps(sent, sort_keys=True, separators=(",", ":"))
    return sent, f"{request.method} {request.path} {body}".encode()


def _insert(
    connection: sa.Connection, found: Situation, values: dict[str, Json], now: datetime
) -> Attempt | Failure | None:
    """Insert the intent under (clip, number), unless the job was cancelled, somebody else went on meanwhile, or what it
    needs may not be held.

    The first attempt is covered by the clip's hold; another one may need more than is left of it.
    """
    jobs, clips, attempts = tables.jobs, tables.clips, tables.attempts
    job = lock_job(connection, found.job.id)
    same = sa.select(attempts).where(attempts.c.clip_id == found.clip.id, attempts.c.number == values["number"])
    there = connection.execute(same).one_or_none()
    if there is not None:  # ours, if the connection was lost while it was committed
        return attempt_of(there) if there.id == values["id"] else None
    ended = connection.execute(sa.select(clips.c.end_time).where(clips.c.id == found.clip.id)).scalar_one()
    if job.cancel_requested or ended is not None:
        return None
    if found.attempts:
        money = Money(currency=values["currency"], micros=values["held_micros"])
        refusal = funds.hold_more(connection, funds.Top(situation=found, money=money, attempt_id=values["id"]), now)
        if refusal is not None:
            return funds.not_bought(refusal)
    row = connection.execute(sa.insert(attempts).values(**values).returning(*attempts.c)).one()
    update = sa.update(clips).where(clips.c.id == found.clip.id)
    start = {} if found.clip.start_time else {"start_time": now}
    running = {"state": str(ClipState.RUNNING), "stage": str(ProgressStage.SUBMITTING), "model": values["model"]}
    notices = [*found.clip.notices, *_fallback_notices(found, values["model"])]
    connection.execute(update.values(**running, **start, notices=notices))
    if job.state is JobState.QUEUED:
        begin = {"state": str(JobState.RUNNING), "stage": str(ProgressStage.SUBMITTING), "start_time": now}
        connection.execute(sa.update(jobs).where(jobs.c.id == found.job.id).values(**begin))
        emit(connection, found.job.id, EventKind.STARTED, now, {"job_state": str(JobState.RUNNING)})
    body = _about(found, values) | {"clip_stage": str(ProgressStage.SUBMITTING), "clip_state": str(ClipState.RUNNING)}
    emit(connection, found.job.id, EventKind.ATTEMPT, now, body)
    return attempt_of(row)


def _fallback_notices(found: Situation, model: str) -> list[Mapping[str, Json]]:
    """What is different when another model takes over: which, for how much, and all that it does not honour."""
    if model == found.clip.model:
        return []
    by_model = {candidate.model: candidate for candidate in found.clip.candidates}
    before, after = by_model[found.clip.model], by_model[model]
    currency = found.job.quote["currency"]
    old, new = (Money(currency=currency, micros=candidate.quote_micros) for candidate in (before, after))
    notice = Notice(
        code="FALLBACK_USED",
        message=f"{after.model} takes over from {before.model}: {new} instead of {old}",
        field="model",
        before=before.model,
        after=after.model,
        price_micros=new.micros - old.micros,
    )
    return [notice_json(notice), *after.notices]


async def record(context: Context, sender: Sender, found: Situation, attempt: Attempt, submitted: Submitted) -> str:
    """Write what became of the POST, however long the database is away; the name of the next step."""
    now = context.now()
    match submitted:
        case Accepted():
            try:
                await context.database.write_surely(
                    lambda connection: parked.accept_attempt(
                        context, connection, found.job.id, attempt, submitted.ticket, now, submitted.estimate
                    )
                )
            except sa.exc.IntegrityError:
                return await parked.heal(context, sender, found, attempt, "the vendor named another attempt's job")
            step = "wait"
        case Refused():
            await context.database.write_surely(
                lambda connection: _refused(context, connection, found, attempt, submitted, now)
            )
            step = "submit"
        case Ambiguous(detail=detail):
            return await parked.heal(context, sender, found, attempt, detail)
    context.bell.ring(found.job.id)
    return step


def _refused(
    context: Context, connection: sa.Connection, found: Situation, attempt: Attempt, refused: Refused, now: datetime
) -> None:
    """Nothing was bought. Only this process can know it: a clip that was parked on the attempt meanwhile goes on."""
    attempts = tables.attempts
    lock_job(connection, found.job.id)
    update = (
        sa.update(attempts)
        .where(attempts.c.id == attempt.id, attempts.c.outcome.in_(parked.UNSETTLED), attempts.c.end_time.is_(None))
        .values(
            outcome=str(AttemptOutcome.REFUSED),
            submit_time=now,
            end_time=now,
            failure=failure_json(refused.failure),
            result={"retry_after": refused.retry_after},
        )
    )
    if connection.execute(update).rowcount == 0:
        return  # a webhook said otherwise while the reply was on its way
    values = {"number": attempt.number, "model": attempt.model}
    body = _about(found, values) | {
        "attempt_outcome": str(AttemptOutcome.REFUSED),
        "failure": failure_json(refused.failure),
    }
    emit(connection, found.job.id, EventKind.ATTEMPT, now, body)
    parked.unpark(context, connection, found.clip.id, now, "the vendor has not taken it, as became known late")


def _about(found: Situation, values: dict[str, Json]) -> dict[str, Json]:
    return {
        "clip_id": found.clip.id,
        "clip_index": found.clip.position,
        "attempt_number": values["number"],
        "model": values["model"],
    }
