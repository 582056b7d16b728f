"""The emulated Replicate's models of Lightricks, Luma, PixVerse, Runway and xAI. https://replicate.com/explore"""

from emulators.vendors.replicate_parts import (
    ReplicateModel,
    Values,
    by,
    excludes,
    film,
    first,
    must,
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

WIDE_TALL = one_of("16:9", "9:16")
MOTIONS = ("none", "dolly_in", "dolly_out", "dolly_left", "dolly_right", "jib_up", "jib_down", "static", "focus_shift")
LTX = {
    "prompt": text(required=True),
    "image": uri(),
    "last_frame_image": uri(),
    "resolution": one_of("1080p", "2k", "4k"),
    "fps": one_of(25, 24, 48, 50),
    "aspect_ratio": WIDE_TALL,
    "camera_motion": one_of(*MOTIONS),
    "generate_audio": switch(True),
}


def _long_is_1080p(values: Values) -> str:
    plain = values["resolution"] == "1080p" and values["fps"] in (24, 25)
    return "" if values["duration"] <= 10 or plain else "durations over 10 s need 1080p and 24 or 25 fps"


def _task(values: Values) -> str:
    task = values["task"]
    wanted = {"image_to_video": "image", "audio_to_video": "audio", "retake": "video", "extend": "video"}.get(task)
    if wanted and not values.get(wanted):
        return f"{wanted} is required for {task}"
    if task in ("text_to_video", "image_to_video") and values["duration"] not in (6, 8, 10):
        return "duration must be one of 6, 8, 10"
    forced = task not in ("text_to_video", "image_to_video") and values["resolution"] != "1080p"
    return f"{task} is 1080p only" if forced else ""


LIGHTRICKS = (
    ReplicateModel(
        name="lightricks/ltx-2.3-fast",
        fields={**LTX, "duration": one_of(6, 8, 10, 12, 14, 16, 18, 20)},
        complaint=first(_long_is_1080p, needs("last_frame_image", "image")),
        draw=film(resolution="resolution", fps="fps", audio="generate_audio"),
        audio="generate_audio",
        price=per_second(by("resolution", {"1080p": "0.06", "2k": "0.12", "4k": "0.24"})),
        run_seconds=30,
    ),
    ReplicateModel(
        name="lightricks/ltx-2.3-pro",
        version="2560a82a0a6f2a7586087d51dc292c709248bcc10119160b9c54304f6ed64e85",
        fields={
            **LTX,
            "task": one_of("text_to_video", "image_to_video", "audio_to_video", "retake", "extend"),
            # 6, 8 or 10, but 1 to 20 to extend: so the schema can only be the wider one.
            "duration": whole(6, 1, 20),
            "audio": uri(),
            "video": uri(),
            "retake_start_time": number(0),
            "retake_duration": number(2, 2),
            "retake_mode": one_of("replace_audio_and_video", "replace_audio", "replace_video"),
            "extend_mode": one_of("end", "start"),
        },
        complaint=first(_task, needs("last_frame_image", "image")),
        draw=film(resolution="resolution", fps="fps", audio="generate_audio"),
        audio="generate_audio",
        price=per_second(by("resolution", {"1080p": "0.08", "2k": "0.16", "4k": "0.32"})),
        run_seconds=60,
    ),
)

RUNWAY_SIZES = {
    "16:9": (1280, 720),
    "9:16": (720, 1280),
    "4:3": (1104, 832),
    "3:4": (832, 1104),
    "1:1": (960, 960),
    "21:9": (1584, 672),
}
GEN4 = {
    "prompt": text(required=True),
    "image": uri(),
    "aspect_ratio": one_of("16:9", "9:16", "4:3", "3:4", "1:1", "21:9"),
    "duration": one_of(5, 10),
    "seed": whole(),
}

RUNWAY = (
    ReplicateModel(
        name="runwayml/gen4-turbo",
        version="6257a44f7b6390e47eb18a1c11f55d221fc90ec056d9acfe490ec9924739533c",
        fields=GEN4,
        complaint=must("image"),
        draw=film(sizes=RUNWAY_SIZES),
        price=per_second("0.05"),
        run_seconds=40,
    ),
    ReplicateModel(
        name="runwayml/gen-4.5",
        version="2e10d5ae08888b39ed31c828003f4a5ddc89a7cdec3bc7a9926661e0d22cb034",
        fields=GEN4,
        draw=film(sizes=RUNWAY_SIZES),
        price=per_second("0.12"),
        run_seconds=60,
    ),
    ReplicateModel(
        name="runwayml/gen4-aleph",
        version="68cabc3b111f47bd881cffaca63ad0b1e7834c77737e042cec6eca18962ce1d2",
        fields={
            "prompt": text(required=True),
            "video": uri(required=True),
            "reference_image": uri(),
            "aspect_ratio": GEN4["aspect_ratio"],
            "seed": whole(),
        },
        draw=film(seconds=5, sizes=RUNWAY_SIZES),
        price=per_second("0.18"),
        run_seconds=90,
    ),
)

EFFECTS = (
    *("None", "Let's YMCA!", "Subject 3 Fever", "Ghibli Live!", "Suit Swagger", "Muscle Surge", "360° Microwave"),
    *("Warmth of Jesus", "Emergency Beat", "Anything, Robot", "Kungfu Club", "Mint in Box", "Retro Anime Pop"),
    *("Vogue Walk", "Mega Dive", "Evil Trigger"),
)
QUALITY = one_of("540p", "360p", "720p", "1080p")
SHOWN = {
    "prompt": text(required=True),
    "negative_prompt": text(default=""),
    "image": uri(),
    "last_frame_image": uri(),
    "quality": QUALITY,
    "aspect_ratio": one_of("16:9", "9:16", "1:1"),
    "seed": whole(),
}


def _effect(values: Values) -> str:
    both = values["effect"] != "None" and values.get("last_frame_image")
    return "effect does not work with last_frame_image" if both else ""


def _v5_price(values: Values) -> str:
    five, eight = {
        "360p": ("0.15", "0.30"),
        "540p": ("0.15", "0.30"),
        "720p": ("0.20", "0.40"),
        "1080p": ("0.40", "0.80"),
    }[values["quality"]]
    return eight if values["duration"] == 8 else five


def _v6_price(values: Values) -> str:
    silent, sounding = {
        "360p": ("0.05", "0.07"),
        "540p": ("0.07", "0.09"),
        "720p": ("0.09", "0.12"),
        "1080p": ("0.18", "0.23"),
    }[values["quality"]]
    return sounding if values["generate_audio_switch"] else silent


PIXVERSE = (
    ReplicateModel(
        name="pixverse/pixverse-v5",
        version="450181c56fcbf920d8d5ba9d7c5653537a009b626652c1a0a909924a785e3389",
        fields={**SHOWN, "duration": one_of(5, 8), "effect": one_of(*EFFECTS)},
        complaint=first(_effect, needs("last_frame_image", "image")),
        draw=film(resolution="quality"),
        image="image",
        price=per_clip(_v5_price),
        run_seconds=30,
    ),
    ReplicateModel(
        name="pixverse/pixverse-v6",
        fields={
            **SHOWN,
            "duration": one_of(5, 8, 10, 15),
            "generate_audio_switch": switch(False),
            "generate_multi_clip_switch": switch(False),
        },
        complaint=first(needs("last_frame_image", "image"), excludes("generate_multi_clip_switch", "last_frame_image")),
        draw=film(resolution="quality", audio="generate_audio_switch"),
        image="image",
        audio="generate_audio_switch",
        price=per_second(_v6_price),
        run_seconds=30,
    ),
)

LUMA_AND_XAI = (
    ReplicateModel(
        name="luma/ray",
        version="ace5984f3394f17c2a712644b0eb9983c4baaf94c6c30a0f94692d2c37bd8964",
        fields={
            "prompt": text(required=True),
            "start_image": uri(),
            "end_image": uri(),
            "start_video_id": text(),
            "end_video_id": text(),
            "loop": switch(False),
            "aspect_ratio": one_of("16:9", "1:1", "3:4", "4:3", "9:16", "9:21", "21:9"),
            "start_image_url": text(),
            "end_image_url": text(),
        },
        # Five seconds of 720p are from memory.
        draw=film(seconds=5, resolution="720p"),
        image="start_image",
        price=per_clip("0.45"),
        run_seconds=40,
    ),
    ReplicateModel(
        name="xai/grok-imagine-video",
        version="ee86ec3a213afbf7782408ca5377d90a3d36d9909ab380a603dfabd4859c8c6a",
        fields={
            "prompt": text(required=True),
            "image": uri(),
            "video": uri(),
            "duration": whole(5, 1, 15),
            "resolution": one_of("720p", "480p"),
            "aspect_ratio": one_of("auto", "16:9", "4:3", "1:1", "9:16", "3:4", "3:2", "2:3"),
        },
        # An edited video is as long as its source, which is not looked at here: the duration stands for it.
        draw=film(resolution="resolution", audio=True),
        image="image",
        price=per_second("0.05"),
        run_seconds=30,
    ),
)

MODELS = (*LIGHTRICKS, *RUNWAY, *PIXVERSE, *LUMA_AND_XAI)
