"""What was kept long enough goes, in small steps that never keep writers waiting; nothing with money in it ever does.

Jobs, clips, attempts, the prompts they were made from, and the ledger stay for ever. Old jobs are found by their ids,
which sort by age: a row for each kind of thing says how far it has been removed, so that no pass looks at an old job
twice.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog
from ulid import ULID

from jobs import buckets, failover, tables
from jobs.context import Context
from jobs.drafts import PromptState
from jobs.engine import workflow_id
from jobs.outbox import DUE
from jobs.transfer import threaded

AT_MOST = 2000
"""Rows, or jobs, of one step."""
_AT_LEAST = 10
_AT_FIRST = 100
_STEP_SECONDS = 0.02
"""What a step may hold the database for; steps shrink and grow towards it."""
_PASS_SECONDS = 2.0
"""What one pass may take; the next one goes on."""
_BUCKETS_KEPT = timedelta(hours=1)
_GONE_KEPT = timedelta(days=30)
"""Processes that are gone: whoever starts on their machine knows by them which temporary folders are nobody's."""
_PROMPT = "prompt"
_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Keeping:
    """How long things are kept, by the operator's choice. Days and hours count from a job's end."""

    history_days: int = 7
    """The engine's own history of a clip, and prompts and scripts of which no video was made."""
    events_days: int = 30
    """Events, but the last one of each job."""
    request_hours: int = 24
    """The bodies that were sent to vendors."""
    request_ids_days: int = 7
    deliveries_days: int = 30
    """Webhooks and the log of their tries."""
    temp_hours: int = 6
    """Temporary files, since their last change."""
    upload_hours: int = 1
    """Unfinished multipart uploads and assets."""


Step = Callable[[sa.Connection, int], int]
"""Removes at most so many things; returns how many it did."""


@dataclass(slots=True)
class Retention:
    """Removes what was kept long enough."""

    context: Context
    keeping: Keeping
    longest: float = 0.0
    """Seconds of the longest step so far."""
    _sizes: dict[str, int] = field(default_factory=dict)

    async def sweep(self) -> None:
        """One pass over the rows, of two seconds at most."""
        end = self.context.monotonic() + _PASS_SECONDS
        now, keeping = self.context.now(), self.keeping
        steps: dict[str, Step] = {
            "request ids": partial(_request_ids, before=now - timedelta(days=keeping.request_ids_days)),
            "buckets": partial(buckets.forget, before=now - _BUCKETS_KEPT),
            "inputs": _inputs,
            "asset uses": _asset_uses,
            "deliveries": partial(_deliveries, before=now - timedelta(days=keeping.deliveries_days)),
            "requests": partial(_requests, before=now - timedelta(hours=keeping.request_hours)),
            "events": partial(_events, before=now - timedelta(days=keeping.events_days)),
            "prompts": partial(_prompts, before=now - timedelta(days=keeping.history_days)),
        }
        if self.context.database.shared:
            steps["processes"] = partial(failover.forget, before=now - _GONE_KEPT)
        for name, step in steps.items():
            while self.context.monotonic() < end and await self._step(name, step):
                pass
        before = now - timedelta(days=keeping.history_days)
        while self.context.monotonic() < end and await self._history(before):
            pass

    async def sweep_files(self) -> None:
        """One pass over temporary files and over uploads that were never finished."""
        before = self.context.now() - timedelta(hours=self.keeping.temp_hours)
        await threaded(partial(_leftovers, self.context.temp_dir, before))
        await self.context.store.sweep(self.context.prefix, timedelta(hours=self.keeping.upload_hours))

    async def _step(self, name: str, step: Step) -> bool:
        """One step of the size that takes the time it may; whether there may be more to do."""
        size = self._sizes.get(name, _AT_FIRST)
        clock = self.context.monotonic

        def timed(connection: sa.Connection) -> tuple[int, float]:
            begin = clock()
            return step(connection, size), clock() - begin

        done, took = await self.context.database.write(timed)
        self.longest = max(self.longest, took)
        fitting = int(size * min(2.0, max(0.1, _STEP_SECONDS / max(took, 1e-4))))
        self._sizes[name] = min(AT_MOST, max(_AT_LEAST, fitting))
        return done >= size

    async def _history(self, before: datetime) -> bool:
        """The engine's history of some old jobs; whether there may be more to do."""
        found = await self.context.database.read(partial(_finished_runs, before=before))
        if not found.jobs:
            return False
        if found.workflows:
            await self.context.engine.forget(found.workflows)
        await self.context.database.write(partial(_passed, kind="history", jobs=found.jobs))
        return True


@dataclass(frozen=True, kw_only=True, slots=True)
class _Finished:
    jobs: Sequence[str]
    workflows: list[str]


def old_jobs(connection: sa.Connection, kind: str, before: datetime, limit: int) -> list[str]:
    """The next jobs in order of age of which this kind has not been removed yet, up to the first that must stay."""
    jobs, retention = tables.jobs, tables.retention
    last = connection.execute(sa.select(retention.c.last_job).where(retention.c.kind == kind)).scalar() or ""
    youngest = f"job_{str(ULID.from_datetime(before))[:10]}"  # the time alone: sorts below every id of this moment
    query = sa.select(jobs.c.id, jobs.c.end_time).where(jobs.c.id > last, jobs.c.id < youngest)
    found: list[str] = []
    for row in connection.execute(query.order_by(jobs.c.id).limit(limit)):
        if row.end_time is None or row.end_time >= before:
            break
        found.append(row.id)
    return found


def _passed(connection: sa.Connection, kind: str, jobs: Sequence[str]) -> None:
    retention = tables.retention
    values = {"last_job": jobs[-1]}
    if not connection.execute(sa.update(retention).where(retention.c.kind == kind).values(values)).rowcount:
        connection.execute(sa.insert(retention), values | {"kind": kind})


def _finished_runs(connection: sa.Connection, before: datetime) -> _Finished:
    jobs, clips = old_jobs(connection, "history", before, _AT_FIRST), tables.clips
    query = sa.select(clips.c.id, clips.c.run).where(clips.c.job_id.in_(jobs))
    workflows = [workflow_id(row.id, run) for row in connection.execute(query) for run in range(1, row.run + 1)]
    return _Finished(jobs=jobs, workflows=workflows)


def _requests(connection: sa.Connection, limit: int, before: datetime) -> int:
    """What was sent to vendors: it holds prompts, and addresses of inputs."""
    if jobs := old_jobs(connection, "request", before, limit):
        clips, attempts = tables.clips, tables.attempts
        of_them = sa.select(clips.c.id).where(clips.c.job_id.in_(jobs))
        update = sa.update(attempts).where(attempts.c.clip_id.in_(of_them)).values(request=sa.JSON.NULL)
        connection.execute(update)
        _passed(connection, "request", jobs)
    return len(jobs)


def _events(connection: sa.Connection, limit: int, before: datetime) -> int:
    """All events of old jobs but the terminal one, with which every watching ends."""
    if found := old_jobs(connection, "event", before, max(1, limit // 10)):
        events, jobs = tables.events, tables.jobs
        last = sa.select(jobs.c.last_event).where(jobs.c.id == events.c.job_id).scalar_subquery()
        connection.execute(sa.delete(events).where(events.c.job_id.in_(found), events.c.seq < last))
        _passed(connection, "event", found)
    return 10 * len(found)


def _prompts(connection: sa.Connection, limit: int, before: datetime) -> int:
    """Old prompts that no job was made from, and then their ancestors that nothing else descends from."""
    prompts, retention = tables.prompts, tables.retention
    last = connection.execute(sa.select(retention.c.last_job).where(retention.c.kind == _PROMPT)).scalar() or ""
    youngest = f"prompt_{str(ULID.from_datetime(before))[:10]}"
    query = sa.select(prompts.c.id, prompts.c.state).where(prompts.c.id > last, prompts.c.id < youngest)
    rows = connection.execute(query.order_by(prompts.c.id).limit(limit)).all()
    found = [row.id for row in itertools.takewhile(lambda row: row.state == str(PromptState.ENDED), rows)]
    wanted: Sequence[str] = found
    while wanted:
        wanted = _forgotten(connection, wanted)
    if found:
        _passed(connection, _PROMPT, found)
    return len(found)


def _forgotten(connection: sa.Connection, wanted: Sequence[str]) -> list[str]:
    """Remove those of these prompts from which nothing was made; returns what they were made from."""
    prompts, calls, jobs, child = tables.prompts, tables.prompt_calls, tables.jobs, tables.prompts.alias("child")
    used = sa.select(jobs.c.id).where(jobs.c.prompt_id == prompts.c.id).exists()
    parent = sa.select(child.c.id).where(child.c.parent_id == prompts.c.id).exists()
    query = sa.select(prompts.c.id, prompts.c.parent_id).where(prompts.c.id.in_(wanted), ~used, ~parent)
    gone = connection.execute(query).all()
    names = [row.id for row in gone]
    _delete(connection, calls, calls.c.prompt_id, names)
    _delete(connection, prompts, prompts.c.id, names)
    return [row.parent_id for row in gone if row.parent_id]


def _request_ids(connection: sa.Connection, limit: int, before: datetime) -> int:
    requests = tables.requests
    key = (requests.c.tenant, requests.c.rpc, requests.c.request_id)
    old = sa.select(*key).where(requests.c.time < before).order_by(requests.c.time).limit(limit)
    found = [tuple(row) for row in connection.execute(old)]
    return _delete(connection, requests, sa.tuple_(*key), found)


def _inputs(connection: sa.Connection, limit: int) -> int:
    """Inline inputs are kept as long as their job may still be bought."""
    return _of_ended_jobs(connection, tables.inputs, limit)


def _asset_uses(connection: sa.Connection, limit: int) -> int:
    """As inline inputs: assets stay while an unfinished job uses them."""
    return _of_ended_jobs(connection, tables.asset_uses, limit)


def _of_ended_jobs(connection: sa.Connection, table: sa.Table, limit: int) -> int:
    jobs, inputs = tables.jobs, table.c.job_id
    ended = sa.select(inputs).join(jobs, jobs.c.id == inputs).where(jobs.c.end_time.is_not(None))
    found = list(connection.execute(ended.distinct().limit(limit)).scalars())
    return _delete(connection, table, inputs, found)


def _deliveries(connection: sa.Connection, limit: int, before: datetime) -> int:
    deliveries, attempts = tables.deliveries, tables.delivery_attempts
    old = sa.select(deliveries.c.id).where(deliveries.c.create_time < before, deliveries.c.state != DUE)
    found = list(connection.execute(old.order_by(deliveries.c.create_time).limit(limit)).scalars())
    _delete(connection, attempts, attempts.c.delivery_id, found)
    return _delete(connection, deliveries, deliveries.c.id, found)


def _delete(connection: sa.Connection, table: sa.Table, key: sa.ColumnElement[Any], found: Sequence[Any]) -> int:
    if found:
        connection.execute(sa.delete(table).where(key.in_(found)))
    return len(found)


def _leftovers(folder: Path, before: datetime) -> None:
    """Files that nobody has written to for long; whoever still reads one keeps it until it is closed."""
    if not folder.is_dir():
        return
    for path in sorted(folder.rglob("*"), reverse=True):  # what a folder holds before the folder
        try:
            if path.lstat().st_mtime >= before.timestamp():
                continue
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink()
        except OSError:  # gone meanwhile, or a folder that is not empty
            continue
