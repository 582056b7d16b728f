"""A courier and the endpoints' room on a database of their own, with a clock that a test moves."""

import random
import re
import ssl
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import sqlalchemy as sa
from standardwebhooks.webhooks import Webhook

from core.database import Database, metadata
from jobs import outbox, tables
from jobs.context import Context, Policy
from jobs.endpoints import Vendors
from jobs.engine import Engine
from jobs.events import EventKind, Subject
from jobs.http import PublicClient, Resolve, VendorClient
from jobs.notify import Courier
from jobs.orders import Page
from jobs.signing import Root
from jobs.webhooks import DeliveryFilter, DeliveryView, Webhooks
from media.pool import MediaPool
from storage.disk import DiskStore

ROOT = Root("whsec_" + "QUJD" * 8)
OK = b"HTTP/1.1 204 No Content\r\n\r\n"
TLS = ssl.create_default_context()


@dataclass
class Office:
    """What a server has for outgoing webhooks, without the server."""

    folder: Path
    origins: Collection[str] = ()
    resolve: Resolve | None = None
    seconds: float = 5.0
    database: Database = field(init=False)
    context: Context = field(init=False)
    webhooks: Webhooks = field(init=False)
    courier: Courier = field(init=False)
    passed: timedelta = timedelta()

    def __post_init__(self) -> None:
        self.database = Database(self.folder / "filmgate.sqlite")
        with self.database.engine.begin() as connection:
            metadata.create_all(connection)
        self.context = Context(
            database=self.database,
            engine=Engine(self.database, self.folder, tenant_clips=1, worker_clips=1),
            vendors=Vendors([], [], {}),
            vendor_client=VendorClient(verify=TLS),
            public_client=PublicClient(verify=TLS, resolve=self.resolve),
            store=DiskStore(self.folder / "media", secret=b"x" * 32, public_base_url="http://127.0.0.1:1"),
            pool=MediaPool(),
            policy=Policy(),
            data_dir=self.folder,
            prefix="videos",
            public_url="",
            now=self.now,
        )
        self.webhooks = Webhooks(self.context, ROOT, frozenset(self.origins))
        self.courier = self.hire()

    def hire(self) -> Courier:
        """One more courier on the same database."""
        return Courier(self.context, ROOT, self.webhooks.origins, seconds=self.seconds, dice=random.Random(7))

    def allow(self, *urls: str) -> None:
        """Let webhooks go to these addresses of this machine."""
        self.origins = {*self.origins, *urls}
        self.webhooks = Webhooks(self.context, ROOT, frozenset(self.origins))
        self.courier.origins = frozenset(self.origins)

    def now(self) -> datetime:
        """The clock."""
        return datetime.now(UTC) + self.passed

    async def close(self) -> None:
        """Give everything back."""
        await self.context.public_client.aclose()
        await self.context.vendor_client.aclose()
        await self.context.store.close()
        self.database.close()

    async def announce(
        self, kind: EventKind = EventKind.ENDED, *, webhook: Mapping[str, Any] | None = None, **about: Any
    ) -> None:
        """What a settling transaction does for its webhooks."""
        facts: dict[str, Any] = {
            "job_id": "job_1",
            "seq": 3,
            "tenant": "acme",
            "creative_id": "kite",
            "state": "SUCCEEDED",
        } | about
        subject = Subject(**facts, labels={"a": "é"}, webhook=webhook or {})
        body = {"job_state": subject.state}
        now = self.now()
        await self.database.write(lambda connection: outbox.announce(connection, subject, kind, body, now))

    async def log(self, tenant: str = "acme", **wanted: Any) -> list[DeliveryView]:
        """The delivery log, oldest first."""
        return (await self.webhooks.deliveries(tenant, DeliveryFilter(**wanted), Page(size=1000)))[::-1]

    async def only(self) -> DeliveryView:
        """The only delivery."""
        [view] = await self.log()
        return view

    async def move(self, url: str, delivery_id: str = "") -> None:
        """Change where everything, or one delivery, goes, as if the policy had been another when it was written."""

        def work(connection: sa.Connection) -> None:
            update = sa.update(tables.deliveries).values(url=url, origin=outbox.origin(url))
            if delivery_id:
                update = update.where(tables.deliveries.c.id == delivery_id)
            connection.execute(sa.update(tables.webhook_endpoints).values(url=url))
            connection.execute(update)

        await self.database.write(work)


Open: TypeAlias = "Callable[..., Office]"


def header(head: bytes, name: str) -> str:
    """One header of a request."""
    found = re.search(rb"(?im)^" + name.encode() + rb": *(.*?)\r$", head)
    assert found, head
    return found[1].decode()


def verified(secret: str, head: bytes, body: bytes) -> Any:
    """The body, once the official library has verified it."""
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    return Webhook(secret).verify(body, {name: header(head, name) for name in names})


def answering(raw: bytes) -> Callable[..., Awaitable[None]]:
    """A script for `serve` that always sends this."""

    async def script(_reader: Any, writer: Any) -> None:
        writer.write(raw)

    return script


def status(code: int, *more: str) -> bytes:
    """An answer without a body."""
    lines: Sequence[str] = (f"HTTP/1.1 {code} X", "Content-Length: 0", *more, "", "")
    return "\r\n".join(lines).encode()
