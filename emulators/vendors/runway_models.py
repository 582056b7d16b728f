"""What the emulated Runway sells: each model's fields, sizes, lengths, credits and run time (SDK 5.24, docs)."""

from collections.abc import Mapping
from dataclasses import dataclass

MICROS_PER_CREDIT = 10_000
WIDE = ("1280:720", "720:1280")
SIX = (*WIDE, "1104:832", "960:960", "832:1104", "1584:672")
FULL = (*WIDE, "1080:1920", "1920:1080")
SURCHARGES: Mapping[str, int] = {
    "mp4": 0,
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
PRORES_PROFILES = ("422", "4444", "422 Proxy", "422 LT", "422 HQ", "4444 XQ")


@dataclass(frozen=True, kw_only=True, slots=True)
class RunwayMode:
    """What a model takes on one of its two routes."""

    required: tuple[str, ...]
    optional: tuple[str, ...]
    ratios: tuple[str, ...]
    positions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RunwayModel:
    """One model. `credits` are per second, `silent_credits` without audio; `run_seconds` is a usual run."""

    text: RunwayMode | None = None
    image: RunwayMode | None = None
    durations: tuple[int, ...] = tuple(range(2, 11))
    listed_durations: bool = False
    """Whether a wrong length is told as a wrong choice instead of as too big or too small."""
    default_duration: int = 5
    credits: int
    silent_credits: int
    has_audio: bool = False
    run_seconds: float
    fps: float = 24.0


VEO_TEXT = RunwayMode(
    required=("promptText", "ratio"), optional=("duration", "audio", "negativePrompt", "seed"), ratios=FULL
)
VEO_IMAGE = RunwayMode(
    required=("promptImage", "ratio"),
    optional=("promptText", "duration", "audio", "negativePrompt", "seed"),
    ratios=FULL,
    positions=("first", "last"),
)
GEN45_EXTRAS = ("seed", "contentModeration", "outputFormat", "proresProfile")

# What is assumed for a missing duration or audio is not documented; 8 s with sound, and 5 s, are guesses.
RUNWAY_MODELS: Mapping[str, RunwayModel] = {
    "gen4.5": RunwayModel(
        text=RunwayMode(required=("promptText", "ratio", "duration"), optional=GEN45_EXTRAS, ratios=WIDE),
        image=RunwayMode(
            required=("promptImage", "promptText", "ratio", "duration"),
            optional=GEN45_EXTRAS,
            ratios=SIX,
            positions=("first",),
        ),
        credits=12,
        silent_credits=12,
        run_seconds=75,
    ),
    "gen4_turbo": RunwayModel(
        image=RunwayMode(
            required=("promptImage", "ratio"),
            optional=("promptText", "duration", "seed", "contentModeration"),
            ratios=SIX,
            positions=("first",),
        ),
        credits=5,
        silent_credits=5,
        run_seconds=40,
    ),
    "veo3.1": RunwayModel(
        text=VEO_TEXT,
        image=VEO_IMAGE,
        durations=(4, 6, 8),
        listed_durations=True,
        default_duration=8,
        credits=40,
        silent_credits=20,
        has_audio=True,
        run_seconds=100,
    ),
    "veo3.1_fast": RunwayModel(
        text=VEO_TEXT,
        image=VEO_IMAGE,
        durations=(4, 6, 8),
        listed_durations=True,
        default_duration=8,
        credits=15,
        silent_credits=10,
        has_audio=True,
        run_seconds=60,
    ),
}
