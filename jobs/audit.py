"""Who did what, and the alarms about money: rows that are only ever added."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import structlog

from core.identifiers import new_id
from jobs import tables

ALARM = "Alarm"
SERVER = "server"
OK = "OK"
_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Act:
    """Something that is tried."""

    caller: str
    """`key:` and the fingerprint of the key that was sent, `operator` where the server has none, or `server`."""
    action: str
    """The rpc's or the command's name, or `Alarm`."""
    tenant: str = ""
    target: str = ""
    """What it is done to: a name or an id."""
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEntry:
    """A row of `audit_entry`."""

    id: str
    time: datetime
    caller: str
    action: str
    tenant: str
    target: str
    outcome: str
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditFilter:
    """Which entries; empty: all."""

    tenant: str = ""
    action: str = ""
    caller: str = ""
    since: datetime | None = None
    until: datetime | None = None


def write(connection: sa.Connection, act: Act, outcome: str, now: datetime) -> None:
    """Write down what was done, in the caller's transaction."""
    row = {
        "id": new_id("audit"),
        "time": now,
        "caller": act.caller,
        "action": act.action,
        "tenant": act.tenant,
        "target": act.target,
        "outcome": outcome,
        "detail": act.detail,
    }
    connection.execute(sa.insert(tables.audit), row)


def alarm(
    connection: sa.Connection, kind: str, now: datetime, *, tenant: str, target: str, facts: Mapping[str, Any]
) -> None:
    """Something about money an operator should look at: a line in the log (`alarm=`) and a row."""
    _log.error("an alarm about money", alarm=kind, tenant=tenant, target=target, **facts)
    detail = ", ".join(f"{name} {value}" for name, value in facts.items())
    write(connection, Act(caller=SERVER, action=ALARM, tenant=tenant, target=target, detail=detail), kind, now)


def page(connection: sa.Connection, wanted: AuditFilter, size: int, before: str) -> list[AuditEntry]:
    """Entries, newest first, those below `before`."""
    columns = tables.audit.c
    conditions = [
        bool(wanted.tenant) and columns.tenant == wanted.tenant,
        bool(wanted.action) and columns.action == wanted.action,
        bool(wanted.caller) and columns.caller == wanted.caller,
        wanted.since is not None and columns.time >= wanted.since,
        wanted.until is not None and columns.time < wanted.until,
        bool(before) and columns.id < before,
    ]
    query = sa.select(tables.audit).where(*(each for each in conditions if each is not False))
    rows = connection.execute(query.order_by(columns.id.desc()).limit(size))
    return [AuditEntry(**{name: getattr(row, name) for name in AuditEntry.__slots__}) for row in rows]
