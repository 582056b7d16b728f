"""Hold, adjust, settle, release: `hold + adjust = settle + release + open`, per clip and currency."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from core.money import Money
from ledger import tally
from ledger.tables import entries


class Kind(enum.StrEnum):
    """What an entry does."""

    HOLD = "HOLD"
    ADJUST = "ADJUST"
    SETTLE = "SETTLE"
    RELEASE = "RELEASE"


class Basis(enum.StrEnum):
    """Where an amount comes from."""

    QUOTE = "quote"
    VENDOR = "stated by the vendor"
    DELIVERED = "price x delivered seconds"
    REQUESTED = "price x requested seconds"
    UNKNOWN = "unknown: the quote is booked until news comes"
    TOKENS = "price x tokens"
    NOT_BILLED = "not billed"
    REST = "rest of the hold"


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """Who an entry concerns: the clip and everything it belongs to."""

    tenant: str
    creative_id: str
    job_id: str
    clip_id: str
    model: str
    stage: str = "video"


@dataclass(frozen=True, kw_only=True, slots=True)
class Balance:
    """The sums of one clip, in micro-units of one currency."""

    held: int = 0
    adjusted: int = 0
    settled: int = 0
    released: int = 0

    @property
    def open(self) -> int:
        """What is still reserved."""
        return self.held + self.adjusted - self.settled - self.released


def hold(connection: sa.Connection, account: Account, money: Money, now: datetime) -> None:
    """Reserve the dearest quote of a clip. Once per clip."""
    _post(connection, account, Kind.HOLD, money, Basis.QUOTE, now)


def adjust(
    connection: sa.Connection, account: Account, money: Money, basis: str, now: datetime, attempt_id: str = ""
) -> None:
    """Change what is reserved by a signed amount."""
    _post(connection, account, Kind.ADJUST, money, basis, now, attempt_id)


def settle(
    connection: sa.Connection,
    account: Account,
    money: Money,
    basis: str,
    now: datetime,
    *,
    attempt_id: str,
    unknown: bool = False,
) -> int:
    """Book what an attempt cost; once per attempt. Returns by how much the reservation had to grow, in micros.

    `unknown`: nobody knows what it cost; the amount is booked until news comes.
    """
    missing = max(0, money.micros - balance(connection, account.clip_id).open)
    if missing:
        grown = Money(currency=money.currency, micros=missing)
        adjust(connection, account, grown, "cost above the hold", now, attempt_id)
    _post(connection, account, Kind.SETTLE, money, basis, now, attempt_id, unknown=unknown)
    return missing


def correct(
    connection: sa.Connection,
    account: Account,
    difference: Money,
    basis: str,
    now: datetime,
    *,
    attempt_id: str,
    source: str = "late",
    unknown: bool = False,
) -> None:
    """Late news about a settled attempt: book the signed difference, once per source: an ADJUST and its settlement."""
    adjust(connection, account, difference, f"late news: {basis}", now, attempt_id)
    _post(connection, account, Kind.SETTLE, difference, basis, now, f"{attempt_id}/{source}", unknown=unknown)


def settled(connection: sa.Connection, clip_id: str, attempt_id: str) -> int | None:
    """What is booked for an attempt of a clip, corrections included, in micros; None before it is settled."""
    query = sa.select(sa.func.sum(entries.c.micros)).where(
        entries.c.clip_id == clip_id,
        entries.c.kind == str(Kind.SETTLE),
        sa.or_(entries.c.attempt_id == attempt_id, entries.c.attempt_id.startswith(f"{attempt_id}/", autoescape=True)),
    )
    total = connection.execute(query).scalar()
    return None if total is None else int(total)


def release(connection: sa.Connection, account: Account, currency: str, now: datetime) -> None:
    """Give back whatever of the clip's reservation is left; nothing when nothing is left."""
    rest = balance(connection, account.clip_id).open
    if rest:
        _post(connection, account, Kind.RELEASE, Money(currency=currency, micros=rest), Basis.REST, now)


def balance(connection: sa.Connection, clip_id: str) -> Balance:
    """The sums of one clip."""
    query = (
        sa.select(entries.c.kind, sa.func.sum(entries.c.micros))
        .where(entries.c.clip_id == clip_id)
        .group_by(entries.c.kind)
    )
    sums = {kind: int(total) for kind, total in connection.execute(query)}
    return Balance(
        held=sums.get(Kind.HOLD, 0),
        adjusted=sums.get(Kind.ADJUST, 0),
        settled=sums.get(Kind.SETTLE, 0),
        released=sums.get(Kind.RELEASE, 0),
    )


def holds(connection: sa.Connection, rows: Sequence[tuple[Account, Money]], now: datetime) -> None:
    """Reserve for many clips at once."""
    tally.add_all_held(connection, ((account.tenant, money.currency, money.micros) for account, money in rows))
    values = [_row(account, Kind.HOLD, money, Basis.QUOTE, now, "") for account, money in rows]
    connection.execute(sa.insert(entries), values)


def _post(
    connection: sa.Connection,
    account: Account,
    kind: Kind,
    money: Money,
    basis: str,
    now: datetime,
    attempt_id: str = "",
    *,
    unknown: bool = False,
) -> None:
    tenant, currency, micros = account.tenant, money.currency, money.micros
    if kind is Kind.SETTLE:
        tally.add_spent(connection, tenant, currency, micros, now)
    else:
        tally.add_held(connection, tenant, currency, -micros if kind is Kind.RELEASE else micros)
    connection.execute(sa.insert(entries), _row(account, kind, money, basis, now, attempt_id, unknown=unknown))


def _row(
    account: Account, kind: Kind, money: Money, basis: str, now: datetime, attempt_id: str, *, unknown: bool = False
) -> dict[str, object]:
    return {
        "time": now,
        "tenant": account.tenant,
        "creative_id": account.creative_id,
        "job_id": account.job_id,
        "clip_id": account.clip_id,
        "attempt_id": attempt_id,
        "kind": str(kind),
        "stage": account.stage,
        "model": account.model,
        "currency": money.currency,
        "micros": money.micros,
        "basis": str(basis),
        "unknown": unknown,
    }
