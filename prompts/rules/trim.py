"""The picture in words: a text without what the fields carry, cut only where a clean sentence is left."""

from collections.abc import Iterable, Iterator

from prompts.rules.finding import Finding
from prompts.rules.tokens import Kind, Text
from prompts.rules.vocabulary import labels, table, words

_SENTENCE = frozenset(".!?。！？…")  # noqa: RUF001 - as they are typed
_CLOSING = frozenset(",.;:!?)]}\n、。，！？")  # noqa: RUF001 - as they are typed
_BRACKETS = {"(": ")", "[": "]", "（": "）"}  # noqa: RUF001 - as they are typed
_CARRIED = ("duration", "aspect_ratio", "style", "quality", "audio", "negative_prompt", "motion")


def trimmed(text: Text, findings: Iterable[Finding]) -> str:
    """The text without the findings that may be cut; the whole text where nothing else is in it."""
    cut: set[int] = set()
    for finding in findings:
        cut |= _whole_label(text, finding) if _labelled(text, finding) else _extended(text, finding)
    for segment in text.segments:
        _mend(text, segment, cut)
    kept = [index for index in range(len(text.tokens)) if index not in cut]
    pictures = any(text.tokens[index].kind in (Kind.WORD, Kind.SYMBOL) for index in kept)
    return _rendered(text, kept) if pictures else text.raw.strip()


def _labelled(text: Text, finding: Finding) -> bool:
    """Whether a finding is the value of its own label, which the field carries whole."""
    named = labels().get(text.label(finding.first), ())
    return finding.field in _CARRIED and finding.field in named


def _whole_label(text: Text, finding: Finding) -> set[int]:
    """A label's value where it is said in full; the label goes with it when the segment is mended."""
    segment = text.segment(finding.first)
    rest = [at for at in segment if at not in finding.tokens and text.word(at) not in words("frames", "fillers")]
    return set(finding.tokens) if rest else set(segment)


def _extended(text: Text, finding: Finding) -> set[int]:
    """A finding's tokens with the words that belong to them: `for about [10 s] long`."""
    if not finding.cut:
        return set()
    segment, last = text.segment(finding.first), _headless(text, finding)
    while last < segment.stop and text.word(last) in _with(finding.field, "tail"):
        last += 1
    last -= last > finding.last and text.word(last - 1) == "in" and last < segment.stop
    if text.word(last) == "of" and finding.field in ("duration", "quality") and _only_fillers(text, segment, finding):
        return set(range(segment.start, last + 1))
    first = finding.first
    if last == segment.stop or text.word(last) not in words("frames", "videos"):
        first = _lead(text, finding.first, segment, _with(finding.field, "lead"))
    return set(range(first, last))


def _headless(text: Text, finding: Finding) -> int:
    """Where a finding ends without the noun that holds the sentence: `[vertical] video of a cat`."""
    last = finding.last
    held = finding.field != "negative_prompt" and text.word(finding.first) not in words("trim", "prepositions")
    if held and last - finding.first > 1 and text.word(last - 1) in words("frames", "videos"):
        return last - 1
    return last


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


def _mend(text: Text, segment: range, cut: set[int]) -> None:
    """Cut a segment whole where only fillers are left of it; take back what would leave a broken sentence."""
    if cut.isdisjoint(segment):
        return
    if all(index in cut or _filler(text, index) for index in segment):
        _drop(text, segment, cut)
        return
    for run in list(_runs(segment, cut)):
        if not _clean(text, segment, run, cut):
            cut.difference_update(run)


def _filler(text: Text, index: int) -> bool:
    token = text.tokens[index]
    return token.kind is Kind.WORD and not token.opaque and token.word in words("frames", "fillers") | words("frames", "videos")


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
    if after is not None and text.tokens[after].hyphen:
        return False
    if before is None:
        return after is None or text.word(after) not in words("trim", "openers")
    if text.word(before) in words("trim", "determiners"):
        return after is not None and text.word(after) not in words("frames", "stops") | words("trim", "openers")
    return text.word(before) not in words("frames", "dangling")


def _drop(text: Text, segment: range, cut: set[int]) -> None:
    """Cut a segment with its label or number, and one of the delimiters around it."""
    cut.update(segment)
    first = _marked(text, segment)
    cut.update(range(first, segment.start))
    before, after = _delimiters_before(text, first, cut), _delimiters_after(text, segment.stop)
    if before and after and _BRACKETS.get(text.word(before[-1])) == text.word(after[0]):
        cut.update((before[-1], after[0]))
    elif not before:
        cut.update(after)
    elif not after:
        cut.update(before[_ended(text, before) :])
    else:
        cut.update(before if _strength(text, after) > _strength(text, before) else after)


def _marked(text: Text, segment: range) -> int:
    """Where a segment begins with its label, `Length: 10 s`, or its number in a list, `1. 10 s`."""
    before = segment.start - 1
    at = text.segments[text.tokens[before].segment] if before >= 0 else range(0)
    if not len(at) or at.stop != before:
        return segment.start
    numbered = len(at) == 1 and text.number(at.start) is not None and text.word(before) in (".", ")")
    return at.start if numbered or text.label(segment.start) in labels() else segment.start


def _delimiters_before(text: Text, index: int, cut: set[int]) -> list[int]:
    """The delimiters between what is kept and a token."""
    found: list[int] = []
    at = index - 1
    while at >= 0 and (at in cut or _delimits(text, at)):
        if at not in cut:
            found.append(at)
        at -= 1
    return found[::-1] if at >= 0 else []


def _delimiters_after(text: Text, index: int) -> list[int]:
    at = index
    while at < len(text.tokens) and _delimits(text, at):
        at += 1
    return list(range(index, at))


def _delimits(text: Text, index: int) -> bool:
    return text.tokens[index].kind is Kind.DELIMITER and not text.tokens[index].opaque


def _ended(text: Text, delimiters: list[int]) -> int:
    """How many of these end a sentence before all else."""
    return next((at for at, index in enumerate(delimiters) if text.word(index) not in _SENTENCE), len(delimiters))


def _strength(text: Text, delimiters: list[int]) -> int:
    """2 where a line ends, 1 where a sentence does."""
    typed = {text.word(index) for index in delimiters}
    return 2 if "\n" in typed else 1 if typed & _SENTENCE else 0


def _rendered(text: Text, kept: list[int]) -> str:
    """The tokens that are left, with what stood between those that were neighbours."""
    pieces: list[str] = []
    for at, index in enumerate(kept):
        if at:
            pieces.append(_gap(text, kept[at - 1], index))
        pieces.append(_spelled(text, index, kept[at + 1] if at + 1 < len(kept) else index + 1))
    return "".join(pieces).strip()


def _gap(text: Text, left: int, right: int) -> str:
    if right == left + 1:
        return text.raw[text.tokens[left].end : text.tokens[right].start]
    return "" if text.word(right) in _CLOSING or text.word(left) in ("\n", "(", "[") else " "


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
