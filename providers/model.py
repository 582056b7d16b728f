"""One row of the catalogue: what a model is, takes, gives and costs. Data only; a missing capability means "no"."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from core.spec import ModeName, Motion, Quality


class LifecycleState(enum.StrEnum):
    """Whether a model can still be bought."""

    LIVE = "live"
    DEPRECATED = "deprecated"
    RETIRED = "retired"


@dataclass(frozen=True, kw_only=True, slots=True)
class Lifecycle:
    """A model's state; a deprecated or retired one names its date and its successor's id."""

    state: LifecycleState = LifecycleState.LIVE
    retires: date | None = None
    successor: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """Durations a model offers one by one, in seconds, ascending."""

    seconds: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Durations from `low` to `high` seconds in steps of `step`."""

    low: float
    high: float
    step: float = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Frames:
    """Durations of a model that counts frames: the frame counts it takes, played at `fps`."""

    counts: tuple[int, ...]
    fps: float


Durations = Choices | Span | Frames


class Unit(enum.StrEnum):
    """What a price is per."""

    SECOND = "second of video"
    VIDEO = "video"
    COMPUTE_SECOND = "second of compute"
    MILLION_TOKENS = "million output tokens"
    """Settles what the vendor metered in tokens; a quote needs another price beside it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """A dated, sourced price. Appended, never edited: the newest `since` not in the future counts.

    `when` limits it to requests with these resolved values: `audio`, `resolution`, `mode`, `duration`,
    `aspect_ratio`, or a vendor option by its name; for example `{"audio": True}`.
    """

    usd: Decimal
    unit: Unit
    since: date
    checked: date
    source: str
    when: Mapping[str, object] = field(default_factory=dict)
    least: Decimal = Decimal(0)
    """The least a clip is charged, in USD, however short it is."""


class CancelCost(enum.StrEnum):
    """What a cancelled clip costs."""

    NOTHING_UNLESS_STARTED = "nothing if last seen waiting, else the vendor's estimate, billed UNKNOWN"
    BY_USAGE = "what the vendor's metrics say"


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """One vendor option a caller may pass through under the vendor's own name."""

    kind: type
    """`bool`, `int`, `float`, `str`, or `dict` with `fields`."""
    choices: tuple[object, ...] = ()
    low: float | None = None
    high: float | None = None
    fields: Mapping[str, "Option"] = field(default_factory=dict)
    """The members of a `dict` option."""
    own_job: bool = False
    """Whether it names an earlier job at the vendor: then only one of the same tenant's."""


class MediaForm(enum.StrEnum):
    """A way to hand a vendor an input file."""

    URI = "uri"
    """An https address the vendor fetches."""
    INLINE = "inline"
    """The bytes inside the request: a `data:` URI, base64, or a part of a form."""
    UPLOAD = "upload"
    """The vendor's own upload API (the adapter's `upload` and `slot`)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mode:
    """What a model offers when working from text, a first frame, reference images, or a source video."""

    durations: Durations
    sizes: Mapping[tuple[str, str], tuple[int, int]]
    """(aspect ratio, resolution) -> (width, height) in pixels; the first is the row's default."""
    """With `ratio_from_image`, what a 16:9 input gives."""
    durations_at: Mapping[str, Durations] = field(default_factory=dict)
    """Resolution -> the durations offered there, where they are fewer."""
    ratio_from_image: bool = False
    """The output follows the input's shape; a typed aspect ratio is refused."""
    default_duration: float | None = None
    """Seconds bought when nothing is typed; None = the shortest offered."""

    def durations_of(self, resolution: str | None) -> Durations:
        """The durations offered at a resolution."""
        return self.durations_at.get(resolution or "", self.durations)

    @property
    def aspect_ratios(self) -> tuple[str, ...]:
        """The ratios a caller may type, in the row's order."""
        return () if self.ratio_from_image else tuple(dict.fromkeys(ratio for ratio, _ in self.sizes))

    @property
    def resolutions(self) -> tuple[str, ...]:
        """The resolutions offered, in the row's order."""
        return tuple(dict.fromkeys(resolution for _, resolution in self.sizes))


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoModel:
    """A catalogue row.

    `wire` maps our words (`prompt`, `duration`, `aspect_ratio`, `resolution`, `fps`, `seed`, `negative_prompt`,
    `motion`, `audio`, `first_frame`, `last_frame`, `reference_images`, `source_video`) to the vendor's input names. A
    word that is not there is not supported, except the duration, ratio and resolution that a single-valued row fixes.
    Where a vendor wants pixels instead, `size` (spelled by `size_format`), `width` and `height` are words too.
    """

    id: str
    """`vendor/name`, ours for ever."""
    provider: str
    wire_name: str
    """The model's name in the vendor's API."""
    wire_version: str = ""
    """64 hex digits where the vendor's route needs a version."""
    family: str
    """Two homes of one model share it."""
    title: str
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    checked: date
    """The day this row was last compared with its sources."""
    enabled: bool = True
    """False: the operator's overlay switched it off."""
    text: Mode | None = None
    image: Mode | None = None
    reference: Mode | None = None
    """Reference images without a first frame."""
    video: Mode | None = None
    """A source video."""
    references: int = 0
    """The most reference images the vendor takes."""
    references_with_frame: bool = False
    """Whether reference images may come with a first frame."""
    fps: float | None = None
    """Frames per second of the output where known; it can be typed only when `fps` is in `wire`."""
    fps_choices: tuple[float, ...] = ()
    """Frame rates that can be typed, ascending; empty when `fps` is not in `wire`."""
    has_audio: bool = False
    """Whether the output carries sound when `audio` is not typed."""
    retime_fps: float | None = None
    """Set where the delivered file's own clock is wrong: its frames are to be played at this rate."""
    largest_seed: int = 2**32 - 1
    wire: Mapping[str, str]
    size_format: str = "{width}x{height}"
    """How the wire word `size` is spelled."""
    spellings: Mapping[str, Mapping[object, object]] = field(default_factory=dict)
    """Word -> our value -> the vendor's value, where they differ (a `Frames` duration is keyed by its count)."""
    constants: Mapping[str, object] = field(default_factory=dict)
    """Inputs always sent."""
    motions: Mapping[Motion, object] = field(default_factory=dict)
    qualities: Mapping[Quality, str] = field(default_factory=dict)
    """Quality -> resolution."""
    options: Mapping[str, Option] = field(default_factory=dict)
    prompt_limit: int
    """In UTF-16 code units when `prompt_utf16`, else characters; 0 = the model takes no prompt."""
    prompt_utf16: bool = False
    media_forms: tuple[MediaForm, ...] = (MediaForm.URI, MediaForm.INLINE)
    """The ways the vendor takes input files, the best first."""
    exact_frames: bool = False
    """Whether first and last frame must have exactly the clip's size in pixels; we make them so."""
    source_seconds: float = 0.0
    """The longest source video; 0 = none is known."""
    source_limit: int = 0
    """The largest source video, in bytes; 0 = none is known."""
    inline_limit: int = 0
    """Longest `data:` URI the vendor takes for an inline image, in characters; 0 = none is known."""
    uri_limit: int = 0
    """Longest image URL the vendor takes, in characters; 0 = none is known."""
    image_types: tuple[str, ...] = ("image/jpeg", "image/png", "image/webp")
    """Media types the vendor takes for an inline image."""
    prices: tuple[Price, ...]
    cancel_cost: CancelCost
    quality_rank: int
    """1 is best."""
    speed_class: str
    """`fast`, `medium` or `slow`."""
    best_for: str
    typical_seconds: tuple[int, int]
    """Usual run time, p50 and p90, in seconds, until our own history knows better."""
    deadline_seconds: int
    """After this a running job is overdue and is cancelled at the vendor."""
    default_fallbacks: tuple[str, ...] = ()
    notes: str = ""
    """Differences between the name people know and what this row really is."""

    @property
    def modes(self) -> Mapping[ModeName, Mode]:
        """The modes it has, by name."""
        named = {
            ModeName.TEXT: self.text,
            ModeName.IMAGE: self.image,
            ModeName.REFERENCE: self.reference,
            ModeName.VIDEO: self.video,
        }
        return {name: mode for name, mode in named.items() if mode is not None}

    def mode(self, name: str) -> Mode | None:
        """The mode of this name, if it has it."""
        return self.modes.get(ModeName(name))
