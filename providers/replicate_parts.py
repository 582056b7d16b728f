"""What Replicate's rows have in common: dates, sources, shapes and prices. https://replicate.com/pricing"""

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
    """The members that every Replicate row has alike."""

    provider: str
    checked: date
    cancel_cost: CancelCost
    media_forms: tuple[MediaForm, ...]
    inline_limit: int


COMMON: Common = {
    "provider": "replicate",
    "checked": date(2026, 11, 21),
    "cancel_cost": CancelCost.BY_USAGE,
    "media_forms": (MediaForm.URI, MediaForm.INLINE, MediaForm.UPLOAD),
    # "Up to 256 KB as a data URL, an address above that" is Replicate's advice; larger ones go through its files API.
    "inline_limit": 256 * 1024,
}

KLING_IMAGES = ("image/jpeg", "image/png")
"""Kling's inputs: "Supports .jpg/.jpeg/.png"."""


@dataclass(frozen=True, slots=True)
class Source:
    """Who told a price, and when."""

    day: date
    words: str


BILLING = Source(date(2026, 10, 5), "billing configuration of the model's replicate.com page, kept by a third party")
PAGE = Source(date(2026, 10, 6), "the model's replicate.com page, read by a third party")


def assumed(words: str) -> Source:
    """The source of a price that nobody states for this model at Replicate."""
    return Source(date(2026, 11, 21), f"assumed: {words}")


def per_second(source: Source, usd: str, **when: object) -> Price:
    """A price per second of video, under these conditions."""
    return _price(source, usd, Unit.SECOND, when)


def per_clip(source: Source, usd: str, **when: object) -> Price:
    """A price per clip, under these conditions."""
    return _price(source, usd, Unit.VIDEO, when)


def per_machine_second(machine: str) -> Price:
    """The price of a second on this hardware, as two third parties told it in 2026."""
    usd = {"L40S": "0.000975", "A100": "0.0014"}[machine]
    source = Source(date(2026, 1, 1), f"Replicate's price of an {machine}; assumed: that this model runs on one")
    return _price(source, usd, Unit.COMPUTE_SECOND, {})


def _price(source: Source, usd: str, unit: Unit, when: Mapping[str, object]) -> Price:
    return Price(
        usd=Decimal(usd), unit=unit, since=source.day, checked=source.day, source=source.words, when=dict(when)
    )


def shapes(resolution: str, *ratios: str) -> dict[tuple[str, str], tuple[int, int]]:
    """Sizes whose short edge has the resolution's lines: only 16:9 and its like are published, the rest is reckoned."""
    lines = {"2k": 1440, "4k": 2160}.get(resolution) or int(resolution.removesuffix("p"))
    return {(ratio, resolution): _shape(lines, *map(int, ratio.split(":"))) for ratio in ratios}


def _shape(lines: int, width: int, height: int) -> tuple[int, int]:
    if width >= height:
        return round(lines * width / height / 2) * 2, lines
    return lines, round(lines * height / width / 2) * 2


WIDE_TALL = ("16:9", "9:16")
THREE = ("16:9", "9:16", "1:1")
FIVE = ("16:9", "9:16", "1:1", "4:3", "3:4")
SEVEN = ("16:9", "4:3", "1:1", "3:4", "9:16", "21:9", "9:21")

TWO_TIERS: Mapping[Quality, str] = {
    Quality.DRAFT: "720p",
    Quality.STANDARD: "720p",
    Quality.HIGH: "1080p",
    Quality.PREMIUM: "1080p",
}
THREE_TIERS: Mapping[Quality, str] = {**TWO_TIERS, Quality.DRAFT: "480p"}
TO_4K: Mapping[Quality, str] = {**TWO_TIERS, Quality.PREMIUM: "4k"}
