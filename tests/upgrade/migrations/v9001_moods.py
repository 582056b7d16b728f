"""What the next version could add: a column that whoever does not know it need not write, and a table."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from server import schema

revision = "9001"
down_revision = max(path.name[1:5] for path in Path(schema.__file__).parent.glob("migrations/versions/v*.py"))
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both."""
    op.add_column("clip", sa.Column("mood", sa.Text(), nullable=False, server_default="calm"))
    op.create_table("mood", sa.Column("name", sa.Text(), nullable=False), sa.PrimaryKeyConstraint("name"))


def downgrade() -> None:
    """Drop both."""
    op.drop_table("mood")
    op.drop_column("clip", "mood")
