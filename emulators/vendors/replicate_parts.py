"""What the tables of emulated Replicate models are made of: a model, its inputs, its clip and its price."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from core.outcome import Json
from emulators.images import ImageHead
from emulators.jobs import Clip, Tariff
from emulators.schema import Field

Values = Mapping[str, Json]
"""The inputs that a model runs with: known names only, defaults filled in."""
Draw = Callable[[Values, ImageHead | None], Clip]
"""Inputs and first frame (where it can be seen) to the facts of the clip."""
Price = Callable[[Values, Clip], int]
"""Inputs and clip to millionths of a dollar: for the clip, or for a second on a machine."""


def _fits(values: Values) -> str:
    return ""


def _one(values: Values) -> int:
    return 1


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplicateModel:
    """One model."""

    name: str
    version: str = ""
    """64 hex digits; official models hide theirs, so that is made up here."""
    is_official: bool = True
    fields: Mapping[str, Field]
    draw: Draw
    price: Price
    tariff: Tariff = Tariff.CLIP
    run_seconds: float
    complaint: Callable[[Values], str] = _fits
    """Why the model itself fails with these inputs, which its schema lets pass; empty when it does not."""
    image: str = ""
    """The input that holds the first frame, where that decides the shape of the clip."""
    audio: str = ""
    """The switch for sound."""
    is_list: bool = False
    """Whether the output is a list of addresses instead of one."""
    count: Callable[[Values], int] = _one
    """How many files it makes."""

    def __post_init__(self) -> None:
        if not self.version:
            object.__setattr__(self, "version", hashlib.sha256(self.name.encode()).hexdigest())


def text(*, required: bool = False, longest: int | None = None, default: str | None = None) -> Field:
    """A text."""
    return Field(kind="string", required=required, longest=longest, default=default)


def uri(*, required: bool = False) -> Field:
    """The address of a file, or a `data:` URI."""
    return Field(kind="string", is_uri=True, required=required, nullable=not required)


def uris() -> Field:
    """Addresses of files. No schema that was kept bounds their number: the descriptions do."""
    return Field(kind="array", default=[])


def one_of(default: Json, *others: Json) -> Field:
    """An enumeration."""
    return Field(kind="string" if isinstance(default, str) else "integer", default=default, choices=(default, *others))


def whole(default: int | None = None, low: int | None = None, high: int | None = None) -> Field:
    """A whole number."""
    return Field(kind="integer", default=default, low=low, high=high, nullable=default is None)


def number(default: float | None = None, low: float | None = None, high: float | None = None) -> Field:
    """A number."""
    return Field(kind="number", default=default, low=low, high=high)


def switch(default: bool) -> Field:
    """A boolean."""
    return Field(kind="boolean", default=default)


def shape(lines: int, ratio: str) -> tuple[int, int]:
    """A frame of this ratio whose short edge has so many lines; 16:9 for `auto` and `adaptive` without an image."""
    across, down = (int(part) for part in (ratio if ":" in ratio else "16:9").split(":"))
    long = round(lines * max(across, down) / min(across, down) / 2) * 2
    return (long, lines) if across >= down else (lines, long)


def fitted(head: ImageHead, area: int) -> tuple[int, int]:
    """The image's shape at about `area` pixels, in even numbers."""
    ratio = min(max(head.width / max(head.height, 1), 0.25), 4.0)
    width = (area * ratio) ** 0.5
    return max(int(width) // 2 * 2, 2), max(int(width / ratio) // 2 * 2, 2)


LINES: Mapping[str, int] = {"2k": 1440, "4k": 2160, "standard": 720, "std": 720, "pro": 1080}
"""Short edges that are not written in the name."""


def lines_of(name: str) -> int:
    """The short edge of `720p`, `4k`, `pro` and their like."""
    return LINES.get(name) or int(name.removesuffix("p"))


def film(
    *,
    seconds: str | float = "duration",
    resolution: str = "1080p",
    ratio: str = "aspect_ratio",
    fps: str | float = 24.0,
    audio: str | bool = False,
    sizes: Mapping[str, tuple[int, int]] | None = None,
) -> Draw:
    """A plain clip. Each fact is the name of an input, or the fact itself.

    `sizes` gives a ratio's pixels where the short edge does not. A first frame, where it is seen, decides the shape.
    """

    def draw(values: Values, head: ImageHead | None) -> Clip:
        lines = lines_of(str(values.get(resolution, resolution)))
        wanted = str(values.get(ratio, "16:9"))
        size = (sizes or {}).get(wanted) or shape(lines, wanted)
        width, height = size if head is None else fitted(head, lines * lines * 16 // 9)
        return Clip(
            seconds=float(values[seconds] if isinstance(seconds, str) else seconds),
            width=width,
            height=height,
            fps=float(values[fps] if isinstance(fps, str) else fps),
            audio=bool(values[audio]) if isinstance(audio, str) else audio,
        )

    return draw


def micros(usd: str) -> int:
    """Millionths of a dollar."""
    return int((Decimal(usd) * 1_000_000).to_integral_value(rounding=ROUND_HALF_UP))


def per_second(usd: Callable[[Values], str] | str) -> Price:
    """So much for every second of the clip."""

    def price(values: Values, clip: Clip) -> int:
        told = usd if isinstance(usd, str) else usd(values)
        return micros(str(Decimal(told) * Decimal(str(round(clip.seconds, 3)))))

    return price


def per_clip(usd: Callable[[Values], str] | str) -> Price:
    """So much for the clip."""
    return lambda values, clip: micros(usd if isinstance(usd, str) else usd(values))


def per_machine_second(usd: str) -> Price:
    """So much for every second on the machine."""
    return lambda values, clip: micros(usd)


def by(name: str, prices: Mapping[str, str]) -> Callable[[Values], str]:
    """The price that an input's value names."""
    return lambda values: prices[values[name]]


def first(*complaints: Callable[[Values], str]) -> Callable[[Values], str]:
    """The first of several complaints."""
    return lambda values: next((said for complaint in complaints if (said := complaint(values))), "")


def needs(name: str, other: str) -> Callable[[Values], str]:
    """Complains of one input without the other. The wording is a guess, as is every one here."""
    return lambda values: f"{name} requires {other}" if values.get(name) and not values.get(other) else ""


def excludes(name: str, *others: str) -> Callable[[Values], str]:
    """Complains of one input together with any of the others."""

    def complaint(values: Values) -> str:
        clash = next((other for other in others if values.get(other)), None)
        return f"{name} cannot be combined with {clash}" if values.get(name) and clash else ""

    return complaint


def at_most(name: str, count: int) -> Callable[[Values], str]:
    """Complains of too long a list."""
    return lambda values: f"{name} takes at most {count} entries" if len(values.get(name) or ()) > count else ""


def must(name: str) -> Callable[[Values], str]:
    """Complains of a missing input that the schema does not require."""
    return lambda values: "" if values.get(name) else f"{name} is required"
