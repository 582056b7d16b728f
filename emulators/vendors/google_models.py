"""What the emulated Gemini API sells, and what it says of models that are gone."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

SIZES: Mapping[str, tuple[int, int]] = {
    "360p": (640, 360),
    "720p": (1280, 720),
    "1080p": (1920, 1080),
    "4k": (3840, 2160),
}
"""16:9 in pixels, as resellers tell."""
TOKENS: Mapping[str, int] = {"360p": 1738, "720p": 5792, "1080p": 8688, "4k": 17_376}
"""Tokens of a second of video. Google tells those of 720p and 1080p; the others follow from the prices' proportions."""
FPS = 24


@dataclass(frozen=True, kw_only=True, slots=True)
class OmniModel:
    """A model of the Interactions API that makes video."""

    name: str
    longest: Mapping[str, int]
    """Task to seconds; an extension's own length. Those of `image_to_video` with two images: `interpolation`."""
    references: int
    longest_source: float
    tasks: frozenset[str]
    micros_per_second: Mapping[str, int] | None = None
    """None: its tokens are priced."""
    run_seconds: float

    def price_micros(self, resolution: str, seconds: float) -> int:
        """Of so many seconds; tokens cost 17.50 USD a million."""
        if self.micros_per_second is None:
            exact = Decimal("17.50") * tokens(resolution, seconds)
        else:
            exact = Decimal(self.micros_per_second[resolution]) * Decimal(str(seconds))
        return int(exact.to_integral_value(rounding=ROUND_HALF_UP))


def tokens(resolution: str, seconds: float) -> int:
    """Of so many seconds of video."""
    return round(TOKENS[resolution] * seconds)


_TASKS = frozenset({"text_to_video", "image_to_video", "reference_to_video", "edit", "extend"})
_ALL_TEN = dict.fromkeys(("text_to_video", "image_to_video", "interpolation", "reference_to_video", "extend"), 10)

MODELS: Mapping[str, OmniModel] = {
    model.name: model
    for model in (
        OmniModel(
            name="gemini-omni-1.1-flash",
            longest=_ALL_TEN,
            references=3,
            longest_source=10,
            tasks=_TASKS,
            run_seconds=45,
        ),
        OmniModel(
            name="gemini-omni-1.2-flash",
            longest={**_ALL_TEN, "text_to_video": 15, "image_to_video": 15},
            references=6,
            longest_source=15,
            tasks=_TASKS | {"upscale"},
            micros_per_second={"360p": 23_000, "720p": 70_000, "1080p": 105_000, "4k": 210_000},
            run_seconds=40,
        ),
    )
}
GONE = frozenset(
    {
        "gemini-omni-flash-preview",
        "veo-2.0-generate-001",
        "veo-3.0-generate-001",
        "veo-3.0-fast-generate-001",
        "veo-3.1-generate-preview",
        "veo-3.1-fast-generate-preview",
        "veo-3.1-lite-generate-preview",
    }
)
