"""From the contract's messages to what the jobs room is asked for: one function per message, all violations at once."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from filmgate.v1 import job_pb2, media_pb2
from filmgate.v1 import video_service_pb2 as pb
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from core.errors import Reason
from core.money import Money
from core.spec import MediaInput, Motion, Quality, Role, Wish
from jobs.events import EventKind
from jobs.orders import Order, Priority, Selection
from providers.selection import Capability
from server.checks import Findings, repeated_word
from server.words import short

MEBIBYTE = 1024 * 1024
LONGEST_PROMPT = 8000
MOST_VARIATIONS = 8
MOST_FALLBACKS = 8
MOST_REFERENCES = 16
MOST_IN_BATCH = 100
LARGEST_INLINE = 4 * MEBIBYTE
LARGEST_INLINE_TOGETHER = 16 * MEBIBYTE
LONGEST_WAIT = 600
_IMAGES = ("image/jpeg", "image/png", "image/webp")
_VIDEOS = ("video/mp4", "video/quicktime", "video/webm")
_REFERENCE_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NOT_HASHED = ("request_id", "wait", "validate_only")


@dataclass(frozen=True, kw_only=True, slots=True)
class Intake:
    """One GenerateVideoRequest, read: an order in which broken parts are left out, and what was broken."""

    order: Order
    findings: Findings
    wait: float = 0.0
    """Seconds."""
    validate_only: bool = False
    request_id: str = ""
    request_hash: str = ""
    """Empty without a request id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchIntake:
    """A whole batch, read; the violations name their request by its index."""

    tenant: str
    intakes: Sequence[Intake]
    findings: Findings
    """Of the batch and of all its requests."""
    validate_only: bool
    request_id: str
    request_hash: str


def generate_video(
    request: pb.GenerateVideoRequest, tenant: str | None = None, findings: Findings | None = None
) -> Intake:
    """Read a request; `tenant` is the batch's, which one of its requests may leave out."""
    findings = findings or Findings()
    budget = InlineBudget(findings)
    order = Order(
        tenant=_tenant(request.tenant_name, tenant, findings),
        creative_id=findings.creative(request.creative_id),
        model=findings.word("model", request.model),
        wish=_wish(request, findings, budget),
        variations=findings.whole("variations", request.variations or 1, 1, MOST_VARIATIONS) or 1,
        fallbacks=_fallbacks(request, findings),
        priority=_priority(request, findings),
        max_cost=max_cost(request, findings),
        selection=_selection(request, findings),
        labels=findings.labels(request.labels),
        webhook=_webhook(request, findings),
        enhance=request.enhance_prompt,
        prompt_id=findings.identifier("prompt_id", "prompt", request.prompt_id, required=False),
    )
    wait = findings.seconds("wait", request.wait, 0, LONGEST_WAIT) if request.HasField("wait") else None
    request_id = findings.request_id(request.request_id)
    return Intake(
        order=order,
        findings=findings,
        wait=wait or 0.0,
        validate_only=request.validate_only,
        request_id=request_id,
        request_hash=request_hash(request) if request_id else "",
    )


def batch(request: pb.BatchGenerateVideosRequest) -> BatchIntake:
    """Read a batch and every request of it."""
    findings = Findings()
    tenant = findings.tenant(request.tenant_name)
    if not 1 <= len(request.requests) <= MOST_IN_BATCH:
        findings.add("requests", f"must be 1 to {MOST_IN_BATCH}; there are {len(request.requests)}")
    intakes = []
    for index, member in enumerate(request.requests[:MOST_IN_BATCH]):
        part = findings.under(f"requests[{index}]")
        for name in _NOT_HASHED:
            if member.HasField("wait") if name == "wait" else getattr(member, name):
                part.add(name, "may not be set inside a batch; set it on the batch")
        intakes.append(generate_video(member, tenant, part))
    request_id = findings.request_id(request.request_id)
    return BatchIntake(
        tenant=tenant,
        intakes=intakes,
        findings=findings,
        validate_only=request.validate_only,
        request_id=request_id,
        request_hash=request_hash(request) if request_id else "",
    )


def quote_video(request: pb.QuoteVideoRequest) -> Intake:
    """Read the request to quote; what only matters when it is sent is ignored."""
    inner = pb.GenerateVideoRequest()
    inner.CopyFrom(request.request)
    for name in _NOT_HASHED:
        inner.ClearField(name)
    return generate_video(inner, findings=Findings().under("request"))


def request_hash(request: Message) -> str:
    """SHA-256 of the sorted-key JSON of the request, without what may differ between two sends of it."""
    document: dict[str, Any] = MessageToDict(request, preserving_proto_field_name=True)
    for name in _NOT_HASHED:
        document.pop(name, None)
    for member in [document] if isinstance(request, pb.GenerateVideoRequest) else document.get("requests", ()):
        member.setdefault("variations", 1)
        if member.get("priority") == "PRIORITY_NORMAL":
            del member["priority"]  # as it is when nothing is said
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _tenant(value: str, outer: str | None, findings: Findings) -> str:
    if outer is None:
        return findings.tenant(value)
    if value and value != outer:
        findings.add("tenant_name", "must be empty or the batch's")
    return outer


def _wish(request: pb.GenerateVideoRequest, findings: Findings, budget: "InlineBudget") -> Wish:
    typed = request.parameters
    part = findings.under("parameters")
    motion = part.one_of("motion", typed.motion, media_pb2.Motion)
    quality = part.one_of("quality", typed.quality, media_pb2.Quality)
    has_duration = typed.HasField("duration")
    return Wish(
        prompt=_prompt(request.prompt, findings),
        duration=part.seconds("duration", typed.duration, 0, 300, above=True) if has_duration else None,
        aspect_ratio=part.ratio("aspect_ratio", typed.aspect_ratio),
        resolution=part.word("resolution", typed.resolution) or None,
        fps=part.number("fps", typed.fps, 0, 120) if typed.HasField("fps") else None,
        seed=part.whole("seed", typed.seed, 0, 4_294_967_295) if typed.HasField("seed") else None,
        negative_prompt=part.text("negative_prompt", typed.negative_prompt, 4000) or None,
        style=part.word("style", typed.style) or None,
        motion=Motion(short(media_pb2.Motion, motion, "MOTION_")) if motion else None,
        quality=Quality(short(media_pb2.Quality, quality, "QUALITY_")) if quality else None,
        audio=typed.audio if typed.HasField("audio") else None,
        first_frame=media_input("first_frame", request, findings, budget),
        last_frame=media_input("last_frame", request, findings, budget),
        references=_references(request, findings, budget),
        source_video=media_input("source_video", request, findings, budget, _VIDEOS),
        vendor_options=findings.options("vendor_options", request.vendor_options),
        allow_substitutions=request.allow_substitutions,
    )


def _prompt(value: str, findings: Findings) -> str:
    if not findings.fits("prompt", value, LONGEST_PROMPT, Reason.PROMPT_TOO_LONG):
        return ""
    return findings.text("prompt", value.strip(), LONGEST_PROMPT)


def _fallbacks(request: pb.GenerateVideoRequest, findings: Findings) -> tuple[str, ...]:
    names = tuple(request.fallback_models[: MOST_FALLBACKS + 1])
    if len(request.fallback_models) > MOST_FALLBACKS:
        findings.add("fallback_models", f"may be at most {MOST_FALLBACKS}; there are {len(request.fallback_models)}")
    elif not all(names):
        findings.add("fallback_models", "may not hold an empty name")
    elif repeated_word(names):
        findings.add("fallback_models", "may name each model once only")
    else:
        checked = [findings.word(f"fallback_models[{index}]", name) for index, name in enumerate(names)]
        return tuple(filter(None, checked))
    return ()


def _priority(request: pb.GenerateVideoRequest, findings: Findings) -> Priority:
    number = findings.one_of("priority", request.priority, pb.Priority)
    return Priority(short(pb.Priority, number, "PRIORITY_")) if number else Priority.NORMAL


def max_cost(request: Any, findings: Findings) -> Money | None:
    """The most that a request may cost, if it says so."""
    if not request.HasField("max_cost"):
        return None
    return findings.money("max_cost", request.max_cost.currency_code, request.max_cost.micros)


def _selection(request: pb.GenerateVideoRequest, findings: Findings) -> Selection | None:
    if not request.HasField("selection"):
        return None
    part, typed = findings.under("selection"), request.selection
    strategy = part.one_of("strategy", typed.strategy, media_pb2.SelectionStrategy)
    if len(typed.required_capabilities) > 16:
        part.add("required_capabilities", "may be at most 16")
    numbers = [
        part.one_of("required_capabilities", value or -1, media_pb2.ModelCapability)
        for value in typed.required_capabilities[:16]
    ]
    wanted = {short(media_pb2.ModelCapability, number, "MODEL_CAPABILITY_") for number in numbers if number}
    wanted.discard("CANCEL")  # every row of this version has it
    known = {str(capability) for capability in Capability}
    if lacking := sorted(wanted - known):
        text = f"no model is chosen by {', '.join(lacking)} in this version; name a model"
        part.add("required_capabilities", text, Reason.UNSUPPORTED_PARAMETER)
    name = short(media_pb2.SelectionStrategy, strategy, "SELECTION_STRATEGY_") if strategy else "CHEAPEST"
    return Selection(strategy=name, required_capabilities=tuple(sorted(wanted & known)))


def _webhook(request: pb.GenerateVideoRequest, findings: Findings) -> dict[str, Any]:
    if not request.HasField("webhook"):
        return {}
    part, typed = findings.under("webhook"), request.webhook
    if not typed.url:
        part.add("url", "is required: a public https address")
    if len(typed.events) > 64:
        part.add("events", "may be at most 64")
    kinds = [part.one_of("events", value or -1, job_pb2.JobEventKind) for value in typed.events[:64]]
    words = [short(job_pb2.JobEventKind, kind, "JOB_EVENT_KIND_") for kind in kinds if kind]
    known = {str(kind) for kind in EventKind}
    events = sorted({word for word in words if word in known}) or [EventKind.ENDED, EventKind.STALLED]
    return {"url": typed.url, "events": [str(event) for event in events]} if typed.url else {}


class InlineBudget:
    """Inline bytes of one request, all together."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._left = LARGEST_INLINE_TOGETHER

    def take(self, size: int, name: str) -> None:
        """Count one file; the one that is too much is named."""
        fits = self._left >= 0
        self._left -= size
        if fits and self._left < 0:
            self._findings.add(
                name, "with this file the inline data exceeds 16 MiB together; upload it and send `asset_id`"
            )


def media_input(
    name: str,
    request: Any,
    findings: Findings,
    budget: InlineBudget,
    types: Sequence[str] = _IMAGES,
    *,
    path: str = "",
) -> MediaInput | None:
    """A file of the request by its name; None where there is none, or it is broken."""
    if not request.HasField(name):
        return None
    typed: media_pb2.MediaInput = getattr(request, name)
    path = path or name
    source = typed.WhichOneof("source")
    if source == "uri" and typed.uri:
        return MediaInput(uri=typed.uri)
    if source == "inline":
        return _inline(path, typed.inline, findings, budget, types)
    if source == "asset_id":
        asset_id = findings.identifier(f"{path}.asset_id", "asset", typed.asset_id)
        return MediaInput(asset_id=asset_id) if asset_id else None
    findings.add(path, "needs exactly one of `asset_id`, `uri` and `inline`")
    return None


def _inline(
    path: str, typed: media_pb2.InlineMedia, findings: Findings, budget: InlineBudget, types: Sequence[str]
) -> MediaInput | None:
    size = len(typed.data)
    budget.take(size, f"{path}.inline.data")
    sound = True
    if not 1 <= size <= LARGEST_INLINE:
        findings.add(f"{path}.inline.data", "must be 1 byte to 4 MiB; upload a larger file and send `asset_id`")
        sound = False
    if typed.mime_type not in types:
        findings.add(f"{path}.inline.mime_type", f"must be one of {', '.join(types)}")
        sound = False
    return MediaInput(data=typed.data, mime_type=typed.mime_type) if sound else None


def _references(request: pb.GenerateVideoRequest, findings: Findings, budget: InlineBudget) -> tuple[MediaInput, ...]:
    if len(request.reference_images) > MOST_REFERENCES:
        findings.add("reference_images", f"may be at most {MOST_REFERENCES}; there are {len(request.reference_images)}")
        return ()
    found = []
    for index, typed in enumerate(request.reference_images):
        path = f"reference_images[{index}]"
        role = findings.one_of(f"{path}.role", typed.role, media_pb2.ReferenceRole)
        if typed.name and not _REFERENCE_NAME.fullmatch(typed.name):
            findings.add(f"{path}.name", "must be 1 to 64 letters, digits, `_` and `-`")
        if not typed.HasField("media"):
            findings.add(f"{path}.media", "is required")
        media = media_input("media", typed, findings, budget, path=f"{path}.media")
        if media is not None:
            word = Role(short(media_pb2.ReferenceRole, role, "REFERENCE_ROLE_")) if role else None
            found.append(replace(media, role=word, name=typed.name))
    return tuple(found)
