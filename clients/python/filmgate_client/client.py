"""The blocking client."""

import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self, TypeVar, Unpack, cast

import grpc
from filmgate.v1 import asset_pb2, job_pb2, prompt_pb2, video_pb2
from filmgate.v1 import prompt_service_pb2 as prompt_messages
from filmgate.v1 import video_service_pb2 as messages

from filmgate_client import assets, prompts, requests
from filmgate_client.base import BaseClient, check_complete
from filmgate_client.channel import channel_options
from filmgate_client.errors import FailedCall, FilmgateCallError, call_error
from filmgate_client.jobs import Cursor, is_resting
from filmgate_client.retry import Deadline, Patience, may_repeat, may_resume

Answer = TypeVar("Answer")


class FilmgateClient(BaseClient, AbstractContextManager["FilmgateClient"]):
    """A connection to a Filmgate server; every method raises FilmgateCallError when it is refused or cut off."""

    def close(self) -> None:
        """Close the connection; calls in flight are cancelled."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def generate(
        self, prompt: str, *, creative_id: str, wait: float | None = None, **fields: Unpack[requests.GenerateFields]
    ) -> job_pb2.Job:
        """Ask for a video; the accepted job, or with `wait` (seconds) the job ended, parked, or as it is by then.

        Safe against lost answers: it carries a request id, and repeats the call with it while the server is away.
        A file of more than 4 MiB is uploaded first; with a request id of your own upload it yourself, so that the
        repeated request names the same asset.
        """
        fields = self.with_uploads(requests.with_request_id(fields))
        answer = self.submit(requests.generate_request(self.tenant, prompt, creative_id, fields))
        return answer.job if wait is None else self.wait_for(answer.job.id, timeout=wait)

    def submit(self, request: messages.GenerateVideoRequest) -> messages.GenerateVideoResponse:
        """Send a ready request, repeated while the server is away; without a request id it gets one try only."""
        return self._repeat(self.stub.GenerateVideo, request, messages.GenerateVideoResponse)

    def batch(self, batch: Sequence[messages.GenerateVideoRequest], *, request_id: str = "") -> list[job_pb2.Job]:
        """All requests or none, under one request id; the jobs in the same order."""
        request = messages.BatchGenerateVideosRequest(
            tenant_name=self.tenant, requests=batch, request_id=request_id or requests.new_request_id()
        )
        answer = self._repeat(self.stub.BatchGenerateVideos, request, messages.BatchGenerateVideosResponse)
        return [result.job for result in answer.results]

    def quote(
        self, prompt: str, *, creative_id: str, **fields: Unpack[requests.GenerateFields]
    ) -> messages.QuoteVideoResponse:
        """What `generate` with the same arguments would cost and resolve to."""
        request = requests.generate_request(self.tenant, prompt, creative_id, self.with_uploads(fields))
        answer = messages.QuoteVideoResponse
        return self._call(self.stub.QuoteVideo, messages.QuoteVideoRequest(request=request), answer)

    def models(self, **filters: Unpack[requests.ModelFilters]) -> messages.ListVideoModelsResponse:
        """The catalogue: its rows, its revision, and the server's default model."""
        request = requests.models_request(self.tenant, filters)
        return self._call(self.stub.ListVideoModels, request, messages.ListVideoModelsResponse)

    def get_job(self, job_id: str) -> job_pb2.Job:
        """A job as it is now."""
        request = messages.GetJobRequest(tenant_name=self.tenant, job_id=job_id)
        return self._call(self.stub.GetJob, request, messages.GetJobResponse).job

    def list_jobs(self, **filters: Unpack[requests.JobFilters]) -> Iterator[job_pb2.Job]:
        """The matching jobs, newest first; further pages are fetched as they are needed."""
        request = requests.jobs_request(self.tenant, filters)
        while True:
            page = self._call(self.stub.ListJobs, request, messages.ListJobsResponse)
            yield from page.jobs
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def cancel(self, job_id: str) -> job_pb2.Job:
        """Ask to cancel a job; the job as it is now. Not repeated by itself, but safe to repeat."""
        request = messages.CancelJobRequest(tenant_name=self.tenant, job_id=job_id)
        return self._call(self.stub.CancelJob, request, messages.CancelJobResponse).job

    def watch(self, job_id: str, *, after_event: int = 0, timeout: float | None = None) -> Iterator[job_pb2.JobEvent]:
        """Every event after a given one, up to and including the terminal one, without loss or repeat.

        A stream that breaks is resumed where it broke. With `timeout` (seconds) it ends by then at the latest.
        """
        cursor, patience, deadline = Cursor(after_event), Patience(self._retry_for), Deadline(timeout)
        while not cursor.over and not deadline.over:
            try:
                for event in self._events(job_id, cursor, deadline):
                    patience.progressed()
                    yield event
            except FilmgateCallError as error:
                if not may_resume(error):
                    raise
                if not deadline.over:
                    time.sleep(deadline.within(patience.delay(error)))

    def wait_for(self, job_id: str, *, timeout: float) -> job_pb2.Job:
        """The job once it has ended or parked, or as it is after `timeout` seconds."""
        for event in self.watch(job_id, timeout=timeout):
            # Events replay the past: a job that was parked then may be at work again now.
            if is_resting(event.job_state) and is_resting((job := self.get_job(job_id)).state):
                return job
        return self.get_job(job_id)

    def quantify_prompt(self, text: str, **fields: Unpack[prompts.PromptFields]) -> prompt_pb2.Prompt:
        """What a free text asks for, fitted to a model, and kept. Safe against lost answers as `generate`."""
        request = prompts.quantify_request(self.tenant, text, fields)
        answer = prompt_messages.QuantifyPromptResponse
        return self._repeat(self.prompts.QuantifyPrompt, request, answer, prompts.TIMEOUT).prompt

    def regenerate_prompt(self, feedback: str, **fields: Unpack[prompts.RegenerateFields]) -> prompt_pb2.Prompt:
        """A better prompt than that of exactly one of `prompt_id`, `job_id` and `text`, with what has changed and why.

        Its id goes to `generate` as `prompt_id`. Safe against lost answers as `generate`.
        """
        request = prompts.regenerate_request(self.tenant, feedback, fields)
        answer = prompt_messages.RegeneratePromptResponse
        return self._repeat(self.prompts.RegeneratePrompt, request, answer, prompts.TIMEOUT).prompt

    def write_script(
        self, product_name: str, *, style: str, cta_text: str, **fields: Unpack[prompts.ScriptFields]
    ) -> prompt_pb2.Script:
        """A product told in scenes of exactly the asked length together. Safe against lost answers as `generate`."""
        fields = self.with_uploads(fields)
        request = prompts.script_request(self.tenant, product_name, style, cta_text, fields)
        answer = prompt_messages.WriteScriptResponse
        return self._repeat(self.prompts.WriteScript, request, answer, prompts.TIMEOUT).script

    def lineage(self, creative_id: str, *, limit: int = 1000) -> messages.GetLineageResponse:
        """How a creative's videos came about: its newest iterations, their prompts, and what each has cost."""
        found = prompts.Lineage(self.tenant, creative_id, limit)
        while found.wanted:
            found.take(self._call(self.stub.GetLineage, found.request, messages.GetLineageResponse))
        return found.answer

    def resolve(self, clip_id: str, **verdict: Unpack[requests.Verdict]) -> messages.ResolveClipResponse:
        """For operators: decide about a parked clip by exactly one of `adopt`, `resubmit` and `abandon`."""
        request = requests.verdict_request(self.tenant, clip_id, verdict)
        return self._call(self.stub.ResolveClip, request, messages.ResolveClipResponse)

    def account(self, rpc: str, request: object) -> Any:
        """For operators: the answer of an rpc of AccountService, as in `account("ListBudgets", request)`."""
        return self._call(getattr(self.accounts, rpc), request, object)

    def get_video(self, video_id: str, *, url_ttl: float | None = None) -> video_pb2.Video:
        """A stored video with fresh addresses, which work for `url_ttl` seconds (default: an hour)."""
        request = requests.video_request(self.tenant, video_id, url_ttl)
        return self._call(self.stub.GetVideo, request, messages.GetVideoResponse).video

    def list_videos(self, **filters: Unpack[requests.VideoFilters]) -> Iterator[video_pb2.Video]:
        """The matching videos, newest first; further pages are fetched as they are needed."""
        request = requests.videos_request(self.tenant, filters)
        while True:
            page = self._call(self.stub.ListVideos, request, messages.ListVideosResponse)
            yield from page.videos
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def delete_video(self, video_id: str) -> None:
        """Delete a stored video and what was derived from it."""
        request = messages.DeleteVideoRequest(tenant_name=self.tenant, video_id=video_id)
        self._call(self.stub.DeleteVideo, request, messages.DeleteVideoResponse)

    def upload_asset(
        self,
        path: Path | str,
        *,
        filename: str | None = None,
        mime_type: str = "",
        timeout: float = assets.UPLOAD_TIMEOUT,
    ) -> asset_pb2.Asset:
        """Upload an image or a video, to be named as an input by its id; not repeated by itself.

        `filename` is its name for people (default: the file's own). `mime_type` is refused where the bytes say
        otherwise; empty: they decide. Raises OSError for an unreadable file.
        """
        source = Path(path)
        opening = assets.opening(self.tenant, source, filename, mime_type)
        with source.open("rb") as file:
            parts = itertools.chain([opening], assets.chunks(file))
            return self._call(self.stub.UploadAsset, parts, messages.UploadAssetResponse, timeout).asset

    def get_asset(self, asset_id: str, *, url_ttl: float | None = None) -> asset_pb2.Asset:
        """An uploaded file; with `url_ttl` (seconds) with an address to read it."""
        request = assets.asset_request(self.tenant, asset_id, url_ttl)
        return self._call(self.stub.GetAsset, request, messages.GetAssetResponse).asset

    def list_assets(self, **filters: Unpack[assets.AssetFilters]) -> Iterator[asset_pb2.Asset]:
        """The matching assets, newest first; further pages are fetched as they are needed."""
        request = assets.assets_request(self.tenant, filters)
        while True:
            page = self._call(self.stub.ListAssets, request, messages.ListAssetsResponse)
            yield from page.assets
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def delete_asset(self, asset_id: str) -> None:
        """Delete an uploaded file; jobs that were accepted with it keep what they need."""
        request = messages.DeleteAssetRequest(tenant_name=self.tenant, asset_id=asset_id)
        self._call(self.stub.DeleteAsset, request, messages.DeleteAssetResponse)

    def with_uploads(self, fields: assets.Fields) -> assets.Fields:
        """The fields of a request with every file that is too large to be sent along uploaded and named by its id."""
        ids = {name: self.upload_asset(path).id for name, path in assets.too_large(fields).items()}
        return assets.named(fields, ids)

    def _call(self, method: Any, request: object, answer: type[Answer], timeout: float | None = None) -> Answer:
        try:
            return cast(Answer, method(request, timeout=timeout or self._timeout, metadata=self._metadata))
        except grpc.RpcError as error:
            raise call_error(cast(FailedCall, error)) from error

    def _repeat(
        self, method: Any, request: requests.Repeatable, answer: type[Answer], timeout: float | None = None
    ) -> Answer:
        patience = Patience(self._retry_for)
        while True:
            try:
                return self._call(method, request, answer, timeout)
            except FilmgateCallError as error:
                if not (request.request_id and may_repeat(error)):
                    raise
                time.sleep(patience.delay(error))

    def _events(self, job_id: str, cursor: Cursor, deadline: Deadline) -> Iterator[job_pb2.JobEvent]:
        request = messages.WatchJobRequest(tenant_name=self.tenant, job_id=job_id, after_event=cursor.last)
        stream: Any = self.stub.WatchJob(request, timeout=deadline.left, metadata=self._metadata)
        try:
            for response in stream:
                if cursor.takes(response.event):
                    yield response.event
                if cursor.over:
                    return
        except grpc.RpcError as error:
            raise call_error(cast(FailedCall, error)) from error
        finally:
            stream.cancel()
        check_complete(self.get_job(job_id), cursor)

    def _connect(self, target: str, credentials: grpc.ChannelCredentials | None) -> grpc.Channel:
        options = channel_options()
        if credentials is None:
            return grpc.insecure_channel(target, options=options)
        return grpc.secure_channel(target, credentials, options=options)
