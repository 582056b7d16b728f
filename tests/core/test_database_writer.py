"""The writer: one commit for many, a savepoint each; what is told as written is durable, what raises wrote nothing."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core.database import Database, Timestamp
from core.errors import DatabaseUnavailable
from tests.postgres import Postgres

_metadata = sa.MetaData()
notes = sa.Table(
    "note",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("time", Timestamp),
)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | str]:
    """An empty database: its file, or its address."""
    if request.param == "sqlite":
        yield tmp_path / "deep" / "notes.sqlite"
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    with postgres.database() as name:
        yield postgres.url(name)


@pytest.fixture
async def database(place: Path | str) -> AsyncIterator[Database]:
    """An opened database with one table."""
    database = Database(place)
    with database.engine.begin() as connection:
        _metadata.create_all(connection)
    yield database
    database.close()


def _put(number: int, text: str = "x") -> Callable[[sa.Connection], int]:
    def work(connection: sa.Connection) -> int:
        connection.execute(sa.insert(notes).values(id=number, text=text))
        return number

    return work


async def _ids(database: Database) -> list[int]:
    query = sa.select(notes.c.id).order_by(notes.c.id)
    return await database.read(lambda connection: list(connection.execute(query).scalars()))


async def _together(database: Database, *works: Callable[[sa.Connection], Any]) -> list[Any]:
    """What each work gave, all of them having waited for the same commit."""
    gate = threading.Event()
    started = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold(_connection: sa.Connection) -> None:
        loop.call_soon_threadsafe(started.set)
        gate.wait(10)

    first = asyncio.create_task(database.write(hold))
    await started.wait()
    waiting = [asyncio.create_task(database.write(work)) for work in works]
    await asyncio.sleep(0)
    gate.set()
    await first
    return await asyncio.gather(*waiting, return_exceptions=True)


async def test_what_waits_shares_one_commit(database: Database) -> None:
    commits: list[None] = []
    sa.event.listen(database.engine, "commit", lambda _connection: commits.append(None))
    assert await _together(database, *(_put(number) for number in range(50))) == list(range(50))
    assert len(commits) == 2
    assert await _ids(database) == list(range(50))


async def test_many_more_than_a_group_are_all_written_in_order(database: Database) -> None:
    order: list[int] = []

    def work(number: int) -> Callable[[sa.Connection], int]:
        def note(connection: sa.Connection) -> int:
            order.append(number)
            return _put(number)(connection)

        return note

    assert await _together(database, *(work(number) for number in range(500))) == list(range(500))
    assert order == list(range(500))


async def test_one_failing_work_does_not_spoil_the_others(database: Database) -> None:
    def half(connection: sa.Connection) -> None:
        _put(100)(connection)
        raise LookupError("mine alone")

    answers = await _together(database, _put(1), half, _put(1), _put(2), half, _put(3))
    kinds = [answer if isinstance(answer, int) else type(answer).__name__ for answer in answers]
    assert kinds == [1, "LookupError", "IntegrityError", 2, "LookupError", 3]
    assert await _ids(database) == [1, 2, 3]


async def test_a_cancelled_caller_never_leaves_half_a_thought(database: Database) -> None:
    gate = threading.Event()
    entered = threading.Event()

    def slow(connection: sa.Connection) -> None:
        _put(1)(connection)
        entered.set()
        gate.wait(10)
        _put(2)(connection)

    task = asyncio.create_task(database.write(slow))
    await asyncio.get_running_loop().run_in_executor(None, entered.wait, 10)
    queued = asyncio.create_task(database.write(_put(3)))
    await asyncio.sleep(0)
    for each in (task, queued):
        each.cancel()
    gate.set()
    assert all(isinstance(answer, asyncio.CancelledError) for answer in await asyncio.gather(
        task, queued, return_exceptions=True
    ))  # fmt: skip
    await database.write(_put(4))
    assert await _ids(database) == [1, 2, 3, 4]


async def test_nothing_is_told_before_others_can_read_it(database: Database) -> None:
    for number in range(20):
        await database.write(_put(number))
        with database.engine.connect() as other:
            assert other.exec_driver_sql("SELECT count(*) FROM note").scalar() == number + 1


async def test_what_was_told_survives_a_kill(place: Path | str) -> None:
    script = (
        "import asyncio, os, signal, sys, pathlib, sqlalchemy as sa\n"
        "from core.database import Database\n"
        "async def main():\n"
        "    place = sys.argv[1]\n"
        "    database = Database(place if '://' in place else pathlib.Path(place))\n"
        "    with database.engine.begin() as c: c.exec_driver_sql('CREATE TABLE note (id INTEGER PRIMARY KEY)')\n"
        "    for n in range(20):\n"
        "        await database.write(lambda c: c.exec_driver_sql(f'INSERT INTO note VALUES ({n})').rowcount)\n"
        "        print(n, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", script, str(place)]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
    told, _ = await process.communicate()
    assert process.returncode == -9
    database = Database(place)
    assert len(told.split()) == len(await _ids(database)) == 20
    database.close()


async def test_the_file_is_synced_at_every_commit(tmp_path: Path) -> None:
    database = Database(tmp_path / "notes.sqlite")

    def pragmas(connection: sa.Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    assert await database.write(pragmas) == ["wal", 2, 1]
    assert await database.read(pragmas) == ["wal", 2, 1]
    database.close()


async def test_a_full_disk_is_told_to_everybody_whose_work_it_undid(tmp_path: Path) -> None:
    database = Database(tmp_path / "notes.sqlite")
    with database.engine.begin() as connection:
        _metadata.create_all(connection)

    def fill(connection: sa.Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")

    await database.write(fill)
    works = [_put(1), _put(2), _put(3, "x" * 200_000), _put(4), _put(5)]
    answers = await _together(database, *works)
    told = [answer for answer in answers if isinstance(answer, int)]
    assert await _ids(database) == told
    assert isinstance(answers[2], DatabaseUnavailable)
    assert await database.write(_put(6)) == 6
    database.close()


async def test_a_reader_sees_one_moment(database: Database) -> None:
    await database.write(_put(1))
    reading, written = threading.Event(), threading.Event()

    def look(connection: sa.Connection) -> tuple[int, int]:
        count = sa.select(sa.func.count()).select_from(notes)
        before = connection.execute(count).scalar_one()
        reading.set()
        written.wait(10)
        return before, connection.execute(count).scalar_one()

    looking = asyncio.create_task(database.read(look))
    await asyncio.get_running_loop().run_in_executor(None, reading.wait, 10)
    await database.write(_put(2))
    written.set()
    assert await looking == (1, 1)
    assert await _ids(database) == [1, 2]


async def test_a_readers_writes_are_not_kept(database: Database) -> None:
    await database.read(_put(1))
    assert await _ids(database) == []


async def test_bulk_work_is_done_at_once_with_an_answer_for_each(database: Database) -> None:
    calls: list[list[int]] = []

    def work(connection: sa.Connection, numbers: Sequence[int]) -> list[int | LookupError]:
        calls.append(list(numbers))
        good = [number for number in numbers if number % 10]
        connection.execute(sa.insert(notes), [{"id": number, "text": ""} for number in good])
        return [number if number in good else LookupError(str(number)) for number in numbers]

    answers = await asyncio.gather(
        *(database.write_bulk(work, number) for number in range(1, 31)), return_exceptions=True
    )
    assert [answer for answer in answers if isinstance(answer, int)] == [n for n in range(1, 31) if n % 10]
    assert [str(answer) for answer in answers if isinstance(answer, LookupError)] == ["10", "20", "30"]
    assert sorted(number for call in calls for number in call) == list(range(1, 31))
    assert len(calls) < 30
    assert len(await _ids(database)) == 27


async def test_bulk_work_that_raises_has_written_nothing(database: Database) -> None:
    def work(connection: sa.Connection, numbers: Sequence[int]) -> list[int]:
        for number in numbers:
            _put(number)(connection)
        raise LookupError("all of us")

    answers = await asyncio.gather(*(database.write_bulk(work, number) for number in range(5)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {LookupError}
    assert await _ids(database) == []
    assert await database.write(_put(1)) == 1


async def test_closing_finishes_what_waits(database: Database) -> None:
    tasks = [asyncio.create_task(database.write(_put(number))) for number in range(100)]
    await asyncio.sleep(0)
    await asyncio.get_running_loop().run_in_executor(None, database.close)
    assert await asyncio.gather(*tasks) == list(range(100))


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 1, 2, 3, 4, 5, 678901, UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 1, UTC),
        datetime(2100, 12, 31, 23, 59, 59, 999999, timezone(timedelta(hours=-7))),
        None,
    ],
)
async def test_a_moment_comes_back_to_the_microsecond(database: Database, moment: datetime | None) -> None:
    await database.write(lambda connection: connection.execute(sa.insert(notes).values(text="", time=moment)).rowcount)
    assert await database.read(lambda connection: connection.execute(sa.select(notes.c.time)).scalar()) == moment
