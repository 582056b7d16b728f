"""A text as tokens in segments: what every rule looks at, with the exact place of each word in the input."""

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

# Each branch either takes its run at once or gives up: the whole text is one pass, whatever it is.
_TOKEN = re.compile(
    r"(?P<number>\d{1,7}(?:[.,]\d{1,3})?(?!\d))"
    r"|(?P<word>[^\W\d_]++(?:['’][^\W\d_]++)*+)"
    r"|(?P<space>[^\S\n]++)"
    r"|(?P<other>\d++|.)",
    re.DOTALL,
)
_TAG = re.compile(r"<(/?)([A-Za-z][\w-]*+)[^<>]*+>")
_ROLE = re.compile(r"(?im)^[ \t]{0,8}(?:system|assistant|developer|tool)[ \t]{0,8}:.*+$")
_DELIMITERS = frozenset(",;.!?:=()[]{}<>|/\\\n\"“”„«»•·…—–-、。，！？：；（）「」،؛؟।")  # noqa: RUF001 - as they are typed
_JOINTS = frozenset(":-–—/×*")  # noqa: RUF001 - as they are typed
_SIGNS = frozenset("≈°€£×’`´")  # noqa: RUF001 - as they are typed
_HYPHENS = frozenset("-‑‐")


class Kind(enum.Enum):
    """What a token is."""

    WORD = enum.auto()
    NUMBER = enum.auto()
    JOINT = enum.auto()
    """What holds two numbers together: `16:9`, `5-7`."""
    DELIMITER = enum.auto()
    """What ends a segment."""
    SIGN = enum.auto()
    """What belongs to its neighbours: `~`, `#`, `%`."""
    SYMBOL = enum.auto()
    """Emoji and the like: content that no rule reads, in segments of its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """One token: `raw[start:end]`. `word` is it in lower case, with straight apostrophes."""

    start: int
    end: int
    word: str
    kind: Kind
    number: float = 0.0
    segment: int = 0
    glued: bool = False
    """Whether it follows the token before without a gap; a hyphen counts as none."""
    hyphen: bool = False
    """Whether a hyphen ties it to the token before."""
    tag: bool = False
    """Whether it is a hashtag's word."""
    opaque: bool = False
    """Whether it stands in what reads like a message to a machine: a tag, JSON, a line with a role."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """A text, its tokens, and the range of tokens of each segment; delimiters stand between segments."""

    raw: str
    tokens: tuple[Token, ...]
    segments: tuple[range, ...]

    def word(self, index: int) -> str:
        """The token's word; empty beyond either end."""
        return self.tokens[index].word if 0 <= index < len(self.tokens) else ""

    def number(self, index: int) -> float | None:
        """The token's number; None where there is none."""
        if 0 <= index < len(self.tokens) and self.tokens[index].kind is Kind.NUMBER:
            return self.tokens[index].number
        return None

    def segment(self, index: int) -> range:
        """The segment a token is in."""
        return self.segments[self.tokens[index].segment]

    def slice(self, first: int, last: int) -> str:
        """The words from token `first` up to and without token `last`, as they were typed."""
        return self.raw[self.tokens[first].start : self.tokens[last - 1].end]

    def label(self, index: int) -> str:
        """What a token's segment is the value of: `mood` of `Mood: calm`; empty where it is none."""
        before = self.segment(index).start - 1
        if self.word(before) not in (":", "=", "："):  # noqa: RUF001 - as it is typed
            return ""
        segment = self.segments[self.tokens[before].segment]
        return " ".join(self.word(at) for at in segment) if len(segment) <= 3 and segment.stop == before else ""


def tokenize(raw: str) -> Text:
    """Any text as tokens; never raises, and takes time in proportion to the text's length."""
    tokens = list(_joined(list(_pieces(raw)), _opaque(raw)))
    return Text(raw=raw, tokens=tuple(tokens), segments=tuple(_segments(tokens)))


def _pieces(raw: str) -> Iterator[tuple[str, int, int, str]]:
    for found in _TOKEN.finditer(raw):
        if found.lastgroup and found.lastgroup != "space":
            yield found.lastgroup, found.start(), found.end(), found[0]


def _joined(pieces: list[tuple[str, int, int, str]], opaque: bytes) -> Iterator[Token]:
    """The pieces as tokens in segments: hyphens within words are gone, joints within numbers are no delimiters."""
    hyphen, end, segment, filled = False, -1, 0, False
    before = Token(start=0, end=0, word="", kind=Kind.DELIMITER)
    for at, (group, start, stop, typed) in enumerate(pieces):
        if _hyphenates(pieces, at):
            hyphen, end = True, stop
            continue
        kind = _kind(pieces, at)
        if filled and _sets_apart(kind, typed, before):
            segment += 1
        before = Token(
            start=start,
            end=stop,
            word=_word(typed),
            kind=kind,
            number=_number(typed) if kind is Kind.NUMBER else 0.0,
            segment=segment,
            glued=start == end,
            hyphen=hyphen and start == end,
            tag=group == "word" and before.word == "#" and start == end,
            opaque=bool(opaque[start]),
        )
        yield before
        hyphen, end = False, stop
        segment, filled = (segment + filled, False) if kind is Kind.DELIMITER else (segment, True)


def _sets_apart(kind: Kind, typed: str, before: Token) -> bool:
    """Whether a segment begins here though nothing delimits it: at hashtags, and at either end of emoji."""
    return typed == "#" or (kind is Kind.SYMBOL) != (before.kind is Kind.SYMBOL)


def _hyphenates(pieces: list[tuple[str, int, int, str]], at: int) -> bool:
    """Whether a piece ties a word to what stands before it, as in `close-up` and `10-second`."""
    if pieces[at][3] not in _HYPHENS or not 0 < at < len(pieces) - 1:
        return False
    (left, _, left_end, _), (_, start, end, _), (right, right_start, _, _) = pieces[at - 1 : at + 2]
    return left in ("word", "number") and right == "word" and left_end == start and end == right_start


def _kind(pieces: list[tuple[str, int, int, str]], at: int) -> Kind:
    group, _, _, typed = pieces[at]
    if group == "number":
        return Kind.NUMBER
    if group == "word" or typed == "&":
        return Kind.WORD
    if typed in _JOINTS and _joins(pieces, at):
        return Kind.JOINT
    if typed in _DELIMITERS:
        return Kind.DELIMITER
    return Kind.SIGN if typed.isascii() or typed in _SIGNS else Kind.SYMBOL


def _joins(pieces: list[tuple[str, int, int, str]], at: int) -> bool:
    """Whether a piece stands between two numbers, with a gap on both sides or on none; `5s-7s` counts too."""
    if not 0 < at < len(pieces) - 1 or pieces[at + 1][0] != "number":
        return False
    (left, _, left_end, unit), (_, start, end, typed), (_, right_start, _, _) = pieces[at - 1 : at + 2]
    counted = left == "word" and len(unit) <= 4 and typed in "-–—" and at > 1 and pieces[at - 2][0] == "number"  # noqa: RUF001
    return (left == "number" or counted) and (left_end == start) == (end == right_start)


def _word(typed: str) -> str:
    return "and" if typed == "&" else typed.lower().replace("’", "'")  # noqa: RUF001 - as it is typed


def _number(typed: str) -> float:
    whole, comma, rest = typed.partition(",")
    return float(whole + rest) if comma and len(rest) == 3 else float(typed.replace(",", "."))


def _segments(tokens: list[Token]) -> Iterator[range]:
    """The range of tokens of each segment, in order; one more, empty, for delimiters at the very end."""
    first = 0
    for segment, run in groupby(enumerate(tokens), key=lambda one: one[1].segment):
        filled = [index for index, token in run if token.kind is not Kind.DELIMITER]
        yield range(filled[0], filled[-1] + 1) if filled else range(first, first)
        first = filled[-1] + 1 if filled else first
    yield range(len(tokens), len(tokens))


def _opaque(raw: str) -> bytes:
    """For each character, whether it stands in what reads like a message to a machine."""
    mask, marked = bytearray(len(raw)), 0
    for start, end in sorted([*_tagged(raw), *_braced(raw), *(found.span() for found in _ROLE.finditer(raw))]):
        start = max(start, marked)
        mask[start:end] = b"\1" * max(end - start, 0)
        marked = max(marked, end)
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


