"""The durable engine: the only module that works with DBOS (https://docs.dbos.dev); `jobs.repairs` mends it.

A clip's life is one workflow of a few steps. Each step reads its rows first and returns the name of the next, so
running it twice changes nothing; what a dead process left is run again at the next launch.

Whoever changes the workflow `_clip` itself (which step follows which, what stands between them): runs of the version
before are under way, and are replayed by the names of their recorded steps. What they have not recorded stands behind
`if await DBOS.patch_async("name"):`, which is true for runs that have not come as far yet, and false for those that
have. What only changes inside a step, or which step it names next, needs nothing of the kind. A run that this version
cannot follow all the same (a newer one began it, beside which this one still works) begins anew from its rows.
`docs/upgrading.md` says what operators are promised.
"""

import asyncio
import fcntl
import itertools
import os
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import sqlalchemy as sa
import structlog
from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer
from dbos._error import DBOSUnexpectedStepError

from core.database import Database
from core.errors import DatabaseUnavailable
from jobs import repairs
from jobs.failover import Membership, end_process

Step = Callable[[str], Awaitable[str]]
"""Takes a clip id, returns the next step's name; a name that is no step ends the run."""

Current = Callable[[str, int], Awaitable[bool]]
"""Whether this is the clip's present run."""

FIRST_STEP = "submit"
AGAIN = "again"
"""The step that begins a new run of a clip; it is recorded nowhere."""
_ENDS = frozenset({"end", "parked", "superseded"})
QUEUE = "clips"
USUAL_PLACE = 50
_APPLICATION = "filmgate"
_VERSION = "1"  # a constant: by default every edit or upgrade would strand pending jobs (engine.md 9)
_EXECUTOR = "local"
"""On SQLite, where there is one process: what the last one left is its own."""
LEASE_SECONDS = 30.0
_ALIVE = ("ENQUEUED", "DELAYED", "PENDING")
_CUTS = 5
_BACKOFF = (1.0, 2.0, 5.0, 15.0, 60.0)
_AWAY = 1.0
_AT_ONCE = 500
_log = structlog.get_logger()
_steps: dict[str, Step] = {}


async def _steadily(name: str, clip_id: str) -> str:
    """Run a step until it answers: every step starts from its rows, so whatever it met it may begin again."""
    for wait in itertools.chain(_BACKOFF, itertools.repeat(_BACKOFF[-1])):
        try:
            return await _steps[name](clip_id)
        except DatabaseUnavailable:
            _log.warning("a step waits for the database", step=name, clip=clip_id)
            await asyncio.sleep(_AWAY)
        except Exception:  # a step that raised would end the run and strand the clip; the log says what it met
            _log.exception("a step failed and is tried again", step=name, clip=clip_id, wait=wait)
            await asyncio.sleep(wait)
    raise AssertionError("unreachable")


def _unless_superseded(step: Step, current: Current) -> Step:
    """The step, but it ends a run that is not its clip's any more.

    A run that was cut just after it parked its clip is begun again, although the clip may have got a new one.
    """

    async def run(clip_id: str) -> str:
        number = int(str(DBOS.workflow_id).rpartition(":")[2])
        return await step(clip_id) if await current(clip_id, number) else "superseded"

    return run


@DBOS.step(name="submit")
async def _submit(clip_id: str) -> str:
    return await _steadily("submit", clip_id)


@DBOS.step(name="enhance")
async def _enhance(clip_id: str) -> str:
    return await _steadily("enhance", clip_id)


@DBOS.step(name="wait")
async def _wait(clip_id: str) -> str:
    return await _steadily("wait", clip_id)


@DBOS.step(name="collect")
async def _collect(clip_id: str) -> str:
    return await _steadily("collect", clip_id)


@DBOS.step(name="dress")
async def _dress(clip_id: str) -> str:
    return await _steadily("dress", clip_id)


_DURABLE: Mapping[str, Step] = {
    "submit": _submit,
    "enhance": _enhance,
    "wait": _wait,
    "collect": _collect,
    "dress": _dress,
}


# Never given up, however many processes die on the way: the vendor may have been paid, and deadlines are our own.
@DBOS.workflow(name="clip", max_recovery_attempts=None)
async def _clip(clip_id: str) -> str:
    step = FIRST_STEP
    try:
        while step in _DURABLE:
            step = await _DURABLE[step](clip_id)
    except DBOSUnexpectedStepError:
        return await begin_anew(clip_id)
    return step if step in _ENDS else await begin_anew(clip_id)


async def begin_anew(clip_id: str) -> str:
    """End a run whose history another version wrote and this one cannot follow: the clip gets a new one."""
    _log.warning("a run of another version is begun anew", clip=clip_id)
    return await _steadily(AGAIN, clip_id)


class EngineLocked(RuntimeError):
    """Another process works on this data directory."""


class Engine:
    """Runs clips. One per process; on SQLite one process per data directory (a file lock says so)."""

    def __init__(
        self,
        database: Database,
        data_dir: Path,
        *,
        tenant_clips: int,
        worker_clips: int,
        lease_seconds: float = LEASE_SECONDS,
        reaped: Callable[[], None] = end_process,
    ) -> None:
        """`lease_seconds`: after how long without a sign of life others take over; `reaped`: what to do then."""
        self._database = database
        self._executor = database.instance if database.shared else _EXECUTOR
        self._membership: Membership | None = None
        if database.shared:
            self._membership = Membership(database, seconds=lease_seconds, recover=self._recover, reaped=reaped)
        self._data_dir = data_dir
        self._tenant_clips = tenant_clips
        self._worker_clips = worker_clips
        self._joined = False
        self._lock: IO[bytes] | None = None
        self._client: DBOSClient | None = None
        self._dbos: DBOS | None = None

    async def launch(self, steps: Mapping[str, Step], current: Current, *, polling: float = 0.25) -> None:
        """Take the data directory, start the engine on this loop, and let it recover what was pending.

        Whatever is raised, nothing of it is left behind: it may be tried again.
        """
        try:
            await self._launch(steps, current, polling)
        except BaseException:  # the lock and the lease are nobody's then, whatever it was
            await self.stop()
            raise

    async def _launch(self, steps: Mapping[str, Step], current: Current, polling: float) -> None:
        if self._membership is None:
            self._take_lock()
        else:
            self._membership.join()
            self._joined = True
        _steps.clear()
        _steps.update({name: _unless_superseded(step, current) for name, step in steps.items()})
        repairs.apply()
        self._dbos = DBOS(
            config={
                "name": _APPLICATION,
                "application_version": _VERSION,
                "executor_id": self._executor,
                "system_database_url": self._database.url,
                "system_database_engine": self._database.dbos_engine,
                "serializer": DBOSPortableJSONSerializer(),
                "log_level": "ERROR",
                "max_executor_threads": 16,
                "notification_listener_polling_interval_sec": 0.25,
            }
        )
        repairs.rest(self._dbos, alone=not self._database.shared)
        DBOS.launch()
        await DBOS.register_queue_async(
            QUEUE,
            partition_concurrency=self._tenant_clips,
            worker_concurrency=self._worker_clips,
            polling_interval_sec=polling,
            on_conflict="always_update",
        )
        self._client = DBOSClient(
            system_database_url=self._database.url,
            system_database_engine=self._database.engine,  # the writer's: on it DBOS prepares its statements once
            serializer=DBOSPortableJSONSerializer(),
            application_name=_APPLICATION,
        )
        if self._membership is not None:
            self._membership.start()

    @property
    def holds(self) -> bool:
        """Whether the clips this process works on are surely still its own."""
        return self._membership is None or self._membership.valid

    @property
    def leads(self) -> bool:
        """Whether this process does what one of all needs to do."""
        return self._membership is None or self._membership.leads

    async def hold(self) -> None:
        """Return once `holds`: not while this process was frozen, or its database away, for longer than its lease."""
        while not self.holds:  # noqa: ASYNC110 - the lease is renewed on a thread; this is the rare case
            await asyncio.sleep(0.05)

    def _recover(self, executor: str) -> None:
        """Queue what a dead process was working on again; its runs go on where their rows are."""
        DBOS._recover_pending_workflows([executor])

    def enqueue(
        self, connection: sa.Connection, *, clip_id: str, run: int, tenant: str, place: int = USUAL_PLACE
    ) -> None:
        """Put a run of a clip on the queue, in the caller's transaction. The same run twice is one run.

        Of the runs of one tenant those with a lower `place` (from 1) are begun first.
        """
        assert self._client is not None
        self._client.enqueue_in_transaction(
            connection,
            {
                "workflow_name": "clip",
                "queue_name": QUEUE,
                "workflow_id": workflow_id(clip_id, run),
                "queue_partition_key": tenant,
                "priority": place,
                "app_version": _VERSION,
            },
            clip_id,
        )

    def running(self) -> int:
        """How many clips this process works on now."""
        return 0 if self._dbos is None else len(self._dbos._workflow_tasks)

    async def stranded(self, begun: Mapping[str, str]) -> dict[str, str | None]:
        """Clips nobody works on: id -> the workflow to re-queue, or None when they need a new run.

        `begun` maps clips that should be worked on to their workflows; one dequeued a moment ago is found without it.
        One look proves nothing, for a clip may be between queue and task: act on what is seen twice.
        """
        assert self._dbos is not None
        system = (
            self._dbos._sys_db
        )  # its names alone: `list_workflows` builds some twenty times as much, of ten thousand
        pending = await asyncio.get_running_loop().run_in_executor(
            None, system.get_pending_workflows, self._executor, _VERSION
        )
        working = set(self._dbos._active_workflows_set.activeList())
        idle = {entry.workflow_id for entry in pending} - working
        lost: dict[str, str | None] = {workflow.rpartition(":")[0]: workflow for workflow in idle}
        if self.leads:
            elsewhere = {name: clip for clip, name in begun.items() if name not in working and clip not in lost}
            alive = await self._alive(list(elsewhere))
            lost |= {clip: None for name, clip in elsewhere.items() if name not in alive}
        return lost

    async def _alive(self, workflows: list[str]) -> set[str]:
        """Those that are queued, or run in some process."""
        alive: set[str] = set()
        for start in range(0, len(workflows), _AT_ONCE):
            some = workflows[start : start + _AT_ONCE]
            found = await DBOS.list_workflows_async(workflow_ids=some, load_input=False, load_output=False)
            alive |= {entry.workflow_id for entry in found if entry.status in _ALIVE}
        return alive

    async def requeue(self, workflow: str) -> None:
        """A task that died inside a living process leaves its row PENDING for ever (engine.md 5.4)."""
        assert self._dbos is not None
        system = self._dbos._sys_db
        await asyncio.get_running_loop().run_in_executor(
            None, lambda: system.reenqueue_for_recovery(workflow, [self._executor], repairs.INTERNAL_QUEUE)
        )

    async def forget(self, workflows: list[str]) -> None:
        """Delete the engine's history of finished runs; our rows stay."""
        await DBOS.delete_workflows_async(workflows)

    async def stop(self) -> None:
        """Stop working: running steps are cut and recorded nowhere, so the next launch continues them."""
        loop = asyncio.get_running_loop()
        if self._dbos is not None:
            await _cut(self._dbos)
            with ThreadPoolExecutor(1) as ending:  # DBOS made its own pool the loop's default, and ends it here
                await loop.run_in_executor(ending, DBOS.destroy)
            await _cut(self._dbos)  # what came from the queue in the meantime
            loop.set_default_executor(ThreadPoolExecutor())
            self._dbos = None
        if self._membership is not None and self._joined:
            self._joined = False
            with ThreadPoolExecutor(1) as leaving:
                await loop.run_in_executor(leaving, self._membership.leave)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _take_lock(self) -> None:
        lock = (self._data_dir / "filmgate.lock").open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise EngineLocked(f"another filmgate process (this one is {os.getpid()}) uses {self._data_dir}") from None
        self._lock = lock


async def _cut(dbos: DBOS) -> None:
    for _ in range(_CUTS):
        tasks = list(dbos._workflow_tasks)
        for task in tasks:
            task.cancel()  # again for those in which something took the first for its own
        if not tasks or not (await asyncio.wait(tasks, timeout=1.0))[1]:
            break


def workflow_id(clip_id: str, run: int) -> str:
    """The engine's name for one run of a clip."""
    return f"{clip_id}:{run}"
