"""Looks after what lies about: parked clips, stranded clips, old request ids and leftovers."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import sqlalchemy as sa
import structlog

from jobs import buckets, tables
from jobs.assets import Assets
from jobs.context import Context
from jobs.engine import workflow_id
from jobs.parked import Resolver
from jobs.records import ClipState

EVERY = 2.0
_STRANDED_EVERY = 30.0
_TIDY_EVERY = 3600.0
_REQUESTS_KEPT = timedelta(days=7)
_BUCKETS_KEPT = timedelta(hours=1)
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Sweeper:
    """One background task per process."""

    context: Context
    resolver: Resolver
    assets: Assets

    async def run(self) -> None:
        """Sweep for ever."""
        passed = 0.0
        suspects: set[str] = set()
        while True:
            await asyncio.sleep(EVERY)
            passed += EVERY
            try:
                await self.resolver.sweep()
                if passed % _STRANDED_EVERY < EVERY:
                    suspects = await self.revive(suspects)
                    await self.forget()
                    await self.assets.tidy()
                if passed % _TIDY_EVERY < EVERY:
                    await self.context.store.sweep(self.context.prefix, timedelta(hours=1))
            except Exception:  # the sweeper must outlive whatever one pass meets; the log has it
                _log.exception("sweep failed")

    async def revive(self, suspects: set[str]) -> set[str]:
        """Take up again what nobody works on, if the last look saw it too; returns what to suspect next time."""
        running = await self.context.database.read(_running)
        lost = await self.context.engine.stranded(running)
        for clip_id in lost.keys() & suspects:
            _log.error("a stranded clip is taken up again", clip=clip_id)
            if lost[clip_id] is not None:
                await self.context.engine.requeue(str(lost[clip_id]))
            else:
                await self.context.database.write(partial(self._rerun, clip_id=clip_id))
        return lost.keys() - suspects

    def _rerun(self, connection: sa.Connection, clip_id: str) -> None:
        clips, jobs = tables.clips, tables.jobs
        update = sa.update(clips).where(clips.c.id == clip_id).values(run=clips.c.run + 1)
        row = connection.execute(update.returning(clips.c.run, clips.c.job_id)).one()
        tenant = connection.execute(sa.select(jobs.c.tenant).where(jobs.c.id == row.job_id)).scalar_one()
        self.context.engine.enqueue(connection, clip_id=clip_id, run=row.run, tenant=tenant)

    async def forget(self) -> None:
        """Request ids are kept 7 days; inline inputs and the use of assets as long as their job may still be bought."""
        before, idle = self.context.now() - _REQUESTS_KEPT, self.context.now() - _BUCKETS_KEPT
        jobs, inputs, used = tables.jobs, tables.inputs, tables.asset_uses
        ended = sa.select(jobs.c.id).where(jobs.c.end_time.is_not(None))

        def work(connection: sa.Connection) -> None:
            connection.execute(sa.delete(tables.requests).where(tables.requests.c.time < before))
            connection.execute(sa.delete(inputs).where(inputs.c.job_id.in_(ended)))
            connection.execute(sa.delete(used).where(used.c.job_id.in_(ended)))
            buckets.forget(connection, idle)

        await self.context.database.write(work)


def _running(connection: sa.Connection) -> dict[str, str]:
    """Clip id -> the engine's name of its present run, for clips that have been begun."""
    clips = tables.clips
    query = sa.select(clips.c.id, clips.c.run).where(clips.c.state == str(ClipState.RUNNING))
    return {row.id: workflow_id(row.id, row.run) for row in connection.execute(query)}
