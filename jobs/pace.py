"""How often to ask: one request budget per endpoint, and run times learned from our own history."""

import asyncio
import random
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles

import sqlalchemy as sa

from jobs import tables
from jobs.records import AttemptOutcome

LONGEST_POLL = 30.0
_KEPT = 50
_ENOUGH = 5
"""Runs of our own from which on they count for more than the catalogue's figures."""


@dataclass(slots=True)
class Budget:
    """Lets callers through one after the other, no faster than `per_second`; a second's worth may come at once."""

    per_second: float
    monotonic: Callable[[], float]
    _next: float = 0.0

    async def turn(self) -> None:
        """Return when it is this caller's turn."""
        now = self.monotonic()
        self._next = max(self._next, now - 1.0) + 1.0 / self.per_second
        await asyncio.sleep(max(0.0, self._next - now))


@dataclass(slots=True)
class History:
    """Run times of finished attempts, by endpoint and model."""

    _runs: defaultdict[tuple[str, str], deque[float]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=_KEPT))
    )

    def add(self, endpoint: str, model: str, seconds: float) -> None:
        """One more success took this long from submit to ready."""
        self._runs[endpoint, model].append(seconds)

    def typical(self, endpoint: str, model: str, otherwise: tuple[int, int]) -> tuple[float, float]:
        """The usual run time (p50, p90); `otherwise` until we know better."""
        runs = self._runs.get((endpoint, model), ())
        if len(runs) < _ENOUGH:
            return otherwise
        cuts = quantiles(runs, n=10, method="inclusive")
        return cuts[4], cuts[8]

    def usual(self, *, mock: bool) -> dict[str, int]:
        """Model -> its usual run time in whole seconds, where enough was seen; of emulators, or of vendors."""
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
    """Seconds until the next poll: sparse before the usual run time, denser around it, sparse again long after."""
    usual, late = typical
    around = max(late - usual, 10) / 10
    delay = (usual - elapsed) / 2 if elapsed < usual else around * (1 if elapsed < 2 * late else 4)
    return min(max(delay, floor), LONGEST_POLL) * random.uniform(1.0, 1.2)  # noqa: S311 - spread
