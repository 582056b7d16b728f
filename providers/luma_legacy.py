"""Luma's older Dream Machine API: Ray 2. https://docs.lumalabs.ai/reference"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from core.errors import Billed, Failure, FailureReason, PolicyStage
from core.outcome import (
    Accepted,
    AttemptReference,
    Auth,
    Callback,
    CallbackRefused,
    Failed,
    Json,
    Outcome,
    Pending,
    Ready,
    Reply,
    Request,
    Stage,
    Ticket,
)
from core.spec import ClipSpec, ModeName
from providers import wire
from providers.base import MESSAGES, BaseVideoProvider, is_task_id, readable
from providers.luma import merged
from providers.luma_legacy_models import MODELS
from providers.model import VideoModel

_ROOT = "/dream-machine/v1"
_STAGES: Mapping[str, Stage] = {"queued": Stage.QUEUED, "dreaming": Stage.RUNNING}
_PAGE = 50
_CLOCK_SKEW = timedelta(minutes=5)


class LumaLegacyProvider(BaseVideoProvider):
    """Dream Machine. A list to search, unsigned callbacks, no idempotency key, no upload, no price in any answer."""

    name: ClassVar[str] = "luma-legacy"
    title: ClassVar[str] = "Luma Dream Machine (legacy)"
    base_url: ClassVar[str] = "https://api.lumalabs.ai"
    credential_variables: ClassVar[tuple[str, ...]] = ("LUMAAI_API_KEY",)
    models: ClassVar[tuple[VideoModel, ...]] = MODELS
    poll_floor: ClassVar[float] = 4.0  # no advice is published
    requests_per_second: ClassVar[float] = 5.0  # no limit is published either
    takes_callbacks: ClassVar[bool] = True
    can_search: ClassVar[bool] = True
    cancel_deletes: ClassVar[bool] = True

    def submit(self, spec: ClipSpec, model: VideoModel, callback: str | None) -> Request:
        """`POST /generations/video`, for text, frames and extensions alike."""
        said = wire.words(spec, model)
        named = {word: said[word] for word in ("prompt", "aspect_ratio", "resolution", "duration") if word in said}
        body = {"model": model.wire_name} | named | _options(spec)
        if callback is not None:
            body["callback_url"] = callback
        return _request("POST", "/generations/video", body)

    def ticket(self, document: Mapping[str, Json]) -> Accepted | None:
        """A generation, answered with 201."""
        identifier = document.get("id")
        return Accepted(ticket={"id": identifier}) if is_task_id(identifier) else None

    def refusal(self, reply: Reply) -> Failure | None:
        """`{"detail"}`: a sentence, or FastAPI's list of what is wrong where."""
        failure = super().refusal(reply)
        if failure is None or failure.reason is not FailureReason.INVALID_INPUT:
            return failure
        detail = _detail((reply.document or {}).get("detail"))
        reason = next((reason for words, reason in _REFUSED if words.search(detail)), failure.reason)
        if reason is FailureReason.INVALID_INPUT and detail:
            return Failure(reason=reason, message=f"{MESSAGES[reason]}: {detail}", billed=Billed.NO)
        stage = PolicyStage.PROMPT if reason is FailureReason.CONTENT_POLICY else None
        return Failure(reason=reason, message=MESSAGES[reason], billed=Billed.NO, stage=stage)

    def poll(self, ticket: Ticket) -> Request:
        """`GET /generations/{id}`."""
        return _request("GET", f"/generations/{ticket['id']}")

    def state(self, document: Mapping[str, Json]) -> Outcome:
        """Read a generation, by its `state`."""
        state = document.get("state")
        if state == "completed":
            return _completed(document.get("assets"))
        if state == "failed":
            return Failed(failure=_failure(readable(document.get("failure_reason"))))
        stage = _STAGES.get(state) if isinstance(state, str) else None
        return Pending(unknown=readable(state)[:64] or "no state") if stage is None else Pending(stage=stage)

    def cancel(self, ticket: Ticket) -> Request | None:
        """`DELETE /generations/{id}`. That it stops (or saves) anything is not documented."""
        return _request("DELETE", f"/generations/{ticket['id']}")

    def cancelled(self, reply: Reply) -> Outcome:
        """204 without a body; the next poll finds 404, as does a second delete."""
        if reply.status == 404 and reply.document is not None:
            return Failed(failure=self.lost())
        return super().cancelled(reply)

    def delete(self, ticket: Ticket) -> Request:
        """`DELETE /generations/{id}`."""
        return _request("DELETE", f"/generations/{ticket['id']}")

    def search(self, attempt: AttemptReference) -> Request | None:
        """`GET /generations`, from the first; its order and its largest page are not documented."""
        return _page(0)

    def found(self, reply: Reply, attempt: AttemptReference) -> Ticket | None:
        """The generation whose `request.callback_url` ends in this attempt's token."""
        for generation in _generations(reply):
            if _token(_request_of(generation).get("callback_url")) == attempt.callback_token != "":
                return {"id": generation["id"]}
        return None

    def candidates(self, reply: Reply, attempt: AttemptReference) -> tuple[Ticket, ...]:
        """Generations without a callback that echo all we sent and are not older than the attempt, if we sent none."""
        sent = attempt.request if isinstance(attempt.request, dict) else {}
        if "callback_url" in sent or "prompt" not in sent:
            return ()
        earliest = _moment(attempt.intended_at) - _CLOCK_SKEW
        return tuple(
            {"id": generation["id"]}
            for generation in _generations(reply)
            if _echoes(generation, sent) and _created(generation) >= earliest
        )

    def search_next(self, reply: Reply) -> Request | None:
        """The page after this one. A page that cannot be read is asked for again: it must not look like the end."""
        document = reply.document or {}
        generations = document.get("generations")
        if not isinstance(generations, list):
            return _page(0)
        limit, offset = (_count(document.get(name), usual) for name, usual in (("limit", _PAGE), ("offset", 0)))
        more = document.get("has_more")
        goes_on = more if isinstance(more, bool) else len(generations) >= limit
        return _page(offset + max(len(generations), 1)) if goes_on else None

    def callback(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> Callback:
        """The body is the generation, as polled. Nothing signs it, so it is a hint only."""
        document = Reply(status=200, body=body).document
        if document is None or not is_task_id(document.get("id")):
            raise CallbackRefused("the callback's body is not a generation")
        identifier = document["id"]
        # Deliveries have no id of their own: each state is told once, and again when our answer was late.
        told = f"{identifier}:{readable(document.get('state'))[:64]}"
        return Callback(vendor_task_id=identifier, outcome=self.state(document), delivery_id=told, signed=False)


def _request(method: str, path: str, body: Json = None, query: Mapping[str, str] | None = None) -> Request:
    return Request(method=method, path=f"{_ROOT}{path}", json=body, query=query or {}, auth=Auth())


def _page(offset: int) -> Request:
    return _request("GET", "/generations", query={"limit": str(_PAGE), "offset": str(offset)})


def _options(spec: ClipSpec) -> dict[str, Json]:
    """The vendor options in the vendor's shapes, and the frames among the keyframes."""
    options = dict(spec.vendor_options)
    concepts = options.pop("concepts", "")
    keys = [key.strip() for key in concepts.split(",") if key.strip()] if isinstance(concepts, str) else []
    prior = options.pop("keyframes", {})
    generations = {
        name: {"type": "generation", **frame}
        for name, frame in (prior.items() if isinstance(prior, Mapping) else ())
        if isinstance(frame, Mapping)
    }
    keyframes = merged(_frames(spec), generations)
    return {
        **options,
        **({"concepts": [{"key": key} for key in keys]} if keys else {}),
        **({"keyframes": keyframes} if keyframes else {}),
    }


def _frames(spec: ClipSpec) -> dict[str, Json]:
    """First and last frame as `frame0` and `frame1`, by public address: the API takes nothing else."""
    if spec.mode is not ModeName.IMAGE:
        return {}
    frames = {"frame0": spec.first_frame, "frame1": spec.last_frame}
    return {name: {"type": "image", "url": wire.media_uri(image)} for name, image in frames.items() if image}


def _detail(detail: Json) -> str:
    """`"…"`, or the first entries of `[{"loc": ["body", "model"], "msg": "…"}]`, in words."""
    if not isinstance(detail, list):
        return readable(detail)
    said = [
        ": ".join(part for part in (_place(entry.get("loc")), readable(entry.get("msg"))) if part)
        for entry in detail[:5]
        if isinstance(entry, dict)
    ]
    return "; ".join(part for part in said if part)


def _place(location: Json) -> str:
    parts = location[:5] if isinstance(location, list) else []
    return ".".join(readable(str(part)) for part in parts if part != "body")


# The wording of refusals and of `failure_reason` is not published: these are words seen by third parties.
_POLICY_WORDS = re.compile(r"moderat|nsfw|not allowed|content polic|safety", re.IGNORECASE)
_CREDIT_WORDS = re.compile(r"insufficient (?:credit|balance|fund)|not enough credit|out of credits", re.IGNORECASE)
_RATE_WORDS = re.compile(r"rate limit|too many (?:requests|concurrent)", re.IGNORECASE)
_INPUT_WORDS = re.compile(
    r"invalid|unsupported|corrupt|too (?:large|small)|could not (?:fetch|download|load|read|decode)|failed to "
    r"(?:fetch|download|load|read|decode)",
    re.IGNORECASE,
)
_PASSING_WORDS = re.compile(
    r"time[d -]*out|try again|retry|unavailable|overload|capacity|internal|connection", re.IGNORECASE
)
_REFUSED = ((_POLICY_WORDS, FailureReason.CONTENT_POLICY), (_CREDIT_WORDS, FailureReason.VENDOR_CREDIT))
_FAILED = (*_REFUSED, (_RATE_WORDS, FailureReason.RATE_LIMITED), (_INPUT_WORDS, FailureReason.INVALID_INPUT))


def _failure(text: str) -> Failure:
    """`failure_reason` by its words. Whether a failed generation is charged is not published."""
    reason = next((reason for words, reason in _FAILED if words.search(text)), FailureReason.VENDOR_FAILED)
    passing = reason is not FailureReason.VENDOR_FAILED or _PASSING_WORDS.search(text) is not None
    return Failure(reason=reason, message=MESSAGES[reason], billed=Billed.UNKNOWN, retryable=None if passing else False)


def _completed(assets: Json) -> Outcome:
    """`{"video", "image", "progress_video"}`: a plain address without a key; how long it lives is not published."""
    video = assets.get("video") if isinstance(assets, dict) else None
    if isinstance(video, str) and video:
        return Ready(outputs=(video,))
    empty = Failure(reason=FailureReason.BAD_OUTPUT, message="the vendor finished without an output", billed=Billed.YES)
    return Failed(failure=empty)


def _generations(reply: Reply) -> list[dict[str, Json]]:
    """The well-formed generations of one page."""
    listed = (reply.document or {}).get("generations")
    rows = listed if reply.status == 200 and isinstance(listed, list) else []
    return [row for row in rows if isinstance(row, dict) and is_task_id(row.get("id"))]


def _request_of(generation: Mapping[str, Json]) -> dict[str, Json]:
    request = generation.get("request")
    return request if isinstance(request, dict) else {}


def _token(callback_url: Json) -> str:
    """The last segment of one of our callback URLs, else an empty string."""
    parts = callback_url.split("?")[0].split("/webhooks/luma-legacy/") if isinstance(callback_url, str) else []
    return parts[1] if len(parts) == 2 else ""


def _echoes(generation: Mapping[str, Json], sent: Mapping[str, Json]) -> bool:
    request = {**_request_of(generation)}
    request.setdefault("model", generation.get("model"))
    return not request.get("callback_url") and all(request.get(name) == value for name, value in sent.items())


def _created(generation: Mapping[str, Json]) -> datetime:
    """When it was made; the dawn of time when it does not say."""
    created = generation.get("created_at")
    try:
        return _moment(created) if isinstance(created, str) else datetime.min.replace(tzinfo=UTC)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _count(value: Json, usual: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 1_000_000 else usual
