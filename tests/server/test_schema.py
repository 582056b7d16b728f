"""The migrations make the tables that the code knows, leave the engine's alone, and refuse a newer database."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import jobs.tables
from core.database import metadata, sqlite_engine
from core.postgres import advice, postgres_engine
from ledger import tally
from ledger.tables import entries, tallies
from server import schema
from tests.postgres import Postgres

assert jobs.tables


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """An empty database of either kind."""
    if request.param == "sqlite":
        engine = sqlite_engine(tmp_path / "a.sqlite")
        yield engine
        engine.dispose()
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    with postgres.database() as name:
        engine = postgres_engine(postgres.url(name), application_name="test", pool_size=10, lock_seconds=0.25)
        yield engine
        engine.dispose()


def test_the_newest_migration_is_the_one_that_is_compared(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        scripts = ScriptDirectory.from_config(schema.configuration(connection))
        assert scripts.get_heads() == [schema.HEAD]


@pytest.mark.parametrize("migrated", [True, False])
def test_a_new_and_a_migrated_database_have_exactly_our_tables(engine: sa.Engine, migrated: bool) -> None:
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


def test_running_sums_are_made_of_the_ledger_that_is_there(tmp_path: Path) -> None:
    engine = sqlite_engine(tmp_path / "a.sqlite")
    day = 86_400_000_000
    first = 20_000 * day + 5  # 2024-10-04
    columns = "time, tenant, creative_id, job_id, clip_id, attempt_id, kind, stage, model, currency, micros, basis"
    rows = [
        (first, "acme", "c", "j", "clip_1", "", "HOLD", "video", "m", "USD", 500, "quote"),
        (first + day, "acme", "c", "j", "clip_1", "att_1", "SETTLE", "video", "m", "USD", 200, "the vendor's estimate"),
        (first + day, "acme", "c", "j", "clip_1", "att_2", "SETTLE", "video", "m", "USD", 100, "stated by the vendor"),
        (first, "acme", "c", "j", "clip_2", "", "HOLD", "video", "m", "XTS", 900, "quote"),
    ]
    with engine.begin() as connection:
        command.upgrade(schema.configuration(connection), "0002")
        marks = ", ".join("?" * len(rows[0]))
        for row in rows:
            connection.exec_driver_sql(f"INSERT INTO ledger_entry ({columns}) VALUES ({marks})", row)  # noqa: S608 - ours
    schema.upgrade(engine)
    with engine.connect() as connection:
        assert tally.faults(connection) == []
        sums = {row.period: (row.spent_micros, row.held_micros) for row in connection.execute(sa.select(tallies))}
        assert sums["TOTAL"] == (300, 200)
        assert sums["2024-10-05"] == (300, 0)
        marked = sa.select(entries.c.micros).where(entries.c.unknown)
        assert connection.execute(marked).scalars().all() == [200]
    engine.dispose()


def test_the_engines_tables_stay(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE workflow_status (id TEXT)"))
    schema.upgrade(engine)
    assert "workflow_status" in sa.inspect(engine).get_table_names()


def test_a_newer_database_is_refused(engine: sa.Engine) -> None:
    schema.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(schema.NewerSchema):
        schema.upgrade(engine)


def test_a_migration_does_not_wait_long_for_a_table(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "_TABLE_SECONDS", 0.2)
    with postgres.database() as name:
        engine = postgres_engine(postgres.url(name), application_name="test", pool_size=10, lock_seconds=0.25)
        with engine.begin() as connection:
            command.upgrade(schema.configuration(connection), "0002")
        with engine.begin() as backup:
            backup.exec_driver_sql("LOCK TABLE ledger_entry IN ACCESS SHARE MODE")
            with pytest.raises(sa.exc.OperationalError) as refused:
                schema.upgrade(engine)
        assert "a backup" in advice(refused.value)
        assert schema.version(engine) == "0002"
        assert schema.upgrade(engine)
        engine.dispose()


@pytest.mark.parametrize("old", [True, False], ids=["old", "empty"])
def test_of_processes_that_start_at_once_one_upgrades(engine: sa.Engine, old: bool) -> None:
    if old:
        with engine.begin() as connection:
            command.upgrade(schema.configuration(connection), "0002")
    together = threading.Barrier(2)

    def start(_number: int) -> bool:
        together.wait(10)
        return schema.upgrade(engine)

    with ThreadPoolExecutor(2) as processes:
        assert sorted(processes.map(start, range(2))) == [False, True]
    assert schema.version(engine) == schema.HEAD
