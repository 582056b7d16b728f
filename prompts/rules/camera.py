"""Camera words, with the adverbs and nouns around them: `slow dolly in`, `extreme close-up`."""

from collections.abc import Iterator
from functools import cache

from prompts.rules.finding import Finding
from prompts.rules.frames import Frame, Frames
from prompts.rules.tokens import Kind, Text
from prompts.rules.vocabulary import longest, plain, words


def camera(frames: Frames) -> Iterator[Finding]:
    """Each camera wish, from left to right."""
    text, floor = frames.text, 0
    for index in text.places(_starts()):
        found = (_does(text, index) or _at(frames, index)) if index >= floor else None
        if found:
            yield found
            floor = found.last


@cache
def _starts() -> frozenset[str]:
    """The words that a wish can begin with."""
    terms = plain("camera", "always").keys() | plain("camera", "framed").keys()
    return frozenset(terms) | words("camera", "modifiers") | {"camera"}


def _does(text: Text, index: int) -> Finding | None:
    """What the camera is said to do, from the word `camera` on: `camera slowly pushes in`."""
    if text.word(index) != "camera" or not _readable(text, index, index):
        return None
    verb = index + 1 + (text.word(index + 1) in words("camera", "modifiers"))
    if text.word(verb) not in words("camera", "verbs"):
        return None
    if text.word(verb) in words("camera", "states"):
        return _finding(text, index, verb + 2, 0.9) if text.word(verb + 1) in words("camera", "stills") else None
    last = verb + 1
    while text.word(last) in words("camera", "directions") and last < verb + 3 and not _leads_on(text, last):
        last += 1
    return _finding(text, index, last, 0.9)


def _at(frames: Frames, first: int) -> Finding | None:
    """The wish whose first word, modifiers included, stands at a token."""
    text = frames.text
    core = first
    while core < len(text.tokens) and text.word(core) in words("camera", "modifiers") and core < first + 2:
        core += 1
    # The modifiers may be part of a term: `low angle`.
    return next((one for at in range(first, core + 1) if (one := _term(frames, first, at))), None)


def _term(frames: Frames, first: int, core: int) -> Finding | None:
    text = frames.text
    if core >= len(text.tokens) or not _readable(text, first, core):
        return None
    always = longest(plain("camera", "always"), text, core)
    if always:
        return _finding(text, first, core + len(always.words), 0.9)
    term = longest(plain("camera", "framed"), text, core)
    if term is None or text.word(core - 1) in words("camera", "not_after"):
        return None
    last = core + len(term.words)
    tail = text.word(last) in words("camera", "tails") and not _leads_on(text, last)
    if core > first or tail or frames.of("camera", core, last) in (Frame.LABELLED, Frame.ALONE):
        return _finding(text, first, last + tail, 0.8)
    return None


def _readable(text: Text, first: int, core: int) -> bool:
    """Whether all these tokens are plain words of one segment."""
    segment = text.segment(core)
    plain_words = all(not text.tokens[at].opaque and not text.tokens[at].tag for at in range(first, core + 1))
    plain_words = plain_words and not text.tokens[first].hyphen
    return plain_words and first in segment and text.tokens[core].kind is not Kind.DELIMITER


def _leads_on(text: Text, index: int) -> bool:
    """Whether a direction is a preposition here: `pan in the kitchen`."""
    return text.word(index) in ("in", "out", "down", "up", "around") and text.word(index + 1) in words(
        "trim", "determiners"
    )


def _finding(text: Text, first: int, last: int, confidence: float) -> Finding | None:
    if text.word(last) in words("camera", "not_before"):
        return None
    value = " ".join(text.slice(first, last).lower().split())
    return Finding(field="camera", value=value, first=first, last=last, confidence=confidence)
