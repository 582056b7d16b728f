"""Drafts by a language model: a text read, a prompt made better after feedback, a prompt put in better words."""

import re
from collections.abc import Collection, Mapping
from dataclasses import fields
from functools import partial
from pathlib import Path

from core.outcome import Json
from prompts.tasks.answers import DraftAnswer, EnhancedAnswer, ReadingAnswer, RewrittenAnswer, schema
from prompts.tasks.exchange import Exchange
from prompts.tasks.frames import facts
from prompts.words import FIELDS, Change, Draft, Reading, Rewritten, Target, Words

_UNFOUNDED = 0.4
"""The most that a reading is sure of whose words are not in the text: a guess."""


def quantify(
    text: str, target: Target, styles: Collection[str], *, advice: str = "", folder: Path | None = None
) -> Exchange[Draft]:
    """Reads a free text of a stranger. The draft is not fitted to the model; its words occur in the text."""
    return Exchange(
        "quantify",
        answer=DraftAnswer,
        schema=schema(DraftAnswer, {"style": styles}),
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
        schema=schema(RewrittenAnswer, {"style": allowed}),
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
    values = _values(answer)
    told: dict[str, ReadingAnswer] = {reading.field: reading for reading in reversed(answer.readings)}
    readings = tuple(
        _reading(name, value, told.get(name), text) for name in FIELDS if (value := shown(name, values[name]))
    )
    return Draft(**values, readings=readings)


def _values(answer: DraftAnswer) -> dict[str, Json]:
    """The fields of a draft, without readings."""
    return {
        "prompt": answer.prompt.strip(),
        "negative_prompt": answer.negative_prompt.strip(),
        "duration": answer.duration_seconds,
        "aspect_ratio": answer.aspect_ratio,
        "style": answer.style,
        "quality": answer.quality,
        "motion": answer.motion,
        "audio": answer.audio,
        "camera": tuple(each.strip() for each in answer.camera if each.strip()),
        "mood": answer.mood.strip(),
    }


def shown(name: str, value: Json) -> str:
    """A field's value as text for people; empty when it is not set."""
    if value is None:
        return ""
    if name == "duration":
        return f"{value:g} s"
    if name == "audio":
        return "on" if value else "off"
    return ", ".join(value) if name == "camera" else str(value)


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
    values = _values(answer)
    known = {reading.field: reading for reading in previous.readings}
    told: dict[str, float] = {reading.field: reading.confidence for reading in answer.readings}
    readings = []
    for name in FIELDS:
        value = shown(name, values[name])
        if value and value == shown(name, getattr(previous, name)) and name in known:
            readings.append(known[name])
        elif value:
            readings.append(Reading(field=name, value=value, confidence=told.get(name, _UNFOUNDED)))
    draft = Draft(**values, readings=tuple(readings))
    return Rewritten(draft=draft, changes=changes(previous, draft, {each.field: each.why for each in answer.changes}))


def changes(before: Draft, after: Draft, why: Mapping[str, str]) -> tuple[Change, ...]:
    """Every difference between two drafts, with the reason given for its field."""
    found = []
    for name in ("prompt", *FIELDS):
        old, new = shown(name, getattr(before, name)), shown(name, getattr(after, name))
        if old != new:
            if name == "prompt":
                old, new = _replaced(old, new)
            found.append(Change(field=name, before=old, after=new, why=why.get(name, "").strip() or _WHY))
    return tuple(found)


_WHY = "The feedback asks for it."


def _replaced(old: str, new: str) -> tuple[str, str]:
    """The words of two texts between what both begin and end with."""
    before, after = old.split(), new.split()
    while before and after and before[0] == after[0]:
        before, after = before[1:], after[1:]
    while before and after and before[-1] == after[-1]:
        before, after = before[:-1], after[:-1]
    return " ".join(before), " ".join(after)


def _shown(draft: Draft) -> dict[str, Json]:
    """A draft as the data of a call."""
    return {each.name: getattr(draft, each.name) for each in fields(draft) if each.name not in ("readings", "notices")}
