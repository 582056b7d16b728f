"""The length bought for a film's scene follows from the type of the model's durations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import durations
from providers.buffer import LONGEST, buffered
from providers.model import Choices, Durations, Frames, Span

VEO = Choices((4, 6, 8))
KLING = Choices((5, 10))
GEN45 = Span(low=2, high=10)
KLING3 = Span(low=3, high=15)
SVD = Frames(counts=(14, 25), fps=7)


@pytest.mark.parametrize(
    ("offered", "target", "bought"),
    [
        (VEO, 5.0, 6.0),  # difference 13: Veo has choices, so nothing is multiplied
        (VEO, 6.0, 6.0),
        (VEO, 9.0, 8.0),
        (KLING, 5.0, 5.0),
        (KLING, 5.1, 10.0),
        (SVD, 3.0, 25 / 7),
        (GEN45, 4.0, 5.0),
        (GEN45, 5.0, 7.0),
        (GEN45, 9.0, 10.0),
        (KLING3, 9.0, 10.0),
        (KLING3, 12.0, 12.0),
        (KLING3, 20.0, 15.0),
        (GEN45, 0.5, 2.0),
    ],
)
def test_what_is_bought(offered: Durations, target: float, bought: float) -> None:
    found = buffered(offered, target)
    assert found.bought == pytest.approx(bought)
    assert found.target == target
    assert found.short == (bought < target)


@given(
    offered=st.sampled_from([VEO, KLING, GEN45, KLING3, SVD]),
    target=st.floats(0.1, 60),
    buffer=st.floats(1.0, 2.0),
)
def test_it_is_offered_long_enough_and_never_longer_than_needed(
    offered: Durations, target: float, buffer: float
) -> None:
    found = buffered(offered, target, buffer=buffer)
    assert durations.exact(offered, found.bought) == pytest.approx(found.bought)
    assert found.short == (target > durations.longest(offered) + 1e-6)
    assert 0.0 <= found.share < 1.0
    if isinstance(offered, Span) and not found.short:
        assert found.bought <= max(target, min(target * buffer, LONGEST), offered.low) + offered.step
