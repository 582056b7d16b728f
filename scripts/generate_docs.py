"""Write what the code says into `.env.example` and between the markers of README.md; `--check` only compares."""

import argparse
import importlib
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
ENV_EXAMPLE = ROOT / ".env.example"
SECTION = "<!-- generated:{name} -->\n{body}<!-- /generated:{name} -->"
NONE = "-"
TOLD_ONCE = {"--help", "--json", "--env-file", "--data-dir", "--target", "--tenant", "--api-key", "--insecure"}


def room(name: str) -> ModuleType | None:
    """A module of ours, or None while it is not written; any other failure to import is a failure here."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as missing:
        if missing.name is not None and (missing.name == name or name.startswith(f"{missing.name}.")):
            return None
        raise


def cell(text: object) -> str:
    """Text that stays inside one cell of a table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    """A Markdown table with a closing line feed."""
    lines = [head, ("---",) * len(head), *(tuple(map(cell, row)) for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def seconds(durations: Any) -> str:
    """Lengths in words."""
    if hasattr(durations, "counts"):
        listed = [f"{count / durations.fps:.3g}" for count in durations.counts]
        return f"{', '.join(listed) if len(listed) < 8 else f'{listed[0]} to {listed[-1]}'} s"
    if hasattr(durations, "low"):
        step = "" if durations.step == 1 else f" by {durations.step:g}"
        return f"{durations.low:g} to {durations.high:g} s{step}"
    return f"{', '.join(f'{length:g}' for length in durations.seconds)} s"


def works_from(model: Any) -> str:
    """Each mode with its lengths; modes with the same ones together."""
    by_lengths: dict[str, list[str]] = {}
    for name, mode in model.modes.items():
        by_lengths.setdefault(seconds(mode.durations), []).append(name.value)
    return "; ".join(f"{', '.join(names)}: {lengths}" for lengths, names in by_lengths.items())


def ratios(model: Any) -> str:
    """Every aspect ratio that can be typed in some mode, in the row's order."""
    found = dict.fromkeys(ratio for mode in model.modes.values() for ratio in mode.aspect_ratios)
    return ", ".join(found) or "as the input"


def condition(name: str, value: object) -> str:
    """What a price asks for: `with audio`, `without audio`, `resolution 720p`."""
    return {"True": f"with {name}", "False": f"without {name}"}.get(str(value), f"{name} {value}")


def prices(model: Any) -> str:
    """From the least to the most of the newest prices, by unit, so that a passing date changes no document."""
    newest = {(price.unit, repr(sorted(price.when.items()))): price.usd for price in model.prices}
    units = dict.fromkeys(unit for unit, _ in newest)
    spans = {unit: sorted(usd for (each, _), usd in newest.items() if each is unit) for unit in units}
    return "; ".join(
        f"${low}{'' if low == high else f' to ${high}'} per {unit}"
        for unit, (low, *_, high) in ((unit, (found[0], found[-1])) for unit, found in spans.items())
    )


def living(provider: Any) -> list[Any]:
    """The rows of a vendor that can be bought."""
    return [model for model in provider.models if model.lifecycle.state.value != "retired"]


def vendors() -> str | None:
    """Every vendor surface: what it needs, and how a lost submit comes home there."""
    catalogue = room("providers.catalogue")
    if catalogue is None:
        return None
    return table(
        ("vendor", "surface", "rows", "credential", "tells by", "a lost submit is found by"),
        (
            (
                provider.title,
                f"`{name}`",
                f"{len(living(provider))}" or NONE,
                ", ".join(f"`{variable}`" for variable in provider.credential_variables),
                "webhook"
                if provider.answers_by_callback
                else "webhook and poll"
                if provider.takes_callbacks
                else "poll",
                lost(provider),
            )
            for name, provider in catalogue.ADAPTERS.items()
        ),
    )


def lost(provider: Any) -> str:
    """What brings news of a submit whose reply was lost."""
    if not living(provider):
        return "retired"
    ways = [name for name, has in (("webhook", provider.takes_callbacks), ("list", provider.can_search)) if has]
    return " or ".join(ways) or "an operator (it is parked, never bought again)"


def models() -> str | None:
    """The model guide: every row that can be bought, best first within its vendor."""
    catalogue = room("providers.catalogue")
    if catalogue is None:
        return None
    head = ("model", "quality", "speed", "usually", "works from", "aspect ratios", "sound", "price", "best for")
    return table(
        head,
        (
            (
                f"`{model.id}`",
                model.quality_rank,
                model.speed_class,
                f"{model.typical_seconds[0]} to {model.typical_seconds[1]} s",
                works_from(model),
                ratios(model),
                "choice" if "audio" in model.wire else "yes" if model.has_audio else "no",
                prices(model),
                model.best_for,
            )
            for provider in catalogue.ADAPTERS.values()
            for model in sorted(living(provider), key=lambda row: (row.quality_rank, row.id))
        ),
    )


def names() -> str | None:
    """What the names of older designs and of retired models mean today."""
    catalogue = room("providers.catalogue")
    if catalogue is None:
        return None
    retired = {
        model.id: (f"retired {model.lifecycle.retires}", f"`{model.lifecycle.successor}`")
        for model in catalogue.CATALOGUE.rows.values()
        if model.lifecycle.state.value == "retired"
    }
    aliases = {
        name: ("alias", ", ".join(f"`{target}`" for target in targets)) for name, targets in catalogue.ALIASES.items()
    }
    return table(
        ("name", "is", "what answers"), ((f"`{name}`", *told) for name, told in {**aliases, **retired}.items())
    )


def env_example() -> str | None:
    """The settings class's own `.env.example`."""
    settings = room("server.settings_text")
    text: str | None = None if settings is None else settings.env_example()
    return text


def settings_table() -> str | None:
    """The settings class's own table."""
    settings = room("server.settings_text")
    text: str | None = None if settings is None else settings.documentation()
    return text


def commands(group: Any, path: str) -> Iterable[tuple[str, Any]]:
    """Every command under a group with its full name."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path} {name}")
        elif not command.hidden:
            yield f"{path} {name}", command


def usage(name: str, command: Any) -> str:
    """A command with its arguments."""
    arguments = [str(parameter.name).upper() for parameter in command.params if not parameter.opts[0].startswith("-")]
    return " ".join([name, *arguments])


def options(command: Any) -> str:
    """The options a caller may give, but for those that the README tells once for all commands."""
    named = (parameter.opts[0] for parameter in command.params if parameter.opts[0].startswith("-"))
    return ", ".join(f"`{option}`" for option in named if option not in TOLD_ONCE) or NONE


def command_line() -> str | None:
    """The command line's commands with the first paragraph of their help."""
    cli = room("server.cli")
    if cli is None:
        return None
    group = importlib.import_module("typer.main").get_command(cli.app)
    found = commands(group, "filmgate")
    return table(
        ("command", "what it does", "options"),
        (
            (f"`{usage(name, command)}`", (command.help or "").partition("\n\n")[0], options(command))
            for name, command in found
        ),
    )


SECTIONS: dict[str, Callable[[], str | None]] = {
    "vendors": vendors,
    "models": models,
    "names": names,
    "settings": settings_table,
    "cli": command_line,
}


def filled(text: str) -> str:
    """The README with every section written anew; one whose module is not there yet stays as it is."""
    for name, make in SECTIONS.items():
        body = make()
        found = list(re.finditer(SECTION.format(name=name, body=".*?"), text, re.DOTALL))
        if len(found) != 1:
            raise SystemExit(f"README.md needs the markers of the section {name!r} exactly once")
        if body is not None:
            text = text[: found[0].start()] + SECTION.format(name=name, body=body) + text[found[0].end() :]
    return text


def wanted() -> dict[Path, str]:
    """Every generated document with the text it should have."""
    documents = {README: filled(README.read_text(encoding="utf-8"))}
    example = env_example()
    return documents if example is None else {**documents, ENV_EXAMPLE: example}


def drift() -> list[str]:
    """Names of documents that do not say what the code says."""
    return [
        path.name for path, text in wanted().items() if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


def main() -> None:
    """Write the documents, or with --check exit with the names of those that drifted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when something would change")
    if not parser.parse_args().check:
        for path, text in wanted().items():
            path.write_text(text, encoding="utf-8")
        return
    drifted = drift()
    if drifted:
        raise SystemExit(f"documents are not what the code says; run `make docs`: {', '.join(drifted)}")


if __name__ == "__main__":
    main()
