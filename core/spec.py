"""What one clip shall be, in vendor-neutral words, after validation and resolution against a model row."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field


class Motion(enum.StrEnum):
    """How much moves."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


class Quality(enum.StrEnum):
    """Picks the row's resolution or mode tier."""

    DRAFT = "DRAFT"
    STANDARD = "STANDARD"
    HIGH = "HIGH"
    PREMIUM = "PREMIUM"


class Role(enum.StrEnum):
    """What a reference image is a reference for."""

    SUBJECT = "SUBJECT"
    CHARACTER = "CHARACTER"
    SCENE = "SCENE"
    STYLE = "STYLE"


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaInput:
    """An input file: exactly one of a public https `uri`, inline `data`, or an uploaded `asset_id`."""

    uri: str = ""
    data: bytes = field(default=b"", repr=False)
    asset_id: str = ""
    mime_type: str = ""
    """Sniffed; empty for a `uri`."""
    size: int = 0
    """Bytes of an asset."""
    seconds: float = 0.0
    """Length of a video asset."""
    role: Role | None = None
    name: str = ""


class ModeName(enum.StrEnum):
    """What a clip is made from; a row offers each, or not."""

    TEXT = "text"
    IMAGE = "image"
    REFERENCE = "reference"
    VIDEO = "video"


def mode_of(
    first_frame: MediaInput | None, references: tuple[MediaInput, ...], source_video: MediaInput | None
) -> ModeName:
    """The mode these inputs ask for: a source video before a first frame before references before text."""
    if source_video is not None:
        return ModeName.VIDEO
    if first_frame is not None:
        return ModeName.IMAGE
    return ModeName.REFERENCE if references else ModeName.TEXT


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipSpec:
    """One clip as it is bought: every value is either the row's own default (None) or one the row offers."""

    prompt: str
    duration: float | None = None
    """Seconds to ask of the vendor; None when the model decides."""
    aspect_ratio: str | None = None
    """`W:H` in lowest words, such as `16:9`."""
    resolution: str | None = None
    """Such as `720p`."""
    fps: float | None = None
    seed: int | None = None
    negative_prompt: str | None = None
    motion: Motion | None = None
    audio: bool | None = None
    first_frame: MediaInput | None = None
    last_frame: MediaInput | None = None
    references: tuple[MediaInput, ...] = ()
    source_video: MediaInput | None = None
    vendor_options: Mapping[str, object] = field(default_factory=dict)
    """Under the model's own wire names, already checked against the row."""

    @property
    def mode(self) -> ModeName:
        """What it is made from."""
        return mode_of(self.first_frame, self.references, self.source_video)


@dataclass(frozen=True, kw_only=True, slots=True)
class Preferences:
    """What a prompt's own words ask for: honoured where the model can. None means "it does not say"."""

    duration: float | None = None
    aspect_ratio: str | None = None
    negative_prompt: str | None = None
    style: str | None = None
    motion: Motion | None = None
    quality: Quality | None = None
    audio: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a caller typed, before a model row has its say. None and empty mean "not typed"."""

    prompt: str
    duration: float | None = None
    aspect_ratio: str | None = None
    resolution: str | None = None
    fps: float | None = None
    seed: int | None = None
    negative_prompt: str | None = None
    style: str | None = None
    motion: Motion | None = None
    quality: Quality | None = None
    audio: bool | None = None
    first_frame: MediaInput | None = None
    last_frame: MediaInput | None = None
    references: tuple[MediaInput, ...] = ()
    source_video: MediaInput | None = None
    vendor_options: Mapping[str, object] = field(default_factory=dict)
    allow_substitutions: bool = False
    preferred: Preferences = Preferences()
    """What was read from the prompt, where it was to be read."""

    @property
    def mode(self) -> ModeName:
        """What it is made from."""
        return mode_of(self.first_frame, self.references, self.source_video)


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """A warning in a result: what was changed or could not be honoured. `code` is stable, `message` for people."""

    code: str
    message: str
    field: str = ""
    before: str = ""
    after: str = ""
    price_micros: int | None = None
    """By how much the change makes one clip dearer, in micro-units of the quote's currency; None: by nothing known."""
