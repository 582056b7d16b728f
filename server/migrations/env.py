"""What Alembic runs for every migration: on the connection it is handed, for our tables alone."""

from typing import Any

from alembic import context

import jobs.tables  # noqa: F401 - declares its tables
import ledger.tables  # noqa: F401 - declares its tables
import server.tables  # noqa: F401 - declares its tables
from core.database import metadata


def ours(name: str | None, kind: str, _parents: Any) -> bool:
    """Whether a name found in the database is ours: the engine keeps its own tables in the same file."""
    return kind != "table" or name in metadata.tables


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_name=ours,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
