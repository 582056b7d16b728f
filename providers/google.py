"""Google's Gemini Omni by key: the Interactions API, always in the background. https://ai.google.dev/gemini-api/docs/omni

Veo by key has ended; Veo on Vertex is an adapter of its own.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import ClassVar
from urllib.parse import urlsplit

from core.errors import Failure
from core.outcome import (
    Accepted,
    Auth,
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
    Stage,
    Submitted,
    Ticket,
)
from core.spec import ClipSpec, MediaInput, ModeName
from providers import google_errors, google_jwt, google_states
from providers.base import BaseVideoProvider
from providers.google_models import MODELS
from providers.model import VideoModel
from providers.signature import verified

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.=-]{0,399}", re.ASCII)
"""Real ids are `v1_` and some seventy characters of base64url; how long they may get is not told."""
_DELIVERY = re.compile(r"[\x21-\x7e]{1,256}")
_TASKS: Mapping[ModeName, str] = {
    ModeName.TEXT: "text_to_video",
    ModeName.IMAGE: "image_to_video",
    ModeName.REFERENCE: "reference_to_video",
    ModeName.VIDEO: "edit",
}
_TAGS = re.compile(r"\[# |<(?:FIRST_FRAME|LAST_FRAME|(?:IMAGE|VIDEO)_REF_\d+|VIDEO_0)>")
_UNKNOWN_ID = "invalid interaction name"
_AUTH: Auth = google_states.AUTH


class GoogleProvider(BaseVideoProvider):
    """Gemini Omni. Webhooks per request, tokens metered; no list, no idempotency key, no negative prompt, no seed."""

    name: ClassVar[str] = "google"
    title: ClassVar[str] = "Google Gemini Omni"
    base_url: ClassVar[str] = "https://generativelanguage.googleapis.com"
    base_url_variables: ClassVar[tuple[str, ...]] = ("GOOGLE_GEMINI_BASE_URL",)
    credential_variables: ClassVar[tuple[str, ...]] = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
    models: ClassVar[tuple[VideoModel, ...]] = MODELS
    poll_floor: ClassVar[float] = 5.0  # no interval is documented; guides poll every 5 to 10 seconds
    # A poll may hold the video itself: 15 s in 4k as base64.
    largest_reply: ClassVar[int] = 128 << 20
    takes_callbacks: ClassVar[bool] = True
    signs_addresses: ClassVar[bool] = True

    def submit(self, spec: ClipSpec, model: VideoModel, callback: str | None) -> Request:
        """`POST /v1/interactions`; without `background` it would block for the whole generation."""
        options = dict(spec.vendor_options)
        usual = None if "previous_interaction_id" in options else _TASKS[spec.mode]
        task = str(options.pop("task", "")) or usual
        body: dict[str, Json] = {
            "model": model.wire_name,
            "input": _input(spec, task),
            "response_format": _format(spec, task),
            "background": True,
            # What runs in the background can be asked for only if it is stored.
            "store": True,
            **options,
        }
        if task is not None:
            body["generation_config"] = {"video_config": {"task": task}}
        if callback is not None:
            body["webhook_config"] = {"uris": [callback], "user_metadata": {"client": "filmgate"}}
        return Request(method="POST", path="/v1/interactions", json=body, auth=_AUTH)

    def ticket(self, document: Mapping[str, Json]) -> Accepted | None:
        """`{"id": "v1_…", "status": "in_progress", …}`."""
        return Accepted(ticket={"id": document["id"]}) if _is_id(document.get("id")) else None

    def refusal(self, reply: Reply) -> Failure | None:
        """The error's words before its status: a 400 may be the key, the account, the content or the input."""
        return google_errors.refusal(reply)

    def submitted(self, reply: Reply) -> Submitted:
        """As always; a 429 may say its wait in `details` alone."""
        said = super().submitted(reply)
        error = google_errors.read(reply)
        if isinstance(said, Refused) and said.retry_after is None and error is not None:
            return replace(said, retry_after=error.delay)
        return said

    def poll(self, ticket: Ticket) -> Request:
        """`GET /v1/interactions/{id}`, without the input and without the stream of events."""
        return self._ask("GET", ticket, query={"stream": "false"})

    def state(self, document: Mapping[str, Json]) -> Outcome:
        """Read an interaction."""
        return google_states.read(document)

    def outcome(self, reply: Reply) -> Outcome | Finished:
        """An id the vendor does not know is a 400; any other 400 was seen live on jobs that went on to finish."""
        error = google_errors.read(reply)
        unknown_id = reply.status == 400 and error is not None and _UNKNOWN_ID in error.message.lower()
        if unknown_id or (reply.status in (404, 410) and error is not None):
            return Failed(failure=self.lost())
        return super().outcome(reply)

    def adopt(self, vendor_task_id: str, model: VideoModel) -> Ticket | None:
        """An interaction by its id."""
        return {"id": vendor_task_id} if _is_id(vendor_task_id) else None

    def cancel(self, ticket: Ticket) -> Request | None:
        """`POST /v1/interactions/{id}/cancel` without a body."""
        return self._ask("POST", ticket, "/cancel")

    def cancelled(self, reply: Reply) -> Outcome:
        """200 with the interaction; what the vendor says of one that has ended is not known: the next poll tells."""
        said = self.outcome(reply)
        return Pending() if isinstance(said, Finished) else said

    def delete(self, ticket: Ticket) -> Request:
        """`DELETE /v1/interactions/{id}`: the stored interaction; the vendor keeps its file for 48 hours."""
        return self._ask("DELETE", ticket)

    def callback_secret(self) -> Request | None:
        """The public keys of per-request webhooks, `GET /.well-known/jwks.json`; no key is needed to read them."""
        return Request(method="GET", path="/.well-known/jwks.json")

    def callback_secrets(self, reply: Reply) -> tuple[str, ...]:
        """The key set as its text."""
        text = reply.body.decode("utf-8", "replace")
        return (text,) if reply.status == 200 and google_jwt.is_key_set(text) else ()

    def callback(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> Callback:
        """A thin event that names the interaction; what became of it is polled.

        `secrets` may hold key sets (per-request webhooks), `whsec_` secrets that the operator got for a project's own
        webhooks, and the address this delivery came to, which a token's audience is then held against.
        """
        signature = headers.get("webhook-signature", "")
        if google_jwt.looks_like_token(signature):
            claims = google_jwt.verified(signature, secrets, now)
            return _from_token(claims, headers, body, secrets)
        shared = [secret for secret in secrets if secret.startswith("whsec_")]
        delivery_id = verified(headers, body, shared, now)
        return _news(Reply(status=200, body=body).document, delivery_id)

    def _ask(self, method: str, ticket: Ticket, more: str = "", query: Mapping[str, str] | None = None) -> Request:
        path = f"/v1/interactions/{ticket['id']}{more}"
        return Request(method=method, path=path, query=query or {}, auth=_AUTH)


def _is_id(value: Json) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def _input(spec: ClipSpec, task: str | None) -> Json:
    """The prompt alone, or one turn of the user: images in the order of their tags, the video, the prompt."""
    images = [media for media in (spec.first_frame, spec.last_frame, *spec.references) if media is not None]
    contents = [_content("image", media) for media in images]
    if spec.source_video is not None:
        contents.append(_content("video", spec.source_video))
    if not contents:
        return spec.prompt
    return [{"type": "user_input", "content": [*contents, {"type": "text", "text": _tagged(spec, task)}]}]


def _content(kind: str, media: MediaInput) -> dict[str, Json]:
    """A media block: the bytes as base64, or the address of a file in Google's own store."""
    typed = {"mime_type": media.mime_type} if media.mime_type else {}
    if media.uri:
        return {"type": kind, "uri": media.uri, **typed}
    return {"type": kind, "data": base64.b64encode(media.data).decode("ascii"), **typed}


def _tagged(spec: ClipSpec, task: str | None) -> str:
    """The prompt with the tags that give each image its role, unless the caller has written some.

    Roles are words of the prompt, not fields of the API: without tags the model decides what an image is for.
    """
    if _TAGS.search(spec.prompt):
        return spec.prompt
    frames = [tag for tag, media in (("FIRST", spec.first_frame), ("LAST", spec.last_frame)) if media is not None]
    if not spec.references and spec.source_video is None:
        return " ".join([*(f"<{tag}_FRAME>" for tag in frames), spec.prompt])
    sources = [f"<{tag}_FRAME>@Image{place}" for place, tag in enumerate(frames, 1)]
    sources += ["<VIDEO_0>@Video1"] if spec.source_video is not None and task != "extend" else []
    references = [f"<IMAGE_REF_{index}>@Image{len(frames) + index + 1}" for index in range(len(spec.references))]
    heads = (("Sources", sources), ("References", references))
    declared = [f"[# {role} {' '.join(tags)}]" for role, tags in heads if tags]
    return " ".join([*declared, spec.prompt])


def _format(spec: ClipSpec, task: str | None) -> dict[str, Json]:
    """What to put out. A changed video keeps its source's shape and length; an extension has a length of its own."""
    asked: dict[str, Json] = {"type": "video", "delivery": "uri"}
    if spec.aspect_ratio is not None and spec.source_video is None:
        asked["aspect_ratio"] = spec.aspect_ratio
    if spec.resolution is not None:
        asked["resolution"] = spec.resolution
    if spec.duration is not None and (spec.source_video is None or task == "extend"):
        # A protobuf Duration: a bare number is refused.
        asked["duration"] = f"{spec.duration:g}s"
    return asked


def _from_token(
    claims: Mapping[str, Json], headers: Mapping[str, str], body: bytes, secrets: Sequence[str]
) -> Callback:
    """The token signs its own claims, not the body: an event that only the body tells is a hint and no more."""
    identifier = claims.get("jti") or headers.get("webhook-id", "")
    if not isinstance(identifier, str) or not _DELIVERY.fullmatch(identifier):
        raise CallbackRefused("the webhook has no id")
    ours = _is_for_us(claims.get("aud"), [secret for secret in secrets if secret.startswith(("https://", "http://"))])
    if isinstance(claims.get("data"), dict):
        return replace(_news(claims, identifier), signed=ours)
    return replace(_news(Reply(status=200, body=body).document, identifier), signed=False)


def _is_for_us(audience: Json, addresses: Sequence[str]) -> bool:
    """Whether a token was made for this gateway. Raises CallbackRefused when it was made for somebody else.

    Guides disagree on what Google puts there: the webhook's address, or an id of the project, which proves nothing.
    """
    named = audience if isinstance(audience, list) else [audience]
    urls = [each for each in named if isinstance(each, str) and each.startswith(("https://", "http://"))]
    if not urls:
        return False
    if not any(each in addresses if addresses else "/webhooks/google/" in _path(each) for each in urls):
        raise CallbackRefused("the webhook's token is meant for another address")
    return True


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def _news(event: Mapping[str, Json] | None, delivery_id: str) -> Callback:
    """`{"type": "interaction.completed", "version": "v1", "timestamp": …, "data": {"id": …}}`."""
    data = event.get("data") if event is not None else None
    kind = event.get("type") if event is not None else None
    identifier = data.get("id") if isinstance(data, dict) else None
    if not isinstance(kind, str) or not _is_id(identifier):
        raise CallbackRefused("the webhook's body names no interaction")
    if not kind.startswith("interaction.") and kind != "video.generated":
        raise CallbackRefused("the webhook is about something else")
    return Callback(vendor_task_id=str(identifier), outcome=Pending(stage=Stage.RUNNING), delivery_id=delivery_id)
