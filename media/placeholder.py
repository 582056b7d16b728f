"""Makes mock clips: real files of any size and length, marked MOCK, for a fraction of a second of work.

Of an MP4 a few pictures are encoded, the last of which leads back to the first; their packets are then repeated until
the clip is as long as asked.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from media.mock_gif import MOST_FPS, write_gif
from media.pattern import ROUND, Pattern
from media.tone import SAMPLE_RATE, tone, tone_stream
from media.writing import replacing

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

LEAST_SIDE, MOST_SIDE = 16, 8192


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
    format: Literal["mp4", "gif"] = "mp4",  # noqa: A002 - the word for it
    played_fps: float | None = None,
) -> None:
    """Write round(seconds * fps) frames: an H.264 MP4 (yuv420p, faststart; AAC when `audio`) or an endless GIF.

    They are stamped to play at `played_fps` where it is given, so a clip of 1 s drawn for 8 may last 0.064 s at 125.
    Odd sizes are rounded down to even ones. The seed chooses the colours. Raises ValueError for a size, length or
    rate no vendor has, MediaFault when the disk refuses.
    """
    clip = _Clip.of(seconds=seconds, width=width, height=height, fps=fps, played_fps=played_fps or fps)
    if format == "gif" and clip.rate > MOST_FPS:
        raise ValueError(f"a placeholder GIF has at most {MOST_FPS} frames a second")
    pattern = Pattern(clip.width, clip.height, lines, seed)
    with replacing(path) as part:
        if format == "gif":
            write_gif(part, pattern, frames=clip.frames, rate=clip.rate)
        else:
            _write_mp4(part, clip, pattern, audio=audio)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Clip:
    """The clip's measures, checked."""

    frames: int
    width: int
    height: int
    rate: Fraction
    """At which it plays."""

    @classmethod
    def of(cls, *, seconds: float, width: int, height: int, fps: float, played_fps: float) -> "_Clip":
        """The measures as frames and even sides."""
        if not (LEAST_SIDE <= width <= MOST_SIDE and LEAST_SIDE <= height <= MOST_SIDE):
            raise ValueError(f"a placeholder is {LEAST_SIDE} to {MOST_SIDE} pixels wide and high")
        if not (0 < seconds <= 3600 and 1 <= fps <= 240 and 1 <= played_fps <= 240):
            raise ValueError("a placeholder lasts up to 3600 s at 1 to 240 frames a second")
        drawn = Fraction(fps).limit_denominator(1001)
        frames = max(1, round(Fraction(seconds).limit_denominator(10_000) * drawn))
        rate = Fraction(played_fps).limit_denominator(1001)
        return cls(frames=frames, width=width // 2 * 2, height=height // 2 * 2, rate=rate)

    @property
    def samples(self) -> int:
        """Of sound, for exactly as long as the pictures last."""
        return round(self.frames * SAMPLE_RATE / self.rate)


def _write_mp4(path: Path, clip: _Clip, pattern: Pattern, *, audio: bool) -> None:
    import av

    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        video = _video_stream(container, clip)
        sound = tone_stream(container) if audio else None
        tracks = [_repeated(video, clip, _round(video, clip, pattern))]
        if sound is not None:
            tracks.append(tone(sound, clip.samples))
        # in the order of time, or the muxer would hold back a whole track to interleave it
        for packet in heapq.merge(*tracks, key=lambda packet: (packet.dts or 0) * packet.time_base):
            container.mux(packet)


def _video_stream(container: "OutputContainer", clip: _Clip) -> "VideoStream":
    """Without B-frames, so that any number of packets of a round is a playable beginning of it."""
    # a quality that is fixed spares the encoder the small copy of each picture by which it would plan
    options = {"preset": "ultrafast", "qp": "28", "g": str(ROUND), "x264-params": "bframes=0:scenecut=0"}
    stream = container.add_stream("libx264", rate=clip.rate, options=options)
    stream.width, stream.height, stream.pix_fmt = clip.width, clip.height, "yuv420p"
    stream.codec_context.sample_aspect_ratio = Fraction(1, 1)
    stream.codec_context.thread_count = 1  # least work in all: clips are drawn side by side
    return stream


def _round(stream: "VideoStream", clip: _Clip, pattern: Pattern) -> "list[Packet[Any]]":
    """The packets of one round (or of the whole clip, if that is shorter)."""
    packets: list[Packet[Any]] = []
    frame = _ground(clip, pattern)
    for number in range(min(ROUND, clip.frames)):
        _draw_bars(frame, pattern, number)
        frame.pts, frame.time_base = number, 1 / clip.rate
        packets.extend(stream.encode(frame))
    return [*packets, *stream.encode(None)]


def _ground(clip: _Clip, pattern: Pattern) -> "VideoFrame":
    from av import VideoFrame

    frame = VideoFrame(clip.width, clip.height, "yuv420p")
    for plane, image in zip(frame.planes, (pattern.luma, pattern.blue, pattern.red), strict=True):
        # a plane's rows may be longer than the picture is wide
        plane.update(image.crop((0, 0, plane.line_size, plane.height)).tobytes())
    return frame


def _draw_bars(frame: "VideoFrame", pattern: Pattern, number: int) -> None:
    """Write over the bars only: a fresh picture for each step would cost more than to encode it."""
    frame.make_writable()
    plane = frame.planes[0]
    upper, lower = pattern.bars(number, plane.line_size)
    pixels, size = memoryview(plane), pattern.band * plane.line_size
    pixels[:size] = upper * pattern.band
    end = plane.height * plane.line_size
    pixels[end - size : end] = lower * pattern.band


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
