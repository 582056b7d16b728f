"""From the contract's reading and deciding messages to what the jobs room is asked for; all violations at once."""

import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from filmgate.v1 import asset_pb2, job_pb2, model_pb2
from filmgate.v1 import video_service_pb2 as pb
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from core.money import Money
from core.spec import ModeName
from jobs.orders import JobFilter, Verdict, VerdictKind, VideoFilter
from jobs.records import JobState
from jobs.uploads import AssetKind
from server.checks import Findings
from server.words import short

LONGEST_URL_TTL = 7 * 86_400
DEFAULT_PAGE, LARGEST_PAGE = 50, 200
_TASK = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFilter:
    """Which rows of the catalogue."""

    providers: frozenset[str] = frozenset()
    mode: str = ""
    """`text`, `image`, or empty for either."""
    aspect_ratio: str | None = None
    duration: float | None = None
    max_price: Money | None = None
    states: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """A page that is asked for."""

    tenant: str
    size: int
    token: str
    fingerprint: str
    """Of everything that must stay as it was from page to page."""
    jobs: JobFilter = field(default_factory=JobFilter)
    videos: VideoFilter = field(default_factory=VideoFilter)
    creative_id: str = ""
    """Of a lineage."""
    kind: AssetKind | None = None
    """Of assets."""
    url_ttl: timedelta | None = None


def list_video_models(request: pb.ListVideoModelsRequest) -> ModelFilter:
    """Read which rows are asked for. Raises InvalidRequest."""
    findings = Findings()
    if request.tenant_name:
        findings.tenant(request.tenant_name)
    if len(request.providers) > 32:
        findings.add("providers", "may be at most 32")
    mode = findings.one_of("mode", request.mode, model_pb2.ModelModeKind)
    states = [findings.one_of("states", state, model_pb2.ModelState) for state in request.states]
    duration = request.HasField("duration")
    wanted = ModelFilter(
        providers=frozenset(findings.word("providers", name) for name in request.providers[:32]),
        mode=("", *ModeName)[mode],
        aspect_ratio=findings.ratio("aspect_ratio", request.aspect_ratio),
        duration=findings.seconds("duration", request.duration, 0, 300, above=True) if duration else None,
        max_price=_max_price(request, findings),
        states=frozenset(short(model_pb2.ModelState, state, "MODEL_STATE_") for state in states if state),
    )
    findings.raise_if_any()
    return wanted


def job_target(request: pb.GetJobRequest | pb.CancelJobRequest | pb.WatchJobRequest) -> tuple[str, str]:
    """Tenant and job id. Raises InvalidRequest."""
    findings = Findings()
    found = findings.tenant(request.tenant_name), findings.identifier("job_id", "job", request.job_id)
    if isinstance(request, pb.WatchJobRequest) and request.after_event < 0:
        findings.add("after_event", "may not be negative; 0 begins at the first event")
    findings.raise_if_any()
    return found


def resolve_clip(request: pb.ResolveClipRequest) -> tuple[str, str, Verdict]:
    """Tenant, clip id and verdict. Raises InvalidRequest."""
    findings = Findings()
    tenant = findings.tenant(request.tenant_name)
    clip_id = findings.identifier("clip_id", "clip", request.clip_id)
    verdict = _verdict(request, findings)
    findings.whole("attempt_number", request.attempt_number, 0, 1000)
    findings.text("note", request.note, 1000)
    findings.raise_if_any()
    return tenant, clip_id, verdict


def get_video(request: pb.GetVideoRequest) -> tuple[str, str, timedelta | None]:
    """Tenant, video id and how long its addresses shall work. Raises InvalidRequest."""
    findings = Findings()
    found = findings.tenant(request.tenant_name), findings.identifier("video_id", "vid", request.video_id)
    ttl = _url_ttl(request, findings)
    findings.raise_if_any()
    return *found, ttl


def delete_video(request: pb.DeleteVideoRequest) -> tuple[str, str]:
    """Tenant and video id. Raises InvalidRequest."""
    findings = Findings()
    found = findings.tenant(request.tenant_name), findings.identifier("video_id", "vid", request.video_id)
    findings.raise_if_any()
    return found


def get_asset(request: pb.GetAssetRequest) -> tuple[str, str, timedelta | None]:
    """Tenant, asset id and how long its address shall work, None for no address. Raises InvalidRequest."""
    findings = Findings()
    found = findings.tenant(request.tenant_name), findings.identifier("asset_id", "asset", request.asset_id)
    ttl = _url_ttl(request, findings)
    findings.raise_if_any()
    return *found, ttl


def delete_asset(request: pb.DeleteAssetRequest) -> tuple[str, str]:
    """Tenant and asset id. Raises InvalidRequest."""
    findings = Findings()
    found = findings.tenant(request.tenant_name), findings.identifier("asset_id", "asset", request.asset_id)
    findings.raise_if_any()
    return found


def list_assets(request: pb.ListAssetsRequest) -> Listing:
    """Read which assets are asked for. Raises InvalidRequest."""
    findings = Findings()
    tenant = findings.tenant(request.tenant_name)
    number = findings.one_of("kind", request.kind, asset_pb2.AssetKind)
    kind = AssetKind(short(asset_pb2.AssetKind, number, "ASSET_KIND_")) if number else None
    size = page_size(request.page_size, findings)
    findings.raise_if_any()
    return Listing(tenant=tenant, size=size, token=request.page_token, fingerprint=fingerprint(request), kind=kind)


def list_jobs(request: pb.ListJobsRequest) -> Listing:
    """Read which jobs are asked for. Raises InvalidRequest."""
    findings = Findings()
    states = [findings.one_of("states", state, job_pb2.JobState) for state in request.states[:64]]
    tenant = findings.tenant(request.tenant_name)
    wanted = JobFilter(
        states=frozenset(JobState(short(job_pb2.JobState, state, "JOB_STATE_")) for state in states if state),
        creative_id=findings.creative(request.creative_id, required=False),
        model=findings.word("model", request.model),
        since=moment("create_time_from", request, findings),
        until=moment("create_time_before", request, findings),
        labels=findings.labels(request.labels),
    )
    size = page_size(request.page_size, findings)
    findings.raise_if_any()
    return Listing(tenant=tenant, size=size, token=request.page_token, fingerprint=fingerprint(request), jobs=wanted)


def list_videos(request: pb.ListVideosRequest) -> Listing:
    """Read which videos are asked for. Raises InvalidRequest."""
    findings = Findings()
    tenant = findings.tenant(request.tenant_name)
    wanted = VideoFilter(
        creative_id=findings.creative(request.creative_id, required=False),
        model=findings.word("model", request.model),
        job_id=findings.identifier("job_id", "job", request.job_id, required=False),
        since=moment("create_time_from", request, findings),
        until=moment("create_time_before", request, findings),
        labels=findings.labels(request.labels),
    )
    ttl = _url_ttl(request, findings)
    size = page_size(request.page_size, findings)
    findings.raise_if_any()
    return Listing(
        tenant=tenant,
        size=size,
        token=request.page_token,
        fingerprint=fingerprint(request),
        videos=wanted,
        url_ttl=ttl,
    )


def lineage(request: pb.GetLineageRequest) -> Listing:
    """Read whose and which creative's history is asked for. Raises InvalidRequest."""
    findings = Findings()
    tenant, creative_id = findings.tenant(request.tenant_name), findings.creative(request.creative_id)
    size = page_size(request.page_size, findings)
    findings.raise_if_any()
    return Listing(
        tenant=tenant,
        creative_id=creative_id,
        size=size,
        token=request.page_token,
        fingerprint=fingerprint(request),
    )


def _verdict(request: pb.ResolveClipRequest, findings: Findings) -> Verdict:
    kind = request.WhichOneof("verdict")
    if kind is None:
        findings.add("verdict", "is required: one of `adopt`, `resubmit`, `abandon`")
        return Verdict(kind=VerdictKind.ABANDON)
    task = request.adopt.vendor_task_id if kind == "adopt" else ""
    if kind == "adopt" and not _TASK.fullmatch(task):
        findings.add("adopt.vendor_task_id", "is required: the vendor's id of the task, 1 to 255 printable characters")
    return Verdict(kind=VerdictKind(kind.upper()), vendor_task_id=task, attempt_number=max(0, request.attempt_number))


def _url_ttl(request: Any, findings: Findings) -> timedelta | None:
    if not request.HasField("url_ttl"):
        return None
    seconds = findings.seconds("url_ttl", request.url_ttl, 1, LONGEST_URL_TTL)
    return None if seconds is None else timedelta(seconds=seconds)


def _max_price(request: pb.ListVideoModelsRequest, findings: Findings) -> Money | None:
    if not request.HasField("max_price"):
        return None
    return findings.money("max_price", request.max_price.currency_code, request.max_price.micros)


def page_size(value: int, findings: Findings) -> int:
    """How many rows a page shall have."""
    if value < 0:
        findings.add("page_size", f"may not be negative; 0 means {DEFAULT_PAGE}")
    return min(value, LARGEST_PAGE) if value > 0 else DEFAULT_PAGE


def moment(name: str, request: Any, findings: Findings) -> datetime | None:
    """A field's moment, or None when it is not set or broken."""
    return findings.moment(name, getattr(request, name)) if request.HasField(name) else None


def fingerprint(request: Message) -> str:
    """Of every field that must be the same on the next page."""
    document: dict[str, Any] = MessageToDict(request, preserving_proto_field_name=True)
    for name in ("page_size", "page_token", "url_ttl"):
        document.pop(name, None)
    text = type(request).__name__ + json.dumps(document, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
