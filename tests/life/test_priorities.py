"""Priorities order a tenant's own clips, and move nothing ahead of another tenant's."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from core.spec import Wish
from jobs.orders import JobView, Order, Priority

if TYPE_CHECKING:
    from tests.life.conftest import Workshop

Opened = Callable[..., "Awaitable[Workshop]"]
GEN45 = "runway/gen4.5"


async def _order(workshop: "Workshop", priority: Priority, tenant: str = "acme") -> str:
    wish = Wish(prompt="a cat on a beach", duration=2.0)
    plan = workshop.jobs.plan(Order(tenant=tenant, creative_id="spring", model=GEN45, wish=wish, priority=priority))
    [view] = await workshop.jobs.accept([plan], rpc="GenerateVideo", request_id="", request_hash="")
    return view.job.id


def _begun(view: JobView) -> float:
    moment = view.clips[0].attempts[0].intend_time
    return moment.timestamp()


async def _begun_first(workshop: "Workshop", names: dict[str, str]) -> list[str]:
    """Those of `names` (job id -> name) in the order in which they were begun."""
    for job_id in names:
        await workshop.jobs.wait(job_id, 30.0)
    views = [await workshop.jobs.view(job_id, None) for job_id in names]
    return [names[view.job.id] for view in sorted(views, key=_begun)]


async def test_a_tenants_clips_go_by_priority_and_then_in_order(opened: Opened) -> None:
    workshop = await opened(tenant_clips=1)
    wanted = [Priority.LOW, Priority.NORMAL, Priority.HIGH, Priority.LOW, Priority.NORMAL, Priority.HIGH]
    first = await _order(workshop, Priority.LOW)
    await workshop.until(first, lambda view: bool(view.clips[0].attempts))
    names = {await _order(workshop, priority): f"{priority} {place}" for place, priority in enumerate(wanted)}
    assert await _begun_first(workshop, names) == ["HIGH 2", "HIGH 5", "NORMAL 1", "NORMAL 4", "LOW 0", "LOW 3"]


async def test_a_priority_moves_nothing_ahead_of_another_tenant(opened: Opened) -> None:
    workshop = await opened(tenant_clips=1)
    names = {await _order(workshop, Priority.HIGH, "loud"): f"loud {place}" for place in range(4)}
    names[await _order(workshop, Priority.LOW, "quiet")] = "quiet"
    assert (await _begun_first(workshop, names)).index("quiet") < 3
