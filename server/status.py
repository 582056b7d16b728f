"""From our errors to gRPC: one table of codes, and the rich details of `google.rpc`.

https://google.aip.dev/193
"""

import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details  # type: ignore[import-untyped] # ships no py.typed
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped] # ships no py.typed
from grpc_status import rpc_status

from core.errors import Exhausted, FilmgateError, InvalidRequest, NotFound, Reason

DOMAIN = "filmgate"

CODES: Mapping[Reason, grpc.StatusCode] = {
    Reason.INVALID_REQUEST: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.UNSUPPORTED_PARAMETER: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.PROMPT_TOO_LONG: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.UNSAFE_URL: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.UNREADABLE_MEDIA: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.INVALID_PAGE_TOKEN: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.UNKNOWN_MODEL: grpc.StatusCode.NOT_FOUND,
    Reason.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Reason.MODEL_RETIRED: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.MODEL_UNAVAILABLE: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.JOB_NOT_CANCELLABLE: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.BUDGET_EXCEEDED: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.COST_LIMIT_EXCEEDED: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.TENANT_SUSPENDED: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.WEBHOOK_DISABLED: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.TOO_MANY_ENDPOINTS: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.TENANT_BUSY: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.ALREADY_EXISTS: grpc.StatusCode.ALREADY_EXISTS,
    Reason.REQUEST_ID_REUSED: grpc.StatusCode.ABORTED,
    Reason.TENANT_RATE_LIMITED: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Reason.SERVER_OVERLOADED: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Reason.MISSING_CREDENTIALS: grpc.StatusCode.UNAUTHENTICATED,
    Reason.BAD_CREDENTIALS: grpc.StatusCode.UNAUTHENTICATED,
    Reason.WRONG_TENANT: grpc.StatusCode.PERMISSION_DENIED,
    Reason.ROLE_REQUIRED: grpc.StatusCode.PERMISSION_DENIED,
    Reason.SHUTTING_DOWN: grpc.StatusCode.UNAVAILABLE,
    Reason.DATABASE_UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    Reason.NOT_IMPLEMENTED: grpc.StatusCode.UNIMPLEMENTED,
    Reason.INTERNAL: grpc.StatusCode.INTERNAL,
}

RETRY_AFTER: Mapping[Reason, float] = {
    Reason.TENANT_RATE_LIMITED: 1.0,
    Reason.SERVER_OVERLOADED: 1.0,
    Reason.SHUTTING_DOWN: 1.0,
    Reason.DATABASE_UNAVAILABLE: 1.0,
}
"""Seconds to come back after, where the error itself does not say."""

_QUOTAS = frozenset({Reason.TENANT_RATE_LIMITED, Reason.SERVER_OVERLOADED, Reason.BUDGET_EXCEEDED})
_LONGEST_MESSAGE = 400
_LARGEST_DETAILS = 4500
"""Bytes. Beyond 8 KiB of metadata (base64 and message included) a client's C-core may drop the whole answer."""


def answer_of(error: FilmgateError) -> grpc.Status:
    """A refusal as gRPC sends it. One for want of room is remembered: then many are alike, and must cost little."""
    if isinstance(error, Exhausted):
        return _exhausted(error.reason, error.message, tuple(error.metadata.items()), error.retry_after)
    return _made(error)


@lru_cache(maxsize=1024)
def _exhausted(
    reason: Reason, message: str, metadata: tuple[tuple[str, str], ...], retry_after: float | None
) -> grpc.Status:
    return _made(Exhausted(reason=reason, message=message, metadata=dict(metadata), retry_after=retry_after))


def _made(error: FilmgateError) -> grpc.Status:
    """With what gRPC's own retries wait for, where its caller has them on; they know nothing of RetryInfo.

    https://github.com/grpc/proposal/blob/master/A6-client-retries.md#pushback
    """
    made: grpc.Status = rpc_status.to_status(status_of(error))
    seconds = _retry_after(error)
    if seconds is None:
        return made
    pushback = (("grpc-retry-pushback-ms", str(math.ceil(seconds * 1000))),)
    return made._replace(trailing_metadata=made.trailing_metadata + pushback)  # type: ignore[attr-defined,no-any-return] # a named tuple


def status_of(error: FilmgateError) -> Status:
    """The `google.rpc.Status` of a refusal."""
    status = Status(code=CODES[error.reason].value[0], message=_shortened(error.message, _LONGEST_MESSAGE))
    for detail in _details(error):
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def _details(error: FilmgateError) -> Iterator[Message]:
    metadata = {key: _shortened(value, 200) for key, value in error.metadata.items()}
    yield details.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata)
    if isinstance(error, InvalidRequest):
        yield _bad_request(error)
    seconds = _retry_after(error)
    if seconds is not None:
        yield details.RetryInfo(retry_delay=_duration(seconds))
    if error.reason in _QUOTAS:
        subject = f"tenant:{error.metadata.get('tenant', '')}"
        yield details.QuotaFailure(violations=[_quota(subject=subject, description=_shortened(error.message, 200))])
    if isinstance(error, NotFound):
        yield details.ResourceInfo(
            resource_type=error.metadata.get("type", "model" if error.reason is Reason.UNKNOWN_MODEL else ""),
            resource_name=_shortened(error.metadata.get("name", ""), 200),
            description=_shortened(error.message, 200),
        )


def _retry_after(error: FilmgateError) -> float | None:
    return RETRY_AFTER.get(error.reason) if error.retry_after is None else error.retry_after


def _quota(**values: Any) -> Any:
    return details.QuotaFailure.Violation(**values)


def _bad_request(error: InvalidRequest) -> details.BadRequest:
    """Every violation, as far as the metadata of one answer can carry them; the last one says how many more."""
    result = details.BadRequest()
    room = _LARGEST_DETAILS
    for count, violation in enumerate(error.violations):
        entry = details.BadRequest.FieldViolation(
            field=violation.field,
            description=_shortened(violation.message, 500),
            reason=violation.reason,
        )
        room -= entry.ByteSize() + 4
        if room < 0:
            rest = len(error.violations) - count
            result.field_violations.add(description=f"and {rest} more violations", reason=violation.reason)
            break
        result.field_violations.append(entry)
    return result


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromMilliseconds(max(0, round(seconds * 1000)))
    return duration


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
