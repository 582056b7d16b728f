"""Downloads of files at addresses from outside: streamed to disk, bounded in bytes, in time and in slowness."""

import asyncio
import base64
import binascii
import contextlib
import hashlib
import re
import threading
import time
from collections.abc import AsyncIterator, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote_to_bytes

from core import urls
from core.errors import TransferFailed, UnsafeUrl
from core.outcome import Auth
from core.urls import Address
from jobs.http import LibraryError, NotSent, OpenReply, Outgoing, PublicClient, checked_headers, word

PART = 1024 * 1024
"""Bytes per write: memory use does not grow with the file."""
MAX_REDIRECTS = 3

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_EXPIRED = frozenset({403, 404, 410})
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}")
_DATA = re.compile(r"data:(?P<type>[^,;]*)(?P<parameters>(?:;[^,;]*)*),", re.ASCII)
# Disk and hashing on threads of their own: the loop's default executor belongs to the engine.
_FILES = ThreadPoolExecutor(4, "transfer")
_Result = TypeVar("_Result")


class OutputExpired(TransferFailed):
    """The address is no longer good (403, 404, 410): ask the vendor for a fresh one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TransferLimits:
    """What one download may use. Sizes in bytes, times in seconds."""

    max_bytes: int
    deadline: float
    """Wall clock, over all redirects."""
    minimum_rate: float = 16 * 1024
    """Bytes per second, over every stretch of `grace` seconds."""
    grace: float = 10.0
    connect_timeout: float = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Credential:
    """A secret for the first address if that has this `origin`; no redirect takes it to another one."""

    auth: Auth
    secret: str = field(repr=False)
    origin: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Downloaded:
    """A complete file: size in bytes, SHA-256 in hex, and the media type it was said to have (often a lie)."""

    size: int
    sha256: str
    content_type: str


async def download(
    url: str,
    target: Path,
    *,
    client: PublicClient,
    limits: TransferLimits,
    credential: Credential | None = None,
    allowed_origins: Collection[str] = (),
) -> Downloaded:
    """Fetch an http(s) or `data:` URL into `target`, which exists only once the whole file is there.

    Up to three redirects, each address checked anew. `allowed_origins` holds the attempt's own configured endpoint,
    which may be private. Raises OutputExpired, or TransferFailed with a text that holds nothing of the address.
    """
    sink = _Sink(target, limits.max_bytes)
    fetch = _Fetch(client=client, limits=limits, allowed_origins=allowed_origins, sink=sink)
    try:
        async with asyncio.timeout(limits.deadline):
            await threaded(sink.begin)
            content_type = await (fetch.data(url) if url.startswith("data:") else fetch.follow(url, credential))
            sha256 = await threaded(sink.finish)
            return Downloaded(size=sink.size, sha256=sha256, content_type=content_type)
    except TransferFailed as error:
        failure = error
    except (UnsafeUrl, NotSent) as error:
        failure = TransferFailed(str(error))
    except TimeoutError:
        failure = TransferFailed("the download was not complete in time")
    except LibraryError as error:
        failure = TransferFailed(word(error))
    except OSError:
        failure = TransferFailed("the download could not be written to disk")
    finally:
        sink.discard()
    # Raised outside the handlers: the library's errors, which may hold the address, are not chained to ours.
    raise failure


async def threaded(call: Callable[[], _Result]) -> _Result:
    """The result of a blocking call on files, made on a thread of this module's own."""
    return await asyncio.get_running_loop().run_in_executor(_FILES, call)


class _Sink:
    """A file that grows beside its target and takes its name at the end. Methods block; `discard` may interrupt."""

    def __init__(self, target: Path, max_bytes: int) -> None:
        self.size = 0
        self._target = target
        self._partial = target.with_name(f"{target.name}.part")
        self._max_bytes = max_bytes
        self._digest = hashlib.sha256()
        self._lock = threading.Lock()
        self._file: FileIO | None = None
        self._discarded = False

    def begin(self) -> None:
        with self._lock:
            if not self._discarded:
                self._file = FileIO(self._partial, "wb")

    def write(self, part: bytes) -> None:
        with self._lock:
            if self._file is None or self._discarded:
                return
            self._digest.update(part)
            rest = memoryview(part)
            while rest:
                rest = rest[self._file.write(rest) :]
            self.size += len(part)

    def finish(self) -> str:
        """The SHA-256 in hex, once the file has its name."""
        with self._lock:
            if self._file is not None and not self._discarded:
                self._file.close()
                self._partial.replace(self._target)
            return self._digest.hexdigest()

    def discard(self) -> None:
        """Remove what is not finished; nothing after `finish`."""
        with self._lock:
            self._discarded = True
            if self._file is not None:
                self._file.close()
            self._partial.unlink(missing_ok=True)

    def admit(self, size: int) -> None:
        """Refuse a file that would be larger than allowed. Raises TransferFailed."""
        if size > self._max_bytes:
            raise TransferFailed(f"the file is larger than {self._max_bytes} bytes")


class _Pace:
    """Refuses a sender that trickles: every stretch of `grace` seconds must bring its share of bytes."""

    def __init__(self, limits: TransferLimits) -> None:
        self._limits = limits
        self._since = time.monotonic()
        self._received = 0

    def count(self, size: int) -> None:
        """Raises TransferFailed when the stretch that ends now was too slow."""
        self._received += size
        elapsed = time.monotonic() - self._since
        if elapsed < self._limits.grace:
            return
        if self._received < elapsed * self._limits.minimum_rate:
            raise TransferFailed("the sender is too slow")
        self._since, self._received = time.monotonic(), 0


@dataclass(frozen=True, kw_only=True)
class _Fetch:
    client: PublicClient
    limits: TransferLimits
    allowed_origins: Collection[str]
    sink: _Sink

    async def follow(self, url: str, credential: Credential | None) -> str:
        """The file at the end of at most three redirects, written; returns its media type."""
        for _ in range(MAX_REDIRECTS + 1):
            address = self.client.parse(url, allowed_origins=self.allowed_origins, max_length=urls.MAX_OUTPUT_LENGTH)
            if credential is not None and credential.origin != address.origin:
                credential = None  # for good: a later hop back to the endpoint was chosen by somebody else
            async with self._open(address, credential) as reply:
                if reply.status_code not in _REDIRECTS:
                    return await self._body(reply)
                url = urls.join(address, reply.headers.get("location", ""))
        raise TransferFailed("too many redirects")

    @contextlib.asynccontextmanager
    async def _open(self, address: Address, credential: Credential | None) -> AsyncIterator[OpenReply]:
        headers = {}
        if credential is not None:
            headers = checked_headers({credential.auth.header: credential.auth.prefix + credential.secret})
        outgoing = Outgoing(
            method="GET",
            address=address,
            headers=headers,
            connect_timeout=self.limits.connect_timeout,
            read_timeout=self.limits.grace,
        )
        async with self.client.open(outgoing, allowed_origins=self.allowed_origins) as reply:
            yield reply

    async def _body(self, reply: OpenReply) -> str:
        if reply.status_code in _EXPIRED:
            raise OutputExpired(f"the address answers {reply.status_code}")
        if reply.status_code != 200:
            raise TransferFailed(f"the address answers {reply.status_code}")
        if reply.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
            raise TransferFailed("the file is in an encoding we did not ask for")
        # The library has checked the number, and will check that as many bytes come.
        self.sink.admit(int(reply.headers.get("content-length", "0")))
        await self._stream(reply)
        return _media_type(reply.headers.get("content-type", ""))

    async def _stream(self, reply: OpenReply) -> None:
        pace = _Pace(self.limits)
        received = 0
        waiting = bytearray()
        async for chunk in reply.aiter_raw():
            received += len(chunk)
            self.sink.admit(received)
            pace.count(len(chunk))
            waiting += chunk
            if len(waiting) >= PART:
                await self._write(waiting)
                waiting = bytearray()
        await self._write(waiting)

    async def _write(self, part: bytes | bytearray) -> None:
        await threaded(lambda: self.sink.write(bytes(part)))

    async def data(self, url: str) -> str:
        """The content of a `data:` URI, written; returns its media type."""
        self.sink.admit(len(url) * 3 // 4 - 256)  # before decoding it; 256 for the header and padding
        head = _DATA.match(url)
        if head is None:
            raise TransferFailed("the data: address is malformed")
        content = await threaded(lambda: _content(url[head.end() :], head["parameters"].lower().endswith(";base64")))
        self.sink.admit(len(content))
        await self._write(content)
        return _media_type(head["type"])


def _content(text: str, is_base64: bool) -> bytes:
    if not is_base64:
        return unquote_to_bytes(text)
    try:
        return base64.b64decode(unquote_to_bytes(text), validate=True)
    except binascii.Error:
        raise TransferFailed("the data: address is not valid base64") from None


def _media_type(text: str) -> str:
    """The bare media type in lower case; empty for anything odd."""
    bare = text.partition(";")[0].strip().lower()
    return bare if _MEDIA_TYPE.fullmatch(bare) else ""
