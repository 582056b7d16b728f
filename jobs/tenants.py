"""Tenants: who owns what. Any valid name is served; a row appears with the first job, and may suspend its tenant."""

import enum
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.database import Timestamp
from core.errors import NotFound, Precondition, Reason
from jobs import tables


class TenantState(enum.StrEnum):
    """Whether new work is taken from a tenant."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    DELETING = "DELETING"
    DELETED = "DELETED"


ENDING = (TenantState.DELETING, TenantState.DELETED)
"""What a tenant never comes back from."""


class Ambiguous(enum.StrEnum):
    """What becomes of a clip that may or may not have been bought, once looking for it has brought nothing."""

    PARK = "PARK"
    RESUBMIT = "RESUBMIT"


@dataclass(frozen=True, kw_only=True, slots=True)
class TenantPolicy:
    """A tenant's own choices."""

    ambiguous: Ambiguous = Ambiguous.PARK
    default_fallbacks: bool = False
    """Requests that name no fallbacks get the model's own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TenantLimits:
    """What an operator allows one tenant; None is what the server allows every tenant, 0 no limit."""

    requests_per_second: float | None = None
    """Requests for videos, over all replicas."""
    burst: int | None = None
    """How many of these may come at once."""
    reads_per_second: float | None = None
    """Reads, at each replica."""

    def or_else(self, usual: "TenantLimits") -> "TenantLimits":
        """The same, with what is usual where nothing is set."""
        own = {name: value for name, value in asdict(self).items() if value is not None}
        return replace(usual, **own)


UNLIMITED = TenantLimits(requests_per_second=0.0, burst=0, reads_per_second=0.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tenant:
    """A row of `tenant`."""

    name: str
    display_name: str
    state: TenantState
    policy: TenantPolicy
    limits: TenantLimits
    create_time: datetime
    update_time: datetime
    delete_time: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TenantChange:
    """What to change; None leaves it as it is."""

    display_name: str | None = None
    state: TenantState | None = None
    policy: TenantPolicy | None = None
    limits: TenantLimits | None = None


def tenant_of(row: sa.Row[Any]) -> Tenant:
    """A Tenant from a row of `tenant`."""
    values = {name: getattr(row, name) for name in Tenant.__slots__}
    made = {"policy": _policy_of(row.policy), "limits": _limits_of(row.limits)}
    return Tenant(**values | made | {"state": TenantState(row.state)})


def _policy_of(value: Mapping[str, Any]) -> TenantPolicy:
    return TenantPolicy(
        ambiguous=Ambiguous(value.get("ambiguous", Ambiguous.PARK)),
        default_fallbacks=bool(value.get("default_fallbacks")),
    )


def _limits_of(value: Mapping[str, Any]) -> TenantLimits:
    return TenantLimits(**{name: value.get(name) for name in TenantLimits.__slots__})


_INSERT = sa.text(
    "INSERT INTO tenant (name, display_name, state, policy, limits, create_time, update_time) "
    "VALUES (:name, :display_name, 'ACTIVE', :policy, :limits, :now, :now) ON CONFLICT (name) DO NOTHING"
).bindparams(
    sa.bindparam("now", type_=Timestamp),
    sa.bindparam("policy", type_=sa.JSON),
    sa.bindparam("limits", type_=sa.JSON),
)


def insert(connection: sa.Connection, name: str, now: datetime, start: TenantChange | None = None) -> bool:
    """Insert an active tenant that is as `start` says; False when it is there already."""
    start = start or TenantChange()
    values = {
        "name": name,
        "display_name": start.display_name or "",
        "policy": asdict(start.policy or TenantPolicy()),
        "limits": asdict(start.limits or TenantLimits()),
        "now": now,
    }
    return connection.execute(_INSERT, values).rowcount > 0


def find(connection: sa.Connection, name: str) -> Tenant | None:
    """A tenant's row, if it has one."""
    row = connection.execute(sa.select(tables.tenants).where(tables.tenants.c.name == name)).one_or_none()
    return None if row is None else tenant_of(row)


def get(connection: sa.Connection, name: str) -> Tenant:
    """A tenant's row. Raises NotFound."""
    found = find(connection, name)
    if found is None:
        raise NotFound(reason=Reason.NOT_FOUND, message="no such tenant", metadata={"type": "tenant", "name": name})
    return found


def policy(connection: sa.Connection, name: str) -> TenantPolicy:
    """A tenant's choices; the usual ones where it made none."""
    found = find(connection, name)
    return TenantPolicy() if found is None else found.policy


def update(connection: sa.Connection, name: str, change: TenantChange, now: datetime) -> Tenant:
    """Change a tenant. Raises NotFound, and Precondition for one that is being erased."""
    check_stays(connection, name)
    given = {"display_name": change.display_name, "state": change.state and str(change.state)}
    values: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if change.policy is not None:
        values["policy"] = asdict(change.policy)
    if change.limits is not None:
        values["limits"] = asdict(change.limits)
    where = tables.tenants.c.name == name
    connection.execute(sa.update(tables.tenants).where(where).values(**values, update_time=now))
    return get(connection, name)


def page(connection: sa.Connection, size: int, after: str) -> list[Tenant]:
    """Tenants by name, those above `after`."""
    query = sa.select(tables.tenants).order_by(tables.tenants.c.name).limit(size)
    return [tenant_of(row) for row in connection.execute(query.where(tables.tenants.c.name > after))]


_STATES = sa.select(tables.tenants.c.name, tables.tenants.c.state).where(
    tables.tenants.c.name.in_(sa.bindparam("names", expanding=True))
)
"""Built once: every accept asks."""


def states(connection: sa.Connection, names: Collection[str]) -> dict[str, TenantState]:
    """Name -> state, of those that have a row."""
    return {row.name: TenantState(row.state) for row in connection.execute(_STATES, {"names": list(names)})}


def check_stays(connection: sa.Connection, name: str) -> None:
    """Raises Precondition for a tenant that is being erased, or is: nothing new may be kept for it."""
    state = states(connection, [name]).get(name)
    if state in ENDING:
        raise refusal(name, state)


def check_active(connection: sa.Connection, name: str) -> None:
    """Raises Precondition for a tenant from which no new work is taken; one without a row is as good as new."""
    state = states(connection, [name]).get(name, TenantState.ACTIVE)
    if state is not TenantState.ACTIVE:
        raise refusal(name, state)


def refusal(name: str, state: TenantState) -> Precondition:
    """Why no new work is taken."""
    why = "is suspended: an operator has to make it active again before it may ask for more"
    if state in ENDING:
        why = "is deleted, and its name stays taken: use another one"
    return Precondition(
        reason=Reason.TENANT_SUSPENDED, message=f"tenant {name} {why}", metadata={"tenant": name, "state": str(state)}
    )
