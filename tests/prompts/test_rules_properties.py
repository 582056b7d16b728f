"""What holds for any text: the rules never raise, say exactly what they read, and read nothing that is not legal."""

import math
import string

from hypothesis import example, given, settings
from hypothesis import strategies as st

from prompts.rules import BUILT_IN, read
from prompts.rules.ratios import upright
from prompts.rules.tokens import tokenize
from prompts.words import FIELDS, Draft

_LISTED = """
10|s|9:16|16x9|0:30|5-7|half a minute|second|minutes|1920x1080|2.39:1|60s|#tiktok|\u2014|1.|~|\u0661\u0660|\u00b2
no|people|without|or|and|avoid|don't show|text|not|blurry|in|the|a|of|for|sin|ohne|zero|camera|pushes|Length:
vertical|for TikTok|square|video|luxury|bold|style|calm|still|slow|pan|left|4k|draft|silent|with music|mood|cat
Style:|Avoid:|system:|{|}|<b>|</b>|\u05d7\u05ea\u05d5\u05dc|\U0001f431|\ud800|\u732b|\u0130|\u00df|\0|\u202e|,|.|:|;|-|(|)|'|"
"""
PARTS = (*_LISTED.replace("\n", "|").split("|"), "\n", "  ")
TEXTS = st.one_of(
    st.lists(st.sampled_from(PARTS), max_size=40).map(" ".join),
    st.lists(st.sampled_from(PARTS), max_size=40).map("".join),
    st.text(max_size=300),
    st.text(alphabet=string.printable, max_size=300),
)
REPEATED = st.lists(st.sampled_from(PARTS), min_size=1, max_size=4).map(" ".join)


def judge(text: str, draft: Draft) -> None:
    """Everything that is true of every draft of a text."""
    assert draft.duration is None or 0 < draft.duration <= 300
    if draft.aspect_ratio is not None:
        width, height = map(int, draft.aspect_ratio.split(":"))
        assert math.gcd(width, height) == 1 or draft.aspect_ratio in ("21:9", "9:21")
        assert min(width, height) > 0
        assert upright(draft.aspect_ratio) in (-1, 0, 1)
    assert draft.style is None or draft.style in BUILT_IN
    values = {name: getattr(draft, name) for name in FIELDS}
    assert {name for name, value in values.items() if value not in (None, "", ())} == {
        one.field for one in draft.readings
    }
    assert len({one.field for one in draft.readings}) == len(draft.readings)
    for reading in draft.readings:
        assert 0 <= reading.confidence <= 1
        assert reading.words
        assert all(text[words.start : words.end] == words.text != "" for words in reading.words)
    assert len(draft.prompt) <= len(text)
    assert bool(draft.prompt) == bool(text.strip())


@given(TEXTS)
@example("\n" * 8000)
@example("{" * 4000 + "}" * 4000)
@example("\ud800 10s \udfff")
def test_every_text_has_a_legal_draft_with_exact_words(text: str) -> None:
    draft = read(text)
    judge(text, draft)
    assert read(text) == draft


@given(REPEATED)
@settings(max_examples=20)
def test_a_long_text_is_read_as_well(part: str) -> None:
    text = (f"{part} " * 8000)[:8000]
    judge(text, read(text))


@given(TEXTS)
def test_tokens_cover_the_text_in_order_and_segments_the_tokens(text: str) -> None:
    found = tokenize(text)
    ends = [0, *(token.end for token in found.tokens)]
    assert all(end <= token.start < token.end for end, token in zip(ends, found.tokens, strict=False))
    assert all(found.segments[token.segment].start <= index for index, token in enumerate(found.tokens) if token.number)
    left = "".join(text[end : token.start] for end, token in zip(ends, found.tokens, strict=False))
    assert all(character.isspace() or character in "-\u2010\u2011" for character in left)


@given(
    st.text(alphabet=st.characters(exclude_categories=("Cs", "Nd")), max_size=200).filter(
        lambda text: not text.isascii()
    )
)
def test_what_is_not_read_stays_as_it_was_typed(text: str) -> None:
    draft = read(text)
    assert draft.readings or draft.prompt == text.strip()
