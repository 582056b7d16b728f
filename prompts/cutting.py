"""Shortens a text where a reader would: after a sentence, else after a word, never inside what is seen as one sign."""

import re
import unicodedata
from bisect import bisect_right
from itertools import accumulate, takewhile

_STOPS = r"[.!?\u2026\u061f\u06d4\u0964]"  # of Arabic, Urdu and Hindi, too
_SENTENCE_END = re.compile(
    rf"(?<!{_STOPS}){_STOPS}++[\"'\u201d\u2019\u00bb)\]]*+(?=\s|$)"
    r"|[\u3002\uff01\uff1f]+[\u201d\u2019\u300d\u300f\uff09]*"  # Chinese and Japanese: no space follows
    r"|(?=\n)"
)
_SPACE = re.compile(r"\s+")
_DANGLING = " \t\r\n,;:-\u2013\u2014(["
_JOINER = "\u200d"


def cut(text: str, budget: int, *, utf16: bool = False) -> str:
    """The longest beginning that fits and ends well; `budget` in characters, or in UTF-16 code units.

    A sentence or word end counts only in the second half of what fits: a shorter beginning would lose too much.
    """
    end = _reach(text, budget, utf16)
    if end == len(text):
        return text
    for ends in (_SENTENCE_END, _SPACE):
        stops = (match.end() if ends is _SENTENCE_END else match.start() for match in ends.finditer(text))
        last = max(takewhile(lambda stop: stop <= end, stops), default=0)
        if last and last * 2 >= end and _between_signs(text, last):
            return text[:last].rstrip(_DANGLING)
    return text[: _sign_end(text, end)].rstrip()


def _reach(text: str, budget: int, utf16: bool) -> int:
    """How many characters fit."""
    if not utf16 or text.isascii():
        return max(0, min(budget, len(text)))
    return bisect_right(list(accumulate(2 if char > "\uffff" else 1 for char in text)), budget)


def _sign_end(text: str, end: int) -> int:
    """The nearest earlier end of a sign; `end` itself where one sign is longer than all that fits."""
    whole = end
    while whole and not _between_signs(text, whole):
        whole -= 1
    return whole or end


def _between_signs(text: str, at: int) -> bool:
    """Whether what is before and after `at` is seen apart: the main rules of Unicode's grapheme clusters (UAX 29)."""
    if not 0 < at < len(text):
        return True
    before, after = text[at - 1], text[at]
    if before == _JOINER or _extends(after) or (before, after) == ("\r", "\n"):
        return False
    if _is_flag_letter(before) and _is_flag_letter(after):
        return sum(1 for _ in takewhile(_is_flag_letter, reversed(text[:at]))) % 2 == 0
    return not ("\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff")


def _extends(char: str) -> bool:
    """Whether it only changes the sign before it: accents, vowel signs, skin tones, tags, joiners, later Hangul."""
    return (
        unicodedata.category(char) in {"Mn", "Me", "Mc"}
        or char in {_JOINER, "\u200c"}
        or "\U0001f3fb" <= char <= "\U0001f3ff"
        or "\U000e0020" <= char <= "\U000e007f"
        or "\u1160" <= char <= "\u11ff"
    )


def _is_flag_letter(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"
