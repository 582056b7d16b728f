"""Random histories of a whole jobs room, compared step by step with a model that is nothing but dictionaries.

Nothing at a vendor moves by itself: its clock goes on when a step says so. So there is one right answer to most
questions, and where a step does not wait for the room (`hurry`), few. `make model EXAMPLES=500` takes more histories.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from jobs.orders import JobView, VerdictKind
from tests.life.conftest import Places
from tests.life.model import Fate, Model, Promise, Trouble
from tests.life.modelled import (
    FAST,
    FAULTS,
    MODELS,
    OTHER,
    RUNNING,
    Asked,
    Loop,
    Room,
    Stage,
    audit,
    compare_money,
    fates,
)

TENANTS = ("acme", "rival")
PRICES = {"runway": 240_000, "replicate": 72_000}
"""Micros of a clip of two seconds."""
NOBODYS = "00000000-0000-4000-8000-000000000000"
EXAMPLES, STEPS = 10, 10


class Machine(RuleBasedStateMachine):
    """What callers, operators, vendors and the machine's owner may do, in any order."""

    stage: ClassVar[Stage]

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="filmgate-model-"))
        self.room = Room.opened(self.stage, self.folder)
        self.model = Model()
        self.number = 0
        self.moving = False
        self.begun = False
        self.acted = False
        """Since the last restart."""
        self.ends: dict[str, str] = {}

    def teardown(self) -> None:
        try:
            self._finish()
        finally:
            self.room.close()
            shutil.rmtree(self.folder)

    @rule(
        tenant=st.sampled_from(TENANTS),
        vendor=st.sampled_from(sorted(MODELS)),
        variations=st.integers(1, 3),
        trouble=st.sampled_from(sorted(Trouble)),
        strikes=st.integers(1, 2),
        fallback=st.booleans(),
        slack=st.sampled_from([None, None, 0, -1]),
        named=st.booleans(),
        copies=st.sampled_from([1, 1, 3]),
        hurry=st.booleans(),
    )
    def submit(
        self,
        tenant: str,
        vendor: str,
        variations: int,
        trouble: Trouble,
        strikes: int,
        fallback: bool,
        slack: int | None,
        named: bool,
        copies: int,
        hurry: bool,
    ) -> None:
        self.number += 1
        self.acted = True
        trouble = trouble if trouble not in FAULTS["runway"] or trouble in FAULTS[vendor] else Trouble.NONE
        fallback_price = PRICES[OTHER[vendor]] if fallback else None
        hold = max(PRICES[vendor], fallback_price or 0) * variations
        max_cost = None if slack is None else hold + slack
        asked = Asked(vendor, f"marker-{self.number}-end", variations, fallback, max_cost)
        promise = Promise(
            tenant=tenant,
            vendor=vendor,
            variations=variations,
            price=PRICES[vendor],
            fallback_price=fallback_price,
            trouble=trouble,
            strikes=strikes if trouble else 0,
            max_cost=max_cost,
        )
        request_id = f"request-{self.number}" if named else ""
        self._submit(promise, request_id, asked, copies if named else 1, hurry=hurry)

    def _submit(self, promise: Promise, request_id: str, asked: Asked, copies: int, *, hurry: bool) -> None:
        if promise.trouble:
            fault = FAULTS[promise.vendor].get(promise.trouble, str(promise.trouble))
            script = self.room.workshop.script(promise.vendor, fault, contains=asked.prompt, times=promise.strikes)
            self.stage.run(script)
        expected = self.model.answer(promise, request_id, asked)

        async def at_once() -> list[str]:
            orders = (self.room.order(promise.tenant, request_id, asked) for _ in range(copies))
            return await asyncio.gather(*orders)

        answers = set(self.stage.run(at_once()))
        assert len(answers) == 1, answers
        answer = answers.pop()
        if self.moving and "BUDGET_EXCEEDED" in (expected, answer):
            expected = "" if answer.startswith("job_") else answer
        if expected:
            assert answer == expected
            return
        assert answer.startswith("job_"), answer
        assert answer not in self.model.promises
        self.model.promises[answer] = promise
        if request_id:
            self.model.requests[promise.tenant, request_id] = (asked, answer)
        self._after(hurry=hurry)

    @rule(which=st.integers(0, 100), change=st.sampled_from(["", "more", "cost", "tenant"]))
    @precondition(lambda self: self.number)
    def repeat(self, which: int, change: str) -> None:
        """A request id again: with the same content, with another, or by another tenant, whose own it is."""
        self.number += 1
        if not self.model.requests:
            return
        known = sorted(self.model.requests.items(), key=lambda item: item[1][1])
        (owner, request_id), (asked, job_id) = known[which % len(known)]
        assert isinstance(asked, Asked)
        if change == "tenant":
            other = TENANTS[owner == TENANTS[0]]
            promise = replace(self.model.promises[job_id], tenant=other, trouble=Trouble.NONE, strikes=0)
            mine = replace(asked, prompt=f"marker-{self.number}-end")
            self._submit(promise, request_id, mine, 1, hurry=False)
            return
        if change == "more":
            asked = replace(asked, variations=asked.variations + 1)
        elif change == "cost":
            asked = replace(asked, max_cost=1)
        answer = self.stage.run(self.room.order(owner, request_id, asked))
        assert answer == ("REQUEST_ID_REUSED" if change else job_id)

    @rule(which=st.integers(0, 100), hurry=st.booleans())
    @precondition(lambda self: self.number)
    def cancel(self, which: int, hurry: bool) -> None:
        """A caller wants no more of a job."""
        self.acted = True
        if not self.model.promises:
            return
        job = list(self.model.promises)[which % len(self.model.promises)]
        promise = self.model.promises[job]
        answer = self.stage.run(self.room.cancel(job))
        over = promise.ended and promise.state != "CANCELLED"
        if self.moving or promise.raced:
            assert answer in ("", "JOB_NOT_CANCELLABLE")
            over = bool(answer)
        assert answer == ("JOB_NOT_CANCELLABLE" if over else "")
        if not over:
            promise.cancel(raced=self.moving)
            self._after(hurry=hurry)

    @rule()
    @precondition(lambda self: self.number and not self.begun)
    def vendors_begin(self) -> None:
        """Everything that was bought runs."""
        self.begun = True
        self.stage.run(self.room.workshop.control("advance", {"seconds": RUNNING}))
        self._after(hurry=False)

    @rule(hurry=st.booleans())
    @precondition(lambda self: self.acted)
    def vendors_end(self, hurry: bool) -> None:
        """Everything that was bought ends; in a hurry, only some of it."""
        self.begun = False
        if not hurry:
            self._finish()
            return
        for promise in self.model.promises.values():
            promise.raced |= bool(promise.under_way)
        self.stage.run(self.room.workshop.control("speed", {"speed": FAST}))
        self._after(hurry=True)

    @rule(fault=st.sampled_from(["webhook-never", "webhook-duplicate", "webhook-bad-signature", "webhook-stale"]))
    @precondition(lambda self: self.acted)
    def webhooks_go_wrong(self, fault: str) -> None:
        """The next two of them."""
        self.stage.run(self.room.workshop.script("replicate", fault, match="webhook", times=2))

    @rule(tenant=st.sampled_from(TENANTS), clips=st.integers(-1, 4))
    @precondition(lambda self: self.acted)
    def budget(self, tenant: str, clips: int) -> None:
        """From now on there is room for so many more clips."""
        limit = max(0, self.model.used(tenant) + clips * PRICES["runway"])
        self.stage.run(self.room.limit(tenant, limit))
        self.model.budgets[tenant] = limit

    @rule(drain=st.booleans())
    @precondition(lambda self: self.acted)
    def restart(self, drain: bool) -> None:
        """The process ends, and the next one goes on."""
        self.acted = False
        self.stage.run(self.room.restart(drain=drain))
        if self.moving and not drain:
            for promise in self.model.promises.values():
                promise.raced |= bool(promise.under_way)
        self._after(hurry=False)

    @rule(which=st.integers(0, 100), kind=st.sampled_from(VerdictKind), twice=st.booleans(), hurry=st.booleans())
    @precondition(lambda self: self.number)
    def resolve(self, which: int, kind: VerdictKind, twice: bool, hurry: bool) -> None:
        """An operator decides about a parked clip."""
        self.acted = True
        self._after(hurry=False)
        parked = [name for name, each in self.model.promises.items() if each.fates[Fate.PARKED]]
        if not parked:
            return
        job = parked[which % len(parked)]
        promise = self.model.promises[job]
        view = next(view for view in self.stage.run(self.room.still()) if view.job.id == job)
        theirs = self.stage.run(self.room.unowned(view.job.prompt)) if kind is VerdictKind.ADOPT else {}
        expected = self.model.resubmit_refusal(promise) if kind is VerdictKind.RESUBMIT else ""
        if kind is VerdictKind.ADOPT and not theirs:
            expected = "INVALID_REQUEST"
        answers = self.stage.run(self.room.resolve(view, kind, theirs.get("id", NOBODYS), twice=twice))
        if expected:
            assert set(answers) == {expected}
            return
        assert sorted(answers) == sorted(["", "INVALID_REQUEST"][: len(answers)])
        self._resolved(promise, kind, done=bool(theirs.get("terminal")))
        self._after(hurry=hurry and not promise.cancelled)

    def _resolved(self, promise: Promise, kind: VerdictKind, *, done: bool) -> None:
        if kind is VerdictKind.ADOPT:
            promise.adopt(done=done)
        elif kind is VerdictKind.ABANDON:
            promise.abandon()
        else:
            promise.resubmit()
        if promise.cancelled:
            promise.cancel(raced=False)

    def _after(self, *, hurry: bool) -> None:
        """Unless in a hurry, wait until nothing moves, and compare."""
        self.moving = hurry or self.moving
        if not hurry:
            self.moving = False
            self._compare(self.stage.run(self.room.still()))

    def _finish(self) -> None:
        """All vendors end everything."""
        self._after(hurry=False)
        views = self.stage.run(self.room.finish())
        self.begun = False
        for promise in self.model.promises.values():
            promise.vendor_ends()
        self._compare(views)

    def _compare(self, views: list[JobView]) -> None:
        assert {view.job.id for view in views} == set(self.model.promises)
        theirs = {job["id"]: job for job in self.stage.run(self.room.workshop.vendor_jobs())}
        for view in views:
            promise = self.model.promises[view.job.id]
            state = str(view.job.state)
            assert state in promise.states(), (state, promise)
            compare_money(view, promise, theirs)
            if not promise.exact:
                promise.learn(fates(view), view.cost.micros, view.held.micros)

    @invariant()
    def the_books_agree(self) -> None:
        self.stage.run(audit(self.room, self.model, self.ends))


@pytest.fixture
def stage(places: Places, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Two loops in threads of their own. How often the room looks is changed, never what it does."""
    monkeypatch.setattr("jobs.sweeper.EVERY", 0.1)
    monkeypatch.setattr("jobs.wait.next_poll", lambda *_: 0.05)
    monkeypatch.setattr("jobs.wait._AFTER_CANCEL", 0.05)
    monkeypatch.setattr("jobs.parked._FIRST_LOOKS", (0.0, 0.05))
    made = Stage(Loop(), Loop(), places)
    yield made
    made.rooms.close()
    made.vendors.close()


@pytest.mark.timeout(7200)  # as many histories as were asked for
def test_the_room_does_what_the_model_says(kind: str, stage: Stage, request: pytest.FixtureRequest) -> None:
    asked = int(request.config.getoption("--examples", 0))
    chosen = settings(
        max_examples=asked or EXAMPLES,
        stateful_step_count=STEPS * (2 if asked else 1),
        derandomize=not asked,
        database=None,
        deadline=None,
        print_blob=True,
        phases=[Phase.explicit, Phase.generate] + [Phase.shrink] * bool(asked),
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(type("History", (Machine,), {"stage": stage}), settings=chosen)
