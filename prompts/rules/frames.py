"""Whether words are said of the video, or only of something that it shows."""

import enum
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

from prompts.rules.tokens import Kind, Text
from prompts.rules.vocabulary import labels, words

_AHEAD = 4
_BEHIND = 4


class Frame(enum.Enum):
    """How words stand in their sentence."""

    LABELLED = enum.auto()
    """As the value of the field's label: `Style: bold`."""
    SAID = enum.auto()
    """Of the video, in a sentence: `a bold ad`, `make it bold`."""
    ALONE = enum.auto()
    """In a segment that holds nothing else: `…, bold, …`."""
    BARE = enum.auto()
    """Of whatever is next to them."""


CONFIDENCE = {Frame.LABELLED: 0.95, Frame.SAID: 0.9, Frame.ALONE: 0.85, Frame.BARE: 0.55}


@dataclass(frozen=True, kw_only=True, slots=True)
class Frames:
    """A text and what is known of each of its tokens so far."""

    text: Text
    content: tuple[int, ...]
    """For each token, how many before it say something that no rule has read."""

    def of(self, field: str, first: int, last: int) -> Frame:
        """How the tokens from `first` up to and without `last` stand for a field."""
        named = labels().get(self.text.label(first), frozenset())
        if field in named:
            return Frame.LABELLED
        if self._said(field, first, last):
            return Frame.SAID
        return Frame.ALONE if not named and self.alone(first, last) else Frame.BARE

    def alone(self, first: int, last: int) -> bool:
        """Whether the rest of their segment says nothing more."""
        segment = self.text.segment(first)
        return self._content(segment.start, first) == 0 == self._content(last, segment.stop)

    def _content(self, first: int, last: int) -> int:
        return self.content[last] - self.content[first]

    def _said(self, field: str, first: int, last: int) -> bool:
        return self.head(field, last) or self._made(first)

    def head(self, field: str, last: int) -> bool:
        """Whether what begins at token `last` goes on to name the video, its look or its shape."""
        for index in range(last, min(last + _AHEAD, self.text.segment(last - 1).stop)):
            word = self.text.word(index)
            if word in _heads(field):
                return True
            if word in words("frames", "stops"):
                return False
        return False

    def _made(self, first: int) -> bool:
        for index in range(first - 1, max(first - 1 - _BEHIND, self.text.segment(first).start - 1), -1):
            if self._makes(index):
                return True
            if self.text.word(index) not in words("frames", "links") and self._content(index, index + 1):
                return False
        return False

    def _makes(self, index: int) -> bool:
        owed = self.text.word(index) == "be" and self.text.word(index - 1) in words("frames", "duties")
        return owed or self.text.word(index) in words("frames", "makers")


def frames(text: Text, taken: frozenset[int], known: frozenset[str] = frozenset()) -> Frames:
    """The frames of a text of which some tokens are read already; `known` are words that may be read."""
    neutral = words("frames", "fillers") | known
    content = (
        token.kind is Kind.WORD and index not in taken and token.word not in neutral
        for index, token in enumerate(text.tokens)
    )
    return Frames(text=text, content=tuple(accumulate(content, initial=0)))


@cache
def _heads(field: str) -> frozenset[str]:
    return words("frames", "videos") | words("frames", "shapes" if field == "aspect_ratio" else "looks")
