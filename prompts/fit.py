"""Fits a draft to a model: only what it can do is asked of it, and its prompt is in the words that suit it."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from core.spec import Motion, Notice
from prompts.clauses import holds, joined
from prompts.cutting import cut
from prompts.houses import House, Negatives, house
from prompts.words import Draft, Target

_SAME_LENGTH = 0.01
"""Seconds: `3.57 s` names a clip of 25 frames at 7 a second."""

_MANY = 4
"""More lengths than this are told by their ends."""

_SHOTS = ("shot", "close-up", "close up", "closeup", "macro", "angle", "view", "aerial", "pov")
"""What tells a shot from a move of the camera."""

_MOTION = {Motion.LOW: "slow, unhurried movement", Motion.MEDIUM: "", Motion.HIGH: "fast, energetic movement"}
_RATIO = re.compile(r"([1-9]\d{0,3}):([1-9]\d{0,3})")
_NEGATIVE_LIMIT = 4000
"""What the contract takes, in characters."""


def fit(draft: Draft, target: Target) -> Draft:
    """The draft as the target can make it, its prompt within the target's limit; a notice for every difference.

    Codes: FITTED (a parameter that is not offered so), PROMPT_SHORTENED, PROMPT_NOT_SENT. Readings are kept. Fitting
    twice is fitting once. Never raises.
    """
    for step in (_duration, _quality, _ratio, _audio, _prompt):
        draft = step(draft, target)
    return draft


def _duration(draft: Draft, target: Target) -> Draft:
    wanted = draft.duration
    if wanted is None:
        return draft
    offered = _length(wanted, target.durations)
    if offered is not None and abs(offered - wanted) <= _SAME_LENGTH:
        return replace(draft, duration=offered)
    after = "" if offered is None else f"{offered:.4g} s"
    why = f"{target.model} makes {_lengths(target.durations)}"
    return _fitted(replace(draft, duration=offered), "duration", f"{wanted:.4g} s", after, why)


def _length(wanted: float, offered: tuple[float, ...]) -> float | None:
    """The one it names, else the shortest that covers it, else the longest."""
    return next((each for each in offered if each >= wanted - _SAME_LENGTH), offered[-1] if offered else None)


def _lengths(offered: tuple[float, ...]) -> str:
    if len(offered) > _MANY:
        return f"{offered[0]:.4g} to {offered[-1]:.4g} s"
    return _either(f"{each:.4g} s" for each in offered) or "a length of its own"


def _quality(draft: Draft, target: Target) -> Draft:
    quality, seconds = draft.quality, draft.duration
    if quality is None:
        return draft
    if quality not in target.qualities:
        return _fitted(
            replace(draft, quality=None), "quality", quality.value, "", f"{target.model} has no such quality"
        )
    lengths = target.durations_at.get(quality)
    if seconds is None or lengths is None or seconds in lengths:
        return draft
    why = f"{target.model} makes no {seconds:.4g} s in this quality"
    return _fitted(replace(draft, quality=None), "quality", quality.value, "", why)


def _ratio(draft: Draft, target: Target) -> Draft:
    wanted = draft.aspect_ratio
    if wanted is None:
        return draft
    same = next((each for each in target.aspect_ratios if _fraction(each) == _fraction(wanted)), None)
    if same is not None:
        return replace(draft, aspect_ratio=same)
    why = f"{target.model} makes {_either(target.aspect_ratios)}" if target.aspect_ratios else "the input decides it"
    return _fitted(replace(draft, aspect_ratio=None), "aspect_ratio", wanted, "", why)


def _audio(draft: Draft, target: Target) -> Draft:
    if draft.audio is None or target.audio:
        return draft
    if draft.audio == target.has_audio:
        return replace(draft, audio=None)
    why = f"{target.model} {'always makes sound' if target.has_audio else 'makes no sound'}"
    return _fitted(replace(draft, audio=None), "audio", "on" if draft.audio else "off", "", why)


def _prompt(draft: Draft, target: Target) -> Draft:
    draft, unwanted = _negatives(draft, target)
    draft, moving = _motion(draft, target)
    if target.prompt_limit == 0:
        message = f"{target.model} takes no prompt: it is kept, but not sent"
        return _told(draft, Notice(code="PROMPT_NOT_SENT", message=message, field="prompt"))
    style = house(target)
    text = _commanded(draft.prompt.strip(), draft.camera, style)
    said = (*_extras(draft, style), moving, unwanted)
    extras = [extra for extra in dict.fromkeys(said) if extra.words.strip() and not holds(text, extra.words)]
    whole = _joined(text, extras, style)
    length = target.length(whole)
    if length <= target.prompt_limit:
        return replace(draft, prompt=whole)
    short = _short(text, extras, target)
    units = "UTF-16 code units" if target.prompt_utf16 else "characters"
    notice = Notice(
        code="PROMPT_SHORTENED",
        message=f"{target.model} takes {target.prompt_limit} {units}: the prompt was cut after its first part",
        field="prompt",
        before=f"{length} {units}",
        after=f"{target.length(short)} {units}",
    )
    return _told(replace(draft, prompt=short), notice)


@dataclass(frozen=True, slots=True)
class _Extra:
    """Words that another field adds to the prompt, and the part of the prompt they are."""

    part: str
    words: str


def _commanded(text: str, camera: Iterable[str], style: House) -> str:
    """The text with the vendor's own word beside each camera word that stands in it."""
    for move in camera:
        spoken = style.spoken(move)
        if spoken != move and not holds(text, spoken):
            text = re.sub(re.escape(move), lambda found: style.spoken(found[0]), text, count=1, flags=re.IGNORECASE)
    return text


def _extras(draft: Draft, style: House) -> list[_Extra]:
    """What camera and mood add to the prompt."""
    moves = [_Extra(part(move), style.spoken(move)) for move in draft.camera if not holds(draft.prompt, move)]
    mood = draft.mood if " " in draft.mood else f"{draft.mood} mood"
    return [*moves, *([] if holds(draft.prompt, draft.mood) else [_Extra("mood", mood)])]


def _motion(draft: Draft, target: Target) -> tuple[Draft, _Extra]:
    """The draft with a motion setting only where there is one, and what is said in the prompt instead."""
    if draft.motion is None or target.motion:
        return draft, _Extra("action", "")
    said = (words.text for each in draft.readings if each.field == "motion" for words in each.words)
    usual = _MOTION[draft.motion] if target.prompt_limit else ""
    words = next((text for text in said if holds(draft.prompt, text)), usual)
    why = f"{target.model} has no motion setting"
    draft = _fitted(replace(draft, motion=None), "motion", draft.motion.value, words, why)
    return draft, _Extra("action", words)


def _negatives(draft: Draft, target: Target) -> tuple[Draft, _Extra]:
    """The draft with a negative prompt only where there is one, and what is said in the prompt instead."""
    unwanted = draft.negative_prompt.strip()
    if target.negative_prompt or not unwanted:
        return replace(draft, negative_prompt=cut(unwanted, _NEGATIVE_LIMIT)), _Extra("end", "")
    manner = house(target).negatives if target.prompt_limit else Negatives.DROP
    words = _MANNERS[manner](tuple(filter(None, (each.strip() for each in unwanted.split(",")))))
    naming = ", and naming what shall not be seen calls it" if target.prompt_limit and not words else ""
    why = f"{target.model} takes no negative prompt{naming}"
    draft = _fitted(replace(draft, negative_prompt=""), "negative_prompt", unwanted, words, why)
    return draft, _Extra("end", words)


_MANNERS: Mapping[Negatives, Callable[[tuple[str, ...]], str]] = {
    Negatives.AVOID: lambda things: f"avoid: {', '.join(things)}",
    Negatives.PLAIN: lambda things: ", ".join(thing if thing.startswith("no ") else f"no {thing}" for thing in things),
    Negatives.DROP: lambda things: "",
}


def part(move: str) -> str:
    """Which part of a prompt a camera word is: `shot` (how it looks) or `camera` (how it moves)."""
    return "shot" if any(word in move.casefold() for word in _SHOTS) else "camera"


def _joined(text: str, extras: Sequence[_Extra], style: House) -> str:
    """One text: what the house puts first, the picture, then the rest; each a sentence of its own."""
    if not extras:
        return text
    order = (*style.order, "end")
    content = min(order.index(part) for part in ("subject", "action", "scene"))
    ordered = sorted(extras, key=lambda extra: order.index(extra.part))
    first = ", ".join(extra.words for extra in ordered if order.index(extra.part) < content)
    rest = (extra.words for extra in ordered if order.index(extra.part) >= content)
    return joined(first, text, *rest)


def _short(text: str, extras: list[_Extra], target: Target) -> str:
    """The prompt within the limit: the picture is cut; of what it is joined with, no more than half the limit stays."""
    style, limit, utf16 = house(target), target.prompt_limit, target.prompt_utf16
    kept = list(extras)
    while kept and target.length(_joined("", kept, style)) > limit // 2:
        kept.pop()
    around = target.length(_joined("x", kept, style)) - 1
    return cut(_joined(cut(text, limit - around, utf16=utf16), kept, style), limit, utf16=utf16)


def _fraction(ratio: str) -> Fraction | None:
    match = _RATIO.fullmatch(ratio)
    return Fraction(int(match[1]), int(match[2])) if match else None


def _either(offered: Iterable[str]) -> str:
    return " or ".join(offered)


def _fitted(draft: Draft, field: str, before: str, after: str, why: str) -> Draft:
    message = f"{why}: {after} instead of {before}" if after else f"{why}: {before} is left out"
    notice = Notice(code="FITTED", message=message, field=f"parameters.{field}", before=before, after=after)
    return _told(draft, notice)


def _told(draft: Draft, notice: Notice) -> Draft:
    return replace(draft, notices=(*draft.notices, notice))
