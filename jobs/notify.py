"""Outgoing webhooks: delivers what the outbox holds (https://www.standardwebhooks.com)."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from core.errors import UnsafeUrl
from jobs import tables
from jobs.context import Context
from jobs.http import NotSent, ReplyLost

SCHEDULE = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds between the 10 attempts (Standard Webhooks: 75 h 35 m in all)."""


def sign(secret: str, delivery_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` header of Standard Webhooks: `v1,` + base64 HMAC-SHA256 over `id.timestamp.body`."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{delivery_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """A row of `delivery` that is due."""

    id: str
    url: str
    body: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Courier:
    """Delivers what is due."""

    context: Context
    secret: str

    async def deliver_due(self) -> int:
        """One attempt at each delivery that is due; returns how many were tried."""
        due = await self.context.database.read(lambda connection: _due(connection, self.context.now()))
        for delivery in due:
            await self._attempt(delivery)
        return len(due)

    async def _attempt(self, delivery: Delivery) -> None:
        answer = await self._post(delivery)
        now = self.context.now()
        values = _after(delivery, answer, now)
        update = sa.update(tables.deliveries).where(tables.deliveries.c.id == delivery.id).values(**values)
        await self.context.database.write(lambda connection: connection.execute(update).rowcount)

    async def _post(self, delivery: Delivery) -> str:
        body = delivery.body.encode()
        timestamp = int(self.context.now().timestamp())
        headers = {
            "content-type": "application/json",
            "webhook-id": delivery.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(self.secret, delivery.id, timestamp, body),
        }
        try:
            reply = await self.context.public_client.deliver(delivery.url, body=body, headers=headers)
        except UnsafeUrl as error:
            return f"refused by the URL policy: {error}"
        except (NotSent, ReplyLost) as error:
            return f"not delivered: {error}"
        return str(reply.status)


def _due(connection: sa.Connection, now: datetime) -> Sequence[Delivery]:
    columns = tables.deliveries.c
    query = (
        sa.select(columns.id, columns.url, columns.body, columns.attempts)
        .where(columns.state == "DUE", columns.next_time <= now)
        .order_by(columns.next_time)
        .limit(100)
    )
    return [Delivery(**row._mapping) for row in connection.execute(query)]


def _after(delivery: Delivery, answer: str, now: datetime) -> dict[str, object]:
    attempts = delivery.attempts + 1
    state, next_time = "DUE", None
    if answer.startswith("2") and len(answer) == 3:
        state = "DELIVERED"
    elif answer == "410":
        state = "DISABLED"
    elif attempts > len(SCHEDULE):
        state = "EXHAUSTED"
    else:
        next_time = now + timedelta(seconds=SCHEDULE[attempts - 1])
    return {"attempts": attempts, "state": state, "next_time": next_time, "last_answer": answer[:200]}
