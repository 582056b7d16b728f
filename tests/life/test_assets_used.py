"""Uploaded files in the life of a job: kept until the last one that needs them has ended, swept when nobody does."""

import io
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from PIL import Image

from core.errors import InvalidRequest, NotFound, StorageFailed
from core.spec import MediaInput, Wish
from jobs import tables
from jobs.orders import Order, Page, Plan
from jobs.records import JobState
from jobs.uploads import Declared
from storage.disk import DiskStore

if TYPE_CHECKING:
    from jobs.assets import Asset
    from tests.life.conftest import Workshop

Opened = Callable[..., "Awaitable[Workshop]"]
HOUR = 3600.0


def png() -> bytes:
    """A small picture."""
    out = io.BytesIO()
    Image.new("RGB", (160, 90), "green").save(out, "PNG")
    return out.getvalue()


async def uploaded(workshop: "Workshop", tenant: str = "acme") -> "Asset":
    """A stored image."""

    async def parts() -> AsyncIterator[bytes]:
        yield png()

    return await workshop.jobs.assets.upload(Declared(tenant=tenant), parts())


async def keys(workshop: "Workshop") -> list[str]:
    """What the store holds of assets."""
    return [each.key for each in await workshop.jobs.context.store.list("videos/acme/_assets/")]


async def uses(workshop: "Workshop") -> int:
    """How many uses of assets are on record."""
    query = sa.select(sa.func.count()).select_from(tables.asset_uses)
    return int(await workshop.database.read(lambda connection: connection.execute(query).scalar_one()))


async def planned(workshop: "Workshop", asset_id: str) -> Plan:
    """A plan of a clip that starts with the asset."""
    wish = Wish(prompt="a cat on a beach", first_frame=MediaInput(asset_id=asset_id), duration=5.0)
    order, violations = await workshop.jobs.assets.resolve(
        Order(tenant="acme", creative_id="spring", model="runway/gen4_turbo", wish=wish)
    )
    assert violations == []
    assert order.wish.first_frame == MediaInput(asset_id=asset_id, mime_type="image/png", size=len(png()))
    return workshop.jobs.plan(order)


async def accepted(workshop: "Workshop", *plans: Plan) -> list[str]:
    """The ids of the jobs."""
    views = await workshop.jobs.accept(plans, rpc="GenerateVideo", request_id="", request_hash="")
    return [view.job.id for view in views]


async def test_a_job_keeps_what_it_was_accepted_with(opened: Opened) -> None:
    workshop = await opened(speed=1.0, tenant_clips=1)
    first = await workshop.order("runway/gen4.5", duration=10.0)
    asset = await uploaded(workshop)
    [second] = await accepted(workshop, await planned(workshop, asset.id))
    await workshop.jobs.assets.delete(asset.id, "acme")
    with pytest.raises(NotFound):
        await workshop.jobs.assets.get(asset.id, "acme")
    assert await workshop.jobs.assets.listed("acme", None, Page()) == []
    await workshop.jobs.retention.sweep()
    await workshop.jobs.assets.tidy()
    assert (await keys(workshop), await uses(workshop)) == ([asset.key], 1)
    await workshop.control("speed", {"speed": 400.0})
    await workshop.jobs.cancel(first, "acme")
    assert (await workshop.ended(second)).job.state is JobState.SUCCEEDED
    await workshop.jobs.assets.tidy()
    assert await keys(workshop) == []
    await workshop.jobs.retention.sweep()
    assert await uses(workshop) == 0


async def test_an_asset_that_went_between_plan_and_accept_is_named(opened: Opened) -> None:
    workshop = await opened()
    kept, gone = await uploaded(workshop), await uploaded(workshop)
    plans = [await planned(workshop, asset.id) for asset in (kept, gone)]
    await workshop.jobs.assets.delete(gone.id, "acme")
    with pytest.raises(InvalidRequest) as caught:
        await accepted(workshop, *plans)
    fields = [violation.field for violation in caught.value.violations]
    assert fields == ["requests[1].first_frame.asset_id"]
    with pytest.raises(InvalidRequest) as caught:
        await accepted(workshop, plans[1])
    assert [violation.field for violation in caught.value.violations] == ["first_frame.asset_id"]
    other = replace(plans[0], order=replace(plans[0].order, tenant="other"))
    with pytest.raises(InvalidRequest):
        await accepted(workshop, other)
    assert await uses(workshop) == 0
    assert len(await accepted(workshop, plans[0], plans[0])) == 2


class Broken(DiskStore):
    """A store whose disk fails."""

    async def put_file(self, *_arguments: Any, **_options: Any) -> Any:
        """Fail when all is written."""
        await super().put_file(*_arguments, **_options)
        raise StorageFailed("the disk has gone", ambiguous=True)

    async def delete(self, keys: Any) -> None:
        """Fail."""
        raise StorageFailed("the disk has gone")


def broken(workshop: "Workshop") -> DiskStore:
    """The workshop's store, from now on broken; returns the one that works."""
    works = workshop.store
    workshop.jobs.context.store = Broken(workshop.data_dir / "media", secret=b"x" * 32, public_base_url="")
    return works


async def test_an_asset_that_was_never_finished_is_swept(opened: Opened) -> None:
    workshop = await opened()
    works = broken(workshop)
    with pytest.raises(StorageFailed):
        await uploaded(workshop)
    assert await workshop.jobs.assets.listed("acme", None, Page()) == []
    await workshop.jobs.assets.tidy()
    assert len(await keys(workshop)) == 1
    await workshop.jobs.context.store.close()
    workshop.jobs.context.store = works
    workshop.pass_time(HOUR + 1)
    await workshop.jobs.assets.tidy()
    assert await keys(workshop) == []


async def test_what_could_not_be_removed_is_removed_later(opened: Opened) -> None:
    workshop = await opened()
    asset = await uploaded(workshop)
    works = broken(workshop)
    await workshop.jobs.assets.delete(asset.id, "acme")
    with pytest.raises(NotFound):
        await workshop.jobs.assets.get(asset.id, "acme")
    await workshop.jobs.context.store.close()
    workshop.jobs.context.store = works
    assert await keys(workshop) == [asset.key]
    await workshop.jobs.assets.tidy()
    assert await keys(workshop) == []


async def test_the_leftovers_of_a_killed_process_go_at_the_next_start(opened: Opened) -> None:
    workshop = await opened()
    left = workshop.data_dir / "tmp" / "upload-killed"
    left.mkdir(parents=True)
    (left / "file").write_bytes(b"half")
    await workshop.close()
    await workshop.open()
    assert not left.exists()
