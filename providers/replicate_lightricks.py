"""Lightricks' LTX 2.3 at Replicate: official models of `lightricks`. https://replicate.com/lightricks"""

from datetime import date

from core.spec import Quality
from providers.model import Choices, Mode, Option, VideoModel
from providers.replicate_parts import (
    COMMON,
    CONTRACT_LIMIT,
    WIDE_TALL,
    Source,
    assumed,
    per_second,
    shapes,
)

_CAMERA_MOTIONS = ("dolly_in", "dolly_out", "dolly_left", "dolly_right", "jib_up", "jib_down", "static", "focus_shift")
_LTX_OPTIONS = {"camera_motion": Option(kind=str, choices=(*_CAMERA_MOTIONS, "none"))}
_LTX_SIZES = {**shapes("1080p", *WIDE_TALL), **shapes("2k", *WIDE_TALL), **shapes("4k", *WIDE_TALL)}
_LTX_TIERS = {Quality.DRAFT: "1080p", Quality.STANDARD: "1080p", Quality.HIGH: "2k", Quality.PREMIUM: "4k"}
_LTX_WORDS = {
    "prompt": "prompt",
    "duration": "duration",
    "aspect_ratio": "aspect_ratio",
    "resolution": "resolution",
    "fps": "fps",
    "audio": "generate_audio",
    "first_frame": "image",
    "last_frame": "last_frame_image",
}
# Over 10 s only at 1080p, as LTX's own matrix (docs.ltx.video/models) says too; one third party stops at 8 s.
_LTX_SHORT = {"2k": Choices((6, 8, 10)), "4k": Choices((6, 8, 10))}
_LTX_FAST = Mode(durations=Choices((6, 8, 10, 12, 14, 16, 18, 20)), sizes=_LTX_SIZES, durations_at=_LTX_SHORT)
_LTX_PRO = Mode(durations=Choices((6, 8, 10)), sizes=_LTX_SIZES)

LIGHTRICKS: tuple[VideoModel, ...] = (
    VideoModel(
        **COMMON,
        id="replicate/ltx-2.3-fast",
        wire_name="lightricks/ltx-2.3-fast",
        family="ltx-2.3-fast",
        title="LTX 2.3 Fast",
        text=_LTX_FAST,
        image=_LTX_FAST,
        # 48 and 50 frames a second exist too, but not over 10 s.
        fps=25,
        fps_choices=(24, 25),
        # Callers write that it is on unless switched off; the schema itself was not kept.
        has_audio=True,
        wire=_LTX_WORDS,
        qualities=_LTX_TIERS,
        options=_LTX_OPTIONS,
        prompt_limit=CONTRACT_LIMIT,
        prices=tuple(
            per_second(assumed("Cloudflare's list of the same model"), usd, resolution=resolution)
            for resolution, usd in (("1080p", "0.06"), ("2k", "0.12"), ("4k", "0.24"))
        ),
        quality_rank=23,
        speed_class="fast",
        best_for="up to 20 s with sound and a steered camera, soon",
        typical_seconds=(30, 90),
        deadline_seconds=600,
        notes="More than 10 s only at 1080p.",
    ),
    VideoModel(
        **COMMON,
        id="replicate/ltx-2.3-pro",
        wire_name="lightricks/ltx-2.3-pro",
        family="ltx-2.3-pro",
        title="LTX 2.3 Pro",
        text=_LTX_PRO,
        image=_LTX_PRO,
        fps=25,
        fps_choices=(24, 25, 48, 50),
        has_audio=True,
        wire=_LTX_WORDS,
        qualities=_LTX_TIERS,
        options=_LTX_OPTIONS,
        prompt_limit=CONTRACT_LIMIT,
        prices=(
            per_second(
                Source(date(2026, 6, 20), "the model's replicate.com page, read by a third party"),
                "0.08",
                resolution="1080p",
            ),
            per_second(
                Source(date(2026, 6, 20), "the model's replicate.com page, read by a third party"),
                "0.16",
                resolution="2k",
            ),
            per_second(assumed("twice the price of 2k, as at its vendor"), "0.32", resolution="4k"),
        ),
        quality_rank=14,
        speed_class="medium",
        best_for="4K with sound at up to 50 frames a second",
        typical_seconds=(60, 180),
        deadline_seconds=900,
        notes="Its tasks from audio, retake and extend are not offered.",
    ),
)
