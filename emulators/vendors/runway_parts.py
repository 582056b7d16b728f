"""The vocabulary of the emulated Runway's tables: what a model takes on each route, and how it is charged."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MICROS_PER_CREDIT = 10_000
SURCHARGES: Mapping[str, int] = {
    "mp4": 0,
    # Seedance's other container; whether it costs more is not told.
    "mov": 0,
    "prores": 5,
    "png_sequence": 5,
    "hdr10": 20,
    "hlg": 20,
    "sdr_rec709_10bit": 20,
    "hdr_pq_12bit_master": 20,
    "hdr_prores": 20,
    "hdr_png_sequence": 20,
    "hdr_exr_sequence": 20,
    "hdr_exr_acescg_sequence_1_3": 20,
    "hdr_exr_acescg_sequence_2_0": 20,
}
"""Credits per second that `outputFormat` adds; whatever the format, the emulated file is an MP4."""
NATIVE_FORMATS = tuple(name for name in SURCHARGES if name != "mov")
PRORES_PROFILES = ("422", "4444", "422 Proxy", "422 LT", "422 HQ", "4444 XQ")
LINES: Mapping[str, int] = {"360p": 360, "480p": 480, "720p": 720, "768p": 768, "1080p": 1080, "2k": 1440, "4k": 2160}


def tiers(*told: str) -> dict[str, str]:
    """`tiers("720p", "1280:720 720:1280", "1080p", ...)`: each value of `ratio` to the tier that it is charged as."""
    pairs = zip(told[::2], told[1::2], strict=True)
    return {ratio: tier for tier, ratios in pairs for ratio in ratios.split()}


WIDE = tiers("720p", "1280:720 720:1280")
SIX = tiers("720p", "1280:720 720:1280 1104:832 960:960 832:1104 1584:672")
FULL = tiers("720p", "1280:720 720:1280", "1080p", "1080:1920 1920:1080")
GEN45_EXTRAS = ("seed", "contentModeration", "outputFormat", "proresProfile")


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """What a model takes on one of its routes."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    ratios: Mapping[str, str] = field(default_factory=dict)
    """Each value of `ratio` with its tier; the first one is taken for a missing one. A shape's name has no tier."""
    resolutions: tuple[str, ...] = ()
    positions: tuple[str, ...] = ("first",)
    unplaced: bool = False
    """Whether `promptImage` may hold pictures without a position, as references."""
    references: int = 0
    longest_source: float = 0
    keeps_length: bool = False
    """Whether the clip is as long as its source."""
    modes: tuple[str, ...] = ()
    """Values of `mode`; the first one is taken for a missing one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunwayModel:
    """One model. `rates` are credits per second by tier, `silent` those without sound where they differ."""

    text: Operation | None = None
    image: Operation | None = None
    video: Operation | None = None
    shortest: int = 2
    longest: int = 10
    listed: tuple[int, ...] = ()
    """Lengths offered one by one; a wrong one is told as a wrong choice instead of as too big or too small."""
    automatic: bool = False
    """Whether `duration` may be `auto`."""
    default_duration: int = 5
    prompt: int = 1000
    """The longest `promptText` in UTF-16 code units."""
    rates: Mapping[str, float]
    silent: Mapping[str, float] = field(default_factory=dict)
    edit_rates: Mapping[str, float] = field(default_factory=dict)
    """Credits per second of a clip made from a video, where they differ."""
    source_rates: Mapping[str, float] = field(default_factory=dict)
    """Credits per second of the video it is made from."""
    per_picture: int = 0
    """Credits for each input picture."""
    least: int = 0
    """Credits of the cheapest clip."""
    sounds: bool = False
    """Whether there is sound when `audio` is not said."""
    run_seconds: float
    """A usual run."""
    fps: float = 24.0

    def operation(self, route: str) -> Operation | None:
        """What it takes on `text`, `image` or `video`, if it is offered there."""
        return {"text": self.text, "image": self.image, "video": self.video}.get(route)
