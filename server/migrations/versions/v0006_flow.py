"""Token buckets that replicas share, limits of a tenant's own, and an index of the attempts under way."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; tenants of before have the server's limits."""
    op.create_table(
        "bucket",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("full_micros", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.add_column("tenant", sa.Column("limits", sa.JSON(), server_default="{}", nullable=False))
    op.create_index(
        "attempt_under_way",
        "attempt",
        ["endpoint"],
        sqlite_where=sa.text("end_time IS NULL"),
        postgresql_where=sa.text("end_time IS NULL"),
    )


def downgrade() -> None:
    """Drop what was added."""
    op.drop_index("attempt_under_way", "attempt")
    op.drop_column("tenant", "limits")
    op.drop_table("bucket")
