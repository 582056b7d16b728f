"""`ledger reconcile`: our books beside a vendor's invoice."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from core import clock
from core.money import Money
from jobs import invoice as invoices
from jobs.invoice import BadInvoice, Columns
from jobs.reconcile import Finding, Reconciliation, Scope, apply, reconcile
from server.commands.books import on_database

CALLER = "command"
DIFFERENT = 1
UNREADABLE = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What the command is asked for."""

    path: Path
    vendor: str
    columns: Columns = field(default_factory=Columns)
    since: datetime | None = None
    until: datetime | None = None
    apply: bool = False


def run(wanted: Wanted, env_file: Path | None, data_dir: Path | None) -> int:
    """The exit status: 0 when nothing differs any more, 1 when something does, 2 for a file that cannot be used."""
    try:
        invoice = invoices.read(wanted.path.read_bytes(), wanted.columns)
    except OSError as error:
        typer.echo(f"error: {wanted.path}: {error.strerror}", err=True)
        return UNREADABLE
    except BadInvoice as error:
        for fault in error.faults:
            typer.echo(f"error: {wanted.path}: {fault}", err=True)
        return UNREADABLE
    scope = Scope(vendor=wanted.vendor, since=_utc(wanted.since), until=_utc(wanted.until))
    if wanted.apply:
        now = clock.now()
        found = on_database(
            env_file, data_dir, lambda connection: apply(connection, invoice, scope, now, CALLER), writes=True
        )
    else:
        found = on_database(env_file, data_dir, lambda connection: reconcile(connection, invoice, scope))
    _show(found)
    return DIFFERENT if found.remaining else 0


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


def _show(found: Reconciliation) -> None:
    console = Console()
    if found.findings:
        table = Table("what", "task", "line", "ours", "theirs", "difference", "basis", "attempt", "remark")
        for finding in found.findings:
            table.add_row(*_row(finding))
        console.print(table)
    for currency, totals in found.totals.items():
        ours, theirs, rest = (
            Money(currency=currency, micros=micros)
            for micros in (totals.ours, totals.theirs, totals.theirs - totals.ours)
        )
        console.print(f"ours {ours}, theirs {theirs}, difference {rest}; {totals.equal} tasks agree", highlight=False)
    corrected = len(found.findings) - len(found.remaining)
    console.print(f"{len(found.findings)} differences, {corrected} corrected, {len(found.remaining)} remain")


def _row(finding: Finding) -> tuple[str, ...]:
    change = (finding.theirs or 0) - (finding.ours or 0)
    return (
        f"{finding.kind}, corrected" if finding.corrected else str(finding.kind),
        finding.task_id,
        ", ".join(map(str, finding.numbers)),
        _amount(finding.ours, finding.currency),
        _amount(finding.theirs, finding.currency),
        _amount(change, finding.currency),
        finding.basis,
        finding.attempt.id if finding.attempt else "",
        finding.remark,
    )


def _amount(micros: int | None, currency: str) -> str:
    return "" if micros is None else str(Money(currency=currency, micros=micros))
