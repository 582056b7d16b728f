"""A sweep over much goes in small steps: whoever writes meanwhile hardly waits."""

import asyncio
import math
import time
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from jobs import tables
from jobs.retention import Keeping, Retention
from tests.jobs.office import Office, Open

MANY = 20_000


async def _filled(room: Office) -> None:
    old = room.now() - timedelta(days=60)
    requests = [
        {"tenant": "acme", "rpc": "x", "request_id": f"r{number}", "hash": "", "job_ids": [], "time": old}
        for number in range(MANY)
    ]
    deliveries = [
        {
            "id": f"evt_{number}",
            "job_id": "job_1",
            "tenant": "acme",
            "endpoint_id": "",
            "kind": "job.ended",
            "url": "https://example.com",
            "origin": "https://example.com",
            "body": "x" * 600,
            "create_time": old,
            "attempts": 1,
            "state": "DELIVERED" if number else "DUE",
        }
        for number in range(MANY)
    ]
    tries = [
        {"id": f"t{number}", "delivery_id": f"evt_{number}", "time": old, "status": 200, "error": "", "milliseconds": 1}
        for number in range(MANY)
    ]

    def work(connection: sa.Connection) -> None:
        pairs: list[tuple[sa.Table, list[dict[str, Any]]]] = [
            (tables.requests, requests),
            (tables.deliveries, deliveries),
            (tables.delivery_attempts, tries),
        ]
        for table, rows in pairs:
            connection.execute(sa.insert(table), rows)

    await room.database.write(work)


async def _left(room: Office) -> list[int]:
    def work(connection: sa.Connection) -> list[int]:
        counts = [sa.select(sa.func.count()).select_from(each) for each in (tables.requests, tables.deliveries)]
        return [int(connection.execute(query).scalar_one()) for query in counts]

    return await room.database.read(work)


async def test_a_big_sweep_keeps_no_writer_waiting(office: Open) -> None:
    room = office()
    await _filled(room)
    retention = Retention(room.context, Keeping())
    waits: list[float] = []

    update = sa.update(tables.retention).values(last_job="")

    async def write_often() -> None:
        while True:
            begin = time.monotonic()
            await room.database.write(lambda connection: connection.execute(update).rowcount)
            waits.append(time.monotonic() - begin)
            await asyncio.sleep(0.001)

    writing = asyncio.create_task(write_often())
    async with asyncio.timeout(60):
        while await _left(room) != [0, 1]:
            await retention.sweep()
    writing.cancel()
    waits.sort()
    assert len(waits) > 5
    assert waits[math.ceil(len(waits) * 0.8) - 1] < 1.0  # alone on a machine, the longest of all is 0.04
