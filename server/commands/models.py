"""`models diff`: our rows of Replicate's models against what Replicate says of them now. Buys nothing."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape

from core.outcome import Reply
from jobs.endpoints import Endpoint
from jobs.http import ExchangeFailed, VendorClient
from providers.catalogue import ADAPTERS
from providers.model import LifecycleState, VideoModel
from providers.replicate_schema import model_differences, question
from server import vendors
from server.commands.serving import BAD_SETTINGS, settled

_VENDOR = "replicate"
_AT_ONCE = 4


def diff(names: Sequence[str], base_url: str | None, env_file: Path | None) -> int:
    """The exit status: 0 when every row is as the vendor says, 1 when one differs or could not be asked about."""
    provider = ADAPTERS[_VENDOR]
    settings = settled(env_file, replicate_base_url=base_url)
    rows = [row for row in provider.models if row.lifecycle.state is not LifecycleState.RETIRED]
    unknown = set(names) - {row.id for row in rows}
    if unknown:
        _refuse(f"{', '.join(sorted(unknown))}: no living Replicate model of the catalogue")
    wanted = [row for row in rows if not names or row.id in names]
    endpoint = vendors.choose(settings, (provider,), None).endpoint(_VENDOR)
    if endpoint is None:
        _refuse(f"set {' or '.join(provider.credential_variables)}: Replicate tells its models to accounts only")
    return _report(asyncio.run(_asked(wanted, endpoint)))


def _refuse(text: str) -> None:
    typer.echo(f"error: {text}", err=True)
    raise typer.Exit(BAD_SETTINGS)


async def _asked(rows: Sequence[VideoModel], endpoint: Endpoint | None) -> list[tuple[VideoModel, list[str]]]:
    assert endpoint is not None
    client, turn = VendorClient(), asyncio.Semaphore(_AT_ONCE)

    async def one(row: VideoModel) -> tuple[VideoModel, list[str]]:
        async with turn:
            try:
                reply = await client.poll(question(row), base_url=endpoint.base_url, secret=endpoint.secret)
            except ExchangeFailed as error:
                return row, [f"could not be asked about: {error}"]
            return row, _differences(row, reply)

    try:
        return await asyncio.gather(*map(one, rows))
    finally:
        await client.aclose()


def _differences(row: VideoModel, reply: Reply) -> list[str]:
    if reply.status == 404:
        return ["Replicate does not know it any more"]
    if reply.status != 200 or reply.document is None:
        return [f"could not be asked about: HTTP {reply.status}"]
    return model_differences(row, reply.document)


def _report(found: Sequence[tuple[VideoModel, list[str]]]) -> int:
    console = Console(soft_wrap=True, highlight=False)
    for row, differences in found:
        for text in differences:
            # What the vendor wrote is text, never markup: a bracket of its would vanish or end the run.
            console.print(f"[bold]{row.id}[/] {escape(text)}", markup=True)
    differing = sum(1 for _, differences in found if differences)
    console.print(f"{len(found)} models, {differing} differ")
    return 1 if differing else 0
