"""How often to ask: request budgets of the endpoints, and run times learned from our own history."""

import asyncio
import math
import random
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Protocol

import sqlalchemy as sa
import structlog

from jobs import tables
from jobs.buckets import Rate
from jobs.records import AttemptOutcome

LONGEST_POLL = 30.0
_EARLIEST = 0.6
"""The part of the usual run time before which few runs end."""
_LATE = 0.04
"""The part of a run that may pass between two polls, before they are spread."""
_AGAIN = 1.0
"""Seconds until a source that could not be asked is asked again."""
_KEPT = 50
_ENOUGH = 5
"""Runs of our own from which on they count for more than the catalogue's figures."""
_log = structlog.get_logger()


class Source(Protocol):
    """Where a budget's tokens come from: `jobs.buckets.Local` or `Shared`."""

    def at_hand(self, rate: Rate, count: int = 1) -> bool:
        """Take tokens that cost no question."""

    async def take(self, rate: Rate, count: int = 1) -> float:
        """0 when they are taken, else seconds to wait."""

    async def empty(self, rate: Rate, seconds: float) -> None:
        """Leave nothing in it for so long."""


@dataclass(eq=False, slots=True)
class _Place:
    """One caller in the line. Its future is True when it is served, False when it is to serve the line."""

    owner: str
    future: asyncio.Future[bool]


@dataclass(slots=True)
class Budget:
    """Lets callers through as fast as its source has tokens: in turn by owner, so that none waits for all of another's.

    The first in the line asks the source, for all of them; when it goes, the next one does.
    """

    source: Source
    rate: Rate
    _line: dict[str, deque[_Place]] = field(default_factory=dict)
    _served: bool = False
    """Whether somebody asks for the line."""

    def at_once(self) -> bool:
        """Let a caller through that need not wait."""
        return not self._line and self.source.at_hand(self.rate)

    async def turn(self, owner: str = "") -> None:
        """Return when it is this caller's turn."""
        if self.at_once():
            return
        place = _Place(owner, asyncio.get_running_loop().create_future())
        self._line.setdefault(owner, deque()).append(place)
        serving = not self._served
        self._served = True
        try:
            if serving or not await place.future:
                serving = True
                await self._serve(place)
        finally:
            self._leave(place)
            if serving or _is_told_to_serve(place):
                self._hand_over()

    async def empty(self, seconds: float) -> None:
        """The vendor wants to be left alone for so long."""
        await self.source.empty(self.rate, seconds)

    async def _serve(self, mine: _Place) -> None:
        while True:
            wait = await self._token()
            if wait:
                await asyncio.sleep(wait)
                continue
            place = self._next()
            if place is mine:
                return
            place.future.set_result(True)

    async def _token(self) -> float:
        try:
            return await self.source.take(self.rate)
        except Exception:  # whatever keeps the database from answering: all who wait would be stranded
            _log.exception("a vendor's budget cannot be asked")
            return _AGAIN

    def _next(self) -> _Place:
        """Take the first of the owner that has waited longest out of the line. There is one: who asks for it."""
        owner = next(iter(self._line))
        places = self._line.pop(owner)
        place = places.popleft()
        if places:
            self._line[owner] = places
        return place

    def _leave(self, place: _Place) -> None:
        places = self._line.get(place.owner)
        if places is not None and place in places:
            places.remove(place)
            if not places:
                del self._line[place.owner]

    def _hand_over(self) -> None:
        heir = next((place for places in self._line.values() for place in places if not place.future.done()), None)
        self._served = heir is not None
        if heir is not None:
            heir.future.set_result(False)


def _is_told_to_serve(place: _Place) -> bool:
    """Also when it was cancelled before it heard of it."""
    return place.future.done() and not place.future.cancelled() and not place.future.result()


@dataclass(slots=True)
class Spaced:
    """Lets callers go one after the other, `interval` seconds apart."""

    interval: float
    _last: float = -math.inf

    def wait(self, now: float) -> float:
        """Seconds until the caller may go."""
        self._last = max(now, self._last + self.interval)
        return self._last - now


@dataclass(slots=True)
class History:
    """Run times of finished attempts, by endpoint and model."""

    _runs: defaultdict[tuple[str, str], deque[float]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=_KEPT))
    )
    _usual: dict[bool, dict[str, int]] = field(default_factory=dict)
    """What `usual` found, until another run is added: every request for a video asks."""
    _rings: dict[str, bool] = field(default_factory=dict)

    def heard(self, endpoint: str, *, rang: bool) -> None:
        """A clip is done that its vendor was to call back about: and whether it had, when we asked."""
        self._rings[endpoint] = rang

    def rings(self, endpoint: str) -> bool:
        """Whether the endpoint's webhooks arrive, as far as the last clip shows: then polls are a safety net only."""
        return self._rings.get(endpoint, False)

    def add(self, endpoint: str, model: str, seconds: float) -> None:
        """One more success took this long from submit to ready."""
        self._runs[endpoint, model].append(seconds)
        self._usual.clear()

    def typical(self, endpoint: str, model: str, otherwise: tuple[int, int]) -> tuple[float, float]:
        """The usual run time (p50, p90); `otherwise` until we know better."""
        runs = self._runs.get((endpoint, model), ())
        if len(runs) < _ENOUGH:
            return otherwise
        cuts = quantiles(runs, n=10, method="inclusive")
        return cuts[4], cuts[8]

    def usual(self, *, mock: bool) -> Mapping[str, int]:
        """Model -> its usual run time in whole seconds, where enough was seen; of emulators, or of vendors."""
        if mock not in self._usual:
            self._usual[mock] = self._medians(mock=mock)
        return self._usual[mock]

    def _medians(self, *, mock: bool) -> dict[str, int]:
        runs: defaultdict[str, list[float]] = defaultdict(list)
        for (endpoint, model), seconds in self._runs.items():
            if endpoint.startswith("mock:") == mock:
                runs[model] += seconds
        return {model: max(1, round(median(each))) for model, each in runs.items() if len(each) >= _ENOUGH}

    def load(self, rows: Sequence[tuple[str, str, float]]) -> None:
        """Add many: (endpoint, model, seconds), oldest first."""
        for endpoint, model, seconds in rows:
            self.add(endpoint, model, seconds)


def past_runs(connection: sa.Connection) -> list[tuple[str, str, float]]:
    """The newest successes on record, oldest first. Collecting is counted in: seconds against minutes."""
    attempts = tables.attempts
    query = (
        sa.select(attempts.c.endpoint, attempts.c.model, attempts.c.submit_time, attempts.c.end_time)
        .where(
            attempts.c.outcome == str(AttemptOutcome.ACCEPTED),
            attempts.c.failure.is_(None),
            attempts.c.submit_time.is_not(None),
            attempts.c.end_time.is_not(None),
        )
        .order_by(attempts.c.id.desc())
        .limit(1000)
    )
    rows = [(row.endpoint, row.model, row.end_time - row.submit_time) for row in connection.execute(query)]
    return [(endpoint, model, took.total_seconds()) for endpoint, model, took in reversed(rows)]


def next_poll(elapsed: float, typical: tuple[float, float], floor: float) -> float:
    """Seconds until the next poll: sparse while an end is unlikely, then so that it is heard of 5 % of the run late.

    The vendor's advice counts for more: 5 s between two polls are 10 % of a run of 50 s.
    """
    usual, _ = typical
    likely = _EARLIEST * usual
    delay = likely - elapsed if elapsed < likely else _LATE * elapsed
    return min(max(delay, floor), LONGEST_POLL) * random.uniform(1.0, 1.2)  # noqa: S311 - spread
