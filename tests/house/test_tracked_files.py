"""Nothing in the repository names a package registry's host or a path of the machine it was written on."""

import re
from pathlib import Path

# Put together from halves, so that this file does not name them itself.
HOSTS = (
    "py" + "pi.org",
    "python" + "hosted.org",
    "registry.npm" + "js.org",
    "registry.yarn" + "pkg.com",
    "deb.deb" + "ian.org",
    "proxy.go" + "lang.org",
)
MACHINE_PATHS = (
    "/work/" + "main",
    "/work/" + "shared",
    "/work/" + ".library",
    "/opt/py" + "pi",
    "/opt/wh" + "eels",
    "/ro" + "ot/",
)
FORBIDDEN = re.compile("|".join(map(re.escape, (*HOSTS, *MACHINE_PATHS))))


def naming_lines(path: Path) -> list[str]:
    """The lines of one text file that name a host or a path they should not."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return []
    return [f"{path.name}:{number}" for number, line in enumerate(text.splitlines(), 1) if FORBIDDEN.search(line)]


def test_no_registry_host_and_no_machine_path(tracked: tuple[Path, ...]) -> None:
    assert [found for path in tracked for found in naming_lines(path)] == []


def test_nothing_made_is_tracked(root: Path, tracked: tuple[Path, ...]) -> None:
    made = {".venv", "node_modules", "__pycache__", ".mypy_cache", "htmlcov", "dist", "build"}
    assert [path for path in tracked if made & set(path.relative_to(root).parts)] == []
