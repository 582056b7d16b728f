"""The one error of a refused or failed call, read from gRPC's rich status without further packages.

Wire layout: https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

_DETAILS = "grpc-status-details-bin"


@dataclass(frozen=True, kw_only=True, slots=True)
class Violation:
    """One broken rule: `field` as in the contract (`parameters.duration`), `message` = rule and fix."""

    field: str
    message: str
    reason: str = ""


@dataclass(kw_only=True)
class FilmgateCallError(Exception):
    """A call that was refused or did not come through.

    `reason` is Filmgate's word (`MODEL_RETIRED`); empty when the error is gRPC's own, such as a broken connection.
    `retry_after` is in seconds, where the server gave a time to come back.
    """

    code: grpc.StatusCode
    message: str
    reason: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()
    quota_violations: tuple[Violation, ...] = ()
    retry_after: float | None = None

    def __str__(self) -> str:
        return f"{self.reason or self.code.name}: {self.message}"

    @property
    def from_filmgate(self) -> bool:
        """Whether Filmgate itself answered, as opposed to something on the way."""
        return bool(self.reason)


class FailedCall(Protocol):
    """What `grpc.RpcError` has in fact, on both of gRPC's Python stacks."""

    def code(self) -> grpc.StatusCode: ...
    def details(self) -> str | None: ...
    def trailing_metadata(self) -> Iterable[tuple[str, str | bytes]] | None: ...


def call_error(error: FailedCall) -> FilmgateCallError:
    """The error as a value; details that cannot be read are left out."""
    result = FilmgateCallError(code=error.code(), message=error.details() or "")
    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS and isinstance(value, bytes):
            _read_status(value, result)
    return result


Fields = Mapping[int, list[bytes]]
"""The length-delimited fields of a message, by field number."""


def _fields(data: bytes) -> Fields:
    # A message of no fields keeps them all as unknown ones: a reader for messages whose classes we do not ship.
    message = Empty.FromString(data)
    found: dict[int, list[bytes]] = {}
    unknown = UnknownFieldSet(message)
    for entry in (unknown[index] for index in range(len(unknown))):
        if isinstance(entry.data, bytes):
            found.setdefault(entry.field_number, []).append(entry.data)
    return found


def _text(fields: Fields, number: int) -> str:
    return fields.get(number, [b""])[-1].decode("utf-8", "replace")


def _read_status(data: bytes, into: FilmgateCallError) -> None:
    try:
        status = _fields(data)
        into.message = _text(status, 2) or into.message
        for packed in status.get(3, []):
            _read_detail(AnyMessage.FromString(packed), into)
    except (DecodeError, ValueError, OverflowError):
        return


def _read_detail(detail: AnyMessage, into: FilmgateCallError) -> None:
    kind = detail.type_url.rpartition("/")[2]
    fields = _fields(detail.value)
    if kind == "google.rpc.ErrorInfo":
        into.reason = _text(fields, 1)
        pairs = [_fields(entry) for entry in fields.get(3, [])]
        into.metadata = {_text(pair, 1): _text(pair, 2) for pair in pairs}
    elif kind == "google.rpc.RetryInfo":
        into.retry_after = Duration.FromString(fields.get(1, [b""])[-1]).ToTimedelta().total_seconds()
    elif kind == "google.rpc.BadRequest":
        into.violations = _violations(fields)
    elif kind == "google.rpc.QuotaFailure":
        into.quota_violations = _violations(fields)


def _violations(fields: Fields) -> tuple[Violation, ...]:
    entries = [_fields(entry) for entry in fields.get(1, [])]
    return tuple(Violation(field=_text(one, 1), message=_text(one, 2), reason=_text(one, 3)) for one in entries)
