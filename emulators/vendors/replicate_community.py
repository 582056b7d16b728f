"""The emulated Replicate's community models: run by version, billed by machine time. https://replicate.com/explore"""

from collections.abc import Mapping

from emulators.images import ImageHead
from emulators.jobs import Clip, Tariff
from emulators.schema import Field
from emulators.vendors.replicate_parts import (
    ReplicateModel,
    Values,
    fitted,
    number,
    one_of,
    per_machine_second,
    switch,
    text,
    uri,
    whole,
)

A100, L40S = per_machine_second("0.0014"), per_machine_second("0.000975")
SIDES = (256, 320, 384, 448, 512, 576, 640, 672, 704, 768, 832, 896, 960, 1024)
SCHEDULERS = (
    *("EulerAncestralDiscreteScheduler", "DDIMScheduler", "DPMSolverMultistepScheduler", "HeunDiscreteScheduler"),
    *("KarrasDPM", "EulerDiscreteScheduler", "PNDMScheduler"),
)


def draw_svd(values: Values, head: ImageHead | None) -> Clip:
    """14 or 25 frames at `frames_per_second` + 1: the source writes one more than it was asked."""
    frames = 25 if values["video_length"].startswith("25") else 14
    fps = float(values["frames_per_second"] + 1)
    width, height = svd_size(values["sizing_strategy"], head)
    return Clip(seconds=frames / fps, width=width, height=height, fps=fps)


def svd_size(strategy: str, head: ImageHead | None) -> tuple[int, int]:
    """`maintain_aspect_ratio` caps at 1024x576 and floors to multiples of 64."""
    if head is None or strategy == "crop_to_16_9":
        return 1024, 576
    scale = 1.0 if strategy == "use_image_dimensions" else min(1024 / head.width, 576 / head.height)
    width, height = (min(max(int(side * scale) // 64 * 64, 64), 2048) for side in (head.width, head.height))
    return width, height


def draw_hotshot(values: Values, head: ImageHead | None) -> Clip:
    """Eight frames: a GIF of one second, or an MP4 with the GIF's 125 ms a frame mistaken for 125 frames a second."""
    clip = Clip(seconds=1.0, width=values["width"], height=values["height"], fps=8.0, format="gif")
    if not values["mp4"]:
        return clip
    return Clip(seconds=1.0, width=clip.width, height=clip.height, fps=8.0, played_fps=125.0)


def draw_zeroscope(values: Values, head: ImageHead | None) -> Clip:
    """As many frames as were asked for, at the rate that was asked for."""
    rate = float(max(values["fps"], 1))
    # Odd sides are made even: what the model does with them is not known.
    width, height = (side // 2 * 2 for side in (values["width"], values["height"]))
    return Clip(seconds=max(values["num_frames"], 1) / rate, width=width, height=height, fps=rate)


def draw_ltx(values: Values, head: ImageHead | None) -> Clip:
    """Frames at 24 a second, of about the target size's square; how its sides come about is not published."""
    target = values["target_size"]
    across, down = (int(part) for part in values["aspect_ratio"].split(":"))
    shape = ImageHead(mime_type="", width=across * 100, height=down * 100) if head is None else head
    width, height = fitted(shape, target * target)
    return Clip(seconds=values["length"] / 24, width=width, height=height, fps=24.0)


def draw_cogvideox(values: Values, head: ImageHead | None) -> Clip:
    """49 frames of 720x480 at 8 a second, from memory."""
    return Clip(seconds=49 / 8, width=720, height=480, fps=8.0)


HOTSHOT: Mapping[str, Field] = {
    "prompt": text(default="a camel smoking a cigarette, hd, high quality"),
    "negative_prompt": text(default="blurry"),
    "width": one_of(672, *(side for side in SIDES if side != 672)),
    "height": one_of(384, *(side for side in SIDES if side != 384)),
    "scheduler": one_of(*SCHEDULERS),
    "steps": whole(30, 1, 500),
    "mp4": switch(False),
    "seed": whole(),
}
LTX: Mapping[str, Field] = {
    "prompt": text(default="best quality, 4k, HDR, a tracking shot of a beautiful scene"),
    "negative_prompt": text(default="low quality, worst quality, deformed, distorted"),
    "image": uri(),
    "image_noise_scale": number(0.15, 0, 1),
    "target_size": one_of(640, 512, 576, 704, 768, 832, 896, 960, 1024),
    "aspect_ratio": one_of(
        "3:2", "1:1", "1:2", "2:1", "2:3", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "9:21", "21:9"
    ),
    "cfg": number(3, 1, 20),
    "steps": whole(30, 1, 50),
    "length": one_of(97, 129, 161, 193, 225, 257),
    "model": one_of("0.9.1", "0.9"),
    "seed": whole(),
}
SVD: Mapping[str, Field] = {
    "input_image": uri(required=True),
    "video_length": one_of("14_frames_with_svd", "25_frames_with_svd_xt"),
    "sizing_strategy": one_of("maintain_aspect_ratio", "crop_to_16_9", "use_image_dimensions"),
    "frames_per_second": whole(6, 5, 30),
    "motion_bucket_id": whole(127, 1, 255),
    "cond_aug": number(0.02),
    "decoding_t": whole(14),
    "seed": whole(),
}
ZEROSCOPE: Mapping[str, Field] = {
    "prompt": text(default="An astronaut riding a horse"),
    "negative_prompt": text(),
    "init_video": uri(),
    "init_weight": number(0.5),
    "num_frames": whole(24),
    "num_inference_steps": whole(50, 1, 500),
    "width": whole(576, 256),
    "height": whole(320, 256),
    "guidance_scale": number(7.5, 1, 100),
    "fps": whole(8),
    "model": one_of("xl", "576w", "potat1", "animov-512x"),
    "batch_size": whole(1, 1),
    "remove_watermark": switch(False),
    "seed": whole(),
}
COGVIDEOX: Mapping[str, Field] = {
    "prompt": text(required=True),
    "extend_prompt": switch(True),
    "steps": whole(50, 1, 120),
    "guidance": number(6, 0, 12),
    "num_outputs": whole(1, 1),
    # Not random: the same prompt makes the same clip until another one is typed.
    "seed": whole(42),
}


MODELS = (
    ReplicateModel(
        name="stability-ai/stable-video-diffusion",
        version="3f0457e4619daac51203dedb472816fd4af51f3149fa7a9e0b5ffcf1b8172438",
        is_official=False,
        fields=SVD,
        draw=draw_svd,
        image="input_image",
        price=A100,
        tariff=Tariff.COMPUTE_SECOND,
        run_seconds=45,
    ),
    ReplicateModel(
        name="anotherjesse/zeroscope-v2-xl",
        version="9f747673945c62801b13b84701c783929c0ee784e4748ec062204894dda1a351",
        is_official=False,
        fields=ZEROSCOPE,
        draw=draw_zeroscope,
        price=A100,
        tariff=Tariff.COMPUTE_SECOND,
        run_seconds=60,
        is_list=True,
        count=lambda values: min(int(values["batch_size"]), 8),
    ),
    ReplicateModel(
        name="lucataco/hotshot-xl",
        version="78b3a6257e16e4b241245d65c8b2b81ea2e1ff7ed4c55306b511509ddbfd327a",
        is_official=False,
        fields=HOTSHOT,
        draw=draw_hotshot,
        price=L40S,
        tariff=Tariff.COMPUTE_SECOND,
        run_seconds=30,
    ),
    ReplicateModel(
        name="lightricks/ltx-video",
        version="8c47da666861d081eeb4d1261853087de23923a268a69b63febdf5dc1dee08e4",
        is_official=False,
        fields=LTX,
        draw=draw_ltx,
        image="image",
        price=L40S,
        tariff=Tariff.COMPUTE_SECOND,
        run_seconds=20,
        # An array, as a caller's example on its page shows.
        is_list=True,
    ),
    ReplicateModel(
        name="cuuupid/cogvideox-5b",
        version="bc005eaf92d6b4c9d67fd446d5da8f84c69059c287a04002e0d7c5057684f0cf",
        is_official=False,
        fields=COGVIDEOX,
        draw=draw_cogvideox,
        price=A100,
        tariff=Tariff.COMPUTE_SECOND,
        run_seconds=150,
    ),
)
