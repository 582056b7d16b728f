"""The contract's values as short text for people."""

from datetime import UTC
from decimal import Decimal

from filmgate.v1 import common_pb2, job_pb2, model_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from clients.commands.refusals import plain

_COLORS = {
    "SUCCEEDED": "green",
    "ACTIVE": "green",
    "SUSPENDED": "red",
    "LIVE": "green",
    "FAILED": "red",
    "RETIRED": "dim",
    "UNAVAILABLE": "red",
    "CANCELLED": "yellow",
    "NEEDS_RESOLUTION": "magenta",
    "PARKED": "magenta",
    "PARTIALLY_SUCCEEDED": "yellow",
    "MOCK": "cyan",
}


def colored(word: str) -> str:
    """A state's word in its color."""
    color = _COLORS.get(word)
    return f"[{color}]{word}[/]" if color else word


def job_state(value: job_pb2.JobState) -> str:
    """Such as `RUNNING`; the number of a state newer than this client."""
    return enum_word(job_pb2.JobState, value, "JOB_STATE_")


def clip_state(value: job_pb2.ClipState) -> str:
    """Such as `PARKED`."""
    return enum_word(job_pb2.ClipState, value, "CLIP_STATE_")


def stage(value: job_pb2.ProgressStage) -> str:
    """Such as `vendor running`."""
    return enum_word(job_pb2.ProgressStage, value, "PROGRESS_STAGE_").replace("_", " ").lower()


def outcome(value: job_pb2.AttemptOutcome) -> str:
    """Such as `ACCEPTED`."""
    return enum_word(job_pb2.AttemptOutcome, value, "ATTEMPT_OUTCOME_")


def event_kind(value: job_pb2.JobEventKind) -> str:
    """Such as `settled`."""
    return enum_word(job_pb2.JobEventKind, value, "JOB_EVENT_KIND_").lower()


def model_state(value: model_pb2.ModelState) -> str:
    """Such as `MOCK`."""
    return enum_word(model_pb2.ModelState, value, "MODEL_STATE_")


def enum_word(enum: type, value: int, prefix: str) -> str:
    """A value's short word; the number of one newer than this client."""
    known: dict[int, str] = {number: name for name, number in enum.items()}  # type: ignore[attr-defined]  # generated
    return known.get(value, str(value)).removeprefix(prefix)


def money(holder: Message, field: str) -> str:
    """The amount of a Money field, or `unknown` when it is not set."""
    amount: common_pb2.Money = getattr(holder, field)
    return amount_text(amount) if holder.HasField(field) else "unknown"


def amount_text(amount: common_pb2.Money) -> str:
    """Such as `0.60 USD`; mock money says so."""
    units = Decimal(amount.micros) / 1_000_000
    text = f"{units:.2f}" if units == round(units, 2) else f"{units.normalize():f}"
    return f"{text} {plain(amount.currency_code)}" + (" (mock)" if amount.currency_code == "XTS" else "")


def length(value: Duration) -> str:
    """Such as `5.04 s`."""
    return f"{value.ToTimedelta().total_seconds():g} s"


def moment(value: Timestamp) -> str:
    """Such as `2026-11-21 14:03:22Z`; empty when not set."""
    return f"{value.ToDatetime(tzinfo=UTC):%Y-%m-%d %H:%M:%S}Z" if value.seconds else ""


def failure(value: job_pb2.ClipFailure) -> str:
    """Such as `TIMED_OUT (billed UNKNOWN): …`."""
    reason = enum_word(job_pb2.FailureReason, value.reason, "FAILURE_REASON_")
    billed = enum_word(job_pb2.Billed, value.billed, "BILLED_")
    return f"{reason} (billed {billed}): {plain(value.message)}"
