"""Encodes a video track again as every browser plays it: H.264, yuv420p, even sides, no transparency."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """When each picture is shown."""

    rate: Fraction
    """Pictures a second, with which the encoder plans."""
    tick: Fraction
    """Seconds; all times are counted in these."""
    filters: tuple[tuple[str, str], ...]
    """Names and arguments."""
    is_own: bool = False
    """Whether each picture says for itself how long it stays."""


def steady(rate: Fraction) -> Clock:
    """A constant rate: pictures are repeated and left out so that the film keeps its time."""
    filters = (("setpts", "PTS-STARTPTS"), ("fps", f"{rate.numerator}/{rate.denominator}"))
    return Clock(rate=rate, tick=1 / rate, filters=filters)


def own(rate: Fraction, tick: Fraction) -> Clock:
    """Each picture as long as it was shown before; `rate` is their average."""
    filters = (("settb", f"{tick.numerator}/{tick.denominator}"), ("setpts", "PTS-STARTPTS"))
    return Clock(rate=rate, tick=tick, filters=filters, is_own=True)


def counted(rate: Fraction) -> Clock:
    """One picture after the other at a constant rate, whatever time they had."""
    filters = (("settb", f"{rate.denominator}/{rate.numerator}"), ("setpts", "N"))
    return Clock(rate=rate, tick=1 / rate, filters=filters)


class EncodedVideo:
    """A track of an MP4 that is encoded from the packets of another."""

    def __init__(self, video: "VideoStream", container: "OutputContainer", clock: Clock) -> None:
        from av.codec.context import Flags

        width, height = (max(2, side // 2 * 2) for side in (video.width, video.height))
        stream = container.add_stream("libx264", rate=clock.rate, options={"preset": "veryfast", "crf": "20"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = clock.tick
        stream.codec_context.thread_count = 2  # not one per core: each holds pictures
        if clock.is_own:  # else the last picture stays as long as an average one
            stream.codec_context.flags |= Flags.frame_duration
        video.codec_context.thread_count = 1
        self._stream = stream
        self._filters = _filters(video, clock, width, height)

    def packets(self, packet: "Packet[Any]") -> "Iterator[Packet[Any]]":
        """What the encoder gives for the pictures in the packet; an empty packet flushes it."""
        for frame in packet.decode():
            self._filters.vpush(frame)
            yield from self._encoded()
        if packet.size == 0:
            self._filters.vpush(None)
            yield from self._encoded()
            yield from self._stream.encode(None)

    def _encoded(self) -> "Iterator[Packet[Any]]":
        for frame in self._filtered():
            frame.pict_type = 0  # a decoded picture carries its old type, which x264 would obey
            yield from self._stream.encode(frame)

    def _filtered(self) -> "Iterator[VideoFrame]":
        import av

        while True:
            try:
                yield self._filters.vpull()
            except (av.BlockingIOError, av.EOFError):
                return


def _filters(video: "VideoStream", clock: Clock, width: int, height: int) -> Any:
    """A graph from the decoder's frames to the encoder's."""
    import av

    graph = av.filter.Graph()
    graph.threads = 1
    graph.link_nodes(
        graph.add_buffer(template=video),
        *(graph.add(name, arguments) for name, arguments in clock.filters),
        graph.add("scale", f"{width}:{height}"),
        graph.add("setsar", "1"),
        graph.add("format", "yuv420p"),
        graph.add("buffersink"),
    ).configure()
    return graph
