"""The stand-in vendor of `bench.upstream`, but each task takes its time, and whoever asks may be told to stay away.

`python -m bench.patient --file F --run S`: a task is done S seconds after it was created, with F as its output; without
a file none ever is. `--quiet Q`: whoever polls a task is asked to wait, at first for any time up to Q seconds, then for
Q. `GET /state` counts what was asked, `GET /fresh` begins to count anew which tasks are polled.
"""

import argparse
import asyncio
import json
import random
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.upstream import _head, _headers, _length

_TASK = "00000000-0000-4000-8000-{:012d}"


@dataclass(slots=True)
class _Vendor:
    file: bytes
    run: float
    quiet: float
    address: str = ""
    created: list[float] = field(default_factory=list)
    """When each task was."""
    polls: int = 0
    downloads: int = 0
    asked: set[str] = field(default_factory=set)
    """The tasks that were polled, since we count them."""
    known: set[str] = field(default_factory=set)
    """The tasks that were ever told to wait."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection until it closes."""
        try:
            while head := await _head(reader):
                method, path = head[0].decode().split(" ")[:2]
                await reader.readexactly(_length(head))
                writer.write(self._answer(method, path))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, method: str, path: str) -> bytes:
        if path == "/file.mp4":
            self.downloads += 1
            return _headers("video/mp4", len(self.file)) + self.file
        if path == "/fresh":
            self.asked.clear()
        if path in {"/state", "/fresh"}:
            counts = {"created": len(self.created), "polls": self.polls, "downloads": self.downloads}
            return _document({**counts, "asked": len(self.asked)})
        if method == "POST":
            self.created.append(time.monotonic())
            return _document({"id": _TASK.format(len(self.created))})
        return self._polled(path.rpartition("/")[2])

    def _polled(self, identifier: str) -> bytes:
        self.polls += 1
        self.asked.add(identifier)
        task: dict[str, object] = {"id": identifier, "createdAt": "2026-01-01T00:00:00.000Z"}
        if self.file and time.monotonic() >= self.created[int(identifier[-12:]) - 1] + self.run:
            done = {"status": "SUCCEEDED", "output": [f"{self.address}/file.mp4"], "cost": {"credits": 60}}
            return _document(task | done)
        return _document(task | {"status": "RUNNING", "progress": 0.0}, wait=self._wait(identifier))

    def _wait(self, identifier: str) -> int:
        first = identifier not in self.known
        if self.quiet:
            self.known.add(identifier)
        return round(self.quiet * (random.random() if first else 1.0))


def _document(document: dict[str, object], *, wait: int = 0) -> bytes:
    body = json.dumps(document).encode()
    head = _headers("application/json", len(body))
    if wait:
        head = head.replace(b"\r\n", f"\r\nretry-after: {wait}\r\n".encode(), 1)
    return head + body


async def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--run", type=float, default=0.0)
    parser.add_argument("--quiet", type=float, default=0.0)
    options = parser.parse_args()
    file = options.file.read_bytes() if options.file else b""
    vendor = _Vendor(file=file, run=options.run, quiet=options.quiet)
    server = await asyncio.start_server(vendor.serve, "127.0.0.1", 0, backlog=4096)
    vendor.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    print(f"vendor ready {vendor.address}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
