"""One database for all rooms: engine factories, one MetaData, a grouping `Writer`, reader threads.

SQLite (embedded, one process) or Postgres (replicas). Every room declares its tables on `metadata` and takes the
caller's Connection, so that state, ledger and events change in one transaction.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

metadata = sa.MetaData()
Result = TypeVar("Result")
_LARGEST_GROUP = 64
_NO_ITEM = object()


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
    engine = sa.create_engine(
        f"sqlite:///{path}",
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=30,
        hide_parameters=True,  # an error in the log must not quote a prompt or a webhook's address
    )

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


Work = Callable[[sa.Connection], Any]
BulkWork = Callable[[sa.Connection, Sequence[Any]], Sequence[Any]]
"""Does many items at once; gives one result or exception per item, in order. What it raises all of them get."""


@dataclass(slots=True)
class _Order:
    """One caller's wish: `work(connection)`, or its `item` among the others of the same bulk `work`."""

    work: Work | BulkWork
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    item: Any = _NO_ITEM
    result: Any = None

    def deliver(self) -> None:
        if self.future.done():
            return
        if isinstance(self.result, BaseException):
            self.future.set_exception(self.result)
        else:
            self.future.set_result(self.result)


class Writer:
    """The one thread that writes: it groups what waits into one commit, a savepoint each.

    A result is given out once it is durable; what raises has written nothing.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._queue: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._main, name="filmgate-writer", daemon=True)
        self._thread.start()

    async def run(self, work: Callable[[sa.Connection], Result]) -> Result:
        """Run `work` in a transaction; shielded, so that a cancelled caller never leaves half a thought."""
        result: Result = await self._ask(work, _NO_ITEM)
        return result

    async def run_bulk(self, work: BulkWork, item: Any) -> Any:
        """Run `work` on this item together with the items of whoever else asks for the same work now."""
        return await self._ask(work, item)

    async def _ask(self, work: Work | BulkWork, item: Any) -> Any:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._queue.put(_Order(work, loop, future, item))
        return await asyncio.shield(future)

    def close(self) -> None:
        """Finish what waits, then stop."""
        self._queue.put(None)
        self._thread.join()

    def _main(self) -> None:
        with self._engine.connect() as connection:
            while (order := self._queue.get()) is not None:
                group, last = self._group(order)
                self._commit(connection, group)
                if last:
                    return

    def _group(self, first: _Order) -> tuple[list[_Order], bool]:
        group = [first]
        while len(group) < _LARGEST_GROUP:
            try:
                order = self._queue.get_nowait()
            except queue.Empty:
                return group, False
            if order is None:
                return group, True
            group.append(order)
        return group, False

    def _commit(self, connection: sa.Connection, group: list[_Order]) -> None:
        try:
            with connection.begin():
                batches = _batches(group)
                for batch in batches:
                    with contextlib.nullcontext() if len(batches) == 1 else _isolated(connection, batch):
                        _perform(connection, batch)
        except Exception as error:  # the whole group failed to become durable: tell every caller
            for order in group:
                order.result = error
        by_loop: dict[asyncio.AbstractEventLoop, list[_Order]] = {}
        for order in group:
            by_loop.setdefault(order.loop, []).append(order)
        for loop, orders in by_loop.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(_deliver_all, orders)


def _batches(group: list[_Order]) -> list[list[_Order]]:
    """Orders as they are, but those of one bulk work together, at the place of its first."""
    batches: list[list[_Order]] = []
    bulk: dict[object, list[_Order]] = {}
    for order in group:
        if order.item is _NO_ITEM:
            batches.append([order])
        elif order.work in bulk:
            bulk[order.work].append(order)
        else:
            bulk[order.work] = [order]
            batches.append(bulk[order.work])
    return batches


@contextlib.contextmanager
def _isolated(connection: sa.Connection, batch: list[_Order]) -> Iterator[None]:
    """A savepoint: this batch's error is its callers' alone, unless it undid the whole transaction."""
    try:
        with connection.begin_nested():
            yield
    except Exception as error:  # told to those who asked for it; the others' work stays
        if not _in_transaction(connection):
            raise
        for order in batch:
            order.result = error


def _in_transaction(connection: sa.Connection) -> bool:
    """SQLite ends the transaction by itself when the disk is full or fails."""
    driver = connection.connection.driver_connection
    return driver.in_transaction if isinstance(driver, sqlite3.Connection) else True


def _perform(connection: sa.Connection, batch: list[_Order]) -> None:
    work: Any = batch[0].work
    if batch[0].item is _NO_ITEM:
        batch[0].result = work(connection)
        return
    results = work(connection, [order.item for order in batch])
    for order, result in zip(batch, results, strict=True):
        order.result = result


def _deliver_all(orders: list[_Order]) -> None:
    for order in orders:
        order.deliver()


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
        return await self._write().run(work)

    async def write_bulk(self, work: BulkWork, item: Any) -> Any:
        """As `write`, for work that is much cheaper done for many callers at once."""
        return await self._write().run_bulk(work, item)

    def _write(self) -> Writer:
        if self._writer is None:
            self._writer = Writer(self.engine)
        return self._writer

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
