"""What is written about the settings: `.env.example`, and the table of the README."""

from pydantic.fields import FieldInfo

from server.settings import Settings, extra, names_of


def env_example() -> str:
    """The text of `.env.example`: every variable with its meaning and default, by section."""
    sections: dict[str, list[str]] = {}
    for field in Settings.model_fields.values():
        sections.setdefault(extra(field)["section"], []).append(_example(field))
    head = (
        "# Settings of Filmgate, generated from server/settings.py by `make docs`. Copy to .env and fill in.\n"
        "# Every secret may come from a file instead: NAME_FILE=/run/secrets/name. An empty secret is refused.\n"
    )
    return head + "".join(f"\n# {title}.\n\n" + "\n".join(entries) for title, entries in sections.items())


def documentation() -> str:
    """The same as a Markdown table."""
    rows = [
        f"| {', '.join(f'`{name}`' for name in names_of(field))} | {_default(field)} | {field.description} |\n"
        for field in Settings.model_fields.values()
    ]
    return "| variable | default | what it does |\n| --- | --- | --- |\n" + "".join(rows)


def _default(info: FieldInfo) -> str:
    return "" if info.default is None else f"`{info.default}`"


def _example(info: FieldInfo) -> str:
    name = names_of(info)[0]
    value = extra(info)["example"] or ("" if info.default is None else str(info.default))
    return f"# {info.description}\n# {name}={value}\n"
