"""What every house test looks at: the files of this repository that git knows or would take."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository root."""
    return ROOT


@pytest.fixture(scope="session")
def tracked() -> tuple[Path, ...]:
    """Every existing file that is tracked, or is new and not ignored, as an absolute path."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return tuple(path for name in sorted(set(listed.split("\0"))) if name and (path := ROOT / name).is_file())


@pytest.fixture(scope="session")
def sources(tracked: tuple[Path, ...]) -> tuple[Path, ...]:
    """Every hand-written Python file."""
    generated = ROOT / "protos" / "filmgate"
    return tuple(path for path in tracked if path.suffix == ".py" and generated not in path.parents)
