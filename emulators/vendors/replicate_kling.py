"""The emulated Replicate's Kling models: inputs, clips and prices. https://replicate.com/kwaivgi"""

from emulators.vendors.replicate_parts import (
    ReplicateModel,
    Values,
    at_most,
    by,
    excludes,
    film,
    first,
    must,
    needs,
    number,
    one_of,
    per_second,
    switch,
    text,
    uri,
    uris,
    whole,
)

RATIO = one_of("16:9", "9:16", "1:1")
FIVE_TEN = one_of(5, 10)
REFERENCE_TYPE = one_of("feature", "base")


def _a_frame(values: Values) -> str:
    return "" if values.get("start_image") or values.get("end_image") else "A start or end image is required"


def _pro_for_the_end(values: Values) -> str:
    ends = values.get("end_image") and values["mode"] != "pro"
    return "pro mode is required when end_image is set" if ends else ""


def _references(values: Values) -> str:
    most = 4 if values.get("reference_video") else 7
    return at_most("reference_images", most)(values)


def _o1_lengths(values: Values) -> str:
    free = values.get("reference_video") or values["duration"] in (5, 10)
    return "" if free else "duration must be 5 or 10 without a reference video"


def _no_4k_video(values: Values) -> str:
    return "4k does not support reference_video" if values.get("reference_video") and values["mode"] == "4k" else ""


def _v3_price(values: Values) -> str:
    silent, sounding = {"standard": ("0.168", "0.252"), "pro": ("0.224", "0.336"), "4k": ("0.42", "0.42")}[
        values["mode"]
    ]
    return sounding if values["generate_audio"] else silent


def _omni_price(values: Values) -> str:
    silent, sounding = {"standard": ("0.168", "0.224"), "pro": ("0.224", "0.28"), "4k": ("0.42", "0.42")}[
        values["mode"]
    ]
    return sounding if values["generate_audio"] else silent


def _o1_price(values: Values) -> str:
    plain, changed = {"std": ("0.084", "0.126"), "pro": ("0.112", "0.168")}[values["mode"]]
    return changed if values.get("reference_video") else plain


MODELS = (
    ReplicateModel(
        name="kwaivgi/kling-v1.6-pro",
        fields={
            "prompt": text(required=True),
            "negative_prompt": text(default=""),
            "start_image": uri(),
            "end_image": uri(),
            "reference_images": uris(),
            "aspect_ratio": RATIO,
            "duration": FIVE_TEN,
            "cfg_scale": number(0.5, 0, 1),
        },
        complaint=first(_a_frame, at_most("reference_images", 4)),
        draw=film(),
        image="start_image",
        price=per_second("0.095"),
        run_seconds=180,
    ),
    ReplicateModel(
        name="kwaivgi/kling-v2.1",
        version="daad218feb714b03e2a1ac445986aebb9d05243cd00da2af17be2e4049f48f69",
        fields={
            "mode": one_of("standard", "pro"),
            "prompt": text(required=True),
            "negative_prompt": text(default=""),
            "start_image": uri(required=True),
            "end_image": uri(),
            "duration": FIVE_TEN,
        },
        complaint=_pro_for_the_end,
        draw=film(resolution="mode"),
        image="start_image",
        price=per_second(by("mode", {"standard": "0.05", "pro": "0.09"})),
        run_seconds=120,
    ),
    ReplicateModel(
        name="kwaivgi/kling-v2.1-master",
        fields={
            "prompt": text(required=True),
            "negative_prompt": text(default=""),
            "start_image": uri(),
            "aspect_ratio": RATIO,
            "duration": FIVE_TEN,
        },
        draw=film(),
        image="start_image",
        price=per_second("0.28"),
        run_seconds=240,
    ),
    ReplicateModel(
        name="kwaivgi/kling-v2.5-turbo-pro",
        fields={
            "prompt": text(required=True),
            "negative_prompt": text(default=""),
            "start_image": uri(),
            "end_image": uri(),
            "aspect_ratio": RATIO,
            "duration": FIVE_TEN,
            # A deprecated name of start_image, and an input that does nothing.
            "image": uri(),
            "guidance_scale": number(),
        },
        draw=film(),
        image="start_image",
        price=per_second("0.07"),
        run_seconds=120,
    ),
    ReplicateModel(
        name="kwaivgi/kling-v2.6",
        fields={
            "prompt": text(required=True),
            "negative_prompt": text(default=""),
            "start_image": uri(),
            "aspect_ratio": RATIO,
            "duration": FIVE_TEN,
            "generate_audio": switch(True),
        },
        draw=film(audio="generate_audio"),
        image="start_image",
        audio="generate_audio",
        price=per_second(lambda values: "0.14" if values["generate_audio"] else "0.07"),
        run_seconds=120,
    ),
    ReplicateModel(
        name="kwaivgi/kling-o1",
        fields={
            "mode": one_of("pro", "std"),
            "prompt": text(required=True),
            "start_image": uri(),
            "end_image": uri(),
            "reference_images": uris(),
            "reference_video": uri(),
            "video_reference_type": REFERENCE_TYPE,
            "keep_original_sound": switch(True),
            "aspect_ratio": RATIO,
            "duration": one_of(5, 3, 4, 6, 7, 8, 9, 10),
        },
        complaint=first(needs("end_image", "start_image"), _references, _o1_lengths),
        draw=film(resolution="mode"),
        image="start_image",
        price=per_second(_o1_price),
        run_seconds=150,
    ),
    ReplicateModel(
        name="kwaivgi/kling-v3-omni-video",
        fields={
            "mode": one_of("pro", "standard", "4k"),
            "prompt": text(required=True, longest=2500),
            "multi_prompt": text(),
            "start_image": uri(),
            "end_image": uri(),
            "reference_images": uris(),
            "reference_video": uri(),
            "video_reference_type": REFERENCE_TYPE,
            "keep_original_sound": switch(True),
            "generate_audio": switch(False),
            "aspect_ratio": RATIO,
            "duration": whole(5, 3, 15),
        },
        complaint=first(
            needs("end_image", "start_image"),
            excludes("generate_audio", "reference_video"),
            _references,
            _no_4k_video,
        ),
        draw=film(resolution="mode", audio="generate_audio"),
        image="start_image",
        audio="generate_audio",
        price=per_second(_omni_price),
        run_seconds=180,
    ),
    ReplicateModel(
        name="kwaivgi/kling-v3-video",
        fields={
            "mode": one_of("pro", "standard", "4k"),
            "prompt": text(required=True, longest=2500),
            "negative_prompt": text(default="", longest=2500),
            "multi_prompt": text(),
            "start_image": uri(),
            "end_image": uri(),
            "generate_audio": switch(False),
            "aspect_ratio": RATIO,
            "duration": whole(5, 3, 15),
        },
        complaint=needs("end_image", "start_image"),
        draw=film(resolution="mode", audio="generate_audio"),
        image="start_image",
        audio="generate_audio",
        price=per_second(_v3_price),
        run_seconds=180,
    ),
    ReplicateModel(
        name="kwaivgi/kling-v2.6-motion-control",
        fields={
            "prompt": text(default=""),
            "image": uri(required=True),
            "video": uri(required=True),
            "character_orientation": one_of("image", "video"),
            "mode": one_of("std", "pro"),
            "keep_original_sound": switch(True),
        },
        complaint=first(must("image"), must("video")),
        # As long as its source, which is not looked at here.
        draw=film(seconds=10, resolution="mode"),
        image="image",
        price=per_second(by("mode", {"std": "0.07", "pro": "0.12"})),
        run_seconds=180,
    ),
)
