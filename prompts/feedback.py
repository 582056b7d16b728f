"""What was said about a clip, read into a better draft by rules: comparatives, removals, exchanges, wishes."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from prompts import rules
from prompts.changes import changes, spoken
from prompts.clauses import added, holds
from prompts.cutting import cut
from prompts.meanings import done, exchanged_in_kind, lasting, meant, merged, noticed, unwanted
from prompts.phrases import (
    ADDING,
    ALIKE,
    ARTICLE,
    CHANGE,
    KEEP,
    KEEP_ALL,
    MAKE,
    PLACE,
    SENTENCE,
    SWAPS,
    bare,
    clauses,
    empty,
    removal,
    seconds_more,
    straight,
)
from prompts.words import FIELDS, Change, Draft, Reading, Rewritten

_SURE = 0.8
"""How sure a comparative is: what it means is fixed, how much of it is not."""

_FEW = 3
"""So many words may stand beside a comparative; with more it is about something else: `a brighter star in the sky`."""


_SHOWN = 200
"""Characters of a clause in the reason of a change."""

_MOST_CLAUSES = 60
"""After so many clauses the rest is added as it is: nobody says so much in single wishes."""


@dataclass(frozen=True, slots=True)
class _Step:
    clause: str
    draft: Draft
    """After it."""
    understood: bool


def apply(draft: Draft, feedback: str, styles: Collection[str]) -> Rewritten:
    """The draft as the feedback wants it, with every change and the words that led to it.

    What is understood changes fields and words; the rest is added to the prompt as the user wrote it. The new draft's
    notices are about this feedback only: FEEDBACK_APPENDED (nothing was understood), NOT_REMOVED (words that could not
    be taken out), LENGTH_GUESSED, and those of the rules. Never raises.
    """
    before = now = replace(draft, notices=())
    told: list[Change] = []
    understood = False
    for step in _steps(before, feedback, styles):
        told += changes(now, step.draft, f"the feedback says: {cut(step.clause, _SHOWN)}")
        now, understood = step.draft, understood or step.understood
    if not understood:
        message = "the rules did not understand the feedback: it is added to the prompt as it was written"
        now = noticed(now, "FEEDBACK_APPENDED", message, "feedback")
    return Rewritten(draft=_reread(before, now), changes=_once(told))


def _steps(draft: Draft, feedback: str, styles: Collection[str]) -> Iterator[_Step]:
    """Clause by clause. What is not understood stays together with what is beside it."""
    sentences, read = SENTENCE.split(straight(feedback)), 0
    for number, sentence in enumerate(sentences):
        parts = list(clauses(sentence))
        unknown: list[str] = []
        if (read := read + len(parts)) > _MOST_CLAUSES:
            parts, unknown = [], ["", ". ".join(sentences[number:])]
        removing = False
        for joint, clause in parts:
            after = _understood(draft, clause, styles)
            if after is None and removing and ALIKE.fullmatch(joint) and not ADDING.match(clause):
                after = _removed(draft, clause, styles)
            if after is None:
                unknown += [joint, clause]
                continue
            removing = removing or bool(removal(clause))
            yield _Step(clause, after, understood=True)
            draft = after
        if words := bare("".join(unknown[1:])):
            draft = replace(draft, prompt=added(draft.prompt, words))
            yield _Step(words, draft, understood=False)
        if read > _MOST_CLAUSES:
            return


def _understood(draft: Draft, clause: str, styles: Collection[str]) -> Draft | None:
    """The draft after a clause; None when the rules can make nothing of it."""
    plain = bare(clause)
    if not plain:
        return draft
    for way in (_kept_but, _lengthened, _swapped, _taken_out, _made, _wished, _kept):
        after = way(draft, plain, styles)
        if after is not None:
            return after
    return None


def _kept_but(draft: Draft, clause: str, styles: Collection[str]) -> Draft | None:
    """`keep everything except the dog`"""
    match = KEEP_ALL.fullmatch(clause)
    if match is None:
        return None
    but = bare(match["but"] or "")
    return _removed(draft, but, styles) if ARTICLE.match(but) else _understood(draft, but, styles)


def _kept(draft: Draft, clause: str, styles: Collection[str]) -> Draft | None:
    """`keep the dog`, `I like the light`: nothing to do."""
    return draft if KEEP.match(clause) else None


def _lengthened(draft: Draft, clause: str, styles: Collection[str]) -> Draft | None:
    """`two seconds longer`, `shorten it by 3 s`"""
    more = seconds_more(clause)
    return lasting(draft, more=more) if more else None


def _swapped(draft: Draft, clause: str, styles: Collection[str]) -> Draft | None:
    """`night instead of day`, `replace the dog with a cat`, `change the light to warm`"""
    match = next(filter(None, (way.fullmatch(clause) for way in (*SWAPS, CHANGE))), None)
    if match is None:
        return None
    old, new = match["old"].strip(), match["new"].strip()
    read = rules.read(new, styles)
    if any(spoken(read)) and not _beside(read):
        return _without_camera(merged(draft, read), old)
    if match.re is CHANGE and ARTICLE.match(old) and not ARTICLE.match(new) and " " not in new:
        new = f"{new} {ARTICLE.sub('', old, count=1)}"
    if bool(PLACE.match(old)) != bool(PLACE.match(new)):
        old, new = PLACE.sub("", old, count=1), PLACE.sub("", new, count=1)
    prompt = exchanged_in_kind(draft.prompt, old, new)
    return replace(draft, prompt=added(draft.prompt, new) if prompt == draft.prompt else prompt)


def _made(draft: Draft, clause: str, styles: Collection[str]) -> Draft | None:
    """`make the sky darker`: said of one thing, it is no comparative for all."""
    match = MAKE.fullmatch(clause)
    if match is None or not meant(match["how"])[0] or meant(match["how"])[1]:
        return None
    return replace(draft, prompt=added(draft.prompt, f"{match['thing']} is {match['how']}"))


def _taken_out(draft: Draft, clause: str, styles: Collection[str]) -> Draft | None:
    thing = removal(clause)
    return _removed(draft, thing, styles) if thing else None


def _removed(draft: Draft, thing: str, styles: Collection[str]) -> Draft:
    """The draft without a thing. Music and the like are no thing to see: the rules know them."""
    named = ARTICLE.sub("", thing.strip(), count=1)
    read = rules.read(f"no {named}", styles)
    if read.audio is not None:
        return merged(draft, read)
    after = unwanted(_without_camera(draft, named), named)
    if after.prompt == draft.prompt and holds(draft.prompt, named):
        message = f"`{named}` is in the negative prompt, but could not be taken out of the prompt"
        after = noticed(after, "NOT_REMOVED", message, "prompt")
    return after


def _without_camera(draft: Draft, words: str) -> Draft:
    return replace(draft, camera=tuple(move for move in draft.camera if not holds(words, move)))


def _wished(draft: Draft, clause: str, styles: Collection[str]) -> Draft | None:
    """Comparatives, and whatever the rules read; what stands beside them is added in the user's words."""
    meanings, rest = meant(clause)
    read = rules.read(bare(rest), styles) if bare(rest) else Draft(prompt="")
    if meanings and len(_beside(read).split()) > _FEW:
        meanings, read = [], rules.read(clause, styles)
    if not meanings and not any(spoken(read)):
        return None
    after = merged(draft, read)
    for meaning in meanings:
        after = done(after, meaning)
    beside = _beside(read)
    if not beside:
        return after
    return replace(after, prompt=added(after.prompt, clause if meanings else beside))


def _beside(read: Draft) -> str:
    """What was read, in the user's words, where it says more than its fields do; else nothing."""
    left = read.prompt
    for words in (words for reading in read.readings for words in reading.words):
        left = left.replace(words.text, " ", 1)
    return "" if empty(left) else bare(read.prompt)


def _reread(before: Draft, after: Draft) -> Draft:
    """With readings that say what the fields are: the old ones where nothing changed, else the latest that fits."""
    fields = [*zip(FIELDS, spoken(before), spoken(after), strict=True)]
    same = {name for name, old, new in fields if old == new}
    latest = {(reading.field, reading.value): reading for reading in after.readings}
    kept = (reading for reading in before.readings if reading.field in same)
    fresh = (
        latest.get((name, value), Reading(field=name, value=value, confidence=_SURE))
        for name, _, value in fields
        if value and name not in same
    )
    return replace(after, readings=(*kept, *fresh))


def _once(told: Iterable[Change]) -> tuple[Change, ...]:
    """Each field's changes as one, from its first value to its last; the prompt's stay apart."""
    fields: dict[str, Change] = {}
    prompt = []
    for change in told:
        first = fields.get(change.field)
        if change.field == "prompt":
            prompt.append(change)
        elif first is None:
            fields[change.field] = change
        else:
            fields[change.field] = replace(first, after=change.after, why=f"{first.why}; {change.why}")
    return (*prompt, *(change for change in fields.values() if change.before != change.after))
