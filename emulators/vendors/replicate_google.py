"""The emulated Replicate's Veo models: inputs, clips and prices. https://replicate.com/google"""

from emulators.vendors.replicate_parts import (
    ReplicateModel,
    Values,
    at_most,
    by,
    film,
    first,
    one_of,
    per_second,
    switch,
    text,
    uri,
    uris,
    whole,
)

BASE = {
    "prompt": text(required=True),
    "image": uri(),
    "aspect_ratio": one_of("16:9", "9:16"),
    "duration": one_of(8, 4, 6),
    "seed": whole(),
}
SOUND = {**BASE, "negative_prompt": text(), "resolution": one_of("1080p", "720p"), "generate_audio": switch(True)}


def _reference_rules(values: Values) -> str:
    if not values.get("reference_images"):
        return ""
    plain = values["aspect_ratio"] == "16:9" and values["duration"] == 8
    return "" if plain else "Reference images only work with 16:9 aspect ratio and 8-second duration"


def _eight_at_1080p(values: Values) -> str:
    short = values["resolution"] == "1080p" and values["duration"] != 8
    return "Duration must be 8 when using 1080p resolution" if short else ""


MODELS = (
    ReplicateModel(
        name="google/veo-3.1",
        version="9c6ca0c25d89ac6102278405a0673fd929b7793856870d2718e3a84a5aa4ad4d",
        fields={**SOUND, "last_frame": uri(), "reference_images": uris()},
        complaint=first(_reference_rules, at_most("reference_images", 3)),
        draw=film(resolution="resolution", audio="generate_audio"),
        audio="generate_audio",
        price=per_second(lambda values: "0.40" if values["generate_audio"] else "0.20"),
        run_seconds=90,
    ),
    ReplicateModel(
        name="google/veo-3.1-fast",
        fields={**SOUND, "last_frame": uri()},
        draw=film(resolution="resolution", audio="generate_audio"),
        audio="generate_audio",
        price=per_second(lambda values: "0.15" if values["generate_audio"] else "0.10"),
        run_seconds=60,
    ),
    ReplicateModel(
        name="google/veo-3.1-lite",
        fields={**BASE, "resolution": one_of("720p", "1080p"), "last_frame": uri()},
        complaint=_eight_at_1080p,
        draw=film(resolution="resolution", audio=True),
        price=per_second(by("resolution", {"720p": "0.05", "1080p": "0.08"})),
        run_seconds=45,
    ),
    ReplicateModel(
        name="google/veo-3",
        fields=SOUND,
        draw=film(resolution="resolution", audio="generate_audio"),
        audio="generate_audio",
        price=per_second(lambda values: "0.40" if values["generate_audio"] else "0.20"),
        run_seconds=90,
    ),
    ReplicateModel(
        name="google/veo-2",
        fields={**BASE, "prompt": text(), "duration": one_of(5, 6, 7, 8)},
        draw=film(resolution="720p"),
        price=per_second("0.50"),
        run_seconds=90,
    ),
)
