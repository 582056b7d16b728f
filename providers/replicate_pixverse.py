"""PixVerse at Replicate: official models of `pixverse`. https://replicate.com/pixverse"""

from core.spec import Quality
from providers.model import Choices, Mode, Option, Price, VideoModel
from providers.replicate_parts import (
    BILLING,
    COMMON,
    CONTRACT_LIMIT,
    THREE,
    assumed,
    per_clip,
    per_second,
    shapes,
)

_EFFECTS = (
    *("None", "Let's YMCA!", "Subject 3 Fever", "Ghibli Live!", "Suit Swagger", "Muscle Surge", "360° Microwave"),
    *("Warmth of Jesus", "Emergency Beat", "Anything, Robot", "Kungfu Club", "Mint in Box", "Retro Anime Pop"),
    *("Vogue Walk", "Mega Dive", "Evil Trigger"),
)
_PIXVERSE_RESOLUTIONS = ("540p", "360p", "720p", "1080p")
_PIXVERSE_TIERS = {Quality.DRAFT: "360p", Quality.STANDARD: "540p", Quality.HIGH: "720p", Quality.PREMIUM: "1080p"}
_PIXVERSE_SIZES = {place: size for name in _PIXVERSE_RESOLUTIONS for place, size in shapes(name, *THREE).items()}
_PIXVERSE_FROM_IMAGE = {place: size for name in _PIXVERSE_RESOLUTIONS for place, size in shapes(name, "16:9").items()}
_PIXVERSE_WORDS = {
    "prompt": "prompt",
    "duration": "duration",
    "aspect_ratio": "aspect_ratio",
    "resolution": "quality",
    "seed": "seed",
    "negative_prompt": "negative_prompt",
    "first_frame": "image",
}


def _pixverse_v5_prices() -> tuple[Price, ...]:
    """8 s cost twice as much as 5 s."""
    source = assumed("another home's list of the same model")
    fives = {"360p": "0.15", "540p": "0.15", "720p": "0.20", "1080p": "0.40"}
    eights = {"360p": "0.30", "540p": "0.30", "720p": "0.40", "1080p": "0.80"}
    return tuple(
        per_clip(source, usd, resolution=resolution, duration=seconds)
        for seconds, list_ in ((5, fives), (8, eights))
        for resolution, usd in list_.items()
    )


def _pixverse_v6_prices() -> tuple[Price, ...]:
    silent = {"360p": "0.05", "540p": "0.07", "720p": "0.09", "1080p": "0.18"}
    sounding = {"360p": "0.07", "540p": "0.09", "720p": "0.12", "1080p": "0.23"}
    return tuple(
        per_second(BILLING, usd, resolution=resolution, audio=audio)
        for audio, list_ in ((False, silent), (True, sounding))
        for resolution, usd in list_.items()
    )


PIXVERSE: tuple[VideoModel, ...] = (
    VideoModel(
        **COMMON,
        id="replicate/pixverse-v5",
        wire_name="pixverse/pixverse-v5",
        family="pixverse-v5",
        title="PixVerse 5",
        text=Mode(durations=Choices((5, 8)), sizes=_PIXVERSE_SIZES),
        image=Mode(durations=Choices((5, 8)), sizes=_PIXVERSE_FROM_IMAGE, ratio_from_image=True),
        wire=_PIXVERSE_WORDS,
        qualities=_PIXVERSE_TIERS,
        options={"effect": Option(kind=str, choices=_EFFECTS)},
        prompt_limit=CONTRACT_LIMIT,
        prices=_pixverse_v5_prices(),
        quality_rank=33,
        speed_class="fast",
        best_for="anime, and fifteen ready-made effects",
        typical_seconds=(30, 90),
        deadline_seconds=600,
        notes="Its last frame, which excludes effects, is not offered: PixVerse 6 has one. Silent. Last seen 2026-04.",
    ),
    VideoModel(
        **COMMON,
        id="replicate/pixverse-v6",
        wire_name="pixverse/pixverse-v6",
        family="pixverse-v6",
        title="PixVerse 6",
        # Its lengths and ratios are told by callers: the schema that was kept gives their defaults only.
        text=Mode(durations=Choices((5, 8, 10, 15)), sizes=_PIXVERSE_SIZES),
        image=Mode(durations=Choices((5, 8, 10, 15)), sizes=_PIXVERSE_FROM_IMAGE, ratio_from_image=True),
        wire={**_PIXVERSE_WORDS, "audio": "generate_audio_switch", "last_frame": "last_frame_image"},
        qualities=_PIXVERSE_TIERS,
        prompt_limit=CONTRACT_LIMIT,
        prices=_pixverse_v6_prices(),
        quality_rank=25,
        speed_class="fast",
        best_for="quick drafts in four resolutions, with sound where wanted",
        typical_seconds=(30, 90),
        deadline_seconds=600,
        notes="Silent unless audio is asked for. Its multi-shot switch, which excludes a last frame, is not offered.",
    ),
)
