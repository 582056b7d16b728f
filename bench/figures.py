"""One measured thing, and the little arithmetic that all sections share."""

from collections.abc import Sequence
from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One measured thing. Without a goal it is there to read the others by."""

    name: str
    got: str
    goal: str = ""
    ratio: str = ""
    """To the named peer, from the same run."""
    met: bool | None = None


def at_most(name: str, got: float, goal: float, unit: str, ratio: str = "") -> Figure:
    """A figure that shall be small."""
    return Figure(
        name=name, got=f"{number(got)} {unit}", goal=f"<= {number(goal)} {unit}", ratio=ratio, met=got <= goal
    )


def at_least(name: str, got: float, goal: float, unit: str, ratio: str = "") -> Figure:
    """A figure that shall be large."""
    return Figure(
        name=name, got=f"{number(got)} {unit}", goal=f">= {number(goal)} {unit}", ratio=ratio, met=got >= goal
    )


def told(name: str, got: float, unit: str, ratio: str = "") -> Figure:
    """A figure without a goal."""
    return Figure(name=name, got=f"{number(got)} {unit}".strip(), ratio=ratio)


def number(value: float) -> str:
    """Three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of an ascending, non-empty sequence lies."""
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
