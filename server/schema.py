"""Bring the database to the schema of this version; Alembic is imported only when there is something to do."""

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from core.database import metadata, sqlite_engine
from jobs import tables as job_tables
from ledger import tables as ledger_tables
from server import tables as server_tables

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0007"
"""The newest revision in `migrations/versions`; a test compares."""
TABLES = (job_tables, ledger_tables, server_tables)
"""The modules whose import declares every table."""
_LOCK, _LOCK_SECONDS = 0x66696C6D, 120
_TABLE_SECONDS = 10.0
"""For how long a migration waits for a table, and everybody else behind it. A backup holds tables for longer."""
_FOLDER = Path(__file__).parent / "migrations"


class NewerSchema(RuntimeError):
    """The database was made by a newer version."""


def upgrade(engine: sa.Engine) -> bool:
    """Upgrade in one transaction; False when nothing was to be done. Raises NewerSchema, OperationalError.

    Of processes that start at once, one upgrades and the others wait for it.
    """
    if version(engine) == HEAD:
        _prove_writable(engine)
        return False
    with _alone(engine) as connection:
        stored = _version(connection)
        if stored is None:
            _create(connection)
        elif stored != HEAD:
            _migrate(connection, stored)
        return stored != HEAD


def _prove_writable(engine: sa.Engine) -> None:
    """Write to an embedded database: that its disk is full is better known before anything is begun."""
    if engine.dialect.name == "sqlite":
        with engine.begin() as connection:
            connection.execute(sa.text("UPDATE alembic_version SET version_num = :head"), {"head": HEAD})


def migrate(engine: sa.Engine, stored: str | None) -> None:
    """Run the migrations from a revision on, in one transaction. Raises NewerSchema for an unknown one."""
    with _alone(engine) as connection:
        _migrate(connection, stored)


@contextlib.contextmanager
def _alone(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that no other process that starts can have at the same time."""
    with engine.begin() as connection:  # on SQLite the lock is the transaction's own: BEGIN IMMEDIATE
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{round(_TABLE_SECONDS * 1000)}ms'")
        yield connection


def _migrate(connection: sa.Connection, stored: str | None) -> None:
    from alembic import command
    from alembic.script import ScriptDirectory

    config = configuration(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if stored is not None and stored not in known:
        raise NewerSchema("the database was made by a newer version of Filmgate; start that one")
    command.upgrade(config, "head")


def _create(connection: sa.Connection) -> None:
    """A new database gets today's tables at once; a test proves that the migrations lead to the same."""
    metadata.create_all(connection)
    connection.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    connection.execute(sa.text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})


def version(engine: sa.Engine) -> str | None:
    """The revision the database is at; None for an empty one."""
    with engine.connect() as connection:
        return _version(connection)


def _version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return None if found is None else str(found)


def draft(message: str, revision: str) -> None:
    """Write the next migration from what the tables of the code have more than the newest one; to be read and edited.

    `python -m server.schema MESSAGE REVISION`, then raise `HEAD`.
    """
    from alembic import command

    with tempfile.TemporaryDirectory() as folder:
        engine = sqlite_engine(Path(folder) / "draft.sqlite")
        migrate(engine, None)
        with engine.begin() as connection:
            command.revision(configuration(connection), message=message, autogenerate=True, rev_id=revision)
        engine.dispose()


def configuration(connection: sa.Connection) -> "Config":
    """Alembic's configuration for our migrations on this connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "v%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config


if __name__ == "__main__":
    draft(*sys.argv[1:])
