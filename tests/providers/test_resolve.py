"""What is typed is what is bought, or a refusal that names the choices."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from core.errors import Reason
from core.spec import MediaInput, Motion, Quality, Role, Wish
from providers.catalogue import CATALOGUE
from providers.model import MediaForm, Price, Unit, VideoModel
from providers.resolve import Resolved, can_honour, for_variation, resolve
from providers.styles import STYLES

_KLING = CATALOGUE.rows["replicate/kling-v2.5-turbo-pro"]
_MINIMAX = CATALOGUE.rows["replicate/minimax-video-01"]
_SVD = CATALOGUE.rows["replicate/stable-video-diffusion"]
_GEN45 = CATALOGUE.rows["runway/gen4.5"]
_TURBO = CATALOGUE.rows["runway/gen4_turbo"]
_VEO = CATALOGUE.rows["runway/veo3.1"]
_IMAGE = MediaInput(uri="https://example.com/a.png")


def _resolve(model: VideoModel, **typed: Any) -> Resolved:
    return resolve(Wish(**{"prompt": "a cat", **typed}), model)


def _fields(resolved: Resolved) -> list[str]:
    return [violation.field for violation in resolved.violations]


def test_seven_seconds_on_five_or_ten_is_refused() -> None:
    resolved = _resolve(_KLING, duration=7.0)
    assert _fields(resolved) == ["parameters.duration"]
    assert "5 s or 10 s" in resolved.violations[0].message


def test_seven_seconds_with_substitutions_are_ten() -> None:
    resolved = _resolve(_KLING, duration=7.0, allow_substitutions=True)
    assert resolved.violations == ()
    assert (resolved.spec.duration, resolved.target_duration) == (10.0, 7.0)
    (notice,) = resolved.notices
    assert (notice.code, notice.field, notice.before, notice.after) == (
        "SUBSTITUTED",
        "parameters.duration",
        "7 s",
        "10 s",
    )
    assert "0.70 USD instead of 0.49 USD (+0.21 USD)" in notice.message


@pytest.mark.parametrize("allow", [False, True])
@pytest.mark.parametrize("duration", [11.0, 1e9, float("inf"), float("nan"), -4.0, 0.0])
def test_a_length_that_nothing_covers_is_refused(duration: float, allow: bool) -> None:
    assert _fields(_resolve(_KLING, duration=duration, allow_substitutions=allow)) == ["parameters.duration"]


@pytest.mark.parametrize("allow", [False, True])
@pytest.mark.parametrize("ratio", ["9999:1", "4:3", "16x9", "0:9", "16:0", "-16:9", "16:9:1", "a:b", "99999999:1"])
def test_a_ratio_is_never_substituted(ratio: str, allow: bool) -> None:
    assert _fields(_resolve(_KLING, aspect_ratio=ratio, allow_substitutions=allow)) == ["parameters.aspect_ratio"]


def test_everything_wrong_is_said_at_once() -> None:
    resolved = _resolve(
        _KLING,
        prompt=" ",
        duration=11.0,
        aspect_ratio="9999:1",
        resolution="8k",
        fps=24.0,
        seed=1,
        audio=True,
        motion=Motion.LOW,
        style="baroque",
        last_frame=_IMAGE,
        references=(MediaInput(uri="https://example.com/r.png", role=Role.SUBJECT),),
        source_video=MediaInput(uri="https://example.com/v.mp4"),
        vendor_options={"durration": 5.0},
    )
    assert sorted(_fields(resolved)) == [
        "last_frame",
        "parameters.aspect_ratio",
        "parameters.audio",
        "parameters.duration",
        "parameters.fps",
        "parameters.motion",
        "parameters.resolution",
        "parameters.seed",
        "parameters.style",
        "prompt",
        "reference_images",
        "source_video",
        "vendor_options.durration",
    ]


@pytest.mark.parametrize("model", CATALOGUE.rows.values(), ids=lambda model: model.id)
def test_a_retired_row_cannot_be_bought(model: VideoModel) -> None:
    retired = model.lifecycle.state == "retired"
    reasons = {violation.reason for violation in _resolve(model, first_frame=_IMAGE).violations}
    assert (Reason.MODEL_RETIRED in reasons) == retired


@pytest.mark.parametrize("model", [_GEN45, _VEO, _KLING, _MINIMAX])
def test_defaults_of_text(model: VideoModel) -> None:
    resolved = _resolve(model)
    assert (resolved.violations, resolved.notices) == ((), ())
    assert resolved.spec.aspect_ratio == "16:9"
    assert resolved.target_duration == resolved.spec.duration


def test_defaults_of_one_row() -> None:
    spec = _resolve(_VEO).spec
    assert (spec.duration, spec.aspect_ratio, spec.resolution, spec.audio, spec.fps) == (8, "16:9", "720p", True, None)


@pytest.mark.parametrize(
    ("typed", "offered"), [("32:18", "16:9"), ("7:3", "21:9"), ("1280:720", "16:9"), ("5:5", "1:1")]
)
def test_a_ratio_by_another_name(typed: str, offered: str) -> None:
    assert _resolve(_GEN45, aspect_ratio=typed, first_frame=_IMAGE).spec.aspect_ratio == offered


def test_ratios_differ_by_mode() -> None:
    assert _fields(_resolve(_GEN45, aspect_ratio="1:1")) == ["parameters.aspect_ratio"]
    assert _fields(_resolve(_GEN45, aspect_ratio="1:1", first_frame=_IMAGE)) == []


def test_the_image_decides_the_ratio() -> None:
    assert _fields(_resolve(_KLING, aspect_ratio="16:9", first_frame=_IMAGE)) == ["parameters.aspect_ratio"]
    assert _resolve(_KLING, first_frame=_IMAGE).spec.aspect_ratio is None


@pytest.mark.parametrize(("typed", "bought"), [(2.0, 2.0), (3.57, 25 / 7), (3.571428, 25 / 7), (2.05, 2.0)])
def test_frames_are_named_to_the_nearest(typed: float, bought: float) -> None:
    resolved = _resolve(_SVD, duration=typed, first_frame=_IMAGE)
    assert resolved.spec.duration == bought
    assert resolved.target_duration == typed


def test_frames_between() -> None:
    resolved = _resolve(_SVD, duration=3.0, first_frame=_IMAGE)
    assert "2 s or 3.571 s (14 or 25 frames at 7 fps)" in resolved.violations[0].message
    assert _resolve(_SVD, duration=3.0, first_frame=_IMAGE, allow_substitutions=True).spec.duration == 25 / 7


@pytest.mark.parametrize(("typed", "bought"), [(2.5, 3.0), (9.01, 10.0), (0.1, 2.0)])
def test_spans_are_covered_upwards(typed: float, bought: float) -> None:
    assert _resolve(_GEN45, duration=typed, allow_substitutions=True).spec.duration == bought
    assert "2 to 10 s in whole seconds" in _resolve(_GEN45, duration=typed).violations[0].message


def test_inputs() -> None:
    assert _fields(_resolve(_TURBO)) == ["first_frame"]
    assert _fields(_resolve(_SVD)) == ["first_frame"]
    assert _fields(_resolve(replace(_GEN45, image=None), first_frame=_IMAGE)) == ["first_frame"]
    assert _fields(_resolve(_GEN45, first_frame=_IMAGE, last_frame=_IMAGE)) == ["last_frame"]
    assert _fields(_resolve(_VEO, first_frame=_IMAGE, last_frame=_IMAGE)) == []
    assert _fields(_resolve(_VEO, last_frame=_IMAGE, allow_substitutions=True)) == ["last_frame"]


@pytest.mark.parametrize(
    "media",
    [
        MediaInput(),
        MediaInput(uri="https://example.com/a.png", data=b"PNG", mime_type="image/png"),
        MediaInput(data=b"GIF89a", mime_type="image/gif"),
        MediaInput(uri="https://example.com/" + "a" * 2048),
    ],
    ids=["neither", "both", "gif", "too long an address"],
)
def test_images_runway_would_refuse(media: MediaInput) -> None:
    assert _fields(_resolve(_GEN45, first_frame=media)) == ["first_frame"]


def test_the_largest_inline_image() -> None:
    inline_only = replace(_GEN45, media_forms=(MediaForm.URI, MediaForm.INLINE))
    for size, fields in ((3_740_000, []), (4_000_000, ["first_frame"])):
        image = MediaInput(data=bytes(size), mime_type="image/png")
        assert _fields(_resolve(inline_only, first_frame=image)) == fields
        assert _fields(_resolve(_GEN45, first_frame=image)) == []  # what is too large to inline is uploaded


def test_prompt_limits_count_utf16() -> None:
    assert _resolve(_GEN45, prompt="x" * 1000).violations == ()
    assert _resolve(_GEN45, prompt="\N{CAT}" * 500).violations == ()
    (violation,) = _resolve(_GEN45, prompt="\N{CAT}" * 500 + "x").violations
    assert (violation.field, violation.reason) == ("prompt", Reason.PROMPT_TOO_LONG)
    assert "1001 UTF-16 code units" in violation.message
    assert _resolve(_KLING, prompt="\N{CAT}" * 8000).violations == ()
    assert _resolve(_KLING, prompt="x" * 8001).violations[0].reason is Reason.PROMPT_TOO_LONG


@pytest.mark.parametrize("prompt", ["", " ", "\n\t"])
def test_an_empty_prompt_is_refused(prompt: str) -> None:
    assert _fields(_resolve(_GEN45, prompt=prompt)) == ["prompt"]


def test_a_model_without_prompt_says_so() -> None:
    resolved = _resolve(_SVD, first_frame=_IMAGE)
    assert resolved.violations == ()
    assert [notice.code for notice in resolved.notices] == ["PROMPT_NOT_SENT"]


@pytest.mark.parametrize(
    ("typed", "value"),
    [("seed", 7), ("negative_prompt", "text"), ("fps", 24.0)],
)
def test_droppable(typed: str, value: object) -> None:
    field = f"parameters.{typed}"
    assert _fields(_resolve(_MINIMAX, **{typed: value})) == [field]
    resolved = _resolve(_MINIMAX, **{typed: value}, allow_substitutions=True)
    assert resolved.violations == ()
    assert getattr(resolved.spec, typed) is None
    (notice,) = resolved.notices
    assert (notice.code, notice.field, notice.after) == ("SUBSTITUTED", field, "")
    assert "the price stays 0.50 USD" in notice.message


@pytest.mark.parametrize(("seed", "nearest"), [(-1, 0), (2**32, 2**32 - 1), (2**63 - 1, 2**32 - 1)])
def test_seeds_have_bounds(seed: int, nearest: int) -> None:
    assert _fields(_resolve(_GEN45, seed=seed)) == ["parameters.seed"]
    assert _resolve(_GEN45, seed=seed, allow_substitutions=True).spec.seed == nearest


@pytest.mark.parametrize(
    ("typed", "nearest"), [("480p", "720p"), ("4k", "1080p"), ("900p", "1080p"), ("1000p", "1080p")]
)
def test_the_nearest_resolution(typed: str, nearest: str) -> None:
    assert _fields(_resolve(_VEO, resolution=typed)) == ["parameters.resolution"]
    assert _resolve(_VEO, resolution=typed, allow_substitutions=True).spec.resolution == nearest


def test_a_resolution_that_is_none() -> None:
    assert _fields(_resolve(_VEO, resolution="big", allow_substitutions=True)) == ["parameters.resolution"]
    assert _resolve(_VEO, resolution="1080P").spec.resolution == "1080p"


def test_quality_picks_the_tier() -> None:
    assert _resolve(_VEO, quality=Quality.DRAFT).spec.resolution == "720p"
    assert _resolve(_VEO, quality=Quality.PREMIUM).spec.resolution == "1080p"
    assert _resolve(_VEO, quality=Quality.HIGH, resolution="1080p").violations == ()
    assert _fields(_resolve(_VEO, quality=Quality.HIGH, resolution="720p")) == ["parameters.quality"]
    assert [notice.code for notice in _resolve(_GEN45, quality=Quality.HIGH).notices] == ["SINGLE_QUALITY"]


@pytest.mark.parametrize("allow", [False, True])
def test_audio_is_never_substituted(allow: bool) -> None:
    assert _fields(_resolve(_KLING, audio=True, allow_substitutions=allow)) == ["parameters.audio"]
    assert _resolve(_KLING, audio=False, allow_substitutions=allow).violations == ()
    assert _resolve(_VEO, audio=False).spec.audio is False


def test_frame_rates() -> None:
    price = Price(
        usd=Decimal(1), unit=Unit.VIDEO, since=date(2026, 1, 1), checked=date(2026, 1, 1), source="made for this test"
    )
    model = replace(_KLING, wire={**_KLING.wire, "fps": "fps"}, fps_choices=(24, 30, 60), prices=(price,))
    assert _resolve(model, fps=30.0).spec.fps == 30
    assert "24, 30, 60" in _resolve(model, fps=25.0).violations[0].message
    assert _resolve(model, fps=25.0, allow_substitutions=True).spec.fps == 24
    assert _resolve(model, style="energetic").spec.fps == 30
    for nonsense in (0.0, -1.0, float("nan")):
        assert _fields(_resolve(model, fps=nonsense, allow_substitutions=True)) == ["parameters.fps"]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("model", [_KLING, _MINIMAX, _GEN45, _TURBO, _VEO, _SVD], ids=lambda model: model.id)
def test_styles_are_preferences(model: VideoModel, style: str) -> None:
    resolved = _resolve(model, style=style, first_frame=_IMAGE)
    assert resolved.violations == ()
    assert resolved.target_duration == 5.0
    if model is not _SVD:
        assert resolved.spec.prompt.endswith(f"Style: {STYLES[style].words}.")


def test_a_style_is_warned_about_where_the_model_cannot() -> None:
    resolved = _resolve(_MINIMAX, style="luxury")
    assert {notice.field for notice in resolved.notices} == {
        "parameters.duration",
        "parameters.aspect_ratio",
        "parameters.fps",
        "parameters.motion",
    }
    assert {notice.code for notice in resolved.notices} == {"STYLE_NOT_HONOURED"}


def test_a_style_is_honoured_where_it_can() -> None:
    resolved = _resolve(_SVD, style="energetic", first_frame=_IMAGE)
    assert resolved.spec.motion is Motion.HIGH
    assert _resolve(_KLING, style="luxury").spec.aspect_ratio == "9:16"


def test_typed_wins_over_style() -> None:
    resolved = _resolve(_KLING, style="luxury", aspect_ratio="1:1", duration=10.0)
    assert (resolved.spec.aspect_ratio, resolved.spec.duration, resolved.target_duration) == ("1:1", 10.0, 10.0)
    assert _resolve(_SVD, style="energetic", motion=Motion.LOW, first_frame=_IMAGE).spec.motion is Motion.LOW


def test_style_words_never_break_the_prompt_limit() -> None:
    resolved = _resolve(_GEN45, prompt="x" * 990, style="bold")
    assert resolved.spec.prompt == "x" * 990
    assert "prompt" in [notice.field for notice in resolved.notices]


@pytest.mark.parametrize(
    ("model", "options", "clean"),
    [
        (_SVD, {"decoding_t": 7.0}, {"decoding_t": 7}),
        (_SVD, {"cond_aug": 1}, {"cond_aug": 1.0}),
        (_SVD, {"sizing_strategy": "crop_to_16_9"}, {"sizing_strategy": "crop_to_16_9"}),
        (_MINIMAX, {"prompt_optimizer": False}, {"prompt_optimizer": False}),
        (_GEN45, {"contentModeration": {"publicFigureThreshold": "low"}}, None),
    ],
)
def test_vendor_options(model: VideoModel, options: dict[str, object], clean: dict[str, object] | None) -> None:
    resolved = _resolve(model, first_frame=_IMAGE, vendor_options=options)
    assert resolved.violations == ()
    assert resolved.spec.vendor_options == (clean or options)
    assert [type(value) for value in resolved.spec.vendor_options.values()] == [
        type(value) for value in (clean or options).values()
    ]


@pytest.mark.parametrize(
    ("model", "options", "field", "says"),
    [
        (_SVD, {"decoding_tt": 7.0}, "decoding_tt", "did you mean decoding_t?"),
        (_SVD, {"motion_bucket_id": 7.0}, "motion_bucket_id", "give this as parameters.motion"),
        (_SVD, {"input_image": "x"}, "input_image", "give this as first_frame"),
        (_SVD, {"frames_per_second": 24.0}, "frames_per_second", "no such option"),
        (_SVD, {"decoding_t": 7.5}, "decoding_t", "whole number"),
        (_SVD, {"decoding_t": True}, "decoding_t", "whole number"),
        (_SVD, {"decoding_t": 0.0}, "decoding_t", "at least 1"),
        (_SVD, {"decoding_t": None}, "decoding_t", "whole number"),
        (_SVD, {"decoding_t": float("inf")}, "decoding_t", "whole number"),
        (_SVD, {"cond_aug": float("nan")}, "cond_aug", "a number"),
        (_SVD, {"sizing_strategy": "stretch"}, "sizing_strategy", "must be one of maintain_aspect_ratio"),
        (_SVD, {"sizing_strategy": ["crop_to_16_9"]}, "sizing_strategy", "a string"),
        (_MINIMAX, {"prompt_optimizer": 1.0}, "prompt_optimizer", "true or false"),
        (_KLING, {"guidance_scale": 1.0}, "guidance_scale", "it has none"),
        (_GEN45, {"contentModeration": "low"}, "contentModeration", "an object"),
        (_GEN45, {"contentModeration": {"x": 1}}, "contentModeration.x", "no such option"),
        (_GEN45, {"outputFormat": "prores"}, "outputFormat", "no such option"),
    ],
)
def test_bad_vendor_options(model: VideoModel, options: dict[str, object], field: str, says: str) -> None:
    resolved = _resolve(model, first_frame=_IMAGE, vendor_options=options)
    (violation,) = resolved.violations
    assert violation.field == f"vendor_options.{field}"
    assert says in violation.message


def test_variations_count_seeds_up() -> None:
    spec = _resolve(_GEN45, seed=7).spec
    assert [for_variation(spec, index, _GEN45).seed for index in range(3)] == [7, 8, 9]
    assert for_variation(replace(spec, seed=2**32 - 1), 1, _GEN45).seed == 0
    assert for_variation(replace(spec, seed=None), 3, _GEN45).seed is None
    short = replace(_GEN45, largest_seed=9)
    assert [for_variation(spec, index, short).seed for index in range(4)] == [7, 8, 9, 0]
    assert _fields(_resolve(short, seed=10)) == ["parameters.seed"]
    assert _resolve(short, seed=10, allow_substitutions=True).spec.seed == 9


def test_can_honour() -> None:
    assert can_honour(Wish(prompt="x", duration=6.0), _MINIMAX)
    assert not can_honour(Wish(prompt="x", duration=7.0, allow_substitutions=True), _KLING)
    assert not can_honour(Wish(prompt="x", seed=1, allow_substitutions=True), _KLING)
    assert not can_honour(Wish(prompt="x", vendor_options={"prompt_optimizer": True}), _KLING)
    assert not can_honour(Wish(prompt="a cat jumps", first_frame=_IMAGE), _SVD)
    assert not can_honour(Wish(prompt="x", first_frame=_IMAGE), CATALOGUE.rows["runway/gen3a_turbo"])
