"""What sets a vendor's webhooks apart: its events and when they are due, their bodies, signatures and repetitions."""

import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from core.outcome import Json
from emulators.jobs import Job, end, moments

if TYPE_CHECKING:
    from emulators.world import World

Due = Callable[["World", Job], float | None]
"""When an event is, in Unix seconds (inf: not as things stand); None when it never comes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """One delivery about to be signed."""

    job: Job
    event: str
    webhook_id: str
    """The same for every repetition."""
    timestamp: int
    """Unix seconds; an hour old under the fault `webhook-stale`."""
    body: bytes
    forged: bool = False
    """Whether the signature must be a wrong one, made with another key: the fault `webhook-bad-signature`."""


Sign = Callable[["World", Letter], Awaitable[Mapping[str, str]]]
"""The headers that go with a letter; ready-made schemes are in `emulators.signing`."""


def usual_id() -> str:
    """A webhook id as Standard Webhooks has them."""
    return f"msg_{secrets.token_hex(13)}"


def every(job: Job) -> None:
    """Every event is wanted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Webhooks:
    """A vendor's manners with a job's `webhook` address."""

    events: Mapping[str, Due]
    """What is told, in this order, and when."""
    last: frozenset[str] = frozenset({"completed"})
    """The events after which no more come: `webhook-reordered` holds the others back until one of these was sent."""
    body: Callable[["World", Job, str, float], Json]
    """The body for an event and its time, or an awaitable of it; it is stored, so that repetitions are the same."""
    sign: Sign | None = None
    """None: unsigned; the faults of signatures are then not offered."""
    wanted: Callable[[Job], Collection[str] | None] = every
    """The events a job asked for; None for all."""
    pauses: tuple[float, ...] = (0.2, 0.5, 1.0, 2.0, 4.0)
    """Wall seconds between attempts; a 2xx ends them."""
    reply_seconds: float = 10.0
    new_id: Callable[[], str] = usual_id

    @property
    def unplayable(self) -> frozenset[str]:
        """The webhook faults that mean nothing here."""
        unsigned = frozenset({"webhook-bad-signature", "webhook-stale"} if self.sign is None else ())
        return unsigned | (frozenset() if set(self.events) - self.last else {"webhook-reordered"})


def when_accepted(world: "World", job: Job) -> float | None:
    """At once."""
    return job.created


def when_started(world: "World", job: Job) -> float | None:
    """When the job starts to run, if it does before its end."""
    started, over = moments(job, world.timeline)[1], end(job, world.timeline)
    return started if started < over or over == inf else None


def when_half_done(world: "World", job: Job) -> float | None:
    """In the middle of the run, if the job gets there."""
    _, started, ended = moments(job, world.timeline)
    half = (started + ended) / 2
    return half if half < end(job, world.timeline) else None


def when_ended(world: "World", job: Job) -> float | None:
    """At the end, whatever it is."""
    return end(job, world.timeline)


def _ends_by_itself(world: "World", job: Job) -> bool:
    return end(job, world.timeline) == moments(job, world.timeline)[2]


def when_succeeded(world: "World", job: Job) -> float | None:
    """At the end, if it is a success."""
    return end(job, world.timeline) if _ends_by_itself(world, job) and not job.failure else None


def when_failed(world: "World", job: Job) -> float | None:
    """At the end, if it is a failure of the job's own, not a cancel."""
    return end(job, world.timeline) if _ends_by_itself(world, job) and job.failure else None
