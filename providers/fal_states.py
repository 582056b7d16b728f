"""Reading a fal request: its states, a model's output, and both kinds of errors. https://fal.ai/docs/model-apis/errors

"Server errors are never billed": a 5xx costs nothing. A 4xx "may still be charged if a runner spent GPU time".
"""

import re
from collections.abc import Iterator, Mapping
from typing import TypeGuard

from core.errors import Billed, Failure, FailureReason, PolicyStage
from core.outcome import Failed, Finished, Json, Outcome, Pending, Ready, Reply, Stage, Usage
from providers.base import MESSAGES, finite, readable, retry_after

_PROGRESS = re.compile(r"^\s*(\d{1,3})%\s*\|.{0,400}?\|\s*\d+/\d+")
_MOST_LOGS = 200
_LONGEST_RUN = 86_400

_CANCELLED, _FAILED = FailureReason.CANCELLED, FailureReason.VENDOR_FAILED
_AWAY = FailureReason.VENDOR_UNAVAILABLE
_REQUEST_ERRORS: Mapping[str, tuple[FailureReason, Billed]] = {
    "request_timeout": (_FAILED, Billed.NO),
    "startup_timeout": (_AWAY, Billed.NO),
    "runner_scheduling_failure": (_AWAY, Billed.NO),
    "runner_connection_timeout": (_AWAY, Billed.NO),
    "runner_disconnected": (_AWAY, Billed.NO),
    "runner_connection_refused": (_AWAY, Billed.NO),
    "runner_connection_error": (_AWAY, Billed.NO),
    "runner_incomplete_response": (_FAILED, Billed.NO),
    "runner_server_error": (_FAILED, Billed.NO),
    "internal_error": (_FAILED, Billed.NO),
    # What a cancelled request says later is not documented; these two are the words that fit. Nor is whether a run
    # that was stopped half-way is charged.
    "client_cancelled": (_CANCELLED, Billed.UNKNOWN),
    "client_disconnected": (_CANCELLED, Billed.UNKNOWN),
    "bad_request": (FailureReason.INVALID_INPUT, Billed.NO),
}
"""`error_type`: trouble of fal's own machinery (docs: request-errors, complete)."""

_MODEL_ERRORS: Mapping[str, tuple[FailureReason, Billed, bool | None]] = {
    # One third party says that what was flagged is billed, another that a refusal is not.
    "content_policy_violation": (FailureReason.CONTENT_POLICY, Billed.UNKNOWN, None),
    "no_media_generated": (FailureReason.BAD_OUTPUT, Billed.UNKNOWN, False),
    "internal_server_error": (_FAILED, Billed.NO, None),
    "generation_timeout": (_FAILED, Billed.NO, None),
    "downstream_service_unavailable": (_AWAY, Billed.NO, None),
    "downstream_service_error": (_FAILED, Billed.UNKNOWN, False),
    "concurrent_requests_limit": (FailureReason.RATE_LIMITED, Billed.NO, None),
}
"""`detail[].type` of a model's error; any other is "a non-retryable 422 validation error"."""

_LOOKED_INTO = frozenset(
    {
        *("image_too_small", "image_too_large", "image_load_error", "file_download_error", "face_detection_error"),
        *("file_too_large", "unsupported_image_format", "unsupported_video_format", "unsupported_audio_format"),
        *("video_duration_too_long", "video_duration_too_short", "audio_duration_too_long", "audio_duration_too_short"),
    }
)
"""Validation errors that a runner only finds by looking into the files, so that it may have spent time."""

_POLICY = re.compile(
    r"content polic|content check|content moderat|nsfw|unsafe|flagged|sensitive|prohibited", re.IGNORECASE
)
_STILL_RUNNING = re.compile(r"still in progress", re.IGNORECASE)
_STATUS_CODE = re.compile(r"status code:? (\d{3})", re.IGNORECASE)
_WAITED_OUT = frozenset({401, 402, 403, 407, 408, 425, 429})
"""Statuses of a result that speak of our credential or of the moment, not of the clip."""


def read(document: Mapping[str, Json]) -> Outcome | Finished:
    """What a status says. There are three words, and COMPLETED may mean failed; anything else is waited on."""
    status = document.get("status")
    if status == "IN_QUEUE":
        return Pending(stage=Stage.QUEUED)
    if status == "IN_PROGRESS":
        return Pending(stage=Stage.RUNNING, progress=_progress(document.get("logs")))
    if status == "COMPLETED":
        code = document.get("error_type")
        # Whether it was our own limit that ended it, only the result's headers tell.
        failed = None if code == "request_timeout" else _request_error(code)
        metrics = document.get("metrics")
        spent = metrics.get("inference_time") if isinstance(metrics, dict) else None
        # Any other `error` is told in full by the result, which is the model's own HTTP error.
        return Finished() if failed is None else Failed(failure=failed, usage=_usage(spent))
    return Pending(unknown=readable(status)[:64] or "no status")


def delivered(reply: Reply, lost: Failure) -> Outcome:
    """What a result says: the model's output, or its HTTP error; `lost` when fal has it no more."""
    document = reply.document
    if document is not None and 200 <= reply.status < 300:
        return output(document)
    wait = Pending(unknown=f"HTTP {reply.status}", retry_after=retry_after(reply))
    if document is None or reply.status in _WAITED_OUT:
        return wait
    if _STILL_RUNNING.search(readable(document.get("detail"))):
        return Pending(stage=Stage.RUNNING)
    if reply.status in (404, 410):
        return Failed(failure=lost)
    failed = model_failure(document, reply.status, reply.headers)
    return wait if failed is None else failed


def output(document: Mapping[str, Json]) -> Outcome:
    """`{"video": {"url", "content_type", …}}`: on fal's CDN, public, without a key."""
    video = document.get("video")
    url = video.get("url") if isinstance(video, dict) else video
    timings = document.get("timings")
    usage = _usage(timings.get("inference") if isinstance(timings, dict) else None)
    if _is_address(url):
        return Ready(outputs=(url,), usage=usage)
    # No result states a price: what was made and cannot be found is taken for billed.
    message = "the vendor finished without an output"
    return Failed(failure=Failure(reason=FailureReason.BAD_OUTPUT, message=message, billed=Billed.YES), usage=usage)


def told(document: Mapping[str, Json]) -> Outcome:
    """What a webhook's body says: `status` OK or ERROR, and as `payload` what the result would have held."""
    payload = document.get("payload")
    if document.get("status") == "OK" and isinstance(payload, dict):
        return output(payload)
    if document.get("status") != "ERROR":
        # Also a `payload_error`: the output was no JSON, or too long to send.
        return Pending(unknown="" if document.get("status") == "OK" else "no status")
    match = _STATUS_CODE.search(readable(document.get("error")))
    failed = model_failure(payload if isinstance(payload, dict) else {}, int(match[1]) if match else 0, {})
    return failed or Pending(unknown="ERROR")


def model_failure(document: Mapping[str, Json], status: int, headers: Mapping[str, str]) -> Failed | None:
    """The failure in an error's body: `{"detail": "…", "error_type"}` of fal, `{"detail": […]}` of a model.

    None when it may be trouble on the way to fal instead.
    """
    code = document.get("error_type") or headers.get("x-fal-error-type")
    if headers.get("x-fal-request-timeout-type") == "user":
        # Our own X-Fal-Request-Timeout: it did not start before the row's deadline.
        message = "the vendor did not start before the deadline"
        return Failed(failure=_failure(FailureReason.TIMED_OUT, Billed.NO, readable(code), message=message))
    failure = _request_error(code)
    if failure is None and isinstance(document.get("detail"), list):
        failure = _detailed([*_entries(document["detail"])], status, headers)
    if failure is None:
        failure = _by_status(readable(document.get("detail")), status, headers)
    return None if failure is None else Failed(failure=failure)


def _request_error(code: Json) -> Failure | None:
    known = _REQUEST_ERRORS.get(code) if isinstance(code, str) else None
    return None if known is None else _failure(*known, readable(code))


def _detailed(entries: list[Mapping[str, Json]], status: int, headers: Mapping[str, str]) -> Failure | None:
    """The first entry whose type says something, else all of them as what is wrong with the input."""
    for entry in entries:
        code = readable(entry.get("type"))
        if code in _MODEL_ERRORS:
            return _typed(code, entry, headers)
    if not entries or status >= 500:
        return None
    code = readable(entries[0].get("type"))
    billed = Billed.UNKNOWN if any(readable(entry.get("type")) in _LOOKED_INTO for entry in entries) else Billed.NO
    return _failure(FailureReason.INVALID_INPUT, billed, code, message=invalid(entries))


def _typed(code: str, entry: Mapping[str, Json], headers: Mapping[str, str]) -> Failure:
    reason, billed, retryable = _MODEL_ERRORS[code]
    if code == "no_media_generated" and _POLICY.search(readable(entry.get("msg"))):
        reason = FailureReason.CONTENT_POLICY
    if headers.get("x-fal-retryable", headers.get("x-fal-needs-retry", "")).lower() in ("false", "0"):
        retryable = False
    message = "the vendor finished without an output" if reason is FailureReason.BAD_OUTPUT else MESSAGES[reason]
    stage = _stage(entry.get("loc")) if reason is FailureReason.CONTENT_POLICY else None
    return Failure(
        reason=reason, message=message, billed=billed, stage=stage, vendor_code=code[:64], retryable=retryable
    )


def _by_status(text: str, status: int, headers: Mapping[str, str]) -> Failure | None:
    """An error of the older kind, `{"detail": "string"}`, or one without any words."""
    if 400 <= status < 500 and _POLICY.search(text):
        return _failure(FailureReason.CONTENT_POLICY, Billed.UNKNOWN, "")
    if 400 <= status < 500:
        said = MESSAGES[FailureReason.INVALID_INPUT]
        return _failure(FailureReason.INVALID_INPUT, Billed.UNKNOWN, "", message=f"{said}: {text}" if text else said)
    # The header marks what fal's queue itself answers; without it, it may be a proxy before the queue.
    if status >= 500 and "x-fal-request-id" in headers:
        return _failure(_FAILED, Billed.NO, "")
    return None


def invalid(detail: Json) -> str:
    """`[{"loc": ["body", "prompt"], "msg": "field required"}]` in words, without the inputs it may repeat."""
    described = [
        ": ".join(part for part in (_field(entry.get("loc")), text) if part)
        for entry in [*_entries(detail)][:5]
        if (text := readable(entry.get("msg")))
    ]
    said = MESSAGES[FailureReason.INVALID_INPUT]
    return f"{said}: {'; '.join(described)}" if described else said


def _entries(detail: Json) -> Iterator[Mapping[str, Json]]:
    yield from (entry for entry in (detail if isinstance(detail, list) else []) if isinstance(entry, dict))


def _field(loc: Json) -> str:
    parts = [readable(str(part)) for part in loc[:5]] if isinstance(loc, list) else []
    return ".".join(part for part in parts if part != "body")


def _stage(loc: Json) -> PolicyStage | None:
    """Where moderation struck: `loc` names the prompt, or an input file; otherwise nobody says."""
    field = _field(loc)
    if "prompt" in field:
        return PolicyStage.PROMPT
    return PolicyStage.INPUT if "image" in field or "video" in field or "frame" in field else None


def _failure(reason: FailureReason, billed: Billed, code: str, *, message: str = "") -> Failure:
    return Failure(reason=reason, message=message or MESSAGES[reason], billed=billed, vendor_code=code[:64])


def _usage(seconds: Json) -> Usage:
    """Seconds of inference, where they are told: fal states no price anywhere."""
    number = finite(seconds)
    return Usage(compute_seconds=number if number is not None and 0 < number <= _LONGEST_RUN else None)


def _progress(logs: Json) -> float | None:
    """The last progress bar in `[{"message", "timestamp"}]`; partner models such as Pika print none."""
    for entry in reversed(logs[-_MOST_LOGS:] if isinstance(logs, list) else []):
        message = entry.get("message") if isinstance(entry, dict) else None
        match = _PROGRESS.match(message) if isinstance(message, str) else None
        if match:
            return min(int(match[1]) / 100, 1.0)
    return None


def _is_address(value: Json) -> TypeGuard[str]:
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
        return False
    return value.startswith(("https://", "http://", "data:"))
