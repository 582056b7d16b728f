"""The ledger's table: append-only; nothing here is ever updated or deleted."""

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
        "ledger_entry_held_once",
        "clip_id",
        unique=True,
        sqlite_where=sa.text("kind = 'HOLD'"),
        postgresql_where=sa.text("kind = 'HOLD'"),
    ),
)
