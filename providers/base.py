"""What an adapter is: pure translation between our words and one vendor's HTTP API.

An adapter never sleeps, retries, polls, downloads, opens a socket or sees a secret; `jobs/sender.py` does that.
A plain vendor overrides `submit`, `ticket`, `poll` and `state`.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import ClassVar

from core.errors import Billed, Failure, FailureReason
from core.outcome import (
    Accepted,
    Ambiguous,
    AttemptReference,
    Callback,
    CallbackRefused,
    Failed,
    Finished,
    Json,
    Outcome,
    Pending,
    Refused,
    Reply,
    Request,
    Slot,
    Submitted,
    Ticket,
)
from core.spec import ClipSpec, MediaInput
from providers.model import VideoModel

REFUSED_STATUSES: Mapping[int, FailureReason] = {
    400: FailureReason.INVALID_INPUT,
    401: FailureReason.VENDOR_AUTH,
    402: FailureReason.VENDOR_CREDIT,
    403: FailureReason.VENDOR_AUTH,
    404: FailureReason.VENDOR_RETIRED,
    405: FailureReason.INVALID_INPUT,
    410: FailureReason.VENDOR_RETIRED,
    413: FailureReason.INVALID_INPUT,
    415: FailureReason.INVALID_INPUT,
    422: FailureReason.INVALID_INPUT,
    429: FailureReason.RATE_LIMITED,
}
"""Answers to a submit that are known to mean "not accepted" (jobs.md, rule 2). Everything else is ambiguous."""

MESSAGES: Mapping[FailureReason, str] = {
    FailureReason.INVALID_INPUT: "the vendor refused the request's input",
    FailureReason.VENDOR_AUTH: "the vendor refused the operator's credential",
    FailureReason.VENDOR_CREDIT: "the operator's account at the vendor has no credit left",
    FailureReason.VENDOR_RETIRED: "the vendor no longer knows this model",
    FailureReason.RATE_LIMITED: "the vendor asks to slow down",
    FailureReason.VENDOR_UNAVAILABLE: "the vendor is unavailable",
    FailureReason.VENDOR_FAILED: "the vendor failed to make the clip",
    FailureReason.CONTENT_POLICY: "the vendor's content policy refused this",
    FailureReason.CANCELLED: "cancelled",
}


class BaseVideoProvider(ABC):
    """One vendor surface."""

    name: ClassVar[str]
    """Also the name of its live endpoint; the emulated one is `mock:{name}`."""
    title: ClassVar[str]
    played_as: ClassVar[str] = ""
    """The emulated vendor that stands in for it, where that has another name."""
    base_url: ClassVar[str]
    """Where the vendor's API lives; empty: only the operator knows (`{NAME}_BASE_URL`)."""
    base_url_variables: ClassVar[tuple[str, ...]] = ()
    """Equal names of `{NAME}_BASE_URL` that people know from the vendor's own SDK."""
    hosts: ClassVar[Mapping[str, str]] = {}
    """The vendor's further hosts, by the names that `Request.host` uses; an emulator has them at `{name}-{host}`."""
    key_optional: ClassVar[bool] = False
    """Whether the vendor may be spoken to without a credential (a machine of the operator's own)."""
    credential_variables: ClassVar[tuple[str, ...]]
    """Environment variables that may hold the key, the brief's name first."""
    models: ClassVar[tuple[VideoModel, ...]]
    poll_floor: ClassVar[float] = 5.0
    """The vendor's advice: never poll one job more often than this many seconds."""
    requests_per_second: ClassVar[float] = 10.0
    """What one credential may ask in all, besides submits; shared by every job that uses it."""
    submits_per_second: ClassVar[float] = 5.0
    """What one credential may submit, likewise."""
    largest_reply: ClassVar[int] = 4 << 20
    """Bytes of the longest answer to a poll; a vendor that sends the clip itself inside it needs more."""
    answers_by_callback: ClassVar[bool] = False
    """Whether a job's end is told by webhook only: what the webhook says is kept, and `state` reads it."""
    signs_addresses: ClassVar[bool] = False
    """Whether a webhook's signature names the address it was sent to: then that address is among the secrets."""
    takes_callbacks: ClassVar[bool] = False
    """Whether a submit can carry a webhook URL of its own."""
    can_search: ClassVar[bool] = False
    """Whether a lost submit can be looked for at the vendor."""
    absence_proves: ClassVar[bool] = True
    """Whether a lost submit that the vendor's whole list does not show was surely never accepted."""
    cancel_deletes: ClassVar[bool] = False
    """Whether `cancel` of a job that has just finished deletes its output: poll once more before cancelling."""

    upload_carries: ClassVar[bool] = False
    """Whether `upload` itself carries the file: then it is given the `data`, and its `slot` has no `url`."""

    def upload(self, media: MediaInput, model: VideoModel) -> Request | None:
        """Ask for a place to send an input file to; costs nothing and may be repeated. None without an upload API."""
        return None

    def slot(self, reply: Reply) -> Slot | None:
        """Read the answer to `upload`; None when it names no place."""
        return None

    def complete(self, uri: str) -> Request | None:
        """Tell the vendor that the bytes are in the slot with this `uri`; None where it needs no telling."""
        return None

    def inspect(self, uri: str) -> Request | None:
        """Ask whether the uploaded file can be used; None where it can at once."""
        return None

    def usable(self, reply: Reply) -> bool | None:
        """Read the answer to `inspect` or `complete`: yes, no, or None for not yet."""
        return True

    def place(self, model: VideoModel) -> str:
        """The row's own place, where each row of the vendor is served at an address of its own."""
        return ""

    @abstractmethod
    def submit(self, spec: ClipSpec, model: VideoModel, callback: str | None) -> Request:
        """The one request that buys the clip. `callback` is the attempt's webhook URL, or None for polling."""

    @abstractmethod
    def ticket(self, document: Mapping[str, Json]) -> Accepted | None:
        """Read a 2xx submit answer; None when it does not name a job (then the outcome is ambiguous)."""

    def refusal(self, reply: Reply) -> Failure | None:
        """Read a refusing answer. None when this status does not surely mean "not accepted"."""
        reason = REFUSED_STATUSES.get(reply.status)
        return None if reason is None else Failure(reason=reason, message=MESSAGES[reason], billed=Billed.NO)

    def submitted(self, reply: Reply) -> Submitted:
        """What became of the submit, from its complete reply."""
        if 200 <= reply.status < 300:
            accepted = self.ticket(reply.document or {})
            return accepted or Ambiguous(detail=f"HTTP {reply.status} without a readable job")
        failure = self.refusal(reply)
        if failure is None:
            return Ambiguous(detail=f"HTTP {reply.status}")
        return Refused(failure=failure, retry_after=retry_after(reply))

    @abstractmethod
    def poll(self, ticket: Ticket) -> Request:
        """Ask how far the job is."""

    @abstractmethod
    def state(self, document: Mapping[str, Json]) -> Outcome | Finished:
        """Read the vendor's job object. An unknown status word is `Pending(unknown=word)`."""

    def result(self, ticket: Ticket) -> Request | None:
        """Ask what a `Finished` job made."""
        return None

    def delivered(self, reply: Reply) -> Outcome:
        """Read the answer to `result`."""
        return Pending(unknown="no result")

    def outcome(self, reply: Reply) -> Outcome | Finished:
        """What a poll says. Trouble reaching the vendor is never the clip's failure: it waits."""
        if 200 <= reply.status < 300 and reply.document is not None:
            said, wait = self.state(reply.document), retry_after(reply)
            return replace(said, retry_after=wait) if wait is not None and isinstance(said, Pending) else said
        # A 404 that is not JSON comes from something between us and the vendor, not from the vendor.
        if reply.status in (404, 410) and reply.document is not None:
            return Failed(failure=self.lost())
        return Pending(unknown=f"HTTP {reply.status}", retry_after=retry_after(reply))

    def lost(self) -> Failure:
        """The vendor does not know the job any more."""
        return Failure(
            reason=FailureReason.VENDOR_FAILED,
            message="the vendor no longer knows this job",
            billed=Billed.UNKNOWN,
            retryable=False,
        )

    def adopt(self, vendor_task_id: str, model: VideoModel) -> Ticket | None:
        """The ticket of a job that a webhook or an operator names; None when this is not one of the vendor's ids."""
        return {"id": vendor_task_id} if is_task_id(vendor_task_id) else None

    def cancel(self, ticket: Ticket) -> Request | None:
        """Ask the vendor to stop; None where it cannot."""
        return None

    def cancelled(self, reply: Reply) -> Outcome:
        """What the vendor's answer to `cancel` says; by default the next poll tells."""
        return Pending(retry_after=retry_after(reply))

    def delete(self, ticket: Ticket) -> Request | None:
        """Make the vendor forget an ended job, with what it was given and made; None where no page offers that."""
        return None

    def search(self, attempt: AttemptReference) -> Request | None:
        """Look for a submit whose reply was lost; None where the vendor cannot list."""
        return None

    def found(self, reply: Reply, attempt: AttemptReference) -> Ticket | None:
        """The lost job's ticket, only if it is surely this attempt's."""
        return None

    def candidates(self, reply: Reply, attempt: AttemptReference) -> tuple[Ticket, ...]:
        """Jobs on this page that may be the attempt's but carry no token.

        To be adopted only when, over all pages, exactly one is left that no other attempt owns.
        """
        return ()

    def search_next(self, reply: Reply) -> Request | None:
        """The next page of a search, or None at its end."""
        return None

    def callback_secret(self) -> Request | None:
        """Fetch the secret with which the vendor signs its webhooks; None where it signs none."""
        return None

    def callback_secrets(self, reply: Reply) -> tuple[str, ...]:
        """Read the answer to `callback_secret`."""
        return ()

    def callback(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> Callback:
        """Verify, then read, a webhook. Raises CallbackRefused. Header names are lower case."""
        raise CallbackRefused(f"{self.name} sends no webhooks")


_TASK_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}", re.ASCII)


def is_task_id(value: Json) -> bool:
    """Whether `value` is a string that is safe as one segment of a vendor's path."""
    return isinstance(value, str) and _TASK_ID.fullmatch(value) is not None


_ADDRESS = re.compile(r"(?:https?://|data:)\S+", re.IGNORECASE)
_LONGEST_TEXT = 300


def readable(value: Json) -> str:
    """A vendor's text made fit for people: one line, printable, bounded, and without addresses (they may be signed)."""
    if not isinstance(value, str):
        return ""
    line = " ".join(_ADDRESS.sub("(address)", value[: 8 * _LONGEST_TEXT]).split())
    return "".join(character for character in line if character.isprintable())[:_LONGEST_TEXT]


def finite(value: Json) -> float | None:
    """A JSON number as a float; None for anything else, for NaN and for the infinities."""
    return None if isinstance(value, bool) or not isinstance(value, int | float) else _number(value)


_PROSE = re.compile(r"(?:resets in|retry (?:after|in)|try again in)\s*~?\s*(\d+(?:\.\d+)?)\s*s", re.IGNORECASE)
_LONGEST_WAIT = 3600.0


def retry_after(reply: Reply, now: datetime | None = None, longest: float = _LONGEST_WAIT) -> float | None:
    """Seconds a vendor asks us to wait: header as seconds or HTTP date, body field `retry_after`, or prose.

    Never negative, never more than `longest` (an hour); None when the reply does not say.
    """
    header = reply.headers.get("retry-after", "").strip()
    document = reply.document or {}
    for wait in (_number(header), _until(header, now or datetime.now(UTC)), _number(document.get("retry_after"))):
        if wait is not None:
            return min(max(wait, 0.0), longest)
    match = _PROSE.search(str(document.get("detail", "")))
    return min(float(match[1]), longest) if match else None


def _number(value: Json) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number == number and abs(number) != float("inf") else None


def _until(value: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
