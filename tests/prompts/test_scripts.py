"""Scripts of exactly the asked length for any product, and one clear error where there can be none."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidRequest
from core.spec import ModeName
from jobs.targets import target
from prompts.scripts import Card, Clip, Outline, built_in, compose, fill, outlines, render, speakable, write
from prompts.timing import limits
from prompts.words import Brief, Scene, SceneType, Script, Target
from providers.catalogue import CATALOGUE
from providers.model import LifecycleState

LIVE = tuple(
    target(row, next(iter(row.modes)))
    for row in CATALOGUE.rows.values()
    if row.lifecycle.state is not LifecycleState.RETIRED
)
GEN45 = target(CATALOGUE.rows["runway/gen4.5"], ModeName.TEXT)
VEO = target(CATALOGUE.rows["replicate/veo-3.1"], ModeName.TEXT)
TURBO = target(CATALOGUE.rows["runway/gen4_turbo"], ModeName.IMAGE)
HOSTILE = (
    "{0.__class__}",
    "{product_name}{style}{cta_text}",
    "{{}} %s %(name)s ${HOME} \\1 \\g<0>",
    "a\nb\r\nc\td\x00e",
    "x" * 200,
    "{" * 200,
    "\u05de\u05d5\u05e6\u05e8 \u0645\u0646\u062a\u062c",
    "\u202eevil\u2066",
    "\U0001f600" * 100,
    "\u5546\u54c1\u540d" * 60,
    "<script>alert(1)</script>; DROP TABLE jobs",
)


def brief(
    product_name: str = "Aurora watch",
    style: str = "luxury",
    cta_text: str = "Order now",
    *,
    has_image: bool = True,
    duration: float | None = None,
    scenes: int | None = None,
    aspect_ratio: str | None = None,
) -> Brief:
    return Brief(
        product_name=product_name,
        style=style,
        cta_text=cta_text,
        has_image=has_image,
        duration=duration,
        scenes=scenes,
        aspect_ratio=aspect_ratio,
    )


def clips(script: Script) -> list[Scene]:
    return [scene for scene in script.scenes if scene.type is SceneType.VIDEO]


def milliseconds(script: Script) -> int:
    return sum(round(scene.duration * 1000) for scene in script.scenes)


def check(script: Script, each: Target) -> None:
    """What holds for every script."""
    assert [scene.type for scene in script.scenes] == [SceneType.VIDEO] * (len(script.scenes) - 1) + [SceneType.CARD]
    assert len({scene.id for scene in script.scenes}) == len(script.scenes)
    for scene in script.scenes:
        assert scene.duration * 1000 == pytest.approx(round(scene.duration * 1000))
        assert speakable(scene.narration, scene.duration)
    for scene in clips(script):
        assert 1 <= scene.duration <= max(each.durations) + 1e-6
        assert scene.video_prompt
        assert not each.prompt_limit or each.length(scene.video_prompt) <= each.prompt_limit
    assert script.scenes[-1].text
    assert script.scenes[-1].duration >= 1


def refused(field: str, each: Target, wanted: Brief) -> str:
    with pytest.raises(InvalidRequest) as wrong:
        write(wanted, each)
    assert [violation.field for violation in wrong.value.violations] == [field]
    return wrong.value.message


def possible(each: Target, wanted: Brief) -> Script | None:
    """The script, where its length can be had; else the refusal is about the length."""
    assert wanted.duration is not None
    counts = (wanted.scenes, wanted.scenes) if wanted.scenes else (1, 20)
    shortest, longest = limits(counts[0], each.durations)[0], limits(counts[1], each.durations)[1]
    if shortest <= wanted.duration <= longest:
        return write(wanted, each)
    refused("duration", each, wanted)
    return None


@pytest.mark.parametrize("style", ["luxury", "energetic", "minimal", "bold"])
def test_the_template_of_each_style(style: str) -> None:
    script = write(brief(style=style), GEN45)
    check(script, GEN45)
    assert [scene.duration for scene in script.scenes] == [5, 5, 5, 3]
    assert script.duration == 18
    assert (script.style, script.aspect_ratio) == (style, "9:16")
    assert not script.notices
    for scene in clips(script):
        assert "Aurora watch" in scene.video_prompt
        assert style in scene.video_prompt
        assert "{product_name}" in scene.video_prompt_template
        assert scene.narration
    assert (script.scenes[-1].text, script.scenes[-1].narration) == ("Order now", "Order now")
    assert [scene.id for scene in script.scenes] == ["scene-1", "scene-2", "scene-3", "card"]
    assert {scene.use_product_image for scene in clips(script)} == {True, False}


@pytest.mark.parametrize("each", LIVE, ids=lambda each: each.model)
def test_every_live_row_tells_every_style(each: Target) -> None:
    rng = random.Random(each.model)
    for style in built_in():
        check(write(brief(style=style), each), each)
        total = round(rng.uniform(4, 60), rng.choice((0, 1, 3)))
        scenes = rng.choice((None, 1, 2, 3, 5))
        wanted = brief(style=style, duration=total, scenes=scenes)
        if script := possible(each, wanted):
            check(script, each)
            assert milliseconds(script) == round(total * 1000)
            assert scenes in (None, len(clips(script)))


@given(st.integers(4000, 300_000), st.sampled_from([None, 1, 2, 3, 4, 7, 12, 20]), st.sampled_from([GEN45, VEO, TURBO]))
def test_any_length_is_kept_to_the_millisecond(total: int, scenes: int | None, each: Target) -> None:
    if script := possible(each, brief(duration=total / 1000, scenes=scenes)):
        check(script, each)
        assert milliseconds(script) == total


def test_clips_are_as_long_as_the_model_makes_them_where_that_adds_up() -> None:
    for total, scenes in itertools.product((18, 20.5, 24, 30), (3, 4)):
        script = write(brief(duration=total, scenes=scenes), VEO)
        assert all(scene.duration in VEO.durations for scene in clips(script))


def test_as_many_scenes_as_it_takes_where_none_are_asked_for() -> None:
    assert len(clips(write(brief(duration=60), VEO))) == 7
    assert len(clips(write(brief(duration=6), VEO))) == 1
    assert len(clips(write(brief(duration=4), VEO))) == 1
    assert len(clips(write(brief(duration=18), VEO))) == 3


def test_templates_repeat_and_are_left_out_sensibly() -> None:
    first = [scene.video_prompt_template for scene in clips(write(brief(), GEN45))]
    assert [scene.video_prompt_template for scene in clips(write(brief(scenes=2), GEN45))] == [first[0], first[2]]
    assert [scene.video_prompt_template for scene in clips(write(brief(scenes=1), GEN45))] == [first[0]]
    many = clips(write(brief(scenes=6, duration=40), GEN45))
    assert len({scene.video_prompt for scene in many}) == 6
    assert [scene.video_prompt_template in first for scene in many] == [True, False] * 3
    spoken = [scene.narration for scene in many if scene.narration]
    assert len(set(spoken)) == len(spoken)


@pytest.mark.parametrize("name", HOSTILE)
def test_any_product_name_is_only_a_name(name: str) -> None:
    script = write(brief(product_name=name, cta_text=name), VEO)
    check(script, VEO)
    shown = fill("{product_name}", brief(product_name=name))
    assert "\n" not in shown
    assert "\u202e" not in shown
    assert shown in clips(script)[0].video_prompt
    assert script.scenes[-1].text == shown
    assert not any("class '" in scene.video_prompt for scene in script.scenes)


@given(st.text(min_size=1, max_size=200), st.text(min_size=1, max_size=200))
def test_any_text_at_all(name: str, cta: str) -> None:
    script = write(brief(product_name=name, cta_text=cta + "!"), GEN45)
    check(script, GEN45)
    assert milliseconds(script) == 18_000


def test_places_are_filled_once() -> None:
    wanted = brief(product_name="{style}", style="luxury")
    assert fill("{product_name} {style} {other} {{style}}", wanted) == "{style} luxury {other} {luxury}"


def test_a_name_that_is_long_is_not_spoken() -> None:
    script = write(brief(product_name="The one and only watch of all the watches in the world"), GEN45)
    assert clips(script)[0].narration == "Some things are simply made better."


def test_a_call_that_cannot_be_said_is_only_written() -> None:
    long = "Order the one and only watch of all the watches in the whole wide world right now"
    script = write(brief(cta_text=long), GEN45)
    assert (script.scenes[-1].narration, script.scenes[-1].text) == ("", long)
    assert [notice.code for notice in script.notices] == ["NARRATION_LEFT_OUT"]


@pytest.mark.parametrize(
    ("text", "seconds", "can"),
    [
        ("", 0, True),
        ("one two", 1, True),
        ("one two three", 1, False),
        ("\u5546\u54c1\u5728\u8fd9\u91cc", 1, False),
        ("\u5546\u54c1\u5728\u8fd9\u91cc", 2, True),
    ],
)
def test_what_can_be_said_in_time(text: str, seconds: float, can: bool) -> None:
    assert speakable(text, seconds) is can


def test_an_image_model_works_from_the_products_image() -> None:
    script = write(brief(has_image=True), TURBO)
    assert all(scene.use_product_image for scene in clips(script))
    message = refused("product_image", TURBO, brief(has_image=False))
    assert message == "product_image: runway/gen4_turbo works from images only: give the product's image"


def test_a_text_model_uses_no_image() -> None:
    hotshot = target(CATALOGUE.rows["cog/hotshot-xl"], ModeName.TEXT)
    assert not any(scene.use_product_image for scene in write(brief(), hotshot).scenes)
    assert not any(scene.use_product_image for scene in write(brief(has_image=False), VEO).scenes)


def test_a_model_without_a_prompt_is_told_once() -> None:
    svd = target(CATALOGUE.rows["cog/stable-video-diffusion"], ModeName.IMAGE)
    codes = [notice.code for notice in write(brief(duration=10), svd).notices]
    assert codes.count("PROMPT_NOT_SENT") == 1


def test_an_unknown_style_names_those_there_are() -> None:
    message = refused("style", GEN45, brief(style="baroque"))
    assert "luxury, energetic, minimal, bold" in message


@pytest.mark.parametrize("outline", [Outline(clips=()), Outline(clips=(Clip(video_prompt_template=" "),))])
def test_a_template_without_a_prompt_is_no_template(outline: Outline) -> None:
    with pytest.raises(InvalidRequest) as wrong:
        write(brief(style="own"), GEN45, {"own": outline})
    assert wrong.value.violations[0].field == "style"


@pytest.mark.parametrize("scenes", [-1, 21, 1000])
def test_scenes_are_one_to_twenty(scenes: int) -> None:
    refused("scenes", GEN45, brief(scenes=scenes))


@pytest.mark.parametrize(
    ("duration", "scenes", "limits"),
    [(300, None, "up to 20 clips of replicate/veo-3.1 and a card take from 2.5 s to 166 s together"), (4, 3, "5.5 s")],
)
def test_an_impossible_length_says_what_is_possible(duration: float, scenes: int | None, limits: str) -> None:
    assert limits in refused("duration", VEO, brief(duration=duration, scenes=scenes))


@pytest.mark.parametrize(
    ("row", "asked", "made", "told"),
    [
        ("runway/gen4.5", None, "9:16", 0),
        ("runway/gen4.5", "16:9", "16:9", 0),
        ("minimax/hailuo-2.3", None, "16:9", 1),
        ("minimax/hailuo-2.3", "9:16", "16:9", 1),
        ("replicate/pixverse-v5", "18:32", "9:16", 0),
    ],
)
def test_ratios(row: str, asked: str | None, made: str, told: int) -> None:
    script = write(brief(aspect_ratio=asked), target(CATALOGUE.rows[row], ModeName.TEXT))
    assert script.aspect_ratio == made
    assert [notice.code for notice in script.notices] == ["FITTED"] * told


def test_an_operators_own_style() -> None:
    known = outlines(
        """
        [retro]
        aspect_ratio = "1:1"
        [[retro.clips]]
        video_prompt_template = "{product_name} on a tube television"
        duration = 6
        """
    )
    script = write(brief(style="retro"), VEO, known)
    assert (script.duration, script.aspect_ratio) == (9, "16:9")
    assert clips(script)[0].video_prompt == "Aurora watch on a tube television"


@pytest.mark.parametrize(
    "text", ["[retro]", "[retro]\nclips = [1]", "retro = 1", "[retro]\n[[retro.clips]]\nprompt = ''", "["]
)
def test_a_file_of_templates_says_what_is_wrong(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        outlines(text)


def test_what_a_language_model_wrote_is_composed_alike() -> None:
    outline = Outline(
        clips=(
            Clip(video_prompt_template="{product_name} at dawn", duration=3, narration=("Good morning.",)),
            Clip(video_prompt_template="{product_name} at night", duration=9, narration=("Good night. " * 40,)),
        ),
        card=Card(text="Order now", narration=("Order now",)),
    )
    script = compose(brief(duration=15.5), VEO, outline)
    check(script, VEO)
    assert milliseconds(script) == 15_500
    first, second = clips(script)
    assert first.duration <= second.duration
    assert (first.narration, second.narration) == ("Good morning.", "")
    assert [notice.code for notice in script.notices] == ["FITTED", "NARRATION_LEFT_OUT"][-1:]


def test_a_rendered_prompt_is_fitted() -> None:
    fitted = render("{product_name} " * 400, brief(), GEN45)
    assert GEN45.length(fitted.prompt) <= GEN45.prompt_limit
    assert [notice.code for notice in fitted.notices] == ["PROMPT_SHORTENED"]
