"""Places for what is worked on at once, and the line before them: owners take turns in it.

Waiting costs a server next to nothing, and refusing costs it a call: callers who come back at once whatever they are
told would take half of what it can do. So who finds no place waits for one, as long as the line moves.
"""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

LONGEST_STAY = 5.0
"""Seconds that anybody stands in the line."""
_HARD = 4
"""Places, as a multiple of what is worked on at once, beyond which even an owner below its share has to wait."""
_LENGTH = 8
"""Callers in the line, for each of what is worked on at once; twice as many for owners below their share of it."""


class NoPlace(Exception):
    """There is no place, and will not be in time."""

    def __init__(self, wait: float) -> None:
        """`wait`: seconds until the line is through."""
        super().__init__(wait)
        self.wait = wait


@dataclass(eq=False, slots=True)
class _Waiter:
    """A caller in the line. Its future is True when it has a place, False when its time is over."""

    owner: str
    future: asyncio.Future[bool]

    def give_up(self) -> None:
        """Its time is over, unless it was its turn before."""
        if not self.future.done():
            self.future.set_result(False)


class Places:
    """So many at once, and who waits for it."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.taken = 0
        self.waiting = 0
        self._monotonic = monotonic
        self._taken: Counter[str] = Counter()
        self._line: dict[str, deque[_Waiter]] = {}
        """By owner, whose turn it is first."""
        self._in_line: Counter[str] = Counter()
        self._seconds = 0.1
        """What one takes, lately."""

    @contextlib.asynccontextmanager
    async def place(self, owner: str, most: int, patience: float = LONGEST_STAY) -> AsyncIterator[None]:
        """Hold one of `most` places, waited for no longer than `patience`. Raises NoPlace."""
        if not self._at_once(owner, most):
            await self._wait(owner, most, min(patience, LONGEST_STAY))
        begin = self._monotonic()
        try:
            yield
        finally:
            self._seconds += 0.1 * (self._monotonic() - begin - self._seconds)
            self._leave(owner, most)

    def through(self, most: int) -> float:
        """Seconds until all who wait now have had their turn."""
        return max(self._seconds, 0.01) * (self.waiting + 1) / most

    def _at_once(self, owner: str, most: int) -> bool:
        free = self.taken < most and not self.waiting
        if free or (self.taken < _HARD * most and self._taken[owner] < _share(self._taken, owner, most)):
            self._take(owner)
            return True
        return False

    def _take(self, owner: str) -> None:
        self.taken += 1
        self._taken[owner] += 1

    def _leave(self, owner: str, most: int) -> None:
        self.taken -= 1
        _less(self._taken, owner)
        while self.taken < most and (waiter := self._next()) is not None:
            self._take(waiter.owner)
            waiter.future.set_result(True)

    def _next(self) -> _Waiter | None:
        """Take the first of the owner whose turn it is out of the line."""
        while self._line:
            owner = next(iter(self._line))
            waiters = self._line.pop(owner)
            waiter = waiters.popleft()
            if waiters:
                self._line[owner] = waiters
            self._count_out(owner)
            if not waiter.future.done():
                return waiter
        return None

    def _check_length(self, owner: str, most: int, patience: float) -> None:
        """Raises NoPlace where waiting would be in vain."""
        full = self.waiting >= _LENGTH * most
        if full and self.waiting < 2 * _LENGTH * most:
            full = self._in_line[owner] >= _share(self._in_line, owner, _LENGTH * most)
        ahead = min(self.waiting, self._in_line[owner] * len(self._line.keys() | {owner}))
        if full or max(self._seconds, 0.01) * ahead / most > patience:
            raise NoPlace(self.through(most))

    async def _wait(self, owner: str, most: int, patience: float) -> None:
        self._check_length(owner, most, patience)
        loop = asyncio.get_running_loop()
        waiter = _Waiter(owner, loop.create_future())
        self._line.setdefault(owner, deque()).append(waiter)
        self.waiting += 1
        self._in_line[owner] += 1
        timer = loop.call_later(patience, waiter.give_up)
        try:
            if not await waiter.future:
                raise NoPlace(self.through(most))
        except asyncio.CancelledError:
            if not waiter.future.cancelled() and waiter.future.result():
                self._leave(owner, most)  # it had just been given a place
            raise
        finally:
            timer.cancel()
            self._remove(waiter)

    def _remove(self, waiter: _Waiter) -> None:
        """Take one that has gone out of the line, unless it had its turn."""
        waiters = self._line.get(waiter.owner)
        if waiters is not None and waiter in waiters:
            waiters.remove(waiter)
            if not waiters:
                del self._line[waiter.owner]
            self._count_out(waiter.owner)

    def _count_out(self, owner: str) -> None:
        self.waiting -= 1
        _less(self._in_line, owner)


def _share(counts: Counter[str], owner: str, most: int) -> int:
    """What an owner may have of so many, as long as others have some too."""
    return max(1, most // len({*counts, owner}))


def _less(counts: Counter[str], owner: str) -> None:
    counts[owner] -= 1
    if not counts[owner]:
        del counts[owner]
