"""The words the rules know, as data: TOML files beside the code, read once, when the first text is."""

import enum
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from prompts.rules.tokens import Text, tokenize

BUILT_IN = frozenset({"luxury", "energetic", "minimal", "bold"})
"""The styles that every installation has."""

_DATA = Path(__file__).parent / "data"
_KINDS = ("styles", "quality", "motion", "audio", "mood", "ratios")


class Sway(enum.Enum):
    """Where a phrase counts."""

    ALWAYS = "always"
    """Wherever it stands."""
    LOOSE = "loose"
    """Wherever it stands, but as a guess where it only describes a thing."""
    FRAMED = "framed"
    """Only where it is said of the video."""
    LABELLED = "labelled"
    """Only after the field's label: `Sound: off`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Phrase:
    """Some words in a row, and what they say."""

    words: tuple[str, ...]
    field: str
    value: str
    sway: Sway
    cut: bool = False
    """Whether the words may leave the prompt, because the field carries them."""
    not_before: frozenset[str] = frozenset()
    not_after: frozenset[str] = frozenset()
    shape: bool = False
    """Of a ratio: only the orientation is said."""
    platform: bool = False
    """Of a ratio: only where it will be shown is said."""

    def stands(self, text: Text, first: int) -> bool:
        """Whether these words stand there, as whole words and beside no neighbour that makes them something else."""
        last = first + len(self.words)
        if text.words[first:last] != self.words:
            return False
        after, whole = text.word(last), last == len(text.tokens) or not text.tokens[last].hyphen
        return whole and after not in self.not_before and text.word(first - 1) not in self.not_after


Phrases = Mapping[str, tuple[Phrase, ...]]
"""Phrases by their first word, the longest first."""


@cache
def table(name: str) -> Mapping[str, Any]:
    """One file of words, by its name without the ending."""
    return tomllib.loads((_DATA / f"{name}.toml").read_text("utf-8"))


@cache
def words(name: str, *keys: str) -> frozenset[str]:
    """A list of words of a file as a set."""
    found: Any = table(name)
    for key in keys:
        found = found[key]
    return frozenset(found)


def spelled(phrase: str) -> tuple[str, ...]:
    """A phrase as the words of its tokens."""
    return tuple(token.word for token in tokenize(phrase).tokens)


def gathered(phrases: Iterable[Phrase]) -> Phrases:
    """Phrases by their first word, the longest first."""
    by_word: dict[str, list[Phrase]] = {}
    for phrase in phrases:
        by_word.setdefault(phrase.words[0], []).append(phrase)
    return {word: tuple(sorted(found, key=lambda one: -len(one.words))) for word, found in by_word.items()}


@cache
def plain(name: str, *keys: str) -> Phrases:
    """Phrases of a mere list, which count wherever they stand."""
    return gathered(
        Phrase(words=spelled(phrase), field=name, value=phrase, sway=Sway.ALWAYS) for phrase in words(name, *keys)
    )


@lru_cache(maxsize=64)
def phrases(styles: frozenset[str]) -> Phrases:
    """All that is read by its words alone, where these styles exist."""
    known = [phrase for kind in _KINDS for phrase in _of_kind(table(kind))]
    own = [phrase for style in sorted(styles - BUILT_IN) for phrase in _of_own(style)]
    return gathered([*(one for one in known if one.field != "style" or one.value in styles), *own])


@cache
def labels() -> Mapping[str, frozenset[str]]:
    """The fields that a label names; the label as words with single spaces."""
    named: dict[str, set[str]] = {}
    for field, known in table("labels").items():
        for label in known:
            named.setdefault(" ".join(spelled(label)), set()).add(field)
    return {label: frozenset(fields) for label, fields in named.items()}


def standing(known: Phrases, text: Text, index: int, among: Collection[Sway] = tuple(Sway)) -> list[Phrase]:
    """The phrases that stand at a token, the longest first."""
    return [one for one in known.get(text.words[index], ()) if one.sway in among and one.stands(text, index)]


def longest(known: Phrases, text: Text, index: int) -> Phrase | None:
    """The longest phrase that stands at a token."""
    return next((one for one in known.get(text.words[index], ()) if one.stands(text, index)), None)


def _of_kind(kind: Mapping[str, Any]) -> Iterator[Phrase]:
    values = kind["value"]
    for value in values:
        for sway in Sway:
            for phrase in value.get(sway.value, ()):
                yield Phrase(
                    words=spelled(phrase),
                    field=kind["field"],
                    value=value.get("name", ""),
                    sway=sway,
                    cut=value.get("cut", kind.get("cut", False)),
                    not_before=frozenset((*value.get("not_before", ()), *_shared(kind, "not_before"))),
                    not_after=frozenset((*value.get("not_after", ()), *_shared(kind, "not_after"))),
                    shape=value.get("shape", False),
                    platform=value.get("platform", False),
                )


def _shared(kind: Mapping[str, Any], side: str) -> tuple[str, ...]:
    # The neighbours of numeric ratios are no neighbours of `vertical`.
    return () if kind["field"] == "aspect_ratio" else tuple(kind.get(side, ()))


def _of_own(style: str) -> Iterator[Phrase]:
    """An operator's own style: by its name, where that is said of the video."""
    spoken = spelled(style.replace("_", " ").replace("-", " "))
    if spoken:
        yield Phrase(words=spoken, field="style", value=style, sway=Sway.FRAMED)
