"""The accounts desk of the jobs room: tenants, budgets, usage, entries, parked clips and who changed what."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa

from core.errors import Conflict, FilmgateError, NotFound, Reason
from core.money import Money
from jobs import audit, tables, tenants, usage
from jobs.audit import OK, Act, AuditEntry, AuditFilter
from jobs.context import Context
from jobs.orders import Order
from jobs.records import Attempt, Clip, ClipState, Job, situation
from jobs.tenants import Tenant, TenantChange, TenantLimits, TenantPolicy
from ledger import budgets, ledger
from ledger import usage as ledger_usage
from ledger.budgets import Period, Standing

Result = TypeVar("Result")
_KEPT = 2.0
"""Seconds for which a tenant's choices and limits are remembered."""
_MOST_KEPT = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Parked:
    """A clip that waits for a decision."""

    job: Job
    clip: Clip
    attempt: Attempt
    held: Money
    expire_time: datetime


@dataclass(slots=True)
class Accounts:
    """Every door; what changes something also writes down who did it, in the same transaction."""

    context: Context
    _known: dict[str, tuple[float, TenantPolicy, TenantLimits]] = field(default_factory=dict)

    async def create_tenant(self, name: str, start: TenantChange, act: Act) -> Tenant:
        """A new row. Raises Conflict."""
        now = self.context.now()

        def work(connection: sa.Connection) -> Tenant:
            if not tenants.insert(connection, name, now, start):
                raise Conflict(reason=Reason.ALREADY_EXISTS, message=f"tenant {name} is there already; update it")
            return tenants.get(connection, name)

        made = await self._changed(act, work)
        self._known.pop(name, None)
        return made

    async def tenant(self, name: str) -> Tenant:
        """One tenant. Raises NotFound."""
        return await self.context.database.read(partial(tenants.get, name=name))

    async def tenants(self, size: int, after: str) -> list[Tenant]:
        """Tenants by name."""
        return await self.context.database.read(partial(tenants.page, size=size, after=after))

    async def update_tenant(self, name: str, change: TenantChange, act: Act) -> Tenant:
        """Change a tenant. Raises NotFound."""
        now = self.context.now()
        changed = await self._changed(act, lambda connection: tenants.update(connection, name, change, now))
        self._known.pop(name, None)
        return changed

    async def set_budget(self, name: str, period: Period, limit: Money, act: Act) -> Standing:
        """Set a budget; the tenant's row appears with it."""
        now = self.context.now()

        def work(connection: sa.Connection) -> Standing:
            tenants.insert(connection, name, now)
            budgets.put(connection, name, period, limit.micros, now)
            return _budget(connection, name, period, now)

        return await self._changed(act, work)

    async def budget(self, name: str, period: Period) -> Standing:
        """One budget as it stands. Raises NotFound."""
        now = self.context.now()
        return await self.context.database.read(lambda connection: _budget(connection, name, period, now))

    async def budgets(self, name: str) -> list[Standing]:
        """A tenant's budgets as they stand, the shortest period first."""
        now = self.context.now()
        found = await self.context.database.read(lambda connection: budgets.standings(connection, {name}, now))
        order = list(Period)
        return sorted(found.get(name, []), key=lambda each: order.index(each.period))

    async def delete_budget(self, name: str, period: Period, act: Act) -> None:
        """Lift a budget. Raises NotFound."""

        def work(connection: sa.Connection) -> None:
            if not budgets.remove(connection, name, period):
                raise _no_budget(name, period)

        await self._changed(act, work)

    async def usage(self, window: ledger_usage.Window, dimensions: Sequence[usage.Dimension]) -> usage.Usage:
        """What was used in a window."""
        return await self.context.database.read(partial(usage.used, window=window, dimensions=dimensions))

    async def entries(
        self, wanted: ledger_usage.EntryFilter, size: int, before: int | None
    ) -> list[ledger_usage.Entry]:
        """Ledger entries, newest first."""
        return await self.context.database.read(partial(ledger_usage.page, wanted=wanted, size=size, before=before))

    async def parked(self, tenant: str, size: int, before: str) -> list[Parked]:
        """Clips that wait for a decision, newest first."""
        ttl = timedelta(seconds=self.context.policy.resolution_ttl)
        return await self.context.database.read(
            partial(_parked, tenant=tenant, size=size, before=before, time_to_live=ttl)
        )

    async def audit(self, wanted: AuditFilter, size: int, before: str) -> list[AuditEntry]:
        """What was done, newest first."""
        return await self.context.database.read(partial(audit.page, wanted=wanted, size=size, before=before))

    async def note(self, act: Act, outcome: str) -> None:
        """Write down what was done elsewhere, or what was refused."""
        now = self.context.now()
        await self.context.database.write(lambda connection: audit.write(connection, act, outcome, now))

    async def with_default_fallbacks(self, order: Order, model: str) -> Order:
        """The order with the model's own fallbacks, where its tenant wants that and it names none."""
        catalogue = self.context.vendors.catalogue
        if order.fallbacks or not catalogue.fallbacks(catalogue.rows[model]):
            return order
        policy, _ = await self._choices(order.tenant)
        return replace(order, fallbacks=("default",)) if policy.default_fallbacks else order

    async def limits(self, name: str) -> TenantLimits:
        """What a tenant is allowed: its own limits, and the server's where it has none."""
        return (await self._choices(name))[1]

    async def _choices(self, name: str) -> tuple[TenantPolicy, TenantLimits]:
        known = self._known.get(name)
        now = self.context.monotonic()
        if known is None or now - known[0] > _KEPT:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            found = await self.context.database.read(partial(tenants.find, name=name))
            policy, own = (TenantPolicy(), TenantLimits()) if found is None else (found.policy, found.limits)
            known = self._known[name] = (now, policy, own.or_else(self.context.policy.tenant_limits))
        return known[1:]

    async def _changed(self, act: Act, work: Callable[[sa.Connection], Result]) -> Result:
        """Do it and write it down; a refusal is written down too."""
        now = self.context.now()

        def audited(connection: sa.Connection) -> Result:
            result = work(connection)
            audit.write(connection, act, OK, now)
            return result

        try:
            return await self.context.database.write(audited)
        except FilmgateError as error:
            await self.note(act, str(error.reason))
            raise


def _budget(connection: sa.Connection, name: str, period: Period, now: datetime) -> Standing:
    for each in budgets.standings(connection, {name}, now).get(name, ()):
        if each.period is period:
            return each
    raise _no_budget(name, period)


def _no_budget(name: str, period: Period) -> NotFound:
    about = {"type": "budget", "name": f"{name}/{period}"}
    return NotFound(reason=Reason.NOT_FOUND, message="no such budget", metadata=about)


def _parked(connection: sa.Connection, tenant: str, size: int, before: str, time_to_live: timedelta) -> list[Parked]:
    clips, jobs = tables.clips, tables.jobs
    query = sa.select(clips.c.id).where(clips.c.state == str(ClipState.PARKED))
    if tenant:
        query = query.join(jobs, jobs.c.id == clips.c.job_id).where(jobs.c.tenant == tenant)
    if before:
        query = query.where(clips.c.id < before)
    ids = connection.execute(query.order_by(clips.c.id.desc()).limit(size)).scalars().all()
    return [found for clip_id in ids if (found := _parked_clip(connection, clip_id, time_to_live)) is not None]


def _parked_clip(connection: sa.Connection, clip_id: str, time_to_live: timedelta) -> Parked | None:
    found = situation(connection, clip_id)
    attempt: Any = found.last
    if attempt is None:
        return None
    held = ledger.balance(connection, clip_id).open
    return Parked(
        job=found.job,
        clip=found.clip,
        attempt=attempt,
        held=Money(currency=attempt.currency, micros=held),
        expire_time=attempt.intend_time + time_to_live,
    )
