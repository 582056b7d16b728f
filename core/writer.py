"""The thread that writes: it groups what waits into one commit, a savepoint each."""

import asyncio
import contextlib
import queue
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa

from core.errors import DatabaseUnavailable
from core.postgres import advice, is_away, is_contended

Result = TypeVar("Result")
Work = Callable[[sa.Connection], Any]
BulkWork = Callable[[sa.Connection, Sequence[Any]], Sequence[Any]]
"""Does many items at once; gives one result or exception per item, in order. What it raises all of them get."""

_LARGEST_GROUP = 64
_NO_ITEM = object()
_TRIES_ALONE = 8
_LOCK_SECONDS_ALONE = 5
_LONGEST_PAUSE = 0.5


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
    """The one thread of a process that writes.

    A result is given out once it is durable; what raises has written nothing, except for `DatabaseUnavailable` with
    `unknown`: the connection was lost during the commit, and only a look at the rows tells. Such work is never
    repeated here. Callers are safe to repeat it because everything they write is guarded: a request id names a request
    once, an attempt's number and a settlement are unique, and every other change first checks the state it changes.
    """

    def __init__(self, engine: sa.Engine, *, patience: float = 0.0) -> None:
        """`patience`: for how many seconds a database that went away is tried again."""
        self._engine = engine
        self._patience = patience
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
        while (order := self._queue.get()) is not None:
            group, last = self._group(order)
            self._write(_batches(group))
            _deliver(group)
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

    def _write(self, batches: list[list[_Order]]) -> None:
        """Write all in one transaction; where another transaction is in the way, each batch in one of its own."""
        try:
            self._transact(batches)
        except Exception as error:  # whatever it is, the callers are told
            if not is_contended(error):
                return _fail(batches, error)
            for batch in batches:
                self._write_alone(batch)

    def _write_alone(self, batch: list[_Order]) -> None:
        """On its own a batch locks its rows in the order of docs/decisions/0016, so that it gets through."""
        for _ in range(_TRIES_ALONE):
            try:
                return self._transact([batch], lock_seconds=_LOCK_SECONDS_ALONE)
            except Exception as error:  # whatever it is, the callers are told
                if not is_contended(error):
                    return _fail([batch], error)
                time.sleep(random.uniform(0.01, 0.1))  # noqa: S311 - spread
        return _fail([batch], DatabaseUnavailable.busy())

    def _transact(self, batches: list[list[_Order]], *, lock_seconds: int | None = None) -> None:
        """Commit once, on a connection of now; again while the database is away and nothing can have been written."""
        end, pause = time.monotonic() + self._patience, 0.02
        while True:
            try:
                return self._once(batches, lock_seconds)
            except Exception as error:  # whatever is no lost connection is the caller's
                if not is_away(error):
                    raise
                if time.monotonic() + pause > end:
                    raise DatabaseUnavailable.away(advice(error)) from error
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _once(self, batches: list[list[_Order]], lock_seconds: int | None) -> None:
        with self._engine.connect() as connection:
            transaction = connection.begin()
            try:
                if lock_seconds is not None:
                    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{lock_seconds}s'")
                for batch in batches:
                    with contextlib.nullcontext() if len(batches) == 1 else _isolated(connection, batch):
                        _perform(connection, batch)
            except BaseException:  # nothing may leave a transaction open
                with contextlib.suppress(sa.exc.SQLAlchemyError):  # the first error is the one to tell
                    transaction.rollback()
                raise
            _commit(connection, transaction)


def _commit(connection: sa.Connection, transaction: sa.RootTransaction) -> None:
    try:
        transaction.commit()
    except sa.exc.SQLAlchemyError as error:
        with contextlib.suppress(sa.exc.SQLAlchemyError):
            transaction.rollback()
        if is_away(error) and connection.dialect.name != "sqlite":  # SQLite's commit fails as a whole
            raise DatabaseUnavailable.unsure() from error
        raise


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
    savepoint = connection.begin_nested()
    try:
        yield
        savepoint.commit()
    except Exception as error:  # told to those who asked for it; the others' work stays
        if is_away(error) or is_contended(error) or not _in_transaction(connection):
            raise
        savepoint.rollback()
        _fail([batch], error)


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


def _fail(batches: list[list[_Order]], error: Exception) -> None:
    for batch in batches:
        for order in batch:
            order.result = error


def _deliver(group: list[_Order]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[_Order]] = {}
    for order in group:
        by_loop.setdefault(order.loop, []).append(order)
    for loop, orders in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_deliver_all, orders)


def _deliver_all(orders: list[_Order]) -> None:
    for order in orders:
        order.deliver()
