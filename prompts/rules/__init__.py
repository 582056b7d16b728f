"""The rule-based path: what a text asks for, read by fixed rules, the same for ever and without a key."""

from collections.abc import Collection

from core.spec import Motion, Quality
from prompts.rules.camera import camera
from prompts.rules.finding import Finding
from prompts.rules.frames import frames
from prompts.rules.lengths import lengths
from prompts.rules.negatives import negatives
from prompts.rules.phrases import framed, heard, sure, tagged
from prompts.rules.ratios import ratios
from prompts.rules.settle import Settled, outside, reading, settle
from prompts.rules.tokens import Text, tokenize
from prompts.rules.trim import trimmed
from prompts.rules.vocabulary import BUILT_IN, Phrases, phrases, table
from prompts.words import Draft

__all__ = ["BUILT_IN", "read"]

_GUESS = 0.6
"""What is at most so sure, and was not taken, stays in the prompt."""


def read(text: str, styles: Collection[str] = BUILT_IN) -> Draft:
    """What a text asks for, in which words, and how sure that is; `styles` are the names that may be read as one.

    Deterministic; takes any text and never raises. What is not read stays in the prompt as it was typed.
    """
    tokens = tokenize(text)
    findings = tuple(_findings(tokens, phrases(frozenset(styles))))
    settled = settle(findings)
    return Draft(
        prompt=trimmed(tokens, _carried(findings, settled)),
        negative_prompt=", ".join(_values(settled, "negative_prompt")),
        duration=settled["duration"].winner.seconds if "duration" in settled else None,
        aspect_ratio=_value(settled, "aspect_ratio"),
        style=_value(settled, "style"),
        quality=Quality(settled["quality"].winner.value) if "quality" in settled else None,
        motion=Motion(settled["motion"].winner.value) if "motion" in settled else None,
        audio=settled["audio"].winner.value == "on" if "audio" in settled else None,
        camera=_values(settled, "camera"),
        mood=", ".join(_values(settled, "mood")),
        readings=tuple(reading(tokens, one) for one in settled.values()),
        notices=(*(notice for one in settled.values() for notice in one.notices), *outside(findings)),
    )


def _findings(text: Text, known: Phrases) -> list[Finding]:
    """All that the rules find, in the order of the text; each looks only at what those before it have left."""
    units = frozenset(table("lengths")["units"])
    found = list(camera(frames(text, frozenset(), units)))
    found += ratios(text)
    found += lengths(frames(text, _taken(found), units | frozenset(known)))
    found += sure(text, known, _taken(found))
    aware = frames(text, _taken(found), units | _single(known))
    found += framed(aware, known, _taken(found))
    found += heard(aware, _taken(found))
    found += negatives(text, _taken(found))
    return sorted([*found, *tagged(text)], key=lambda one: one.first)


def _taken(found: list[Finding]) -> frozenset[int]:
    return frozenset(index for one in found for index in one.tokens)


def _single(known: Phrases) -> frozenset[str]:
    """The words that say something by themselves."""
    return frozenset(word for word, found in known.items() if len(found[-1].words) == 1)


def _carried(findings: tuple[Finding, ...], settled: dict[str, Settled]) -> list[Finding]:
    """The findings that a field carries: those that made it, and those that it was decided against."""
    made = {id(one) for field in settled.values() for one in field.findings}
    return [one for one in findings if one.field in settled and (id(one) in made or one.confidence > _GUESS)]


def _value(settled: dict[str, Settled], field: str) -> str | None:
    return settled[field].winner.value if field in settled else None


def _values(settled: dict[str, Settled], field: str) -> tuple[str, ...]:
    return settled[field].values if field in settled else ()
