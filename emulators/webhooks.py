"""Replicate's webhooks: signed as Standard Webhooks, retried under one id, spoiled on demand, re-armed on restart."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import ipaddress
import json
import secrets
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import replace
from math import inf
from urllib.parse import urlsplit

from core.outcome import Json
from emulators import ledger
from emulators.faults import Scripted, Stage
from emulators.jobs import Job, end, moments
from emulators.ledger import Delivery
from emulators.predictions import prediction
from emulators.replicate_models import REPLICATE_MODELS
from emulators.world import World

EVENTS = ("start", "output", "logs", "completed")
ORDER = ("start", "logs", "output", "completed")
UNFILTERED = ("output", "completed")
PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Wall seconds between attempts. The vendor says "a few times"; how many and how far apart is not known."""
REPLY_SECONDS = 10.0
BAD_SECRET = "whsec_" + base64.b64encode(b"not the secret of this account").decode()


class Forbidden(OSError):
    """A webhook address this emulator may not contact."""


def sign(secret: str, webhook_id: str, timestamp: int, body: bytes) -> str:
    """`v1,` and the base64 HMAC-SHA256 over `{id}.{timestamp}.{body}`."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{webhook_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


class Courier:
    """Accompanies every job that has a webhook with a task of its own."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._news: dict[str, asyncio.Event] = {}

    def watch(self, job: Job) -> None:
        """Deliver this job's webhooks when they are due."""
        if not job.webhook or job.id in self._tasks:
            return
        self._news[job.id] = asyncio.Event()
        task = asyncio.create_task(self._accompany(job))
        self._tasks[job.id] = task
        task.add_done_callback(lambda _: (self._tasks.pop(job.id, None), self._news.pop(job.id, None)))

    async def rearm(self) -> None:
        """Take up what an earlier process left."""
        begun = await self._world.ledger.do(ledger.deliveries)
        done = {each.job for each in begun if each.event == "completed" and each.state != "pending"}
        for job in await self._world.ledger.do(ledger.jobs):
            if job.id not in done:
                self.watch(job)

    def poke(self, job_id: str | None = None) -> None:
        """Look at the time again: a job, or all of them, may end at another moment than thought."""
        for each, event in self._news.items():
            if job_id in (None, each):
                event.set()

    async def close(self) -> None:
        """Stop; what is undelivered is taken up by the next process."""
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accompany(self, job: Job) -> None:
        held: list[tuple[str, dict[str, Json]]] = []
        for event in ORDER:
            if event not in (UNFILTERED if job.events is None else job.events):
                continue
            current = await self._until_due(job, event)
            if current is None:
                continue
            body = self._body(current, event)
            scripted = await self._world.ledger.do(
                ledger.take, "replicate", Stage.WEBHOOK, f"{job.prompt} {event}", job.id
            )
            if scripted is not None and scripted.fault.name == "webhook-reordered" and event != "completed":
                held.append((event, body))
            else:
                await self._deliver(job, event, body, scripted)
        for event, body in held:
            await self._deliver(job, event, body, None)

    async def _until_due(self, job: Job, event: str) -> Job | None:
        """Wait for the event; the job as it is then, or None when the event will never be."""
        world, news = self._world, self._news[job.id]
        while True:
            news.clear()
            current = await world.ledger.do(ledger.job, job.id)
            if current is None:
                return None
            due = self.due(current, event)
            if due is None:
                return None
            if due <= world.now():
                return current
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), None if due == inf else due - world.now())

    def due(self, job: Job, event: str) -> float | None:
        """When an event is, in Unix seconds; None when it never comes."""
        _, started, ended = moments(job, self._world.timeline)
        over = end(job, self._world.timeline)
        if event == "start":
            return started if started < over or over == inf else None
        if event == "logs":
            half = (started + ended) / 2
            return half if REPLICATE_MODELS[job.model].prints_logs and half < over else None
        if event == "output":
            return over if over == ended and not job.failure else None
        return over

    def _body(self, job: Job, event: str) -> dict[str, Json]:
        due = self.due(job, event)
        body = prediction(self._world, job, due)
        return body | {"status": "processing", "completed_at": None} if event == "output" else body

    async def _deliver(self, job: Job, event: str, body: Mapping[str, Json], scripted: Scripted | None) -> None:
        fresh = Delivery(
            job=job.id, event=event, webhook_id=f"msg_{secrets.token_hex(13)}", body=json.dumps(body).encode()
        )
        delivery = await self._world.ledger.do(ledger.delivery, fresh)
        name = scripted.fault.name if scripted is not None else ""
        if delivery.state != "pending":
            return
        if name == "webhook-never":
            await self._save(delivery, "never")
            return
        if name == "webhook-slow" and scripted is not None:
            await asyncio.sleep(scripted.number("seconds", 2.0))
        for _ in range(2 if name == "webhook-duplicate" else 1):
            delivery = await self._attempts(job, delivery, name)

    async def _attempts(self, job: Job, delivery: Delivery, fault: str) -> Delivery:
        for pause in (*PAUSES, None):
            try:
                status = await self._post(job.webhook, delivery, fault)
            except Forbidden:
                return await self._save(delivery, "refused")
            except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
                status = 0
            delivery = replace(delivery, attempts=delivery.attempts + 1)
            if 200 <= status < 300:
                return await self._save(delivery, "delivered")
            await self._save(delivery, "pending" if pause is not None else "failed")
            if pause is not None:
                await asyncio.sleep(pause)
        return delivery

    async def _save(self, delivery: Delivery, state: str) -> Delivery:
        saved = replace(delivery, state=state)
        await self._world.ledger.do(ledger.save_delivery, saved)
        return saved

    async def _post(self, url: str, delivery: Delivery, fault: str) -> int:
        timestamp = int(time.time()) - (3600 if fault == "webhook-stale" else 0)
        secret = BAD_SECRET if fault == "webhook-bad-signature" else self._world.webhook_secret
        headers = {
            "webhook-id": delivery.webhook_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(secret, delivery.webhook_id, timestamp, delivery.body),
        }
        async with asyncio.timeout(REPLY_SECONDS):
            return await post(url, headers, delivery.body, allow_remote=self._world.options.allow_remote)


async def post(url: str, headers: Mapping[str, str], body: bytes, *, allow_remote: bool) -> int:
    """POST JSON and return the status; redirects are not followed. Raises Forbidden beyond loopback, OSError."""
    parts = urlsplit(url)
    tls = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if tls else 80)
    address = await _address(host, port, allow_remote=allow_remote)
    context = ssl.create_default_context() if tls else None
    reader, writer = await asyncio.open_connection(
        address, port, ssl=context, server_hostname=host if tls else None, limit=65_536
    )
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"POST {target} HTTP/1.1", f"host: {parts.netloc.rpartition('@')[2]}", "content-type: application/json"]
    lines += [f"content-length: {len(body)}", "connection: close", *(f"{name}: {headers[name]}" for name in headers)]
    try:
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        await writer.drain()
        status_line = await reader.readuntil(b"\r\n")
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    return int(status_line.split()[1])


async def _address(host: str, port: int, *, allow_remote: bool) -> str:
    """One address of the host, loopback only unless remote ones are allowed."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for *_, place in found:
        if allow_remote or ipaddress.ip_address(place[0]).is_loopback:
            return str(place[0])
    raise Forbidden("webhooks go to loopback only")
