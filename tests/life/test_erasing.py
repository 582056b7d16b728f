"""Erasing a tenant: nothing of what it wrote, gave or made is left, its money is, and others notice nothing."""

import io
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from PIL import Image

from core.errors import NotFound, Precondition, Reason, StorageFailed
from core.spec import MediaInput
from jobs import tables
from jobs.orders import Page
from jobs.records import JobState, spec_of
from jobs.tenants import Tenant, TenantState
from jobs.uploads import Declared
from jobs.webhooks import DeliveryFilter
from ledger.tables import entries
from storage.disk import DiskStore

if TYPE_CHECKING:
    from tests.life.conftest import Workshop

Opened = Callable[..., "Awaitable[Workshop]"]
MODEL = "runway/gen4.5"
NOWHERE = "http://127.0.0.1:9"
"""Where nobody listens."""


def canary(tenant: str) -> str:
    """A word that only this tenant writes."""
    return f"canary-of-{tenant}"


async def uploaded(workshop: "Workshop", tenant: str) -> str:
    """The id of an asset whose name holds the canary."""
    out = io.BytesIO()
    Image.new("RGB", (320, 180), "green").save(out, "PNG")

    async def parts() -> AsyncIterator[bytes]:
        yield out.getvalue()

    return (await workshop.jobs.assets.upload(Declared(tenant=tenant, filename=f"{canary(tenant)}.png"), parts())).id


async def lived(workshop: "Workshop", tenant: str) -> str:
    """A tenant with something of everything; the id of its job."""
    await uploaded(workshop, tenant)
    await workshop.jobs.webhooks.create(tenant, f"{NOWHERE}/hook", description=canary(tenant))
    job_id = await workshop.order(
        "runway/gen4_turbo",
        tenant=tenant,
        prompt=f"a {canary(tenant)} sings",
        first_frame=MediaInput(data=_jpeg(), mime_type="image/jpeg"),
        webhook={"url": f"{NOWHERE}/{canary(tenant)}"},
    )
    await workshop.jobs.wait(job_id, 30)
    return job_id


def _jpeg() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (1280, 720), "green").save(out, "JPEG")
    return out.getvalue()


async def stored(workshop: "Workshop", tenant: str) -> list[str]:
    """What the store holds of a tenant."""
    return [each.key for each in await workshop.jobs.context.store.list(f"videos/{tenant}/")]


async def told(workshop: "Workshop") -> str:
    """Every text of our tables."""

    def work(connection: sa.Connection) -> str:
        tables_of_ours = tables.jobs.metadata.sorted_tables
        return "\n".join(repr(tuple(row)) for table in tables_of_ours for row in connection.execute(sa.select(table)))

    return await workshop.database.read(work)


async def ledger_of(workshop: "Workshop", tenant: str) -> list[Any]:
    """A tenant's entries."""
    query = sa.select(entries).where(entries.c.tenant == tenant).order_by(entries.c.id)
    return [tuple(row) for row in await workshop.database.read(lambda connection: connection.execute(query).all())]


async def erased(workshop: "Workshop", tenant: str) -> Tenant:
    """The tenant once it is gone."""

    async def look() -> Tenant | None:
        found = await workshop.jobs.accounts.tenant(tenant)
        return found if found.state is TenantState.DELETED else None

    return await workshop.eventually(look)


async def test_nothing_is_left_but_the_money_and_the_others(opened: Opened) -> None:
    workshop = await opened(webhook_origins=(NOWHERE,))
    job_id = await lived(workshop, "gone")
    other = await lived(workshop, "stays")
    await workshop.jobs.context.store.put_bytes(
        "videos/gone/_derived/orphan.jpg", b"x", content_type="image/jpeg", metadata={}
    )
    before = {tenant: await ledger_of(workshop, tenant) for tenant in ("gone", "stays")}
    assert len(before["gone"]) >= 2
    assert canary("gone") in await told(workshop)
    kept = await stored(workshop, "stays")
    view = await workshop.jobs.view(job_id, "gone")
    begun = await workshop.jobs.erasure.begin("gone", force=False)
    assert begun.state is TenantState.DELETING
    tenant = await erased(workshop, "gone")
    assert tenant.delete_time is not None
    assert await stored(workshop, "gone") == []
    texts = await told(workshop)
    assert canary("gone") not in texts
    assert canary("stays") in texts
    assert before == {tenant: await ledger_of(workshop, tenant) for tenant in ("gone", "stays")}
    after = await workshop.jobs.view(job_id, "gone")
    assert (after.job.state, after.cost, after.job.prompt, after.videos) == (view.job.state, view.cost, "", [])
    for candidate in after.clips[0].clip.candidates:
        assert spec_of(candidate.spec, {}).prompt == ""
    assert (await workshop.verdict()).faults == ()
    assert await workshop.jobs.webhooks.deliveries("gone", DeliveryFilter(), Page()) == []
    assert set(kept) <= set(await stored(workshop, "stays"))
    assert (await workshop.jobs.view(other, "stays")).job.prompt == f"a {canary('stays')} sings"
    bodies = [event.body async for event in workshop.jobs.watch(job_id, "gone", 0)]
    assert bodies == [{"job_state": "SUCCEEDED"}]


async def test_a_tenant_that_works_is_busy_unless_forced(opened: Opened) -> None:
    workshop = await opened(speed=1.0)
    job_id = await workshop.order(MODEL, duration=10.0, prompt=canary("acme"))
    with pytest.raises(Precondition) as busy:
        await workshop.jobs.erasure.begin("acme", force=False)
    assert busy.value.reason is Reason.TENANT_BUSY
    assert (await workshop.jobs.accounts.tenant("acme")).state is TenantState.ACTIVE
    await workshop.jobs.erasure.begin("acme", force=True)
    await erased(workshop, "acme")
    view = await workshop.jobs.view(job_id, "acme")
    assert (view.job.state, view.job.prompt) == (JobState.CANCELLED, "")
    assert (await workshop.verdict()).faults == ()


async def test_a_deleted_name_takes_nothing_new_and_never_comes_back(opened: Opened) -> None:
    workshop = await opened()
    await workshop.ended(await workshop.order(MODEL))
    for _ in range(2):
        await workshop.jobs.erasure.begin("acme", force=False)
    calls: list[Callable[[], Awaitable[Any]]] = [
        lambda: workshop.order(MODEL),
        lambda: uploaded(workshop, "acme"),
        lambda: workshop.jobs.webhooks.create("acme", "https://93.184.216.34/"),
    ]
    for _ in range(2):
        for call in calls:
            with pytest.raises(Precondition) as caught:
                await call()
            assert caught.value.reason is Reason.TENANT_SUSPENDED
        await erased(workshop, "acme")
    assert (await workshop.jobs.erasure.begin("acme", force=True)).state is TenantState.DELETED
    with pytest.raises(NotFound):
        await workshop.jobs.erasure.begin("nobody", force=True)


class Broken(DiskStore):
    """A store that deletes nothing."""

    async def delete(self, keys: Any) -> None:
        """Fail."""
        raise StorageFailed("the disk has gone")


async def test_what_fails_is_tried_again(opened: Opened) -> None:
    workshop = await opened(webhook_origins=(NOWHERE,))
    await lived(workshop, "gone")
    works = workshop.jobs.context.store
    workshop.jobs.context.store = Broken(workshop.data_dir / "media", secret=b"x" * 32, public_base_url="")
    await workshop.jobs.erasure.begin("gone", force=False)
    await workshop.jobs.erasure.sweep()
    assert (await workshop.jobs.accounts.tenant("gone")).state is TenantState.DELETING
    assert await stored(workshop, "gone") != []
    await workshop.jobs.context.store.close()
    workshop.jobs.context.store = works
    await erased(workshop, "gone")
    assert await stored(workshop, "gone") == []
