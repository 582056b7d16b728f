"""ByteDance's Seedance at Runway. https://docs.dev.runwayml.com/guides/models"""

from collections.abc import Mapping

from core.spec import Quality
from providers.model import Mode, Option, Price, Span, VideoModel
from providers.runway_parts import (
    COMMON,
    GUIDE,
    SIX,
    THREE_TIERS,
    VIDEO_LIMIT,
    Sizes,
    assumed,
    credits_per_second,
    sizes,
)

_720 = sizes("720p", SIX, "1470:630 1280:720 1112:834 960:960 834:1112 720:1280")
_480 = sizes("480p", SIX, "992:432 864:496 752:560 640:640 560:752 496:864")
_480_OF_2_5 = sizes("480p", SIX, "992:432 854:480 752:560 640:640 560:752 480:854")
_1080 = sizes("1080p", SIX, "2206:946 1920:1080 1664:1248 1440:1440 1248:1664 1080:1920")
_4K = sizes("4k", SIX, "3840:1646 3840:2160 3840:2880 3840:3840 2880:3840 2160:3840")
_WIRE = {
    "prompt": "promptText",
    "duration": "duration",
    "size": "ratio",
    "audio": "audio",
    "seed": "seed",
    "first_frame": "promptImage",
    "last_frame": "promptImage",
    "reference_images": "references",
    "source_video": "promptVideo",
}
_SMALL: Mapping[Quality, str] = {
    Quality.DRAFT: "480p",
    Quality.STANDARD: "720p",
    Quality.HIGH: "720p",
    Quality.PREMIUM: "720p",
}


def _modes(shapes: Sizes, longest: int) -> Mode:
    """What a model offers in each of its modes alike. The range is what Runway's validator told a third party."""
    return Mode(durations=Span(low=4, high=longest), sizes=shapes, default_duration=5)


def _prices_of_2_5() -> tuple[Price, ...]:
    """An input video costs half as much a second again; with one the source is taken to be as long as the clip."""
    equal = assumed(f"{GUIDE.words}: half as much again for each second of a source, taken to be as long as the clip")
    told = (("480p", "20", "30"), ("720p", "30", "45"), ("1080p", "68", "102"))
    return tuple(
        price
        for resolution, alone, with_video in told
        for price in (
            credits_per_second(GUIDE, alone, least="80", resolution=resolution),
            credits_per_second(equal, with_video, least="80", resolution=resolution, mode="video"),
        )
    )


_TWO = _modes({**_720, **_480, **_1080, **_4K}, 15)
_LIGHT = _modes({**_720, **_480}, 15)
_TWO_FIVE = _modes({**_720, **_480_OF_2_5, **_1080}, 30)

SEEDANCE: tuple[VideoModel, ...] = (
    VideoModel(
        **COMMON,
        id="runway/seedance2",
        wire_name="seedance2",
        family="seedance-2.0",
        title="Seedance 2.0 at Runway",
        text=_TWO,
        image=_TWO,
        reference=_TWO,
        video=_TWO,
        references=9,
        has_audio=True,
        wire=_WIRE,
        qualities={**THREE_TIERS, Quality.PREMIUM: "4k"},
        prompt_limit=3500,
        source_seconds=15,
        source_limit=VIDEO_LIMIT,
        prices=(
            credits_per_second(GUIDE, "36", resolution="720p"),
            credits_per_second(GUIDE, "36", resolution="480p"),
            credits_per_second(GUIDE, "40", resolution="1080p"),
            credits_per_second(GUIDE, "150", resolution="4k"),
        ),
        quality_rank=6,
        speed_class="slow",
        best_for="nine references, or a video to work from, up to 15 s with sound, in 4K if need be",
        typical_seconds=(120, 300),
        deadline_seconds=1200,
        default_fallbacks=("runway/seedance2_5",),
        notes="Frames and reference images exclude each other. Sound costs nothing more.",
    ),
    VideoModel(
        **COMMON,
        id="runway/seedance2_5",
        wire_name="seedance2_5",
        family="seedance-2.5",
        title="Seedance 2.5 at Runway",
        text=_TWO_FIVE,
        image=_TWO_FIVE,
        reference=_TWO_FIVE,
        video=_TWO_FIVE,
        references=30,
        has_audio=True,
        wire=_WIRE,
        qualities=THREE_TIERS,
        # With a source video only. Without it the vendor takes `reference`.
        options={"mode": Option(kind=str, choices=("reference", "extend", "edit"))},
        prompt_limit=15_000,
        source_seconds=30,
        source_limit=VIDEO_LIMIT,
        prices=_prices_of_2_5(),
        quality_rank=4,
        speed_class="slow",
        best_for="one take of up to 30 s with sound, from text, frames, thirty references or a video",
        typical_seconds=(150, 400),
        deadline_seconds=1500,
        notes="Frames and reference images exclude each other. With a source video, `mode` says whether it guides the "
        "clip (reference, the default), is continued (extend) or changed (edit: as long as its source, at most 10 s, "
        "and charged as the longest clip until it is done). A source longer than the clip costs more than is held. "
        "Drafts are not offered: what makes a clip of one is an order of another kind, without a price of its own.",
    ),
    VideoModel(
        **COMMON,
        id="runway/seedance2_fast",
        wire_name="seedance2_fast",
        family="seedance-2.0-fast",
        title="Seedance 2.0 Fast at Runway",
        text=_LIGHT,
        image=_LIGHT,
        reference=_LIGHT,
        video=_LIGHT,
        references=9,
        has_audio=True,
        wire=_WIRE,
        qualities=_SMALL,
        prompt_limit=3500,
        source_seconds=15,
        source_limit=VIDEO_LIMIT,
        prices=(credits_per_second(GUIDE, "29"),),
        quality_rank=16,
        speed_class="medium",
        best_for="Seedance 2.0 in 720p, sooner",
        typical_seconds=(70, 200),
        deadline_seconds=900,
        default_fallbacks=("runway/seedance2",),
        notes="Frames and reference images exclude each other. Sound costs nothing more.",
    ),
    VideoModel(
        **COMMON,
        id="runway/seedance2_mini",
        wire_name="seedance2_mini",
        family="seedance-2.0-mini",
        title="Seedance 2.0 Mini at Runway",
        text=_LIGHT,
        image=_LIGHT,
        reference=_LIGHT,
        video=_LIGHT,
        references=9,
        has_audio=True,
        wire=_WIRE,
        qualities=_SMALL,
        prompt_limit=3500,
        source_seconds=15,
        source_limit=VIDEO_LIMIT,
        prices=(credits_per_second(GUIDE, "16", least="64"),),
        quality_rank=27,
        speed_class="fast",
        best_for="Seedance's references and sound at the lowest price",
        typical_seconds=(50, 150),
        deadline_seconds=900,
        default_fallbacks=("runway/seedance2_fast",),
        notes="Frames and reference images exclude each other. Sound costs nothing more; no clip costs less than 4 s.",
    ),
)
