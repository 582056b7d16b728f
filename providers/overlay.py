"""An operator's own catalogue data over ours: prices, limits, the version hash, and which rows are on. Never behaviour.

[models."runway/gen4.5"]
enabled = true
deadline_seconds = 1200
[[models."runway/gen4.5".prices]]
usd = "0.10"
unit = "SECOND"
since = 2026-12-01
source = "our contract with the vendor"
when = { resolution = "1080p" }
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from providers.model import Price, Unit, VideoModel


class BadOverlay(ValueError):
    """The operator's file cannot be used; one line per fault, each naming the row and the member."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


_KINDS: Mapping[str, type] = {
    "enabled": bool,
    "wire_version": str,
    "deadline_seconds": int,
    "prompt_limit": int,
    "inline_limit": int,
    "uri_limit": int,
    "source_limit": int,
    "references": int,
    "quality_rank": int,
}
"""What may be changed, and to what. A limit can only be lowered: the vendor's own is not ours to raise."""
_LIMITS = frozenset({"prompt_limit", "inline_limit", "uri_limit", "source_limit", "references"})
_PRICE = frozenset({"usd", "unit", "since", "source", "when", "least"})


def applied(rows: Iterable[VideoModel], document: Mapping[str, Any]) -> tuple[VideoModel, ...]:
    """The rows as the operator wants them. Raises BadOverlay with every fault at once."""
    faults: list[str] = [f"{name}: is not known; there is `models`" for name in document if name != "models"]
    wanted = document.get("models", {})
    by_id = {row.id: row for row in rows}
    if not isinstance(wanted, Mapping):
        raise BadOverlay(["models: is a table of model ids"])
    faults += [f"{name}: there is no such model" for name in wanted if name not in by_id]
    for name, changes in wanted.items():
        if name in by_id:
            by_id[name] = _changed(by_id[name], changes, partial(_note, faults, name))
    if faults:
        raise BadOverlay(faults)
    return tuple(by_id.values())


def _note(faults: list[str], row: str, fault: str) -> None:
    faults.append(f"{row}: {fault}")


def _changed(row: VideoModel, changes: Any, complain: Callable[[str], None]) -> VideoModel:
    if not isinstance(changes, Mapping):
        complain("is a table")
        return row
    values: dict[str, Any] = {}
    for name, value in changes.items():
        if name == "prices":
            values["prices"] = (*row.prices, *_prices(value, complain))
        elif fault := _fault(row, name, value):
            complain(fault)
        else:
            values[name] = value
    return replace(row, **values)


def _fault(row: VideoModel, name: str, value: object) -> str:
    kind = _KINDS.get(name)
    if kind is None:
        return f"{name} cannot be changed; prices, {', '.join(_KINDS)} can"
    if not isinstance(value, kind) or isinstance(value, bool) != (kind is bool):
        return f"{name} is {'a whole number' if kind is int else 'true or false' if kind is bool else 'text'}"
    if isinstance(value, int) and value < 0:
        return f"{name} is not negative"
    if name in _LIMITS and isinstance(value, int) and value > (getattr(row, name) or value):
        return f"{name} can only be lowered: the vendor takes {getattr(row, name)}"
    return ""


def _prices(value: object, complain: Callable[[str], None]) -> Iterator[Price]:
    for place, entry in enumerate(value if isinstance(value, list) else []):
        try:
            yield _price(entry)
        except (KeyError, TypeError, ValueError, InvalidOperation, AttributeError) as error:
            complain(f"prices[{place}]: {error or 'cannot be read'}")


def _price(entry: Mapping[str, Any]) -> Price:
    if unknown := set(entry) - _PRICE:
        raise ValueError(f"{', '.join(sorted(unknown))}: not known")
    since = entry["since"]
    if not isinstance(since, date):
        raise ValueError("since is a date, such as 2026-12-01")
    return Price(
        usd=Decimal(str(entry["usd"])),
        unit=Unit[entry["unit"]],
        since=since,
        checked=since,
        source=str(entry["source"]),
        when=dict(entry.get("when", {})),
        least=Decimal(str(entry.get("least", "0"))),
    )
