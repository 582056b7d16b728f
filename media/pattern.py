"""What a mock clip shows: a panel of text on a tinted ground, and bars of light that wander above and below it."""

import colorsys
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from media.lettering import panel

if TYPE_CHECKING:
    from PIL.Image import Image

TITLE = "MOCK"
ROUND = 13
"""Pictures after which the motion repeats. A prime, so that whoever looks at every n-th picture sees it move."""
WAVES = 4
"""Bars of light side by side."""
BLOCK = 16
"""Side of the squares in which an encoder works: a ground that changes between them only costs it almost nothing."""
GREY = 128


class Pattern:
    """The planes that all pictures share, and the rows in which they differ. Sides are even, the seed tints."""

    def __init__(self, width: int, height: int, lines: Sequence[str], seed: int) -> None:
        size = max(8, width * 4 // 5 // 2 * 2), max(8, height * 7 // 10 // 2 * 2)
        self.corner = (width - size[0]) // 4 * 2, (height - size[1]) // 4 * 2
        """The left upper corner of the panel; even, as chroma demands."""
        self.panel = panel(*size, TITLE, lines)
        self.band = min(self.corner[1], max(2, height // 24 * 2))
        """Rows of bars at the upper and at the lower edge; even."""
        self.luma = _ground(width, height)
        self.luma.paste(self.panel, self.corner)
        self.tint = _tint(seed)
        """Blue and red chroma of the ground."""
        self.blue, self.red = (self._chroma((width // 2, height // 2), tint) for tint in self.tint)
        self._step = max(1, width // (WAVES * ROUND))
        period = self._step * ROUND
        wave = bytes(round(120 + 70 * math.sin(2 * math.pi * x / period)) for x in range(period))
        self._waves = wave * (width // period + 3)

    def bars(self, number: int, length: int) -> tuple[bytes, bytes]:
        """The luma of each upper and each lower bar row of that picture, `length` pixels from the left."""
        moved = self._step * (number % ROUND)
        there, back = moved, self._step * ROUND - moved
        padded = self._waves + bytes(length)
        return padded[back : back + length], padded[there : there + length]

    def _chroma(self, size: tuple[int, int], tint: int) -> "Image":
        """A plane of that tint; the bars have the opposite, the panel none."""
        from PIL import Image

        plane = Image.new("L", size, 2 * GREY - tint)
        plane.paste(tint, (0, self.band // 2, plane.width, plane.height - self.band // 2))
        (left, top), panel = self.corner, self.panel
        plane.paste(GREY, (left // 2, top // 2, (left + panel.width) // 2, (top + panel.height) // 2))
        return plane


def _tint(seed: int) -> tuple[int, int]:
    red, green, blue = colorsys.hsv_to_rgb(seed * 0.618033988749895 % 1.0, 0.75, 1.0)
    return round(GREY + 70 * (blue - 0.5)), round(GREY + 70 * (red - green / 2))


def _ground(width: int, height: int) -> "Image":
    """From dark to light downwards, in steps that fall between an encoder's squares."""
    from PIL import Image

    steps = -(-height // BLOCK)
    column = Image.frombytes("L", (1, steps), bytes(95 + 50 * step // steps for step in range(steps)))
    return column.resize((width, steps * BLOCK), Image.Resampling.NEAREST).crop((0, 0, width, height))
