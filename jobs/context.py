"""What every part of the jobs room works with, gathered once by the composition root."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from core import clock
from core.database import Database
from core.outcome import Json
from jobs import events, outbox
from jobs.endpoints import Endpoint, Vendors
from jobs.engine import Engine
from jobs.events import Bell, EventKind
from jobs.gather import Gathered
from jobs.http import PublicClient, VendorClient
from jobs.pace import History
from jobs.records import Attempt, Situation, situations
from jobs.tenants import UNLIMITED, TenantLimits
from media.pool import MediaPool
from providers.base import BaseVideoProvider
from providers.model import VideoModel
from storage.store import ObjectStore

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """The operator's choices. Times in seconds."""

    default_model: str = "auto"
    clip_attempts: int = 3
    """Attempts per clip and model that count; a 429 that names a wait does not."""
    retry_base: float = 1.0
    """First back-off; doubles, jittered, up to `retry_longest`."""
    retry_longest: float = 30.0
    resolution_ttl: float = 86_400.0
    """How long a parked clip waits for news before it ends FAILED/SUBMIT_UNKNOWN."""
    lookup_settle: float = 60.0
    """How long after a lost submit a vendor's list must still not show the job before it counts as refused."""
    overdue_grace: float = 60.0
    """How long after the deadline a success is still kept."""
    mock_poll: float = 0.2
    """Poll interval at emulators, which may run fast."""
    submit_timeout: float = 60.0
    poll_timeout: float = 30.0
    download_deadline: float = 600.0
    max_output_bytes: int = 2 << 30
    max_queued: int = 100_000
    """Clips that may wait for a place, of all tenants."""
    delete_at_vendor: bool = False
    """Whether a vendor that offers it is asked to forget what has been collected."""
    accepts_at_once: int = 64
    memory_limit: int = 0
    """Resident bytes above which no work is taken; 0 is no limit."""
    disk_reserve: int = 0
    """Free bytes of the data folder below which no work is taken."""
    tenant_limits: TenantLimits = UNLIMITED
    """What a tenant without limits of its own is allowed."""


_COLLECTED_AT_ONCE = 6


@dataclass(kw_only=True)
class Context:
    """The room's tools."""

    database: Database
    engine: Engine
    vendors: Vendors
    vendor_client: VendorClient
    public_client: PublicClient
    store: ObjectStore
    pool: MediaPool
    policy: Policy
    data_dir: Path
    prefix: str
    public_url: str
    """Where live vendors call back; empty: polling."""
    loopback_url: str = ""
    """Where emulators on this machine call back; empty: polling."""
    now: clock.Clock = clock.now
    bell: Bell = field(default_factory=Bell)
    collecting: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_COLLECTED_AT_ONCE))
    """Bounds the memory, sockets and temporary space of collecting, however many clips end at once."""
    history: History = field(default_factory=History)
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    purchases: int = 0
    """Purchases between intent and record; a drain waits for them."""

    situations: Gathered[Situation] = field(init=False)
    """`await situations(clip_id)`: a clip as its rows are from now on."""

    def __post_init__(self) -> None:
        self.situations = Gathered(self.database, situations)

    def monotonic(self) -> float:
        """Seconds that only ever grow, for waiting."""
        return time.monotonic()

    @property
    def temp_dir(self) -> Path:
        """Where collected files lie until they are stored; a replica's own, for others may share the data folder."""
        folder = self.data_dir / "tmp"
        return folder / self.database.instance if self.database.shared else folder

    def provider(self, attempt: Attempt) -> BaseVideoProvider:
        """The adapter of an attempt."""
        return self.vendors.providers[self.row(attempt).provider]

    def row(self, attempt: Attempt) -> VideoModel:
        """The catalogue's row of what the attempt buys."""
        return self.vendors.catalogue.rows[attempt.model]

    def callback_url(self, endpoint: Endpoint, token: str) -> str | None:
        """The webhook address of one attempt, or None when the vendor cannot reach us."""
        base = self.loopback_url if endpoint.mock else self.public_url
        if not base or not self.vendors.providers[endpoint.provider].takes_callbacks:
            return None
        return f"{base.rstrip('/')}/webhooks/{endpoint.provider}/{token}"


def emit(connection: sa.Connection, job_id: str, kind: EventKind, now: datetime, body: Mapping[str, Json]) -> None:
    """Write an event, its empty entries left out, and queue the webhook that asked for it."""
    said = {key: value for key, value in body.items() if value not in (None, "")}
    subject = events.append(connection, job_id, kind, now, said)
    outbox.announce(connection, subject, kind, said, now)
