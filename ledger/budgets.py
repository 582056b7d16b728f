"""Hard limits of real money per tenant and period (UTC): spent in it + held + asked for may not exceed them."""

import enum
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ledger import tally
from ledger.tables import budgets


class Period(enum.StrEnum):
    """How often a budget renews."""

    DAY = "DAY"
    MONTH = "MONTH"
    TOTAL = "TOTAL"


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """One day or month, or for ever."""

    name: str
    """The tally's."""
    start: datetime | None = None
    end: datetime | None = None
    """When the budget renews; None: never."""


def span(period: Period, now: datetime) -> Span:
    """The span of a period that `now` lies in, UTC."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if period is Period.DAY:
        return Span(name=tally.day_of(now), start=midnight, end=midnight + timedelta(days=1))
    if period is Period.MONTH:
        first = midnight.replace(day=1)
        return Span(name=tally.month_of(now), start=first, end=(first + timedelta(days=32)).replace(day=1))
    return Span(name=tally.TOTAL)


@dataclass(kw_only=True, slots=True)
class Standing:
    """A budget and what is left of it. Micros of USD; `held` grows as `Purse` takes from it."""

    tenant: str
    period: Period
    limit: int
    spent: int
    held: int
    span: Span
    create_time: datetime
    update_time: datetime

    @property
    def left(self) -> int:
        """What may still be asked for; negative when a late bill has exceeded the budget."""
        return self.limit - self.spent - self.held


_OF = sa.select(budgets).where(budgets.c.tenant.in_(sa.bindparam("tenants", expanding=True)))
"""Built once: every accept of real money asks."""


def standings(
    connection: sa.Connection, tenants: Collection[str], now: datetime, *, lock: bool = False
) -> dict[str, list[Standing]]:
    """Tenant -> its budgets as they stand. `lock`: no other transaction takes from them before this one ends."""
    rows = connection.execute(_OF, {"tenants": list(tenants)}).all()
    if not rows:
        return {}
    spans = {period: span(period, now) for period in Period}
    owners = sorted({row.tenant for row in rows})
    if lock:
        tally.lock(connection, owners)
    sums = tally.tallies_of(connection, owners, [each.name for each in spans.values()])
    found: dict[str, list[Standing]] = {}
    for row in rows:
        period = Period(row.period)
        found.setdefault(row.tenant, []).append(
            Standing(
                tenant=row.tenant,
                period=period,
                limit=row.limit_micros,
                spent=sums.get((row.tenant, spans[period].name), tally.Tally()).spent,
                held=sums.get((row.tenant, tally.TOTAL), tally.Tally()).held,
                span=spans[period],
                create_time=row.create_time,
                update_time=row.update_time,
            )
        )
    return found


class Purse:
    """The budgets of some tenants within one transaction: what is taken counts at once."""

    def __init__(self, connection: sa.Connection, tenants: Collection[str], now: datetime) -> None:
        self._standings = standings(connection, sorted(tenants), now, lock=True) if tenants else {}

    def take(self, tenant: str, micros: int) -> Standing | None:
        """Take from all of a tenant's budgets; or the one, untouched like the others, that has not enough left."""
        mine = self._standings.get(tenant, [])
        short = min(mine, key=lambda each: each.left, default=None)
        if short is not None and micros > short.left:
            return short
        for each in mine:
            each.held += micros
        return None


_SET = sa.text(
    "INSERT INTO budget (tenant, period, limit_micros, create_time, update_time) "
    "VALUES (:tenant, :period, :limit, :now, :now) "
    "ON CONFLICT (tenant, period) DO UPDATE SET limit_micros = :limit, update_time = :now"
).bindparams(sa.bindparam("now", type_=budgets.c.create_time.type))


def put(connection: sa.Connection, tenant: str, period: Period, limit: int, now: datetime) -> None:
    """Set a tenant's budget for a period, in place of the one before."""
    tally.begin(connection, tenant)
    connection.execute(_SET, {"tenant": tenant, "period": str(period), "limit": limit, "now": now})


def remove(connection: sa.Connection, tenant: str, period: Period) -> bool:
    """Lift a budget; False when there was none."""
    gone = sa.delete(budgets).where(budgets.c.tenant == tenant, budgets.c.period == str(period))
    return connection.execute(gone).rowcount > 0
