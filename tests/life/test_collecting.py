"""Bringing the clip home: what goes wrong with a file is healed, or told; what was paid for is never bought again."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import Billed, FailureReason
from core.spec import MediaInput
from jobs.collect import Collecting
from jobs.orders import JobView
from jobs.records import JobState
from jobs.sender import Sender

if TYPE_CHECKING:
    from tests.life.conftest import Workshop

Opened = Callable[..., "Awaitable[Workshop]"]
MODELS: Mapping[str, str] = {"runway": "runway/gen4.5", "replicate": "replicate/minimax-video-01"}
DOWNLOAD_FAULTS: Mapping[str, Mapping[str, Any]] = {
    "expired-url": {},
    "truncated": {},
    "truncated-unsized": {},
    "trickle": {},
    "wrong-content": {},
    "empty": {},
    "huge": {"bytes": 80 << 20},
    "http-500": {},
    "timeout": {},
    "reset": {},
    "reset-in-body": {},
    "redirect-302": {},
}
HASTE = {"download_deadline": 3.0, "max_output_bytes": 16 << 20}
ALWAYS = 1000


async def _struck(workshop: "Workshop", vendor: str, faults: Mapping[str, Mapping[str, Any]], times: int) -> list[str]:
    ids = []
    for fault, options in faults.items():
        prompt = f"its file meets {fault} there"
        await workshop.script(
            vendor, fault, match="download", contains=f"meets {fault} there", times=times, options=dict(options)
        )
        wish = 2.0 if vendor == "runway" else None
        ids.append(await workshop.order(MODELS[vendor], prompt=prompt, duration=wish))
    return ids


async def test_every_fault_of_a_download_is_healed_by_asking_again(opened: Opened) -> None:
    workshop = await opened(policy=HASTE)
    ids = await _struck(workshop, "runway", DOWNLOAD_FAULTS, 1)
    ids += await _struck(workshop, "replicate", {"expired-url": {}, "truncated": {}}, 1)
    views = await workshop.all_ended(ids)
    assert [view.job.failure for view in views] == [None] * len(ids)
    for view in views:
        [video] = view.videos
        stored = await workshop.store.head(video.key)
        assert stored is not None
        assert stored.sha256 == video.sha256
    assert len(await workshop.vendor_jobs()) == len(ids)
    assert await workshop.booked("SETTLE") == await workshop.vendor_bill()
    assert (await workshop.verdict()).faults == ()


async def test_a_file_that_never_comes_is_paid_and_not_bought_again(opened: Opened) -> None:
    workshop = await opened(policy=HASTE | {"download_deadline": 1.5})
    faults = {
        "expired-url": FailureReason.DOWNLOAD_FAILED,
        "truncated": FailureReason.DOWNLOAD_FAILED,
        "trickle": FailureReason.DOWNLOAD_FAILED,
        "huge": FailureReason.DOWNLOAD_FAILED,
        "wrong-content": FailureReason.BAD_OUTPUT,
        "truncated-unsized": FailureReason.BAD_OUTPUT,
    }
    options = {fault: DOWNLOAD_FAULTS[fault] for fault in faults}
    ids = [job_id for vendor in MODELS for job_id in await _struck(workshop, vendor, options, ALWAYS)]
    views = await workshop.all_ended(ids)
    assert [_told(view) for view in views] == [(reason, Billed.YES, 1) for reason in faults.values()] * 2
    assert len(await workshop.vendor_jobs()) == 2 * len(faults)
    assert await workshop.booked("SETTLE") == await workshop.vendor_bill() > 0
    assert (await workshop.verdict()).faults == ()
    assert list(workshop.jobs.context.temp_dir.iterdir()) == []


def _told(view: JobView) -> tuple[FailureReason, Billed, int]:
    assert view.job.state is JobState.FAILED
    assert view.job.failure is not None
    assert not view.cost_unknown
    return view.job.failure.reason, view.job.failure.billed, len(view.clips[0].attempts)


async def test_success_without_an_output_is_bad_output_and_paid(opened: Opened) -> None:
    workshop = await opened()
    for vendor in MODELS:
        await workshop.script(vendor, "no-output", match="poll", times=1)
    views = await workshop.all_ended([await workshop.order(model) for model in MODELS.values()])
    for view in views:
        assert view.job.failure is not None
        assert (view.job.failure.reason, view.job.failure.billed) in (
            (FailureReason.BAD_OUTPUT, Billed.YES),
            (FailureReason.BAD_OUTPUT, Billed.UNKNOWN),
        )
        assert len(view.clips[0].attempts) == 1


async def test_a_black_clip_is_delivered_with_a_warning(opened: Opened) -> None:
    workshop = await opened()
    await workshop.script("runway", "black")
    view = await workshop.ended(await workshop.order("runway/gen4.5", duration=2.0))
    assert view.job.state is JobState.SUCCEEDED
    assert len(view.videos) == 1
    assert [notice["code"] for notice in view.clips[0].clip.notices] == ["QUALITY_SUSPECT"] * len(
        view.clips[0].clip.notices
    )
    assert any("black" in notice["message"] for notice in view.clips[0].clip.notices)
    assert view.cost.micros == await workshop.vendor_bill() == 240_000


async def test_a_store_that_fails_for_good_is_told_and_nothing_is_bought_again(opened: Opened) -> None:
    workshop = await opened()
    _break_store(workshop)
    view = await workshop.ended(await workshop.order("runway/gen4.5", duration=2.0))
    assert _told(view) == (FailureReason.STORAGE_FAILED, Billed.YES, 1)
    assert view.videos == []
    assert view.cost.micros == await workshop.vendor_bill() == 240_000
    assert len(await workshop.vendor_jobs()) == 1
    assert (await workshop.verdict()).faults == ()


async def test_a_store_that_comes_back_gets_the_clip(opened: Opened) -> None:
    workshop = await opened(policy={"retry_base": 0.3, "retry_longest": 2.0})
    obstacle = _break_store(workshop)
    job_id = await workshop.order("runway/gen4.5", duration=2.0)

    async def downloaded() -> bool:
        return any(workshop.jobs.context.temp_dir.glob("*.mp4"))

    await workshop.eventually(downloaded)
    obstacle.unlink()
    view = await workshop.ended(job_id)
    assert view.job.state is JobState.SUCCEEDED
    assert await workshop.store.head(view.videos[0].key) is not None


def _break_store(workshop: "Workshop") -> Path:
    """Put a file where the store needs a directory."""
    obstacle = workshop.data_dir / "media" / "files" / "videos"
    obstacle.parent.mkdir(parents=True, exist_ok=True)
    obstacle.touch()
    return obstacle


async def test_what_costs_more_than_was_held_is_booked_whole(opened: Opened) -> None:
    workshop = await opened()
    await workshop.script("replicate", "slow-job", options={"factor": 20})
    frame = MediaInput(uri="https://example.com/frame.png", mime_type="image/png")
    view = await workshop.ended(await workshop.order("replicate/stable-video-diffusion", first_frame=frame))
    assert view.job.state is JobState.SUCCEEDED
    assert view.cost.micros == await workshop.vendor_bill() == 1_260_000
    assert await workshop.booked("HOLD") == 840_000
    assert await workshop.booked("ADJUST") == 420_000
    assert view.held.micros == 0
    assert (await workshop.verdict()).faults == ()


async def test_what_a_killed_worker_had_half_written_goes_with_the_clip(opened: Opened) -> None:
    workshop = await opened()
    [view] = await workshop.all_ended([await workshop.order(MODELS["runway"])])
    [clip] = view.clips
    context = workshop.jobs.context
    left = context.temp_dir / f".{clip.attempts[-1].id}.normal.mp4.20711.part"
    other = context.temp_dir / ".att_another.normal.mp4.20711.part"
    for path in (left, other):
        path.write_bytes(b"half a clip")
    await Collecting(context, Sender(context)).dress(clip.clip.id)
    assert (left.exists(), other.exists()) == (False, True)
