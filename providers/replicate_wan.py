"""Alibaba's Wan at Replicate: official models of `wan-video` and `alibaba`. https://replicate.com/wan-video"""

from datetime import date

from core.spec import Quality
from providers.model import Choices, Frames, Mode, Option, Span, VideoModel
from providers.replicate_parts import (
    BILLING,
    COMMON,
    CONTRACT_LIMIT,
    FIVE,
    PAGE,
    THREE_TIERS,
    TWO_TIERS,
    WIDE_TALL,
    Source,
    assumed,
    per_clip,
    per_second,
    shapes,
)

# The upstream retired Wan 2.6 on 2026-10-14, so 2.5 may be next.
_OTHER_HOME = assumed("another home's list; Replicate's is told to be of the same order")
_README = Source(date(2026, 10, 10), "readme of the model's replicate.com page, read by third parties")
_EXPANSION = {"enable_prompt_expansion": Option(kind=bool)}
_480 = {("16:9", "480p"): (832, 480)}
_TALL_480 = {("9:16", "480p"): (480, 832)}
_FIVE_TEN = Choices((5, 10))
_TO_15 = Span(low=2, high=15)
_WORDS = {"prompt": "prompt", "duration": "duration", "seed": "seed", "negative_prompt": "negative_prompt"}
_LARGEST_SEED = 2**31 - 1  # what the description of 2.7's input says, here and at other homes of the model
_FULL_SIZES = {**shapes("1080p", "16:9"), **shapes("720p", "16:9")}

WAN: tuple[VideoModel, ...] = (
    VideoModel(
        **COMMON,
        id="replicate/wan-2.2-i2v-fast",
        wire_name="wan-video/wan-2.2-i2v-fast",
        family="wan-2.2-fast",
        title="Wan 2.2 Fast",
        # Any count from 81 to 121 passes the schema; Wan itself makes 4n + 1.
        image=Mode(
            durations=Frames(counts=tuple(range(81, 122, 4)), fps=16),
            sizes={**_480, **shapes("720p", "16:9")},
            ratio_from_image=True,
        ),
        fps=16,
        wire={
            "prompt": "prompt",
            "duration": "num_frames",
            "resolution": "resolution",
            "seed": "seed",
            "first_frame": "image",
            "last_frame": "last_image",
        },
        # The frame rate is what makes a count of frames a length: it is never left to the default.
        constants={"frames_per_second": 16},
        qualities={
            Quality.DRAFT: "480p",
            Quality.STANDARD: "480p",
            Quality.HIGH: "720p",
            Quality.PREMIUM: "720p",
        },
        options={
            "go_fast": Option(kind=bool),
            "interpolate_output": Option(kind=bool),
            "sample_shift": Option(kind=float, low=1, high=20),
        },
        prompt_limit=CONTRACT_LIMIT,
        # Its schema says that the length at 16 fps counts; the prices told know no length.
        prices=(
            per_clip(BILLING, "0.05", resolution="480p"),
            per_clip(BILLING, "0.11", resolution="720p"),
            per_clip(BILLING, "0.065", resolution="480p", interpolate_output=True),
            per_clip(BILLING, "0.145", resolution="720p", interpolate_output=True),
        ),
        quality_rank=46,
        speed_class="fast",
        best_for="the cheapest way to try an image in motion",
        typical_seconds=(25, 60),
        deadline_seconds=600,
        notes="Image only, 81 to 121 frames at 16 fps (5.06 to 7.56 s); with `interpolate_output` the file has 30 fps. "
        "Last seen online 2026-10-08.",
    ),
    VideoModel(
        **COMMON,
        id="replicate/wan-2.5-i2v",
        wire_name="wan-video/wan-2.5-i2v",
        family="wan-2.5",
        title="Wan 2.5 from an image",
        image=Mode(
            durations=_FIVE_TEN,
            sizes={**shapes("720p", "16:9"), **_480, **shapes("1080p", "16:9")},
            ratio_from_image=True,
        ),
        fps=24,
        # Sound comes by itself; the input `audio` is a track to move to, not a switch. That Wan 2.5 writes 24 frames a
        # second is from memory.
        has_audio=True,
        wire={**_WORDS, "resolution": "resolution", "first_frame": "image"},
        qualities=THREE_TIERS,
        options=_EXPANSION,
        prompt_limit=CONTRACT_LIMIT,
        prices=(
            per_second(_OTHER_HOME, "0.05", resolution="480p"),
            per_second(_OTHER_HOME, "0.10", resolution="720p"),
            per_second(_OTHER_HOME, "0.15", resolution="1080p"),
        ),
        quality_rank=28,
        speed_class="medium",
        best_for="an image in motion with sound, in three resolutions",
        typical_seconds=(90, 240),
        deadline_seconds=900,
        notes="Image only: it has no aspect ratio, the image decides.",
    ),
    VideoModel(
        **COMMON,
        id="replicate/wan-2.5-i2v-fast",
        wire_name="wan-video/wan-2.5-i2v-fast",
        family="wan-2.5-fast",
        title="Wan 2.5 Fast from an image",
        # Its two resolutions are from memory.
        image=Mode(
            durations=_FIVE_TEN,
            sizes={**shapes("720p", "16:9"), **shapes("1080p", "16:9")},
            ratio_from_image=True,
        ),
        fps=24,
        has_audio=True,
        wire={**_WORDS, "resolution": "resolution", "first_frame": "image"},
        qualities=TWO_TIERS,
        options=_EXPANSION,
        prompt_limit=CONTRACT_LIMIT,
        prices=(
            per_second(assumed("the price of Wan 2.5"), "0.10", resolution="720p"),
            per_second(assumed("the price of Wan 2.5"), "0.15", resolution="1080p"),
        ),
        quality_rank=30,
        speed_class="fast",
        best_for="an image in motion with sound, soon",
        typical_seconds=(45, 120),
        deadline_seconds=900,
        notes="Image only: it has no aspect ratio, the image decides.",
    ),
    VideoModel(
        **COMMON,
        id="replicate/wan-2.5-t2v",
        wire_name="wan-video/wan-2.5-t2v",
        family="wan-2.5",
        title="Wan 2.5",
        # Six values of `size`, told by two third parties.
        text=Mode(
            durations=_FIVE_TEN,
            sizes={**shapes("720p", *WIDE_TALL), **_480, **_TALL_480, **shapes("1080p", *WIDE_TALL)},
        ),
        fps=24,
        has_audio=True,
        wire={**_WORDS, "size": "size"},
        size_format="{width}*{height}",
        qualities=THREE_TIERS,
        options=_EXPANSION,
        prompt_limit=CONTRACT_LIMIT,
        prices=(
            per_second(_OTHER_HOME, "0.05", resolution="480p"),
            per_second(_OTHER_HOME, "0.10", resolution="720p"),
            per_second(_OTHER_HOME, "0.15", resolution="1080p"),
        ),
        quality_rank=28,
        speed_class="medium",
        best_for="a scene with sound from text, in three resolutions",
        typical_seconds=(90, 240),
        deadline_seconds=900,
        notes="Text only. Takes a size in pixels, such as 1280*720, instead of a ratio.",
    ),
    VideoModel(
        **COMMON,
        id="replicate/wan-2.5-t2v-fast",
        wire_name="wan-video/wan-2.5-t2v-fast",
        family="wan-2.5-fast",
        title="Wan 2.5 Fast",
        # That the fast one has no 480p is from memory.
        text=Mode(durations=_FIVE_TEN, sizes={**shapes("720p", *WIDE_TALL), **shapes("1080p", *WIDE_TALL)}),
        fps=24,
        has_audio=True,
        wire={**_WORDS, "size": "size"},
        size_format="{width}*{height}",
        qualities=TWO_TIERS,
        options=_EXPANSION,
        prompt_limit=CONTRACT_LIMIT,
        prices=(
            per_second(assumed("the price of Wan 2.5"), "0.10", resolution="720p"),
            per_second(assumed("the price of Wan 2.5"), "0.15", resolution="1080p"),
        ),
        quality_rank=30,
        speed_class="fast",
        best_for="a scene with sound from text, soon",
        typical_seconds=(45, 120),
        deadline_seconds=900,
        notes="Text only. Takes a size in pixels, such as 1280*720, instead of a ratio.",
    ),
    VideoModel(
        **COMMON,
        id="replicate/wan-2.7-i2v",
        wire_name="wan-video/wan-2.7-i2v",
        family="wan-2.7",
        title="Wan 2.7 from an image",
        image=Mode(durations=_TO_15, sizes=_FULL_SIZES, ratio_from_image=True, default_duration=5),
        has_audio=True,
        wire={**_WORDS, "resolution": "resolution", "first_frame": "first_frame", "last_frame": "last_frame"},
        qualities=TWO_TIERS,
        options=_EXPANSION,
        largest_seed=_LARGEST_SEED,
        prompt_limit=CONTRACT_LIMIT,
        prices=(per_second(PAGE, "0.10", resolution="720p"), per_second(PAGE, "0.15", resolution="1080p")),
        quality_rank=22,
        speed_class="medium",
        best_for="any length up to 15 s from a first to a last frame, with sound",
        typical_seconds=(120, 300),
        deadline_seconds=1200,
        notes="Image only; the shape is the image's. Continuing a clip (`first_clip`) is not offered. Always with "
        "sound. Seen online 2026-10-06.",
    ),
    VideoModel(
        **COMMON,
        id="replicate/wan-2.7-t2v",
        wire_name="wan-video/wan-2.7-t2v",
        family="wan-2.7",
        title="Wan 2.7",
        # The five ratios are told by callers: the schema that was kept gives the default only.
        text=Mode(
            durations=_TO_15,
            sizes={**shapes("1080p", *FIVE), **shapes("720p", *FIVE)},
            default_duration=5,
        ),
        has_audio=True,
        wire={**_WORDS, "aspect_ratio": "aspect_ratio", "resolution": "resolution"},
        qualities=TWO_TIERS,
        options=_EXPANSION,
        largest_seed=_LARGEST_SEED,
        prompt_limit=CONTRACT_LIMIT,
        prices=(
            per_second(assumed("the price of the same model from an image"), "0.10", resolution="720p"),
            per_second(assumed("the price of the same model from an image"), "0.15", resolution="1080p"),
        ),
        quality_rank=22,
        speed_class="medium",
        best_for="any length up to 15 s from text, with sound",
        typical_seconds=(120, 300),
        deadline_seconds=1200,
        notes="Text only; always with sound.",
    ),
    VideoModel(
        **COMMON,
        id="replicate/wan-3",
        wire_name="alibaba/wan-3",
        family="wan-3",
        title="Wan 3",
        text=Mode(
            durations=Span(low=2, high=30),
            sizes={**shapes("720p", *FIVE), **shapes("480p", *FIVE), **shapes("1080p", *FIVE)},
            default_duration=5,
        ),
        image=Mode(
            durations=Span(low=2, high=30),
            sizes={**shapes("720p", "16:9"), **shapes("480p", "16:9"), **shapes("1080p", "16:9")},
            ratio_from_image=True,
            default_duration=5,
        ),
        wire={**_WORDS, "aspect_ratio": "aspect_ratio", "resolution": "resolution", "first_frame": "image"},
        qualities=THREE_TIERS,
        prompt_limit=CONTRACT_LIMIT,
        # The page's billing data showed half of this while a promotion ran; the higher ones are its readme's.
        prices=(
            per_second(_README, "0.05", resolution="480p"),
            per_second(_README, "0.10", resolution="720p"),
            per_second(_README, "0.20", resolution="1080p"),
        ),
        quality_rank=12,
        speed_class="slow",
        best_for="the longest single clips: up to 30 s",
        typical_seconds=(180, 400),
        deadline_seconds=1200,
        # No input concerns sound, and nobody says whether the file has some.
        notes="With a first frame the shape is the image's. Seen online 2026-10-10.",
    ),
)
