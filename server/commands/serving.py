"""`serve` and `emulate`: processes that run until they are told to stop."""

from pathlib import Path

import typer

from server import settings
from server.settings import Settings, SettingsError

BAD_SETTINGS = 2
CANNOT_START = 3


def settled(env_file: Path | None, **overrides: object) -> Settings:
    """The settings of a command; every fault is shown and ends the process."""
    found = env_file or (Path(".env") if Path(".env").is_file() else None)
    try:
        return settings.load(settings.environment(found), **overrides)
    except SettingsError as error:
        for fault in error.faults:
            typer.echo(f"error: {fault}", err=True)
        raise typer.Exit(BAD_SETTINGS) from None


def serve(env_file: Path | None, **overrides: object) -> None:
    """Serve until a signal comes."""
    chosen = settled(env_file, **overrides)
    settings.quiet_grpc()
    from jobs.engine import EngineLocked
    from server.app import CannotStart
    from server.listening import PortTaken
    from server.process import run
    from server.schema import NewerSchema

    try:
        run(chosen)
    except SettingsError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(BAD_SETTINGS) from None
    except (CannotStart, EngineLocked, PortTaken, NewerSchema) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(CANNOT_START) from None


def emulate(*, host: str, port: int, data_dir: Path, speed: float, allow_remote: bool) -> None:
    """Play the vendors until a signal comes; prints the base URL."""
    from emulators import server
    from emulators.world import Options

    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        options = Options(speed=speed, allow_remote=allow_remote)
        server.run(data_dir=data_dir, host=host, port=port, options=options)
    except (ValueError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(CANNOT_START) from None
