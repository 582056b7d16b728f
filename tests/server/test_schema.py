"""The migrations make the tables that the code knows, leave the engine's alone, and refuse a newer database."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import jobs.tables
import ledger.tables  # noqa: F401 - declares its tables
from core.database import metadata, sqlite_engine
from server import schema

assert jobs.tables


def test_the_newest_migration_is_the_one_that_is_compared(tmp_path: Path) -> None:
    engine = sqlite_engine(tmp_path / "a.sqlite")
    with engine.begin() as connection:
        scripts = ScriptDirectory.from_config(schema.configuration(connection))
        assert scripts.get_heads() == [schema.HEAD]
    engine.dispose()


@pytest.mark.parametrize("migrated", [True, False])
def test_a_new_and_a_migrated_database_have_exactly_our_tables(tmp_path: Path, migrated: bool) -> None:
    engine = sqlite_engine(tmp_path / "a.sqlite")
    assert schema.version(engine) is None
    if migrated:
        schema.migrate(engine, None)
    else:
        assert schema.upgrade(engine)
    assert schema.version(engine) == schema.HEAD
    assert not schema.upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_the_engines_tables_stay(tmp_path: Path) -> None:
    engine = sqlite_engine(tmp_path / "a.sqlite")
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE workflow_status (id TEXT)"))
    schema.upgrade(engine)
    assert "workflow_status" in sa.inspect(engine).get_table_names()
    engine.dispose()


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    engine = sqlite_engine(tmp_path / "a.sqlite")
    schema.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(schema.NewerSchema):
        schema.upgrade(engine)
    engine.dispose()
