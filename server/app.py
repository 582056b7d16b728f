"""The composition root: one object that starts everything in order and stops it in the opposite one."""

import asyncio
import contextlib
import sys
import time
import urllib.parse
from collections.abc import AsyncIterator
from dataclasses import fields
from pathlib import Path
from typing import TextIO

import sqlalchemy as sa
import structlog

from core import crashpoints
from core.database import DATABASE_ERRORS, Database
from core.errors import DatabaseUnavailable, StorageFailed
from core.postgres import advice, is_away
from jobs import machine, tables
from jobs.context import Policy
from jobs.engine import Engine
from jobs.http import PublicClient, VendorClient
from jobs.life import Jobs
from jobs.retention import Keeping
from jobs.tenants import TenantLimits
from media.pool import MediaPool
from prompts.llm import Llm
from server import edge, llm, schema, stores, vendors
from server.accounts import AccountService
from server.callers import Callers
from server.catalogue import CatalogueAnswers
from server.convert import Presigner
from server.interceptors import Guard
from server.listening import GrpcSide, HttpSide, bracketed
from server.pages import PageTokens
from server.prompts import PromptService
from server.service import VideoService
from server.settings import Settings, SettingsError, is_loopback
from server.stores import Store

DRAIN_SECONDS = 20.0
"""How long calls and purchases under way get; what is left then is cut, and continued by the next process."""
_LINGER = 0.3
"""How long callers are told SHUTTING_DOWN, rather than refused a connection, at the least."""
_log = structlog.get_logger()


class CannotStart(RuntimeError):
    """The server cannot start; the text is for the operator and holds no secret."""


class Application:
    """One server process. `start`, then `stop`; the ports are known in between."""

    def __init__(self, settings: Settings, *, policy: Policy | None = None) -> None:
        """`policy` replaces what follows from the settings: for tests that need other times."""
        self.settings = settings
        self.grpc_port = 0
        self.http_port = 0
        self.emulator_url: str | None = None
        self.jobs: Jobs
        self.store: Store
        self._policy = policy
        self._guard: Guard
        self._grpc: GrpcSide
        self._http: HttpSide
        self._stack = contextlib.AsyncExitStack()

    @property
    def ready_line(self) -> str:
        """One line for programs that wait for the server: `filmgate ready grpc=HOST:PORT http=HOST:PORT`."""
        host = bracketed(self.settings.host)
        return f"filmgate ready grpc={host}:{self.grpc_port} http={host}:{self.http_port}"

    async def start(self) -> None:
        """Start everything, or nothing. Raises CannotStart, SettingsError and EngineLocked."""
        try:
            async with contextlib.AsyncExitStack() as stack:
                await self._start(stack)
                self._stack = stack.pop_all()
        except DATABASE_ERRORS as error:
            if not (isinstance(error, DatabaseUnavailable | sa.exc.OperationalError) or is_away(error)):
                raise
            said = str(getattr(error, "orig", error)).strip().splitlines()[:1]
            raise CannotStart(f"the database cannot be used: {advice(error)} ({' '.join(said)})") from None

    async def failed(self) -> None:
        """Return when the HTTP side has ended by itself, which is a reason to stop."""
        if self._http.task is not None:
            await asyncio.wait((self._http.task,))

    async def drain(self, seconds: float = DRAIN_SECONDS) -> None:
        """Refuse new work, let watchers and waiters go, and wait for calls and purchases under way."""
        end = time.monotonic() + seconds
        self.jobs.draining.set()
        await self._grpc.refuse()
        await asyncio.gather(self.jobs.drain(seconds), asyncio.sleep(_LINGER))
        while self._guard.calls.active and time.monotonic() < end:  # noqa: ASYNC110 - a few looks, once per life
            await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """Stop everything; what runs is continued by the next start."""
        await self._stack.aclose()

    async def _start(self, stack: contextlib.AsyncExitStack) -> None:
        settings = self.settings
        _prepare(settings)
        database = database_of(settings)
        stack.callback(database.close)
        schema.upgrade(database.engine)  # on the loop: nothing else runs yet, its threads are the engine's
        self._http = HttpSide(settings.host, settings.http_port)
        stack.push_async_callback(self._http.stop)
        self.http_port = self._http.port
        secret = await stores.secret_of(settings, database)
        self.store = await _opened(settings, secret, self._edge_url())
        stack.push_async_callback(self.store.objects.close)
        pool = await stack.enter_async_context(MediaPool())
        self.jobs = await self._open_jobs(stack, database, pool, secret)
        await self.jobs.start(loopback_url=self._loopback_url())
        stack.push_async_callback(self.jobs.stop)
        await self._listen(stack, secret)

    async def _open_jobs(
        self, stack: contextlib.AsyncExitStack, database: Database, pool: MediaPool, secret: bytes
    ) -> Jobs:
        settings = self.settings
        providers = vendors.surfaces(settings)
        catalogue = vendors.catalogue_of(settings, providers)
        unfinished = await database.read(_unfinished_mocks)
        if llm.needs_emulator(settings) or vendors.needs_emulator(settings, providers, unfinished):
            self.emulator_url = settings.emulator_url or await stack.enter_async_context(_emulator(settings, pool))
        vendor_client, public_client = VendorClient(), PublicClient()
        stack.push_async_callback(vendor_client.aclose)
        stack.push_async_callback(public_client.aclose)
        engine = Engine(
            database,
            settings.data_dir,
            tenant_clips=settings.tenant_clips,
            worker_clips=settings.worker_clips,
            lease_seconds=float(settings.lease_seconds),
        )
        return Jobs(
            database=database,
            engine=engine,
            vendors=vendors.choose(settings, providers, self.emulator_url, unfinished, catalogue, vendor_client),
            vendor_client=vendor_client,
            public_client=public_client,
            store=self.store.objects,
            pool=pool,
            data_dir=settings.data_dir,
            prefix=settings.s3_prefix,
            public_url=settings.public_url or "",
            policy=self._policy or policy_of(settings),
            webhook_secret=stores.webhook_secret(settings, secret),
            webhook_origins=settings.allowed_webhook_origins,
            keeping=keeping_of(settings),
            llm=self._writer(stack),
            llm_templates=settings.llm_templates,
        )

    def _writer(self, stack: contextlib.AsyncExitStack) -> Llm | None:
        """The language model, if there is one; the log says who writes prompts."""
        writer = llm.writer(self.settings, self.emulator_url)
        _log.info("prompts are written", by=writer.why)
        if writer.llm is None:
            return None
        model = Llm(writer.llm)
        stack.push_async_callback(model.close)
        opening = asyncio.create_task(model.open(), name="filmgate-llm")  # else the first call would wait for it
        stack.callback(opening.cancel)
        return model

    async def _listen(self, stack: contextlib.AsyncExitStack, secret: bytes) -> None:
        settings = self.settings
        key = settings.api_key
        self._guard = Guard(api_key=key.get_secret_value() if key else None, draining=self.jobs.draining)
        pages, callers = PageTokens(stores.derived(secret, "pages")), Callers(keyed=key is not None)
        service = VideoService(
            jobs=self.jobs,
            catalogue=CatalogueAnswers(self.jobs.context.vendors, settings.default_model),
            presigner=Presigner(store=self.store.objects, uri_base=self.store.uri_base, ttl=settings.url_lifetime),
            pages=pages,
            callers=callers,
        )
        accounts, prompts = AccountService(self.jobs, pages, callers), PromptService(self.jobs)
        self._grpc = GrpcSide(service, accounts, prompts, self._guard)
        self.grpc_port = await self._grpc.start(settings.host, settings.grpc_port)
        stack.push_async_callback(self._grpc.stop, 2.0)
        await self._http.start(edge.application(self.jobs, self.store.disk))
        stack.push_async_callback(self._http.stop)  # before the rooms that its requests need

    def _edge_url(self) -> str:
        """What browsers see in front of `/media/`."""
        return self.settings.public_url or f"http://{self._reachable_host()}:{self.http_port}"

    def _reachable_host(self) -> str:
        return "127.0.0.1" if self.settings.host in {"0.0.0.0", "::"} else bracketed(self.settings.host)  # noqa: S104 - compared

    def _loopback_url(self) -> str:
        """Where an emulator calls back; empty when it cannot reach us, so that it is polled."""
        host, public = self._reachable_host(), self.settings.public_url
        if public and is_loopback(urllib.parse.urlsplit(public).hostname or ""):
            return public  # what stands before all replicas on this machine, should this one die
        shared = self.settings.emulator_url
        if shared is not None and not is_loopback(shared.split("//")[1].split("/")[0].rpartition(":")[0]):
            return self.settings.public_url or ""
        return f"http://{host}:{self.http_port}" if is_loopback(host.strip("[]")) else ""


def policy_of(settings: Settings) -> Policy:
    """The jobs room's policy, as far as the operator sets it."""
    return Policy(
        default_model=settings.default_model,
        clip_attempts=settings.clip_attempts,
        resolution_ttl=float(settings.resolution_ttl),
        lookup_settle=float(settings.lookup_settle),
        delete_at_vendor=settings.delete_at_vendor,
        max_queued=settings.max_queued,
        accepts_at_once=settings.accepts_at_once,
        memory_limit=_memory_limit(settings),
        disk_reserve=int(settings.disk_reserve),
        tenant_limits=TenantLimits(
            requests_per_second=settings.tenant_rate,
            burst=settings.tenant_burst,
            reads_per_second=settings.tenant_read_rate,
        ),
    )


def _memory_limit(settings: Settings) -> int:
    return machine.memory_limit() * 9 // 10 if settings.memory_limit is None else int(settings.memory_limit)


def keeping_of(settings: Settings) -> Keeping:
    """How long things are kept."""
    return Keeping(**{each.name: getattr(settings, each.name) for each in fields(Keeping)})


def _prepare(settings: Settings) -> None:
    if settings.database_url is not None and settings.s3_bucket is None:
        _log.warning("videos are kept in the data folder: all replicas must share it, or use S3_BUCKET_NAME")
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        (settings.data_dir / "tmp").mkdir(exist_ok=True)
    except OSError as error:
        raise CannotStart(f"the data folder cannot be made: {error.strerror}") from None
    try:
        crashpoints.arm(settings.crashpoint)
    except ValueError as error:
        raise SettingsError([f"FILMGATE_CRASHPOINT: {error}"]) from None


def database_of(settings: Settings) -> Database:
    """The database of these settings, not yet looked at."""
    url = settings.database_url
    return Database(settings.data_dir / "filmgate.sqlite" if url is None else url.get_secret_value())


async def _opened(settings: Settings, secret: bytes, edge_url: str) -> Store:
    store = stores.open_store(settings, secret, edge_url)
    try:
        await store.objects.check()
    except StorageFailed as error:
        await store.objects.close()
        raise CannotStart(f"the object store cannot be used: {error}") from None
    return store


def _unfinished_mocks(connection: sa.Connection) -> frozenset[str]:
    attempts = tables.attempts
    query = sa.select(attempts.c.endpoint).distinct()
    query = query.where(attempts.c.end_time.is_(None), attempts.c.endpoint.startswith("mock:"))
    return frozenset(connection.execute(query).scalars())


@contextlib.asynccontextmanager
async def _emulator(settings: Settings, pool: MediaPool) -> AsyncIterator[str]:
    """An emulator on loopback, on the port of last time where that is free: unfinished clips know its addresses."""
    from emulators.server import EmulatorServer  # only who mocks pays for it
    from emulators.world import Options

    server = EmulatorServer(options=Options(speed=settings.emulator_speed), pool=pool)
    note = settings.data_dir / "emulator.port"
    try:
        url = await server.start(data_dir=settings.data_dir, port=_noted(note))
    except OSError:
        url = await server.start(data_dir=settings.data_dir)
    note.write_text(url.rpartition(":")[2], encoding="ascii")
    try:
        yield url
    finally:
        await server.stop()


def _noted(note: Path) -> int:
    try:
        return int(note.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def announce(application: Application, stream: TextIO | None = None) -> None:
    """Print the ready line, alone on its line."""
    print(application.ready_line, file=stream or sys.stdout, flush=True)
