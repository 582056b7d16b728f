"""Uploads by both clients and on the command line: the whole file, what it is said to be, and by id from then on."""

import hashlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import typer
from filmgate.v1 import asset_pb2
from filmgate_client import AsyncFilmgateClient, FilmgateCallError, FilmgateClient
from filmgate_client.assets import LARGEST_INLINE
from PIL import Image
from typer.testing import CliRunner, Result

from clients.commands import register

if TYPE_CHECKING:
    from tests.clients.conftest import Fake
    from tests.conftest import Served

LARGE = bytes(range(256)) * (LARGEST_INLINE // 256) + b"!"


@pytest.fixture
def client(target: str) -> Iterator[FilmgateClient]:
    """A client of tenant acme."""
    with FilmgateClient(target, tenant="acme") as connected:
        yield connected


@pytest.fixture
async def twin(target: str) -> AsyncIterator[AsyncFilmgateClient]:
    """Its asyncio twin."""
    async with AsyncFilmgateClient(target, tenant="acme") as connected:
        yield connected


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file one byte too large to be sent along."""
    path = tmp_path / "large.png"
    path.write_bytes(LARGE)
    return path


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A file as large as may be sent along."""
    path = tmp_path / "small.png"
    path.write_bytes(LARGE[:-1])
    return path


def check_upload(fake: "Fake", mime_type: str = "", filename: str = "large.png") -> None:
    """The whole file came, with all that can be said of it."""
    (metadata,) = fake.named("UploadAsset")
    assert fake.uploaded == [LARGE]
    assert (metadata.tenant_name, metadata.filename, metadata.mime_type) == ("acme", filename, mime_type)
    assert (metadata.size, metadata.sha256) == (len(LARGE), hashlib.sha256(LARGE).hexdigest())


def test_a_file_is_uploaded_in_parts(client: FilmgateClient, fake: "Fake", large: Path) -> None:
    asset = client.upload_asset(large)
    assert (asset.id, asset.size) == ("asset_1", len(LARGE))
    check_upload(fake)


async def test_the_twin_uploads_the_same(twin: AsyncFilmgateClient, fake: "Fake", large: Path) -> None:
    asset = await twin.upload_asset(str(large), filename="cat.png", mime_type="image/png")
    assert asset.id == "asset_1"
    check_upload(fake, "image/png", "cat.png")


def test_a_file_too_large_to_send_along_is_uploaded_first(
    client: FilmgateClient, fake: "Fake", large: Path, small: Path
) -> None:
    client.generate("a boat", creative_id="boat", first_frame=large, last_frame=small, source_video="asset_9")
    (request,) = fake.named("GenerateVideo")
    assert (request.first_frame.asset_id, request.source_video.asset_id) == ("asset_1", "asset_9")
    assert len(request.last_frame.inline.data) == LARGEST_INLINE
    check_upload(fake)


async def test_the_twin_uploads_first_too(twin: AsyncFilmgateClient, fake: "Fake", large: Path) -> None:
    await twin.generate("a boat", creative_id="boat", source_video=large)
    await twin.quote("a boat", creative_id="boat", source_video=large)
    (generated,), (quoted,) = fake.named("GenerateVideo"), fake.named("QuoteVideo")
    assert generated.source_video.asset_id == "asset_1"
    assert quoted.request.source_video.asset_id == "asset_2"


def test_a_repeated_request_names_the_same_asset(client: FilmgateClient, fake: "Fake", large: Path) -> None:
    fake.refuse("GenerateVideo", 2, code=grpc.StatusCode.UNAVAILABLE)
    client.generate("a boat", creative_id="boat", first_frame=large)
    assert [request.first_frame.asset_id for request in fake.named("GenerateVideo")] == ["asset_1"] * 3


def test_a_refused_upload_is_an_error_and_is_not_repeated(client: FilmgateClient, fake: "Fake", large: Path) -> None:
    fake.refuse("UploadAsset", code=grpc.StatusCode.UNAVAILABLE, reason="SHUTTING_DOWN", retry_after=0.01)
    with pytest.raises(FilmgateCallError) as caught:
        client.upload_asset(large)
    assert (caught.value.reason, len(fake.named("UploadAsset"))) == ("SHUTTING_DOWN", 1)


def test_a_file_that_is_not_there_is_said_before_anything_is_sent(
    client: FilmgateClient, fake: "Fake", tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        client.upload_asset(tmp_path / "nothing.png")
    with pytest.raises(FileNotFoundError):
        client.generate("a boat", creative_id="boat", first_frame=tmp_path / "nothing.png")
    assert fake.asked == []


def test_lists_and_the_rest(client: FilmgateClient, fake: "Fake") -> None:
    fake.assets = [asset_pb2.Asset(id=f"asset_{number}") for number in range(5)]
    found = [asset.id for asset in client.list_assets(kind="video", page_size=2)]
    assert found == [f"asset_{number}" for number in range(5)]
    assert [request.page_token for request in fake.named("ListAssets")] == ["", "2", "4"]
    assert {request.kind for request in fake.named("ListAssets")} == {asset_pb2.ASSET_KIND_VIDEO}
    assert client.get_asset("asset_1", url_ttl=60).url
    assert not client.get_asset("asset_1").url
    client.delete_asset("asset_1")
    (deleted,) = fake.named("DeleteAsset")
    assert (deleted.tenant_name, deleted.asset_id) == ("acme", "asset_1")
    with pytest.raises(ValueError, match="ASSET_KIND_SOUND"):
        list(client.list_assets(kind="sound"))


async def test_the_twins_lists_and_the_rest(twin: AsyncFilmgateClient, fake: "Fake") -> None:
    fake.assets = [asset_pb2.Asset(id=f"asset_{number}") for number in range(5)]
    assert len([asset async for asset in twin.list_assets()]) == 5
    assert (await twin.get_asset("asset_1", url_ttl=60)).url
    await twin.delete_asset("asset_1")
    assert fake.named("DeleteAsset")


Run = Callable[..., Result]


@pytest.fixture
def run(target: str) -> Run:
    """Run a command line against the server."""
    app = typer.Typer()
    register(app)
    environment = {"FILMGATE_TARGET": target, "FILMGATE_TENANT": "acme", "COLUMNS": "200"}

    def invoke(*words: str, **options: Any) -> Result:
        return CliRunner().invoke(app, words, env=environment, **options)

    return invoke


def test_the_command_line_uploads_and_prints_the_id(run: Run, fake: "Fake", large: Path) -> None:
    result = run("asset", "upload", str(large), "--name", "cat.png")
    assert (result.exit_code, result.output.strip()) == (0, "asset_1")
    check_upload(fake, filename="cat.png")
    shown = run("asset", "upload", str(large), "--json")
    assert json.loads(shown.stdout)["id"] == "asset_2"
    missing = run("asset", "upload", "nothing.png")
    assert (missing.exit_code, "nothing.png" in missing.output) == (2, True)


def test_the_command_line_uploads_what_is_too_large_to_send_along(run: Run, fake: "Fake", large: Path) -> None:
    result = run("generate", "a boat", "--first-frame", str(large), "--last-frame", "asset_9", "--detach")
    assert result.exit_code == 0, result.output
    (request,) = fake.named("GenerateVideo")
    assert (request.first_frame.asset_id, request.last_frame.asset_id) == ("asset_1", "asset_9")


def test_the_command_line_lists_shows_and_deletes(run: Run, fake: "Fake") -> None:
    fake.assets = [asset_pb2.Asset(id="asset_1", filename="[red]a.png", mime_type="image/png", width=64, height=36)]
    listed = run("asset", "list", "--kind", "image")
    assert all(word in listed.output for word in ("asset_1", "[red]a.png", "image/png", "64x36"))
    assert json.loads(run("asset", "list", "--json").stdout)["mimeType"] == "image/png"
    assert "https://store/asset?sig=1" in run("asset", "get", "asset_1", "--url-ttl", "60").output
    assert json.loads(run("asset", "get", "asset_1", "--json").stdout) == {"id": "asset_1", "filename": "[a].png"}
    assert run("asset", "delete", "asset_1", input="n\n").exit_code == 1
    assert fake.named("DeleteAsset") == []
    assert run("asset", "delete", "asset_1", "--yes").output.strip() == "asset_1 is deleted"
    assert run("asset", "list", "--kind", "sound").exit_code == 2


async def test_a_real_server_takes_it(served: "Served", tmp_path: Path) -> None:
    picture = tmp_path / "green.png"
    Image.new("RGB", (160, 90), "green").save(picture)
    async with AsyncFilmgateClient(served.target, tenant="acme") as twin:
        asset = await twin.upload_asset(picture)
        assert (asset.kind, asset.filename, asset.width) == (asset_pb2.ASSET_KIND_IMAGE, "green.png", 160)
        with pytest.raises(FilmgateCallError) as caught:
            await twin.upload_asset(picture, mime_type="video/mp4")
        assert [violation.field for violation in caught.value.violations] == ["metadata.mime_type"]
        fields: Any = {"model": "runway/gen4_turbo", "duration": 5, "first_frame": asset.id}
        assert (await twin.quote("a boat", creative_id="boat", **fields)).quote.expected.micros
        assert [each.id async for each in twin.list_assets(kind="image")] == [asset.id]
        await twin.delete_asset(asset.id)
        assert [each async for each in twin.list_assets()] == []
