"""Looks after what lies about: parked clips, due webhooks, stranded clips, old request ids and leftovers."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import sqlalchemy as sa
import structlog

from jobs import tables
from jobs.assets import Assets
from jobs.context import Context
from jobs.engine import workflow_id
from jobs.locks import lock_job
from jobs.notify import Courier
from jobs.parked import Resolver
from jobs.records import ClipState

EVERY = 2.0
_STRANDED_EVERY = 30.0
_TIDY_EVERY = 3600.0
_REQUESTS_KEPT = timedelta(days=7)
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Sweeper:
    """One background task per process."""

    context: Context
    resolver: Resolver
    courier: Courier | None
    assets: Assets

    async def run(self) -> None:
        """Sweep for ever."""
        passed = 0.0
        suspects: set[str] = set()
        while True:
            await asyncio.sleep(EVERY)
            passed += EVERY
            try:
                if passed % _STRANDED_EVERY < EVERY:
                    suspects = await self.revive(suspects)
                if self.context.engine.leads:
                    await self._sweep_for_all(passed)
            except Exception:  # the sweeper must outlive whatever one pass meets; the log has it
                _log.exception("sweep failed")

    async def _sweep_for_all(self, passed: float) -> None:
        """What one process does for all that share the database; by two at once it would be done twice, not wrongly."""
        await self.resolver.sweep()
        if self.courier is not None:
            await self.courier.deliver_due()
        if passed % _STRANDED_EVERY < EVERY:
            await self.forget()
            await self.assets.tidy()
        if passed % _TIDY_EVERY < EVERY:
            await self.context.store.sweep(self.context.prefix, timedelta(hours=1))

    async def revive(self, suspects: set[str]) -> set[str]:
        """Take up again what nobody works on, if the last look saw it too; returns what to suspect next time."""
        running = await self.context.database.read(_running)
        lost = await self.context.engine.stranded(running)
        for clip_id in lost.keys() & suspects:
            _log.error("a stranded clip is taken up again", clip=clip_id)
            if lost[clip_id] is not None:
                await self.context.engine.requeue(str(lost[clip_id]))
            else:
                await self.context.database.write(partial(self._rerun, workflow=running[clip_id], clip_id=clip_id))
        return lost.keys() - suspects

    def _rerun(self, connection: sa.Connection, workflow: str, clip_id: str) -> None:
        """A new run of a clip, unless it has got one since it was looked at."""
        clips = tables.clips
        job_id = connection.execute(sa.select(clips.c.job_id).where(clips.c.id == clip_id)).scalar_one()
        tenant = lock_job(connection, job_id).tenant
        clip = connection.execute(sa.select(clips.c.run, clips.c.state).where(clips.c.id == clip_id)).one()
        if workflow_id(clip_id, clip.run) != workflow or clip.state != str(ClipState.RUNNING):
            return
        connection.execute(sa.update(clips).where(clips.c.id == clip_id).values(run=clip.run + 1))
        self.context.engine.enqueue(connection, clip_id=clip_id, run=clip.run + 1, tenant=tenant)

    async def forget(self) -> None:
        """Request ids are kept 7 days; inline inputs and the use of assets as long as their job may still be bought."""
        before = self.context.now() - _REQUESTS_KEPT
        jobs, inputs, used = tables.jobs, tables.inputs, tables.asset_uses
        ended = sa.select(jobs.c.id).where(jobs.c.end_time.is_not(None))

        def work(connection: sa.Connection) -> None:
            connection.execute(sa.delete(tables.requests).where(tables.requests.c.time < before))
            connection.execute(sa.delete(inputs).where(inputs.c.job_id.in_(ended)))
            connection.execute(sa.delete(used).where(used.c.job_id.in_(ended)))

        await self.context.database.write(work)


def _running(connection: sa.Connection) -> dict[str, str]:
    """Clip id -> the engine's name of its present run, for clips that have been begun."""
    clips = tables.clips
    query = sa.select(clips.c.id, clips.c.run).where(clips.c.state == str(ClipState.RUNNING))
    return {row.id: workflow_id(row.id, row.run) for row in connection.execute(query)}
