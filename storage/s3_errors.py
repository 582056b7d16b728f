"""What went wrong at the S3 service, in our words: never its own message, which quotes keys and signatures."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core.errors import StorageFailed

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_CODE = re.compile(r"[A-Za-z0-9]{1,64}")
_ABSENT = {"NoSuchKey", "NotFound", "404"}
_RETRYABLE = {
    "RequestTimeout",
    "OperationAborted",
    "ConditionalRequestConflict",
    "PreconditionFailed",
    "IncompleteBody",
}
"""400s and 409s that a second try may mend. A failed precondition is answered by the HEAD that opens that try."""


class S3Trouble(StorageFailed):
    """A failed call: `status` is 0 when no answer came, `retryable` whether the same call may succeed later."""

    def __init__(self, message: str, *, ambiguous: bool, retryable: bool, status: int = 0, code: str = "") -> None:
        super().__init__(message, ambiguous=ambiguous)
        self.retryable = retryable
        self.status = status
        self.code = code

    @property
    def absent(self) -> bool:
        """Whether the service says that there is no such object (a missing bucket is something else)."""
        return self.status == 404 and self.code in _ABSENT


@contextmanager
def translated(operation: str) -> Iterator[None]:
    """Turn whatever boto3 raises inside into S3Trouble, without its cause: that one holds URLs and headers."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise _answered(operation, error) from None
    except BotoCoreError as error:
        raise _unanswered(operation, error) from None


def _answered(operation: str, error: "ClientError") -> S3Trouble:
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    code = str(error.response.get("Error", {}).get("Code") or "")
    code = code if _CODE.fullmatch(code) else "unreadable"
    message = f"the object store answered {status} {code} to {operation}"
    # 503 says "slow down" before it takes anything; other 5xx may come after the object was stored. A failure
    # reported inside a 200 (CompleteMultipartUpload does that) is of the second kind.
    ambiguous = status < 300 or (status >= 500 and status not in {501, 503})
    retryable = ambiguous or status in {408, 429, 503} or code in _RETRYABLE
    return S3Trouble(message, ambiguous=ambiguous, retryable=retryable, status=status, code=code)


def _unanswered(operation: str, error: Exception) -> S3Trouble:
    from botocore import exceptions

    kind = type(error).__name__
    if isinstance(error, (exceptions.EndpointConnectionError, exceptions.ConnectTimeoutError, exceptions.SSLError)):
        return S3Trouble(f"the object store cannot be reached ({kind})", ambiguous=False, retryable=True)
    if isinstance(error, (exceptions.HTTPClientError, exceptions.IncompleteReadError)):
        return S3Trouble(f"the object store did not finish {operation} ({kind})", ambiguous=True, retryable=True)
    return S3Trouble(f"{operation} could not be sent to the object store ({kind})", ambiguous=False, retryable=False)
