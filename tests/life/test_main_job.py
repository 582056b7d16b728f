"""The main job: both vendors, text and image, variations; the money, the key, the events."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

from core.spec import MediaInput
from jobs.events import EventKind
from jobs.records import JobState

if TYPE_CHECKING:
    from tests.life.conftest import Workshop

Opened = Callable[..., "Awaitable[Workshop]"]


@pytest.mark.parametrize("webhooks", [False, True])
@pytest.mark.parametrize("model", ["runway/gen4.5", "replicate/minimax-video-01", "replicate/kling-v2.5-turbo-pro"])
async def test_a_text_job_ends_stored_and_settled(opened: Opened, model: str, webhooks: bool) -> None:
    workshop = await opened(webhooks=webhooks)
    view = await workshop.ended(await workshop.order(model))
    assert view.job.state is JobState.SUCCEEDED, view.job.failure
    [clip] = view.clips
    [video] = view.videos
    created = view.job.create_time
    assert video.key == f"videos/acme/{created:%Y%m%d_%H%M%S}-spring-001.mp4"
    stored = await workshop.store.head(video.key)
    assert stored is not None
    assert (stored.size, stored.sha256) == (video.size, video.sha256)
    assert {"tenant", "creative_id", "iteration", "original_url", "upload_time"} <= set(stored.metadata)
    assert "?" not in stored.metadata["original_url"]
    assert clip.cost.micros == sum(row["billed_micros"] for row in await workshop.vendor_jobs())
    assert view.held.micros == 0
    assert (await workshop.verdict()).faults == ()
    assert await workshop.booked("HOLD") == await workshop.booked("SETTLE") + await workshop.booked("RELEASE")


async def test_an_image_job_sends_the_image(opened: Opened, frame: MediaInput) -> None:
    workshop = await opened()
    view = await workshop.ended(await workshop.order("runway/gen4_turbo", first_frame=frame, duration=5.0))
    assert view.job.state is JobState.SUCCEEDED, view.job.failure
    [post] = await workshop.vendor_ledger()
    assert post["path"].endswith("/v1/image_to_video")


async def test_variations_are_numbered_and_differ_by_seed(opened: Opened) -> None:
    workshop = await opened()
    view = await workshop.ended(await workshop.order("runway/gen4.5", variations=3, seed=7))
    assert [clip.clip.iteration for clip in view.clips] == [1, 2, 3]
    assert [clip.clip.candidates[0].spec["seed"] for clip in view.clips] == [7, 8, 9]
    second = await workshop.ended(await workshop.order("runway/gen4.5"))
    assert [clip.clip.iteration for clip in second.clips] == [4]


async def test_events_are_numbered_without_gap_and_name_no_url(opened: Opened) -> None:
    workshop = await opened()
    view = await workshop.ended(await workshop.order("runway/gen4.5", variations=2))
    events = await workshop.events(view.job.id)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert events[0].kind is EventKind.ACCEPTED
    assert events[-1].kind is EventKind.ENDED
    assert view.job.last_event == len(events)
    assert not any("http" in str(event.body) for event in events)


async def test_one_failing_variation_leaves_the_others(opened: Opened) -> None:
    workshop = await opened()
    await workshop.script("runway", "fail-SAFETY.OUTPUT.VIDEO")
    view = await workshop.ended(await workshop.order("runway/gen4.5", variations=4))
    assert view.job.state is JobState.PARTIALLY_SUCCEEDED
    assert len(view.videos) == 3
    assert (await workshop.verdict()).faults == ()


async def test_thumbnails_follow_in_the_background(opened: Opened) -> None:
    workshop = await opened()
    view = await workshop.ended(await workshop.order("runway/gen4.5"))
    [video] = view.videos

    async def dressed() -> bool:
        return (await workshop.jobs.video(video.id, "acme")).thumbnail_key is not None

    await workshop.eventually(dressed)
    found = await workshop.jobs.video(video.id, "acme")
    assert found.thumbnail_key is not None
    stored = await workshop.store.head(found.thumbnail_key)
    assert stored is not None
    assert stored.content_type == "image/jpeg"


async def test_a_restarted_process_goes_on(opened: Opened) -> None:
    workshop = await opened(speed=60.0)
    job_id = await workshop.order("runway/gen4.5", variations=3)
    await workshop.until(job_id, lambda view: all(clip.attempts for clip in view.clips))
    await workshop.close()
    await workshop.open()
    view = await workshop.ended(job_id)
    assert view.job.state is JobState.SUCCEEDED
    assert len(await workshop.vendor_jobs()) == 3
