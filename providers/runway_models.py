"""Runway's catalogue rows, from its SDK 5.24 and its documentation. https://docs.dev.runwayml.com/guides/models"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from core.spec import Quality
from providers.model import (
    CancelCost,
    Choices,
    Lifecycle,
    LifecycleState,
    Mode,
    Option,
    Price,
    Span,
    Unit,
    VideoModel,
)

_WIDE = {("16:9", "720p"): (1280, 720), ("9:16", "720p"): (720, 1280)}
_SIX = {
    **_WIDE,
    ("4:3", "720p"): (1104, 832),
    ("1:1", "720p"): (960, 960),
    ("3:4", "720p"): (832, 1104),
    ("21:9", "720p"): (1584, 672),
}
_FULL = {**_WIDE, ("16:9", "1080p"): (1920, 1080), ("9:16", "1080p"): (1080, 1920)}
_WHOLE_SECONDS = Span(low=2, high=10)

_WIRE = {
    "prompt": "promptText",
    "duration": "duration",
    "aspect_ratio": "ratio",
    "resolution": "ratio",
    "seed": "seed",
}
_FIRST = {"first_frame": "promptImage"}
_MODERATION = {
    "contentModeration": Option(kind=dict, fields={"publicFigureThreshold": Option(kind=str, choices=("auto", "low"))})
}
_DATA_URI = 5_000_000
"""5 MB; whether the vendor counts the encoded or the decoded size is not documented, so the smaller reading counts."""
_URL = 2048


def _per_second(price: int, seen: date, source: str, when: Mapping[str, object] | None = None) -> Price:
    """A price in credits; one credit is one US cent (docs: guides/setup)."""
    usd = Decimal(price) / 100
    return Price(usd=usd, unit=Unit.SECOND, since=seen, checked=seen, source=source, when=when or {})


MODELS: tuple[VideoModel, ...] = (
    VideoModel(
        id="runway/gen3a_turbo",
        provider="runway",
        wire_name="gen3a_turbo",
        family="gen3a-turbo",
        title="Runway Gen-3 Alpha Turbo",
        checked=date(2026, 11, 21),
        lifecycle=Lifecycle(
            state=LifecycleState.RETIRED,
            # Left the SDK on 2026-06-10; the end date is told by third parties, not by Runway.
            retires=date(2026, 7, 30),
            successor="runway/gen4_turbo",
        ),
        wire={},
        prompt_limit=1000,
        prompt_utf16=True,
        prices=(),
        cancel_cost=CancelCost.NOTHING_UNLESS_STARTED,
        quality_rank=8,
        speed_class="fast",
        best_for="nothing any more",
        typical_seconds=(30, 60),
        deadline_seconds=900,
        notes="Its ratios 1280:768 and 768:1280 are gone with it.",
    ),
    VideoModel(
        id="runway/gen4.5",
        provider="runway",
        wire_name="gen4.5",
        family="gen4.5",
        title="Runway Gen-4.5",
        checked=date(2026, 11, 21),
        text=Mode(durations=_WHOLE_SECONDS, sizes=_WIDE, default_duration=5),
        image=Mode(durations=_WHOLE_SECONDS, sizes=_SIX, default_duration=5),
        wire={**_WIRE, **_FIRST},
        options=_MODERATION,
        prompt_limit=1000,
        prompt_utf16=True,
        inline_limit=_DATA_URI,
        uri_limit=_URL,
        prices=(_per_second(12, date(2026, 9, 9), "third-party table of Runway credits"),),
        cancel_cost=CancelCost.NOTHING_UNLESS_STARTED,
        quality_rank=2,
        speed_class="medium",
        best_for="text or image to any whole length from 2 to 10 seconds",
        typical_seconds=(75, 180),
        deadline_seconds=900,
        notes="Non-MP4 output formats are not offered: they carry a surcharge per second.",
    ),
    VideoModel(
        id="runway/gen4_turbo",
        provider="runway",
        wire_name="gen4_turbo",
        family="gen4-turbo",
        title="Runway Gen-4 Turbo",
        checked=date(2026, 11, 21),
        # The range is from third-party docs; the SDK's type is a bare int.
        image=Mode(durations=_WHOLE_SECONDS, sizes=_SIX, default_duration=5),
        wire={**_WIRE, **_FIRST},
        options=_MODERATION,
        prompt_limit=1000,
        prompt_utf16=True,
        inline_limit=_DATA_URI,
        uri_limit=_URL,
        prices=(_per_second(5, date(2026, 9, 6), "third-party table of Runway credits"),),
        cancel_cost=CancelCost.NOTHING_UNLESS_STARTED,
        quality_rank=5,
        speed_class="fast",
        best_for="a quick, cheap move of one image",
        typical_seconds=(40, 90),
        deadline_seconds=900,
    ),
    VideoModel(
        id="runway/veo3",
        provider="runway",
        wire_name="veo3",
        family="veo-3",
        title="Google Veo 3 at Runway",
        checked=date(2026, 11, 21),
        lifecycle=Lifecycle(
            state=LifecycleState.RETIRED,
            # Left the SDK after version 5.13.0 of this day; the exact day at the API is not known.
            retires=date(2026, 7, 27),
            successor="runway/veo3.1",
        ),
        wire={},
        prompt_limit=1000,
        prompt_utf16=True,
        prices=(),
        cancel_cost=CancelCost.NOTHING_UNLESS_STARTED,
        quality_rank=7,
        speed_class="slow",
        best_for="nothing any more",
        typical_seconds=(90, 240),
        deadline_seconds=1200,
    ),
    VideoModel(
        id="runway/veo3.1",
        provider="runway",
        wire_name="veo3.1",
        family="veo-3.1",
        title="Google Veo 3.1 at Runway",
        checked=date(2026, 11, 21),
        # Runway does not say what it assumes for a missing duration or audio, so both are always sent.
        text=Mode(durations=Choices((4, 6, 8)), sizes=_FULL, default_duration=8),
        image=Mode(durations=Choices((4, 6, 8)), sizes=_FULL, default_duration=8),
        has_audio=True,
        wire={
            **_WIRE,
            **_FIRST,
            "last_frame": "promptImage",
            "negative_prompt": "negativePrompt",
            "audio": "audio",
        },
        qualities={
            Quality.DRAFT: "720p",
            Quality.STANDARD: "720p",
            Quality.HIGH: "1080p",
            Quality.PREMIUM: "1080p",
        },
        prompt_limit=1000,
        prompt_utf16=True,
        inline_limit=_DATA_URI,
        uri_limit=_URL,
        prices=(
            _per_second(40, date(2026, 4, 21), "github.com/runwayml/skills", {"audio": True}),
            _per_second(20, date(2026, 4, 21), "github.com/runwayml/skills", {"audio": False}),
        ),
        cancel_cost=CancelCost.NOTHING_UNLESS_STARTED,
        quality_rank=1,
        speed_class="slow",
        best_for="the finest picture, with sound, from a first to a last frame",
        typical_seconds=(100, 240),
        deadline_seconds=1200,
        notes="Audio is on unless it is typed as off, which halves the price.",
    ),
)
"""Credits per second are from third parties or the vendor's skills repository: re-check before billing tenants."""
