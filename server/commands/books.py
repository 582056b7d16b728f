"""`ledger verify` and `ledger show`: read the books, also while a server runs on it."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.table import Table

from core.database import sqlite_engine
from core.money import Money
from core.postgres import postgres_engine
from jobs.queries import standing
from ledger import verify as checking
from ledger.ledger import Balance
from ledger.tables import entries
from server.commands.serving import CANNOT_START, settled
from server.settings import Settings

Result = TypeVar("Result")


def verify(env_file: Path | None, data_dir: Path | None) -> int:
    """The exit status: 0 when the books are right."""
    verdict = on_database(env_file, data_dir, _check)
    table = Table("currency", "held", "adjusted", "settled", "released", "open")
    for currency, balance in sorted(verdict.totals.items()):
        table.add_row(currency, *_row(balance, currency))
    console = Console()
    console.print(table)
    console.print(f"{verdict.clips} clips, {len(verdict.faults)} faults")
    for fault in verdict.faults:
        console.print(f"[bold red]fault:[/] {fault}")
    return 1 if verdict.faults else 0


def show(env_file: Path | None, data_dir: Path | None, *, job: str, tenant: str, limit: int) -> None:
    """Print entries."""
    columns = entries.c
    query = sa.select(entries).order_by(columns.id.desc()).limit(limit)
    if job:
        query = query.where(columns.job_id == job)
    if tenant:
        query = query.where(columns.tenant == tenant)
    rows = on_database(env_file, data_dir, lambda connection: connection.execute(query).all())
    table = Table("time", "tenant", "clip", "kind", "amount", "basis", "model")
    for row in rows:
        amount = Money(currency=row.currency, micros=row.micros)
        table.add_row(f"{row.time:%F %T}", row.tenant, row.clip_id, row.kind, str(amount), row.basis, row.model)
    Console().print(table)


def _check(connection: sa.Connection) -> checking.Verdict:
    return checking.verify(connection, *standing(connection))


def _row(balance: Balance, currency: str) -> list[str]:
    sums = (balance.held, balance.adjusted, balance.settled, balance.released, balance.open)
    return [str(Money(currency=currency, micros=micros)) for micros in sums]


def _engine(settings: Settings, *, writes: bool) -> sa.Engine:
    if settings.database_url is not None:
        url, isolation = settings.database_url.get_secret_value(), "READ COMMITTED" if writes else "REPEATABLE READ"
        return postgres_engine(url, application_name="filmgate-books", pool_size=1, isolation=isolation)
    path = settings.data_dir / "filmgate.sqlite"
    if not path.is_file():
        typer.echo(f"error: there is no database at {path}", err=True)
        raise typer.Exit(CANNOT_START)
    return sqlite_engine(path, begin="BEGIN IMMEDIATE" if writes else "BEGIN", pool_size=1)


def on_database(
    env_file: Path | None, data_dir: Path | None, work: Callable[[sa.Connection], Result], *, writes: bool = False
) -> Result:
    """Run `work` on the database, which must be there; `writes`: in a transaction that is kept."""
    engine = _engine(settled(env_file, data_dir=data_dir), writes=writes)
    try:
        with engine.begin() if writes else engine.connect() as connection:
            return work(connection)
    finally:
        engine.dispose()
