"""Reading a Replicate prediction object. https://replicate.com/docs/topics/predictions/lifecycle"""

import re
from collections.abc import Mapping
from typing import TypeGuard

from core.errors import Billed, Failure, FailureReason
from core.outcome import Failed, Json, Outcome, Pending, Ready, Stage, Usage
from providers.base import MESSAGES, finite, readable

_MOST_OUTPUTS = 16
_PROGRESS = re.compile(r"^\s*(\d{1,3})%\s*\|.{0,400}?\|\s*\d+/\d+", re.MULTILINE)
_LOG_TAIL = 4096

_POLICY = re.compile(r"\(E005\)|flagged as sensitive|content polic|moderation|nsfw", re.IGNORECASE)
_INPUT = re.compile(r"cannot identify image file|invalid image|unsupported image|could not decode", re.IGNORECASE)
# E8765 and its like are from memory: no list of Replicate's codes is published.
_INFRASTRUCTURE = re.compile(
    r"\(E\d{4}\)|queue|time[d -]*out|unavailable|interrupted|connection|out of memory|try again|please retry",
    re.IGNORECASE,
)


def read(document: Mapping[str, Json]) -> Outcome:
    """What a prediction says; a status word we do not know is waited on."""
    status = document.get("status")
    if status == "starting":
        return Pending(stage=Stage.QUEUED)
    if status == "processing":
        return Pending(stage=Stage.RUNNING, progress=_progress(document.get("logs")))
    if status == "succeeded":
        return _succeeded(document)
    if status == "failed":
        return _failed(document)
    if status == "canceled":
        return _canceled(document)
    if status == "aborted":
        # The deadline passed before it started: never billed on public models.
        return _ended(document, FailureReason.TIMED_OUT, Billed.NO, "the vendor did not start before the deadline")
    return Pending(unknown=readable(status)[:64] or "no status")


def outputs(output: Json) -> tuple[str, ...]:
    """The URLs in an output: a string, a list, or a file object."""
    if isinstance(output, str):
        return (output,) if _is_address(output) else ()
    if isinstance(output, dict):
        output = [output.get(name) for name in ("url", "video", "uri", "output")]
    members = output[:_MOST_OUTPUTS] if isinstance(output, list) else []
    flat = [member.get("url") if isinstance(member, dict) else member for member in members]
    return tuple(member for member in flat if _is_address(member))


def _is_address(value: Json) -> TypeGuard[str]:
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
        return False
    return value.startswith(("https://", "http://", "data:"))


def _usage(document: Mapping[str, Json]) -> Usage:
    """`metrics`: GPU seconds and, for most official models, the seconds of video made (which are what is billed)."""
    metrics = document.get("metrics")
    if not isinstance(metrics, dict):
        return Usage()
    return Usage(
        video_seconds=_positive(metrics.get("video_output_duration_seconds")),
        compute_seconds=_positive(metrics.get("predict_time")),
    )


def _positive(value: Json) -> float | None:
    number = finite(value)
    return number if number is not None and 0 < number <= 86_400 else None


def _progress(logs: Json) -> float | None:
    """The last progress bar in the logs. Official models usually print none."""
    bars = _PROGRESS.findall(logs[-_LOG_TAIL:]) if isinstance(logs, str) else []
    return min(int(bars[-1]) / 100, 1.0) if bars else None


def _succeeded(document: Mapping[str, Json]) -> Outcome:
    urls = outputs(document.get("output"))
    if urls:
        # Replicate's manual shows the token on downloads; that outputs are public is from memory, so it is never sent.
        return Ready(outputs=urls, usage=_usage(document))
    if document.get("data_removed") is True:
        # One hour after completion. It was bought and made: buying it again is not ours to decide.
        message = "the vendor deleted the output before it was collected"
        return _ended(document, FailureReason.DOWNLOAD_FAILED, Billed.YES, message, retryable=False)
    return _ended(document, FailureReason.BAD_OUTPUT, Billed.YES, "the vendor finished without an output")


def _failed(document: Mapping[str, Json]) -> Outcome:
    """Only wording about the vendor's own machinery is worth another try."""
    text = readable(document.get("error"))
    billed = _billed_when_failed(document)
    if _POLICY.search(text):
        return _ended(document, FailureReason.CONTENT_POLICY, billed)
    if _INPUT.search(text):
        return _ended(document, FailureReason.INVALID_INPUT, billed)
    retryable = None if _INFRASTRUCTURE.search(text) else False
    return _ended(document, FailureReason.VENDOR_FAILED, billed, retryable=retryable)


def _billed_when_failed(document: Mapping[str, Json]) -> Billed:
    """Official models (`version: hidden`) do not charge for failures, by one third-party account of Kling; community
    models are billed by compute time, and whether a failed run is charged is not published."""
    return Billed.NO if document.get("version") == "hidden" else Billed.UNKNOWN


def _canceled(document: Mapping[str, Json]) -> Outcome:
    """Billed when it ran. Without any metric or start time it never did."""
    ran = document.get("started_at") is not None or _usage(document).compute_seconds is not None
    return _ended(document, FailureReason.CANCELLED, Billed.YES if ran else Billed.NO)


def _ended(
    document: Mapping[str, Json],
    reason: FailureReason,
    billed: Billed,
    message: str = "",
    *,
    retryable: bool | None = None,
) -> Failed:
    code = re.search(r"\((E\d{3,4})\)", readable(document.get("error")))
    failure = Failure(
        reason=reason,
        message=message or MESSAGES[reason],
        billed=billed,
        vendor_code=code[1] if code else "",
        retryable=retryable,
    )
    return Failed(failure=failure, usage=_usage(document))
