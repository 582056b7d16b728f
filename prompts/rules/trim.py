"""The picture in words: a text without what the fields carry, cut only where a clean sentence is left."""

from collections.abc import Container, Iterable, Iterator
from itertools import dropwhile, pairwise

from prompts.rules.finding import Finding
from prompts.rules.tokens import TAKEN_BACK, Kind, Text
from prompts.rules.vocabulary import labels, table, words

_SENTENCE = frozenset(".!?。！？…")  # noqa: RUF001 - as they are typed
_CLOSING = frozenset(",.;:!?)]}\n、。，！？")  # noqa: RUF001 - as they are typed
_QUOTES = {'"': '"', "“": "”", "„": "“", "«": "»"}
_BRACKETS = {"(": ")", "[": "]", "（": "）"}  # noqa: RUF001 - as they are typed


def trimmed(text: Text, findings: Iterable[Finding]) -> str:
    """The text without the findings that may be cut; the whole text where nothing else is in it."""
    cut: set[int] = set()
    for finding in findings:
        cut |= _whole_label(text, finding) if _labelled(text, finding) else _extended(text, finding)
    if not cut:
        return text.raw.strip()
    cut.update(_delimiters(text, _mended(text, cut)), _taken_back(text, cut))
    quotes = _quotes(text)
    for closing, opening in quotes.items():  # they stay around what stays, and go with what goes
        cut -= {opening, closing}
        if closing - opening > 1 and cut.issuperset(range(opening + 1, closing)):
            cut |= {opening, closing}
    kept = [index for index in range(len(text.tokens)) if index not in cut]
    pictures = any(text.tokens[index].kind in (Kind.WORD, Kind.SYMBOL) for index in kept)
    return _rendered(text, kept, quotes) if pictures else text.raw.strip()


def _labelled(text: Text, finding: Finding) -> bool:
    """Whether a finding is the value of its own label, which the field carries whole."""
    named = labels().get(text.label(finding.first), ())
    return (finding.cut or finding.field == "style") and finding.field in named


def _whole_label(text: Text, finding: Finding) -> set[int]:
    """A label's value where it is said in full; the label goes with it when the segment is mended."""
    segment = text.segment(finding.first)
    fillers = words("frames", "fillers")
    rest = any(at not in finding.tokens and text.word(at) not in fillers for at in segment)
    return set(finding.tokens) if rest else set(segment)


def _extended(text: Text, finding: Finding) -> set[int]:
    """A finding's tokens with the words that belong to them: `for about [10 s] long`."""
    if not finding.cut:
        return set()
    segment, last = text.segment(finding.first), _headless(text, finding)
    start = finding.first + _headed(text, finding, last)
    while last < segment.stop and text.word(last) in _with(finding.field, "tail"):
        last += 1
    last -= last > finding.last and text.word(last - 1) == "in" and last < segment.stop
    if text.word(last) == "of" and finding.field in ("duration", "quality") and _only_fillers(text, segment, finding):
        return set(range(segment.start, last + 1))
    first = start
    if last == segment.stop or text.word(last) not in words("frames", "videos"):
        first = _lead(text, start, segment, _with(finding.field, "lead"))
    return set(range(first, last))


def _headless(text: Text, finding: Finding) -> int:
    """Where a finding ends without the noun that holds the sentence: `[vertical] video of a cat`."""
    last = finding.last
    held = finding.field != "negative_prompt" and text.word(finding.first) not in words("trim", "prepositions")
    if held and last - finding.first > 1 and text.word(last - 1) in words("frames", "videos"):
        return last - 1
    return last


def _headed(text: Text, finding: Finding, last: int) -> bool:
    """Whether a finding begins with a word that stays: `a [reel] about bees`, `video [vertical]`."""
    first = text.word(finding.first)
    held = last < finding.last and first in words("trim", "determiners")
    return held or (last - finding.first > 1 and first in words("frames", "videos") and finding.field == "aspect_ratio")


def _with(field: str, side: str) -> frozenset[str]:
    return words("trim", side, field) if field in table("trim")[side] else frozenset()


def _lead(text: Text, first: int, segment: range, known: frozenset[str]) -> int:
    """The first of the words before a finding that go with it; an article goes only after a preposition."""
    at = start = first
    while at > segment.start and text.word(at - 1) in known:
        at -= 1
        if text.word(at) not in words("trim", "articles"):
            start = at
            if text.word(at) in words("trim", "prepositions"):
                break
    return start


def _only_fillers(text: Text, segment: range, finding: Finding) -> bool:
    """Whether nothing stands before a finding that shows anything: `give me [10 seconds] of waves`."""
    return all(text.word(at) in words("frames", "fillers") for at in range(segment.start, finding.first))


def _mended(text: Text, cut: set[int]) -> set[int]:
    """Which segments are gone whole, because only fillers are left of them; no other is left a broken sentence."""
    gone: set[int] = set()
    following = ""
    # From the end, so that it is known what will follow.
    for number in range(len(text.segments) - 1, -1, -1):
        segment = text.segments[number]
        if number not in gone and not cut.isdisjoint(segment):
            if _empty(text, segment, cut) and not _holds(text, segment, cut, following):
                gone |= _with_mark(text, number)
            else:
                cut.difference_update(*(run for run in _runs(segment, cut) if not _clean(text, segment, run, cut)))
        if number in gone:
            cut.update(segment)
        elif len(segment):
            following = _leading(text, segment, cut)
    return gone


def _empty(text: Text, segment: range, cut: set[int]) -> bool:
    """Whether nothing is left of a segment but words that say nothing by themselves."""
    return all(index in cut or _filler(text, index) for index in segment)


def _leading(text: Text, segment: range, cut: set[int]) -> str:
    """The first word that is left of a segment; empty where a sentence ends before it."""
    before = text.tokens[segment.start - 1].word if segment.start else "\n"
    first = next((at for at in segment if at not in cut), segment.start)
    return "" if before in _SENTENCE or before == "\n" else text.word(first)


def _holds(text: Text, segment: range, cut: set[int], following: str) -> bool:
    """Whether what follows hangs on a noun of this segment: `a [10 s] video, about bees`."""
    head = any(text.word(at) in words("frames", "videos") for at in segment if at not in cut)
    return head and following in words("trim", "openers")


def _with_mark(text: Text, number: int) -> set[int]:
    """A segment and what marks it: its label, `Length: 10 s`, or its number in a list, `1. 10 s`."""
    segment, before = text.segments[number], text.segments[number - 1] if number else range(0)
    if not len(before) or before.stop != segment.start - 1:
        return {number}
    numbered = len(before) == 1 and text.number(before.start) is not None and text.word(before.stop) in (".", ")")
    return {number, number - 1} if numbered or text.label(segment.start) in labels() else {number}


def _filler(text: Text, index: int) -> bool:
    token = text.tokens[index]
    return (
        token.kind is Kind.WORD
        and not token.opaque
        and token.word in words("frames", "fillers") | words("frames", "videos")
    )


def _runs(segment: range, cut: set[int]) -> Iterator[range]:
    first: int | None = None
    for index in (*segment, segment.stop):
        inside = index in cut and index < segment.stop
        if inside and first is None:
            first = index
        elif not inside and first is not None:
            yield range(first, index)
            first = None


def _clean(text: Text, segment: range, run: range, cut: set[int]) -> bool:
    """Whether the sentence is whole without a run of tokens."""
    before = next((at for at in range(run.start - 1, segment.start - 1, -1) if at not in cut), None)
    after = next((at for at in range(run.stop, segment.stop) if at not in cut), None)
    sides = [text.tokens[at] for at in (before, after) if at is not None]
    if any(token.kind is Kind.JOINT for token in sides) or (after is not None and text.tokens[after].hyphen):
        return False
    if before is None:
        return after is None or text.word(after) not in words("trim", "openers")
    if text.word(before) in words("trim", "determiners"):
        return after is not None and text.word(after) not in words("frames", "stops") | words("trim", "openers")
    return text.word(before) not in words("frames", "dangling")


def _delimiters(text: Text, gone: set[int]) -> Iterator[int]:
    """The delimiters that go with the segments that are gone: of all between two that stay, one group is left."""
    groups: list[range] = []
    first, position = True, 0
    for number, segment in enumerate(text.segments):
        if not len(segment):
            continue
        groups.append(range(position, segment.start))
        position = segment.stop
        if number not in gone:
            yield from _superfluous(text, groups, first=first, last=False)
            groups, first = [], False
    groups.append(range(position, len(text.tokens)))
    yield from _superfluous(text, groups, first=first, last=True)


def _taken_back(text: Text, cut: set[int]) -> Iterator[int]:
    """The words that take one reading back for another: `[10 s], no wait, [8 s]`; not what somebody says."""
    for before, after in pairwise(segment for segment in text.segments if len(segment)):
        if not (cut.isdisjoint(before) or cut.isdisjoint(after)):
            delimiters = range(before.stop, after.start)
            yield from dropwhile(lambda at: text.word(at) != TAKEN_BACK, delimiters)


def _superfluous(text: Text, groups: list[range], *, first: bool, last: bool) -> Iterator[int]:
    """What to cut of groups of delimiters with nothing but gone segments between them."""
    if len(groups) == 1:
        return
    strongest = max(groups, key=lambda group: _strength(text, group))
    left = groups[0] if first else strongest[: _ended(text, strongest)] if last else strongest
    brackets = _brackets(text, groups)
    for at in (at for group in groups for at in group):
        if at in brackets or not (at in left or text.tokens[at].opaque or text.word(at) == TAKEN_BACK):
            yield at


def _brackets(text: Text, groups: list[range]) -> set[int]:
    """The brackets around what is gone."""
    pairs = ((before[-1], after[0]) for before, after in pairwise(groups) if before and after)
    return {at for pair in pairs if _BRACKETS.get(text.word(pair[0])) == text.word(pair[1]) for at in pair}


def _quotes(text: Text) -> dict[int, int]:
    """Each closing quotation mark, and the one that it closes."""
    pairs: dict[int, int] = {}
    opened: int | None = None
    for at, word in enumerate(text.words):
        if opened is not None and word == _QUOTES[text.word(opened)]:
            pairs[at], opened = opened, None
        elif opened is None and word in _QUOTES:
            opened = at
    return pairs


def _ended(text: Text, delimiters: range) -> int:
    """How many of these end a sentence before all else."""
    return next((at for at, index in enumerate(delimiters) if text.word(index) not in _SENTENCE), len(delimiters))


def _strength(text: Text, delimiters: range) -> int:
    """2 where a line ends, 1 where a sentence does."""
    typed = {text.word(index) for index in delimiters}
    return 2 if "\n" in typed else 1 if typed & _SENTENCE else 0


def _rendered(text: Text, kept: list[int], closing: Container[int]) -> str:
    """The tokens that are left, with what stood between those that were neighbours."""
    pieces: list[str] = []
    for at, index in enumerate(kept):
        if at:
            pieces.append(_gap(text, kept[at - 1], index, closing))
        pieces.append(_spelled(text, index, kept[at + 1] if at + 1 < len(kept) else index + 1))
    return "".join(pieces).strip()


def _gap(text: Text, left: int, right: int, closing: Container[int]) -> str:
    if right == left + 1:
        return text.raw[text.tokens[left].end : text.tokens[right].start]
    opens = left not in closing and text.word(left) in words("trim", "quotes")
    quoted = right in closing or (opens and not text.raw[text.tokens[left].end].isspace())
    return "" if quoted or text.word(right) in _CLOSING or text.word(left) == "\n" else " "


def _spelled(text: Text, index: int, after: int) -> str:
    """A token as it was typed; an article by the sound of its new neighbour."""
    typed = text.slice(index, index + 1)
    if after == index + 1 or text.word(index) not in ("a", "an"):
        return typed
    article = "an" if _vowel(text.word(after)) else "a"
    return article if typed.islower() else article.upper() if len(typed) > 1 and typed.isupper() else article.title()


def _vowel(word: str) -> bool:
    trim = table("trim")
    if word.startswith(tuple(trim["silent"])):
        return True
    return word.startswith(tuple(trim["vowels"])) and not word.startswith(tuple(trim["no_vowels"]))
