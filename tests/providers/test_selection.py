"""What `auto` chooses, and why."""

from dataclasses import replace
from decimal import Decimal

import pytest

from core.errors import InvalidRequest, Precondition, Reason
from core.spec import MediaInput, Wish
from providers.catalogue import CATALOGUE
from providers.model import Choices
from providers.selection import Capability, Chooser, Strategy, choose

_ALL = frozenset(
    {"runway/gen4.5", "runway/gen4_turbo", "runway/veo3", "runway/veo3.1"}
    | {"replicate/kling-v2.5-turbo-pro", "replicate/minimax-video-01", "replicate/stable-video-diffusion"}
)
_ROWS = tuple(CATALOGUE.rows[name] for name in sorted(_ALL))
_IMAGE = MediaInput(uri="https://example.com/a.png")


@pytest.mark.parametrize(
    ("strategy", "identifier", "why"),
    [
        (
            Strategy.CHEAPEST,
            "replicate/kling-v2.5-turbo-pro",
            "0.35 USD for 5 s; next is replicate/minimax-video-01: 0.50 USD for 6 s",
        ),
        (Strategy.FASTEST, "replicate/minimax-video-01", "usually 60 s; next is runway/gen4.5: usually 75 s"),
        (Strategy.BEST, "runway/veo3.1", "quality rank 1; next is runway/gen4.5: quality rank 2"),
    ],
)
def test_strategies(strategy: Strategy, identifier: str, why: str) -> None:
    choice = choose(Wish(prompt="a cat"), _ROWS, _ALL, strategy)
    assert choice.model.id == identifier
    assert choice.reason.endswith(why)
    assert f"the {strategy.lower()} of 4" in choice.reason


def test_only_what_is_available() -> None:
    available = {"runway/gen4.5", "runway/veo3"}
    assert choose(Wish(prompt="a cat"), _ROWS, available, Strategy.BEST).model.id == "runway/gen4.5"


def test_a_prompt_is_never_thrown_away_to_save_money() -> None:
    choice = choose(Wish(prompt="it jumps", first_frame=_IMAGE), _ROWS, _ALL, Strategy.CHEAPEST)
    assert choice.model.id == "runway/gen4_turbo"


@pytest.mark.parametrize(
    ("required", "identifier"),
    [
        ({Capability.AUDIO}, "runway/veo3.1"),
        ({Capability.LAST_FRAME}, "replicate/kling-v2.5-turbo-pro"),
        ({Capability.LAST_FRAME, Capability.SEED, Capability.NEGATIVE_PROMPT}, None),
        ({Capability.SEED}, "runway/gen4.5"),
    ],
)
def test_required_capabilities(required: set[Capability], identifier: str | None) -> None:
    choice = choose(Wish(prompt="a cat"), _ROWS, _ALL, Strategy.CHEAPEST, required)
    assert choice.model.id == (identifier or "runway/veo3.1")


def test_a_clip_is_not_cheap_for_being_short() -> None:
    kling, gen45 = CATALOGUE.rows["replicate/kling-v2.5-turbo-pro"], CATALOGUE.rows["runway/gen4.5"]
    short = Choices((1, 2))
    assert gen45.text is not None
    brief = replace(gen45, text=replace(gen45.text, durations=short, default_duration=None))
    choice = choose(Wish(prompt="a cat"), (kling, brief), {kling.id, brief.id}, Strategy.CHEAPEST)
    assert choice.model is kling


def test_the_first_models_of_the_field_are_a_last_resort() -> None:
    kling = CATALOGUE.rows["replicate/kling-v2.5-turbo-pro"]
    old = replace(
        kling, id="replicate/an-old-one", quality_rank=90, prices=(replace(kling.prices[0], usd=Decimal("0.001")),)
    )
    assert choose(Wish(prompt="a cat"), (kling, old), {kling.id, old.id}).model is kling
    assert choose(Wish(prompt="a cat"), (kling, old), {old.id}).model is old


def test_typed_parameters_narrow_the_choice() -> None:
    assert choose(Wish(prompt="a cat", duration=7.0), _ROWS, _ALL).model.id == "runway/gen4.5"
    assert choose(Wish(prompt="a cat", aspect_ratio="1:1"), _ROWS, _ALL).model.id == "replicate/kling-v2.5-turbo-pro"


def test_substitutions_are_a_last_resort() -> None:
    wish = Wish(prompt="a cat", duration=7.0, allow_substitutions=True)
    assert choose(wish, _ROWS, _ALL).model.id == "runway/gen4.5"
    only = frozenset({"replicate/kling-v2.5-turbo-pro"})
    assert choose(wish, _ROWS, only).model.id == "replicate/kling-v2.5-turbo-pro"


def test_our_own_history_counts() -> None:
    usual = {"runway/veo3.1": 20}
    assert choose(Wish(prompt="x"), _ROWS, _ALL, Strategy.FASTEST, typical=usual).model.id == "runway/veo3.1"


def test_vendor_options_need_a_name() -> None:
    with pytest.raises(InvalidRequest) as refused:
        choose(Wish(prompt="x", vendor_options={"prompt_optimizer": True}), _ROWS, _ALL)
    assert refused.value.violations[0].field == "vendor_options"


@pytest.mark.parametrize(
    ("wish", "available", "required", "says"),
    [
        (Wish(prompt="x"), frozenset[str](), frozenset[Capability](), "no model is available"),
        (Wish(prompt="x", duration=30.0), _ALL, frozenset[Capability](), "30 s is not offered"),
        (Wish(prompt="x"), frozenset({"runway/gen4.5"}), frozenset({Capability.AUDIO}), "has no AUDIO"),
        (
            Wish(prompt="x", first_frame=_IMAGE),
            frozenset({"replicate/stable-video-diffusion"}),
            frozenset[Capability](),
            "takes no prompt",
        ),
    ],
)
def test_nothing_fits(wish: Wish, available: frozenset[str], required: frozenset[Capability], says: str) -> None:
    with pytest.raises(Precondition, match=says) as refused:
        choose(wish, _ROWS, available, Strategy.CHEAPEST, required)
    assert refused.value.reason is Reason.MODEL_UNAVAILABLE


def test_a_remembered_choice_is_the_same_choice() -> None:
    chooser = Chooser(_ROWS)
    wishes = [
        Wish(prompt="a cat"),
        Wish(prompt="another cat"),
        Wish(prompt="x" * 1001),
        Wish(prompt="x" * 1001, duration=5.0),
        Wish(prompt="a cat", first_frame=_IMAGE),
        Wish(prompt="a cat", first_frame=MediaInput(data=b"PNG", mime_type="image/png")),
    ]
    for _ in range(2):
        for wish in wishes:
            for strategy in Strategy:
                usual = {"runway/veo3.1": 20}
                assert chooser.choose(wish, _ALL, strategy, typical=usual) == choose(
                    wish, _ROWS, _ALL, strategy, typical=usual
                )


def test_what_is_not_available_any_more_is_not_remembered() -> None:
    chooser = Chooser(_ROWS)
    first = chooser.choose(Wish(prompt="a cat"), _ALL).model.id
    assert chooser.choose(Wish(prompt="a cat"), _ALL - {first}).model.id != first
