"""Budgets hold: at accept under concurrency, over midnight, for retries and fallbacks; late bills raise an alarm."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
import structlog

from core.errors import FailureReason, Precondition, Reason
from core.money import Money
from core.spec import Wish
from jobs import audit, tables, tenants
from jobs.endpoints import Vendors
from jobs.orders import JobView, Order, Plan, Verdict, VerdictKind
from jobs.records import AttemptOutcome, JobState
from ledger import budgets
from ledger.budgets import Period
from ledger.ledger import Kind
from ledger.tables import entries, tallies
from providers.catalogue import ADAPTERS
from server.vendors import mock_endpoints

if TYPE_CHECKING:
    from tests.life.conftest import Workshop

Opened = Callable[..., "Awaitable[Workshop]"]
GEN45 = "runway/gen4.5"
METERED = "replicate/gen-4.5"
"""Sold by the second by a vendor that tells no price: what it costs is reckoned here."""
PRICE = 240_000
"""Micros of two seconds of it."""
ORDER = Order(tenant="acme", creative_id="spring", model=GEN45, wish=Wish(prompt="a cat", duration=2.0))
RESUBMIT = Verdict(kind=VerdictKind.RESUBMIT)


@pytest.fixture
def real(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> Opened:
    """As `opened`, but the emulators are reached as if they were the vendors: real money, in dollars."""
    monkeypatch.setattr("jobs.wait.next_poll", lambda *_: 0.1)  # only how often it looks

    async def start(**options: Any) -> "Workshop":
        workshop = await opened(**options)
        context = workshop.jobs.context
        mocks = [each for adapter in ADAPTERS.values() for each in mock_endpoints(adapter, workshop.emulator_url)]
        live = [replace(each, name=each.name.removeprefix("mock:"), credential=each.provider) for each in mocks]
        context.vendors = Vendors(ADAPTERS.values(), live, {})
        context.public_url = context.loopback_url
        return workshop

    return start


async def _budget(workshop: "Workshop", period: Period, limit: int, tenant: str = "acme") -> None:
    now = workshop.jobs.context.now()
    await workshop.database.write(lambda connection: budgets.put(connection, tenant, period, limit, now))


async def _standing(workshop: "Workshop", period: Period, tenant: str = "acme") -> budgets.Standing:
    now = workshop.jobs.context.now()
    found = await workshop.database.read(lambda connection: budgets.standings(connection, {tenant}, now))
    return next(each for each in found[tenant] if each.period is period)


def _plan(workshop: "Workshop", **changes: Any) -> Plan:
    plan = workshop.jobs.plan(replace(ORDER, **changes))
    assert not plan.violations, plan.violations
    return plan


async def _accept(workshop: "Workshop", *plans: Plan, request_id: str = "") -> str:
    views = await workshop.jobs.accept(list(plans), rpc="GenerateVideo", request_id=request_id, request_hash="h")
    return views[0].job.id


async def _until(workshop: "Workshop", job_id: str, outcome: AttemptOutcome, count: int = 1) -> JobView:
    return await workshop.until(
        job_id, lambda view: [each.outcome for each in view.clips[0].attempts].count(outcome) == count
    )


async def _history(workshop: "Workshop", tenant: str = "acme") -> list[tuple[int, int, datetime]]:
    """What was spent and held after each entry of the ledger, in order, and when."""
    query = sa.select(entries).where(entries.c.tenant == tenant).order_by(entries.c.id)
    rows = await workshop.database.read(lambda connection: connection.execute(query).all())
    spent = held = 0
    history = []
    for row in rows:
        spent += row.micros if row.kind == Kind.SETTLE else 0
        held += row.micros if row.kind in {Kind.HOLD, Kind.ADJUST} else -row.micros
        history.append((spent, held, row.time))
    return history


async def test_two_hundred_at_once_each_worth_a_third_of_the_budget_are_three(real: Opened) -> None:
    workshop = await real(webhooks=True)
    limit = PRICE * 10 // 3
    await _budget(workshop, Period.DAY, limit)
    await _budget(workshop, Period.TOTAL, limit * 5)
    plan = _plan(workshop)
    calls = [_accept(workshop, plan, request_id=f"r{number}") for number in range(200)]
    rivals = [_accept(workshop, _plan(workshop, tenant="rival")) for _ in range(5)]
    answers = await asyncio.gather(*calls, *rivals, return_exceptions=True)
    taken = [answer for answer in answers[:200] if isinstance(answer, str)]
    refusals = [answer for answer in answers[:200] if isinstance(answer, Precondition)]
    assert (len(taken), len(refusals)) == (3, 197)
    assert all(isinstance(answer, str) for answer in answers[200:])
    assert {refusal.reason for refusal in refusals} == {Reason.BUDGET_EXCEEDED}
    assert refusals[-1].metadata["budget"] == "DAY"
    views = await workshop.all_ended(taken)
    assert {view.job.state for view in views} == {JobState.SUCCEEDED}
    assert all(spent + held <= limit for spent, held, _ in await _history(workshop))
    standing = await _standing(workshop, Period.DAY)
    assert (standing.spent, standing.held) == (3 * PRICE, 0)
    assert (await workshop.verdict()).faults == ()
    query = sa.select(sa.func.count()).select_from(tables.requests)
    assert await workshop.database.read(lambda connection: connection.execute(query).scalar()) == 3


async def test_the_refusal_names_the_budget_its_use_and_its_renewal(real: Opened) -> None:
    workshop = await real()
    await workshop.script("runway", "stuck", times=1000)
    workshop.jobs.context.now = lambda: datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
    await _budget(workshop, Period.MONTH, PRICE + 1)
    await _accept(workshop, _plan(workshop))
    with pytest.raises(Precondition) as refused:
        await _accept(workshop, _plan(workshop, variations=2))
    assert refused.value.message == (
        "the MONTH budget of tenant acme is 0.240001 USD: 0.00 USD are spent and 0.24 USD held, so 0.48 USD more do "
        "not fit; it renews at 2027-01-01T00:00Z"
    )
    assert refused.value.metadata == {
        "tenant": "acme",
        "budget": "MONTH",
        "limit_micros": "240001",
        "spent_micros": "0",
        "held_micros": "240000",
        "wanted_micros": "480000",
        "renew_time": "2027-01-01T00:00Z",
    }
    await _budget(workshop, Period.TOTAL, 1)
    with pytest.raises(Precondition, match="it renews never"):
        await _accept(workshop, _plan(workshop))


@pytest.mark.parametrize(("period", "later"), [(Period.DAY, 86_400), (Period.MONTH, 31 * 86_400)])
async def test_a_budget_renews_and_what_is_held_goes_on_counting(real: Opened, period: Period, later: int) -> None:
    workshop = await real(webhooks=True)
    start = datetime(2026, 12, 1, 23, 59, 50, tzinfo=UTC)
    clock = [start]
    workshop.jobs.context.now = lambda: clock[0]
    await _budget(workshop, period, PRICE * 2)
    await workshop.ended(await _accept(workshop, _plan(workshop)))
    await workshop.script("runway", "lost-reply", contains="lost")
    parked = await _accept(workshop, _plan(workshop, wish=replace(ORDER.wish, prompt="lost")))
    assert (await workshop.ended(parked)).job.state is JobState.NEEDS_RESOLUTION
    with pytest.raises(Precondition):
        await _accept(workshop, _plan(workshop))
    clock[0] = start + timedelta(seconds=later)
    standing = await _standing(workshop, period)
    assert (standing.spent, standing.held) == (0, PRICE)
    await workshop.ended(await _accept(workshop, _plan(workshop)))
    with pytest.raises(Precondition):
        await _accept(workshop, _plan(workshop))
    assert (await workshop.verdict()).faults == ()


async def test_what_is_released_makes_room(real: Opened) -> None:
    workshop = await real(webhooks=True)
    await _budget(workshop, Period.TOTAL, PRICE)
    await workshop.script("runway", "http-400", contains="refused")
    refused = await _accept(workshop, _plan(workshop, wish=replace(ORDER.wish, prompt="refused")))
    assert (await workshop.ended(refused)).job.state is JobState.FAILED
    done = await workshop.ended(await _accept(workshop, _plan(workshop)))
    assert done.job.state is JobState.SUCCEEDED
    with pytest.raises(Precondition):
        await _accept(workshop, _plan(workshop))


async def test_mock_money_is_in_no_budget(opened: Opened) -> None:
    workshop = await opened()
    for period in Period:
        await _budget(workshop, period, 0)
    assert (await workshop.ended(await _accept(workshop, _plan(workshop)))).job.state is JobState.SUCCEEDED
    query = sa.select(tallies.c.spent_micros, tallies.c.held_micros)
    assert await workshop.database.read(lambda connection: connection.execute(query).all()) == [(0, 0)]


async def test_a_suspended_tenant_is_refused_and_an_unknown_one_is_not(opened: Opened) -> None:
    workshop = await opened()
    now = workshop.jobs.context.now()
    await _accept(workshop, _plan(workshop), request_id="before")
    change = tenants.TenantChange(state=tenants.TenantState.SUSPENDED)
    found = await workshop.database.write(lambda connection: tenants.update(connection, "acme", change, now))
    assert found.state is tenants.TenantState.SUSPENDED
    with pytest.raises(Precondition, match="tenant acme is suspended") as refused:
        await _accept(workshop, _plan(workshop), request_id="after")
    assert refused.value.reason is Reason.TENANT_SUSPENDED
    assert await _accept(workshop, _plan(workshop), request_id="before")
    assert await _accept(workshop, _plan(workshop, tenant="never-seen"))
    assert await workshop.database.read(lambda connection: tenants.find(connection, "never-seen"))


async def _parked(workshop: "Workshop", **changes: Any) -> JobView:
    await workshop.script("runway", "lost-reply", contains="lost")
    job_id = await _accept(workshop, _plan(workshop, wish=replace(ORDER.wish, prompt="lost"), **changes))
    view = await workshop.ended(job_id)
    assert view.job.state is JobState.NEEDS_RESOLUTION
    return view


async def test_a_new_attempt_needs_room_in_the_budget(real: Opened) -> None:
    workshop = await real(webhooks=True)
    await _budget(workshop, Period.TOTAL, PRICE * 2 - 1)
    view = await _parked(workshop)
    clip_id = view.clips[0].clip.id
    before = await _history(workshop)
    with pytest.raises(Precondition) as refused:
        await workshop.jobs.resolve(clip_id, "acme", RESUBMIT)
    assert refused.value.reason is Reason.BUDGET_EXCEEDED
    assert await _history(workshop) == before
    await _budget(workshop, Period.TOTAL, PRICE * 2)
    await workshop.jobs.resolve(clip_id, "acme", RESUBMIT)
    done = await workshop.until(view.job.id, lambda seen: seen.job.state.terminal)
    assert done.job.state is JobState.SUCCEEDED
    assert done.cost_unknown
    assert (await _standing(workshop, Period.TOTAL)).left == 0
    assert all(spent + held <= PRICE * 2 for spent, held, _ in await _history(workshop))


async def test_a_new_attempt_needs_room_within_max_cost(real: Opened) -> None:
    workshop = await real(webhooks=True)
    view = await _parked(workshop, max_cost=Money(currency="USD", micros=PRICE * 2 - 1))
    with pytest.raises(Precondition) as refused:
        await workshop.jobs.resolve(view.clips[0].clip.id, "acme", RESUBMIT)
    assert refused.value.reason is Reason.COST_LIMIT_EXCEEDED
    assert (await workshop.jobs.view(view.job.id, "acme")).held.micros == PRICE


@pytest.mark.parametrize("capped", ["budget", "max_cost"])
async def test_a_fallback_that_would_break_the_cap_is_not_bought(real: Opened, capped: str) -> None:
    """The lost attempt is booked; its retry fits into what is left of the hold, the dearer fallback does not."""
    workshop = await real(webhooks=True)
    dearer = "runway/seedance2"
    wish = replace(ORDER.wish, prompt="lost", duration=5.0)
    held = _plan(workshop, wish=wish, fallbacks=(dearer,)).held_max.micros
    first = _plan(workshop, wish=wish).held_max.micros
    assert held > first * 2
    limits: dict[str, Any] = {"max_cost": Money(currency="USD", micros=held)} if capped == "max_cost" else {}
    if capped == "budget":
        await _budget(workshop, Period.DAY, held)
    await workshop.script("runway", "lost-reply", contains="lost")
    job_id = await _accept(workshop, _plan(workshop, wish=wish, fallbacks=(dearer,), **limits))
    view = await workshop.ended(job_id)
    await workshop.script("runway", "http-400", contains="lost")
    await workshop.jobs.resolve(view.clips[0].clip.id, "acme", RESUBMIT)
    ended = await workshop.until(job_id, lambda seen: seen.job.state.terminal)
    failure = ended.clips[0].clip.failure
    assert failure is not None
    wanted = FailureReason.BUDGET_EXCEEDED if capped == "budget" else FailureReason.COST_LIMIT_EXCEEDED
    assert failure.reason is wanted
    assert "not bought again" in failure.message
    assert [each.model for each in ended.clips[0].attempts] == [GEN45, GEN45]
    assert all(spent + open_ <= held for spent, open_, _ in await _history(workshop))
    assert (await workshop.verdict()).faults == ()


async def test_a_tenant_may_choose_that_what_is_lost_is_bought_again(real: Opened) -> None:
    workshop = await real(webhooks=True, policy={"lookup_settle": 0.0})
    start = tenants.TenantChange(policy=tenants.TenantPolicy(ambiguous=tenants.Ambiguous.RESUBMIT))
    now = workshop.jobs.context.now()
    await workshop.database.write(lambda connection: tenants.insert(connection, "acme", now, start))
    await workshop.script("runway", "lost-reply", contains="lost")
    job_id = await _accept(workshop, _plan(workshop, wish=replace(ORDER.wish, prompt="lost")))
    done = await workshop.until(job_id, lambda seen: seen.job.state.terminal)
    assert done.job.state is JobState.SUCCEEDED
    assert [each.outcome for each in done.clips[0].attempts] == [AttemptOutcome.AMBIGUOUS, AttemptOutcome.ACCEPTED]
    assert len(await workshop.vendor_jobs()) == 2


async def test_an_unknown_cost_is_booked_and_alarmed(real: Opened) -> None:
    workshop = await real(webhooks=True)
    view = await _parked(workshop)
    with structlog.testing.capture_logs() as lines:
        await workshop.jobs.resolve(view.clips[0].clip.id, "acme", Verdict(kind=VerdictKind.ABANDON))
    assert [line["alarm"] for line in lines if "alarm" in line] == ["UNKNOWN_COST"]
    [alarm] = await workshop.database.read(lambda connection: audit.page(connection, audit.AuditFilter(), 9, ""))
    attempt = view.clips[0].attempts[0]
    assert (alarm.action, alarm.outcome, alarm.tenant, alarm.target) == ("Alarm", "UNKNOWN_COST", "acme", attempt.id)
    query = sa.select(entries.c.micros).where(entries.c.unknown)
    assert await workshop.database.read(lambda connection: connection.execute(query).scalars().all()) == [PRICE]


async def test_a_bill_above_the_hold_is_booked_and_alarmed(real: Opened) -> None:
    """The catalogue's price rises between accept and settle: the vendor's bill counts, the quote stays as it was."""
    workshop = await real(webhooks=True, speed=0.001)
    plan = _plan(workshop, model=METERED, wish=replace(ORDER.wish, duration=5.0))
    price = plan.expected.micros
    plan = replace(plan, order=replace(plan.order, max_cost=plan.held_max))
    await _budget(workshop, Period.DAY, price)
    await _budget(workshop, Period.MONTH, price * 9)
    job_id = await _accept(workshop, plan)
    view = await _until(workshop, job_id, AttemptOutcome.ACCEPTED)
    _triple_prices(workshop)
    with structlog.testing.capture_logs() as lines:
        await workshop.control("speed", {"speed": 400})
        done = await workshop.until(job_id, lambda seen: seen.job.state.terminal)
    assert done.job.state is JobState.SUCCEEDED
    assert (done.cost.micros, done.job.quote["expected"]) == (price * 3, price)
    assert view.clips[0].attempts[0].quote_micros == price
    alarms = [line["alarm"] for line in lines if "alarm" in line]
    assert alarms == ["COST_ABOVE_HOLD", "MAX_COST_EXCEEDED", "BUDGET_OVERRUN"]
    assert (await _standing(workshop, Period.DAY)).left == -2 * price
    assert (await workshop.verdict()).faults == ()


def _triple_prices(workshop: "Workshop") -> None:
    catalogue = workshop.jobs.context.vendors.catalogue
    rows = {
        name: replace(row, prices=tuple(replace(price, usd=price.usd * 3) for price in row.prices))
        for name, row in catalogue.rows.items()
    }
    workshop.jobs.context.vendors.catalogue = replace(catalogue, rows=rows)


async def test_a_price_that_changes_later_rewrites_nothing(real: Opened) -> None:
    workshop = await real(webhooks=True)
    done = await workshop.ended(await _accept(workshop, _plan(workshop)))
    query = sa.select(entries).order_by(entries.c.id)
    before = await workshop.database.read(lambda connection: connection.execute(query).all())
    _triple_prices(workshop)
    again = await workshop.jobs.view(done.job.id, "acme")
    assert (again.cost, again.job.quote, again.clips[0].attempts) == (done.cost, done.job.quote, done.clips[0].attempts)
    assert _plan(workshop).expected.micros == PRICE * 3
    assert await workshop.database.read(lambda connection: connection.execute(query).all()) == before
    assert (await workshop.verdict()).faults == ()
