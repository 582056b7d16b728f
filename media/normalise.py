"""Makes of any video that passes the probe what every browser plays: an H.264 MP4, yuv420p, AAC, index first."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from media.encoding import EncodedVideo, own, steady
from media.facts import MediaFacts
from media.probe import MAX_SECONDS, probe
from media.source import Source, opened
from media.writing import replacing

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

SAMPLE_RATE = 48_000
MAX_OUTPUT_FPS = 60
"""No one sees more than this."""
GIF_TICK = Fraction(1, 100)
"""A GIF says of each picture how many of these it stays; so does the MP4 made of it."""


def needs_normalising(facts: MediaFacts) -> bool:
    """Whether the file is something other than an H.264 MP4 (yuv420p, AAC or silent) with its index first."""
    return not (
        facts.container == "mp4" and facts.faststart and _is_web_video(facts) and facts.audio_codec in ("", "aac")
    )


def normalise(source: Path, target: Path, *, max_seconds: float = MAX_SECONDS) -> MediaFacts:
    """Write the normalised file and say what it is; tracks that are fine already are copied, not encoded again.

    Raises MediaRejected for a source that the probe refuses, MediaFault when the disk does.
    """
    facts = probe(source, max_seconds=max_seconds)
    with replacing(target) as part:
        with opened(source) as video:
            _write(video, facts, part)
        return probe(part, max_seconds=max_seconds)


def _is_web_video(facts: MediaFacts) -> bool:
    return facts.video_codec == "h264" and facts.pixel_format == "yuv420p"


def _write(source: Source, facts: MediaFacts, path: Path) -> None:
    import av

    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        tracks = {source.video.index: _video_track(source, facts, container)}
        if source.audio is not None:
            tracks[source.audio.index] = _audio_track(source.audio, container)
        for packet in source.container.demux(source.streams):
            for made in tracks[packet.stream.index].packets(packet):
                container.mux(made)


class _Track(Protocol):
    """Turns the packets of one track into those to be written; the last one it gets is empty and flushes it."""

    def packets(self, packet: "Packet[Any]") -> "Iterator[Packet[Any]]":
        """What the packet becomes."""


def _video_track(source: Source, facts: MediaFacts, container: "OutputContainer") -> _Track:
    # Matroska does not store decoding times, without which pictures out of order cannot be copied
    if _is_web_video(facts) and facts.container in ("mp4", "mov"):
        return _Copied(container.add_stream_from_template(source.video))
    rate = _rate(facts)
    return EncodedVideo(source.video, container, own(rate, GIF_TICK) if source.kind == "gif" else steady(rate))


def _rate(facts: MediaFacts) -> Fraction:
    return Fraction(min(max(facts.fps, 1.0), MAX_OUTPUT_FPS)).limit_denominator(1001)


def _audio_track(stream: "AudioStream", container: "OutputContainer") -> _Track:
    if stream.codec_context.name == "aac":
        return _Copied(container.add_stream_from_template(stream))
    return _EncodedAudio(container)


class _Copied:
    """A track that is fine as it is."""

    def __init__(self, stream: "VideoStream | AudioStream") -> None:
        self._stream = stream

    def packets(self, packet: "Packet[Any]") -> "Iterator[Packet[Any]]":
        """The packet itself."""
        if packet.size > 0:  # PyAV's flush packet is empty
            packet.stream = self._stream
            yield packet


class _EncodedAudio:
    """Stereo AAC."""

    def __init__(self, container: "OutputContainer") -> None:
        import av

        self._stream = container.add_stream("aac", rate=SAMPLE_RATE)
        self._stream.layout = "stereo"
        self._resampler = av.AudioResampler(format="fltp", layout="stereo", rate=SAMPLE_RATE, frame_size=1024)

    def packets(self, packet: "Packet[Any]") -> "Iterator[Packet[Any]]":
        """What the encoder gives for the sound in the packet."""
        for frame in packet.decode():
            yield from self._encoded(frame)
        if packet.size == 0:
            yield from self._encoded(None)
            yield from self._stream.encode(None)

    def _encoded(self, frame: Any) -> "Iterator[Packet[Any]]":
        for block in self._resampler.resample(frame):
            yield from self._stream.encode(block)
