"""The whole error tree.

FilmgateError                   something a caller is told: reason, message, how to mend it
├── InvalidRequest              violations of the request, all of them at once
│                               INVALID_REQUEST, UNSUPPORTED_PARAMETER, PROMPT_TOO_LONG, UNSAFE_URL, UNREADABLE_MEDIA,
│                               INVALID_PAGE_TOKEN
├── NotFound                    UNKNOWN_MODEL, NOT_FOUND (also: somebody else's)
├── Precondition                MODEL_RETIRED, MODEL_UNAVAILABLE, JOB_NOT_CANCELLABLE, BUDGET_EXCEEDED,
│                               COST_LIMIT_EXCEEDED, TENANT_SUSPENDED, WEBHOOK_DISABLED,
│                               TOO_MANY_ENDPOINTS, TENANT_BUSY
├── Conflict                    REQUEST_ID_REUSED, ALREADY_EXISTS
├── Exhausted                   TENANT_RATE_LIMITED, SERVER_OVERLOADED
├── Unauthenticated             MISSING_CREDENTIALS, BAD_CREDENTIALS
├── PermissionDenied            WRONG_TENANT, ROLE_REQUIRED
├── Unavailable                 SHUTTING_DOWN
│   └── DatabaseUnavailable     DATABASE_UNAVAILABLE
├── Unimplemented               NOT_IMPLEMENTED
└── Internal                    INTERNAL (an id for the log, nothing else)

UnsafeUrl, MediaRejected, StorageFailed, TransferFailed   raised inside a room; its caller makes a violation or a
                                                          Failure of it

A clip's failure is data, not an exception: `Failure`.
"""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar


class Reason(enum.StrEnum):
    """`ErrorInfo.reason` of every refusal."""

    INVALID_REQUEST = "INVALID_REQUEST"
    UNSUPPORTED_PARAMETER = "UNSUPPORTED_PARAMETER"
    PROMPT_TOO_LONG = "PROMPT_TOO_LONG"
    UNSAFE_URL = "UNSAFE_URL"
    UNREADABLE_MEDIA = "UNREADABLE_MEDIA"
    INVALID_PAGE_TOKEN = "INVALID_PAGE_TOKEN"  # noqa: S105 - a reason, not a secret
    UNKNOWN_MODEL = "UNKNOWN_MODEL"
    NOT_FOUND = "NOT_FOUND"
    MODEL_RETIRED = "MODEL_RETIRED"
    MODEL_UNAVAILABLE = "MODEL_UNAVAILABLE"
    JOB_NOT_CANCELLABLE = "JOB_NOT_CANCELLABLE"
    BUDGET_EXCEEDED = "BUDGET_EXCEEDED"
    COST_LIMIT_EXCEEDED = "COST_LIMIT_EXCEEDED"
    WEBHOOK_DISABLED = "WEBHOOK_DISABLED"
    TOO_MANY_ENDPOINTS = "TOO_MANY_ENDPOINTS"
    TENANT_BUSY = "TENANT_BUSY"
    TENANT_SUSPENDED = "TENANT_SUSPENDED"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    REQUEST_ID_REUSED = "REQUEST_ID_REUSED"
    TENANT_RATE_LIMITED = "TENANT_RATE_LIMITED"
    SERVER_OVERLOADED = "SERVER_OVERLOADED"
    MISSING_CREDENTIALS = "MISSING_CREDENTIALS"
    BAD_CREDENTIALS = "BAD_CREDENTIALS"
    WRONG_TENANT = "WRONG_TENANT"
    ROLE_REQUIRED = "ROLE_REQUIRED"
    SHUTTING_DOWN = "SHUTTING_DOWN"
    DATABASE_UNAVAILABLE = "DATABASE_UNAVAILABLE"
    NOT_IMPLEMENTED = "NOT_IMPLEMENTED"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True, kw_only=True, slots=True)
class Violation:
    """One broken rule of a request: `field` as in the proto (`parameters.duration`), `message` = rule and fix."""

    field: str
    message: str
    reason: Reason = Reason.INVALID_REQUEST


@dataclass(kw_only=True)
class FilmgateError(Exception):
    """A refusal a caller is told. `message` is for people and never holds a secret or foreign exception text."""

    reason: Reason
    message: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    retry_after: float | None = None
    """Seconds after which the same call may succeed."""
    reasons: ClassVar[frozenset[Reason]] = frozenset()

    def __post_init__(self) -> None:
        super().__init__(self.message)
        if self.reason not in self.reasons:
            raise ValueError(f"{self.reason} is not a reason of {type(self).__name__}")


@dataclass(kw_only=True)
class InvalidRequest(FilmgateError):
    """Every violation of a request at once; the reason is the first violation's."""

    violations: Sequence[Violation] = ()
    reasons = frozenset(
        {
            Reason.INVALID_REQUEST,
            Reason.UNSUPPORTED_PARAMETER,
            Reason.PROMPT_TOO_LONG,
            Reason.UNSAFE_URL,
            Reason.UNREADABLE_MEDIA,
            Reason.INVALID_PAGE_TOKEN,
        }
    )

    @classmethod
    def of(cls, violations: Sequence[Violation]) -> "InvalidRequest":
        """The error for a non-empty list of violations."""
        message = "; ".join(f"{violation.field}: {violation.message}" for violation in violations)
        return cls(reason=violations[0].reason, message=message, violations=tuple(violations))


class NotFound(FilmgateError):
    """No such thing, or somebody else's: the two answers are byte for byte the same."""

    reasons = frozenset({Reason.UNKNOWN_MODEL, Reason.NOT_FOUND})


class Precondition(FilmgateError):
    """Well-formed, but the state of the world forbids it."""

    reasons = frozenset(
        {
            Reason.MODEL_RETIRED,
            Reason.MODEL_UNAVAILABLE,
            Reason.JOB_NOT_CANCELLABLE,
            Reason.BUDGET_EXCEEDED,
            Reason.COST_LIMIT_EXCEEDED,
            Reason.WEBHOOK_DISABLED,
            Reason.TOO_MANY_ENDPOINTS,
            Reason.TENANT_BUSY,
            Reason.TENANT_SUSPENDED,
        }
    )


class Conflict(FilmgateError):
    """The request id was used for a different request, or the name for something that is there."""

    reasons = frozenset({Reason.REQUEST_ID_REUSED, Reason.ALREADY_EXISTS})


class Exhausted(FilmgateError):
    """Too much at once; `retry_after` says when to come back."""

    reasons = frozenset({Reason.TENANT_RATE_LIMITED, Reason.SERVER_OVERLOADED})


class Unauthenticated(FilmgateError):
    """No credentials, or wrong ones."""

    reasons = frozenset({Reason.MISSING_CREDENTIALS, Reason.BAD_CREDENTIALS})


class PermissionDenied(FilmgateError):
    """The credentials are good for something else."""

    reasons = frozenset({Reason.WRONG_TENANT, Reason.ROLE_REQUIRED})


class Unavailable(FilmgateError):
    """The server is going away, or has lost its database; another replica, or a later call, will answer."""

    reasons = frozenset({Reason.SHUTTING_DOWN, Reason.DATABASE_UNAVAILABLE})


@dataclass(kw_only=True)
class DatabaseUnavailable(Unavailable):
    """The database cannot be used for the moment."""

    unknown: bool = False
    """Whether it was lost during a commit, so that what was to be written may be written."""

    @classmethod
    def away(cls, why: str = "") -> "DatabaseUnavailable":
        """It cannot be reached or written, and nothing was; `why` is for operators."""
        return cls._because(f"the database cannot be used at the moment{f' ({why})' if why else ''}; call again")

    @classmethod
    def busy(cls) -> "DatabaseUnavailable":
        """Others held the same rows for too long; nothing was written."""
        return cls._because("others are changing the same thing; call again")

    @classmethod
    def unsure(cls) -> "DatabaseUnavailable":
        """It went away during the commit."""
        text = "the database went away during the call; call again, with the same request_id where there is one"
        return cls._because(text, unknown=True)

    @classmethod
    def _because(cls, message: str, *, unknown: bool = False) -> "DatabaseUnavailable":
        return cls(reason=Reason.DATABASE_UNAVAILABLE, message=message, retry_after=1.0, unknown=unknown)


class Unimplemented(FilmgateError):
    """Not offered by this server."""

    reasons = frozenset({Reason.NOT_IMPLEMENTED})


class Internal(FilmgateError):
    """Our fault: the caller gets an id that the log knows, nothing else."""

    reasons = frozenset({Reason.INTERNAL})


class UnsafeUrl(ValueError):
    """An address the URL policy refuses; the text says which rule, and never echoes userinfo or query."""


class MediaRejected(ValueError):
    """Bytes that are not what they claim; the text is for people."""


class StorageFailed(OSError):
    """The object store refused or lost an operation. `ambiguous` means the write may have happened."""

    def __init__(self, message: str, *, ambiguous: bool = False) -> None:
        super().__init__(message)
        self.ambiguous = ambiguous


class TransferFailed(OSError):
    """A download ended early, too slowly, too large, or at a refused address."""


class FailureReason(enum.StrEnum):
    """Why a clip (or one attempt of it) failed; the words of the contract."""

    CONTENT_POLICY = "CONTENT_POLICY"
    INVALID_INPUT = "INVALID_INPUT"
    VENDOR_AUTH = "VENDOR_AUTH"
    VENDOR_CREDIT = "VENDOR_CREDIT"
    RATE_LIMITED = "RATE_LIMITED"
    VENDOR_UNAVAILABLE = "VENDOR_UNAVAILABLE"
    VENDOR_FAILED = "VENDOR_FAILED"
    VENDOR_RETIRED = "VENDOR_RETIRED"
    TIMED_OUT = "TIMED_OUT"
    SUBMIT_UNKNOWN = "SUBMIT_UNKNOWN"
    BAD_OUTPUT = "BAD_OUTPUT"
    DOWNLOAD_FAILED = "DOWNLOAD_FAILED"
    STORAGE_FAILED = "STORAGE_FAILED"
    CANCELLED = "CANCELLED"
    BUDGET_EXCEEDED = "BUDGET_EXCEEDED"
    COST_LIMIT_EXCEEDED = "COST_LIMIT_EXCEEDED"


RETRYABLE = frozenset(
    {
        FailureReason.RATE_LIMITED,
        FailureReason.VENDOR_UNAVAILABLE,
        FailureReason.VENDOR_FAILED,
        FailureReason.BAD_OUTPUT,
        FailureReason.DOWNLOAD_FAILED,
        FailureReason.STORAGE_FAILED,
    }
)
"""Reasons for which buying the same thing again may help. Decided here, once; an adapter may only narrow it."""


class Billed(enum.StrEnum):
    """Whether the vendor charges for a failed attempt."""

    YES = "YES"
    NO = "NO"
    UNKNOWN = "UNKNOWN"


class PolicyStage(enum.StrEnum):
    """Where a vendor's moderation struck."""

    PROMPT = "PROMPT"
    INPUT = "INPUT"
    OUTPUT = "OUTPUT"


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A clip's failure as data. `message` is ours, for people; `vendor_code` is for operators only."""

    reason: FailureReason
    message: str
    billed: Billed = Billed.NO
    stage: PolicyStage | None = None
    vendor_code: str = ""
    retryable: bool | None = None
    """None: as `RETRYABLE` says. An adapter sets False to narrow; `submit` True where another credential may do."""

    @property
    def may_retry(self) -> bool:
        """Whether a new attempt at the same vendor makes sense."""
        return self.reason in RETRYABLE if self.retryable is None else self.retryable
