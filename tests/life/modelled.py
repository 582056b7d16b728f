"""The real room that the model is compared with: what is done to it, and what its witnesses must never say."""

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from core.errors import FailureReason, FilmgateError
from core.money import USD, Money
from core.spec import Wish
from emulators.server import EmulatorServer
from emulators.world import Options
from jobs import funds, tables
from jobs.orders import JobFilter, JobView, Order, Page, Verdict, VerdictKind
from jobs.records import AttemptOutcome, ClipState
from ledger import budgets
from ledger.budgets import Period
from ledger.ledger import Kind
from ledger.tables import entries
from media.pool import MediaPool
from tests.life.conftest import POLICY, Places, Workshop
from tests.life.model import LOOKED_UP, Fate, Model, Promise, Trouble

Result = TypeVar("Result")
MODELS = {"runway": "runway/gen4.5", "replicate": "replicate/seedance-1-lite"}
OTHER = {"runway": "replicate", "replicate": "runway"}
FAULTS = {
    "runway": {
        Trouble.FLAKY: "fail-INTERNAL",
        Trouble.MODERATED: "fail-INPUT_PREPROCESSING.SAFETY.TEXT",
        Trouble.BILLED: "fail-SAFETY.INPUT.TEXT",
    },
    "replicate": {Trouble.FLAKY: "fail-E8765", Trouble.MODERATED: "fail-E005"},
}
"""Troubles that a vendor has a word of its own for; the others are every vendor's."""
PATIENCE = 60.0
SLOW, FAST = 0.02, 5000.0
"""Vendor seconds per second: while nothing is to happen there, and until everything has."""
RUNNING = 400.0
"""Seconds after which every job at a slow vendor runs, and none has ended."""
_TERMINAL_PHASES = {"succeeded", "failed", "cancelled", "aborted"}


class Loop:
    """An event loop in a thread of its own, and its media workers."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.pool = MediaPool()
        self.run(self.pool.__aenter__())

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """The coroutine's result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE * 2)

    def close(self) -> None:
        """End the workers and the thread."""
        self.run(self.pool.__aexit__(None, None, None))
        self.run(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@dataclass(frozen=True)
class Stage:
    """Where histories are played: what is too slow to be made anew for each."""

    rooms: "Loop"
    vendors: "Loop"
    """Not the rooms' own: an engine that ends takes its loop's threads with it."""
    places: Places

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """The coroutine's result, in the room."""
        return self.rooms.run(coroutine)


@dataclass
class Room:
    """The real room of one history, and the witnesses' accounts of it."""

    stage: Stage
    workshop: Workshop
    emulators: EmulatorServer
    limits: list[tuple[str, int, int]] = field(default_factory=list)
    """Tenant, the last entry of the ledger before, its budget from then on."""
    stack: ExitStack = field(default_factory=ExitStack)

    @classmethod
    def opened(cls, stage: Stage, folder: Path) -> "Room":
        """A room that has nothing to do."""
        options = Options(speed=SLOW, cancel_seconds=0.0, retention_seconds=1e9)
        emulators = EmulatorServer(options=options, pool=stage.vendors.pool)
        url = stage.vendors.run(emulators.start(data_dir=folder))
        stack = ExitStack()
        place = stack.enter_context(stage.places(folder))
        policy = replace(POLICY, lookup_settle=0.3, submit_timeout=5.0)
        listener = socket.create_server(("127.0.0.1", 0))
        workshop = Workshop(
            folder, stage.rooms.pool, emulators, url, policy, webhooks=True, live=True, listener=listener, place=place
        )
        stage.run(workshop.open())
        return cls(stage, workshop, emulators, stack=stack)

    def close(self) -> None:
        """Stop everything."""
        self.stage.run(self.workshop.close())
        self.stage.vendors.run(self.emulators.stop())
        if self.workshop.listener is not None:
            self.workshop.listener.close()
        self.stack.close()

    async def order(self, tenant: str, request_id: str, asked: "Asked") -> str:
        """As the server does it: the job's id, or the reason of the refusal."""
        order = Order(
            tenant=tenant,
            creative_id="spring",
            model=MODELS[asked.vendor],
            wish=Wish(prompt=asked.prompt, duration=2.0),
            variations=asked.variations,
            fallbacks=(MODELS[OTHER[asked.vendor]],) if asked.fallback else (),
            max_cost=None if asked.max_cost is None else Money(currency=USD, micros=asked.max_cost),
        )
        plan = self.workshop.jobs.plan(order)
        assert not plan.violations, plan.violations
        try:
            views = await self.workshop.jobs.accept(
                [plan], rpc="GenerateVideo", request_id=request_id, request_hash=repr(asked)
            )
        except FilmgateError as error:
            return str(error.reason)
        return views[0].job.id

    async def cancel(self, job_id: str) -> str:
        """Why not, or empty."""
        try:
            await self.workshop.jobs.cancel(job_id, None)
        except FilmgateError as error:
            return str(error.reason)
        return ""

    async def resolve(self, view: JobView, kind: VerdictKind, task: str, *, twice: bool) -> list[str]:
        """A verdict on the job's first parked clip, perhaps by two operators at once: why not, or empty, of each."""
        clip = next(clip for clip in view.clips if clip.clip.state is ClipState.PARKED)
        verdict = Verdict(kind=kind, vendor_task_id=task)

        async def once() -> str:
            try:
                await self.workshop.jobs.resolve(clip.clip.id, None, verdict)
            except FilmgateError as error:
                return str(error.reason)
            return ""

        return await asyncio.gather(*(once() for _ in range(1 + twice)))

    async def unowned(self, prompt: str) -> dict[str, Any]:
        """A vendor's job of this prompt that none of our attempts has got, as the emulator shows it; empty: none."""
        owned = {attempt.vendor_task_id for view in await self.views() for _, attempt in _attempts(view)}
        return next((job for job in await self.workshop.vendor_jobs(prompt) if job["id"] not in owned), {})

    async def limit(self, tenant: str, micros: int) -> None:
        """Set a tenant's budget."""
        now = self.workshop.jobs.context.now()

        def work(connection: sa.Connection) -> int:
            budgets.put(connection, tenant, Period.TOTAL, micros, now)
            return int(connection.execute(sa.select(sa.func.coalesce(sa.func.max(entries.c.id), 0))).scalar_one())

        self.limits.append((tenant, await self.workshop.database.write(work), micros))

    async def views(self) -> list[JobView]:
        """Every job, the oldest first."""
        return list(reversed(await self.workshop.jobs.list_jobs(None, JobFilter(), Page(size=200))))

    async def still(self) -> list[JobView]:
        """Every job, once nothing moves that could move without the vendors' clock or an operator."""

        async def look() -> list[JobView] | None:
            views = await self.views()
            theirs = {job["id"]: job for job in await self.workshop.vendor_jobs()}  # later: so it has every ticket
            return None if any(_moving(view, theirs) for view in views) else [*views]

        await self.workshop.control("speed", {"speed": SLOW})
        async with asyncio.timeout(PATIENCE):
            while (views := await look()) is None:  # noqa: ASYNC110 - what it waits for has no event
                await asyncio.sleep(0.02)
        return views

    async def finish(self) -> list[JobView]:
        """Every job, once all vendors are through with everything, also with what was bought meanwhile."""
        await self.workshop.control("speed", {"speed": FAST})

        async def look() -> bool:
            states = [clip.clip.state for view in await self.views() for clip in view.clips]
            return all(state.terminal or _parked(state) for state in states)

        await self.workshop.eventually(look)
        return await self.still()

    async def restart(self, *, drain: bool) -> None:
        """End the process, with or without warning, and start the next one."""
        await self.workshop.close(drain=drain)
        await self.workshop.open()

    async def rows(self, query: sa.Select[Any]) -> list[sa.Row[Any]]:
        """What the database has."""
        return await self.workshop.database.read(lambda connection: list(connection.execute(query)))


def _attempts(view: JobView) -> Iterator[tuple[Any, Any]]:
    for clip in view.clips:
        for attempt in clip.attempts:
            yield clip, attempt


def _parked(state: ClipState) -> bool:
    return state is ClipState.PARKED


def _moving(view: JobView, theirs: dict[str, dict[str, Any]]) -> bool:
    for clip in view.clips:
        state, last = clip.clip.state, clip.attempts[-1] if clip.attempts else None
        if state.terminal:
            continue
        if _parked(state):
            if clip.clip.model.partition("/")[0] in LOOKED_UP:
                return True
            continue
        if last is None or last.outcome is not AttemptOutcome.ACCEPTED or last.end_time is not None:
            return True
        phase = theirs[str(last.vendor_task_id)]["phase"]
        if phase in _TERMINAL_PHASES or phase != last.stage.lower() or view.job.cancel_requested:
            return True
    return False


@dataclass(frozen=True)
class Asked:
    """The content of a request."""

    vendor: str
    prompt: str
    variations: int
    fallback: bool
    max_cost: int | None


def fates(view: JobView) -> Counter[Fate]:
    words = {str(fate) for fate in Fate}
    return Counter(Fate(str(clip.clip.state)) if str(clip.clip.state) in words else Fate.BOUGHT for clip in view.clips)


def compare_money(view: JobView, promise: Promise, theirs: dict[str, dict[str, Any]]) -> None:
    """What we have booked is what the vendors bill, plus the quotes of what nobody will ever know."""
    unknown = 0
    for _, attempt in _attempts(view):
        if attempt.end_time is None:
            continue
        lost = attempt.failure is not None and attempt.failure.reason is FailureReason.SUBMIT_UNKNOWN
        if lost:
            unknown += 1
            assert attempt.cost_micros == attempt.quote_micros
        elif attempt.vendor_task_id:
            assert attempt.cost_micros == theirs[attempt.vendor_task_id]["billed_micros"], (attempt, promise)
    if promise.raced:
        return
    assert unknown == promise.given_up
    if promise.exact:
        assert (view.cost.micros, view.held.micros) == (promise.spent, promise.held), promise
        assert _fates_known(view) == _fates_expected(promise), promise


def _fates_known(view: JobView) -> Counter[str]:
    return Counter(str(clip.clip.state) for clip in view.clips)


def _fates_expected(promise: Promise) -> Counter[str]:
    known = Counter({str(fate): count for fate, count in promise.fates.items() if fate.isupper() and count})
    return known + Counter({"RUNNING": promise.under_way})


async def audit(room: Room, model: Model, ends: dict[str, str]) -> None:
    """What must hold at every moment, however much moves."""
    orders = [post for post in await room.workshop.vendor_ledger() if _is_order(post)]
    posts = Counter(post["vendor"] for post in orders)
    theirs = Counter(job["prompt"] for job in await room.workshop.vendor_jobs())
    views = await room.views()
    sent = Counter(attempt.endpoint for view in views for _, attempt in _attempts(view))
    for vendor in MODELS:
        assert posts[vendor] <= sent[vendor], f"{posts[vendor]} orders for {sent[vendor]} attempts at {vendor}"
    tries = Counter({view.job.prompt: sum(1 for _ in _attempts(view)) for view in views})
    assert all(count <= tries[prompt] for prompt, count in theirs.items())
    assert {view.job.id: view.job.tenant for view in views} == {
        job_id: promise.tenant for job_id, promise in model.promises.items()
    }
    for view in views:
        if view.job.state.terminal:
            assert ends.setdefault(view.job.id, str(view.job.state)) == str(view.job.state)
        else:
            assert view.job.id not in ends
    await _audit_rows(room, model)


def _is_order(post: dict[str, Any]) -> bool:
    return post["method"] == "POST" and not post["path"].endswith("/cancel")


async def _audit_rows(room: Room, model: Model) -> None:
    known = {(row.tenant, row.request_id): row.job_ids for row in await room.rows(sa.select(tables.requests))}
    assert known == {key: [job_id] for key, (_, job_id) in model.requests.items()}
    assert (await room.workshop.verdict()).faults == ()
    query = sa.select(tables.events.c.job_id, tables.events.c.seq, tables.events.c.kind)
    told: dict[str, list[str]] = {}
    for row in await room.rows(query.order_by(tables.events.c.job_id, tables.events.c.seq)):
        told.setdefault(row.job_id, []).append(row.kind)
        assert row.seq == len(told[row.job_id])
    for kinds in told.values():
        assert "ENDED" not in kinds[:-1]
    _within_budget(await room.rows(sa.select(entries).order_by(entries.c.id)), room.limits)


def _within_budget(rows: list[sa.Row[Any]], limits: list[tuple[str, int, int]]) -> None:
    used: Counter[str] = Counter()
    for row in rows:
        sign = {Kind.RELEASE: -1, Kind.SETTLE: 0}.get(Kind(row.kind), 1)
        used[row.tenant] += sign * row.micros
        in_force = [limit for tenant, after, limit in limits if tenant == row.tenant and after < row.id]
        if in_force and (row.kind == Kind.HOLD or row.basis == funds.NEW_HOLD):
            assert used[row.tenant] <= in_force[-1], row
        assert row.basis != "cost above the hold", row
