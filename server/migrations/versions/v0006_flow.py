"""Token buckets that replicas share, and limits of a tenant's own."""

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


def downgrade() -> None:
    """Drop what was added."""
    op.drop_column("tenant", "limits")
    op.drop_table("bucket")
