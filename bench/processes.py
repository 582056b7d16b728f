"""The processes that are measured: started with an empty environment, waited for until they serve, always ended."""

import contextlib
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
_READY_SECONDS = 40.0
_END_SECONDS = 30.0


class CannotMeasure(RuntimeError):
    """A process did not start, a call failed, or a wait ran out: there is no figure to report."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """A process that serves, and what its ready line told."""

    process: psutil.Process
    told: Mapping[str, str]

    def memory(self) -> int:
        """Resident bytes of this process alone."""
        return int(self.process.memory_info().rss)

    def children_memory(self) -> int:
        """Resident bytes of the processes it started."""
        total = 0
        for child in self.process.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += child.memory_info().rss
        return total

    def cpu_seconds(self) -> float:
        """User and system time of this process alone."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


@contextlib.contextmanager
def started(
    arguments: Sequence[str],
    ready: str,
    folder: Path,
    *,
    variables: Mapping[str, str] | None = None,
    python: Path | None = None,
) -> Iterator[Started]:
    """`python ARGUMENTS`, once a line of its output matches `ready`, whose named groups are `told`.

    It sees `variables` and nothing of our environment, so that no key of whoever runs this can reach a vendor; another
    `python` than ours does not see our packages either. Raises CannotMeasure with the end of its log when it does not
    come up.
    """
    environment = _environment(variables) if python is None else dict(variables or {})
    folder.mkdir(parents=True, exist_ok=True)
    output, log = folder / "stdout", folder / "stderr"
    with output.open("wb") as out, log.open("wb") as err:
        command = [str(python or sys.executable), *arguments]
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=err)
    try:
        told = _told(process, output, log, re.compile(ready))
        yield Started(process=psutil.Process(process.pid), told=told)
    finally:
        _end(process)


def ended(arguments: Sequence[str], folder: Path, *, seconds: float) -> str:
    """What `python ARGUMENTS` prints before it ends by itself. Raises CannotMeasure."""
    command = [sys.executable, *arguments]
    try:
        done = subprocess.run(
            command, cwd=folder, env=_environment(None), capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise CannotMeasure(f"{arguments[1]} did not end within {seconds:g} s") from None
    if done.returncode:
        raise CannotMeasure(f"{arguments[1]} failed: {done.stderr[-2000:]}")
    return done.stdout


def free_port() -> int:
    """A port of loopback that nobody has now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def server(folder: Path, **variables: str) -> contextlib.AbstractContextManager[Started]:
    """`filmgate serve` on free ports (but FILMGATE_HTTP_PORT); `told` has `grpc` and `http`, each HOST:PORT."""
    arguments = (
        "-m",
        "server.cli",
        "serve",
        "--grpc-port",
        "0",
        "--http-port",
        variables.get("FILMGATE_HTTP_PORT", "0"),
        "--data-dir",
        str(folder / "data"),
    )
    ready = r"(?m)^filmgate ready grpc=(?P<grpc>\S+) http=(?P<http>\S+)$"
    return started(arguments, ready, folder, variables=variables)


@contextlib.contextmanager
def mocked(folder: Path, *, speed: float, **variables: str) -> Iterator[Started]:
    """A server whose vendors are played by a `filmgate emulate` beside it."""
    with emulators(folder / "emulators", speed) as vendors:
        address = vendors.told["url"]
        with server(folder / "server", FILMGATE_EMULATOR_URL=address, **variables) as ours:
            yield ours


def emulators(folder: Path, speed: float) -> contextlib.AbstractContextManager[Started]:
    """`filmgate emulate` at so many times a vendor's own speed; `told` has `url`."""
    arguments = (
        "-m",
        "server.cli",
        "emulate",
        "--port",
        "0",
        "--speed",
        str(speed),
        "--data-dir",
        str(folder / "data"),
    )
    return started(arguments, r"(?P<url>http://\S+?)/?\s", folder)


def _environment(variables: Mapping[str, str] | None) -> dict[str, str]:
    path = f"{ROOT}:{ROOT / 'protos'}"
    return {"PYTHONPATH": path, "PYTHONUTF8": "1", "GRPC_ENABLE_FORK_SUPPORT": "0", **(variables or {})}


def _told(process: subprocess.Popen[bytes], output: Path, log: Path, ready: re.Pattern[str]) -> dict[str, str]:
    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end:
        match = ready.search(output.read_text(encoding="utf-8"))
        if match is not None:
            return match.groupdict()
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise CannotMeasure(f"{process.args!r} does not serve: {log.read_text(encoding='utf-8')[-2000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask, then insist. What a killed parent leaves behind is killed too."""
    try:
        family = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        family = []
    process.terminate()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for child in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
