"""Outgoing webhooks: delivers what the outbox holds (https://www.standardwebhooks.com)."""

import asyncio
import contextlib
import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
import structlog

from core.crashpoints import crashpoint, declare
from core.database import DATABASE_ERRORS
from core.errors import UnsafeUrl
from core.identifiers import new_id
from jobs import signing, tables, webhooks
from jobs.context import Context
from jobs.http import NotSent, ReplyLost
from jobs.outbox import DELIVERED, DISABLED, DUE, EXHAUSTED
from jobs.signing import Root
from jobs.traffic import Room, Traffic
from providers.base import retry_after

declare("before-webhook", "after-webhook", "after-webhook-recorded")

SCHEDULE = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds between the 10 attempts (Standard Webhooks: 75 h 35 m in all); each varies by `JITTER`."""
JITTER = 0.1
SECONDS = 15.0
"""How long an answer may take."""
_LONGEST_WAIT = 86_400.0
"""Of what a `Retry-After` may ask for."""
_CLAIM = timedelta(seconds=60)
"""How long a claim holds: longer than an attempt takes, so that only a dead or frozen process loses one."""
_LOOK = 1.0
"""Seconds after which the table is looked at although nothing was heard."""
_PAUSE = 0.02
"""Between two looks at least, however often the bell rings."""
_CANDIDATES = 500
_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """A row of `delivery` that this process has claimed for one attempt."""

    id: str
    tenant: str
    endpoint_id: str
    job_id: str
    url: str
    origin: str
    body: str
    attempts: int
    claim: str
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Newest first; empty: what the secrets are derived from is not what it was."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What became of one POST. `status` 0: no answer came, and `error` says why."""

    status: int = 0
    error: str = ""
    retry_after: float | None = None

    @property
    def text(self) -> str:
        """The status, or why there is none."""
        return str(self.status) if self.status else self.error


@dataclass(slots=True)
class Courier:
    """Delivers what is due. Any number of them may work on one database: each delivery is claimed by one."""

    context: Context
    root: Root
    origins: Collection[str] = ()
    """Inside the operator's network, and allowed all the same."""
    seconds: float = SECONDS
    dice: random.Random = field(default_factory=random.SystemRandom)
    _traffic: Traffic = field(default_factory=Traffic)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _flying: set[asyncio.Task[None]] = field(default_factory=set)
    _due: datetime | None = None
    _claim: str = field(default_factory=lambda: new_id("claim"))

    async def run(self) -> None:
        """Deliver for ever; woken by the bell of every job, which rings after its commit."""
        self.context.bell.tell(lambda _key: self._news.set())
        try:
            await self._forget_claims()
            while True:
                self._news.clear()
                wait = await self._steadily()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._news.wait()
                await asyncio.sleep(_PAUSE)
        finally:
            await self._give_up()

    async def deliver_due(self) -> int:
        """One attempt at each delivery that is due now, finished; returns how many were tried."""
        tried = 0
        while started := await self._start():
            tried += started
            await asyncio.wait(self._flying)
        return tried

    async def _steadily(self) -> float:
        """Start what is due; seconds until something is due again."""
        try:
            while await self._start():
                pass
        except Exception:  # the courier must outlive whatever the database says; the log has it
            _log.exception("webhooks could not be looked for")
            return _LOOK
        wait = _LOOK if self._due is None else (self._due - self.context.now()).total_seconds()
        # What is due already waits for a place, and whoever leaves one sets the news.
        return _LOOK if wait <= 0 else min(wait, _LOOK)

    async def _start(self) -> int:
        """Claim what is due and fits, and send it off; returns how many."""
        room, now = self._traffic.room(), self.context.now()
        self._due = await self.context.database.read(partial(_next, full=room.full, now=now))
        if room.left <= 0 or self._due is None or self._due > now:
            return 0
        work = partial(_claimed, root=self.root, room=room, claim=self._claim, now=now)
        deliveries = await self.context.database.write(work)
        for delivery in deliveries:
            self._traffic.start(delivery.origin)
            task = asyncio.create_task(self._attempt(delivery), name=f"webhook {delivery.id}")
            self._flying.add(task)
            task.add_done_callback(self._flying.discard)
        return len(deliveries)

    async def _attempt(self, delivery: Delivery) -> None:
        answer = Answer(error="cut short")
        started = self.context.monotonic()
        try:
            crashpoint("before-webhook")
            answer = await self._post(delivery)
            crashpoint("after-webhook")
            milliseconds = round((self.context.monotonic() - started) * 1000)
            await self._record(delivery, answer, milliseconds)
            crashpoint("after-webhook-recorded")
        except DATABASE_ERRORS:
            _log.exception("what became of a webhook could not be written down: it is sent again", delivery=delivery.id)
        finally:
            self._traffic.end(delivery.origin, answered=bool(answer.status))
            self._news.set()

    async def _post(self, delivery: Delivery) -> Answer:
        if not delivery.secrets:
            return Answer(error="not sent: this server cannot derive its secret any more; rotate the secret")
        body = delivery.body.encode()
        timestamp = int(self.context.now().timestamp())
        try:
            reply = await self.context.public_client.deliver(
                delivery.url,
                body=body,
                headers=signing.headers(delivery.secrets, delivery.id, timestamp, body),
                read_timeout=self.seconds,
                allowed_origins=self.origins,
            )
        except UnsafeUrl as error:
            return Answer(error=f"refused by the URL policy: {error}")
        except (NotSent, ReplyLost) as error:
            return Answer(error=f"not delivered: {error}")
        return Answer(status=reply.status, retry_after=retry_after(reply, self.context.now(), _LONGEST_WAIT))

    async def _record(self, delivery: Delivery, answer: Answer, milliseconds: int) -> None:
        now = self.context.now()
        stretch = self.dice.uniform(1 - JITTER, 1 + JITTER)
        values = _after(delivery, answer, now, stretch)
        work = partial(_write_down, delivery=delivery, answer=answer, values=values, milliseconds=milliseconds, now=now)
        await self.context.database.write(work)

    async def _forget_claims(self) -> None:
        """On SQLite nobody else can hold a claim: what a killed process had under way is due again at once."""
        if self.context.database.engine.dialect.name == "sqlite":
            await self._unclaim(tables.deliveries.c.claimed_until.is_not(None))

    async def _give_up(self) -> None:
        """Cut what is under way, and let others have it."""
        flying = list(self._flying)
        for task in flying:
            task.cancel()
        await asyncio.gather(*flying, return_exceptions=True)
        await self._unclaim(tables.deliveries.c.claim == self._claim)

    async def _unclaim(self, which: sa.ColumnElement[bool]) -> None:
        deliveries = tables.deliveries
        update = sa.update(deliveries).where(deliveries.c.state == DUE, which).values(claim="", claimed_until=None)
        await self.context.database.write(lambda connection: connection.execute(update).rowcount)


def _due(full: Collection[str]) -> sa.ColumnElement[bool]:
    columns = tables.deliveries.c
    return sa.and_(columns.state == DUE, columns.origin.not_in(sorted(full)))


def _free(now: datetime) -> sa.ColumnElement[bool]:
    columns = tables.deliveries.c
    return sa.or_(columns.claimed_until.is_(None), columns.claimed_until < now)


def _next(connection: sa.Connection, full: Collection[str], now: datetime) -> datetime | None:
    """When the next delivery is due that nobody has claimed, to an origin that is not full."""
    columns = tables.deliveries.c
    query = sa.select(columns.next_time).where(_due(full), _free(now)).order_by(columns.next_time).limit(1)
    due: datetime | None = connection.execute(query).scalar()
    return due


def _claimed(connection: sa.Connection, root: Root, room: Room, claim: str, now: datetime) -> list[Delivery]:
    """What is due and fits, marked as ours until it is done or we are dead."""
    deliveries = tables.deliveries
    columns = deliveries.c
    candidates = (
        sa.select(columns.id, columns.origin)
        .where(_due(room.full), _free(now), columns.next_time <= now)
        .order_by(columns.next_time)
        .limit(_CANDIDATES)
        .with_for_update(skip_locked=True)
    )
    chosen = room.choose([(row.id, row.origin) for row in connection.execute(candidates)])
    update = sa.update(deliveries).where(columns.id.in_(chosen), columns.state == DUE, _free(now))
    names = [name for name in Delivery.__slots__ if name != "secrets"]
    returned = update.values(claim=claim, claimed_until=now + _CLAIM).returning(*(columns[name] for name in names))
    rows = [dict(row._mapping) for row in connection.execute(returned)]
    ended = webhooks.drop_unwanted(connection, {row["endpoint_id"] for row in rows if row["endpoint_id"]})
    rows = [row for row in rows if row["endpoint_id"] not in ended]
    secrets = webhooks.signing_secrets(connection, root, {_owner(row) for row in rows}, now)
    return [Delivery(**row, secrets=secrets[_owner(row)]) for row in rows]


def _owner(row: Mapping[str, Any]) -> str:
    return row["endpoint_id"] or signing.tenants_own(row["tenant"])


def _after(delivery: Delivery, answer: Answer, now: datetime, stretch: float) -> dict[str, Any]:
    """The delivery's row after an attempt."""
    attempts = delivery.attempts + 1
    state, next_time = DUE, None
    if 200 <= answer.status < 300:
        state = DELIVERED
    elif answer.status == 410:
        state = DISABLED
    elif attempts > len(SCHEDULE):
        state = EXHAUSTED
    else:
        seconds = max(SCHEDULE[attempts - 1] * stretch, answer.retry_after or 0.0)
        next_time = now + timedelta(seconds=seconds)
    return {"attempts": attempts, "state": state, "next_time": next_time, "last_answer": answer.text[:200]}


def _write_down(
    connection: sa.Connection,
    delivery: Delivery,
    answer: Answer,
    values: Mapping[str, Any],
    milliseconds: int,
    now: datetime,
) -> None:
    """Log the attempt. A success always counts; anything else only while the claim is ours."""
    attempt = {
        "id": new_id("try"),
        "delivery_id": delivery.id,
        "time": now,
        "status": answer.status,
        "error": answer.error[:200],
        "milliseconds": milliseconds,
    }
    connection.execute(sa.insert(tables.delivery_attempts), attempt)
    deliveries = tables.deliveries
    update = sa.update(deliveries).where(deliveries.c.id == delivery.id, deliveries.c.state == DUE)
    if values["state"] != DELIVERED:
        update = update.where(deliveries.c.claim == delivery.claim)
    connection.execute(update.values(**values, claim="", claimed_until=None))
    if answer.status == 410:
        _gone(connection, delivery, now)


def _gone(connection: sa.Connection, delivery: Delivery, now: datetime) -> None:
    """The receiver wants no more: nothing else is sent to the endpoint, or to the address that the request named."""
    reason = "the address answered 410 Gone"
    if delivery.endpoint_id:
        webhooks.disable(connection, delivery.endpoint_id, reason, now)
        return
    columns = tables.deliveries.c
    same = sa.and_(columns.job_id == delivery.job_id, columns.endpoint_id == "")
    webhooks.drop_due(connection, same, reason)
