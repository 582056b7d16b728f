"""What the jobs room should do, as dictionaries: jobs, money and request ids. No database, no engine, no clock."""

import enum
from collections import Counter
from dataclasses import dataclass, field

LOOKED_UP = {"replicate"}
"""Vendors whose lost submits are found in their list, or proven not to be there."""


class Trouble(enum.StrEnum):
    """What befalls the first submits of a job at its first vendor, and the emulator's word for it."""

    NONE = ""
    BUSY = "rate-limit-bare"
    REFUSED = "http-400"
    LOST = "lost-reply"
    SILENT = "http-500"
    FLAKY = "flaky"
    MODERATED = "moderated"
    BILLED = "billed"


class Fate(enum.StrEnum):
    """Where a clip stands; the first four are under way."""

    BOUGHT = "bought"
    ELSEWHERE = "bought from the fallback"
    DOOMED = "bought, and will fail unbilled"
    CHARGED = "bought, and will fail billed"
    PARKED = "PARKED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


UNDER_WAY = frozenset({Fate.BOUGHT, Fate.ELSEWHERE, Fate.DOOMED, Fate.CHARGED})


@dataclass(kw_only=True)
class Promise:
    """An accepted job: what was agreed, and how its clips must fare. Money in micros."""

    tenant: str
    vendor: str
    variations: int
    price: int
    """Of a clip where it was ordered."""
    fallback_price: int | None
    max_cost: int | None
    trouble: Trouble = Trouble.NONE
    strikes: int = 0
    fates: Counter[Fate] = field(default_factory=Counter, init=False)
    spent: int = field(default=0, init=False)
    given_up: int = field(default=0, init=False)
    """Attempts whose quote was booked because nobody knows whether they were bought."""
    held: int = field(default=0, init=False)
    cancelled: bool = field(default=False, init=False)
    raced: bool = field(default=False, init=False)
    """A cancel raced with the vendor, or a process may have died between one of its submits and their record."""

    def __post_init__(self) -> None:
        struck = min(self.strikes, self.variations)
        self.held = self.hold * self.variations
        self.fates[Fate.BOUGHT] = self.variations
        match self.trouble:
            case Trouble.REFUSED:
                self._move(Fate.BOUGHT, Fate.FAILED if self.fallback_price is None else Fate.ELSEWHERE, struck)
            case Trouble.LOST | Trouble.SILENT if self.vendor not in LOOKED_UP:
                self._move(Fate.BOUGHT, Fate.PARKED, struck)
            case Trouble.MODERATED:
                self._move(Fate.BOUGHT, Fate.DOOMED, struck)
            case Trouble.BILLED:
                self._move(Fate.BOUGHT, Fate.CHARGED, struck)

    @property
    def hold(self) -> int:
        """Of one clip: the dearest way to make it."""
        return max(self.price, self.fallback_price or 0)

    @property
    def exact(self) -> bool:
        """Whether nothing raced with anything, so that there is one right answer, also about its money."""
        return not (self.cancelled or self.raced)

    @property
    def ended(self) -> bool:
        """Whether nothing becomes of it any more."""
        return not (self.under_way or self.fates[Fate.PARKED])

    @property
    def under_way(self) -> int:
        """Clips that the vendor still works on."""
        return sum(self.fates[fate] for fate in UNDER_WAY)

    def vendor_ends(self) -> None:
        """Everything that was bought ends, as often as something is bought anew."""
        self._move(Fate.DOOMED, Fate.FAILED if self.fallback_price is None else Fate.ELSEWHERE)
        self._move(Fate.CHARGED, Fate.FAILED, cost=self.price)
        self._move(Fate.ELSEWHERE, Fate.SUCCEEDED, cost=self.fallback_price or 0)
        self._move(Fate.BOUGHT, Fate.SUCCEEDED, cost=self.price)

    def adopt(self, *, done: bool) -> None:
        """An operator names the vendor's job of a parked clip, which may be done."""
        if done:
            self._move(Fate.PARKED, Fate.SUCCEEDED, 1, cost=self.price)
        else:
            self._move(Fate.PARKED, Fate.BOUGHT, 1)

    def abandon(self) -> None:
        """An operator gives a parked clip up."""
        self.given_up += 1
        self._move(Fate.PARKED, Fate.FAILED, 1, cost=self.price)

    def missing(self) -> int:
        """What a RESUBMIT would have to hold anew."""
        return max(0, self.price - (self.hold - self.price))

    def resubmit(self) -> None:
        """An operator lets a parked clip be bought again; the lost attempt stays paid for."""
        self._move(Fate.PARKED, Fate.BOUGHT, 1)
        self.given_up += 1
        self.spent += self.price
        self.held += self.missing() - self.price

    def _move(self, before: Fate, after: Fate, count: int | None = None, cost: int = 0) -> None:
        moved = self.fates[before] if count is None else count
        self.fates[before] -= moved
        self.fates[after] += moved
        self.spent += moved * cost
        self.held -= moved * cost
        if after not in UNDER_WAY and after is not Fate.PARKED:
            self._release()

    def _release(self) -> None:
        """What no clip needs any more goes back: each unended one holds its own."""
        needed = self.hold * (self.under_way + self.fates[Fate.PARKED])
        self.held = min(self.held, needed)

    def cancel(self, *, raced: bool) -> None:
        """The caller wants no more of it. Unless that races with anything, whatever is under way is stopped."""
        self.cancelled = True
        self.raced |= raced
        for fate in UNDER_WAY:
            self._move(fate, Fate.CANCELLED)

    def learn(self, fates: Counter[Fate], spent: int, held: int) -> None:
        """What became of a race, and of the money of what was stopped."""
        if self.raced:
            self.fates = fates
        self.spent, self.held = spent, held

    def states(self) -> frozenset[str]:
        """The states in which the job may be found while nothing moves: one, unless something raced."""
        if not self.raced:
            return frozenset({self.state})
        ends = {"SUCCEEDED", "PARTIALLY_SUCCEEDED", "NEEDS_RESOLUTION", "CANCELLED" if self.cancelled else "FAILED"}
        return frozenset(ends if self.cancelled else ends | {"RUNNING"})

    @property
    def state(self) -> str:
        """The job's, should nothing have raced."""
        if self.under_way:
            return "RUNNING"
        if self.fates[Fate.PARKED]:
            return "NEEDS_RESOLUTION"
        if self.fates[Fate.SUCCEEDED] == self.variations:
            return "SUCCEEDED"
        if self.fates[Fate.SUCCEEDED]:
            return "PARTIALLY_SUCCEEDED"
        return "CANCELLED" if self.cancelled else "FAILED"


@dataclass
class Model:
    """The whole room: job id -> promise, (tenant, request id) -> (what was asked, job id), tenant -> its budget."""

    promises: dict[str, Promise] = field(default_factory=dict)
    requests: dict[tuple[str, str], tuple[object, str]] = field(default_factory=dict)
    budgets: dict[str, int] = field(default_factory=dict)

    def of(self, tenant: str) -> list[Promise]:
        """A tenant's jobs."""
        return [promise for promise in self.promises.values() if promise.tenant == tenant]

    def used(self, tenant: str) -> int:
        """What a tenant has spent and holds."""
        return sum(promise.spent + promise.held for promise in self.of(tenant))

    def refusal(self, tenant: str, wanted: int) -> str:
        """Why so much more may not be held; empty when it may."""
        limit = self.budgets.get(tenant)
        return "BUDGET_EXCEEDED" if limit is not None and wanted > limit - self.used(tenant) else ""

    def answer(self, promise: Promise, request_id: str, asked: object) -> str:
        """What an order is answered with: the id of an earlier job, why it is refused, or empty: a new job."""
        earlier = self.requests.get((promise.tenant, request_id)) if request_id else None
        if earlier is not None:
            return earlier[1] if earlier[0] == asked else "REQUEST_ID_REUSED"
        wanted = promise.hold * promise.variations
        if promise.max_cost is not None and wanted > promise.max_cost:
            return "COST_LIMIT_EXCEEDED"
        return self.refusal(promise.tenant, wanted)

    def resubmit_refusal(self, promise: Promise) -> str:
        """Why a parked clip may not be bought again; empty when it may."""
        missing = promise.missing()
        if missing and promise.max_cost is not None and promise.spent + promise.held + missing > promise.max_cost:
            return "COST_LIMIT_EXCEEDED"
        return self.refusal(promise.tenant, missing) if missing else ""
