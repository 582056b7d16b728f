"""The emulated Replicate's Wan models: inputs, clips and prices. https://replicate.com/wan-video"""

from dataclasses import replace

from emulators.images import ImageHead
from emulators.jobs import Clip
from emulators.schema import Field
from emulators.vendors.replicate_parts import (
    ReplicateModel,
    Values,
    by,
    excludes,
    film,
    first,
    fitted,
    needs,
    number,
    one_of,
    per_clip,
    per_second,
    switch,
    text,
    uri,
    whole,
)

PER_RESOLUTION = {"480p": "0.05", "720p": "0.10", "1080p": "0.15"}
RATIOS = one_of("16:9", "9:16", "1:1", "4:3", "3:4")
WAN_25 = {
    "prompt": text(required=True),
    "negative_prompt": text(default=""),
    "audio": uri(),
    "duration": one_of(5, 10),
    "enable_prompt_expansion": switch(True),
    "seed": whole(),
}
WAN_27 = {
    **WAN_25,
    "duration": whole(5, 2, 15),
    "resolution": one_of("1080p", "720p"),
    # The description says so; the schema does not bound it.
    "seed": whole(None, 0, 2_147_483_647),
}


def _draw_22(values: Values, head: ImageHead | None) -> Clip:
    """Frames at the rate asked for; interpolated, as long but at 30 a second."""
    size = (832, 480) if values["resolution"] == "480p" else (1280, 720)
    width, height = size if head is None else fitted(head, size[0] * size[1])
    rate = float(values["frames_per_second"])
    clip = Clip(seconds=values["num_frames"] / rate, width=width, height=height, fps=rate)
    return replace(clip, fps=30.0) if values["interpolate_output"] else clip


def _price_22(values: Values) -> str:
    plain, interpolated = {"480p": ("0.05", "0.065"), "720p": ("0.11", "0.145")}[values["resolution"]]
    return interpolated if values["interpolate_output"] else plain


def _draw_size(values: Values, head: ImageHead | None) -> Clip:
    width, height = (int(side) for side in values["size"].split("*"))
    return Clip(seconds=float(values["duration"]), width=width, height=height, fps=24.0, audio=True)


def _price_size(values: Values) -> str:
    return PER_RESOLUTION[f"{min(int(side) for side in values['size'].split('*'))}p"]


def _a_start(values: Values) -> str:
    return "" if values.get("first_frame") or values.get("first_clip") else "first_frame or first_clip is required"


def _t2v(name: str, size: Field, run: float) -> ReplicateModel:
    return ReplicateModel(
        name=name,
        fields={**WAN_25, "size": size},
        draw=_draw_size,
        price=per_second(_price_size),
        run_seconds=run,
    )


def _i2v(name: str, resolution: Field, run: float) -> ReplicateModel:
    return ReplicateModel(
        name=name,
        fields={**WAN_25, "image": uri(required=True), "resolution": resolution},
        draw=film(resolution="resolution", audio=True),
        image="image",
        price=per_second(by("resolution", PER_RESOLUTION)),
        run_seconds=run,
    )


MODELS = (
    ReplicateModel(
        name="wan-video/wan-2.2-i2v-fast",
        version="4eaf2b01d3bf70d8a2e00b219efeb7cb415855ad18b7dacdc4cae664a73a6eea",
        fields={
            "prompt": text(required=True),
            "image": uri(required=True),
            "last_image": uri(),
            "num_frames": whole(81, 81, 121),
            "frames_per_second": whole(16, 5, 30),
            "resolution": one_of("480p", "720p"),
            "interpolate_output": switch(False),
            "go_fast": switch(True),
            "sample_shift": number(12, 1, 20),
            "seed": whole(),
            "disable_safety_checker": switch(False),
            "lora_weights_transformer": text(),
            "lora_weights_transformer_2": text(),
            "lora_scale_transformer": number(1),
            "lora_scale_transformer_2": number(1),
        },
        draw=_draw_22,
        image="image",
        price=per_clip(_price_22),
        run_seconds=25,
    ),
    _i2v("wan-video/wan-2.5-i2v", one_of("720p", "480p", "1080p"), 90),
    # That the fast ones have two resolutions is from memory.
    _i2v("wan-video/wan-2.5-i2v-fast", one_of("720p", "1080p"), 45),
    _t2v(
        "wan-video/wan-2.5-t2v",
        one_of("1280*720", "720*1280", "832*480", "480*832", "1920*1080", "1080*1920"),
        90,
    ),
    _t2v("wan-video/wan-2.5-t2v-fast", one_of("1280*720", "720*1280", "1920*1080", "1080*1920"), 45),
    ReplicateModel(
        name="wan-video/wan-2.7-t2v",
        fields={**WAN_27, "aspect_ratio": RATIOS},
        draw=film(resolution="resolution", audio=True),
        price=per_second(by("resolution", PER_RESOLUTION)),
        run_seconds=120,
    ),
    ReplicateModel(
        name="wan-video/wan-2.7-i2v",
        fields={**WAN_27, "first_frame": uri(), "last_frame": uri(), "first_clip": uri()},
        complaint=first(_a_start, excludes("first_frame", "first_clip"), needs("last_frame", "first_frame")),
        draw=film(resolution="resolution", audio=True),
        image="first_frame",
        price=per_second(by("resolution", PER_RESOLUTION)),
        run_seconds=120,
    ),
    ReplicateModel(
        name="alibaba/wan-3",
        fields={
            "prompt": text(required=True),
            "negative_prompt": text(default=""),
            "image": uri(),
            "aspect_ratio": one_of("16:9", "9:16", "1:1", "4:3", "3:4", "adaptive"),
            "resolution": one_of("720p", "480p", "1080p"),
            "duration": whole(5, 2, 30),
            "enable_prompt_expansion": switch(True),
            "seed": whole(),
        },
        draw=film(resolution="resolution"),
        image="image",
        price=per_second(by("resolution", {"480p": "0.05", "720p": "0.10", "1080p": "0.20"})),
        run_seconds=180,
    ),
)
