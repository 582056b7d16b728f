"""Replicate's predictions API: official models by name, community models by version. https://replicate.com/docs"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from urllib.parse import parse_qsl, urlsplit

from core.errors import Billed, Failure, FailureReason
from core.outcome import (
    Accepted,
    AttemptReference,
    Auth,
    Callback,
    CallbackRefused,
    Finished,
    Json,
    Outcome,
    Part,
    Pending,
    Reply,
    Request,
    Slot,
    Ticket,
)
from core.spec import ClipSpec, MediaInput
from providers import wire
from providers.base import MESSAGES, BaseVideoProvider, is_task_id, readable
from providers.model import VideoModel
from providers.replicate_models import MODE_INPUTS, MODELS
from providers.replicate_states import read
from providers.signature import verified

_CLOCK_SKEW = timedelta(minutes=5)
_FILE = re.compile(r"https?://[^/?#\s@]+(?:/[A-Za-z0-9._-]+)*/v1/files/[A-Za-z0-9_-]{1,128}", re.ASCII)
_FILE_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 100
_LARGEST_FILE = 100_000_000


class ReplicateProvider(BaseVideoProvider):
    """Replicate. Webhooks per request, a list to search, no idempotency key, no price anywhere in the API."""

    name: ClassVar[str] = "replicate"
    title: ClassVar[str] = "Replicate"
    base_url: ClassVar[str] = "https://api.replicate.com"
    credential_variables: ClassVar[tuple[str, ...]] = ("REPLICATE_API_TOKEN",)
    models: ClassVar[tuple[VideoModel, ...]] = MODELS
    # 3,000 reads a minute for the whole account; the webhook brings the news, the poll is the safety net.
    poll_floor: ClassVar[float] = 3.0
    requests_per_second = 40.0  # 3,000 a minute but for creates [DOC]; the rest is headroom
    submits_per_second = 8.0  # 600 creates a minute [DOC]
    takes_callbacks: ClassVar[bool] = True
    can_search: ClassVar[bool] = True
    upload_carries: ClassVar[bool] = True

    def upload(self, media: MediaInput, model: VideoModel) -> Request | None:
        """`POST /v1/files`: the request carries the file itself. Kept for a day, 100 MB at most (both from memory)."""
        if not 0 < len(media.data) <= _LARGEST_FILE:
            return None
        name = _FILE_NAME.sub("-", media.name.rpartition("/")[2])[-_LONGEST_NAME:] or "input"
        content = Part(name="content", data=media.data, filename=name, content_type=media.mime_type)
        return Request(method="POST", path="/v1/files", form=(content,), auth=Auth())

    def slot(self, reply: Reply) -> Slot | None:
        """The file's address for a model's input; nothing is left to send."""
        urls = (reply.document or {}).get("urls")
        address = urls.get("get") if isinstance(urls, dict) else None
        stored = 200 <= reply.status < 300 and isinstance(address, str) and _FILE.fullmatch(address) is not None
        return Slot(uri=str(address), url="") if stored else None

    def submit(self, spec: ClipSpec, model: VideoModel, callback: str | None) -> Request:
        """Official models by their own route, community models by version; unknown input names cost money unseen.

        Replicate is said to ignore an unknown input name silently (a comment in its runtime; one mock disagrees), so
        only names of the row are ever sent.
        """
        body: dict[str, Json] = {"input": _input(spec, model)}
        if model.wire_version:
            body["version"] = model.wire_version
        if callback is not None:
            body |= {"webhook": callback, "webhook_events_filter": ["start", "completed"]}
        path = "/v1/predictions" if model.wire_version else f"/v1/models/{model.wire_name}/predictions"
        # Accepted from 5 s to 24 h by one third-party account; composite values such as 1m30s are not known to be.
        headers = {"Cancel-After": f"{model.deadline_seconds}s"}
        return Request(method="POST", path=path, headers=headers, json=body, auth=Auth())

    def ticket(self, document: Mapping[str, Json]) -> Accepted | None:
        """A prediction, answered with 201 or 202. It carries no price."""
        identifier = document.get("id")
        return Accepted(ticket={"id": identifier}) if is_task_id(identifier) else None

    def refusal(self, reply: Reply) -> Failure | None:
        """A 422 is about the input (`invalid_fields`) or about a version that is gone."""
        failure = super().refusal(reply)
        document = reply.document or {}
        if failure is None or reply.status != 422:
            return failure
        if readable(document.get("title")).startswith("Invalid version"):
            gone = FailureReason.VENDOR_RETIRED
            return Failure(reason=gone, message=MESSAGES[gone], billed=Billed.NO, vendor_code="Invalid version")
        return _invalid_fields(document.get("invalid_fields")) or failure

    def poll(self, ticket: Ticket) -> Request:
        """`GET /v1/predictions/{id}`."""
        return _get(f"/v1/predictions/{ticket['id']}")

    def state(self, document: Mapping[str, Json]) -> Outcome:
        """Read a prediction object."""
        return read(document)

    def cancel(self, ticket: Ticket) -> Request | None:
        """`POST /v1/predictions/{id}/cancel` without a body; a finished prediction stays as it is."""
        return Request(method="POST", path=f"/v1/predictions/{ticket['id']}/cancel", auth=Auth())

    def cancelled(self, reply: Reply) -> Outcome:
        """200 with the prediction, which may still run: the next poll tells."""
        outcome = self.outcome(reply)
        return Pending() if isinstance(outcome, Finished) else outcome

    def search(self, attempt: AttemptReference) -> Request | None:
        """`GET /v1/predictions?created_after=`, newest first, from a little before the attempt's intent."""
        return _get("/v1/predictions", {"created_after": _moment(attempt.intended_at)})

    def found(self, reply: Reply, attempt: AttemptReference) -> Ticket | None:
        """The prediction whose webhook carries this attempt's token: `{public}/webhooks/replicate/{token}`."""
        for prediction in _results(reply):
            if _token(prediction.get("webhook")) == attempt.callback_token != "":
                return {"id": prediction["id"]}
        return None

    def candidates(self, reply: Reply, attempt: AttemptReference) -> tuple[Ticket, ...]:
        """Predictions without a webhook and with exactly our input, if we too sent no webhook."""
        sent = attempt.request if isinstance(attempt.request, dict) else {}
        if "webhook" in sent or not isinstance(sent.get("input"), dict):
            return ()
        return tuple(
            {"id": prediction["id"]}
            for prediction in _results(reply)
            if prediction.get("model") == attempt.model and _same(prediction, sent)
        )

    def search_next(self, reply: Reply) -> Request | None:
        """The next page: only the cursor is taken from the vendor's URL, never its host."""
        following = (reply.document or {}).get("next")
        try:
            query = dict(parse_qsl(urlsplit(following).query)) if isinstance(following, str) else {}
        except ValueError:
            return None
        return _get("/v1/predictions", query) if query else None

    def callback_secret(self) -> Request | None:
        """`GET /v1/webhooks/default/secret`: one secret per account."""
        return _get("/v1/webhooks/default/secret")

    def callback_secrets(self, reply: Reply) -> tuple[str, ...]:
        """`{"key": "whsec_…"}`."""
        key = (reply.document or {}).get("key")
        return (key,) if reply.status == 200 and isinstance(key, str) and key.startswith("whsec_") else ()

    def callback(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> Callback:
        """The body is the prediction itself, as polled; the event's name is not in it."""
        delivery_id = verified(headers, body, secrets, now)
        document = Reply(status=200, body=body).document
        if document is None or not is_task_id(document.get("id")):
            raise CallbackRefused("the webhook's body is not a prediction")
        return Callback(vendor_task_id=document["id"], outcome=self.state(document), delivery_id=delivery_id)


def _input(spec: ClipSpec, model: VideoModel) -> dict[str, Json]:
    """The model's inputs. Where it takes one reference only, its input is an address instead of a list."""
    values = {**MODE_INPUTS.get((model.id, spec.mode), {}), **wire.body(spec, model)}
    name = model.wire.get("reference_images", "")
    if model.references == 1 and name in values:
        (values[name],) = values[name]
    return values


def _get(path: str, query: Mapping[str, str] | None = None) -> Request:
    return Request(method="GET", path=path, query=query or {}, auth=Auth())


def _invalid_fields(fields: Json) -> Failure | None:
    """`[{"type", "field": "input.duration", "description"}]` in words; a missing one is named by its parent."""
    described = [
        ": ".join(
            part for part in (readable(item.get("field")).removeprefix("input."), text) if part and part != "input"
        )
        for item in (fields if isinstance(fields, list) else [])[:5]
        if isinstance(item, dict) and (text := readable(item.get("description")))
    ]
    if not described:
        return None
    reason = FailureReason.INVALID_INPUT
    return Failure(reason=reason, message=f"{MESSAGES[reason]}: {'; '.join(described)}", billed=Billed.NO)


def _results(reply: Reply) -> list[dict[str, Json]]:
    """The well-formed predictions of one page."""
    results = (reply.document or {}).get("results")
    rows = results if reply.status == 200 and isinstance(results, list) else []
    return [row for row in rows if isinstance(row, dict) and is_task_id(row.get("id"))]


def _token(webhook: Json) -> str:
    """The last segment of one of our callback URLs, else an empty string."""
    parts = webhook.split("?")[0].split("/webhooks/replicate/") if isinstance(webhook, str) else []
    return parts[1] if len(parts) == 2 else ""


def _same(prediction: Mapping[str, Json], sent: Mapping[str, Json]) -> bool:
    """Whether the input (and the version; official models answer `hidden`) is ours, and no webhook was sent."""
    version = sent.get("version")
    return (
        not prediction.get("webhook")
        and prediction.get("input") == sent["input"]
        and (prediction.get("version") == version if version else prediction.get("version") == "hidden")
    )


def _moment(intended_at: str) -> str:
    """The intent's time less five minutes, in the vendor's spelling: its clock is not ours."""
    moment = datetime.fromisoformat(intended_at)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return f"{(aware.astimezone(UTC) - _CLOCK_SKEW):%Y-%m-%dT%H:%M:%S}Z"
