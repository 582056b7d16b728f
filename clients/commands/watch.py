"""`watch`: a job's events as live progress, or as lines where nobody looks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from filmgate.v1 import job_pb2
from filmgate_client import FilmgateClient
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from clients.commands import connection, output, words
from clients.commands.refusals import plain

COLUMNS = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[what]}"), TimeElapsedColumn())
Seen = Callable[[job_pb2.JobEvent], None]


def watch(
    job_id: Annotated[str, typer.Argument(help="`job_…`")],
    after: Annotated[int, typer.Option(min=0, help="Number of the last event already seen; 0: all.")] = 0,
    as_json: connection.AsJson = False,
    target: connection.Target = connection.TARGET,
    tenant: connection.Tenant = connection.TENANT,
    api_key: connection.ApiKey = "",
    insecure: connection.Insecure = False,
) -> None:
    """Follow a job until it ends; a dropped connection is resumed where it broke."""
    with connection.connect(target, tenant, api_key, insecure) as client:
        if as_json:
            for event in client.watch(job_id, after_event=after):
                output.print_json(event)
            output.exit_with(client.get_job(job_id))
        else:
            follow(client, job_id, after)


def follow(client: FilmgateClient, job_id: str, after: int = 0) -> None:
    """Show a job's events until it ends, or is parked, then the job; exits as it ended.

    Ctrl-C stops only the watching.
    """
    try:
        with shown() as seen:
            for event in client.watch(job_id, after_event=after):
                seen(event)
                if event.kind == job_pb2.JOB_EVENT_KIND_STALLED and _parked(client, job_id):
                    break
    except KeyboardInterrupt:
        output.console.print(f"The job goes on. Look again with: filmgate watch {plain(job_id)}")
        raise typer.Exit(130) from None
    job = client.get_job(job_id)
    output.print_job(job)
    output.exit_with(job)


def _parked(client: FilmgateClient, job_id: str) -> bool:
    return client.get_job(job_id).state == job_pb2.JOB_STATE_NEEDS_RESOLUTION


@contextmanager
def shown() -> Iterator[Seen]:
    """A function that shows an event: on moving bars in a terminal, as a line each elsewhere."""
    if not output.console.is_terminal:
        yield lambda event: output.console.print(event_line(event), highlight=False, soft_wrap=True)
        return
    with Progress(*COLUMNS, console=output.console) as progress:
        yield Bars(progress).show


class Bars:
    """One bar for the job and one line per clip."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def show(self, event: job_pb2.JobEvent) -> None:
        """Move what the event is about."""
        job = self._task("job", f"[bold]{plain(event.job_id)}[/]", total=1.0)
        # An event that says nothing of progress must not move the bar back.
        self._progress.update(job, completed=_share(event), what=words.job_state(event.job_state))
        if event.clip_id:
            clip = self._task(event.clip_id, f"  clip {event.clip_index} {plain(event.model)}", total=None)
            over = event.clip_state >= job_pb2.CLIP_STATE_SUCCEEDED
            total = 1.0 if over else None
            self._progress.update(clip, total=total, completed=1.0 if over else 0.0, what=plain_event(event))

    def _task(self, key: str, description: str, total: float | None) -> TaskID:
        if key not in self._tasks:
            self._tasks[key] = self._progress.add_task(description, total=total, what="")
        return self._tasks[key]


def _share(event: job_pb2.JobEvent) -> float | None:
    """How far the job is, 0 to 1; None where the event does not tell."""
    if event.kind == job_pb2.JOB_EVENT_KIND_ENDED:
        return 1.0
    return event.progress.fraction if event.HasField("progress") else None


def plain_event(event: job_pb2.JobEvent) -> str:
    """What an event says about its clip, in a few words."""
    if event.HasField("failure"):
        return words.failure(event.failure)
    if event.kind == job_pb2.JOB_EVENT_KIND_SETTLED:
        return f"{words.clip_state(event.clip_state)} {words.money(event, 'cost')}"
    if event.kind == job_pb2.JOB_EVENT_KIND_ATTEMPT:
        # Without an outcome it has only begun.
        outcome = words.outcome(event.attempt_outcome) if event.attempt_outcome else ""
        return f"try {event.attempt_number} {outcome}".rstrip()
    return words.stage(event.clip_stage) if event.clip_stage else words.event_kind(event.kind)


def event_line(event: job_pb2.JobEvent) -> str:
    """An event as one line: number, time, kind, share, and what it says."""
    about = f"clip {event.clip_index}: {plain_event(event)}" if event.clip_id else words.job_state(event.job_state)
    note = f" ({plain(event.message)})" if event.message else ""
    fraction = _share(event)
    share = "    " if fraction is None else f"{fraction:4.0%}"
    return f"{event.seq:>4} {words.moment(event.time)} {words.event_kind(event.kind):<10} {share} {about}{note}"
