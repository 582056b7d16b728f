"""Tenants' webhook endpoints: kept, their secrets rotated, their deliveries shown and sent again."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa

from core.database import insert_unless_there
from core.errors import InvalidRequest, NotFound, Precondition, Reason, UnsafeUrl, Violation
from core.identifiers import new_id
from jobs import outbox, signing, tables, tenants
from jobs.context import Context
from jobs.orders import Page
from jobs.outbox import DISABLED, DUE, ENABLED
from jobs.records import Row
from jobs.signing import Root, fingerprint

MOST_ENDPOINTS = 16
"""Of one tenant: every event may be sent to each."""
MOST_SECRETS = 4
"""That sign at the same time."""
TEST = "webhook.test"
_FIRST_SERIAL = 1
_ASKED = "disabled on request"


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """A row of `webhook_endpoint`."""

    id: str
    tenant: str
    url: str
    events: tuple[str, ...]
    """Kinds of events; empty: what `outbox.BY_DEFAULT` says."""
    description: str
    enabled: bool
    reason: str
    """Why it is disabled."""
    create_time: datetime
    update_time: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointChange:
    """What to change; None leaves it as it is."""

    url: str | None = None
    events: tuple[str, ...] | None = None
    description: str | None = None
    enabled: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Try:
    """One POST of a delivery. `status` 0: no answer came, and `error` says why."""

    time: datetime
    status: int
    error: str
    milliseconds: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryView:
    """A row of `delivery` with all that was tried."""

    id: str
    tenant: str
    endpoint_id: str
    """Empty: the address that the job's request named."""
    job_id: str
    kind: str
    """`job.ended` and its like, or `webhook.test`."""
    url: str
    body: str
    state: str
    create_time: datetime
    next_time: datetime | None
    tries: tuple[Try, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryFilter:
    """Which deliveries; empty: all."""

    endpoint_id: str = ""
    job_id: str = ""
    states: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Webhooks:
    """What a tenant does with its endpoints. Somebody else's are not found."""

    context: Context
    root: Root
    origins: frozenset[str] = frozenset()

    async def create(
        self, tenant: str, url: str, events: Iterable[str] = (), description: str = ""
    ) -> tuple[Endpoint, str]:
        """A new endpoint and its secret, which is never told again. Raises InvalidRequest, Precondition."""
        await self._check(url)
        now = self.context.now()
        endpoint = Endpoint(
            id=new_id("hook"),
            tenant=tenant,
            url=url,
            events=tuple(events),
            description=description,
            enabled=True,
            reason="",
            create_time=now,
            update_time=now,
        )
        secret = await self.context.database.write_known(partial(_create, endpoint=endpoint, root=self.root))
        return endpoint, secret

    async def get(self, endpoint_id: str, tenant: str) -> Endpoint:
        """One endpoint. Raises NotFound."""
        return await self.context.database.read(partial(_get, endpoint_id=endpoint_id, tenant=tenant))

    async def listed(self, tenant: str, page: Page) -> list[Endpoint]:
        """Endpoints, newest first."""
        columns = tables.webhook_endpoints.c
        query = sa.select(tables.webhook_endpoints).where(columns.tenant == tenant)
        if page.before:
            query = query.where(columns.id < page.before)
        query = query.order_by(columns.id.desc()).limit(page.size)
        return await self.context.database.read(
            lambda connection: [_endpoint_of(row) for row in connection.execute(query)]
        )

    async def update(self, endpoint_id: str, tenant: str, change: EndpointChange) -> Endpoint:
        """Change an endpoint; what waits for it follows to a new address. Raises NotFound, InvalidRequest."""
        if change.url is not None:
            await self.get(endpoint_id, tenant)
            await self._check(change.url)
        work = partial(_update, endpoint_id=endpoint_id, tenant=tenant, change=change, now=self.context.now())
        return await self.context.database.write(work)

    async def delete(self, endpoint_id: str, tenant: str) -> None:
        """Remove an endpoint; what waits for it is not sent. Raises NotFound."""
        await self.context.database.write(partial(_delete, endpoint_id=endpoint_id, tenant=tenant))

    async def rotate(self, endpoint_id: str, tenant: str, overlap: timedelta) -> tuple[Endpoint, str]:
        """A new secret; for the time of `overlap` the ones before sign as well. Raises NotFound."""
        now = self.context.now()

        def work(connection: sa.Connection) -> tuple[Endpoint, str]:
            change = EndpointChange()  # its row is locked first, so that two rotations at once are one after the other
            endpoint = _update(connection, endpoint_id, tenant, change, now)
            return endpoint, rotate(connection, self.root, endpoint_id, overlap, now)

        return await self.context.database.write(work)

    async def own_secret(self, tenant: str) -> str:
        """What signs the webhooks that the tenant's requests name."""
        owner = signing.tenants_own(tenant)
        work = partial(signing_secrets, root=self.root, owners={owner}, now=self.context.now())
        return (await self.context.database.read(work))[owner][0]

    async def rotate_own(self, tenant: str, overlap: timedelta) -> str:
        """A new secret for the webhooks that the tenant's requests name; see `rotate`."""
        owner, now = signing.tenants_own(tenant), self.context.now()
        return await self.context.database.write(lambda connection: rotate(connection, self.root, owner, overlap, now))

    async def deliveries(self, tenant: str, wanted: DeliveryFilter, page: Page) -> list[DeliveryView]:
        """Deliveries with what was tried, newest first."""
        return await self.context.database.read(partial(_deliveries, tenant=tenant, wanted=wanted, page=page))

    async def redeliver(self, delivery_id: str, tenant: str) -> DeliveryView:
        """Send a delivery again, with the same id and body, from the first step of the schedule on.

        Raises NotFound, and Precondition where its endpoint is disabled or gone.
        """
        work = partial(_redeliver, delivery_id=delivery_id, tenant=tenant, now=self.context.now())
        view = await self.context.database.write(work)
        self.context.bell.ring(view.id)
        return view

    async def test(self, endpoint_id: str, tenant: str) -> DeliveryView:
        """Send `webhook.test` to an endpoint, as any other delivery. Raises NotFound, Precondition."""
        name, now = outbox.new_delivery(), self.context.now()
        work = partial(_test, name=name, endpoint_id=endpoint_id, tenant=tenant, now=now)
        view = await self.context.database.write_known(work)
        self.context.bell.ring(view.id)
        return view

    async def _check(self, url: str) -> None:
        try:
            await self.context.public_client.check_public(url, allowed_origins=self.origins)
        except UnsafeUrl as error:
            violation = Violation(field="url", message=str(error), reason=Reason.UNSAFE_URL)
        else:
            return
        raise InvalidRequest.of([violation])


def signing_secrets(
    connection: sa.Connection, root: Root, owners: Collection[str], now: datetime
) -> dict[str, tuple[str, ...]]:
    """Owner -> the secrets that sign now, newest first; none where the newest is not what it was when it was made."""
    columns = tables.webhook_secrets.c
    query = sa.select(columns.owner, columns.serial, columns.fingerprint).where(
        columns.owner.in_(list(owners)), sa.or_(columns.expire_time.is_(None), columns.expire_time > now)
    )
    found: dict[str, list[str]] = {owner: [] for owner in owners}
    broken = set()
    for row in connection.execute(query.order_by(columns.serial.desc())):
        secret = root.secret(row.owner, row.serial)
        if fingerprint(secret) == row.fingerprint:
            found[row.owner].append(secret)
        elif not found[row.owner]:
            broken.add(row.owner)
    return {owner: () if owner in broken else tuple(secrets) or _first(root, owner) for owner, secrets in found.items()}


def _first(root: Root, owner: str) -> tuple[str, ...]:
    """A tenant that never rotated has no row; an endpoint without one is gone."""
    return (root.secret(owner, _FIRST_SERIAL),) if owner.startswith("tenant:") else ()


def rotate(connection: sa.Connection, root: Root, owner: str, overlap: timedelta, now: datetime) -> str:
    """Make the next secret of an owner; those before sign for the time of `overlap` at most."""
    secrets = tables.webhook_secrets
    columns = secrets.c
    serials = list(connection.execute(sa.select(columns.serial).where(columns.owner == owner)).scalars())
    if not serials and owner.startswith("tenant:"):
        _insert_secret(connection, root, owner, _FIRST_SERIAL, now)
        serials = [_FIRST_SERIAL]
    ends = sa.or_(columns.expire_time.is_(None), columns.expire_time > now + overlap)
    update = sa.update(secrets).where(columns.owner == owner, ends)
    connection.execute(update.values(expire_time=now + overlap))
    newest = max(serials, default=0) + 1
    superfluous = sa.or_(columns.expire_time <= now, columns.serial <= newest - MOST_SECRETS)
    # The newest serial of all stays, whatever becomes of it: no serial is ever used twice.
    connection.execute(sa.delete(secrets).where(columns.owner == owner, superfluous))
    return _insert_secret(connection, root, owner, newest, now)


def _insert_secret(connection: sa.Connection, root: Root, owner: str, serial: int, now: datetime) -> str:
    secret = root.secret(owner, serial)
    row = {"owner": owner, "serial": serial, "fingerprint": fingerprint(secret), "create_time": now}
    connection.execute(sa.insert(tables.webhook_secrets), row)
    return secret


def disable(connection: sa.Connection, endpoint_id: str, reason: str, now: datetime) -> None:
    """Send nothing more to an endpoint, what waits included."""
    endpoints = tables.webhook_endpoints
    update = sa.update(endpoints).where(endpoints.c.id == endpoint_id, endpoints.c.state == ENABLED)
    connection.execute(update.values(state=DISABLED, reason=reason, update_time=now))
    drop_due(connection, tables.deliveries.c.endpoint_id == endpoint_id, reason)


def drop_due(connection: sa.Connection, which: sa.ColumnElement[bool], reason: str) -> None:
    """End deliveries that wait, without another attempt."""
    deliveries = tables.deliveries
    values = {"state": DISABLED, "next_time": None, "claim": "", "claimed_until": None, "last_answer": reason}
    connection.execute(sa.update(deliveries).where(deliveries.c.state == DUE, which).values(**values))


def drop_unwanted(connection: sa.Connection, endpoint_ids: Collection[str]) -> set[str]:
    """Of these endpoints the ones that are gone or disabled; what waits for them ends."""
    if not endpoint_ids:
        return set()
    columns = tables.webhook_endpoints.c
    query = sa.select(columns.id).where(columns.id.in_(list(endpoint_ids)), columns.state == ENABLED)
    unwanted = set(endpoint_ids) - set(connection.execute(query).scalars())
    if unwanted:
        drop_due(connection, tables.deliveries.c.endpoint_id.in_(sorted(unwanted)), "the endpoint is disabled")
    return unwanted


def _create(connection: sa.Connection, endpoint: Endpoint, root: Root) -> str:
    columns = tables.webhook_endpoints.c
    if connection.execute(sa.select(columns.id).where(columns.id == endpoint.id)).scalar():
        return root.secret(endpoint.id, _FIRST_SERIAL)  # an earlier try, whose commit was not confirmed
    tenants.check_stays(connection, endpoint.tenant)
    query = sa.select(sa.func.count()).where(columns.tenant == endpoint.tenant)
    if connection.execute(query).scalar_one() >= MOST_ENDPOINTS:
        raise Precondition(
            reason=Reason.TOO_MANY_ENDPOINTS,
            message=f"a tenant may have {MOST_ENDPOINTS} webhook endpoints; delete one, or change one",
        )
    row = {name: getattr(endpoint, name) for name in Endpoint.__slots__ if name != "enabled"}
    connection.execute(sa.insert(tables.webhook_endpoints), row | {"events": list(endpoint.events), "state": ENABLED})
    return _insert_secret(connection, root, endpoint.id, _FIRST_SERIAL, endpoint.create_time)


def _get(connection: sa.Connection, endpoint_id: str, tenant: str) -> Endpoint:
    columns = tables.webhook_endpoints.c
    query = sa.select(tables.webhook_endpoints).where(columns.id == endpoint_id, columns.tenant == tenant)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(reason=Reason.NOT_FOUND, message="no such webhook endpoint")
    return _endpoint_of(row)


def _update(
    connection: sa.Connection, endpoint_id: str, tenant: str, change: EndpointChange, now: datetime
) -> Endpoint:
    columns = tables.webhook_endpoints.c
    values: dict[str, Any] = {"update_time": now}
    if change.url is not None:
        values["url"] = change.url
    if change.events is not None:
        values["events"] = list(change.events)
    if change.description is not None:
        values["description"] = change.description
    if change.enabled is not None:
        values |= {"state": ENABLED, "reason": ""} if change.enabled else {"state": DISABLED, "reason": _ASKED}
    update = sa.update(tables.webhook_endpoints).where(columns.id == endpoint_id, columns.tenant == tenant)
    connection.execute(update.values(**values))
    endpoint = _get(connection, endpoint_id, tenant)
    deliveries = tables.deliveries
    if change.enabled is False:
        drop_due(connection, deliveries.c.endpoint_id == endpoint_id, _ASKED)
    if change.url is not None:
        waiting = sa.update(deliveries).where(deliveries.c.endpoint_id == endpoint_id, deliveries.c.state == DUE)
        connection.execute(waiting.values(url=change.url, origin=outbox.origin(change.url)))
    return endpoint


def _delete(connection: sa.Connection, endpoint_id: str, tenant: str) -> None:
    endpoint = _get(connection, endpoint_id, tenant)
    drop_due(connection, tables.deliveries.c.endpoint_id == endpoint.id, "the endpoint was deleted")
    connection.execute(sa.delete(tables.webhook_secrets).where(tables.webhook_secrets.c.owner == endpoint.id))
    connection.execute(sa.delete(tables.webhook_endpoints).where(tables.webhook_endpoints.c.id == endpoint.id))


def _deliveries(connection: sa.Connection, tenant: str, wanted: DeliveryFilter, page: Page) -> list[DeliveryView]:
    columns = tables.deliveries.c
    given = [
        (wanted.endpoint_id, columns.endpoint_id == wanted.endpoint_id),
        (wanted.job_id, columns.job_id == wanted.job_id),
        (wanted.states, columns.state.in_(wanted.states)),
        (page.before, columns.id < page.before),
    ]
    conditions = [condition for value, condition in given if value]
    query = sa.select(tables.deliveries).where(columns.tenant == tenant, *conditions)
    return _with_tries(connection, connection.execute(query.order_by(columns.id.desc()).limit(page.size)).all())


def _with_tries(connection: sa.Connection, rows: Sequence[sa.Row[Any]]) -> list[DeliveryView]:
    attempts = tables.delivery_attempts
    tries: dict[str, list[Try]] = {row.id: [] for row in rows}
    query = sa.select(attempts).where(attempts.c.delivery_id.in_(list(tries))).order_by(attempts.c.id)
    for row in connection.execute(query):
        tried = Try(time=row.time, status=row.status, error=row.error, milliseconds=row.milliseconds)
        tries[row.delivery_id].append(tried)
    names = [name for name in DeliveryView.__slots__ if name != "tries"]
    return [DeliveryView(**_picked(row, names), tries=tuple(tries[row.id])) for row in rows]


def _picked(row: Row, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _redeliver(connection: sa.Connection, delivery_id: str, tenant: str, now: datetime) -> DeliveryView:
    columns = tables.deliveries.c
    query = sa.select(tables.deliveries).where(columns.id == delivery_id, columns.tenant == tenant)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(reason=Reason.NOT_FOUND, message="no such webhook delivery")
    address = {"url": row.url, "origin": row.origin}
    if row.endpoint_id:
        url = _enabled(connection, row.endpoint_id, tenant).url
        address = {"url": url, "origin": outbox.origin(url)}
    values = {"state": DUE, "next_time": now, "attempts": 0, **address}
    connection.execute(sa.update(tables.deliveries).where(columns.id == delivery_id).values(**values))
    return _with_tries(connection, connection.execute(query).all())[0]


def _enabled(connection: sa.Connection, endpoint_id: str, tenant: str) -> Endpoint:
    try:
        endpoint = _get(connection, endpoint_id, tenant)
    except NotFound:
        text = "the endpoint of this delivery was deleted; nothing is sent to its address any more"
    else:
        if endpoint.enabled:
            return endpoint
        text = f"the endpoint is disabled ({endpoint.reason}); enable it first"
    raise Precondition(reason=Reason.WEBHOOK_DISABLED, message=text)


def _test(connection: sa.Connection, name: str, endpoint_id: str, tenant: str, now: datetime) -> DeliveryView:
    _get(connection, endpoint_id, tenant)
    endpoint = _enabled(connection, endpoint_id, tenant)
    body = outbox.message(TEST, {"endpoint_id": endpoint.id, "tenant_name": tenant}, now)
    row = outbox.row(tenant, endpoint.id, endpoint.url, TEST, body, now) | {"id": name}
    connection.execute(insert_unless_there(connection, tables.deliveries, [row]))
    query = sa.select(tables.deliveries).where(tables.deliveries.c.id == name)
    return _with_tries(connection, connection.execute(query).all())[0]


def _endpoint_of(row: sa.Row[Any]) -> Endpoint:
    values = _picked(row, [name for name in Endpoint.__slots__ if name != "enabled"])
    return replace(Endpoint(**values, enabled=row.state == ENABLED), events=tuple(row.events))
