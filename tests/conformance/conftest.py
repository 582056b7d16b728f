"""One whole jobs room per vendor surface, run once; the tests look at what it saw."""

import inspect
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from core.database import Database, metadata
from emulators.server import EmulatorServer
from emulators.world import Options
from jobs.engine import Engine
from media.pool import MediaPool
from tests.conformance import matrix
from tests.conformance.playing import Played, Player, emulated
from tests.conformance.surface import Surface, surfaces
from tests.life.conftest import POLICY, Workshop

_POLICY = replace(POLICY, submit_timeout=4.0, poll_timeout=4.0, mock_poll=0.3, download_deadline=10.0)
_SPEED = 400.0
_CLIPS = 200

Play = Callable[[Surface], Awaitable[Played]]


pytest.register_assert_rewrite("tests.conformance.judging")
KNOWN = pytest.StashKey[dict[str, "Played | Exception"]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--matrix FILE`; known only to runs that name this folder."""
    parser.addoption("--matrix", default="", help="Print what was seen, and write it as a Markdown table.")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    """Print every surface's list and write the matrix, if that was asked for and everything was as expected."""
    path = config.getoption("--matrix", "")
    if not path:
        return
    played = [each for each in config.stash[KNOWN].values() if isinstance(each, Played)]
    for each in played:
        terminalreporter.write_line(f"\n{matrix.listing(each)}")
    names = [surface.name for surface in surfaces()]
    if exitstatus or {each.surface.name for each in played} != set(names):
        terminalreporter.write_line(f"{path} stays as it was: not every surface did as its data say")
        return
    played.sort(key=lambda each: names.index(each.surface.name))
    Path(path).write_text(matrix.document(played), encoding="utf-8")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """One event loop for the folder, so that its rooms and media workers can stay."""
    for item in items:
        inside = item.path.is_relative_to(Path(__file__).parent)
        if inside and isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.function):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
    if config.getoption("--matrix", ""):  # which is about to be written, however old what lies there is
        items[:] = [item for item in items if item.name != "test_the_matrix_has_every_surface_and_every_behaviour"]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def media_pool() -> AsyncIterator[MediaPool]:
    """Media workers, started once."""
    async with MediaPool() as pool:
        yield pool


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def begun_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which the engine has been once: it notices a queue that is new to it only after a second."""
    folder = tmp_path_factory.mktemp("begun")
    database = Database(folder / "filmgate.sqlite")
    with database.engine.begin() as connection:
        metadata.create_all(connection)
    engine = Engine(database, folder, tenant_clips=_CLIPS, worker_clips=_CLIPS)

    async def nothing_runs(_clip_id: str, _run: int) -> bool:
        return False

    await engine.launch({}, nothing_runs)
    await engine.stop()
    database.close()
    return database.path


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def play(
    pytestconfig: pytest.Config,
    tmp_path_factory: pytest.TempPathFactory,
    media_pool: MediaPool,
    begun_database: Path,
) -> AsyncIterator[Play]:
    """`await play(surface)`: all that is seen of a surface; the first time it is really played."""
    patch = pytest.MonkeyPatch()
    patch.setattr("jobs.sweeper.EVERY", 0.2)  # only how often it looks: what it does there stays the same
    known = pytestconfig.stash.setdefault(KNOWN, {})

    async def played(surface: Surface) -> Played:
        if surface.name not in known:
            folder = tmp_path_factory.mktemp(surface.name)
            shutil.copy(begun_database, folder)
            try:
                known[surface.name] = await _played(surface, folder, media_pool)
            except Exception as error:  # whatever it is, it is the answer of every test of this surface
                known[surface.name] = error
        found = known[surface.name]
        if isinstance(found, Exception):
            raise found
        return found

    yield played
    patch.undo()


async def _played(surface: Surface, folder: Path, pool: MediaPool) -> Played:
    options = Options(speed=_SPEED, allow_prompt_faults=True)
    emulators = EmulatorServer(options=options, pool=pool, vendors=(emulated(surface.name),))
    url = await emulators.start(data_dir=folder)
    webhooks = "callbacks" in surface.abilities
    workshop = Workshop(folder, pool, emulators, url, _POLICY, webhooks, _CLIPS)
    try:
        await workshop.open()
        try:
            return await Player(workshop, surface).play()
        finally:
            await workshop.close(drain=False)
    finally:
        await emulators.stop()
