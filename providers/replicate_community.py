"""Replicate's community models, which run by version and are billed by machine time. https://replicate.com/explore"""

from core.spec import Motion
from providers.model import Frames, Mode, Option, VideoModel
from providers.replicate_parts import COMMON, CONTRACT_LIMIT, per_machine_second

_LTX_RATIOS: dict[tuple[str, str], tuple[int, int]] = {
    ("3:2", "480p"): (768, 512),
    ("16:9", "480p"): (832, 480),
    ("9:16", "480p"): (480, 832),
    ("1:1", "480p"): (640, 640),
    ("1:2", "480p"): (448, 896),
    ("2:1", "480p"): (896, 448),
    ("2:3", "480p"): (512, 768),
    ("3:4", "480p"): (544, 736),
    ("4:3", "480p"): (736, 544),
    ("4:5", "480p"): (576, 704),
    ("5:4", "480p"): (704, 576),
    ("9:21", "480p"): (416, 960),
    ("21:9", "480p"): (960, 416),
}
"""What `target_size` 640 gives is not published: these are the ratios at about 640 x 640 pixels."""

_HOTSHOT_SIZES: dict[tuple[str, str], tuple[int, int]] = {
    ("16:9", "384p"): (672, 384),
    ("9:16", "384p"): (384, 672),
    ("4:3", "384p"): (512, 384),
    ("3:4", "384p"): (384, 512),
    ("1:1", "512p"): (512, 512),
    ("16:9", "576p"): (1024, 576),
    ("9:16", "576p"): (576, 1024),
}
"""Pairs of the fourteen widths and heights it takes that come near to the usual ratios."""

_ZEROSCOPE_SIZES: dict[tuple[str, str], tuple[int, int]] = {
    ("16:9", "320p"): (576, 320),
    ("9:16", "320p"): (320, 576),
    ("16:9", "576p"): (1024, 576),
    ("9:16", "576p"): (576, 1024),
    ("1:1", "576p"): (576, 576),
}
# Any count of frames passes the schema; how many fit into the machine's memory is not said.
_ZEROSCOPE = Mode(durations=Frames(counts=(16, 24, 32), fps=8), sizes=_ZEROSCOPE_SIZES, default_duration=3)

_SVD_OPTIONS = {
    "sizing_strategy": Option(kind=str, choices=("maintain_aspect_ratio", "crop_to_16_9", "use_image_dimensions")),
    # No bounds are published for these two: the low ones are ours.
    "cond_aug": Option(kind=float, low=0),
    # 14 at the source's head; callers of the deployed version send 7.
    "decoding_t": Option(kind=int, low=1),
}

COMMUNITY: tuple[VideoModel, ...] = (
    VideoModel(
        **COMMON,
        id="replicate/cogvideox-5b",
        wire_name="cuuupid/cogvideox-5b",
        # An older version of it is disabled.
        wire_version="bc005eaf92d6b4c9d67fd446d5da8f84c69059c287a04002e0d7c5057684f0cf",
        family="cogvideox-5b",
        title="CogVideoX 5B",
        # 49 frames of 720x480 at 8 fps are what the model itself makes, from memory.
        text=Mode(durations=Frames(counts=(49,), fps=8), sizes={("3:2", "480p"): (720, 480)}),
        fps=8,
        wire={"prompt": "prompt", "seed": "seed"},
        options={
            "extend_prompt": Option(kind=bool),
            "steps": Option(kind=int, low=1, high=120),
            "guidance": Option(kind=float, low=0, high=12),
        },
        prompt_limit=CONTRACT_LIMIT,
        prices=(per_machine_second("A100"),),
        quality_rank=70,
        speed_class="slow",
        best_for="an open model's six seconds from text",
        typical_seconds=(150, 300),
        deadline_seconds=900,
        notes="Text only, always 49 frames at 8 fps. Without a seed it always takes 42: the same prompt gives the same "
        "clip, so type a seed to get variations. Not seen online in 2026.",
    ),
    VideoModel(
        **COMMON,
        id="replicate/hotshot-xl",
        wire_name="lucataco/hotshot-xl",
        wire_version="78b3a6257e16e4b241245d65c8b2b81ea2e1ff7ed4c55306b511509ddbfd327a",
        family="hotshot-xl",
        title="Hotshot-XL",
        text=Mode(durations=Frames(counts=(8,), fps=8), sizes=_HOTSHOT_SIZES),
        fps=8,
        # Without `mp4` it makes a GIF; with it, milliseconds are taken for a frame rate: 8 frames at 125 fps, 64 ms.
        constants={"mp4": True},
        retime_fps=8,
        wire={
            "prompt": "prompt",
            "negative_prompt": "negative_prompt",
            "seed": "seed",
            "width": "width",
            "height": "height",
        },
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
        prompt_limit=CONTRACT_LIMIT,
        prices=(per_machine_second("L40S"),),
        quality_rank=90,
        speed_class="medium",
        best_for="one second of a moving picture, as for a GIF",
        typical_seconds=(30, 60),
        deadline_seconds=600,
        notes="Text only: it takes no image. Always 8 frames; its file plays them in 64 ms, so they are re-timed to "
        "8 fps, one second. Last seen online 2026-04.",
    ),
    VideoModel(
        **COMMON,
        id="replicate/ltx-video",
        wire_name="lightricks/ltx-video",
        wire_version="8c47da666861d081eeb4d1261853087de23923a268a69b63febdf5dc1dee08e4",
        family="ltx-video",
        title="LTX Video 0.9",
        text=Mode(durations=Frames(counts=(97, 129, 161, 193, 225, 257), fps=24), sizes=_LTX_RATIOS),
        image=Mode(
            durations=Frames(counts=(97, 129, 161, 193, 225, 257), fps=24),
            sizes={("16:9", "480p"): (832, 480)},
            ratio_from_image=True,
        ),
        fps=24,
        wire={
            "prompt": "prompt",
            "negative_prompt": "negative_prompt",
            "duration": "length",
            "aspect_ratio": "aspect_ratio",
            "seed": "seed",
            "first_frame": "image",
        },
        options={
            "cfg": Option(kind=float, low=1, high=20),
            "steps": Option(kind=int, low=1, high=50),
            "model": Option(kind=str, choices=("0.9.1", "0.9")),
            "target_size": Option(kind=int, choices=(512, 576, 640, 704, 768, 832, 896, 960, 1024)),
            "image_noise_scale": Option(kind=float, low=0, high=1),
        },
        prompt_limit=CONTRACT_LIMIT,
        prices=(per_machine_second("L40S"),),
        quality_rank=65,
        speed_class="fast",
        best_for="long, cheap drafts in thirteen shapes",
        typical_seconds=(20, 60),
        deadline_seconds=600,
        notes="The model people call fofr/ltxv. Counts frames: 97 to 257 at 24 fps (4.04 to 10.7 s). With a first "
        "frame the shape is the image's. Wants long prompts. Last seen online 2026-04.",
    ),
    VideoModel(
        **COMMON,
        id="replicate/stable-video-diffusion",
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
        options=_SVD_OPTIONS,
        prompt_limit=0,
        prices=(per_machine_second("A100"),),
        quality_rank=75,
        speed_class="medium",
        best_for="a gentle move of one image, very cheap",
        typical_seconds=(45, 60),
        deadline_seconds=600,
        notes="Community model, image only, 14 or 25 frames at 7 fps (2 or 3.57 s). Takes no prompt, ratio or size. "
        "Not seen online in 2026.",
    ),
    VideoModel(
        **COMMON,
        id="replicate/zeroscope-v2-xl",
        wire_name="anotherjesse/zeroscope-v2-xl",
        wire_version="9f747673945c62801b13b84701c783929c0ee784e4748ec062204894dda1a351",
        family="zeroscope-v2-xl",
        title="Zeroscope 2 XL",
        text=_ZEROSCOPE,
        video=_ZEROSCOPE,
        fps=8,
        wire={
            "prompt": "prompt",
            "negative_prompt": "negative_prompt",
            "duration": "num_frames",
            "width": "width",
            "height": "height",
            "seed": "seed",
            "source_video": "init_video",
        },
        # The frame rate is what makes a count of frames a length: it is never left to the default.
        constants={"fps": 8},
        options={
            "num_inference_steps": Option(kind=int, low=1, high=500),
            "guidance_scale": Option(kind=float, low=1, high=100),
            # Its bounds are ours: the source has none.
            "init_weight": Option(kind=float, low=0, high=1),
            "model": Option(kind=str, choices=("xl", "576w", "potat1", "animov-512x")),
            "remove_watermark": Option(kind=bool),
        },
        prompt_limit=CONTRACT_LIMIT,
        prices=(per_machine_second("A100"),),
        quality_rank=85,
        speed_class="medium",
        best_for="the look of 2023, or a video painted over",
        typical_seconds=(60, 120),
        deadline_seconds=600,
        notes="Counts frames at 8 fps: 2, 3 or 4 s. Answers with a list of files. Last seen online 2026-04.",
    ),
)
