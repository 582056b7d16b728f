"""A real gRPC server on loopback that plays Filmgate: it keeps what it was asked and does what a test scripts."""

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NoReturn

import grpc
import pytest
from filmgate.v1 import (
    asset_pb2,
    common_pb2,
    job_pb2,
    model_pb2,
    prompt_pb2,
    prompt_service_pb2_grpc,
    quote_pb2,
    video_pb2,
    video_service_pb2_grpc,
)
from filmgate.v1 import prompt_service_pb2 as prompt_messages
from filmgate.v1 import video_service_pb2 as messages
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2  # type: ignore[import-untyped]  # ships no types
from grpc_status import rpc_status

TERMINAL = job_pb2.JOB_STATE_SUCCEEDED


@dataclass(kw_only=True)
class Refusal:
    """What the server answers instead; without a reason it is a bare status, as a proxy would send."""

    code: grpc.StatusCode
    message: str = "no"
    reason: str = ""
    violations: dict[str, str] = field(default_factory=dict)
    retry_after: float | None = None

    def raise_in(self, context: grpc.ServicerContext) -> NoReturn:
        """End the call."""
        if not self.reason:
            context.abort(self.code, self.message)
        status = status_pb2.Status(code=code_pb2.Code.Value(self.code.name), message=self.message)
        info = error_details_pb2.ErrorInfo(reason=self.reason, domain="filmgate", metadata={"model": "a/b"})
        self._add(status, info)
        if self.violations:
            broken = error_details_pb2.BadRequest()
            for name, rule in self.violations.items():
                broken.field_violations.add(field=name, description=rule, reason="INVALID_REQUEST")
            self._add(status, broken)
        if self.retry_after is not None:
            again = error_details_pb2.RetryInfo()
            again.retry_delay.FromMilliseconds(int(self.retry_after * 1000))
            self._add(status, again)
        context.abort_with_status(rpc_status.to_status(status))
        raise AssertionError("abort returned")

    @staticmethod
    def _add(status: status_pb2.Status, detail: Message) -> None:
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)


class Fake(video_service_pb2_grpc.VideoServiceServicer, prompt_service_pb2_grpc.PromptServiceServicer):
    """The script and the memory of the server."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any, dict[str, Any]]] = []
        self.refusals: dict[str, list[Refusal]] = {}
        self.jobs: dict[str, job_pb2.Job] = {}
        self.events: dict[str, list[job_pb2.JobEvent]] = {}
        self.videos: list[video_pb2.Video] = []
        self.video = video_pb2.Video(url="https://store/vid?sig=2")
        self.assets: list[asset_pb2.Asset] = []
        self.uploaded: list[bytes] = []
        """What came of each upload, in order."""
        self.quote = quote()
        self.models: list[model_pb2.VideoModel] = []
        self.prompt = prompt_pb2.Prompt(id="prompt_1", prompt="a boat", model="runway/gen4.5", iteration=1)
        self.better = prompt_pb2.Prompt(id="prompt_3", prompt="a calm boat", model="runway/gen4.5", iteration=2)
        self.script = prompt_pb2.Script(id="prompt_2", product_name="Nimbus", style="luxury")
        self.lineage: list[messages.GetLineageResponse] = [messages.GetLineageResponse()]
        """The pages."""
        self.cuts: Iterator[int | None] = itertools.repeat(None)
        """How many events each WatchJob sends before it is cut; None: all."""
        self.cut_with: Refusal | None = Refusal(code=grpc.StatusCode.UNAVAILABLE)
        """How it is cut; None: it closes in peace."""

    def refuse(self, rpc: str, times: int = 1, **words: Any) -> None:
        """Refuse the next calls of an rpc; words as in Refusal."""
        self.refusals[rpc] = [Refusal(**words) for _ in range(times)]

    def named(self, rpc: str) -> list[Any]:
        """The requests of one rpc, in order."""
        return [request for name, request, _ in self.asked if name == rpc]

    def add_job(self, job_id: str = "job_1", events: int = 5, state: job_pb2.JobState = TERMINAL) -> job_pb2.Job:
        """A job with so many events, ended in `state` by the last one."""
        job = job_pb2.Job(
            id=job_id, tenant_name="acme", creative_id="boat", state=state, model="runway/gen4.5", last_event=events
        )
        job.clips.add(id="clip_1", model="runway/gen4.5", state=job_pb2.CLIP_STATE_SUCCEEDED, attempt_count=1)
        job.videos.add(id="vid_1", key="videos/acme/20261121_120000-boat-001.mp4", url="https://store/vid_1?sig=1")
        job.cost.CopyFrom(common_pb2.Money(currency_code="XTS", micros=600_000))
        self.jobs[job_id] = job
        running = [self._event(job_id, seq) for seq in range(1, events)]
        last = job_pb2.JobEvent(job_id=job_id, seq=events, kind=job_pb2.JOB_EVENT_KIND_ENDED, job_state=state)
        self.events[job_id] = [*running, last]
        return job

    @staticmethod
    def _event(job_id: str, seq: int) -> job_pb2.JobEvent:
        return job_pb2.JobEvent(
            job_id=job_id,
            seq=seq,
            kind=job_pb2.JOB_EVENT_KIND_PROGRESS,
            job_state=job_pb2.JOB_STATE_RUNNING,
            clip_id="clip_1",
            clip_index=0,
            clip_state=job_pb2.CLIP_STATE_RUNNING,
            clip_stage=job_pb2.PROGRESS_STAGE_VENDOR_RUNNING,
        )

    def _note(self, rpc: str, request: Any, context: grpc.ServicerContext) -> None:
        self.asked.append((rpc, request, dict(context.invocation_metadata())))
        if self.refusals.get(rpc):
            self.refusals[rpc].pop(0).raise_in(context)

    def _job(self, job_id: str, context: grpc.ServicerContext) -> job_pb2.Job:
        if job_id not in self.jobs:
            Refusal(code=grpc.StatusCode.NOT_FOUND, reason="NOT_FOUND", message="no such job").raise_in(context)
        return self.jobs[job_id]

    def _answer(self, request: messages.GenerateVideoRequest) -> messages.GenerateVideoResponse:
        if request.validate_only:
            return messages.GenerateVideoResponse(model="runway/gen4.5", quote=self.quote)
        return messages.GenerateVideoResponse(job=self.jobs.get("job_1") or self.add_job())

    def GenerateVideo(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        self._note("GenerateVideo", request, context)
        return self._answer(request)

    def BatchGenerateVideos(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        self._note("BatchGenerateVideos", request, context)
        return messages.BatchGenerateVideosResponse(results=[self._answer(one) for one in request.requests])

    def QuoteVideo(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        self._note("QuoteVideo", request, context)
        return messages.QuoteVideoResponse(model="runway/gen4.5", quote=self.quote)

    def ListVideoModels(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        self._note("ListVideoModels", request, context)
        return messages.ListVideoModelsResponse(models=self.models, default_model="auto")

    def GetJob(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        self._note("GetJob", request, context)
        return messages.GetJobResponse(job=self._job(request.job_id, context))

    def ListJobs(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        self._note("ListJobs", request, context)
        start = int(request.page_token or 0)
        found = list(self.jobs.values())
        page, more = found[start : start + 2], len(found) > start + 2
        return messages.ListJobsResponse(jobs=page, next_page_token=str(start + 2) if more else "")

    def CancelJob(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        self._note("CancelJob", request, context)
        job = self._job(request.job_id, context)
        job.state = job_pb2.JOB_STATE_CANCELLING
        return messages.CancelJobResponse(job=job)

    def WatchJob(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        self._note("WatchJob", request, context)
        self._job(request.job_id, context)
        events = self.events[request.job_id][request.after_event :]
        cut = next(self.cuts)
        yield from (messages.WatchJobResponse(event=event) for event in events[:cut])
        if cut is not None and cut < len(events) and self.cut_with is not None:
            self.cut_with.raise_in(context)

    def ResolveClip(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        self._note("ResolveClip", request, context)
        job = self.jobs["job_1"]
        return messages.ResolveClipResponse(job=job, clip=job.clips[0])

    def GetVideo(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        self._note("GetVideo", request, context)
        return messages.GetVideoResponse(video=self.video)

    def ListVideos(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        self._note("ListVideos", request, context)
        return messages.ListVideosResponse(videos=self.videos)

    def DeleteVideo(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        self._note("DeleteVideo", request, context)
        return messages.DeleteVideoResponse()

    def UploadAsset(self, request_iterator: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        first = next(request_iterator).metadata
        self._note("UploadAsset", first, context)
        self.uploaded.append(b"".join(message.chunk for message in request_iterator))
        asset = asset_pb2.Asset(id=f"asset_{len(self.uploaded)}", filename=first.filename, size=len(self.uploaded[-1]))
        self.assets.append(asset)
        return messages.UploadAssetResponse(asset=asset)

    def GetAsset(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        self._note("GetAsset", request, context)
        url = "https://store/asset?sig=1" if request.HasField("url_ttl") else ""
        return messages.GetAssetResponse(asset=asset_pb2.Asset(id=request.asset_id, filename="[a].png", url=url))

    def ListAssets(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        self._note("ListAssets", request, context)
        start = int(request.page_token or 0)
        page, more = self.assets[start : start + 2], len(self.assets) > start + 2
        return messages.ListAssetsResponse(assets=page, next_page_token=str(start + 2) if more else "")

    def DeleteAsset(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        self._note("DeleteAsset", request, context)
        return messages.DeleteAssetResponse()

    def QuantifyPrompt(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        self._note("QuantifyPrompt", request, context)
        return prompt_messages.QuantifyPromptResponse(prompt=self.prompt)

    def RegeneratePrompt(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        self._note("RegeneratePrompt", request, context)
        return prompt_messages.RegeneratePromptResponse(prompt=self.better)

    def WriteScript(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        self._note("WriteScript", request, context)
        return prompt_messages.WriteScriptResponse(script=self.script)

    def GetLineage(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        self._note("GetLineage", request, context)
        return self.lineage[int(request.page_token or 0)]


def quote() -> quote_pb2.Quote:
    """One line of 60 mock cents."""
    cents = common_pb2.Money(currency_code="XTS", micros=600_000)
    line = quote_pb2.QuoteLine(model="runway/gen4.5", expected=cents, held_max=cents, basis="5 s x 0.12")
    return quote_pb2.Quote(expected=cents, held_max=cents, lines=[line], catalogue_revision="r1")


class Running:
    """The server's life: it can die without grace and come back on the same port."""

    def __init__(self, fake: Fake) -> None:
        self._fake = fake
        self._port = 0
        self.start()

    @property
    def target(self) -> str:
        """Its address."""
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen: on a free port the first time, on the same one later."""
        options = [("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", 20 << 20)]
        self._server = grpc.server(ThreadPoolExecutor(8), options=options)
        video_service_pb2_grpc.add_VideoServiceServicer_to_server(self._fake, self._server)  # type: ignore[no-untyped-call]  # generated
        add_prompts = prompt_service_pb2_grpc.add_PromptServiceServicer_to_server
        add_prompts(self._fake, self._server)  # type: ignore[no-untyped-call]  # generated
        self._port = self._server.add_insecure_port(f"127.0.0.1:{self._port}")
        self._server.start()

    def die(self) -> None:
        """Cut every connection and stop listening."""
        self._server.stop(grace=None).wait()


@pytest.fixture
def fake() -> Fake:
    """The script and memory of `running`."""
    return Fake()


@pytest.fixture
def running(fake: Fake) -> Iterator[Running]:
    """The server."""
    server = Running(fake)
    yield server
    server.die()


@pytest.fixture
def target(running: Running) -> str:
    """Where the server listens."""
    return running.target
