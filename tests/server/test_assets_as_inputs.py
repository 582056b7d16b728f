"""Uploaded files as inputs: at every vendor in the form it takes, and refused by the field that names them."""

import grpc
import pytest
from filmgate.v1 import job_pb2, media_pb2
from filmgate.v1 import video_service_pb2 as pb
from google.protobuf.duration_pb2 import Duration

from tests.server.calling import Stub, refused, wanted
from tests.server.uploading import clip, image, upload

NEVER = "asset_01ARZ3NDEKTSV4RRFFQ69G5FAV"
NO_SUCH = "there is no such asset"


def made(stub: Stub, request: pb.GenerateVideoRequest) -> job_pb2.Job:
    """The job once it has ended, well."""
    request.wait.CopyFrom(Duration(seconds=60))
    job: job_pb2.Job = stub.GenerateVideo(request, timeout=70).job
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED, [clip.failure for clip in job.clips]
    return job


def as_input(asset_id: str) -> media_pb2.MediaInput:
    """The asset as a request names it."""
    return media_pb2.MediaInput(asset_id=asset_id)


@pytest.mark.parametrize(
    ("model", "width"),
    [("runway/gen4_turbo", 320), ("replicate/gen4-turbo", 320), ("replicate/gen4-turbo", 640)],
    ids=["inline", "small enough inline", "uploaded"],
)
def test_an_image_is_a_first_frame(stub: Stub, tenant: str, model: str, width: int) -> None:
    asset = upload(stub, tenant, image(width=width, height=width * 9 // 16))
    request = wanted(tenant, model=model, first_frame=as_input(asset.id), duration=5)
    assert stub.QuoteVideo(pb.QuoteVideoRequest(request=request)).quote == made(stub, request).quote


@pytest.mark.parametrize("model", ["replicate/gen4-aleph", "luma/ray-3.2-edit"])
def test_a_video_is_a_source_video(stub: Stub, tenant: str, model: str) -> None:
    asset = upload(stub, tenant, clip(5))
    job = made(stub, wanted(tenant, model=model, source_video=as_input(asset.id), duration=None))
    assert job.clips[0].attempt_count == 1
    assert len(stub.ListVideos(pb.ListVideosRequest(tenant_name=tenant)).videos) == 1


def test_what_is_wrong_with_an_asset_is_told_with_everything_else(stub: Stub, tenant: str) -> None:
    still, moving = upload(stub, tenant, image()).id, upload(stub, tenant, clip()).id
    frames = {"first_frame": as_input(moving), "last_frame": as_input("asset_x"), "source_video": as_input(still)}
    reference = media_pb2.ReferenceImage(media=as_input(NEVER))
    refusal = refused(
        stub.GenerateVideo,
        wanted(tenant, model="replicate/kling-o1", reference_images=[reference], labels={"": ""}, **frames),
    )
    told = dict(zip(refusal.fields, refusal.texts, strict=True))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert told["first_frame.asset_id"] == "is a video, and an image is wanted"
    assert told["source_video.asset_id"] == "is an image, and a video is wanted"
    assert told["reference_images[0].media.asset_id"] == NO_SUCH
    assert {"last_frame.asset_id", "labels"} <= told.keys()


def test_another_tenants_asset_is_as_missing_as_one_that_never_was(stub: Stub, tenant: str) -> None:
    asset = upload(stub, tenant, image())
    theirs, nobodys = (
        refused(stub.GenerateVideo, wanted("somebody-else", first_frame=as_input(name))) for name in (asset.id, NEVER)
    )
    assert theirs == nobodys
    assert (theirs.fields, theirs.texts) == (("first_frame.asset_id",), (NO_SUCH,))


def test_a_batch_names_the_request(stub: Stub, tenant: str) -> None:
    good, bad = (
        wanted("", first_frame=as_input(upload(stub, tenant, image()).id)),
        wanted("", first_frame=as_input(NEVER)),
    )
    batch = pb.BatchGenerateVideosRequest(tenant_name=tenant, requests=[good, bad])
    assert refused(stub.BatchGenerateVideos, batch).fields == ("requests[1].first_frame.asset_id",)
    dry = pb.BatchGenerateVideosRequest(tenant_name=tenant, requests=[good], validate_only=True)
    assert stub.BatchGenerateVideos(dry).results[0].quote.expected.micros


def test_a_repeated_request_is_answered_although_its_asset_is_gone(stub: Stub, tenant: str) -> None:
    first, second = (upload(stub, tenant, image()).id for _ in range(2))
    request = wanted(tenant, request_id="once", first_frame=as_input(first))
    job = made(stub, request)
    stub.DeleteAsset(pb.DeleteAssetRequest(tenant_name=tenant, asset_id=first))
    assert stub.GenerateVideo(wanted(tenant, request_id="once", first_frame=as_input(first))).job.id == job.id
    other = wanted(tenant, request_id="once", first_frame=as_input(second))
    assert refused(stub.GenerateVideo, other).reason == "REQUEST_ID_REUSED"
    assert refused(stub.GenerateVideo, wanted(tenant, first_frame=as_input(first))).texts == (NO_SUCH,)


def test_a_prior_job_at_the_vendor_must_be_the_tenants_own(stub: Stub, tenant: str) -> None:
    prior = made(stub, wanted(tenant, model="luma/ray-3.2", duration=5)).clips[0].attempts[0].vendor_task_id

    def extending(owner: str, task: str) -> pb.GenerateVideoRequest:
        options = {"start_frame": {"generation_id": task}}
        return wanted(owner, model="luma/ray-3.2", duration=5, vendor_options=options, validate_only=True)

    assert stub.GenerateVideo(extending(tenant, prior)).model == "luma/ray-3.2"
    for owner, task in (("somebody-else", prior), (tenant, "never-made")):
        refusal = refused(stub.GenerateVideo, extending(owner, task))
        assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
        assert refusal.fields == ("vendor_options.start_frame.generation_id",)
