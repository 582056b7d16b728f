"""Draws GIFs and single pictures: what some models make instead of a video, and thumbnails. Runs in a media worker."""

import colorsys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from media.lettering import panel

if TYPE_CHECKING:
    from PIL.Image import Image


def render_pictures(
    path: str,
    *,
    width: int,
    height: int,
    frames: int,
    fps: float,
    black: bool,
    lines: Sequence[str],
    seed: int,
) -> None:
    """Write `frames` pictures to `path`, whose ending names the format: GIF (looping), WebP or JPEG."""
    drawn = [_frame((width, height), number / frames, lines, seed, black=black) for number in range(frames)]
    if path.endswith(".gif"):
        more = {"append_images": drawn[1:], "duration": round(1000 / fps), "loop": 0, "optimize": False}
        drawn[0].save(path, "GIF", save_all=True, **more)
    else:
        drawn[0].save(path, "WEBP" if path.endswith(".webp") else "JPEG")


def _frame(size: tuple[int, int], turn: float, lines: Sequence[str], seed: int, *, black: bool) -> "Image":
    """Letters on a plane whose colour goes once around; every frame differs from the one before."""
    from PIL import Image

    if black:
        return Image.new("RGB", size, "black")
    colour = colorsys.hsv_to_rgb((seed * 0.618033988749895 + turn) % 1.0, 0.6, 0.8)
    image = Image.new("RGB", size, tuple(round(255 * part) for part in colour))
    letters = panel(max(8, size[0] * 4 // 5), max(8, size[1] * 7 // 10), "MOCK", lines)
    image.paste(letters, ((size[0] - letters.width) // 2, (size[1] - letters.height) // 2))
    return image
