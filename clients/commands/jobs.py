"""`jobs list`, `jobs show`, `jobs cancel`."""

from itertools import islice
from typing import Annotated

import typer
from filmgate.v1 import job_pb2

from clients.commands import connection, output, words
from clients.commands.refusals import plain

app = typer.Typer(help="List, show and cancel jobs.", no_args_is_help=True)
JobId = Annotated[str, typer.Argument(help="`job_…`")]


@app.command("list")
def list_jobs(
    state: Annotated[list[str] | None, typer.Option(help="Such as running, repeatable.", show_default=False)] = None,
    creative: Annotated[str, typer.Option(help="What they are for.", show_default=False)] = "",
    model: Annotated[str, typer.Option(help="Id of the chosen model.", show_default=False)] = "",
    limit: Annotated[int, typer.Option(min=1, help="Most jobs to show.")] = 50,
    as_json: connection.AsJson = False,
    target: connection.Target = connection.TARGET,
    tenant: connection.Tenant = connection.TENANT,
    api_key: connection.ApiKey = "",
    insecure: connection.Insecure = False,
) -> None:
    """The newest jobs."""
    with connection.connect(target, tenant, api_key, insecure) as client:
        found = client.list_jobs(states=state, creative_id=creative, model=model, page_size=min(limit, 200))
        jobs = list(islice(found, limit))
    if as_json:
        for job in jobs:
            output.print_json(job)
        return
    output.print_table(("job", "created", "state", "creative", "model", "clips", "cost"), map(_row, jobs))


@app.command("show")
def show(
    job_id: JobId,
    as_json: connection.AsJson = False,
    target: connection.Target = connection.TARGET,
    tenant: connection.Tenant = connection.TENANT,
    api_key: connection.ApiKey = "",
    insecure: connection.Insecure = False,
) -> None:
    """One job with its clips and videos."""
    with connection.connect(target, tenant, api_key, insecure) as client:
        job = client.get_job(job_id)
    (output.print_json if as_json else output.print_job)(job)


@app.command("cancel")
def cancel(
    job_id: JobId,
    as_json: connection.AsJson = False,
    target: connection.Target = connection.TARGET,
    tenant: connection.Tenant = connection.TENANT,
    api_key: connection.ApiKey = "",
    insecure: connection.Insecure = False,
) -> None:
    """Ask to cancel a job; what its vendors have begun they may still bill."""
    with connection.connect(target, tenant, api_key, insecure) as client:
        job = client.cancel(job_id)
    (output.print_json if as_json else output.print_job)(job)


def _row(job: job_pb2.Job) -> tuple[str, ...]:
    done = sum(clip.state == job_pb2.CLIP_STATE_SUCCEEDED for clip in job.clips)
    return (
        plain(job.id),
        words.moment(job.create_time),
        words.colored(words.job_state(job.state)),
        plain(job.creative_id),
        plain(job.model),
        f"{done}/{len(job.clips)}",
        words.money(job, "cost"),
    )
