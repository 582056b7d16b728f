"""Kling O1 and Kling 3 at Replicate: official models of `kwaivgi`. https://replicate.com/kwaivgi"""

from providers.model import Choices, Mode, Option, Span, VideoModel
from providers.replicate_parts import (
    BILLING,
    COMMON,
    CONTRACT_LIMIT,
    KLING_IMAGES,
    THREE,
    TO_4K,
    TWO_TIERS,
    per_second,
    shapes,
)

_KLING_LIMIT = 2500
# No schema that was kept lists the ratios of O1 and 3: three are what their siblings take and what callers send.
_TWO_SIZES = {**shapes("1080p", *THREE), **shapes("720p", *THREE)}
_ALL_SIZES = {**_TWO_SIZES, **shapes("4k", *THREE)}
_FROM_IMAGE = {**shapes("1080p", "16:9"), **shapes("720p", "16:9"), **shapes("4k", "16:9")}
_LENGTHS = Span(low=3, high=15)
_VIDEO_LENGTHS = Span(low=3, high=10)
_VIDEO_OPTIONS = {
    # "feature" takes style and camera from the source video, "base" edits the video itself.
    "video_reference_type": Option(kind=str, choices=("feature", "base")),
    "keep_original_sound": Option(kind=bool),
}

KLING_NEWER: tuple[VideoModel, ...] = (
    VideoModel(
        **COMMON,
        id="replicate/kling-o1",
        wire_name="kwaivgi/kling-o1",
        family="kling-o1",
        title="Kling O1",
        # That std is 720p and pro 1080p is what the same words mean for its siblings; its own schema gives no sizes.
        text=Mode(durations=Choices((5, 10)), sizes=_TWO_SIZES),
        image=Mode(
            durations=Choices((5, 10)),
            sizes={**shapes("1080p", "16:9"), **shapes("720p", "16:9")},
            ratio_from_image=True,
        ),
        reference=Mode(durations=Choices((5, 10)), sizes=_TWO_SIZES),
        video=Mode(durations=_VIDEO_LENGTHS, sizes=_TWO_SIZES, default_duration=5),
        references=7,
        references_with_frame=True,
        wire={
            "prompt": "prompt",
            "duration": "duration",
            "aspect_ratio": "aspect_ratio",
            "resolution": "mode",
            "first_frame": "start_image",
            "last_frame": "end_image",
            "reference_images": "reference_images",
            "source_video": "reference_video",
        },
        spellings={"resolution": {"720p": "std", "1080p": "pro"}},
        qualities=TWO_TIERS,
        options=_VIDEO_OPTIONS,
        prompt_limit=CONTRACT_LIMIT,
        image_types=KLING_IMAGES,
        source_seconds=10,
        source_limit=200_000_000,
        prices=(
            per_second(BILLING, "0.084", resolution="720p"),
            per_second(BILLING, "0.112", resolution="1080p"),
            per_second(BILLING, "0.126", resolution="720p", mode="video"),
            per_second(BILLING, "0.168", resolution="1080p", mode="video"),
        ),
        quality_rank=10,
        speed_class="slow",
        best_for="changing or continuing a video of 3 to 10 s, with up to seven references",
        typical_seconds=(150, 360),
        deadline_seconds=1200,
        notes="With a source video at most 4 references, and with `video_reference_type` base the length is the "
        "source's. The prompt names its inputs as <<<image_1>>> and <<<video_1>>>. No sound of its own.",
    ),
    VideoModel(
        **COMMON,
        id="replicate/kling-v3-omni-video",
        wire_name="kwaivgi/kling-v3-omni-video",
        family="kling-v3-omni",
        title="Kling 3 Omni",
        text=Mode(durations=_LENGTHS, sizes=_ALL_SIZES, default_duration=5),
        image=Mode(durations=_LENGTHS, sizes=_FROM_IMAGE, ratio_from_image=True, default_duration=5),
        reference=Mode(durations=_LENGTHS, sizes=_ALL_SIZES, default_duration=5),
        # Its readme names a negative prompt, its schema has none: an unknown name would be ignored and paid for.
        # "4K does not support reference_video"; lengths beyond the source's own 10 s are not promised.
        video=Mode(durations=_VIDEO_LENGTHS, sizes=_TWO_SIZES, default_duration=5),
        references=7,
        references_with_frame=True,
        wire={
            "prompt": "prompt",
            "duration": "duration",
            "aspect_ratio": "aspect_ratio",
            "resolution": "mode",
            "first_frame": "start_image",
            "last_frame": "end_image",
            "reference_images": "reference_images",
            "source_video": "reference_video",
        },
        spellings={"resolution": {"720p": "standard", "1080p": "pro"}},
        qualities=TO_4K,
        options=_VIDEO_OPTIONS,
        prompt_limit=_KLING_LIMIT,
        image_types=KLING_IMAGES,
        source_seconds=10,
        source_limit=200_000_000,
        prices=(
            per_second(BILLING, "0.168", resolution="720p"),
            per_second(BILLING, "0.224", resolution="1080p"),
            per_second(BILLING, "0.42", resolution="4k"),
        ),
        quality_rank=5,
        speed_class="slow",
        best_for="one figure over many clips: up to seven references, or a video to change",
        typical_seconds=(180, 400),
        deadline_seconds=1200,
        notes="With a source video at most 4 references, and with `video_reference_type` base the length is the "
        "source's. Its sound is not offered: sound and a source video exclude each other; Kling 3 has sound.",
    ),
    VideoModel(
        **COMMON,
        id="replicate/kling-v3-video",
        wire_name="kwaivgi/kling-v3-video",
        family="kling-v3",
        title="Kling 3",
        text=Mode(durations=_LENGTHS, sizes=_ALL_SIZES, default_duration=5),
        image=Mode(durations=_LENGTHS, sizes=_FROM_IMAGE, ratio_from_image=True, default_duration=5),
        wire={
            "prompt": "prompt",
            "duration": "duration",
            "aspect_ratio": "aspect_ratio",
            "resolution": "mode",
            "negative_prompt": "negative_prompt",
            "audio": "generate_audio",
            "first_frame": "start_image",
            "last_frame": "end_image",
        },
        spellings={"resolution": {"720p": "standard", "1080p": "pro"}},
        qualities=TO_4K,
        # A JSON string of at most six shots whose lengths add up to the duration.
        options={"multi_prompt": Option(kind=str)},
        prompt_limit=_KLING_LIMIT,
        image_types=KLING_IMAGES,
        prices=(
            per_second(BILLING, "0.168", resolution="720p", audio=False),
            per_second(BILLING, "0.252", resolution="720p", audio=True),
            per_second(BILLING, "0.224", resolution="1080p", audio=False),
            per_second(BILLING, "0.336", resolution="1080p", audio=True),
            per_second(BILLING, "0.42", resolution="4k"),
        ),
        quality_rank=3,
        speed_class="slow",
        best_for="several shots with sound in one clip of any length up to 15 s",
        typical_seconds=(180, 400),
        deadline_seconds=1200,
        notes="Silent unless audio is asked for. With a first frame the shape is the image's. Seen online 2026-10-06.",
    ),
)
