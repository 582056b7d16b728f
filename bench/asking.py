"""Makes HTTP requests from a process of its own and tells what it saw: `python -m bench.asking JSON` prints JSON."""

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

from bench.load import Seen, summary
from bench.processes import CannotMeasure, ended

_WARM_CALLS = 5
_ERRORS = 5
"""Failed requests after which it gives up."""
_SECONDS = 60.0
"""Patience with one answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """What to ask, and how hard. One turn is all of `requests` in order; `{id}` stands for the `id` answered last."""

    base: str
    requests: Sequence[tuple[str, str, str]]
    """(method, path, body)."""
    headers: Mapping[str, str] = field(default_factory=dict)
    concurrency: int = 1
    seconds: float = 2.0


def ask(folder: Path, wanted: Asking) -> Seen:
    """Ask from a process of its own; what is counted are turns. Raises CannotMeasure when a request failed."""
    text = ended(("-m", "bench.asking", json.dumps(asdict(wanted))), folder, seconds=wanted.seconds + 90)
    seen = Seen(**json.loads(text))
    if seen.errors:
        raise CannotMeasure(f"{wanted.base}: {seen.errors} requests failed: {seen.error}")
    return seen


class _Failed(RuntimeError):
    """An answer that is no success."""


class _Asker:
    """One connection that is kept; it asks until the time is over."""

    def __init__(self, wanted: Asking) -> None:
        self._wanted = wanted
        self._host = urlsplit(wanted.base).netloc
        self._head = "".join(f"{name}: {value}\r\n" for name, value in wanted.headers.items())
        self._numbers = itertools.count()
        self.times: list[float] = []
        self.errors = 0
        self.error = ""

    async def run(self) -> Seen:
        callers = [await self._connect() for _ in range(self._wanted.concurrency)]
        for reader, writer in callers[:1]:
            for _ in range(_WARM_CALLS):
                await self._turn(reader, writer)
        self.times.clear()
        start = time.perf_counter()
        await asyncio.gather(*(self._ask(*caller, start + self._wanted.seconds) for caller in callers))
        elapsed = time.perf_counter() - start
        for _reader, writer in callers:
            writer.close()
        return summary(self.times, elapsed, self.errors, self.error)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, _, port = self._host.rpartition(":")
        return await asyncio.open_connection(host, int(port), limit=1 << 20)

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, end: float) -> None:
        while time.perf_counter() < end and self.errors < _ERRORS:
            await self._turn(reader, writer)

    async def _turn(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        start, known = time.perf_counter(), ""
        try:
            for method, path, body in self._wanted.requests:
                async with asyncio.timeout(_SECONDS):
                    answer = await self._once(reader, writer, method, path.replace("{id}", known), body)
                if method == "POST":
                    known = str(json.loads(answer).get("id", ""))
        except (_Failed, OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            self.errors += 1
            self.error = f"{type(error).__name__}: {error}"
        self.times.append(time.perf_counter() - start)

    async def _once(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, method: str, path: str, body: str
    ) -> bytes:
        text = body.replace("{number}", str(next(self._numbers))).encode()
        head = f"{method} {urlsplit(self._wanted.base).path}{path} HTTP/1.1\r\nhost: {self._host}\r\n{self._head}"
        kind = "content-type: application/json\r\n" if text else ""
        writer.write(f"{head}{kind}content-length: {len(text)}\r\n\r\n".encode() + text)
        status, length = _read((await reader.readuntil(b"\r\n\r\n")).lower())
        answer = await (reader.readexactly(length) if length is not None else _chunks(reader))
        if status >= 300:
            raise _Failed(f"{method} {path} answered {status}: {answer[:300].decode('utf-8', 'replace')}")
        return answer


def _read(head: bytes) -> tuple[int, int | None]:
    """Status and length of an answer; no length means chunks."""
    lines = head.split(b"\r\n")
    lengths = [int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:")]
    return int(lines[0].split()[1]), lengths[0] if lengths else None


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readuntil(b"\r\n")
    return b"".join(parts)


def _main() -> None:
    wanted = Asking(**json.loads(sys.argv[1]))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(asdict(runner.run(_Asker(wanted).run()))))


if __name__ == "__main__":
    _main()
