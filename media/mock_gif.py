"""Writes a mock clip as an animated GIF."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from media.pattern import GREY, Pattern

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_FPS = 50
"""A GIF counts in hundredths of a second, and its readers take one hundredth for ten."""

_TINTED = [value // 2 for value in range(256)]
_PLAIN = [128 + value // 2 for value in range(256)]
"""Luma to a place in the palette: its first half is tinted, its second grey."""


def write_gif(path: Path, pattern: Pattern, *, frames: int, rate: Fraction) -> None:
    """So many pictures, played for ever; together they last as long as at `rate`, to a hundredth of a second."""
    ends = [round(100 * number / rate) for number in range(frames + 1)]
    delays = [10 * (end - start) for start, end in pairwise(ends)]  # Pillow counts in milliseconds
    first, *others = _pictures(pattern, frames)
    first.save(path, "GIF", save_all=True, append_images=others, duration=delays, loop=0, optimize=False)


def _pictures(pattern: Pattern, frames: int) -> "Iterator[Image]":
    """The pictures in 256 colours. Only the lower bars wander, so that one strip is all that changes."""
    from PIL import Image

    luma = pattern.luma.point(_TINTED)
    luma.paste(pattern.panel.point(_PLAIN), pattern.corner)
    ground = Image.frombytes("P", luma.size, luma.tobytes())
    ground.putpalette(_palette(pattern))
    width, height = ground.size
    for number in range(frames):
        _, lower = pattern.bars(number, width)
        bars = Image.frombytes("P", (width, 1), lower.translate(bytes(_TINTED)))
        picture = ground.copy()
        picture.paste(bars.resize((width, pattern.band)), (0, height - pattern.band))
        yield picture


def _palette(pattern: Pattern) -> bytes:
    from PIL import Image

    tints = (pattern.tint, (GREY, GREY))
    colours = b"".join(bytes((luma, *tint)) for tint in tints for luma in range(0, 256, 2))
    return Image.frombytes("YCbCr", (256, 1), colours).convert("RGB").tobytes()
