"""Kling's models at Runway: 2.5 Turbo, 3.0, O3 and 4.0. https://docs.dev.runwayml.com/guides/models"""

from dataclasses import dataclass

from core.spec import Quality
from providers.model import Choices, Mode, Option, Price, Span, VideoModel
from providers.runway_parts import (
    COMMON,
    PLANS,
    TWO_TIERS,
    VIDEO_LIMIT,
    Sizes,
    Source,
    assumed,
    credits_per_second,
    from_input,
    sizes,
)

_THREE = ("16:9", "9:16", "1:1")
_LENGTHS = Span(low=3, high=15)
"""As Runway's validator told a third party on 2026-10-01; the SDK's type is a bare int."""
_PROMPT = 2500
"""Likewise. For Kling 2.5 and 4.0 nobody tells one: Kling's own API has at least this."""
_CFG = {"cfgScale": Option(kind=float, low=0, high=1)}
_SHOTS = Option(kind=str, choices=("intelligence", "customize"))
# `multiPrompt`, a list of shots, cannot be given as an option: the scenes of a film are clips of their own.
_SETTINGS_3 = {"providerSettings": Option(kind=dict, fields={"shotType": _SHOTS})}
_SETTINGS_O3 = {
    "providerSettings": Option(kind=dict, fields={"shotType": _SHOTS, "keepOriginalSound": Option(kind=bool)})
}
_FRAMES = {"first_frame": "promptImage", "last_frame": "promptImage"}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Tier:
    """One of the three names under which Runway sells a Kling model. Prices are credits per second."""

    name: str
    words: str
    resolution: str
    pixels: str
    source: Source
    silent: str
    sounding: str
    from_video: str
    video_source: Source

    @property
    def shapes(self) -> Sizes:
        return sizes(self.resolution, _THREE, self.pixels)

    def generation_prices(self, source: Source) -> tuple[Price, ...]:
        return (
            credits_per_second(source, self.silent, audio=False),
            credits_per_second(source, self.sounding, audio=True),
        )


_FOUR_K = assumed(
    "the dearer of two homes of Kling 3.0 4K and O3 4K, 0.42 and 0.462 USD a second, with or without sound"
)
_EDIT = assumed("the dearer of fal's prices of Kling O3 edits told by others, 0.252 and 0.336 USD a second")
_TIERS: tuple[_Tier, ...] = (
    _Tier(
        name="4k",
        words="4K",
        resolution="4k",
        pixels="3840:2160 2160:3840 2880:2880",
        source=_FOUR_K,
        silent="47",
        sounding="47",
        from_video="94",
        video_source=assumed("twice the price of a 4K clip without a source, as with its smaller siblings"),
    ),
    _Tier(
        name="pro",
        words="Pro",
        resolution="1080p",
        pixels="1920:1080 1080:1920 1440:1440",
        source=PLANS,
        silent="12",
        sounding="17",
        from_video="34",
        video_source=_EDIT,
    ),
    _Tier(
        name="standard",
        words="Standard",
        resolution="720p",
        pixels="1280:720 720:1280 960:960",
        source=PLANS,
        silent="9",
        sounding="13",
        from_video="26",
        video_source=_EDIT,
    ),
)
_FAMILY_3 = {"4k": ("kling-v3-4k", 3), "pro": ("kling-v3", 3), "standard": ("kling-v3-standard", 12)}
_FAMILY_O3 = {"4k": ("kling-v3-omni-4k", 5), "pro": ("kling-v3-omni", 5), "standard": ("kling-v3-omni-standard", 13)}


def _kling_3(tier: _Tier) -> VideoModel:
    family, rank = _FAMILY_3[tier.name]
    return VideoModel(
        **COMMON,
        id=f"runway/kling3.0_{tier.name}",
        wire_name=f"kling3.0_{tier.name}",
        family=family,
        title=f"Kling 3.0 {tier.words} at Runway",
        text=Mode(durations=_LENGTHS, sizes=tier.shapes, default_duration=5),
        # A `ratio` may be named with a first frame alone, but then the picture is cut to it: the clip keeps its shape.
        image=Mode(durations=_LENGTHS, sizes=from_input(tier.resolution), ratio_from_image=True, default_duration=5),
        wire={"prompt": "promptText", "duration": "duration", "size": "ratio", "audio": "audio", **_FRAMES},
        options={**_CFG, **_SETTINGS_3},
        prompt_limit=_PROMPT,
        prices=tier.generation_prices(tier.source),
        quality_rank=rank,
        speed_class="slow",
        best_for=f"several shots of any length up to 15 s in {tier.resolution}, with sound where asked",
        typical_seconds=(150, 400),
        deadline_seconds=1200,
        notes="Silent unless audio is asked for. With a first frame the shape is the image's.",
    )


def _kling_o3(tier: _Tier) -> VideoModel:
    family, rank = _FAMILY_O3[tier.name]
    prices = tier.generation_prices(
        tier.source if tier.name == "4k" else assumed("as Kling 3.0 of the same tier, which Kling itself charges alike")
    )
    return VideoModel(
        **COMMON,
        id=f"runway/klingo3_{tier.name}",
        wire_name=f"klingO3_{tier.name}",
        family=family,
        title=f"Kling O3 {tier.words} at Runway",
        text=Mode(durations=_LENGTHS, sizes=tier.shapes, default_duration=5),
        image=Mode(durations=_LENGTHS, sizes=from_input(tier.resolution), ratio_from_image=True, default_duration=5),
        # The clip has its source's length: 3 to 10 s at Kling. Where it is not known, 10 s are held.
        video=Mode(
            durations=Span(low=3, high=10),
            sizes=from_input(tier.resolution),
            ratio_from_image=True,
            default_duration=10,
        ),
        references=7,
        references_with_frame=True,
        wire={
            "prompt": "promptText",
            "duration": "duration",
            "size": "ratio",
            "audio": "audio",
            "reference_images": "references",
            "source_video": "promptVideo",
            **_FRAMES,
        },
        options=_SETTINGS_O3,
        prompt_limit=_PROMPT,
        source_seconds=10,
        source_limit=VIDEO_LIMIT,
        prices=(
            *prices,
            credits_per_second(tier.video_source, tier.from_video, mode="video", audio=False),
            credits_per_second(tier.video_source, tier.from_video, mode="video", audio=True),
        ),
        quality_rank=rank,
        speed_class="slow",
        best_for=f"one figure over many clips in {tier.resolution}, by references, or a video to change",
        typical_seconds=(150, 400),
        deadline_seconds=1200,
        notes="Silent unless audio is asked for. References (at most 7, with a source video 4) come with a first frame "
        "or a source video. A changed video keeps its length, its shape and, unless told otherwise, its sound.",
    )


_TURBO_SIZES = {
    **sizes("1080p", _THREE, "1920:1080 1080:1920 1440:1440"),
    **sizes("720p", _THREE, "1280:720 720:1280 720:720"),
}
_FOUR = ("16:9", "9:16", "1:1", "21:9")
_KLING_4_SIZES = {
    **sizes("720p", _FOUR, "1280:720 720:1280 940:940 1460:624"),
    **sizes("1080p", _FOUR, "1920:1080 1080:1920 1440:1440 2200:940"),
}
_KLING_4_LENGTHS = Span(low=3, high=30)
"""Kling's own release note; the SDK's type is a bare int."""
_KLING_4_SOURCE = assumed("the dearest of three homes of Kling 4.0, 0.1963 USD a second in 720p and 0.2937 in 1080p")

KLING: tuple[VideoModel, ...] = (
    VideoModel(
        **COMMON,
        id="runway/kling2.5_turbo_pro",
        wire_name="kling2.5_turbo_pro",
        family="kling-v2.5-turbo-pro",
        title="Kling 2.5 Turbo Pro at Runway",
        text=Mode(durations=Choices((5, 10)), sizes=_TURBO_SIZES),
        # No `ratio` here; that the clip has 1080 lines is what Kling's own Pro tier gives.
        image=Mode(durations=Choices((5, 10)), sizes=from_input("1080p"), ratio_from_image=True),
        wire={"prompt": "promptText", "duration": "duration", "size": "ratio", **_FRAMES},
        qualities=TWO_TIERS,
        options=_CFG,
        prompt_limit=_PROMPT,
        prices=(
            credits_per_second(PLANS, "15", resolution="1080p"),
            credits_per_second(PLANS, "12", resolution="720p"),
        ),
        quality_rank=18,
        speed_class="slow",
        best_for="fluid motion from text or from a first to a last frame, silent",
        typical_seconds=(120, 240),
        deadline_seconds=900,
        notes="With a first frame the shape is the image's.",
    ),
    *map(_kling_3, _TIERS),
    *map(_kling_o3, _TIERS),
    VideoModel(
        **COMMON,
        id="runway/kling_4",
        wire_name="kling_4",
        family="kling-v4",
        title="Kling 4.0 at Runway",
        text=Mode(durations=_KLING_4_LENGTHS, sizes=_KLING_4_SIZES, default_duration=5),
        image=Mode(
            durations=_KLING_4_LENGTHS, sizes=from_input("720p", "1080p"), ratio_from_image=True, default_duration=5
        ),
        reference=Mode(durations=_KLING_4_LENGTHS, sizes=_KLING_4_SIZES, default_duration=5),
        # The clip has its source's length; where that is not known, 30 s are held.
        video=Mode(
            durations=_KLING_4_LENGTHS, sizes=from_input("720p", "1080p"), ratio_from_image=True, default_duration=30
        ),
        references=10,
        references_with_frame=True,
        has_audio=True,
        # Where there are pixels they are the `ratio`; where the input decides the shape, the resolution is.
        wire={
            "prompt": "promptText",
            "duration": "duration",
            "resolution": "ratio",
            "size": "ratio",
            "reference_images": "references",
            "source_video": "videoUri",
            **_FRAMES,
        },
        spellings={"resolution": {"720p": "auto_720p", "1080p": "auto_1080p"}},
        qualities={**TWO_TIERS, Quality.DRAFT: "720p"},
        prompt_limit=_PROMPT,
        source_seconds=30,
        source_limit=VIDEO_LIMIT,
        # fal charges an edit 0.6 of this for each second of source and clip together: 1.2 of it for equal lengths.
        prices=(
            credits_per_second(_KLING_4_SOURCE, "20", resolution="720p"),
            credits_per_second(_KLING_4_SOURCE, "30", resolution="1080p"),
            credits_per_second(_KLING_4_SOURCE, "24", resolution="720p", mode="video"),
            credits_per_second(_KLING_4_SOURCE, "36", resolution="1080p", mode="video"),
        ),
        quality_rank=2,
        speed_class="slow",
        best_for="takes of up to 30 s with sound, from text, frames, ten references or a video to change",
        typical_seconds=(160, 400),
        deadline_seconds=1500,
        notes="Always with sound. Ten images in all, frames included. A changed video keeps its length and shape. "
        "Frames between the first and the last, and reference videos, are not offered.",
    ),
)
