"""Pin requirements/*.txt from pyproject.toml and requirements/*.in: every file by hash, no address."""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = "3.11"
# From clients/python, which the compiler reads for its dependencies: no index has it, so no lock names it.
OURS = "filmgate-client"
# Each lock with what it is made from; a later one is held to the versions of the earlier ones.
LOCKS = (
    ("runtime.txt", ("pyproject.toml",), None),
    ("dev.txt", ("pyproject.toml", "requirements/dev.in"), "runtime.txt"),
    ("build.txt", ("requirements/build.in",), "dev.txt"),
)


def compile_command(name: str, sources: tuple[str, ...], held_to: str | None, *, upgrade: bool) -> list[str]:
    """The uv command that writes one lock, to be run in the repository root."""
    constraint = ["--constraint", f"requirements/{held_to}"] if held_to else []
    return [
        *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-config"),
        *("--universal", "--python-version", OLDEST_PYTHON, "--generate-hashes"),
        *("--no-header", "--no-emit-index-url", "--no-emit-find-links", "--no-emit-package", OURS),
        *(["--upgrade"] if upgrade else []),
        *sources,
        *constraint,
        *("--output-file", f"requirements/{name}"),
    ]


def main() -> None:
    """Write the three locks; versions already pinned stay unless --upgrade is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that pyproject.toml admits")
    upgrade: bool = parser.parse_args().upgrade
    for name, sources, held_to in LOCKS:
        subprocess.run(compile_command(name, sources, held_to, upgrade=upgrade), cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
