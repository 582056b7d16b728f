"""Runway's API: text, image and video to video. https://docs.dev.runwayml.com/api"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

from core.errors import Billed, Failure, FailureReason, PolicyStage
from core.money import Money
from core.outcome import (
    Accepted,
    Auth,
    Failed,
    Json,
    Outcome,
    Pending,
    Ready,
    Reply,
    Request,
    Slot,
    Stage,
    Ticket,
    Usage,
)
from core.spec import ClipSpec, MediaInput
from providers import runway_routes, wire
from providers.base import MESSAGES, BaseVideoProvider, finite, is_task_id, readable
from providers.model import VideoModel
from providers.runway_models import MODELS
from providers.runway_parts import VIDEO_LIMIT

_VERSION: Mapping[str, str] = {"X-Runway-Version": "2024-11-06"}

_STAGES: Mapping[str, Stage] = {
    "PENDING": Stage.QUEUED,
    # Queued because of the account's own concurrency limit: it starts by itself and is never created again.
    "THROTTLED": Stage.THROTTLED,
    "RUNNING": Stage.RUNNING,
}

_ENDINGS: Mapping[str, str] = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
}
_UPLOADED = re.compile(r"runway://[!-~]{1,4096}", re.ASCII)

_CREDIT_USD = Decimal("0.01")
_MOST_CREDITS = 1_000_000


class RunwayProvider(BaseVideoProvider):
    """Runway and the partner models it resells. No webhooks, no list of tasks, no idempotency key."""

    name: ClassVar[str] = "runway"
    title: ClassVar[str] = "Runway"
    base_url: ClassVar[str] = "https://api.dev.runwayml.com"  # despite its name this is production
    base_url_variables: ClassVar[tuple[str, ...]] = ("RUNWAYML_BASE_URL",)
    credential_variables: ClassVar[tuple[str, ...]] = ("RUNWAY_API_KEY", "RUNWAYML_API_SECRET")
    models: ClassVar[tuple[VideoModel, ...]] = MODELS
    poll_floor: ClassVar[float] = 5.0
    cancel_deletes: ClassVar[bool] = True

    def upload(self, media: MediaInput, model: VideoModel) -> Request | None:
        """`POST /v1/uploads`: a place for a file of up to 200 MB, good for 24 hours."""
        ending = _ENDINGS.get(media.mime_type)
        if ending is None or media.size > VIDEO_LIMIT:
            return None
        body = {"filename": f"{media.name.partition('.')[0] or 'input'}{ending}", "type": "ephemeral"}
        return _request("POST", "/v1/uploads", body)

    def slot(self, reply: Reply) -> Slot | None:
        """`{"runwayUri", "uploadUrl", "fields"}`: a form with these fields and then the file, without the key."""
        document = reply.document or {}
        uri, url, given = (document.get(name) for name in ("runwayUri", "uploadUrl", "fields"))
        if not 200 <= reply.status < 300 or not isinstance(url, str) or not isinstance(given, dict):
            return None
        named = {name: value for name, value in given.items() if isinstance(value, str)}
        if not isinstance(uri, str) or _UPLOADED.fullmatch(uri) is None or not named or len(named) != len(given):
            return None
        return Slot(uri=uri, url=url, method="POST", fields=named)

    def submit(self, spec: ClipSpec, model: VideoModel, callback: str | None) -> Request:
        """`POST /v1/text_to_video`, `/v1/image_to_video` or `/v1/video_to_video`, by what the clip is made from."""
        body = {"model": model.wire_name, **runway_routes.fields(spec, model, wire.body(spec, model))}
        if spec.first_frame is not None:
            body["promptImage"] = _prompt_image(spec, model)
        if spec.references:
            body["references"] = [{"uri": wire.media_uri(image)} for image in spec.references]
        return _request("POST", f"/v1/{runway_routes.OPERATIONS[spec.mode]}", body)

    def ticket(self, document: Mapping[str, Json]) -> Accepted | None:
        """`{"id", "estimatedCost": {"credits"}}`; the estimate is documented as a maximum."""
        identifier = document.get("id")
        if not is_task_id(identifier):
            return None
        return Accepted(ticket={"id": identifier}, estimate=_credits(document.get("estimatedCost")))

    def refusal(self, reply: Reply) -> Failure | None:
        """A 400 may also mean an empty account or a model that is gone; its text and its issues tell."""
        failure = super().refusal(reply)
        document = reply.document or {}
        error = document.get("error")
        if reply.status == 403 and isinstance(error, str) and "model" in error.lower():
            # Seen by third parties only: some accounts may not use some models. The key itself is good.
            return _refused(FailureReason.VENDOR_RETIRED, "the vendor does not sell this model to the operator")
        if failure is None or reply.status != 400:
            return failure
        if isinstance(error, str) and "not have enough credits" in error:
            return _refused(FailureReason.VENDOR_CREDIT, MESSAGES[FailureReason.VENDOR_CREDIT])
        return _issues(document.get("issues")) or failure

    def poll(self, ticket: Ticket) -> Request:
        """`GET /v1/tasks/{id}`."""
        return _request("GET", f"/v1/tasks/{ticket['id']}")

    def state(self, document: Mapping[str, Json]) -> Outcome:
        """Read a task, by its `status`."""
        status = document.get("status")
        if status == "SUCCEEDED":
            return _succeeded(document)
        if status == "FAILED":
            return _failed(document)
        if status == "CANCELLED":
            return _cancelled(document)
        stage = _STAGES.get(status) if isinstance(status, str) else None
        if stage is None:
            return Pending(unknown=readable(status)[:64] or "no status")
        return Pending(stage=stage, progress=_share(document.get("progress")))

    def cancel(self, ticket: Ticket) -> Request | None:
        """`DELETE /v1/tasks/{id}`: cancels a waiting or running task, deletes a finished one with its output."""
        return _request("DELETE", f"/v1/tasks/{ticket['id']}")

    def cancelled(self, reply: Reply) -> Outcome:
        """204 without a body; the next poll finds 404 `Could not find Task`, as does a second cancel."""
        if reply.status == 404 and reply.document is not None:
            return Failed(failure=self.lost())
        return super().cancelled(reply)

    def delete(self, ticket: Ticket) -> Request:
        """The same `DELETE /v1/tasks/{id}`: of an ended task it removes the stored output as well."""
        return _request("DELETE", f"/v1/tasks/{ticket['id']}")


def _request(method: str, path: str, body: Json = None) -> Request:
    return Request(method=method, path=path, headers=_VERSION, json=body, auth=Auth())


def _prompt_image(spec: ClipSpec, model: VideoModel) -> Json:
    """A plain string for a first frame alone, positions when there is a last frame too.

    A model that also takes references may read a picture without a position as one of them.
    """
    images = [
        (image, position) for image, position in ((spec.first_frame, "first"), (spec.last_frame, "last")) if image
    ]
    if len(images) == 1 and not model.references:
        return wire.media_uri(images[0][0])
    return [{"uri": wire.media_uri(image), "position": position} for image, position in images]


def _refused(reason: FailureReason, message: str) -> Failure:
    return Failure(reason=reason, message=message, billed=Billed.NO)


def _issues(issues: Json) -> Failure | None:
    """The first of `[{"path": [...], "message": ...}]` in words."""
    issue = issues[0] if isinstance(issues, list) and issues else None
    if not isinstance(issue, dict):
        return None
    path = issue.get("path")
    field = ".".join(readable(str(part)) for part in path[:5]) if isinstance(path, list) else ""
    if field == "model":
        # Not observed: a model id that left the API should fail the enum check of `model`.
        return _refused(FailureReason.VENDOR_RETIRED, MESSAGES[FailureReason.VENDOR_RETIRED])
    text = readable(issue.get("message"))
    said = ": ".join(part for part in (field, text) if part)
    return _refused(FailureReason.INVALID_INPUT, f"{MESSAGES[FailureReason.INVALID_INPUT]}: {said}") if said else None


def _credits(cost: Json) -> Money | None:
    """`{"credits": 60}` as money; None when it says nothing credible."""
    number = finite(cost.get("credits")) if isinstance(cost, dict) else None
    if number is None or not 0 <= number <= _MOST_CREDITS:
        return None
    return Money.of(Decimal(str(number)) * _CREDIT_USD)


def _share(progress: Json) -> float | None:
    number = finite(progress)
    return None if number is None else min(max(number, 0.0), 1.0)


def _succeeded(document: Mapping[str, Json]) -> Outcome:
    usage = Usage(cost=_credits(document.get("cost")))
    output = document.get("output")
    urls = tuple(url for url in output if isinstance(url, str) and url) if isinstance(output, list) else ()
    if urls:
        # Signed URLs without a key; they expire within 24 to 48 hours and a new poll renews them.
        return Ready(outputs=urls, usage=usage)
    empty = Failure(reason=FailureReason.BAD_OUTPUT, message="the vendor finished without an output", billed=Billed.YES)
    return Failed(failure=empty, usage=usage)


def _cancelled(document: Mapping[str, Json]) -> Failed:
    usage = Usage(cost=_credits(document.get("cost")))
    message = MESSAGES[FailureReason.CANCELLED]
    return Failed(
        failure=Failure(reason=FailureReason.CANCELLED, message=message, billed=_billed(usage.cost, Billed.UNKNOWN)),
        usage=usage,
    )


def _billed(cost: Money | None, otherwise: Billed) -> Billed:
    """A terminal task states its cost, and that is the truth; `otherwise` serves when it does not."""
    if cost is None:
        return otherwise
    return Billed.YES if cost.micros else Billed.NO


_POLICY, _INPUT = FailureReason.CONTENT_POLICY, FailureReason.INVALID_INPUT
_FAILURES: tuple[tuple[str, FailureReason, PolicyStage | None, Billed], ...] = (
    ("SAFETY.INPUT.TEXT", _POLICY, PolicyStage.PROMPT, Billed.YES),
    ("SAFETY.INPUT", _POLICY, PolicyStage.INPUT, Billed.YES),
    ("SAFETY.OUTPUT", _POLICY, PolicyStage.OUTPUT, Billed.YES),
    ("SAFETY", _POLICY, None, Billed.YES),
    ("INPUT_PREPROCESSING.SAFETY.TEXT", _POLICY, PolicyStage.PROMPT, Billed.UNKNOWN),
    ("INPUT_PREPROCESSING.SAFETY", _POLICY, PolicyStage.INPUT, Billed.UNKNOWN),
    ("INPUT_PREPROCESSING.INTERNAL", FailureReason.VENDOR_FAILED, None, Billed.UNKNOWN),
    ("INTERNAL", FailureReason.VENDOR_FAILED, None, Billed.UNKNOWN),
    ("ASSET.INVALID", _INPUT, None, Billed.UNKNOWN),
    # Seen by third parties only, not in Runway's own list.
    ("THIRD_PARTY.UNAVAILABLE", FailureReason.VENDOR_UNAVAILABLE, None, Billed.UNKNOWN),
)
"""`failureCode` by prefix, longest first: an open set that grows at its end (docs: errors/task-failures)."""


def _failed(document: Mapping[str, Json]) -> Failed:
    """`failureCode` null is transient; `failure` is the vendor's text and not for people (SDK advice)."""
    usage = Usage(cost=_credits(document.get("cost")))
    code = document.get("failureCode")
    known = code is None
    reason, stage, billed = FailureReason.VENDOR_FAILED, None, Billed.UNKNOWN
    for prefix, reason_of, stage_of, billed_of in _FAILURES:
        if isinstance(code, str) and (code == prefix or code.startswith(f"{prefix}.")):
            reason, stage, billed, known = reason_of, stage_of, billed_of, True
            break
    failure = Failure(
        reason=reason,
        message=MESSAGES[reason],
        billed=_billed(usage.cost, billed),
        stage=stage,
        vendor_code=readable(code)[:64],
        # What a code we have never seen means is unknown, and trying again may cost again.
        retryable=None if known else False,
    )
    return Failed(failure=failure, usage=usage)
