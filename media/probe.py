"""Says what a video file truly is: `probe` walks its packets, `verify` decodes every frame as well."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import MediaRejected
from media.facts import MediaFacts
from media.luma import Look
from media.signature import is_faststart
from media.source import Source, codec_name, opened

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

MAX_SIDE = 8192
MAX_FPS = 240
MAX_SECONDS = 3600.0
LOOKS = 16
"""Places, spread over the clip, at which `verify` looks at a picture and at the next: a clip that repeats itself may
show the same at all of them.
"""
MAX_GIF_FRAMES = 3000
MAX_GIF_PIXELS = 8_000_000_000
"""Of all frames together: a few bytes can stand for any number of them."""
MAX_GIF_SIZE = 256 * 1024**2


def probe(path: Path, *, max_seconds: float = MAX_SECONDS) -> MediaFacts:
    """The facts of a file, from a walk over its packets (milliseconds; nothing is decoded).

    Raises MediaRejected for anything that is not a whole video within bounds.
    """
    with opened(path) as source:
        _check_picture(source)
        walk = _walk(source, max_seconds)
        if source.kind == "gif":
            _check_gif(walk, path.stat().st_size)
        _check_length(source, walk)
        fps = _fps(source, walk.shown)
        return MediaFacts(
            container=source.kind,
            duration=walk.shown.seconds or 1 / fps,
            width=source.video.width,
            height=source.video.height,
            fps=fps,
            video_codec=codec_name(source.video),
            audio_codec="" if source.audio is None else codec_name(source.audio),
            pixel_format=source.video.codec_context.pix_fmt or "",
            frame_count=walk.shown.packets,
            size=path.stat().st_size,
            faststart=source.kind in ("mp4", "mov") and is_faststart(path),
        )


def verify(path: Path, *, max_seconds: float = MAX_SECONDS) -> MediaFacts:
    """The facts of a file of which every frame and every sound decodes, with what the picture shows.

    Raises MediaRejected as `probe` does, and for damage that only decoding finds.
    """
    facts = probe(path, max_seconds=max_seconds)
    look = Look()
    with opened(path) as source:
        decoded = _decode(source, look, step=max(1, facts.frame_count // LOOKS))
    if decoded < facts.frame_count - 1:  # the last one may be an access unit without a picture
        raise MediaRejected(f"the file is damaged: {decoded} of its {facts.frame_count} frames can be decoded")
    return replace(facts, mean_luma=look.mean, is_black=look.is_black, is_frozen=look.is_frozen)


@dataclass(kw_only=True, slots=True)
class _Span:
    """What packets of one track add up to, in ticks of its clock."""

    tick: float
    """Seconds."""
    packets: int = 0
    first: int | None = None
    last: int = 0
    end: int = 0

    @property
    def seconds(self) -> float:
        """From the first frame to the end of the last, which lasts an average frame where its length is not told."""
        if self.first is None:
            return 0.0
        span = self.last - self.first
        if self.end <= self.last and self.packets > 1:
            return span * self.tick * self.packets / (self.packets - 1)
        return max(self.end - self.first, span) * self.tick

    @property
    def end_time(self) -> float:
        """Seconds on the file's own clock."""
        return self.end * self.tick

    def add(self, stamp: int, duration: int) -> None:
        """Count one packet."""
        self.first = stamp if self.first is None else min(self.first, stamp)
        self.last = max(self.last, stamp) if self.packets else stamp
        self.end = max(self.end, stamp + duration) if self.packets else stamp + duration
        self.packets += 1


@dataclass(frozen=True, kw_only=True, slots=True)
class _Walk:
    """The video track as its packets tell it."""

    stored: _Span
    """All packets, against which the header is held."""
    shown: _Span
    """Those that an edit list does not hide."""
    sound: _Span

    def spans(self, *, is_sound: bool, is_hidden: bool) -> tuple[_Span, ...]:
        """Those in which a packet counts."""
        if is_sound:
            return (self.sound,)
        return (self.stored,) if is_hidden else (self.stored, self.shown)


def _check_picture(source: Source) -> None:
    width, height = source.video.width, source.video.height
    if not 0 < width <= MAX_SIDE or not 0 < height <= MAX_SIDE:
        raise MediaRejected(f"the picture is {width}x{height}; at most {MAX_SIDE}x{MAX_SIDE} is accepted")
    if not source.video.codec_context.pix_fmt:
        raise MediaRejected("the file is damaged: its pixel format is unknown")


def _walk(source: Source, max_seconds: float) -> _Walk:
    tick = float(source.video.time_base or 0)
    sound = _Span(tick=0.0 if source.audio is None else float(source.audio.time_base or 0))
    walk = _Walk(stored=_Span(tick=tick), shown=_Span(tick=tick), sound=sound)
    most = _most_frames(source, max_seconds)
    for packet in source.container.demux(source.streams):
        stamp = packet.pts if packet.pts is not None else packet.dts
        if packet.size == 0 or stamp is None:
            continue  # PyAV's flush packet
        if packet.is_corrupt:
            raise MediaRejected("the file is truncated or damaged: it holds broken packets")
        for span in walk.spans(is_sound=packet.stream_index != source.video.index, is_hidden=packet.is_discard):
            span.add(stamp, packet.duration or 0)
        if walk.stored.seconds > max_seconds:
            raise MediaRejected(f"the video is longer than {max_seconds:g} s")
        if walk.stored.packets > most:
            raise MediaRejected(f"the video has more than {most} frames")
    if walk.shown.packets == 0:
        raise MediaRejected("the file has no frames in it")
    return walk


def _most_frames(source: Source, max_seconds: float) -> int:
    if source.kind == "gif":
        return min(MAX_GIF_FRAMES, MAX_GIF_PIXELS // (source.video.width * source.video.height))
    return int(max_seconds * MAX_FPS)


def _check_gif(walk: _Walk, size: int) -> None:
    if walk.stored.packets < 2:
        raise MediaRejected("the GIF is a still image, not a video")
    if size > MAX_GIF_SIZE:
        raise MediaRejected(f"the GIF is larger than {MAX_GIF_SIZE // 1024**2} MiB")


def _check_length(source: Source, walk: _Walk) -> None:
    """Compare with the header, which promises the whole even when a download broke off."""
    import av

    track = float((source.video.duration or 0) * (source.video.time_base or 0))
    _check_promise(track, walk.stored.seconds)
    if not track and source.container.duration:  # Matroska tells the length of the whole only
        _check_promise(source.container.duration / av.time_base, max(walk.stored.end_time, walk.sound.end_time))
    if source.video.frames > walk.stored.packets + max(2, walk.stored.packets // 50):
        frames = f"{walk.stored.packets} of {source.video.frames} frames"
        raise MediaRejected(f"the file is truncated: {frames} are there")


def _check_promise(promised: float, found: float) -> None:
    """Both in seconds."""
    if promised > found + max(0.25, promised * 0.02):
        raise MediaRejected(f"the file is truncated: {found:.2f} s of {promised:.2f} s are there")


def _fps(source: Source, shown: _Span) -> float:
    """The header's average rate where the packets bear it out, else what the packets say."""
    measured = shown.packets / shown.seconds if shown.seconds > 0 else 0.0
    claimed = float(source.video.average_rate or 0)
    fps = claimed if claimed and (not measured or math.isclose(claimed, measured, rel_tol=0.01)) else measured
    if not 0 < fps <= MAX_FPS:
        raise MediaRejected(f"the frame rate is {fps:.4g}; more than 0 and at most {MAX_FPS} is accepted")
    return fps


def _decode(source: Source, look: Look, *, step: int) -> int:
    """Decode everything, looking at each `step`th picture and its next; the number of pictures."""
    import av

    source.video.codec_context.thread_count = 1  # the pool is what is parallel, and threads multiply memory
    pictures = 0
    for frame in source.container.decode(source.streams):
        if not isinstance(frame, av.VideoFrame):
            continue
        _check_frame(frame)
        if pictures % step < 2:
            look.at(frame)
        pictures += 1
    return pictures


def _check_frame(frame: "VideoFrame") -> None:
    if frame.is_corrupt:
        raise MediaRejected("the file is damaged: some of its frames cannot be decoded")
    if frame.width > MAX_SIDE or frame.height > MAX_SIDE:
        raise MediaRejected(f"the picture grows to {frame.width}x{frame.height}")
