"""Looks after what lies about: parked clips, stranded clips, and what was kept long enough."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa
import structlog

from jobs import tables
from jobs.assets import Assets
from jobs.context import Context
from jobs.engine import workflow_id
from jobs.erasure import Erasure
from jobs.locks import lock_job
from jobs.parked import Resolver
from jobs.records import ClipState
from jobs.retention import Retention

EVERY = 2.0
_STRANDED_EVERY = 30.0
_TIDY_EVERY = 3600.0
_WORKED_ON = (str(ClipState.QUEUED), str(ClipState.RUNNING))
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Sweeper:
    """One background task per process."""

    context: Context
    resolver: Resolver
    assets: Assets
    retention: Retention
    erasure: Erasure
    closing: Sequence[Callable[[], Awaitable[None]]]
    """What ends the prompts for which nobody asks any more."""

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
        for close in self.closing:
            await close()
        await self.erasure.sweep()
        await self.assets.clear_others()
        if passed % _STRANDED_EVERY < EVERY:
            await self.retention.sweep()
            await self.assets.tidy()
        if passed % _TIDY_EVERY < EVERY:
            await self.retention.sweep_files()

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

    async def again(self, clip_id: str) -> str:
        """A new run of a clip whose present one cannot go on; that one is superseded."""
        query = sa.select(tables.clips.c.run).where(tables.clips.c.id == clip_id)
        run = await self.context.database.read(lambda connection: connection.execute(query).scalar_one())
        workflow = workflow_id(clip_id, run)
        await self.context.database.write(partial(self._rerun, workflow=workflow, clip_id=clip_id))
        return "superseded"

    def _rerun(self, connection: sa.Connection, workflow: str, clip_id: str) -> None:
        """A new run of a clip, unless it has got one since it was looked at."""
        clips = tables.clips
        job_id = connection.execute(sa.select(clips.c.job_id).where(clips.c.id == clip_id)).scalar_one()
        tenant = lock_job(connection, job_id).tenant
        clip = connection.execute(sa.select(clips.c.run, clips.c.state).where(clips.c.id == clip_id)).one()
        if workflow_id(clip_id, clip.run) != workflow or clip.state not in _WORKED_ON:
            return
        connection.execute(sa.update(clips).where(clips.c.id == clip_id).values(run=clip.run + 1))
        self.context.engine.enqueue(connection, clip_id=clip_id, run=clip.run + 1, tenant=tenant)


def _running(connection: sa.Connection) -> dict[str, str]:
    """Clip id -> the engine's name of its present run, for clips that have been begun."""
    clips = tables.clips
    query = sa.select(clips.c.id, clips.c.run).where(clips.c.state == str(ClipState.RUNNING))
    return {row.id: workflow_id(row.id, row.run) for row in connection.execute(query)}
