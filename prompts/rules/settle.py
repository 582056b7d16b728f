"""From findings to one value per field, and a word about what contradicts itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.spec import Notice
from prompts.rules.finding import Finding
from prompts.rules.lengths import LONGEST
from prompts.rules.ratios import upright
from prompts.rules.tokens import Text
from prompts.words import FIELDS, Reading, Words

_EXPLICIT, _GUESS, _TORN = 0.85, 0.6, 0.5
_MANY = ("camera", "mood", "negative_prompt")
_MOST_MOODS = 3
_MOST_NAMED = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """What a field is, from which findings; `winner` speaks for it where there can be one value only."""

    field: str
    values: tuple[str, ...]
    winner: Finding
    findings: tuple[Finding, ...]
    confidence: float
    notices: tuple[Notice, ...] = ()


def settle(findings: Sequence[Finding]) -> dict[str, Settled]:
    """Each field that is set, in the order of FIELDS."""
    by_field = {field: [one for one in findings if one.field == field] for field in FIELDS}
    legal = {field: [one for one in found if one.notice != "OUT_OF_RANGE"] for field, found in by_field.items()}
    return {field: _many(found) if field in _MANY else _one(found) for field, found in legal.items() if found}


def outside(findings: Iterable[Finding]) -> tuple[Notice, ...]:
    """A word about each length that no video may have."""
    return tuple(
        Notice(
            code="OUT_OF_RANGE",
            message=f"{one.value} is not read as the length: it must be more than 0 s and at most {LONGEST:g} s",
            field=f"parameters.{one.field}",
            before=one.value,
        )
        for one in findings
        if one.notice == "OUT_OF_RANGE"
    )


def reading(text: Text, settled: Settled) -> Reading:
    """Why a field is what it is."""
    return Reading(
        field=settled.field,
        value=", ".join(settled.values),
        confidence=settled.confidence,
        words=tuple(_words(text, one) for one in settled.findings),
    )


def _words(text: Text, finding: Finding) -> Words:
    start, end = text.tokens[finding.first].start, text.tokens[finding.last - 1].end
    return Words(start=start, end=end, text=text.raw[start:end])


def _many(found: list[Finding]) -> Settled:
    values = tuple(dict.fromkeys(one.value for one in found))
    if found[0].field == "mood":
        values = values[:_MOST_MOODS]
    return Settled(
        field=found[0].field,
        values=values,
        winner=found[0],
        findings=tuple(one for one in found if one.value in values),
        confidence=min(one.confidence for one in found),
    )


def _one(found: list[Finding]) -> Settled:
    """The last of the most explicit findings, and what agrees or disagrees with it."""
    sure = [one for one in found if one.confidence >= _GUESS]
    found = sure if any(one.confidence >= _EXPLICIT for one in sure) else found
    winner = max(found, key=_rank)
    against = [one for one in found if not _agree(one, winner) and one.loose_end != "synonym"]
    agreeing = tuple(one for one in found if _agree(one, winner))
    surest = max(one.confidence for one in agreeing)
    return Settled(
        field=winner.field,
        values=(winner.value,),
        winner=winner,
        findings=agreeing,
        confidence=min(surest, _TORN) if against else surest,
        notices=(*_contradiction(winner, against), *_range(winner)),
    )


def _rank(one: Finding) -> tuple[bool, bool, int]:
    """The more explicit before the less, what is said by its name before what is not, the last before the first."""
    return one.confidence >= _EXPLICIT, one.loose_end not in ("shape", "synonym"), one.first


def _agree(one: Finding, other: Finding) -> bool:
    """Whether two findings can both be right: `vertical` and 4:5 can."""
    if one.value == other.value:
        return True
    return "shape" in (one.loose_end, other.loose_end) and upright(one.value) == upright(other.value)


def _contradiction(winner: Finding, against: list[Finding]) -> tuple[Notice, ...]:
    if not against:
        return ()
    others = ", ".join(list(dict.fromkeys(one.value for one in against))[:_MOST_NAMED])
    message = f"the text says {others} and {winner.value}; {winner.value} is taken"
    return (
        Notice(
            code="CONTRADICTION", message=message, field=f"parameters.{winner.field}", before=others, after=winner.value
        ),
    )


def _range(winner: Finding) -> tuple[Notice, ...]:
    if winner.notice != "RANGE":
        return ()
    message = f"{winner.before} is a range; {winner.value} is taken"
    return (
        Notice(
            code="RANGE", message=message, field=f"parameters.{winner.field}", before=winner.before, after=winner.value
        ),
    )
