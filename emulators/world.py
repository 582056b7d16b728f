"""What all emulated vendors of one server share: ledger, clock, clips, secrets and switches."""

import asyncio
import hashlib
import hmac
import secrets
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from emulators import ledger
from emulators.clips import ClipStore
from emulators.faults import FaultTable, Scripted, Stage
from emulators.jobs import Job, Standing, fair_bill, standing
from emulators.ledger import Ledger
from emulators.timeline import Segment, Timeline
from emulators.vendor import Vendor
from media.pool import MediaPool


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """The switches of an emulator server."""

    speed: float = 60.0
    """Vendor seconds per wall second: 1 is realistic, 60 makes a minute's job one second."""
    require_key: str | None = None
    """The only key that is accepted; None accepts any."""
    allow_prompt_faults: bool = False
    """Whether `[[fault:name]]` in a prompt plays that fault."""
    strict_inputs: bool = False
    """Whether vendors that drop unknown inputs in silence (Replicate) refuse them instead."""
    page_size: int = 100
    """Entries per page of a list whose size the client cannot choose (Replicate)."""
    retention_seconds: float = 3600.0
    """Wall seconds after which a vendor that keeps nothing for long (Replicate) drops a finished job's data."""
    signed_url_seconds: float = 24 * 3600.0
    """Wall seconds for which signed output URLs (Runway) work."""
    cancel_seconds: float = 1.0
    """Vendor seconds until a vendor that takes its time (Replicate) has really stopped a cancelled job."""
    allow_remote: bool = False
    """Whether to listen, and to send webhooks, beyond loopback."""


class World:
    """One emulator server's state. Everything that matters is in the ledger."""

    def __init__(self, data_dir: Path, options: Options, pool: MediaPool, vendors: Sequence[Vendor]) -> None:
        """Open or create `{data_dir}/emulators`."""
        self.vendors = {vendor.name: vendor for vendor in vendors}
        self.faults = FaultTable({vendor.name: vendor.played() for vendor in vendors})
        folder = data_dir / "emulators"
        folder.mkdir(parents=True, exist_ok=True)
        self.options = options
        self.base_url = ""
        self.uploads = folder / "uploads"
        self.uploads.mkdir(exist_ok=True)
        self.ledger = Ledger(folder / "ledger.sqlite")
        self.clips = ClipStore(folder / "clips", pool)
        self.closing = asyncio.Event()
        self.polls: Counter[str] = Counter()
        """How often each job was asked for since this process began."""
        self._offset = 0.0
        self._secret = b""
        self.timeline = Timeline([Segment(wall=0.0, work=0.0, speed=1.0)])

    async def load(self) -> None:
        """Read the clock and the secrets back, or make them."""
        self._offset = float(await self.ledger.do(ledger.fact, "offset", "0"))
        self._secret = (await self.ledger.do(ledger.fact, "url_secret", secrets.token_hex(16))).encode()
        history = await self.ledger.do(ledger.segments)
        if not history:
            history = [Segment(wall=self.now(), work=0.0, speed=self.options.speed)]
            await self.ledger.do(ledger.add_segment, history[0])
        self.timeline = Timeline(history)
        await self.set_speed(self.options.speed)

    def now(self) -> float:
        """Unix seconds, moved by `advance`."""
        return time.time() + self._offset

    async def advance(self, seconds: float) -> None:
        """Move the emulators' clock forward, for good."""
        self._offset += seconds
        await self.ledger.do(ledger.set_fact, "offset", repr(self._offset))

    async def set_speed(self, speed: float) -> None:
        """Change the speed from now on, also for the jobs under way."""
        if speed != self.timeline.speed:
            await self.ledger.do(ledger.add_segment, self.timeline.change(self.now(), speed))

    def standing(self, job: Job, at: float | None = None) -> Standing:
        """Where the job stands now, or stood at another time."""
        return standing(job, self.now() if at is None else at, self.timeline)

    def sign(self, *facts: object) -> str:
        """A token that only this emulator can make for these facts."""
        text = "\n".join(str(fact) for fact in facts)
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()[:40]

    def derived(self, name: str, size: int) -> bytes:
        """Up to 32 secret bytes that are always the same for this name."""
        return hmac.new(self._secret, f"key {name}".encode(), hashlib.sha256).digest()[:size]

    async def kept(self, name: str, make: Callable[[], str]) -> str:
        """A value made once and kept for ever, such as a key that takes long to make."""
        known = await self.ledger.do(ledger.fact, name, "")
        if known:
            return known
        made = await asyncio.to_thread(make)
        return await self.ledger.do(ledger.settle_fact, name, made)

    async def take(self, vendor: str, stage: Stage, text: str, job_id: str = "") -> Scripted | None:
        """The oldest waiting fault for this exchange that the vendor plays, counted down."""
        return await self.ledger.do(ledger.take, vendor, stage, text, job_id, self.faults.of(vendor))

    def billed(self, job: Job, at: Standing | None = None) -> int:
        """Micro-dollars the job has cost so far."""
        vendor = self.vendors.get(job.vendor)
        return (vendor.billed if vendor is not None else fair_bill)(job, at or self.standing(job))

    async def close(self) -> None:
        """Stop drawing and close the ledger."""
        await self.clips.close()
        self.ledger.close()
