"""Tables of the server itself."""

import sqlalchemy as sa

from core.database import metadata

installation = sa.Table(
    "installation",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.LargeBinary, nullable=False),
)
"""What all replicas on one database must have in common."""
