"""`make` alone explains itself: every target that a person calls carries its help."""

import re
import subprocess
from pathlib import Path

WANTED = {"install", "demo", "test", "lint", "types", "cov", "protos", "stubs", "docs", "bench", "chaos"}


def test_every_phony_target_has_help(root: Path) -> None:
    text = (root / "Makefile").read_text(encoding="utf-8")
    phony = {name for line in re.findall(r"^\.PHONY: (.*)$", text, re.M) for name in line.split()}
    explained = set(re.findall(r"^([a-z-]+):.*## \S", text, re.M))
    assert phony == explained
    assert phony >= WANTED


def test_make_alone_prints_the_list(root: Path) -> None:
    shown = subprocess.run(["make"], cwd=root, check=True, capture_output=True, text=True).stdout
    assert {line.split()[0] for line in shown.splitlines()} >= WANTED


def test_ci_calls_the_same_targets(root: Path) -> None:
    script = (root / ".ci" / "run").read_text(encoding="utf-8")
    assert "make test" in script
    assert "make lint types" in script
