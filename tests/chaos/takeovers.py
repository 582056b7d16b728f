"""How long the work of a replica that is gone waits until it is a living one's."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from tests.chaos.lives import Site

_EVERY = 0.1
_PENDING = sa.text(
    "SELECT workflow_uuid FROM dbos.workflow_status WHERE executor_id = :executor AND status = 'PENDING'"
)
_RUNS = sa.text("SELECT workflow_uuid, status, executor_id FROM dbos.workflow_status WHERE workflow_uuid = ANY(:runs)")
_LEASE = sa.text(
    "SELECT reaped, lease_until > (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS valid"
    " FROM executor WHERE id = :executor"
)


class Lives:
    """Which executors live now, and what the database says about each."""

    def __init__(self, site: Site) -> None:
        self._engine = site.engine()
        self._since: dict[str, float] = {}
        self._spans: list[tuple[float, float]] = []

    @contextmanager
    def alive(self, executor: str) -> Iterator[None]:
        """It lives, until the block ends."""
        self._since[executor] = time.monotonic()
        try:
            yield
        finally:
            self._ended(executor)

    @contextmanager
    def paused(self, executor: str) -> Iterator[None]:
        """It does nothing, until the block ends."""
        self._ended(executor)
        yield
        self._since[executor] = time.monotonic()

    def _ended(self, executor: str) -> None:
        since = self._since.pop(executor, None)
        if since is not None:
            self._spans.append((since, time.monotonic()))

    def now(self) -> set[str]:
        """Those that live."""
        return set(self._since)

    def somebody(self, begin: float, end: float) -> bool:
        """Whether one and the same lived all that time."""
        spans = [*list(self._spans), *((since, end) for since in list(self._since.values()))]
        return any(since <= begin and until >= end for since, until in spans)

    def holds(self, executor: str) -> bool:
        """Whether it has a valid lease."""
        row = self._lease(executor)
        return row is not None and not row.reaped and bool(row.valid)

    def reaped(self, executor: str) -> bool:
        """Whether others have its work."""
        row = self._lease(executor)
        return row is not None and bool(row.reaped)

    def _lease(self, executor: str) -> "sa.Row[tuple[bool, bool]] | None":
        try:
            with self._engine.connect() as connection:
                return connection.execute(_LEASE, {"executor": executor}).one_or_none()
        except sa.exc.OperationalError:
            return None

    def close(self) -> None:
        """No more questions."""
        self._engine.dispose()


@dataclass
class _Watched:
    """The runs of one that is gone since `moment`; None while nobody has looked which they are."""

    executor: str
    moment: float
    runs: set[str] | None = None


@dataclass(frozen=True)
class _Taken:
    seconds: float
    runs: int
    watched_over: bool
    """Whether somebody who had lived for a whole lease before lived on through all of it."""


class Takeovers(threading.Thread):
    """Looks ten times a second to whom the runs of those that are gone belong."""

    def __init__(self, site: Site, lives: Lives, lease: float) -> None:
        super().__init__()
        self._engine, self._lives, self._lease = site.engine(), lives, lease
        self._watched: list[_Watched] = []
        self._taken: list[_Taken] = []
        self._idle = 0
        self._over = threading.Event()

    def watch(self, executor: str, moment: float) -> None:
        """It is gone, or frozen for longer than its lease, since this moment."""
        self._watched.append(_Watched(executor, moment))

    def run(self) -> None:
        """Until `end`."""
        while not self._over.wait(_EVERY):
            try:
                with self._engine.connect() as connection:
                    for each in list(self._watched):
                        self._look(connection, each)
            except sa.exc.SQLAlchemyError:
                continue  # the database is away; the clock runs on

    def _look(self, connection: sa.Connection, each: _Watched) -> None:
        if each.runs is None:
            each.runs = set(connection.execute(_PENDING, {"executor": each.executor}).scalars())
            if not each.runs:
                self._idle += 1
                self._watched.remove(each)
            return
        living = self._lives.now() - {each.executor}
        rows = connection.execute(_RUNS, {"runs": sorted(each.runs)}).all()
        waiting = [row for row in rows if row.status in ("ENQUEUED", "DELAYED")]
        waiting += [row for row in rows if row.status == "PENDING" and row.executor_id not in living]
        if not waiting:
            now = time.monotonic()
            somebody = self._lives.somebody(each.moment - self._lease - 1.0, now)
            self._taken.append(_Taken(now - each.moment, len(each.runs), somebody))
            self._watched.remove(each)

    def end(self) -> None:
        """Stop looking."""
        self._over.set()
        if self.ident is not None:
            self.join()
        self._engine.dispose()

    def summary(self) -> list[str]:
        """p50, p99 and the longest, of all and of those that somebody could take at once."""
        watched_over = [each for each in self._taken if each.watched_over]
        runs = sum(each.runs for each in self._taken)
        rest = f"{runs} runs; {self._idle} had none, {len(self._watched)} not over"
        return [
            f"takeovers, lease {self._lease:g} s: {_figures(watched_over)} where one who may judge lived through it",
            f"takeovers, all: {_figures(self._taken)}; {rest}",
        ]


def _figures(taken: Sequence[_Taken]) -> str:
    seconds = sorted(each.seconds for each in taken)
    if not seconds:
        return "0"
    p50, p99 = (seconds[min(len(seconds) - 1, int(len(seconds) * part))] for part in (0.5, 0.99))
    return f"{len(seconds)} with p50 {p50:.1f} s, p99 {p99:.1f} s, longest {seconds[-1]:.1f} s"
