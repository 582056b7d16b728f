"""Google's models at Runway: Veo 3.1 and Gemini Omni. https://docs.dev.runwayml.com/guides/models"""

from datetime import date

from core.spec import Quality
from providers.model import Choices, Mode, Option, Price, Span, VideoModel
from providers.runway_parts import (
    COMMON,
    GUIDE,
    THREE_TIERS,
    TWO_TIERS,
    VIDEO_LIMIT,
    WIDE_TALL,
    Source,
    assumed,
    credits_per_second,
    from_input,
    sizes,
)

_FULL = {
    **sizes("720p", WIDE_TALL, "1280:720 720:1280"),
    **sizes("1080p", WIDE_TALL, "1920:1080 1080:1920"),
}
# Runway does not say what it assumes for a missing duration or audio, so both are always sent.
_VEO = Mode(durations=Choices((4, 6, 8)), sizes=_FULL, default_duration=8)
_VEO_WIRE = {
    "prompt": "promptText",
    "duration": "duration",
    "size": "ratio",
    "seed": "seed",
    "negative_prompt": "negativePrompt",
    "audio": "audio",
    "first_frame": "promptImage",
    "last_frame": "promptImage",
}
_SKILLS = Source(date(2026, 4, 21), "github.com/runwayml/skills")

_OMNI_LENGTHS = Span(low=3, high=10)
_OMNI = Mode(durations=_OMNI_LENGTHS, sizes=sizes("720p", WIDE_TALL, "1280:720 720:1280"), default_duration=5)
_OMNI_SIZES = {
    **_FULL,
    **sizes("360p", WIDE_TALL, "640:360 360:640"),
    **sizes("4k", WIDE_TALL, "3840:2160 2160:3840"),
}
_NEWER_OMNI = Mode(durations=_OMNI_LENGTHS, sizes=_OMNI_SIZES, default_duration=5)
_OMNI_PROMPT = 4000
"""From third parties that read Runway's OpenAPI document in autumn 2026; the SDK's types give no number."""
_OMNI_REFERENCES = 5
"""Likewise: "up to 5 images" of an edit."""
_BETWEEN = Source(GUIDE.day, f"{GUIDE.words}: 3.4 to 30 by resolution; the two in between from others' own tables")
_OMNI_EDIT = assumed("the source's seconds are charged like the clip's own; Runway lists no price for edits")


def _omni_prices() -> tuple[Price, ...]:
    """One credit more for each input picture; an input video is not priced, so its seconds are taken to cost too."""
    told = (
        ("360p", "3.4", "4.07", "5.07", "8.47"),
        ("720p", "10", "10.67", "11.67", "21.67"),
        ("1080p", "15", "15.67", "16.67", "31.67"),
        ("4k", "30", "30.67", "31.67", "61.67"),
    )
    return tuple(
        price
        for resolution, text, image, reference, video in told
        for price in (
            credits_per_second(_BETWEEN, text, resolution=resolution),
            credits_per_second(_BETWEEN, image, resolution=resolution, mode="image"),
            credits_per_second(_BETWEEN, reference, resolution=resolution, mode="reference"),
            credits_per_second(_OMNI_EDIT, video, resolution=resolution, mode="video"),
        )
    )


GOOGLE: tuple[VideoModel, ...] = (
    VideoModel(
        **COMMON,
        id="runway/veo3.1",
        wire_name="veo3.1",
        family="veo-3.1",
        title="Google Veo 3.1 at Runway",
        text=_VEO,
        image=_VEO,
        has_audio=True,
        wire=_VEO_WIRE,
        qualities=TWO_TIERS,
        prompt_limit=1000,
        prices=(
            credits_per_second(_SKILLS, "40", audio=True),
            credits_per_second(_SKILLS, "20", audio=False),
        ),
        quality_rank=1,
        speed_class="slow",
        best_for="the finest picture, with sound, from a first to a last frame",
        typical_seconds=(100, 240),
        deadline_seconds=1200,
        default_fallbacks=("runway/veo3.1_fast",),
        notes="Audio is on unless it is typed as off, which halves the price.",
    ),
    VideoModel(
        **COMMON,
        id="runway/veo3.1_fast",
        wire_name="veo3.1_fast",
        family="veo-3.1-fast",
        title="Google Veo 3.1 Fast at Runway",
        text=_VEO,
        image=_VEO,
        has_audio=True,
        wire=_VEO_WIRE,
        qualities=TWO_TIERS,
        prompt_limit=1000,
        prices=(
            credits_per_second(_SKILLS, "15", audio=True),
            credits_per_second(_SKILLS, "10", audio=False),
        ),
        quality_rank=17,
        speed_class="medium",
        best_for="Veo's picture and sound at a third of the price",
        typical_seconds=(60, 150),
        deadline_seconds=900,
        notes="Audio is on unless it is typed as off, which takes off a third of the price.",
    ),
    VideoModel(
        **COMMON,
        id="runway/gemini_omni_flash",
        wire_name="gemini_omni_flash",
        family="gemini-omni-flash",
        title="Gemini Omni Flash at Runway",
        text=_OMNI,
        image=_OMNI,
        # The clip has the source's length, at most 10 s by a third party; where that is not known, 10 s are held.
        video=Mode(durations=_OMNI_LENGTHS, sizes=from_input("720p"), ratio_from_image=True, default_duration=10),
        references=_OMNI_REFERENCES,
        has_audio=True,
        wire={
            "prompt": "promptText",
            "duration": "duration",
            "size": "ratio",
            "first_frame": "promptImage",
            "reference_images": "references",
            "source_video": "videoUri",
        },
        prompt_limit=_OMNI_PROMPT,
        source_seconds=10,
        source_limit=VIDEO_LIMIT,
        prices=(
            credits_per_second(GUIDE, "10"),
            credits_per_second(GUIDE, "10.34", mode="image"),
            credits_per_second(assumed("11 by a third party of summer 2026, and 5 pictures"), "12.67", mode="video"),
        ),
        quality_rank=26,
        speed_class="slow",
        best_for="short clips with sound, and plain edits of one",
        typical_seconds=(60, 240),
        deadline_seconds=900,
        default_fallbacks=("runway/gemini_omni_flash_1.1",),
        notes="Google shut the preview behind it on 2026-09-30, yet Runway's SDK of November 2026 still lists it: "
        "prefer 1.1. Reference images come with a source video only; an edit lasts as long as its source.",
    ),
    VideoModel(
        **COMMON,
        id="runway/gemini_omni_flash_1.1",
        wire_name="gemini_omni_flash_1.1",
        family="gemini-omni-1.1-flash",
        title="Gemini Omni 1.1 Flash at Runway",
        text=_NEWER_OMNI,
        image=_NEWER_OMNI,
        reference=_NEWER_OMNI,
        video=_NEWER_OMNI,
        references=_OMNI_REFERENCES,
        has_audio=True,
        wire={
            "prompt": "promptText",
            "duration": "duration",
            "size": "ratio",
            "first_frame": "promptImage",
            "last_frame": "promptImage",
            "reference_images": "references",
            "source_video": "videoUri",
        },
        qualities={**THREE_TIERS, Quality.DRAFT: "360p", Quality.PREMIUM: "4k"},
        # With a source video only; what the vendor does without it is not told, so it is always sent.
        options={"mode": Option(kind=str, choices=("reference", "extend", "edit"))},
        prompt_limit=_OMNI_PROMPT,
        source_seconds=10,
        source_limit=VIDEO_LIMIT,
        prices=_omni_prices(),
        quality_rank=18,
        speed_class="fast",
        best_for="quick clips with sound in any size, from text, frames, references or a video",
        typical_seconds=(45, 180),
        deadline_seconds=900,
        notes="With a source video, `mode` says whether it guides the clip (reference, the default), is continued "
        "(extend: the duration is what is added) or changed (edit: the length and shape stay).",
    ),
)
"""Credits are from third parties or the vendor's skills repository: re-check before billing tenants."""
