"""A text as tokens in segments: what every rule looks at, with the exact place of each word in the input."""

import enum
import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

TAKEN_BACK = "no wait"
"""The word of a token that takes back what was said before it; none that is typed is the same."""
# Each branch takes its run at once or gives up: the whole text is one pass, whatever it is.
_PIECE = re.compile(
    r"(?P<back>(?<![\"'“„«])(?<!\bwith )\b(?i:"
    r"no,?\s++wait(?!\s++(?:for|list|staff|times?)\b)|wait,?\s++no|scratch\s++that|i\s++mean|or\s++rather"
    r"|(?<=[,.;!?:…–—-] )(?:h?mm++|no|nope|oops|sorry|wait)(?=\s*+[,.;!…–—]))\b)"  # noqa: RUF001 - as they are typed
    r"|(?P<word>[^\W\d_]++(?:['\u2019][^\W\d_]++)*+)"
    r"|(?P<number>\d{1,7}(?:[.,]\d{1,3})?(?!\d))"
    r"|(?P<line>\n\s*+)"
    r"|(?P<space>\s++)"
    r"|(?P<other>\d++|(?P<run>.)(?P=run)*+)",
    re.DOTALL,
)
_TAG = re.compile(r"<(/?)([A-Za-z][\w-]*+)[^<>]*+>")
_ROLE = re.compile(r"(?im)^[ \t]{0,8}(?:system|assistant|developer|tool)[ \t]{0,8}:.*+$")
_DELIMITERS = frozenset(',;.!?:=()[]{}<>|/\\\n"“”„«»•·…—–-、。，！？：；（）「」،؛؟।')  # noqa: RUF001 - as they are typed
_JOINTS = frozenset(":-–—/×*")  # noqa: RUF001 - as they are typed
_SIGNS = frozenset("≈°€£×’`´")  # noqa: RUF001 - as they are typed
_HYPHENS = frozenset("-\u2010\u2011")
_PADDING = ("",) * 16
"""How far a rule may look beyond either end: a negative index finds these, too."""


class Kind(enum.Enum):
    """What a token is."""

    WORD = enum.auto()
    NUMBER = enum.auto()
    JOINT = enum.auto()
    """What holds two numbers together: `16:9`, `5-7`."""
    DELIMITER = enum.auto()
    """What ends a segment: a sign, or words that take back what was said (`10 s, no wait, 8 s`)."""
    SIGN = enum.auto()
    """What belongs to its neighbours: `~`, `#`, `%`."""
    SYMBOL = enum.auto()
    """Emoji and the like: content that no rule reads, in segments of its own."""


class Token(NamedTuple):
    """One token: `raw[start:end]`. A tuple, because a text of 8,000 characters has thousands."""

    start: int
    end: int
    word: str
    """It in lower case, with straight apostrophes; of a run of signs, one."""
    kind: Kind
    segment: int
    number: float = 0.0
    glued: bool = False
    """Whether it follows the token before without a gap; a hyphen counts as none."""
    hyphen: bool = False
    """Whether a hyphen ties it to the token before."""
    tag: bool = False
    """Whether it is a hashtag's word."""
    opaque: bool = False
    """Whether it stands in what reads like a message to a machine: a tag, JSON, a line with a role."""


class _Piece(NamedTuple):
    """A run of characters of one sort, before it is known what it means."""

    group: str
    start: int
    end: int
    typed: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """A text, its tokens, and the range of tokens of each segment; delimiters stand between segments."""

    raw: str
    tokens: tuple[Token, ...]
    words: tuple[str, ...]
    """The token's words, and some empty ones."""
    segments: tuple[range, ...]

    def word(self, index: int) -> str:
        """The token's word; empty a little beyond either end."""
        return self.words[index]

    def number(self, index: int) -> float | None:
        """The token's number; None where there is none."""
        if 0 <= index < len(self.tokens) and self.tokens[index].kind is Kind.NUMBER:
            return self.tokens[index].number
        return None

    def places(self, known: Container[str]) -> Iterator[int]:
        """The tokens that a rule may read and whose words are among those known."""
        tokens = self.tokens
        return (
            index
            for index, word in enumerate(self.words)
            if word in known and not (tokens[index].opaque or tokens[index].tag)
        )

    def figures(self) -> Iterator[int]:
        """The tokens that a rule may read and that are numbers in digits."""
        return (index for index, one in enumerate(self.tokens) if one.kind is Kind.NUMBER and not one.opaque)

    def segment(self, index: int) -> range:
        """The segment a token is in."""
        return self.segments[self.tokens[index].segment]

    def slice(self, first: int, last: int) -> str:
        """The words from token `first` up to and without token `last`, as they were typed."""
        return self.raw[self.tokens[first].start : self.tokens[last - 1].end]

    def label(self, index: int) -> str:
        """What a token's segment is the value of: `mood` of `Mood: calm`; empty where it is none."""
        before = self.segment(index).start - 1
        if self.words[before] not in (":", "=", "："):  # noqa: RUF001 - as it is typed
            return ""
        segment = self.segments[self.tokens[before].segment]
        return " ".join(self.words[at] for at in segment) if len(segment) <= 3 and segment.stop == before else ""


def tokenize(raw: str) -> Text:
    """Any text as tokens; never raises, and takes time in proportion to the text's length."""
    tokens = tuple(_tokens(list(_pieces(raw)), _opaque(raw)))
    words = (*(token.word for token in tokens), *_PADDING)
    return Text(raw=raw, tokens=tokens, words=words, segments=tuple(_segments(tokens)))


def _pieces(raw: str) -> Iterator[_Piece]:
    for found in _PIECE.finditer(raw):
        group = found.lastgroup or ""
        if group != "space":
            yield _Piece(group, found.start(), found.end(), found[0])


def _tokens(pieces: list[_Piece], opaque: bytes) -> Iterator[Token]:
    """The pieces as tokens in segments: hyphens within words are gone, joints within numbers are no delimiters."""
    hyphen, end, segment, filled = False, -1, 0, False
    before, sign = Kind.DELIMITER, ""
    for at, (group, start, stop, typed) in enumerate(pieces):
        if typed in _HYPHENS and _hyphenates(pieces, at):
            hyphen, end = True, stop
            continue
        kind = Kind.WORD if group == "word" else Kind.NUMBER if group == "number" else _kind(pieces, at)
        if filled and (typed == "#" or (kind is Kind.SYMBOL) != (before is Kind.SYMBOL)):
            segment += 1  # nothing delimits it, but hashtags and emoji are no part of a sentence
        glued = start == end
        yield Token(
            start,
            stop,
            _word(group, typed),
            kind,
            segment,
            _number(typed) if kind is Kind.NUMBER else 0.0,
            glued,
            hyphen and glued,
            glued and sign == "#" and kind is Kind.WORD,
            bool(opaque[start]),
        )
        hyphen, end, before, sign = False, stop, kind, typed
        segment, filled = (segment + filled, False) if kind is Kind.DELIMITER else (segment, True)


def _hyphenates(pieces: list[_Piece], at: int) -> bool:
    """Whether a piece ties a word to what stands before it, as in `close-up` and `10-second`."""
    if not 0 < at < len(pieces) - 1:
        return False
    left, piece, right = pieces[at - 1 : at + 2]
    tied = left.end == piece.start and piece.end == right.start
    return tied and left.group in ("word", "number") and right.group == "word"


def _kind(pieces: list[_Piece], at: int) -> Kind:
    typed = pieces[at].typed
    if typed in _JOINTS and _joins(pieces, at):
        return Kind.JOINT
    if pieces[at].group == "back" or typed[0] in _DELIMITERS:
        return Kind.DELIMITER
    if typed == "&":
        return Kind.WORD
    return Kind.SIGN if typed.isascii() or typed[0] in _SIGNS else Kind.SYMBOL


def _joins(pieces: list[_Piece], at: int) -> bool:
    """Whether a piece stands between two numbers, with a gap on both sides or on none; `5s-7s` counts too."""
    if not 0 < at < len(pieces) - 1 or pieces[at + 1].group != "number":
        return False
    left, piece, right = pieces[at - 1 : at + 2]
    dash = piece.typed in "-–—" and at > 1  # noqa: RUF001 - as they are typed
    counted = dash and left.group == "word" and len(left.typed) <= 4 and pieces[at - 2].group == "number"
    return (left.group == "number" or counted) and (left.end == piece.start) == (piece.end == right.start)


def _word(group: str, typed: str) -> str:
    if group == "word":
        return typed.lower().replace("’", "'")  # noqa: RUF001 - as it is typed
    if group == "number":
        return typed
    if group == "back":
        return TAKEN_BACK
    return "and" if typed == "&" else typed[0]


def _number(typed: str) -> float:
    whole, comma, rest = typed.partition(",")
    return float(whole + rest) if comma and len(rest) == 3 else float(typed.replace(",", "."))


def _segments(tokens: tuple[Token, ...]) -> Iterator[range]:
    """The range of tokens of each segment, in order; one more, empty, for delimiters at the very end."""
    first = 0
    for _, run in groupby(enumerate(tokens), key=lambda one: one[1].segment):
        filled = [index for index, token in run if token.kind is not Kind.DELIMITER]
        yield range(filled[0], filled[-1] + 1) if filled else range(first, first)
        first = filled[-1] + 1 if filled else first
    yield range(len(tokens), len(tokens))


def _opaque(raw: str) -> bytes:
    """For each character, whether it stands in what reads like a message to a machine."""
    mask, marked = bytearray(len(raw)), 0
    for start, end in sorted([*_tagged(raw), *_braced(raw), *(found.span() for found in _ROLE.finditer(raw))]):
        if end > marked:
            mask[max(start, marked) : end] = b"\1" * (end - max(start, marked))
            marked = end
    return bytes(mask)


def _tagged(raw: str) -> Iterator[tuple[int, int]]:
    """Each tag, and all that stands between an opening one and its closing one."""
    opened: dict[str, int] = {}
    for found in _TAG.finditer(raw):
        yield found.span()
        if found[1] and found[2] in opened:
            yield opened.pop(found[2]), found.end()
        elif not found[1]:
            opened.setdefault(found[2], found.start())


def _braced(raw: str) -> Iterator[tuple[int, int]]:
    opened: list[int] = []
    for at, character in enumerate(raw):
        if character == "{":
            opened.append(at)
        elif character == "}" and opened:
            yield opened.pop(), at + 1
