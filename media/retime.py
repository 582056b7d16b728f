"""Gives a clip whose own clock is wrong the frame rate it was made for; no frame is lost, added or encoded again."""

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import MediaRejected
from media.facts import MediaFacts
from media.probe import probe
from media.source import Source, opened
from media.writing import replacing

if TYPE_CHECKING:
    from av.packet import Packet

MOST_FRAMES = 10_000


def retime(source: Path, target: Path, fps: float) -> MediaFacts:
    """Write the video track with its frames played at `fps`, and say what it is. Sound would not fit and is left out.

    Raises MediaRejected for a source that the probe refuses, MediaFault when the disk does.
    """
    with replacing(target) as part:
        with opened(source) as video:
            _write(video, part, Fraction(fps).limit_denominator(1001))
        return probe(part)


def _write(source: Source, path: Path, rate: Fraction) -> None:
    import av

    packets = [packet for packet in source.container.demux(source.video) if packet.size and packet.pts is not None]
    if not 0 < len(packets) <= MOST_FRAMES:
        raise MediaRejected(f"the video has {len(packets)} frames; 1 to {MOST_FRAMES} can be re-timed")
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream_from_template(source.video)
        stream.time_base = 1 / rate
        for packet in _counted(packets, 1 / rate):
            packet.stream = stream
            container.mux(packet)


def _counted(packets: "list[Packet[Any]]", tick: Fraction) -> "list[Packet[Any]]":
    """The packets in their order of decoding, each shown at its place in the order of showing."""
    place = {stamp: number for number, stamp in enumerate(sorted({packet.pts or 0 for packet in packets}))}
    shown = [place[packet.pts or 0] for packet in packets]
    delay = max(0, *(number - each for number, each in enumerate(shown)))
    for number, (packet, each) in enumerate(zip(packets, shown, strict=True)):
        packet.time_base = tick
        packet.pts, packet.dts, packet.duration = each, number - delay, 1
    return packets
