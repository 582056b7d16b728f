"""A whole jobs room on loopback: real emulators, real engine, real disk store; webhooks through a real socket."""

import asyncio
import contextlib
import inspect
import shutil
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.database import Database, metadata
from core.outcome import Submitted
from core.spec import MediaInput, Wish
from emulators.server import EmulatorServer
from emulators.world import Options
from jobs.breaker import Breaker
from jobs.context import Policy
from jobs.endpoints import Endpoint, Vendors
from jobs.engine import Engine
from jobs.events import Event, EventKind
from jobs.http import PublicClient, VendorClient
from jobs.life import Jobs
from jobs.orders import JobView, Order, Plan
from jobs.queries import standing
from jobs.records import JobState
from ledger.tables import entries
from ledger.verify import Verdict, verify
from media.pool import MediaPool
from prompts.llm import Llm, LlmSettings
from providers.catalogue import ADAPTERS
from server.vendors import mock_endpoints
from storage.disk import DiskStore
from tests.postgres import Postgres

Found = TypeVar("Found")
POLICY = Policy(
    retry_base=0.05, retry_longest=0.2, mock_poll=0.1, lookup_settle=1.0, submit_timeout=3.0, poll_timeout=3.0
)
PATIENCE = 60.0
_TLS = ssl.create_default_context()
"""Reading the certificates takes longer than most of what is done here; nothing here speaks TLS."""


class _Closed(Breaker):
    """Never opens."""

    def note(self, submitted: Submitted) -> None:
        """Whatever it is."""


@dataclass
class Workshop:
    """The room, its emulators, and what a test does with them."""

    data_dir: Path
    pool: MediaPool
    emulators: EmulatorServer
    emulator_url: str
    policy: Policy
    webhooks: bool
    tenant_clips: int = 64
    breakers: bool = False
    """Whether faults in a row pause a vendor; most tests are about the single fault."""
    webhook_origins: tuple[str, ...] = ()
    """Where outgoing webhooks may go."""
    place: Path | str | None = None
    """The database, by its file or its address; None: the one in the folder."""
    live: bool = False
    """Whether the emulators are reached as if they were the vendors: real money, in dollars."""
    llm: Mapping[str, Any] | None = None
    """Settings of an emulated language model beside the usual ones; None: there is none."""
    listener: socket.socket | None = None
    """Where webhooks come in, also while nobody is open; without it each `open` takes a free port."""
    database: Database = field(init=False)
    jobs: Jobs = field(init=False)
    store: DiskStore = field(init=False)
    _stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    async def open(self) -> None:
        """Start, as a server process would."""
        self.database = Database(self.place or self.data_dir / "filmgate.sqlite")
        self.store = DiskStore(self.data_dir / "media", secret=b"x" * 32, public_base_url="http://127.0.0.1:1")
        vendor_client = VendorClient(verify=_TLS)
        public_client = PublicClient(verify=_TLS)
        self._stack.push_async_callback(vendor_client.aclose)
        self._stack.push_async_callback(public_client.aclose)
        self.jobs = Jobs(
            database=self.database,
            engine=Engine(self.database, self.data_dir, tenant_clips=self.tenant_clips, worker_clips=100),
            vendors=Vendors(ADAPTERS.values(), self._endpoints(), {}),
            vendor_client=vendor_client,
            public_client=public_client,
            store=self.store,
            pool=self.pool,
            data_dir=self.data_dir,
            prefix="videos",
            public_url="",
            policy=self.policy,
            webhook_secret="whsec_" + "QUJD" * 8,
            webhook_origins=self.webhook_origins,
            llm=self._llm(),
        )
        if not self.breakers:
            for name in self.jobs.context.vendors.breakers:
                self.jobs.context.vendors.breakers[name] = _Closed()
        url = await self._stack.enter_async_context(_webhook_server(self)) if self.webhooks else ""
        self.jobs.context.public_url = url if self.live else ""
        await self.jobs.start(loopback_url=url)

    def _llm(self) -> Llm | None:
        if self.llm is None:
            return None
        usual = {"model": "mock-writer", "api_key": "a-key-of-this-test", "timeout": 10.0, "mock": not self.live}
        prices = {"input_price": Decimal(1), "output_price": Decimal(4)}
        place = {"base_url": f"{self.emulator_url}/llm/v1"}
        llm = Llm(LlmSettings(**{**place, **usual, **prices, **self.llm}))
        self._stack.push_async_callback(llm.close)
        return llm

    def _endpoints(self) -> list[Endpoint]:
        mocks = [each for adapter in ADAPTERS.values() for each in mock_endpoints(adapter, self.emulator_url)]
        if not self.live:
            return mocks
        return [replace(each, name=each.name.removeprefix("mock:"), credential=each.provider) for each in mocks]

    async def close(self, *, drain: bool = True) -> None:
        """Stop; everything unfinished is continued by the next `open`. Without a drain, purchases are cut too."""
        if drain:
            await self.jobs.drain(5.0)
        await self.jobs.stop()
        await self._stack.aclose()
        self._stack = contextlib.AsyncExitStack()
        await self.store.close()
        self.database.close()

    async def plan(self, model: str, *, tenant: str = "acme", **wish: Any) -> Plan:
        """Plan an order: fields of the wish, and of the order itself."""
        own: dict[str, Any] = {name: wish.pop(name) for name in Order.__slots__ if name in wish}
        own["fallbacks"] = tuple(own.get("fallbacks", ()))
        wished = Wish(**{"prompt": "a cat on a beach"} | wish)
        order = Order(**{"tenant": tenant, "creative_id": "spring", "model": model, "wish": wished, **own})
        return self.jobs.plan(await self.jobs.with_prompt(order))

    async def order(self, model: str, *, variations: int = 1, tenant: str = "acme", **wish: Any) -> str:
        """Accept an order; the job's id."""
        plan = await self.plan(model, variations=variations, tenant=tenant, **wish)
        assert not plan.violations, plan.violations
        [view] = await self.jobs.accept([plan], rpc="GenerateVideo", request_id="", request_hash="")
        return view.job.id

    async def control(self, path: str, order: Any = None) -> Any:
        """Ask the emulators' control API: POST when there is an order, else GET."""
        async with httpx.AsyncClient(base_url=self.emulator_url, trust_env=False, verify=_TLS) as client:
            ask = client.get(f"/control/{path}") if order is None else client.post(f"/control/{path}", json=order)
            reply = await ask
        assert reply.status_code < 300, reply.text
        return reply.json()

    async def script(self, vendor: str, fault: str, *, match: str = "submit", times: int = 1, **options: Any) -> None:
        """Make the next exchanges with a vendor go wrong; `contains` picks them by their prompt."""
        entry = {"vendor": vendor, "match": match, "fault": fault, "times": times, **options}
        await self.control("script", [entry])

    async def vendor_ledger(self) -> list[dict[str, Any]]:
        """The emulators' own account of every POST."""
        return list((await self.control("ledger"))["posts"])

    async def llm_posts(self) -> list[dict[str, Any]]:
        """Every call that reached the language model."""
        return [post for post in await self.vendor_ledger() if post["vendor"] == "llm"]

    async def llm_bill(self) -> int:
        """What the language model charged, in micros."""
        return sum(job["billed_micros"] for job in await self.vendor_jobs() if job["vendor"] == "llm")

    async def vendor_jobs(self, prompt: str = "") -> list[dict[str, Any]]:
        """The emulators' own account of every job they took (with this prompt)."""
        return [job for job in (await self.control("jobs"))["jobs"] if prompt in ("", job["prompt"])]

    async def vendor_bill(self, prompt: str = "") -> int:
        """What the emulators charged, in micros."""
        return sum(job["billed_micros"] for job in await self.vendor_jobs(prompt))

    async def ended(self, job_id: str) -> JobView:
        """The job once it has ended or parked."""
        await self.jobs.wait(job_id, PATIENCE)
        view = await self.jobs.view(job_id, "acme")
        assert view.job.state.terminal or view.job.state is JobState.NEEDS_RESOLUTION, view.job.state
        return view

    async def all_ended(self, job_ids: Iterable[str]) -> list[JobView]:
        """Each job once it has ended or parked."""
        return list(await asyncio.gather(*map(self.ended, job_ids)))

    def pass_time(self, seconds: float) -> None:
        """Let the room's clock be later than it is; the emulators' stays."""
        now = self.jobs.context.now
        self.jobs.context.now = lambda: now() + timedelta(seconds=seconds)

    async def eventually(self, look: Callable[[], Awaitable[Found | None]]) -> Found:
        """What `look` finds, as soon as it finds anything."""
        async with asyncio.timeout(PATIENCE):
            while not (found := await look()):  # noqa: ASYNC110 - what it waits for has no event
                await asyncio.sleep(0.02)
        return found

    async def until(self, job_id: str, condition: Callable[[JobView], bool]) -> JobView:
        """The job once `condition` holds; looked at after every event."""
        async with asyncio.timeout(PATIENCE):
            async for _ in self.jobs.watch(job_id, "acme", 0):
                view = await self.jobs.view(job_id, "acme")
                if condition(view):
                    return view
        raise AssertionError("the job ended without it")

    async def events(self, job_id: str) -> list[Event]:
        """Every event of an ended job."""
        return [event async for event in self.jobs.watch(job_id, "acme", 0)]

    async def heard(self, job_id: str, kind: EventKind) -> Event:
        """The job's first event of a kind, as soon as there is one."""
        async with asyncio.timeout(PATIENCE):
            async for event in self.jobs.watch(job_id, None, 0):
                if event.kind is kind:
                    return event
        raise AssertionError("the job ended without it")

    async def verdict(self) -> Verdict:
        """What `filmgate ledger verify` says."""

        def work(connection: sa.Connection) -> Verdict:
            return verify(connection, *standing(connection))

        return await self.database.read(work)

    async def booked(self, kind: str) -> int:
        """The sum of a kind of ledger entries, in micros."""
        query = sa.select(sa.func.coalesce(sa.func.sum(entries.c.micros), 0)).where(entries.c.kind == kind)
        return int(await self.database.read(lambda connection: connection.execute(query).scalar_one()))


@contextlib.asynccontextmanager
async def _webhook_server(workshop: Workshop) -> AsyncIterator[str]:
    async def webhook(request: Request) -> Response:
        status = await workshop.jobs.callback(
            request.path_params["provider"], request.path_params["token"], request.headers, await request.body()
        )
        return Response(status_code=status)

    app = Starlette(routes=[Route("/webhooks/{provider}/{token}", webhook, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, timeout_graceful_shutdown=1))
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]  # signals are pytest's
    kept = workshop.listener
    with socket.create_server(("127.0.0.1", 0)) if kept is None else kept.dup() as listener:
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


Opened = Callable[..., Any]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--examples N`, `--lock-seconds N`; known only to runs that name this folder."""
    parser.addoption("--examples", type=int, default=0, help="Random histories for the model; 0: the usual few.")
    parser.addoption("--lock-seconds", type=float, default=2.0, help="For how long the embedded database is locked.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One event loop for the folder, so that its media workers can stay."""
    for item in items:
        inside = item.path.is_relative_to(Path(__file__).parent)
        if inside and isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.function):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def pool() -> AsyncIterator[MediaPool]:
    """Media workers, started once."""
    async with MediaPool() as pool:
        yield pool


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def fresh_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An embedded database in which the engine has been once."""
    folder = tmp_path_factory.mktemp("fresh")
    await _first_launch(folder / "filmgate.sqlite", folder)
    return folder / "filmgate.sqlite"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def fresh_template(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a Postgres database in which the engine has been once, to be copied."""
    postgres.run("CREATE DATABASE fresh")
    await _first_launch(postgres.url("fresh"), tmp_path_factory.mktemp("fresh"))
    return "fresh"


async def _first_launch(place: Path | str, folder: Path) -> None:
    """Make all tables. The engine notices a queue that is new to it only after a second."""
    database = Database(place)
    with database.engine.begin() as connection:
        metadata.create_all(connection)
    engine = Engine(database, folder, tenant_clips=1, worker_clips=1)

    async def nothing_runs(_clip_id: str, _run: int) -> bool:
        return False

    await engine.launch({}, nothing_runs)
    await engine.stop()
    database.close()


POSTGRES_TOO = frozenset(
    {
        "test_accepting",
        "test_callbacks",
        "test_cancelling",
        "test_engine_names",
        "test_enhancing",
        "test_lost_replies",
        "test_model",
        "test_prompting",
        "test_resolving",
        "test_waiting",
        "test_watching",
    }
)
"""The modules that run on Postgres as well: those in which several writers could meet."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Both databases for the modules where it matters."""
    if "kind" in metafunc.fixturenames and metafunc.module.__name__.rpartition(".")[2] in POSTGRES_TOO:
        metafunc.parametrize("kind", ["sqlite", "postgres"], indirect=True)


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    """Which database: `sqlite` or `postgres`."""
    return str(getattr(request, "param", "sqlite"))


Places = Callable[[Path], contextlib.AbstractContextManager[Path | str]]


@pytest.fixture
def places(kind: str, request: pytest.FixtureRequest) -> Places:
    """`with places(folder) as place`: a database with all tables until the block ends: its file, or its address."""
    if kind == "sqlite":
        fresh: Path = request.getfixturevalue("fresh_file")
        return lambda folder: contextlib.nullcontext(Path(shutil.copy(fresh, folder)))
    postgres: Postgres = request.getfixturevalue("postgres")
    template: str = request.getfixturevalue("fresh_template")

    @contextlib.contextmanager
    def copied(_folder: Path) -> Iterator[str]:
        with postgres.database(template) as name:
            yield postgres.url(name)

    return copied


@pytest.fixture
def place(places: Places, tmp_path: Path) -> Iterator[Path | str]:
    """A database of the test's own, with all tables: its file, or its address."""
    with places(tmp_path) as place:
        yield place


@pytest_asyncio.fixture(loop_scope="session")
async def opened(
    tmp_path: Path, pool: MediaPool, place: Path | str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Opened]:
    """`await opened(webhooks=True, speed=400, policy={...})`: a running workshop, closed after the test."""
    monkeypatch.setattr("jobs.sweeper.EVERY", 0.2)  # only how often it looks: what it does there stays the same
    stack = contextlib.AsyncExitStack()
    workshops: list[Workshop] = []

    async def start(
        *,
        webhooks: bool = False,
        tenant_clips: int = 64,
        policy: Mapping[str, Any] | None = None,
        webhook_origins: tuple[str, ...] = (),
        llm: Mapping[str, Any] | None = None,
        live: bool = False,
        **options: Any,
    ) -> Workshop:
        emulators = EmulatorServer(options=Options(**{"speed": 400.0} | options), pool=pool)
        url = await emulators.start(data_dir=tmp_path)
        stack.push_async_callback(emulators.stop)
        chosen = replace(POLICY, **dict(policy or {}))
        workshop = Workshop(
            tmp_path,
            pool,
            emulators,
            url,
            chosen,
            webhooks,
            tenant_clips,
            webhook_origins=webhook_origins,
            place=place,
            live=live,
            llm=llm,
        )
        await workshop.open()
        workshops.append(workshop)
        return workshop

    yield start
    for workshop in workshops:
        await workshop.close()
    await stack.aclose()


@pytest.fixture
def frame() -> MediaInput:
    """A first frame: a public https address, which no emulator fetches."""
    return MediaInput(uri="https://example.com/frame.png", mime_type="image/png")
