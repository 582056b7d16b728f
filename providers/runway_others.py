"""MiniMax, Alibaba and xAI at Runway: Hailuo, Wan, HappyHorse and Grok Imagine. https://docs.dev.runwayml.com"""

from collections.abc import Mapping

from core.spec import Quality
from providers.model import Mode, Option, Price, Span, VideoModel
from providers.runway_parts import (
    COMMON,
    GUIDE,
    SIX,
    THREE_TIERS,
    TWO_TIERS,
    VIDEO_LIMIT,
    Source,
    assumed,
    credits_per_second,
    from_input,
    sizes,
)

# The bounds of lengths and prompts in this file are from third parties that read Runway's OpenAPI document or asked its
# validator in autumn 2026; the SDK's types are bare.
_BOTH_FRAMES = {"first_frame": "promptImage", "last_frame": "promptImage"}

_HAILUO_LENGTHS = Span(low=5, high=15)
# Only shapes and lines are told, no pixels.
_HAILUO_SIZES = {
    **sizes("768p", SIX, "1792:768 1366:768 1024:768 768:768 768:1024 768:1366"),
    **sizes("2k", SIX, "3360:1440 2560:1440 1920:1440 1440:1440 1440:1920 1440:2560"),
}
_HAILUO_TIERS = {
    Quality.DRAFT: "768p",
    Quality.STANDARD: "768p",
    Quality.HIGH: "2k",
    Quality.PREMIUM: "2k",
}
_H3_TIERS = {
    Quality.DRAFT: "480p",
    Quality.STANDARD: "768p",
    Quality.HIGH: "768p",
    Quality.PREMIUM: "768p",
}
_H3_SIZES = from_input("768p", "480p")


def _hailuo_prices() -> tuple[Price, ...]:
    """2 credits for each input picture: two frames, or nine references, beside the shortest clip."""
    twice = assumed("the source's seconds are charged like the clip's own; Runway lists no price for an input video")
    told = (("768p", "10", "10.8", "13.6", "23.6"), ("2k", "15", "15.8", "18.6", "33.6"))
    return tuple(
        price
        for resolution, text, image, reference, video in told
        for price in (
            credits_per_second(GUIDE, text, resolution=resolution),
            credits_per_second(GUIDE, image, resolution=resolution, mode="image"),
            credits_per_second(GUIDE, reference, resolution=resolution, mode="reference"),
            credits_per_second(twice, video, resolution=resolution, mode="video"),
        )
    )


_FIVE = ("16:9", "4:3", "1:1", "3:4", "9:16")
_WAN_SIZES = {
    **sizes("720p", _FIVE, "1280:720 1104:832 960:960 832:1104 720:1280"),
    **sizes("480p", _FIVE, "832:480 720:544 624:624 544:720 480:832"),
    **sizes("1080p", _FIVE, "1920:1080 1648:1248 1440:1440 1248:1648 1080:1920"),
}
_WAN_LENGTHS = Span(low=2, high=30)
_WAN = Mode(durations=_WAN_LENGTHS, sizes=_WAN_SIZES, default_duration=5)
_WAN_FROM_IMAGE = Mode(
    durations=_WAN_LENGTHS, sizes=from_input("720p", "480p", "1080p"), ratio_from_image=True, default_duration=5
)
_AUTOMATIC: Mapping[object, object] = {"480p": "auto_480p", "720p": "auto_720p", "1080p": "auto_1080p"}
_WAN_WIRE = {
    "prompt": "promptText",
    "duration": "duration",
    # Where there are pixels they are the `ratio`; where the input decides the shape, the resolution is.
    "resolution": "ratio",
    "size": "ratio",
    "audio": "audio",
    "reference_images": "references",
    **_BOTH_FRAMES,
}


def _by_lines(source: Source, *told: tuple[str, str]) -> tuple[Price, ...]:
    return tuple(credits_per_second(source, amount, resolution=resolution) for resolution, amount in told)


_HORSE_FIVE = ("16:9", "9:16", "1:1", "4:3", "3:4")
_HORSE_SIZES = {
    **sizes("720p", _HORSE_FIVE, "1280:720 720:1280 960:960 1108:832 832:1108"),
    **sizes("1080p", _HORSE_FIVE, "1920:1080 1080:1920 1440:1440 1662:1248 1248:1662"),
}

_SEVEN = ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3")
# Told of Lite; the larger model names shapes and lines only.
_GROK_720 = sizes("720p", _SEVEN, "1280:720 720:1280 720:720 960:720 720:960 1088:720 720:1088")
_GROK_480 = sizes("480p", _SEVEN, "848:480 480:848 480:480 640:480 480:640 720:480 480:720")
_GROK_1080 = sizes("1080p", _SEVEN, "1904:1072 1072:1904 1424:1424 1648:1232 1232:1648 1744:1152 1152:1744")
_GROK_LENGTHS = Span(low=1, high=15)
_GROK = Mode(durations=_GROK_LENGTHS, sizes={**_GROK_720, **_GROK_480, **_GROK_1080}, default_duration=5)
_GROK_FROM_IMAGE = Mode(
    durations=_GROK_LENGTHS, sizes=from_input("720p", "480p", "1080p"), ratio_from_image=True, default_duration=5
)


def _grok_prices() -> tuple[Price, ...]:
    """A credit for each input picture: one start frame, or three references, beside a clip of one second."""
    return (
        *_with_frame(("480p", "10", "11"), ("720p", "16", "17"), ("1080p", "29", "30")),
        # References are capped at 720p.
        credits_per_second(GUIDE, "13", resolution="480p", mode="reference"),
        credits_per_second(GUIDE, "19", resolution="720p", mode="reference"),
    )


def _with_frame(*told: tuple[str, str, str]) -> tuple[Price, ...]:
    """Credits from text and from a first frame, by resolution."""
    return tuple(
        price
        for resolution, text, image in told
        for price in (
            credits_per_second(GUIDE, text, resolution=resolution),
            credits_per_second(GUIDE, image, resolution=resolution, mode="image"),
        )
    )


OTHERS: tuple[VideoModel, ...] = (
    VideoModel(
        **COMMON,
        id="runway/grok_imagine_1_5",
        wire_name="grok_imagine_1_5",
        family="grok-imagine-1.5",
        title="Grok Imagine 1.5 at Runway",
        text=_GROK,
        image=_GROK_FROM_IMAGE,
        # "Requests with image references are capped at 720p."
        reference=Mode(durations=_GROK_LENGTHS, sizes={**_GROK_720, **_GROK_480}, default_duration=5),
        # How many is not told here (xAI itself takes seven); each costs a credit, so three are offered.
        references=3,
        has_audio=True,
        wire={
            "prompt": "promptText",
            "duration": "duration",
            "aspect_ratio": "ratio",
            "resolution": "resolution",
            "first_frame": "promptImage",
            "reference_images": "references",
        },
        qualities=THREE_TIERS,
        prompt_limit=2500,
        prices=_grok_prices(),
        quality_rank=22,
        speed_class="fast",
        best_for="quick clips of any length up to 15 s with sound",
        typical_seconds=(30, 90),
        deadline_seconds=900,
        notes="Always with sound. A first frame is at most 2.5 times as long as it is wide; the clip keeps its shape.",
    ),
    VideoModel(
        **COMMON,
        id="runway/grok_imagine_1_5_lite",
        wire_name="grok_imagine_1_5_lite",
        family="grok-imagine-1.5-lite",
        title="Grok Imagine 1.5 Lite at Runway",
        text=_GROK,
        image=_GROK_FROM_IMAGE,
        # Told by another home of the model, not by Runway.
        has_audio=True,
        wire={
            "prompt": "promptText",
            "duration": "duration",
            "resolution": "ratio",
            "size": "ratio",
            "first_frame": "promptImage",
        },
        spellings={"resolution": _AUTOMATIC},
        qualities=THREE_TIERS,
        prompt_limit=2500,
        prices=_with_frame(("480p", "2", "3"), ("720p", "3", "4"), ("1080p", "14", "15")),
        quality_rank=39,
        speed_class="fast",
        best_for="the cheapest clip with sound: a few cents in 720p",
        typical_seconds=(25, 80),
        deadline_seconds=900,
        default_fallbacks=("runway/grok_imagine_1_5",),
        notes="1080p is made in 720p and enlarged. With a first frame the clip keeps its shape.",
    ),
    VideoModel(
        **COMMON,
        id="runway/h3_max",
        wire_name="h3_max",
        family="hailuo-3-max",
        title="MiniMax H3 Max at Runway",
        # No `ratio` is taken: that text gives 16:9 is a guess.
        text=Mode(durations=_HAILUO_LENGTHS, sizes=_H3_SIZES, default_duration=5),
        image=Mode(durations=_HAILUO_LENGTHS, sizes=_H3_SIZES, ratio_from_image=True, default_duration=5),
        has_audio=True,
        wire={
            "prompt": "promptText",
            "duration": "duration",
            "resolution": "resolution",
            "seed": "seed",
            **_BOTH_FRAMES,
        },
        qualities=_H3_TIERS,
        options={"promptExpansionMode": Option(kind=str, choices=("disabled", "balanced", "quality"))},
        prompt_limit=6000,
        prices=_by_lines(GUIDE, ("768p", "8"), ("480p", "5")),
        quality_rank=21,
        speed_class="fast",
        best_for="a clip with sound in less time than it takes to play",
        typical_seconds=(20, 90),
        deadline_seconds=600,
        default_fallbacks=("runway/hailuo3",),
        notes="Always with sound. Frames have at least 256 pixels on both sides; with a first frame the shape is its.",
    ),
    VideoModel(
        **COMMON,
        id="runway/hailuo3",
        wire_name="hailuo3",
        family="hailuo-3",
        title="Hailuo 3.0 at Runway",
        text=Mode(durations=_HAILUO_LENGTHS, sizes=_HAILUO_SIZES, default_duration=5),
        image=Mode(
            durations=_HAILUO_LENGTHS, sizes=from_input("768p", "2k"), ratio_from_image=True, default_duration=5
        ),
        reference=Mode(durations=_HAILUO_LENGTHS, sizes=_HAILUO_SIZES, default_duration=5),
        video=Mode(
            durations=_HAILUO_LENGTHS, sizes=from_input("768p", "2k"), ratio_from_image=True, default_duration=5
        ),
        references=9,
        has_audio=True,
        wire={
            "prompt": "promptText",
            "duration": "duration",
            "aspect_ratio": "ratio",
            "resolution": "resolution",
            "reference_images": "references",
            "source_video": "promptVideo",
            **_BOTH_FRAMES,
        },
        # "Only when image or video references are provided": where nothing else is said, the input decides the shape.
        constants={"ratio": "adaptive"},
        qualities=_HAILUO_TIERS,
        prompt_limit=6000,
        source_seconds=15,
        source_limit=VIDEO_LIMIT,
        prices=_hailuo_prices(),
        quality_rank=17,
        speed_class="medium",
        best_for="clips of 5 to 15 s with sound, from text, frames, nine references or a video",
        typical_seconds=(90, 240),
        deadline_seconds=900,
        notes="Always with sound. Frames and reference images exclude each other. Each picture costs 2 credits.",
    ),
    VideoModel(
        **COMMON,
        id="runway/happyhorse_1_0",
        wire_name="happyhorse_1_0",
        family="happyhorse-1.0",
        title="HappyHorse 1.0 at Runway",
        text=Mode(durations=Span(low=3, high=15), sizes=_HORSE_SIZES, default_duration=5),
        image=Mode(
            durations=Span(low=3, high=15), sizes=from_input("720p", "1080p"), ratio_from_image=True, default_duration=5
        ),
        # Told by other homes of the model, not by Runway.
        has_audio=True,
        wire={
            "prompt": "promptText",
            "duration": "duration",
            "size": "ratio",
            "resolution": "resolution",
            "first_frame": "promptImage",
        },
        qualities=TWO_TIERS,
        prompt_limit=2500,
        prices=_by_lines(GUIDE, ("720p", "15"), ("1080p", "30")),
        quality_rank=19,
        speed_class="medium",
        best_for="people who speak, in step with their lips",
        typical_seconds=(90, 240),
        deadline_seconds=900,
        notes="With a first frame the shape is the image's.",
    ),
    VideoModel(
        **COMMON,
        id="runway/wan3",
        wire_name="wan3",
        family="wan-3",
        title="Wan 3 at Runway",
        text=_WAN,
        image=_WAN_FROM_IMAGE,
        reference=_WAN,
        references=10,
        has_audio=True,
        wire=_WAN_WIRE,
        spellings={"resolution": _AUTOMATIC},
        qualities=THREE_TIERS,
        prompt_limit=20_000,
        prices=_by_lines(GUIDE, ("720p", "10"), ("480p", "5"), ("1080p", "20")),
        quality_rank=12,
        speed_class="slow",
        best_for="one take of up to 30 s with sound at a low price",
        typical_seconds=(120, 400),
        deadline_seconds=1500,
        default_fallbacks=("runway/wan3_prime",),
        notes="Frames and reference images exclude each other. With a first frame the shape is the image's.",
    ),
    VideoModel(
        **COMMON,
        id="runway/wan3_prime",
        wire_name="wan3_prime",
        family="wan-3-prime",
        title="Wan 3 Prime at Runway",
        text=_WAN,
        image=_WAN_FROM_IMAGE,
        reference=_WAN,
        references=10,
        has_audio=True,
        wire=_WAN_WIRE,
        spellings={"resolution": _AUTOMATIC},
        qualities=THREE_TIERS,
        prompt_limit=20_000,
        prices=_by_lines(GUIDE, ("720p", "14"), ("480p", "6.8"), ("1080p", "28")),
        quality_rank=11,
        speed_class="slow",
        best_for="one take of up to 30 s with sound, finer than Wan 3",
        typical_seconds=(120, 400),
        deadline_seconds=1500,
        default_fallbacks=("runway/wan3",),
        notes="Frames and reference images exclude each other. With a first frame the shape is the image's.",
    ),
)
