"""Each movement of money: what it writes, what it refuses, and what `verify` makes of the sum."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from core.money import Money
from ledger import ledger
from ledger.ledger import Account, Balance, Basis
from ledger.tables import entries
from ledger.verify import verify

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
ACCOUNT = Account(tenant="acme", creative_id="spring", job_id="job_1", clip_id="clip_1", model="runway/gen4.5")
OTHER = Account(tenant="acme", creative_id="spring", job_id="job_1", clip_id="clip_2", model="runway/gen4.5")


def _usd(micros: int) -> Money:
    return Money(currency="USD", micros=micros)


def _rows(connection: sa.Connection) -> list[tuple[str, int, str, str]]:
    query = sa.select(entries.c.kind, entries.c.micros, entries.c.basis, entries.c.attempt_id).order_by(entries.c.id)
    return [(row.kind, row.micros, row.basis, row.attempt_id) for row in connection.execute(query)]


def test_a_clip_that_costs_less_than_held(connection: sa.Connection) -> None:
    ledger.hold(connection, ACCOUNT, _usd(600), NOW)
    assert ledger.settle(connection, ACCOUNT, _usd(500), Basis.VENDOR, NOW, attempt_id="att_1") == 0
    ledger.release(connection, ACCOUNT, "USD", NOW)
    assert _rows(connection) == [
        ("HOLD", 600, "quote", ""),
        ("SETTLE", 500, "stated by the vendor", "att_1"),
        ("RELEASE", 100, "rest of the hold", ""),
    ]
    assert ledger.balance(connection, "clip_1") == Balance(held=600, settled=500, released=100)
    assert ledger.balance(connection, "clip_1").open == 0
    assert verify(connection, {"clip_1"}, set()).faults == ()


def test_a_clip_that_costs_more_than_held_grows_its_hold(connection: sa.Connection) -> None:
    ledger.hold(connection, ACCOUNT, _usd(600), NOW)
    assert ledger.settle(connection, ACCOUNT, _usd(700), Basis.VENDOR, NOW, attempt_id="att_1") == 100
    ledger.release(connection, ACCOUNT, "USD", NOW)
    balance = ledger.balance(connection, "clip_1")
    assert balance == Balance(held=600, adjusted=100, settled=700)
    verdict = verify(connection, {"clip_1"}, set())
    assert (verdict.faults, verdict.totals, verdict.clips) == ((), {"USD": balance}, 1)


def test_nothing_is_released_twice_nor_when_nothing_is_left(connection: sa.Connection) -> None:
    ledger.hold(connection, ACCOUNT, _usd(600), NOW)
    for _ in range(3):
        ledger.release(connection, ACCOUNT, "USD", NOW)
    ledger.release(connection, OTHER, "USD", NOW)
    assert [row[0] for row in _rows(connection)] == ["HOLD", "RELEASE"]


def test_an_attempt_is_settled_once_and_a_clip_held_once(connection: sa.Connection) -> None:
    ledger.hold(connection, ACCOUNT, _usd(600), NOW)
    with pytest.raises(sa.exc.IntegrityError), connection.begin_nested():
        ledger.hold(connection, ACCOUNT, _usd(600), NOW)
    ledger.settle(connection, ACCOUNT, _usd(1), Basis.VENDOR, NOW, attempt_id="att_1")
    with pytest.raises(sa.exc.IntegrityError), connection.begin_nested():
        ledger.settle(connection, ACCOUNT, _usd(1), Basis.VENDOR, NOW, attempt_id="att_1")
    ledger.settle(connection, ACCOUNT, _usd(2), Basis.VENDOR, NOW, attempt_id="att_2")
    assert ledger.balance(connection, "clip_1") == Balance(held=600, settled=3)


@pytest.mark.parametrize("difference", [-500, 0, 250])
def test_late_news_is_booked_once(connection: sa.Connection, difference: int) -> None:
    ledger.hold(connection, ACCOUNT, _usd(600), NOW)
    assert ledger.settled(connection, "clip_1", "att_1") is None
    ledger.settle(connection, ACCOUNT, _usd(500), Basis.UNKNOWN, NOW, attempt_id="att_1")
    ledger.release(connection, ACCOUNT, "USD", NOW)
    ledger.correct(connection, ACCOUNT, _usd(difference), Basis.VENDOR, NOW, attempt_id="att_1")
    with pytest.raises(sa.exc.IntegrityError), connection.begin_nested():
        ledger.correct(connection, ACCOUNT, _usd(difference), Basis.VENDOR, NOW, attempt_id="att_1")
    assert ledger.settled(connection, "clip_1", "att_1") == 500 + difference
    assert ledger.balance(connection, "clip_1").open == 0
    assert verify(connection, {"clip_1"}, set()).faults == ()


def test_many_holds_at_once(connection: sa.Connection) -> None:
    ledger.holds(connection, [(ACCOUNT, _usd(600)), (OTHER, _usd(400))], NOW)
    assert verify(connection, set(), {"clip_1", "clip_2"}).totals == {"USD": Balance(held=1000)}
    row = connection.execute(sa.select(entries).where(entries.c.clip_id == "clip_2")).one()
    assert (row.tenant, row.creative_id, row.job_id, row.stage, row.model, row.time) == (
        "acme",
        "spring",
        "job_1",
        "video",
        "runway/gen4.5",
        NOW,
    )


def test_currencies_are_summed_apart(connection: sa.Connection) -> None:
    ledger.hold(connection, ACCOUNT, _usd(600), NOW)
    ledger.hold(connection, OTHER, Money(currency="XTS", micros=5), NOW)
    assert verify(connection, set(), set()).totals == {"USD": Balance(held=600), "XTS": Balance(held=5)}


def _plant(connection: sa.Connection, kind: str, micros: int, currency: str = "USD") -> None:
    row = {name: "" for name in entries.c.keys() if name != "id"}  # noqa: SIM118 - a column collection, not a mapping
    values = {"time": NOW, "clip_id": "clip_1", "kind": kind, "micros": micros, "currency": currency, "unknown": False}
    connection.execute(sa.insert(entries), row | values | {"attempt_id": f"planted {kind} {micros}"})


@pytest.mark.parametrize(
    ("kind", "micros", "currency", "told"),
    [
        ("SETTLE", 601, "USD", "601 micros more settled and released than held"),
        ("RELEASE", 700, "USD", "700 micros more settled and released than held"),
        ("ADJUST", -1, "USD", "1 micros more settled and released than held"),
        ("SETTLE", -1, "USD", "a negative sum"),
        ("SETTLE", 1, "XTS", "several currencies ['USD', 'XTS']"),
        ("ADJUST", 7, "USD", "ended with 7 micros still held"),
    ],
)
def test_verify_finds_what_is_planted(
    connection: sa.Connection, kind: str, micros: int, currency: str, told: str
) -> None:
    ledger.hold(connection, ACCOUNT, _usd(600), NOW)
    ledger.release(connection, ACCOUNT, "USD", NOW)
    assert verify(connection, {"clip_1"}, set()).faults == ()
    _plant(connection, kind, micros, currency)
    assert any(told in fault for fault in verify(connection, {"clip_1"}, set()).faults)


def test_verify_tells_of_a_missing_and_of_an_unreleased_hold(connection: sa.Connection) -> None:
    ledger.hold(connection, ACCOUNT, _usd(600), NOW)
    assert verify(connection, {"clip_1"}, {"clip_9"}).faults == (
        "clip_1: ended with 600 micros still held",
        "clip_9: parked without a hold",
    )
    assert verify(connection, set(), {"clip_1"}).faults == ()


def test_an_ended_clip_that_was_never_held_is_a_fault(connection: sa.Connection) -> None:
    assert verify(connection, {"clip_1"}, set()).faults == ("clip_1: ended without a hold",)
