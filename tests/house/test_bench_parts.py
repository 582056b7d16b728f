"""The bench's own tools: the stand-in upstream counts what it makes, and the askers count what they are answered."""

import contextlib
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.asking import Asking, ask
from bench.client import state
from bench.processes import CannotMeasure, started


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address; what it makes is never finished."""
    folder = tmp_path_factory.mktemp("upstream")
    with started(("-m", "bench.upstream"), r"(?m)^vendor ready (?P<url>\S+)$", folder) as running:
        yield running.told["url"]


def _create(upstream: str, prompt: str) -> int:
    """The status of a POST for a video; 0 when the connection was lost."""
    body = json.dumps({"model": "sora-2", "prompt": prompt, "seconds": "4"}).encode()
    try:
        with urllib.request.urlopen(f"{upstream}/v1/videos", body, timeout=10) as reply:  # noqa: S310
            return int(reply.status)
    except urllib.error.HTTPError as error:
        with contextlib.closing(error):
            return int(error.code)
    except ConnectionError:
        return 0


def test_a_video_is_made_although_its_reply_is_lost(upstream: str) -> None:
    before = state(upstream)["created"]
    assert [_create(upstream, prompt) for prompt in ("plain", "", "reset-1", "fail-2", "fail-2")] == [
        200,
        400,
        0,
        502,
        502,
    ]
    counts = state(upstream)
    assert (counts["created"] - before, counts["reset-1"], counts["fail-2"]) == (4, 1, 2)
    with urllib.request.urlopen(f"{upstream}/v1/videos?limit=100", timeout=10) as reply:  # noqa: S310
        prompts = [video["prompt"] for video in json.load(reply)["data"]]
    assert prompts[:4] == ["fail-2", "fail-2", "reset-1", "plain"]


def test_turns_are_counted_and_carry_the_id_along(upstream: str, tmp_path: Path) -> None:
    create = ("POST", "/videos", json.dumps({"model": "sora-2", "prompt": "number {number}"}))
    wanted = Asking(base=f"{upstream}/v1", requests=[create, ("GET", "/videos/{id}", "")], concurrency=4, seconds=0.2)
    before = state(upstream)
    seen = ask(tmp_path, wanted)
    after = state(upstream)
    made, looked = (after[name] - before[name] for name in ("created", "polls"))
    assert made == looked >= seen.calls > 0
    assert 0 < seen.p50 <= seen.p99 <= seen.slowest


def test_a_refused_request_is_no_measurement(upstream: str, tmp_path: Path) -> None:
    wanted = Asking(base=f"{upstream}/v1", requests=[("POST", "/videos", "{}")], seconds=0.1)
    with pytest.raises(CannotMeasure, match="answered 400"):
        ask(tmp_path, wanted)


def test_another_python_sees_nothing_of_ours(tmp_path: Path) -> None:
    program = "import sys, os; print('path', os.environ.get('PYTHONPATH', 'none'), flush=True); sys.stdin.read()"
    python = Path(sys.executable)
    with started(("-c", program), r"path (?P<path>\S+)", tmp_path / "theirs", python=python) as running:
        assert running.told["path"] == "none"
