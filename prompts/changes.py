"""What is different between two drafts, in texts for people."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from prompts.words import FIELDS, Change, Draft

_WORD = re.compile(r"\S+\s*")
_MARKS = " \t\r\n.,;:"
_NEAR = 1
"""Equal words between two changes that are told as part of one."""


def changes(before: Draft, after: Draft, why: str | Mapping[str, str]) -> tuple[Change, ...]:
    """Every difference, the prompt's first, then in the order of FIELDS; none when the two say the same.

    `why` is one reason for all, or a reason for each field, with that of "" for those it does not name.
    """
    reasons: Mapping[str, str] = {"": why} if isinstance(why, str) else why
    pairs = (
        *(("prompt", old, new) for old, new in _parts(before.prompt, after.prompt)),
        *zip(FIELDS, spoken(before), spoken(after), strict=True),
    )
    return tuple(
        Change(field=field, before=old, after=new, why=reasons.get(field, reasons.get("", "")))
        for field, old, new in pairs
        if old != new
    )


def retold(before: Draft, after: Draft, told: Sequence[Change], otherwise: str) -> tuple[Change, ...]:
    """Every difference, for the reasons that were told of changes of the same words; `otherwise` where none was."""
    return tuple(
        replace(change, why=_reasons(change, told) or otherwise) for change in changes(before, after, otherwise)
    )


def _reasons(change: Change, told: Sequence[Change]) -> str:
    """Those of the changes that share a word with this one; of all of the same field, where none does."""
    same = [each for each in told if each.field == change.field]
    near = [each for each in same if _words(each) & _words(change)] or same
    return " ".join(dict.fromkeys(each.why for each in near))


def _words(change: Change) -> set[str]:
    return {_bare(word) for word in f"{change.before} {change.after}".split()}


def spoken(draft: Draft) -> tuple[str, ...]:
    """Each of FIELDS in words, in their order; empty where the draft does not say."""
    return tuple(_SPOKEN[name](draft) for name in FIELDS)


def _seconds(draft: Draft) -> str:
    return "" if draft.duration is None else f"{draft.duration:.4g} s"


def _audio(draft: Draft) -> str:
    return "" if draft.audio is None else "on" if draft.audio else "off"


_SPOKEN: Mapping[str, Callable[[Draft], str]] = {
    "duration": _seconds,
    "aspect_ratio": lambda draft: draft.aspect_ratio or "",
    "style": lambda draft: draft.style or "",
    "quality": lambda draft: draft.quality.value if draft.quality else "",
    "motion": lambda draft: draft.motion.value if draft.motion else "",
    "audio": _audio,
    "negative_prompt": lambda draft: draft.negative_prompt,
    "camera": lambda draft: ", ".join(draft.camera),
    "mood": lambda draft: draft.mood,
}


def _parts(before: str, after: str) -> Iterator[tuple[str, str]]:
    """The parts of a prompt that were replaced, word by word: (what it was, what it is).

    Capitals and the marks between words are no difference: a clause that moved into a sentence has not changed.
    """
    old, new = _WORD.findall(before), _WORD.findall(after)
    for first_old, last_old, first_new, last_new in _gaps([*map(_bare, old)], [*map(_bare, new)]):
        yield "".join(old[first_old:last_old]).strip(), "".join(new[first_new:last_new]).strip()


def _gaps(old: list[str], new: list[str]) -> list[tuple[int, int, int, int]]:
    """Where they differ, as opcodes say it; what lies near together is one."""
    gaps: list[tuple[int, int, int, int]] = []
    for tag, *gap in SequenceMatcher(None, old, new).get_opcodes():
        if tag != "equal":
            near = gaps.pop() if gaps and gap[0] - gaps[-1][1] <= _NEAR else gap
            gaps.append((near[0], gap[1], near[2], gap[3]))
    return gaps


def _bare(word: str) -> str:
    return word.strip(_MARKS).casefold()
