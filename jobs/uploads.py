"""A file on its way in: streamed to disk, hashed and bounded as it comes, then looked at by its own bytes."""

import asyncio
import contextlib
import enum
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, NoReturn

from core.errors import InvalidRequest, MediaRejected, Reason, Unavailable, Violation
from jobs.transfer import threaded
from media.images import kind_of_image, probe_image
from media.pool import MediaPool
from media.probe import probe
from media.signature import EBML, MP4_BOXES

IDLE_SECONDS = 30.0
"""An upload of which nothing has come for so long is given up."""
LONGEST_SECONDS = 3600.0
"""An upload that trickles is given up after this."""
_MEBIBYTE = 1 << 20
_HEAD = 64
"""Bytes by which a file is known."""
_LOOK_SECONDS = 60.0
_VIDEOS = {"mp4": "video/mp4", "mov": "video/quicktime", "webm": "video/webm"}
EXTENSIONS: Mapping[str, str] = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/webm": "webm",
}
"""Every media type an asset can have, and how its object's key ends."""


class AssetKind(enum.StrEnum):
    """What an asset is."""

    IMAGE = "IMAGE"
    VIDEO = "VIDEO"


LARGEST: Mapping[AssetKind, int] = {AssetKind.IMAGE: 32 * _MEBIBYTE, AssetKind.VIDEO: 256 * _MEBIBYTE}
"""Bytes."""
_NAMES: Mapping[AssetKind, str] = {AssetKind.IMAGE: "an image", AssetKind.VIDEO: "a video"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Declared:
    """What is said of a file before its bytes. Empty and 0: not said."""

    tenant: str
    filename: str = ""
    mime_type: str = ""
    size: int = 0
    sha256: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """A whole file on disk, as far as its bytes were counted."""

    kind: AssetKind
    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What a file truly is. Width and height in pixels; `seconds` is 0 for an image."""

    mime_type: str
    width: int
    height: int
    seconds: float = 0.0


async def receive(declared: Declared, parts: AsyncIterator[bytes], path: Path, draining: asyncio.Event) -> Received:
    """Write what comes into `path`, in the memory of one part. Raises InvalidRequest, or Unavailable during a drain."""
    arrival = _Arrival(declared)
    with path.open("wb") as file:
        async with _patience(draining) as renew:
            async for part in parts:
                renew()
                arrival.admit(part)
                await threaded(partial(arrival.write, file, part))
    return arrival.whole()


async def look(pool: MediaPool, path: Path, received: Received, declared: Declared) -> Look:
    """What the file is, as a media worker sees it. Raises InvalidRequest when it is damaged or not what was said."""
    try:
        found = await _looked(pool, path, received.kind)
    except MediaRejected as error:
        refuse("chunk", str(error), Reason.UNREADABLE_MEDIA)
    if declared.mime_type not in ("", found.mime_type):
        refuse("metadata.mime_type", f"is {declared.mime_type}, but the file is {found.mime_type}")
    return found


async def _looked(pool: MediaPool, path: Path, kind: AssetKind) -> Look:
    if kind is AssetKind.IMAGE:
        image = await pool.run(probe_image, path, timeout=_LOOK_SECONDS)
        if image.is_animated:
            raise MediaRejected("the image is animated; a still one is needed")
        return Look(mime_type=image.mime_type, width=image.width, height=image.height)
    video = await pool.run(probe, path, timeout=_LOOK_SECONDS)
    if video.container not in _VIDEOS:
        raise MediaRejected("the file is not an MP4, MOV or WebM video")
    mime_type = _VIDEOS[video.container]
    return Look(mime_type=mime_type, width=video.width, height=video.height, seconds=video.duration)


def check_declared(declared: Declared) -> list[Violation]:
    """What can be refused before the first byte."""
    violations = []
    if declared.mime_type not in ("", *EXTENSIONS):
        text = f"must be one of {', '.join(EXTENSIONS)}, or empty: the bytes decide"
        violations.append(Violation(field="metadata.mime_type", message=text))
    kind = AssetKind.IMAGE if declared.mime_type.startswith("image/") else AssetKind.VIDEO
    if declared.size > LARGEST[kind]:
        violations.append(Violation(field="metadata.size", message=_too_large(kind)))
    return violations


class _Arrival:
    """What is known of a file while it comes."""

    def __init__(self, declared: Declared) -> None:
        self._declared = declared
        self._size = 0
        self._head = b""
        self._kind: AssetKind | None = None
        self._digest = hashlib.sha256()

    def admit(self, part: bytes) -> None:
        """Count a part before it is written."""
        self._size += len(part)
        if self._kind is None:
            self._head = (self._head + part)[:_HEAD]
            if len(self._head) == _HEAD:
                self._recognise()
        if self._declared.size and self._size > self._declared.size:
            self._refuse_size("more came")
        kind = self._kind or AssetKind.VIDEO
        if self._size > LARGEST[kind]:
            refuse("chunk", _too_large(kind))

    def write(self, file: BinaryIO, part: bytes) -> None:
        """Write and hash a part; blocks."""
        self._digest.update(part)
        file.write(part)

    def whole(self) -> Received:
        """The file, now that nothing more comes."""
        if not self._size:
            refuse("chunk", "is required: the file is empty")
        if self._declared.size not in (0, self._size):
            self._refuse_size(f"{self._size:,} came")
        kind = self._kind or self._recognise()
        sha256 = self._digest.hexdigest()
        if self._declared.sha256 not in ("", sha256):
            refuse("metadata.sha256", "is not that of the bytes that came: send the file again")
        return Received(kind=kind, size=self._size, sha256=sha256)

    def _recognise(self) -> AssetKind:
        """The kind, from the first bytes, and what follows from it."""
        kind = self._kind = _kind_of(self._head)
        said = self._declared.mime_type
        if said and not said.startswith(f"{kind.lower()}/"):
            refuse("metadata.mime_type", f"is {said}, but the file is {_NAMES[kind]}")
        if self._declared.size > LARGEST[kind]:
            refuse("metadata.size", _too_large(kind))
        return kind

    def _refuse_size(self, found: str) -> NoReturn:
        refuse("metadata.size", f"is {self._declared.size:,} bytes, but {found}: send the size of the file, or none")


def _kind_of(head: bytes) -> AssetKind:
    if head[4:8] in MP4_BOXES or head.startswith(EBML):
        return AssetKind.VIDEO
    try:
        kind_of_image(head)
    except MediaRejected:
        text = "the file is neither a PNG, JPEG or WebP image nor an MP4, MOV or WebM video"
        refuse("chunk", text, Reason.UNREADABLE_MEDIA)
    return AssetKind.IMAGE


def _too_large(kind: AssetKind) -> str:
    return f"{_NAMES[kind]} may have at most {LARGEST[kind] // _MEBIBYTE} MiB"


def refuse(field: str, message: str, reason: Reason = Reason.INVALID_REQUEST) -> NoReturn:
    """Raise InvalidRequest with this one violation."""
    raise InvalidRequest.of([Violation(field=field, message=message, reason=reason)])


@contextlib.asynccontextmanager
async def _patience(draining: asyncio.Event) -> AsyncIterator[Callable[[], None]]:
    """A block that ends with a refusal unless what it yields is called often enough, and when the server drains."""
    loop = asyncio.get_running_loop()
    end = loop.time() + LONGEST_SECONDS

    def renew() -> None:
        if draining.is_set():
            raise TimeoutError
        scope.reschedule(min(loop.time() + IDLE_SECONDS, end))

    async def cut() -> None:
        await draining.wait()
        scope.reschedule(loop.time())

    try:
        async with asyncio.timeout(IDLE_SECONDS) as scope:
            watch = asyncio.create_task(cut())
            try:
                yield renew
            finally:
                watch.cancel()
    except TimeoutError:
        if draining.is_set():
            text = "this server is shutting down; send the file again"
            raise Unavailable(reason=Reason.SHUTTING_DOWN, message=text, retry_after=1.0) from None
        refuse("chunk", f"the file comes too slowly: nothing for {IDLE_SECONDS:g} s, or not whole within an hour")
