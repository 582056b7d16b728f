"""The witness: SQLite, synced, holding every POST before its answer is sent, every job, upload, fault and webhook."""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from core.outcome import Json
from emulators.faults import Fault, Scripted, Stage
from emulators.jobs import Job
from emulators.timeline import Segment

SCHEMA = """
CREATE TABLE IF NOT EXISTS posts (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, vendor TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
    body_sha256 TEXT NOT NULL, credential TEXT NOT NULL, webhook TEXT NOT NULL, callback_token TEXT NOT NULL,
    accepted INTEGER NOT NULL, job TEXT NOT NULL, price_micros INTEGER NOT NULL, status INTEGER, fault TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, vendor TEXT NOT NULL, credential TEXT NOT NULL, created REAL NOT NULL, document TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS jobs_listed ON jobs (vendor, credential, created, id);
CREATE TABLE IF NOT EXISTS scripts (
    id INTEGER PRIMARY KEY, vendor TEXT NOT NULL, stage TEXT NOT NULL, fault TEXT NOT NULL, remaining INTEGER NOT NULL,
    contains TEXT NOT NULL, job TEXT NOT NULL, options TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS seen (word TEXT PRIMARY KEY, times INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (
    job TEXT NOT NULL, event TEXT NOT NULL, webhook_id TEXT NOT NULL, body BLOB NOT NULL, attempts INTEGER NOT NULL,
    state TEXT NOT NULL, PRIMARY KEY (job, event));
CREATE TABLE IF NOT EXISTS files (id TEXT PRIMARY KEY, vendor TEXT NOT NULL, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS timeline (wall REAL NOT NULL, work REAL NOT NULL, speed REAL NOT NULL);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
EMPTIED = ("posts", "jobs", "scripts", "seen", "deliveries", "files")


@dataclass(frozen=True, kw_only=True, slots=True)
class Post:
    """One request that could cost money or change something: who, what, and what became of it."""

    at: float
    vendor: str
    method: str
    path: str
    body_sha256: str
    credential: str
    webhook: str = ""
    callback_token: str = ""
    accepted: bool = False
    job: str = ""
    price_micros: int = 0
    status: int | None = None
    """What the vendor answered; None when a fault swallowed the answer."""
    fault: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptRow:
    """A fault that waits for its next `times` matching requests. Empty `vendor`, `contains`, `job` match all."""

    fault: str
    stage: Stage
    vendor: str = ""
    times: int = 1
    contains: str = ""
    job: str = ""
    options: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One webhook of one job. `state` is pending, delivered, failed, never or refused."""

    job: str
    event: str
    webhook_id: str
    body: bytes = b""
    attempts: int = 0
    state: str = "pending"


Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Operation = Callable[Concatenate[sqlite3.Connection, Arguments], Result]


class Ledger:
    """Runs operations, each one durable transaction, one after another in a thread of its own."""

    def __init__(self, path: Path) -> None:
        """Open or create the file; the directory must exist."""
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="emulator-ledger")
        self._connection = self._thread.submit(_connect, path).result()

    async def do(
        self, operation: Operation[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Result:
        """The operation's result, once it is on disk."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: self._transact(operation, *args, **kwargs))

    def _transact(
        self, operation: Operation[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Result:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            result = operation(self._connection, *args, **kwargs)
        except BaseException:  # whatever ends it, a kill included: undone, and raised on
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
        return result

    def close(self) -> None:
        """Finish what is queued and close the file."""
        self._thread.submit(self._connection.close).result()
        self._thread.shutdown()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA busy_timeout=10000")
    connection.executescript(SCHEMA)
    return connection


def record(connection: sqlite3.Connection, post: Post, job: Job | None, scripts: Sequence[ScriptRow] = ()) -> None:
    """Write a POST down and, with it, the job it bought and the faults bound to that job."""
    _insert(connection, "posts", asdict(post))
    if job is not None:
        connection.execute(
            "INSERT INTO jobs (id, vendor, credential, created, document) VALUES (?, ?, ?, ?, ?)",
            (job.id, job.vendor, job.credential, job.created, job.document),
        )
    add_scripts(connection, scripts)


def _insert(connection: sqlite3.Connection, table: str, row: Mapping[str, Json]) -> None:
    names, marks = ", ".join(row), ", ".join("?" for _ in row)
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))  # noqa: S608 - own names


def posts(connection: sqlite3.Connection) -> list[Post]:
    """Every POST, oldest first."""
    rows = connection.execute("SELECT * FROM posts ORDER BY id").fetchall()
    names = [name for name in Post.__dataclass_fields__ if name != "accepted"]
    return [Post(accepted=bool(row["accepted"]), **{name: row[name] for name in names}) for row in rows]


def job(connection: sqlite3.Connection, job_id: str) -> Job | None:
    """The job of this id."""
    row = connection.execute("SELECT document FROM jobs WHERE id = ?", (job_id,)).fetchone()
    return None if row is None else Job.load(row["document"])


def jobs(connection: sqlite3.Connection) -> list[Job]:
    """Every job, oldest first."""
    rows = connection.execute("SELECT document FROM jobs ORDER BY created, id").fetchall()
    return [Job.load(row["document"]) for row in rows]


def owned(connection: sqlite3.Connection, vendor: str, credential: str) -> list[Job]:
    """The jobs of one account that it has not deleted, newest first."""
    rows = connection.execute(
        "SELECT document FROM jobs WHERE vendor = ? AND credential = ? ORDER BY created DESC, rowid DESC",
        (vendor, credential),
    ).fetchall()
    return [job for job in (Job.load(row["document"]) for row in rows) if not job.deleted]


def page(
    connection: sqlite3.Connection,
    vendor: str,
    credential: str,
    span: tuple[float, float],
    before: tuple[float, str],
    size: int,
) -> list[Job]:
    """Up to `size` jobs of one account, newest first, created in [span), older than the cursor (created, id)."""
    rows = connection.execute(
        "SELECT document FROM jobs WHERE vendor = ? AND credential = ? AND created >= ? AND created < ?"
        " AND (created, id) < (?, ?) ORDER BY created DESC, id DESC LIMIT ?",
        (vendor, credential, *span, *before, size),
    ).fetchall()
    return [Job.load(row["document"]) for row in rows]


def change(connection: sqlite3.Connection, job_id: str, edit: Callable[[Job], Job]) -> Job | None:
    """Replace a job by an edited copy; returns it, or None when there is no such job."""
    found = job(connection, job_id)
    if found is None:
        return None
    edited = edit(found)
    connection.execute("UPDATE jobs SET document = ? WHERE id = ?", (edited.document, job_id))
    return edited


def change_all(connection: sqlite3.Connection, edit: Callable[[Job], Job]) -> int:
    """Edit every job; returns how many there are."""
    everything = jobs(connection)
    for each in everything:
        change(connection, each.id, edit)
    return len(everything)


def add_scripts(connection: sqlite3.Connection, scripts: Sequence[ScriptRow]) -> None:
    """Queue faults, behind those already waiting."""
    for script in scripts:
        row = asdict(script)
        row["options"], row["remaining"] = json.dumps(script.options), row.pop("times")
        _insert(connection, "scripts", row)


def scripts(connection: sqlite3.Connection) -> list[dict[str, Json]]:
    """The faults still waiting, oldest first."""
    return [dict(row) for row in connection.execute("SELECT * FROM scripts WHERE remaining > 0 ORDER BY id")]


def take(
    connection: sqlite3.Connection, vendor: str, stage: Stage, text: str, job_id: str, played: Mapping[str, Fault]
) -> Scripted | None:
    """The oldest waiting fault that matches this exchange, counted down; `text` is the prompt it may ask for.

    A fault that is not among those `played` by the vendor waits for another one.
    """
    rows = connection.execute(
        "SELECT * FROM scripts WHERE remaining > 0 AND vendor IN ('', ?) AND stage = ? AND job IN ('', ?)"
        " AND (contains = '' OR instr(?, contains) > 0) ORDER BY id",
        (vendor, stage.value, job_id, text),
    )
    row = next((row for row in rows if row["fault"] in played), None)
    if row is None:
        return None
    connection.execute("UPDATE scripts SET remaining = remaining - 1 WHERE id = ?", (row["id"],))
    return Scripted(fault=played[row["fault"]], options=json.loads(row["options"]))


def is_due(connection: sqlite3.Connection, word: str, times: int) -> bool:
    """Whether a prompt's magic word has struck fewer than `times` times; counts this one."""
    row = connection.execute("SELECT times FROM seen WHERE word = ?", (word,)).fetchone()
    if row is not None and row["times"] >= times:
        return False
    connection.execute(
        "INSERT INTO seen (word, times) VALUES (?, 1) ON CONFLICT (word) DO UPDATE SET times = times + 1", (word,)
    )
    return True


def delivery(connection: sqlite3.Connection, fresh: Delivery) -> Delivery:
    """The stored delivery of this job and event; stores `fresh` when there is none."""
    row = connection.execute(
        "SELECT * FROM deliveries WHERE job = ? AND event = ?", (fresh.job, fresh.event)
    ).fetchone()
    if row is not None:
        return Delivery(**dict(row))
    _insert(connection, "deliveries", asdict(fresh))
    return fresh


def deliveries(connection: sqlite3.Connection) -> list[Delivery]:
    """Every webhook begun."""
    return [Delivery(**dict(row)) for row in connection.execute("SELECT * FROM deliveries")]


def save_delivery(connection: sqlite3.Connection, now: Delivery) -> None:
    """Store how far a delivery is."""
    connection.execute(
        "UPDATE deliveries SET body = ?, attempts = ?, state = ? WHERE job = ? AND event = ?",
        (now.body, now.attempts, now.state, now.job, now.event),
    )


def put_file(connection: sqlite3.Connection, vendor: str, file_id: str, document: Mapping[str, Json]) -> None:
    """Store what is known of an uploaded file."""
    connection.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", (file_id, vendor, json.dumps(document)))


def file(connection: sqlite3.Connection, vendor: str, file_id: str) -> dict[str, Json] | None:
    """What is known of an uploaded file."""
    row = connection.execute("SELECT document FROM files WHERE vendor = ? AND id = ?", (vendor, file_id)).fetchone()
    found: dict[str, Json] | None = None if row is None else json.loads(row["document"])
    return found


def files(connection: sqlite3.Connection, vendor: str) -> list[dict[str, Json]]:
    """Every uploaded file of a vendor."""
    rows = connection.execute("SELECT document FROM files WHERE vendor = ? ORDER BY rowid DESC", (vendor,)).fetchall()
    return [json.loads(row["document"]) for row in rows]


def drop_file(connection: sqlite3.Connection, vendor: str, file_id: str) -> bool:
    """Forget an uploaded file; whether there was one."""
    cursor = connection.execute("DELETE FROM files WHERE vendor = ? AND id = ?", (vendor, file_id))
    return cursor.rowcount > 0


def segments(connection: sqlite3.Connection) -> list[Segment]:
    """The vendor clock's history."""
    return [Segment(**dict(row)) for row in connection.execute("SELECT wall, work, speed FROM timeline ORDER BY rowid")]


def add_segment(connection: sqlite3.Connection, segment: Segment) -> None:
    """Remember a change of speed."""
    _insert(connection, "timeline", asdict(segment))


def fact(connection: sqlite3.Connection, name: str, default: str) -> str:
    """A named value; stored as `default` when there is none."""
    connection.execute("INSERT OR IGNORE INTO facts VALUES (?, ?)", (name, default))
    value: str = connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()["value"]
    return value


def settle_fact(connection: sqlite3.Connection, name: str, value: str) -> str:
    """A named value that is set once: `value`, or what somebody else has set in the meantime."""
    known = fact(connection, name, value)
    if not known:
        set_fact(connection, name, value)
    return known or value


def set_fact(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Store a named value."""
    connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))


def reset(connection: sqlite3.Connection) -> None:
    """Forget every POST, job, upload, fault and webhook; keep the secrets and the clock."""
    for table in EMPTIED:
        connection.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
