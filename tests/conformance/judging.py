"""Whether what was seen of a behaviour is what its surface promises: the clip, its orders, its money."""

from collections.abc import Mapping, Sequence

from tests.conformance.playing import Played, Seen
from tests.conformance.surface import Behaviour, Expected, Surface

_BASES: Mapping[str, Sequence[str]] = {
    "vendor": ("stated by the vendor", "metered by the vendor"),
    "tokens": ("tokens metered by the vendor",),
    "price": ("price",),
}
"""The member `cost` of the facts: which words the books give as the basis of a delivered clip's cost."""


def judge(played: Played, behaviour: Behaviour) -> None:
    """Raises AssertionError where a surface does not do as it says."""
    surface, seen = played.surface, played.seen[behaviour.name]
    expected = surface.expected(behaviour)
    assert behaviour.name not in played.unstruck, "the fault never struck"
    wanted = {name: value for name, value in vars(expected).items() if name != "exact"}
    assert {name: getattr(seen, name) for name in wanted} == wanted, seen
    _money(seen, expected)
    if expected.state == "SUCCEEDED":
        _delivered(surface, seen, expected)
    if expected.state == "NEEDS_RESOLUTION":
        assert seen.later == ("SUCCEEDED" if expected.jobs else "FAILED"), seen
        assert seen.later_booked == seen.later_charged or not expected.jobs, seen
    else:
        assert seen.held == 0, seen


def _money(seen: Seen, expected: Expected) -> None:
    match expected.billed:
        case "YES":
            assert seen.booked == seen.charged > 0 or not expected.exact, seen
        case "NO":
            assert seen.booked == seen.charged == 0, seen
        case "HELD":
            assert seen.booked == 0 < seen.held, seen
        case _:
            assert seen.booked > 0, seen


def _delivered(surface: Surface, seen: Seen, expected: Expected) -> None:
    assert seen.clips == 1, seen
    words = _BASES[surface.facts["cost"] if expected.exact else "price"]
    assert any(word in seen.basis for word in words), seen


def judge_books(played: Played) -> None:
    """Nothing is missing in our ledger, and the emulator witnessed every order that left us, and no other."""
    assert list(played.books) == []
    sent, witnessed = played.orders
    assert sent == witnessed > 0
