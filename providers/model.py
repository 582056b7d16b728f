"""One row of the catalogue: what a model is, takes, gives and costs. Data only; a missing capability means "no"."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from core.spec import Motion, Quality


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """A dated, sourced price. Appended, never edited: the newest `since` not in the future counts.

    `when` limits it to requests with these resolved values, for example `{"audio": True}`.
    """

    usd: Decimal
    unit: Unit
    since: date
    checked: date
    source: str
    when: Mapping[str, object] = field(default_factory=dict)


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Mode:
    """What a model offers when working from text, or from an image."""

    durations: Durations
    sizes: Mapping[tuple[str, str], tuple[int, int]]
    """(aspect ratio, resolution) -> (width, height) in pixels; the first is the row's default."""
    ratio_from_image: bool = False
    """The output follows the first frame's shape; a typed aspect ratio is refused."""
    default_duration: float | None = None
    """Seconds bought when nothing is typed; None = the shortest offered."""

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
    `motion`, `audio`, `first_frame`, `last_frame`) to the vendor's input names. A word that is not there is not
    supported, except the duration, ratio and resolution that a single-valued row fixes.
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
    text: Mode | None = None
    image: Mode | None = None
    fps: float | None = None
    """Frames per second of the output where known; it can be typed only when `fps` is in `wire`."""
    fps_choices: tuple[float, ...] = ()
    """Frame rates that can be typed, ascending; empty when `fps` is not in `wire`."""
    has_audio: bool = False
    """Whether the output carries sound when `audio` is not typed."""
    wire: Mapping[str, str]
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

    def mode(self, name: str) -> Mode | None:
        """The mode called `text` or `image`."""
        return self.image if name == "image" else self.text
