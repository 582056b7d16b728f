"""Reading the errors of Google's APIs, by key and on Vertex. https://ai.google.dev/gemini-api/docs/api-errors"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.errors import Billed, Failure, FailureReason, PolicyStage
from core.outcome import Json, Reply, parsed
from providers.base import MESSAGES, REFUSED_STATUSES, readable

_UNSAFE_WORDS = frozenset({"SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "IMAGE_SAFETY"})
"""Whole words in codes and statuses: `API_KEY_SERVICE_BLOCKED` is no verdict on content."""
_UNSAFE_TEXT = re.compile(
    r"\bblocked (?:by|for|due to)\b.{0,80}\b(?:safety|polic(?:y|ies)|responsible ai)|support codes?:\s*\d"
    r"|violates? .{0,60}(?:guidelines|polic(?:y|ies))|prompt could(?:n't| not) be submitted",
    re.IGNORECASE,
)
"""The API by key shows only the first in its documents; the others are Vertex's."""
_PROMPT_CODES = re.compile(
    r"\b(?:58061214|29310472|62263041|57734940|42876398|92201652|89371032|90789179|78610348|61493863|32635315)\b"
)
"""Support codes of the prompt's filters. https://docs.cloud.google.com (responsible-ai-and-usage-guidelines)"""
_DELAY = re.compile(r"(\d{1,6}(?:\.\d{1,9})?)s", re.ASCII)
_LONGEST_DELAY = 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class GoogleError:
    """One error: its words (codes, statuses, reasons) in upper case, its text, and the wait it asks for in seconds."""

    words: frozenset[str]
    message: str
    delay: float | None = None

    @property
    def is_unsafe(self) -> bool:
        """Whether it is a verdict of the content filters."""
        return bool(self.words & _UNSAFE_WORDS) or _UNSAFE_TEXT.search(self.message) is not None


def read(reply: Reply) -> GoogleError | None:
    """The error in a reply's body: `{"error": …}`, or the same in an array, as Google's front end sends it."""
    body = parsed(reply.body)
    first = body[0] if isinstance(body, list) and body else body
    error = first.get("error") if isinstance(first, dict) else None
    return of(error) if isinstance(error, dict) else None


def of(error: Mapping[str, Json]) -> GoogleError:
    """An error object; `code` is a word on the Interactions routes and a number elsewhere."""
    details = error.get("details")
    listed = [each for each in details if isinstance(each, dict)] if isinstance(details, list) else []
    said = [error.get("code"), error.get("status"), *(each.get("reason") for each in listed)]
    words = {readable(word).upper() for word in said if isinstance(word, str)}
    delays = (_seconds(each.get("retryDelay")) for each in listed)
    return GoogleError(
        words=frozenset(words),
        message=readable(error.get("message")),
        delay=next((delay for delay in delays if delay is not None), None),
    )


def refusal(reply: Reply) -> Failure | None:
    """A refusing answer to a submit in our words; None when it does not surely mean "not accepted"."""
    error = read(reply)
    reason = REFUSED_STATUSES.get(reply.status)
    if error is None:
        return None if reason is None else _failure(reason, "")
    # An organisation's policy is a failed precondition, and no verdict on content.
    if reply.status == 400 and error.is_unsafe and "FAILED_PRECONDITION" not in error.words:
        return policy([error.message], error.words, otherwise=PolicyStage.PROMPT)
    reason = _reason(reply.status, error) or reason
    if reason is None:
        return None
    told = error.message if reason is FailureReason.INVALID_INPUT else ""
    return _failure(reason, told, _code(error.words))


def policy(texts: Iterable[str], words: frozenset[str], *, otherwise: PolicyStage | None) -> Failure:
    """What the content filters held back, and whether it was the prompt, an input image or the output.

    Google says that it charges for videos it made only (its pricing pages; not verified), so it is not billed.
    """
    text = " ".join(texts)
    stage = otherwise
    if "input image" in text.lower():
        stage = PolicyStage.INPUT
    elif _PROMPT_CODES.search(text):
        stage = PolicyStage.PROMPT
    reason = FailureReason.CONTENT_POLICY
    codes = " ".join(re.findall(r"\b\d{8}\b", text))
    return Failure(
        reason=reason, message=MESSAGES[reason], billed=Billed.NO, stage=stage, vendor_code=(codes or _code(words))[:64]
    )


def _reason(status: int, error: GoogleError) -> FailureReason | None:
    """Where the words of an error say more than its status."""
    text = error.message.lower()
    if status == 416:
        return FailureReason.INVALID_INPUT
    bad_key = "API_KEY_INVALID" in error.words or text.startswith(("api key not valid", "api key expired"))
    if status == 400 and bad_key:
        return FailureReason.VENDOR_AUTH
    if "billing" in text and error.words & {"FAILED_PRECONDITION", "PERMISSION_DENIED", "BILLING_DISABLED"}:
        return FailureReason.VENDOR_CREDIT
    if "no longer available" in text and status in (400, 404):
        return FailureReason.VENDOR_RETIRED
    if status == 404 and text and "model" not in text and "MODEL_NOT_FOUND" not in error.words:
        # A file or an earlier interaction that the request names; by its status alone it would be the model.
        return FailureReason.INVALID_INPUT
    # Load shedding in so many words; any other 503 may have been accepted.
    return FailureReason.VENDOR_UNAVAILABLE if status == 503 and "overloaded" in text else None


def _failure(reason: FailureReason, told: str, code: str = "") -> Failure:
    message = f"{MESSAGES[reason]}: {told}" if told else MESSAGES[reason]
    return Failure(reason=reason, message=message, billed=Billed.NO, vendor_code=code)


def _code(words: frozenset[str]) -> str:
    return " ".join(sorted(words))[:64]


def _seconds(value: Json) -> float | None:
    """The seconds of a protobuf Duration such as `34.07s`."""
    match = _DELAY.fullmatch(value) if isinstance(value, str) else None
    return min(float(match[1]), _LONGEST_DELAY) if match else None
