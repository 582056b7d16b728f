"""Postgres: what another process is doing, or the network, never loses or doubles what is written here."""

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from core.database import Database, insert_unless_there
from core.errors import DatabaseUnavailable, Reason
from core.postgres import postgres_url
from tests.postgres import Postgres

_metadata = sa.MetaData()
counters = sa.Table(
    "counter", _metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("value", sa.Integer, nullable=False)
)


@pytest.fixture
def name(postgres: Postgres) -> Iterator[str]:
    """A database with ten counters."""
    with postgres.database() as name:
        postgres.run(
            "CREATE TABLE counter (id integer PRIMARY KEY, value integer NOT NULL)",
            "INSERT INTO counter SELECT generate_series(0, 9), 0",
            database=name,
        )
        yield name


@pytest.fixture
async def two(postgres: Postgres, name: str) -> AsyncIterator[tuple[Database, Database]]:
    """Two processes' views of one database."""
    both = Database(postgres.url(name)), Database(postgres.url(name, tcp=True))
    yield both
    for database in both:
        database.close()


def _add(*numbers: int) -> Callable[[sa.Connection], int]:
    def work(connection: sa.Connection) -> int:
        for number in numbers:
            query = sa.select(counters.c.value).where(counters.c.id == number).with_for_update()
            value = connection.execute(query).scalar_one()
            connection.execute(sa.update(counters).where(counters.c.id == number).values(value=value + 1))
        return len(numbers)

    return work


async def _sum(database: Database) -> int:
    return int(await database.read(lambda connection: connection.execute(sa.func.sum(counters.c.value)).scalar_one()))


async def test_groups_that_lock_in_any_order_all_get_through(two: tuple[Database, Database]) -> None:
    dice = random.Random(5)
    works = [(database, _add(number)) for database in two for number in [*range(10)] * 20]
    dice.shuffle(works)
    async with asyncio.timeout(30):
        await asyncio.gather(*(database.write(work) for database, work in works))
    assert await _sum(two[0]) == 400


async def test_orders_that_deadlock_are_done_again_alone(two: tuple[Database, Database]) -> None:
    async with asyncio.timeout(60):
        done = await asyncio.gather(
            *(two[0].write(_add(0, 1)) for _ in range(20)), *(two[1].write(_add(1, 0)) for _ in range(20))
        )
    assert (sum(done), await _sum(two[1])) == (80, 80)


async def test_one_of_two_processes_inserts(two: tuple[Database, Database]) -> None:
    def work(connection: sa.Connection) -> int:
        rows = [{"id": number, "value": 1} for number in range(20, 60)]
        insert = insert_unless_there(connection, counters, rows).returning(counters.c.id)
        return len(connection.execute(insert).all())

    done = await asyncio.gather(*(database.write(work) for database in two for _ in range(5)))
    assert sorted(done) == [0] * 9 + [40]


def _end_sessions(postgres: Postgres, name: str) -> None:
    """As when the server's operator, or a peer, ends everything of ours."""
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    postgres.run(f"{end} AND datname = current_database()", database=name)


async def test_a_cut_connection_is_made_again(postgres: Postgres, name: str, two: tuple[Database, Database]) -> None:
    database = two[0]
    for _ in range(3):
        await database.write(_add(0))
        assert await _sum(database) > 0
        _end_sessions(postgres, name)
    await asyncio.gather(*(database.write(_add(number)) for number in range(10)))
    assert await _sum(database) == 13


async def test_a_cut_in_the_middle_writes_once(postgres: Postgres, name: str, two: tuple[Database, Database]) -> None:
    tries: list[None] = []

    def work(connection: sa.Connection) -> None:
        _add(1)(connection)
        tries.append(None)
        if len(tries) == 1:
            _end_sessions(postgres, name)
        _add(2)(connection)

    await two[0].write(work)
    assert (len(tries), await _sum(two[0])) == (2, 2)


async def test_a_commit_that_is_lost_is_not_repeated(
    postgres: Postgres, name: str, two: tuple[Database, Database]
) -> None:
    tries: list[None] = []

    def work(connection: sa.Connection) -> None:
        _add(1)(connection)
        tries.append(None)
        _end_sessions(postgres, name)

    with pytest.raises(DatabaseUnavailable) as told:
        await two[0].write(work)
    assert (told.value.unknown, told.value.reason, len(tries)) == (True, Reason.DATABASE_UNAVAILABLE, 1)
    assert await _sum(two[0]) == 0


@pytest.mark.parametrize("written", [True, False])
async def test_a_commit_that_is_lost_is_looked_into(
    postgres: Postgres, name: str, two: tuple[Database, Database], written: bool
) -> None:
    tries: list[None] = []

    def work(connection: sa.Connection) -> int:
        tries.append(None)
        there = connection.execute(sa.select(counters.c.value).where(counters.c.id == 77)).scalar()
        if there is None:
            connection.execute(sa.insert(counters).values(id=77, value=5))
        if len(tries) == 1:
            if written:  # it is the answer that is lost
                connection.exec_driver_sql("COMMIT")
                connection.exec_driver_sql("SELECT 1")
            _end_sessions(postgres, name)
        return 5

    assert await two[0].write_known(work) == 5
    assert len(tries) == 2
    assert await _sum(two[0]) == 5


@pytest.mark.parametrize("tcp", [True, False], ids=["tcp", "socket"])
async def test_a_server_that_is_away_is_waited_for_and_then_told_of(tcp: bool) -> None:
    postgres = Postgres()
    postgres.run("CREATE TABLE counter (id integer PRIMARY KEY, value integer NOT NULL)")
    database = Database(postgres.url("postgres", tcp=tcp))
    insert = sa.insert(counters).values(value=0)
    try:
        await database.write(lambda connection: connection.execute(insert.values(id=1)).rowcount)
        await asyncio.to_thread(postgres.stop)
        starting = asyncio.create_task(asyncio.to_thread(_after, 0.5, postgres.start))
        await database.write(lambda connection: connection.execute(insert.values(id=2)).rowcount)
        await starting
        await asyncio.to_thread(postgres.stop)
        writes: list[Any] = [database.write(_add(1)), database.read(_add(1))]
        for told in await asyncio.gather(*writes, return_exceptions=True):
            assert isinstance(told, DatabaseUnavailable)
            assert (told.unknown, told.retry_after) == (False, 1.0)
        surely = asyncio.create_task(database.write_surely(_add(1)))
        await asyncio.to_thread(postgres.start)
        assert await surely == 1
        assert await _sum(database) == 1
    finally:
        database.close()
        await asyncio.to_thread(postgres.remove)


def _after(seconds: float, call: Callable[[], None]) -> None:
    threading.Event().wait(seconds)
    call()


@pytest.mark.parametrize(
    "text", ["mysql://secret@host/name", "postgresql://secret@host", "nonsense-secret", "postgresql://u:secret@h:x/n"]
)
def test_an_address_that_is_none_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as refused:
        postgres_url(text)
    assert "secret" not in str(refused.value)


def test_a_connection_that_comes_back_late_is_ended(postgres: Postgres, name: str) -> None:
    database = Database(postgres.url(name))
    late = database.dbos_engine.connect()
    session = late.connection.dbapi_connection
    assert session is not None
    database.close()
    late.close()
    assert session.closed


def test_addresses_of_every_kind_are_understood() -> None:
    for text in ("postgres://u:p@h/n", "postgresql://u@h:1/n", "postgresql+psycopg:///n?host=/run/postgresql"):
        assert postgres_url(text).drivername == "postgresql+psycopg"
