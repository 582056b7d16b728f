"""Delivers the vendors' webhooks: repeated under one id, spoiled on demand, taken up again after a restart."""

import asyncio
import contextlib
import inspect
import ipaddress
import json
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import replace
from math import inf
from urllib.parse import urlsplit

from emulators import ledger
from emulators.faults import Scripted, Stage
from emulators.jobs import Job
from emulators.ledger import Delivery
from emulators.webhooks import Letter, Webhooks
from emulators.world import World

STALE_SECONDS = 3600


class Forbidden(OSError):
    """A webhook address this emulator may not contact."""


class Courier:
    """Accompanies every job that has a webhook with a task of its own."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._news: dict[str, asyncio.Event] = {}

    def _manners(self, job: Job) -> Webhooks | None:
        vendor = self._world.vendors.get(job.vendor)
        return None if vendor is None else vendor.webhooks

    def watch(self, job: Job) -> None:
        """Deliver this job's webhooks when they are due."""
        manners = self._manners(job)
        if not job.webhook or job.id in self._tasks or manners is None:
            return
        self._news[job.id] = asyncio.Event()
        task = asyncio.create_task(self._accompany(job, manners))
        self._tasks[job.id] = task
        task.add_done_callback(lambda _: (self._tasks.pop(job.id, None), self._news.pop(job.id, None)))

    async def rearm(self) -> None:
        """Take up what an earlier process left."""
        begun = await self._world.ledger.do(ledger.deliveries)
        settled = {(each.job, each.event) for each in begun if each.state != "pending"}
        for job in await self._world.ledger.do(ledger.jobs):
            manners = self._manners(job)
            if manners is not None and not any((job.id, event) in settled for event in manners.last):
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

    async def _accompany(self, job: Job, manners: Webhooks) -> None:
        held: list[tuple[str, bytes]] = []
        wanted = manners.wanted(job)
        for event in manners.events:
            if wanted is not None and event not in wanted:
                continue
            found = await self._until_due(job, manners, event)
            if found is None:
                continue
            told = manners.body(self._world, found[0], event, found[1])
            body = json.dumps(await told if inspect.isawaitable(told) else told).encode()
            scripted = await self._world.take(job.vendor, Stage.WEBHOOK, f"{job.prompt} {event}", job.id)
            if scripted is not None and scripted.fault.name == "webhook-reordered" and event not in manners.last:
                held.append((event, body))
            else:
                await self._deliver(job, manners, event, body, scripted)
        for event, body in held:
            await self._deliver(job, manners, event, body, None)

    async def _until_due(self, job: Job, manners: Webhooks, event: str) -> tuple[Job, float] | None:
        """Wait for the event; the job as it is then and when that was, or None when the event will never be."""
        world, news = self._world, self._news[job.id]
        while True:
            news.clear()
            current = await world.ledger.do(ledger.job, job.id)
            due = None if current is None else manners.events[event](world, current)
            if current is None or due is None:
                return None
            if due <= world.now():
                return current, due
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), None if due == inf else due - world.now())

    async def _deliver(self, job: Job, manners: Webhooks, event: str, body: bytes, scripted: Scripted | None) -> None:
        fresh = Delivery(job=job.id, event=event, webhook_id=manners.new_id(), body=body)
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
            delivery = await self._attempts(job, manners, delivery, name)

    async def _attempts(self, job: Job, manners: Webhooks, delivery: Delivery, fault: str) -> Delivery:
        for pause in (*manners.pauses, None):
            try:
                status = await self._post(job, manners, delivery, fault)
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

    async def _post(self, job: Job, manners: Webhooks, delivery: Delivery, fault: str) -> int:
        letter = Letter(
            job=job,
            event=delivery.event,
            webhook_id=delivery.webhook_id,
            timestamp=int(time.time()) - (STALE_SECONDS if fault == "webhook-stale" else 0),
            body=delivery.body,
            forged=fault == "webhook-bad-signature",
        )
        headers = {} if manners.sign is None else await manners.sign(self._world, letter)
        async with asyncio.timeout(manners.reply_seconds):
            return await post(job.webhook, headers, letter.body, allow_remote=self._world.options.allow_remote)


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
