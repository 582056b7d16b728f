"""A vendor that speaks just enough of Runway's API to be waited for, and to give away one big file.

`python -m bench.upstream --file F --together N`: no task is done before N were created, then all are, each with F as
its output. Without a file no task is ever done. `GET /state` counts what was asked.
"""

import argparse
import asyncio
import itertools
import json
from dataclasses import dataclass
from pathlib import Path

_TASK = "00000000-0000-4000-8000-{:012d}"


@dataclass(slots=True)
class _Vendor:
    file: Path | None
    together: int
    address: str = ""
    created: int = 0
    polls: int = 0
    downloads: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection until it closes."""
        try:
            while head := await _head(reader):
                method, path = head[0].split(b" ")[:2]
                await reader.readexactly(_length(head))
                await self._answer(method.decode(), path.decode(), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, method: str, path: str, writer: asyncio.StreamWriter) -> None:
        if path == "/state":
            document: object = {"created": self.created, "polls": self.polls, "downloads": self.downloads}
        elif path == "/file.mp4":
            await self._give(writer)
            return
        elif method == "POST":
            self.created += 1
            document = {"id": _TASK.format(self.created)}
        else:
            self.polls += 1
            document = self._task(path.rpartition("/")[2])
        body = json.dumps(document).encode()
        writer.write(_headers("application/json", len(body)) + body)
        await writer.drain()

    def _task(self, identifier: str) -> dict[str, object]:
        created = "2026-01-01T00:00:00.000Z"
        if self.file is None or self.created < self.together:
            return {"id": identifier, "status": "RUNNING", "createdAt": created, "progress": 0.0}
        output = [f"{self.address}/file.mp4"]
        return {
            "id": identifier,
            "status": "SUCCEEDED",
            "createdAt": created,
            "output": output,
            "cost": {"credits": 60},
        }

    async def _give(self, writer: asyncio.StreamWriter) -> None:
        assert self.file is not None
        self.downloads += 1
        with self.file.open("rb") as file:
            writer.write(_headers("video/mp4", self.file.stat().st_size))
            await writer.drain()
            await asyncio.get_running_loop().sendfile(writer.transport, file)


async def _head(reader: asyncio.StreamReader) -> list[bytes]:
    """Lines of a request's head; none when the connection ended."""
    try:
        return (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    except asyncio.IncompleteReadError:
        return []


def _length(head: list[bytes]) -> int:
    found = (line.partition(b":")[2] for line in head if line.lower().startswith(b"content-length:"))
    return int(next(itertools.chain(found, (b"0",))))


def _headers(media_type: str, length: int) -> bytes:
    return f"HTTP/1.1 200 OK\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\n\r\n".encode()


async def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--together", type=int, default=1)
    options = parser.parse_args()
    vendor = _Vendor(file=options.file, together=options.together)
    server = await asyncio.start_server(vendor.serve, "127.0.0.1", 0)
    vendor.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    print(f"vendor ready {vendor.address}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
