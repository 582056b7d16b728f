"""Scripts without a language model (brief B3), and what every script goes through: its lengths, places and prompts."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from core.errors import InvalidRequest, Violation
from core.spec import Notice
from prompts.fit import fit
from prompts.timing import Timing, limits, share
from prompts.words import Brief, Draft, Scene, SceneType, Script, Target

_PLACE = re.compile(r"\{(product_name|style|cta_text)\}")
_WORDS_PER_SECOND = 2.3
_MOST_SCENES = 20
_ANGLES = ("seen from another angle", "in close detail", "from further away", "in a different light")
"""What makes a clip that comes again another clip."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Clip:
    """One clip of an outline. In its texts, `{product_name}`, `{style}` and `{cta_text}` stand for what they name."""

    video_prompt_template: str
    use_product_image: bool = False
    duration: float = 5.0
    """Seconds, where the brief says nothing else."""
    narration: tuple[str, ...] = ()
    """Lines to choose from: the first one that can be said within the scene is taken."""
    text: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """The card at the end of an outline; its texts as a clip's."""

    duration: float = 3.0
    text: str = "{cta_text}"
    narration: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Outline:
    """A script before it has a product, lengths and a model: a style's template, or what a language model wrote."""

    clips: tuple[Clip, ...]
    card: Card = field(default_factory=Card)
    aspect_ratio: str = "9:16"
    more: tuple[str, ...] = ()
    """Narration for clips that come again."""


def outlines(text: str) -> Mapping[str, Outline]:
    """Style -> its outline, from a file written like `scripts.toml`. Raises ValueError, naming what is wrong."""
    try:
        return {style: _outline(row) for style, row in tomllib.loads(text).items()}
    except (KeyError, TypeError, AttributeError) as wrong:
        raise ValueError(f"a script template is not written as it should be: {wrong}") from None


@cache
def built_in() -> Mapping[str, Outline]:
    """The four styles' outlines."""
    return outlines((Path(__file__).parent / "scripts.toml").read_text("utf-8"))


def write(brief: Brief, target: Target, templates: Mapping[str, Outline] | None = None) -> Script:
    """The script of a brief by its style's template, fitted to the target.

    Raises InvalidRequest, naming `style`, `product_image`, `duration` or `scenes`.
    """
    known = built_in() if templates is None else templates
    outline = known.get(brief.style)
    if outline is None:
        raise _refused("style", f"there is no script template for this style; there are {', '.join(known)}")
    if not outline.clips or not all(clip.video_prompt_template.strip() for clip in outline.clips):
        raise _refused("style", f"the template of {brief.style} has a scene without a prompt")
    return compose(brief, target, outline)


def compose(brief: Brief, target: Target, outline: Outline) -> Script:
    """The script of an outline: its clips repeated or left out, its places filled, its lengths exactly as asked.

    Every clip is no longer than the longest the target makes, and as long as one it makes where that adds up.
    Raises as `write` does.
    """
    if target.needs_image and not brief.has_image:
        raise _refused("product_image", f"{target.model} works from images only: give the product's image")
    if brief.scenes is not None and not 1 <= brief.scenes <= _MOST_SCENES:
        raise _refused("scenes", f"must be from 1 to {_MOST_SCENES}")
    timing = _timing(brief, target, outline)
    ratio, notices = _ratio(brief, target, outline)
    clips = zip(_chosen(outline, len(timing.clips)), timing.clips, strict=True)
    told = [_scene(number, clip, seconds, brief, target) for number, (clip, seconds) in enumerate(clips, 1)]
    told.append(_end(outline.card, timing.card, brief))
    return Script(
        scenes=tuple(scene for scene, _ in told),
        style=brief.style,
        aspect_ratio=ratio,
        notices=tuple(dict.fromkeys((*notices, *(notice for _, said in told for notice in said)))),
    )


def render(template: str, brief: Brief, target: Target) -> Draft:
    """A clip's prompt: the template with its places filled, within the target's limit, and why it was cut."""
    return fit(Draft(prompt=fill(template, brief)), target)


def fill(template: str, brief: Brief) -> str:
    """The template with its places filled in plainly: what is put in is never read as a template itself."""
    values = {"product_name": tidy(brief.product_name), "style": tidy(brief.style), "cta_text": tidy(brief.cta_text)}
    return _PLACE.sub(lambda place: values[place[1]], template)


def tidy(text: str) -> str:
    """On one line, without the signs that are not seen but turn what follows them."""
    seen = (" " if unicodedata.category(char) in {"Cc", "Zl", "Zp"} else char for char in text if char not in _TURNING)
    return " ".join("".join(seen).split())


_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def speakable(text: str, seconds: float) -> bool:
    """Whether a narrator can say it in this time: 2.3 words a second, two signs of Chinese or Japanese to a word."""
    wide = sum(1 for char in text if unicodedata.east_asian_width(char) in "WF" and char.isalpha())
    return len(re.findall(r"\w+", _WIDE.sub(" ", text))) + wide / 2 <= seconds * _WORDS_PER_SECOND


_WIDE = re.compile(r"[\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")


def _timing(brief: Brief, target: Target, outline: Outline) -> Timing:
    """The lengths of as many clips as asked; else of about as many as the outline has, with none bought to be cut."""
    usual = len(outline.clips)
    total = brief.duration
    if total is None:
        total = sum(clip.duration for clip in _chosen(outline, brief.scenes or usual)) + outline.card.duration
    counts = (brief.scenes,) if brief.scenes else range(1, _MOST_SCENES + 1)
    weights = ([clip.duration for clip in _chosen(outline, count)] for count in counts)
    timings = [each for each in (share(total, one, outline.card.duration, target.durations) for one in weights) if each]
    if timings:
        return min(timings, key=lambda each: (each.trimmed, abs(len(each.clips) - usual) * (not each.trimmed)))
    shortest, longest = limits(counts[0], target.durations)[0], limits(counts[-1], target.durations)[1]
    clips = f"{brief.scenes} clips" if brief.scenes else f"up to {_MOST_SCENES} clips"
    message = f"{clips} of {target.model} and a card take from {shortest:.4g} s to {longest:.4g} s together"
    raise _refused("duration", message)


def _chosen(outline: Outline, count: int) -> list[Clip]:
    """So many of its clips, spread evenly, in order; one that comes again is seen and told otherwise."""
    clips, known = outline.clips, len(outline.clips)
    if count < known:
        return [clips[round(index * (known - 1) / max(count - 1, 1))] for index in range(count)]
    lines = iter(outline.more)
    picked = [
        (clips[index * known // count], index - _first(index * known // count, known, count)) for index in range(count)
    ]
    return [clip if not again else _again(clip, again, next(lines, "")) for clip, again in picked]


def _first(clip: int, known: int, count: int) -> int:
    """The first of `count` scenes that shows this one of `known` clips."""
    return -(-clip * count // known)


def _again(clip: Clip, times: int, line: str) -> Clip:
    angle = _ANGLES[(times - 1) % len(_ANGLES)]
    return replace(clip, video_prompt_template=f"{clip.video_prompt_template}, {angle}", narration=(line,), text="")


def _scene(number: int, clip: Clip, seconds: float, brief: Brief, target: Target) -> tuple[Scene, tuple[Notice, ...]]:
    prompt = render(clip.video_prompt_template, brief, target)
    narration, notices = _narration(clip.narration, seconds, brief)
    scene = Scene(
        id=f"scene-{number}",
        type=SceneType.VIDEO,
        video_prompt_template=clip.video_prompt_template,
        video_prompt=prompt.prompt,
        use_product_image=brief.has_image and ((clip.use_product_image and target.takes_image) or target.needs_image),
        duration=seconds,
        narration=narration,
        text=fill(clip.text, brief),
    )
    return scene, (*prompt.notices, *notices)


def _end(card: Card, seconds: float, brief: Brief) -> tuple[Scene, tuple[Notice, ...]]:
    narration, notices = _narration(card.narration, seconds, brief)
    text = fill(card.text, brief) or tidy(brief.cta_text)
    return Scene(id="card", type=SceneType.CARD, duration=seconds, narration=narration, text=text), notices


def _narration(lines: Sequence[str], seconds: float, brief: Brief) -> tuple[str, tuple[Notice, ...]]:
    filled = [line for line in (fill(each, brief).strip() for each in lines) if line]
    said = next((line for line in filled if speakable(line, seconds)), "")
    if said or not filled:
        return said, ()
    message = f"no line of the narration can be said in {seconds:g} s: it is left out"
    return "", (Notice(code="NARRATION_LEFT_OUT", message=message, field="scenes", before=filled[-1]),)


def _ratio(brief: Brief, target: Target, outline: Outline) -> tuple[str, tuple[Notice, ...]]:
    """The ratio asked for, else the outline's, where the target makes it."""
    wanted = brief.aspect_ratio or outline.aspect_ratio
    fitted = fit(Draft(prompt="", aspect_ratio=wanted), replace(target, prompt_limit=1))
    if fitted.aspect_ratio is not None:
        return fitted.aspect_ratio, ()
    if not target.aspect_ratios:
        message = f"the clips of {target.model} take the shape of their image"
        return wanted, (Notice(code="FITTED", message=message, field="aspect_ratio", before=wanted),)
    taken = "16:9" if "16:9" in target.aspect_ratios else target.aspect_ratios[0]
    message = f"{target.model} makes only {' or '.join(target.aspect_ratios)}: {taken} instead of {wanted}"
    return taken, (Notice(code="FITTED", message=message, field="aspect_ratio", before=wanted, after=taken),)


def _outline(row: Mapping[str, Any]) -> Outline:
    clips = tuple(Clip(**(clip | {"narration": tuple(clip.get("narration", ()))})) for clip in row["clips"])
    card = row.get("card", {})
    rest = {name: value for name, value in row.items() if name not in {"clips", "card", "more"}}
    return Outline(
        clips=clips,
        card=Card(**(card | {"narration": tuple(card.get("narration", ()))})),
        more=tuple(row.get("more", ())),
        **rest,
    )


def _refused(field: str, message: str) -> InvalidRequest:
    return InvalidRequest.of([Violation(field=field, message=message)])
