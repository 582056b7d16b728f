"""The length to buy for a film's scene, which is trimmed to its place when the film is joined. Brief E3."""

from dataclasses import dataclass

from providers import durations
from providers.model import Durations, Span

BUFFER = 1.25
"""How much longer a scene of a continuous model is bought than it is shown."""
LONGEST = 10.0
"""Seconds beyond which no scene is lengthened."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Buffered:
    """A scene's length: as it is to be shown, and as it is bought. All in seconds."""

    target: float
    bought: float
    short: bool
    """The model makes nothing as long as the target: the scene will be shorter."""

    @property
    def share(self) -> float:
        """The part of what is bought that is there to be trimmed away, 0 to 1."""
        return max(0.0, self.bought - self.target) / self.bought


def buffered(offered: Durations, target: float, *, buffer: float = BUFFER, longest: float = LONGEST) -> Buffered:
    """What to buy of these durations for a scene of `target` seconds (more than 0).

    Models with a choice of lengths, or that count frames, are rounded up; continuous ones get `buffer` times the
    target, at most `longest` and the model's own maximum, but never less than the target where the model can.
    """
    most = durations.longest(offered)
    wanted = max(target, min(target * buffer, longest)) if isinstance(offered, Span) else target
    covering = durations.covering(offered, min(wanted, most))
    bought = most if covering is None else covering
    return Buffered(target=target, bought=bought, short=bought < target - 1e-6)
