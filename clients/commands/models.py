"""`models`: the catalogue."""

from typing import Annotated, Any

import typer
from filmgate.v1 import model_pb2
from typer.core import TyperGroup

from clients.commands import connection, output, words
from clients.commands.refusals import plain


class _ListByDefault(TyperGroup):
    """`models --mode image` is `models list --mode image`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The arguments, with the command that is meant."""
        if not args or (args[0] not in self.commands and args[0] != "--help"):
            args = ["list", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=_ListByDefault, help="The catalogue.")


@app.command("list")
def models(
    provider: Annotated[list[str] | None, typer.Option(help="Vendor, repeatable.", show_default=False)] = None,
    mode: Annotated[str | None, typer.Option(help="text, image, reference or video.", show_default=False)] = None,
    ratio: Annotated[str | None, typer.Option(help="`W:H` it must offer.", show_default=False)] = None,
    duration: Annotated[float | None, typer.Option(help="Seconds it must offer.", show_default=False)] = None,
    max_price: Annotated[str | None, typer.Option(help="USD a clip may cost.", show_default=False)] = None,
    state: Annotated[
        list[str] | None, typer.Option(help="live, mock, unavailable, retired.", show_default=False)
    ] = None,
    as_json: connection.AsJson = False,
    target: connection.Target = connection.TARGET,
    tenant: connection.Tenant = connection.TENANT,
    api_key: connection.ApiKey = "",
    insecure: connection.Insecure = False,
) -> None:
    """List the models: what they offer and cost, who answers for them here, and why."""
    with connection.connect(target, tenant, api_key, insecure) as client:
        answer = client.models(
            providers=provider, mode=mode, aspect_ratio=ratio, duration=duration, max_price=max_price, states=state
        )
    if as_json:
        output.print_json(answer)
        return
    output.print_table(("model", "state", "from", "lengths", "ratios", "price", "best for"), map(_row, answer.models))
    for row in answer.models:
        if row.state != model_pb2.MODEL_STATE_LIVE and row.state_reason:
            output.console.print(f"[dim]{plain(row.id)}: {plain(row.state_reason)}[/]")


def _row(row: model_pb2.VideoModel) -> tuple[str, ...]:
    return (
        plain(row.id),
        words.colored(words.model_state(row.state)),
        "\n".join(
            model_pb2.ModelModeKind.Name(mode.kind).removeprefix("MODEL_MODE_KIND_").lower() for mode in row.modes
        ),
        "\n".join(_lengths(mode) for mode in row.modes),
        plain(", ".join(dict.fromkeys(ratio for mode in row.modes for ratio in mode.aspect_ratios))),
        "\n".join(_price(price) for price in row.prices),
        plain(row.best_for),
    )


def _lengths(mode: model_pb2.ModelMode) -> str:
    kind = mode.WhichOneof("durations")
    if kind == "choices":
        return ", ".join(words.length(choice) for choice in mode.choices.choices)
    if kind == "span":
        return f"{words.length(mode.span.min)} to {words.length(mode.span.max)}"
    if kind == "frames":
        return ", ".join(f"{count / (mode.frames.fps or 1):g} s" for count in mode.frames.counts)
    return ""


def _price(price: model_pb2.ModelPrice) -> str:
    unit = model_pb2.PriceUnit.Name(price.unit).removeprefix("PRICE_UNIT_").replace("_", " ").lower()
    conditions = ", ".join(f"{plain(name)}={plain(value)}" for name, value in sorted(price.conditions.items()))
    return f"{words.amount_text(price.price)} per {unit}" + (f" ({conditions})" if conditions else "")
