"""`resolve`: an operator's verdict on a parked clip."""

from typing import Annotated

import typer

from clients.commands import connection, output


def resolve(
    clip_id: Annotated[str, typer.Argument(help="`clip_…`")],
    adopt: Annotated[str, typer.Option(help="The vendor did take it: its task id.", show_default=False)] = "",
    resubmit: Annotated[bool, typer.Option("--resubmit", help="Buy it again; it may be paid twice.")] = False,
    abandon: Annotated[bool, typer.Option("--abandon", help="Give it up, billed UNKNOWN.")] = False,
    attempt: Annotated[int, typer.Option(help="Only if it is parked on this attempt; 0: on any.")] = 0,
    note: Annotated[str, typer.Option(help="Why, for the books.", show_default=False)] = "",
    as_json: connection.AsJson = False,
    target: connection.Target = connection.TARGET,
    tenant: connection.Tenant = connection.TENANT,
    api_key: connection.ApiKey = "",
    insecure: connection.Insecure = False,
) -> None:
    """Decide about a clip whose vendor may or may not have taken it: exactly one of --adopt, --resubmit, --abandon."""
    with connection.connect(target, tenant, api_key, insecure) as client:
        answer = client.resolve(
            clip_id, adopt=adopt, resubmit=resubmit, abandon=abandon, attempt_number=attempt, note=note
        )
    if as_json:
        output.print_json(answer)
        return
    output.print_warnings(answer.warnings)
    output.print_job(answer.job)
