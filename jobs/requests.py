"""Request ids: the same id with the same request is the same request, for a week (docs/decisions/0016)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from core.errors import Conflict, Reason
from jobs import tables


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestKey:
    """What makes a repeated request the same request. An empty `request_id` never repeats."""

    tenant: str
    rpc: str
    request_id: str
    hash: str

    @property
    def identity(self) -> tuple[str, str, str]:
        """What is unique."""
        return (self.tenant, self.rpc, self.request_id)


Known = dict[tuple[str, str, str], tuple[str, list[str]]]
"""Identity -> hash, and the ids of what the request made."""

_OF = sa.select(tables.requests).where(
    sa.tuple_(tables.requests.c.tenant, tables.requests.c.rpc, tables.requests.c.request_id).in_(
        sa.bindparam("identities", expanding=True)
    )
)
"""Built once: every accept asks."""

_CLAIM = sa.text(
    "INSERT INTO request (tenant, rpc, request_id, hash, job_ids, time) "
    "VALUES (:tenant, :rpc, :request_id, :hash, :job_ids, :time) ON CONFLICT DO NOTHING"
).bindparams(
    sa.bindparam("job_ids", type_=tables.requests.c.job_ids.type),
    sa.bindparam("time", type_=tables.requests.c.time.type),
)
"""Text, for what a dialect's own insert compiles to is not remembered."""


def known(connection: sa.Connection, keys: Sequence[RequestKey]) -> Known:
    """Earlier requests among these keys."""
    wanted = [key.identity for key in keys if key.request_id]
    if not wanted:
        return {}
    rows = connection.execute(_OF, {"identities": wanted})
    return {(row.tenant, row.rpc, row.request_id): (row.hash, list(row.job_ids)) for row in rows}


def answer(key: RequestKey, earlier: tuple[str, list[str]]) -> list[str] | Conflict:
    """What the earlier request made, or the refusal of a different one under its id."""
    hashed, made = earlier
    if hashed == key.hash:
        return made
    return Conflict(
        reason=Reason.REQUEST_ID_REUSED,
        message="request_id: it was used for a different request within 7 days; use a new one",
    )


def claim(connection: sa.Connection, made: Mapping[RequestKey, list[str]], now: datetime) -> Known:
    """Take the request ids; those that another replica has taken since they were looked up, with what it answered.

    On Postgres it waits for whoever is inserting such a row now: the rows are given sorted.
    """
    wanted = sorted((key for key in made if key.request_id), key=lambda key: key.identity)
    if not wanted or connection.execute(_CLAIM, [_row(key, made[key], now) for key in wanted]).rowcount == len(wanted):
        return {}
    there = known(connection, wanted)
    mine = {key.identity: made[key] for key in wanted}
    return {identity: found for identity, found in there.items() if found[1] != mine[identity]}


def _row(key: RequestKey, made: list[str], now: datetime) -> dict[str, object]:
    return {
        "tenant": key.tenant,
        "rpc": key.rpc,
        "request_id": key.request_id,
        "hash": key.hash,
        "job_ids": made,
        "time": now,
    }
