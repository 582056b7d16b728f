"""Drafts by a language model: a text read, a prompt made better after feedback, a prompt put in better words."""

import re
from collections.abc import Collection
from dataclasses import fields, replace
from functools import partial
from pathlib import Path

from core.outcome import Json
from prompts.changes import changes, spoken
from prompts.tasks.answers import DraftAnswer, EnhancedAnswer, ReadingAnswer, RewrittenAnswer, schema
from prompts.tasks.exchange import Exchange
from prompts.tasks.frames import facts
from prompts.words import FIELDS, Draft, Reading, Rewritten, Target, Words

_WHY = "The feedback asks for it."
_UNFOUNDED = 0.4
"""The most that a reading is sure of whose words are not in the text: a guess."""


def quantify(
    text: str, target: Target, styles: Collection[str], *, advice: str = "", folder: Path | None = None
) -> Exchange[Draft]:
    """Reads a free text of a stranger. The draft is not fitted to the model; its words occur in the text."""
    return Exchange(
        "quantify",
        answer=DraftAnswer,
        schema=schema(DraftAnswer, styles),
        facts=facts(target, advice, styles),
        data={"text": text},
        finish=partial(_draft, text=text),
        context={"styles": frozenset(styles)},
        folder=folder,
    )


def regenerate(
    previous: Draft,
    feedback: str,
    target: Target,
    styles: Collection[str],
    *,
    advice: str = "",
    folder: Path | None = None,
) -> Exchange[Rewritten]:
    """Makes a prompt better after feedback. The changes are those that the two drafts really have.

    What did not change keeps its reading; what did has one without words, because they are not the input's.
    """
    allowed = {*styles, *([previous.style] if previous.style else [])}
    return Exchange(
        "regenerate",
        answer=RewrittenAnswer,
        schema=schema(RewrittenAnswer, allowed),
        facts=facts(target, advice, allowed),
        data={"previous": _shown(previous), "feedback": feedback},
        finish=partial(_rewritten, previous=previous),
        context={"styles": frozenset(allowed)},
        folder=folder,
    )


def enhance(text: str, target: Target, *, advice: str = "", folder: Path | None = None) -> Exchange[Draft]:
    """Puts a prompt in better words: the draft has `prompt` and `negative_prompt`, and nothing that costs money.

    Its `duration` is only what the language model read, for a warning where the caller has read another.
    """
    return Exchange(
        "enhance",
        answer=EnhancedAnswer,
        schema=schema(EnhancedAnswer),
        facts=facts(target, advice),
        data={"text": text},
        finish=_enhanced,
        folder=folder,
    )


def _enhanced(answer: EnhancedAnswer) -> Draft:
    return Draft(
        prompt=answer.prompt.strip(),
        negative_prompt=answer.negative_prompt.strip(),
        duration=answer.duration_seconds,
    )


def _draft(answer: DraftAnswer, *, text: str) -> Draft:
    draft = _plain(answer)
    told: dict[str, ReadingAnswer] = {reading.field: reading for reading in reversed(answer.readings)}
    readings = (_reading(name, value, told.get(name), text) for name, value in _said(draft).items())
    return replace(draft, readings=tuple(readings))


def _plain(answer: DraftAnswer) -> Draft:
    """The draft of an answer, without readings."""
    return Draft(
        prompt=answer.prompt.strip(),
        negative_prompt=answer.negative_prompt.strip(),
        duration=answer.duration_seconds,
        aspect_ratio=answer.aspect_ratio,
        style=answer.style,
        quality=answer.quality,
        motion=answer.motion,
        audio=answer.audio,
        camera=tuple(each.strip() for each in answer.camera if each.strip()),
        mood=answer.mood.strip(),
    )


def _said(draft: Draft) -> dict[str, str]:
    """The fields that are set, each as text for people."""
    return {name: value for name, value in zip(FIELDS, spoken(draft), strict=True) if value}


def _reading(name: str, value: str, told: ReadingAnswer | None, text: str) -> Reading:
    words = _found(told.words, text) if told is not None else None
    sure = told.confidence if told is not None else _UNFOUNDED
    if words is None:
        return Reading(field=name, value=value, confidence=min(sure, _UNFOUNDED))
    return Reading(field=name, value=value, confidence=sure, words=(words,))


def _found(words: str, text: str) -> Words | None:
    """Where the text has these words, whatever their case and the space between them."""
    pattern = r"\s+".join(re.escape(part) for part in words.split())
    match = re.search(pattern, text, re.IGNORECASE) if pattern else None
    return Words(start=match.start(), end=match.end(), text=match[0]) if match else None


def _rewritten(answer: RewrittenAnswer, *, previous: Draft) -> Rewritten:
    draft = _plain(answer)
    known = {(reading.field, reading.value): reading for reading in previous.readings}
    told: dict[str, float] = {reading.field: reading.confidence for reading in answer.readings}
    readings = (
        known.get(said, Reading(field=said[0], value=said[1], confidence=told.get(said[0], _UNFOUNDED)))
        for said in _said(draft).items()
    )
    draft = replace(draft, readings=tuple(readings))
    why = {"": _WHY} | {each.field: each.why.strip() for each in answer.changes if each.why.strip()}
    return Rewritten(draft=draft, changes=changes(previous, draft, why))


def _shown(draft: Draft) -> dict[str, Json]:
    """A draft as the data of a call."""
    return {each.name: getattr(draft, each.name) for each in fields(draft) if each.name not in ("readings", "notices")}
