"""What a draft becomes for a model that cannot do all of it, and how its prompt is put."""

from dataclasses import replace

import pytest

from core.spec import Motion, Quality
from prompts.fit import fit
from prompts.words import Draft, Reading, Target, Words

ABLE = Target(
    model="vendor/able",
    family="some-1",
    vendor="vendor",
    prompt_limit=1000,
    durations=(4, 6, 8),
    aspect_ratios=("16:9", "9:16"),
    negative_prompt=True,
    motion=True,
    audio=True,
    qualities=(Quality.STANDARD, Quality.HIGH),
)
PLAIN = replace(ABLE, negative_prompt=False, motion=False, audio=False, qualities=(), aspect_ratios=())
CAR = Draft(prompt="A red car drives through the rain.")


def codes(draft: Draft) -> list[str]:
    return [notice.code for notice in draft.notices]


def test_what_the_model_can_do_is_left_as_it_is() -> None:
    draft = replace(
        CAR,
        duration=6,
        aspect_ratio="9:16",
        quality=Quality.HIGH,
        motion=Motion.LOW,
        audio=True,
        negative_prompt="people",
        style="luxury",
        readings=(Reading(field="duration", value="6 s", confidence=0.9),),
    )
    assert fit(draft, ABLE) == draft


@pytest.mark.parametrize(
    ("wanted", "made", "told"),
    [(4, 4, False), (5, 6, True), (3, 4, True), (0.1, 4, True), (8, 8, False), (8.1, 8, True), (60, 8, True)],
)
def test_a_length_is_exact_or_covers_or_is_the_longest(wanted: float, made: float, told: bool) -> None:
    fitted = fit(replace(CAR, duration=wanted), ABLE)
    assert fitted.duration == made
    assert codes(fitted) == ["FITTED"] * told
    if told:
        assert (fitted.notices[0].before, fitted.notices[0].after) == (f"{wanted:g} s", f"{made:g} s")
        assert fitted.notices[0].field == "parameters.duration"


def test_a_length_in_frames_is_named_to_the_hundredth() -> None:
    fitted = fit(replace(CAR, duration=3.57), replace(ABLE, durations=(2, 25 / 7)))
    assert fitted.duration == 25 / 7
    assert not fitted.notices


def test_a_model_of_one_length_of_its_own_is_asked_for_none() -> None:
    fitted = fit(replace(CAR, duration=5), replace(ABLE, durations=()))
    assert fitted.duration is None
    assert fitted.notices[0].message == "vendor/able makes a length of its own: 5 s is left out"


def test_many_lengths_are_told_by_their_ends() -> None:
    fitted = fit(replace(CAR, duration=20), replace(ABLE, durations=tuple(range(2, 11))))
    assert fitted.notices[0].message == "vendor/able makes 2 to 10 s: 10 s instead of 20 s"


@pytest.mark.parametrize(("wanted", "made"), [("9:16", "9:16"), ("18:32", "9:16"), ("4:5", None), ("0:1", None)])
def test_a_ratio_is_the_same_or_none(wanted: str, made: str | None) -> None:
    fitted = fit(replace(CAR, aspect_ratio=wanted), ABLE)
    assert fitted.aspect_ratio == made
    assert codes(fitted) == ["FITTED"] * (made is None)


def test_a_ratio_that_the_input_decides_is_left_out() -> None:
    fitted = fit(replace(CAR, aspect_ratio="9:16"), PLAIN)
    assert fitted.aspect_ratio is None
    assert fitted.notices[0].message == "the input decides it: 9:16 is left out"


def test_a_quality_that_has_not_the_length_gives_way_to_it() -> None:
    dear = replace(ABLE, durations_at={Quality.HIGH: (8,)})
    assert fit(replace(CAR, duration=8, quality=Quality.HIGH), dear).quality is Quality.HIGH
    assert fit(replace(CAR, quality=Quality.HIGH), dear).quality is Quality.HIGH
    fitted = fit(replace(CAR, duration=6, quality=Quality.HIGH), dear)
    assert (fitted.duration, fitted.quality) == (6, None)
    assert fitted.notices[0].message == "vendor/able makes no 6 s in this quality: HIGH is left out"


def test_a_quality_the_model_lacks_is_left_out() -> None:
    assert fit(replace(CAR, quality=Quality.PREMIUM), ABLE).quality is None


@pytest.mark.parametrize(
    ("wanted", "has", "told"), [(True, True, False), (False, False, False), (True, False, True), (False, True, True)]
)
def test_sound_that_cannot_be_switched_is_told_only_where_it_is_not_as_wished(
    wanted: bool, has: bool, told: bool
) -> None:
    fitted = fit(replace(CAR, audio=wanted), replace(PLAIN, has_audio=has))
    assert fitted.audio is None
    assert codes(fitted) == ["FITTED"] * told


def test_motion_without_a_setting_is_said_in_words() -> None:
    fitted = fit(replace(CAR, motion=Motion.LOW), PLAIN)
    assert fitted.motion is None
    assert fitted.prompt == "A red car drives through the rain. Slow, unhurried movement."
    assert fitted.notices[0].after == "slow, unhurried movement"


def test_motion_that_the_prompt_says_already_is_not_said_again() -> None:
    reading = Reading(field="motion", value="LOW", confidence=0.9, words=(Words(start=0, end=11, text="slow motion"),))
    draft = Draft(prompt="Slow motion of rain", motion=Motion.LOW, readings=(reading,))
    assert fit(draft, PLAIN).prompt == "Slow motion of rain"


def test_a_negative_prompt_is_said_in_plain_words_where_there_is_no_field_for_it() -> None:
    fitted = fit(replace(CAR, negative_prompt="people, no text"), PLAIN)
    assert fitted.negative_prompt == ""
    assert fitted.prompt == "A red car drives through the rain. No people, no text."
    assert (fitted.notices[0].before, fitted.notices[0].after) == ("people, no text", "no people, no text")


@pytest.mark.parametrize("family", ["gen4.5", "ray-3.2", "seedance-1-pro"])
def test_a_negative_prompt_is_dropped_where_naming_a_thing_calls_it(family: str) -> None:
    fitted = fit(replace(CAR, negative_prompt="people"), replace(PLAIN, family=family))
    assert "people" not in fitted.prompt
    assert fitted.notices[0].after == ""
    assert "calls it" in fitted.notices[0].message


def test_the_parts_stand_in_the_order_of_the_house() -> None:
    draft = replace(CAR, camera=("slow dolly in", "close-up"), mood="calm")
    gen4 = fit(draft, replace(PLAIN, family="gen4.5")).prompt
    assert gen4 == "Close-up, slow dolly in. A red car drives through the rain. Calm mood."
    kling = fit(draft, replace(PLAIN, family="kling-v3")).prompt
    assert kling == "A red car drives through the rain. Close-up. Slow dolly in. Calm mood."


def test_a_house_has_its_own_words_for_the_camera() -> None:
    hailuo = replace(PLAIN, family="hailuo-2.3")
    assert fit(replace(CAR, camera=("slow dolly in",)), hailuo).prompt.endswith("rain. Slow dolly in [Push in].")
    said = Draft(prompt="Slow dolly in on a red car", camera=("slow dolly in",))
    assert fit(said, hailuo).prompt == "Slow dolly in [Push in] on a red car"
    assert fit(replace(CAR, camera=("handheld",)), hailuo).prompt.endswith("rain. Handheld.")


def test_nothing_is_added_to_a_prompt_that_says_it_all() -> None:
    draft = Draft(prompt="close up of a calm lake", camera=("close-up",), mood="calm")
    assert fit(draft, PLAIN).prompt == "close up of a calm lake"


@pytest.mark.parametrize("family", ["gen4.5", "kling-v3", "hailuo-2.3", "veo-3.1", "ray", "ltx-2", "zeroscope-v2-xl"])
def test_fitting_twice_is_fitting_once(family: str) -> None:
    draft = replace(
        CAR, camera=("slow dolly in", "close-up"), mood="calm", negative_prompt="people", motion=Motion.HIGH, duration=5
    )
    once = fit(draft, replace(PLAIN, family=family))
    assert fit(once, replace(PLAIN, family=family)) == once


def test_a_long_prompt_is_cut_and_told_and_keeps_its_camera() -> None:
    draft = Draft(prompt="It rains on the red car. " * 80, camera=("slow dolly in",), mood="calm")
    fitted = fit(draft, replace(PLAIN, prompt_limit=200))
    assert len(fitted.prompt) <= 200
    assert fitted.prompt.endswith("It rains on the red car. Slow dolly in. Calm mood.")
    notice = fitted.notices[-1]
    assert (notice.code, notice.field, notice.after) == (
        "PROMPT_SHORTENED",
        "prompt",
        f"{len(fitted.prompt)} characters",
    )


def test_what_is_added_takes_at_most_half_of_the_limit() -> None:
    draft = Draft(prompt="a red car in the rain", camera=("crane shot " * 20,), mood="calm")
    fitted = fit(draft, replace(PLAIN, prompt_limit=40))
    assert fitted.prompt.startswith("A red car") or fitted.prompt.startswith("a red car")
    assert len(fitted.prompt) <= 40


def test_a_model_without_a_prompt_keeps_it_and_says_so() -> None:
    draft = replace(CAR, negative_prompt="people", camera=("close-up",))
    fitted = fit(draft, replace(PLAIN, prompt_limit=0))
    assert fitted.prompt == CAR.prompt
    assert codes(fitted) == ["FITTED", "PROMPT_NOT_SENT"]


def test_earlier_notices_stay() -> None:
    first = fit(replace(CAR, duration=5), ABLE)
    assert codes(fit(replace(first, duration=60), ABLE)) == ["FITTED", "FITTED"]
