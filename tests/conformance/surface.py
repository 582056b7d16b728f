"""One vendor surface as the kit sees it: what it can do, how it fails, and what follows for each behaviour."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from core.errors import RETRYABLE, FailureReason
from providers import PROVIDERS
from providers.base import REFUSED_STATUSES, BaseVideoProvider
from providers.catalogue import ADAPTERS, CATALOGUE
from providers.model import CancelCost, LifecycleState, Unit, VideoModel

CONTRACT = Path(__file__).parents[1] / "providers" / "contract"
_BEHAVIOURS = Path(__file__).parent / "behaviours.json"
TRIES = 3
"""`Policy.clip_attempts`."""
ALWAYS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """One thing a vendor, its network or a caller does; an entry of `behaviours.json`, or a failure of the vendor."""

    name: str
    then: str
    """Which rule of `Surface.expected` says what comes of it."""
    faults: tuple[Mapping[str, Any], ...] = ()
    needs: tuple[str, ...] = ()
    """Abilities without which it cannot happen."""
    phase: str = "crowd"
    status: int = 0
    reason: str = ""
    at: str = ""
    """Where the clip is when it is cancelled: `queued`, `running` or `collecting`."""
    image: bool = False
    fates: tuple[str, ...] = ()
    """Further faults that change the job: asked for in the prompt, as one order takes one fault from the script."""
    code: str = ""
    """The vendor's failure that it is about."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What comes of a behaviour. `billed` also says which money: the vendor's bill, none, or our quote."""

    state: str
    reason: str = ""
    stage: str = ""
    billed: str = "YES"
    posts: int = 1
    jobs: int = 1
    attempts: int = 1
    exact: bool = True
    """Whether a bill that is known equals the emulator's; not where the vendor keeps quiet about what it metered."""


DELIVERED = Expected(state="SUCCEEDED")
PARKED = Expected(state="NEEDS_RESOLUTION", billed="HELD")


def behaviours() -> list[Behaviour]:
    """The common ones, in the order of the matrix."""
    found = json.loads(_BEHAVIOURS.read_text())
    return [Behaviour(**{**each, **_tuples(each)}) for each in found]


def _tuples(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(entry.get(name, ())) for name in ("faults", "needs")}


@dataclass(frozen=True, kw_only=True)
class Surface:
    """A vendor of `providers.PROVIDERS` with its `conformance.json`."""

    adapter: BaseVideoProvider
    facts: Mapping[str, Any]
    common: tuple[Behaviour, ...] = field(default_factory=lambda: tuple(behaviours()))

    @property
    def name(self) -> str:
        """The vendor's, and of its emulator."""
        return self.adapter.name

    @property
    def row(self) -> VideoModel:
        """The model that is driven."""
        return CATALOGUE.rows[self.facts["model"]]

    @cached_property
    def abilities(self) -> frozenset[str]:
        """What behaviours may need."""
        adapter, facts = self.adapter, self.facts
        told = {
            "callbacks": adapter.takes_callbacks,
            "polls": not adapter.answers_by_callback,
            "search": adapter.can_search,
            "signed": facts["signed"],
            "image": facts["image_model"] is not None,
            "cancel": facts["cancel"] != "unsupported",
            "download": not facts.get("inline", False),
        }
        return frozenset(name for name, has in told.items() if has)

    @property
    def heals(self) -> bool:
        """Whether a submit whose reply is lost comes home by itself."""
        return bool({"callbacks", "search"} & self.abilities)

    def missing(self, behaviour: Behaviour) -> str:
        """Why the behaviour cannot be played here; empty when it can."""
        lacks = [need for need in behaviour.needs if need not in self.abilities]
        return f"no {_LACKING.get(lacks[0], lacks[0])}" if lacks else str(self._differs(behaviour).get("skip", ""))

    def playable(self) -> list[Behaviour]:
        """Everything that is played: the common behaviours, every failure, and the faults that only this vendor has."""
        every = [*self.common, *self.failures(), *self.own()]
        return [behaviour for behaviour in every if not self.missing(behaviour)]

    def failures(self) -> Iterator[Behaviour]:
        """One for each failure code of the vendor."""
        for code in self.facts["failures"]:
            fault = {"fault": f"fail-{code}", "times": "always"}
            yield Behaviour(name=f"fails: {code}", then="fails", faults=(fault,), code=code)

    def own(self) -> Iterator[Behaviour]:
        """One for each fault that only this vendor plays, by the member `faults`."""
        for name, told in self.facts.get("faults", {}).items():
            fault = {"fault": name, **told.get("script", {})}
            fates, at = tuple(told.get("with", ())), told.get("at", "")
            yield Behaviour(name=f"own: {name}", then="own", faults=(fault,), code=name, fates=fates, at=at)

    def expected(self, behaviour: Behaviour) -> Expected:
        """What must come of it, by the rule it names; the member `differs` of the facts has the last word."""
        rules = {
            "delivered": lambda: DELIVERED,
            "retried": lambda: replace(DELIVERED, posts=2, attempts=2),
            "refused": lambda: self._refused(behaviour),
            "lost": lambda: self._lost(behaviour),
            "lost in silence": lambda: DELIVERED if "search" in self.abilities else PARKED,
            "never arrived": lambda: self._never_arrived(behaviour),
            "gone": lambda: Expected(state="FAILED", reason="VENDOR_FAILED", billed="UNKNOWN"),
            "empty-handed": lambda: Expected(state="FAILED", reason="BAD_OUTPUT", billed=self._spoilt),
            "failed": lambda: Expected(state="FAILED", reason=behaviour.reason, billed=self._spoilt),
            "cancelled": lambda: self._cancelled(behaviour, "CANCELLED"),
            "timed out": lambda: self._timed_out(behaviour),
            "fails": lambda: self._fails(behaviour),
            "own": lambda: DELIVERED,
            "unreachable": lambda: replace(_refusal(FailureReason.VENDOR_UNAVAILABLE), posts=0),
        }
        return _expectation(rules[behaviour.then](), self._differs(behaviour))

    def _differs(self, behaviour: Behaviour) -> Mapping[str, Any]:
        own = self.facts.get("faults", {}).get(behaviour.code, {}) if behaviour.then == "own" else {}
        found: Mapping[str, Any] = own or self.facts.get("differs", {}).get(behaviour.name, {})
        return found

    def _refused(self, behaviour: Behaviour) -> Expected:
        return _refusal(REFUSED_STATUSES[behaviour.status])

    def _lost(self, behaviour: Behaviour) -> Expected:
        return DELIVERED if self.heals else PARKED

    def _never_arrived(self, behaviour: Behaviour) -> Expected:
        if "search" in self.abilities and self.adapter.absence_proves:
            return replace(DELIVERED, posts=2, attempts=2)
        return replace(PARKED, jobs=0)

    @property
    def _spoilt(self) -> str:
        """Whether the cost of a clip that was made but could not be used is known."""
        stated = self.facts["cost"] in ("vendor", "tokens")
        by_video = all(price.unit is Unit.VIDEO for price in self.row.prices)
        return str(self.facts.get("spoilt", "YES" if stated or by_video else "UNKNOWN"))

    def stops(self, at: str) -> bool:
        """Whether a cancel at this stage ends the job at the vendor."""
        return at != "collecting" and (
            self.facts["cancel"] == "stops" or (self.facts["cancel"] == "may finish" and at == "queued")
        )

    def _cancelled(self, behaviour: Behaviour, reason: str) -> Expected:
        if not self.stops(behaviour.at):
            return DELIVERED
        running = "YES" if self.row.cancel_cost is CancelCost.BY_USAGE else "UNKNOWN"
        billed = {"queued": "NO", "running": running} | self.facts.get("cancelled", {})
        state = "CANCELLED" if reason == "CANCELLED" else "FAILED"
        return Expected(state=state, reason=reason, billed=billed[behaviour.at])

    def _timed_out(self, behaviour: Behaviour) -> Expected:
        if self.stops(behaviour.at):
            return self._cancelled(behaviour, "TIMED_OUT")
        return Expected(state="FAILED", reason="TIMED_OUT", billed="UNKNOWN")

    def _fails(self, behaviour: Behaviour) -> Expected:
        told = self.facts["failures"][behaviour.code]
        tries = TRIES if told["retryable"] and told["billed"] == "NO" else 1
        shape = {"posts": tries, "jobs": tries, "attempts": tries}
        return _expectation(Expected(state="FAILED"), {**shape, **told})


def _refusal(reason: FailureReason) -> Expected:
    tries = TRIES if reason in RETRYABLE else 1
    return Expected(state="FAILED", reason=reason, billed="NO", posts=tries, jobs=0, attempts=tries)


def _expectation(usual: Expected, told: Mapping[str, Any]) -> Expected:
    """The usual one, with what the vendor's data say otherwise."""
    members: dict[str, Any] = {name: told[name] for name in _MEMBERS & set(told)}
    if "stage" in members:
        members["stage"] = members["stage"] or ""
    return replace(usual, **members)


_LACKING = {"callbacks": "webhooks", "signed": "signatures", "image": "image model", "polls": "job to poll"}
"""Abilities whose own names say nothing in the matrix."""
_MEMBERS = set(Expected.__dataclass_fields__)


def living(provider: type[BaseVideoProvider]) -> bool:
    """Whether anything of the vendor can be bought."""
    return any(row.lifecycle.state is not LifecycleState.RETIRED for row in provider.models)


def surfaces() -> list[Surface]:
    """Every vendor that sells something; one without `conformance.json` is missing here and fails a test of its own."""
    found = []
    for provider in PROVIDERS:
        path = CONTRACT / provider.name / "conformance.json"
        if living(provider) and path.exists():
            found.append(Surface(adapter=ADAPTERS[provider.name], facts=json.loads(path.read_text())))
    return found


def cases(chosen: Sequence[Surface]) -> list[Any]:
    """Every playable behaviour of these surfaces, for `pytest.mark.parametrize`."""
    return [
        pytest.param(surface, behaviour, id=f"{surface.name}-{behaviour.name}")
        for surface in chosen
        for behaviour in surface.playable()
    ]
