"""Every surface that never calls back, against every behaviour."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

from tests.conformance.judging import judge, judge_books
from tests.conformance.surface import Behaviour, Surface, cases, surfaces

if TYPE_CHECKING:
    from tests.conformance.playing import Played

SURFACES = [surface for surface in surfaces() if "callbacks" not in surface.abilities]
Play = Callable[[Surface], "Awaitable[Played]"]


@pytest.mark.parametrize(("surface", "behaviour"), cases(SURFACES))
async def test_behaviour(play: Play, surface: Surface, behaviour: Behaviour) -> None:
    judge(await play(surface), behaviour)


@pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: surface.name)
async def test_the_books_are_whole_and_every_order_was_witnessed(play: Play, surface: Surface) -> None:
    judge_books(await play(surface))
