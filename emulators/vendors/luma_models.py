"""What Luma sells, in the emulators' own tables. https://docs.agents.lumalabs.ai/guides/pricing"""

from collections.abc import Mapping
from fractions import Fraction

FPS = 24
RATIOS = ("16:9", "1:1", "21:9", "3:4", "4:3", "9:16")
"""As the server lists them: sorted as text."""
LEGACY_RATIOS = (*RATIOS, "9:21")
LINES: Mapping[str, int] = {"360p": 360, "540p": 540, "720p": 720, "1080p": 1080, "4k": 2160}
GENERATION_MICROS: Mapping[tuple[str, int], int] = {
    ("360p", 5): 60_000,
    ("360p", 10): 180_000,
    ("540p", 5): 150_000,
    ("540p", 10): 450_000,
    ("720p", 5): 300_000,
    ("720p", 10): 900_000,
    ("1080p", 5): 1_200_000,
    ("1080p", 10): 3_600_000,
}
HDR_MICROS: Mapping[str, int] = {"720p": 600_000, "1080p": 2_400_000}
HDR_EXR_MICROS: Mapping[str, int] = {"720p": 900_000, "1080p": 3_600_000}
EDIT_MICROS: Mapping[str, int] = {"360p": 360_000, "540p": 720_000, "720p": 1_080_000, "1080p": 2_160_000}
"""For each 5 s of source begun; that 12 s are three blocks is a guess, and so is the price at 360p."""
REFRAME_MICROS: Mapping[str, int] = {"360p": 30_000, "540p": 60_000, "720p": 120_000, "1080p": 360_000}
"""For each second of source; the price at 360p is a guess."""
LEGACY_PICODOLLARS: Mapping[str, int] = {"ray-2": 6_400, "ray-flash-2": 2_200}
"""For each pixel put out, in millionths of a millionth of a dollar."""


def size_of(ratio: Fraction, resolution: str) -> tuple[int, int]:
    """Pixels of a clip: 16:9 is exact, everything else has its area in multiples of 16 (nobody publishes sizes)."""
    lines = LINES[resolution]
    wide = lines * 16 // 9
    if ratio == Fraction(16, 9):
        return wide, lines
    if ratio == Fraction(9, 16):
        return lines, wide
    width = float(wide * lines * ratio) ** 0.5
    return 16 * round(width / 16), 16 * round(width / float(ratio) / 16)


def ratio_of(text: str) -> Fraction:
    """`16:9` as a number."""
    width, _, height = text.partition(":")
    return Fraction(int(width), int(height))


def legacy_micros(model: str, resolution: str, seconds: int) -> int:
    """The price of a Dream Machine clip, by the pixels of its 16:9 form."""
    width, height = size_of(Fraction(16, 9), resolution)
    return round(width * height * FPS * seconds * LEGACY_PICODOLLARS[model] / 1_000_000)
