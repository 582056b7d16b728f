"""Tenants, budgets with their running sums, audit entries, and which ledger entries nobody knows for sure."""

import sqlalchemy as sa
from alembic import op

import core.database

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_DAY = 86_400_000_000
_UNKNOWN = (
    "unknown: the quote is booked until news comes",
    "the vendor's estimate",
    "our quote; the vendor stated nothing",
    "price x usual run time; the vendor metered nothing",
)
"""The bases that said so before there was a column for it."""
_SUMS = sa.text(
    "SELECT tenant, time - time % :day AS day, "
    "SUM(CASE WHEN kind = 'SETTLE' THEN micros ELSE 0 END) AS spent, "
    "SUM(CASE WHEN kind IN ('HOLD', 'ADJUST') THEN micros ELSE -micros END) AS held "
    "FROM ledger_entry WHERE currency = 'USD' GROUP BY tenant, time - time % :day"
)


def upgrade() -> None:
    """Create the tables, and sum up what the ledger has."""
    op.create_table(
        "tenant",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("policy", sa.JSON(), nullable=False),
        sa.Column("create_time", core.database.Timestamp(), nullable=False),
        sa.Column("update_time", core.database.Timestamp(), nullable=False),
        sa.Column("delete_time", core.database.Timestamp(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("time", core.database.Timestamp(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("audit_entry_by_tenant", "audit_entry", ["tenant", "id"])
    op.create_table(
        "budget",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("limit_micros", sa.BigInteger(), nullable=False),
        sa.Column("create_time", core.database.Timestamp(), nullable=False),
        sa.Column("update_time", core.database.Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "period"),
    )
    tallies = op.create_table(
        "tally",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("spent_micros", sa.BigInteger(), nullable=False),
        sa.Column("held_micros", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "period"),
    )
    ended = sa.text("end_time IS NOT NULL")
    op.create_index("clip_by_end", "clip", ["end_time"], sqlite_where=ended, postgresql_where=ended)
    op.add_column("ledger_entry", sa.Column("unknown", sa.Boolean(), server_default=sa.false(), nullable=False))
    marked = sa.text("UPDATE ledger_entry SET unknown = :yes WHERE kind = 'SETTLE' AND basis IN :bases")
    values = {"yes": True, "bases": _UNKNOWN}
    op.get_bind().execute(marked.bindparams(sa.bindparam("bases", expanding=True)), values)
    if rows := _sums(op.get_bind()):
        op.bulk_insert(tallies, rows)


def _sums(connection: sa.Connection) -> list[dict[str, str | int]]:
    """The running sums of every tenant, from its entries."""
    sums: dict[tuple[str, str], list[int]] = {}
    for row in connection.execute(_SUMS, {"day": _DAY}):
        day = core.database.Timestamp().process_result_value(row.day, connection.dialect)
        assert day is not None
        for period in ("TOTAL", f"{day:%Y-%m}", f"{day:%Y-%m-%d}"):
            total = sums.setdefault((row.tenant, period), [0, 0])
            total[0] += int(row.spent)
            total[1] += int(row.held) if period == "TOTAL" else 0
    return [
        {"tenant": tenant, "period": period, "spent_micros": spent, "held_micros": held}
        for (tenant, period), (spent, held) in sums.items()
    ]


def downgrade() -> None:
    """Drop what was added."""
    op.drop_index("clip_by_end", "clip")
    op.drop_column("ledger_entry", "unknown")
    for table in ("tally", "budget", "audit_entry", "tenant"):
        op.drop_table(table)
