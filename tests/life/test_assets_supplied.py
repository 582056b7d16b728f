"""The form in which an uploaded file reaches a vendor: by our own address where that can be read."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from core.errors import FailureReason
from core.spec import ClipSpec, MediaInput
from jobs.endpoints import Endpoint
from jobs.http import PublicClient
from jobs.records import Situation, situation
from jobs.sender import Sender
from jobs.supply import InputUnusable, Supply
from jobs.uploads import Declared
from media import placeholder
from providers.model import MediaForm, VideoModel
from storage.disk import DiskStore

if TYPE_CHECKING:
    from jobs.assets import Asset
    from tests.life.conftest import Workshop

Opened = Callable[..., "Awaitable[Workshop]"]
URI, INLINE, UPLOAD = MediaForm.URI, MediaForm.INLINE, MediaForm.UPLOAD
PUBLIC = "https://films.example.com"
PRIVATE = "http://127.0.0.1:1"
FAR = Endpoint(name="replicate", provider="replicate", base_url="https://api.replicate.com", credential="none")


async def public_address(_host: str, _port: int) -> Sequence[str]:
    """Whatever the name: somewhere in the world."""
    return ["93.184.215.14"]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A source video."""
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    placeholder.render(path, seconds=2, width=160, height=90, fps=24, audio=False, lines=["a source"])
    return path.read_bytes()


class Handing:
    """Hands one asset to a vendor with choices of a test's own."""

    def __init__(self, workshop: "Workshop", asset: "Asset", found: Situation) -> None:
        self.workshop, self.asset, self.found = workshop, asset, found
        self._closing = contextlib.AsyncExitStack()

    @property
    def row(self) -> VideoModel:
        """A row that takes videos."""
        return self.workshop.jobs.context.vendors.catalogue.rows["replicate/gen4-aleph"]

    async def __call__(self, *, far: bool = False, **row: Any) -> MediaInput:
        """What the vendor is given."""
        context = self.workshop.jobs.context
        endpoint = FAR if far else context.vendors.endpoints(self.row)[0]
        supply = Supply(
            context=context,
            sender=Sender(context),
            provider=context.vendors.providers["replicate"],
            endpoint=endpoint,
            row=replace(self.row, **row),
            found=self.found,
        )
        asset = self.asset
        source = MediaInput(asset_id=asset.id, mime_type=asset.mime_type, size=asset.size, seconds=asset.seconds)
        given = (await supply(ClipSpec(prompt="", source_video=source))).source_video
        assert given is not None
        assert given.asset_id == ""
        return given

    def lie_at(self, base: str) -> None:
        """Put the store's addresses there; every name resolves to somewhere in the world."""
        context = self.workshop.jobs.context
        store = DiskStore(self.workshop.data_dir / "media", secret=b"x" * 32, public_base_url=base)
        client = PublicClient(resolve=public_address)
        self._closing.push_async_callback(store.close)
        self._closing.push_async_callback(client.aclose)
        context.store, context.public_client = store, client

    async def close(self) -> None:
        """Give back what `lie_at` has opened."""
        await self._closing.aclose()


@pytest_asyncio.fixture(loop_scope="session")
async def handing(opened: Opened, clip: bytes) -> AsyncIterator[Handing]:
    """An uploaded video, and a job that it is for."""
    workshop = await opened()

    async def parts() -> AsyncIterator[bytes]:
        yield clip

    asset = await workshop.jobs.assets.upload(Declared(tenant="acme"), parts())
    view = await workshop.ended(await workshop.order("runway/gen4.5", duration=2.0))
    clip_id = view.clips[0].clip.id
    found = await workshop.database.read(lambda connection: situation(connection, clip_id))
    ready = Handing(workshop, asset, found)
    yield ready
    await ready.close()


@pytest.mark.parametrize("far", [False, True])
@pytest.mark.parametrize("forms", [(URI,), (URI, INLINE), (URI, INLINE, UPLOAD)])
async def test_a_public_address_of_ours_comes_first(handing: Handing, far: bool, forms: tuple[MediaForm, ...]) -> None:
    handing.lie_at(PUBLIC)
    given = await handing(far=far, media_forms=forms)
    assert given.uri.startswith(f"{PUBLIC}/media/videos/acme/_assets/{handing.asset.id}.mp4?")
    assert given.data == b""


@pytest.mark.parametrize(
    ("forms", "limit"), [((URI,), 0), ((URI, INLINE), 0), ((URI, INLINE), 100)], ids=["alone", "unbounded", "too large"]
)
async def test_an_emulator_is_given_our_private_address(
    handing: Handing, forms: tuple[MediaForm, ...], limit: int
) -> None:
    handing.lie_at(PRIVATE)
    given = await handing(media_forms=forms, inline_limit=limit)
    assert given.uri.startswith(f"{PRIVATE}/media/videos/acme/_assets/{handing.asset.id}.mp4?")


async def test_the_vendors_own_upload_comes_before_a_private_address(handing: Handing) -> None:
    handing.lie_at(PRIVATE)
    given = await handing(media_forms=(URI, INLINE, UPLOAD))
    assert given.uri.startswith(f"{handing.workshop.emulator_url}/replicate/")


@pytest.mark.parametrize(
    ("far", "forms", "limit"),
    [(False, (INLINE,), 0), (False, (URI, INLINE), 10**7), (True, (URI, INLINE), 0), (True, (URI, INLINE), 10**7)],
)
async def test_inside_the_request_where_nothing_else_works(
    handing: Handing, clip: bytes, far: bool, forms: tuple[MediaForm, ...], limit: int
) -> None:
    handing.lie_at(PRIVATE)
    given = await handing(far=far, media_forms=forms, inline_limit=limit)
    assert (given.uri, given.data) == ("", clip)


@pytest.mark.parametrize(
    ("forms", "limit", "why"),
    [
        ((URI,), 0, "by a public address only"),
        ((URI, INLINE), 100, "by a public address only"),
        ((INLINE,), 100, "too"),
    ],
)
async def test_what_cannot_be_brought_is_said(
    handing: Handing, forms: tuple[MediaForm, ...], limit: int, why: str
) -> None:
    handing.lie_at(PRIVATE)
    with pytest.raises(InputUnusable, match=why) as caught:
        await handing(far=True, media_forms=forms, inline_limit=limit)
    assert caught.value.failure.reason is FailureReason.INVALID_INPUT
    stored = [each.key for each in await handing.workshop.store.list("videos/acme/_derived/")]
    assert [key for key in stored if not key.endswith(".jpg")] == []  # thumbnails come when they come


async def test_an_object_that_is_gone_is_said(handing: Handing) -> None:
    handing.lie_at(PUBLIC)
    await handing.workshop.jobs.assets.delete(handing.asset.id, "acme")
    with pytest.raises(InputUnusable, match="not there any more"):
        await handing(media_forms=(URI,))
