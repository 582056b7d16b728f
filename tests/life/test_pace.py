"""How often vendors are asked: one budget for all callers, and run times learned from our own history."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from jobs.pace import Budget, History, past_runs

if TYPE_CHECKING:
    from tests.life.conftest import Workshop

Opened = Callable[..., "Awaitable[Workshop]"]


async def test_a_seconds_worth_may_come_at_once_and_the_rest_waits_its_turn() -> None:
    budget = Budget(per_second=50.0, monotonic=time.monotonic)
    start = time.monotonic()
    await asyncio.gather(*(budget.turn() for _ in range(50)))
    assert time.monotonic() - start < 0.5
    await asyncio.gather(*(budget.turn() for _ in range(25)))
    assert 0.4 <= time.monotonic() - start < 1.5


def test_our_own_history_counts_once_there_is_enough_of_it() -> None:
    history = History()
    for seconds in (10, 20, 30, 40):
        history.add("runway", "runway/gen4.5", seconds)
    assert history.typical("runway", "runway/gen4.5", (75, 180)) == (75, 180)
    history.add("runway", "runway/gen4.5", 50)
    assert history.typical("runway", "runway/gen4.5", (75, 180)) == (30, 46)
    assert history.typical("mock:runway", "runway/gen4.5", (75, 180)) == (75, 180)
    for _ in range(1000):
        history.add("runway", "runway/gen4.5", 7)
    assert history.typical("runway", "runway/gen4.5", (75, 180)) == (7, 7)


async def test_a_new_process_knows_what_the_old_one_learned(opened: Opened) -> None:
    workshop = await opened()
    view = await workshop.ended(await workshop.order("runway/gen4.5", duration=2.0, variations=5))
    await workshop.script("runway", "fail-ASSET.INVALID")
    await workshop.ended(await workshop.order("runway/gen4.5", duration=2.0))
    runs = await workshop.database.read(past_runs)
    assert len(runs) == len(view.clips) == 5
    assert {(endpoint, model) for endpoint, model, _ in runs} == {("mock:runway", "runway/gen4.5")}
    assert all(0 < seconds < 30 for _, _, seconds in runs)
    await workshop.close()
    await workshop.open()
    assert workshop.jobs.context.history.typical("mock:runway", "runway/gen4.5", (75, 180)) != (75, 180)
