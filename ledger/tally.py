"""Running sums of real money per tenant, changed in the transaction of the entries they sum up."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from core.database import Timestamp
from core.money import USD
from ledger.tables import entries, tallies

TOTAL = "TOTAL"
_ADD = sa.text(
    "INSERT INTO tally (tenant, period, spent_micros, held_micros) VALUES (:tenant, :period, :spent, :held) "
    "ON CONFLICT (tenant, period) DO UPDATE SET "
    "spent_micros = tally.spent_micros + :spent, held_micros = tally.held_micros + :held"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """Micros of USD."""

    spent: int = 0
    held: int = 0


def day_of(now: datetime) -> str:
    """The name of a moment's day, UTC: `2026-11-21`."""
    return f"{now:%Y-%m-%d}"


def month_of(now: datetime) -> str:
    """The name of a moment's month, UTC: `2026-11`."""
    return f"{now:%Y-%m}"


def add_held(connection: sa.Connection, tenant: str, currency: str, micros: int) -> None:
    """More (or less) is held. Mock money is in no tally."""
    if currency == USD and micros:
        connection.execute(_ADD, _row(tenant, TOTAL, held=micros))


def add_all_held(connection: sa.Connection, sums: Iterable[tuple[str, str, int]]) -> None:
    """The same for many (tenant, currency, micros), the tenants always in the same order."""
    by_tenant: Counter[str] = Counter()
    for tenant, currency, micros in sums:
        by_tenant[tenant] += micros if currency == USD else 0
    rows = [_row(tenant, TOTAL, held=micros) for tenant, micros in sorted(by_tenant.items()) if micros]
    if rows:
        connection.execute(_ADD, rows)


def add_spent(connection: sa.Connection, tenant: str, currency: str, micros: int, now: datetime) -> None:
    """What was held is spent; the row that every other change takes as well comes first."""
    if currency == USD and micros:
        rows = [_row(tenant, period, spent=micros) for period in (month_of(now), day_of(now))]
        connection.execute(_ADD, [_row(tenant, TOTAL, spent=micros, held=-micros), *rows])


def _row(tenant: str, period: str, *, spent: int = 0, held: int = 0) -> dict[str, str | int]:
    return {"tenant": tenant, "period": period, "spent": spent, "held": held}


def begin(connection: sa.Connection, tenant: str) -> None:
    """Make sure of the row that `lock` locks."""
    connection.execute(_ADD, _row(tenant, TOTAL))


def lock(connection: sa.Connection, tenants: Sequence[str]) -> None:
    """Wait until no other transaction moves money of these tenants, and keep them waiting.

    It is the row that every movement changes first, so that nobody waits for the other in a circle.
    """
    if connection.dialect.name != "sqlite":  # which lets one transaction write at a time anyway
        mine = sa.select(tallies.c.tenant).where(tallies.c.tenant.in_(tenants), tallies.c.period == TOTAL)
        connection.execute(mine.order_by(tallies.c.tenant).with_for_update()).all()


_OF = sa.select(tallies).where(
    tallies.c.tenant.in_(sa.bindparam("tenants", expanding=True)),
    tallies.c.period.in_(sa.bindparam("periods", expanding=True)),
)


def tallies_of(
    connection: sa.Connection, tenants: Collection[str], periods: Collection[str]
) -> Mapping[tuple[str, str], Tally]:
    """(tenant, period) -> its sums; one that has none is left out."""
    rows = connection.execute(_OF, {"tenants": list(tenants), "periods": list(periods)})
    return {(row.tenant, row.period): Tally(spent=row.spent_micros, held=row.held_micros) for row in rows}


_DAY: sa.ColumnElement[int] = sa.literal_column("86400000000", sa.BigInteger)
"""Microseconds."""
_MICROS = sa.type_coerce(entries.c.time, sa.BigInteger)
_SPENT = sa.func.sum(sa.case((entries.c.kind == "SETTLE", entries.c.micros), else_=0))
_HELD = sa.func.sum(
    sa.case((entries.c.kind.in_(["HOLD", "ADJUST"]), entries.c.micros), else_=-entries.c.micros),
)


def recount(connection: sa.Connection) -> dict[tuple[str, str], Tally]:
    """What every tally must be, from the entries alone."""
    day = (_MICROS - _MICROS % _DAY).label("day")
    query = sa.select(entries.c.tenant, day, _SPENT.label("spent"), _HELD.label("held"))
    spent: Counter[tuple[str, str]] = Counter()
    held: Counter[str] = Counter()
    for row in connection.execute(query.where(entries.c.currency == USD).group_by(entries.c.tenant, day)):
        moment = Timestamp().process_result_value(row.day, connection.dialect)
        assert moment is not None
        for period in (TOTAL, month_of(moment), day_of(moment)):
            spent[row.tenant, period] += int(row.spent)
        held[row.tenant] += int(row.held)
    return {
        (tenant, period): Tally(spent=micros, held=held[tenant] if period == TOTAL else 0)
        for (tenant, period), micros in spent.items()
    }


def faults(connection: sa.Connection) -> list[str]:
    """One line per tally that is not the sum of its entries."""
    rows = connection.execute(sa.select(tallies))
    kept = {(row.tenant, row.period): Tally(spent=row.spent_micros, held=row.held_micros) for row in rows}
    right = recount(connection)
    pairs = {name: (kept.get(name, Tally()), right.get(name, Tally())) for name in sorted(kept.keys() | right.keys())}
    return [
        f"tally {name[0]} {name[1]}: {has} instead of {should}"
        for name, (has, should) in pairs.items()
        if has != should
    ]
