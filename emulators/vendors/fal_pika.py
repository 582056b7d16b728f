"""Pika's endpoints at the emulated fal. https://fal.ai/models?keywords=pika"""

from collections.abc import Callable, Iterator, Mapping

from core.outcome import Json
from emulators.schema import Field, Invalid, Rule
from emulators.vendors.fal_parts import (
    FIRST_FRAME,
    NEGATIVE,
    PROMPT,
    SEED,
    Endpoint,
    Values,
    choice,
    fixed,
    text,
    typed,
    whole,
)

LONGEST_FRAMES = 25
PIKA_RESOLUTION = {"resolution": choice("720p", "1080p")}
PIKA_RATIO = {"aspect_ratio": choice("16:9", "9:16", "1:1", "4:5", "5:4", "3:2", "2:3")}
PIKA = {**PROMPT, **NEGATIVE, **SEED, **PIKA_RESOLUTION}
PIKA_MICROS = {"720p": 200_000, "1080p": 450_000}
FRAMES_MICROS = {"720p": 40_000, "1080p": 60_000}


def _pika_price(values: Values) -> int:
    # That 10 s cost twice as much is a guess: only the price of 5 s is published.
    return PIKA_MICROS[values["resolution"]] * int(typed(values)) // 5


def _pika(name: str, more: Mapping[str, Field], price: Callable[[Values], int], run_seconds: float) -> Endpoint:
    """v2.2 makes 5 or 10 s. The older ones take any integer; that they make 5 s whatever it says is a guess."""
    is_newest = name.startswith("v2.2")
    lengths = choice(5, 10) if is_newest else whole(5)
    return Endpoint(
        id=f"fal-ai/pika/{name}",
        fields={**PIKA, "duration": lengths, **more},
        seconds=typed if is_newest else lambda values: 5.0,
        price=price,
        run_seconds=run_seconds,
    )


def _frames_seconds(values: Values) -> float:
    given = values.get("transitions")
    if not isinstance(given, list):
        return 5.0 * (len(values["image_urls"]) - 1)
    return float(sum(each.get("duration", 5) for each in given if isinstance(each, dict)))


def _frames_complaints(values: Values) -> Iterator[Invalid]:
    urls, given = values.get("image_urls"), values.get("transitions")
    if not isinstance(urls, list) or given is None:
        return
    if not isinstance(given, list) or not all(_is_transition(each) for each in given):
        yield Invalid(rule=Rule.KIND, name="transitions", text="Input should be a list of transitions")
    elif len(given) != len(urls) - 1:
        said = "Length of transitions must be one less than the number of images"
        yield Invalid(rule=Rule.CHOICE, name="transitions", text=said)
    elif _frames_seconds(values) > LONGEST_FRAMES:
        said = "Total duration of all transitions must not exceed 25 seconds"
        yield Invalid(rule=Rule.HIGH, name="transitions", text=said)


def _is_transition(value: Json) -> bool:
    length = value.get("duration", 5) if isinstance(value, dict) else None
    return isinstance(length, int) and not isinstance(length, bool) and length > 0


PIKA_ENDPOINTS = (
    _pika("v2.2/text-to-video", PIKA_RATIO, _pika_price, 80),
    _pika("v2.2/image-to-video", FIRST_FRAME, _pika_price, 80),
    _pika(
        "v2.2/pikascenes",
        {
            **PIKA_RATIO,
            "resolution": choice("1080p", "720p"),
            "image_urls": Field(kind="array", required=True, shortest=1),
            "ingredients_mode": choice("precise", "creative"),
        },
        _pika_price,
        100,
    ),
    Endpoint(
        id="fal-ai/pika/v2.2/pikaframes",
        fields={
            "image_urls": Field(kind="array", required=True, shortest=2, longest=5),
            "transitions": Field(kind="array", nullable=True),
            "prompt": text(),
            **NEGATIVE,
            **SEED,
            **PIKA_RESOLUTION,
        },
        seconds=_frames_seconds,
        price=lambda values: round(FRAMES_MICROS[values["resolution"]] * max(_frames_seconds(values), 5)),
        complain=_frames_complaints,
        run_seconds=80,
    ),
    _pika("v2.1/text-to-video", PIKA_RATIO, fixed(400_000), 80),
    _pika("v2.1/image-to-video", FIRST_FRAME, fixed(400_000), 80),
    _pika("v2/turbo/text-to-video", PIKA_RATIO, fixed(200_000), 40),
    _pika("v2/turbo/image-to-video", FIRST_FRAME, fixed(200_000), 40),
)
