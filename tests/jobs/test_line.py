"""The line before the places: owners take turns, nobody is lost, and who would wait in vain is told at once."""

import asyncio
import contextlib
import time

import pytest

from jobs.line import NoPlace, Places

MOST = 4


class Crowd:
    """Callers that stay until they are let go."""

    def __init__(self) -> None:
        self.places = Places(time.monotonic)
        self.inside: list[str] = []
        self.refused: list[str] = []
        self._doors: list[asyncio.Event] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def come(self, owner: str, count: int = 1, patience: float = 60.0) -> list[asyncio.Task[None]]:
        """So many callers more, each as far as it gets."""
        tasks = [asyncio.create_task(self._stay(owner, patience)) for _ in range(count)]
        self._tasks += tasks
        await asyncio.sleep(0)
        return tasks

    async def _stay(self, owner: str, patience: float) -> None:
        try:
            async with self.places.place(owner, MOST, patience):
                self.inside.append(owner)
                door = asyncio.Event()
                self._doors.append(door)
                await door.wait()
        except NoPlace:
            self.refused.append(owner)

    async def let_go(self, count: int = 1) -> None:
        """Let those that have been inside longest go, one after the other."""
        for _ in range(count):
            self._doors.pop(0).set()
            for _ in range(4):
                await asyncio.sleep(0)

    async def empty(self) -> None:
        """Let all go; nothing may be left behind."""
        while self._doors:
            await self.let_go()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        assert (self.places.taken, self.places.waiting) == (0, 0)
        assert not self.places._line
        assert not self.places._in_line
        assert not self.places._taken


async def test_owners_take_turns_however_many_wait() -> None:
    crowd = Crowd()
    await crowd.come("loud", 30)
    assert crowd.inside == ["loud"] * MOST
    await crowd.come("quiet", 2)
    assert crowd.inside[MOST:] == ["quiet"] * 2  # below its share: it need not wait
    await crowd.come("quiet", 2)
    assert crowd.places.waiting == 28
    await crowd.let_go(7)
    assert crowd.inside.count("quiet") == 4
    assert crowd.places.taken == MOST
    await crowd.empty()
    assert len(crowd.inside) == 34
    assert crowd.refused == []


async def test_whoever_leaves_or_has_waited_long_enough_is_no_longer_in_the_line() -> None:
    crowd = Crowd()
    await crowd.come("acme", MOST)
    hasty = await crowd.come("acme", 2, patience=0.05)
    gone = await crowd.come("acme", 3)
    stays = await crowd.come("acme")
    await asyncio.gather(*hasty)
    assert crowd.refused == ["acme"] * 2
    for task in gone:
        task.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    assert crowd.places.waiting == len(stays)
    await crowd.let_go()
    assert len(crowd.inside) == MOST + 1
    await crowd.empty()


async def test_a_place_that_is_given_to_one_who_goes_just_then_is_given_on() -> None:
    crowd = Crowd()
    await crowd.come("acme", MOST)
    [first] = await crowd.come("acme")
    await crowd.come("acme")
    crowd._doors.pop(0).set()
    while crowd.places.waiting == 2:  # noqa: ASYNC110 - two turns of the loop
        await asyncio.sleep(0)
    first.cancel()  # it has its place, and has not heard of it
    with contextlib.suppress(asyncio.CancelledError):
        await first
    await asyncio.sleep(0)
    assert crowd.places.taken == MOST
    assert len(crowd.inside) == MOST + 1
    await crowd.empty()


async def test_a_line_is_only_so_long_and_one_owner_has_it_not_for_itself() -> None:
    crowd = Crowd()
    await crowd.come("loud", MOST + 8 * MOST)
    assert crowd.places.waiting == 8 * MOST
    await crowd.come("loud", 5)
    assert crowd.refused == ["loud"] * 5
    await crowd.come("quiet", 4 * MOST)
    assert crowd.inside.count("quiet") > 0
    assert "quiet" not in crowd.refused
    await crowd.empty()


async def test_who_would_wait_in_vain_is_told_at_once_how_long_the_line_is() -> None:
    crowd = Crowd()
    crowd.places._seconds = 2.0  # what one takes, lately
    await crowd.come("acme", MOST + 8, patience=3.0)
    assert crowd.places.waiting == 7  # two seconds for four: the eighth would come too late
    with pytest.raises(NoPlace) as refused:
        async with crowd.places.place("acme", MOST, 3.0):
            pass
    assert refused.value.wait == pytest.approx(4.0)
    await crowd.empty()
