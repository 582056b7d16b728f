"""Pika's models, which are sold through fal only. https://fal.ai/models?keywords=pika"""

from providers.fal_parts import (
    COMMON,
    CONTRACT_LIMIT,
    LIST,
    PAGE,
    TWO_TIERS,
    WIDE,
    assumed,
    per_clip,
    per_second,
    shapes,
)
from providers.model import Choices, Mode, Option, Price, VideoModel

_SEVEN = ("16:9", "9:16", "1:1", "4:5", "5:4", "3:2", "2:3")
_TEXT_SIZES = {**shapes("720p", *_SEVEN), **shapes("1080p", *_SEVEN)}
# Where nothing is typed, Pikascenes makes 1080p (by a third party's copy of its schema), the other endpoints 720p.
_SCENE_SIZES = {**shapes("1080p", *_SEVEN), **shapes("720p", *_SEVEN)}
_IMAGE_SIZES = {**shapes("720p", *WIDE), **shapes("1080p", *WIDE)}
# fal's typed endpoint map prints these as "5" | "10", as it does every enum of numbers; fal's own schemas and copies of
# them say integer. To be confirmed by the first paid call.
_FIVE_TEN = Choices((5, 10))
# The older endpoints take any integer; which lengths are made is not said, 5 is the default.
_FIVE = Choices((5,))
_WORDS = {
    "prompt": "prompt",
    "negative_prompt": "negative_prompt",
    "seed": "seed",
    "resolution": "resolution",
}
_CLIP_WORDS = {**_WORDS, "duration": "duration", "aspect_ratio": "aspect_ratio", "first_frame": "image_url"}


def _text(lengths: Choices) -> Mode:
    return Mode(durations=lengths, sizes=_TEXT_SIZES)


def _image(lengths: Choices) -> Mode:
    return Mode(durations=lengths, sizes=_IMAGE_SIZES, ratio_from_image=True)


def _clip_prices() -> tuple[Price, ...]:
    twice = assumed("twice the price of 5 s, the only one that is stated")
    return (
        per_clip(LIST, "0.20", resolution="720p", duration=5),
        per_clip(LIST, "0.45", resolution="1080p", duration=5),
        per_clip(twice, "0.40", resolution="720p", duration=10),
        per_clip(twice, "0.90", resolution="1080p", duration=10),
    )


# Pika 2.5 has a page, but is not listed and shows "$0 per compute second": it is not for sale. Pikadditions wants a
# video and an image at once, which no wish can say. Pikaffects wants the name of an effect, and no price is known.
PIKA: tuple[VideoModel, ...] = (
    VideoModel(
        **COMMON,
        id="fal/pika-v2-turbo",
        wire_name="fal-ai/pika/v2/turbo",
        family="pika-2-turbo",
        title="Pika 2 Turbo",
        text=_text(_FIVE),
        image=_image(_FIVE),
        wire=_CLIP_WORDS,
        qualities=TWO_TIERS,
        prompt_limit=CONTRACT_LIMIT,
        prices=(per_clip(PAGE, "0.20"),),
        quality_rank=46,
        speed_class="fast",
        best_for="quick drafts in Pika's manner",
        typical_seconds=(40, 90),
        deadline_seconds=600,
        default_fallbacks=("fal/pika-v2.2",),
        notes="Always 5 s. With a first frame the shape is the image's. Pika 2 exists as Turbo only.",
    ),
    VideoModel(
        **COMMON,
        id="fal/pika-v2.1",
        wire_name="fal-ai/pika/v2.1",
        family="pika-2.1",
        title="Pika 2.1",
        text=_text(_FIVE),
        image=_image(_FIVE),
        wire=_CLIP_WORDS,
        qualities=TWO_TIERS,
        prompt_limit=CONTRACT_LIMIT,
        prices=(per_clip(PAGE, "0.40"),),
        quality_rank=44,
        speed_class="medium",
        best_for="what was made with it before; Pika 2.2 is better and cheaper at 720p",
        typical_seconds=(80, 180),
        deadline_seconds=900,
        default_fallbacks=("fal/pika-v2.2",),
        notes="Always 5 s. With a first frame the shape is the image's.",
    ),
    VideoModel(
        **COMMON,
        id="fal/pika-v2.2",
        wire_name="fal-ai/pika/v2.2",
        family="pika-2.2",
        title="Pika 2.2",
        text=_text(_FIVE_TEN),
        image=_image(_FIVE_TEN),
        wire=_CLIP_WORDS,
        qualities=TWO_TIERS,
        prompt_limit=CONTRACT_LIMIT,
        prices=_clip_prices(),
        quality_rank=31,
        speed_class="medium",
        best_for="playful, stylised clips in seven shapes",
        typical_seconds=(80, 180),
        deadline_seconds=900,
        default_fallbacks=("fal/pika-v2.1",),
        notes="With a first frame the shape is the image's; an aspect ratio is refused then. The price of 10 s is not "
        "stated: twice that of 5 s is assumed.",
    ),
    VideoModel(
        **COMMON,
        id="fal/pika-v2.2-frames",
        wire_name="fal-ai/pika/v2.2",
        family="pika-2.2-frames",
        title="Pika 2.2 Pikaframes",
        image=_image(_FIVE_TEN),
        # Two to five keyframes with a transition between each; a wish has a first and a last frame, so one transition.
        # How long one may be is not in the schema (a reader wrote 10 s); all together at most 25 s.
        wire={**_WORDS, "duration": "transitions", "first_frame": "image_urls", "last_frame": "image_urls"},
        qualities=TWO_TIERS,
        prompt_limit=CONTRACT_LIMIT,
        prices=(
            per_second(LIST, "0.04", least="0.20", resolution="720p"),
            per_second(LIST, "0.06", least="0.30", resolution="1080p"),
        ),
        quality_rank=33,
        speed_class="medium",
        best_for="a transition from a first to a last frame",
        typical_seconds=(80, 180),
        deadline_seconds=900,
        notes="Takes keyframes: without a last frame the clip ends as it begins. The shape is the images'.",
    ),
    VideoModel(
        **COMMON,
        id="fal/pika-v2.2-scenes",
        wire_name="fal-ai/pika/v2.2",
        family="pika-2.2-scenes",
        title="Pika 2.2 Pikascenes",
        reference=Mode(durations=_FIVE_TEN, sizes=_SCENE_SIZES),
        # The schema sets no limit; five is what another home of Pikascenes takes.
        references=5,
        # A list of addresses since the winter of 2025; before that a list of `{"image_url"}` called `images`.
        wire={
            **_WORDS,
            "duration": "duration",
            "aspect_ratio": "aspect_ratio",
            "reference_images": "image_urls",
        },
        qualities=TWO_TIERS,
        options={"ingredients_mode": Option(kind=str, choices=("precise", "creative"))},
        prompt_limit=CONTRACT_LIMIT,
        prices=_clip_prices(),
        quality_rank=32,
        speed_class="medium",
        best_for="people, things and places from up to five pictures in one scene",
        typical_seconds=(100, 240),
        deadline_seconds=900,
        notes="Reference images only. The price of 10 s is not stated: twice that of 5 s is assumed.",
    ),
)
