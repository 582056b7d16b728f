"""What the ledger says was spent, what of it nobody knows, and what is still held: by day, model, creative, stage."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from core.money import USD
from ledger.ledger import Kind
from ledger.tables import entries

_DAY: sa.ColumnElement[int] = sa.literal_column("86400000000", sa.BigInteger)
"""Microseconds; written out, so that a database sees the same expression wherever it groups by it."""
_EPOCH = date(1970, 1, 1)
_ATTEMPT = 30
"""Length of an attempt's id; what follows it names the source of a correction."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A span of time, whose money counts, and of what. Empty: everybody's, everything."""

    since: datetime
    until: datetime
    tenant: str = ""
    model: str = ""
    vendor: str = ""
    """Of models: what comes before the slash."""
    creative_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """What a line is about."""

    day: date
    """UTC."""
    tenant: str
    model: str
    creative_id: str
    stage: str

    @property
    def vendor(self) -> str:
        """Who sells it."""
        return self.model.partition("/")[0]


@dataclass(kw_only=True, slots=True)
class Sums:
    """Micros of USD."""

    booked: int = 0
    """All that was settled, unknown costs included."""
    unknown: int = 0
    """What of it was only booked because nobody knows better, and still is."""
    held: int = 0
    """What is still reserved of the holds of that day."""


def day_number(column: Any) -> Any:
    """SQL: whole days since 1970, UTC, of a Timestamp column."""
    micros = sa.type_coerce(column, sa.BigInteger)
    return (micros - micros % _DAY) // _DAY


def day(number: Any) -> date:
    """The day of such a number."""
    return _EPOCH + timedelta(days=int(number))


def within(window: Window, time: Any, tenant: Any, model: Any, creative_id: Any) -> list[Any]:
    """The conditions of a window on these columns."""
    given = [
        time >= window.since,
        time < window.until,
        bool(window.tenant) and tenant == window.tenant,
        bool(window.model) and model == window.model,
        bool(window.vendor) and model.startswith(f"{window.vendor}/", autoescape=True),
        bool(window.creative_id) and creative_id == window.creative_id,
    ]
    return [each for each in given if each is not False]


def sums(connection: sa.Connection, window: Window) -> dict[Key, Sums]:
    """Everything of a window, by day, tenant, model, creative and stage. Mock money is not in it."""
    found: dict[Key, Sums] = defaultdict(Sums)
    for key, micros in _settled(connection, window):
        found[key].booked += micros
    for key, micros in _settled(connection, window, still_unknown):
        found[key].unknown += micros
    for key, micros in _open(connection, window):
        found[key].held += micros
    return dict(found)


def _columns(table: Any) -> list[Any]:
    return [
        day_number(table.c.time).label("day"),
        table.c.tenant,
        table.c.model,
        table.c.creative_id,
        table.c.stage,
    ]


def _conditions(table: Any, window: Window) -> list[Any]:
    columns = table.c
    return [columns.currency == USD, *within(window, columns.time, columns.tenant, columns.model, columns.creative_id)]


def _settled(
    connection: sa.Connection, window: Window, narrowed: Callable[[], Any] | None = None
) -> list[tuple[Key, int]]:
    columns = _columns(entries)
    query = sa.select(*columns, sa.func.sum(entries.c.micros).label("micros")).group_by(*columns)
    query = query.where(entries.c.kind == str(Kind.SETTLE), *_conditions(entries, window))
    return _keyed(connection, query if narrowed is None else query.where(narrowed()))


def still_unknown() -> Any:
    """SQL: nobody knew this amount, and nothing later about the same attempt is known either."""
    later = entries.alias("later")
    known = sa.select(later.c.id).where(
        later.c.clip_id == entries.c.clip_id,
        later.c.kind == str(Kind.SETTLE),
        later.c.id > entries.c.id,
        sa.func.substr(later.c.attempt_id, 1, _ATTEMPT) == sa.func.substr(entries.c.attempt_id, 1, _ATTEMPT),
        sa.not_(later.c.unknown),
    )
    return sa.and_(entries.c.unknown, sa.not_(sa.exists(known)))


def _open(connection: sa.Connection, window: Window) -> list[tuple[Key, int]]:
    """What is left of the holds of the window; each clip counts where its hold stands."""
    hold = entries.alias("hold")
    columns = _columns(hold)
    signed = sa.case(
        (entries.c.kind.in_([str(Kind.HOLD), str(Kind.ADJUST)]), entries.c.micros), else_=-entries.c.micros
    )
    total = sa.func.sum(signed)
    query = (
        sa.select(*columns, total.label("micros"))
        .select_from(hold.join(entries, entries.c.clip_id == hold.c.clip_id))
        .where(hold.c.kind == str(Kind.HOLD), *_conditions(hold, window))
        .group_by(*columns)
        .having(total != 0)
    )
    return _keyed(connection, query)


def _keyed(connection: sa.Connection, query: Any) -> list[tuple[Key, int]]:
    return [
        (
            Key(day=day(row.day), tenant=row.tenant, model=row.model, creative_id=row.creative_id, stage=row.stage),
            int(row.micros),
        )
        for row in connection.execute(query)
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A row of the ledger."""

    id: int
    time: datetime
    tenant: str
    creative_id: str
    job_id: str
    clip_id: str
    attempt_id: str
    kind: Kind
    stage: str
    model: str
    currency: str
    micros: int
    basis: str
    unknown: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryFilter:
    """Which entries; empty: all."""

    tenant: str = ""
    job_id: str = ""
    clip_id: str = ""
    creative_id: str = ""
    model: str = ""
    kinds: frozenset[Kind] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    unknown_only: bool = False


def page(connection: sa.Connection, wanted: EntryFilter, size: int, before: int | None) -> list[Entry]:
    """Entries, newest first, those numbered below `before`."""
    columns = entries.c
    named = ("tenant", "job_id", "clip_id", "creative_id", "model")
    given: list[Any] = [columns[name] == getattr(wanted, name) for name in named if getattr(wanted, name)]
    given += [columns.kind.in_([str(kind) for kind in wanted.kinds])] if wanted.kinds else []
    given += [columns.time >= wanted.since] if wanted.since else []
    given += [columns.time < wanted.until] if wanted.until else []
    given += [columns.unknown] if wanted.unknown_only else []
    given += [columns.id < before] if before is not None else []
    query = sa.select(entries).where(*given).order_by(columns.id.desc()).limit(size)
    values = [{name: getattr(row, name) for name in Entry.__slots__} for row in connection.execute(query)]
    return [Entry(**each | {"kind": Kind(each["kind"])}) for each in values]
