"""The emulated Replicate's Seedance models: inputs, clips and prices. https://replicate.com/bytedance"""

from emulators.images import ImageHead
from emulators.jobs import Clip
from emulators.vendors.replicate_parts import (
    Draw,
    ReplicateModel,
    Values,
    at_most,
    by,
    excludes,
    film,
    first,
    needs,
    one_of,
    per_second,
    switch,
    text,
    uri,
    uris,
    whole,
)

RATIOS = ("16:9", "4:3", "1:1", "3:4", "9:16", "21:9")
FIRST = {
    "prompt": text(required=True),
    "image": uri(),
    "last_frame_image": uri(),
    "aspect_ratio": one_of(*RATIOS, "9:21"),
    "resolution": one_of("720p", "480p", "1080p"),
    "duration": whole(5, 2, 12),
    "fps": one_of(24),
    "camera_fixed": switch(False),
    "seed": whole(),
}
SECOND = {
    "prompt": text(required=True, longest=4000),
    "image": uri(),
    "last_frame_image": uri(),
    "reference_images": uris(),
    "reference_videos": uris(),
    "reference_audios": uris(),
    "aspect_ratio": one_of(*RATIOS, "9:21", "adaptive"),
    "resolution": one_of("720p", "480p", "1080p", "4k"),
    "duration": whole(5, -1, 15),
    "generate_audio": switch(True),
    "seed": whole(),
}
FRAMES_OR_REFERENCES = first(
    needs("last_frame_image", "image"),
    excludes("image", "reference_images", "reference_videos", "reference_audios"),
)


def _lite(values: Values) -> str:
    large = values.get("reference_images") and values["resolution"] == "1080p"
    return "Reference images cannot be used with 1080p resolution" if large else ""


def _long_enough(values: Values) -> str:
    # 4 s are what ByteDance itself names as the shortest; that Replicate hands on less and fails is a guess.
    return "duration must be -1 or at least 4" if values["duration"] in range(4) else ""


def _adaptive(values: Values) -> str:
    fixed = values.get("image") and values["aspect_ratio"] != "adaptive"
    return "First/last-frame modes require the adaptive aspect ratio" if fixed else ""


def _self_timed(draw: Draw) -> Draw:
    """With -1 the model decides on the length: 5 s here."""

    def drawn(values: Values, head: ImageHead | None) -> Clip:
        return draw({**values, "duration": 5} if values["duration"] == -1 else values, head)

    return drawn


def _pro_price(values: Values) -> str:
    silent, sounding = {"480p": ("0.013", "0.025"), "720p": ("0.026", "0.052"), "1080p": ("0.06", "0.12")}[
        values["resolution"]
    ]
    return sounding if values["generate_audio"] else silent


def _second_price(values: Values) -> str:
    plain = {"480p": "0.08", "720p": "0.18", "1080p": "0.45", "4k": "1"}
    changed = {"480p": "0.10", "720p": "0.22", "1080p": "0.55", "4k": "1.25"}
    return (changed if values["reference_videos"] else plain)[values["resolution"]]


def _long_price(values: Values) -> str:
    plain, changed = {"480p": ("0.1028", "0.4304"), "720p": ("0.2312", "0.9676")}[values["resolution"]]
    return changed if values["reference_videos"] else plain


MODELS = (
    ReplicateModel(
        name="bytedance/seedance-1-lite",
        fields={**FIRST, "reference_images": uris()},
        complaint=first(
            _lite,
            at_most("reference_images", 4),
            excludes("reference_images", "image", "last_frame_image"),
            needs("last_frame_image", "image"),
        ),
        draw=film(resolution="resolution"),
        image="image",
        price=per_second(by("resolution", {"480p": "0.018", "720p": "0.036", "1080p": "0.072"})),
        run_seconds=40,
    ),
    ReplicateModel(
        name="bytedance/seedance-1-pro",
        fields={**FIRST, "resolution": one_of("1080p", "720p", "480p")},
        complaint=needs("last_frame_image", "image"),
        draw=film(resolution="resolution"),
        image="image",
        price=per_second(by("resolution", {"480p": "0.03", "720p": "0.06", "1080p": "0.15"})),
        run_seconds=60,
    ),
    ReplicateModel(
        name="bytedance/seedance-1.5-pro",
        fields={**FIRST, "generate_audio": switch(True)},
        complaint=needs("last_frame_image", "image"),
        draw=film(resolution="resolution", audio="generate_audio"),
        image="image",
        audio="generate_audio",
        price=per_second(_pro_price),
        run_seconds=60,
    ),
    ReplicateModel(
        name="bytedance/seedance-2.0",
        version="4631ca9b77b48db08836df4527a436455c4eddff6b25dbc12e541f262aaab774",
        fields=SECOND,
        complaint=first(FRAMES_OR_REFERENCES, at_most("reference_images", 9), _long_enough),
        draw=_self_timed(film(resolution="resolution", audio="generate_audio")),
        image="image",
        audio="generate_audio",
        price=per_second(_second_price),
        run_seconds=120,
    ),
    ReplicateModel(
        name="bytedance/seedance-2.5",
        version="fa8b2706824084e968dfe1d1cdff8e0193b40ef908827e3d2940a927704a5f43",
        fields={
            **SECOND,
            "prompt": text(default="", longest=2000),
            "aspect_ratio": one_of(*RATIOS, "adaptive"),
            "resolution": one_of("720p", "480p"),
            "duration": whole(5, -1, 30),
            "watermark": switch(False),
            "output_format": one_of("mp4", "mov"),
        },
        complaint=first(FRAMES_OR_REFERENCES, at_most("reference_images", 30), _adaptive, _long_enough),
        draw=_self_timed(film(resolution="resolution", audio="generate_audio")),
        image="image",
        audio="generate_audio",
        price=per_second(_long_price),
        run_seconds=150,
    ),
)
