"""Kling 1.6 to 2.6 at Replicate: official models of `kwaivgi`. https://replicate.com/kwaivgi"""

from dataclasses import replace
from datetime import date

from providers.model import Choices, Mode, Option, VideoModel
from providers.replicate_parts import (
    BILLING,
    COMMON,
    CONTRACT_LIMIT,
    KLING_IMAGES,
    THREE,
    TWO_TIERS,
    Source,
    assumed,
    per_second,
    shapes,
)

# `kwaivgi/kling-v2.6-motion-control` is not offered: it must have a figure's image beside the video whose motion it
# copies, and a row cannot ask for two inputs at once.
_FIVE_TEN = Choices((5, 10))
_TOLD = Source(date(2026, 3, 6), "replicate.com model page, told by third parties")
# No schema tells a pixel size but those with a `mode`: 1080p is what Kling's pro tier gives elsewhere.
_TEXT = Mode(durations=_FIVE_TEN, sizes=shapes("1080p", *THREE))
_IMAGE = Mode(durations=_FIVE_TEN, sizes=shapes("1080p", "16:9"), ratio_from_image=True)
_SHAPE_NOTE = "With a first frame the picture's shape is the image's; an aspect ratio is refused then."

KLING: tuple[VideoModel, ...] = (
    VideoModel(
        **COMMON,
        id="replicate/kling-v1.6-pro",
        wire_name="kwaivgi/kling-v1.6-pro",
        family="kling-v1.6-pro",
        title="Kling 1.6 Pro",
        # The schema wants a start or an end image; that reference images alone would do is not said.
        image=_IMAGE,
        references=4,
        references_with_frame=True,
        wire={
            "prompt": "prompt",
            "duration": "duration",
            "negative_prompt": "negative_prompt",
            "first_frame": "start_image",
            "last_frame": "end_image",
            "reference_images": "reference_images",
        },
        options={"cfg_scale": Option(kind=float, low=0, high=1)},
        prompt_limit=CONTRACT_LIMIT,
        image_types=KLING_IMAGES,
        prices=(per_second(assumed("what other homes ask for Kling 1.6 Pro"), "0.095"),),
        quality_rank=48,
        speed_class="slow",
        best_for="a first frame together with up to four pictures of what belongs into the scene",
        typical_seconds=(180, 360),
        deadline_seconds=900,
        notes="Image only. The shape follows the first frame.",
    ),
    VideoModel(
        **COMMON,
        id="replicate/kling-v2.1",
        wire_name="kwaivgi/kling-v2.1",
        family="kling-v2.1",
        title="Kling 2.1",
        image=Mode(
            durations=_FIVE_TEN,
            sizes={**shapes("720p", "16:9"), **shapes("1080p", "16:9")},
            ratio_from_image=True,
        ),
        fps=24,
        wire={
            "prompt": "prompt",
            "duration": "duration",
            "resolution": "mode",
            "negative_prompt": "negative_prompt",
            "first_frame": "start_image",
        },
        spellings={"resolution": {"720p": "standard", "1080p": "pro"}},
        qualities=TWO_TIERS,
        prompt_limit=CONTRACT_LIMIT,
        image_types=KLING_IMAGES,
        prices=(
            per_second(BILLING, "0.05", resolution="720p"),
            per_second(BILLING, "0.09", resolution="1080p"),
        ),
        quality_rank=40,
        speed_class="slow",
        best_for="animating one image of any shape",
        typical_seconds=(120, 240),
        deadline_seconds=900,
        notes="Image only: it has no aspect ratio and no `resolution` but a mode, standard (720p) or pro (1080p). Its "
        "last frame, which only pro takes, is not offered: Kling 2.5 Turbo Pro has one.",
    ),
    VideoModel(
        **COMMON,
        id="replicate/kling-v2.1-master",
        wire_name="kwaivgi/kling-v2.1-master",
        family="kling-v2.1-master",
        title="Kling 2.1 Master",
        text=_TEXT,
        image=_IMAGE,
        wire={
            "prompt": "prompt",
            "duration": "duration",
            "aspect_ratio": "aspect_ratio",
            "negative_prompt": "negative_prompt",
            "first_frame": "start_image",
        },
        prompt_limit=CONTRACT_LIMIT,
        image_types=KLING_IMAGES,
        prices=(per_second(assumed("about 0.28, told by one third party"), "0.28"),),
        quality_rank=36,
        speed_class="slow",
        best_for="the most careful motion of the second Kling generation",
        typical_seconds=(240, 400),
        deadline_seconds=1200,
        notes=f"{_SHAPE_NOTE} Last seen online in a schema kept on 2026-08-22.",
    ),
    VideoModel(
        **COMMON,
        id="replicate/kling-v2.5-turbo-pro",
        wire_name="kwaivgi/kling-v2.5-turbo-pro",
        family="kling-v2.5-turbo-pro",
        title="Kling 2.5 Turbo Pro",
        text=_TEXT,
        image=_IMAGE,
        wire={
            "prompt": "prompt",
            "duration": "duration",
            "aspect_ratio": "aspect_ratio",
            "negative_prompt": "negative_prompt",
            "first_frame": "start_image",
            "last_frame": "end_image",
        },
        prompt_limit=CONTRACT_LIMIT,
        image_types=KLING_IMAGES,
        prices=(replace(per_second(_TOLD, "0.07"), checked=date(2026, 10, 8)),),
        quality_rank=18,
        speed_class="slow",
        best_for="people and motion, from text or from a first to a last frame",
        typical_seconds=(120, 240),
        deadline_seconds=900,
        notes=f"{_SHAPE_NOTE} Last seen online 2026-10-08.",
    ),
    VideoModel(
        **COMMON,
        id="replicate/kling-v2.6",
        wire_name="kwaivgi/kling-v2.6",
        family="kling-v2.6",
        title="Kling 2.6",
        text=_TEXT,
        image=_IMAGE,
        # That it takes the ratios of 2.5 is told by callers: the schema that was kept lists none.
        # `generate_audio` is on unless told otherwise, and doubles the price.
        has_audio=True,
        wire={
            "prompt": "prompt",
            "duration": "duration",
            "aspect_ratio": "aspect_ratio",
            "negative_prompt": "negative_prompt",
            "audio": "generate_audio",
            "first_frame": "start_image",
        },
        prompt_limit=CONTRACT_LIMIT,
        image_types=KLING_IMAGES,
        prices=(per_second(BILLING, "0.07", audio=False), per_second(BILLING, "0.14", audio=True)),
        quality_rank=16,
        speed_class="slow",
        best_for="people who speak, at the price of the silent generation before it",
        typical_seconds=(120, 300),
        deadline_seconds=900,
        notes=f"{_SHAPE_NOTE} Takes no last frame. Last seen online 2026-10-06.",
    ),
)
