"""House styles: how each vendor wants its models spoken to, as data with a source (`houses.toml`)."""

import enum
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from prompts.words import Target

PARTS = ("shot", "subject", "action", "scene", "camera", "light", "style", "mood")
"""What a prompt is made of; a house says in which order."""


class Negatives(enum.StrEnum):
    """What becomes of things that shall not be seen, where the model takes no negative prompt."""

    AVOID = "avoid"
    """`Avoid: people, text.`"""
    PLAIN = "plain"
    """`No people, no text.`"""
    DROP = "drop"
    """Left out: the vendor says that naming a thing calls it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class House:
    """One house style."""

    name: str
    title: str
    families: tuple[str, ...]
    """Patterns of the families it speaks for, such as `kling-*`."""
    order: tuple[str, ...] = PARTS
    """Every one of PARTS, in the vendor's order."""
    negatives: Negatives = Negatives.PLAIN
    camera: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Everyday camera words -> the vendor's own."""
    camera_form: str = "{move}"
    """How a move that has a word of the vendor's own is written: `{move}` as it was said, `{term}` the vendor's."""
    advice: str
    """The vendor's advice in a few sentences, for whoever writes a prompt."""
    source: str
    """Where the advice is published; `none found`: then it is neutral."""
    checked: date

    def spoken(self, move: str) -> str:
        """A camera move in the house's words."""
        known = sorted((words for words in self.camera if words in move.casefold()), key=len)
        if not known:
            return move
        return self.camera_form.replace("{term}", self.camera[known[-1]]).replace("{move}", move)


@cache
def houses() -> tuple[House, ...]:
    """Every house, in the file's order; the last one speaks for all that have none of their own."""
    rows = tomllib.loads((Path(__file__).parent / "houses.toml").read_text("utf-8"))["house"]
    return tuple(_house(**row) for row in rows)


def house(target: Target) -> House:
    """The house whose style suits the target."""
    return _of(target.family)


@cache
def _of(family: str) -> House:
    return next(each for each in houses() if any(fnmatchcase(family, pattern) for pattern in each.families))


def advice(target: Target) -> str:
    """What to know when writing for the target, in a few sentences: its house's advice and its own limits."""
    style = house(target)
    said = (
        f"Model: {target.model} ({style.title}).",
        f"Order of the parts: {', '.join(style.order)}.",
        style.advice,
        _NEGATIVES[None if target.negative_prompt else style.negatives],
        "It works from an image: describe what moves and changes, not what the image shows." * target.needs_image,
        "" if target.audio or target.has_audio else "It makes no sound: describe none.",
        _length(target),
    )
    return " ".join(filter(None, said))


_NEGATIVES = {
    None: "What shall not be seen belongs into the negative prompt, as a list of things.",
    Negatives.AVOID: "What shall not be seen may end the prompt as `Avoid: ...`.",
    Negatives.PLAIN: "What shall not be seen is said in plain words, such as `no people`.",
    Negatives.DROP: "Never say what shall not be seen: say what is seen instead.",
}


def _length(target: Target) -> str:
    if target.prompt_limit == 0:
        return "It takes no prompt at all."
    units = "UTF-16 code units" if target.prompt_utf16 else "characters"
    return f"The prompt has at most {target.prompt_limit} {units}."


def _house(*, families: list[str], order: list[str] | None = None, negatives: str = "plain", **row: object) -> House:
    named = tuple(order or PARTS)
    full = named + tuple(part for part in PARTS if part not in named)
    return House(families=tuple(families), order=full, negatives=Negatives(negatives), **row)  # type: ignore[arg-type]  # the file's own words
