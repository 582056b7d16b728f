"""`asset upload`, `asset list`, `asset get`, `asset delete`."""

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from clients.commands import connection, output

app = typer.Typer(help="Upload, list, show and delete input files.", no_args_is_help=True)
AssetId = Annotated[str, typer.Argument(help="`asset_…`")]


@app.command("upload")
def upload(
    file: Annotated[Path, typer.Argument(help="A PNG, JPEG or WebP image, or an MP4, MOV or WebM video.")],
    name: Annotated[str | None, typer.Option(help="Its name; the file's own if not given.", show_default=False)] = None,
    as_json: connection.AsJson = False,
    target: connection.Target = connection.TARGET,
    tenant: connection.Tenant = connection.TENANT,
    api_key: connection.ApiKey = "",
    insecure: connection.Insecure = False,
) -> None:
    """Upload a file and print its id, which then goes wherever a file or an address may stand."""
    with connection.connect(target, tenant, api_key, insecure) as client:
        asset = client.upload_asset(file, filename=name)
    if as_json:
        output.print_json(asset)
    else:
        typer.echo(asset.id)


@app.command("list")
def list_assets(
    kind: Annotated[str | None, typer.Option(help="image or video.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most assets to show.")] = 50,
    as_json: connection.AsJson = False,
    target: connection.Target = connection.TARGET,
    tenant: connection.Tenant = connection.TENANT,
    api_key: connection.ApiKey = "",
    insecure: connection.Insecure = False,
) -> None:
    """The newest input files."""
    with connection.connect(target, tenant, api_key, insecure) as client:
        assets = list(islice(client.list_assets(kind=kind, page_size=min(limit, 200)), limit))
    if not as_json:
        output.print_assets(assets)
        return
    for asset in assets:
        output.print_json(asset)


@app.command("get")
def get(
    asset_id: AssetId,
    url_ttl: Annotated[float | None, typer.Option(help="Seconds an address shall work.", show_default=False)] = None,
    as_json: connection.AsJson = False,
    target: connection.Target = connection.TARGET,
    tenant: connection.Tenant = connection.TENANT,
    api_key: connection.ApiKey = "",
    insecure: connection.Insecure = False,
) -> None:
    """One input file; with `--url-ttl` with an address to read it."""
    with connection.connect(target, tenant, api_key, insecure) as client:
        asset = client.get_asset(asset_id, url_ttl=url_ttl)
    if as_json:
        output.print_json(asset)
    else:
        output.print_assets([asset])


@app.command("delete")
def delete(
    asset_id: AssetId,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    target: connection.Target = connection.TARGET,
    tenant: connection.Tenant = connection.TENANT,
    api_key: connection.ApiKey = "",
    insecure: connection.Insecure = False,
) -> None:
    """Delete an input file for ever; jobs under way keep what they need."""
    if not yes:
        typer.confirm(f"Delete {asset_id} for ever?", abort=True)
    with connection.connect(target, tenant, api_key, insecure) as client:
        client.delete_asset(asset_id)
    typer.echo(f"{asset_id} is deleted")
