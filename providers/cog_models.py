"""Rows of models that people run on a machine of their own as Cog images. https://cog.run/http/

A Cog server serves one image, and an image's inputs are its own: a name it does not know is dropped without a word, and
the clip is then not what was asked for. So there is no row for "any image"; another image is another row here, with
inputs read from its `GET /openapi.json`.
"""

from datetime import date
from decimal import Decimal

from core.spec import Motion, Quality
from providers.model import CancelCost, Frames, Mode, Option, Price, Unit, VideoModel

_CHECKED = date(2026, 11, 21)
_CONTRACT_LIMIT = 8000
"""These models publish no prompt limit; our own contract allows 8,000 characters."""


def _machine(usd: str, card: str) -> Price:
    return Price(
        usd=Decimal(usd),
        unit=Unit.COMPUTE_SECOND,
        since=date(2026, 1, 1),
        checked=_CHECKED,
        source=f"assumed: your machine costs what Replicate asks for {card}; say your own in the overlay",
    )


_A100 = _machine("0.0014", "an A100 80GB")
_L40S = _machine("0.000975", "an L40S")

_LTX_RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "5:4", "4:5", "2:1", "1:2", "21:9", "9:21")
_LTX_TARGETS = (("480p", 640), ("384p", 512), ("576p", 768), ("768p", 1024))
"""Our name of a resolution (the lines of 16:9) and its `target_size`."""


def _ltx_size(ratio: str, target: int) -> tuple[int, int]:
    """About target x target pixels in this shape, in steps of 32; how the image rounds is not published."""
    width, height = map(int, ratio.split(":"))
    shape = (max(width, height) / min(width, height)) ** 0.5
    long, short = int(target * shape / 32) * 32, round(target / shape / 32) * 32
    return (long, short) if width >= height else (short, long)


_LTX_SIZES = {(ratio, label): _ltx_size(ratio, target) for label, target in _LTX_TARGETS for ratio in _LTX_RATIOS}
_LTX_FRAMES = Frames(counts=(97, 129, 161, 193, 225, 257), fps=24)
_ZEROSCOPE = Mode(
    # Any count of frames passes the schema; how many fit into the machine's memory is the machine's matter.
    durations=Frames(counts=(16, 24, 32), fps=8),
    sizes={
        ("16:9", "320p"): (576, 320),
        ("9:16", "320p"): (320, 576),
        ("16:9", "576p"): (1024, 576),
        ("9:16", "576p"): (576, 1024),
        ("1:1", "576p"): (576, 576),
    },
    default_duration=3,
)

MODELS: tuple[VideoModel, ...] = (
    VideoModel(
        id="cog/cogvideox-5b",
        provider="cog",
        wire_name="r8.im/cuuupid/cogvideox-5b@sha256:bc005eaf92d6b4c9d67fd446d5da8f84c69059c287a04002e0d7c5057684f0cf",
        family="cogvideox-5b",
        title="CogVideoX 5B on your own machine",
        checked=_CHECKED,
        # 49 frames, 720x480 and 8 fps are from memory, not from the image's schema.
        text=Mode(durations=Frames(counts=(49,), fps=8), sizes={("3:2", "480p"): (720, 480)}),
        fps=8,
        wire={"prompt": "prompt", "seed": "seed"},
        options={
            "extend_prompt": Option(kind=bool),
            "steps": Option(kind=int, low=1, high=120),
            "guidance": Option(kind=float, low=0, high=12),
        },
        prompt_limit=_CONTRACT_LIMIT,
        prices=(_A100,),
        cancel_cost=CancelCost.BY_USAGE,
        quality_rank=70,
        speed_class="slow",
        best_for="six seconds from text on a machine of your own",
        typical_seconds=(120, 300),
        deadline_seconds=1200,
        notes="Always 49 frames at 8 fps. The image's own seed is always 42: we send another one each time.",
    ),
    VideoModel(
        id="cog/hotshot-xl",
        provider="cog",
        wire_name="r8.im/lucataco/hotshot-xl@sha256:78b3a6257e16e4b241245d65c8b2b81ea2e1ff7ed4c55306b511509ddbfd327a",
        family="hotshot-xl",
        title="Hotshot-XL on your own machine",
        checked=_CHECKED,
        text=Mode(
            durations=Frames(counts=(8,), fps=8),
            # Pairs of the fourteen widths and heights it takes that come near to the usual ratios.
            sizes={
                ("16:9", "384p"): (672, 384),
                ("9:16", "384p"): (384, 672),
                ("4:3", "384p"): (512, 384),
                ("3:4", "384p"): (384, 512),
                ("1:1", "512p"): (512, 512),
                ("16:9", "576p"): (1024, 576),
                ("9:16", "576p"): (576, 1024),
            },
        ),
        fps=8,
        # Its MP4 says 125 frames a second: the source hands milliseconds on as a frame rate.
        retime_fps=8,
        wire={
            "prompt": "prompt",
            "negative_prompt": "negative_prompt",
            "width": "width",
            "height": "height",
            "seed": "seed",
        },
        constants={"mp4": True},
        options={
            "steps": Option(kind=int, low=1, high=500),
            "scheduler": Option(
                kind=str,
                choices=(
                    "DDIMScheduler",
                    "DPMSolverMultistepScheduler",
                    "HeunDiscreteScheduler",
                    "KarrasDPM",
                    "EulerAncestralDiscreteScheduler",
                    "EulerDiscreteScheduler",
                    "PNDMScheduler",
                ),
            ),
        },
        prompt_limit=_CONTRACT_LIMIT,
        prices=(_L40S,),
        cancel_cost=CancelCost.BY_USAGE,
        quality_rank=90,
        speed_class="fast",
        best_for="one second of a moving picture from text",
        typical_seconds=(20, 60),
        deadline_seconds=600,
        notes="Text to a GIF of 8 frames by nature, one second long; takes no image. Made as MP4, played at 8 fps.",
    ),
    VideoModel(
        id="cog/ltx-video",
        provider="cog",
        wire_name="r8.im/lightricks/ltx-video@sha256:8c47da666861d081eeb4d1261853087de23923a268a69b63febdf5dc1dee08e4",
        family="ltx-video",
        title="LTX Video on your own machine",
        checked=_CHECKED,
        text=Mode(durations=_LTX_FRAMES, sizes=_LTX_SIZES),
        image=Mode(
            durations=_LTX_FRAMES,
            sizes={("16:9", label): _LTX_SIZES["16:9", label] for label, _ in _LTX_TARGETS},
            ratio_from_image=True,
        ),
        fps=24,
        wire={
            "prompt": "prompt",
            "negative_prompt": "negative_prompt",
            "duration": "length",
            "aspect_ratio": "aspect_ratio",
            "resolution": "target_size",
            "first_frame": "image",
            "seed": "seed",
        },
        spellings={"resolution": dict(_LTX_TARGETS)},
        qualities={Quality.DRAFT: "384p", Quality.STANDARD: "480p", Quality.HIGH: "576p", Quality.PREMIUM: "768p"},
        options={
            "cfg": Option(kind=float, low=1, high=20),
            "steps": Option(kind=int, low=1, high=50),
            "image_noise_scale": Option(kind=float, low=0, high=1),
            "model": Option(kind=str, choices=("0.9.1", "0.9")),
        },
        prompt_limit=_CONTRACT_LIMIT,
        prices=(_L40S,),
        cancel_cost=CancelCost.BY_USAGE,
        quality_rank=65,
        speed_class="fast",
        best_for="four to ten seconds from text or an image on a machine of your own, fast",
        typical_seconds=(20, 90),
        deadline_seconds=600,
        notes="Counts frames: 97 to 257 at 24 fps. Wants long, descriptive prompts.",
    ),
    VideoModel(
        id="cog/stable-video-diffusion",
        provider="cog",
        wire_name="r8.im/stability-ai/stable-video-diffusion@sha256:"
        "3f0457e4619daac51203dedb472816fd4af51f3149fa7a9e0b5ffcf1b8172438",
        family="stable-video-diffusion",
        title="Stable Video Diffusion on your own machine",
        checked=_CHECKED,
        # The image writes frames_per_second + 1 frames a second: 7 for its default of 6.
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
            "decoding_t": Option(kind=int, low=1),
        },
        prompt_limit=0,
        # That it needs an A100 is from memory.
        prices=(_A100,),
        cancel_cost=CancelCost.BY_USAGE,
        quality_rank=75,
        speed_class="medium",
        best_for="a gentle move of one image on a machine of your own",
        typical_seconds=(45, 90),
        deadline_seconds=600,
        notes="Image only, 14 or 25 frames at 7 fps (2 or 3.57 s). Takes no prompt, ratio or size.",
    ),
    VideoModel(
        id="cog/zeroscope-v2-xl",
        provider="cog",
        wire_name="r8.im/anotherjesse/zeroscope-v2-xl@sha256:"
        "9f747673945c62801b13b84701c783929c0ee784e4748ec062204894dda1a351",
        family="zeroscope-v2-xl",
        title="Zeroscope v2 XL on your own machine",
        checked=_CHECKED,
        text=_ZEROSCOPE,
        video=_ZEROSCOPE,
        fps=8,
        wire={
            "prompt": "prompt",
            "negative_prompt": "negative_prompt",
            "duration": "num_frames",
            "width": "width",
            "height": "height",
            "source_video": "init_video",
            "seed": "seed",
        },
        # What it makes without being told; said, because the frames above count on it.
        constants={"fps": 8},
        options={
            "num_inference_steps": Option(kind=int, low=1, high=500),
            "guidance_scale": Option(kind=float, low=1, high=100),
            "init_weight": Option(kind=float, low=0, high=1),
            "model": Option(kind=str, choices=("xl", "576w", "potat1", "animov-512x")),
            "remove_watermark": Option(kind=bool),
        },
        prompt_limit=_CONTRACT_LIMIT,
        prices=(_A100,),
        cancel_cost=CancelCost.BY_USAGE,
        quality_rank=85,
        speed_class="medium",
        best_for="a few seconds from text, or over a video, on a machine of your own",
        typical_seconds=(60, 180),
        deadline_seconds=900,
        notes="Counts frames at 8 fps: 16, 24 or 32 are 2, 3 or 4 s.",
    ),
)
