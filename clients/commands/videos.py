"""`videos list`, `videos show`, `videos delete`."""

from itertools import islice
from typing import Annotated

import typer

from clients.commands import connection, output

app = typer.Typer(help="List, show and delete stored videos.", no_args_is_help=True)
VideoId = Annotated[str, typer.Argument(help="`vid_…`")]
UrlTtl = Annotated[float | None, typer.Option(help="Seconds the addresses shall work.", show_default=False)]


@app.command("list")
def list_videos(
    creative: Annotated[str, typer.Option(help="What they are for.", show_default=False)] = "",
    model: Annotated[str, typer.Option(help="Id of the model.", show_default=False)] = "",
    job: Annotated[str, typer.Option(help="The job that made them.", show_default=False)] = "",
    limit: Annotated[int, typer.Option(min=1, help="Most videos to show.")] = 50,
    url_ttl: UrlTtl = None,
    as_json: connection.AsJson = False,
    target: connection.Target = connection.TARGET,
    tenant: connection.Tenant = connection.TENANT,
    api_key: connection.ApiKey = "",
    insecure: connection.Insecure = False,
) -> None:
    """The newest videos; with `--url-ttl` each with a fresh address."""
    with connection.connect(target, tenant, api_key, insecure) as client:
        found = client.list_videos(
            creative_id=creative, model=model, job_id=job, page_size=min(limit, 200), url_ttl=url_ttl
        )
        videos = list(islice(found, limit))
    if not as_json:
        output.print_videos(videos)
        return
    for video in videos:
        output.print_json(video)


@app.command("show")
def show(
    video_id: VideoId,
    url_ttl: UrlTtl = None,
    as_json: connection.AsJson = False,
    target: connection.Target = connection.TARGET,
    tenant: connection.Tenant = connection.TENANT,
    api_key: connection.ApiKey = "",
    insecure: connection.Insecure = False,
) -> None:
    """One video with a fresh address."""
    with connection.connect(target, tenant, api_key, insecure) as client:
        video = client.get_video(video_id, url_ttl=url_ttl)
    if as_json:
        output.print_json(video)
    else:
        output.print_videos([video])


@app.command("delete")
def delete(
    video_id: VideoId,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    target: connection.Target = connection.TARGET,
    tenant: connection.Tenant = connection.TENANT,
    api_key: connection.ApiKey = "",
    insecure: connection.Insecure = False,
) -> None:
    """Delete a video and what was derived from it, for ever."""
    if not yes:
        typer.confirm(f"Delete {video_id} for ever?", abort=True)
    with connection.connect(target, tenant, api_key, insecure) as client:
        client.delete_video(video_id)
    typer.echo(f"{video_id} is deleted")
