"""The locks pin every package by hash and say nothing of where it comes from."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCKS = ("runtime.txt", "dev.txt", "build.txt")
OURS = {"filmgate-client"}


def pinned(lock: Path) -> dict[str, list[str]]:
    """Every requirement line of a lock with the continuation lines that follow it, comments left out."""
    found: dict[str, list[str]] = {}
    for line in lock.read_text(encoding="utf-8").splitlines():
        if re.match(r"\w", line):
            found[line.rstrip(" \\")] = []
        elif line.strip().startswith("--hash"):
            found[next(reversed(found))].append(line.strip(" \\"))
    return found


def names(lock: Path) -> set[str]:
    """The canonical names a lock pins."""
    return {canonicalize_name(Requirement(line).name) for line in pinned(lock)}


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_hashes_and_no_address(root: Path, name: str) -> None:
    lock = root / "requirements" / name
    assert [line for line, hashes in pinned(lock).items() if not hashes or "==" not in line] == []
    text = lock.read_text(encoding="utf-8")
    assert re.findall(r"https?:|file:|--(?:extra-)?index-url|--find-links|@ ", text) == []


def test_the_runtime_lock_covers_the_project(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]} - OURS
    assert wanted - names(root / "requirements" / "runtime.txt") == set()


def test_what_is_tested_is_what_runs(root: Path) -> None:
    runtime, dev = (
        {line.partition(" ;")[0] for line in pinned(root / "requirements" / name)}
        for name in ("runtime.txt", "dev.txt")
    )
    assert runtime - dev == set()


def test_every_direct_dependency_has_its_reason(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (root / "requirements" / "dev.in").read_text(encoding="utf-8").splitlines()
    direct = [*project["dependencies"], *(line for line in lines if re.match(r"\w", line))]
    page = (root / "docs" / "dependencies.md").read_text(encoding="utf-8")
    assert [name for line in direct if f"`{(name := Requirement(line).name)}`" not in page] == []


def test_the_page_names_the_locked_release_of_every_package(root: Path) -> None:
    page = (root / "docs" / "dependencies.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `([\w.-]+)` \| (.*?) \|", page, re.M))
    locked: dict[str, set[str]] = {}
    for pin in (Requirement(line) for lock in LOCKS for line in pinned(root / "requirements" / lock)):
        locked.setdefault(canonicalize_name(pin.name), set()).add(str(pin.specifier).removeprefix("=="))
    stale = {name for name in told.keys() - OURS if not all(one in told[name] for one in locked.get(name, {"?"}))}
    assert stale == set()


def test_the_node_lock_names_no_address(root: Path) -> None:
    lock: dict[str, Any] = json.loads((root / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert [name for name, entry in packages.items() if "resolved" in entry or "integrity" not in entry] == []
