"""What the emulated Veo on Vertex sells."""

from collections.abc import Mapping
from dataclasses import dataclass

SIZES: Mapping[str, tuple[int, int]] = {"720p": (1280, 720), "1080p": (1920, 1080), "4k": (3840, 2160)}
FPS = 24


@dataclass(frozen=True, kw_only=True, slots=True)
class VeoModel:
    """A publisher model."""

    name: str
    micros_per_second: Mapping[str, int]
    """By resolution; those that are offered."""
    references: int
    run_seconds: float


MODELS: Mapping[str, VeoModel] = {
    model.name: model
    for model in (
        VeoModel(
            name="veo-3.1-generate-001",
            micros_per_second={"720p": 400_000, "1080p": 400_000, "4k": 600_000},
            references=3,
            run_seconds=90,
        ),
        VeoModel(
            name="veo-3.1-fast-generate-001",
            micros_per_second={"720p": 100_000, "1080p": 120_000, "4k": 300_000},
            references=3,
            run_seconds=45,
        ),
        VeoModel(
            name="veo-3.1-lite-generate-001",
            micros_per_second={"720p": 50_000, "1080p": 80_000},
            references=0,
            run_seconds=30,
        ),
    )
}
