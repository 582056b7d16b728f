"""Cog servers on machines of the operator's own. https://cog.run/http/ (coglet 0.22, docs/http.md of 2026-08-21)"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import ClassVar
from urllib.parse import urlsplit

from core.errors import Billed, Failure, FailureReason
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
from providers.base import MESSAGES, BaseVideoProvider, finite, is_task_id, readable
from providers.cog_models import MODELS
from providers.model import VideoModel

_ALIVE = frozenset({"READY", "BUSY", "UNHEALTHY"})
_LOST = frozenset({"STARTING", "SETUP_FAILED", "DEFUNCT"})
"""Health of a server that holds no prediction (any more): what it was given before is gone with its memory."""
_ENDS = frozenset({"succeeded", "failed", "canceled"})

# The second wording is that of Cog before its runtime was rewritten in 2026, from memory.
_BUSY = re.compile(r"at capacity|already running", re.IGNORECASE)
_NOT_READY = re.compile(r"setup has not finished", re.IGNORECASE)
_UNTIL_FREE = 5.0
"""A full server names no wait. It is asked again, as often as the clip's time allows, since nothing is queued there."""

_POLICY = re.compile(r"nsfw|flagged as sensitive|content polic", re.IGNORECASE)
_INPUT = re.compile(r"cannot identify image file|invalid image|unsupported image|could not decode", re.IGNORECASE)
_MACHINE = re.compile(r"out of memory|cuda error|worker crashed|mutex poisoned|slot socket", re.IGNORECASE)
"""Wordings of torch and of Cog's own runtime; any other is the model's, and would come again."""

_MOST_OUTPUTS = 16
_ALWAYS_THE_SAME_SEED = "cogvideox-5b"


class CogProvider(BaseVideoProvider):
    """Cog servers, one for each image. There is no way to ask for a prediction: its end is told by webhook only.

    Outputs come inside the webhook as `data:` URIs, unless the server was started with `--upload-url`.
    """

    name: ClassVar[str] = "cog"
    title: ClassVar[str] = "Cog (self-hosted)"
    base_url: ClassVar[str] = ""
    key_optional: ClassVar[bool] = True
    credential_variables: ClassVar[tuple[str, ...]] = ("COG_API_KEY",)
    models: ClassVar[tuple[VideoModel, ...]] = MODELS
    largest_reply: ClassVar[int] = 64 << 20
    """Also of a webhook: a clip of 48 MB as base64."""
    takes_callbacks: ClassVar[bool] = True
    answers_by_callback: ClassVar[bool] = True
    """A webhook's Ready or Failed is the only news of a job's end; `poll` can only find that the machine lost it."""

    def place(self, model: VideoModel) -> str:
        """The row's short name: every image has a server of its own."""
        return model.id.partition("/")[2]

    def submit(self, spec: ClipSpec, model: VideoModel, callback: str | None) -> Request:
        """`PUT /predictions/{id}` under an id made from the callback's token. Raises ValueError without a callback.

        The token is on the attempt's row, so a reply that was lost leaves no doubt which prediction is ours.
        """
        if callback is None:
            raise ValueError("a Cog server tells its results by webhook only: this server needs an address for them")
        inputs = wire.body(spec, model)
        if model.family == _ALWAYS_THE_SAME_SEED:
            inputs.setdefault(model.wire["seed"], _seed(callback))
        body = {"input": inputs, "webhook": callback, "webhook_events_filter": ["start", "completed"]}
        path = f"/predictions/{_identifier(callback)}"
        return Request(method="PUT", path=path, headers={"Prefer": "respond-async"}, json=body, auth=Auth())

    def ticket(self, document: Mapping[str, Json]) -> Accepted | None:
        """202 with `{"id", "status": "starting"}`, or with all there is to say of a prediction that already runs."""
        identifier = document.get("id")
        return Accepted(ticket={"id": identifier}) if is_task_id(identifier) else None

    def refusal(self, reply: Reply) -> Failure | None:
        """409 without a free slot, 503 before setup is over, 422 for inputs; anything else by its status."""
        document = reply.document or {}
        text = readable(document.get("error")) or readable(document.get("detail"))
        if reply.status == 409 and _BUSY.search(text):
            return _refused(FailureReason.RATE_LIMITED, "every slot of the machine is busy")
        if reply.status == 503 and _NOT_READY.search(text):
            return _refused(FailureReason.VENDOR_UNAVAILABLE, "the machine is still loading the model")
        if reply.status == 422:
            return _detailed(document.get("detail")) or super().refusal(reply)
        return super().refusal(reply)

    def submitted(self, reply: Reply) -> Submitted:
        """As any vendor's; a full machine is waited for."""
        submitted = super().submitted(reply)
        if isinstance(submitted, Refused) and reply.status == 409 and submitted.retry_after is None:
            return replace(submitted, retry_after=_UNTIL_FREE)
        return submitted

    def poll(self, ticket: Ticket) -> Request:
        """`GET /health-check`. A PUT would tell of a running prediction, but would run an ended one once more."""
        return self.health_check()

    def health_check(self) -> Request:
        """Ask whether a server is there and ready."""
        return Request(method="GET", path="/health-check", auth=Auth())

    def health(self, reply: Reply) -> str:
        """`READY`, `BUSY`, `STARTING`, `SETUP_FAILED`, `DEFUNCT` or `UNHEALTHY`; empty when no Cog server answers."""
        status = (reply.document or {}).get("status")
        return status if reply.status == 200 and isinstance(status, str) and status in _ALIVE | _LOST else ""

    def outcome(self, reply: Reply) -> Outcome | Finished:
        """A 404 here is about the address, not about a prediction."""
        return Pending(unknown=f"HTTP {reply.status}") if reply.status in (404, 410) else super().outcome(reply)

    def state(self, document: Mapping[str, Json]) -> Outcome:
        """Read a prediction object, as webhooks bring it, or a server's health."""
        status = document.get("status")
        if status in ("starting", "processing") or (isinstance(status, str) and status in _ALIVE):
            return Pending(stage=Stage.QUEUED if status == "starting" else Stage.RUNNING)
        if status == "succeeded":
            return _succeeded(document)
        if status == "failed":
            return _failed(document)
        if status == "canceled":
            return _ended(document, FailureReason.CANCELLED)
        if isinstance(status, str) and status in _LOST:
            return Failed(failure=self.lost())
        return Pending(unknown=readable(status)[:64] or "no status")

    def cancel(self, ticket: Ticket) -> Request | None:
        """`POST /predictions/{id}/cancel`: 200, or 404 when it is over; the webhook tells how it ended."""
        return Request(method="POST", path=f"/predictions/{ticket['id']}/cancel", auth=Auth())

    def callback(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> Callback:
        """The body is the prediction, its files included. Nothing is signed.

        A server started with WEBHOOK_AUTH_TOKEN sends it as a bearer token: if `secrets` has one, it must be there.
        """
        if secrets and not _has_token(headers.get("authorization", ""), secrets):
            raise CallbackRefused("the webhook does not carry the server's token")
        document = Reply(status=200, body=body).document
        if document is None or not is_task_id(document.get("id")):
            raise CallbackRefused("the webhook's body is not a prediction")
        status = document.get("status")
        if status not in ("starting", "processing", *_ENDS):
            raise CallbackRefused("the webhook's body is not a prediction")
        return Callback(
            vendor_task_id=document["id"],
            outcome=self.state(document),
            # Deliveries are not numbered: a repetition says the same of the same prediction.
            delivery_id=f"{document['id']}:{status}",
            signed=bool(secrets),
        )


def _identifier(callback: str) -> str:
    """128 bits as Cog recommends them, which do not give the token away: 26 lower-case characters."""
    return base64.b32encode(_digest(callback)[:16]).decode("ascii").lower().rstrip("=")


def _seed(callback: str) -> int:
    """A seed of this attempt's own."""
    return int.from_bytes(_digest(callback)[16:20], "big") % 2**31


def _digest(callback: str) -> bytes:
    token = urlsplit(callback).path.rpartition("/")[2]
    return hashlib.sha256(f"cog {token}".encode()).digest()


def _has_token(authorization: str, secrets: Sequence[str]) -> bool:
    given = authorization.encode("utf-8", "replace")
    return True in [hmac.compare_digest(given, f"Bearer {secret}".encode()) for secret in secrets]


def _refused(reason: FailureReason, message: str) -> Failure:
    return Failure(reason=reason, message=message, billed=Billed.NO)


def _detailed(detail: Json) -> Failure | None:
    """`[{"loc": ["body", "input", FIELD], "msg", "type"}]` in words."""
    items = [item for item in detail[:5] if isinstance(item, dict)] if isinstance(detail, list) else []
    told = [": ".join(part for part in (_field(item.get("loc")), readable(item.get("msg"))) if part) for item in items]
    text = "; ".join(part for part in told if part)
    message = MESSAGES[FailureReason.INVALID_INPUT]
    return _refused(FailureReason.INVALID_INPUT, f"{message}: {text}") if text else None


def _field(place: Json) -> str:
    return readable(place[-1])[:64] if isinstance(place, list) and place else ""


def _usage(document: Mapping[str, Json]) -> Usage:
    """`metrics.predict_time`: seconds on the machine."""
    metrics = document.get("metrics")
    seconds = finite(metrics.get("predict_time")) if isinstance(metrics, dict) else None
    return Usage(compute_seconds=seconds if seconds is not None and 0 < seconds <= 86_400 else None)


def _outputs(output: Json) -> tuple[str, ...]:
    """The addresses in an output: a string, a list, or an object of them."""
    members = list(output.values()) if isinstance(output, dict) else output
    found = members if isinstance(members, list) else [members]
    return tuple(each for each in found[:_MOST_OUTPUTS] if _is_address(each))


def _is_address(value: Json) -> bool:
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
        return False
    return value.startswith(("https://", "http://", "data:video/", "data:image/gif"))


def _succeeded(document: Mapping[str, Json]) -> Outcome:
    outputs = _outputs(document.get("output"))
    if outputs:
        return Ready(outputs=outputs, usage=_usage(document))
    return _ended(document, FailureReason.BAD_OUTPUT, "the model finished without a video")


def _failed(document: Mapping[str, Json]) -> Failed:
    text = readable(document.get("error"))
    if _POLICY.search(text):
        return _ended(document, FailureReason.CONTENT_POLICY)
    if _INPUT.search(text):
        return _ended(document, FailureReason.INVALID_INPUT)
    return _ended(document, FailureReason.VENDOR_FAILED, retryable=None if _MACHINE.search(text) else False)


def _ended(
    document: Mapping[str, Json], reason: FailureReason, message: str = "", *, retryable: bool | None = None
) -> Failed:
    """The machine's time is spent, whatever came of it."""
    usage = _usage(document)
    billed = Billed.UNKNOWN if usage.compute_seconds is None else Billed.YES
    return Failed(
        failure=Failure(reason=reason, message=message or MESSAGES[reason], billed=billed, retryable=retryable),
        usage=usage,
    )
