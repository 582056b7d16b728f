"""Makes mock clips: real MP4s of any size and length, marked MOCK, for a fraction of a second of work.

One seamless second is encoded; its packets are then repeated until the clip is as long as asked.
"""

import colorsys
import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from media.lettering import panel
from media.writing import replacing

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream
    from PIL.Image import Image

TITLE = "MOCK"
LEAST_SIDE, MOST_SIDE = 16, 8192
SAMPLE_RATE = 48_000
TONE_HERTZ = 220
LOUDNESS = 0.04
TILE = 64
PERIODS = 2
"""How often the gradient repeats across the picture: in one second it moves on by one repeat."""


def render(
    path: Path,
    *,
    seconds: float,
    width: int,
    height: int,
    fps: float,
    audio: bool,
    lines: Sequence[str] = (),
    seed: int = 0,
) -> None:
    """Write an H.264 MP4 (yuv420p, faststart; AAC when `audio`) of round(seconds * fps) frames.

    Odd sizes are rounded down to even ones. The seed chooses the colours. Raises ValueError for a size or length no
    vendor has, MediaFault when the disk refuses.
    """
    clip = _Clip.of(seconds=seconds, width=width, height=height, fps=fps)
    pictures = _Pictures(clip, panel(*clip.panel_size, TITLE, lines), seed)
    with replacing(path) as part:
        _write(part, clip, pictures, audio=audio)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Clip:
    """The clip's measures, checked."""

    frames: int
    width: int
    height: int
    rate: Fraction

    @classmethod
    def of(cls, *, seconds: float, width: int, height: int, fps: float) -> "_Clip":
        """The measures as frames and even sides."""
        if not (LEAST_SIDE <= width <= MOST_SIDE and LEAST_SIDE <= height <= MOST_SIDE):
            raise ValueError(f"a placeholder is {LEAST_SIDE} to {MOST_SIDE} pixels wide and high")
        if not (0 < seconds <= 3600 and 1 <= fps <= 240):
            raise ValueError("a placeholder lasts up to 3600 s at 1 to 240 frames a second")
        rate = Fraction(fps).limit_denominator(1001)
        frames = max(1, round(Fraction(seconds).limit_denominator(10_000) * rate))
        return cls(frames=frames, width=width // 2 * 2, height=height // 2 * 2, rate=rate)

    @property
    def loop(self) -> int:
        """Frames of one seamless round, which lasts a second."""
        return max(1, round(self.rate))

    @property
    def panel_size(self) -> tuple[int, int]:
        """Of the still panel in the middle; even, as chroma demands."""
        return max(8, self.width * 4 // 5 // 2 * 2), max(8, self.height * 7 // 10 // 2 * 2)

    @property
    def panel_corner(self) -> tuple[int, int]:
        """Its left upper corner; even."""
        width, height = self.panel_size
        return (self.width - width) // 4 * 2, (self.height - height) // 4 * 2

    @property
    def samples(self) -> int:
        """Of sound, for exactly as long as the pictures last."""
        return round(self.frames * SAMPLE_RATE / self.rate)


class _Pictures:
    """The frames of one round: gradient planes that slide sideways, under a panel that stays."""

    def __init__(self, clip: _Clip, lettering: "Image", seed: int) -> None:
        from PIL import Image

        self._clip = clip
        hue = seed * 0.618033988749895 % 1.0
        red, green, blue = colorsys.hsv_to_rgb(hue, 0.75, 1.0)
        half = clip.width // 2, clip.height // 2
        self._luma = _waves((clip.width, clip.height), base=120, swing=55, phase=0.0)
        self._blue = _waves(half, base=128, swing=70 * (blue - 0.5), phase=0.15)
        self._red = _waves(half, base=128, swing=70 * (red - green / 2), phase=0.35)
        self._panel = lettering
        self._blank = Image.new("L", (lettering.width // 2, lettering.height // 2), 128)

    def frame(self, number: int) -> "VideoFrame":
        """The picture of that number, within one round."""
        from av import VideoFrame

        clip = self._clip
        left, top = clip.panel_corner
        shift = clip.width // 2 // PERIODS * number // clip.loop
        planes = (
            _slid(self._luma, 2 * shift, self._panel, (left, top)),
            _slid(self._blue, shift, self._blank, (left // 2, top // 2)),
            _slid(self._red, shift, self._blank, (left // 2, top // 2)),
        )
        frame = VideoFrame(clip.width, clip.height, "yuv420p")
        for plane, image in zip(frame.planes, planes, strict=True):
            # a plane's rows may be longer than the picture is wide
            plane.update(image.crop((0, 0, plane.line_size, plane.height)).tobytes())
        frame.pts, frame.time_base = number, 1 / clip.rate
        return frame


def _waves(size: tuple[int, int], *, base: int, swing: float, phase: float) -> "Image":
    """A plane of slanted waves that meets itself when slid sideways by one period."""
    from PIL import Image

    def value(x: int, y: int) -> int:
        turn = PERIODS * x / TILE + y / TILE + phase
        return round(base + swing * math.sin(2 * math.pi * turn))

    tile = Image.frombytes("L", (TILE, TILE), bytes(value(x, y) for y in range(TILE) for x in range(TILE)))
    return tile.resize(size, Image.Resampling.BICUBIC)


def _slid(plane: "Image", shift: int, sticker: "Image", corner: tuple[int, int]) -> "Image":
    from PIL import ImageChops

    moved = ImageChops.offset(plane, shift, 0)
    moved.paste(sticker, corner)
    return moved


def _write(path: Path, clip: _Clip, pictures: _Pictures, *, audio: bool) -> None:
    import av

    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        video = _video_stream(container, clip)
        sound = _audio_stream(container) if audio else None
        tracks = [_repeated(video, clip, _round(video, clip, pictures))]
        if sound is not None:
            tracks.append(_tone(sound, clip.samples))
        # in the order of time, or the muxer would hold back a whole track to interleave it
        for packet in heapq.merge(*tracks, key=lambda packet: (packet.dts or 0) * packet.time_base):
            container.mux(packet)


def _video_stream(container: "OutputContainer", clip: _Clip) -> "VideoStream":
    """Without B-frames, so that any number of packets of a round is a playable beginning of it."""
    preset = "ultrafast" if clip.width * clip.height > 1920 * 1080 else "veryfast"
    settings = "bframes=0:scenecut=0:rc-lookahead=0:sync-lookahead=0:mbtree=0"
    options = {"preset": preset, "crf": "26", "g": str(clip.loop), "x264-params": settings}
    stream = container.add_stream("libx264", rate=clip.rate, options=options)
    stream.width, stream.height, stream.pix_fmt = clip.width, clip.height, "yuv420p"
    stream.codec_context.sample_aspect_ratio = Fraction(1, 1)
    stream.codec_context.thread_count = 2  # not one per core: each holds pictures, and a worker's memory is bounded
    return stream


def _round(stream: "VideoStream", clip: _Clip, pictures: _Pictures) -> "list[Packet[Any]]":
    """The packets of one round (or of the whole clip, if that is shorter)."""
    packets: list[Packet[Any]] = []
    for number in range(min(clip.loop, clip.frames)):
        packets.extend(stream.encode(pictures.frame(number)))
    return [*packets, *stream.encode(None)]


def _repeated(stream: "VideoStream", clip: _Clip, packets: "list[Packet[Any]]") -> "Iterator[Packet[Any]]":
    """The round's packets over and over, renumbered, up to the last frame."""
    import av

    bodies = [(bytes(packet), packet.is_keyframe) for packet in packets]
    for number in range(clip.frames):
        body, is_keyframe = bodies[number % len(bodies)]
        packet = av.Packet(body)
        packet.stream, packet.time_base = stream, 1 / clip.rate
        packet.pts = packet.dts = number
        packet.duration, packet.is_keyframe = 1, is_keyframe
        yield packet


def _audio_stream(container: "OutputContainer") -> "AudioStream":
    stream = container.add_stream("aac", rate=SAMPLE_RATE)
    stream.layout = "mono"
    stream.bit_rate = 48_000
    return stream


def _tone(stream: "AudioStream", samples: int) -> "Iterator[Packet[Any]]":
    """A quiet tone of exactly so many samples."""
    from array import array

    from av import AudioFrame

    wave = array("f", (LOUDNESS * math.sin(2 * math.pi * TONE_HERTZ * n / SAMPLE_RATE) for n in range(SAMPLE_RATE)))
    wave += wave[:1024]  # the tone repeats every second, blocks may run over its end
    for start in range(0, samples, 1024):
        length = min(1024, samples - start)
        frame = AudioFrame(format="fltp", layout="mono", samples=length)
        frame.planes[0].update(wave[start % SAMPLE_RATE : start % SAMPLE_RATE + length].tobytes())
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, start, Fraction(1, SAMPLE_RATE)
        yield from stream.encode(frame)
    yield from stream.encode(None)
