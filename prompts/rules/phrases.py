"""What is read by its words alone: styles, qualities, motion, sound, moods, and the names of shapes."""

from collections.abc import Iterator

from prompts.rules.finding import Finding
from prompts.rules.frames import CONFIDENCE, Frame, Frames
from prompts.rules.tokens import Text
from prompts.rules.vocabulary import Phrase, Phrases, Sway, standing, words

_ALWAYS, _PLATFORM, _TAG = 0.9, 0.8, 0.4
_DENIALS = frozenset({"not", "no", "non", "never", "without", "avoid", "isn't", "don't", "less", "nothing"})
_BETWEEN = frozenset({"too", "so", "very", "a", "any", "that", "overly", "be", "make", "it", "use"})
_ADJECTIVES = 3
_SAID = (Frame.SAID, Frame.ALONE)


def sure(text: Text, known: Phrases, taken: frozenset[int]) -> Iterator[Finding]:
    """The findings that need no look at the sentence, from left to right and apart from each other."""
    floor = 0
    for index in text.places(known):
        found = _free(text, known, index, taken, (Sway.ALWAYS,)) if index >= floor else []
        # Some words say two things.
        same = [one for one in found if one.words == found[0].words]
        yield from (_finding(one, index, _PLATFORM if one.platform else _ALWAYS) for one in same)
        floor = max(floor, index + len(found[0].words)) if found else floor


def framed(frames: Frames, known: Phrases, taken: frozenset[int]) -> Iterator[Finding]:
    """The findings that depend on what they are said of."""
    floor = 0
    for index in frames.text.places(known):
        found = tuple(_at(frames, known, index, taken)) if index >= floor else ()
        yield from found
        floor = max((floor, *(one.last for one in found)))


def tagged(text: Text) -> Iterator[Finding]:
    """What hashtags hint at."""
    for index, token in enumerate(text.tokens):
        if token.tag and token.word in words("ratios", "tags"):
            yield Finding(
                field="aspect_ratio", value="9:16", first=index, last=index + 1, confidence=_TAG, loose_end="platform"
            )


def heard(frames: Frames, taken: frozenset[int]) -> Iterator[Finding]:
    """Sound by its noun, whatever its adjectives: `with some upbeat music`, `soft music`."""
    text, never = frames.text, words("audio", "heard", "never")
    for index in text.places(words("audio", "heard", "nouns")):
        if index in taken:
            continue
        before = range(max(text.segment(index).start, index - 1 - _ADJECTIVES), index)
        start = next((at for at in reversed(before) if text.word(at) in words("audio", "heard", "starts")), None)
        short = len(text.segment(index)) <= _ADJECTIVES and index == text.segment(index).stop - 1 and len(before) > 0
        first = before.start if start is None else start
        if (start is not None or short) and not any(text.word(at) in never for at in range(first, index)):
            yield Finding(field="audio", value="on", first=first, last=index + 1, confidence=0.8)


def _free(text: Text, known: Phrases, index: int, taken: frozenset[int], among: tuple[Sway, ...]) -> list[Phrase]:
    """The phrases that stand at a token and share none with what is read already, the longest first."""
    if text.tokens[index].hyphen:
        return []
    found = standing(known, text, index, among)
    free = [one for one in found if taken.isdisjoint(range(index, index + len(one.words)))]
    return free if free and not _denied(text, index) else []


def _at(frames: Frames, known: Phrases, index: int, taken: frozenset[int]) -> Iterator[Finding]:
    """What stands at a token in its frame: the longest words that do, for each field that they speak of."""
    accepted: Phrase | None = None
    for phrase in _free(frames.text, known, index, taken, (Sway.LABELLED, Sway.FRAMED, Sway.LOOSE)):
        if accepted and len(phrase.words) < len(accepted.words):
            return
        frame = frames.of(phrase.field, index, index + len(phrase.words))
        if frame is Frame.LABELLED or phrase.sway is Sway.LOOSE or (phrase.sway is Sway.FRAMED and frame in _SAID):
            accepted = phrase
            yield _finding(phrase, index, CONFIDENCE[frame])


def _finding(phrase: Phrase, index: int, confidence: float) -> Finding:
    return Finding(
        field=phrase.field,
        value=phrase.value,
        first=index,
        last=index + len(phrase.words),
        confidence=confidence,
        cut=phrase.cut,
        loose_end=_loose_end(phrase),
    )


def _loose_end(phrase: Phrase) -> str:
    if phrase.field == "style":
        return "" if phrase.value in phrase.words else "synonym"
    return "shape" if phrase.shape else "platform" if phrase.platform else ""


def _denied(text: Text, index: int) -> bool:
    """Whether what stands at a token is only named to be ruled out: `not too fast`."""
    start = text.segment(index).start
    before = index - 1
    while before >= start and before > index - 4 and text.word(before) in _BETWEEN:
        before -= 1
    return before >= start and text.word(before) in _DENIALS
