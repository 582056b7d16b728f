"""Models of other makers that fal sells as a second home: MiniMax, Kling, Veo, Wan and LTX. https://fal.ai/models"""

from collections.abc import Mapping

from core.spec import Quality
from providers.fal_parts import (
    COMMON,
    CONTRACT_LIMIT,
    PAGE,
    THREE,
    TWO_TIERS,
    WIDE,
    WIDE_TALL,
    per_clip,
    per_second,
    shapes,
)
from providers.model import Choices, Mode, Option, VideoModel

_WORDS = {"prompt": "prompt", "first_frame": "image_url"}
_OPTIMIZER = {"prompt_optimizer": Option(kind=bool)}
_CFG_SCALE = {"cfg_scale": Option(kind=float, low=0, high=1)}
_FIVE_TEN = Choices((5, 10))
# Enums of strings here, unlike Pika's: the schemas of Kling, Hailuo and Wan show them in quotes.
_SPELLED: Mapping[str, Mapping[object, object]] = {"duration": {5: "5", 6: "6", 10: "10"}}

_SIX = Choices((6,))
_HAILUO_SIZES = {("16:9", "768p"): (1366, 768), **shapes("1080p", *WIDE)}
# The standard endpoint makes 768p, the pro endpoint 1080p, which has no length to choose.
_HAILUO_AT = {"1080p": _SIX}

_VEO_LENGTHS = Choices((4, 6, 8))
_VEO_RESOLUTIONS = ("720p", "1080p", "4k")
_VEO_TEXT = {shape: size for name in _VEO_RESOLUTIONS for shape, size in shapes(name, *WIDE_TALL).items()}
_VEO_IMAGE = {shape: size for name in _VEO_RESOLUTIONS for shape, size in shapes(name, *WIDE).items()}

_WAN_RESOLUTIONS = ("1080p", "720p", "480p")
"""1080p is fal's own default."""
_WAN_TEXT = {shape: size for name in _WAN_RESOLUTIONS for shape, size in shapes(name, *THREE).items()}
_WAN_IMAGE = {shape: size for name in _WAN_RESOLUTIONS for shape, size in shapes(name, *WIDE).items()}

_LTX_SIZES = {**shapes("1080p", *WIDE), **shapes("2k", *WIDE), **shapes("4k", *WIDE)}
_LTX_WORDS = {
    **_WORDS,
    "duration": "duration",
    "resolution": "resolution",
    "aspect_ratio": "aspect_ratio",
    "fps": "fps",
    "audio": "generate_audio",
}
_LTX_NAMES: Mapping[str, Mapping[object, object]] = {"resolution": {"2k": "1440p", "4k": "2160p"}}
_LTX_TIERS = {Quality.DRAFT: "1080p", Quality.STANDARD: "1080p", Quality.HIGH: "2k", Quality.PREMIUM: "4k"}
# The typed map prints "6" | "8" | "10"; fal's schema says integer, as for Pika.
_LTX_PRO = Choices((6, 8, 10))
# "Durations longer than 10 seconds are only supported with 25 FPS and 1080p resolution."
_LTX_FAST = Choices((6, 8, 10, 12, 14, 16, 18, 20))
_LTX_SHORT = {"2k": _LTX_PRO, "4k": _LTX_PRO}

HOMES: tuple[VideoModel, ...] = (
    VideoModel(
        **COMMON,
        id="fal/hailuo-2.3",
        wire_name="fal-ai/minimax/hailuo-2.3",
        family="hailuo-2.3",
        title="MiniMax Hailuo 2.3",
        text=Mode(durations=Choices((6, 10)), sizes=_HAILUO_SIZES, durations_at=_HAILUO_AT),
        image=Mode(durations=Choices((6, 10)), sizes=_HAILUO_SIZES, durations_at=_HAILUO_AT, ratio_from_image=True),
        fps=24,
        wire={**_WORDS, "duration": "duration"},
        spellings=_SPELLED,
        qualities={
            Quality.DRAFT: "768p",
            Quality.STANDARD: "768p",
            Quality.HIGH: "1080p",
            Quality.PREMIUM: "1080p",
        },
        options=_OPTIMIZER,
        prompt_limit=CONTRACT_LIMIT,
        prices=(
            per_clip(PAGE, "0.28", resolution="768p", duration=6),
            per_clip(PAGE, "0.56", resolution="768p", duration=10),
            per_clip(PAGE, "0.49", resolution="1080p"),
        ),
        quality_rank=20,
        speed_class="medium",
        best_for="people in motion and strong expressions",
        typical_seconds=(90, 240),
        deadline_seconds=900,
        default_fallbacks=("fal/minimax-video-01",),
        notes="768p is fal's standard endpoint, 1080p its pro endpoint, always 6 s. Takes no ratio, seed or negative "
        "prompt: 16:9 from text, else the image's shape.",
    ),
    VideoModel(
        **COMMON,
        id="fal/kling-v2.1",
        wire_name="fal-ai/kling-video/v2.1/standard",
        family="kling-v2.1",
        title="Kling 2.1",
        image=Mode(durations=_FIVE_TEN, sizes=shapes("720p", *WIDE), ratio_from_image=True),
        fps=24,
        wire={**_WORDS, "duration": "duration", "negative_prompt": "negative_prompt"},
        spellings=_SPELLED,
        options=_CFG_SCALE,
        prompt_limit=CONTRACT_LIMIT,
        prices=(per_second(PAGE, "0.056"),),
        quality_rank=40,
        speed_class="slow",
        best_for="animating one image of any shape",
        typical_seconds=(120, 300),
        deadline_seconds=900,
        default_fallbacks=("fal/kling-v2.5-turbo-pro",),
        notes="Image only, 720p. Its pro endpoint is missing in fal's newest list of endpoints and not offered.",
    ),
    VideoModel(
        **COMMON,
        id="fal/kling-v2.5-turbo-pro",
        wire_name="fal-ai/kling-video/v2.5-turbo/pro",
        family="kling-v2.5-turbo-pro",
        title="Kling 2.5 Turbo Pro",
        text=Mode(durations=_FIVE_TEN, sizes=shapes("1080p", *THREE)),
        image=Mode(durations=_FIVE_TEN, sizes=shapes("1080p", *WIDE), ratio_from_image=True),
        wire={
            **_WORDS,
            "duration": "duration",
            "aspect_ratio": "aspect_ratio",
            "negative_prompt": "negative_prompt",
            "last_frame": "tail_image_url",
        },
        spellings=_SPELLED,
        options=_CFG_SCALE,
        prompt_limit=CONTRACT_LIMIT,
        prices=(per_second(PAGE, "0.07"),),
        quality_rank=18,
        speed_class="slow",
        best_for="people and motion, from text or from a first to a last frame",
        typical_seconds=(120, 240),
        deadline_seconds=900,
        notes="With a first frame the shape is the image's; an aspect ratio is refused then. Takes no seed.",
    ),
    VideoModel(
        **COMMON,
        id="fal/ltx-2",
        wire_name="fal-ai/ltx-2",
        family="ltx-2",
        title="LTX 2 Pro",
        text=Mode(durations=_LTX_PRO, sizes=_LTX_SIZES),
        image=Mode(durations=_LTX_PRO, sizes=_LTX_SIZES),
        fps=25,
        fps_choices=(25, 50),
        has_audio=True,
        wire=_LTX_WORDS,
        spellings=_LTX_NAMES,
        qualities=_LTX_TIERS,
        prompt_limit=CONTRACT_LIMIT,
        prices=(
            per_second(PAGE, "0.06", resolution="1080p"),
            per_second(PAGE, "0.12", resolution="2k"),
            per_second(PAGE, "0.24", resolution="4k"),
        ),
        quality_rank=25,
        speed_class="medium",
        best_for="4K with sound at 25 or 50 frames a second",
        typical_seconds=(60, 180),
        deadline_seconds=900,
        default_fallbacks=("fal/ltx-2-fast",),
        notes="Always 16:9, also from an image of another shape. Sound is on unless switched off.",
    ),
    VideoModel(
        **COMMON,
        id="fal/ltx-2-fast",
        wire_name="fal-ai/ltx-2",
        family="ltx-2-fast",
        title="LTX 2 Fast",
        text=Mode(durations=_LTX_FAST, sizes=_LTX_SIZES, durations_at=_LTX_SHORT),
        image=Mode(durations=_LTX_FAST, sizes=_LTX_SIZES, durations_at=_LTX_SHORT),
        # 50 exists too, but not over 10 s.
        fps=25,
        fps_choices=(25,),
        has_audio=True,
        wire=_LTX_WORDS,
        spellings=_LTX_NAMES,
        qualities=_LTX_TIERS,
        prompt_limit=CONTRACT_LIMIT,
        prices=(
            per_second(PAGE, "0.04", resolution="1080p"),
            per_second(PAGE, "0.08", resolution="2k"),
            per_second(PAGE, "0.16", resolution="4k"),
        ),
        quality_rank=29,
        speed_class="fast",
        best_for="up to 20 s with sound, soon",
        typical_seconds=(30, 90),
        deadline_seconds=600,
        default_fallbacks=("fal/ltx-2",),
        notes="More than 10 s only at 1080p. Always 16:9 and 25 fps.",
    ),
    VideoModel(
        **COMMON,
        id="fal/minimax-video-01",
        wire_name="fal-ai/minimax/video-01",
        family="video-01",
        title="MiniMax Video-01",
        text=Mode(durations=_SIX, sizes=shapes("720p", *WIDE)),
        image=Mode(durations=_SIX, sizes=shapes("720p", *WIDE), ratio_from_image=True),
        # 1280x720 at 25 fps is from memory.
        fps=25,
        wire=_WORDS,
        options=_OPTIMIZER,
        prompt_limit=CONTRACT_LIMIT,
        prices=(per_clip(PAGE, "0.50"),),
        quality_rank=50,
        speed_class="medium",
        best_for="one six-second shot from text or an image",
        typical_seconds=(60, 180),
        deadline_seconds=900,
        default_fallbacks=("fal/hailuo-2.3",),
        notes="Always 6 s. Takes no duration, ratio, seed or negative prompt.",
    ),
    VideoModel(
        **COMMON,
        id="fal/veo-3.1",
        wire_name="fal-ai/veo3.1",
        family="veo-3.1",
        title="Google Veo 3.1",
        text=Mode(durations=_VEO_LENGTHS, sizes=_VEO_TEXT, default_duration=8),
        # `aspect_ratio` is "auto" here: the image's own, if it is 16:9 or 9:16; another is cropped to fit.
        image=Mode(durations=_VEO_LENGTHS, sizes=_VEO_IMAGE, default_duration=8, ratio_from_image=True),
        fps=24,
        has_audio=True,
        wire={
            **_WORDS,
            "duration": "duration",
            "aspect_ratio": "aspect_ratio",
            "resolution": "resolution",
            "seed": "seed",
            "negative_prompt": "negative_prompt",
            "audio": "generate_audio",
            "last_frame": "last_frame_url",
        },
        spellings={"duration": {4: "4s", 6: "6s", 8: "8s"}},
        qualities={**TWO_TIERS, Quality.PREMIUM: "4k"},
        # Whether a refused prompt is rewritten and tried again; on by default from text.
        options={"auto_fix": Option(kind=bool)},
        prompt_limit=CONTRACT_LIMIT,
        prices=(
            *(per_second(PAGE, "0.20", resolution=name, audio=False) for name in ("720p", "1080p")),
            *(per_second(PAGE, "0.40", resolution=name, audio=True) for name in ("720p", "1080p")),
            per_second(PAGE, "0.40", resolution="4k", audio=False),
            per_second(PAGE, "0.60", resolution="4k", audio=True),
        ),
        quality_rank=1,
        speed_class="slow",
        best_for="the most lifelike picture and sound, also from a first to a last frame",
        typical_seconds=(90, 240),
        deadline_seconds=1200,
        notes="Sound is on unless switched off. Its reference images, which take no seed and no negative prompt, are "
        "offered at the model's other homes.",
    ),
    VideoModel(
        **COMMON,
        id="fal/wan-2.5",
        wire_name="fal-ai/wan-25-preview",
        family="wan-2.5",
        title="Wan 2.5",
        text=Mode(durations=_FIVE_TEN, sizes=_WAN_TEXT),
        image=Mode(durations=_FIVE_TEN, sizes=_WAN_IMAGE, ratio_from_image=True),
        has_audio=True,
        wire={
            **_WORDS,
            "duration": "duration",
            "aspect_ratio": "aspect_ratio",
            "resolution": "resolution",
            "seed": "seed",
            "negative_prompt": "negative_prompt",
        },
        spellings=_SPELLED,
        qualities={**TWO_TIERS, Quality.DRAFT: "480p"},
        options={"enable_prompt_expansion": Option(kind=bool)},
        prompt_limit=800,
        prices=(
            per_second(PAGE, "0.05", resolution="480p"),
            per_second(PAGE, "0.10", resolution="720p"),
            per_second(PAGE, "0.15", resolution="1080p"),
        ),
        quality_rank=28,
        speed_class="medium",
        best_for="sound and picture together for little money",
        typical_seconds=(90, 240),
        deadline_seconds=900,
        notes="Always with sound. A preview at its maker, who may end it; its endpoint stands in fal's newest "
        "list. With a first frame the shape is the image's.",
    ),
)
