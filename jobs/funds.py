"""May this be bought? Budgets and `max_cost`, asked in the transaction that would spend."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from core.errors import Failure, FailureReason, Precondition, Reason, Violation
from core.money import USD, Money
from jobs import audit, tables, tenants
from jobs.orders import Plan
from jobs.records import Attempt, Enhancement, Situation
from jobs.tenants import TenantState
from ledger import budgets, ledger
from ledger.budgets import Purse, Standing
from ledger.tables import entries

NEW_HOLD = "hold of a new attempt"


class Gate:
    """Says whether new work of some tenants is taken, within one transaction: what it lets in counts at once."""

    def __init__(self, connection: sa.Connection, wishes: Collection[tuple[str, int]], now: datetime) -> None:
        """`wishes`: everybody who will ask, with the micros of real money that are wished for."""
        names = {tenant for tenant, _ in wishes}
        self._states = tenants.states(connection, names) if names else {}
        self._purse = Purse(connection, {tenant for tenant, micros in wishes if micros}, now)

    def refusal(self, tenant: str, micros: int) -> Precondition | None:
        """Why a tenant may not have this held, or None: then it counts as held."""
        state = self._states.get(tenant, TenantState.ACTIVE)
        if state is not TenantState.ACTIVE:
            return tenants.refusal(tenant, state)
        short = self._purse.take(tenant, micros) if micros else None
        return None if short is None else exceeded(short, micros)

    def newcomers(self, names: Collection[str]) -> list[str]:
        """Those that have no row yet, each once."""
        return sorted(set(names) - self._states.keys())


def exceeded(short: Standing, wanted: int) -> Precondition:
    """The refusal that names the budget, what is used of it, and when it renews."""
    limit, spent, held, asked = (
        Money(currency=USD, micros=micros) for micros in (short.limit, short.spent, short.held, wanted)
    )
    renewed = "never" if short.span.end is None else f"{short.span.end:%Y-%m-%dT%H:%MZ}"
    return Precondition(
        reason=Reason.BUDGET_EXCEEDED,
        message=(
            f"the {short.period} budget of tenant {short.tenant} is {limit}: {spent} are spent and {held} held, "
            f"so {asked} more do not fit; it renews {renewed if short.span.end is None else f'at {renewed}'}"
        ),
        metadata={
            "tenant": short.tenant,
            "budget": str(short.period),
            "limit_micros": str(short.limit),
            "spent_micros": str(short.spent),
            "held_micros": str(short.held),
            "wanted_micros": str(wanted),
            "renew_time": renewed,
        },
    )


def over_cost(plan: Plan) -> Precondition | None:
    """Why the order's `max_cost` forbids its plan, or None."""
    limit = plan.order.max_cost
    if limit is None:
        return None
    if plan.rewriting is not None and not plan.rewriting.priced:
        return unpriced()
    return over_max_cost(plan.held_max, limit) if plan.held_max.micros > limit.micros else None


def wrong_currency(limit: Money, currency: str) -> list[Violation]:
    """What is wrong with a `max_cost` for what is charged in this currency: a limit in USD holds for mocks too."""
    if limit.currency in (currency, USD):
        return []
    text = f"this is charged in {currency}; give the limit in {currency} or {USD}"
    return [Violation(field="max_cost.currency_code", message=text)]


def unpriced() -> Precondition:
    """The refusal of a limit that nobody could keep."""
    return Precondition(
        reason=Reason.COST_LIMIT_EXCEEDED,
        message="max_cost: no prices of the language model are set, so nobody could keep it; leave it out, or let the"
        " rules do it: with 0 for a prompt, without enhance_prompt for a video",
    )


def over_max_cost(held: Money, limit: Money) -> Precondition:
    """The refusal of what might cost more than the caller allows."""
    return Precondition(
        reason=Reason.COST_LIMIT_EXCEEDED,
        message=f"up to {held} would be held, max_cost is {limit}: raise max_cost or ask for less",
        metadata={"held_max_micros": str(held.micros), "max_cost_micros": str(limit.micros)},
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Top:
    """How much more must be held for another attempt at a clip."""

    situation: Situation
    money: Money
    attempt_id: str


def hold_more(connection: sa.Connection, top: Top, now: datetime) -> Precondition | None:
    """Hold what another attempt needs beyond what its clip still holds; or why it may not be bought."""
    account, money = top.situation.account, top.money
    missing = money.micros - ledger.balance(connection, account.clip_id).open
    if missing <= 0:
        return None
    refusal = _over_cap(connection, top.situation, missing)
    if refusal is None and money.currency == USD:
        short = Purse(connection, {account.tenant}, now).take(account.tenant, missing)
        refusal = None if short is None else exceeded(short, missing)
    if refusal is None:
        more = Money(currency=money.currency, micros=missing)
        ledger.adjust(connection, account, more, NEW_HOLD, now, top.attempt_id)
    return refusal


def _over_cap(connection: sa.Connection, situation: Situation, missing: int) -> Precondition | None:
    limit = situation.job.quote.get("max_cost")
    if limit is None:
        return None
    currency = situation.job.quote["currency"]
    held = Money(currency=currency, micros=_committed(connection, situation.job.id) + missing)
    return over_max_cost(held, Money(currency=currency, micros=limit)) if held.micros > limit else None


def _committed(connection: sa.Connection, job_id: str) -> int:
    """What a job has cost and still holds, in micros."""
    clips = sa.select(tables.clips.c.id).where(tables.clips.c.job_id == job_id)
    of_job = sa.select(tables.jobs.c.prompt_id).where(
        tables.jobs.c.id == job_id, tables.jobs.c.enhancement != str(Enhancement.NONE)
    )
    kinds = [str(kind) for kind in (ledger.Kind.HOLD, ledger.Kind.ADJUST)]
    signed = sa.case(
        (entries.c.kind.in_(kinds), entries.c.micros),
        (entries.c.kind == str(ledger.Kind.RELEASE), -entries.c.micros),
        else_=0,
    )
    query = sa.select(sa.func.coalesce(sa.func.sum(signed), 0)).where(
        sa.or_(entries.c.clip_id.in_(clips), entries.c.clip_id.in_(of_job))
    )
    return int(connection.execute(query).scalar_one())


def not_bought(refusal: Precondition) -> Failure:
    """The failure of a clip whose next attempt may not be bought."""
    reason = FailureReason(str(refusal.reason))
    return Failure(reason=reason, message=f"not bought again: {refusal.message}", retryable=False)


def watch_bill(
    connection: sa.Connection, situation: Situation, attempt: Attempt, grown: int, basis: str, now: datetime
) -> None:
    """A bill above what was held is booked all the same: the vendor has it. Raise the alarms it deserves."""
    if grown <= 0:
        return
    tenant, money = situation.job.tenant, Money(currency=attempt.currency, micros=grown)
    facts = {"job": situation.job.id, "model": attempt.model, "more": str(money), "basis": str(basis)}
    audit.alarm(connection, "COST_ABOVE_HOLD", now, tenant=tenant, target=attempt.id, facts=facts)
    limit = situation.job.quote.get("max_cost")
    if limit is not None and _committed(connection, situation.job.id) > limit:
        audit.alarm(connection, "MAX_COST_EXCEEDED", now, tenant=tenant, target=situation.job.id, facts=facts)
    if attempt.currency == USD:
        for short in budgets.standings(connection, {tenant}, now).get(tenant, ()):
            if short.left < 0:
                about = facts | {"budget": str(short.period), "over": str(Money(currency=USD, micros=-short.left))}
                audit.alarm(connection, "BUDGET_OVERRUN", now, tenant=tenant, target=attempt.id, facts=about)


def watch_unknown(
    connection: sa.Connection, situation: Situation, attempt: Attempt, money: Money, now: datetime
) -> None:
    """A cost nobody knows is booked as its quote, and told."""
    facts = {"job": situation.job.id, "model": attempt.model, "booked": str(money)}
    audit.alarm(connection, "UNKNOWN_COST", now, tenant=situation.job.tenant, target=attempt.id, facts=facts)
