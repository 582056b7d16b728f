"""The rpcs of `filmgate.v1.VideoService`: read, ask the jobs room, answer."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc
from filmgate.v1 import video_pb2, video_service_pb2_grpc
from filmgate.v1 import video_service_pb2 as pb
from google.protobuf.message import DecodeError

from core.errors import FilmgateError, Reason, Unavailable
from jobs.admission import Entry
from jobs.audit import OK, Act
from jobs.events import EventKind
from jobs.life import Jobs
from jobs.orders import JobView, Page, Plan, Verdict, VerdictKind
from server import convert, prompt_convert, queries, validation
from server.answers import JobAnswers
from server.assets import AssetAnswers
from server.callers import Callers
from server.catalogue import CatalogueAnswers
from server.checks import Findings
from server.convert import Presigner
from server.desk import Desk, check_cost
from server.interceptors import malformed, takes_bytes
from server.pages import PageTokens
from server.validation import Intake

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"  # generic in the stubs only

_REPLY_SECONDS = 0.25
"""What is left of a call's deadline for its answer to travel."""
_PAYS_TWICE = {
    "code": "MAY_PAY_TWICE",
    "message": "the clip is bought again, although its vendor may have accepted it before: it may be paid twice",
}


@dataclass(frozen=True, slots=True)
class Call:
    """What makes a repeated call the same call."""

    rpc: str
    tenant: str
    request_id: str
    request_hash: str


class VideoService(video_service_pb2_grpc.VideoServiceServicer):
    """One instance per server; what it remembers are answers that are still exact."""

    def __init__(
        self, jobs: Jobs, catalogue: CatalogueAnswers, presigner: Presigner, pages: PageTokens, callers: Callers
    ) -> None:
        self._jobs = jobs
        self._admission = jobs.admission
        self._answers = JobAnswers(jobs.context.bell, presigner.ttl.total_seconds())
        self._assets = AssetAnswers(jobs.assets, presigner, pages)
        self._desk = Desk(jobs)
        self._catalogue = catalogue
        self._presigner = presigner
        self._pages = pages
        self._callers = callers

    async def GenerateVideo(  # noqa: N802 - the contract's name
        self, request: pb.GenerateVideoRequest, context: Context
    ) -> pb.GenerateVideoResponse:
        """Accept one job, or say what it would be."""
        if request.validate_only:
            await self._admission.reading(request.tenant_name)
            return _dry_run([await self._desk.plan(validation.generate_video(request))])[0]
        async with self._admission.accepting(request.tenant_name, left=context.time_remaining()) as entry:
            intake = validation.generate_video(request)
            call = Call("GenerateVideo", intake.order.tenant, intake.request_id, intake.request_hash)
            (view,) = await self._accept(call, [intake], intake.findings, entry)
        if intake.wait:
            await self._jobs.wait(view.job.id, _bounded(intake.wait, context))
            view = await self._jobs.view(view.job.id, intake.order.tenant)
        return pb.GenerateVideoResponse(job=await self._answer(view))

    async def BatchGenerateVideos(  # noqa: N802 - the contract's name
        self, request: pb.BatchGenerateVideosRequest, context: Context
    ) -> pb.BatchGenerateVideosResponse:
        """Accept up to 100 jobs, all or none."""
        if request.validate_only:
            await self._admission.reading(request.tenant_name)
            batch = validation.batch(request)
            plans = await self._desk.plans(batch.intakes, batch.findings)
            return pb.BatchGenerateVideosResponse(results=_dry_run(plans))
        count, left = max(1, len(request.requests)), context.time_remaining()
        async with self._admission.accepting(request.tenant_name, count, left=left) as entry:
            batch = validation.batch(request)
            call = Call("BatchGenerateVideos", batch.tenant, batch.request_id, batch.request_hash)
            views = await self._accept(call, batch.intakes, batch.findings, entry)
        jobs = [await self._answer(view) for view in views]
        return pb.BatchGenerateVideosResponse(results=[pb.GenerateVideoResponse(job=job) for job in jobs])

    async def _accept(self, call: Call, intakes: Sequence[Intake], findings: Findings, entry: Entry) -> list[JobView]:
        """Plan and accept. A repeated request gets its first answer, even if it would be refused today."""
        try:
            plans = await self._desk.plans(intakes, findings)
        except FilmgateError:
            earlier = None
            if call.request_id and call.tenant:
                earlier = await self._jobs.repeated(call.tenant, call.rpc, call.request_id, call.request_hash)
            if earlier is None:
                raise
            entry.give_back()
            return [await self._jobs.view(job_id, call.tenant) for job_id in earlier]
        return await self._jobs.accept(
            plans, rpc=call.rpc, request_id=call.request_id, request_hash=call.request_hash, entry=entry
        )

    async def QuoteVideo(  # noqa: N802 - the contract's name
        self, request: pb.QuoteVideoRequest, context: Context
    ) -> pb.QuoteVideoResponse:
        """Say what a request would cost."""
        await self._admission.reading(request.request.tenant_name)
        plan = await self._desk.plan(validation.quote_video(request))
        return pb.QuoteVideoResponse(**_resolved(plan))

    @takes_bytes
    async def ListVideoModels(self, request: bytes, context: Context) -> bytes:  # noqa: N802 - the contract's name
        """List the catalogue."""
        try:
            return self._catalogue.answer(request)
        except DecodeError:
            raise malformed() from None

    @takes_bytes
    async def GetJob(self, request: bytes, context: Context) -> bytes:  # noqa: N802 - the contract's name
        """Read a job."""
        try:
            tenant, job_id = queries.job_target(pb.GetJobRequest.FromString(request))
        except DecodeError:
            raise malformed() from None

        await self._admission.reading(tenant)

        async def read() -> bytes:
            return pb.GetJobResponse(job=await self._job(job_id, tenant)).SerializeToString()

        return self._answers.known(job_id, tenant) or await self._answers.make(job_id, tenant, read)

    async def ListJobs(self, request: pb.ListJobsRequest, context: Context) -> pb.ListJobsResponse:  # noqa: N802 - the contract's name
        """Read a page of jobs."""
        wanted = queries.list_jobs(request)
        await self._admission.reading(request.tenant_name)
        page = Page(size=wanted.size + 1, before=self._pages.read(wanted.fingerprint, wanted.token))
        views = await self._jobs.list_jobs(wanted.tenant, wanted.jobs, page)
        shown = views[: wanted.size]
        more = len(views) > wanted.size
        return pb.ListJobsResponse(
            jobs=[convert.job(view, self._presigner.uri_base) for view in shown],
            next_page_token=self._pages.make(wanted.fingerprint, shown[-1].job.id) if more else "",
        )

    async def CancelJob(self, request: pb.CancelJobRequest, context: Context) -> pb.CancelJobResponse:  # noqa: N802 - the contract's name
        """Ask a job to stop."""
        tenant, job_id = queries.job_target(request)
        return pb.CancelJobResponse(job=await self._answer(await self._jobs.cancel(job_id, tenant)))

    async def WatchJob(  # noqa: N802 - the contract's name
        self, request: pb.WatchJobRequest, context: Context
    ) -> AsyncIterator[pb.WatchJobResponse]:
        """Follow a job to its end. A stream cut short by a drain says so, so that nobody takes it for the end."""
        tenant, job_id = queries.job_target(request)
        await self._admission.reading(tenant)
        last = None
        async for event in self._jobs.watch(job_id, tenant, request.after_event):
            last = event.kind
            yield pb.WatchJobResponse(event=convert.event(event))
        if last is not EventKind.ENDED and self._jobs.draining.is_set():
            text = "this server is shutting down; watch again after the last event you have seen"
            raise Unavailable(reason=Reason.SHUTTING_DOWN, message=text, retry_after=1.0)

    async def ResolveClip(  # noqa: N802 - the contract's name
        self, request: pb.ResolveClipRequest, context: Context
    ) -> pb.ResolveClipResponse:
        """Carry out an operator's verdict."""
        tenant, clip_id, verdict = queries.resolve_clip(request)
        detail = f"{verdict.kind}: {request.note}" if request.note else str(verdict.kind)
        caller = self._callers.name(context)
        act = Act(caller=caller, action="ResolveClip", tenant=tenant, target=clip_id, detail=detail)
        job = await self._job(await self._resolved(clip_id, tenant, verdict, act), tenant)
        clip = next(clip for clip in job.clips if clip.id == clip_id)
        told = [convert.warning(_PAYS_TWICE, "", clip_id)] if verdict.kind is VerdictKind.RESUBMIT else []
        return pb.ResolveClipResponse(job=job, clip=clip, warnings=told)

    async def _resolved(self, clip_id: str, tenant: str, verdict: Verdict, act: Act) -> str:
        """Resolve, and write down who did, whatever came of it; the job's id."""
        try:
            job_id = await self._jobs.resolve(clip_id, tenant, verdict)
        except FilmgateError as error:
            await self._jobs.accounts.note(act, str(error.reason))
            raise
        await self._jobs.accounts.note(act, OK)
        return job_id

    async def GetVideo(self, request: pb.GetVideoRequest, context: Context) -> pb.GetVideoResponse:  # noqa: N802 - the contract's name
        """Read a video with fresh addresses."""
        tenant, video_id, ttl = queries.get_video(request)
        await self._admission.reading(tenant)
        row = await self._jobs.video(video_id, tenant)
        prompts = await self._jobs.prompts([row.job_id])
        message = convert.video(row, self._presigner.uri_base, prompts.get(row.job_id, ""))
        await self._presigner.addresses(message, row, ttl)
        return pb.GetVideoResponse(video=message)

    async def ListVideos(self, request: pb.ListVideosRequest, context: Context) -> pb.ListVideosResponse:  # noqa: N802 - the contract's name
        """Read a page of videos."""
        wanted = queries.list_videos(request)
        await self._admission.reading(request.tenant_name)
        page = Page(size=wanted.size + 1, before=self._pages.read(wanted.fingerprint, wanted.token))
        rows = await self._jobs.list_videos(wanted.tenant, wanted.videos, page)
        shown = rows[: wanted.size]
        prompts = await self._jobs.prompts(sorted({row.job_id for row in shown}))
        base = self._presigner.uri_base
        messages: list[video_pb2.Video] = [convert.video(row, base, prompts.get(row.job_id, "")) for row in shown]
        if wanted.url_ttl is not None:
            pairs = zip(messages, shown, strict=True)
            await asyncio.gather(*(self._presigner.addresses(*pair, wanted.url_ttl) for pair in pairs))
        more = len(rows) > wanted.size
        token = self._pages.make(wanted.fingerprint, shown[-1].id) if more else ""
        return pb.ListVideosResponse(videos=messages, next_page_token=token)

    async def DeleteVideo(self, request: pb.DeleteVideoRequest, context: Context) -> pb.DeleteVideoResponse:  # noqa: N802 - the contract's name
        """Remove a video."""
        tenant, video_id = queries.delete_video(request)
        await self._jobs.delete_video(video_id, tenant)
        return pb.DeleteVideoResponse()

    async def UploadAsset(  # noqa: N802 - the contract's name
        self, request_iterator: AsyncIterator[pb.UploadAssetRequest], context: Context
    ) -> pb.UploadAssetResponse:
        """Take a file."""
        self._admission.check_storage()
        return await self._assets.upload(request_iterator)

    async def GetAsset(self, request: pb.GetAssetRequest, context: Context) -> pb.GetAssetResponse:  # noqa: N802 - the contract's name
        """Read an asset."""
        await self._admission.reading(request.tenant_name)
        return await self._assets.get(request)

    async def ListAssets(self, request: pb.ListAssetsRequest, context: Context) -> pb.ListAssetsResponse:  # noqa: N802 - the contract's name
        """Read a page of assets."""
        await self._admission.reading(request.tenant_name)
        return await self._assets.page(request)

    async def DeleteAsset(self, request: pb.DeleteAssetRequest, context: Context) -> pb.DeleteAssetResponse:  # noqa: N802 - the contract's name
        """Remove an asset."""
        return await self._assets.delete(request)

    async def GetLineage(self, request: pb.GetLineageRequest, context: Context) -> pb.GetLineageResponse:  # noqa: N802 - the contract's name
        """Tell how a creative's videos came about."""
        wanted = queries.lineage(request)
        await self._admission.reading(wanted.tenant)
        before = self._pages.read(wanted.fingerprint, wanted.token)
        found = await self._jobs.lineage(
            wanted.tenant, wanted.creative_id, wanted.size, int(before) if before else None
        )
        # They are numbered from 1.
        more = len(found.iterations) == wanted.size and found.iterations[-1].iteration > 1
        return pb.GetLineageResponse(
            iterations=[prompt_convert.iteration(row) for row in found.iterations],
            prompts=[prompt_convert.prompt(view) for view in found.prompts],
            costs=[prompt_convert.stage_cost(row) for row in found.costs],
            next_page_token=self._pages.make(wanted.fingerprint, str(found.iterations[-1].iteration)) if more else "",
        )

    async def _job(self, job_id: str, tenant: str) -> Any:
        return await self._answer(await self._jobs.view(job_id, tenant))

    async def _answer(self, view: JobView) -> Any:
        """The job with fresh addresses."""
        message = convert.job(view, self._presigner.uri_base)
        for video, row in zip(message.videos, view.videos, strict=True):
            await self._presigner.addresses(video, row)
        return message


def _bounded(wait: float, context: Context) -> float:
    """How long to wait so that the answer still arrives in time."""
    left = context.time_remaining()
    return wait if left is None else max(0.0, min(wait, left - _REPLY_SECONDS))


def _dry_run(plans: Sequence[Plan]) -> list[pb.GenerateVideoResponse]:
    check_cost(plans)
    return [pb.GenerateVideoResponse(**_resolved(plan)) for plan in plans]


def _resolved(plan: Plan) -> dict[str, Any]:
    """What a plan resolves to, by the field names that two responses share."""
    return {
        "quote": convert.quote(plan),
        "model": plan.model,
        "model_reason": plan.model_reason if plan.order.model != plan.model else "",
        "parameters": convert.spec_parameters(plan.spec),
        "warnings": convert.warnings(plan.notices, plan.currency),
    }
