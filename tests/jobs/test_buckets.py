"""Token buckets: the arithmetic for any order of asking, and the sum over two processes on one database."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from core.database import Database, metadata
from jobs import buckets, tables
from jobs.buckets import SLICE, Local, Rate, Shared, draw
from tests.postgres import Postgres

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECOND = 1_000_000
RATES = st.builds(
    Rate, per_second=st.floats(0.01, 5000, allow_nan=False, allow_infinity=False), burst=st.integers(1, 500)
)
ASKS = st.lists(
    st.tuples(st.integers(-2 * SECOND, 5 * SECOND), st.integers(1, 300), st.integers(1, 600)), min_size=1, max_size=60
)


@dataclass
class Hands:
    """A clock that a test sets; both of its kinds agree."""

    seconds: float = 0.0

    def now(self) -> datetime:
        """The wall's."""
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        """The stopwatch's."""
        return self.seconds


@dataclass
class Replica:
    """What one process has been given, and when."""

    bucket: Shared
    hands: Hands
    taken: list[float] = field(default_factory=list)

    async def ask(self, rate: Rate) -> float:
        """Take one token; 0, or the wait."""
        wait = await self.bucket.take(rate)
        if not wait:
            self.taken.append(self.hands.seconds)
        return wait


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str | Path]:
    """An empty database of either kind."""
    if request.param == "sqlite":
        yield tmp_path / "filmgate.sqlite"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        with server.database() as name:
            yield server.url(name)


@pytest.fixture
def two(place: str | Path) -> Iterator[tuple[Replica, Replica]]:
    """Two processes' views of one bucket in one database, by one clock."""
    databases = [Database(place) for _ in range(2)]
    with databases[0].engine.begin() as connection:
        metadata.create_all(connection, [tables.buckets])
    hands = Hands()
    one, other = (Replica(Shared(each, "tenant:acme", hands.now, hands.monotonic), hands) for each in databases)
    yield one, other
    for database in databases:
        database.close()


@given(rate=RATES, asks=ASKS)
def test_no_order_of_asking_gets_more_than_the_burst_and_the_rate(rate: Rate, asks: list[tuple[int, int, int]]) -> None:
    full, now, given_out = 0, 1000 * SECOND, 0
    earliest = latest = now
    for step, needed, wanted in asks:
        now += step  # a clock may also be set back
        earliest, latest = min(earliest, now), max(latest, now)
        drawn = draw(full, now, rate, wanted=wanted, needed=needed)
        assert drawn.full_micros >= full
        assert drawn.tokens == 0 or min(needed, rate.burst) <= drawn.tokens <= max(wanted, needed)
        assert (drawn.wait == 0) == bool(drawn.tokens)
        full, given_out = drawn.full_micros, given_out + drawn.tokens
        assert given_out <= rate.burst + rate.per_second * (latest - earliest) / SECOND + 1e-3


@given(rate=RATES, asks=ASKS)
def test_the_wait_that_is_told_is_enough_and_hardly_more(rate: Rate, asks: list[tuple[int, int, int]]) -> None:
    full, now = 0, 10 * SECOND
    for step, needed, _ in asks:
        now += abs(step)
        drawn = draw(full, now, rate, wanted=needed, needed=needed)
        if drawn.wait:
            there = now + round(drawn.wait * SECOND) + 2
            assert draw(full, there, rate, wanted=needed, needed=needed).tokens
            if drawn.wait > 0.002:
                early = now + round(drawn.wait * SECOND * 0.99) - 10
                assert not draw(full, early, rate, wanted=needed, needed=needed).tokens
        full = drawn.full_micros


async def test_two_processes_spend_one_bucket(two: tuple[Replica, Replica]) -> None:
    rate = Rate(per_second=40.0, burst=20)
    hands = two[0].hands
    for tick in range(2000):  # ten seconds, at ten times the rate and unevenly
        hands.seconds = tick * 0.005
        for replica in two if tick % 3 else two[:1]:
            await replica.ask(rate)
    times = sorted(two[0].taken + two[1].taken)
    assert all(number <= rate.burst + rate.per_second * moment + 1 for number, moment in enumerate(times, 1))
    assert len(times) >= 0.95 * rate.per_second * 10
    slices = 2 * rate.per_second * SLICE
    for start in range(len(times)):
        within = [moment for moment in times[start:] if moment < times[start] + 1.0]
        assert len(within) <= rate.burst + rate.per_second + slices + 1
    assert min(len(two[0].taken), len(two[1].taken)) > 50


async def test_a_call_rarely_asks_the_database(two: tuple[Replica, Replica]) -> None:
    rate, replica, asked = Rate(per_second=400.0, burst=400), two[0], 0
    write = replica.bucket.database.write

    async def counted(work: object) -> object:
        nonlocal asked
        asked += 1
        return await write(work)  # type: ignore[arg-type] # handed on as it came

    replica.bucket.database.write = counted  # type: ignore[method-assign,assignment] # counts, and does the same
    for tick in range(4000):
        replica.hands.seconds = tick * 0.0005
        await replica.ask(rate)
    assert len(replica.taken) > 1000
    assert asked < 50


async def test_who_is_refused_is_told_from_memory(two: tuple[Replica, Replica]) -> None:
    rate, replica = Rate(per_second=0.5, burst=1), two[0]
    assert await replica.ask(rate) == 0.0
    assert await replica.ask(rate) == pytest.approx(2.0, abs=0.01)
    replica.bucket.database.close()
    replica.hands.seconds = 1.5
    assert await replica.ask(rate) == pytest.approx(0.5, abs=0.01)


async def test_many_who_ask_at_once_ask_once(two: tuple[Replica, Replica]) -> None:
    rate = Rate(per_second=1.0, burst=30)
    waits = await asyncio.gather(*(replica.ask(rate) for _ in range(50) for replica in two))
    assert sum(wait == 0.0 for wait in waits) == 30


async def test_a_whole_bucket_is_enough_for_any_batch(two: tuple[Replica, Replica]) -> None:
    rate, bucket = Rate(per_second=10.0, burst=20), two[0].bucket
    assert await bucket.take(rate, 100) == 0.0
    assert await bucket.take(rate, 100) == pytest.approx(2.0, abs=0.01)
    two[0].hands.seconds = 1.0
    assert await bucket.take(rate, 100) == pytest.approx(1.0, abs=0.01)
    assert await bucket.take(rate, 5) == 0.0


async def test_what_is_given_back_is_spent_by_another(two: tuple[Replica, Replica]) -> None:
    rate, bucket = Rate(per_second=0.1, burst=1), two[0].bucket
    assert await bucket.take(rate) == 0.0
    bucket.give_back()
    assert await bucket.take(rate) == 0.0
    assert await bucket.take(rate) > 9


async def test_an_emptied_bucket_is_empty_for_all_until_then(two: tuple[Replica, Replica]) -> None:
    rate, (one, other) = Rate(per_second=10.0, burst=5), two
    await one.bucket.empty(rate, 30.0)
    assert await one.ask(rate) == pytest.approx(30.0)
    assert await other.ask(rate) == pytest.approx(30.1, abs=0.01)
    one.hands.seconds = 30.2
    assert [await other.ask(rate), await other.ask(rate)] == [0.0, 0.0]
    assert 0 < await other.ask(rate) < 0.3


async def test_a_bucket_of_one_process_does_the_same() -> None:
    hands, rate = Hands(), Rate(per_second=10.0, burst=2)
    bucket = Local(hands.now)
    assert [await bucket.take(rate), await bucket.take(rate)] == [0.0, 0.0]
    assert await bucket.take(rate) == pytest.approx(0.1, abs=0.001)
    hands.seconds = 0.11
    assert bucket.at_hand(rate)
    await bucket.empty(rate, 5.0)
    assert await bucket.take(rate) == pytest.approx(5.1, abs=0.01)


async def test_rows_of_full_buckets_are_removed(two: tuple[Replica, Replica]) -> None:
    rate, (one, _) = Rate(per_second=1.0, burst=5), two
    await one.ask(rate)
    count = sa.select(sa.func.count()).select_from(tables.buckets)

    async def left(before: float) -> int:
        moment = START + timedelta(seconds=before)
        await one.bucket.database.write(lambda connection: buckets.forget(connection, 10, before=moment))
        return int(await one.bucket.database.read(lambda connection: connection.execute(count).scalar_one()))

    assert await left(0.5) == 1
    assert await left(1.5) == 0
