"""A vendor that speaks just enough of Runway's API, and of OpenAI's Videos, to be waited for and give away one file.

`python -m bench.upstream --file F --together N`: no task is done before N were created, then all are, each with F as
its output. Without a file no task is ever done. `GET /state` counts what was asked. A video whose prompt has `reset-1`,
`reset-2`, … or `fail-1`, … is made, but its answer is lost: the connection is reset, or a gateway says 502; `/state`
counts how often each was made.
"""

import argparse
import asyncio
import itertools
import json
import re
import socket
import struct
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path

_TASK = "00000000-0000-4000-8000-{:012d}"
_VIDEO = "video_{:012d}"
_LOST = re.compile(rb"(reset|fail)-[0-9]+")
_FIELD = r'(?s)name="{0}"[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n(.*?)\r\n--|"{0}": ?"([^"]*)"'
_LISTED = 1000
_RESET = struct.pack("ii", 1, 0)
"""Linger for no time: closing sends a reset."""


@dataclass(slots=True)
class _Vendor:
    file: Path | None
    together: int
    address: str = ""
    created: int = 0
    polls: int = 0
    downloads: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    videos: deque[dict[str, object]] = field(default_factory=lambda: deque(maxlen=_LISTED))
    """OpenAI's, newest first."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection until it closes."""
        try:
            while head := await _head(reader):
                method, path = head[0].split(b" ")[:2]
                body = await reader.readexactly(_length(head))
                await self._answer(method.decode(), path.decode(), body, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, method: str, path: str, body: bytes, writer: asyncio.StreamWriter) -> None:
        status = "200 OK"
        if path == "/state":
            counts = {"created": self.created, "polls": self.polls, "downloads": self.downloads}
            document: object = counts | dict(self.lost)
        elif path == "/file.mp4" or path.endswith("/content"):
            await self._give(writer)
            return
        elif "/videos" in path:
            document = self._video(method, path.partition("?")[0], body)
            if lost := _LOST.search(body):
                self.lost[lost[0].decode()] += 1
            if lost and lost[1] == b"reset":
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                raise ConnectionResetError
            status = "502 Bad Gateway" if lost else status if document else "400 Bad Request"
        elif method == "POST":
            self.created += 1
            document = {"id": _TASK.format(self.created)}
        else:
            self.polls += 1
            document = self._task(path.rpartition("/")[2])
        answer = json.dumps(document).encode()
        writer.write(_headers("application/json", len(answer), status) + answer)
        await writer.drain()

    def _video(self, method: str, path: str, body: bytes) -> dict[str, object]:
        """OpenAI's `POST /videos`, `GET /videos` and `GET /videos/ID`; nothing for a POST without a prompt."""
        if method == "POST":
            sent = {name: _sent(name, body) for name in ("prompt", "model", "seconds", "size")}
            if not sent["prompt"]:
                return {}
            self.created += 1
            self.videos.appendleft(self._shown(_VIDEO.format(self.created)) | sent)
            return self.videos[0]
        self.polls += 1
        if path.endswith("/videos"):
            return {"object": "list", "data": list(self.videos)[:100], "has_more": False}
        return self._shown(path.rpartition("/")[2])

    def _shown(self, identifier: str) -> dict[str, object]:
        done = self.file is not None and self.created >= self.together
        state: dict[str, object] = (
            {"status": "completed", "progress": 100} if done else {"status": "queued", "progress": 0}
        )
        about = {"id": identifier, "object": "video", "created_at": int(time.time()), "model": "sora-2"}
        return {**about, **state, "seconds": "4", "size": "1280x720"}

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


def _sent(name: str, body: bytes) -> str:
    """A text field of a form, or of JSON."""
    found = re.search(_FIELD.format(name).encode(), body)
    return "" if found is None else (found[1] or found[2] or b"").decode("utf-8", "replace")


async def _head(reader: asyncio.StreamReader) -> list[bytes]:
    """Lines of a request's head; none when the connection ended."""
    try:
        return (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    except asyncio.IncompleteReadError:
        return []


def _length(head: list[bytes]) -> int:
    found = (line.partition(b":")[2] for line in head if line.lower().startswith(b"content-length:"))
    return int(next(itertools.chain(found, (b"0",))))


def _headers(media_type: str, length: int, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\n\r\n".encode()


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
