"""A job's webhooks: written with its events, on their way as soon as it has ended."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from standardwebhooks.webhooks import Webhook

from jobs.events import EventKind
from jobs.orders import Page
from jobs.webhooks import DeliveryFilter, DeliveryView

if TYPE_CHECKING:
    from tests.life.conftest import Workshop

Opened = Callable[..., "Awaitable[Workshop]"]


@dataclass
class Receiver:
    """What came to a socket: when, with which headers, and the body."""

    port: int = 0
    letters: list[tuple[float, dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = {name.lower(): value for name, value in re.findall(r"(?m)^([^:\r\n]+): *(.*?)\r$", head)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.letters.append((time.time(), headers | {"path": head.split()[1]}, body))
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@contextlib.asynccontextmanager
async def listening() -> AsyncIterator[Receiver]:
    """A receiver on loopback."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.take, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    async with server:
        yield receiver


async def test_the_end_of_a_job_is_told_at_once_and_once(opened: Opened) -> None:
    async with listening() as receiver:
        origin = f"http://127.0.0.1:{receiver.port}"
        workshop = await opened(webhook_origins=(origin,))
        _, secret = await workshop.jobs.webhooks.create("acme", f"{origin}/endpoint", ["ENDED", "ACCEPTED"])
        _, everything = await workshop.jobs.webhooks.create("acme", f"{origin}/all", [str(kind) for kind in EventKind])
        await workshop.jobs.webhooks.create("other", f"{origin}/other")
        own = await workshop.jobs.webhooks.own_secret("acme")
        webhook = {"url": f"{origin}/own", "events": ["ACCEPTED", "SETTLED"]}
        view = await workshop.ended(await workshop.order("runway/gen4.5", webhook=webhook))
        events = await workshop.events(view.job.id)

        async def all_told() -> bool:
            return len(receiver.letters) >= 4 + len(events)

        await workshop.eventually(all_told)
        told: dict[str, list[tuple[float, Any]]] = {}
        for moment, headers, body in receiver.letters:
            key = {"/own": own, "/endpoint": secret, "/all": everything}[headers["path"]]
            told.setdefault(headers["path"], []).append((moment, Webhook(key).verify(body, headers)))
        kinds = {path: sorted(message["type"] for _, message in letters) for path, letters in told.items()}
        assert kinds["/own"] == ["job.accepted", "job.settled"]
        assert kinds["/endpoint"] == ["job.accepted", "job.ended"]
        assert sorted(message["data"]["seq"] for _, message in told["/all"]) == [event.seq for event in events]
        [(moment, ended)] = [letter for letter in told["/endpoint"] if letter[1]["type"] == "job.ended"]
        assert ended["data"]["job_state"] == "SUCCEEDED"
        assert "url" not in ended["data"]
        assert view.job.end_time is not None
        assert moment - view.job.end_time.timestamp() < 5.0
        wanted = DeliveryFilter(job_id=view.job.id)

        async def all_written_down() -> list[DeliveryView] | None:
            log = await workshop.jobs.webhooks.deliveries("acme", wanted, Page(size=100))
            return log if {each.state for each in log} == {"DELIVERED"} else None

        log = await workshop.eventually(all_written_down)
        assert len(log) == len(receiver.letters) == len({headers["webhook-id"] for _, headers, _ in receiver.letters})
