"""What shall not be seen: `no people`, `without text or logos`, `avoid: blur, cars`; and what only sounds like it."""

from collections.abc import Iterator
from functools import cache

from prompts.rules.finding import Finding
from prompts.rules.tokens import Kind, Text
from prompts.rules.vocabulary import Phrase, labels, longest, plain, table, words

_SAID, _LISTED = 0.9, 0.85
_FOREIGN = 2
"""By how many small words a text must be another language's."""


def negatives(text: Text, taken: frozenset[int]) -> Iterator[Finding]:
    """What a text rules out, from left to right; one finding for each thing."""
    floor, english = 0, _english(text)
    for index in sorted({*text.places(_starts()), *_listed(text)}):
        readable = index >= floor and index not in taken and (english or _plainly(text, index))
        found = tuple(_at(text, index, taken)) if readable else ()
        yield from found
        floor = max((floor, *(one.last for one in found)))


@cache
def _starts() -> frozenset[str]:
    """The words that something can be ruled out with."""
    return frozenset().union(*(plain("negatives", kind) for kind in ("determiners", "commands", "denials")))


def _listed(text: Text) -> list[int]:
    """Where a labelled list of what shall not be seen begins: `Avoid: people, text`."""
    starts = [segment.start for segment in text.segments if len(segment)]
    return [at for at in starts if "negative_prompt" in labels().get(text.label(at), ()) and not text.tokens[at].opaque]


def _english(text: Text) -> bool:
    """Whether its small words are not another language's."""
    others, english = words("languages", "others"), words("languages", "english")
    return sum(word in others for word in text.words) - sum(word in english for word in text.words) < _FOREIGN


def _plainly(text: Text, index: int) -> bool:
    """Whether even in another language this can only rule something out: `no people`, `ohne Text`, `Avoid: text`."""
    foreign = text.word(index) in table("negatives")["foreign"] and text.word(index) != "no"
    return foreign or _labelled(text, index) or _known(text, index + 1)


def _at(text: Text, index: int, taken: frozenset[int]) -> Iterator[Finding]:
    if text.tokens[index].hyphen or text.tokens[index].kind is not Kind.WORD:
        return
    if _labelled(text, index):
        yield from _values(text, index, taken)
        return
    denial = _trigger(text, index, "denials")
    flaw = longest(plain("negatives", "flaws"), text, index + len(denial.words)) if denial else None
    if denial and flaw:
        yield _finding(text, index, index + len(denial.words), index + len(denial.words) + len(flaw.words))
        return
    command = _trigger(text, index, "commands") if _begins(text, index) else None
    trigger = command or _trigger(text, index, "determiners")
    if trigger:
        yield from _things(text, index, index + len(trigger.words), taken, commanded=command is not None)


def _trigger(text: Text, index: int, kind: str) -> Phrase | None:
    return longest(plain("negatives", kind), text, index)


def _begins(text: Text, index: int) -> bool:
    """Whether a command stands where one can: at the start of its segment, or after `please` or `and`."""
    start = text.segment(index).start
    return index == start or text.word(index - 1) in ("please", "and", "but", "i", "we", "pls", "also", "it")


def _labelled(text: Text, index: int) -> bool:
    """Whether a list of what shall not be seen begins here: `Avoid: people, text`."""
    named = labels().get(text.label(index), ())
    return "negative_prompt" in named and index == text.segment(index).start


def _values(text: Text, index: int, taken: frozenset[int]) -> Iterator[Finding]:
    """The things of a labelled list, up to the end of its line or sentence."""
    at = index
    while at < len(text.tokens) and text.tokens[at].kind is not Kind.DELIMITER:
        segment = text.segment(at)
        yield from _split(text, segment.start, segment, taken)
        at = segment.stop + 1
        if text.word(segment.stop) not in (",", ";", "/", "、"):
            return


def _split(text: Text, start: int, segment: range, taken: frozenset[int]) -> Iterator[Finding]:
    """Each thing of a segment: `people and text`."""
    first = start
    for at in (*segment, segment.stop):
        if at == segment.stop or text.word(at) in words("negatives", "joins"):
            if at > first and taken.isdisjoint(range(first, at)):
                yield _finding(text, first, first, at)
            first = at + 1


def _things(text: Text, start: int, first: int, taken: frozenset[int], *, commanded: bool) -> Iterator[Finding]:
    """The thing after a trigger, and those that a list adds to it."""
    last = _thing(text, first, taken, commanded=commanded)
    while last:
        yield _finding(text, start, first, last)
        start, first = last, _next(text, last)
        last = _thing(text, first, taken, commanded=commanded) if first else 0


def _thing(text: Text, first: int, taken: frozenset[int], *, commanded: bool) -> int:
    """Where the noun phrase that begins at a token ends; 0 where there is none that could be seen."""
    first = _bare(text, first)
    if first >= len(text.tokens) or text.tokens[first].kind is not Kind.WORD or not _visible(text, first):
        return 0
    # A phrase of many words is a clause: a command may have more of them than a mere `no`.
    longest_phrase = table("negatives")["most_words"] + 2 * commanded
    beyond, last = min(text.segment(first).stop, first + longest_phrase + 1), first
    while last < beyond and not _ends(text, last) and last not in taken:
        last += 1
    heard = text.word(last - 1) in words("negatives", "heard") and not commanded
    if not 0 < last - first <= longest_phrase or heard:
        return 0
    return last if last - first == 1 or commanded or _rounded(text, first, last) else 0


def _rounded(text: Text, first: int, last: int) -> bool:
    """Whether several words are one thing, rather than a thing and its verb: `makeup looks in the mirror`."""
    known = longest(plain("negatives", "things"), text, first)
    placed = longest(plain("negatives", "places"), text, last)
    whole = last >= text.segment(first).stop or text.word(last) in words("negatives", "ends")
    return whole or placed is not None or (known is not None and len(known.words) == last - first)


def _visible(text: Text, first: int) -> bool:
    """Whether a word begins the name of a thing, in a language whose things we know."""
    word, trigger = text.word(first), text.word(first - 1)
    foreign = table("negatives")["foreign"].get(trigger)
    if foreign is not None:
        return word in foreign
    return word not in words("negatives", "idioms") and word not in words("negatives", "heard")


def _bare(text: Text, first: int) -> int:
    """The token after the articles."""
    while text.word(first) in words("negatives", "articles"):
        first += 1
    return first


def _ends(text: Text, index: int) -> bool:
    word = text.word(index)
    return word in words("negatives", "ends") or word in words("frames", "stops") or text.tokens[index].opaque


def _next(text: Text, last: int) -> int:
    """Where the next thing of a list begins; 0 where the list is over."""
    if text.word(last) in words("negatives", "joins"):
        return last + 1 if _goes_on(text, last + 1, text.word(last) == "and") else 0
    if text.word(last) == "," and _known(text, last + 1):
        return last + 1
    if text.word(last) == "," and text.word(last + 1) in ("or", "nor"):
        return last + 2
    return 0


def _goes_on(text: Text, first: int, doubtful: bool) -> bool:
    """Whether a list goes on after `or`, or, with a thing that is usual to rule out, after `and`."""
    if text.word(first) in ("no", "without", "not", "a", "an", "the") or first >= len(text.tokens):
        return False
    return not doubtful or _known(text, first)


def _known(text: Text, first: int) -> bool:
    """Whether a thing that is usual to rule out fills the rest of a list's place."""
    thing = longest(plain("negatives", "things"), text, first)
    if thing is None:
        return False
    last = first + len(thing.words)
    return last >= text.segment(first).stop or text.word(last) in words("negatives", "joins")


def _finding(text: Text, start: int, first: int, last: int) -> Finding:
    """A thing, from its trigger to its last word and what only says `here`."""
    first = _bare(text, first)
    place = longest(plain("negatives", "places"), text, last)
    return Finding(
        field="negative_prompt",
        value=" ".join(text.slice(first, last).lower().split()),
        first=start,
        last=last + (len(place.words) if place else 0),
        confidence=_SAID if start < first else _LISTED,
        cut=True,
    )
