"""How long the video shall be: `ten seconds`, `0:30`, `half a minute`, `5-7 s`; and what only looks like it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

from prompts.rules.finding import Finding
from prompts.rules.frames import Frames
from prompts.rules.tokens import Kind, Text
from prompts.rules.vocabulary import labels, table, words

LONGEST = 300.0
"""Seconds that the contract allows at most."""
_OF_THE_VIDEO, _PLAIN, _PROMISED, _GUESS = 0.95, 0.85, 0.6, 0.45
_WIDEST_RANGE = 4
_LATEST_MINUTE = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Length:
    """Tokens that name a time. `low` is the shorter end of a range."""

    first: int
    last: int
    seconds: float
    unit: float
    """Seconds of the unit that it ends with; 0 for `0:30`."""
    low: float | None = None


def lengths(frames: Frames) -> Iterator[Finding]:
    """The lengths of the video that a text names, from left to right."""
    found = tuple(_all(frames.text))
    last = _shot_list(frames.text, found)
    if last:
        yield _finding(last, _PLAIN, cut=False)
        return
    for length in found:
        confidence = _confidence(frames, length)
        if confidence:
            yield _finding(length, confidence, cut=True)


def shown(seconds: float) -> str:
    """A length as text: `10 s`."""
    return f"{seconds:g} s"


def _finding(length: Length, confidence: float, *, cut: bool) -> Finding:
    outside = not 0 < length.seconds <= LONGEST
    return Finding(
        field="duration",
        value=shown(length.seconds),
        first=length.first,
        last=length.last,
        confidence=confidence if length.low is None else min(confidence, _PROMISED),
        seconds=length.seconds,
        cut=cut and not outside,
        notice="OUT_OF_RANGE" if outside else "" if length.low is None else "RANGE",
        before="" if length.low is None else f"{shown(length.low)} to {shown(length.seconds)}",
    )


def _all(text: Text) -> Iterator[Length]:
    """Every time in a text, of whatever it is."""
    before: Length | None = None
    for index in sorted((*text.places(_starts()), *text.figures())):
        if before and index < before.last:
            continue
        figure = text.tokens[index].kind is Kind.NUMBER
        found = (_clock(text, index) if figure else _fraction(text, index)) or _counted(text, index)
        found = found or (_unitless(text, index) if figure else None)
        if found:
            found = _ranged(text, found, before)
            if before and before.last <= found.first:
                yield before
            before = found
    if before:
        yield before


@cache
def _starts() -> frozenset[str]:
    """The words that a time can begin with, figures aside."""
    lists = (words("lengths", "words", name) for name in ("articles", "half", "quarter"))
    return frozenset(_numbers()).union(*lists)


def _unitless(text: Text, index: int) -> Length | None:
    """`Duration: 10`, `duration 10`: seconds, because nothing else is counted so."""
    number, segment = text.number(index), text.segment(index)
    if number is None or segment.stop != index + 1:
        return None
    labelled = segment.start == index and "duration" in labels().get(text.label(index), ())
    named = text.word(index - 1) in words("lengths", "words", "names") and index > segment.start
    return Length(first=index, last=index + 1, seconds=number, unit=1) if labelled or named else None


def _fraction(text: Text, index: int) -> Length | None:
    """`half a minute`, `a quarter of a minute`, `half-minute`."""
    at = index + (text.word(index) in ("a", "one", "une", "eine"))
    for name, share in (("half", 0.5), ("quarter", 0.25)):
        if text.word(at) in words("lengths", "words", name):
            unit_at = next(after for after in (at + 3, at + 2, at + 1) if after == at + 1 or _links(text, at, after))
            unit = _unit(text, unit_at)
            if unit and text.word(unit_at) in words("lengths", "words", "half_units"):
                return Length(first=index, last=unit_at + 1, seconds=share * unit, unit=unit)
    return None


def _links(text: Text, at: int, unit_at: int) -> bool:
    return tuple(text.word(between) for between in range(at + 1, unit_at)) in (("a",), ("of", "a"), ("of",))


def _counted(text: Text, index: int) -> Length | None:
    """`10 s`, `one and a half minutes`, `a minute and a half`, `1 minute 30 seconds`."""
    number, after = _number(text, index)
    if number is None:
        return None
    unit = _unit(text, after)
    if not unit or (text.word(index) in ("a", "an") and unit != 60):
        return None
    first = Length(first=index, last=after + 1, seconds=number * unit, unit=unit)
    if text.word(after + 1) == "and" and text.word(after + 2) == "a" and text.word(after + 3) == "half":
        return replace(first, last=after + 4, seconds=first.seconds + unit / 2)
    return _with_rest(text, first)


def _with_rest(text: Text, length: Length) -> Length:
    """A length with the smaller unit that follows: `1 min 30 sec`, `1m30s`."""
    start = length.last + (text.word(length.last) == "and")
    number, after = _number(text, start)
    unit = _unit(text, after)
    if number is None or not unit or unit >= length.unit or text.word(start) in ("a", "an"):
        return length
    return replace(length, last=after + 1, seconds=length.seconds + number * unit, unit=unit)


def _number(text: Text, index: int) -> tuple[float | None, int]:
    """A number, in digits or words, and the token after it."""
    typed = text.number(index)
    if typed is not None:
        return _and_a_half(text, typed, index + 1)
    if text.word(index) in words("lengths", "words", "articles") and text.word(index) not in _numbers():
        return (None, index) if text.word(index + 1) not in _units() else (1.0, index + 1)
    tens = _numbers().get(text.word(index))
    if tens is None:
        return None, index
    ones = _numbers().get(text.word(index + 1), 0)
    compound = tens >= 20 and tens % 10 == 0 and 0 < ones < 10
    return _and_a_half(text, tens + ones * compound, index + 1 + compound)


def _and_a_half(text: Text, number: float, after: int) -> tuple[float, int]:
    if text.word(after) == "and" and text.word(after + 1) == "a" and text.word(after + 2) == "half":
        return number + 0.5, after + 3
    return number, after


def _unit(text: Text, index: int) -> float:
    """Seconds of the unit at a token; 0 where there is none."""
    if text.word(index) == "m" and text.tokens[index].glued and text.word(index + 2) == "s":
        return 60.0
    return _units().get(text.word(index), 0.0)


def _clock(text: Text, index: int) -> Length | None:
    """`0:30`, and `1:30` where a word says that it is a length."""
    minutes, seconds = text.number(index), text.number(index + 2)
    if minutes is None or seconds is None or text.word(index + 1) != ":":
        return None
    typed = text.word(index), text.word(index + 2)
    if not (typed[0].isdecimal() and typed[1].isdecimal() and len(typed[1]) == 2 and seconds < 60):
        return None
    after, before = text.word(index + 3), text.word(index - 1)
    if minutes > _LATEST_MINUTE or before in (*words("lengths", "labels", "clock_after"), ":") or after == ":":
        return None
    told = after in words("lengths", "labels", "length") or "duration" in labels().get(text.label(index), ())
    if after in words("lengths", "labels", "clock") or not (minutes == 0 or told):
        return None
    last = index + 3 + (_units().get(after, 0) > 0)
    return Length(first=index, last=last, seconds=minutes * 60 + seconds, unit=0)


def _ranged(text: Text, length: Length, before: Length | None) -> Length:
    """A length with the number before it, where both are the ends of a range: `5-7 s`, `between 5 and 7 s`."""
    link = length.first - 1
    between = text.word(link) == "and" and "between" in (text.word(link - 2), text.word(link - 3), text.word(link - 4))
    if link < 1 or not (between or text.word(link) in words("lengths", "words", "range_links")):
        return length
    start, low = _low_end(text, link, length)
    if low is None or (before and start < before.last and not before.first <= start):
        return length
    told = text.word(start - 1)
    numbered = told in words("lengths", "words", "counters") or told == ":"
    wide = low > length.seconds or (low and length.seconds / low > _WIDEST_RANGE)
    if wide or (numbered and not _labels_length(text, start)):
        return length
    return replace(length, first=start - (told in ("between", "from")), low=low)


def _labels_length(text: Text, start: int) -> bool:
    """Whether a colon before a token is no part of a number: `16:9 - 10 s` is no range, `Length: 5-7 s` is one."""
    return start > 0 and text.tokens[start - 1].kind is Kind.DELIMITER


def _low_end(text: Text, link: int, length: Length) -> tuple[int, float | None]:
    """Where the number before a link begins, and its seconds."""
    unit = _units().get(text.word(link - 1), 0.0)
    at = link - 1 - (unit > 0)
    if length.unit == 0:
        clock = _clock(text, link - 3) if link >= 3 else None
        return link - 3, clock.seconds if clock else None
    number = text.number(at) if at >= 0 else None
    if number is None and at >= 0:
        number = _numbers().get(text.word(at))
    return at, None if number is None else number * (unit or length.unit)


def _shot_list(text: Text, found: tuple[Length, ...]) -> Length | None:
    """The whole of shots that follow each other from 0 on: `0-3s: …`, `3-7s: …`."""
    ranges = [one for one in found if one.low is not None]
    if not ranges or ranges[0].low != 0:
        return None
    gapless = all(before.seconds == after.low for before, after in pairwise(ranges))
    return replace(ranges[-1], low=None) if gapless else None


def _confidence(frames: Frames, length: Length) -> float:
    """How sure it is that a time is the video's length; 0 when it is another thing's."""
    text = frames.text
    if "duration" in labels().get(text.label(length.first), ()):
        return _OF_THE_VIDEO
    if _other(text, length):
        return 0.0
    bounded = text.word(length.first - 1) in words("lengths", "words", "bounds")
    return _PROMISED if bounded and length.unit < 60 else _of_video(frames, length)


def _other(text: Text, length: Length) -> bool:
    """Whether the words on either side make it another thing's time."""
    before, after = text.word(length.first - 1), text.word(length.last)
    if before in words("lengths", "words", "never_after") or after in words("lengths", "words", "never_before"):
        return True
    onwards = after == "in" and text.word(length.last + 1) in ("", ",", ".", ";", ":")
    shown_itself = after == "of" and text.word(length.last + 1) in words("lengths", "words", "never_of")
    return onwards or shown_itself or _decade(text, length)


def _decade(text: Text, length: Length) -> bool:
    """`the 60s`, `in her 20s`, `a 60s jukebox`, `100s of balloons`."""
    last = length.last - 1
    bare = text.word(last) == "s" and text.tokens[last].glued and length.low is None
    if not bare or length.seconds % 10 or length.seconds < 20:
        return False
    before, after = text.word(length.first - 1), text.word(length.last)
    hundreds = length.seconds >= 100 and after == "of"
    named = before in words("lengths", "words", "decades") and after not in words("frames", "videos")
    return hundreds or named or after in words("lengths", "words", "decade_nouns")


def _of_video(frames: Frames, length: Length) -> float:
    """How sure it is by the way it stands in its sentence."""
    text, after = frames.text, frames.text.word(length.last)
    adjective = text.word(length.last - 1) in words("lengths", "words", "singular")
    if after == "long" or (adjective and frames.head("duration", length.last)):
        return _OF_THE_VIDEO
    if frames.alone(length.first, length.last) or _wanted(text, length):
        return _OF_THE_VIDEO if length.unit < 3600 else 0.0
    if length.unit >= 60:
        return _PLAIN if after == "of" and length.first == text.segment(length.first).start else 0.0
    end = length.last == text.segment(length.first).stop
    if after == "of" or end or adjective or length.first == text.segment(length.first).start:
        return _PLAIN if after == "of" or end else _PROMISED
    return _GUESS


def _wanted(text: Text, length: Length) -> bool:
    """Whether the word before asks for it: `lasting 10 s`."""
    return text.word(length.first - 1) in words("lengths", "words", "cues")


@cache
def _numbers() -> dict[str, float]:
    return {word: float(number) for word, number in table("lengths")["numbers"].items()}


@cache
def _units() -> dict[str, float]:
    return {word: float(seconds) for word, seconds in table("lengths")["units"].items()}
