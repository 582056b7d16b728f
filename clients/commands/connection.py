"""The options every command shares, and the client they make."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from filmgate_client import FilmgateCallError, FilmgateClient
from filmgate_client.channel import DEFAULT_TARGET

from clients.commands import refusals

_PANEL = "Connection"

Target = Annotated[
    str, typer.Option(envvar="FILMGATE_TARGET", help="Address of the server, `host:port`.", rich_help_panel=_PANEL)
]
Tenant = Annotated[str, typer.Option(envvar="FILMGATE_TENANT", help="Whose videos and money.", rich_help_panel=_PANEL)]
ApiKey = Annotated[
    str,
    typer.Option(
        envvar="FILMGATE_API_KEY",
        help="Needed off this machine; better given in the environment.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
Insecure = Annotated[
    bool, typer.Option("--insecure", help="Plaintext to another machine instead of TLS.", rich_help_panel=_PANEL)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON instead of a table.")]

TARGET = DEFAULT_TARGET
TENANT = "default"


@contextmanager
def connect(target: str, tenant: str, api_key: str, insecure: bool) -> Iterator[FilmgateClient]:
    """A client for the time of one command; a refusal is shown and ends the process with its exit code."""
    try:
        with FilmgateClient(target, tenant=tenant, api_key=api_key or None, insecure=insecure or None) as client:
            yield client
    except FilmgateCallError as error:
        refusals.show(error, target)
        raise typer.Exit(refusals.exit_code(error)) from error
    except (ValueError, OSError) as error:
        refusals.console.print(f"[bold red]error:[/] {refusals.plain(str(error))}")
        raise typer.Exit(refusals.USAGE) from error
