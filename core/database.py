"""One database for all rooms: one MetaData, a grouping writer, reader threads.

SQLite (embedded, one process) or Postgres (replicas). Every room declares its tables on `metadata` and takes the
caller's Connection, so that state, ledger and events change in one transaction.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from core.errors import DatabaseUnavailable
from core.identifiers import new_id
from core.postgres import advice, is_away, postgres_engine, postgres_url
from core.writer import BulkWork, Writer

metadata = sa.MetaData()
Result = TypeVar("Result")
_PATIENCE = 3.0
"""Seconds for which a Postgres that went away is tried again before callers are told."""
_GROUP_LOCK_SECONDS = 0.25
"""A group of orders locks rows in any order: rather than until a deadlock is found, it waits no longer than this."""
_DBOS_CONNECTIONS = 8
"""For its work; on Postgres its listener and its leader's lock hold one more each."""

_PRAGMAS = ("busy_timeout=30000", "foreign_keys=ON", "journal_mode=WAL", "synchronous=FULL", "cache_size=-512")
"""The cache: KiB of each connection; what it lacks is in the kernel's."""


class Timestamp(sa.TypeDecorator[datetime]):
    """A UTC moment stored as whole microseconds since 1970: sortable, exact, the same on every database."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        return None if value is None else round(value.timestamp() * 1_000_000)

    def process_result_value(self, value: Any | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else datetime.fromtimestamp(int(value) / 1_000_000, UTC)


def sqlite_engine(path: Path, *, begin: str = "BEGIN IMMEDIATE", pool_size: int = 5) -> sa.Engine:
    """An engine on one SQLite file: WAL, synchronous FULL (a recorded purchase survives power loss).

    `begin` is the statement that opens a transaction; the empty string leaves it to the driver (as DBOS expects).
    """
    engine = sa.create_engine(
        f"sqlite:///{path}",
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=30,
        pool_use_lifo=True,  # the fewer connections are in use, the fewer keep pages and prepared statements
        hide_parameters=True,  # an error in the log must not quote a prompt or a webhook's address
    )

    def connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None if begin else "IMMEDIATE"
        if sqlite3.sqlite_version_info < (3, 42):  # DBOS 3.4 needs unixepoch('subsec'), which came with 3.42
            connection.create_function("unixepoch", -1, lambda *_arguments: time.time())
        for pragma in _PRAGMAS:
            connection.execute("PRAGMA " + pragma)

    sa.event.listen(engine, "connect", connect)
    if begin:
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


DATABASE_ERRORS = (sa.exc.SQLAlchemyError, DatabaseUnavailable)
"""What a call of the database may raise."""


def insert_unless_there(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]
) -> postgresql.Insert | sqlite.Insert:
    """A statement that inserts each row unless one like it (by any unique key) is there.

    On Postgres it waits for whoever is inserting such a row now: rows that several may insert are given sorted.
    """
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    return insert(table).values(list(rows)).on_conflict_do_nothing()


class Database:
    """The opened database: one writer, a few readers, and the engine that DBOS shares it through."""

    def __init__(self, place: Path | str, *, readers: int = 3) -> None:
        """`place`: the file of an embedded database, or the address of a Postgres one. Raises ValueError."""
        self.instance = new_id("exe")
        """Names this opening: its sessions on Postgres, and the engine's work there."""
        self._path = place if isinstance(place, Path) else None
        if isinstance(place, Path):
            place.parent.mkdir(parents=True, exist_ok=True)
            self.url = f"sqlite:///{place}"
            self.engine = sqlite_engine(place, pool_size=2)
            self.dbos_engine = sqlite_engine(place, begin="", pool_size=_DBOS_CONNECTIONS)
            self._read_engine = sqlite_engine(place, begin="BEGIN", pool_size=readers + 1)
        else:
            self.url = postgres_url(place).render_as_string(hide_password=False)
            self.engine = self.connect("filmgate", pool_size=2, lock_seconds=_GROUP_LOCK_SECONDS)
            self.dbos_engine = self.connect("fgdbos", pool_size=_DBOS_CONNECTIONS + 2, pre_ping=True)
            self._read_engine = self.connect("filmgate", pool_size=readers + 1, isolation="REPEATABLE READ")
        self._patience = _PATIENCE if self.shared else 0.0
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="filmgate-reader")
        self._writer: Writer | None = None

    @property
    def shared(self) -> bool:
        """Whether other processes may work on it too: it is a Postgres."""
        return self._path is None

    @property
    def path(self) -> Path:
        """The file of an embedded database."""
        assert self._path is not None
        return self._path

    def connect(self, purpose: str, *, pool_size: int, **options: Any) -> sa.Engine:
        """Another engine on the Postgres; its sessions are named `purpose:instance`. Options of `postgres_engine`."""
        name = f"{purpose}:{self.instance}"
        return postgres_engine(self.url, application_name=name, pool_size=pool_size, **options)

    async def write(self, work: Callable[[sa.Connection], Result]) -> Result:
        """Run `work` in one durable transaction (possibly shared with other callers, a savepoint each).

        It may be run several times until it is committed once. Raises DatabaseUnavailable.
        """
        return await self._write().run(work)

    async def write_known(self, work: Callable[[sa.Connection], Result]) -> Result:
        """As `write`, but a commit that was lost is looked into at once: for what the caller could not ask for again.

        `work` must find what an earlier, unconfirmed try of it has written, and return the same.
        """
        try:
            return await self.write(work)
        except DatabaseUnavailable as error:
            if not error.unknown:
                raise
        try:
            return await self.write(work)
        except DatabaseUnavailable:
            raise DatabaseUnavailable.unsure() from None  # the first try may have been written all the same

    async def write_surely(self, work: Callable[[sa.Connection], Result]) -> Result:
        """As `write`, until it is written, however long the database is away: for what must not be forgotten.

        `work` must do nothing where an earlier, unconfirmed try of it has been written.
        """
        pause = 0.1
        while True:
            try:
                return await self.write(work)
            except DatabaseUnavailable:
                await asyncio.sleep(pause)
                pause = min(2 * pause, 2.0)

    async def write_bulk(self, work: BulkWork, item: Any) -> Any:
        """As `write`, for work that is much cheaper done for many callers at once."""
        return await self._write().run_bulk(work, item)

    def _write(self) -> Writer:
        if self._writer is None:
            self._writer = Writer(self.engine, patience=self._patience)
        return self._writer

    async def read(self, work: Callable[[sa.Connection], Result]) -> Result:
        """Run `work` against one consistent snapshot. Raises DatabaseUnavailable."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    def _read(self, work: Callable[[sa.Connection], Result]) -> Result:
        end, pause = time.monotonic() + self._patience, 0.02
        while True:
            try:
                with self._read_engine.connect() as connection:
                    return work(connection)
            except sa.exc.SQLAlchemyError as error:
                if not is_away(error):
                    raise
                if time.monotonic() + pause > end:
                    raise DatabaseUnavailable.away(advice(error)) from error
            time.sleep(pause)
            pause = min(2 * pause, 0.5)

    def close(self) -> None:
        """Finish writing and let the database go."""
        if self._writer is not None:
            self._writer.close()
        self._readers.shutdown()
        for engine in (self.engine, self.dbos_engine, self._read_engine):
            sa.event.listen(engine, "checkin", _end_late)
            engine.dispose()


def _end_late(_connection: object, record: sa.pool.ConnectionPoolEntry) -> None:
    """A thread of DBOS may be at work yet: the pool to which it gives its connection back is nobody's any more."""
    record.invalidate()
