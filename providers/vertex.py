"""Google's Veo on Vertex (Gemini Enterprise Agent Platform): operations that are polled by POST.

https://docs.cloud.google.com/vertex-ai/docs/reference/rest/v1beta1/projects.locations.publishers.models/predictLongRunning
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, TypeGuard
from urllib.parse import quote

from core.errors import Billed, Failure, FailureReason, PolicyStage
from core.outcome import (
    Accepted,
    Auth,
    Failed,
    Finished,
    Json,
    Outcome,
    Pending,
    Ready,
    Refused,
    Reply,
    Request,
    Stage,
    Submitted,
    Ticket,
)
from core.spec import ClipSpec, MediaInput
from providers import google_errors, wire
from providers.base import MESSAGES, BaseVideoProvider, readable
from providers.model import VideoModel
from providers.vertex_models import MODELS

_OPERATION = re.compile(
    r"projects/[A-Za-z0-9][A-Za-z0-9:.-]{0,63}/locations/[a-z0-9-]{1,32}"
    r"/publishers/google/models/(?P<model>[A-Za-z0-9][A-Za-z0-9.-]{0,63})/operations/[A-Za-z0-9-]{1,80}",
    re.ASCII,
)
_BUCKET = re.compile(r"gs://(?P<bucket>[a-z0-9][a-z0-9._-]{1,221})/(?P<object>.{1,1024})", re.DOTALL)
_MEDIA_TYPE = re.compile(r"video/[a-z0-9.+-]{1,40}", re.ASCII)
_PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9:.-]{0,63}", re.ASCII)
_LOCATION = re.compile(r"[a-z][a-z0-9-]{1,30}", re.ASCII)
_CODES: Mapping[int, tuple[FailureReason, bool | None]] = {
    1: (FailureReason.CANCELLED, None),
    3: (FailureReason.INVALID_INPUT, None),
    4: (FailureReason.VENDOR_FAILED, None),
    5: (FailureReason.VENDOR_FAILED, False),
    7: (FailureReason.VENDOR_AUTH, None),
    8: (FailureReason.RATE_LIMITED, None),
    9: (FailureReason.INVALID_INPUT, None),
    13: (FailureReason.VENDOR_FAILED, None),
    14: (FailureReason.VENDOR_UNAVAILABLE, None),
    16: (FailureReason.VENDOR_AUTH, None),
}
"""`google.rpc.Code` of a finished operation: our reason, and False where trying again cannot help."""


def address(project: str, location: str) -> str:
    """The base address of a project's models, as SDK 3.4 chooses the host. ValueError for what is no such name."""
    if not _PROJECT.fullmatch(project) or not _LOCATION.fullmatch(location):
        raise ValueError("a Google Cloud project or location is malformed")
    host = f"{location}-aiplatform.googleapis.com"
    if location == "global":
        host = "aiplatform.googleapis.com"
    elif location in ("us", "eu"):
        host = f"aiplatform.{location}.rep.googleapis.com"
    return f"https://{host}/v1/projects/{project}/locations/{location}"


class VertexProvider(BaseVideoProvider):
    """Veo by OAuth. No cancel, no list, no webhook per request, no idempotency key; `poll` may be repeated freely.

    An endpoint is one project and location (`address`), and its operations are known by their whole names.
    """

    name: ClassVar[str] = "vertex"
    title: ClassVar[str] = "Google Veo on Vertex"
    base_url: ClassVar[str] = ""
    hosts: ClassVar[Mapping[str, str]] = {"storage": "https://storage.googleapis.com"}
    credential_variables: ClassVar[tuple[str, ...]] = ("VERTEX_ACCESS_TOKEN",)
    models: ClassVar[tuple[VideoModel, ...]] = MODELS
    poll_floor: ClassVar[float] = 15.0  # the interval of Google's own examples
    # The last poll holds the video itself: 8 s in 4k as base64.
    largest_reply: ClassVar[int] = 128 << 20

    def submit(self, spec: ClipSpec, model: VideoModel, callback: str | None) -> Request:
        """`POST …:predictLongRunning` with one instance and its parameters."""
        frames = {"image": spec.first_frame, "lastFrame": spec.last_frame}
        instance: dict[str, Json] = {"prompt": spec.prompt}
        instance |= {name: _image(media) for name, media in frames.items() if media is not None}
        if spec.references:
            references = [{"image": _image(media), "referenceType": "ASSET"} for media in spec.references]
            instance["referenceImages"] = references
        words = wire.body(replace(spec, first_frame=None, last_frame=None, references=()), model)
        parameters = {name: value for name, value in words.items() if name != model.wire["prompt"]}
        return _post(model.wire_name, "predictLongRunning", {"instances": [instance], "parameters": parameters})

    def ticket(self, document: Mapping[str, Json]) -> Accepted | None:
        """`{"name": "projects/…/operations/…"}`: the whole name is the job's id."""
        name = document.get("name")
        return Accepted(ticket={"id": name}) if _is_operation(name) else None

    def refusal(self, reply: Reply) -> Failure | None:
        """`{"error": {"code": 400, "message": …, "status": "INVALID_ARGUMENT", "details": […]}}`."""
        return google_errors.refusal(reply)

    def submitted(self, reply: Reply) -> Submitted:
        """As always; a 429 may say its wait in `details` alone."""
        said = super().submitted(reply)
        error = google_errors.read(reply)
        if isinstance(said, Refused) and said.retry_after is None and error is not None:
            return replace(said, retry_after=error.delay)
        return said

    def poll(self, ticket: Ticket) -> Request:
        """`POST …:fetchPredictOperation`, which changes nothing."""
        name = str(ticket["id"])
        found = _OPERATION.fullmatch(name)
        return _post(found["model"] if found else "", "fetchPredictOperation", {"operationName": name})

    def state(self, document: Mapping[str, Json]) -> Outcome:
        """Read an operation: `done` is absent while it runs, then there is `error` or `response`."""
        done = document.get("done", False)
        if not isinstance(done, bool):
            return Pending(unknown=readable(str(done))[:64] or "no state")
        if not done:
            known = _is_operation(document.get("name"))
            return Pending(stage=Stage.RUNNING) if known else Pending(unknown="no operation")
        error, response = document.get("error"), document.get("response")
        if isinstance(error, dict):
            return _failed(error)
        return _finished(response if isinstance(response, dict) else {})

    def outcome(self, reply: Reply) -> Outcome | Finished:
        """A 404 may be wrapped in an array by Google's front end."""
        if reply.status in (404, 410) and google_errors.read(reply) is not None:
            return Failed(failure=self.lost())
        return super().outcome(reply)

    def adopt(self, vendor_task_id: str, model: VideoModel) -> Ticket | None:
        """An operation by its whole name, if it is one of this model."""
        found = _OPERATION.fullmatch(vendor_task_id)
        return {"id": vendor_task_id} if found and found["model"] == model.wire_name else None


def _post(model: str, method: str, body: Json) -> Request:
    return Request(method="POST", path=f"/publishers/google/models/{model}:{method}", json=body, auth=Auth())


def _is_operation(value: Json) -> TypeGuard[str]:
    return isinstance(value, str) and _OPERATION.fullmatch(value) is not None


def _image(media: MediaInput) -> dict[str, Json]:
    return {"bytesBase64Encoded": base64.b64encode(media.data).decode("ascii"), "mimeType": media.mime_type}


def _finished(response: Mapping[str, Json]) -> Outcome:
    """Videos, or the reasons why the filters let none through."""
    videos = response.get("videos")
    outputs = [_output(video) for video in videos if isinstance(video, dict)] if isinstance(videos, list) else []
    addresses = tuple(output for output in outputs if output)
    if addresses:
        # Only an object in a bucket needs the token; bytes come as they are.
        return Ready(outputs=addresses, auth=None if addresses[0].startswith("data:") else Auth())
    reasons, count = response.get("raiMediaFilteredReasons"), response.get("raiMediaFilteredCount")
    texts = [readable(reason) for reason in reasons] if isinstance(reasons, list) else []
    if texts or count:
        verdict = google_errors.policy(texts, frozenset({"RAI_FILTERED"}), otherwise=PolicyStage.OUTPUT)
        return Failed(failure=verdict)
    empty = "the vendor finished without an output"
    return Failed(failure=Failure(reason=FailureReason.BAD_OUTPUT, message=empty, billed=Billed.UNKNOWN))


def _output(video: Mapping[str, Json]) -> str:
    """An object's https address or a `data:` URI; empty for anything else."""
    uri, data, kind = video.get("gcsUri"), video.get("bytesBase64Encoded"), video.get("mimeType")
    found = _BUCKET.fullmatch(uri) if isinstance(uri, str) else None
    if found:
        return f"{VertexProvider.hosts['storage']}/{found['bucket']}/{quote(found['object'], safe='/')}"
    media_type = kind if isinstance(kind, str) and _MEDIA_TYPE.fullmatch(kind) else "video/mp4"
    return f"data:{media_type};base64,{data}" if isinstance(data, str) and data.isascii() and data else ""


def _failed(error: Mapping[str, Json]) -> Failed:
    """A `google.rpc.Status`. Google says that it charges for generated videos only (not verified)."""
    told = google_errors.of(error)
    code = error.get("code")
    if told.is_unsafe:
        return Failed(failure=google_errors.policy([told.message], told.words, otherwise=PolicyStage.PROMPT))
    known = _CODES.get(code) if isinstance(code, int) and not isinstance(code, bool) else None
    reason, retryable = known or (FailureReason.VENDOR_FAILED, False)
    message = MESSAGES[reason]
    if reason is FailureReason.INVALID_INPUT and told.message:
        message = f"{message}: {told.message}"
    failure = Failure(
        reason=reason, message=message, billed=Billed.NO, vendor_code=readable(str(code))[:64], retryable=retryable
    )
    return Failed(failure=failure)
