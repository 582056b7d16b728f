"""Reads for many at once: everybody gets his own answer, read after he asked, and nobody another's error."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.database import Database
from jobs.gather import Gathered


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "a.sqlite")
    yield database
    database.close()


class _Reading:
    """Answers with each key in capitals; cannot read `bad`, does not know `gone`."""

    def __init__(self) -> None:
        self.reads: list[list[str]] = []

    def __call__(self, _connection: sa.Connection, keys: Sequence[str]) -> dict[str, str]:
        self.reads.append(list(keys))
        if "bad" in keys:
            raise ValueError("unreadable")
        return {key: key.upper() for key in keys if key != "gone"}


async def test_who_asks_together_is_answered_by_few_reads(database: Database) -> None:
    reading = _Reading()
    gathered = Gathered(database, reading)
    keys = [f"k{number}" for number in range(500)]
    assert await asyncio.gather(*map(gathered, keys)) == [key.upper() for key in keys]
    assert len(reading.reads) == 3
    assert await gathered("k1") == "K1"


async def test_an_answer_is_read_after_it_was_asked_for(database: Database) -> None:
    reading = _Reading()
    gathered = Gathered(database, reading)
    first = asyncio.create_task(gathered("a"))
    while not reading.reads:  # noqa: ASYNC110 - its thread has begun
        await asyncio.sleep(0.001)
    assert list(await asyncio.gather(gathered("a"), first)) == ["A", "A"]
    assert reading.reads == [["a"], ["a"]]


async def test_what_cannot_be_read_fails_alone(database: Database) -> None:
    gathered = Gathered(database, _Reading())
    good, bad, gone = await asyncio.gather(gathered("a"), gathered("bad"), gathered("gone"), return_exceptions=True)
    assert good == "A"
    assert isinstance(bad, ValueError)
    assert isinstance(gone, KeyError)


async def test_one_who_gives_up_spoils_it_for_nobody(database: Database) -> None:
    gathered = Gathered(database, _Reading())
    tasks = [asyncio.create_task(gathered("a")) for _ in range(2)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    assert await tasks[1] == "A"
