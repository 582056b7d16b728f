"""What the room speaks of: a text that was read, the model it is for, and what a language model was asked and said."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from core.spec import Motion, Notice, Quality
from core.text import utf16_units


class Source(enum.StrEnum):
    """Who read or wrote a text."""

    LLM = "LLM"
    RULES = "RULES"


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """Some words of an input: `input[start:end] == text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One thing that was read. `field` is one of FIELDS; `value` is text for people: `10 s`, `9:16`, `luxury`."""

    field: str
    value: str
    confidence: float
    """From 0 to 1; below 0.5 it is a guess."""
    words: tuple[Words, ...] = ()
    """What it was read from; none when it was only concluded."""


FIELDS = (
    "duration",
    "aspect_ratio",
    "style",
    "quality",
    "motion",
    "audio",
    "negative_prompt",
    "camera",
    "mood",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """What a text asks for, before a model has its say. None and empty mean "it does not say"."""

    prompt: str
    """The picture in words, without what the other fields carry."""
    negative_prompt: str = ""
    """What shall not be seen, as a list of things: `people, text`."""
    duration: float | None = None
    """Seconds."""
    aspect_ratio: str | None = None
    """`W:H` in lowest words."""
    style: str | None = None
    """The name of a style: `luxury`, `energetic`, `minimal`, `bold`, or the operator's own."""
    quality: Quality | None = None
    motion: Motion | None = None
    audio: bool | None = None
    camera: tuple[str, ...] = ()
    mood: str = ""
    readings: tuple[Reading, ...] = ()
    """Why each field is what it is; one for each field that is set."""
    notices: tuple[Notice, ...] = ()
    """Contradictions and guesses, with a stable code each (`CONTRADICTION`, …)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What the room must know of the model a prompt is for."""

    model: str
    """The row's id."""
    family: str
    vendor: str
    prompt_limit: int
    """0: the model takes no prompt."""
    prompt_utf16: bool = False
    """Whether the limit counts UTF-16 code units instead of characters."""
    durations: tuple[float, ...] = ()
    """Every length it offers, in seconds, ascending."""
    durations_at: Mapping[Quality, tuple[float, ...]] = field(default_factory=dict, hash=False)
    """The lengths it offers at a quality, where they are fewer."""
    aspect_ratios: tuple[str, ...] = ()
    """Those that can be typed; none when the input decides."""
    negative_prompt: bool = False
    """Whether it takes one."""
    motion: bool = False
    audio: bool = False
    """Whether sound can be switched."""
    has_audio: bool = False
    """Whether it makes sound when nothing is said about it."""
    qualities: tuple[Quality, ...] = ()
    needs_image: bool = False
    """Whether it makes nothing from text alone."""
    takes_image: bool = True
    """Whether it can begin with an image."""

    def length(self, text: str) -> int:
        """How long a prompt is as this model counts."""
        return utf16_units(text) if self.prompt_utf16 else len(text)


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One difference between a prompt and the one before, and why. Texts for people; empty: it was not there."""

    field: str
    """`prompt`, or one of FIELDS."""
    before: str
    after: str
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Rewritten:
    """A better prompt: what it is now, and what has changed."""

    draft: Draft
    changes: tuple[Change, ...] = ()


class SceneType(enum.StrEnum):
    """What a scene is."""

    VIDEO = "VIDEO"
    CARD = "CARD"


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """One scene of a script (brief B3)."""

    id: str
    type: SceneType
    video_prompt_template: str = ""
    """With `{product_name}` and `{style}`; empty for a card."""
    video_prompt: str = ""
    """The same with its places filled in, within the model's limit."""
    use_product_image: bool = False
    duration: float
    narration: str = ""
    text: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Brief:
    """What a script is asked to tell."""

    product_name: str
    style: str
    cta_text: str
    has_image: bool = False
    about: str = ""
    """What the product is or does; only a language model reads it."""
    duration: float | None = None
    """Seconds of all scenes together; None: what the style's template takes."""
    scenes: int | None = None
    """Clips, the card not counted; None: what the style's template has."""
    aspect_ratio: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Script:
    """A product told in scenes."""

    scenes: tuple[Scene, ...]
    style: str
    aspect_ratio: str
    notices: tuple[Notice, ...] = ()

    @property
    def duration(self) -> float:
        """Seconds of all scenes together."""
        return sum(scene.duration for scene in self.scenes)


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One message to a language model. `role`: `system`, `user` or `assistant`."""

    role: str
    content: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """One call of a language model: what is sent. Each one may cost money and is sent at most once."""

    messages: tuple[Message, ...]
    schema_name: str
    schema: dict[str, object] = field(hash=False)
    """JSON schema of the answer, strict."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What a call has used, as the service stated it; None: it did not."""

    input_tokens: int | None = None
    output_tokens: int | None = None


class Fate(enum.StrEnum):
    """What became of a call."""

    ANSWERED = "ANSWERED"
    REFUSED = "REFUSED"
    """Certainly not taken: nothing is billed."""
    UNKNOWN = "UNKNOWN"
    """Maybe taken, and maybe billed; no answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What came back of one call."""

    fate: Fate
    text: str = ""
    """The answer's content; empty when there is none."""
    declined: str = ""
    """The model's own words when it refused to answer."""
    cut_off: bool = False
    """Whether the answer ended at its length limit."""
    usage: Usage = Usage()
    detail: str = ""
    """What went wrong, for operators; holds no secret and no foreign text."""
    timed_out: bool = False
    """Whether it was only too slow."""
    retry_after: float | None = None
