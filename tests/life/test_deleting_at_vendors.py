"""What has been stored here is deleted at the vendors that offer it, if the operator wants that."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

from jobs.records import JobState

if TYPE_CHECKING:
    from tests.life.conftest import Workshop

Opened = Callable[..., "Awaitable[Workshop]"]
OFFER_IT = ("runway/gen4.5", "luma-legacy/ray-2", "google/gemini-omni-1.2-flash", "openai-compatible/sora-2")
OTHERS = ("replicate/minimax-video-01", "luma/ray-3.2")


async def test_vendors_that_offer_it_forget_what_is_stored(opened: Opened) -> None:
    workshop = await opened(policy={"delete_at_vendor": True})
    views = await workshop.all_ended([await workshop.order(model) for model in (*OFFER_IT, *OTHERS)])
    assert [view.job.state for view in views] == [JobState.SUCCEEDED] * len(views)

    async def forgotten() -> bool:
        rows = await workshop.vendor_jobs()
        return {row["vendor"] for row in rows if row["deleted"]} == {model.partition("/")[0] for model in OFFER_IT}

    await workshop.eventually(forgotten)
    for view in views:
        assert await workshop.store.head(view.videos[0].key) is not None
    assert (await workshop.verdict()).faults == ()
    assert await workshop.booked("SETTLE") == await workshop.vendor_bill()


@pytest.mark.parametrize("refusal", ["http-500", "reset"])
async def test_a_vendor_that_does_not_leaves_the_clip_as_it_is(opened: Opened, refusal: str) -> None:
    workshop = await opened(policy={"delete_at_vendor": True})
    await workshop.script("runway", refusal, match="cancel")
    view = await workshop.ended(await workshop.order("runway/gen4.5"))
    assert view.job.state is JobState.SUCCEEDED
    [job] = await workshop.vendor_jobs()
    assert not job["deleted"]


async def test_nothing_is_deleted_unasked(opened: Opened) -> None:
    workshop = await opened()
    view = await workshop.ended(await workshop.order("runway/gen4.5"))

    async def dressed() -> bool:
        return (await workshop.jobs.view(view.job.id, "acme")).videos[0].thumbnail_key is not None

    await workshop.eventually(dressed)
    assert [job["deleted"] for job in await workshop.vendor_jobs()] == [False]
