"""Vendor time: how wall-clock time and the emulated vendor's own, faster time map onto each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """From `wall` (Unix seconds) on, vendor time runs `speed` times as fast, starting at `work` seconds."""

    wall: float
    work: float
    speed: float


class Timeline:
    """A monotone map between wall seconds and vendor seconds; a change of speed never moves the past."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self.segments = list(segments)

    @property
    def speed(self) -> float:
        """Vendor seconds per wall second, from the last change on."""
        return self.segments[-1].speed

    def work_at(self, wall: float) -> float:
        """Vendor seconds at this wall time."""
        segment = next((each for each in reversed(self.segments) if each.wall <= wall), self.segments[0])
        return segment.work + (wall - segment.wall) * segment.speed

    def wall_at(self, work: float) -> float:
        """The wall time at which the vendor's clock shows `work`; infinite stays infinite."""
        if work == inf:
            return inf
        segment = next((each for each in reversed(self.segments) if each.work <= work), self.segments[0])
        return segment.wall + (work - segment.work) / segment.speed

    def change(self, wall: float, speed: float) -> Segment:
        """Run at another speed from `wall` on; returns the new segment."""
        segment = Segment(wall=wall, work=self.work_at(wall), speed=speed)
        self.segments.append(segment)
        return segment
