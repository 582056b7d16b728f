"""A job's events: numbered without gaps under the job row's lock, and the in-process bell that wakes watchers."""

import asyncio
import enum
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from core.outcome import Json
from jobs import tables


class EventKind(enum.StrEnum):
    """What happened; the words of the contract's `JobEventKind`."""

    ACCEPTED = "ACCEPTED"
    STARTED = "STARTED"
    ENHANCED = "ENHANCED"
    ATTEMPT = "ATTEMPT"
    PROGRESS = "PROGRESS"
    STALLED = "STALLED"
    RESOLVED = "RESOLVED"
    COLLECTED = "COLLECTED"
    SETTLED = "SETTLED"
    CANCELLING = "CANCELLING"
    ENDED = "ENDED"


class ProgressStage(enum.StrEnum):
    """Where a job or clip is; the words of the contract."""

    QUEUED = "QUEUED"
    ENHANCING = "ENHANCING"
    SUBMITTING = "SUBMITTING"
    VENDOR_QUEUED = "VENDOR_QUEUED"
    VENDOR_THROTTLED = "VENDOR_THROTTLED"
    VENDOR_RUNNING = "VENDOR_RUNNING"
    OVERDUE = "OVERDUE"
    COLLECTING = "COLLECTING"
    PARKED = "PARKED"
    ENDED = "ENDED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One event, never a URL, never a vendor's words.

    `body` may hold: `job_state`, `progress`, `stage` (of the job), `clip_id`, `clip_index`, `clip_state`, `clip_stage`,
    `attempt_number`, `attempt_outcome`, `model`, `video_id`, `key`, `cost` {currency, micros}, `failure` (as
    `records.failure_json`), `message`; named as the contract's `JobEvent` fields, enums in their short words.
    """

    job_id: str
    seq: int
    time: datetime
    kind: EventKind
    body: Mapping[str, Json]


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What an event is about, as its job's row was when it happened."""

    job_id: str
    seq: int
    tenant: str
    creative_id: str
    state: str
    labels: Mapping[str, str]
    webhook: Mapping[str, Json]


def append(connection: sa.Connection, job_id: str, kind: EventKind, now: datetime, body: Mapping[str, Json]) -> Subject:
    """Write the next event of a job, with the job's state, in the caller's transaction."""
    jobs = tables.jobs
    update = sa.update(jobs).where(jobs.c.id == job_id).values(last_event=jobs.c.last_event + 1)
    columns = (jobs.c.last_event, jobs.c.tenant, jobs.c.creative_id, jobs.c.state, jobs.c.labels, jobs.c.webhook)
    job = connection.execute(update.returning(*columns)).one()
    said = {"job_state": job.state, **body}
    row = {"job_id": job_id, "seq": job.last_event, "time": now, "kind": str(kind), "body": said}
    connection.execute(sa.insert(tables.events), row)
    return Subject(
        job_id=job_id,
        seq=job.last_event,
        tenant=job.tenant,
        creative_id=job.creative_id,
        state=job.state,
        labels=job.labels,
        webhook=job.webhook,
    )


def after(connection: sa.Connection, job_id: str, seq: int, limit: int = 500) -> Sequence[Event]:
    """The events of a job numbered above `seq`, in order."""
    query = (
        sa.select(tables.events)
        .where(tables.events.c.job_id == job_id, tables.events.c.seq > seq)
        .order_by(tables.events.c.seq)
        .limit(limit)
    )
    return [
        Event(job_id=row.job_id, seq=row.seq, time=row.time, kind=EventKind(row.kind), body=row.body)
        for row in connection.execute(query)
    ]


class Bell:
    """Wakes whoever waits for news of a job or a clip, in this process and, through a relay, in its peers.

    It is rung after the commit, not inside it: NOTIFY puts all committing transactions of a Postgres in a line. Should
    a process die between the two, nobody waits for ever: watchers look at the rows every 15 s, and vendors are polled.
    """

    def __init__(self) -> None:
        self.deaf = False
        """Whether news of peers cannot be heard for the moment."""
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._told: list[Callable[[str | None], None]] = []
        self._relay: Callable[[Sequence[str]], None] | None = None

    def relay(self, say: Callable[[Sequence[str]], None]) -> None:
        """Hand every key that is rung here on to the peers."""
        self._relay = say

    def tell(self, listener: Callable[[str | None], None]) -> None:
        """Call `listener` with every key that is rung; with None when news of any key may have been missed."""
        self._told.append(listener)

    def ring(self, *keys: str) -> None:
        """News for these job or clip ids. Call after the commit, on the loop."""
        self._sound(keys)
        if self._relay is not None:
            self._relay(keys)

    def heard(self, keys: Sequence[str] | None) -> None:
        """A peer has rung; None: any may have, while we were deaf."""
        self.deaf = False
        if keys is None:
            self.ring_all()
        else:
            self._sound(keys)

    def cut(self) -> None:
        """From now on peers cannot be heard, until `heard`."""
        self.deaf = True

    def ring_all(self) -> None:
        """Wake everybody here, as when the server drains."""
        for listener in self._told:
            listener(None)
        self._sound(list(self._waiting))

    def _sound(self, keys: Sequence[str]) -> None:
        for key in keys:
            for listener in self._told:
                listener(key)
            for event in self._waiting.get(key, ()):
                event.set()

    def listen(self, *keys: str) -> "Listening":
        """`with bell.listen(key) as listening: await listening.wait(timeout)`; nothing rung inside is missed."""
        return Listening(self._waiting, keys)


class Listening:
    """One listener at the bell."""

    def __init__(self, waiting: defaultdict[str, set[asyncio.Event]], keys: Sequence[str]) -> None:
        self._waiting = waiting
        self._keys = keys
        self._event = asyncio.Event()

    def __enter__(self) -> "Listening":
        for key in self._keys:
            self._waiting[key].add(self._event)
        return self

    def __exit__(self, *_error: object) -> None:
        for key in self._keys:
            listeners = self._waiting[key]
            listeners.discard(self._event)
            if not listeners:
                del self._waiting[key]

    async def wait(self, timeout: float | None) -> bool:
        """Wait for the bell; False when it stayed silent for `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True
