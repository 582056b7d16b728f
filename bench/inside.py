"""What only the server's own process knows: how many tasks it has, and how many clips wait in it.

`python -m bench.inside FILE MODULE ...` runs a module as `python -m MODULE ...` would; on SIGUSR1 it writes to FILE
what there is now. Nothing else of the process is changed.
"""

import asyncio
import contextlib
import json
import runpy
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.processes import CannotMeasure, Started, started

_ANSWER_SECONDS = 20.0
_STEP = "Waiting.__call__"
_READY = r"(?m)^filmgate ready grpc=(?P<grpc>\S+) http=(?P<http>\S+)$"


def _on_signal(file: Path) -> None:
    """Write what there is; a whole file or none."""
    tasks = _tasks()
    counts = {
        "tasks": len(tasks),
        "threads": threading.active_count(),
        "waiting": sum(map(_is_waiting, tasks)),
        "at": time.monotonic(),
    }
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps(counts), encoding="ascii")
    draft.replace(file)


def _tasks() -> "list[asyncio.Task[Any]]":
    """Those of the main thread's loop, on which the handler runs."""
    try:
        return list(asyncio.all_tasks())
    except RuntimeError:  # no loop runs: the process starts or ends
        return []


def _is_waiting(task: "asyncio.Task[Any]") -> bool:
    """Whether it is in the step that waits for a vendor."""
    coroutine: Any = task.get_coro()
    while (code := getattr(coroutine, "cr_code", None)) is not None:
        if code.co_qualname == _STEP:
            return True
        coroutine = coroutine.cr_await
    return False


@contextlib.contextmanager
def watched(folder: Path, **variables: str) -> "Iterator[tuple[Started, Inside]]":
    """As `bench.processes.server`, and what is inside it."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "inside.json"
    ports = ("--grpc-port", "0", "--http-port", "0")
    serving = ("server.cli", "serve", *ports, "--data-dir", str(folder / "data"))
    with started(("-m", "bench.inside", str(file), *serving), _READY, folder, variables=variables) as ours:
        yield ours, Inside(ours, file)


class Inside:
    """Asks a server that `watched` started."""

    def __init__(self, ours: Started, file: Path) -> None:
        self._ours = ours
        self._file = file

    def now(self) -> dict[str, float]:
        """`tasks`, `threads` (of Python), `waiting` clips; `at` which moment of the monotonic clock."""
        self._file.unlink(missing_ok=True)
        self._ours.process.send_signal(signal.SIGUSR1)
        end = time.monotonic() + _ANSWER_SECONDS
        while time.monotonic() < end:
            with contextlib.suppress(FileNotFoundError):
                counts: dict[str, float] = json.loads(self._file.read_text(encoding="ascii"))
                return counts
            time.sleep(0.005)
        raise CannotMeasure("the server does not tell what is inside it")


def _main() -> None:
    file, module = Path(sys.argv[1]), sys.argv[2]
    signal.signal(signal.SIGUSR1, lambda _number, _frame: _on_signal(file))
    sys.argv[:] = sys.argv[2:]
    sys.path[0] = str(Path.cwd())
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main()
