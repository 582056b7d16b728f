"""What every object store promises, and the rules for keys that all of them enforce."""

import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import quote

from core.errors import StorageFailed

MAX_KEY_BYTES: Final = 1024
MAX_SEGMENT_BYTES: Final = 200
"""A file name may have 255 bytes; the disk store adds its own suffixes. The same for every store."""
MAX_SIGNED_FOR: Final = timedelta(days=7)
"""SigV4's own limit; the disk store keeps to it, so that the stores behave alike."""
MAX_METADATA_BYTES: Final = 2048
"""S3's limit for names and encoded values together."""
PART_BYTES: Final = 1 << 20
"""How much `open_range` yields at a time."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_CONTENT_TYPE = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+(;[ -~]{0,100})?")
_METADATA_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_RESERVED_METADATA = "sha256"


class ObjectExists(StorageFailed):
    """The key holds a different object, and it stays as it is."""


class ObjectMissing(StorageFailed):
    """The key holds nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredObject:
    """One object as the store has it now."""

    key: str
    size: int
    sha256: str
    """Lower-case hex; empty when somebody else stored the object without telling."""
    etag: str
    """With its quotes, as HTTP wants it."""
    content_type: str
    metadata: Mapping[str, str]
    modified: datetime

    def holds(self, size: int, sha256: str) -> bool:
        """Whether these are the same bytes."""
        return self.size == size and self.sha256 == sha256


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedObject:
    """One line of a listing."""

    key: str
    size: int
    modified: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedUrl:
    """A bearer secret: whoever has the URL may read the object until it expires. Never stored or logged."""

    url: str = field(repr=False)
    expire_time: datetime


class ObjectStore(ABC):
    """Where videos and their derived files live. Every operation refuses a bad key with ValueError.

    Failures are StorageFailed; its `ambiguous` says whether a write may have happened all the same.
    """

    @abstractmethod
    async def put_file(
        self, key: str, path: Path, *, content_type: str, metadata: Mapping[str, str], sha256: str
    ) -> StoredObject:
        """Store a local file whose SHA-256 is known; returns what the store confirmed afterwards.

        The same bytes already there are a success. Other bytes there raise ObjectExists and stay untouched. A file
        that does not have the SHA-256 given raises StorageFailed and stores nothing.
        """

    @abstractmethod
    async def put_bytes(
        self, key: str, data: bytes, *, content_type: str, metadata: Mapping[str, str], overwrite: bool = False
    ) -> StoredObject:
        """Store something small, such as a thumbnail. As `put_file`; `overwrite` replaces what is there."""

    @abstractmethod
    async def head(self, key: str) -> StoredObject | None:
        """The object's facts, or None when there is none."""

    @abstractmethod
    def open_range(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `start` up to, not including, `end` (None: to the last), in parts of at most 1 MiB.

        Raises ObjectMissing, and StorageFailed when the object ends early, while iterating.
        """

    @abstractmethod
    async def delete(self, keys: Sequence[str]) -> None:
        """Remove the objects; those that are not there are no error."""

    @abstractmethod
    async def list(
        self, prefix: str = "", *, limit: int = 1000, start_after: str | None = None
    ) -> tuple[ListedObject, ...]:
        """At most `limit` objects whose key starts with `prefix` and sorts after `start_after`, by key."""

    @abstractmethod
    async def presign(self, key: str, ttl: timedelta, *, filename: str | None = None) -> SignedUrl:
        """A URL that reads this one object until the earliest of `ttl`, 7 days, and the signing credential's end.

        With `filename` a browser saves it under that name. Whether the object exists is not asked.
        """

    @abstractmethod
    async def sweep(self, prefix: str, older_than: timedelta) -> int:
        """Remove what unfinished writes under `prefix` left behind longer ago than this; returns how many."""

    @abstractmethod
    async def check(self) -> None:
        """Raise StorageFailed, saying what is wrong, unless objects can be stored now."""

    @abstractmethod
    async def close(self) -> None:
        """Finish what runs and free threads and connections."""


def check_key(key: str) -> str:
    """The key itself, or ValueError: relative, printable, UTF-8, no `.`/`..`/empty segment, no `\\` and no `%`."""
    if not key:
        raise ValueError("an object key may not be empty")
    if not key.isprintable() or "\\" in key or "%" in key:
        raise ValueError("an object key may not hold control characters, backslashes or percent signs")
    if len(key.encode()) > MAX_KEY_BYTES:
        raise ValueError(f"an object key may have at most {MAX_KEY_BYTES} bytes")
    for segment in key.split("/"):
        if segment in {"", ".", ".."} or len(segment.encode()) > MAX_SEGMENT_BYTES:
            raise ValueError(f"a segment of an object key must be a name of 1 to {MAX_SEGMENT_BYTES} bytes")
    return key


def check_prefix(prefix: str) -> str:
    """The prefix itself, or ValueError: empty, or a key that may end with one slash."""
    if prefix:
        check_key(prefix.removesuffix("/"))
    return prefix


def check_object(key: str, content_type: str, metadata: Mapping[str, str], sha256: str) -> None:
    """Raise ValueError unless these can be stored and read back unchanged by every store."""
    check_key(key)
    if not _SHA256.fullmatch(sha256):
        raise ValueError("a SHA-256 is 64 lower-case hex digits")
    if not _CONTENT_TYPE.fullmatch(content_type):
        raise ValueError("not a content type")
    for name in metadata:
        if not _METADATA_NAME.fullmatch(name) or name == _RESERVED_METADATA:
            raise ValueError(f"not a usable metadata name: {name!r}")
    if sum(len(name) + len(encode_value(value)) for name, value in metadata.items()) > MAX_METADATA_BYTES - 128:
        raise ValueError(f"metadata may have at most {MAX_METADATA_BYTES - 128} bytes")


def check_ttl(ttl: timedelta) -> timedelta:
    """The whole seconds a URL shall live, at most 7 days; ValueError when that is less than one."""
    seconds = int(min(ttl, MAX_SIGNED_FOR).total_seconds())
    if seconds < 1:
        raise ValueError("a signed URL must live for a second at least")
    return timedelta(seconds=seconds)


def check_range(start: int, end: int | None) -> None:
    """Raise ValueError unless 0 <= start <= end."""
    if start < 0 or (end is not None and end < start):
        raise ValueError("a range must start at 0 or later and not end before it starts")


def encode_value(value: str) -> str:
    """Printable ASCII without blanks: everything else, and the percent sign, percent-encoded as UTF-8."""
    return quote(value, safe="!\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~")


def content_disposition(filename: str) -> str:
    """The header value that makes a browser save under this name; what could leave the quotes is replaced."""
    plain = re.sub(r'[^ -~]|["\\%/]', "_", filename)[:150] or "video"
    full = quote(filename.replace("/", "_")[:150], safe="", errors="replace")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{full or 'video'}"
