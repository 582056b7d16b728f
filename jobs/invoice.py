"""A vendor's invoice as CSV: what it charges per task. Amounts are read exactly; a bad line is named."""

import csv
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from core.money import USD, Money

_HEADERS: Mapping[str, tuple[str, ...]] = {
    "task": ("task_id", "vendor_task_id", "task", "prediction_id", "generation_id", "request_id", "job_id", "id"),
    "amount": ("amount", "cost", "total", "charge", "price", "amount_usd", "cost_usd", "usd"),
    "currency": ("currency", "currency_code"),
    "date": ("date", "time", "timestamp", "created_at", "created", "day", "usage_date"),
}
"""Names that are known, the surer ones first; compared without case, spaces as `_`."""
_OPTIONAL = ("currency", "date")
_MOST_FAULTS = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """Header names; empty: found by their usual names."""

    task: str = ""
    amount: str = ""
    currency: str = ""
    date: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """What an invoice charges for one task; several lines about it are summed up."""

    task_id: str
    money: Money
    day: datetime | None
    """The first one's."""
    numbers: tuple[int, ...]
    """Of its lines in the file; the header is 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Invoice:
    """An invoice, read."""

    lines: Sequence[Line]
    digest: str
    """Names the file for ever."""


class BadInvoice(ValueError):
    """The file cannot be used; one text per fault, each with its line."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


def read(raw: bytes, columns: Columns | None = None) -> Invoice:
    """Read a file. Raises BadInvoice with every fault at once."""
    try:
        rows = csv.reader(raw.decode("utf-8-sig").splitlines(), strict=True)
        header = next(rows, [])
        places = _places(header, columns or Columns())
        lines = _lines(rows, places, len(header))
    except UnicodeDecodeError:
        raise BadInvoice(["the file is not UTF-8"]) from None
    except csv.Error as error:
        raise BadInvoice([f"line {rows.line_num}: {error}"]) from None
    return Invoice(lines=lines, digest=hashlib.sha256(raw).hexdigest()[:16])


def _places(header: Sequence[str], columns: Columns) -> dict[str, int]:
    """Column -> its place in a row."""
    names = [_plain(name) for name in header]
    places: dict[str, int] = {}
    faults = []
    for column, usual in _HEADERS.items():
        asked = getattr(columns, column)
        wanted = (_plain(asked),) if asked else usual
        found = next((names.index(name) for name in wanted if name in names), None)
        if found is not None:
            places[column] = found
        elif asked:
            faults.append(f"line 1: there is no column {asked!r}; there are {', '.join(header)}")
        elif column not in _OPTIONAL:
            faults.append(f"line 1: no column is known to be the {column}; name it; there are {', '.join(header)}")
    if faults:
        raise BadInvoice(faults)
    return places


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def _lines(rows: Iterable[Sequence[str]], places: Mapping[str, int], width: int) -> list[Line]:
    found: dict[tuple[str, str], Line] = {}
    faults = []
    for number, row in enumerate(rows, start=2):
        if not any(cell.strip() for cell in row):
            continue
        try:
            if len(row) > width:  # as `1,5` for one and a half makes
                raise ValueError(f"it has {len(row)} cells, the header {width}")
            line = _line(row, places, number)
        except ValueError as error:
            faults.append(f"line {number}: {error}")
            continue
        name = (line.task_id, line.money.currency)
        found[name] = _joined(found[name], line) if name in found else line
    if faults:
        more = [f"and {len(faults) - _MOST_FAULTS} more"] if len(faults) > _MOST_FAULTS else []
        raise BadInvoice([*faults[:_MOST_FAULTS], *more])
    return list(found.values())


def _joined(first: Line, second: Line) -> Line:
    money = Money(currency=first.money.currency, micros=first.money.micros + second.money.micros)
    numbers = (*first.numbers, *second.numbers)
    return Line(task_id=first.task_id, money=money, day=first.day or second.day, numbers=numbers)


def _line(row: Sequence[str], places: Mapping[str, int], number: int) -> Line:
    cells = {column: row[place].strip() if place < len(row) else "" for column, place in places.items()}
    if not cells["task"]:
        raise ValueError("it names no task")
    currency = cells.get("currency", "").upper() or USD
    if len(currency) != 3 or not currency.isalpha():
        raise ValueError(f"{currency[:20]!r} is no currency")
    money = Money.of(_amount(cells["amount"]), currency)
    return Line(task_id=cells["task"], money=money, day=_day(cells.get("date", "")), numbers=(number,))


def _amount(text: str) -> Decimal:
    """An exact amount; a dollar sign is allowed, thousands are not: nobody knows what a comma means."""
    try:
        amount = Decimal(text.removeprefix("$"))
    except InvalidOperation:
        raise ValueError(f"{text[:40]!r} is no amount") from None
    if not amount.is_finite() or abs(amount) >= 1_000_000_000:
        raise ValueError(f"{text[:40]!r} is no amount")
    return amount


def _day(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no date as ISO 8601 writes it") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
