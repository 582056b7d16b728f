"""Whoever changes a job, its clips, attempts, events or money locks the job's row first (docs/decisions/0016)."""

from dataclasses import dataclass

import sqlalchemy as sa

from jobs import tables
from jobs.records import JobState


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedJob:
    """What its row says while nobody else can change it."""

    state: JobState
    cancel_requested: bool
    tenant: str


def lock_job(connection: sa.Connection, job_id: str) -> LockedJob:
    """Lock a job until the end of the transaction; to be called before anything of it is read or written.

    On SQLite the transaction holds the one write lock already.
    """
    jobs = tables.jobs
    query = sa.select(jobs.c.state, jobs.c.cancel_requested, jobs.c.tenant).where(jobs.c.id == job_id)
    row = connection.execute(query.with_for_update(key_share=True)).one()
    return LockedJob(state=JobState(row.state), cancel_requested=row.cancel_requested, tenant=row.tenant)
