"""A server on loopback that writes down every request, byte by byte, and answers what it is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Heard:
    """One request."""

    line: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def document(self) -> Any:
        """Its JSON."""
        return json.loads(self.body)


Play = Callable[[asyncio.StreamWriter], Any]


@dataclass
class Recorder:
    """The server. `answer` are the raw bytes of the next answers; `play` writes them instead, as it likes."""

    url: str = ""
    answer: bytes = b""
    play: Play | None = None
    heard: list[Heard] = field(default_factory=list)
    connections: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one connection."""
        self.connections += 1
        try:
            await self._take(reader, writer)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            pass  # it speaks no HTTP, or has gone
        finally:
            writer.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line, *rest = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (each.partition(":") for each in rest if each)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.heard.append(Heard(line=line, headers=headers, body=body))
        self.arrived.set()
        if self.play is not None:
            await self.play(writer)
        else:
            writer.write(self.answer)
            await writer.drain()


@asynccontextmanager
async def recording() -> AsyncIterator[Recorder]:
    """A recorder that listens."""
    recorder = Recorder()
    server = await asyncio.start_server(recorder.serve, "127.0.0.1", 0)
    recorder.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with server:
        yield recorder


def http(status: int, body: bytes = b"{}", **headers: str) -> bytes:
    """A raw answer."""
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def completion(content: Any, *, finish: str = "stop", usage: Any = None, **message: Any) -> bytes:
    """The body of a chat completion."""
    said = {"role": "assistant", "content": content, **message}
    document: dict[str, Any] = {"object": "chat.completion", "choices": [{"message": said, "finish_reason": finish}]}
    if usage is not None:
        document["usage"] = {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
    return json.dumps(document).encode()
