"""What a prompt is made better from: an earlier prompt, a job as it was sent, or a text that nobody has seen."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import sqlalchemy as sa

from core.outcome import Json
from core.spec import Motion, Preferences, Quality
from jobs import drafts
from jobs.context import Context
from jobs.drafts import Kept
from jobs.orders import Order
from jobs.queries import job_row
from prompts.words import Draft


@dataclass(frozen=True, kw_only=True, slots=True)
class Previous:
    """What is to be made better."""

    draft: Draft
    text: str
    """As it was given."""
    model: str = ""
    """Id of the model it is fitted to; empty: to none."""
    creative_id: str = ""
    parent_id: str | None = None
    job_id: str | None = None
    iteration: int = 0
    """Of the prompt that it is; 0: it is none."""


def of_prompt(connection: sa.Connection, prompt_id: str, tenant: str) -> Previous:
    """A tenant's earlier prompt. Raises NotFound."""
    kept = drafts.get(connection, prompt_id, tenant)
    draft = kept.rewritten.draft
    return Previous(
        draft=draft,
        text=draft.prompt,
        model=kept.model,
        creative_id=kept.creative_id,
        parent_id=kept.id,
        iteration=kept.iteration,
    )


def of_job(connection: sa.Connection, job_id: str, tenant: str) -> Previous:
    """A tenant's job: its prompt and parameters, as they were sent. Raises NotFound."""
    job = job_row(connection, job_id, tenant)
    parent = drafts.find(connection, job.prompt_id) if job.prompt_id else None
    return Previous(
        draft=_sent(job.prompt, job.parameters, parent),
        text=job.prompt,
        model=job.model,
        creative_id=job.creative_id,
        parent_id=parent.id if parent else None,
        job_id=job.id,
        iteration=parent.iteration if parent else 0,
    )


def _sent(prompt: str, parameters: Mapping[str, Json], parent: Kept | None) -> Draft:
    """The draft behind a job: that of its prompt, unless the caller sent other words, with what was really bought."""
    draft = Draft(prompt=prompt)
    if parent is not None:
        made = parent.rewritten.draft
        draft = replace(made, notices=()) if prompt in (parent.input, made.prompt) else draft
    motion, quality = parameters.get("motion"), parameters.get("quality")
    return replace(
        draft,
        duration=parameters.get("duration"),
        aspect_ratio=parameters.get("aspect_ratio"),
        negative_prompt=parameters.get("negative_prompt") or "",
        style=parameters.get("style"),
        motion=Motion(motion) if motion else None,
        quality=Quality(quality) if quality else None,
        audio=parameters.get("audio"),
    )


async def with_prompt(context: Context, order: Order) -> Order:
    """An order with what the prompt that it names says: its text where none was typed, and then its parameters.

    They are preferences: what the order's model cannot do is worth a warning. Raises NotFound.
    """
    if not order.prompt_id:
        return order
    found = await context.database.read(partial(drafts.get, prompt_id=order.prompt_id, tenant=order.tenant))
    if order.wish.prompt.strip():
        return order
    draft = found.rewritten.draft
    said = {name: getattr(draft, name) for name in Preferences.__slots__}
    preferred = Preferences(**said | {"negative_prompt": draft.negative_prompt or None})
    return replace(order, wish=replace(order.wish, prompt=draft.prompt, preferred=preferred))


def preferences(draft: Draft) -> Preferences:
    """What a draft asks for beside its words; a guess costs nobody money."""
    sure = {reading.field for reading in draft.readings if reading.confidence >= 0.5}
    said = {name: getattr(draft, name) or None for name in Preferences.__slots__ if name in sure}
    return Preferences(**said | ({"audio": draft.audio} if "audio" in sure else {}))
