"""Every reason has its code, every error class its details, and no answer outgrows a client's metadata."""

import grpc
import pytest
from google.rpc import error_details_pb2  # type: ignore[import-untyped] # ships no py.typed

from core import errors
from core.errors import FilmgateError, InvalidRequest, NotFound, Reason, Violation
from server.status import CODES, status_of

CLASSES = FilmgateError.__subclasses__()
PAIRS = [(kind, reason) for kind in CLASSES for reason in sorted(kind.reasons)]
WITH_RETRY = {Reason.TENANT_RATE_LIMITED, Reason.SERVER_OVERLOADED, Reason.SHUTTING_DOWN, Reason.DATABASE_UNAVAILABLE}
CONTRACT = {
    grpc.StatusCode.INVALID_ARGUMENT: {
        "INVALID_REQUEST",
        "UNSUPPORTED_PARAMETER",
        "PROMPT_TOO_LONG",
        "UNSAFE_URL",
        "UNREADABLE_MEDIA",
        "INVALID_PAGE_TOKEN",
    },
    grpc.StatusCode.NOT_FOUND: {"UNKNOWN_MODEL", "NOT_FOUND"},
    grpc.StatusCode.FAILED_PRECONDITION: {
        "MODEL_RETIRED",
        "MODEL_UNAVAILABLE",
        "JOB_NOT_CANCELLABLE",
        "BUDGET_EXCEEDED",
        "COST_LIMIT_EXCEEDED",
        "TENANT_SUSPENDED",
        "TENANT_BUSY",
        "WEBHOOK_DISABLED",
        "TOO_MANY_ENDPOINTS",
    },
    grpc.StatusCode.ALREADY_EXISTS: {"ALREADY_EXISTS"},
    grpc.StatusCode.ABORTED: {"REQUEST_ID_REUSED"},
    grpc.StatusCode.RESOURCE_EXHAUSTED: {"TENANT_RATE_LIMITED", "SERVER_OVERLOADED"},
    grpc.StatusCode.UNAUTHENTICATED: {"MISSING_CREDENTIALS", "BAD_CREDENTIALS"},
    grpc.StatusCode.PERMISSION_DENIED: {"WRONG_TENANT", "ROLE_REQUIRED"},
    grpc.StatusCode.UNAVAILABLE: {"SHUTTING_DOWN", "DATABASE_UNAVAILABLE"},
    grpc.StatusCode.UNIMPLEMENTED: {"NOT_IMPLEMENTED"},
    grpc.StatusCode.INTERNAL: {"INTERNAL"},
}


def details(error: FilmgateError) -> dict[str, object]:
    """The details of a refusal by the names of their types."""
    found: dict[str, object] = {}
    for packed in status_of(error).details:
        name = packed.TypeName().rpartition(".")[2]
        message = getattr(error_details_pb2, name)()
        assert packed.Unpack(message)
        found[name] = message
    return found


def test_the_table_is_the_contracts() -> None:
    assert {code: {str(reason) for reason in CODES if CODES[reason] is code} for code in CONTRACT} == CONTRACT
    assert set(CODES) == set(Reason)


def test_every_reason_belongs_to_a_class_and_every_class_is_here() -> None:
    assert {reason for _, reason in PAIRS} == set(Reason)
    declared = {
        value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, FilmgateError)
    }
    assert declared - {FilmgateError, errors.DatabaseUnavailable} == set(CLASSES)


@pytest.mark.parametrize(("kind", "reason"), PAIRS)
def test_every_error_carries_its_reason(kind: type[FilmgateError], reason: Reason) -> None:
    error = kind(reason=reason, message="told", metadata={"name": "value"})
    status, found = status_of(error), details(error)
    info = found["ErrorInfo"]
    assert (info.reason, info.domain, dict(info.metadata)) == (reason, "filmgate", {"name": "value"})  # type: ignore[attr-defined]
    assert (status.code, status.message) == (CODES[reason].value[0], "told")
    assert ("RetryInfo" in found) == (reason in WITH_RETRY)
    assert ("BadRequest" in found) == (kind is InvalidRequest)
    assert ("ResourceInfo" in found) == (kind is NotFound)


def test_a_time_to_come_back_is_exact() -> None:
    error = errors.Exhausted(reason=Reason.SERVER_OVERLOADED, message="", retry_after=2.5)
    retry = details(error)["RetryInfo"]
    assert retry.retry_delay.ToMilliseconds() == 2500  # type: ignore[attr-defined]


@pytest.mark.parametrize("count", [1, 11, 100, 5000])
def test_however_many_violations_the_answer_fits_a_clients_metadata(count: int) -> None:
    violations = [Violation(field=f"requests[{index}].prompt", message="x" * 90) for index in range(count)]
    status = status_of(InvalidRequest.of(violations))
    assert len(status.SerializeToString()) * 4 / 3 + len(status.message) < 8000
    found = details(InvalidRequest.of(violations))["BadRequest"].field_violations  # type: ignore[attr-defined]
    if count <= 11:
        assert len(found) == count
    else:
        told = int(found[-1].description.split()[1])
        assert len(found) - 1 + told == count
