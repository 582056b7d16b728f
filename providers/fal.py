"""fal's queue API, home of Pika's models. https://fal.ai/docs/documentation/model-apis/inference/queue"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar

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
    Reply,
    Request,
    Slot,
    Ticket,
)
from core.spec import ClipSpec, MediaInput
from providers import fal_states, wire
from providers.base import MESSAGES, BaseVideoProvider, is_task_id, readable, retry_after
from providers.fal_models import MODELS, endpoint
from providers.fal_signature import is_key_set, verified
from providers.model import VideoModel

_AUTH = Auth(prefix="Key ")
_LIFECYCLE, _STORAGE_LIFECYCLE = "X-Fal-Object-Lifecycle-Preference", "X-Fal-Object-Lifecycle"
_DAY = 86_400
_OUTPUT_DAYS, _INPUT_DAYS = 7, 1
"""How long fal keeps files of ours. Its own default is "forever and publicly readable"."""
_APP = re.compile(r"/([A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*)/requests/([A-Za-z0-9_-]+)(?:/[a-z]+)?$")
_FILE_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 100
_NO_BALANCE = re.compile(r"balance|top[_ -]?up|billing|user is locked", re.IGNORECASE)


class FalProvider(BaseVideoProvider):
    """fal. Webhooks per request, no list to search, no idempotency key, no price in any answer.

    A 503 of a runner is retried by fal's queue itself, up to ten times and free of charge: `x-fal-no-retry` is not
    sent. Nor is `X-Fal-Store-IO: 0`: without stored payloads a result is gone minutes after the run.
    """

    name: ClassVar[str] = "fal"
    title: ClassVar[str] = "fal (Pika and others)"
    base_url: ClassVar[str] = "https://queue.fal.run"
    hosts: ClassVar[Mapping[str, str]] = {"rest": "https://rest.fal.ai"}
    credential_variables: ClassVar[tuple[str, ...]] = ("PIKA_API_KEY", "FAL_KEY")
    models: ClassVar[tuple[VideoModel, ...]] = MODELS
    # No pace is advised and no limit of requests published. fal's SDK asks ten times a second for each job, and a new
    # account may have ten at once.
    poll_floor: ClassVar[float] = 3.0
    requests_per_second: ClassVar[float] = 100.0
    takes_callbacks: ClassVar[bool] = True

    def upload(self, media: MediaInput, model: VideoModel) -> Request | None:
        """`POST rest.fal.ai/storage/upload/initiate`, for a signed PUT of up to 100 MB (more: the SDK sends parts)."""
        if not media.mime_type:
            return None
        name = _FILE_NAME.sub("-", media.name.rpartition("/")[2])[-_LONGEST_NAME:] or "input"
        return Request(
            method="POST",
            path="/storage/upload/initiate",
            query={"storage_type": "gcs"},
            # The SDK says it to the storage under both names.
            headers={name: _kept_for(_INPUT_DAYS) for name in (_LIFECYCLE, _STORAGE_LIFECYCLE)},
            json={"file_name": name, "content_type": media.mime_type},
            auth=_AUTH,
            host="rest",
        )

    def slot(self, reply: Reply) -> Slot | None:
        """`{"upload_url", "file_url"}`: the bytes go to the first, the second is the model's input."""
        document = reply.document or {}
        target, address = document.get("upload_url"), document.get("file_url")
        if not 200 <= reply.status < 300 or not isinstance(target, str) or not isinstance(address, str):
            return None
        return Slot(uri=address, url=target) if address.startswith(("https://", "http://")) else None

    def submit(self, spec: ClipSpec, model: VideoModel, callback: str | None) -> Request:
        """`POST /{endpoint}`, the model's inputs at the top of the body. Each mode has an endpoint of its own."""
        place = endpoint(spec, model)
        headers = {
            # Until it starts; past it fal answers 504, which is not billed. A run that began is not stopped by it.
            "X-Fal-Request-Timeout": str(model.deadline_seconds),
            _LIFECYCLE: _kept_for(_OUTPUT_DAYS),
        }
        query = {} if callback is None else {"fal_webhook": callback}
        inputs = place.inputs(_input(spec, model))
        path = f"/{model.wire_name}{place.path}"
        return Request(method="POST", path=path, query=query, headers=headers, json=inputs, auth=_AUTH)

    def ticket(self, document: Mapping[str, Json]) -> Accepted | None:
        """`{"status": "IN_QUEUE", "request_id", "status_url", …}`; the app is read from the address, as fal advises.

        fal's guide to webhooks shows an answer without addresses (its own SDK could not read that): nobody would know
        where to ask, so the webhook has to name the job.
        """
        identifier = document.get("request_id")
        apps = [_app(document.get(name), identifier) for name in ("status_url", "response_url", "cancel_url")]
        app = next((each for each in apps if each), "")
        if not is_task_id(identifier) or not app:
            return None
        return Accepted(ticket={"id": identifier, "app": app})

    def adopt(self, vendor_task_id: str, model: VideoModel) -> Ticket | None:
        """The app is the first two parts of the model's name."""
        if not is_task_id(vendor_task_id):
            return None
        return {"id": vendor_task_id, "app": "/".join(model.wire_name.split("/")[:2])}

    def refusal(self, reply: Reply) -> Failure | None:
        """`{"detail": "…"}` or a list of what is wrong. 403 also means an empty balance, in words."""
        failure = super().refusal(reply)
        detail = (reply.document or {}).get("detail")
        if failure is None:
            return None
        if reply.status == 403 and _NO_BALANCE.search(readable(detail)):
            reason = FailureReason.VENDOR_CREDIT
            return Failure(reason=reason, message=MESSAGES[reason], billed=Billed.NO)
        if failure.reason is not FailureReason.INVALID_INPUT:
            return failure
        # fal's queue takes any input and lets the model judge it; a refusal of the submit itself bought nothing.
        listed = fal_states.model_failure({"detail": detail}, reply.status, {}) if isinstance(detail, list) else None
        if listed is not None:
            words = listed.failure
            return Failure(reason=words.reason, message=words.message, stage=words.stage, vendor_code=words.vendor_code)
        text = readable(detail)
        message = f"{failure.message}: {text}" if text else failure.message
        return Failure(reason=failure.reason, message=message, billed=Billed.NO)

    def poll(self, ticket: Ticket) -> Request:
        """`GET /{app}/requests/{id}/status`: 202 while it waits or runs, 200 when it is over."""
        return _request("GET", ticket, "/status", {"logs": "true"})

    def state(self, document: Mapping[str, Json]) -> Outcome | Finished:
        """Read a status."""
        return fal_states.read(document)

    def result(self, ticket: Ticket) -> Request | None:
        """`GET /{app}/requests/{id}`: the model's own answer."""
        return _request("GET", ticket, "")

    def delivered(self, reply: Reply) -> Outcome:
        """The output, or the model's HTTP error."""
        return fal_states.delivered(reply, self.lost())

    def cancel(self, ticket: Ticket) -> Request | None:
        """`PUT /{app}/requests/{id}/cancel`. In the queue it is removed; a run is told, and may finish anyway."""
        return _request("PUT", ticket, "/cancel")

    def cancelled(self, reply: Reply) -> Outcome:
        """`{"status"}`: OK, CANCELLATION_REQUESTED, ALREADY_COMPLETED or NOT_FOUND; only the first ends it."""
        status = (reply.document or {}).get("status")
        if reply.status == 200 and status == "OK":
            reason = FailureReason.CANCELLED
            return Failed(failure=Failure(reason=reason, message=MESSAGES[reason], billed=Billed.NO))
        if reply.status == 404 and reply.document is not None:
            return Failed(failure=self.lost())
        return Pending(retry_after=retry_after(reply))

    def callback_secret(self) -> Request | None:
        """`GET rest.fal.ai/.well-known/jwks.json`; to be kept for a day at most."""
        return Request(method="GET", path="/.well-known/jwks.json", host="rest")

    def callback_secrets(self, reply: Reply) -> tuple[str, ...]:
        """The key set, as it came."""
        text = reply.body.decode("utf-8", "replace")
        return (text,) if reply.status == 200 and is_key_set(text) else ()

    def callback(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> Callback:
        """One webhook per request, at its end. Up to ten deliveries over two hours say the same."""
        verified(headers, body, secrets, now)
        document = Reply(status=200, body=body).document
        # `gateway_request_id` is that of fal's last own try; the queue knows the request by `request_id`.
        if document is None or not is_task_id(document.get("request_id")):
            raise CallbackRefused("the webhook's body is not about a request")
        identifier = document["request_id"]
        # Deliveries are not numbered.
        delivery_id = f"{identifier}:{readable(document.get('status'))[:16]}"
        return Callback(vendor_task_id=identifier, outcome=fal_states.told(document), delivery_id=delivery_id)


def _request(method: str, ticket: Ticket, last: str, query: Mapping[str, str] | None = None) -> Request:
    path = f"/{ticket['app']}/requests/{ticket['id']}{last}"
    return Request(method=method, path=path, query=query or {}, auth=_AUTH)


def _kept_for(days: int) -> str:
    return json.dumps({"expiration_duration_seconds": days * _DAY})


def _app(address: Json, identifier: Json) -> str:
    """`owner/app` in one of a request's own addresses; its host is never used."""
    match = _APP.search(address) if isinstance(address, str) else None
    return match[1] if match and match[2] == identifier and ".." not in match[1] else ""


def _input(spec: ClipSpec, model: VideoModel) -> dict[str, Json]:
    """The model's inputs. Keyframes are one list, and their length is that of the transition between them."""
    values = wire.body(spec, model)
    if model.wire.get("last_frame") != "image_urls":
        return values
    frames = [wire.media_uri(frame) for frame in (spec.first_frame, spec.last_frame or spec.first_frame) if frame]
    return {**values, "image_urls": frames, "transitions": [{"duration": values["transitions"]}]}
