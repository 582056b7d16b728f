"""Token buckets whose state is one row of the database, so that they hold in sum over all replicas.

A row is one number: when its bucket will be full again. A process draws a slice of tokens in one transaction and spends
it without asking again, within a second. From a bucket's first use on, all processes together never spend more than
`burst + rate * elapsed`. Over any shorter stretch of `w` seconds they spend at most `burst + rate * w` and what was
drawn just before it: by each process at most SLICE seconds' worth, or one token. Clocks that differ by `d` seconds
between replicas cost `rate * d` once.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa

from core import clock
from core.database import Database
from jobs import tables

SLICE = 0.25
"""Seconds' worth of tokens that one process draws at once, at the most."""
_LAPSE = 1.0
"""Seconds after which a drawn token is not spent any more."""
_MICROS = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """How fast a bucket fills, in tokens per second, and how many it holds."""

    per_second: float
    burst: int

    @property
    def interval(self) -> float:
        """Microseconds per token."""
        return _MICROS / self.per_second


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """What a bucket gave."""

    tokens: int
    wait: float
    """Seconds until what was needed is there; 0 when it was given."""
    full_micros: int
    """When the bucket will be full again, in microseconds since 1970."""


def draw(full_micros: int, now: int, rate: Rate, *, wanted: int, needed: int) -> Drawn:
    """Up to `wanted` tokens, but none when there are fewer than `needed`; a whole bucket is enough for any need."""
    room = rate.burst * rate.interval - max(0, full_micros - now)
    needed = min(needed, rate.burst)
    there = math.floor(room / rate.interval + 1e-6)
    if there < needed:
        wait = (needed * rate.interval - room) / _MICROS
        return Drawn(tokens=0, wait=max(wait, 0.001), full_micros=full_micros)
    tokens = min(max(wanted, needed), there)
    later = max(full_micros, now) + math.ceil(tokens * rate.interval)
    return Drawn(tokens=tokens, wait=0.0, full_micros=later)


def micros(moment: datetime) -> int:
    """Microseconds since 1970."""
    return round(moment.timestamp() * _MICROS)


def take(connection: sa.Connection, name: str, rate: Rate, *, now: int, wanted: int, needed: int) -> Drawn:
    """`draw` from the bucket of this name, in the caller's transaction; its row is locked to the end of it."""
    drawn = draw(_locked(connection, name, now), now, rate, wanted=wanted, needed=needed)
    if drawn.tokens:
        _put(connection, name, drawn.full_micros)
    return drawn


def empty(connection: sa.Connection, name: str, rate: Rate, *, now: int, until: int) -> None:
    """Leave nothing in a bucket before `until`; from then on it fills as ever."""
    full = _locked(connection, name, now)
    _put(connection, name, max(full, until + math.ceil(rate.burst * rate.interval)))


def forget(connection: sa.Connection, limit: int, *, before: datetime) -> int:
    """Remove up to so many rows of buckets that have been full since `before`: a new row is a full bucket."""
    table = tables.buckets
    old = sa.select(table.c.name).where(table.c.full_micros < micros(before)).limit(limit)
    return connection.execute(sa.delete(table).where(table.c.name.in_(old))).rowcount


_NEW = sa.text("INSERT INTO bucket (name, full_micros) VALUES (:name, :now) ON CONFLICT (name) DO NOTHING")
_LOCKED = (
    sa.select(tables.buckets.c.full_micros).where(tables.buckets.c.name == sa.bindparam("called")).with_for_update()
)


def _locked(connection: sa.Connection, name: str, now: int) -> int:
    """When the bucket will be full; its row exists from now on, and nobody else changes it."""
    found = connection.execute(_LOCKED, {"called": name}).scalar_one_or_none()
    if found is None:
        connection.execute(_NEW, {"name": name, "now": now})
        found = connection.execute(_LOCKED, {"called": name}).scalar_one()
    return int(found)


def _put(connection: sa.Connection, name: str, full: int) -> None:
    update = sa.update(tables.buckets).where(tables.buckets.c.name == name)
    connection.execute(update.values(full_micros=full))


@dataclass(slots=True)
class Local:
    """A bucket of this process alone."""

    now: clock.Clock = clock.now
    _full: int = 0

    def at_hand(self, rate: Rate, count: int = 1) -> bool:
        """Take tokens if they are there."""
        return self.taken(rate, count) == 0.0

    def taken(self, rate: Rate, count: int = 1) -> float:
        """0 when they are taken, else the seconds until they will be there."""
        drawn = draw(self._full, micros(self.now()), rate, wanted=count, needed=count)
        self._full = drawn.full_micros
        return drawn.wait

    async def take(self, rate: Rate, count: int = 1) -> float:
        """As `taken`."""
        return self.taken(rate, count)

    async def empty(self, rate: Rate, seconds: float) -> None:
        """Leave nothing in it for so long."""
        until = micros(self.now() + timedelta(seconds=seconds))
        self._full = max(self._full, until + math.ceil(rate.burst * rate.interval))


@dataclass(slots=True)
class Shared:
    """A bucket of all processes, as this one uses it: it draws a slice, spends it, and draws again.

    How much it draws follows from how fast it spends: one token at first. Whoever asks while there is nothing is told
    to wait without the database being asked; of a bucket that is in demand for no less than half a slice.
    """

    database: Database
    name: str
    now: clock.Clock
    monotonic: Callable[[], float]
    _tokens: int = 0
    _lapses: float = 0.0
    _drawn_at: float = -math.inf
    _slice: int = 1
    _short: int = 0
    """As many were asked for in vain …"""
    _until: float = -math.inf
    """… and will be there then."""
    _drawing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def at_hand(self, _rate: Rate, count: int = 1) -> bool:
        """Take tokens if they have been drawn already."""
        if self.monotonic() >= self._lapses:
            self._tokens = 0
        if self._tokens < count:
            return False
        self._tokens -= count
        return True

    def shortage(self, count: int = 1) -> float:
        """Seconds after which tokens may be there that are known to be missing; 0 when it is not known."""
        now = self.monotonic()
        there = self._tokens >= count and now < self._lapses
        return max(0.0, self._until - now) if count >= self._short and not there else 0.0

    async def take(self, rate: Rate, count: int = 1) -> float:
        """0 when they are taken, else the seconds after which they may be there."""
        count = min(count, rate.burst)
        while True:
            if self.at_hand(rate, count):
                return 0.0
            if wait := self.shortage(count):
                return wait
            async with self._drawing:
                if not self._known(count):
                    await self._draw(rate, count)

    def _known(self, count: int) -> bool:
        """Whether somebody else has drawn, or asked in vain, meanwhile."""
        there = self._tokens >= count and self.monotonic() < self._lapses
        return there or self.shortage(count) > 0

    async def _draw(self, rate: Rate, count: int) -> None:
        begin = self.monotonic()
        most = max(1, int(rate.per_second * SLICE))
        self._slice = min(most, self._slice * 2) if begin < self._drawn_at + SLICE else 1
        left = self._tokens if begin < self._lapses else 0
        needed = count - left
        wanted = max(needed, self._slice)
        ask = partial(take, name=self.name, rate=rate, now=micros(self.now()), needed=needed, wanted=wanted)
        drawn = await self.database.write(ask)
        after = self.monotonic()
        if drawn.tokens:
            self._tokens, self._lapses, self._drawn_at = left + drawn.tokens, after + _LAPSE, after
            self._short, self._until = 0, -math.inf
        if drawn.tokens < wanted:
            short = 1 if drawn.tokens else count
            wait = max(drawn.wait, rate.interval / _MICROS) if drawn.tokens else drawn.wait
            self._short, self._until = short, after + max(wait, self._pause(rate))

    def _pause(self, rate: Rate) -> float:
        """Seconds to leave an empty bucket alone: long enough for a slice, too short for it to run over."""
        return 0.0 if self._slice == 1 else min(SLICE, rate.burst / rate.per_second) / 2

    def give_back(self, count: int = 1) -> None:
        """What was taken was not needed: this process spends it on something else, while it has not lapsed."""
        self._tokens += count

    async def empty(self, rate: Rate, seconds: float) -> None:
        """Leave nothing in it for so long, for any process; slices that others have drawn are still spent."""
        self._tokens, self._short, self._until = 0, 1, self.monotonic() + seconds
        now = self.now()
        until = micros(now + timedelta(seconds=seconds))
        await self.database.write(partial(empty, name=self.name, rate=rate, now=micros(now), until=until))
