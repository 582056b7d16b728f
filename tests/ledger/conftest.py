"""A fresh ledger in memory's place: one SQLite file per test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.database import sqlite_engine
from ledger.tables import budgets, entries, tallies


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sa.Connection]:
    """An open transaction on an empty ledger."""
    engine = sqlite_engine(tmp_path / "ledger.sqlite")
    with engine.begin() as connection:
        for table in (entries, tallies, budgets):
            table.create(connection)
        yield connection
    engine.dispose()
