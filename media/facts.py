"""What looking at a file tells: plain data, the only classes a media worker may hand back."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaFacts:
    """A playable video file, as counted by walking its packets (not as its header claims)."""

    container: str
    """`mp4`, `mov`, `webm`, `matroska` or `gif`."""
    duration: float
    """Seconds of the video track, from its first to the end of its last frame."""
    width: int
    height: int
    fps: float
    """Frames a second, on average."""
    video_codec: str
    """FFmpeg's decoder name, such as `h264`."""
    audio_codec: str
    """Empty when there is no audio."""
    pixel_format: str
    """Such as `yuv420p`."""
    frame_count: int
    size: int
    """Bytes."""
    faststart: bool
    """An MP4 or MOV whose index stands before its data, so that it plays while it loads."""
    mean_luma: float | None = None
    """0 (black) to 255, over the sampled frames; None when only probed."""
    is_black: bool = False
    """No sampled frame shows anything. False when only probed."""
    is_frozen: bool = False
    """Nothing changes from one sampled frame to another. False when only probed."""

    @property
    def has_audio(self) -> bool:
        """Whether there is an audio track."""
        return self.audio_codec != ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageFacts:
    """An image that decodes. Width and height are as stored: an EXIF rotation is not applied."""

    mime_type: str
    """`image/png`, `image/jpeg`, `image/webp` or, from `probe_image` only, `image/gif`."""
    width: int
    height: int
    is_animated: bool = False
