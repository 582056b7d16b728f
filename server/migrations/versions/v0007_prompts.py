"""Prompts, the journal of language-model calls, and what a job knows of its prompt."""

import sqlalchemy as sa
from alembic import op

import core.database

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; jobs of before were made from no prompt."""
    _create_prompts()
    _create_calls()
    op.add_column("job", sa.Column("prompt_id", sa.Text(), nullable=True))
    for name in ("enhancement", "final_prompt"):
        op.add_column("job", sa.Column(name, sa.Text(), server_default="", nullable=False))
    op.create_index("job_by_creative", "job", ["tenant", "creative_id", "id"])
    _create_index_where("job_by_prompt", "job", ["prompt_id"], "prompt_id IS NOT NULL")
    _create_index_where(
        "ledger_entry_settled_by_creative", "ledger_entry", ["tenant", "creative_id"], "kind = 'SETTLE'"
    )


def _create_prompts() -> None:
    op.create_table(
        "prompt",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("creative_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("input", sa.Text(), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Text(), nullable=True),
        sa.Column("job_id", sa.Text(), nullable=True),
        sa.Column("feedback", sa.Text(), nullable=False),
        sa.Column("iteration", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("notices", sa.JSON(), nullable=False),
        sa.Column("llm_model", sa.Text(), nullable=False),
        sa.Column("mock", sa.Boolean(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("create_time", core.database.Timestamp(), nullable=False),
        sa.Column("deadline", core.database.Timestamp(), nullable=True),
        sa.Column("end_time", core.database.Timestamp(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("prompt_by_creative", "prompt", ["tenant", "creative_id", "id"])
    op.create_index("prompt_by_parent", "prompt", ["parent_id"])
    _create_index_where("prompt_open", "prompt", ["id"], "state = 'OPEN'")
    _create_index_where("prompt_enhances_once", "prompt", ["job_id"], "kind = 'ENHANCE'", unique=True)


def _create_calls() -> None:
    op.create_table(
        "prompt_call",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("prompt_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("intend_time", core.database.Timestamp(), nullable=False),
        sa.Column("deadline", core.database.Timestamp(), nullable=False),
        sa.Column("end_time", core.database.Timestamp(), nullable=True),
        sa.Column("input_tokens", sa.BigInteger(), nullable=True),
        sa.Column("output_tokens", sa.BigInteger(), nullable=True),
        sa.Column("held_micros", sa.BigInteger(), nullable=False),
        sa.Column("cost_micros", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("cost_unknown", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["prompt_id"], ["prompt.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("prompt_id", "number", name="prompt_call_once"),
    )


def _create_index_where(name: str, table: str, columns: list[str], condition: str, *, unique: bool = False) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=unique, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    """Drop what was added."""
    op.drop_index("ledger_entry_settled_by_creative", "ledger_entry")
    for name in ("job_by_prompt", "job_by_creative"):
        op.drop_index(name, "job")
    for name in ("prompt_id", "enhancement", "final_prompt"):
        op.drop_column("job", name)
    op.drop_table("prompt_call")
    op.drop_table("prompt")
