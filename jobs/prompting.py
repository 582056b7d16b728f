"""Reading texts, making prompts better, writing scripts: by the language model if there is one, else by fixed rules.

The rules' answer is written down first. What the language model says takes its place; where it fails, or its process
dies, the rules' stays, with a warning.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
import structlog

from core.errors import Conflict, InvalidRequest, NotFound, Precondition, Reason, Unavailable
from core.identifiers import new_id
from core.money import USD, Money
from core.outcome import Json
from core.spec import Notice
from jobs import drafts, funds, journal, requests, tables, tenants
from jobs.context import Context
from jobs.drafts import Kept, PromptKind, PromptState, PromptView, ScriptView, Spent
from jobs.journal import Call, Line, Tariff
from jobs.previous import Previous, of_job, of_prompt
from jobs.requests import RequestKey
from ledger import ledger
from prompts import tasks
from prompts.changes import retold
from prompts.feedback import apply
from prompts.fit import fit
from prompts.houses import advice
from prompts.llm import Llm
from prompts.rules import read
from prompts.scripts import write
from prompts.words import Brief, Draft, Rewritten, SceneType, Source, Target
from providers.styles import STYLES

LOST = Notice(code="LLM_UNAVAILABLE", message="the server stopped while the language model was being asked")
_LOOK = 1.0
"""Seconds between two looks at a prompt that another process is asking for."""
_FITTED = "The model takes it like this."
_log = structlog.get_logger()

Made = TypeVar("Made")


@dataclass(frozen=True, kw_only=True, slots=True)
class PromptOrder:
    """Who asks for a prompt or a script, what it is for, and what it may cost."""

    tenant: str
    creative_id: str
    """Empty: it was not said."""
    target: Target
    max_cost: Money | None = None
    """What the language model may cost at most; 0: it is not asked."""
    styles: Collection[str] = tuple(STYLES)
    """The names that a text may mean."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Task(Generic[Made]):
    """What is to be made: how the language model is asked, what the rules made of it, and how either is kept."""

    kind: PromptKind
    values: dict[str, Json]
    """Columns of the row."""
    exchange: Callable[[], tasks.Exchange[Made]]
    rules: Made
    keep: Callable[[Made], dict[str, Json]]
    """Fits what was made to the model, as a result to be kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Opening:
    """What the first transaction writes."""

    key: RequestKey
    row: dict[str, Json]
    now: datetime
    call: Call | None = None
    held: Money | None = None
    refusal: Precondition | InvalidRequest | None = None
    """Why `max_cost` forbids it. Asked of new requests only: a repeated one was taken at the prices of its day."""


class Prompting:
    """The doors of PromptService."""

    def __init__(self, context: Context, llm: Llm | None = None, *, templates: Path | None = None) -> None:
        """`templates`: a folder with the operator's own texts that ask the language model."""
        self._context = context
        self._line = Line(context, Tariff(llm), "prompt") if llm else None
        self._folder = templates
        self._talks: set[asyncio.Task[None]] = set()

    async def quantify(self, order: PromptOrder, text: str, key: RequestKey) -> PromptView:
        """Read a free text. Raises Conflict, InvalidRequest, Precondition, Unavailable."""
        target, styles = order.target, order.styles
        task = _Task(
            kind=PromptKind.QUANTIFY,
            values={"input": text},
            exchange=lambda: tasks.quantify(text, target, styles, advice=advice(target), folder=self._folder),
            rules=read(text, styles),
            keep=lambda draft: drafts.rewritten_json(Rewritten(draft=fit(draft, target))),
        )
        return drafts.prompt_view(*await self._made(order, task, key))

    async def regenerate(self, order: PromptOrder, previous: Previous, feedback: str, key: RequestKey) -> PromptView:
        """Make a prompt better after feedback. Raises as `quantify`."""
        target, styles = order.target, order.styles
        before = previous.draft if previous.model else fit(previous.draft, target)
        values = {
            "input": previous.text,
            "parent_id": previous.parent_id,
            "job_id": previous.job_id,
            "feedback": feedback,
            "iteration": previous.iteration + 1,
        }
        task = _Task(
            kind=PromptKind.REGENERATE,
            values=values,
            exchange=lambda: tasks.regenerate(
                before, feedback, target, styles, advice=advice(target), folder=self._folder
            ),
            rules=apply(before, feedback, styles),
            keep=lambda made: drafts.rewritten_json(_refitted(before, made, target)),
        )
        return drafts.prompt_view(*await self._made(order, task, key))

    async def write_script(self, order: PromptOrder, brief: Brief, key: RequestKey) -> ScriptView:
        """Tell a product in scenes. Raises as `quantify`."""
        target, rules = order.target, write(brief, order.target)
        clips = sum(scene.type is SceneType.VIDEO for scene in rules.scenes)
        whole = replace(brief, duration=rules.duration, scenes=clips, aspect_ratio=rules.aspect_ratio)
        task = _Task(
            kind=PromptKind.SCRIPT,
            values={"input": brief.product_name, "asked": drafts.brief_json(brief)},
            exchange=lambda: tasks.write_script(whole, target, advice=advice(target), folder=self._folder),
            rules=rules,
            keep=drafts.script_json,
        )
        return drafts.script_view(*await self._made(order, task, key))

    async def prompt(self, prompt_id: str) -> PromptView:
        """What an earlier, equal request has made, once it has ended. Raises NotFound when it has been swept since."""
        return drafts.prompt_view(*await self._ended(prompt_id))

    async def script(self, prompt_id: str) -> ScriptView:
        """The same, of a script."""
        return drafts.script_view(*await self._ended(prompt_id))

    async def previous(
        self,
        tenant: str,
        *,
        prompt_id: str = "",
        job_id: str = "",
        text: str = "",
        styles: Collection[str] = tuple(STYLES),
    ) -> Previous:
        """What to start from: the one of the three that is given. Raises NotFound."""
        if text:
            return Previous(draft=read(text, styles), text=text)
        found = partial(of_prompt, prompt_id=prompt_id) if prompt_id else partial(of_job, job_id=job_id)
        return await self._context.database.read(partial(found, tenant=tenant))

    async def close_lost(self) -> None:
        """End the prompts whose process died while it asked the language model."""
        prompts = tables.prompts
        asked = (prompts.c.state == str(PromptState.OPEN), prompts.c.kind != str(PromptKind.ENHANCE))
        query = sa.select(prompts.c.id).where(*asked, self._is_lost())
        for lost in await self._context.database.read(lambda connection: connection.execute(query).scalars().all()):
            await self._close(lost)

    async def stop(self) -> None:
        """Cut what is being asked; another process closes it."""
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _made(self, order: PromptOrder, task: _Task[Made], key: RequestKey) -> tuple[Kept, Spent]:
        """A new prompt, or that of the same request before, once it has ended."""
        if self._context.draining.is_set():
            raise Unavailable(reason=Reason.SHUTTING_DOWN, message="the server is shutting down", retry_after=1.0)
        line = None if order.max_cost is not None and not order.max_cost.micros else self._line
        if line is None:
            opening = _Opening(key=key, row=self._row(order, task), now=self._context.now())
            return await self._ended(await self._context.database.write_known(partial(_open, opening=opening)))
        exchange = task.exchange()
        opening = self._opening(order, task, key, line, exchange)
        journal.begins("prompt")
        prompt_id = await self._context.database.write_known(partial(_open, opening=opening))
        if prompt_id == opening.row["id"] and opening.call is not None:
            await self._talk(prompt_id, line.talk(prompt_id, exchange, opening.call, partial(_finish, task.keep)))
        return await self._ended(prompt_id)

    def _opening(
        self, order: PromptOrder, task: _Task[Made], key: RequestKey, line: Line, exchange: tasks.Exchange[Made]
    ) -> _Opening:
        """A prompt that the language model is asked for at once."""
        tariff, held = line.tariff, line.tariff.most(exchange.dearest)
        asked = {
            "state": str(PromptState.OPEN),
            "llm_model": tariff.model,
            "mock": tariff.llm.settings.mock,
            "currency": tariff.currency,
            "deadline": line.deadline(),
            "end_time": None,
        }
        return _Opening(
            key=key,
            row=self._row(order, task) | asked,
            now=self._context.now(),
            call=line.call(exchange.first),
            held=held,
            refusal=_over_cost(tariff, held, order.max_cost),
        )

    def _row(self, order: PromptOrder, task: _Task[Made]) -> dict[str, Json]:
        """A prompt as the rules make it."""
        now = self._context.now()
        row: dict[str, Json] = {
            "id": new_id("prompt"),
            "tenant": order.tenant,
            "creative_id": order.creative_id,
            "kind": str(task.kind),
            "state": str(PromptState.ENDED),
            "asked": {},
            "model": order.target.model,
            "parent_id": None,
            "job_id": None,
            "feedback": "",
            "iteration": 1,
            "source": str(Source.RULES),
            "result": task.keep(task.rules),
            "notices": [],
            "llm_model": "",
            "mock": False,
            "currency": "",
            "owner": self._context.database.instance,
            "create_time": now,
            "deadline": None,
            "end_time": now,
        }
        return row | task.values

    async def _talk(self, prompt_id: str, talk: Coroutine[Any, Any, None]) -> None:
        """Ask, also when the caller leaves: it is paid for. Whatever happens, the prompt is closed."""
        asking = asyncio.create_task(talk, name="filmgate-prompt")
        self._talks.add(asking)
        asking.add_done_callback(self._talks.discard)
        try:
            await asyncio.shield(asking)
        except Exception:  # the rules have an answer, whatever it was; the log has what
            _log.exception("asking the language model failed", prompt=prompt_id)
            await self._close(prompt_id)
        self._context.bell.ring(prompt_id)

    async def _ended(self, prompt_id: str) -> tuple[Kept, Spent]:
        """A prompt once nobody asks for it any more. Raises NotFound when it has been swept since."""
        with self._context.bell.listen(prompt_id) as listening:
            while True:
                look = partial(_look, prompt_id=prompt_id, is_lost=self._is_lost())
                kept, used, lost = await self._context.database.read(look)
                if kept.state is PromptState.ENDED:
                    return kept, used
                if lost:
                    await self._close(prompt_id)
                else:
                    await listening.wait(_LOOK)

    def _is_lost(self) -> sa.ColumnElement[bool]:
        """Of an open prompt: that its process is gone, or should have answered long ago."""
        prompts, executors, database = tables.prompts, tables.executors, self._context.database
        reaped = sa.select(executors.c.id).where(executors.c.id == prompts.c.owner, executors.c.reaped).exists()
        gone = reaped if database.shared else prompts.c.owner != database.instance
        return sa.or_(prompts.c.deadline < self._context.now(), gone)

    async def _close(self, prompt_id: str) -> None:
        """Nobody is left to hear the language model: the rules' answer stands."""
        now = self._context.now()

        def work(connection: sa.Connection) -> None:
            kept = journal.locked(connection, prompt_id)
            if kept.state is PromptState.OPEN:
                journal.lose(connection, kept, now)
                journal.end(connection, kept, now, notices=drafts.notices_json([LOST]))

        await self._context.database.write(work)
        self._context.bell.ring(prompt_id)


def _look(connection: sa.Connection, prompt_id: str, is_lost: sa.ColumnElement[bool]) -> tuple[Kept, Spent, bool]:
    kept = drafts.find(connection, prompt_id)
    if kept is None:
        raise NotFound(reason=Reason.NOT_FOUND, message="no such prompt")
    lost = sa.select(tables.prompts.c.id).where(tables.prompts.c.id == prompt_id, is_lost)
    used = drafts.spent(connection, [prompt_id]).get(prompt_id, Spent())
    return kept, used, connection.execute(lost).scalar() is not None


def _open(connection: sa.Connection, opening: _Opening) -> str:
    """Write a new prompt, its hold and its first call; or find the same request's. Raises what refuses it.

    The tenant's money is locked before its request ids (docs/decisions/0016).
    """
    key, row, now = opening.key, opening.row, opening.now
    earlier = requests.known(connection, [key]).get(key.identity)
    if earlier is not None:
        return _earlier(key, earlier)
    if drafts.find(connection, row["id"]) is not None:  # ours, if the connection was lost while it was committed
        return str(row["id"])
    if opening.refusal is not None:
        raise opening.refusal
    real = opening.held.micros if opening.held is not None and opening.held.currency == USD else 0
    gate = funds.Gate(connection, [(key.tenant, real)], now)
    refusal = gate.refusal(key.tenant, real)
    if refusal is not None:
        raise refusal
    elsewhere = requests.claim(connection, {key: [row["id"]]}, now)
    if elsewhere:
        return _earlier(key, elsewhere[key.identity])
    for name in gate.newcomers([key.tenant]):
        tenants.insert(connection, name, now)
    connection.execute(sa.insert(tables.prompts), row)
    if opening.held is not None and opening.call is not None:
        kept = journal.locked(connection, row["id"])
        ledger.hold(connection, journal.account(kept), opening.held, now)
        journal.intend(connection, kept, opening.call, now)
    return str(row["id"])


def _earlier(key: RequestKey, earlier: tuple[str, list[str]]) -> str:
    answer = requests.answer(key, earlier)
    if isinstance(answer, Conflict):
        raise answer
    return answer[0]


def _finish(
    keep: Callable[[Made], dict[str, Json]], connection: sa.Connection, kept: Kept, made: Made | Notice, now: datetime
) -> None:
    """The language model's answer takes the place of the rules', or the warning says why it does not."""
    if isinstance(made, Notice):
        journal.end(connection, kept, now, notices=drafts.notices_json([made]))
    else:
        journal.end(connection, kept, now, result=keep(made), source=str(Source.LLM))


def _refitted(before: Draft, made: Rewritten, target: Target) -> Rewritten:
    """What was made, fitted to the model, and all that is different now."""
    draft = fit(made.draft, target)
    return Rewritten(draft=draft, changes=retold(before, draft, made.changes, _FITTED))


def _over_cost(tariff: Tariff, held: Money, limit: Money | None) -> Precondition | InvalidRequest | None:
    """Why `max_cost` forbids asking the language model."""
    if limit is None:
        return None
    if wrong := funds.wrong_currency(limit, tariff.currency):
        return InvalidRequest.of(wrong)
    if not tariff.known:
        return funds.unpriced()
    return funds.over_max_cost(held, limit) if held.micros > limit.micros else None
