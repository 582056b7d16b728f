"""Whatever the text, a fitted prompt is within its row's limit (issue 5, acceptance 4)."""

import itertools
import random
import unicodedata
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.spec import Motion
from jobs.targets import target
from prompts.cutting import cut
from prompts.fit import fit
from prompts.words import Draft, Target
from providers.catalogue import CATALOGUE
from providers.model import LifecycleState

TARGETS = tuple(
    target(row, next(iter(row.modes)))
    for row in CATALOGUE.rows.values()
    if row.lifecycle.state is not LifecycleState.RETIRED
)
TEXTS = 10_000

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
ALPHABETS = (
    "abcdefghij klmnopq rstuvwxyz. ,",
    "\u0645\u0631\u062d\u0628\u0627 \u0628\u0643\u061f \u0633\u064a\u0627\u0631\u0629 ",
    "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd. ",
    "\u5915\u66ae\u308c\u306e\u6771\u4eac\u306e\u8857\u3092\u6b69\u304f\u732b\u3002",
    "\U0001f600\U0001f44d\U0001f3fd \u2728\u2764\ufe0f",
    "\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7",
    "e\u0301a\u0308o\u0302\u0315 n\u0303",
    "\u0915\u094d\u0937\u093f \u0928\u092e\u0938\u094d\u0924\u0947\u0964 ",
    "\u1112\u1161\u11ab\u1100\u1173\u11af ",
    "\u200d\u200c\ufe0f\u0301\u20e3",
    "\x00\t\r\n\x0b\u2028\u2029\u202e\u2066",
    "\"'{}[]()<>%$\\/;:!?-\u2014\u2026",
    "\U00020000\U0002a6d6 \U000f0000",
)
NASTY = (
    "",
    " " * 8000,
    "a" * 8000,
    "word " * 1600,
    "One sentence. " * 571,
    FAMILY * 1142,
    "\U0001f600" * 8000,
    "e" + "\u0301" * 7999,
    "\U0001f1e9" * 8000,
    "\u5915\u66ae\u308c\u306e\u8857\u3002" * 1333,
    "\u0645\u0631\u062d\u0628\u0627 " * 1333,
    "\n" * 4000 + "x" * 4000,
    "\ud83d" * 3000 + "\ude00" * 3000,
    "\u00df" * 8000,
    "." * 8000,
    "a " * 498 + FAMILY * 600,
    ("x" * 999 + "\U0001f600") * 8,
)
CAMERAS = ((), ("slow dolly in",), ("close-up", "slow pan left"), ("crane shot " * 300,))


def _texts(rng: random.Random) -> Iterator[str]:
    """Random texts of one or more scripts, half of them around the limits, up to 8,000 characters."""
    while True:
        length = rng.choice((rng.randrange(200), rng.randrange(780, 1030), rng.randrange(2600), rng.randrange(8001)))
        alphabet = "".join(rng.sample(ALPHABETS, rng.choice((1, 1, 2, 4))))
        text = "".join(rng.choices((*alphabet, FAMILY), k=length))
        yield text[:8000]


def _drafts(rng: random.Random) -> Iterator[Draft]:
    for text in _texts(rng):
        extra = rng.random() < 0.3
        yield Draft(
            prompt=text,
            camera=rng.choice(CAMERAS) if extra else (),
            mood=rng.choice(("", "calm", "\U0001f600", text[:50])) if extra else "",
            negative_prompt=rng.choice(("", "people, text", text[-500:], "x" * 6000)) if extra else "",
            motion=rng.choice((None, *Motion)) if extra else None,
        )


def _check(draft: Draft, target: Target) -> Draft:
    fitted = fit(draft, target)
    if target.prompt_limit == 0:
        assert fitted.prompt == draft.prompt
        assert [notice.code for notice in fitted.notices].count("PROMPT_NOT_SENT") == 1
    else:
        assert target.length(fitted.prompt) <= target.prompt_limit
    assert target.negative_prompt or not fitted.negative_prompt
    assert len(fitted.negative_prompt) <= 4000
    return fitted


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_the_nastiest_texts_fit_every_row(text: str) -> None:
    for each in TARGETS:
        _check(Draft(prompt=text, camera=("close-up",), mood="calm", negative_prompt="text"), each)


def test_ten_thousand_random_texts_fit_every_row() -> None:
    rng = random.Random(5)
    hit = dict.fromkeys(TARGETS, 0)
    for each, draft in itertools.islice(zip(itertools.cycle(TARGETS), _drafts(rng), strict=False), TEXTS):
        _check(draft, each)
        hit[each] += 1
    assert min(hit.values()) >= TEXTS // len(TARGETS) >= 50


@given(st.text(max_size=300), st.integers(1, 200), st.booleans())
def test_any_text_fits_any_limit(text: str, limit: int, utf16: bool) -> None:
    small = replace(TARGETS[0], prompt_limit=limit, prompt_utf16=utf16)
    fitted = _check(Draft(prompt=text, camera=("slow pan left",), mood="calm"), small)
    assert (
        any(notice.code == "PROMPT_SHORTENED" for notice in fitted.notices)
        or text.strip() in fitted.prompt
        or (text.strip()[:1].upper() + text.strip()[1:] in fitted.prompt)
    )


@given(st.text(max_size=200), st.integers(0, 250), st.booleans())
def test_a_cut_is_a_beginning_that_ends_between_signs(text: str, budget: int, utf16: bool) -> None:
    short = cut(text, budget, utf16=utf16)
    assert text.startswith(short)
    size = len(short.encode("utf-16-le", "surrogatepass")) // 2 if utf16 else len(short)
    assert size <= budget
    first_sign_fits = len(short) > 0 and not text[len(short) :].strip()
    if short and not first_sign_fits and short == short.rstrip():
        rest = text[len(short) :]
        assert not unicodedata.category(rest[0]).startswith("M") or _is_one_sign(short, rest)


def _is_one_sign(short: str, rest: str) -> bool:
    """Whether the whole text so far is a single base with its marks: then there was no better place to cut."""
    marks = {"Mn", "Me", "Mc"}
    tail = itertools.takewhile(lambda char: unicodedata.category(char) in marks, reversed(short))
    return len(list(tail)) >= len(short) - 1


@pytest.mark.parametrize(
    ("text", "budget", "short"),
    [
        ("One. Two. Three.", 12, "One. Two."),
        ("One two three four", 12, "One two"),
        ("One, two, three", 9, "One, two"),
        ("abcdefghij", 4, "abcd"),
        ("Short. " + "x" * 40, 40, "Short. " + "x" * 33),
        (FAMILY + "x", 3, FAMILY[:3]),
        ("ab" + FAMILY, 5, "ab"),
        ("abe\u0301", 3, "ab"),
        ("ab\U0001f44d\U0001f3fd", 3, "ab"),
        ("\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7", 3, "\U0001f1e9\U0001f1ea"),
        ("\u5915\u66ae\u3002\u8857\u732b", 4, "\u5915\u66ae\u3002"),
        ("a\r\nb", 2, "a"),
        ("whole", 5, "whole"),
        ("", 0, ""),
        ("x", 0, ""),
    ],
)
def test_where_a_text_is_cut(text: str, budget: int, short: str) -> None:
    assert cut(text, budget) == short


def test_utf16_counts_pairs_as_two_and_never_splits_one() -> None:
    assert cut("ab\U0001f600cd", 3, utf16=True) == "ab"
    assert cut("ab\U0001f600cd", 4, utf16=True) == "ab\U0001f600"
    assert cut("ab\U0001f600cd", 4) == "ab\U0001f600c"
