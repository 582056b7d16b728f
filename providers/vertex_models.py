"""Veo's catalogue rows on Vertex. https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/veo/3-1-generate"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from core.spec import Quality
from providers.model import CancelCost, Choices, MediaForm, Mode, Option, Price, Unit, VideoModel

_CHECKED = date(2026, 11, 21)
_PIXELS: Mapping[str, tuple[int, int]] = {"720p": (1280, 720), "1080p": (1920, 1080), "4k": (3840, 2160)}
_EIGHT = Choices((8,))
_WIRE = {
    "prompt": "prompt",
    "duration": "durationSeconds",
    "aspect_ratio": "aspectRatio",
    "resolution": "resolution",
    "seed": "seed",
    "negative_prompt": "negativePrompt",
    "audio": "generateAudio",
    "first_frame": "image",
    "last_frame": "lastFrame",
}
_OPTIONS: Mapping[str, Option] = {
    "personGeneration": Option(kind=str, choices=("allow_all", "allow_adult", "dont_allow")),
    "enhancePrompt": Option(kind=bool),
    "resizeMode": Option(kind=str, choices=("CROP", "PAD")),
    "compressionQuality": Option(kind=str, choices=("OPTIMIZED", "LOSSLESS")),
    "storageUri": Option(kind=str),
}
"""`storageUri` (`gs://bucket/folder/`) has the video put there; without it the answer holds the bytes."""
_SOURCE = (
    "assumed: the last price of the same model by key, told by calesthio/generative-media-skills and Comfy's price "
    "list, which agree; Vertex's own page was not seen"
)


def _mode(resolutions: Iterable[str], *, eight_only: bool = False) -> Mode:
    """4, 6 or 8 s at 720p. Above that, and with reference images, 8 s alone: the rule of the API by key, kept here."""
    sizes = {
        (ratio, resolution): _PIXELS[resolution] if ratio == "16:9" else _PIXELS[resolution][::-1]
        for resolution in resolutions
        for ratio in ("16:9", "9:16")
    }
    return Mode(
        durations=_EIGHT if eight_only else Choices((4, 6, 8)),
        sizes=sizes,
        durations_at={} if eight_only else {resolution: _EIGHT for resolution in resolutions if resolution != "720p"},
        default_duration=8,
    )


def _prices(usd: Mapping[str, str]) -> Iterator[Price]:
    """Documents conflict on whether a silent video is cheaper; the price with sound is taken for both."""
    for resolution, price in usd.items():
        yield Price(
            usd=Decimal(price),
            unit=Unit.SECOND,
            since=date(2026, 7, 9),
            checked=_CHECKED,
            source=_SOURCE,
            when={"resolution": resolution},
        )


def _row(name: str, wire_name: str, title: str, usd: Mapping[str, str], *, references: int, **facts: Any) -> VideoModel:
    resolutions = tuple(usd)
    return VideoModel(
        id=f"vertex/{name}",
        provider="vertex",
        wire_name=wire_name,
        family=name,
        title=title,
        checked=_CHECKED,
        text=_mode(resolutions),
        image=_mode(resolutions),
        reference=_mode(resolutions, eight_only=True) if references else None,
        references=references,
        fps=24,
        has_audio=True,
        wire=_WIRE | ({"reference_images": "referenceImages"} if references else {}),
        constants={"sampleCount": 1},
        qualities=_qualities(resolutions),
        options=_OPTIONS,
        prompt_limit=4000,  # 1,024 tokens by the API by key, at about four characters each
        media_forms=(MediaForm.INLINE,),
        inline_limit=14_000_000,  # ours; an image may have 20 MB, by memory, and the request is not endless
        image_types=("image/jpeg", "image/png"),
        prices=tuple(_prices(usd)),
        cancel_cost=CancelCost.NOTHING_UNLESS_STARTED,
        deadline_seconds=1200,
        **facts,
    )


def _qualities(resolutions: Iterable[str]) -> Mapping[Quality, str]:
    tiers = {Quality.DRAFT: "720p", Quality.STANDARD: "720p", Quality.HIGH: "1080p", Quality.PREMIUM: "4k"}
    return {quality: tier for quality, tier in tiers.items() if tier in resolutions}


_FULL = {"720p": "0.40", "1080p": "0.40", "4k": "0.60"}
_FAST = {"720p": "0.10", "1080p": "0.12", "4k": "0.30"}
_LITE = {"720p": "0.05", "1080p": "0.08"}
_QUOTA = "Whether pay-as-you-go is offered depends on the project: documents conflict, so look at its quota first."

# No retirement date stood in the pages that could be read, of mid-2026; those of this autumn were not seen.
MODELS: tuple[VideoModel, ...] = (
    _row(
        "veo-3.1",
        "veo-3.1-generate-001",
        "Google Veo 3.1 on Vertex",
        _FULL,
        references=3,
        quality_rank=1,
        speed_class="slow",
        best_for="the finest picture with sound, frames and references",
        typical_seconds=(90, 300),
        default_fallbacks=("vertex/veo-3.1-fast",),
        notes=_QUOTA,
    ),
    _row(
        "veo-3.1-fast",
        "veo-3.1-fast-generate-001",
        "Google Veo 3.1 Fast on Vertex",
        _FAST,
        references=3,
        quality_rank=17,
        speed_class="medium",
        best_for="most of Veo 3.1 at a quarter of its price",
        typical_seconds=(45, 150),
        default_fallbacks=("vertex/veo-3.1-lite",),
        notes=_QUOTA,
    ),
    _row(
        "veo-3.1-lite",
        # In preview by one of Google's pages, and in the tests of SDK 3.4.
        "veo-3.1-lite-generate-001",
        "Google Veo 3.1 Lite on Vertex",
        _LITE,
        references=0,
        quality_rank=38,
        speed_class="fast",
        best_for="cheap clips with sound",
        typical_seconds=(30, 120),
        notes=_QUOTA,
    ),
)
