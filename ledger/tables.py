"""The ledger's tables: entries are append-only, never updated or deleted; tallies are their running sums."""

import sqlalchemy as sa

from core.database import Timestamp, metadata

entries = sa.Table(
    "ledger_entry",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("time", Timestamp, nullable=False),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("creative_id", sa.Text, nullable=False),
    sa.Column("job_id", sa.Text, nullable=False),
    sa.Column("clip_id", sa.Text, nullable=False),
    sa.Column("attempt_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("micros", sa.BigInteger, nullable=False),
    sa.Column("basis", sa.Text, nullable=False),
    sa.Column("unknown", sa.Boolean, nullable=False, default=False, server_default=sa.false()),
    sa.Index("ledger_entry_by_clip", "clip_id"),
    sa.Index("ledger_entry_by_tenant_and_time", "tenant", "time"),
    sa.Index(
        "ledger_entry_settled_once",
        "attempt_id",
        unique=True,
        sqlite_where=sa.text("kind = 'SETTLE'"),
        postgresql_where=sa.text("kind = 'SETTLE'"),
    ),
    sa.Index(
        "ledger_entry_settled_by_creative",
        "tenant",
        "creative_id",
        sqlite_where=sa.text("kind = 'SETTLE'"),
        postgresql_where=sa.text("kind = 'SETTLE'"),
    ),
    sa.Index(
        "ledger_entry_held_once",
        "clip_id",
        unique=True,
        sqlite_where=sa.text("kind = 'HOLD'"),
        postgresql_where=sa.text("kind = 'HOLD'"),
    ),
)
"""`unknown` marks an amount that is only booked because nobody knows better. `clip_id` is that of a prompt, and
`attempt_id` that of a call, where the stage is `prompt`."""

tallies = sa.Table(
    "tally",
    metadata,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("period", sa.Text, primary_key=True),
    sa.Column("spent_micros", sa.BigInteger, nullable=False),
    sa.Column("held_micros", sa.BigInteger, nullable=False),
)
"""Running sums of real money: what was settled in a day (`2026-11-21`), a month (`2026-11`) and ever (`TOTAL`), and,
in `TOTAL`, what is still held."""

budgets = sa.Table(
    "budget",
    metadata,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("period", sa.Text, primary_key=True),
    sa.Column("limit_micros", sa.BigInteger, nullable=False),
    sa.Column("create_time", Timestamp, nullable=False),
    sa.Column("update_time", Timestamp, nullable=False),
)
