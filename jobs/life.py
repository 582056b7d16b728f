"""The jobs room's front: one object with every door."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

import sqlalchemy as sa
import structlog

from core.channel import Channel
from core.database import DATABASE_ERRORS, Database
from core.errors import MediaRejected, Reason, UnsafeUrl, Violation
from jobs import cancel as cancelling
from jobs import own, queries, tables
from jobs.accept import Accepting, repeated
from jobs.accounts import Accounts
from jobs.admission import Admission, Entry
from jobs.assets import Assets, inputs
from jobs.callbacks import Callbacks
from jobs.collect import Collecting
from jobs.context import Context, Policy
from jobs.endpoints import Vendors
from jobs.engine import AGAIN, Engine, Step
from jobs.enhancing import Enhancing
from jobs.erasure import Erasure
from jobs.events import Event
from jobs.gather import Gathered
from jobs.http import PublicClient, VendorClient
from jobs.lineage import Lineage, lineage
from jobs.notify import Courier
from jobs.orders import JobFilter, JobView, Order, Page, Plan, Verdict, VideoFilter
from jobs.pace import past_runs
from jobs.parked import Resolver
from jobs.planning import plan
from jobs.previous import with_prompt
from jobs.prompting import Prompting
from jobs.records import Video, runs
from jobs.requests import RequestKey
from jobs.retention import Keeping, Retention
from jobs.sender import Sender
from jobs.signing import Root
from jobs.submit import Submitting
from jobs.sweeper import Sweeper
from jobs.wait import Waiting
from jobs.watch import wait, watch
from jobs.webhooks import Webhooks
from media.images import inspect_image
from media.pool import MediaPool
from prompts.llm import Llm
from storage.store import ObjectStore

_log = structlog.get_logger()


class Jobs:
    """Everything the server asks of the jobs room."""

    def __init__(
        self,
        *,
        database: Database,
        engine: Engine,
        vendors: Vendors,
        vendor_client: VendorClient,
        public_client: PublicClient,
        store: ObjectStore,
        pool: MediaPool,
        data_dir: Path,
        prefix: str,
        public_url: str,
        policy: Policy,
        webhook_secret: str,
        webhook_origins: Collection[str] = (),
        keeping: Keeping | None = None,
        llm: Llm | None = None,
        llm_templates: Path | None = None,
    ) -> None:
        """Without an `llm` prompts and scripts are written by rules."""
        self.context = Context(
            database=database,
            engine=engine,
            vendors=vendors,
            vendor_client=vendor_client,
            public_client=public_client,
            store=store,
            pool=pool,
            policy=policy,
            data_dir=data_dir,
            prefix=prefix,
            public_url=public_url,
        )
        self._engine = engine
        self._runs = Gathered(database, runs)
        self._accept = Accepting(self.context)
        self._sender = Sender(self.context)
        self._resolver = Resolver(self.context, self._sender)
        self.webhooks = Webhooks(self.context, Root(webhook_secret), frozenset(webhook_origins))
        self.courier = Courier(self.context, self.webhooks.root, self.webhooks.origins)
        keeping = keeping or Keeping()
        self.assets = Assets(self.context, timedelta(hours=keeping.upload_hours))
        self.accounts = Accounts(self.context)
        self.admission = Admission(self.context, self.accounts)
        self.retention = Retention(self.context, keeping)
        self.erasure = Erasure(self.context, self.assets)
        self.prompting = Prompting(self.context, llm, templates=llm_templates)
        self.enhancing = Enhancing(self.context, llm, llm_templates)
        closing = (self.prompting.close_lost, self.enhancing.close_lost)
        self.sweeper = Sweeper(self.context, self._resolver, self.assets, self.retention, self.erasure, closing)
        self.callback = Callbacks(self.context, self._sender, self._resolver)
        """`await callback(provider, token, headers, body) -> HTTP status` for `/webhooks`."""
        self._background: list[asyncio.Task[None]] = []
        self._channel: Channel | None = None
        if database.shared:
            bell = self.context.bell
            self._channel = Channel(database.url, database.instance, bell.heard, bell.cut)

    @property
    def draining(self) -> asyncio.Event:
        """Set once the server is going away."""
        return self.context.draining

    async def start(self, *, loopback_url: str = "") -> None:
        """Launch the engine (which continues what was pending), the sweeper and the courier."""
        self.context.loopback_url = loopback_url
        self.context.history.load(await self.context.database.read(past_runs))
        await self.assets.clear()
        collecting = Collecting(self.context, self._sender)
        steps: dict[str, Step] = {
            "submit": Submitting(self.context, self._sender),
            "enhance": self.enhancing,
            "wait": Waiting(self.context, self._sender),
            "collect": collecting,
            "dress": collecting.dress,
            AGAIN: self.sweeper.again,
        }
        if self._channel is not None:
            self.context.bell.cut()
            self.context.bell.relay(self._channel.say)
            self._channel.start()
        await self._engine.launch(steps, self._is_current)
        self._background = [
            asyncio.create_task(self.sweeper.run(), name="filmgate-sweeper"),
            asyncio.create_task(self.courier.run(), name="filmgate-courier"),
            asyncio.create_task(self.admission.run(), name="filmgate-admission"),
        ]

    async def _is_current(self, clip_id: str, run: int) -> bool:
        try:
            return run == await self._runs(clip_id)
        except KeyError:
            return False

    async def drain(self, timeout: float) -> None:
        """No new purchases; purchases in flight finish; watchers and waiters are let go."""
        self.draining.set()
        self.context.bell.ring_all()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while self.context.purchases:  # noqa: ASYNC110 - a handful of looks once per life
                    await asyncio.sleep(0.05)

    async def stop(self) -> None:
        """Stop everything in the background and the engine; whatever runs is continued at the next start."""
        self.draining.set()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self.prompting.stop()
        await self._engine.stop()
        if self._channel is not None:
            await self._channel.stop()

    async def with_prompt(self, order: Order) -> Order:
        """An order with what the prompt that it names says: its text where none was typed, and then its parameters.

        Raises NotFound.
        """
        return await with_prompt(self.context, order)

    def plan(self, order: Order) -> Plan:
        """Resolve an order; see `jobs.planning.plan`."""
        usual = self.context.history.usual(mock=False)
        resolve = partial(
            plan, vendors=self.context.vendors, default_model=self.context.policy.default_model, usual=usual
        )
        return self.enhancing.planned(order, resolve)

    async def check_urls(self, order: Order) -> list[Violation]:
        """What the URL policy says about every address of an order."""
        addresses = [(name, item.uri, frozenset[str]()) for name, item in inputs(order.wish) if item.uri]
        if order.webhook.get("url"):
            addresses.append(("webhook.url", order.webhook["url"], self.webhooks.origins))
        violations = []
        for field, url, origins in addresses:
            try:
                await self.context.public_client.check_public(url, allowed_origins=origins)
            except UnsafeUrl as error:
                violations.append(Violation(field=field, message=str(error), reason=Reason.UNSAFE_URL))
        return violations

    async def check_media(self, order: Order) -> list[Violation]:
        """Whether inline images are images."""
        violations = []
        for field, item in inputs(order.wish):
            if not item.data or field == "source_video":
                continue
            try:
                await self.context.pool.run(inspect_image, item.data, timeout=10.0)
            except MediaRejected as error:
                violations.append(Violation(field=field, message=str(error), reason=Reason.UNREADABLE_MEDIA))
        return violations

    async def check_own_jobs(self, order: Order, plan: Plan) -> list[Violation]:
        """Whether every vendor's job that the options name is one of the tenant's own."""
        return await own.check(self.context, order.tenant, plan)

    async def accept(
        self, plans: Sequence[Plan], *, rpc: str, request_id: str, request_hash: str, entry: Entry | None = None
    ) -> list[JobView]:
        """Take plans durably: the new jobs, or the first ones as they now are when the request is a repeated one.

        A repeated request gives back what its `entry` has cost.
        """
        key = RequestKey(tenant=plans[0].order.tenant, rpc=rpc, request_id=request_id, hash=request_hash)
        with self.admission.writing():
            accepted = await self._accept(plans, key)
        if accepted.new:
            self.admission.accepted(key.tenant, sum(len(view.clips) for view in accepted.new))
            return accepted.new
        if entry is not None:
            entry.give_back()
        return [await self.view(job_id, key.tenant) for job_id in accepted.job_ids]

    async def repeated(self, tenant: str, rpc: str, request_id: str, request_hash: str) -> list[str] | None:
        """The answer to an earlier, equal request; None when this one is new."""
        key = RequestKey(tenant=tenant, rpc=rpc, request_id=request_id, hash=request_hash)
        return await repeated(self.context, key)

    async def view(self, job_id: str, tenant: str | None) -> JobView:
        """One job. Raises NotFound."""
        return await self.context.database.read(partial(queries.view, job_id=job_id, tenant=tenant))

    async def list_jobs(self, tenant: str | None, wanted: JobFilter, page: Page) -> list[JobView]:
        """Jobs, newest first."""
        return await self.context.database.read(partial(queries.list_jobs, tenant=tenant, wanted=wanted, page=page))

    async def video(self, video_id: str, tenant: str | None) -> Video:
        """One video. Raises NotFound."""
        return await self.context.database.read(partial(queries.video, video_id=video_id, tenant=tenant))

    async def list_videos(self, tenant: str | None, wanted: VideoFilter, page: Page) -> list[Video]:
        """Videos, newest first."""
        return await self.context.database.read(partial(queries.list_videos, tenant=tenant, wanted=wanted, page=page))

    async def lineage(self, tenant: str, creative_id: str, size: int = 50, before: int | None = None) -> Lineage:
        """How the videos of a creative came about; see `jobs.lineage.lineage`."""
        wanted = partial(lineage, tenant=tenant, creative_id=creative_id, size=size, before=before)
        return await self.context.database.read(wanted)

    async def prompts(self, job_ids: Sequence[str]) -> Mapping[str, str]:
        """Job id -> its prompt."""
        return await self.context.database.read(partial(queries.prompts, job_ids=job_ids))

    async def delete_video(self, video_id: str, tenant: str | None) -> None:
        """Remove a video's objects; its money rows stay. Raises NotFound."""
        found = await self.video(video_id, tenant)
        await self.context.store.delete([key for key in (found.key, found.thumbnail_key) if key])
        now = self.context.now()
        update = sa.update(tables.videos).where(tables.videos.c.id == video_id).values(delete_time=now)
        await self.context.database.write(lambda connection: connection.execute(update).rowcount)
        self.context.bell.ring(found.job_id)

    def watch(self, job_id: str, tenant: str | None, after: int) -> AsyncIterator[Event]:
        """Follow a job; see `jobs.watch.watch`."""
        return watch(self.context, job_id, tenant, after)

    async def wait(self, job_id: str, timeout: float) -> None:
        """Wait for a job; see `jobs.watch.wait`."""
        await wait(self.context, job_id, timeout)

    async def cancel(self, job_id: str, tenant: str | None) -> JobView:
        """Ask a job to stop; the job as it is then. Raises NotFound, Precondition."""
        await self.context.database.read(partial(queries.job_row, job_id=job_id, tenant=tenant))
        await cancelling.cancel(self.context, job_id)
        return await self.view(job_id, tenant)

    async def resolve(self, clip_id: str, tenant: str | None, verdict: Verdict) -> str:
        """Carry out an operator's verdict on a parked clip; the job's id."""
        return await self._resolver.resolve(clip_id, tenant, verdict)

    async def ready(self) -> dict[str, str]:
        """Component -> `ok`, or what is wrong with it; `admission` -> `ok`, or why work is refused."""
        answers = {"engine": "draining" if self.draining.is_set() else "ok", "database": "ok", "store": "ok"}
        answers["admission"] = self.admission.state()
        try:
            await self.context.database.read(lambda connection: connection.execute(sa.text("SELECT 1")).scalar())
        except DATABASE_ERRORS:
            answers["database"] = "not reachable"
        try:
            await self.context.store.check()
        except OSError as error:
            answers["store"] = str(error)
        return answers
