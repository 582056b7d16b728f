"""What `auto` chooses, and why."""

import pytest

from core.errors import InvalidRequest, Precondition, Reason
from core.spec import MediaInput, Wish
from providers.catalogue import CATALOGUE
from providers.selection import Capability, Strategy, choose

_ROWS = tuple(CATALOGUE.rows.values())
_ALL = frozenset(CATALOGUE.rows)
_IMAGE = MediaInput(uri="https://example.com/a.png")


@pytest.mark.parametrize(
    ("strategy", "identifier", "why"),
    [
        (Strategy.CHEAPEST, "replicate/kling-v2.5-turbo-pro", "0.35 USD; next is replicate/minimax-video-01: 0.50 USD"),
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
