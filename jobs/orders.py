"""What the jobs room is asked for, and what it answers: orders, plans, views, pages."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core.errors import Violation
from core.money import Money
from core.outcome import Json
from core.spec import ClipSpec, Notice, Wish
from jobs.records import Attempt, Clip, Job, JobState, Video
from prompts.words import Draft
from providers.prices import Quote


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """How `auto` chooses. `strategy`: CHEAPEST, FASTEST or BEST; capabilities in the contract's short words."""

    strategy: str = "CHEAPEST"
    required_capabilities: tuple[str, ...] = ()


class Priority(enum.StrEnum):
    """Which of a tenant's own waiting clips goes first."""

    LOW = "LOW"
    NORMAL = "NORMAL"
    HIGH = "HIGH"


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """One request for a video, validated in form; the desk resolves it against the catalogue."""

    tenant: str
    creative_id: str
    model: str
    """Id, alias, `auto`, or empty for the server's default."""
    wish: Wish
    variations: int = 1
    fallbacks: tuple[str, ...] = ()
    max_cost: Money | None = None
    selection: Selection | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    webhook: Mapping[str, Json] = field(default_factory=dict)
    """`{"url": …, "events": [kinds]}`, or empty."""
    priority: Priority = Priority.NORMAL
    enhance: bool = False
    """Whether the prompt is rewritten first."""
    prompt_id: str = ""
    """The prompt it was made from; empty: none that is known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QuoteLine:
    """What one clip will cost, or, in another stage, what is done for all of them; the clips come first, in order."""

    clip_index: int
    model: str
    expected: Money
    held_max: Money
    basis: str
    stage: str = "video"
    """As in the ledger."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """One way to make a clip: the model asked for, or a fallback."""

    model: str
    spec: ClipSpec
    quote: Quote
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Rewriting:
    """How the prompt will be rewritten first."""

    draft: Draft
    """As the rules read it, fitted to the plan's model."""
    style: str | None
    """Whose words belong into the prompt."""
    llm_model: str = ""
    """Who rewrites it; empty: the rules."""
    mock: bool = False
    held: Money | None = None
    """The most that the language model can cost; 0 where nobody knows."""
    priced: bool = True
    """Whether its prices are known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """An order resolved: which model, what exactly is bought, for how much. Nothing is stored yet."""

    order: Order
    model: str
    model_reason: str
    mock: bool
    currency: str
    spec: ClipSpec
    """The first variation's; variation i has seed + i."""
    target_duration: float
    offers: Sequence[Sequence[Offer]]
    """Per variation: the model asked for, then the fallbacks that can honour everything typed."""
    lines: Sequence[QuoteLine]
    notices: Sequence[Notice]
    violations: Sequence[Violation]
    """Not empty: the plan is refused."""
    catalogue_revision: str
    expected_seconds: float
    """How long such a job takes at most, nearly always."""
    style: str | None = None
    """Typed, or the prompt's own."""
    rewriting: Rewriting | None = None

    @property
    def expected(self) -> Money:
        """The job's expected cost."""
        return Money(currency=self.currency, micros=sum(line.expected.micros for line in self.lines))

    @property
    def held_max(self) -> Money:
        """The most that is reserved."""
        return Money(currency=self.currency, micros=sum(line.held_max.micros for line in self.lines))


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipView:
    """A clip with its attempts and what was booked for it so far."""

    clip: Clip
    attempts: Sequence[Attempt]
    cost: Money
    cost_unknown: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class JobView:
    """A job as callers see it."""

    job: Job
    clips: Sequence[ClipView]
    videos: Sequence[Video]
    held: Money
    cost: Money
    cost_unknown: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Which part of a list: rows with an id below `before` (newest first), at most `size`."""

    size: int = 50
    before: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobFilter:
    """Which jobs."""

    states: frozenset[JobState] = frozenset()
    creative_id: str = ""
    model: str = ""
    since: datetime | None = None
    until: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoFilter:
    """Which videos."""

    creative_id: str = ""
    model: str = ""
    job_id: str = ""
    since: datetime | None = None
    until: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


class VerdictKind(enum.StrEnum):
    """What an operator decides about a parked clip."""

    ADOPT = "ADOPT"
    RESUBMIT = "RESUBMIT"
    ABANDON = "ABANDON"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """An operator's decision; `vendor_task_id` for ADOPT only."""

    kind: VerdictKind
    vendor_task_id: str = ""
    attempt_number: int = 0
    """The attempt the operator has looked at; 0: whichever the clip is parked on."""
