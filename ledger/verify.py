"""Check the ledger against itself; the caller says which clips have ended."""

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from ledger import tally
from ledger.ledger import Balance, Kind
from ledger.tables import entries


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What `verify` found: sums per currency, and one line per fault (none is good)."""

    totals: dict[str, Balance]
    clips: int
    faults: tuple[str, ...]


def verify(connection: sa.Connection, ended: Collection[str], parked: Collection[str]) -> Verdict:
    """Check every clip: one currency, one hold, nothing negative, and nothing open once it has ended.

    And every running sum that budgets are checked against.
    """
    clips = _clips(connection)
    faults: list[str] = []
    totals: dict[str, dict[str, int]] = {}
    for clip_id, by_currency in clips.items():
        if len(by_currency) > 1:
            faults.append(f"{clip_id}: several currencies {sorted(by_currency)}")
        for currency, sums in by_currency.items():
            balance = _balance(sums)
            faults.extend(f"{clip_id}: {text}" for text in _faults(balance, ended=clip_id in ended))
            total = totals.setdefault(currency, {})
            for kind, micros in sums.items():
                total[kind] = total.get(kind, 0) + micros
    faults += [f"{clip_id}: ended without a hold" for clip_id in ended if clip_id not in clips]
    faults += [f"{clip_id}: parked without a hold" for clip_id in parked if clip_id not in clips]
    faults += tally.faults(connection)
    return Verdict(
        totals={currency: _balance(sums) for currency, sums in totals.items()},
        clips=len(clips),
        faults=tuple(faults),
    )


def _faults(balance: Balance, *, ended: bool) -> list[str]:
    faults = []
    if min(balance.held, balance.settled, balance.released) < 0:
        faults.append("a negative sum")
    if balance.open < 0:
        faults.append(f"{-balance.open} micros more settled and released than held")
    if ended and balance.open:
        faults.append(f"ended with {balance.open} micros still held")
    return faults


def _clips(connection: sa.Connection) -> dict[str, dict[str, dict[str, int]]]:
    columns = (entries.c.clip_id, entries.c.currency, entries.c.kind)
    query = sa.select(*columns, sa.func.sum(entries.c.micros)).group_by(*columns)
    clips: dict[str, dict[str, dict[str, int]]] = {}
    for clip_id, currency, kind, micros in connection.execute(query):
        clips.setdefault(clip_id, {}).setdefault(currency, {})[kind] = int(micros)
    return clips


def _balance(sums: dict[str, int]) -> Balance:
    return Balance(
        held=sums.get(Kind.HOLD, 0),
        adjusted=sums.get(Kind.ADJUST, 0),
        settled=sums.get(Kind.SETTLE, 0),
        released=sums.get(Kind.RELEASE, 0),
    )
