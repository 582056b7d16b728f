"""Gives a clip whose own clock is wrong the frame rate it was made for; no frame is lost or added."""

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import MediaRejected
from media.encoding import EncodedVideo, counted
from media.facts import MediaFacts
from media.probe import MAX_FPS, probe
from media.source import Source, codec_name, opened
from media.writing import replacing

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet

MOST_FRAMES = 10_000
COPIED = frozenset({"h264", "hevc", "av1", "vp9", "mpeg4"})
"""Codecs that an MP4 may hold; any other is encoded again."""


def retime(source: Path, target: Path, fps: float) -> MediaFacts:
    """Write an MP4 of the video track with its frames played at `fps`, and say what it is.

    Frames are copied where an MP4 can hold them. Sound would not fit and is left out. Raises MediaRejected for a source
    that the probe refuses, ValueError for a rate that no video has, MediaFault when the disk refuses.
    """
    if not 1 <= fps <= MAX_FPS:
        raise ValueError(f"a clip plays at 1 to {MAX_FPS} frames a second")
    facts = probe(source)
    if facts.frame_count > MOST_FRAMES:
        raise MediaRejected(f"the video has {facts.frame_count} frames; up to {MOST_FRAMES} can be re-timed")
    with replacing(target) as part:
        with opened(source) as video:
            _write(video, part, Fraction(fps).limit_denominator(1001))
        return probe(part)


def _write(source: Source, path: Path, rate: Fraction) -> None:
    import av

    packets = list(source.container.demux(source.video))
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        if _can_copy(source, packets):
            _copy(source, container, packets, rate)
            return
        track = EncodedVideo(source.video, container, counted(rate))
        for packet in packets:
            for made in track.packets(packet):
                container.mux(made)


def _can_copy(source: Source, packets: "list[Packet[Any]]") -> bool:
    """Whether every packet is one picture that is shown, and its place among the others is known."""
    if source.kind not in ("mp4", "mov") or codec_name(source.video) not in COPIED:
        return False
    stamps = [packet.pts for packet in packets if packet.size]
    hidden = any(packet.is_discard for packet in packets)
    return not hidden and None not in stamps and len(set(stamps)) == len(stamps)


def _copy(source: Source, container: "OutputContainer", packets: "list[Packet[Any]]", rate: Fraction) -> None:
    stream = container.add_stream_from_template(source.video)
    stream.time_base = 1 / rate
    for packet in _counted([packet for packet in packets if packet.size], 1 / rate):
        packet.stream = stream
        container.mux(packet)


def _counted(packets: "list[Packet[Any]]", tick: Fraction) -> "list[Packet[Any]]":
    """The packets in their order of decoding, each shown at its place in the order of showing."""
    place = {stamp: number for number, stamp in enumerate(sorted(packet.pts or 0 for packet in packets))}
    shown = [place[packet.pts or 0] for packet in packets]
    delay = max(0, *(number - each for number, each in enumerate(shown)))
    for number, (packet, each) in enumerate(zip(packets, shown, strict=True)):
        packet.time_base = tick
        packet.pts, packet.dts, packet.duration = each, number - delay, 1
    return packets
