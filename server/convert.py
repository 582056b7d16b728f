"""From what the jobs room answers to the contract's messages; every read passes here, so fields are built once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from filmgate.v1 import asset_pb2, common_pb2, job_pb2, media_pb2, quote_pb2, video_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from core.errors import Billed, Failure
from core.money import Money
from core.spec import ClipSpec, Notice
from jobs.assets import Asset
from jobs.events import Event
from jobs.orders import ClipView, JobView, Plan
from jobs.records import Attempt, Candidate, Clip, Job, Video, failure_of, notice_json
from jobs.uploads import AssetKind
from server import words
from storage.store import ObjectStore

Json = Any
_MICRO = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Presigner:
    """Makes the addresses in answers."""

    store: ObjectStore
    uri_base: str
    """In front of a key it makes the address inside the store: `s3://bucket/`."""
    ttl: timedelta

    async def addresses(self, message: video_pb2.Video, video: Video, ttl: timedelta | None = None) -> None:
        """Fill in fresh presigned addresses and when they end."""
        signed = await self.store.presign(video.key, ttl or self.ttl, filename=video.key.rpartition("/")[2])
        message.url = signed.url
        end = signed.expire_time
        if video.thumbnail_key:
            thumbnail = await self.store.presign(video.thumbnail_key, ttl or self.ttl)
            message.thumbnail_url = thumbnail.url
            end = min(end, thumbnail.expire_time)
        message.url_expire_time.CopyFrom(timestamp(end))

    async def address(self, message: asset_pb2.Asset, asset: Asset, ttl: timedelta) -> None:
        """Fill in a fresh presigned address of an asset and when it ends."""
        signed = await self.store.presign(asset.key, ttl, filename=asset.filename or asset.key.rpartition("/")[2])
        message.url = signed.url
        message.url_expire_time.CopyFrom(timestamp(signed.expire_time))


def job(view: JobView, uri_base: str) -> job_pb2.Job:
    """A job without presigned addresses; `videos` is in variation order."""
    row = view.job
    made = {entry.clip_id: entry.id for entry in view.videos}
    message = job_pb2.Job(
        id=row.id,
        kind=words.JOB_KINDS[row.kind],
        tenant_name=row.tenant,
        creative_id=row.creative_id,
        state=words.JOB_STATES[row.state],
        create_time=timestamp(row.create_time),
        prompt=row.prompt,
        final_prompt=_sent_prompt(view),
        requested_model=row.requested_model,
        model=row.model,
        model_reason=row.model_reason if row.requested_model != row.model else "",
        parameters=parameters(row.parameters),
        clips=[clip(entry, made.get(entry.clip.id, "")) for entry in view.clips],
        videos=[video(entry, uri_base, row.prompt) for entry in view.videos],
        progress=job_pb2.Progress(fraction=row.progress, stage=words.STAGES[row.stage]),
        quote=_quote_of_job(row.quote),
        held=money(view.held),
        cost=money(view.cost),
        cost_unknown=view.cost_unknown,
        warnings=[warning(entry, view.cost.currency) for entry in row.notices],
        labels=row.labels,
        request_id=row.request_id,
        last_event=row.last_event,
        mock=row.mock,
    )
    _moments(message, row)
    for entry in view.clips:
        message.warnings.extend(warning(notice, view.cost.currency, entry.clip.id) for notice in entry.clip.notices)
    if row.failure is not None and row.state == "FAILED":
        message.error.CopyFrom(failure(row.failure))
    return message


def _moments(message: job_pb2.Job, row: Job) -> None:
    if row.start_time is not None:
        message.start_time.CopyFrom(timestamp(row.start_time))
    if row.end_time is not None:
        message.end_time.CopyFrom(timestamp(row.end_time))
    elif row.expected_end_time is not None and row.state != "NEEDS_RESOLUTION":
        message.expected_end_time.CopyFrom(timestamp(row.expected_end_time))


def _sent_prompt(view: JobView) -> str:
    for entry in view.clips:
        if entry.attempts:
            candidate = _candidate(entry.clip)
            return str(candidate.spec.get("prompt", "")) if candidate else ""
    return ""


def _candidate(row: Clip) -> Candidate | None:
    return next((candidate for candidate in row.candidates if candidate.model == row.model), None)


def clip(view: ClipView, video_id: str) -> job_pb2.Clip:
    """A clip with its attempts; `video_id` is what it became, or empty."""
    row = view.clip
    candidate = _candidate(row)
    spec: Mapping[str, Json] = candidate.spec if candidate else {}
    requested = spec.get("duration") or row.target_duration
    message = job_pb2.Clip(
        id=row.id,
        index=row.position,
        model=row.model,
        state=words.CLIP_STATES[row.state],
        attempts=[attempt(entry) for entry in view.attempts],
        attempt_count=len(view.attempts),
        target_duration=duration(row.target_duration),
        requested_duration=duration(requested),
        original_target_duration=duration(row.target_duration),
        progress=job_pb2.Progress(fraction=row.progress, stage=words.STAGES[row.stage]),
        video_id=video_id,
        iteration=row.iteration,
        seed=spec.get("seed"),
    )
    if row.state.terminal and not view.cost_unknown:
        message.cost.CopyFrom(money(view.cost))
    if row.failure is not None:
        message.failure.CopyFrom(failure(row.failure))
    if row.facts is not None:
        _measured(message, row, requested, view.attempts)
    return message


def _measured(message: job_pb2.Clip, row: Clip, requested: float, attempts: Sequence[Attempt]) -> None:
    facts = row.facts or {}
    actual = facts.get("duration", 0.0)
    message.actual_duration.CopyFrom(duration(actual))
    message.duration_difference.CopyFrom(duration(actual - requested))
    message.width, message.height, message.fps = facts["width"], facts["height"], facts["fps"]
    if row.end_time is not None and attempts:
        message.generation_time.CopyFrom(duration((row.end_time - attempts[0].intend_time).total_seconds()))


def attempt(row: Attempt) -> job_pb2.Attempt:
    """One try of a clip. A cost that is only booked because nobody knows better is left unset."""
    endpoint, _, provider = row.endpoint.rpartition(":")
    message = job_pb2.Attempt(
        number=row.number,
        model=row.model,
        provider=provider,
        mock=endpoint == "mock",
        vendor_task_id=row.vendor_task_id,
        outcome=words.OUTCOMES[row.outcome],
        create_time=timestamp(row.intend_time),
        quote=common_pb2.Money(currency_code=row.currency, micros=row.quote_micros),
        cost_basis=row.cost_basis,
    )
    if row.submit_time is not None:
        message.submit_time.CopyFrom(timestamp(row.submit_time))
    if row.end_time is not None:
        message.end_time.CopyFrom(timestamp(row.end_time))
    if row.failure is not None:
        message.failure.CopyFrom(failure(row.failure))
    cost = row.cost
    if cost is not None and (row.failure is None or row.failure.billed is not Billed.UNKNOWN):
        message.cost.CopyFrom(money(cost))
    return message


def failure(value: Failure) -> job_pb2.ClipFailure:
    """A failure as data. Every caller of this version is an operator, so the vendor's code is shown."""
    return job_pb2.ClipFailure(
        reason=words.FAILURES[value.reason],
        stage=words.POLICY_STAGES[value.stage] if value.stage else None,
        message=value.message,
        retryable=value.may_retry,
        billed=words.BILLED[value.billed],
        vendor_code=value.vendor_code,
    )


def video(row: Video, uri_base: str, prompt: str) -> video_pb2.Video:
    """A stored video without presigned addresses."""
    facts, made = row.facts, row.provenance
    return video_pb2.Video(
        id=row.id,
        tenant_name=row.tenant,
        creative_id=row.creative_id,
        iteration=row.iteration,
        job_id=row.job_id,
        clip_id=row.clip_id,
        key=row.key,
        uri=uri_base + row.key,
        size=row.size,
        sha256=row.sha256,
        duration=duration(facts["duration"]),
        width=facts["width"],
        height=facts["height"],
        fps=facts["fps"],
        codec=facts["video_codec"],
        has_audio=bool(facts.get("audio_codec")),
        mime_type="video/mp4",
        provenance=video_pb2.Provenance(
            model=made["model"],
            provider=made["model"].partition("/")[0],
            vendor_task_id=made.get("vendor_task_id"),
            mock=made.get("mock"),
        ),
        prompt=prompt,
        labels=row.labels,
        create_time=timestamp(row.create_time),
    )


def asset(row: Asset) -> asset_pb2.Asset:
    """An uploaded file without a presigned address."""
    return asset_pb2.Asset(
        id=row.id,
        kind=words.ASSET_KINDS[row.kind],
        mime_type=row.mime_type,
        filename=row.filename,
        size=row.size,
        sha256=row.sha256,
        width=row.width,
        height=row.height,
        duration=duration(row.seconds) if row.kind is AssetKind.VIDEO else None,
        create_time=timestamp(row.create_time),
    )


def event(found: Event) -> job_pb2.JobEvent:
    """One piece of news."""
    body = found.body
    message = job_pb2.JobEvent(
        job_id=found.job_id,
        seq=found.seq,
        time=timestamp(found.time),
        kind=words.EVENTS[found.kind],
        job_state=words.JOB_STATES.get(body.get("job_state", "")),
        clip_id=body.get("clip_id"),
        clip_index=body.get("clip_index"),
        clip_state=words.CLIP_STATES.get(body.get("clip_state", "")),
        clip_stage=words.STAGES.get(body.get("clip_stage", "")),
        attempt_number=body.get("attempt_number"),
        attempt_outcome=words.OUTCOMES.get(body.get("attempt_outcome", "")),
        model=body.get("model"),
        video_id=body.get("video_id"),
        key=body.get("key"),
        message=body.get("message"),
    )
    if "progress" in body or "stage" in body:
        message.progress.fraction = body.get("progress") or 0.0
        message.progress.stage = words.STAGES.get(body.get("stage", ""), 0)
    if body.get("cost"):
        message.cost.currency_code, message.cost.micros = body["cost"]["currency"], body["cost"]["micros"]
    told = failure_of(body.get("failure"))
    if told is not None:
        message.failure.CopyFrom(failure(told))
    return message


def quote(plan: Plan) -> quote_pb2.Quote:
    """What a plan costs, line by line."""
    return quote_pb2.Quote(
        expected=money(plan.expected),
        held_max=money(plan.held_max),
        catalogue_revision=plan.catalogue_revision,
        lines=_as_bought(
            quote_pb2.QuoteLine(
                stage=words.COST_STAGES[line.stage.upper()],
                clip_index=line.clip_index,
                model=line.model,
                expected=money(line.expected),
                held_max=money(line.held_max),
                basis=line.basis,
            )
            for line in plan.lines
        ),
    )


def _quote_of_job(kept: Mapping[str, Json]) -> quote_pb2.Quote:
    """The quote as `jobs.accept.quote_json` keeps it."""
    currency = kept["currency"]
    return quote_pb2.Quote(
        expected=_micros(currency, kept["expected"]),
        held_max=_micros(currency, kept["held_max"]),
        catalogue_revision=kept["catalogue_revision"],
        lines=_as_bought(
            quote_pb2.QuoteLine(
                stage=words.COST_STAGES[line.get("stage", "video").upper()],
                clip_index=line["clip_index"],
                model=line["model"],
                expected=_micros(currency, line["expected"]),
                held_max=_micros(currency, line["held_max"]),
                basis=line["basis"],
            )
            for line in kept["lines"]
        ),
    )


def _as_bought(lines: Iterable[quote_pb2.QuoteLine]) -> list[quote_pb2.QuoteLine]:
    """In the order in which they are bought, which is that of the stages."""
    return sorted(lines, key=lambda line: line.stage)


_PARAMETERS = ("aspect_ratio", "resolution", "fps", "seed", "negative_prompt", "audio")


def parameters(resolved: Mapping[str, Json]) -> media_pb2.VideoParameters:
    """Resolved parameters, from their names."""
    seconds, motion, quality = resolved.get("duration"), resolved.get("motion"), resolved.get("quality")
    return media_pb2.VideoParameters(
        duration=None if seconds is None else duration(seconds),
        motion=words.MOTIONS[motion] if motion else None,
        quality=words.QUALITIES[quality] if quality else None,
        **{name: resolved.get(name) for name in _PARAMETERS},
    )


def spec_parameters(spec: ClipSpec) -> media_pb2.VideoParameters:
    """Resolved parameters, from what is bought."""
    return parameters({name: getattr(spec, name) for name in ("duration", "motion", *_PARAMETERS)})


def warnings(notices: Iterable[Notice], currency: str) -> list[common_pb2.Warning]:
    """Notices of a plan."""
    return [warning(notice_json(notice), currency) for notice in notices]


def warning(notice: Mapping[str, Json], currency: str, clip_id: str = "") -> common_pb2.Warning:
    """A notice as it is kept on a row."""
    change = notice.get("price_micros")
    return common_pb2.Warning(
        code=notice["code"],
        message=notice["message"],
        field=notice.get("field"),
        before=notice.get("before"),
        after=notice.get("after"),
        price_difference=None if change is None else _micros(currency, change),
        clip_id=clip_id,
    )


def money(value: Money) -> common_pb2.Money:
    """An amount."""
    return common_pb2.Money(currency_code=value.currency, micros=value.micros)


def _micros(currency: str, micros: int) -> common_pb2.Money:
    return common_pb2.Money(currency_code=currency, micros=micros)


def duration(seconds: float) -> Duration:
    """Seconds, to the microsecond."""
    micros = round(seconds * _MICRO)
    whole = abs(micros) // _MICRO
    rest = abs(micros) % _MICRO * 1000
    return Duration(seconds=whole, nanos=rest) if micros >= 0 else Duration(seconds=-whole, nanos=-rest)


def timestamp(moment: datetime) -> Timestamp:
    """A moment, to the microsecond."""
    return Timestamp(seconds=int(moment.timestamp() // 1), nanos=moment.microsecond * 1000)
