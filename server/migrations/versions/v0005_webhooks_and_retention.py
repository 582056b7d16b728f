"""Webhook endpoints, secrets' serials, claims on deliveries, the log of attempts; how far old things were removed."""

from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic import op

import core.database

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; deliveries of before belong to their requests."""
    op.create_table(
        "webhook_endpoint",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("create_time", core.database.Timestamp(), nullable=False),
        sa.Column("update_time", core.database.Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("webhook_endpoint_by_tenant", "webhook_endpoint", ["tenant", "id"])
    op.create_table(
        "webhook_secret",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("create_time", core.database.Timestamp(), nullable=False),
        sa.Column("expire_time", core.database.Timestamp(), nullable=True),
        sa.PrimaryKeyConstraint("owner", "serial"),
    )
    op.create_table(
        "delivery_attempt",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("time", core.database.Timestamp(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("delivery_attempt_by_delivery", "delivery_attempt", ["delivery_id", "id"])
    op.create_table(
        "retention",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("last_job", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind"),
    )
    for name in ("endpoint_id", "kind", "origin", "claim"):
        op.add_column("delivery", sa.Column(name, sa.Text(), server_default="", nullable=False))
    op.add_column("delivery", sa.Column("claimed_until", core.database.Timestamp(), nullable=True))
    op.create_index("delivery_by_tenant", "delivery", ["tenant", "id"])
    op.create_index("delivery_by_endpoint", "delivery", ["endpoint_id", "id"])
    op.create_index("delivery_by_job", "delivery", ["job_id"])
    op.create_index("delivery_by_time", "delivery", ["create_time"])
    _fill_origins(op.get_bind())


def _fill_origins(connection: sa.Connection) -> None:
    """Deliveries are bounded by the origin of their address, which had no column."""
    rows = connection.execute(sa.text("SELECT DISTINCT url FROM delivery WHERE state = 'DUE'")).scalars().all()
    for url in rows:
        parts = urlsplit(url)
        values = {"origin": f"{parts.scheme}://{parts.netloc}".lower(), "url": url}
        connection.execute(sa.text("UPDATE delivery SET origin = :origin WHERE url = :url"), values)


def downgrade() -> None:
    """Drop what was added."""
    for name in ("delivery_by_tenant", "delivery_by_endpoint", "delivery_by_job", "delivery_by_time"):
        op.drop_index(name, "delivery")
    for name in ("endpoint_id", "kind", "origin", "claim", "claimed_until"):
        op.drop_column("delivery", name)
    for table in ("retention", "delivery_attempt", "webhook_secret", "webhook_endpoint"):
        op.drop_table(table)
