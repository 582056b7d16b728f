"""One database for all rooms: engine factories, one MetaData, a grouping `Writer`, reader threads.

SQLite (embedded, one process) or Postgres (replicas). Every room declares its tables on `metadata` and takes the
caller's Connection, so that state, ledger and events change in one transaction.
"""

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

metadata = sa.MetaData()
Result = TypeVar("Result")
_LARGEST_GROUP = 64


class Timestamp(sa.TypeDecorator[datetime]):
    """A UTC moment stored as whole microseconds since 1970: sortable, exact, the same on every database."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        return None if value is None else round(value.timestamp() * 1_000_000)

    def process_result_value(self, value: Any | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else datetime.fromtimestamp(int(value) / 1_000_000, UTC)


def sqlite_engine(path: Path, *, begin: str = "BEGIN IMMEDIATE", pool_size: int = 20) -> sa.Engine:
    """An engine on one SQLite file: WAL, synchronous FULL (a recorded purchase survives power loss).

    `begin` is the statement that opens a transaction; the empty string leaves it to the driver (as DBOS expects).
    """
    engine = sa.create_engine(f"sqlite:///{path}", pool_size=pool_size, max_overflow=0, pool_timeout=30)

    def connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None if begin else "IMMEDIATE"
        if sqlite3.sqlite_version_info < (3, 42):  # DBOS 3.4 needs unixepoch('subsec'), which came with 3.42
            connection.create_function("unixepoch", -1, lambda *_arguments: time.time())
        for pragma in ("busy_timeout=30000", "foreign_keys=ON", "journal_mode=WAL", "synchronous=FULL"):
            connection.execute("PRAGMA " + pragma)

    sa.event.listen(engine, "connect", connect)
    if begin:
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


@dataclass(slots=True)
class _Job:
    work: Callable[[sa.Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = field(default=None)

    def deliver(self) -> None:
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class Writer:
    """The one thread that writes: it groups what waits into one commit, a savepoint each.

    `await run(work)` returns what `work(connection)` returned once it is durable, or raises what it raised with
    nothing of it written.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._main, name="filmgate-writer", daemon=True)
        self._thread.start()

    async def run(self, work: Callable[[sa.Connection], Result]) -> Result:
        """Run `work` in a transaction; shielded, so that a cancelled caller never leaves half a thought."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._queue.put(_Job(work, loop, future))
        return await asyncio.shield(future)

    def close(self) -> None:
        """Finish what waits, then stop."""
        self._queue.put(None)
        self._thread.join()

    def _main(self) -> None:
        with self._engine.connect() as connection:
            while (job := self._queue.get()) is not None:
                group, last = self._group(job)
                self._commit(connection, group)
                if last:
                    return

    def _group(self, first: _Job) -> tuple[list[_Job], bool]:
        group = [first]
        while len(group) < _LARGEST_GROUP:
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                return group, False
            if job is None:
                return group, True
            group.append(job)
        return group, False

    def _commit(self, connection: sa.Connection, group: list[_Job]) -> None:
        try:
            with connection.begin():
                for job in group:
                    self._run(connection, job)
        except Exception as error:  # the whole group failed to become durable: tell every caller
            for job in group:
                job.error = job.error or error
        self._deliver(group)

    @staticmethod
    def _run(connection: sa.Connection, job: _Job) -> None:
        try:
            with connection.begin_nested():
                job.result = job.work(connection)
        except Exception as error:  # one caller's error is that caller's alone
            job.error = error

    @staticmethod
    def _deliver(group: list[_Job]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
        for job in group:
            by_loop.setdefault(job.loop, []).append(job)
        for loop, jobs in by_loop.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(_deliver_all, jobs)


def _deliver_all(jobs: list[_Job]) -> None:
    for job in jobs:
        job.deliver()


class Database:
    """The opened database: one writer, a few readers, and the engine that DBOS shares the file through."""

    def __init__(self, path: Path, *, readers: int = 3) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.engine = sqlite_engine(path)
        self.dbos_engine = sqlite_engine(path, begin="")
        self._read_engine = sqlite_engine(path, begin="BEGIN", pool_size=readers + 1)
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="filmgate-reader")
        self._writer: Writer | None = None

    @property
    def url(self) -> str:
        """The address DBOS is told; it uses `dbos_engine`."""
        return f"sqlite:///{self.path}"

    async def write(self, work: Callable[[sa.Connection], Result]) -> Result:
        """Run `work` in one durable transaction (possibly shared with other callers, a savepoint each)."""
        if self._writer is None:
            self._writer = Writer(self.engine)
        return await self._writer.run(work)

    async def read(self, work: Callable[[sa.Connection], Result]) -> Result:
        """Run `work` against one consistent snapshot."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    def _read(self, work: Callable[[sa.Connection], Result]) -> Result:
        with self._read_engine.connect() as connection:
            return work(connection)

    def close(self) -> None:
        """Finish writing and release the file."""
        if self._writer is not None:
            self._writer.close()
        self._readers.shutdown()
        for engine in (self.engine, self.dbos_engine, self._read_engine):
            engine.dispose()
