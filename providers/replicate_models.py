"""Replicate's catalogue rows, with the models' true input names. https://replicate.com/explore"""

from datetime import date
from decimal import Decimal

from core.spec import Motion
from providers.model import CancelCost, Choices, Frames, Mode, Option, Price, Unit, VideoModel

_CONTRACT_LIMIT = 8000
"""These vendors publish no prompt limit; our own contract allows 8,000 characters."""

MODELS: tuple[VideoModel, ...] = (
    VideoModel(
        id="replicate/kling-v2.5-turbo-pro",
        provider="replicate",
        wire_name="kwaivgi/kling-v2.5-turbo-pro",
        family="kling-v2.5-turbo-pro",
        title="Kling 2.5 Turbo Pro",
        # The pixel size is not in the schema: 1080p is what Kling's pro tier gives elsewhere.
        text=Mode(
            durations=Choices((5, 10)),
            sizes={
                ("16:9", "1080p"): (1920, 1080),
                ("9:16", "1080p"): (1080, 1920),
                ("1:1", "1080p"): (1080, 1080),
            },
        ),
        image=Mode(durations=Choices((5, 10)), sizes={("16:9", "1080p"): (1920, 1080)}, ratio_from_image=True),
        wire={
            "prompt": "prompt",
            "duration": "duration",
            "aspect_ratio": "aspect_ratio",
            "negative_prompt": "negative_prompt",
            "first_frame": "start_image",
            "last_frame": "end_image",
        },
        prompt_limit=_CONTRACT_LIMIT,
        prices=(
            Price(
                usd=Decimal("0.07"),
                unit=Unit.SECOND,
                since=date(2026, 3, 6),
                checked=date(2026, 10, 8),
                source="replicate.com model page, told by third parties",
            ),
        ),
        cancel_cost=CancelCost.BY_USAGE,
        quality_rank=3,
        speed_class="slow",
        best_for="people and motion, from text or from a first to a last frame",
        typical_seconds=(120, 240),
        deadline_seconds=900,
        notes="With a first frame the picture's shape is the image's; an aspect ratio is refused then.",
    ),
    VideoModel(
        id="replicate/minimax-video-01",
        provider="replicate",
        wire_name="minimax/video-01",
        family="video-01",
        title="MiniMax Video-01",
        # 1280x720 at 25 fps is from memory, not from the schema.
        text=Mode(durations=Choices((6,)), sizes={("16:9", "720p"): (1280, 720)}),
        image=Mode(durations=Choices((6,)), sizes={("16:9", "720p"): (1280, 720)}, ratio_from_image=True),
        fps=25,
        wire={"prompt": "prompt", "first_frame": "first_frame_image"},
        options={"prompt_optimizer": Option(kind=bool)},
        prompt_limit=_CONTRACT_LIMIT,
        prices=(
            Price(
                usd=Decimal("0.50"),
                unit=Unit.VIDEO,
                since=date(2026, 3, 6),
                checked=date(2026, 3, 6),
                source="replicate.com model page, told by three third parties",
            ),
        ),
        cancel_cost=CancelCost.BY_USAGE,
        quality_rank=4,
        speed_class="medium",
        best_for="one six-second shot from text or an image",
        typical_seconds=(60, 90),
        deadline_seconds=900,
        notes="Always 6 s. Takes no duration, ratio, fps, seed or negative prompt; its subject reference (S2V-01) is "
        "not offered because its price is not published. Last seen online 2026-03-06.",
    ),
    VideoModel(
        id="replicate/stable-video-diffusion",
        provider="replicate",
        wire_name="stability-ai/stable-video-diffusion",
        wire_version="3f0457e4619daac51203dedb472816fd4af51f3149fa7a9e0b5ffcf1b8172438",
        family="stable-video-diffusion",
        title="Stable Video Diffusion",
        # The deployed model writes frames_per_second + 1 frames a second: 7 for its default of 6.
        image=Mode(
            durations=Frames(counts=(14, 25), fps=7),
            sizes={("16:9", "576p"): (1024, 576)},
            ratio_from_image=True,
        ),
        fps=7,
        wire={
            "first_frame": "input_image",
            "duration": "video_length",
            "seed": "seed",
            "motion": "motion_bucket_id",
        },
        spellings={"duration": {14: "14_frames_with_svd", 25: "25_frames_with_svd_xt"}},
        constants={"frames_per_second": 6},
        motions={Motion.LOW: 64, Motion.MEDIUM: 127, Motion.HIGH: 200},
        options={
            "sizing_strategy": Option(
                kind=str, choices=("maintain_aspect_ratio", "crop_to_16_9", "use_image_dimensions")
            ),
            "cond_aug": Option(kind=float, low=0),
            # 14 at the source's head; callers of the deployed version send 7.
            "decoding_t": Option(kind=int, low=1),
        },
        prompt_limit=0,
        prices=(
            Price(
                usd=Decimal("0.0014"),
                unit=Unit.COMPUTE_SECOND,
                since=date(2026, 1, 1),
                checked=date(2026, 1, 1),
                # That this model runs on an A100 is from memory; the rate is told by two third parties.
                source="Replicate hardware price of an A100 80GB",
            ),
        ),
        cancel_cost=CancelCost.BY_USAGE,
        quality_rank=6,
        speed_class="medium",
        best_for="a gentle move of one image, very cheap",
        typical_seconds=(45, 60),
        deadline_seconds=600,
        notes="Community model, image only, 14 or 25 frames at 7 fps (2 or 3.57 s). Takes no prompt, ratio or size.",
    ),
)
