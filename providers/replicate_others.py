"""Luma, OpenAI and xAI at Replicate: official models of `luma`, `openai` and `xai`. https://replicate.com/explore"""

from datetime import date

from core.spec import Quality
from providers.model import Choices, Lifecycle, LifecycleState, Mode, Option, Span, VideoModel
from providers.replicate_parts import (
    COMMON,
    CONTRACT_LIMIT,
    SEVEN,
    Source,
    per_clip,
    per_second,
    shapes,
)


def _ended(name: str, title: str, rank: int, notes: str) -> VideoModel:
    return VideoModel(
        **COMMON,
        id=f"replicate/{name}",
        wire_name=f"openai/{name}",
        family=name,
        title=title,
        lifecycle=Lifecycle(
            state=LifecycleState.RETIRED,
            # The day on which OpenAI switched off the API that this model hands its requests to. Replicate's page was
            # still listed on 2026-10-06; no run since is known.
            retires=date(2026, 9, 24),
            successor="replicate/veo-3.1",
        ),
        wire={},
        prompt_limit=CONTRACT_LIMIT,
        prices=(),
        quality_rank=rank,
        speed_class="slow",
        best_for="nothing any more",
        typical_seconds=(120, 300),
        deadline_seconds=1200,
        notes=notes,
    )


OPENAI: tuple[VideoModel, ...] = (
    _ended("sora-2", "OpenAI Sora 2", 20, "Its inputs were `seconds` 4, 8 or 12 and `portrait` or `landscape`."),
    _ended(
        "sora-2-pro", "OpenAI Sora 2 Pro", 10, "As Sora 2, with a `resolution` of `standard` (720p) or `high` (1024p)."
    ),
)


_RAY = Source(date(2026, 11, 21), "assumed: remembered; between Ray Flash 2 and Ray 2 at Luma")
_GROK_RATIOS = ("16:9", "4:3", "1:1", "9:16", "3:4", "3:2", "2:3")

LUMA_AND_XAI: tuple[VideoModel, ...] = (
    VideoModel(
        **COMMON,
        id="replicate/grok-imagine-video",
        wire_name="xai/grok-imagine-video",
        family="grok-imagine-video",
        title="Grok Imagine Video",
        text=Mode(
            durations=Span(low=1, high=15),
            sizes={**shapes("720p", *_GROK_RATIOS), **shapes("480p", *_GROK_RATIOS)},
            default_duration=5,
        ),
        image=Mode(
            durations=Span(low=1, high=15),
            sizes={**shapes("720p", "16:9"), **shapes("480p", "16:9")},
            ratio_from_image=True,
            default_duration=5,
        ),
        # Duration, ratio and resolution are "ignored when editing a video": it is as long as its source, so the
        # longest whole second is what is quoted.
        video=Mode(durations=Choices((8,)), sizes=shapes("720p", "16:9"), ratio_from_image=True),
        has_audio=True,
        wire={
            "prompt": "prompt",
            "duration": "duration",
            "aspect_ratio": "aspect_ratio",
            "resolution": "resolution",
            "first_frame": "image",
            "source_video": "video",
        },
        qualities={
            Quality.DRAFT: "480p",
            Quality.STANDARD: "720p",
            Quality.HIGH: "720p",
            Quality.PREMIUM: "720p",
        },
        prompt_limit=CONTRACT_LIMIT,
        source_seconds=8.7,
        prices=(per_second(Source(date(2026, 11, 21), "told by third parties"), "0.05"),),
        quality_rank=27,
        speed_class="fast",
        best_for="any length up to 15 s with sound, for little; simple changes to a short video",
        typical_seconds=(30, 90),
        deadline_seconds=600,
        # That there is sound is said of the model; no input concerns it.
        notes="With a first frame the shape is the image's. An edited video keeps its own length, at most 8.7 s.",
    ),
    VideoModel(
        **COMMON,
        id="replicate/ray",
        wire_name="luma/ray",
        family="ray",
        title="Luma Ray",
        # No duration exists; 5 s and 720p are what is remembered of it.
        text=Mode(
            durations=Choices((5,)), sizes=shapes("720p", "16:9", *(ratio for ratio in SEVEN if ratio != "16:9"))
        ),
        image=Mode(durations=Choices((5,)), sizes=shapes("720p", "16:9"), ratio_from_image=True),
        wire={
            "prompt": "prompt",
            "aspect_ratio": "aspect_ratio",
            "first_frame": "start_image",
            "last_frame": "end_image",
        },
        options={"loop": Option(kind=bool)},
        prompt_limit=CONTRACT_LIMIT,
        prices=(per_clip(_RAY, "0.45"),),
        quality_rank=52,
        speed_class="medium",
        best_for="a loop without a seam",
        typical_seconds=(40, 120),
        deadline_seconds=600,
        notes="The first Dream Machine. `loop` is ignored with a last frame. Last seen online 2026-03-06.",
    ),
)
