"""Prompts and scripts: rows of `prompt`, and what callers see of them."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from pydantic import TypeAdapter

from core.errors import NotFound, Reason
from core.money import Money
from core.outcome import Json
from core.spec import Notice
from jobs import tables
from prompts.words import Brief, Change, Draft, Rewritten, Script, Source


class PromptKind(enum.StrEnum):
    """How a prompt came about, in the words of the contract; a SCRIPT is kept like one."""

    QUANTIFY = "QUANTIFY"
    REGENERATE = "REGENERATE"
    SCRIPT = "SCRIPT"
    ENHANCE = "ENHANCE"


class PromptState(enum.StrEnum):
    """OPEN: a language model is asked, or will be; the result may still change. ENDED: never again."""

    OPEN = "OPEN"
    ENDED = "ENDED"


class CallState(enum.StrEnum):
    """What became of one call of a language model. INTENDED: not recorded yet."""

    INTENDED = "INTENDED"
    ANSWERED = "ANSWERED"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """A row of `prompt`. `owner` says who asks the language model, once there is a `deadline`."""

    id: str
    tenant: str
    creative_id: str
    kind: PromptKind
    state: PromptState
    input: str
    asked: Mapping[str, Json]
    model: str
    parent_id: str | None
    job_id: str | None
    feedback: str
    iteration: int
    source: Source
    result: Mapping[str, Json]
    notices: tuple[Notice, ...]
    llm_model: str
    mock: bool
    currency: str
    owner: str
    create_time: datetime
    deadline: datetime | None
    end_time: datetime | None

    @property
    def rewritten(self) -> Rewritten:
        """The draft and what has changed; not of a script."""
        return REWRITTEN.validate_python(self.result)

    @property
    def script(self) -> Script:
        """The scenes; of a script only."""
        return _SCRIPT.validate_python(self.result)

    @property
    def brief(self) -> Brief:
        """What a script was asked to tell."""
        return _BRIEF.validate_python(self.asked)


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """What a prompt's calls have used so far."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost: Money | None = None
    """None: no call was made that could have cost anything."""
    unknown: bool = False
    """Whether nobody knows what a part of it has cost."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PromptView:
    """A prompt as callers see it; fields as in the contract's Prompt."""

    id: str
    tenant: str
    creative_id: str
    kind: PromptKind
    input: str
    draft: Draft
    """Fitted to `model`. Its own notices are among `notices`."""
    source: Source
    model: str
    llm_model: str
    """Empty when the rules wrote it."""
    spent: Spent
    notices: tuple[Notice, ...]
    parent_id: str
    job_id: str
    feedback: str
    iteration: int
    changes: tuple[Change, ...]
    create_time: datetime
    mock: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptView:
    """A script as callers see it; fields as in the contract's Script."""

    id: str
    tenant: str
    creative_id: str
    brief: Brief
    script: Script
    source: Source
    model: str
    llm_model: str
    spent: Spent
    notices: tuple[Notice, ...]
    create_time: datetime
    mock: bool


REWRITTEN = TypeAdapter(Rewritten)
_SCRIPT = TypeAdapter(Script)
_BRIEF = TypeAdapter(Brief)
NOTICES = TypeAdapter(tuple[Notice, ...])


def rewritten_json(value: Rewritten) -> dict[str, Json]:
    """A draft and its changes, to be kept as a result."""
    return REWRITTEN.dump_python(value, mode="json")  # type: ignore[no-any-return]


def script_json(value: Script) -> dict[str, Json]:
    """A script, to be kept as a result."""
    return _SCRIPT.dump_python(value, mode="json")  # type: ignore[no-any-return]


def brief_json(value: Brief) -> dict[str, Json]:
    """What a script is to tell, to be kept as what was asked."""
    return _BRIEF.dump_python(value, mode="json")  # type: ignore[no-any-return]


def notices_json(value: Sequence[Notice]) -> list[Json]:
    """Notices, to be kept on a row."""
    return NOTICES.dump_python(tuple(value), mode="json")  # type: ignore[no-any-return]


def kept_of(row: sa.Row[Json]) -> Kept:
    """A Kept from a row of `prompt`."""
    values = {name: getattr(row, name) for name in Kept.__slots__}
    return Kept(**values | {
        "kind": PromptKind(row.kind),
        "state": PromptState(row.state),
        "source": Source(row.source),
        "notices": NOTICES.validate_python(row.notices),
    })  # fmt: skip


def find(connection: sa.Connection, prompt_id: str) -> Kept | None:
    """One row, whosever it is."""
    row = connection.execute(sa.select(tables.prompts).where(tables.prompts.c.id == prompt_id)).one_or_none()
    return None if row is None else kept_of(row)


def get(connection: sa.Connection, prompt_id: str, tenant: str) -> Kept:
    """A tenant's prompt, which is no script. Raises NotFound."""
    found = find(connection, prompt_id)
    if found is None or found.tenant != tenant or found.kind is PromptKind.SCRIPT:
        raise NotFound(reason=Reason.NOT_FOUND, message="no such prompt")
    return found


def spent(connection: sa.Connection, prompt_ids: Sequence[str]) -> dict[str, Spent]:
    """Prompt -> what its calls have used; those without a call are left out."""
    calls = tables.prompt_calls
    query = sa.select(calls).where(calls.c.prompt_id.in_(prompt_ids)).order_by(calls.c.id)
    found: dict[str, Spent] = {}
    for row in connection.execute(query):
        found[row.prompt_id] = _with_call(found.get(row.prompt_id, Spent()), row)
    return found


def _with_call(before: Spent, call: sa.Row[Json]) -> Spent:
    cost = before.cost
    if call.cost_micros is not None:
        cost = Money(currency=call.currency, micros=call.cost_micros + (0 if cost is None else cost.micros))
    return Spent(
        input_tokens=before.input_tokens + (call.input_tokens or 0),
        output_tokens=before.output_tokens + (call.output_tokens or 0),
        cost=cost,
        unknown=before.unknown or call.cost_unknown,
    )


def prompt_view(kept: Kept, used: Spent) -> PromptView:
    """A prompt as callers see it."""
    made = kept.rewritten
    return PromptView(
        id=kept.id,
        tenant=kept.tenant,
        creative_id=kept.creative_id,
        kind=kept.kind,
        input=kept.input,
        draft=made.draft,
        source=kept.source,
        model=kept.model,
        llm_model=kept.llm_model if kept.source is Source.LLM else "",
        spent=used,
        notices=(*made.draft.notices, *kept.notices),
        parent_id=kept.parent_id or "",
        job_id=kept.job_id or "",
        feedback=kept.feedback,
        iteration=kept.iteration,
        changes=made.changes,
        create_time=kept.create_time,
        mock=kept.mock,
    )


def script_view(kept: Kept, used: Spent) -> ScriptView:
    """A script as callers see it."""
    made = kept.script
    return ScriptView(
        id=kept.id,
        tenant=kept.tenant,
        creative_id=kept.creative_id,
        brief=kept.brief,
        script=made,
        source=kept.source,
        model=kept.model,
        llm_model=kept.llm_model if kept.source is Source.LLM else "",
        spent=used,
        notices=(*made.notices, *kept.notices),
        create_time=kept.create_time,
        mock=kept.mock,
    )
