"""Arithmetic on the three ways a model offers durations: one by one, as a span, or by counting frames."""

import math

from providers.model import Choices, Durations, Frames, Span

_MICROSECOND = 1e-6


def shortest(durations: Durations) -> float:
    """The shortest duration offered, in seconds."""
    return durations.low if isinstance(durations, Span) else _listed(durations)[0]


def longest(durations: Durations) -> float:
    """The longest duration offered, in seconds."""
    return durations.low + _steps(durations) * durations.step if isinstance(durations, Span) else _listed(durations)[-1]


def exact(durations: Durations, wanted: float) -> float | None:
    """The offered duration that `wanted` names, else None.

    A model that counts frames is named to the nearest frame: 3.57 s means 25 frames at 7 a second.
    """
    tolerance = 0.5 / durations.fps if isinstance(durations, Frames) else _MICROSECOND
    if not math.isfinite(wanted) or wanted <= 0:
        return None
    nearby = _nearest(durations, wanted)
    return nearby if abs(nearby - wanted) <= tolerance else None


def covering(durations: Durations, wanted: float) -> float | None:
    """The shortest offered duration that is at least `wanted`; None when none is (or `wanted` is no length)."""
    if not math.isfinite(wanted) or not 0 < wanted <= longest(durations) + _MICROSECOND:
        return None
    if isinstance(durations, Span):
        steps = math.ceil((wanted - _MICROSECOND - durations.low) / durations.step)
        return durations.low + max(steps, 0) * durations.step
    return next(second for second in _listed(durations) if second >= wanted - _MICROSECOND)


def some(durations: Durations) -> tuple[float, ...]:
    """Every duration that is offered one by one; the ends of a span."""
    return (shortest(durations), longest(durations)) if isinstance(durations, Span) else _listed(durations)


def every(durations: Durations) -> tuple[float, ...]:
    """Every duration that is offered, ascending."""
    if isinstance(durations, Span):
        return tuple(durations.low + step * durations.step for step in range(_steps(durations) + 1))
    return _listed(durations)


def frames(durations: Frames, seconds: float) -> int:
    """The frame count nearest to `seconds`."""
    return min(durations.counts, key=lambda count: abs(count / durations.fps - seconds))


def spoken(durations: Durations) -> str:
    """The choices in words, such as `5 s or 10 s`, `2 to 10 s`, `2 s or 3.571 s (14 or 25 frames at 7 fps)`."""
    if isinstance(durations, Span):
        steps = "" if durations.step == 1 else f" in steps of {durations.step:g} s"
        return f"{durations.low:g} to {longest(durations):g} s{steps or ' in whole seconds'}"
    listed = " or ".join(f"{second:.4g} s" for second in _listed(durations))
    if isinstance(durations, Frames):
        return f"{listed} ({' or '.join(map(str, durations.counts))} frames at {durations.fps:g} fps)"
    return listed


def _listed(durations: Choices | Frames) -> tuple[float, ...]:
    if isinstance(durations, Choices):
        return durations.seconds
    return tuple(count / durations.fps for count in durations.counts)


def _steps(span: Span) -> int:
    return math.floor((span.high - span.low) / span.step + _MICROSECOND)


def _nearest(durations: Durations, wanted: float) -> float:
    if isinstance(durations, Span):
        steps = min(max(round((wanted - durations.low) / durations.step), 0), _steps(durations))
        return durations.low + steps * durations.step
    return min(_listed(durations), key=lambda second: abs(second - wanted))
