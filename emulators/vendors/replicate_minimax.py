"""The emulated Replicate's MiniMax models: inputs, clips and prices. https://replicate.com/minimax"""

from emulators.vendors.replicate_parts import (
    ReplicateModel,
    Values,
    film,
    first,
    must,
    needs,
    one_of,
    per_clip,
    switch,
    text,
    uri,
)

HAILUO = {
    "prompt": text(required=True),
    "duration": one_of(6, 10),
    "resolution": one_of("768p", "1080p"),
    "prompt_optimizer": switch(True),
    "first_frame_image": uri(),
}


def _ten_at_768p(values: Values) -> str:
    long = values["duration"] == 10 and values["resolution"] != "768p"
    return "10 seconds is only available for 768p resolution" if long else ""


def _standard(values: Values) -> str:
    if values["resolution"] == "1080p":
        return "0.49"
    if values["resolution"] == "512p":
        return "0.10"
    return "0.56" if values["duration"] == 10 else "0.28"


def _fast(values: Values) -> str:
    if values["resolution"] == "1080p":
        return "0.33"
    return "0.32" if values["duration"] == 10 else "0.19"


MODELS = (
    ReplicateModel(
        name="minimax/video-01",
        version="5aa835260ff7f40f4069c41185f72036accf99e29957bb4a3b3a911f3b6c1912",
        fields={
            "prompt": text(required=True),
            "prompt_optimizer": switch(True),
            "first_frame_image": uri(),
            "subject_reference": uri(),
        },
        draw=film(seconds=6, resolution="720p", fps=25),
        image="first_frame_image",
        price=per_clip("0.50"),
        run_seconds=60,
    ),
    ReplicateModel(
        name="minimax/video-01-live",
        version="7574e16b8f1ad52c6332ecb264c0f132e555f46c222255a738131ec1bb614092",
        fields={
            "prompt": text(required=True),
            "prompt_optimizer": switch(True),
            "first_frame_image": uri(),
        },
        complaint=must("first_frame_image"),
        draw=film(seconds=6, resolution="720p", fps=25),
        image="first_frame_image",
        price=per_clip("0.50"),
        run_seconds=60,
    ),
    ReplicateModel(
        name="minimax/hailuo-02",
        version="baaadb886e09b1e711387e270d841930e8253f08775bc6cb176580658f0f2fd9",
        fields={**HAILUO, "resolution": one_of("1080p", "768p", "512p"), "last_frame_image": uri()},
        complaint=first(_ten_at_768p, needs("last_frame_image", "first_frame_image")),
        draw=film(resolution="resolution"),
        image="first_frame_image",
        price=per_clip(_standard),
        run_seconds=90,
    ),
    ReplicateModel(
        name="minimax/hailuo-2.3",
        fields=HAILUO,
        complaint=_ten_at_768p,
        draw=film(resolution="resolution"),
        image="first_frame_image",
        price=per_clip(_standard),
        run_seconds=90,
    ),
    ReplicateModel(
        name="minimax/hailuo-2.3-fast",
        fields={**HAILUO, "first_frame_image": uri(required=True)},
        complaint=_ten_at_768p,
        draw=film(resolution="resolution"),
        image="first_frame_image",
        price=per_clip(_fast),
        run_seconds=50,
    ),
)
