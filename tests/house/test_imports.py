"""The imports that import-linter cannot see: scripts and clients by file, and who reads the environment."""

import ast
from pathlib import Path

ROOMS = {"server", "films", "jobs", "providers", "prompts", "media", "storage", "ledger", "core", "emulators"}
# The documentation generator describes rooms, the evaluation scores one, and the engine alone, as a peer of ours, is
# measured on a database opened as ours is. Nothing else out there may import a room.
NEEDS_ROOMS = {"scripts/generate_docs.py", "scripts/eval_prompts.py", "bench/bare.py"}
SPEAK_THE_CONTRACT = ("scripts", "clients", "bench")
SETTINGS = "server/settings.py"


def imported(path: Path) -> set[str]:
    """Top-level names that a file imports, at any depth of its code."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def environment_reads(path: Path) -> list[int]:
    """Lines of a file that name `os.environ`, `os.getenv` or their like."""
    words = {"environ", "environb", "getenv", "getenvb"}
    nodes = ast.walk(ast.parse(path.read_bytes()))
    named = (node.lineno for node in nodes if isinstance(node, ast.Attribute) and node.attr in words)
    return sorted(named)


def test_scripts_clients_and_bench_import_no_room(root: Path, sources: tuple[Path, ...]) -> None:
    outside = [path for path in sources if path.relative_to(root).parts[0] in SPEAK_THE_CONTRACT]
    found = {path.relative_to(root).as_posix(): sorted(imported(path) & ROOMS) for path in outside}
    assert {name: rooms for name, rooms in found.items() if rooms and name not in NEEDS_ROOMS} == {}


def test_only_the_settings_read_the_environment(root: Path, sources: tuple[Path, ...]) -> None:
    rooms = [path for path in sources if path.relative_to(root).parts[0] in ROOMS]
    found = {path.relative_to(root).as_posix(): environment_reads(path) for path in rooms}
    assert {name: lines for name, lines in found.items() if lines and name != SETTINGS} == {}
