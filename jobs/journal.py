"""Calls of the language model: each is written down before it is sent, sent once, and booked with what became of it.

Whoever finds a call INTENDED that it has not sent itself books it as UNKNOWN, and nobody ever sends it again. Should
its answer come after all, the difference is booked.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

import sqlalchemy as sa

from core.crashpoints import crashpoint, declare
from core.identifiers import new_id
from core.money import MOCK_CURRENCY, USD, Money
from core.outcome import Json
from core.spec import Notice
from jobs import audit, tables
from jobs.context import Context
from jobs.drafts import CallState, Kept, PromptKind, PromptState, find, kept_of
from jobs.locks import lock_job
from ledger import ledger
from ledger.ledger import Basis
from prompts.llm import Llm
from prompts.tasks import Exchange, Failed
from prompts.words import Ask, Fate, Said, Usage

for _name in ("prompt", "enhance"):
    declare(f"before-{_name}", f"after-{_name}-intend", f"before-{_name}-record", f"after-{_name}-record")
STAGE = "prompt"
_MOST_CALLS = 2
_LATE = timedelta(seconds=15)
"""How long after its last answer should have come a prompt may be closed by others."""
_BYTES_PER_TOKEN = 4
_USUAL_ANSWER = 600
"""Tokens."""
_STATES = {Fate.ANSWERED: CallState.ANSWERED, Fate.REFUSED: CallState.REFUSED, Fate.UNKNOWN: CallState.UNKNOWN}

Result = TypeVar("Result")
Finish = Callable[[sa.Connection, Kept, Result | Notice, datetime], None]
"""Ends a `locked` prompt that is OPEN with a result, or with why there is none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A call that is written down: nobody else will send it."""

    id: str
    number: int
    held: Money
    """The most it can cost; 0 where no prices are set."""
    deadline: datetime


@dataclass(frozen=True, slots=True)
class Tariff:
    """What the language model costs. Without prices every amount is 0, and `known` is false."""

    llm: Llm

    @property
    def model(self) -> str:
        """The language model, by its name."""
        return self.llm.settings.model

    @property
    def currency(self) -> str:
        """Of all its money."""
        return MOCK_CURRENCY if self.llm.settings.mock else USD

    @property
    def known(self) -> bool:
        """Whether prices are set."""
        return self.llm.cost(Usage(input_tokens=0, output_tokens=0)) is not None

    def most(self, asks: Sequence[Ask]) -> Money:
        """The dearest that these calls can be."""
        return self._money(sum(self._cost(*self.llm.worst_case(ask)) for ask in asks))

    def usual(self, ask: Ask) -> Money:
        """About what a call costs."""
        read, written = self.llm.worst_case(ask)
        return self._money(self._cost(read // _BYTES_PER_TOKEN, min(written, _USUAL_ANSWER)))

    def bill(self, said: Said, held: Money) -> "Bill":
        """What a call costs of which this came."""
        stated = self.llm.cost(said.usage)
        if said.fate is Fate.REFUSED:
            return Bill(money=self._money(0), basis=Basis.NOT_BILLED)
        if stated is None:
            return Bill(money=held, basis=Basis.UNKNOWN)
        return Bill(money=self._money(stated), basis=Basis.TOKENS)

    def _cost(self, read: int, written: int) -> int:
        return self.llm.cost(Usage(input_tokens=read, output_tokens=written)) or 0

    def _money(self, micros: int) -> Money:
        return Money(currency=self.currency, micros=micros)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bill:
    """What a call costs, and how we know."""

    money: Money
    basis: str

    @property
    def unknown(self) -> bool:
        """Nobody knows: the amount is the most it can be."""
        return self.basis == Basis.UNKNOWN


def account(kept: Kept) -> ledger.Account:
    """Whom the ledger charges for a prompt: it stands where a clip does, of a job only if it was made for one."""
    return ledger.Account(
        tenant=kept.tenant,
        creative_id=kept.creative_id,
        job_id=(kept.job_id or "") if kept.kind is PromptKind.ENHANCE else "",
        clip_id=kept.id,
        model=kept.llm_model,
        stage=STAGE,
    )


def locked(connection: sa.Connection, prompt_id: str) -> Kept:
    """A prompt that nobody else changes until the end of the transaction; one that was made for a job with its job."""
    prompts = tables.prompts
    query = sa.select(prompts).where(prompts.c.id == prompt_id)
    found = kept_of(connection.execute(query).one())
    if found.kind is PromptKind.ENHANCE and found.job_id is not None:
        lock_job(connection, found.job_id)
        return kept_of(connection.execute(query).one())
    return kept_of(connection.execute(query.with_for_update(key_share=True)).one())


def intend(connection: sa.Connection, kept: Kept, call: Call, now: datetime) -> bool:
    """Write a call of a `locked` prompt down. False: somebody has closed the prompt, or made this call."""
    calls = tables.prompt_calls
    same = sa.select(calls.c.id).where(calls.c.prompt_id == kept.id, calls.c.number == call.number)
    there = connection.execute(same).scalar()
    if there is not None:  # ours, if the connection was lost while it was committed
        return bool(there == call.id)
    if kept.state is not PromptState.OPEN:
        return False
    row: dict[str, Json] = {
        "id": call.id,
        "prompt_id": kept.id,
        "number": call.number,
        "state": str(CallState.INTENDED),
        "owner": kept.owner,
        "intend_time": now,
        "deadline": call.deadline,
        "held_micros": call.held.micros,
        "currency": call.held.currency,
        "cost_unknown": False,
        "detail": "",
    }
    connection.execute(sa.insert(calls), row)
    return True


def record(connection: sa.Connection, tariff: Tariff, kept: Kept, call: Call, said: Said, now: datetime) -> None:
    """Write what became of a call of a `locked` prompt, and book it; once, and once more if it was booked as lost."""
    calls = tables.prompt_calls
    before = connection.execute(sa.select(calls).where(calls.c.id == call.id)).one()
    bill = tariff.bill(said, call.held)
    if before.state == str(CallState.INTENDED):
        _book(connection, kept, call.id, bill, now)
    elif before.cost_unknown and not bill.unknown:
        difference = replace(bill.money, micros=bill.money.micros - before.cost_micros)
        ledger.correct(connection, account(kept), difference, bill.basis, now, attempt_id=call.id)
    else:
        return
    values = {
        "state": str(_STATES[said.fate]),
        "end_time": now,
        "input_tokens": said.usage.input_tokens,
        "output_tokens": said.usage.output_tokens,
        "cost_micros": bill.money.micros,
        "cost_unknown": bill.unknown,
        "detail": said.detail,
    }
    connection.execute(sa.update(calls).where(calls.c.id == call.id).values(**values))


def _book(connection: sa.Connection, kept: Kept, call_id: str, bill: Bill, now: datetime) -> None:
    if bill.basis == Basis.NOT_BILLED:
        return
    grown = ledger.settle(
        connection, account(kept), bill.money, bill.basis, now, attempt_id=call_id, unknown=bill.unknown
    )
    alarms = {"COST_ABOVE_HOLD": bool(grown), "UNKNOWN_COST": bill.unknown}
    facts = {"prompt": kept.id, "model": kept.llm_model, "booked": str(bill.money)}
    for alarm in (name for name, raised in alarms.items() if raised):
        audit.alarm(connection, alarm, now, tenant=kept.tenant, target=call_id, facts=facts)


def lose(connection: sa.Connection, kept: Kept, now: datetime) -> None:
    """Nobody will say what became of a `locked` prompt's calls: each is booked at the most that it can have cost."""
    calls = tables.prompt_calls
    for row in connection.execute(sa.select(calls).where(*_under_way(kept.id)).order_by(calls.c.number)).all():
        bill = Bill(money=Money(currency=row.currency, micros=row.held_micros), basis=Basis.UNKNOWN)
        _book(connection, kept, row.id, bill, now)
        values = {"state": str(CallState.UNKNOWN), "end_time": now, "detail": "nobody was left to hear the answer"}
        values |= {"cost_micros": bill.money.micros, "cost_unknown": True}
        connection.execute(sa.update(calls).where(calls.c.id == row.id).values(**values))


def end(connection: sa.Connection, kept: Kept, now: datetime, **values: Json) -> None:
    """End a `locked` prompt: what is left of its hold is given back, and `values` are its last ones."""
    if kept.llm_model:
        ledger.release(connection, account(kept), kept.currency, now)
    ended = {"state": str(PromptState.ENDED), "end_time": now, **values}
    connection.execute(sa.update(tables.prompts).where(tables.prompts.c.id == kept.id).values(**ended))


def abandon(connection: sa.Connection, prompt_id: str, now: datetime) -> None:
    """End a prompt that nobody needs any more, its job locked; one that is being asked ends with the answer."""
    kept = find(connection, prompt_id)
    if kept is None or kept.state is not PromptState.OPEN:
        return
    calls = sa.select(tables.prompt_calls.c.id).where(*_under_way(prompt_id))
    if connection.execute(calls.limit(1)).scalar() is None:
        end(connection, kept, now)


def _under_way(prompt_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    calls = tables.prompt_calls
    return calls.c.prompt_id == prompt_id, calls.c.state == str(CallState.INTENDED)


def begins(name: str) -> None:
    """Nothing is written down yet."""
    crashpoint(f"before-{name}")


@dataclass(frozen=True, slots=True)
class Line:
    """The line to the language model: nobody sends a call but who has written it down. `name`: its crash points."""

    context: Context
    tariff: Tariff
    name: str

    def call(self, ask: Ask, number: int = 1) -> Call:
        """A call to be written down."""
        deadline = self.context.now() + timedelta(seconds=self.tariff.llm.settings.timeout) + _LATE
        return Call(id=new_id("call"), number=number, held=self.tariff.most([ask]), deadline=deadline)

    def deadline(self) -> datetime:
        """When a prompt that begins now must have ended, all its calls included."""
        return self.context.now() + timedelta(seconds=_MOST_CALLS * self.tariff.llm.settings.timeout) + _LATE

    async def talk(self, prompt_id: str, exchange: Exchange[Result], call: Call, finish: Finish[Result]) -> None:
        """Send a call that is written down, and the one that may mend its answer; book both; `finish` with the last."""
        said = await self._send(exchange.first)
        outcome = exchange.read(said)
        if isinstance(outcome, Ask):
            again = self.call(outcome, number=2)
            if not await self._record(prompt_id, call, said, self._mend(again)):
                return
            call, said = again, await self._send(outcome)
            outcome = exchange.read(said)
        assert not isinstance(outcome, Ask)  # an answer is mended once
        result = outcome.notice if isinstance(outcome, Failed) else outcome

        def finished(connection: sa.Connection, kept: Kept, now: datetime) -> bool:
            finish(connection, kept, result, now)
            return True

        crashpoint(f"before-{self.name}-record")
        await self._record(prompt_id, call, said, finished)
        crashpoint(f"after-{self.name}-record")

    def _mend(self, again: Call) -> Callable[[sa.Connection, Kept, datetime], bool]:
        return lambda connection, kept, now: intend(connection, kept, again, now)

    async def _record(
        self, prompt_id: str, call: Call, said: Said, then: Callable[[sa.Connection, Kept, datetime], bool]
    ) -> bool:
        """Write what became of a call, however long the database is away, and do what follows; False once it is ENDED.

        Only this process knows it: what others have closed meanwhile is booked all the same.
        """
        now = self.context.now()

        def work(connection: sa.Connection) -> bool:
            kept = locked(connection, prompt_id)
            record(connection, self.tariff, kept, call, said, now)
            return kept.state is PromptState.OPEN and then(connection, kept, now)

        return await self.context.database.write_surely(work)

    async def _send(self, ask: Ask) -> Said:
        """A drain waits for the answer."""
        crashpoint(f"after-{self.name}-intend")
        await self.context.engine.hold()
        self.context.purchases += 1
        try:
            return await self.tariff.llm.ask(ask)
        finally:
            self.context.purchases -= 1
