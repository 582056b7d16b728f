"""Tables and JSON on standard output."""

from collections.abc import Iterable

import typer
from filmgate.v1 import asset_pb2, common_pb2, job_pb2, quote_pb2, video_pb2
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from rich.console import Console
from rich.table import Table

from clients.commands import refusals, words
from clients.commands.refusals import plain

console = Console()

_EXIT = {
    job_pb2.JOB_STATE_FAILED: refusals.FAILED,
    job_pb2.JOB_STATE_PARTIALLY_SUCCEEDED: refusals.FAILED,
    job_pb2.JOB_STATE_CANCELLED: refusals.FAILED,
    job_pb2.JOB_STATE_NEEDS_RESOLUTION: refusals.PARKED,
}


def print_json(message: Message) -> None:
    """The message in the contract's own JSON, on one line, so that several make a stream for `jq`."""
    typer.echo(MessageToJson(message, indent=None))


def print_table(columns: Iterable[str], rows: Iterable[Iterable[str]], title: str | None = None) -> None:
    """A table that folds long cells instead of cutting them: ids and keys stay whole."""
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def print_job(job: job_pb2.Job) -> None:
    """A job with its clips, warnings and videos."""
    mock = " [cyan]MOCK[/]" if job.mock else ""
    state = words.colored(words.job_state(job.state))
    console.print(f"[bold]{plain(job.id)}[/] {state}{mock} {plain(job.model)}, cost {words.money(job, 'cost')}")
    print_warnings(job.warnings)
    print_table(
        ("#", "clip", "state", "model", "tries", "seconds", "cost"),
        (
            (
                str(clip.index),
                plain(clip.id),
                words.colored(words.clip_state(clip.state)),
                plain(clip.model),
                str(clip.attempt_count),
                words.length(clip.generation_time) if clip.HasField("generation_time") else "",
                words.money(clip, "cost") if clip.HasField("cost") else "",
            )
            for clip in job.clips
        ),
    )
    for clip in job.clips:
        if clip.HasField("failure"):
            console.print(f"[red]clip {clip.index}[/]: {words.failure(clip.failure)}")
    if job.videos:
        print_videos(job.videos)


def print_videos(videos: Iterable[video_pb2.Video]) -> None:
    """Videos by key, and their addresses below, each on a line of its own so that it can be copied whole."""
    videos = list(videos)
    print_table(("video", "key", "length", "size", "frame", "model"), (_video_row(video) for video in videos))
    for video in videos:
        if video.url:
            typer.echo(video.url)


def _video_row(video: video_pb2.Video) -> tuple[str, ...]:
    mock = " MOCK" if video.provenance.mock else ""
    return (
        plain(video.id),
        plain(video.key),
        words.length(video.duration),
        f"{video.size / 1_000_000:.1f} MB",
        f"{video.width}x{video.height}@{video.fps:g}",
        plain(video.provenance.model) + mock,
    )


def print_assets(assets: Iterable[asset_pb2.Asset]) -> None:
    """Assets by id, and their addresses below, each on a line of its own."""
    assets = list(assets)
    print_table(("asset", "name", "type", "length", "size", "frame"), (_asset_row(asset) for asset in assets))
    for asset in assets:
        if asset.url:
            typer.echo(asset.url)


def _asset_row(asset: asset_pb2.Asset) -> tuple[str, ...]:
    return (
        plain(asset.id),
        plain(asset.filename),
        plain(asset.mime_type),
        words.length(asset.duration) if asset.HasField("duration") else "",
        f"{asset.size / 1_000_000:.1f} MB",
        f"{asset.width}x{asset.height}",
    )


def print_quote(quote: quote_pb2.Quote) -> None:
    """A quote line by line."""
    print_table(
        ("for", "model", "expected", "held at most", "basis"),
        (
            (
                "prompt" if line.stage == quote_pb2.COST_STAGE_PROMPT else f"clip {line.clip_index}",
                plain(line.model),
                words.amount_text(line.expected),
                words.amount_text(line.held_max),
                plain(line.basis),
            )
            for line in quote.lines
        ),
        title=f"Expected {words.amount_text(quote.expected)}, held {words.amount_text(quote.held_max)}",
    )


def print_warnings(warnings: Iterable[common_pb2.Warning]) -> None:
    """Warnings, a line each."""
    for warning in warnings:
        console.print(f"[yellow]{plain(warning.code)}[/]: {plain(warning.message)}")


def exit_with(job: job_pb2.Job) -> None:
    """End the process as the job's state says: see `refusals`."""
    code = _EXIT.get(job.state, 0)
    if code:
        raise typer.Exit(code)
