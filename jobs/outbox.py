"""The outbox of webhooks: rows in the transaction of the event, one for each address that wants to hear of it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core import urls
from core.errors import UnsafeUrl
from core.identifiers import new_id
from core.outcome import Json
from jobs import tables
from jobs.events import EventKind, Subject
from jobs.records import Row

BY_DEFAULT = (str(EventKind.STALLED), str(EventKind.ENDED))
DUE, DELIVERED, EXHAUSTED, DISABLED = "DUE", "DELIVERED", "EXHAUSTED", "DISABLED"
"""States of a delivery."""
ENABLED = "ENABLED"
"""The state of an endpoint that is sent to; the other is DISABLED."""

_columns = tables.webhook_endpoints.c
_ENDPOINTS = sa.select(_columns.id, _columns.tenant, _columns.url, _columns.events).where(
    _columns.tenant.in_(sa.bindparam("tenants", expanding=True)), _columns.state == ENABLED
)


def announce(
    connection: sa.Connection, subject: Subject, kind: EventKind, body: Mapping[str, Json], now: datetime
) -> None:
    """Queue an event's webhooks, to the request's own address and to the tenant's endpoints; bodies never change."""
    _insert(connection, [(subject, body)], kind, now)


def announce_accepted(connection: sa.Connection, accepted: Sequence[Mapping[str, Json]], now: datetime) -> None:
    """Queue the webhooks of new jobs' first event, given their rows."""
    told = [(_subject(row), {"job_state": row["state"]}) for row in accepted]
    _insert(connection, told, EventKind.ACCEPTED, now)


def _subject(job: Mapping[str, Json]) -> Subject:
    return Subject(
        job_id=job["id"],
        seq=1,
        tenant=job["tenant"],
        creative_id=job["creative_id"],
        state=job["state"],
        labels=job["labels"],
        webhook=job["webhook"],
    )


def _insert(
    connection: sa.Connection, told: Sequence[tuple[Subject, Mapping[str, Json]]], kind: EventKind, now: datetime
) -> None:
    tenants = sorted({subject.tenant for subject, _ in told})
    endpoints = list[Row](connection.execute(_ENDPOINTS, {"tenants": tenants}))
    rows = []
    for subject, body in told:
        addresses = list(_addresses(subject, endpoints, str(kind)))
        text = _message(subject, kind, body, now) if addresses else ""
        rows += [
            row(subject.tenant, endpoint_id, url, f"job.{kind.lower()}", text, now, job_id=subject.job_id)
            for endpoint_id, url in addresses
        ]
    if rows:
        connection.execute(sa.insert(tables.deliveries), rows)


def _addresses(subject: Subject, endpoints: Sequence[Row], kind: str) -> Iterator[tuple[str, str]]:
    """Endpoint id (empty: the request's own address) and URL of each who wants to hear of this kind."""
    own = subject.webhook
    if own.get("url") and kind in (own.get("events") or BY_DEFAULT):
        yield "", own["url"]
    for endpoint in endpoints:
        if endpoint.tenant == subject.tenant and kind in (endpoint.events or BY_DEFAULT):
            yield endpoint.id, endpoint.url


def _message(subject: Subject, kind: EventKind, body: Mapping[str, Json], now: datetime) -> str:
    failure = body.get("failure")
    told = {"failure": {name: value for name, value in failure.items() if name != "vendor_code"}} if failure else {}
    data = {
        **body,
        **told,
        "job_id": subject.job_id,
        "seq": subject.seq,
        "tenant_name": subject.tenant,
        "creative_id": subject.creative_id,
        "job_state": subject.state,
        "labels": dict(subject.labels),
    }
    return message(f"job.{kind.lower()}", data, now)


def message(kind: str, data: Mapping[str, Json], now: datetime) -> str:
    """A body as Standard Webhooks words it: type, timestamp, data."""
    whole = {"type": kind, "timestamp": now.isoformat(), "data": data}
    return json.dumps(whole, sort_keys=True, separators=(",", ":"))


def origin(url: str) -> str:
    """What deliveries to this address are bounded by; whatever the address is, for an event must not fail of it."""
    try:
        return urls.origin(url)
    except UnsafeUrl:
        return url


def new_delivery() -> str:
    """A delivery's id."""
    return new_id("evt")


def row(
    tenant: str, endpoint_id: str, url: str, kind: str, body: str, now: datetime, *, job_id: str = ""
) -> dict[str, Any]:
    """A row of `delivery` that is due at once."""
    return {
        "id": new_delivery(),
        "job_id": job_id,
        "tenant": tenant,
        "endpoint_id": endpoint_id,
        "kind": kind,
        "url": url,
        "origin": origin(url),
        "body": body,
        "create_time": now,
        "next_time": now,
        "attempts": 0,
        "state": DUE,
        "last_answer": "",
        "claim": "",
    }
