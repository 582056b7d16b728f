"""The main job through the front door: quote, generate, repeat, read, list, cancel, delete."""

import concurrent.futures
from datetime import date
from typing import Any, cast

import grpc
import pytest
from filmgate.v1 import job_pb2
from filmgate.v1 import video_service_pb2 as pb
from google.protobuf.duration_pb2 import Duration
from typer.testing import CliRunner

from core import clock
from server.cli import app
from tests.conftest import Served
from tests.server.calling import Stub, fetch, refused, wanted

ENDED = job_pb2.JOB_STATE_SUCCEEDED


def finished(stub: Stub, tenant: str, **fields: Any) -> job_pb2.Job:
    """A job that has ended well."""
    job: job_pb2.Job = stub.GenerateVideo(wanted(tenant, wait=Duration(seconds=60), **fields)).job
    assert job.state == ENDED, job.error
    return job


def test_a_job_from_prompt_to_file(stub: Stub, tenant: str) -> None:
    job = finished(stub, tenant, labels={"team": "blue"}, request_id="one")
    (clip,), (video,) = job.clips, job.videos
    assert (job.tenant_name, job.creative_id, job.kind, job.mock) == (tenant, "kite", job_pb2.JOB_KIND_VIDEO, True)
    assert job.request_id == "one"
    assert dict(job.labels) == {"team": "blue"}
    assert (job.progress.fraction, job.held.micros) == (1.0, 0)
    assert job.cost == job.quote.expected
    assert job.cost.currency_code == "XTS"
    assert (clip.state, clip.attempt_count, clip.video_id) == (job_pb2.CLIP_STATE_SUCCEEDED, 1, video.id)
    assert (clip.width, clip.height, clip.actual_duration.seconds) == (1280, 720, 2)
    assert clip.duration_difference.ToMilliseconds() == pytest.approx(0, abs=100)
    attempt = clip.attempts[0]
    assert (attempt.outcome, attempt.provider, attempt.mock) == (job_pb2.ATTEMPT_OUTCOME_ACCEPTED, "runway", True)
    assert attempt.vendor_task_id == video.provenance.vendor_task_id != ""
    assert video.key == f"videos/{tenant}/{job.create_time.ToDatetime():%Y%m%d_%H%M%S}-kite-001.mp4"
    assert video.uri == f"disk:///{video.key}"
    answer = fetch(video.url)
    assert (answer.status, len(answer.body)) == (200, video.size)


def test_quote_and_dry_run_agree_with_the_job(stub: Stub, tenant: str) -> None:
    request = wanted(tenant, variations=2)
    quoted = stub.QuoteVideo(pb.QuoteVideoRequest(request=request))
    dry = stub.GenerateVideo(wanted(tenant, variations=2, validate_only=True))
    job = finished(stub, tenant, variations=2)
    assert quoted.quote == dry.quote == job.quote
    assert (quoted.model, quoted.parameters) == (job.model, job.parameters)
    assert [line.clip_index for line in job.quote.lines] == [0, 1]
    assert job.cost.micros <= job.quote.held_max.micros
    assert not dry.HasField("job")


def test_the_same_request_id_is_the_same_job(stub: Stub, tenant: str) -> None:
    request = wanted(tenant, request_id="again")
    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        ids = {future.result().job.id for future in [threads.submit(stub.GenerateVideo, request) for _ in range(16)]}
    assert len(ids) == 1
    later = wanted(tenant, request_id="again", wait=Duration(seconds=30))
    assert stub.GenerateVideo(later).job.id in ids
    refusal = refused(stub.GenerateVideo, wanted(tenant, request_id="again", prompt="another"))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ABORTED, "REQUEST_ID_REUSED")


def test_a_refused_request_burns_no_request_id(stub: Stub, tenant: str) -> None:
    refused(stub.GenerateVideo, wanted(tenant, request_id="kept", variations=9))
    assert stub.GenerateVideo(wanted(tenant, request_id="kept")).job.id


def test_a_batch_is_accepted_whole_and_once(stub: Stub, tenant: str) -> None:
    members = [wanted("", creative_id=f"c{index}") for index in range(5)]
    batch = pb.BatchGenerateVideosRequest(tenant_name=tenant, requests=members, request_id="batch")
    first = [result.job.id for result in stub.BatchGenerateVideos(batch).results]
    assert len(set(first)) == 5
    assert [result.job.id for result in stub.BatchGenerateVideos(batch).results] == first
    dry = pb.BatchGenerateVideosRequest(tenant_name=tenant, requests=members, validate_only=True)
    assert [result.quote.expected.micros for result in stub.BatchGenerateVideos(dry).results] == [240_000] * 5


def test_pages_are_stable_under_inserts_and_tokens_are_bound(stub: Stub, tenant: str) -> None:
    members = [wanted("", creative_id=f"c{index}") for index in range(7)]
    stub.BatchGenerateVideos(pb.BatchGenerateVideosRequest(tenant_name=tenant, requests=members))
    request = pb.ListJobsRequest(tenant_name=tenant, page_size=3)
    seen: list[str] = []
    while True:
        page = stub.ListJobs(request)
        seen += [job.creative_id for job in page.jobs]
        stub.GenerateVideo(wanted(tenant, creative_id="late"))
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert sorted(seen) == [f"c{index}" for index in range(7)]
    token = stub.ListJobs(pb.ListJobsRequest(tenant_name=tenant, page_size=3)).next_page_token
    for broken in (
        pb.ListJobsRequest(tenant_name=tenant, page_token=token[:-2] + "xx"),
        pb.ListJobsRequest(tenant_name="other", page_token=token),
        pb.ListJobsRequest(tenant_name=tenant, page_token=token, creative_id="c1"),
        pb.ListJobsRequest(tenant_name=tenant, page_token="é" * 5),
        pb.ListJobsRequest(tenant_name=tenant, page_token="x" * 5000),
    ):
        refusal = refused(stub.ListJobs, broken)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN")


def test_lists_are_filtered(stub: Stub, tenant: str) -> None:
    one = finished(stub, tenant, creative_id="one", labels={"team": "blue"})
    other = finished(stub, tenant, creative_id="other", labels={"team": "red"})

    def jobs(**fields: Any) -> list[str]:
        return [job.id for job in stub.ListJobs(pb.ListJobsRequest(tenant_name=tenant, **fields)).jobs]

    def videos(**fields: Any) -> list[str]:
        return [video.job_id for video in stub.ListVideos(pb.ListVideosRequest(tenant_name=tenant, **fields)).videos]

    assert jobs() == [other.id, one.id]
    assert jobs(creative_id="one") == jobs(labels={"team": "blue"}) == [one.id]
    assert jobs(states=[job_pb2.JOB_STATE_FAILED]) == jobs(model="runway/gen4_turbo") == []
    assert jobs(create_time_from=other.create_time) == [other.id]
    assert jobs(create_time_before=other.create_time) == [one.id]
    assert videos() == [other.id, one.id]
    assert videos(job_id=one.id) == videos(labels={"team": "blue"}) == [one.id]
    assert videos(model="runway/gen4.5", creative_id="other") == [other.id]


def test_addresses_are_made_when_they_are_asked_for(stub: Stub, tenant: str) -> None:
    finished(stub, tenant)
    assert stub.ListJobs(pb.ListJobsRequest(tenant_name=tenant)).jobs[0].videos[0].url == ""
    assert stub.ListVideos(pb.ListVideosRequest(tenant_name=tenant)).videos[0].url == ""
    asked = pb.ListVideosRequest(tenant_name=tenant, url_ttl=Duration(seconds=60))
    (video,) = stub.ListVideos(asked).videos
    assert fetch(video.url).status == 200
    one = stub.GetVideo(
        pb.GetVideoRequest(tenant_name=tenant, video_id=video.id, url_ttl=Duration(seconds=604_800))
    ).video
    assert one.url_expire_time.seconds - one.create_time.seconds > 600_000
    assert one.prompt == "a red kite"
    for seconds in (0, 604_801):
        late = pb.GetVideoRequest(tenant_name=tenant, video_id=video.id, url_ttl=Duration(seconds=seconds))
        assert refused(stub.GetVideo, late).fields == ("url_ttl",)


def test_a_deleted_video_is_gone_and_its_iteration_is_not_given_again(stub: Stub, tenant: str) -> None:
    video = finished(stub, tenant).videos[0]
    stub.DeleteVideo(pb.DeleteVideoRequest(tenant_name=tenant, video_id=video.id))
    assert fetch(video.url).status == 404
    for call, request in (
        (stub.DeleteVideo, pb.DeleteVideoRequest(tenant_name=tenant, video_id=video.id)),
        (stub.GetVideo, pb.GetVideoRequest(tenant_name=tenant, video_id=video.id)),
    ):
        assert refused(call, request).reason == "NOT_FOUND"
    assert finished(stub, tenant).videos[0].iteration == 2


def test_another_tenants_things_are_not_found_byte_for_byte(stub: Stub, tenant: str) -> None:
    job = finished(stub, tenant)
    ids = {"job_id": job.id, "video_id": job.videos[0].id, "clip_id": job.clips[0].id}
    calls = {"GetJob": "job_id", "CancelJob": "job_id", "WatchJob": "job_id", "GetVideo": "video_id"}
    for rpc, kind in (calls | {"DeleteVideo": "video_id", "ResolveClip": "clip_id"}).items():
        more: dict[str, Any] = {"abandon": {}} if rpc == "ResolveClip" else {}
        never = f"{ids[kind].partition('_')[0]}_01ARZ3NDEKTSV4RRFFQ69G5FAV"
        request = getattr(pb, f"{rpc}Request")
        theirs = refused(getattr(stub, rpc), request(tenant_name="somebody-else", **{kind: ids[kind]}, **more))
        nobodys = refused(getattr(stub, rpc), request(tenant_name="somebody-else", **{kind: never}, **more))
        assert theirs == nobodys, rpc
        assert theirs.code is grpc.StatusCode.NOT_FOUND


def test_a_job_that_has_ended_cannot_be_cancelled(stub: Stub, tenant: str) -> None:
    job = finished(stub, tenant)
    refusal = refused(stub.CancelJob, pb.CancelJobRequest(tenant_name=tenant, job_id=job.id))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "JOB_NOT_CANCELLABLE")


def test_a_wait_ends_before_the_calls_deadline(served: Served, stub: Stub, tenant: str) -> None:
    request = wanted(tenant, wait=Duration(seconds=600), prompt="slow", duration=10)
    answer = stub.GenerateVideo(request, timeout=0.5)
    assert answer.job.id.startswith("job_")


def test_the_catalogue_says_who_answers_and_why(stub: Stub) -> None:
    answer = stub.ListVideoModels(pb.ListVideoModelsRequest())
    states = {model.id: model.state for model in answer.models}
    assert list(states) == sorted(states)
    assert {states[name] for name in ("runway/gen4.5", "replicate/minimax-video-01")} == {2}
    assert states["runway/gen3a_turbo"] == 4
    assert all(model.state_reason for model in answer.models)
    assert answer.default_model == "auto"

    def ids(**fields: Any) -> set[str]:
        return {model.id for model in stub.ListVideoModels(pb.ListVideoModelsRequest(**fields)).models}

    assert all(name.startswith("runway/") for name in ids(providers=["runway"]))
    assert {"runway/gen3a_turbo", "runway/veo3", "openai/sora-2"} <= ids(states=[4])
    assert ids(states=[4]).isdisjoint(ids(states=[2]))
    seven = ids(duration=Duration(seconds=7), mode=1)
    assert "runway/gen4.5" in seven
    assert "replicate/minimax-video-01" not in seven
    assert ids(max_price={"currency_code": "USD", "micros": 0}) == set()
    assert "runway/gen4.5" not in ids(
        duration=Duration(seconds=10), max_price={"currency_code": "USD", "micros": 10**6}
    )
    assert {"runway/gen4.5", "runway/gen4_turbo"} <= ids(aspect_ratio="21:9")
    assert "replicate/kling-v2.5-turbo-pro" not in ids(aspect_ratio="21:9")
    days = {model.id: model.days_left for model in answer.models if model.HasField("days_left")}
    assert days["runway/gen3a_turbo"] == (date(2026, 7, 30) - clock.now().date()).days
    assert "runway/gen4.5" not in days
    assert refused(stub.ListVideoModels, pb.ListVideoModelsRequest(mode=cast(Any, 9))).fields == ("mode",)


def test_the_catalogues_answers_are_made_once(served: Served, stub: Stub) -> None:
    request = pb.ListVideoModelsRequest(providers=["runway"])
    assert stub.ListVideoModels(request) == stub.ListVideoModels(request)
    priced = [mode.default_price.micros for model in stub.ListVideoModels(request).models for mode in model.modes]
    assert all(priced)


def test_the_books_of_a_running_server_are_right(served: Served, stub: Stub, tenant: str) -> None:
    job = finished(stub, tenant)
    checked = CliRunner().invoke(app, ["ledger", "verify", f"--data-dir={served.data_dir}"])
    assert (checked.exit_code, "0 faults" in checked.output) == (0, True), checked.output
    shown = CliRunner().invoke(app, ["ledger", "show", f"--data-dir={served.data_dir}", f"--job={job.id}"])
    assert shown.exit_code == 0
    assert {"SETTLE", "HOLD"} <= set(shown.output.split())
