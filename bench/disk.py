"""The peer of every accept: one row of about 1 KB per commit into SQLite, and what the disk's own fsync costs."""

import os
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from bench.figures import percentile

_ROW = b"x" * 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Commits:
    """Commits one after the other. Times in milliseconds."""

    rate: float
    p50: float
    p99: float


def sqlite_commits(folder: Path, seconds: float = 2.0) -> Commits:
    """Rows into a new database with the pragmas that our server uses: WAL, synchronous FULL."""
    connection = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
    try:
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute("PRAGMA " + pragma)
        connection.execute("CREATE TABLE row (id INTEGER PRIMARY KEY, body BLOB)")
        return _commits(connection, seconds)
    finally:
        connection.close()


def _commits(connection: sqlite3.Connection, seconds: float) -> Commits:
    times = []
    begin = time.perf_counter()
    while time.perf_counter() < begin + seconds:
        start = time.perf_counter()
        connection.execute("INSERT INTO row (body) VALUES (?)", (_ROW,))
        times.append((time.perf_counter() - start) * 1000)
    rate = len(times) / (time.perf_counter() - begin)
    times.sort()
    return Commits(rate=rate, p50=percentile(times, 0.5), p99=percentile(times, 0.99))


def fsync_milliseconds(folder: Path, times: int = 200) -> float:
    """The median of an fsync after 4 KiB were appended to a file."""
    costs = []
    with (folder / "fsync").open("ab", buffering=0) as file:
        for _ in range(times):
            file.write(b"x" * 4096)
            start = time.perf_counter()
            os.fsync(file.fileno())
            costs.append((time.perf_counter() - start) * 1000)
    return percentile(sorted(costs), 0.5)
