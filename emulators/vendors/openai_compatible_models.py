"""What the emulated Videos API sells: Sora's sizes, lengths and last list prices."""

from collections.abc import Mapping
from dataclasses import dataclass

from emulators.jobs import Clip

SECONDS = ("4", "8", "12", "16", "20")
"""The last two are the guide's; an upstream of the older kind knows the first three."""
LONGEST = 120
FPS = 30.0
"""A guess: no page tells the frame rate."""
HD = {"720x1280": 0, "1280x720": 0}
FINE = {"1024x1792": 0, "1792x1024": 0}
FULL = {"1080x1920": 0, "1920x1080": 0}


@dataclass(frozen=True, kw_only=True, slots=True)
class SoraModel:
    """One model."""

    prices: Mapping[str, int]
    """Size -> millionths of a dollar per second."""
    run_seconds: float

    def price(self, size: str, seconds: int) -> int:
        """Millionths of a dollar for a clip."""
        return self.prices[size] * seconds


SORA_2 = SoraModel(prices=dict.fromkeys(HD, 100_000), run_seconds=80)
SORA_2_PRO = SoraModel(
    prices=dict.fromkeys(HD, 300_000) | dict.fromkeys(FINE, 500_000) | dict.fromkeys(FULL, 700_000), run_seconds=180
)
SORA_MODELS: Mapping[str, SoraModel] = {
    "sora-2": SORA_2,
    "sora-2-pro": SORA_2_PRO,
    "sora-2-2025-10-06": SORA_2,
    "sora-2-2025-12-08": SORA_2,
    "sora-2-pro-2025-10-06": SORA_2_PRO,
}


def clip(size: str, seconds: int) -> Clip:
    """The facts of a clip; Sora's always have sound."""
    width, height = map(int, size.split("x"))
    return Clip(seconds=float(seconds), width=width, height=height, fps=FPS, audio=True)
