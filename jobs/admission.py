"""Whether new work is taken: the one place that refuses it for want of room, or because a tenant asks too often.

Room is looked at once a second, off the loop; in between, a call costs two comparisons. Reads and cancels go on.
"""

import asyncio
import contextlib
import enum
import math
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa
import structlog

from core.database import DATABASE_ERRORS
from core.errors import DatabaseUnavailable, Exhausted, Reason
from core.identifiers import is_tenant
from jobs import machine, tables
from jobs.accounts import Accounts
from jobs.buckets import Local, Rate, Shared
from jobs.context import Context
from jobs.line import LONGEST_STAY, NoPlace, Places
from jobs.records import ClipState

EVERY = 1.0
"""Seconds between two looks."""
_CONTESTED = 0.75
"""From this part of a full queue on a tenant is held to its share of it."""
_MOST_TENANTS = 10_000
_MOST_REFUSED = 0.25
"""Calls that are refused for each one let in: when there are more, they are told to come back later."""
_LONGEST_WAIT = 30.0
_ROOM_WAIT = 10.0
"""Seconds after which memory or disk may have been freed."""
_LATE = 5.0
"""Seconds that a look or an accept may wait for the database; after that it counts as away."""
_AWAY_EVERY = 0.25
_REPLY_SECONDS = 0.25
"""What is left of a call's deadline for its answer to travel."""
_SPINS = 10
"""Refusals for asking too often in a second; who gets more is not listening, and waits for them."""
_HOLD = 1.0
_MOST_HELD = 1000
_log = structlog.get_logger()


class Cause(enum.StrEnum):
    """What there is too little of."""

    QUEUE = "queue"
    MEMORY = "memory"
    DISK = "disk"
    ACCEPTS = "accepts"
    """Requests are coming faster than they can be written."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What there was a moment ago."""

    queued: int = 0
    """Clips that wait for a place."""
    by_tenant: Mapping[str, int] = field(default_factory=dict)
    """The same for each tenant, where places are contested."""
    resident: int = 0
    free: int = sys.maxsize
    """Bytes, on the fullest of the disks."""


@dataclass(slots=True)
class Entry:
    """One request that was let in."""

    bucket: Shared | None = None
    tokens: int = 0

    def give_back(self) -> None:
        """It was a repeated one: it costs nothing."""
        if self.bucket is not None:
            self.bucket.give_back(self.tokens)
            self.bucket = None


class Admission:
    """Says no while it is cheap: before anything is planned, held or written."""

    def __init__(self, context: Context, accounts: Accounts) -> None:
        self._context = context
        self._accounts = accounts
        self._look = Look()
        self._since: Counter[str] = Counter()
        """Clips accepted since the look, by tenant."""
        self._drained = 0.0
        """Clips that leave the queue per second, lately."""
        self._places = Places(context.monotonic)
        self._away = False
        """Whether the last look did not come back."""
        self._writing: dict[object, float] = {}
        """When each accept that is being written was begun, the oldest first."""
        self._spins: Counter[str] = Counter()
        """Refusals for asking too often since the look, by tenant."""
        self._held = 0
        self._let_in = 0
        """Since the look."""
        self._patience = 1.0
        """How many times longer than the line takes the refused are told to wait: grows while too many come back."""
        self._refused: Counter[Cause] = Counter()
        """Since the look."""
        self._causes: Mapping[Cause, int] = {}
        """Why work was refused at the last look, and how often since that began."""
        self._writes: dict[str, Shared] = {}
        self._reads: dict[str, Local] = {}
        media = context.data_dir / "media"
        self._folders = (context.data_dir, context.temp_dir, media)

    @contextlib.asynccontextmanager
    async def accepting(self, tenant: str, requests: int = 1, *, left: float | None = None) -> AsyncIterator[Entry]:
        """Let in a call that asks for videos, or raise Exhausted or Unavailable with the time to come back after.

        It may wait for a place before: within its deadline, of which `left` seconds are left.
        """
        self._check_room(tenant)
        patience = LONGEST_STAY if left is None else max(0.0, left - _REPLY_SECONDS)
        await self._check_listens(tenant, requests, patience)
        try:
            async with self._places.place(tenant, self._context.policy.accepts_at_once, patience):
                self._let_in += 1
                yield await self._paid(tenant, requests)
        except NoPlace as error:
            self.check_database()
            wait = min(max(error.wait, 0.05) * self._patience, _LONGEST_WAIT)
            spread = wait * random.uniform(1.0, 1.5)  # noqa: S311 - no secret
            raise self._full(Cause.ACCEPTS, "the server is busy", spread, tenant) from None

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """While an accept is in the database's hands."""
        this = object()
        self._writing[this] = self._context.monotonic()
        try:
            yield
        finally:
            del self._writing[this]

    def check_database(self) -> None:
        """Refuse what needs the database while it does not answer. Raises DatabaseUnavailable."""
        oldest = next(iter(self._writing.values()), None)
        if self._away or (oldest is not None and self._context.monotonic() - oldest > _LATE):
            raise DatabaseUnavailable.away()

    async def reading(self, tenant: str) -> None:
        """Let in a read, or raise Exhausted."""
        limits = await self._accounts.limits(tenant) if is_tenant(tenant) else None
        if limits is None or not limits.reads_per_second:
            return
        if len(self._reads) >= _MOST_TENANTS:
            self._reads.clear()
        bucket = self._reads.setdefault(tenant, Local(self._context.now))
        per_second = limits.reads_per_second
        wait = bucket.taken(Rate(per_second=per_second, burst=max(1, math.ceil(per_second))))
        if wait:
            raise _told_off(tenant, f"{per_second:g} reads a second", wait)

    def check_storage(self) -> None:
        """Refuse what needs memory or disk while there is none. Raises Exhausted."""
        policy, look = self._context.policy, self._look
        if policy.memory_limit and look.resident > policy.memory_limit:
            raise self._full(Cause.MEMORY, "the server's memory is full", _ROOM_WAIT)
        if look.free < policy.disk_reserve:
            raise self._full(Cause.DISK, "the server's disk is full", _ROOM_WAIT)

    def accepted(self, tenant: str, clips: int) -> None:
        """So many more clips wait."""
        self._since[tenant] += clips

    def state(self) -> str:
        """`ok`, or what there was too little of at the last look."""
        return "refusing: " + ", ".join(sorted(self._causes)) if self._causes else "ok"

    async def run(self) -> None:
        """Look for ever. A look that does not come back is waited for, and no other begun."""
        looking: asyncio.Task[None] | None = None
        try:
            while True:
                looking = looking or asyncio.create_task(self.look())
                done, _ = await asyncio.wait((looking,), timeout=_LATE)
                if done:
                    with contextlib.suppress(*DATABASE_ERRORS):  # `_away` tells of it
                        looking.result()
                    looking = None
                else:
                    self._away = True
                await asyncio.sleep(_AWAY_EVERY if self._away else EVERY)
        finally:
            if looking is not None:
                looking.cancel()

    async def look(self) -> None:
        """See what there is, and write to the log what has changed."""
        since, self._since = self._since, Counter()
        begin = self._context.monotonic()
        try:
            found = await self._context.database.read(self._see)
        except BaseException as error:  # also when it is cancelled: what came since the look is not lost
            self._since += since
            self._away = self._away or isinstance(error, DatabaseUnavailable)
            raise
        self._away = False
        drained = max(0, self._look.queued + since.total() - found.queued)
        self._drained += 0.3 * (drained / max(EVERY, self._context.monotonic() - begin) - self._drained)
        self._look = found
        self._note()

    def _see(self, connection: sa.Connection) -> Look:
        policy = self._context.policy
        clips = tables.clips
        waiting = clips.c.state == str(ClipState.QUEUED)
        queued = connection.execute(sa.select(sa.func.count()).where(waiting)).scalar_one()
        contested = queued >= _CONTESTED * policy.max_queued
        resident = machine.resident()
        if policy.memory_limit and resident > policy.memory_limit:
            machine.release_memory()
            resident = machine.resident()
        free = machine.free_disk(self._folders) if policy.disk_reserve else sys.maxsize
        by_tenant = _by_tenant(connection) if contested else {}
        return Look(queued=queued, by_tenant=by_tenant, resident=resident, free=free)

    def _note(self) -> None:
        policy, look = self._context.policy, self._look
        full = {
            Cause.QUEUE: look.queued >= policy.max_queued,
            Cause.MEMORY: 0 < policy.memory_limit < look.resident,
            Cause.DISK: look.free < policy.disk_reserve,
        }
        refused, self._refused = self._refused, Counter()
        let_in, self._let_in = self._let_in, 0
        self._spins.clear()
        crowded = refused[Cause.ACCEPTS] > _MOST_REFUSED * let_in
        self._patience = min(self._patience * 2, 100.0) if crowded else max(self._patience * 0.7, 1.0)
        before, self._causes = (
            self._causes,
            {
                cause: self._causes.get(cause, 0) + refused[cause]
                for cause in Cause
                if full.get(cause) or refused[cause]
            },
        )
        figures = {"queued": look.queued, "resident": look.resident, "free": look.free}
        for cause in self._causes.keys() - before.keys():
            _log.warning("new work is refused", cause=str(cause), **figures)
        for cause in before.keys() - self._causes.keys():
            _log.warning("new work is taken again", cause=str(cause), refused=before[cause], **figures)

    def _check_room(self, tenant: str) -> None:
        self.check_database()
        self.check_storage()
        policy = self._context.policy
        queued = self._look.queued + self._since.total()
        if queued >= policy.max_queued:
            raise self._full(Cause.QUEUE, "too many clips are waiting", self._drain_time(queued))
        if queued >= _CONTESTED * policy.max_queued:
            mine = self._look.by_tenant.get(tenant, 0) + self._since[tenant]
            share = _CONTESTED * policy.max_queued / max(1, len({*self._look.by_tenant, *self._since, tenant}))
            if mine >= share:
                text = f"tenant {tenant} has {mine} clips waiting, which is more than its share"
                raise self._full(Cause.QUEUE, text, self._drain_time(queued), tenant)

    def _drain_time(self, queued: int) -> float:
        """Seconds until there is room again, as fast as clips leave now."""
        more = queued - _CONTESTED * self._context.policy.max_queued + 1
        return min(max(more / self._drained, 1.0), 60.0) if self._drained > 0 else 5.0

    async def _check_listens(self, tenant: str, requests: int, patience: float) -> None:
        """Refuse who asks too often before it takes a place; who does not listen waits for that. Raises Exhausted."""
        bucket = self._writes.get(tenant)
        if bucket is None or not bucket.shortage(requests):
            return
        rate = await self._rate(tenant)
        if rate is None or not (wait := bucket.shortage(min(requests, rate.burst))):
            return
        self._spins[tenant] += 1
        if self._spins[tenant] > _SPINS and self._held < _MOST_HELD:
            self._held += 1
            try:
                # Not until the next token is there: all would be answered in one go, and hold up everybody else.
                await asyncio.sleep(min(random.uniform(0.5, 1.0) * _HOLD, patience))  # noqa: S311 - spread
            finally:
                self._held -= 1
            wait = max(bucket.shortage(min(requests, rate.burst)), rate.interval / 1e6)
        raise _too_often(tenant, rate, wait)

    async def _rate(self, tenant: str) -> Rate | None:
        limits = await self._accounts.limits(tenant) if is_tenant(tenant) else None
        if limits is None or not limits.requests_per_second:
            return None
        per_second = limits.requests_per_second
        return Rate(per_second=per_second, burst=limits.burst or max(1, math.ceil(per_second)))

    async def _paid(self, tenant: str, requests: int) -> Entry:
        rate = await self._rate(tenant)
        if rate is None:
            return Entry()
        bucket = self._bucket(tenant)
        wait = await bucket.take(rate, requests)
        if wait:
            raise _too_often(tenant, rate, wait)
        return Entry(bucket, min(requests, rate.burst))

    def _bucket(self, tenant: str) -> Shared:
        if len(self._writes) >= _MOST_TENANTS:
            self._writes.clear()
        found = self._writes.get(tenant)
        if found is None:
            context = self._context
            found = Shared(context.database, f"tenant:{tenant}", context.now, context.monotonic)
            self._writes[tenant] = found
        return found

    def _full(self, cause: Cause, text: str, wait: float, tenant: str = "") -> Exhausted:
        self._refused[cause] += 1
        wait = _rounded(wait)
        return Exhausted(
            reason=Reason.SERVER_OVERLOADED,
            message=f"{text}; try again in {wait:g} s",
            metadata={"cause": str(cause)} | ({"tenant": tenant} if tenant else {}),
            retry_after=wait,
        )


def _rounded(wait: float) -> float:
    """Up to two digits, so that refusals are alike: their answers are made once (`server.status`). At least 10 ms."""
    wait = max(wait, 0.01)
    digits = 10.0 ** (math.floor(math.log10(wait)) - 1)
    return round(math.ceil(wait / digits - 1e-9) * digits, 4)


def _too_often(tenant: str, rate: Rate, wait: float) -> Exhausted:
    return _told_off(tenant, f"{rate.per_second:g} requests a second, {rate.burst} at once", wait)


def _told_off(tenant: str, allowed: str, wait: float) -> Exhausted:
    wait = _rounded(wait)
    return Exhausted(
        reason=Reason.TENANT_RATE_LIMITED,
        message=f"tenant {tenant} may make {allowed}; try again in {wait:g} s",
        metadata={"tenant": tenant},
        retry_after=wait,
    )


def _by_tenant(connection: sa.Connection) -> dict[str, int]:
    clips, jobs = tables.clips, tables.jobs
    query = (
        sa.select(jobs.c.tenant, sa.func.count())
        .join(clips, clips.c.job_id == jobs.c.id)
        .where(clips.c.state == str(ClipState.QUEUED))
        .group_by(jobs.c.tenant)
    )
    return {row[0]: row[1] for row in connection.execute(query)}
