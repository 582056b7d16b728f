"""Opens an untrusted video so that FFmpeg can reach nothing but the bytes of that one file."""

import contextlib
import errno
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from core.errors import MediaRejected
from media.errors import MediaFault
from media.signature import DEMUXERS, kind_of

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.stream import VideoStream

VIDEO_CODECS = frozenset({"h264", "hevc", "av1", "vp8", "vp9", "mpeg4", "prores", "gif"})
AUDIO_CODECS = frozenset(
    {"aac", "opus", "vorbis", "mp3", "flac", "alac", "ac3", "eac3"}
    | {"pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_f32le"}
)
DECODERS = ",".join(sorted(VIDEO_CODECS | AUDIO_CODECS | {"libdav1d", "mp3float", "libopus", "libvorbis"}))
"""FFmpeg knows hundreds of decoders, each of which reads hostile bytes; these are the ones vendors use."""

DAMAGED = "the file is damaged, or not a video"
DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})
"""What the file system says while a result is written, and no decoder does: nothing follows from it for the source."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """An open video file and the streams of it that count."""

    container: "InputContainer"
    kind: str
    """As `media.signature.kind_of`."""
    video: "VideoStream"
    audio: "AudioStream | None"

    @property
    def streams(self) -> "list[VideoStream | AudioStream]":
        """Both, or the one."""
        return [self.video] if self.audio is None else [self.video, self.audio]


class _Bytes:
    """A file without a name: given one, FFmpeg may choose a demuxer by it and follow the URLs inside."""

    def __init__(self, file: BinaryIO) -> None:
        self.read = file.read
        self.seek = file.seek
        self.tell = file.tell


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Source]:
    """The video of a local file. Everything a decoder throws inside the block becomes MediaRejected."""
    import av

    kind = kind_of(path)
    with rejecting(), path.open("rb") as file:
        options = {"protocol_whitelist": "", "codec_whitelist": DECODERS}
        with av.open(_Bytes(file), "r", format=DEMUXERS[kind], options=options, metadata_errors="replace") as container:
            yield Source(container=container, kind=kind, video=_video(container), audio=_audio(container))


@contextlib.contextmanager
def rejecting() -> Iterator[None]:
    """Turn the errors by which FFmpeg, PyAV and arithmetic on absurd headers speak into one text for people."""
    import av

    try:
        yield
    except (MediaRejected, MemoryError):
        raise
    except OSError as error:
        if error.errno in DISK_ERRORS:
            raise MediaFault(f"the disk refused ({type(error).__name__})") from error
        raise MediaRejected(DAMAGED) from error
    except (av.FFmpegError, ValueError, ArithmeticError, EOFError) as error:
        raise MediaRejected(DAMAGED) from error


def _video(container: "InputContainer") -> "VideoStream":
    """The first moving picture; cover art does not count."""
    from av.stream import Disposition

    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            if codec_name(stream) not in VIDEO_CODECS:
                raise MediaRejected("the video is in a codec that is not supported here, or encrypted")
            return stream
    raise MediaRejected("the file has no video in it")


def _audio(container: "InputContainer") -> "AudioStream | None":
    for stream in container.streams.audio:
        if codec_name(stream) in AUDIO_CODECS:
            return stream
    return None


def codec_name(stream: "VideoStream | AudioStream") -> str:
    """The codec, whichever decoder stands for it, or nothing when FFmpeg knows none."""
    context = stream.codec_context
    return "" if context is None else str(context.codec.canonical_name)
