"""Reading an interaction of the Gemini API that makes a video. https://ai.google.dev/gemini-api/docs/omni"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeGuard
from urllib.parse import parse_qs, urlsplit, urlunsplit

from core.errors import Billed, Failure, FailureReason
from core.outcome import Auth, Failed, Json, Outcome, Pending, Ready, Stage, Usage
from providers import google_errors
from providers.base import MESSAGES, readable
from providers.google_errors import GoogleError

AUTH = Auth(header="x-goog-api-key", prefix="")
_STAGES: Mapping[str, Stage] = {
    "queued": Stage.QUEUED,
    "in_progress": Stage.RUNNING,
    # The decode limit of one request is reached; with `background` the vendor goes on by itself (SDK 3.4).
    "requires_continuation": Stage.RUNNING,
}
_ENDS: Mapping[str, tuple[FailureReason, str]] = {
    "cancelled": (FailureReason.CANCELLED, MESSAGES[FailureReason.CANCELLED]),
    "incomplete": (FailureReason.VENDOR_FAILED, "the vendor ended the job before it was complete"),
    # Nobody documents whose budget it is; a third party takes it for the account's spending limit.
    "budget_exceeded": (FailureReason.VENDOR_CREDIT, "the vendor stopped the job at a budget of the account"),
    "requires_action": (FailureReason.VENDOR_FAILED, "the vendor waits for an action that nobody can take"),
}
_INPUT_WORDS = frozenset({"INVALID_REQUEST", "INVALID_ARGUMENT", "PARAMETER_UNKNOWN", "OUT_OF_RANGE"})
_MEDIA_TYPE = re.compile(r"video/[a-z0-9.+-]{1,40}", re.ASCII)
_MOST_TOKENS = 1_000_000_000


def read(document: Mapping[str, Json]) -> Outcome:
    """What an interaction says; a status word we do not know is waited on."""
    status = document.get("status")
    if status == "completed":
        return _completed(document)
    if status == "failed":
        return _failed(document)
    if isinstance(status, str) and status in _ENDS:
        reason, message = _ENDS[status]
        return _ended(document, reason, message, retryable=False)
    stage = _STAGES.get(status) if isinstance(status, str) else None
    return Pending(unknown=readable(status)[:64] or "no status") if stage is None else Pending(stage=stage)


def video_tokens(document: Mapping[str, Json]) -> int | None:
    """Output tokens of the modality video, which are what a video costs; None when the usage does not say."""
    usage = document.get("usage")
    listed = usage.get("output_tokens_by_modality") if isinstance(usage, dict) else None
    if not isinstance(listed, list):
        return None
    counts = [
        each.get("tokens")
        for each in listed
        if isinstance(each, dict) and readable(each.get("modality")).lower() == "video"
    ]
    return min(sum(count for count in counts if _is_count(count)), _MOST_TOKENS)


def _is_count(value: Json) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _completed(document: Mapping[str, Json]) -> Outcome:
    """Success only with a video: a refusal is `completed` too, with nothing but text and no video tokens."""
    addresses = [*_addresses(document)]
    if addresses:
        # The address first: a poll may answer with the bytes although an address was asked for.
        outputs = tuple(sorted(addresses, key=lambda each: each.startswith("data:")))
        return Ready(outputs=outputs, auth=AUTH, usage=_usage(document))
    if video_tokens(document):
        return _ended(document, FailureReason.BAD_OUTPUT, "the vendor finished without an output", retryable=False)
    if any(True for _ in _texts(document)):
        return _ended(document, FailureReason.CONTENT_POLICY, MESSAGES[FailureReason.CONTENT_POLICY])
    # Google's own guide: editing an uploaded video ends so in the EEA, Switzerland, the UK and some US states.
    message = "the vendor finished without an output, as it does where editing a video of one's own is not offered"
    return _ended(document, FailureReason.BAD_OUTPUT, message, retryable=False)


def _failed(document: Mapping[str, Json]) -> Failed:
    errors = [*_errors(document)]
    finish = readable(document.get("finish_reason")).upper()
    errors += [GoogleError(words=frozenset({finish}), message="")] if finish else []
    words = frozenset(word for error in errors for word in error.words)
    if any(error.is_unsafe for error in errors):
        verdict = google_errors.policy((error.message for error in errors), words, otherwise=None)
        billed = Billed.YES if video_tokens(document) else Billed.NO
        return Failed(failure=replace(verdict, billed=billed), usage=_usage(document))
    code = " ".join(sorted(words))
    if words & _INPUT_WORDS:
        told = next((error.message for error in errors if error.message), "")
        message = ": ".join(filter(None, (MESSAGES[FailureReason.INVALID_INPUT], told)))
        return _ended(document, FailureReason.INVALID_INPUT, message, code=code)
    return _ended(document, FailureReason.VENDOR_FAILED, MESSAGES[FailureReason.VENDOR_FAILED], code=code)


def _ended(
    document: Mapping[str, Json],
    reason: FailureReason,
    message: str,
    *,
    code: str = "",
    retryable: bool | None = None,
) -> Failed:
    """Billed as its video tokens say; a few tokens of text, which cost a fraction of a cent, are not counted."""
    tokens = video_tokens(document)
    billed = Billed.UNKNOWN if tokens is None else Billed.YES if tokens else Billed.NO
    failure = Failure(reason=reason, message=message, billed=billed, vendor_code=code[:64], retryable=retryable)
    return Failed(failure=failure, usage=_usage(document))


def _usage(document: Mapping[str, Json]) -> Usage:
    return Usage(tokens=video_tokens(document))


def _contents(document: Mapping[str, Json], kind: str) -> Iterator[Mapping[str, Json]]:
    """The content blocks of this type in what the model put out."""
    steps = document.get("steps")
    for step in steps if isinstance(steps, list) else []:
        contents = step.get("content") if isinstance(step, dict) and step.get("type") == "model_output" else None
        for content in contents if isinstance(contents, list) else []:
            if isinstance(content, dict) and content.get("type") == kind:
                yield content


def _texts(document: Mapping[str, Json]) -> Iterator[str]:
    yield from (text for content in _contents(document, "text") if (text := readable(content.get("text"))))


def _addresses(document: Mapping[str, Json]) -> Iterator[str]:
    for content in _contents(document, "video"):
        uri, data = content.get("uri"), content.get("data")
        if _is_address(uri):
            yield _downloadable(uri)
        if isinstance(data, str) and data.isascii() and data:
            kind = content.get("mime_type")
            media_type = kind if isinstance(kind, str) and _MEDIA_TYPE.fullmatch(kind) else "video/mp4"
            yield f"data:{media_type};base64,{data}"


def _is_address(value: Json) -> TypeGuard[str]:
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
        return False
    return value.startswith(("https://", "http://"))


def _downloadable(uri: str) -> str:
    """A file's address as one that gives its bytes: guides show it with and without `:download?alt=media`."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return uri
    if "/files/" not in parts.path:
        return uri
    path = parts.path if parts.path.endswith(":download") else f"{parts.path}:download"
    query = parts.query if "alt" in parse_qs(parts.query) else "&".join(filter(None, (parts.query, "alt=media")))
    return urlunsplit(parts._replace(path=path, query=query))


def _errors(document: Mapping[str, Json]) -> Iterator[GoogleError]:
    """`errors` of the interaction, `error` of it or of one of its steps."""
    steps, errors = document.get("steps"), document.get("errors")
    told = [*(errors if isinstance(errors, list) else []), document.get("error")]
    told += [step.get("error") for step in (steps if isinstance(steps, list) else []) if isinstance(step, dict)]
    yield from (google_errors.of(error) for error in told if isinstance(error, dict))
