"""The private names of DBOS that the engine leans on do what we need of them; each has its test."""

import asyncio
import base64
import pickle
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import psycopg
import pytest
import sqlalchemy as sa
from dbos import DBOS
from dbos import _dbos as dbos_instance
from dbos import _serialization as dbos_serialization
from dbos import _sys_db as dbos_sys_db
from dbos import _workflow_commands as dbos_commands

from jobs import repairs
from jobs.engine import workflow_id
from jobs.events import EventKind, ProgressStage
from jobs.orders import JobView, Verdict, VerdictKind
from jobs.records import JobState

if TYPE_CHECKING:
    from tests.life.conftest import Workshop

Opened = Callable[..., "Awaitable[Workshop]"]
GEN45 = "runway/gen4.5"


async def _stuck(workshop: "Workshop") -> JobView:
    await workshop.script("runway", "stuck-running")
    job_id = await workshop.order(GEN45)
    return await workshop.until(job_id, lambda view: view.clips[0].clip.stage == ProgressStage.VENDOR_RUNNING)


async def _kill_tasks(workshop: "Workshop") -> None:
    """End the workflow's task and nothing else, as a broken connection to the database does (engine.md 5.4)."""
    dbos = workshop.jobs.context.engine._dbos
    assert dbos is not None
    for task in list(dbos._workflow_tasks):
        task.cancel()

    async def gone() -> bool:
        return not dbos._active_workflows_set.activeList()

    await workshop.eventually(gone)


async def test_running_counts_tasks_and_stop_ends_them(opened: Opened) -> None:
    workshop = await opened()
    engine = workshop.jobs.context.engine
    assert engine.running() == 0
    view = await _stuck(workshop)
    assert engine.running() == 1
    clip = view.clips[0].clip
    assert engine._dbos is not None
    assert engine._dbos._active_workflows_set.activeList() == [workflow_id(clip.id, 1)]
    assert await engine.stranded({clip.id: workflow_id(clip.id, 1)}) == {}
    await workshop.close()
    assert engine.running() == 0
    await workshop.open()


async def test_a_workflow_whose_task_died_is_taken_up_again(opened: Opened) -> None:
    workshop = await opened()
    view = await _stuck(workshop)
    clip_id = view.clips[0].clip.id
    await _kill_tasks(workshop)
    engine = workshop.jobs.context.engine
    assert await engine.stranded({clip_id: workflow_id(clip_id, 1)}) == {clip_id: workflow_id(clip_id, 1)}
    suspects = await workshop.jobs.sweeper.revive(set())
    assert suspects == {clip_id}
    assert engine.running() == 0
    assert await workshop.jobs.sweeper.revive(suspects) == set()
    await _goes_on(workshop, view)


async def test_a_clip_whose_workflow_is_gone_gets_another(opened: Opened) -> None:
    workshop = await opened()
    view = await _stuck(workshop)
    clip_id = view.clips[0].clip.id
    await _kill_tasks(workshop)
    engine = workshop.jobs.context.engine
    await engine.forget([workflow_id(clip_id, 1)])
    assert await engine.stranded({clip_id: workflow_id(clip_id, 1)}) == {clip_id: None}
    assert await workshop.jobs.sweeper.revive({clip_id}) == set()
    assert (await workshop.jobs.view(view.job.id, "acme")).clips[0].clip.run == 2
    await _goes_on(workshop, view)


async def _goes_on(workshop: "Workshop", view: JobView) -> None:
    await workshop.jobs.cancel(view.job.id, "acme")
    ended = await workshop.ended(view.job.id)
    assert ended.job.state is JobState.CANCELLED
    assert len(await workshop.vendor_jobs()) == 1


async def test_what_a_dead_process_was_running_is_queued_again(opened: Opened) -> None:
    workshop = await opened()
    view = await _stuck(workshop)
    await _kill_tasks(workshop)

    def work(connection: sa.Connection) -> int:
        _reach_engine(connection)
        return connection.execute(sa.text("UPDATE workflow_status SET executor_id = 'dead'")).rowcount

    assert await workshop.database.write(work) == 1
    engine = workshop.jobs.context.engine
    await asyncio.to_thread(engine._recover, "somebody else")
    assert engine.running() == 0
    await asyncio.to_thread(engine._recover, "dead")
    await workshop.eventually(lambda: _runs(workshop))
    await _goes_on(workshop, view)


async def test_what_this_executor_was_running_is_queued_again_in_one_go(opened: Opened) -> None:
    workshop = await opened()
    view = await _stuck(workshop)
    await _kill_tasks(workshop)
    dbos = workshop.jobs.context.engine._dbos
    assert dbos is not None
    executor, version = dbos_instance.GlobalParams.executor_id, dbos_instance.GlobalParams.app_version  # type: ignore[attr-defined]
    assert dbos_instance.startup_recovery_thread is repairs.recover_at_once  # type: ignore[attr-defined]
    repairs.requeue(dbos, [workflow_id(view.clips[0].clip.id, 1)], ["somebody else"])
    assert len(dbos._sys_db.get_pending_workflows(executor, version)) == 1
    await asyncio.to_thread(repairs.recover_at_once, dbos, dbos._sys_db.get_pending_workflows(executor, version))
    await workshop.eventually(lambda: _runs(workshop))
    await _goes_on(workshop, view)


async def test_what_no_run_of_ours_is_in_is_looked_for_seldom(opened: Opened) -> None:
    workshop = await opened()
    dbos = workshop.jobs.context.engine._dbos
    assert dbos is not None
    assert dbos._registry.get_internal_queue()._polling_interval_sec == 60
    seconds = 1 if workshop.database.shared else 60  # on Postgres a transaction stays open between two looks
    assert seconds == dbos_commands._BACKGROUND_JOBS_INTERVAL_SEC


async def _runs(workshop: "Workshop") -> bool:
    return workshop.jobs.context.engine.running() == 1


@pytest.mark.parametrize("text", ["connection is bad: no such file", "failed to resolve host 'db'", "other words"])
async def test_a_lost_connection_is_waited_out_whatever_its_words(opened: Opened, text: str) -> None:
    await opened()
    lost = sa.exc.OperationalError("SELECT 1", {}, psycopg.OperationalError(text))
    assert not repairs._retriable(lost), "DBOS has learned it: our patch can go"
    tries: list[None] = []

    @dbos_sys_db.db_retry(initial_backoff=0.001)
    def work() -> int:
        tries.append(None)
        if len(tries) < 3:
            raise lost
        return len(tries)

    assert work() == 3
    twice = sa.exc.IntegrityError("INSERT", {}, psycopg.errors.UniqueViolation("twice"))
    assert not repairs.also_retriable(twice)


async def test_what_each_clip_needs_is_compiled_once(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    workshop = await opened()
    engine = workshop.jobs.context.engine
    assert engine._client is not None
    system, built = engine._client._sys_db, list[str]()
    status, inputs = system.tables.workflow_status, system.tables.workflow_input

    def queue(connection: sa.Connection, way: str) -> dict[str, object]:
        engine.enqueue(connection, clip_id=way, run=1, tenant="acme", place=3)
        query = sa.select(status, inputs.c.inputs.label("given")).join(inputs, inputs.c.workflow_uuid.startswith(way))
        return dict(connection.execute(query.where(status.c.workflow_uuid.startswith(way))).mappings().one())

    def build() -> sa.Insert:
        built.append("")
        return sa.insert(inputs)

    def statement(connection: sa.Connection, execute: Callable[..., object], *names: str) -> None:
        for name in names:
            execute(system, connection, "test", {"workflow_uuid": name, "inputs": "{}"}, build)

    def work(connection: sa.Connection) -> None:
        _reach_engine(connection)
        repaired = queue(connection, "repaired")
        statement(connection, repairs._execute_prepared, "a", "b")
        assert len(built) == 1
        monkeypatch.setattr(dbos_sys_db.SystemDatabase, "_execute_prepared", repairs._execute_each)
        own = queue(connection, "own")
        if connection.dialect.name == "sqlite":
            statement(connection, repairs._execute_each, "c", "d")
            assert len(built) == 3, "DBOS has learned it: our patch can go"
        differ = {name for name in own if own[name] != repaired[name]}
        assert differ - {"created_at", "updated_at"} == {"workflow_uuid", "creator_xid", "given"}
        raise LookupError("nothing of it stays")

    with pytest.raises(LookupError, match="nothing of it"):
        await workshop.database.write(work)


async def test_a_queued_clip_is_not_stranded(opened: Opened) -> None:
    workshop = await opened(tenant_clips=1)
    await _stuck(workshop)
    waiting = await workshop.order(GEN45)
    [clip] = (await workshop.jobs.view(waiting, "acme")).clips
    assert await workshop.jobs.context.engine.stranded({clip.clip.id: workflow_id(clip.clip.id, 1)}) == {}
    await workshop.jobs.cancel(waiting, "acme")


FOREIGN = {
    "a step we do not have": "SET function_name = 'DBOS.patch-x' WHERE function_name = 'submit'",
    "a next step we do not have": "SET output = replace(output, 'wait', 'inspect')",
}


@pytest.mark.parametrize("change", FOREIGN)
async def test_a_run_that_another_version_wrote_begins_anew(opened: Opened, change: str) -> None:
    workshop = await opened()
    view = await _stuck(workshop)
    clip_id = view.clips[0].clip.id
    await _kill_tasks(workshop)

    def work(connection: sa.Connection) -> int:
        _reach_engine(connection)
        return connection.execute(sa.text(f"UPDATE operation_outputs {FOREIGN[change]}")).rowcount

    assert await workshop.database.write(work) == 1
    await workshop.jobs.context.engine.requeue(workflow_id(clip_id, 1))

    async def anew() -> bool:
        [clip] = (await workshop.jobs.view(view.job.id, "acme")).clips
        return clip.clip.run == 2 and clip.attempts[0].end_time is None

    await workshop.eventually(anew)
    await _goes_on(workshop, view)


async def test_a_run_that_another_version_only_began_begins_anew(opened: Opened) -> None:
    workshop = await opened(tenant_clips=1)
    first = await _stuck(workshop)
    waiting = await workshop.order(GEN45, duration=2.0, prompt="waits for its place")
    [clip] = (await workshop.jobs.view(waiting, "acme")).clips
    mark = sa.text(
        "INSERT INTO operation_outputs (workflow_uuid, function_id, function_name) VALUES (:name, 1, 'DBOS.patch-x')"
    )

    def work(connection: sa.Connection) -> None:
        _reach_engine(connection)
        connection.execute(mark, {"name": workflow_id(clip.clip.id, 1)})

    await workshop.database.write(work)
    await workshop.jobs.cancel(first.job.id, "acme")
    view = await workshop.ended(waiting)
    assert (view.job.state, view.clips[0].clip.run) == (JobState.SUCCEEDED, 2)
    assert len(await workshop.vendor_jobs("waits for its place")) == 1


async def _begin_again(workshop: "Workshop", workflow: str) -> str:
    """Let a run that has ended run once more, as if its end had not been written down; what it ends with."""

    def work(connection: sa.Connection) -> None:
        forget = sa.text("DELETE FROM operation_outputs WHERE workflow_uuid = :name")
        revive = sa.text("UPDATE workflow_status SET status = 'PENDING' WHERE workflow_uuid = :name")
        _reach_engine(connection)
        for statement in (forget, revive):
            connection.execute(statement, {"name": workflow})

    await workshop.eventually(lambda: _succeeded(workflow))
    await workshop.database.write(work)
    await workshop.jobs.context.engine.requeue(workflow)
    await workshop.eventually(lambda: _succeeded(workflow))
    [status] = await DBOS.list_workflows_async(workflow_ids=[workflow])
    return str(status.output)


def _reach_engine(connection: sa.Connection) -> None:
    """Its tables are in a schema of their own on Postgres."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL search_path TO public, dbos")


async def _succeeded(workflow: str) -> bool:
    [status] = await DBOS.list_workflows_async(workflow_ids=[workflow])
    return status.status == "SUCCESS"


async def test_a_run_that_is_begun_again_after_it_parked_changes_nothing(opened: Opened) -> None:
    workshop = await opened()
    await workshop.script("runway", "lost-reply")
    parked = await workshop.ended(await workshop.order(GEN45, duration=2.0))
    clip_id = parked.clips[0].clip.id
    first = workflow_id(clip_id, 1)
    assert await _begin_again(workshop, first) == "parked"
    assert await workshop.jobs.view(parked.job.id, "acme") == parked
    await workshop.jobs.resolve(clip_id, "acme", Verdict(kind=VerdictKind.RESUBMIT))
    assert await _begin_again(workshop, first) == "superseded"
    await workshop.until(parked.job.id, lambda view: view.job.state.terminal)
    assert await _begin_again(workshop, first) == "superseded"
    kinds = [event.kind for event in await workshop.events(parked.job.id)]
    once = (EventKind.STALLED, EventKind.COLLECTED, EventKind.ENDED)
    assert [kinds.count(kind) for kind in once] == [1, 1, 1]
    assert len(await workshop.vendor_ledger()) == 2


class _Trap:
    sprung = False

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return _spring, ()


def _spring() -> None:
    _Trap.sprung = True


async def test_a_pickle_is_never_opened(opened: Opened) -> None:
    workshop = await opened()
    trap = base64.b64encode(pickle.dumps(_Trap())).decode()
    with pytest.raises(ValueError, match="refused"):
        dbos_serialization.DefaultSerializer().deserialize(trap)
    view = await workshop.ended(await workshop.order(GEN45, duration=2.0))
    assert view.job.state is JobState.SUCCEEDED
    workflow = workflow_id(view.clips[0].clip.id, 1)

    await workshop.eventually(lambda: _succeeded(workflow))
    plant = sa.text("UPDATE workflow_status SET serialization = 'py_pickle' WHERE workflow_uuid = :name")
    poison = sa.text("UPDATE workflow_output SET output = :trap WHERE workflow_uuid = :name")

    def work(connection: sa.Connection) -> int:
        _reach_engine(connection)
        connection.execute(plant, {"name": workflow})
        return connection.execute(poison, {"name": workflow, "trap": trap}).rowcount

    assert await workshop.database.write(work) == 1
    [status] = await DBOS.list_workflows_async(workflow_ids=[workflow])
    assert status.output is None or isinstance(status.output, str)
    assert not _Trap.sprung
