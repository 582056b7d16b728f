"""Dream Machine's catalogue rows: Ray 2 and what came before. https://docs.lumalabs.ai/docs/video-generation"""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal

from core.spec import Quality
from providers.luma_models import RATIOS, sizes
from providers.model import (
    CancelCost,
    Choices,
    Lifecycle,
    LifecycleState,
    MediaForm,
    Mode,
    Option,
    Price,
    Unit,
    VideoModel,
)

_MEGAPIXELS: Mapping[str, Decimal] = {
    "540p": Decimal("0.518400"),
    "720p": Decimal("0.921600"),
    "1080p": Decimal("2.073600"),
    "4k": Decimal("8.294400"),
}
"""Of one frame; the other ratios are taken to have the area of 16:9."""
_FPS = 24
_SECONDS = (5, 9)
_RESOLUTIONS = ("720p", "540p", "1080p", "4k")
_CHECKED = date(2026, 11, 21)
_SEEN = date(2025, 5, 31)
"""The day is not told, only the month."""


def _prices(per_million_pixels: str) -> Iterator[Price]:
    """The vendor's price per million output pixels as a flat price of every size and length.

    At 24 frames a second it gives the examples of the price page to the cent (ray-2: 540p for 5 s 0.40, 720p for 9 s
    1.27, 1080p for 5 s 1.59, 4k for 9 s 11.47).
    """
    for resolution in _RESOLUTIONS:
        for seconds in _SECONDS:
            yield Price(
                usd=(Decimal(per_million_pixels) * _MEGAPIXELS[resolution] * _FPS * seconds).quantize(
                    Decimal("0.000001")
                ),
                unit=Unit.VIDEO,
                since=_SEEN,
                checked=_CHECKED,
                source=f"Comfy's price page: {per_million_pixels} USD per million output pixels",
                when={"resolution": resolution, "duration": seconds},
            )


_TEXT = Mode(durations=Choices(_SECONDS), sizes=sizes(RATIOS, _RESOLUTIONS))
# With a keyframe `aspect_ratio` is ignored (a comment in Comfy's own node for this API).
_IMAGE = Mode(durations=Choices(_SECONDS), sizes=sizes(("16:9",), _RESOLUTIONS), ratio_from_image=True)
_WIRE = {
    "prompt": "prompt",
    "aspect_ratio": "aspect_ratio",
    "duration": "duration",
    "resolution": "resolution",
    "first_frame": "keyframes.frame0",
    "last_frame": "keyframes.frame1",
}
_SPOKEN: Mapping[str, Mapping[object, object]] = {"duration": {5: "5s", 9: "9s"}}
_TIERS = {Quality.DRAFT: "540p", Quality.STANDARD: "720p", Quality.HIGH: "1080p", Quality.PREMIUM: "4k"}
_PRIOR = Option(
    kind=dict, fields={"type": Option(kind=str, choices=("generation",)), "id": Option(kind=str, own_job=True)}
)
_OPTIONS = {
    "loop": Option(kind=bool),
    "concepts": Option(kind=str),
    "keyframes": Option(kind=dict, fields={"frame0": _PRIOR, "frame1": _PRIOR}),
}
_PROMPT = 5000
"""3 to 5000 characters, by third parties."""
_KEYS = "Keys of Luma's newer platform (`luma-api-…`) are said not to work here. "

MODELS: tuple[VideoModel, ...] = (
    VideoModel(
        id="luma-legacy/ray-1-6",
        provider="luma-legacy",
        wire_name="ray-1-6",
        family="ray-1.6",
        title="Luma Ray 1.6",
        checked=_CHECKED,
        lifecycle=Lifecycle(
            state=LifecycleState.RETIRED,
            # The day `lumaai` 1.19.0 came out without it; the day it ended at the API is not known.
            retires=date(2026, 1, 7),
            successor="luma/ray-3.2",
        ),
        wire={},
        prompt_limit=_PROMPT,
        prices=(),
        cancel_cost=CancelCost.BY_USAGE,
        quality_rank=70,
        speed_class="medium",
        best_for="nothing any more",
        typical_seconds=(60, 120),
        deadline_seconds=900,
        notes="The Dream Machine of 2024.",
    ),
    VideoModel(
        id="luma-legacy/ray-2",
        provider="luma-legacy",
        wire_name="ray-2",
        family="ray-2",
        title="Luma Ray 2",
        checked=_CHECKED,
        # No shutdown date is published, so it is not called deprecated.
        text=_TEXT,
        image=_IMAGE,
        fps=_FPS,
        wire=_WIRE,
        spellings=_SPOKEN,
        qualities=_TIERS,
        options=_OPTIONS,
        prompt_limit=_PROMPT,
        media_forms=(MediaForm.URI,),
        prices=tuple(_prices("0.0064")),
        cancel_cost=CancelCost.BY_USAGE,
        quality_rank=42,
        speed_class="medium",
        best_for="clips up to 4k from text or frames, for accounts of the older API",
        typical_seconds=(60, 180),
        deadline_seconds=1200,
        default_fallbacks=("luma-legacy/ray-flash-2",),
        notes=f"{_KEYS}`concepts` is one camera concept, or several with commas between; `keyframes` with a prior "
        "generation extends it.",
    ),
    VideoModel(
        id="luma-legacy/ray-flash-2",
        provider="luma-legacy",
        wire_name="ray-flash-2",
        family="ray-flash-2",
        title="Luma Ray Flash 2",
        checked=_CHECKED,
        text=_TEXT,
        image=_IMAGE,
        fps=_FPS,
        wire=_WIRE,
        spellings=_SPOKEN,
        qualities=_TIERS,
        options=_OPTIONS,
        prompt_limit=_PROMPT,
        media_forms=(MediaForm.URI,),
        prices=tuple(_prices("0.0022")),
        cancel_cost=CancelCost.BY_USAGE,
        quality_rank=50,
        speed_class="fast",
        best_for="the same as Ray 2 at a third of its price",
        typical_seconds=(30, 90),
        deadline_seconds=900,
        default_fallbacks=("luma-legacy/ray-2",),
        notes=f"{_KEYS}`concepts` is one camera concept, or several with commas between; `keyframes` with a prior "
        "generation extends it.",
    ),
)
