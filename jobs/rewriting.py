"""What enhancing writes: better words for every clip that has bought nothing yet, fitted to each of its models."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from core.outcome import Json
from core.spec import Notice
from jobs import drafts, journal, tables
from jobs.context import Context, emit
from jobs.drafts import Kept
from jobs.events import EventKind, ProgressStage
from jobs.records import ClipState, Enhancement, Job, job_of, notice_json, spec_of
from jobs.targets import target
from prompts.fit import fit
from prompts.rules import read
from prompts.words import Draft, Rewritten, Source
from providers.catalogue import Catalogue
from providers.resolve import with_style
from providers.styles import STYLES

_SAME_LENGTH = 0.01
"""Seconds."""


def by_rules(context: Context, connection: sa.Connection, kept: Kept, now: datetime) -> None:
    """End a `locked` prompt with the rules' words, and let its job go on with them."""
    _rewrite(context.vendors.catalogue, connection, kept, read(kept.input, tuple(STYLES)))
    journal.end(connection, kept, now)
    _go_on(connection, kept, (), "the prompt was rewritten by rules", now)


def by_model(context: Context, connection: sa.Connection, kept: Kept, said: Draft | Notice, now: datetime) -> None:
    """End a `locked` prompt with the language model's words, or with why there are none, and let its job go on."""
    if isinstance(said, Notice):
        failed(connection, kept, said.message, now)
        return
    words = _rewrite(context.vendors.catalogue, connection, kept, said)
    notices = _read_otherwise(said, _job(connection, kept))
    result = drafts.rewritten_json(Rewritten(draft=_with_words(kept.rewritten.draft, words)))
    journal.end(connection, kept, now, result=result, source=str(Source.LLM), notices=drafts.notices_json(notices))
    _go_on(connection, kept, notices, f"the prompt was rewritten by {kept.llm_model}", now)


def failed(connection: sa.Connection, kept: Kept, why: str, now: datetime) -> None:
    """End a `locked` prompt with the words as they were given, and let its job go on with them."""
    notice = Notice(code="ENHANCE_FAILED", message=f"{why}: the prompt is used as it was given", field="enhance_prompt")
    given = Draft(prompt=kept.input, negative_prompt=kept.rewritten.draft.negative_prompt)
    result = drafts.rewritten_json(Rewritten(draft=_with_words(kept.rewritten.draft, given)))
    journal.end(connection, kept, now, result=result, notices=drafts.notices_json([notice]))
    _go_on(connection, kept, [notice], notice.message, now)


def _with_words(draft: Draft, words: Draft) -> Draft:
    """The same, in other words: they hold what was said of camera and mood."""
    return replace(
        draft,
        prompt=words.prompt,
        negative_prompt=words.negative_prompt,
        camera=(),
        mood="",
        notices=words.notices,
    )


def _read_otherwise(said: Draft, job: Job) -> list[Notice]:
    """What it read is not bought: a warning where that is another length."""
    bought = job.parameters.get("duration")
    if said.duration is None or bought is None or abs(said.duration - bought) <= _SAME_LENGTH:
        return []
    message = f"the language model reads a length of {said.duration:g} s; as quoted, {bought:g} s are bought"
    return [Notice(code="ENHANCE_DIFFERS", message=message, field="parameters.duration", after=f"{bought:g} s")]


def _rewrite(catalogue: Catalogue, connection: sa.Connection, kept: Kept, draft: Draft) -> Draft:
    """Give every candidate of the waiting clips its words; those of the kept model, else as they are."""
    found = draft
    for clip_id, candidates in _waiting(connection, kept):
        rewritten = []
        for candidate in candidates:
            words, spec = _words(catalogue, kept, candidate, draft)
            rewritten.append({**candidate, "spec": spec})
            found = words if candidate["model"] == kept.model else found
        update = sa.update(tables.clips).where(tables.clips.c.id == clip_id)
        connection.execute(update.values(candidates=rewritten))
    return found


def _words(
    catalogue: Catalogue, kept: Kept, candidate: Mapping[str, Json], draft: Draft
) -> tuple[Draft, Mapping[str, Json]]:
    """A draft fitted to one candidate's model, and the candidate's spec with its words. What was typed stays."""
    row, spec = catalogue.rows.get(candidate["model"]), candidate["spec"]
    if row is None or not row.prompt_limit:
        return draft, spec
    fitted = fit(draft, target(row, spec_of(spec, {}).mode))
    if not fitted.prompt.strip():  # the text said nothing that can be seen
        return fitted, spec
    prompt = with_style(fitted.prompt, STYLES.get(kept.asked["style"] or ""), row) or fitted.prompt
    negative = spec.get("negative_prompt")
    if "negative_prompt" in row.wire and not kept.asked["negative_prompt"]:
        negative = fitted.negative_prompt or None
    return fitted, {**spec, "prompt": prompt, "negative_prompt": negative}


def _waiting(connection: sa.Connection, kept: Kept) -> Sequence[tuple[str, Sequence[Mapping[str, Json]]]]:
    """The clips of the prompt's job that have bought nothing, with their candidates."""
    clips, attempts = tables.clips, tables.attempts
    bought = sa.select(attempts.c.id).where(attempts.c.clip_id == clips.c.id).exists()
    living = clips.c.state.in_([str(ClipState.QUEUED), str(ClipState.RUNNING)])
    query = sa.select(clips.c.id, clips.c.candidates).where(clips.c.job_id == kept.job_id, living, ~bought)
    return [(row.id, row.candidates) for row in connection.execute(query.order_by(clips.c.position.desc()))]


def _go_on(connection: sa.Connection, kept: Kept, notices: Sequence[Notice], message: str, now: datetime) -> None:
    """The job has its words: it says so, and its clips may be bought."""
    job = _job(connection, kept)
    stage = str(ProgressStage.SUBMITTING)
    values: dict[str, Json] = {"enhancement": str(Enhancement.DONE)}
    for _, candidates in _waiting(connection, kept)[-1:]:
        spec = candidates[0]["spec"]
        parameters = {**job.parameters, "negative_prompt": spec.get("negative_prompt")}
        values["final_prompt"] = spec["prompt"]
        values["parameters"] = {name: value for name, value in parameters.items() if value is not None}
    if not job.state.terminal:
        values |= {"notices": [*job.notices, *map(notice_json, notices)], "stage": stage}
    jobs, clips = tables.jobs, tables.clips
    connection.execute(sa.update(jobs).where(jobs.c.id == job.id).values(**values))
    asked = (clips.c.job_id == job.id, clips.c.stage == str(ProgressStage.ENHANCING))
    connection.execute(sa.update(clips).where(*asked).values(stage=stage))
    if not job.state.terminal:
        emit(connection, job.id, EventKind.ENHANCED, now, {"message": message, "stage": stage})


def _job(connection: sa.Connection, kept: Kept) -> Job:
    return job_of(connection.execute(sa.select(tables.jobs).where(tables.jobs.c.id == kept.job_id)).one())
