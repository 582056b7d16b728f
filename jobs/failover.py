"""Who is alive on a shared database, and who takes over from the dead: a lease each, renewed and watched.

The engine recovers only what its own process left. Every rule here was paid for in a trial that went wrong without it;
docs/decisions/0017 tells them.
"""

import os
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import sqlalchemy as sa
import structlog

from core.database import Database
from jobs import tables

BEATS = 5
"""Renewals per lease."""
_LOCK = 0x66696C72
_LEFT = 70
_log = structlog.get_logger()
_executors = tables.executors.c
_NOW = sa.text("(extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
"""The database's clock, as a Timestamp is stored: replicas' own clocks may differ."""
_PENDING = sa.table("workflow_status", sa.column("executor_id"), sa.column("status"), schema="dbos")
_SESSIONS = sa.text(
    "SELECT count(pg_terminate_backend(pid, 500)) FROM pg_stat_activity "
    "WHERE application_name IN (:engine, :rooms, :lease) AND pid <> pg_backend_pid()"
)


def end_process() -> None:
    """End at once: others do this process's work, and everything it would still write could be wrong."""
    _log.critical("this process was taken for dead, and others have its work: it ends")
    sys.stderr.flush()
    os._exit(_LEFT)


class Membership:
    """One process among those that share a database."""

    def __init__(
        self, database: Database, *, seconds: float, recover: Callable[[str], None], reaped: Callable[[], None]
    ) -> None:
        """`recover(executor)` takes over a dead one's runs; `reaped` is called when this process is the dead one."""
        self._id = database.instance
        self._seconds = seconds
        self._recover = recover
        self._reaped = reaped
        self._ending = threading.Event()
        self._threads: list[threading.Thread] = []
        # Of their own, each with one connection: whatever one of them waits for does not hold up the other.
        self._beats, self._watch = (
            database.connect("fglease", pool_size=1, lock_seconds=seconds / BEATS, idle_seconds=seconds, pre_ping=True)
            for _ in range(2)
        )
        self._valid_until = -1.0
        self._unbroken_since: float | None = None
        self._last_beat = -1.0
        self._oldest = False

    @property
    def valid(self) -> bool:
        """Whether nobody can have taken this process for dead yet."""
        return time.monotonic() < self._valid_until

    @property
    def leads(self) -> bool:
        """Whether this one does what only one of them needs to do; for moments several, or none, may think so."""
        return self._oldest and self.valid

    def join(self) -> None:
        """Be known as alive, before any work is taken. Raises what the database raises."""
        began = time.monotonic()
        with self._beats.begin() as connection:
            values = {"id": self._id, "lease_until": _until(self._seconds), "reaped": False}
            connection.execute(sa.insert(tables.executors).values(**values))
        self._renewed(began)
        _log.info("a lease was taken", executor=self._id, seconds=self._seconds)

    def start(self) -> None:
        """Renew and watch in threads of their own; what others left behind in good order is taken at once."""
        for name, work in (("filmgate-lease", self.beat), ("filmgate-reaper", self.watch)):
            thread = threading.Thread(target=self._for_ever, args=(work,), name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def leave(self) -> None:
        """Hand everything over: this process does nothing any more, so the others need not wait for its lease."""
        self._ending.set()
        for thread in self._threads:
            thread.join()
        self._valid_until = -1.0
        gone = sa.update(tables.executors).where(_executors.id == self._id).values(reaped=True, lease_until=_NOW)
        try:
            with self._beats.begin() as connection:
                connection.execute(gone)
        except sa.exc.SQLAlchemyError:
            _log.warning("the lease could not be given back; it runs out", executor=self._id)
        self._beats.dispose()
        self._watch.dispose()

    def _for_ever(self, work: Callable[[], None]) -> None:
        while True:
            try:
                work()
            except Exception as error:  # a database that is away, or a library's surprise: the next beat tries again
                _log.warning("a beat failed", work=work.__name__, error=type(error).__name__)
            if self._ending.wait(self._seconds / BEATS):
                return

    def beat(self) -> None:
        """Renew the lease. A lease that ran out is no harm; to have been reaped is the end."""
        began = time.monotonic()
        update = sa.update(tables.executors).where(_executors.id == self._id, _executors.reaped.is_(False))
        with self._beats.begin() as connection:
            alive = connection.execute(update.values(lease_until=_until(self._seconds))).rowcount
        if alive:
            self._renewed(began)
        elif not self._ending.is_set():
            self._reaped()

    def _renewed(self, began: float) -> None:
        if began - self._last_beat > self._seconds / 2:
            self._unbroken_since = began
        self._last_beat = began
        self._valid_until = began + self._seconds

    def _may_reap(self) -> bool:
        """Whether this process has seen a whole lease of an unbroken world: after a stall everybody looks dead."""
        now, since = time.monotonic(), self._unbroken_since
        beating = now - self._last_beat <= self._seconds / 2  # else the break may be this very moment's
        return self.valid and beating and since is not None and now - since >= self._seconds

    def watch(self) -> None:
        """Find the dead, and take over from them and from those who left."""
        with self._watch.begin() as connection:
            alive = (_executors.reaped.is_(False), _executors.lease_until > _NOW)
            oldest = connection.execute(sa.select(sa.func.min(_executors.id)).where(*alive)).scalar()
            self._oldest = oldest == self._id
            if not connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(_LOCK))).scalar():
                return
            dead = self._mark_dead(connection) if self._may_reap() else set()
            dead |= _left_behind(connection)
        # That they are dead is known to all from here on, also should this process die now.
        for executor in sorted(dead):
            self._take_over(executor)

    def _mark_dead(self, connection: sa.Connection) -> set[str]:
        """Found by what is pending without a live lease, too: a woken zombie may take work after its row is gone."""
        live = sa.select(_executors.id).where(_executors.lease_until > _NOW, _executors.reaped.is_(False))
        pending = sa.select(_PENDING.c.executor_id).where(_PENDING.c.status == "PENDING")
        orphans = set(connection.execute(pending.where(_PENDING.c.executor_id.not_in(live)).distinct()).scalars())
        lapsed = sa.select(_executors.id).where(_executors.lease_until <= _NOW, _executors.reaped.is_(False))
        known = set(connection.execute(sa.select(_executors.id).where(_executors.id.in_(orphans))).scalars())
        for executor in sorted(orphans - known - {None}):
            values = {"id": executor, "lease_until": datetime.fromtimestamp(0, UTC), "reaped": True}
            connection.execute(sa.insert(tables.executors).values(**values))
        mark = sa.update(tables.executors).where(_executors.id.in_(lapsed), _executors.lease_until <= _NOW)
        marked = set(connection.execute(mark.values(reaped=True).returning(_executors.id)).scalars())
        return marked | (orphans - known - {None})

    def _take_over(self, executor: str) -> None:
        """End the dead one's sessions first: frozen inside a transaction it would hold the locks of what is taken."""
        names = {"engine": f"fgdbos:{executor}", "rooms": f"filmgate:{executor}", "lease": f"fglease:{executor}"}
        with self._watch.begin() as connection:
            ended = connection.execute(_SESSIONS, names).scalar()
        self._recover(executor)
        _log.warning("the work of a process that is gone was taken over", executor=executor, sessions=ended)


def _left_behind(connection: sa.Connection) -> set[str]:
    """Those known to be gone whose work nobody has taken: their reaper may have died, or they left by themselves."""
    pending = sa.select(_PENDING.c.executor_id).where(_PENDING.c.status == "PENDING")
    gone = sa.select(_executors.id).where(_executors.reaped.is_(True), _executors.id.in_(pending))
    return set(connection.execute(gone).scalars())


def forget(connection: sa.Connection, limit: int, before: datetime) -> int:
    """Forget processes that have long been gone and left nothing to take over; returns how many."""
    working = sa.exists().where(_PENDING.c.status == "PENDING", _PENDING.c.executor_id == _executors.id)
    long_gone = (_executors.reaped.is_(True), _executors.lease_until < before, ~working)
    found = list(connection.execute(sa.select(_executors.id).where(*long_gone).limit(limit)).scalars())
    if found:
        connection.execute(sa.delete(tables.executors).where(_executors.id.in_(found), *long_gone))
    return len(found)


def _until(seconds: float) -> sa.TextClause:
    return sa.text(f"(extract(epoch FROM clock_timestamp()) * 1000000)::bigint + {round(seconds * 1_000_000)}")
