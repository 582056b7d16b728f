"""Rows as frozen dataclasses, and how specs and failures are kept as JSON."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

from core.errors import Billed, Failure, FailureReason, PolicyStage
from core.money import Money
from core.outcome import Json, Usage
from core.spec import ClipSpec, MediaInput, Motion, Notice, Role
from jobs import tables
from ledger import ledger

Row = sa.Row[Any] | SimpleNamespace
"""A row as the database gives it, or as it was just written."""


class JobState(enum.StrEnum):
    """States of a job, in the words of the contract."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    CANCELLING = "CANCELLING"
    NEEDS_RESOLUTION = "NEEDS_RESOLUTION"
    SUCCEEDED = "SUCCEEDED"
    PARTIALLY_SUCCEEDED = "PARTIALLY_SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def terminal(self) -> bool:
        """Whether the state never changes again."""
        return self in _TERMINAL_JOB


_TERMINAL_JOB = frozenset({JobState.SUCCEEDED, JobState.PARTIALLY_SUCCEEDED, JobState.FAILED, JobState.CANCELLED})


class ClipState(enum.StrEnum):
    """States of a clip."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    PARKED = "PARKED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def terminal(self) -> bool:
        """Whether the state never changes again."""
        return self in TERMINAL_CLIP


TERMINAL_CLIP = frozenset({ClipState.SUCCEEDED, ClipState.FAILED, ClipState.CANCELLED})


class AttemptOutcome(enum.StrEnum):
    """What became of an attempt's one POST. INTENDED: not recorded yet, or never to be known."""

    INTENDED = "INTENDED"
    REFUSED = "REFUSED"
    ACCEPTED = "ACCEPTED"
    AMBIGUOUS = "AMBIGUOUS"


class Enhancement(enum.StrEnum):
    """Whether a job's prompt is rewritten first."""

    NONE = ""
    DUE = "DUE"
    DONE = "DONE"


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """One way to make a clip, fixed at accept: the first is the model asked for, the others are fallbacks."""

    model: str
    spec: Mapping[str, Json]
    quote_micros: int
    held_micros: int
    basis: str
    notices: tuple[Mapping[str, Json], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A row of `job`."""

    id: str
    kind: str
    tenant: str
    creative_id: str
    requested_model: str
    model: str
    model_reason: str
    mock: bool
    state: JobState
    stage: str
    create_time: datetime
    start_time: datetime | None
    end_time: datetime | None
    expected_end_time: datetime | None
    prompt: str
    prompt_id: str | None
    """The prompt it was made from, or, with an enhancement, the one that is made for it."""
    enhancement: Enhancement
    final_prompt: str
    """As it was enhanced; empty when it was not."""
    parameters: Mapping[str, Json]
    """The resolved parameters, under the contract's names."""
    quote: Mapping[str, Json]
    notices: tuple[Mapping[str, Json], ...]
    labels: Mapping[str, str]
    webhook: Mapping[str, Json]
    request_id: str
    failure: Failure | None
    cancel_requested: bool
    progress: float
    last_event: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Clip:
    """A row of `clip`."""

    id: str
    job_id: str
    position: int
    iteration: int
    state: ClipState
    stage: str
    model: str
    notices: tuple[Mapping[str, Json], ...]
    candidates: tuple[Candidate, ...]
    target_duration: float
    run: int
    progress: float
    start_time: datetime | None
    end_time: datetime | None
    facts: Mapping[str, Json] | None
    failure: Failure | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """A row of `attempt`."""

    id: str
    clip_id: str
    number: int
    model: str
    endpoint: str
    credential: str
    request: Json
    currency: str
    quote_micros: int
    held_micros: int
    callback_token: str
    called_back: bool
    """Whether the vendor was given the token's address."""
    outcome: AttemptOutcome
    detail: str
    vendor_task_id: str | None
    ticket: Mapping[str, Json] | None
    stage: str
    estimate_micros: int | None
    intend_time: datetime
    submit_time: datetime | None
    deadline: datetime | None
    end_time: datetime | None
    result: Mapping[str, Json] | None
    cost_micros: int | None
    cost_basis: str | None
    failure: Failure | None

    @property
    def cost(self) -> Money | None:
        """What was booked, once settled."""
        return None if self.cost_micros is None else Money(currency=self.currency, micros=self.cost_micros)


@dataclass(frozen=True, kw_only=True, slots=True)
class Video:
    """A row of `video`."""

    id: str
    tenant: str
    creative_id: str
    job_id: str
    clip_id: str
    iteration: int
    key: str
    thumbnail_key: str | None
    create_time: datetime
    size: int
    sha256: str
    facts: Mapping[str, Json]
    provenance: Mapping[str, Json]
    labels: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Situation:
    """Everything a step needs to decide: the clip, its job and its attempts in order."""

    job: Job
    clip: Clip
    attempts: tuple[Attempt, ...] = field(default=())

    @property
    def last(self) -> Attempt | None:
        """The newest attempt."""
        return self.attempts[-1] if self.attempts else None

    @property
    def enhances(self) -> bool:
        """Whether the prompt is to be rewritten before anything is bought."""
        due = self.job.enhancement is Enhancement.DUE
        return due and not self.attempts and not self.job.cancel_requested

    @property
    def account(self) -> ledger.Account:
        """Whom the ledger charges."""
        return ledger.Account(
            tenant=self.job.tenant,
            creative_id=self.job.creative_id,
            job_id=self.job.id,
            clip_id=self.clip.id,
            model=self.clip.model,
        )


def job_of(row: Row) -> Job:
    """A Job from a row of `job`."""
    values = {name: getattr(row, name) for name in Job.__slots__}
    return Job(**values | {
        "state": JobState(row.state),
        "enhancement": Enhancement(row.enhancement),
        "notices": tuple(row.notices),
        "failure": failure_of(row.failure),
    })  # fmt: skip


def clip_of(row: Row) -> Clip:
    """A Clip from a row of `clip`."""
    values = {name: getattr(row, name) for name in Clip.__slots__}
    return Clip(**values | {
        "state": ClipState(row.state),
        "notices": tuple(row.notices),
        "candidates": tuple(Candidate(**candidate) for candidate in row.candidates),
        "failure": failure_of(row.failure),
    })  # fmt: skip


def attempt_of(row: Row) -> Attempt:
    """An Attempt from a row of `attempt`."""
    values = {name: getattr(row, name) for name in Attempt.__slots__}
    return Attempt(**values | {"outcome": AttemptOutcome(row.outcome), "failure": failure_of(row.failure)})


def video_of(row: Row) -> Video:
    """A Video from a row of `video`."""
    return Video(**{name: getattr(row, name) for name in Video.__slots__})


def situation(connection: sa.Connection, clip_id: str) -> Situation:
    """Read one clip with its job and attempts."""
    clip = clip_of(connection.execute(sa.select(tables.clips).where(tables.clips.c.id == clip_id)).one())
    job = job_of(connection.execute(sa.select(tables.jobs).where(tables.jobs.c.id == clip.job_id)).one())
    query = sa.select(tables.attempts).where(tables.attempts.c.clip_id == clip_id).order_by(tables.attempts.c.number)
    return Situation(job=job, clip=clip, attempts=tuple(attempt_of(row) for row in connection.execute(query)))


def situations(connection: sa.Connection, keys: Sequence[str]) -> dict[str, Situation]:
    """Read many clips by id, as `situation`; those that are not there are left out."""
    clips, jobs, attempts = tables.clips, tables.jobs, tables.attempts
    found = [clip_of(row) for row in connection.execute(sa.select(clips).where(clips.c.id.in_(keys)))]
    owners = sa.select(jobs).where(jobs.c.id.in_({clip.job_id for clip in found}))
    by_id = {row.id: job_of(row) for row in connection.execute(owners)}
    tried: dict[str, list[Attempt]] = {clip.id: [] for clip in found}
    query = sa.select(attempts).where(attempts.c.clip_id.in_(keys)).order_by(attempts.c.clip_id, attempts.c.number)
    for row in connection.execute(query):
        tried[row.clip_id].append(attempt_of(row))
    return {clip.id: Situation(job=by_id[clip.job_id], clip=clip, attempts=tuple(tried[clip.id])) for clip in found}


def runs(connection: sa.Connection, keys: Sequence[str]) -> dict[str, int]:
    """Clip id -> the number of its present run."""
    query = sa.select(tables.clips.c.id, tables.clips.c.run).where(tables.clips.c.id.in_(keys))
    return {row.id: row.run for row in connection.execute(query)}


def notice_json(notice: Notice) -> dict[str, Json]:
    """A Notice as JSON."""
    return asdict(notice)


def failure_json(failure: Failure | None) -> dict[str, Json] | None:
    """A Failure as JSON."""
    return None if failure is None else asdict(failure)


def failure_of(value: Mapping[str, Json] | None) -> Failure | None:
    """A Failure from JSON."""
    if value is None:
        return None
    stage = value.get("stage")
    return Failure(
        reason=FailureReason(value["reason"]),
        message=value["message"],
        billed=Billed(value["billed"]),
        stage=PolicyStage(stage) if stage else None,
        vendor_code=value.get("vendor_code", ""),
        retryable=value.get("retryable"),
    )


def usage_json(usage: Usage) -> dict[str, Json]:
    """A Usage as JSON."""
    return asdict(usage)


def usage_of(value: Mapping[str, Json]) -> Usage:
    """A Usage from JSON."""
    cost = value.get("cost")
    return Usage(
        cost=Money(**cost) if cost else None,
        video_seconds=value.get("video_seconds"),
        compute_seconds=value.get("compute_seconds"),
        tokens=value.get("tokens"),
    )


_MEDIA_FIELDS = ("first_frame", "last_frame", "source_video")
_PLAIN_FIELDS = tuple(
    name for name in ClipSpec.__slots__ if name not in (*_MEDIA_FIELDS, "references", "vendor_options")
)


def spec_json(spec: ClipSpec, input_ids: Mapping[int, str]) -> dict[str, Json]:
    """A ClipSpec as JSON; inline data is replaced by the id of its `input` row (`input_ids` by `id(media)`)."""

    def media(value: MediaInput | None) -> dict[str, Json] | None:
        if value is None:
            return None
        name = value.role
        return {
            "uri": value.uri,
            "input": input_ids.get(id(value), ""),
            "asset_id": value.asset_id,
            "mime_type": value.mime_type,
            "size": value.size,
            "seconds": value.seconds,
            "role": str(name) if name else None,
            "name": value.name,
        }

    plain = {name: getattr(spec, name) for name in _PLAIN_FIELDS}
    return {
        **plain,
        **{name: media(getattr(spec, name)) for name in _MEDIA_FIELDS},
        "references": [media(reference) for reference in spec.references],
        "vendor_options": dict(spec.vendor_options),
    }


def spec_of(value: Mapping[str, Json], blobs: Mapping[str, bytes]) -> ClipSpec:
    """A ClipSpec from JSON; `blobs` holds the data of its inputs by id."""

    def media(entry: Mapping[str, Json] | None) -> MediaInput | None:
        if entry is None:
            return None
        return MediaInput(
            uri=entry["uri"],
            data=blobs.get(entry["input"], b""),
            asset_id=entry.get("asset_id", ""),
            mime_type=entry["mime_type"],
            size=entry.get("size", 0),
            seconds=entry.get("seconds", 0.0),
            role=Role(entry["role"]) if entry["role"] else None,
            name=entry["name"],
        )

    motion = value.get("motion")
    plain = {key: entry for key, entry in value.items() if key not in (*_MEDIA_FIELDS, "references", "motion")}
    return ClipSpec(
        **plain,
        motion=Motion(motion) if motion else None,
        first_frame=media(value.get("first_frame")),
        last_frame=media(value.get("last_frame")),
        source_video=media(value.get("source_video")),
        references=tuple(found for entry in value.get("references", ()) if (found := media(entry))),
    )


def input_ids(spec: Mapping[str, Json]) -> list[str]:
    """The ids of the `input` rows a spec refers to."""
    entries = [spec.get(name) for name in _MEDIA_FIELDS] + list(spec.get("references", ()))
    return [entry["input"] for entry in entries if entry and entry["input"]]
