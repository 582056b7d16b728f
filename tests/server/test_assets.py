"""Uploads through the front door: whole or not at all, what the bytes say and not what the caller says."""

import itertools
import queue
from pathlib import Path
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from filmgate.v1 import asset_pb2
from filmgate.v1 import video_service_pb2 as pb
from google.protobuf.duration_pb2 import Duration

from jobs import tables
from tests.conftest import Served
from tests.server.calling import Stub, fetch, refused
from tests.server.uploading import clip, image, moving, sha256, stream, upload

IMAGE, VIDEO = asset_pb2.ASSET_KIND_IMAGE, asset_pb2.ASSET_KIND_VIDEO
NEVER = "asset_01ARZ3NDEKTSV4RRFFQ69G5FAV"


def objects(served: Served, tenant: str) -> list[str]:
    """The keys of everything stored for a tenant."""
    return [each.key for each in served.run(served.application.store.objects.list(f"videos/{tenant}/"))]


def rows(served: Served, tenant: str) -> int:
    """How many assets there ever were."""
    query = sa.select(sa.func.count()).where(tables.assets.c.tenant == tenant)
    read = served.application.jobs.context.database.read
    return int(served.run(read(lambda connection: connection.execute(query).scalar_one())))


def leftovers(served: Served) -> list[Path]:
    """What lies in the folder for temporary files."""
    return list((served.data_dir / "tmp").iterdir())


@pytest.mark.parametrize(
    ("kind", "mime_type", "extension"),
    [("PNG", "image/png", "png"), ("JPEG", "image/jpeg", "jpg"), ("WEBP", "image/webp", "webp")],
)
def test_an_image_is_kept_as_it_came(
    served: Served, stub: Stub, tenant: str, kind: str, mime_type: str, extension: str
) -> None:
    data = image(kind)
    asset = upload(stub, tenant, data, filename="Küche 1.bin", size=len(data), sha256=sha256(data), mime_type=mime_type)
    assert (asset.kind, asset.mime_type, asset.filename) == (IMAGE, mime_type, "Küche 1.bin")
    assert (asset.size, asset.sha256, asset.width, asset.height) == (len(data), sha256(data), 64, 36)
    assert not asset.HasField("duration")
    assert asset.url == ""
    key = f"videos/{tenant}/_assets/{asset.id}.{extension}"
    assert objects(served, tenant) == [key]
    stored = served.run(served.application.store.objects.head(key))
    assert (stored.content_type, stored.sha256, stored.metadata["tenant"]) == (mime_type, asset.sha256, tenant)
    assert leftovers(served) == []


def test_a_video_has_a_length_and_is_no_video_of_the_tenants(stub: Stub, tenant: str) -> None:
    asset = upload(stub, tenant, clip())
    assert (asset.kind, asset.mime_type, asset.width, asset.height) == (VIDEO, "video/mp4", 160, 90)
    assert asset.duration.ToMilliseconds() == pytest.approx(2000, abs=100)
    assert not stub.ListVideos(pb.ListVideosRequest(tenant_name=tenant)).videos


def test_a_file_that_comes_byte_by_byte_is_the_same_file(stub: Stub, tenant: str) -> None:
    data = image(width=4, height=4)
    assert upload(stub, tenant, data, chunk=1).sha256 == sha256(data)


def test_the_same_file_again_gets_a_new_id(stub: Stub, tenant: str) -> None:
    assert upload(stub, tenant, image()).id != upload(stub, tenant, image()).id


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"mime_type": "image/jpeg"}, "metadata.mime_type"),
        ({"mime_type": "video/mp4"}, "metadata.mime_type"),
        ({"mime_type": "text/plain"}, "metadata.mime_type"),
        ({"size": 10}, "metadata.size"),
        ({"size": 10_000_000}, "metadata.size"),
        ({"size": -1}, "metadata.size"),
        ({"size": (256 << 20) + 1}, "metadata.size"),
        ({"size": (32 << 20) + 1}, "metadata.size"),
        ({"size": (32 << 20) + 1, "mime_type": "image/png"}, "metadata.size"),
        ({"sha256": "0" * 64}, "metadata.sha256"),
        ({"sha256": "F" * 64}, "metadata.sha256"),
        ({"filename": "a/b.png"}, "metadata.filename"),
        ({"filename": "a\nb.png"}, "metadata.filename"),
        ({"filename": "a" * 256}, "metadata.filename"),
        ({"tenant_name": "No Tenant"}, "metadata.tenant_name"),
    ],
)
def test_a_lie_is_refused_by_its_name(
    served: Served, stub: Stub, tenant: str, said: dict[str, Any], field: str
) -> None:
    metadata = pb.AssetMetadata(**{"tenant_name": tenant} | said)
    messages = [pb.UploadAssetRequest(metadata=metadata), *itertools.islice(stream(tenant, image()), 1, None)]
    refusal = refused(stub.UploadAsset, iter(messages))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert refusal.fields == (field,)
    assert (objects(served, tenant), rows(served, tenant), leftovers(served)) == ([], 0, [])


def test_everything_wrong_with_the_metadata_is_told_at_once(stub: Stub) -> None:
    refusal = refused(stub.UploadAsset, stream("", b"", size=-1, sha256="x", filename="/", mime_type="image/gif"))
    names = ("tenant_name", "filename", "size", "sha256", "mime_type")
    assert refusal.fields == tuple(f"metadata.{name}" for name in names)


MATROSKA = b"\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska"
AVIF = b"\x00\x00\x00\x20ftypavif"


@pytest.mark.parametrize(
    "data",
    [
        b"just some words",
        b"GIF89a" + bytes(100),
        image()[:-40],
        clip()[: len(clip()) // 2],
        image()[:8] + bytes(5000),
        MATROSKA + bytes(500),
        AVIF + bytes(500),
        b"\x89PNG\r\n\x1a\n",
        moving(),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>" + b" " * 100,
    ],
    ids=["text", "gif", "cut png", "cut mp4", "hollow png", "matroska", "avif", "magic only", "moving webp", "svg"],
)
def test_what_is_no_image_and_no_video_is_not_kept(served: Served, stub: Stub, tenant: str, data: bytes) -> None:
    refusal = refused(stub.UploadAsset, stream(tenant, data))
    assert (refusal.reason, refusal.fields) == ("UNREADABLE_MEDIA", ("chunk",))
    assert str(served.data_dir) not in refusal.message
    assert (objects(served, tenant), rows(served, tenant), leftovers(served)) == ([], 0, [])


def test_an_image_may_not_be_as_large_as_a_video(stub: Stub, tenant: str) -> None:
    rest = bytes(1 << 20)
    head = [pb.UploadAssetRequest(metadata=pb.AssetMetadata(tenant_name=tenant)), pb.UploadAssetRequest(chunk=image())]
    endless = itertools.chain(head, itertools.repeat(pb.UploadAssetRequest(chunk=rest)))
    refusal = refused(stub.UploadAsset, endless)
    assert (refusal.fields, refusal.texts) == (("chunk",), ("an image may have at most 32 MiB",))


def _metadata(tenant: str) -> pb.UploadAssetRequest:
    return pb.UploadAssetRequest(metadata=pb.AssetMetadata(tenant_name=tenant))


@pytest.mark.parametrize(
    ("messages", "field"),
    [
        ([], "metadata"),
        ([pb.UploadAssetRequest()], "metadata"),
        ([pb.UploadAssetRequest(chunk=image())], "metadata"),
        ([_metadata("acme")], "chunk"),
        ([_metadata("acme"), _metadata("acme")], "metadata"),
        ([_metadata("acme"), pb.UploadAssetRequest(chunk=b"")], "chunk"),
        ([_metadata("acme"), pb.UploadAssetRequest()], "chunk"),
        ([_metadata("acme"), pb.UploadAssetRequest(chunk=bytes((1 << 20) + 1))], "chunk"),
    ],
)
def test_a_stream_is_metadata_and_then_chunks(stub: Stub, messages: list[pb.UploadAssetRequest], field: str) -> None:
    refusal = refused(stub.UploadAsset, iter(messages))
    assert (refusal.code, refusal.fields) == (grpc.StatusCode.INVALID_ARGUMENT, (field,))


def test_bytes_that_are_no_message_are_refused(served: Served) -> None:
    with grpc.insecure_channel(served.target) as channel:
        call: Any = channel.stream_unary("/filmgate.v1.VideoService/UploadAsset")
        assert refused(call, iter([b"\xff\xff"])).reason == "INVALID_REQUEST"


@pytest.mark.parametrize("said", [{}, {"size": len(clip())}])
@pytest.mark.parametrize("sent", [5000, len(clip())])
def test_a_cut_stream_leaves_nothing_behind(
    served: Served, stub: Any, tenant: str, sent: int, said: dict[str, Any]
) -> None:
    feed: queue.SimpleQueue[pb.UploadAssetRequest | None] = queue.SimpleQueue()
    call: Any = stub.UploadAsset.future(iter(feed.get, None), timeout=30)
    for message in stream(tenant, clip()[:sent], **said):
        feed.put(message)
    while not leftovers(served):
        pass
    call.cancel()
    feed.put(None)
    with pytest.raises(grpc.FutureCancelledError):
        call.result()
    while leftovers(served):
        pass
    assert (objects(served, tenant), rows(served, tenant)) == ([], 0)


def test_an_address_is_made_for_who_asks(stub: Stub, tenant: str) -> None:
    data = image()
    asset = upload(stub, tenant, data, filename="cat.png")
    plain = stub.GetAsset(pb.GetAssetRequest(tenant_name=tenant, asset_id=asset.id)).asset
    assert plain == asset
    signed = stub.GetAsset(
        pb.GetAssetRequest(tenant_name=tenant, asset_id=asset.id, url_ttl=Duration(seconds=60))
    ).asset
    answer = fetch(signed.url)
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, data, "image/png")
    assert 'filename="cat.png"' in answer.headers["content-disposition"]
    left = signed.url_expire_time.seconds - signed.create_time.seconds
    assert 0 < left <= 90
    late = pb.GetAssetRequest(tenant_name=tenant, asset_id=asset.id, url_ttl=Duration(seconds=604_801))
    assert refused(stub.GetAsset, late).fields == ("url_ttl",)


def test_a_deleted_asset_is_gone(served: Served, stub: Stub, tenant: str) -> None:
    asset = upload(stub, tenant, image())
    stub.DeleteAsset(pb.DeleteAssetRequest(tenant_name=tenant, asset_id=asset.id))
    assert objects(served, tenant) == []
    for rpc in ("GetAsset", "DeleteAsset"):
        request = getattr(pb, f"{rpc}Request")(tenant_name=tenant, asset_id=asset.id)
        assert refused(getattr(stub, rpc), request).reason == "NOT_FOUND"
    assert not stub.ListAssets(pb.ListAssetsRequest(tenant_name=tenant)).assets


@pytest.mark.parametrize("rpc", ["GetAsset", "DeleteAsset"])
def test_another_tenants_asset_is_not_found_byte_for_byte(stub: Stub, tenant: str, rpc: str) -> None:
    asset = upload(stub, tenant, image())
    request, call = getattr(pb, f"{rpc}Request"), getattr(stub, rpc)
    theirs = refused(call, request(tenant_name="somebody-else", asset_id=asset.id))
    assert theirs == refused(call, request(tenant_name="somebody-else", asset_id=NEVER))
    assert theirs.code is grpc.StatusCode.NOT_FOUND
    assert refused(call, request(tenant_name=tenant, asset_id="asset_x")).fields == ("asset_id",)
    assert stub.GetAsset(pb.GetAssetRequest(tenant_name=tenant, asset_id=asset.id)).asset == asset


def test_pages_are_stable_and_of_one_kind(stub: Stub, tenant: str) -> None:
    images = [upload(stub, tenant, image()).id for _ in range(5)]
    video = upload(stub, tenant, clip()).id
    first = stub.ListAssets(pb.ListAssetsRequest(tenant_name=tenant, page_size=4))
    assert [asset.id for asset in first.assets] == [video, *images[:1:-1]]
    upload(stub, tenant, image())
    rest = stub.ListAssets(pb.ListAssetsRequest(tenant_name=tenant, page_size=100, page_token=first.next_page_token))
    assert ([asset.id for asset in rest.assets], rest.next_page_token) == ([images[1], images[0]], "")
    only = stub.ListAssets(pb.ListAssetsRequest(tenant_name=tenant, kind=VIDEO))
    assert [asset.id for asset in only.assets] == [video]
    other = pb.ListAssetsRequest(tenant_name=tenant, kind=IMAGE, page_token=first.next_page_token)
    assert refused(stub.ListAssets, other).reason == "INVALID_PAGE_TOKEN"
    assert not stub.ListAssets(pb.ListAssetsRequest(tenant_name="somebody-else")).assets
    wrong: Any = 7
    assert refused(stub.ListAssets, pb.ListAssetsRequest(tenant_name=tenant, kind=wrong)).fields == ("kind",)


def test_too_many_uploads_at_once_are_told_to_come_back(served: Served, stub: Stub, tenant: str) -> None:
    assets: Any = served.application.jobs.assets
    assets._uploads += 16
    try:
        refusal = refused(stub.UploadAsset, stream(tenant, image()))
    finally:
        assets._uploads -= 16
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "SERVER_OVERLOADED")
    assert refusal.retry_after == 5.0
