"""Luma's Agents API: Ray 3.2 video, edits and reframing. https://docs.agents.lumalabs.ai/api/"""

import base64
from collections.abc import Mapping
from typing import ClassVar

from core.errors import Billed, Failure, FailureReason, PolicyStage
from core.outcome import Accepted, Auth, Failed, Json, Outcome, Pending, Ready, Reply, Request, Slot, Stage, Ticket
from core.spec import ClipSpec, MediaInput, ModeName
from providers import wire
from providers.base import MESSAGES, BaseVideoProvider, is_task_id, readable
from providers.luma_models import MODELS
from providers.model import VideoModel

_STAGES: Mapping[str, Stage] = {"queued": Stage.QUEUED, "processing": Stage.RUNNING}
_FILE = "luma-file:"
"""How an uploaded file is named in a spec; the vendor's API takes a bare `file_id`."""
_EXTENDS = frozenset({"start_frame", "end_frame"})
"""Options that name a prior generation: its shape is kept, so none is asked for."""
_LONGEST_ANCHORED = 5
"""Above this many seconds frames are pinned by `keyframes`; `start_frame` and `end_frame` are refused."""


class LumaProvider(BaseVideoProvider):
    """Luma Agents. No list, no cancel, no webhook, no idempotency key, no price in any answer.

    `user_id`, which would tell Luma's moderators one end user from another, is not sent: a spec names no user.
    """

    name: ClassVar[str] = "luma"
    title: ClassVar[str] = "Luma"
    base_url: ClassVar[str] = "https://agents.lumalabs.ai"
    credential_variables: ClassVar[tuple[str, ...]] = ("LUMA_API_KEY", "LUMA_AGENTS_API_KEY")
    models: ClassVar[tuple[VideoModel, ...]] = MODELS
    poll_floor: ClassVar[float] = 3.0  # the guide says every 2 to 5 seconds
    # 30 a minute and 10 jobs at once by default, but the guide names no 429 for a poll.
    requests_per_second: ClassVar[float] = 5.0

    def upload(self, media: MediaInput, model: VideoModel) -> Request | None:
        """`POST /v1/files` for a presigned PUT of up to 5 GiB."""
        size = media.size or len(media.data)
        if not size or not media.mime_type:
            return None
        body = {"mime_type": media.mime_type, "size_bytes": size, "purpose": "input"}
        return _request("POST", "/v1/files", body)

    def slot(self, reply: Reply) -> Slot | None:
        """`{"id", "state": "pending", "file": {…}, "upload": {"url", "method": "PUT", "headers", "expires_at"}}`."""
        document = reply.document or {}
        target = document.get("upload")
        identifier = document.get("id")
        if not 200 <= reply.status < 300 or not is_task_id(identifier) or not isinstance(target, dict):
            return None
        url, headers = target.get("url"), target.get("headers") or {}
        if not isinstance(url, str) or not isinstance(headers, dict):
            return None
        named = {name: value for name, value in headers.items() if isinstance(value, str)}
        return Slot(uri=f"{_FILE}{identifier}", url=url, headers=named)

    def complete(self, uri: str) -> Request:
        """`POST /v1/files/{id}/complete`: the bytes are there. Until the file is `ready` nothing can refer to it."""
        return _request("POST", f"/v1/files/{uri.removeprefix(_FILE)}/complete")

    def inspect(self, uri: str) -> Request:
        """`GET /v1/files/{id}`, to be asked until `usable` knows."""
        return _request("GET", f"/v1/files/{uri.removeprefix(_FILE)}")

    def usable(self, reply: Reply) -> bool | None:
        """Whether an uploaded file can be used; None while Luma still takes it in."""
        state = (reply.document or {}).get("state")
        return None if reply.status != 200 or state not in ("ready", "failed", "deleted") else state == "ready"

    def submit(self, spec: ClipSpec, model: VideoModel, callback: str | None) -> Request:
        """`POST /v1/generations`; the row's `type` says what kind."""
        said = wire.words(spec, model)
        body: dict[str, Json] = {"model": model.wire_name, **model.constants, "prompt": said["prompt"]}
        if "aspect_ratio" in said and not _EXTENDS & spec.vendor_options.keys():
            body["aspect_ratio"] = said["aspect_ratio"]
        if spec.source_video is not None:
            body["source"] = _source(spec.source_video)
        settings = {word: said[word] for word in ("duration", "resolution") if word in said}
        asked = {"edit": {"auto_controls": True}} if model.constants["type"] == "video_edit" else {}
        # A frame and a prior generation in one place make a reference that the vendor refuses: neither is dropped.
        body["video"] = merged(settings | _frames(spec, model), asked | dict(spec.vendor_options))
        return _request("POST", "/v1/generations", body)

    def ticket(self, document: Mapping[str, Json]) -> Accepted | None:
        """A generation, answered with 201."""
        identifier = document.get("id")
        return Accepted(ticket={"id": identifier}) if is_task_id(identifier) else None

    def refusal(self, reply: Reply) -> Failure | None:
        """`{"detail": "…"}`: also a 503 before anything was queued, and models that are gone as a 400."""
        detail = readable((reply.document or {}).get("detail"))
        for status, text, reason in _REFUSALS:
            if reply.status == status and detail.startswith(text):
                return Failure(reason=reason, message=MESSAGES[reason], billed=Billed.NO)
        failure = super().refusal(reply)
        if failure is None or failure.reason is not FailureReason.INVALID_INPUT or not detail:
            return failure
        return Failure(reason=failure.reason, message=f"{failure.message}: {detail}", billed=Billed.NO)

    def poll(self, ticket: Ticket) -> Request:
        """`GET /v1/generations/{id}`; each one of a finished clip signs its address anew, for an hour."""
        return _request("GET", f"/v1/generations/{ticket['id']}")

    def state(self, document: Mapping[str, Json]) -> Outcome:
        """Read a generation, by its `state`."""
        state = document.get("state")
        if state == "completed":
            return _completed(document.get("output"))
        if state == "failed":
            return _failed(document)
        stage = _STAGES.get(state) if isinstance(state, str) else None
        return Pending(unknown=readable(state)[:64] or "no state") if stage is None else Pending(stage=stage)


def merged(base: Mapping[str, Json], over: Mapping[str, Json]) -> dict[str, Json]:
    """Both objects in one, the second one's members over the first one's, object by object."""
    joined = dict(base)
    for name, value in over.items():
        old = joined.get(name)
        joined[name] = merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return joined


def _request(method: str, path: str, body: Json = None) -> Request:
    return Request(method=method, path=path, json=body, auth=Auth())


def _frames(spec: ClipSpec, model: VideoModel) -> dict[str, Json]:
    """First and last frame as anchors of the clip; above 5 s as keyframes on the grid of 24 frames a second."""
    if spec.first_frame is None or spec.mode is not ModeName.IMAGE:
        return {}
    seconds, fps = spec.duration or 0, model.fps or 24
    first, last = _reference(spec.first_frame), _reference(spec.last_frame) if spec.last_frame else None
    if seconds <= _LONGEST_ANCHORED:
        return {"start_frame": first} | ({"end_frame": last} if last else {})
    if last is None:
        return {"keyframes": [first], "keyframe_indexes": [0]}
    return {"keyframes": [first, last], "keyframe_indexes": [0, int(seconds * fps)]}


def _reference(media: MediaInput) -> dict[str, Json]:
    """An `ImageRef`: exactly one of `url`, `data` with `media_type`, and `file_id`."""
    if media.uri.startswith(_FILE):
        return {"file_id": media.uri.removeprefix(_FILE)}
    if media.uri:
        return {"url": media.uri}
    return {"data": base64.b64encode(media.data).decode("ascii"), "media_type": media.mime_type}


def _source(media: MediaInput) -> dict[str, Json]:
    """A source video; its `media_type` is wanted with an address too, and guessed where nobody knows it."""
    reference = _reference(media)
    return reference | {"media_type": media.mime_type or "video/mp4"} if "url" in reference else reference


def _completed(output: Json) -> Outcome:
    """`[{"type": "video", "url"}]`: presigned for an hour, without a key."""
    made = [member for member in output if isinstance(member, dict)] if isinstance(output, list) else []
    urls = tuple(member["url"] for member in made if member.get("type") == "video" and _is_text(member.get("url")))
    if urls:
        return Ready(outputs=urls)
    empty = Failure(reason=FailureReason.BAD_OUTPUT, message="the vendor finished without an output", billed=Billed.YES)
    return Failed(failure=empty)


def _is_text(value: Json) -> bool:
    return isinstance(value, str) and bool(value)


_REFUSALS: tuple[tuple[int, str, FailureReason], ...] = (
    (400, "Unknown model", FailureReason.VENDOR_RETIRED),
    # A `generation_id` that is not this account's; the route itself does not go away. Seen with polls only.
    (404, "Generation not found", FailureReason.INVALID_INPUT),
    # Fetching an input failed before anything was queued. A 502 may come from anywhere between us: it stays ambiguous.
    (503, "Image URL ingestion unavailable", FailureReason.VENDOR_UNAVAILABLE),
)
"""Status, beginning of `detail`, and what it means: the vendor's guide to its errors."""

_POLICY, _INPUT = FailureReason.CONTENT_POLICY, FailureReason.INVALID_INPUT
_FAILURES: Mapping[str, tuple[FailureReason, Billed]] = {
    "content_moderated": (_POLICY, Billed.NO),
    "generation_failed": (FailureReason.VENDOR_FAILED, Billed.NO),
    "budget_exhausted": (FailureReason.VENDOR_CREDIT, Billed.NO),
    "rate_limited": (FailureReason.RATE_LIMITED, Billed.NO),
    "image_too_large": (_INPUT, Billed.NO),
    "unsupported_format": (_INPUT, Billed.NO),
    "corrupt_input": (_INPUT, Billed.NO),
    "invalid_request": (_INPUT, Billed.NO),
    # It was made, and is lost: that this is refunded too is not certain enough to buy it again.
    "output_not_found": (FailureReason.BAD_OUTPUT, Billed.UNKNOWN),
}
"""`failure_code`. "Failed/moderated generations are refunded", says a third party's copy of the guide of 2026-06-11."""


def _failed(document: Mapping[str, Json]) -> Failed:
    """`failure_reason` is for developers; it tells moderation of the output from that of the input."""
    code = document.get("failure_code")
    known = _FAILURES.get(code) if isinstance(code, str) else None
    reason, billed = known or (FailureReason.VENDOR_FAILED, Billed.UNKNOWN)
    flagged = reason is _POLICY and "output was flagged" in readable(document.get("failure_reason"))
    failure = Failure(
        reason=reason,
        message=MESSAGES.get(reason, "the vendor lost the finished clip"),
        billed=billed,
        stage=PolicyStage.OUTPUT if flagged else None,
        vendor_code=readable(code)[:64],
        # What a code we have never seen means is unknown, and trying again may cost again.
        retryable=None if known else False,
    )
    return Failed(failure=failure)
