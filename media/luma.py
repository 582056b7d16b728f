"""Looks at pictures through a small grey copy of each: is anything there, does anything move."""

from operator import sub
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

WIDTH, HEIGHT = 64, 36
BLACK = 32
"""A luma up to which a pixel shows nothing (broadcast black is 16)."""
STILL = 2
"""Differences up to this are a codec's noise."""


class Miniature:
    """Makes small grey copies of pictures. It keeps its scaler, which costs more to set up than one copy does."""

    def __init__(self) -> None:
        from av.video.reformatter import VideoReformatter

        self._scaler = VideoReformatter()

    def of(self, frame: "VideoFrame") -> bytes:
        """The picture in 64x36 luma values, a row after the other."""
        small = self._scaler.reformat(frame, width=WIDTH, height=HEIGHT, format="gray", interpolation="AREA")
        plane = small.planes[0]
        data, stride = bytes(plane), plane.line_size
        return b"".join(data[row * stride : row * stride + WIDTH] for row in range(HEIGHT))


def mean_of(luma: bytes) -> float:
    """0 (black) to 255."""
    return sum(luma) / len(luma)


class Look:
    """What a few pictures of a clip show, taken together."""

    def __init__(self) -> None:
        self._miniature = Miniature()
        self._means: list[float] = []
        self._brightest = 0
        self._change = 0
        self._first = b""

    def at(self, frame: "VideoFrame") -> None:
        """Take one more picture into account."""
        luma = self._miniature.of(frame)
        self._means.append(mean_of(luma))
        brightest = max(luma)
        self._brightest = max(self._brightest, brightest)
        self._first = self._first or luma
        change = max(map(abs, map(sub, luma, self._first)))
        self._change = max(self._change, change)

    @property
    def mean(self) -> float:
        """The mean luma, 0 to 255."""
        return round(sum(self._means) / max(1, len(self._means)), 2)

    @property
    def is_black(self) -> bool:
        """No picture showed anything."""
        return self._brightest <= BLACK

    @property
    def is_frozen(self) -> bool:
        """All pictures were the same."""
        return self._change <= STILL
