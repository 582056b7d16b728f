"""The first tables."""

import sqlalchemy as sa
from alembic import op

import core.database

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table."""
    _delivery()
    _input()
    _iteration()
    _job()
    _ledger_entry()
    _request()
    _video()
    _clip()
    _event()
    _attempt()


def downgrade() -> None:
    """Drop every table."""
    for name in (
        "attempt",
        "event",
        "clip",
        "video",
        "request",
        "ledger_entry",
        "job",
        "iteration",
        "input",
        "delivery",
    ):
        op.drop_table(name)


def _delivery() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("create_time", core.database.Timestamp(), nullable=False),
        sa.Column("next_time", core.database.Timestamp(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("last_answer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("delivery_due", "delivery", ["state", "next_time"])


def _input() -> None:
    op.create_table(
        "input",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("mime_type", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("input_by_job", "input", ["job_id"])


def _iteration() -> None:
    op.create_table(
        "iteration",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("creative_id", sa.Text(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "creative_id"),
    )


def _job() -> None:
    op.create_table(
        "job",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("creative_id", sa.Text(), nullable=False),
        sa.Column("requested_model", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("model_reason", sa.Text(), nullable=False),
        sa.Column("mock", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("create_time", core.database.Timestamp(), nullable=False),
        sa.Column("start_time", core.database.Timestamp(), nullable=True),
        sa.Column("end_time", core.database.Timestamp(), nullable=True),
        sa.Column("expected_end_time", core.database.Timestamp(), nullable=True),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("quote", sa.JSON(), nullable=False),
        sa.Column("notices", sa.JSON(), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("webhook", sa.JSON(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("failure", sa.JSON(), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("last_event", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("job_by_tenant", "job", ["tenant", "id"])


def _ledger_entry() -> None:
    op.create_table(
        "ledger_entry",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("time", core.database.Timestamp(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("creative_id", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("clip_id", sa.Text(), nullable=False),
        sa.Column("attempt_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("micros", sa.BigInteger(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ledger_entry_by_clip", "ledger_entry", ["clip_id"])
    op.create_index("ledger_entry_by_tenant_and_time", "ledger_entry", ["tenant", "time"])
    op.create_index(
        "ledger_entry_held_once",
        "ledger_entry",
        ["clip_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'HOLD'"),
        postgresql_where=sa.text("kind = 'HOLD'"),
    )
    op.create_index(
        "ledger_entry_settled_once",
        "ledger_entry",
        ["attempt_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'SETTLE'"),
        postgresql_where=sa.text("kind = 'SETTLE'"),
    )


def _request() -> None:
    op.create_table(
        "request",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("rpc", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("job_ids", sa.JSON(), nullable=False),
        sa.Column("time", core.database.Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "rpc", "request_id"),
    )
    op.create_index("request_by_time", "request", ["time"])


def _video() -> None:
    op.create_table(
        "video",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("creative_id", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("clip_id", sa.Text(), nullable=False),
        sa.Column("iteration", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("thumbnail_key", sa.Text(), nullable=True),
        sa.Column("create_time", core.database.Timestamp(), nullable=False),
        sa.Column("delete_time", core.database.Timestamp(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("provenance", sa.JSON(), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("clip_id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("video_by_tenant", "video", ["tenant", "id"])


def _clip() -> None:
    op.create_table(
        "clip",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("iteration", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("notices", sa.JSON(), nullable=False),
        sa.Column("candidates", sa.JSON(), nullable=False),
        sa.Column("target_duration", sa.Float(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("start_time", core.database.Timestamp(), nullable=True),
        sa.Column("end_time", core.database.Timestamp(), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=True),
        sa.Column("failure", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["job_id"],
            ["job.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("clip_by_job", "clip", ["job_id", "position"])
    op.create_index("clip_by_state", "clip", ["state"])


def _event() -> None:
    op.create_table(
        "event",
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("time", core.database.Timestamp(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"],
            ["job.id"],
        ),
        sa.PrimaryKeyConstraint("job_id", "seq"),
    )


def _attempt() -> None:
    op.create_table(
        "attempt",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("clip_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("credential", sa.Text(), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("request_hash", sa.Text(), nullable=False),
        sa.Column("quote_micros", sa.BigInteger(), nullable=False),
        sa.Column("held_micros", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("callback_token", sa.Text(), nullable=False),
        sa.Column("called_back", sa.Boolean(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("vendor_task_id", sa.Text(), nullable=True),
        sa.Column("ticket", sa.JSON(), nullable=True),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("estimate_micros", sa.BigInteger(), nullable=True),
        sa.Column("intend_time", core.database.Timestamp(), nullable=False),
        sa.Column("submit_time", core.database.Timestamp(), nullable=True),
        sa.Column("deadline", core.database.Timestamp(), nullable=True),
        sa.Column("end_time", core.database.Timestamp(), nullable=True),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.Column("cost_micros", sa.BigInteger(), nullable=True),
        sa.Column("cost_basis", sa.Text(), nullable=True),
        sa.Column("failure", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["clip_id"],
            ["clip.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("callback_token"),
        sa.UniqueConstraint("clip_id", "number", name="attempt_once"),
        sa.UniqueConstraint("endpoint", "vendor_task_id", name="vendor_task_owned_once"),
    )
    op.create_index("attempt_by_outcome", "attempt", ["outcome", "intend_time"])
