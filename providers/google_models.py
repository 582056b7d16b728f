"""Gemini Omni's catalogue rows, and the names of Google's models by key that have ended.

https://ai.google.dev/gemini-api/docs/omni (1.1), https://docs.cloud.google.com/gemini-enterprise-agent-platform (1.2)
"""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from core.spec import Quality
from providers.model import (
    CancelCost,
    Lifecycle,
    LifecycleState,
    MediaForm,
    Mode,
    Option,
    Price,
    Span,
    Unit,
    VideoModel,
)

_CHECKED = date(2026, 11, 21)
_SIZES: Mapping[tuple[str, str], tuple[int, int]] = {
    (ratio, resolution): (long, short) if ratio == "16:9" else (short, long)
    for resolution, long, short in (("720p", 1280, 720), ("360p", 640, 360), ("1080p", 1920, 1080), ("4k", 3840, 2160))
    for ratio in ("16:9", "9:16")
}
"""Pixels are resellers' word; Google names the resolutions only."""
_QUALITIES = {Quality.DRAFT: "360p", Quality.STANDARD: "720p", Quality.HIGH: "1080p", Quality.PREMIUM: "4k"}
_WIRE = {
    "prompt": "input",
    "duration": "duration",
    "aspect_ratio": "aspect_ratio",
    "resolution": "resolution",
    "first_frame": "image",
    "last_frame": "last_image",
    "reference_images": "reference_images",
    "source_video": "video",
}
"""The names of `response_format`; what stands for an input only says that the model takes it."""
_RESELLERS = "resellers' price pages"


def _mode(longest: int, *, from_video: bool = False) -> Mode:
    durations = Span(low=3, high=longest)
    return Mode(durations=durations, sizes=_SIZES, default_duration=5, ratio_from_image=from_video)


def _per_second(since: date, source: str, usd: Mapping[str, str]) -> Iterator[Price]:
    for resolution, price in usd.items():
        yield Price(
            usd=Decimal(price),
            unit=Unit.SECOND,
            since=since,
            checked=_CHECKED,
            source=source,
            when={"resolution": resolution},
        )


def _options(*tasks: str) -> Mapping[str, Option]:
    """`task` chooses what is done to a source video; an earlier interaction of the same key can be gone on with."""
    return {"task": Option(kind=str, choices=tasks), "previous_interaction_id": Option(kind=str)}


_SHARED: dict[str, Any] = {
    "provider": "google",
    "checked": _CHECKED,
    "fps": 24,
    "has_audio": True,
    "wire": _WIRE,
    "references_with_frame": True,
    "qualities": _QUALITIES,
    "prompt_limit": 20_000,  # ours: Google publishes a limit of tokens only (131,072 for all input)
    "media_forms": (MediaForm.INLINE,),
    # Inline input may have 100 MB in all since 2026-01; this leaves room for several files in one request.
    "inline_limit": 32_000_000,
    "source_limit": 24_000_000,
    "image_types": ("image/jpeg", "image/png", "image/webp"),
    "cancel_cost": CancelCost.NOTHING_UNLESS_STARTED,
    "speed_class": "fast",
    "typical_seconds": (45, 180),
    "deadline_seconds": 1800,  # a reseller tells of up to 15 minutes
}


_OMNI_1_1 = VideoModel(
    id="google/gemini-omni-1.1-flash",
    wire_name="gemini-omni-1.1-flash",
    family="gemini-omni-1.1-flash",
    title="Gemini Omni 1.1 Flash",
    text=_mode(10),
    image=_mode(10),
    reference=_mode(10),
    video=_mode(10, from_video=True),
    references=3,  # told by third parties; Google's guide shows up to six in one prompt
    source_seconds=10,
    options=_options("edit", "extend"),
    prices=(
        *_per_second(  # told as 0.03, 0.10, 0.15 and 0.30; the tokens that are billed come to a little more
            date(2026, 8, 28),
            "WaveSpeed, told as Google's price, rounded up to what its tokens cost",
            {"360p": "0.0305", "720p": "0.1014", "1080p": "0.1521", "4k": "0.3041"},
        ),
        Price(
            usd=Decimal("17.50"),
            unit=Unit.MILLION_TOKENS,
            since=date(2026, 8, 28),
            checked=_CHECKED,
            source="Google's price of video output by tokens, told by third parties",
        ),
    ),
    quality_rank=18,
    best_for="quick clips with sound, edits by instruction, drafts in 360p",
    default_fallbacks=("google/gemini-omni-1.2-flash",),
    notes="Sound is always made. An edit lasts as long as its source: give that length, so that the quote is right. "
    "An extension adds 3 to 10 seconds, up to 40 in all. Editing or extending uploaded videos is not offered in the "
    "EEA, Switzerland, the UK and some US states.",
    **_SHARED,
)

_OMNI_1_2 = VideoModel(
    id="google/gemini-omni-1.2-flash",
    wire_name="gemini-omni-1.2-flash",
    family="gemini-omni-1.2-flash",
    title="Gemini Omni 1.2 Flash",
    # Google's model page says 15 s (and 260,640 output tokens, which is 15 s of 4k); one reseller stops at 10.
    text=_mode(15),
    # 15 s from one image, 10 s between two, as resellers tell; a row has one span for both, so the safe one.
    image=_mode(10),
    reference=_mode(10),  # nobody tells of more
    video=_mode(15, from_video=True),
    references=6,  # told by resellers
    source_seconds=15,
    options=_options("edit", "extend", "upscale"),
    # No price by tokens: Google's own page could not be read.
    prices=tuple(
        _per_second(
            date(2026, 11, 5),
            f"assumed: {_RESELLERS} that agree; Google's own was not seen",
            {"360p": "0.023", "720p": "0.07", "1080p": "0.105", "4k": "0.21"},
        )
    ),
    quality_rank=9,
    best_for="clips with sound up to 15 seconds, many references, edits by instruction",
    default_fallbacks=("google/gemini-omni-1.1-flash",),
    notes="Sound is always made. An edit lasts as long as its source: give that length, so that the quote is right. "
    "An extension adds 3 to 10 seconds. Editing or extending uploaded videos is not offered in the EEA, Switzerland, "
    "the UK and some US states.",
    **_SHARED,
)


def _ended(name: str, family: str, title: str, retires: date, rank: int) -> VideoModel:
    """A name that the API by key does not know any more. Omni 1.1 is what Google names in its place."""
    return VideoModel(
        id=f"google/{name}",
        provider="google",
        wire_name=name,
        family=family,
        title=title,
        checked=_CHECKED,
        lifecycle=Lifecycle(state=LifecycleState.RETIRED, retires=retires, successor="google/gemini-omni-1.1-flash"),
        wire={},
        prompt_limit=20_000,
        prices=(),
        cancel_cost=CancelCost.NOTHING_UNLESS_STARTED,
        quality_rank=rank,
        speed_class="slow",
        best_for="nothing any more",
        typical_seconds=(60, 240),
        deadline_seconds=900,
    )


_MIDSUMMER = date(2026, 6, 30)
# Google's own deprecation row was not seen: "earliest" in a registry, and a reseller saw the 404 from that day on.
_OCTOBER = date(2026, 10, 22)

MODELS: tuple[VideoModel, ...] = (
    _OMNI_1_1,
    _OMNI_1_2,
    _ended("gemini-omni-flash-preview", "gemini-omni-flash", "Gemini Omni Flash (preview)", date(2026, 9, 30), 26),
    _ended("veo-2.0-generate-001", "veo-2", "Veo 2", _MIDSUMMER, 45),
    _ended("veo-3.0-fast-generate-001", "veo-3-fast", "Veo 3 Fast", _MIDSUMMER, 30),
    _ended("veo-3.0-generate-001", "veo-3", "Veo 3", _MIDSUMMER, 7),
    _ended("veo-3.1-fast-generate-preview", "veo-3.1-fast", "Veo 3.1 Fast (preview)", _OCTOBER, 17),
    _ended("veo-3.1-generate-preview", "veo-3.1", "Veo 3.1 (preview)", _OCTOBER, 1),
    _ended("veo-3.1-lite-generate-preview", "veo-3.1-lite", "Veo 3.1 Lite (preview)", _OCTOBER, 38),
)
