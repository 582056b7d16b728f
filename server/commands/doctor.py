"""`doctor`: what the settings mean on this machine, checked; starts no server and buys nothing."""

import asyncio
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from importlib.metadata import version
from pathlib import Path

import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from core.errors import MediaRejected, StorageFailed
from core.postgres import postgres_engine
from jobs.endpoints import RowState
from media.errors import MediaFault
from media.pool import MediaPool
from media.probe import verify
from providers.model import LifecycleState
from server import llm, stores, vendors
from server.commands.serving import settled
from server.listening import HttpSide, PortTaken
from server.settings import Settings, SettingsError
from storage.secret import installation_secret

Check = Callable[[Settings], Coroutine[None, None, str]]


class _Wrong(Exception):
    """A check failed; the text says what to do."""


def run(env_file: Path | None, data_dir: Path | None) -> int:
    """Print the checks; the exit status is 0 when all passed."""
    settings = settled(env_file, data_dir=data_dir)
    console = Console()
    table = Table("check", "result", title="Filmgate on this machine")
    table.add_row("settings", "[green]ok[/]")
    faults = 0
    for name, check in _CHECKS.items():
        try:
            table.add_row(name, f"[green]ok[/] {asyncio.run(check(settings))}")
        except _Wrong as error:
            faults += 1
            table.add_row(name, f"[red]wrong[/] {error}")
    console.print(table)
    console.print(_vendors(settings))
    for advice in _advice(settings):
        console.print(advice, soft_wrap=True)
    return 1 if faults else 0


def _vendors(settings: Settings) -> Table:
    table = Table("vendor", "rows", "state", "why", title="Vendors")
    providers = vendors.surfaces(settings)
    emulator = settings.emulator_url or (None if settings.database_url else "http://127.0.0.1:1")
    chosen = vendors.choose(settings, providers, emulator, catalogue=vendors.catalogue_of(settings, providers))
    colors = {RowState.LIVE: "green", RowState.MOCK: "yellow", RowState.UNAVAILABLE: "red", RowState.RETIRED: "dim"}
    for provider in providers:
        sold = [row for row in provider.models if row.lifecycle.state is not LifecycleState.RETIRED]
        available = chosen.availability(sold[0] if sold else provider.models[0])
        state = f"[{colors[available.state]}]{available.state.lower()}[/]"
        table.add_row(provider.title, str(len(sold)), state, available.reason)
    return table


def _advice(settings: Settings) -> Iterator[str]:
    """What keys no longer buy."""
    if settings.stability_api_key is not None:
        yield (
            "[yellow]STABILITY_API_KEY[/] buys no video any more: Stability's image-to-video API answers 404 since late"
            " 2025. `stability_svd` is answered by Replicate, fal or a Cog server of your own: set REPLICATE_API_TOKEN,"
            " FAL_KEY or COG_BASE_URL=stable-video-diffusion=http://…"
        )
    luma = getattr(settings, "luma_key", None)
    if luma is not None and not luma.get_secret_value().startswith("luma-api-"):
        yield (
            "[yellow]LUMA_API_KEY[/] does not begin with `luma-api-` as the keys of Luma's current API do; a key of the"
            " older Dream Machine API belongs into LUMAAI_API_KEY."
        )
    if getattr(settings, "openai_key", None) is not None:
        yield (
            "[yellow]OPENAI_API_KEY[/] buys no video any more: OpenAI shut its Videos API down on 2026-09-24. Gateways"
            " that still speak it go into FILMGATE_UPSTREAMS. Whether it pays for prompts is said above."
        )


async def _data(settings: Settings) -> str:
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.data_dir):
            return str(settings.data_dir)
    except OSError as error:
        raise _Wrong(f"{settings.data_dir} cannot be written: {error.strerror}") from None


async def _database(settings: Settings) -> str:
    if settings.database_url is None:
        return "SQLite, in the data folder"
    engine = postgres_engine(settings.database_url.get_secret_value(), application_name="filmgate-doctor", pool_size=1)
    try:
        with engine.connect() as connection:
            return str(connection.exec_driver_sql("SELECT split_part(version(), ' on ', 1)").scalar())
    except sa.exc.OperationalError as error:
        raise _Wrong(f"Postgres: {str(error.orig).strip().splitlines()[0]}") from None
    finally:
        engine.dispose()


async def _store(settings: Settings) -> str:
    try:
        given = settings.secret
        secret = given.get_secret_value().encode() if given else installation_secret(stores.secret_file(settings))
        store = stores.open_store(settings, secret, "http://127.0.0.1").objects
        try:
            await store.check()
        finally:
            await store.close()
    except StorageFailed as error:
        raise _Wrong(str(error)) from None
    return f"bucket {settings.s3_bucket}" if settings.s3_bucket else "embedded, in the data folder"


async def _prompts(settings: Settings) -> str:
    """Who writes prompts; nothing is asked of a language model."""
    try:
        return llm.writer(settings).why
    except SettingsError as error:
        raise _Wrong(str(error)) from None


async def _media(_settings: Settings) -> str:
    """Draw and decode one second of video, as mocks and every collected clip need it."""
    from media.placeholder import render

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "check.mp4"
        try:
            async with MediaPool(workers=1) as pool:
                await pool.run(render, path, seconds=1.0, width=320, height=180, fps=24.0, audio=True, timeout=60)
                facts = await pool.run(verify, path, timeout=60)
        except (MediaRejected, MediaFault) as error:
            raise _Wrong(str(error)) from None
    return f"PyAV {version('av')} writes and reads {facts.video_codec} with {facts.audio_codec}"


async def _ports(settings: Settings) -> str:
    for port in (settings.grpc_port, settings.http_port):
        try:
            await HttpSide(settings.host, port).stop()
        except PortTaken:
            raise _Wrong(f"{settings.host}:{port} is taken (by a server that runs?)") from None
    return f"{settings.host}:{settings.grpc_port} and :{settings.http_port} are free"


_CHECKS: dict[str, Check] = {
    "data folder": _data,
    "database": _database,
    "object store": _store,
    "prompts": _prompts,
    "media": _media,
    "ports": _ports,
}
