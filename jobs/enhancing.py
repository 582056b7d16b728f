"""A job's first step where `enhance_prompt` asks for it: its prompt in better words, by the language model or by rules.

Whichever clip of the job comes first does it for all; the others wait. What costs money was read by the rules when the
job was planned, and is not touched. Should anything fail, the prompt is used as it was given, with a warning.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from core.identifiers import new_id
from core.spec import Notice, Preferences
from jobs import drafts, journal, rewriting, tables
from jobs.context import Context, emit
from jobs.drafts import Kept, PromptKind, PromptState
from jobs.events import EventKind, ProgressStage
from jobs.journal import Call, Line, Tariff
from jobs.locks import LockedJob, lock_job
from jobs.orders import Order, Plan, QuoteLine, Rewriting
from jobs.previous import preferences
from jobs.records import ClipState, Enhancement, JobState, Situation, spec_of
from jobs.targets import target
from ledger.ledger import Basis
from prompts import tasks
from prompts.fit import fit
from prompts.houses import advice
from prompts.llm import Llm
from prompts.rules import read
from prompts.words import Draft, Target
from providers.styles import STYLES

_LOST = "the server stopped while the language model was being asked"
_OTHER = "the language model that this was quoted for is not set up any more"
_LOOK = 15.0
"""Seconds after which a clip that waits for another looks at the rows anyway."""
_NOT_FOR_THIS = {
    True: "an emulated language model does not write for real clips: the rules do",
    False: "a real language model is not paid to write for emulated clips: the rules do",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asking:
    """What a clip would send, if it is the one that asks."""

    exchange: tasks.Exchange[Draft]
    call: Call
    deadline: datetime


@dataclass(frozen=True, slots=True)
class Enhancing:
    """Plans what rewriting will cost, and does it: step `enhance`."""

    context: Context
    llm: Llm | None = None
    templates: Path | None = None
    """The operator's own texts that ask the language model."""

    def planned(self, order: Order, resolve: Callable[[Order], Plan]) -> Plan:
        """An order's plan. Where the prompt is to be rewritten, with what it asks for, and what rewriting costs."""
        if not order.enhance:
            return resolve(order)
        draft = read(order.wish.prompt, tuple(STYLES))
        plan = resolve(replace(order, wish=replace(order.wish, preferred=_merged(order.wish.preferred, draft))))
        if not plan.offers:
            return plan
        aim = target(self.context.vendors.catalogue.rows[plan.model], plan.spec.mode)
        by_rules = Rewriting(draft=fit(draft, aim), style=plan.style)
        plan = replace(plan, rewriting=by_rules, notices=[*plan.notices, *draft.notices])
        if self.llm is None or not aim.prompt_limit:
            return plan
        if self.llm.settings.mock is not plan.mock:
            message = _NOT_FOR_THIS[self.llm.settings.mock]
            return replace(
                plan, notices=[*plan.notices, Notice(code="LLM_NOT_USED", message=message, field="enhance_prompt")]
            )
        return _quoted(plan, by_rules, Tariff(self.llm), self._exchange(order.wish.prompt, aim))

    def _exchange(self, prompt: str, aim: Target) -> tasks.Exchange[Draft]:
        return tasks.enhance(prompt, aim, advice=advice(aim), folder=self.templates)

    async def __call__(self, clip_id: str) -> str:
        """Have the job's prompt rewritten, once; the name of the next step."""
        found = await self.context.situations(clip_id)
        owner = f"{clip_id}/{new_id('run')}"
        with self.context.bell.listen(clip_id, found.job.id) as listening:
            while True:
                if found.clip.state.terminal:
                    return "end"
                if not found.enhances:
                    return "submit"
                if self.context.draining.is_set():
                    await asyncio.Event().wait()  # the engine is being stopped: leave this step unrecorded
                until = await self._act(found, owner)
                if until is not None:
                    left = (until - self.context.now()).total_seconds()
                    await listening.wait(min(max(left, 0.0), _LOOK))
                found = await self.context.situations(clip_id)

    async def _act(self, found: Situation, owner: str) -> datetime | None:
        """Rewrite, or close what nobody ends any more; the time until which another clip of the job may do it."""
        line = None if self.llm is None else Line(self.context, Tariff(self.llm), "enhance")
        asking = None if line is None else self._asking(found, line)
        await self.context.engine.hold()
        journal.begins("enhance")
        now = self.context.now()
        turn = await self.context.database.write_surely(
            lambda connection: self._take_turn(connection, found, owner, asking, now)
        )
        if isinstance(turn, datetime):
            return turn
        self.context.bell.ring(found.job.id)
        if line is None or turn is None:
            return None
        finish = partial(rewriting.by_model, self.context)
        await line.talk(str(found.job.prompt_id), turn.exchange, turn.call, finish)
        self.context.bell.ring(found.job.id)
        return None

    def _asking(self, found: Situation, line: Line) -> _Asking | None:
        row = self.context.vendors.catalogue.rows.get(found.job.model)
        if row is None:
            return None
        exchange = self._exchange(found.job.prompt, target(row, spec_of(found.clip.candidates[0].spec, {}).mode))
        return _Asking(exchange=exchange, call=line.call(exchange.first), deadline=line.deadline())

    def _take_turn(
        self, connection: sa.Connection, found: Situation, owner: str, asking: _Asking | None, now: datetime
    ) -> _Asking | datetime | None:
        """Under the job's lock: `asking`, when this run is the one that asks; until when another may; or None."""
        job = lock_job(connection, found.job.id)
        kept = drafts.find(connection, str(found.job.prompt_id))
        if kept is None or kept.state is PromptState.ENDED:
            _skip(connection, found.job.id)
        if job.cancel_requested or kept is None or kept.state is PromptState.ENDED:
            return None
        if kept.owner == owner:  # the connection was lost while this was committed
            return asking
        if kept.owner and kept.deadline is not None:
            if now < kept.deadline and not kept.owner.startswith(f"{found.clip.id}/"):
                return kept.deadline
            self._close(connection, kept, now)
        elif not kept.llm_model:
            rewriting.by_rules(self.context, connection, kept, now)
        elif asking is None or self.llm is None or kept.llm_model != self.llm.settings.model:
            rewriting.failed(connection, kept, _OTHER, now)
        else:
            _begin(connection, found, job, now)
            values = {"owner": owner, "deadline": asking.deadline}
            connection.execute(sa.update(tables.prompts).where(tables.prompts.c.id == kept.id).values(**values))
            journal.intend(connection, replace(kept, owner=owner), asking.call, now)
            return asking
        return None

    def _close(self, connection: sa.Connection, kept: Kept, now: datetime) -> None:
        """Nobody is left to hear the language model."""
        journal.lose(connection, kept, now)
        rewriting.failed(connection, kept, _LOST, now)

    async def close_lost(self) -> None:
        """End what no clip of its job will end: those have ended, or wait for a place."""
        prompts, jobs, now = tables.prompts, tables.jobs, self.context.now()
        over = sa.or_(prompts.c.deadline < now, jobs.c.end_time.is_not(None))
        query = sa.select(prompts.c.id, prompts.c.job_id).join(jobs, jobs.c.id == prompts.c.job_id)
        query = query.where(prompts.c.state == str(PromptState.OPEN), prompts.c.kind == str(PromptKind.ENHANCE), over)
        for row in await self.context.database.read(lambda connection: connection.execute(query).all()):
            await self.context.database.write(partial(self._close_one, prompt_id=row.id))
            self.context.bell.ring(row.job_id)

    def _close_one(self, connection: sa.Connection, prompt_id: str) -> None:
        now, kept = self.context.now(), journal.locked(connection, prompt_id)
        if kept.state is PromptState.OPEN and (kept.deadline is None or kept.deadline < now):
            self._close(connection, kept, now)


def _quoted(plan: Plan, by_rules: Rewriting, tariff: Tariff, exchange: tasks.Exchange[Draft]) -> Plan:
    """The plan with what the language model may cost."""
    held = tariff.most(exchange.dearest)
    line = QuoteLine(
        stage=journal.STAGE,
        clip_index=0,
        model=tariff.model,
        expected=tariff.usual(exchange.first),
        held_max=held,
        basis=str(Basis.TOKENS) if tariff.known else "unknown: no prices of the language model are set",
    )
    asked = replace(by_rules, llm_model=tariff.model, mock=tariff.llm.settings.mock, held=held, priced=tariff.known)
    return replace(plan, rewriting=asked, lines=[*plan.lines, line])


def _merged(first: Preferences, draft: Draft) -> Preferences:
    """What the prompt that the order names has, and what these words say beside."""
    second = preferences(draft)
    pairs = ((each.name, getattr(first, each.name), getattr(second, each.name)) for each in fields(Preferences))
    return Preferences(**{name: said if own is None else own for name, own, said in pairs})


def _skip(connection: sa.Connection, job_id: str) -> None:
    """There is nothing left that could be done first."""
    jobs = tables.jobs
    due = (jobs.c.id == job_id, jobs.c.enhancement == str(Enhancement.DUE))
    connection.execute(sa.update(jobs).where(*due).values(enhancement=str(Enhancement.DONE)))


def _begin(connection: sa.Connection, found: Situation, job: LockedJob, now: datetime) -> None:
    """The clip that asks is at work, and so is its job."""
    jobs, clips, stage = tables.jobs, tables.clips, str(ProgressStage.ENHANCING)
    start = {} if found.clip.start_time else {"start_time": now}
    update = sa.update(clips).where(clips.c.id == found.clip.id)
    connection.execute(update.values(state=str(ClipState.RUNNING), stage=stage, **start))
    begin = {"state": str(JobState.RUNNING), "start_time": now} if job.state is JobState.QUEUED else {}
    connection.execute(sa.update(jobs).where(jobs.c.id == found.job.id).values(stage=stage, **begin))
    if begin:
        emit(connection, found.job.id, EventKind.STARTED, now, {"job_state": str(JobState.RUNNING)})
    body = {"clip_id": found.clip.id, "clip_index": found.clip.position, "clip_stage": stage, "stage": stage}
    emit(connection, found.job.id, EventKind.PROGRESS, now, body | {"clip_state": str(ClipState.RUNNING)})
