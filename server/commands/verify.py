"""`verify`: one real purchase at a vendor, through the whole service, in a data folder of its own."""

import asyncio
import tempfile
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

import typer
from filmgate.v1 import job_pb2
from filmgate_client import FilmgateCallError
from filmgate_client.aio import AsyncFilmgateClient
from rich.console import Console

from core.money import Money
from core.spec import Wish
from jobs.endpoints import RowState
from providers import durations, prices
from providers.catalogue import ADAPTERS, CATALOGUE
from providers.model import LifecycleState, VideoModel
from providers.resolve import resolve
from server.app import Application
from server.commands.serving import BAD_SETTINGS, settled
from server.process import configure_logs
from server.settings import MockMode, Settings

_PROMPT = "a paper boat on a calm pond, soft morning light"
_LONGEST = 1800.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Purchase:
    """What may be bought."""

    vendor: str
    max_cost: str
    model: str
    base_url: str | None
    yes: bool


def run(purchase: Purchase, env_file: Path | None) -> int:
    """The exit status: 0 when a playable clip came, at no more than was quoted."""
    if purchase.vendor not in ADAPTERS:
        typer.echo(f"error: the vendors are {', '.join(sorted(ADAPTERS))}", err=True)
        raise typer.Exit(BAD_SETTINGS)
    row = _row(purchase)
    limit = _limit(purchase.max_cost)
    with tempfile.TemporaryDirectory(prefix="filmgate-verify-") as folder:
        overrides = {f"{purchase.vendor}_base_url": purchase.base_url, "data_dir": Path(folder)}
        settings = settled(env_file, grpc_port=0, http_port=0, mock=MockMode.AUTO, **overrides)
        configure_logs(settings)
        return asyncio.run(_buy(settings, purchase, row, limit))


def _row(purchase: Purchase) -> VideoModel:
    """The named row, or the vendor's cheapest that works from text."""
    if purchase.model:
        row = CATALOGUE.rows.get(purchase.model)
        if row is None or row.provider != purchase.vendor or row.text is None:
            typer.echo(f"error: {purchase.model} is no text model of {purchase.vendor}", err=True)
            raise typer.Exit(BAD_SETTINGS)
        return row
    living = [
        row
        for row in CATALOGUE.rows.values()
        if row.provider == purchase.vendor and row.text and row.lifecycle.state is LifecycleState.LIVE
    ]
    return min(living, key=lambda row: prices.quote(row, resolve(_wish(row), row).spec).expected.micros)


def _wish(row: VideoModel) -> Wish:
    assert row.text is not None
    return Wish(prompt=_PROMPT, duration=durations.shortest(row.text.durations))


def _limit(text: str) -> Money:
    try:
        return Money.of(Decimal(text))
    except InvalidOperation:
        typer.echo("error: --max-cost must be an amount such as 1.00", err=True)
        raise typer.Exit(BAD_SETTINGS) from None


async def _buy(settings: Settings, purchase: Purchase, row: VideoModel, limit: Money) -> int:
    console = Console()
    application = Application(settings)
    await application.start()
    try:
        available = application.jobs.context.vendors.availability(row)
        if available.state is not RowState.LIVE:
            console.print(f"[bold red]error:[/] {purchase.vendor} is not live here: {available.reason}")
            return BAD_SETTINGS
        key = settings.api_key.get_secret_value() if settings.api_key else None
        async with AsyncFilmgateClient(f"127.0.0.1:{application.grpc_port}", tenant="verify", api_key=key) as client:
            return await _through(client, purchase, row, limit, console)
    except FilmgateCallError as error:
        console.print(f"[bold red]refused:[/] {error}")
        return 1
    finally:
        await application.stop()


async def _through(
    client: AsyncFilmgateClient, purchase: Purchase, row: VideoModel, limit: Money, console: Console
) -> int:
    wish = _wish(row)
    quoted = await client.quote(_PROMPT, creative_id="verify", model=row.id, duration=wish.duration or 0.0)
    held = Money(currency=quoted.quote.held_max.currency_code, micros=quoted.quote.held_max.micros)
    console.print(f"{row.id}, {wish.duration:g} s: at most {held}, limit {limit}")
    if held.micros > limit.micros:
        console.print("[bold red]error:[/] the quote is above --max-cost")
        return 1
    if not purchase.yes and not typer.confirm(f"Spend up to {held} at {purchase.vendor}?"):
        return 1
    job = await client.generate(
        _PROMPT,
        creative_id="verify",
        model=row.id,
        duration=wish.duration or 0.0,
        max_cost=str(Decimal(limit.micros) / 1_000_000),
    )
    async for event in client.watch(job.id, timeout=_LONGEST):
        console.print(f"{event.seq:3} {job_pb2.JobEventKind.Name(event.kind).removeprefix('JOB_EVENT_KIND_')}")
    return _verdict(await client.get_job(job.id), console)


def _verdict(job: job_pb2.Job, console: Console) -> int:
    for clip in job.clips:
        for attempt in clip.attempts:
            cost = Money(currency=attempt.cost.currency_code or "?", micros=attempt.cost.micros)
            outcome = job_pb2.AttemptOutcome.Name(attempt.outcome).removeprefix("ATTEMPT_OUTCOME_")
            told = f"{outcome} {attempt.vendor_task_id}, {cost} ({attempt.cost_basis})"
            console.print(f"attempt {attempt.number}: {told}", highlight=False, soft_wrap=True)
        length = clip.actual_duration.ToMilliseconds() / 1000
        console.print(f"clip: {clip.width}x{clip.height}, {length:g} s, {clip.failure.message or 'plays'}")
    good = job.state == job_pb2.JOB_STATE_SUCCEEDED and job.cost.micros <= job.quote.held_max.micros
    console.print("[bold green]as documented[/]" if good else "[bold red]not as documented[/]")
    return 0 if good else 1
