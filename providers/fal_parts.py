"""What fal's rows have in common: dates, sources, shapes and prices. https://fal.ai/pricing"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypedDict

from core.spec import Quality
from providers.model import CancelCost, MediaForm, Price, Unit

CONTRACT_LIMIT = 8000
"""Most of these models publish no prompt limit; our own contract allows 8,000 characters."""


class Common(TypedDict):
    """The members that every fal row has alike."""

    provider: str
    checked: date
    cancel_cost: CancelCost
    media_forms: tuple[MediaForm, ...]
    inline_limit: int


CHECKED = date(2026, 11, 21)
COMMON: Common = {
    "provider": "fal",
    "checked": CHECKED,
    # "You are never charged for time spent waiting in the queue."
    "cancel_cost": CancelCost.NOTHING_UNLESS_STARTED,
    "media_forms": (MediaForm.URI, MediaForm.INLINE, MediaForm.UPLOAD),
    # fal takes `data:` URIs and states no limit, but advises its own storage for all but small files.
    "inline_limit": 32 * 1024,
}


@dataclass(frozen=True, slots=True)
class Source:
    """Who told a price, and when."""

    day: date
    words: str


LIST = Source(date(2026, 3, 19), "fal's own list of models, as dumped by a third party; equal to the model's page")
PAGE = Source(CHECKED, "the model's page at fal.ai, in a public copy whose day is not told")


def assumed(words: str) -> Source:
    """The source of a price that nobody states for this model at fal."""
    return Source(CHECKED, f"assumed: {words}")


def per_second(source: Source, usd: str, *, least: str = "0", **when: object) -> Price:
    """A price per second of video under these conditions, and the least that a clip costs."""
    return _price(source, usd, Unit.SECOND, when, least)


def per_clip(source: Source, usd: str, **when: object) -> Price:
    """A price per clip, under these conditions."""
    return _price(source, usd, Unit.VIDEO, when, "0")


def _price(source: Source, usd: str, unit: Unit, when: Mapping[str, object], least: str) -> Price:
    return Price(
        usd=Decimal(usd),
        unit=unit,
        since=source.day,
        checked=CHECKED,
        source=source.words,
        when=dict(when),
        least=Decimal(least),
    )


def shapes(resolution: str, *ratios: str) -> dict[tuple[str, str], tuple[int, int]]:
    """Sizes whose short edge has the resolution's lines: fal publishes names only, the pixels are reckoned."""
    lines = {"2k": 1440, "4k": 2160}.get(resolution) or int(resolution.removesuffix("p"))
    return {(ratio, resolution): _shape(lines, *map(int, ratio.split(":"))) for ratio in ratios}


def _shape(lines: int, width: int, height: int) -> tuple[int, int]:
    if width >= height:
        return round(lines * width / height / 2) * 2, lines
    return lines, round(lines * height / width / 2) * 2


WIDE = ("16:9",)
WIDE_TALL = ("16:9", "9:16")
THREE = ("16:9", "9:16", "1:1")

TWO_TIERS: Mapping[Quality, str] = {
    Quality.DRAFT: "720p",
    Quality.STANDARD: "720p",
    Quality.HIGH: "1080p",
    Quality.PREMIUM: "1080p",
}
