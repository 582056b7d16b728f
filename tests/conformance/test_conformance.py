"""Every surface against every behaviour: what becomes of the clip, how often it was ordered, and what it cost."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.surface import Behaviour, Surface, surfaces

if TYPE_CHECKING:
    from tests.conformance.playing import Played

SURFACES = surfaces()
Play = Callable[[Surface], "Awaitable[Played]"]
_BASES = {
    "vendor": ("stated by the vendor", "metered by the vendor"),
    "tokens": ("tokens metered by the vendor",),
    "price": ("price",),
}
"""The member `cost` of the facts: which words the books give as the basis of a delivered clip's cost."""


def _cases() -> list[Any]:
    return [
        pytest.param(surface, behaviour, id=f"{surface.name}-{behaviour.name}")
        for surface in SURFACES
        for behaviour in surface.playable()
    ]


@pytest.mark.parametrize(("surface", "behaviour"), _cases())
async def test_behaviour(play: Play, surface: Surface, behaviour: Behaviour) -> None:
    played = await play(surface)
    seen, expected = played.seen[behaviour.name], surface.expected(behaviour)
    assert behaviour.name not in played.unstruck, "the fault never struck"
    wanted = {name: value for name, value in vars(expected).items() if name != "exact"}
    assert {name: getattr(seen, name) for name in wanted} == wanted, seen
    match expected.billed:
        case "YES":
            assert seen.booked == seen.charged or not expected.exact
        case "NO":
            assert seen.booked == seen.charged == 0
        case "HELD":
            assert seen.booked == 0 < seen.held
        case _:
            assert seen.booked > 0
    if expected.state == "SUCCEEDED":
        assert seen.clips == 1
        assert any(word in seen.basis for word in _BASES[surface.facts["cost"]]), seen.basis
    if seen.later == "SUCCEEDED":
        assert seen.later_booked == seen.later_charged
    if expected.state == "NEEDS_RESOLUTION":
        assert seen.later == ("SUCCEEDED" if expected.jobs else "FAILED")
    else:
        assert seen.held == 0


@pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: surface.name)
async def test_the_books_are_whole_and_every_order_was_witnessed(play: Play, surface: Surface) -> None:
    played = await play(surface)
    assert list(played.books) == []
    sent, witnessed = played.orders
    assert sent == witnessed > 0
