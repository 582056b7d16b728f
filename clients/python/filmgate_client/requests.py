"""Plain Python values into the contract's messages."""

import mimetypes
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypedDict

from filmgate.v1 import common_pb2, media_pb2, prompt_service_pb2, video_service_pb2, webhook_pb2
from google.protobuf.duration_pb2 import Duration

MediaSource = str | Path | media_pb2.MediaInput
"""An https address, an `asset_…` id, a local file (sent along, or uploaded first), or the message itself."""


Repeatable = (
    video_service_pb2.GenerateVideoRequest
    | video_service_pb2.BatchGenerateVideosRequest
    | prompt_service_pb2.QuantifyPromptRequest
    | prompt_service_pb2.RegeneratePromptRequest
    | prompt_service_pb2.WriteScriptRequest
)
"""Requests that are safe to repeat, by their request id."""


class GenerateFields(TypedDict, total=False):
    """What a request may say besides prompt and creative; words and bounds as in the contract."""

    model: str
    variations: int
    duration: float
    aspect_ratio: str
    resolution: str
    fps: float
    seed: int
    negative_prompt: str
    style: str
    motion: str
    quality: str
    audio: bool
    first_frame: MediaSource
    last_frame: MediaSource
    reference_images: Sequence[media_pb2.ReferenceImage]
    source_video: MediaSource
    enhance_prompt: bool
    fallback_models: Sequence[str]
    max_cost: Decimal | str
    request_id: str
    validate_only: bool
    webhook: webhook_pb2.Webhook
    labels: Mapping[str, str]
    strategy: str
    required_capabilities: Sequence[str]
    vendor_options: Mapping[str, object]
    allow_substitutions: bool
    prompt_id: str


_PARAMETERS = ("aspect_ratio", "resolution", "fps", "seed", "negative_prompt", "style", "audio")
MEDIA = ("first_frame", "last_frame", "source_video")
"""Fields that take a file."""
_COPIED = (
    "model",
    "variations",
    "reference_images",
    "enhance_prompt",
    "fallback_models",
    "request_id",
    "validate_only",
    "webhook",
    "labels",
    "allow_substitutions",
    "prompt_id",
)


def generate_request(
    tenant: str, prompt: str, creative_id: str, fields: GenerateFields
) -> video_service_pb2.GenerateVideoRequest:
    """The request for one job; None counts as not given.

    Raises ValueError for an unknown word or amount, OSError for an unreadable file.
    """
    given: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
    request = video_service_pb2.GenerateVideoRequest(
        tenant_name=tenant,
        prompt=prompt,
        creative_id=creative_id,
        **_only(given, _COPIED),
    )
    for name, source in _only(given, MEDIA).items():
        getattr(request, name).CopyFrom(media(source))
    if "max_cost" in given:
        request.max_cost.CopyFrom(money(given["max_cost"]))
    if "vendor_options" in given:
        request.vendor_options.update(dict(given["vendor_options"]))
    _set_parameters(request, given)
    _set_selection(request, given)
    return request


def _only(values: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}


def _set_parameters(request: video_service_pb2.GenerateVideoRequest, given: Mapping[str, Any]) -> None:
    values = _only(given, _PARAMETERS)
    if "duration" in given:
        values["duration"] = seconds(given["duration"])
    if "motion" in given:
        values["motion"] = f"MOTION_{given['motion'].upper()}"
    if "quality" in given:
        values["quality"] = f"QUALITY_{given['quality'].upper()}"
    if values:
        request.parameters.CopyFrom(media_pb2.VideoParameters(**values))


def _set_selection(request: video_service_pb2.GenerateVideoRequest, given: Mapping[str, Any]) -> None:
    if "strategy" in given or "required_capabilities" in given:
        strategy = f"SELECTION_STRATEGY_{given.get('strategy', 'UNSPECIFIED').upper()}"
        names = [f"MODEL_CAPABILITY_{name.upper()}" for name in given.get("required_capabilities", ())]
        request.selection.CopyFrom(media_pb2.Selection(strategy=strategy, required_capabilities=names))


def media(source: MediaSource) -> media_pb2.MediaInput:
    """An input by address, by asset id, or with the file's bytes inside."""
    if isinstance(source, media_pb2.MediaInput):
        return source
    if isinstance(source, Path):
        mime_type = mimetypes.guess_type(source.name)[0] or "application/octet-stream"
        inline = media_pb2.InlineMedia(data=source.read_bytes(), mime_type=mime_type)
        return media_pb2.MediaInput(inline=inline)
    if source.startswith("asset_"):
        return media_pb2.MediaInput(asset_id=source)
    return media_pb2.MediaInput(uri=source)


def money(amount: Decimal | str, currency: str = "USD") -> common_pb2.Money:
    """An exact amount. Raises ValueError when it is no number or finer than a micro-unit."""
    try:
        micros = Decimal(amount) * 1_000_000
        whole = int(micros)
    except (ArithmeticError, ValueError) as error:
        raise ValueError(f"{amount!r} is not an amount of money") from error
    if micros != whole:
        raise ValueError(f"{amount!r} is finer than a millionth")
    return common_pb2.Money(currency_code=currency, micros=whole)


def seconds(value: float) -> Duration:
    """A length in seconds, exact to the microsecond."""
    result = Duration()
    result.FromTimedelta(timedelta(seconds=value))
    return result


class Filters(TypedDict, total=False):
    """What lists of jobs and videos can be narrowed by, as in the contract; None counts as not given."""

    creative_id: str
    model: str
    create_time_from: datetime | None
    create_time_before: datetime | None
    labels: Mapping[str, str] | None
    page_size: int


class JobFilters(Filters, total=False):
    """The filters of jobs; states by their short names, such as `RUNNING`."""

    states: Sequence[str] | None


class VideoFilters(Filters, total=False):
    """The filters of videos; `url_ttl` in seconds asks for presigned addresses."""

    job_id: str
    url_ttl: float | None


def jobs_request(tenant: str, filters: JobFilters) -> video_service_pb2.ListJobsRequest:
    """The first page's request. Raises ValueError for an unknown state."""
    values: dict[str, Any] = {name: value for name, value in filters.items() if value is not None}
    states = [f"JOB_STATE_{state.upper()}" for state in values.pop("states", ())]
    return video_service_pb2.ListJobsRequest(tenant_name=tenant, states=states, **values)


def videos_request(tenant: str, filters: VideoFilters) -> video_service_pb2.ListVideosRequest:
    """The first page's request."""
    values: dict[str, Any] = {name: value for name, value in filters.items() if value is not None}
    if "url_ttl" in values:
        values["url_ttl"] = seconds(values["url_ttl"])
    return video_service_pb2.ListVideosRequest(tenant_name=tenant, **values)


class ModelFilters(TypedDict, total=False):
    """What the catalogue can be narrowed by: mode `TEXT` or `IMAGE`, length in seconds, price in USD; None is any."""

    providers: Sequence[str] | None
    mode: str | None
    aspect_ratio: str | None
    duration: float | None
    max_price: Decimal | str | None
    states: Sequence[str] | None


def models_request(tenant: str, filters: ModelFilters) -> video_service_pb2.ListVideoModelsRequest:
    """The catalogue's request. Raises ValueError for an unknown mode or state."""
    values: dict[str, Any] = {name: value for name, value in filters.items() if value is not None}
    if "mode" in values:
        values["mode"] = f"MODEL_MODE_KIND_{values['mode'].upper()}"
    if "duration" in values:
        values["duration"] = seconds(values["duration"])
    if "max_price" in values:
        values["max_price"] = money(values["max_price"])
    states = [f"MODEL_STATE_{state.upper()}" for state in values.pop("states", ())]
    return video_service_pb2.ListVideoModelsRequest(tenant_name=tenant, states=states, **values)


class Verdict(TypedDict, total=False):
    """A verdict on a parked clip; `attempt_number` guards against deciding twice, `note` is for the books."""

    adopt: str
    resubmit: bool
    abandon: bool
    attempt_number: int
    note: str


def verdict_request(tenant: str, clip_id: str, verdict: Verdict) -> video_service_pb2.ResolveClipRequest:
    """The request for exactly one of a vendor's task id, `resubmit` and `abandon`. Else ValueError."""
    adopt, resubmit, abandon = verdict.get("adopt"), verdict.get("resubmit"), verdict.get("abandon")
    if sum(map(bool, (adopt, resubmit, abandon))) != 1:
        raise ValueError("give exactly one of adopt, resubmit and abandon")
    return video_service_pb2.ResolveClipRequest(
        tenant_name=tenant,
        clip_id=clip_id,
        adopt=video_service_pb2.AdoptVerdict(vendor_task_id=adopt) if adopt else None,
        resubmit=video_service_pb2.ResubmitVerdict() if resubmit else None,
        abandon=video_service_pb2.AbandonVerdict() if abandon else None,
        attempt_number=verdict.get("attempt_number", 0),
        note=verdict.get("note", ""),
    )


def video_request(tenant: str, video_id: str, url_ttl: float | None) -> video_service_pb2.GetVideoRequest:
    """The request for one video; no `url_ttl` leaves the server's default."""
    ttl = None if url_ttl is None else seconds(url_ttl)
    return video_service_pb2.GetVideoRequest(tenant_name=tenant, video_id=video_id, url_ttl=ttl)


def new_request_id() -> str:
    """A fresh request id."""
    return str(uuid.uuid4())


def with_request_id(fields: GenerateFields) -> GenerateFields:
    """The same fields under a request id: the given one, or a fresh one."""
    return fields if fields.get("request_id") else {**fields, "request_id": new_request_id()}
