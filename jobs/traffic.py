"""How many webhooks may be under way, in all and to each origin, so that those that hang do not delay the others."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

AT_ONCE = 256
"""Of one process."""
AT_FIRST = 4
"""To an origin that nothing is known of."""
AT_MOST = 32
"""To an origin that answers."""
TROUBLED_AT_ONCE = 64
"""To all origins together that gave no answer last time: one each."""
_MOST_KNOWN = 10_000


@dataclass(frozen=True, slots=True)
class Room:
    """What may be started now."""

    left: int
    troubled_left: int
    taken: Mapping[str, int]
    allowed: Mapping[str, int]

    @property
    def full(self) -> frozenset[str]:
        """Origins to which nothing more may be started."""
        return frozenset(origin for origin, count in self.taken.items() if count >= self.allowed.get(origin, AT_FIRST))

    def choose(self, candidates: Sequence[tuple[str, str]]) -> list[str]:
        """Of (id, origin) by age, the ids that fit."""
        taken, chosen, troubled = Counter(self.taken), list[str](), 0
        for name, origin in candidates:
            allowed = self.allowed.get(origin, AT_FIRST)
            if len(chosen) >= self.left or taken[origin] >= allowed:
                continue
            if allowed == 1 and troubled >= self.troubled_left:
                continue
            troubled += allowed == 1
            taken[origin] += 1
            chosen.append(name)
        return chosen


class Traffic:
    """Counts what is under way. An origin that answers may get more at once; one that does not gets one at a time."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()
        self._allowed: dict[str, int] = {}

    def room(self) -> Room:
        """What may be started now."""
        troubled = sum(self._allowed.get(origin) == 1 for origin in self._taken)
        return Room(
            left=AT_ONCE - self._taken.total(),
            troubled_left=TROUBLED_AT_ONCE - troubled,
            taken=dict(self._taken),
            allowed=dict(self._allowed),
        )

    def start(self, origin: str) -> None:
        """One more is under way."""
        self._taken[origin] += 1

    def end(self, origin: str, *, answered: bool) -> None:
        """One has ended, with an answer of whatever kind or without."""
        self._taken[origin] -= 1
        if not self._taken[origin]:
            del self._taken[origin]
        if len(self._allowed) > _MOST_KNOWN:
            self._allowed.clear()
        self._allowed[origin] = min(AT_MOST, self._allowed.get(origin, AT_FIRST) + 1) if answered else 1
