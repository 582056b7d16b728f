"""OpenAI's Videos API, at whoever still speaks it. https://developers.openai.com/api/docs/guides/video-generation"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar, cast

from core.errors import Billed, Failure, FailureReason
from core.outcome import (
    Accepted,
    AttemptReference,
    Auth,
    Failed,
    Finished,
    Json,
    Outcome,
    Part,
    Pending,
    Ready,
    Refused,
    Reply,
    Request,
    Stage,
    Submitted,
    Ticket,
    Usage,
)
from core.spec import ClipSpec
from providers import wire
from providers.base import MESSAGES, BaseVideoProvider, finite, readable
from providers.model import VideoModel
from providers.openai_videos_models import MODELS, RETIRED, rows_of

_STAGES: Mapping[str, Stage] = {"queued": Stage.QUEUED, "in_progress": Stage.RUNNING}
_UPSTREAM = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
# Wider than OpenAI's own `video_…`: some gateways answer with base64 and its padding.
_VIDEO_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.=~-]{0,511}", re.ASCII)
_EARLIER, _LATER = timedelta(minutes=5), timedelta(minutes=10)
"""How far from our intent a lost job may say that it was created: the upstream's clock is not ours."""
_LONGEST_WAIT = 3600.0
_FILE_NAMES: Mapping[str, str] = {"image/jpeg": "reference.jpg", "image/webp": "reference.webp"}

_CODES: Mapping[str, FailureReason] = {
    "moderation_blocked": FailureReason.CONTENT_POLICY,
    "model_not_found": FailureReason.VENDOR_RETIRED,
    "invalid_api_key": FailureReason.VENDOR_AUTH,
    # From OpenAI's other APIs; whether the Videos API ever said these is not known.
    "content_policy_violation": FailureReason.CONTENT_POLICY,
    "insufficient_quota": FailureReason.VENDOR_CREDIT,
    "billing_hard_limit_reached": FailureReason.VENDOR_CREDIT,
}
"""`error.code`, where it says more than the status: an empty account answers 429, moderation 400."""
_GONE = re.compile(r"no longer available|has been (?:deprecated|retired|shut down)", re.IGNORECASE)
"""Wordings of a model that is gone; what OpenAI says since its shutdown is not known."""


class OpenAIVideosProvider(BaseVideoProvider):
    """An upstream that speaks OpenAI's Videos API: no idempotency key, no cancel, webhooks per account only.

    Its address ends with the API's version, as OpenAI's SDK has it: `https://gateway.example/v1`.
    """

    name: ClassVar[str] = "openai-compatible"
    title: ClassVar[str] = "OpenAI-compatible upstream"
    base_url: ClassVar[str] = ""
    credential_variables: ClassVar[tuple[str, ...]] = ("OPENAI_COMPATIBLE_API_KEY",)
    models: ClassVar[tuple[VideoModel, ...]] = MODELS
    poll_floor: ClassVar[float] = 10.0  # the guide: every 10 to 20 s, unless a header names another pace
    can_search: ClassVar[bool] = True
    # Gateways may list late, in part, or not per key: that a video is not there does not prove that it was not bought.
    absence_proves: ClassVar[bool] = False

    @classmethod
    def under(cls, name: str) -> type["OpenAIVideosProvider"]:
        """The same API at another upstream: rows `{name}/sora-2…`, key in `{NAME}_API_KEY`. Raises ValueError."""
        if not _UPSTREAM.fullmatch(name):
            raise ValueError("an upstream's name is lower case letters, digits and hyphens, at most 32 of them")
        members = {
            "__doc__": f"The upstream that the operator calls {name}.",
            "name": name,
            "played_as": OpenAIVideosProvider.name,
            "title": f"{cls.title} {name}",
            "credential_variables": (f"{name.replace('-', '_').upper()}_API_KEY",),
            "models": rows_of(name),
        }
        return cast(type[OpenAIVideosProvider], type(f"{cls.__name__}[{name}]", (cls,), members))

    def submit(self, spec: ClipSpec, model: VideoModel, callback: str | None) -> Request:
        """`POST /videos`, as a form even without a file.

        OpenAI's SDK sends nothing else, so every upstream reads it; JSON with an image in it is refused by many.
        """
        said = {"prompt": spec.prompt, "model": model.wire_name, **wire.body(replace(spec, first_frame=None), model)}
        characters = str(said.pop("characters", ""))
        form = [_text(name, str(value)) for name, value in said.items()]
        form += [_text("characters[][id]", each.strip()) for each in characters.split(",") if each.strip()]
        return Request(method="POST", path="/videos", form=[*form, *_reference(spec)], auth=Auth())

    def ticket(self, document: Mapping[str, Json]) -> Accepted | None:
        """The video object; it carries no price."""
        ticket = _ticket(document.get("id"))
        return None if ticket is None else Accepted(ticket=ticket)

    def refusal(self, reply: Reply) -> Failure | None:
        """`{"error": {"message", "type", "param", "code"}}`: the code first, then the status."""
        failure = super().refusal(reply)
        error = _error(reply.document)
        code = readable(error.get("code"))[:64]
        if failure is None:
            return None
        text = readable(error.get("message"))
        reason = FailureReason.VENDOR_RETIRED if _GONE.search(text) else _CODES.get(code, failure.reason)
        message = MESSAGES[reason]
        if reason is FailureReason.INVALID_INPUT and text:
            message = f"{message}: {text}"
        return Failure(reason=reason, message=message, billed=Billed.NO, vendor_code=code)

    def submitted(self, reply: Reply) -> Submitted:
        """As any vendor's; the wait may also be told in milliseconds."""
        submitted = super().submitted(reply)
        wait = _milliseconds(reply, "retry-after-ms")
        return (
            replace(submitted, retry_after=wait) if isinstance(submitted, Refused) and wait is not None else submitted
        )

    def poll(self, ticket: Ticket) -> Request:
        """`GET /videos/{id}`."""
        return _get(f"/videos/{ticket['id']}")

    def outcome(self, reply: Reply) -> Outcome | Finished:
        """As any vendor's; the next poll's time is in a header of its own, where the upstream has one.

        Beside a job it goes before `Retry-After`, which its own SDK reads from errors only.
        """
        outcome = super().outcome(reply)
        wait = _milliseconds(reply, "openai-poll-after-ms")
        if not isinstance(outcome, Pending) or wait is None:
            return outcome
        if reply.status >= 300 and outcome.retry_after is not None:
            return outcome
        return replace(outcome, retry_after=wait)

    def state(self, document: Mapping[str, Json]) -> Outcome:
        """Read a video object, by its `status`."""
        status = document.get("status")
        if status == "completed":
            return _completed(document)
        if status == "failed":
            return _failed(document)
        stage = _STAGES.get(status) if isinstance(status, str) else None
        if stage is None:
            return Pending(unknown=readable(status)[:64] or "no status")
        return Pending(stage=stage, progress=_share(document.get("progress")))

    def delete(self, ticket: Ticket) -> Request:
        """`DELETE /videos/{id}`: of completed and failed videos only."""
        return replace(_get(f"/videos/{ticket['id']}"), method="DELETE")

    def search(self, attempt: AttemptReference) -> Request | None:
        """`GET /videos`, newest first."""
        return _get("/videos", {"limit": "100", "order": "desc"})

    def candidates(self, reply: Reply, attempt: AttemptReference) -> tuple[Ticket, ...]:
        """Videos of that time with exactly what we sent. Nothing of ours travels along, so more cannot be known."""
        sent = attempt.request if isinstance(attempt.request, dict) else {}
        found = [_ticket(video.get("id")) for video in _listed(reply) if _fits(video, sent, attempt)]
        return tuple(ticket for ticket in found if ticket is not None)

    def search_next(self, reply: Reply) -> Request | None:
        """The page after the last video of this one."""
        document = reply.document or {}
        last = _ticket(document.get("last_id")) or next((_ticket(each.get("id")) for each in _listed(reply)[-1:]), None)
        if document.get("has_more") is not True or last is None:
            return None
        return _get("/videos", {"after": str(last["id"]), "limit": "100", "order": "desc"})


class OpenAIProvider(OpenAIVideosProvider):
    """OpenAI itself, which shut the Videos API down on 2026-09-24. What it answers since then is not known."""

    name: ClassVar[str] = "openai"
    title: ClassVar[str] = "OpenAI"
    base_url: ClassVar[str] = "https://api.openai.com/v1"
    credential_variables: ClassVar[tuple[str, ...]] = ("OPENAI_API_KEY",)
    models: ClassVar[tuple[VideoModel, ...]] = RETIRED


def _get(path: str, query: Mapping[str, str] | None = None) -> Request:
    return Request(method="GET", path=path, query=query or {}, auth=Auth())


def _text(name: str, value: str) -> Part:
    return Part(name=name, data=value.encode())


def _reference(spec: ClipSpec) -> Sequence[Part]:
    """The first frame as a file, which by then has the clip's exact size."""
    image = spec.first_frame
    if image is None:
        return ()
    filename = _FILE_NAMES.get(image.mime_type, "reference.png")
    return (Part(name="input_reference", data=image.data, filename=filename, content_type=image.mime_type),)


def _ticket(identifier: Json) -> Ticket | None:
    is_id = isinstance(identifier, str) and _VIDEO_ID.fullmatch(identifier)
    return {"id": identifier} if is_id else None


def _error(document: Mapping[str, Json] | None) -> Mapping[str, Json]:
    error = (document or {}).get("error")
    return error if isinstance(error, dict) else {}


def _milliseconds(reply: Reply, header: str) -> float | None:
    """A header's wait in seconds, from none to an hour; None when it does not say."""
    text = reply.headers.get(header, "").strip()
    number = float(text) / 1000 if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,6})?", text) else None
    return None if number is None else min(number, _LONGEST_WAIT)


def _share(progress: Json) -> float | None:
    """Per cent as a share."""
    number = finite(progress)
    return None if number is None else min(max(number / 100, 0.0), 1.0)


def _completed(document: Mapping[str, Json]) -> Outcome:
    """The file lies behind the key, for an hour, by one copy of the guide. It may answer with a redirect."""
    ticket = _ticket(document.get("id"))
    if ticket is None:
        return Pending(unknown="completed without an id")
    seconds = document.get("seconds")
    length = finite(float(seconds)) if isinstance(seconds, str) and re.fullmatch(r"[0-9]{1,4}", seconds) else None
    return Ready(outputs=(f"/videos/{ticket['id']}/content",), auth=Auth(), usage=Usage(video_seconds=length or None))


def _failed(document: Mapping[str, Json]) -> Failed:
    """An open set of codes. Whether a failed job is charged is not published, and each upstream decides."""
    code = readable(_error(document).get("code"))[:64]
    is_policy = _CODES.get(code) is FailureReason.CONTENT_POLICY
    reason = FailureReason.CONTENT_POLICY if is_policy else FailureReason.VENDOR_FAILED
    return Failed(
        failure=Failure(reason=reason, message=MESSAGES[reason], billed=Billed.UNKNOWN, vendor_code=code),
    )


def _listed(reply: Reply) -> list[dict[str, Json]]:
    """The well-formed videos of one page."""
    data = (reply.document or {}).get("data")
    videos = data if reply.status == 200 and isinstance(data, list) else []
    return [video for video in videos if isinstance(video, dict)]


def _fits(video: Mapping[str, Json], sent: Mapping[str, Json], attempt: AttemptReference) -> bool:
    """Whether a video is as ours would be; length and size are left out by some, the model may be told with a date."""
    model = video.get("model")
    return (
        bool(sent.get("prompt"))
        and video.get("prompt") == sent["prompt"]
        and isinstance(model, str)
        and re.fullmatch(rf"{re.escape(attempt.model)}(-\d{{4}}-\d{{2}}-\d{{2}})?", model) is not None
        and all(video.get(name) in (sent.get(name), None) for name in ("seconds", "size"))
        and _is_of_then(video.get("created_at"), attempt.intended_at)
    )


def _is_of_then(created_at: Json, intended_at: str) -> bool:
    """Whether these Unix seconds are near our intent."""
    seconds = finite(created_at)
    if seconds is None:
        return False
    intent = datetime.fromisoformat(intended_at)
    intent = intent if intent.tzinfo else intent.replace(tzinfo=UTC)
    return (intent - _EARLIER).timestamp() <= seconds <= (intent + _LATER).timestamp()
