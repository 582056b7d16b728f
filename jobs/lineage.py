"""How the videos of a creative came about: iterations, the prompts behind them, what each step has cost. Reads only."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.money import Money
from core.outcome import Json
from jobs import drafts, tables
from jobs.drafts import Kept, PromptKind, PromptView, Spent, kept_of
from jobs.queries import clip_costs
from jobs.records import ClipState
from ledger.ledger import Kind
from ledger.tables import entries
from ledger.usage import still_unknown


@dataclass(frozen=True, kw_only=True, slots=True)
class Iteration:
    """One video of a creative, or the try to make one."""

    iteration: int
    job_id: str
    clip_id: str
    video_id: str
    """Empty: there is none, or not yet, or no longer."""
    model: str
    state: ClipState
    prompt_original: str
    prompt_final: str
    prompt_id: str
    """Empty: it was made from none that is known."""
    cost: Money
    cost_unknown: bool
    create_time: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class StageCost:
    """What one stage has cost, in one currency."""

    stage: str
    """As in the ledger: `video`, `prompt`."""
    cost: Money
    unknown: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Lineage:
    """A page of a creative's history. Iterations newest first, prompts oldest first, costs of the whole creative."""

    iterations: Sequence[Iteration]
    prompts: Sequence[PromptView]
    costs: Sequence[StageCost]


def lineage(
    connection: sa.Connection, tenant: str, creative_id: str, size: int = 50, before: int | None = None
) -> Lineage:
    """Iterations numbered below `before`, at most `size`, and every prompt they were made from, ancestors included.

    The first page also has the creative's prompts that no iteration was made from. An unknown creative has nothing.
    """
    iterations = _iterations(connection, tenant, creative_id, size, before)
    named = {each.prompt_id for each in iterations if each.prompt_id}
    if before is None:
        named |= _unused(connection, tenant, creative_id)
    return Lineage(
        iterations=iterations,
        prompts=_prompts(connection, tenant, named),
        costs=_costs(connection, tenant, creative_id),
    )


def _iterations(
    connection: sa.Connection, tenant: str, creative_id: str, size: int, before: int | None
) -> list[Iteration]:
    jobs, clips, videos = tables.jobs, tables.clips, tables.videos
    video = sa.and_(videos.c.clip_id == clips.c.id, videos.c.delete_time.is_(None))
    query = (
        sa.select(
            clips.c.iteration,
            clips.c.job_id,
            clips.c.id.label("clip_id"),
            clips.c.model,
            clips.c.state,
            clips.c.candidates,
            jobs.c.prompt,
            jobs.c.prompt_id,
            jobs.c.quote,
            jobs.c.create_time,
            videos.c.id.label("video_id"),
        )
        .select_from(jobs.join(clips, clips.c.job_id == jobs.c.id).outerjoin(videos, video))
        .where(jobs.c.tenant == tenant, jobs.c.creative_id == creative_id)
        .order_by(clips.c.iteration.desc())
        .limit(size)
    )
    rows = connection.execute(query if before is None else query.where(clips.c.iteration < before)).all()
    costs = clip_costs(connection, [row.clip_id for row in rows])
    return [_iteration(row, *costs.get(row.clip_id, (0, False))) for row in rows]


def _iteration(row: Any, micros: int, unknown: bool) -> Iteration:
    return Iteration(
        iteration=row.iteration,
        job_id=row.job_id,
        clip_id=row.clip_id,
        video_id=row.video_id or "",
        model=row.model,
        state=ClipState(row.state),
        prompt_original=row.prompt,
        prompt_final=_final(row.candidates, row.model),
        prompt_id=row.prompt_id or "",
        cost=Money(currency=row.quote["currency"], micros=micros),
        cost_unknown=unknown,
        create_time=row.create_time,
    )


def _final(candidates: Sequence[Mapping[str, Json]], model: str) -> str:
    """The prompt as it is, or will be, sent to the clip's model."""
    return next((str(each["spec"].get("prompt") or "") for each in candidates if each["model"] == model), "")


def _unused(connection: sa.Connection, tenant: str, creative_id: str) -> set[str]:
    """Prompts of the creative that no job was made from."""
    prompts, jobs = tables.prompts, tables.jobs
    used = sa.select(jobs.c.id).where(jobs.c.prompt_id == prompts.c.id).exists()
    query = sa.select(prompts.c.id).where(
        prompts.c.tenant == tenant,
        prompts.c.creative_id == creative_id,
        prompts.c.kind != str(PromptKind.SCRIPT),
        ~used,
    )
    return set(connection.execute(query.order_by(prompts.c.id.desc()).limit(_MOST_PROMPTS)).scalars())


_MOST_PROMPTS = 200
"""Unused prompts of a creative that are shown."""


def _prompts(connection: sa.Connection, tenant: str, named: Collection[str]) -> list[PromptView]:
    """These prompts and all their ancestors, oldest first."""
    found: dict[str, Kept] = {}
    wanted = set(named)
    while wanted:
        query = sa.select(tables.prompts).where(tables.prompts.c.id.in_(wanted), tables.prompts.c.tenant == tenant)
        rows = [kept_of(row) for row in connection.execute(query)]
        found |= {row.id: row for row in rows}
        wanted = {row.parent_id for row in rows if row.parent_id} - found.keys()
    used = drafts.spent(connection, list(found))
    return [drafts.prompt_view(found[name], used.get(name, Spent())) for name in sorted(found)]


def _costs(connection: sa.Connection, tenant: str, creative_id: str) -> list[StageCost]:
    columns = (entries.c.stage, entries.c.currency)
    unknown = sa.func.sum(sa.case((still_unknown(), 1), else_=0)).label("unknown")
    query = sa.select(*columns, sa.func.sum(entries.c.micros).label("micros"), unknown).where(
        entries.c.tenant == tenant, entries.c.creative_id == creative_id, entries.c.kind == str(Kind.SETTLE)
    )
    return [
        StageCost(
            stage=row.stage, cost=Money(currency=row.currency, micros=int(row.micros)), unknown=bool(int(row.unknown))
        )
        for row in connection.execute(query.group_by(*columns).order_by(*columns))
    ]
