"""Camera words, with the adverbs and nouns around them: `slow dolly in`, `extreme close-up`."""

from collections.abc import Iterator

from prompts.rules.finding import Finding
from prompts.rules.frames import Frame, Frames
from prompts.rules.tokens import Kind, Text
from prompts.rules.vocabulary import longest, plain, words


def camera(frames: Frames) -> Iterator[Finding]:
    """Each camera wish, from left to right."""
    text, index = frames.text, 0
    while index < len(text.tokens):
        found = _at(frames, index)
        if found:
            yield found
        index = found.last if found else index + 1


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
    always = next(longest(plain("camera", "always"), text, core), None)
    if always:
        last = core + len(always.words)
        onwards = always.words[0] == "camera" and text.word(last) in words("camera", "directions")
        return _finding(text, first, last + onwards, 0.9)
    term = next(longest(plain("camera", "framed"), text, core), None)
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
    return plain_words and first in segment and text.tokens[core].kind is not Kind.DELIMITER


def _leads_on(text: Text, index: int) -> bool:
    """Whether a direction is a preposition here: `pan in the kitchen`."""
    return text.word(index) in ("in", "out") and text.word(index + 1) in ("a", "an", "the", "my", "his", "her", "our")


def _finding(text: Text, first: int, last: int, confidence: float) -> Finding | None:
    if text.word(last) in words("camera", "not_before"):
        return None
    value = " ".join(text.slice(first, last).lower().split())
    return Finding(field="camera", value=value, first=first, last=last, confidence=confidence)
