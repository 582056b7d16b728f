"""How a script's seconds are shared out: in whole milliseconds, on lengths a model makes where that adds up."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

LEAST_CLIP, LEAST_CARD, LONGEST_CARD = 1.5, 1.0, 6.0
"""Seconds: shorter ones cannot be taken in, and a longer card bores."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """Seconds on the screen, each a whole number of milliseconds."""

    clips: tuple[float, ...]
    card: float
    trimmed: bool
    """Whether the clips are shorter than what the model makes: they are bought longer and cut."""


def limits(count: int, offered: Sequence[float]) -> tuple[float, float]:
    """The shortest and the longest that so many clips and a card can take together, in seconds."""
    longest = max(offered, default=math.inf)
    return count * min(LEAST_CLIP, longest) + LEAST_CARD, count * longest + LONGEST_CARD


def share(total: float, weights: Sequence[float], card: float, offered: Sequence[float]) -> Timing | None:
    """`total` seconds for one clip per weight and a card of about `card`; None when they cannot be shared so.

    No clip is longer than the longest `offered` (ascending; none: any length will do). All are as long as one that is
    offered, the heavier ones the longer, where the card can take up the rest; else all are equally long.
    """
    shortest, longest = limits(len(weights), offered)
    if not shortest <= total <= longest:
        return None
    whole, usual = _milliseconds(total), _milliseconds(min(max(card, LEAST_CARD), LONGEST_CARD))
    lengths = [math.floor(each * 1000 + 1e-6) for each in offered]
    exact = _offered(whole, len(weights), usual, lengths)
    clips = exact or _equal(whole, len(weights), usual, lengths)
    given = dict(
        zip(sorted(range(len(weights)), key=lambda index: (weights[index], index)), sorted(clips), strict=True)
    )
    ordered = tuple(given[index] / 1000 for index in range(len(weights)))
    return Timing(clips=ordered, card=(whole - sum(clips)) / 1000, trimmed=exact is None)


def _offered(whole: int, count: int, card: int, lengths: list[int]) -> list[int] | None:
    """Clips of the two offered lengths around their average, so many of each that the card comes nearest to `card`."""
    average = (whole - card) / count
    below = max((each for each in lengths if each <= average), default=min(lengths, default=0))
    above = min((each for each in lengths if each >= average), default=below)
    mixes = ([below] * (count - longer) + [above] * longer for longer in range(count + 1))
    good = [mix for mix in mixes if LEAST_CARD * 1000 <= whole - sum(mix) <= LONGEST_CARD * 1000]
    return min(good, key=lambda mix: abs(whole - sum(mix) - card)) if lengths and good else None


def _equal(whole: int, count: int, card: int, lengths: list[int]) -> list[int]:
    """Clips of one length, to the millisecond; the card gives or takes where they would be too short or too long."""
    most = max(lengths, default=whole)
    least = min(_milliseconds(LEAST_CLIP), most)
    clips = min(max(whole - card, least * count), most * count)
    each, rest = divmod(clips, count)
    return [each + (index < rest) for index in range(count)]


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
