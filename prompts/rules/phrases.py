"""What is read by its words alone: styles, qualities, motion, sound, moods, and the names of shapes."""

from collections.abc import Iterator

from prompts.rules.finding import Finding
from prompts.rules.frames import CONFIDENCE, Frame, Frames
from prompts.rules.tokens import Kind, Text
from prompts.rules.vocabulary import Phrase, Phrases, Sway, longest, words

_ALWAYS, _PLATFORM, _TAG = 0.9, 0.8, 0.4
_DENIALS = frozenset({"not", "no", "non", "never", "without", "avoid", "isn't", "don't", "less", "nothing"})
_BETWEEN = frozenset({"too", "so", "very", "a", "any", "that", "overly", "be", "make", "it", "use"})
_ADJECTIVES = 3


def sure(text: Text, known: Phrases, taken: frozenset[int]) -> Iterator[Finding]:
    """The findings that need no look at the sentence, from left to right and apart from each other."""
    index = 0
    while index < len(text.tokens):
        phrase = next(_free(text, known, index, taken, (Sway.ALWAYS,)), None)
        same = () if phrase is None else tuple(_alike(text, known, index, phrase))
        yield from (_finding(one, index, _PLATFORM if one.platform else _ALWAYS) for one in same)
        index += len(phrase.words) if phrase else 1


def framed(frames: Frames, known: Phrases, taken: frozenset[int]) -> Iterator[Finding]:
    """The findings that depend on what they are said of."""
    index = 0
    while index < len(frames.text.tokens):
        found = tuple(_at(frames, known, index, taken))
        yield from found
        index += max((len(one.tokens) for one in found), default=1)


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
    for index, token in enumerate(text.tokens):
        if token.word not in words("audio", "heard", "nouns") or index in taken or token.opaque or token.tag:
            continue
        before = range(max(text.segment(index).start, index - 1 - _ADJECTIVES), index)
        start = next((at for at in reversed(before) if text.word(at) in words("audio", "heard", "starts")), None)
        short = len(text.segment(index)) <= _ADJECTIVES and index == text.segment(index).stop - 1 and len(before) > 0
        first = before.start if start is None else start
        if (start is not None or short) and not any(text.word(at) in never for at in range(first, index)):
            yield Finding(field="audio", value="on", first=first, last=index + 1, confidence=0.8)


def _free(
    text: Text, known: Phrases, index: int, taken: frozenset[int], among: tuple[Sway, ...]
) -> Iterator[Phrase]:
    """The phrases that stand at a token and share none with what is read already."""
    token = text.tokens[index]
    if token.opaque or token.tag or token.hyphen or token.kind is Kind.DELIMITER:
        return
    for phrase in longest(known, text, index, among):
        if taken.isdisjoint(range(index, index + len(phrase.words))) and not _denied(text, index):
            yield phrase


def _alike(text: Text, known: Phrases, index: int, phrase: Phrase) -> Iterator[Phrase]:
    """The phrases of the same words: some say two things."""
    return (one for one in longest(known, text, index, (Sway.ALWAYS,)) if one.words == phrase.words)


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


_SAID = (Frame.SAID, Frame.ALONE)


def _finding(phrase: Phrase, index: int, confidence: float) -> Finding:
    return Finding(
        field=phrase.field,
        value=phrase.value,
        first=index,
        last=index + len(phrase.words),
        confidence=confidence,
        cut=phrase.cut,
        loose_end="shape" if phrase.shape else "platform" if phrase.platform else "",
    )


def _denied(text: Text, index: int) -> bool:
    """Whether what stands at a token is only named to be ruled out: `not too fast`."""
    start = text.segment(index).start
    before = index - 1
    while before >= start and before > index - 4 and text.word(before) in _BETWEEN:
        before -= 1
    return before >= start and text.word(before) in _DENIALS
