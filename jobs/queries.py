"""Reading jobs and videos; somebody else's is not found, byte for byte like one that never was."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from core.errors import NotFound, Reason
from core.money import Money
from jobs import tables
from jobs.drafts import PromptState
from jobs.orders import ClipView, JobFilter, JobView, Page, VideoFilter
from jobs.records import Attempt, Clip, ClipState, Enhancement, Job, Video, attempt_of, clip_of, job_of, video_of
from ledger.tables import entries
from ledger.usage import still_unknown


def view(connection: sa.Connection, job_id: str, tenant: str | None) -> JobView:
    """One job. Raises NotFound."""
    jobs = tables.jobs
    row = connection.execute(sa.select(jobs).where(jobs.c.id == job_id)).one_or_none()
    if row is None or (tenant is not None and row.tenant != tenant):
        raise NotFound(reason=Reason.NOT_FOUND, message="no such job")
    return _views(connection, [row])[0]


def job_row(connection: sa.Connection, job_id: str, tenant: str | None) -> Job:
    """One job's own row. Raises NotFound."""
    row = connection.execute(sa.select(tables.jobs).where(tables.jobs.c.id == job_id)).one_or_none()
    if row is None or (tenant is not None and row.tenant != tenant):
        raise NotFound(reason=Reason.NOT_FOUND, message="no such job")
    return job_of(row)


def list_jobs(connection: sa.Connection, tenant: str | None, wanted: JobFilter, page: Page) -> list[JobView]:
    """Jobs, newest first."""
    jobs = tables.jobs
    query = sa.select(jobs)
    if wanted.states:
        query = query.where(jobs.c.state.in_([str(state) for state in wanted.states]))
    query = _narrowed(query, jobs, tenant, wanted, page)
    if wanted.model:
        query = query.where(jobs.c.model == wanted.model)
    return _views(connection, connection.execute(query).all())


def video(connection: sa.Connection, video_id: str, tenant: str | None) -> Video:
    """One video. Raises NotFound."""
    videos = tables.videos
    query = sa.select(videos).where(videos.c.id == video_id, videos.c.delete_time.is_(None))
    row = connection.execute(query).one_or_none()
    if row is None or (tenant is not None and row.tenant != tenant):
        raise NotFound(reason=Reason.NOT_FOUND, message="no such video")
    return video_of(row)


def list_videos(connection: sa.Connection, tenant: str | None, wanted: VideoFilter, page: Page) -> list[Video]:
    """Videos, newest first."""
    videos = tables.videos
    query = _narrowed(sa.select(videos).where(videos.c.delete_time.is_(None)), videos, tenant, wanted, page)
    if wanted.job_id:
        query = query.where(videos.c.job_id == wanted.job_id)
    if wanted.model:
        query = query.where(videos.c.provenance["model"].as_string() == wanted.model)
    return [video_of(row) for row in connection.execute(query)]


def prompts(connection: sa.Connection, job_ids: Sequence[str]) -> dict[str, str]:
    """Job id -> its prompt."""
    jobs = tables.jobs
    query = sa.select(jobs.c.id, jobs.c.prompt).where(jobs.c.id.in_(job_ids))
    return {row.id: row.prompt for row in connection.execute(query)}


def standing(connection: sa.Connection) -> tuple[set[str], set[str]]:
    """What has ended, and what is parked, of all that has a hold: for `ledger.verify`."""
    clips, prompts = tables.clips, tables.prompts
    states = {row.id: ClipState(row.state) for row in connection.execute(sa.select(clips.c.id, clips.c.state))}
    over = sa.select(prompts.c.id).where(prompts.c.state == str(PromptState.ENDED), prompts.c.llm_model != "")
    ended = {name for name, state in states.items() if state.terminal}
    parked = {name for name, state in states.items() if state is ClipState.PARKED}
    return ended | set(connection.execute(over).scalars()), parked


def _narrowed(
    query: sa.Select[Any], table: sa.Table, tenant: str | None, wanted: JobFilter | VideoFilter, page: Page
) -> sa.Select[Any]:
    """What both lists can be filtered by; ids are ULIDs, so that a page starts below the last id seen."""
    columns = table.c
    conditions = [
        tenant is not None and columns.tenant == tenant,
        bool(page.before) and columns.id < page.before,
        bool(wanted.creative_id) and columns.creative_id == wanted.creative_id,
        wanted.since is not None and columns.create_time >= wanted.since,
        wanted.until is not None and columns.create_time < wanted.until,
        *(columns.labels[name].as_string() == value for name, value in wanted.labels.items()),
    ]
    query = query.where(*(condition for condition in conditions if condition is not False))
    return query.order_by(columns.id.desc()).limit(page.size)


def _views(connection: sa.Connection, rows: Sequence[sa.Row[Any]]) -> list[JobView]:
    """Jobs with all that belongs to them, in four queries however many they are."""
    jobs = [job_of(row) for row in rows]
    ids = [job.id for job in jobs]
    clips_by_job: dict[str, list[Clip]] = {name: [] for name in ids}
    attempts_by_clip: dict[str, list[Attempt]] = {}
    videos_by_job: dict[str, list[Video]] = {name: [] for name in ids}
    clips, attempts, videos = tables.clips, tables.attempts, tables.videos
    query = sa.select(clips).where(clips.c.job_id.in_(ids)).order_by(clips.c.job_id, clips.c.position)
    for row in connection.execute(query):
        clips_by_job[row.job_id].append(clip_of(row))
        attempts_by_clip[row.id] = []
    query = sa.select(attempts).where(attempts.c.clip_id.in_(list(attempts_by_clip))).order_by(attempts.c.number)
    for row in connection.execute(query):
        attempts_by_clip[row.clip_id].append(attempt_of(row))
    query = sa.select(videos).where(videos.c.job_id.in_(ids), videos.c.delete_time.is_(None))
    for row in connection.execute(query.order_by(videos.c.iteration)):
        videos_by_job[row.job_id].append(video_of(row))
    sums = _sums(connection, [*attempts_by_clip, *(name for job in jobs for name in _enhanced(job))])
    return [_view(job, clips_by_job[job.id], attempts_by_clip, videos_by_job[job.id], sums) for job in jobs]


_UNKNOWN = "UNKNOWN"
"""Stands among a clip's sums for how many of its settlements nobody knows yet."""


def _sums(connection: sa.Connection, clip_ids: Sequence[str]) -> dict[tuple[str, str], int]:
    unknown = sa.func.sum(sa.case((still_unknown(), 1), else_=0))
    query = (
        sa.select(entries.c.clip_id, entries.c.kind, sa.func.sum(entries.c.micros), unknown)
        .where(entries.c.clip_id.in_(clip_ids))
        .group_by(entries.c.clip_id, entries.c.kind)
    )
    sums: dict[tuple[str, str], int] = {}
    for clip_id, kind, total, unsure in connection.execute(query):
        sums[clip_id, kind] = int(total)
        sums[clip_id, _UNKNOWN] = sums.get((clip_id, _UNKNOWN), 0) + int(unsure)
    return sums


def clip_costs(connection: sa.Connection, clip_ids: Sequence[str]) -> dict[str, tuple[int, bool]]:
    """Clip -> what was settled for it, in micros, and whether nobody knows a part of it; none where nothing was."""
    sums = _sums(connection, clip_ids)
    return {
        clip_id: (micros, sums[clip_id, _UNKNOWN] > 0) for (clip_id, kind), micros in sums.items() if kind == "SETTLE"
    }


def _view(
    job: Job,
    clips: Sequence[Clip],
    attempts: Mapping[str, Sequence[Attempt]],
    videos: Sequence[Video],
    sums: Mapping[tuple[str, str], int],
) -> JobView:
    currency = job.quote["currency"]
    clip_views = [_clip_view(clip, attempts[clip.id], sums, currency) for clip in clips]
    charged = [*(clip.id for clip in clips), *_enhanced(job)]
    signs = {"HOLD": 1, "ADJUST": 1, "SETTLE": -1, "RELEASE": -1}
    held = sum(sign * sums.get((name, kind), 0) for name in charged for kind, sign in signs.items())
    return JobView(
        job=job,
        clips=clip_views,
        videos=videos,
        held=Money(currency=currency, micros=held),
        cost=Money(currency=currency, micros=sum(sums.get((name, "SETTLE"), 0) for name in charged)),
        cost_unknown=any(sums.get((name, _UNKNOWN), 0) for name in charged),
    )


def _enhanced(job: Job) -> list[str]:
    """The prompt that was made for the job, whose money is the job's."""
    return [job.prompt_id] if job.enhancement is not Enhancement.NONE and job.prompt_id else []


def _clip_view(clip: Clip, attempts: Sequence[Attempt], sums: Mapping[tuple[str, str], int], currency: str) -> ClipView:
    cost = Money(currency=currency, micros=sums.get((clip.id, "SETTLE"), 0))
    return ClipView(clip=clip, attempts=attempts, cost=cost, cost_unknown=sums.get((clip.id, _UNKNOWN), 0) > 0)
