"""Whatever is booked, whenever: usage equals the ledger, tallies equal the ledger, and budgets see the same sums."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.money import Money
from ledger import budgets, ledger, tally, usage
from ledger.budgets import Period
from ledger.ledger import Account, Basis, Kind
from ledger.tables import budgets as budget_table
from ledger.tables import entries, tallies
from ledger.usage import EntryFilter, Window

START = datetime(2026, 1, 30, 12, tzinfo=UTC)
EVERYTHING = Window(since=START - timedelta(days=1), until=START + timedelta(days=99))


@dataclass(frozen=True)
class Step:
    """Something that happens to a clip, some hours later."""

    kind: str
    clip: int
    micros: int
    hours: int


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(["settle", "unknown", "release", "correct", "still unknown"]),
        st.integers(0, 5),
        st.integers(0, 10**9),
        st.integers(0, 60),
    ),
    max_size=25,
)


@contextmanager
def _books() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    sa.event.listen(engine, "connect", _autocommit)
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    with engine.begin() as connection:
        for table in (entries, tallies, budget_table):
            table.create(connection)
        yield connection
    engine.dispose()


def _autocommit(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None


def _account(clip: int) -> Account:
    models = ("runway/gen4.5", "replicate/ray")
    return Account(
        tenant=f"tenant-{clip % 2}",
        creative_id=f"creative-{clip % 3}",
        job_id=f"job_{clip}",
        clip_id=f"clip_{clip}",
        model=models[clip % 2],
    )


def _currency(clip: int) -> str:
    return "XTS" if clip == 5 else "USD"


class _Story:
    """Plays steps, and keeps its own account of what nobody knows."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self.now = START
        self.attempts: Counter[int] = Counter()
        self.corrected: set[str] = set()
        self.unknown: dict[str, int] = {}
        for clip in range(6):
            money = Money(currency=_currency(clip), micros=10**8)
            ledger.hold(connection, _account(clip), money, self.now)

    def play(self, step: Step) -> None:
        """One step, if it makes sense."""
        self.now += timedelta(hours=step.hours)
        money = Money(currency=_currency(step.clip), micros=step.micros)
        account = _account(step.clip)
        if step.kind in {"settle", "unknown"}:
            self.attempts[step.clip] += 1
            self._settle(account, self._attempt(step.clip), money, unknown=step.kind == "unknown")
        elif step.kind == "release":
            ledger.release(self.connection, account, money.currency, self.now)
        elif self.attempts[step.clip] and self._attempt(step.clip) not in self.corrected:
            self._correct(account, self._attempt(step.clip), money, unknown=step.kind == "still unknown")

    def _attempt(self, clip: int) -> str:
        return f"att_{clip}{self.attempts[clip]:025d}"

    def _settle(self, account: Account, attempt: str, money: Money, *, unknown: bool) -> None:
        ledger.settle(self.connection, account, money, Basis.VENDOR, self.now, attempt_id=attempt, unknown=unknown)
        if unknown and money.currency == "USD":
            self.unknown[attempt] = money.micros

    def _correct(self, account: Account, attempt: str, money: Money, *, unknown: bool) -> None:
        self.corrected.add(attempt)
        ledger.correct(self.connection, account, money, Basis.VENDOR, self.now, attempt_id=attempt, unknown=unknown)
        if not unknown:
            self.unknown.pop(attempt, None)
        elif money.currency == "USD":
            self.unknown[attempt] = self.unknown.get(attempt, 0) + money.micros


def _ledger_sum(connection: sa.Connection, *kinds: Kind) -> int:
    query = sa.select(sa.func.coalesce(sa.func.sum(entries.c.micros), 0))
    query = query.where(entries.c.currency == "USD", entries.c.kind.in_([str(kind) for kind in kinds]))
    return int(connection.execute(query).scalar_one())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS)
def test_usage_and_budgets_say_what_the_ledger_says(steps: list[Step]) -> None:
    with _books() as connection:
        story = _Story(connection)
        for step in steps:
            story.play(step)
        found = usage.sums(connection, EVERYTHING)
        settled = _ledger_sum(connection, Kind.SETTLE)
        still_held = _ledger_sum(connection, Kind.HOLD, Kind.ADJUST) - settled - _ledger_sum(connection, Kind.RELEASE)
        assert sum(each.booked for each in found.values()) == settled
        assert sum(each.held for each in found.values()) == still_held
        assert sum(each.unknown for each in found.values()) == sum(story.unknown.values())
        assert tally.faults(connection) == []
        _standings_agree(connection, story.now)
        for tenant in ("tenant-0", "tenant-1"):
            narrowed = usage.sums(connection, Window(since=EVERYTHING.since, until=EVERYTHING.until, tenant=tenant))
            assert narrowed == {key: each for key, each in found.items() if key.tenant == tenant}


def _standings_agree(connection: sa.Connection, now: datetime) -> None:
    """A budget's `spent` is what usage says of its period."""
    for tenant in ("tenant-0", "tenant-1"):
        for period in Period:
            budgets.put(connection, tenant, period, 1, now)
        for standing in budgets.standings(connection, {tenant}, now)[tenant]:
            since = standing.span.start or EVERYTHING.since
            window = Window(since=since, until=standing.span.end or EVERYTHING.until, tenant=tenant)
            assert standing.spent == sum(each.booked for each in usage.sums(connection, window).values())


def test_entries_come_page_by_page_and_filtered() -> None:
    with _books() as connection:
        story = _Story(connection)
        for step in [Step("settle", 0, 5, 1), Step("unknown", 1, 7, 30), Step("release", 0, 0, 1)]:
            story.play(step)
        first = usage.page(connection, EntryFilter(), 2, None)
        rest = usage.page(connection, EntryFilter(), 100, first[-1].id)
        assert [each.id for each in first + rest] == list(range(9, 0, -1))
        assert [each.micros for each in usage.page(connection, EntryFilter(unknown_only=True), 9, None)] == [7]
        released = EntryFilter(kinds=frozenset({Kind.RELEASE}), tenant="tenant-0", clip_id="clip_0")
        assert [each.micros for each in usage.page(connection, released, 9, None)] == [10**8 - 5]
        late = EntryFilter(since=START + timedelta(hours=2), until=START + timedelta(hours=32), model="replicate/ray")
        assert [each.kind for each in usage.page(connection, late, 9, None)] == [Kind.SETTLE]
