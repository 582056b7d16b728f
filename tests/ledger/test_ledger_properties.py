"""Whatever happens to clips, in whatever order: hold + adjust = settle + release + open, to the micro-unit."""

import sqlite3
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.money import Money
from ledger import ledger
from ledger.ledger import Account, Basis
from ledger.tables import budgets, entries, tallies
from ledger.verify import verify

NOW = datetime(2026, 1, 2, tzinfo=UTC)
MICROS = st.integers(0, 10**12)
CLIPS = st.sampled_from(["clip_1", "clip_2", "clip_3"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("settle"), CLIPS, MICROS),
        st.tuples(st.just("adjust"), CLIPS, MICROS),
        st.tuples(st.just("release"), CLIPS, st.just(0)),
        st.tuples(st.just("correct"), CLIPS, st.integers(-(10**12), 10**12)),
        st.tuples(st.just("again"), CLIPS, MICROS),
    ),
    max_size=20,
)


def _account(clip_id: str) -> Account:
    return Account(tenant="acme", creative_id="spring", job_id="job_1", clip_id=clip_id, model="m")


class Books:
    """Plays steps against a ledger and keeps its own, naive account beside it."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self.cost: dict[str, int] = {}
        self.corrected: set[str] = set()
        self.attempts: dict[str, list[str]] = {}

    def play(self, step: str, clip_id: str, micros: int) -> None:
        """One step, if it makes sense now."""
        mine = self.attempts.setdefault(clip_id, [])
        money = Money(currency="USD", micros=micros)
        account = _account(clip_id)
        if step == "settle":
            mine.append(f"{clip_id}/att_{len(mine)}")
            ledger.settle(self.connection, account, money, Basis.VENDOR, NOW, attempt_id=mine[-1])
            self.cost[mine[-1]] = micros
        elif step == "adjust":
            ledger.adjust(self.connection, account, money, "hold of a new attempt", NOW, "")
        elif step == "release":
            ledger.release(self.connection, account, "USD", NOW)
        elif step == "correct" and mine and mine[-1] not in self.corrected:
            difference = max(micros, -self.cost[mine[-1]])
            money = Money(currency="USD", micros=difference)
            ledger.correct(self.connection, account, money, Basis.VENDOR, NOW, attempt_id=mine[-1])
            self.cost[mine[-1]] += difference
            self.corrected.add(mine[-1])
        elif step == "again" and mine:
            with pytest.raises(sa.exc.IntegrityError), self.connection.begin_nested():
                ledger.settle(self.connection, account, money, Basis.VENDOR, NOW, attempt_id=mine[-1])


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(held=st.tuples(MICROS, MICROS, MICROS), steps=STEPS)
def test_the_books_balance_after_every_step(held: tuple[int, int, int], steps: list[tuple[str, str, int]]) -> None:
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    sa.event.listen(engine, "connect", _autocommit)
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    with engine.begin() as connection:
        for table in (entries, tallies, budgets):
            table.create(connection)
        names = ["clip_1", "clip_2", "clip_3"]
        rows = [
            (_account(name), Money(currency="USD", micros=micros)) for name, micros in zip(names, held, strict=True)
        ]
        ledger.holds(connection, rows, NOW)
        books = Books(connection)
        for step in steps:
            books.play(*step)
            _balances(connection, books, step[1])
        for name in names:
            ledger.release(connection, _account(name), "USD", NOW)
        assert verify(connection, set(names), set()).faults == ()
        assert {
            attempt: ledger.settled(connection, attempt.partition("/")[0], attempt) for attempt in books.cost
        } == books.cost
    engine.dispose()


def _autocommit(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None


def _balances(connection: sa.Connection, books: Books, clip_id: str) -> None:
    balance = ledger.balance(connection, clip_id)
    assert balance.open >= 0
    assert balance.held + balance.adjusted == balance.settled + balance.released + balance.open
    assert balance.settled == sum(books.cost[attempt] for attempt in books.attempts.get(clip_id, ()))
