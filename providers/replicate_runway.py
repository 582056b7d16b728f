"""Runway at Replicate: official models of `runwayml`. https://replicate.com/runwayml"""

from datetime import date

from providers.model import Choices, Mode, VideoModel
from providers.replicate_parts import (
    COMMON,
    CONTRACT_LIMIT,
    Source,
    assumed,
    per_second,
)

_RUNWAY_SIZES = {
    ("16:9", "720p"): (1280, 720),
    ("9:16", "720p"): (720, 1280),
    ("4:3", "720p"): (1104, 832),
    ("3:4", "720p"): (832, 1104),
    ("1:1", "720p"): (960, 960),
    ("21:9", "720p"): (1584, 672),
}
"""The pixels that Runway itself gives these ratios."""
_RUNWAY = Mode(durations=Choices((5, 10)), sizes=_RUNWAY_SIZES)
_RUNWAY_WORDS = {"prompt": "prompt", "aspect_ratio": "aspect_ratio", "seed": "seed"}

RUNWAY: tuple[VideoModel, ...] = (
    VideoModel(
        **COMMON,
        id="replicate/gen-4.5",
        wire_name="runwayml/gen-4.5",
        family="gen4.5",
        title="Runway Gen-4.5",
        text=_RUNWAY,
        image=_RUNWAY,
        wire={**_RUNWAY_WORDS, "duration": "duration", "first_frame": "image"},
        prompt_limit=CONTRACT_LIMIT,
        prices=(per_second(Source(date(2026, 6, 4), "the model's replicate.com page, read by a third party"), "0.12"),),
        quality_rank=2,
        speed_class="medium",
        best_for="physics, cloth and water that hold together, from text or an image",
        typical_seconds=(60, 180),
        deadline_seconds=900,
        notes="720p, silent.",
    ),
    VideoModel(
        **COMMON,
        id="replicate/gen4-aleph",
        wire_name="runwayml/gen4-aleph",
        family="gen4-aleph",
        title="Runway Gen-4 Aleph",
        video=Mode(durations=Choices((5,)), sizes=_RUNWAY_SIZES),
        references=1,
        wire={**_RUNWAY_WORDS, "source_video": "video", "reference_images": "reference_image"},
        prompt_limit=CONTRACT_LIMIT,
        # "Videos must be less than 16MB. Only 5s of the input video will be used."
        source_limit=16_000_000,
        prices=(per_second(assumed("remembered"), "0.18"),),
        quality_rank=38,
        speed_class="medium",
        best_for="changing what a video shows: its light, its style, what stands in it",
        typical_seconds=(90, 240),
        deadline_seconds=900,
        notes="Only the first 5 s of the source video are used. Last seen online 2026-08.",
    ),
    VideoModel(
        **COMMON,
        id="replicate/gen4-turbo",
        wire_name="runwayml/gen4-turbo",
        family="gen4-turbo",
        title="Runway Gen-4 Turbo",
        # The schema requires no image, but the model does in practice.
        image=_RUNWAY,
        wire={**_RUNWAY_WORDS, "duration": "duration", "first_frame": "image"},
        prompt_limit=CONTRACT_LIMIT,
        prices=(per_second(assumed("remembered; Runway's own asks as much"), "0.05"),),
        quality_rank=44,
        speed_class="fast",
        best_for="a quick, cheap move of one image",
        typical_seconds=(40, 90),
        deadline_seconds=600,
        notes="Image only, 720p, silent. Last seen online 2026-04.",
    ),
)
