"""ByteDance's Seedance at Replicate: official models of `bytedance`. https://replicate.com/bytedance"""

from providers.model import Mode, Option, Span, VideoModel
from providers.replicate_parts import (
    BILLING,
    COMMON,
    CONTRACT_LIMIT,
    PAGE,
    SEVEN,
    THREE_TIERS,
    TO_4K,
    assumed,
    per_second,
    shapes,
)

_SIX = SEVEN[:-1]
_FIRST_LENGTHS = Span(low=2, high=12)
# The schemas allow -1 (the model decides) to 15 or 30; 4 is the shortest that ByteDance itself promises.
_SECOND_LENGTHS = Span(low=4, high=15)
_LONG_LENGTHS = Span(low=4, high=30)
# Which resolutions the first generation takes is from memory, and so is which of them is the default.
_FULL_FIRST = ("1080p", "720p", "480p")
_HD_FIRST = ("720p", "480p", "1080p")
_CAMERA = {"camera_fixed": Option(kind=bool)}
_WORDS = {
    "prompt": "prompt",
    "duration": "duration",
    "aspect_ratio": "aspect_ratio",
    "resolution": "resolution",
    "seed": "seed",
    "first_frame": "image",
    "last_frame": "last_frame_image",
}
_REFERENCE_WORDS = {**_WORDS, "audio": "generate_audio", "reference_images": "reference_images"}


def _mode(lengths: Span, resolutions: tuple[str, ...], ratios: tuple[str, ...]) -> Mode:
    sizes = {place: size for resolution in resolutions for place, size in shapes(resolution, *ratios).items()}
    return Mode(durations=lengths, sizes=sizes, default_duration=5)


def _from_image(lengths: Span, resolutions: tuple[str, ...]) -> Mode:
    sizes = {place: size for resolution in resolutions for place, size in shapes(resolution, "16:9").items()}
    return Mode(durations=lengths, sizes=sizes, ratio_from_image=True, default_duration=5)


BYTEDANCE: tuple[VideoModel, ...] = (
    VideoModel(
        **COMMON,
        id="replicate/seedance-1-lite",
        wire_name="bytedance/seedance-1-lite",
        family="seedance-1-lite",
        title="Seedance 1 Lite",
        text=_mode(_FIRST_LENGTHS, _HD_FIRST, SEVEN),
        image=_from_image(_FIRST_LENGTHS, _HD_FIRST),
        # "Reference images cannot be used with 1080p resolution or first frame or last frame images."
        reference=_mode(_FIRST_LENGTHS, ("720p", "480p"), SEVEN),
        references=4,
        fps=24,
        wire={**_WORDS, "reference_images": "reference_images"},
        qualities=THREE_TIERS,
        options=_CAMERA,
        prompt_limit=CONTRACT_LIMIT,
        prices=(
            per_second(assumed("remembered, between Seedance 1.5 Pro and 1 Pro"), "0.018", resolution="480p"),
            per_second(assumed("remembered, between Seedance 1.5 Pro and 1 Pro"), "0.036", resolution="720p"),
            per_second(assumed("remembered, between Seedance 1.5 Pro and 1 Pro"), "0.072", resolution="1080p"),
        ),
        quality_rank=47,
        speed_class="fast",
        best_for="cheap drafts of any length from 2 to 12 s, with up to four references",
        typical_seconds=(40, 90),
        deadline_seconds=600,
        notes="Silent. Seen online 2026-08-11.",
    ),
    VideoModel(
        **COMMON,
        id="replicate/seedance-1-pro",
        wire_name="bytedance/seedance-1-pro",
        family="seedance-1-pro",
        title="Seedance 1 Pro",
        text=_mode(_FIRST_LENGTHS, _FULL_FIRST, SEVEN),
        image=_from_image(_FIRST_LENGTHS, _FULL_FIRST),
        fps=24,
        wire=_WORDS,
        qualities=THREE_TIERS,
        options=_CAMERA,
        prompt_limit=CONTRACT_LIMIT,
        prices=(
            per_second(PAGE, "0.03", resolution="480p"),
            per_second(PAGE, "0.06", resolution="720p"),
            per_second(PAGE, "0.15", resolution="1080p"),
        ),
        quality_rank=29,
        speed_class="medium",
        best_for="several shots that belong together, of any length from 2 to 12 s",
        typical_seconds=(60, 150),
        deadline_seconds=900,
        notes="Silent; takes no negative prompt. Seen online 2026-10-06.",
    ),
    VideoModel(
        **COMMON,
        id="replicate/seedance-1.5-pro",
        wire_name="bytedance/seedance-1.5-pro",
        family="seedance-1.5-pro",
        title="Seedance 1.5 Pro",
        text=_mode(_FIRST_LENGTHS, _HD_FIRST, SEVEN),
        image=_from_image(_FIRST_LENGTHS, _HD_FIRST),
        fps=24,
        # On by default since some day of 2026; an earlier version had it off.
        has_audio=True,
        wire={**_WORDS, "audio": "generate_audio"},
        qualities=THREE_TIERS,
        options=_CAMERA,
        prompt_limit=CONTRACT_LIMIT,
        prices=(
            per_second(PAGE, "0.013", resolution="480p", audio=False),
            per_second(PAGE, "0.025", resolution="480p", audio=True),
            per_second(PAGE, "0.026", resolution="720p", audio=False),
            per_second(assumed("twice the silent one, as at 480p and 1080p"), "0.052", resolution="720p", audio=True),
            per_second(PAGE, "0.06", resolution="1080p", audio=False),
            per_second(PAGE, "0.12", resolution="1080p", audio=True),
        ),
        quality_rank=21,
        speed_class="medium",
        best_for="picture and sound for the least money per second",
        typical_seconds=(60, 180),
        deadline_seconds=900,
        notes="Sound is on unless switched off. Seen online 2026-10-06.",
    ),
    VideoModel(
        **COMMON,
        id="replicate/seedance-2.0",
        wire_name="bytedance/seedance-2.0",
        family="seedance-2.0",
        title="Seedance 2.0",
        text=_mode(_SECOND_LENGTHS, (*_HD_FIRST, "4k"), SEVEN),
        image=_from_image(_SECOND_LENGTHS, (*_HD_FIRST, "4k")),
        reference=_mode(_SECOND_LENGTHS, (*_HD_FIRST, "4k"), SEVEN),
        references=9,
        fps=24,
        has_audio=True,
        wire=_REFERENCE_WORDS,
        qualities={**THREE_TIERS, **{quality: "4k" for quality in TO_4K if TO_4K[quality] == "4k"}},
        prompt_limit=4000,
        prices=(
            per_second(BILLING, "0.08", resolution="480p"),
            per_second(BILLING, "0.18", resolution="720p"),
            per_second(BILLING, "0.45", resolution="1080p"),
            per_second(BILLING, "1", resolution="4k"),
        ),
        quality_rank=6,
        speed_class="slow",
        best_for="figures, styles and scenes from up to nine references, with sound",
        typical_seconds=(120, 300),
        deadline_seconds=1200,
        notes="Sound is on unless switched off and costs nothing extra. References exclude first and last frames. "
        "Reference videos and audio, which change the price, are not offered.",
    ),
    VideoModel(
        **COMMON,
        id="replicate/seedance-2.5",
        wire_name="bytedance/seedance-2.5",
        family="seedance-2.5",
        title="Seedance 2.5",
        text=_mode(_LONG_LENGTHS, ("720p", "480p"), _SIX),
        image=_from_image(_LONG_LENGTHS, ("720p", "480p")),
        reference=_mode(_LONG_LENGTHS, ("720p", "480p"), _SIX),
        references=30,
        fps=24,
        has_audio=True,
        wire=_REFERENCE_WORDS,
        qualities={quality: "480p" if tier == "480p" else "720p" for quality, tier in THREE_TIERS.items()},
        options={"watermark": Option(kind=bool)},
        prompt_limit=2000,
        prices=(
            per_second(BILLING, "0.1028", resolution="480p"),
            per_second(BILLING, "0.2312", resolution="720p"),
        ),
        quality_rank=4,
        speed_class="slow",
        best_for="one take of up to 30 s with sound, from up to thirty references",
        typical_seconds=(150, 400),
        deadline_seconds=1500,
        notes="Sound is on unless switched off. References exclude first and last frames. Reference videos and audio, "
        "which change the price, are not offered.",
    ),
)
