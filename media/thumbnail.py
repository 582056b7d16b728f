"""A small still of a clip: its first picture that shows something."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import MediaRejected
from media.luma import Miniature, mean_of
from media.probe import MAX_SIDE
from media.source import opened
from media.writing import replacing

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

WIDTH, HEIGHT = 320, 180
BRIGHT_ENOUGH = 48.0
"""A mean luma at which a fade-in from black has become a picture."""
LOOK_AHEAD = 150
"""Frames to wait for such a picture; a clip that stays dark shows its brightest one."""
QUALITY = 82


def thumbnail(path: Path) -> bytes:
    """A 320x180 JPEG, letterboxed. Raises MediaRejected when no frame of the file decodes."""
    with opened(path) as source:
        source.video.codec_context.thread_type = "NONE"  # frame threads only add start-up for one picture
        source.video.codec_context.thread_count = 1
        return _jpeg(_telling(source.container.decode(source.video)))


def write_thumbnail(path: Path, target: Path) -> int:
    """The same into a file; its size in bytes."""
    data = thumbnail(path)
    with replacing(target) as part:
        part.write_bytes(data)
    return len(data)


def _telling(frames: "Iterator[VideoFrame]") -> "VideoFrame":
    """The first bright frame, else the brightest of the beginning."""
    best: VideoFrame | None = None
    best_mean, miniature = -1.0, Miniature()
    for number, frame in enumerate(frames):
        if frame.width > MAX_SIDE or frame.height > MAX_SIDE:
            raise MediaRejected(f"the picture is {frame.width}x{frame.height}")
        mean = mean_of(miniature.of(frame))
        if mean > best_mean:
            best, best_mean = frame, mean
        if mean >= BRIGHT_ENOUGH or number >= LOOK_AHEAD:
            break
    if best is None:
        raise MediaRejected("the file is damaged: none of its frames can be decoded")
    return best


def _jpeg(frame: "VideoFrame") -> bytes:
    from PIL import Image

    scale = min(WIDTH / frame.width, HEIGHT / frame.height)
    width, height = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
    small = Image.frombytes("RGB", (width, height), _rgb(frame, width, height))
    canvas = Image.new("RGB", (WIDTH, HEIGHT))
    canvas.paste(small, ((WIDTH - width) // 2, (HEIGHT - height) // 2))
    buffer = io.BytesIO()
    canvas.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def _rgb(frame: "VideoFrame", width: int, height: int) -> bytes:
    """The picture in that size, rows of RGB without the padding that FFmpeg puts behind each."""
    plane = frame.reformat(width=width, height=height, format="rgb24").planes[0]
    data, stride = bytes(plane), plane.line_size
    return b"".join(data[row * stride : row * stride + 3 * width] for row in range(height))
