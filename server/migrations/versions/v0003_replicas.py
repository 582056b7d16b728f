"""Who runs clips on a shared database, and what all its replicas have in common."""

import sqlalchemy as sa
from alembic import op

import core.database

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "executor",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("lease_until", core.database.Timestamp(), nullable=False),
        sa.Column("reaped", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("executor_by_lease", "executor", ["lease_until"])
    op.create_table(
        "installation",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def downgrade() -> None:
    """Drop both tables."""
    op.drop_table("installation")
    op.drop_table("executor")
