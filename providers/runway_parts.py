"""What Runway's rows have in common: dates, sources, shapes, limits and credits. https://docs.dev.runwayml.com"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypedDict

from core.spec import Quality
from providers.model import CancelCost, MediaForm, Option, Price, Unit

CHECKED = date(2026, 11, 21)
VIDEO_LIMIT = 200_000_000
"""Bytes of an uploaded file; 32 MB where the vendor fetches it from an address."""


class Common(TypedDict):
    """The members that every living Runway row has alike."""

    provider: str
    checked: date
    cancel_cost: CancelCost
    media_forms: tuple[MediaForm, ...]
    inline_limit: int
    uri_limit: int
    size_format: str
    prompt_utf16: bool


COMMON: Common = {
    "provider": "runway",
    "checked": CHECKED,
    "cancel_cost": CancelCost.NOTHING_UNLESS_STARTED,
    # Best first. The vendor asks HEAD of an address before it fetches it (docs: assets/inputs), and one that is signed
    # for GET may refuse that: bytes and assets are inlined or uploaded, and only a caller's own address stays one.
    "media_forms": (MediaForm.INLINE, MediaForm.UPLOAD, MediaForm.URI),
    # 5 MB; whether the vendor counts the encoded or the decoded size is not documented, so the smaller reading counts.
    # Videos may be inlined up to 16 MB, but are uploaded.
    "inline_limit": 5_000_000,
    "uri_limit": 2048,
    "size_format": "{width}:{height}",
    # Told of half the models; the other limits are the same validator's.
    "prompt_utf16": True,
}

MODERATION = {
    "contentModeration": Option(kind=dict, fields={"publicFigureThreshold": Option(kind=str, choices=("auto", "low"))})
}


@dataclass(frozen=True, slots=True)
class Source:
    """Who told a price, and when."""

    day: date
    words: str


GUIDE = Source(date(2026, 10, 4), "Runway's own guide (docs.dev.runwayml.com/guides/pricing), read by a third party")
PLANS = Source(date(2026, 10, 5), "Runway's credits per model (academy.runwayml.com/models-pricing), read by others")
"""It is about the app's credits; that the API charges the same is seen for every model that both lists name."""


def assumed(words: str) -> Source:
    """The source of a price that nobody states for this model at Runway."""
    return Source(CHECKED, f"assumed: {words}")


def credits_per_second(source: Source, amount: str, *, least: str = "0", **when: object) -> Price:
    """A price in credits, under these conditions; one credit is one US cent (docs: guides/setup).

    What is charged by the input picture cannot be said in a price per second: it is spread over the shortest clip, so
    that what is held is never too little. The task itself states what it cost.
    """
    return Price(
        usd=Decimal(amount) / 100,
        unit=Unit.SECOND,
        since=source.day,
        checked=CHECKED,
        source=source.words,
        when=when,
        least=Decimal(least) / 100,
    )


Sizes = dict[tuple[str, str], tuple[int, int]]

WIDE_TALL = ("16:9", "9:16")
SIX = ("21:9", "16:9", "4:3", "1:1", "3:4", "9:16")


def sizes(resolution: str, ratios: tuple[str, ...], pixels: str) -> Sizes:
    """The vendor's list of pixel ratios, such as `1280:720 720:1280`, under the names people use for these shapes."""
    pairs = (tuple(map(int, pair.split(":"))) for pair in pixels.split())
    return {(ratio, resolution): (pair[0], pair[1]) for ratio, pair in zip(ratios, pairs, strict=True)}


def from_input(*resolutions: str) -> Sizes:
    """The sizes of a mode that keeps its input's shape: what a 16:9 one gives."""
    known = {"480p": (854, 480), "720p": (1280, 720), "768p": (1366, 768), "1080p": (1920, 1080)}
    known |= {"2k": (2560, 1440), "4k": (3840, 2160)}
    return {("16:9", resolution): known[resolution] for resolution in resolutions}


TWO_TIERS: Mapping[Quality, str] = {
    Quality.DRAFT: "720p",
    Quality.STANDARD: "720p",
    Quality.HIGH: "1080p",
    Quality.PREMIUM: "1080p",
}
THREE_TIERS: Mapping[Quality, str] = {**TWO_TIERS, Quality.DRAFT: "480p"}
