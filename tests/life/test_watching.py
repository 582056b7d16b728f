"""Watching: cut and resumed as often as one likes, every event is seen once and in order; strangers see nothing."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest

from core.errors import InvalidRequest, NotFound
from jobs.events import Event, EventKind
from jobs.records import JobState

if TYPE_CHECKING:
    from tests.life.conftest import Workshop

Opened = Callable[..., "Awaitable[Workshop]"]
GEN45 = "runway/gen4.5"


async def _glimpse(watch: AsyncIterator[Event], most: int, patience: float) -> list[Event]:
    """Up to `most` events, until none comes for `patience` seconds; then the watch is cut."""
    seen: list[Event] = []
    try:
        while len(seen) < most:
            seen.append(await asyncio.wait_for(anext(watch), patience))
    except (TimeoutError, StopAsyncIteration):
        pass
    return seen


async def test_a_watch_cut_two_hundred_times_loses_and_repeats_nothing(opened: Opened) -> None:
    workshop = await opened(speed=30.0)
    job_id = await workshop.order(GEN45, variations=6, duration=2.0)
    dice = random.Random(7)
    seen: list[Event] = []
    cuts = 0
    async with asyncio.timeout(60):
        while not seen or seen[-1].kind is not EventKind.ENDED:
            after = seen[-1].seq if seen else 0
            async with aclosing(_watch(workshop, job_id, after)) as watch:
                seen += await _glimpse(watch, dice.randint(1, 3), dice.choice([0.001, 0.004, 0.01]))
            cuts += 1
    assert cuts >= 200
    assert [event.seq for event in seen] == list(range(1, len(seen) + 1))
    assert seen == await workshop.events(job_id)


def _watch(workshop: "Workshop", job_id: str, after: int) -> Any:
    return workshop.jobs.watch(job_id, "acme", after)


async def test_watchers_do_not_disturb_each_other(opened: Opened) -> None:
    workshop = await opened()
    job_id = await workshop.order(GEN45, variations=2, duration=2.0)

    async def follow(after: int) -> list[Event]:
        return [event async for event in workshop.jobs.watch(job_id, "acme", after)]

    whole, rest, *others = await asyncio.gather(follow(0), follow(1), *(follow(0) for _ in range(20)))
    assert whole[-1].kind is EventKind.ENDED
    assert rest == whole[1:]
    assert others == [whole] * 20
    last = len(whole)
    assert await follow(last) == []
    assert await follow(last - 1) == whole[-1:]
    for wrong in (last + 1, -1, 2**40):
        with pytest.raises(InvalidRequest) as refused:
            await follow(wrong)
        assert refused.value.violations[0].field == "after_event"
    await _strangers_see_nothing(workshop, job_id)


async def _strangers_see_nothing(workshop: "Workshop", job_id: str) -> None:
    """For another tenant the job is byte for byte one that never was."""
    video_id = (await workshop.jobs.view(job_id, "acme")).videos[0].id
    never = "job_00000000000000000000000000"

    async def follow(name: str) -> None:
        async for _ in workshop.jobs.watch(name, "rival", 0):
            raise AssertionError("a stranger saw an event")

    for theirs, nobodys in (
        (follow(job_id), follow(never)),
        (workshop.jobs.view(job_id, "rival"), workshop.jobs.view(never, "rival")),
        (workshop.jobs.cancel(job_id, "rival"), workshop.jobs.cancel(never, "rival")),
        (workshop.jobs.video(video_id, "rival"), workshop.jobs.video("vid_00000000000000000000000000", "rival")),
        (workshop.jobs.delete_video(video_id, "rival"), workshop.jobs.delete_video("vid_0", "rival")),
    ):
        answers = []
        for call in (theirs, nobodys):
            with pytest.raises(NotFound) as refused:
                await call
            answers.append(repr(refused.value))
        assert answers[0] == answers[1]


async def test_a_drain_lets_watchers_and_waiters_go(opened: Opened) -> None:
    workshop = await opened()
    await workshop.script("runway", "stuck")
    job_id = await workshop.order(GEN45)
    watching = asyncio.create_task(workshop.events(job_id))
    waiting = asyncio.create_task(workshop.jobs.wait(job_id, 3600))
    await workshop.heard(job_id, EventKind.STARTED)
    await workshop.jobs.drain(1.0)
    async with asyncio.timeout(5):
        events = await watching
        await waiting
    assert events[0].kind is EventKind.ACCEPTED
    assert (await workshop.jobs.view(job_id, "acme")).job.state is JobState.RUNNING


async def test_a_wait_ends_with_its_time(opened: Opened) -> None:
    workshop = await opened()
    await workshop.script("runway", "stuck")
    job_id = await workshop.order(GEN45)
    await workshop.jobs.wait(job_id, 0.2)
    assert not (await workshop.jobs.view(job_id, "acme")).job.state.terminal
