"""Real clips, made once: by the placeholder, or frame by frame where a test needs a picture of its own."""

import array
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import pytest

from media import placeholder

Painter = Callable[[int], int]
"""The grey (0 to 255) of each frame."""


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One second, 160x90 at 24 frames a second, with sound."""
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    placeholder.render(path, seconds=1, width=160, height=90, fps=24, audio=True, lines=["a clip"])
    return path


@pytest.fixture
def paint(tmp_path: Path) -> Callable[..., Path]:
    """Makes a file of plain grey frames: `paint(name, codec, 24, painter, ...)`."""

    def make(
        name: str,
        codec: str,
        frames: int,
        painter: Painter,
        *,
        format: str | None = None,  # noqa: A002 - PyAV's word
        pixels: str = "yuv420p",
        size: tuple[int, int] = (160, 90),
        rate: int = 24,
        audio: str = "",
        options: dict[str, str] | None = None,
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w", format=format, options=options or {}) as container:
            stream = container.add_stream(codec, rate=rate)
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height, stream.pix_fmt = *size, pixels
            sound = container.add_stream(audio, rate=48_000, layout="stereo") if audio else None
            for number in range(frames):
                grey = bytes([*[painter(number)] * 3, 255]) * (size[0] * size[1])
                frame = av.VideoFrame.from_bytes(grey, *size, "rgba").reformat(format=pixels)
                frame.pts, frame.time_base = number, Fraction(1, rate)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
            if isinstance(sound, av.AudioStream):
                for block in silence(sound, frames * 48_000 // rate):
                    container.mux(sound.encode(block))
                container.mux(sound.encode(None))
        return path

    return make


def silence(stream: av.AudioStream, samples: int) -> Iterator[av.AudioFrame]:
    """Quiet sound in blocks the encoder takes."""
    block = {"libopus": 960, "libmp3lame": 1152}.get(stream.codec_context.name, 1024)
    resampler = av.AudioResampler(format=stream.codec_context.format, layout="stereo", rate=48_000, frame_size=block)
    for start in range(0, samples, block):
        frame = av.AudioFrame(format="fltp", layout="mono", samples=block)
        frame.planes[0].update(array.array("f", [0.0] * block).tobytes())
        frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
        yield from resampler.resample(frame)


def boxes(data: bytes) -> Sequence[tuple[bytes, bytes]]:
    """Name and whole bytes of each top-level box of an MP4."""
    found, position = [], 0
    while position < len(data):
        length = int.from_bytes(data[position : position + 4])
        found.append((data[position + 4 : position + 8], data[position : position + length]))
        position += length
    return found


@pytest.fixture
def clip_boxes(clip: Path) -> dict[bytes, bytes]:
    """The top-level boxes of `clip` by name, in order."""
    return dict(boxes(clip.read_bytes()))
