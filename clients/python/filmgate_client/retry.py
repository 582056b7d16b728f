"""When to try again, and when to give up; pure, so that both clients share it."""

import random
import time
from collections.abc import Callable

import grpc

from filmgate_client.errors import FilmgateCallError

_FIRST_DELAY = 0.1
_LONGEST_DELAY = 5.0
_BROKEN_ON_THE_WAY = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }
)


def may_repeat(error: FilmgateCallError) -> bool:
    """Whether the same call, with the same request id, is worth sending again: the server was away."""
    return error.code is grpc.StatusCode.UNAVAILABLE


def may_resume(error: FilmgateCallError) -> bool:
    """Whether a stream broke on the way; an answer of Filmgate itself counts only when the server was away."""
    return may_repeat(error) or (not error.from_filmgate and error.code in _BROKEN_ON_THE_WAY)


class Patience:
    """Delays between tries until `seconds` have passed without progress: none, then 0.1 s doubling to 5 s, jittered."""

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self.progressed()

    def progressed(self) -> None:
        """Start anew: something worked."""
        self._delay = 0.0
        self._end = self._clock() + self._seconds

    def delay(self, error: FilmgateCallError) -> float:
        """Seconds to sleep before the next try; raises `error` when patience would be over by then.

        A time named by the server is waited out in full, never shortened.
        """
        jittered = self._delay * random.uniform(0.75, 1.25)  # noqa: S311 - spreads clients, protects nothing
        wait = jittered if error.retry_after is None else max(error.retry_after, jittered)
        self._delay = min(max(self._delay * 2, _FIRST_DELAY), _LONGEST_DELAY)
        if self._clock() + wait > self._end:
            raise error
        return wait


class Deadline:
    """An end in time, or none."""

    def __init__(self, seconds: float | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = None if seconds is None else clock() + seconds

    @property
    def left(self) -> float | None:
        """Seconds left, at least 0; None when there is no end."""
        return None if self._end is None else max(self._end - self._clock(), 0.0)

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return self.left == 0.0

    def within(self, delay: float) -> float:
        """The delay, shortened to what is left."""
        return delay if self.left is None else min(delay, self.left)
