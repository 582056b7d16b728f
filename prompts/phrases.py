"""The shapes of feedback in English: where a clause ends, what is mere politeness, what removes and what exchanges."""

import re
from collections.abc import Iterator

_I = re.IGNORECASE

SENTENCE = re.compile(r"[;!?\n\u3002\uff1b\uff01\uff1f]+|\.(?!\d)")
_JOINT = re.compile(
    r"\s*[,\u3001\u060c\uff0c](?!\d)\s*(?:and\s+|but\s+|then\s+)?|\s+(?:and|but|then|also|or|&)\s+(?!white\b)", _I
)
_INSTEAD_FIRST = re.compile(r"\binstead of ([^,.;]+),\s*([^,.;]+)", _I)
_KEEP_BUT = re.compile(r"\b((?:keep|leave) (?:everything|it all|all|the rest)\b[^.;,]*?),?\s+(?:but|except)\b", _I)

ALIKE = re.compile(r"\s*,?\s*(?:and|or|&)\s+", _I)
"""A joint between two things of one kind."""

_POLITE = re.compile(
    r"(?:(?:please|pls|but|and|also|then|now|just|maybe|can you|could you|would you|let'?s"
    r"|i(?: would|'d) (?:like|love|prefer)(?: it)?(?: to)?|(?:i|we) (?:want|need)(?: it)?(?: to)?"
    r"|it (?:should|must|could|has to|needs to)(?: be)?|(?:should|must|could) be|it'?s|it is"
    r"|(?:make|have|keep) (?:it|this|that|things)(?: look| feel)?|make everything"
    r"|(?:make|have|keep) the (?:video|clip|film|scene|light(?:ing)?|colou?rs?|camera|movements?|motion|picture|shot)"
    r"|to be|be|more of an?|add|include|insert|bring in|put in)(?:\s+|$))+",
    _I,
)
_AFTERWARDS = re.compile(
    r"(?:(?:^|\s+)(?:please|pls|thanks|thank you|too|as well|though|now|overall|in general))+$", _I
)

KEEP = re.compile(r"(?:keep|leave|(?:don'?t|do not) (?:change|touch)|same|stay with|i (?:like|love))\b", _I)
KEEP_ALL = re.compile(
    r"(?:keep|leave) (?:everything|it all|all|the rest)\b.*?(?:\bexcept(?: for)?\b\s*(?P<but>.*))?$", _I
)
ARTICLE = re.compile(r"(?:the|a|an|his|her|their|its|my|our|your|any|all)\s+", _I)
ADDING = re.compile(r"(?:add|put|show|use|make|have|let|insert|include|bring|give|keep|more|less)\b", _I)
PLACE = re.compile(r"(?:at|in|on|by|during|from)\s+", _I)

_REMOVAL = re.compile(
    r"(?:remove|delete|drop|lose|take out|get rid of|cut out|hide|erase|eliminate|leave out|skip|avoid"
    r"|without|no|no more"
    r"|(?:don'?t|do not) (?:show|include|want|use|have)(?: to see)?|i (?:don'?t|do not) (?:want|like)(?: to see)?"
    r"|there should(?:n'?t| not) be)\s+(?P<thing>(?!longer\b).+)",
    _I,
)

MAKE = re.compile(r"make (?P<thing>(?:the|his|her|their|its)\s+[\w-]+)\s+(?P<how>.+)", _I)

_SIGN = re.compile(r"[^\w\s.,;:!?'\"()-]")
_FILLER = re.compile(
    r"a|an|the|and|or|but|with|in|on|at|of|to|for|it|this|that|is|be|more|less|very|much|bit|little|so|too|please"
    r"|make|style|look|feel|mood|format|video|clip|film|shot|camera",
    _I,
)

SWAPS = (
    re.compile(r"(?P<new>.+?)\s+(?:instead of|rather than)\s+(?P<old>.+)", _I),
    re.compile(r"(?:replace|swap|exchange)\s+(?P<old>.+?)\s+(?:with|for|by)\s+(?P<new>.+)", _I),
)
CHANGE = re.compile(r"(?:change|turn|switch)\s+(?P<old>.+?)\s+(?:in)?to\s+(?P<new>.+)", _I)
"""What something becomes: another thing, or the same in another manner."""

_TO_TEN = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NUMBERS = {word: number for number, word in enumerate(_TO_TEN, 1)}
_COUNT = rf"\d{{1,3}}(?:[.,]\d+)?|{'|'.join(_NUMBERS)}"
_SECONDS = r"[\s-]*(?:s|secs?|seconds?)\b"
_LONGER = re.compile(
    rf"(?P<count>{_COUNT}){_SECONDS}\s+(?P<way>longer|more|shorter|less)\b"
    rf"|(?P<by_way>longer|extend(?: it)?|shorter|shorten(?: it)?|cut(?: it)?)\s+by\s+(?P<by>{_COUNT}){_SECONDS}",
    _I,
)


def straight(feedback: str) -> str:
    """The feedback in single spaces, its exceptions where they belong: `X instead of Y`, `keep all except X`."""
    feedback = re.sub(r"[^\S\n]+", " ", feedback)
    return _KEEP_BUT.sub(r"\1 except", _INSTEAD_FIRST.sub(r"\2 instead of \1", feedback.replace("\u2019", "'")))


def clauses(sentence: str) -> Iterator[tuple[str, str]]:
    """Its clauses in order, each after what joins it to the one before (nothing for the first)."""
    joint, start = "", 0
    for match in _JOINT.finditer(sentence):
        yield joint, sentence[start : match.start()].strip()
        joint, start = match[0], match.end()
    yield joint, sentence[start:].strip()


def bare(clause: str) -> str:
    """A clause without what only leads to it, and without thanks: `can you make it a bit warmer please` is `warmer`."""
    trimmed = _AFTERWARDS.sub("", clause.strip(" \t,:-"))
    lead = _POLITE.match(trimmed)
    return trimmed[lead.end() :].strip() if lead else trimmed


def empty(clause: str) -> bool:
    """Whether what is left of a clause says nothing by itself."""
    return all(_FILLER.fullmatch(word) for word in re.findall(r"\w+", bare(clause))) and not _SIGN.search(clause)


def removal(clause: str) -> str:
    """What a clause wants gone; empty when it wants nothing gone."""
    match = _REMOVAL.fullmatch(bare(clause))
    return ARTICLE.sub("", match["thing"], count=1) if match else ""


def seconds_more(clause: str) -> float:
    """By how many seconds a clause wants it longer, negative for shorter; 0 when it does not say."""
    match = _LONGER.search(clause)
    if match is None:
        return 0.0
    count = (match["count"] or match["by"]).lower()
    seconds = float(_NUMBERS.get(count, 0) or count.replace(",", "."))
    way = (match["way"] or match["by_way"]).lower()
    return -seconds if way.startswith(("short", "less", "cut")) else seconds
