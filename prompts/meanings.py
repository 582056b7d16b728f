"""What feedback does to a draft: comparatives (`feedback.toml`), and what the rules read in a clause."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from core.spec import Motion, Notice, Quality
from prompts.clauses import added, bare_thing, exchanged, holds, without
from prompts.fit import part
from prompts.words import Draft

_SHORTEST, _LONGEST = 1.0, 300.0
"""Seconds, whatever a factor makes of a length."""

_HOW_MUCH = "(?:a (?:bit|little)|slightly|somewhat|much|far|way|even)"

_Step = TypeVar("_Step", bound=Enum)


@dataclass(frozen=True, kw_only=True, slots=True)
class Meaning:
    """What a comparative means; `feedback.toml` says how each is written."""

    said: re.Pattern[str]
    words: str = ""
    drop: tuple[str, ...] = ()
    motion: int = 0
    quality: int = 0
    shot: int = 0
    length: float = 1.0
    avoid: str = ""
    camera: str = ""
    mood: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """All of `feedback.toml`."""

    meant: tuple[Meaning, ...]
    shots: tuple[str, ...]
    kinds: tuple[tuple[str, ...], ...]
    usual_seconds: float


@cache
def table() -> Table:
    """What people say, and what they mean."""
    rows = tomllib.loads((Path(__file__).parent / "feedback.toml").read_text("utf-8"))
    meant = tuple(_meaning(**row) for row in rows["meant"])
    return Table(
        meant=meant,
        shots=tuple(rows["shots"]),
        kinds=tuple(map(tuple, rows["kinds"])),
        usual_seconds=rows["usual_seconds"],
    )


def meant(clause: str) -> tuple[list[Meaning], str]:
    """The comparatives in a clause, and what is left of it."""
    found, rest = [], clause
    for meaning in table().meant:
        left = meaning.said.sub(" ", rest, count=1)
        if left != rest:
            found.append(meaning)
            rest = left
    return found, " ".join(rest.split())


def done(draft: Draft, meaning: Meaning) -> Draft:
    """The draft with one comparative carried out."""
    for words in meaning.drop:
        draft = replace(draft, prompt=without(draft.prompt, words))
    if meaning.words:
        draft = replace(draft, prompt=added(draft.prompt, meaning.words))
    if meaning.motion:
        draft = replace(draft, motion=_step(tuple(Motion), draft.motion or Motion.MEDIUM, meaning.motion))
    if meaning.quality:
        draft = replace(draft, quality=_step(tuple(Quality), draft.quality or Quality.STANDARD, meaning.quality))
    if meaning.camera:
        draft = moved(draft, (meaning.camera,))
    if meaning.mood:
        draft = _in_mood(draft, meaning.mood)
    if meaning.avoid:
        draft = unwanted(draft, meaning.avoid)
    if meaning.shot:
        draft = _nearer(draft, meaning.shot)
    return lasting(draft, factor=meaning.length)


def lasting(draft: Draft, *, factor: float = 1.0, more: float = 0.0) -> Draft:
    """The draft with another length; where none is known, the usual one is taken for it, with LENGTH_GUESSED."""
    if factor == 1.0 and not more:
        return draft
    before = table().usual_seconds if draft.duration is None else draft.duration
    after = round(min(max(before * factor + more, _SHORTEST), _LONGEST), 3)
    if draft.duration is None:
        message = f"the length before was not known: {before:g} s was taken for it"
        draft = noticed(draft, "LENGTH_GUESSED", message, "parameters.duration")
    return replace(draft, duration=after)


def exchanged_in_kind(text: str, old: str, new: str) -> str:
    """The text with `new` for `old`; a colour, a time of day or a season goes with the one it takes the place of."""
    first = new.split(" ", 1)[0].casefold()
    kind = next((kind for kind in table().kinds if first in kind), ())
    thing = bare_thing(old)
    for other in kind:
        if thing and (with_other := exchanged(text, f"{other} {thing}", new)) != text:
            return with_other
    return exchanged(text, old, new)


def moved(draft: Draft, camera: Sequence[str]) -> Draft:
    """The draft with these camera words: a shot takes the place of the shots, a move that of the moves."""
    parts = {part(move) for move in camera}
    old = [move for move in draft.camera if part(move) in parts and move not in camera]
    prompt = draft.prompt
    for move in old:
        prompt = without(prompt, move)
    return replace(
        draft, prompt=prompt, camera=(*(move for move in draft.camera if move not in (*old, *camera)), *camera)
    )


def unwanted(draft: Draft, things: str) -> Draft:
    """The draft without these things, as far as they can be taken out, and with them in its negative prompt."""
    prompt, named = draft.prompt, [*filter(None, (each.strip() for each in draft.negative_prompt.split(",")))]
    for thing in filter(None, (each.strip() for each in things.split(","))):
        prompt = without(prompt, thing)
        if thing.casefold() not in (each.casefold() for each in named):
            named.append(thing)
    return replace(draft, prompt=prompt, negative_prompt=", ".join(named))


def merged(draft: Draft, read: Draft) -> Draft:
    """The draft with every field the rules read; their readings name no words, for those are not its input's."""
    given = {name: getattr(read, name) for name in ("duration", "aspect_ratio", "style", "quality", "motion", "audio")}
    draft = replace(draft, **{name: value for name, value in given.items() if value is not None})
    draft = _in_mood(draft, read.mood) if read.mood else draft
    draft = moved(draft, read.camera) if read.camera else draft
    draft = unwanted(draft, read.negative_prompt) if read.negative_prompt else draft
    readings = (*draft.readings, *(replace(reading, words=()) for reading in read.readings))
    return replace(draft, readings=readings, notices=(*draft.notices, *read.notices))


def _in_mood(draft: Draft, mood: str) -> Draft:
    """The draft in another mood, without the words of the one before."""
    old = draft.mood if draft.mood != mood else ""
    prompt = without(without(draft.prompt, f"{old} mood"), old) if old else draft.prompt
    return replace(draft, prompt=prompt, mood=mood)


def noticed(draft: Draft, code: str, message: str, field: str = "") -> Draft:
    """The draft with one more notice."""
    return replace(draft, notices=(*draft.notices, Notice(code=code, message=message, field=field)))


def _meaning(*, said: str, drop: Sequence[str] = (), **row: Any) -> Meaning:
    pattern = rf"(?<!no )(?<![\w-])(?:{_HOW_MUCH}\s+)?(?:{said})(?![\w-])"
    return Meaning(said=re.compile(pattern, re.IGNORECASE), drop=tuple(drop), **row)


def _step(steps: tuple[_Step, ...], current: _Step, by: int) -> _Step:
    return steps[min(max(steps.index(current) + by, 0), len(steps) - 1)]


def _nearer(draft: Draft, by: int) -> Draft:
    """One shot size nearer or further, from the one that is named; a close-up or a wide shot where none is."""
    shots = table().shots
    text = ", ".join((*draft.camera, draft.prompt))
    old = next((shot for shot in sorted(shots, key=len, reverse=True) if holds(text, shot)), "")
    usual = "close-up" if by > 0 else "wide shot"
    new = shots[min(max(shots.index(old) + by, 0), len(shots) - 1)] if old else usual
    if old and holds(draft.prompt, old):
        draft = replace(draft, prompt=exchanged(draft.prompt, old, new))
    return moved(draft, (new,))
