"""Answers below HTTP: held connections, TCP resets, broken-off bodies, trickles. Needs our own uvicorn protocol."""

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

EXTENSION = "filmgate.transport"
NO_LINGER = struct.pack("ii", 1, 0)


class TransportProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, lending the application its transport in `scope["extensions"]`."""

    def on_message_begin(self) -> None:
        """Start a request's scope."""
        super().on_message_begin()
        extensions: Any = {EXTENSION: {"transport": self.transport}}
        self.scope["extensions"] = extensions


def transport_of(scope: Scope) -> asyncio.Transport:
    """The connection a request came over."""
    transport: asyncio.Transport = scope["extensions"][EXTENSION]["transport"]
    return transport


def reset(transport: asyncio.Transport) -> None:
    """End a connection with RST instead of FIN: what the peer has not read yet may be lost."""
    connection = transport.get_extra_info("socket")
    # A duplicate, because uvloop's stand-in for the socket cannot set options.
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as duplicate:
        duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    transport.abort()


async def until_gone(receive: Receive) -> None:
    """Wait until the client is disconnected, so that uvicorn does not miss an answer."""
    while (await receive())["type"] != "http.disconnect":
        pass


class Reset(Response):
    """No answer: a TCP reset."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reset the connection."""
        reset(transport_of(scope))
        await until_gone(receive)


class Hold(Response):
    """No answer: the connection stays open until the client leaves, or `closing` is set."""

    def __init__(self, closing: asyncio.Event) -> None:
        super().__init__()
        self.closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait."""
        waits = [asyncio.ensure_future(until_gone(receive)), asyncio.ensure_future(self.closing.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
        transport_of(scope).abort()
        await until_gone(receive)


class BrokenOff(Response):
    """A head and the first part of a body, then FIN, or RST with `by_reset`."""

    def __init__(self, status: int, headers: Mapping[str, str], part: bytes, *, by_reset: bool) -> None:
        super().__init__()
        self.part, self.by_reset = part, by_reset
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {headers[name]}" for name in headers)]
        self.head = "\r\n".join([*lines, "connection: close", "", ""]).encode("latin-1")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write, wait until the kernel has it all, and break off."""
        transport = transport_of(scope)
        if scope["method"] == "HEAD":
            self.part = b""
        transport.write(self.head + self.part)
        if self.by_reset:
            while transport.get_write_buffer_size():  # noqa: ASYNC110 - a transport has no event for "all written"
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)  # a reset may overtake bytes the peer has not read; give it time to see some
            reset(transport)
        else:
            transport.close()
        await until_gone(receive)


def halved(response: Response, *, sized: bool = True, by_reset: bool = False) -> Response:
    """The same answer, broken off in the middle of its body; `sized` keeps the full Content-Length."""
    body = bytes(response.body)
    headers = {name: value for name, value in response.headers.items() if sized or name != "content-length"}
    return BrokenOff(response.status_code, headers, body[: len(body) // 2], by_reset=by_reset)


def trickle(request: Request, body: bytes, closing: asyncio.Event, *, size: int, seconds: float) -> Response:
    """The whole body under its Content-Length, `size` bytes every `seconds`; cut when `closing` is set."""

    async def drops() -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(closing.wait(), seconds)
            if closing.is_set() or transport_of(request.scope).is_closing():
                transport_of(request.scope).close()
                return

    return StreamingResponse(drops(), media_type="video/mp4", headers={"content-length": str(len(body))})


def endless(request: Request, start: bytes, closing: asyncio.Event, size: int) -> Response:
    """`size` bytes: `start`, then zeros, as fast as the client takes them; cut when `closing` is set."""

    async def flood() -> AsyncIterator[bytes]:
        sent, part = 0, start
        while sent < size and not transport_of(request.scope).is_closing():
            if closing.is_set():
                transport_of(request.scope).close()
                return
            yield part[: size - sent]
            sent += len(part)
            part = bytes(1024 * 1024)

    return StreamingResponse(flood(), media_type="video/mp4", headers={"content-length": str(size)})
