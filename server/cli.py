"""The command line: `filmgate`. Commands import what they need when they run, so that help is quick."""

from collections.abc import Callable, MutableMapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup


class _Group(TyperGroup):
    """Mounts the commands of the contract's client when one of them, or the list of all, is asked for."""

    _own: MutableMapping[str, Any]
    _all: MutableMapping[str, Any] | None = None

    @property
    def commands(self) -> MutableMapping[str, Any]:
        """Every command."""
        if self._all is None:
            self._all = {**self._own, **_contract_commands()}
        return self._all

    @commands.setter
    def commands(self, value: MutableMapping[str, Any]) -> None:
        self._own = value

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """One command; ours need none of the client's imports."""
        return self._own.get(cmd_name) or self.commands.get(cmd_name)


def _contract_commands() -> dict[str, Any]:
    from clients import commands

    mounted = typer.Typer()
    commands.register(mounted)
    group: Any = typer.main.get_command(mounted)
    group.commands["models"].commands["diff"] = _single(models_diff, "diff")
    return dict(group.commands)


def _single(function: Callable[..., None], name: str) -> Any:
    """A function of ours as a command for a group of the client's."""
    alone = typer.Typer(add_completion=False)
    alone.command(name)(function)
    return typer.main.get_command(alone)


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The self-hosted gRPC gateway to AI video models.",
)
ledger = typer.Typer(no_args_is_help=True, help="Where every micro-unit of money went.")
app.add_typer(ledger, name="ledger")

DataDir = Annotated[
    Path | None, typer.Option(help="Folder of the database and the embedded store.", show_default=False)
]
EnvFile = Annotated[
    Path | None, typer.Option(help="Variables to read; default `.env` where there is one.", show_default=False)
]


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default=False)] = None,
    grpc_port: Annotated[int | None, typer.Option(help="0 takes a free one.", show_default=False)] = None,
    http_port: Annotated[int | None, typer.Option(help="0 takes a free one.", show_default=False)] = None,
    data_dir: DataDir = None,
    mock: Annotated[str | None, typer.Option(help="auto, never or always.", show_default=False)] = None,
    emulator_speed: Annotated[float | None, typer.Option(help="Of the emulator inside.", show_default=False)] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning, error.", show_default=False)] = None,
    env_file: EnvFile = None,
) -> None:
    """Serve gRPC and the HTTP edge; settings come from the environment, options win.

    Prints `filmgate ready grpc=HOST:PORT http=HOST:PORT` once it serves.
    """
    from server.commands import serving

    serving.serve(
        env_file,
        host=host,
        grpc_port=grpc_port,
        http_port=http_port,
        data_dir=data_dir,
        mock=mock,
        emulator_speed=emulator_speed,
        log_level=log_level,
    )


@app.command()
def emulate(
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 8090,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    data_dir: Annotated[Path, typer.Option(help="Folder of the emulators' ledger.")] = Path(".data"),
    speed: Annotated[float, typer.Option(help="Vendor seconds per second.")] = 20.0,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Also listen, and call back, beyond loopback.")
    ] = False,
) -> None:
    """Play the vendors, alone: for the crash rig, for several servers, for trying out a vendor's own SDK."""
    from server.commands import serving

    serving.emulate(host=host, port=port, data_dir=data_dir, speed=speed, allow_remote=allow_remote)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where the videos and the contact sheet go.")] = Path(".demo"),
) -> None:
    """Start a server on mocked vendors, make videos over gRPC, fetch and probe them, show a table."""
    from server.commands.demo import run

    raise typer.Exit(run(folder))


@app.command()
def doctor(env_file: EnvFile = None, data_dir: DataDir = None) -> None:
    """Check settings, store, vendors, media libraries and ports; starts and buys nothing."""
    from server.commands.doctor import run

    raise typer.Exit(run(env_file, data_dir))


@app.command()
def verify(
    vendor: Annotated[str, typer.Argument(help="`runway` or `replicate`.")],
    max_cost: Annotated[str, typer.Option(help="The most to spend, in USD.")] = "1.00",
    model: Annotated[str, typer.Option(help="Id of the model to buy; default the vendor's cheapest.")] = "",
    base_url: Annotated[str | None, typer.Option(help="Another address of its API.", show_default=False)] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before spending.")] = False,
    env_file: EnvFile = None,
) -> None:
    """Buy one short clip from a vendor with your key, through the whole service, and say what differs."""
    from server.commands.verify import Purchase, run

    raise typer.Exit(run(Purchase(vendor=vendor, max_cost=max_cost, model=model, base_url=base_url, yes=yes), env_file))


def models_diff(
    models: Annotated[list[str] | None, typer.Argument(help="Ids; default all of Replicate's.")] = None,
    base_url: Annotated[str | None, typer.Option(help="Another address of its API.", show_default=False)] = None,
    env_file: EnvFile = None,
) -> None:
    """Compare our rows of Replicate's models with what Replicate says of their inputs now; costs nothing."""
    from server.commands.models import diff

    raise typer.Exit(diff(models or (), base_url, env_file))


@ledger.command("verify")
def ledger_verify(env_file: EnvFile = None, data_dir: DataDir = None) -> None:
    """Check that hold + adjust = settle + release + open, and that nothing ended stays held."""
    from server.commands import books

    raise typer.Exit(books.verify(env_file, data_dir))


@ledger.command("show")
def ledger_show(
    job: Annotated[str, typer.Option(help="Only this job.")] = "",
    tenant: Annotated[str, typer.Option(help="Only this tenant.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Newest entries.")] = 50,
    env_file: EnvFile = None,
    data_dir: DataDir = None,
) -> None:
    """Show entries, newest first."""
    from server.commands import books

    books.show(env_file, data_dir, job=job, tenant=tenant, limit=limit)


@ledger.command("reconcile")
def ledger_reconcile(
    invoice: Annotated[Path, typer.Argument(help="The vendor's invoice: CSV with a header, a line per task.")],
    vendor: Annotated[str, typer.Option(help="Whose it is: `runway`, `replicate`, …")],
    task_column: Annotated[str, typer.Option(help="Header of the task ids; default its usual names.")] = "",
    amount_column: Annotated[str, typer.Option(help="Header of the amounts.")] = "",
    currency_column: Annotated[str, typer.Option(help="Header of the currency; without one USD.")] = "",
    date_column: Annotated[str, typer.Option(help="Header of the dates (ISO 8601).")] = "",
    since: Annotated[
        datetime | None, typer.Option(help="It is complete from here on, UTC.", show_default=False)
    ] = None,
    until: Annotated[datetime | None, typer.Option(help="And before here.", show_default=False)] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Book what the invoice settles, as further entries.")] = False,
    env_file: EnvFile = None,
    data_dir: DataDir = None,
) -> None:
    """Explain every difference between the ledger and a vendor's invoice; exits 1 while any remains."""
    from jobs.invoice import Columns
    from server.commands import reconcile

    columns = Columns(task=task_column, amount=amount_column, currency=currency_column, date=date_column)
    wanted = reconcile.Wanted(path=invoice, vendor=vendor, columns=columns, since=since, until=until, apply=apply)
    raise typer.Exit(reconcile.run(wanted, env_file, data_dir))


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
