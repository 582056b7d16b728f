"""What the emulated Runway sells: each model's fields, sizes, lengths, credits and run time (SDK 5.24, docs)."""

from collections.abc import Mapping

from emulators.vendors.runway_partners import PARTNERS
from emulators.vendors.runway_parts import FULL, GEN45_EXTRAS, SIX, WIDE, Operation, RunwayModel, tiers

_VEO = ("duration", "audio", "negativePrompt", "seed")
_VEO_TEXT = Operation(required=("promptText", "ratio"), optional=_VEO, ratios=FULL)
_VEO_IMAGE = Operation(
    required=("promptImage", "ratio"), optional=("promptText", *_VEO), ratios=FULL, positions=("first", "last")
)

# What is assumed for a missing duration is not documented; 8 s and 5 s are guesses. That sound is on is told by others.
_NATIVE: Mapping[str, RunwayModel] = {
    "gen4.5": RunwayModel(
        text=Operation(required=("promptText", "ratio", "duration"), optional=GEN45_EXTRAS, ratios=WIDE),
        image=Operation(required=("promptImage", "promptText", "ratio", "duration"), optional=GEN45_EXTRAS, ratios=SIX),
        rates={"720p": 12},
        run_seconds=75,
    ),
    "gen4_turbo": RunwayModel(
        image=Operation(
            required=("promptImage", "ratio"),
            optional=("promptText", "duration", "seed", "contentModeration"),
            ratios=SIX,
        ),
        rates={"720p": 5},
        run_seconds=40,
    ),
    "veo3.1": RunwayModel(
        text=_VEO_TEXT,
        image=_VEO_IMAGE,
        listed=(4, 6, 8),
        default_duration=8,
        rates={"720p": 40, "1080p": 40},
        silent={"720p": 20, "1080p": 20},
        sounds=True,
        run_seconds=100,
    ),
    "veo3.1_fast": RunwayModel(
        text=_VEO_TEXT,
        image=_VEO_IMAGE,
        listed=(4, 6, 8),
        default_duration=8,
        rates={"720p": 15, "1080p": 15},
        silent={"720p": 10, "1080p": 10},
        sounds=True,
        run_seconds=60,
    ),
    "aleph2": RunwayModel(
        video=Operation(
            required=("videoUri",),
            optional=(
                *("promptText", "keyframes", "seed", "contentModeration", "targetAspectRatio", "ratio"),
                *("outputFormat", "proresProfile"),
            ),
            ratios=tiers("720p", ""),
            longest_source=30,
            keeps_length=True,
        ),
        shortest=2,
        longest=30,
        rates={"720p": 28},
        least=56,
        run_seconds=90,
    ),
}

RUNWAY_MODELS: Mapping[str, RunwayModel] = {**_NATIVE, **PARTNERS}
