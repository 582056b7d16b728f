"""Functions of at most 60 lines, files of at most 600, outside generated code."""

import ast
from pathlib import Path

LONGEST_FUNCTION = 60
LONGEST_FILE = 600


def too_long(path: Path) -> list[str]:
    """The functions of one file that are over the limit, as `name (lines)`."""
    tree = ast.parse(path.read_bytes())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    sizes = {node.name: (node.end_lineno or node.lineno) - node.lineno + 1 for node in functions}
    return [f"{path.name}:{name} ({size})" for name, size in sizes.items() if size > LONGEST_FUNCTION]


def test_no_function_is_over_sixty_lines(sources: tuple[Path, ...]) -> None:
    assert [found for path in sources for found in too_long(path)] == []


def test_no_file_is_over_six_hundred_lines(sources: tuple[Path, ...]) -> None:
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in sources}
    assert {name: size for name, size in lengths.items() if size > LONGEST_FILE} == {}
