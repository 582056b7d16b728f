"""The embedded object store: files under one directory, signed `/media/…` URLs, nothing to install."""

import functools
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import BinaryIO, ParamSpec, TypeVar

from core.clock import Clock, now
from core.errors import StorageFailed
from storage.disk_files import Files, Record, new_record, read_parts
from storage.signing import UrlSigner
from storage.store import (
    PART_BYTES,
    ListedObject,
    ObjectStore,
    SignedUrl,
    StoredObject,
    check_key,
    check_object,
    check_prefix,
    check_range,
)
from storage.workers import Workers

P = ParamSpec("P")
T = TypeVar("T")


class DiskStore(ObjectStore):
    """Objects as files under `root`, for one server process or several on the same disk.

    `secret` (32 bytes or more, see `installation_secret`) signs the URLs; `public_base_url` is what browsers see in
    front of `/media/`. The directories are made by the first `check`, or by the first object.
    """

    def __init__(
        self, root: Path, *, secret: bytes, public_base_url: str, clock: Clock = now, threads: int = 8
    ) -> None:
        self._files = Files(root)
        self._signer = UrlSigner(secret, public_base_url)
        self._clock = clock
        self._workers = Workers("storage-disk", threads)

    async def put_file(
        self, key: str, path: Path, *, content_type: str, metadata: Mapping[str, str], sha256: str
    ) -> StoredObject:
        """See ObjectStore; the file is copied, never moved."""
        check_object(key, content_type, metadata, sha256)
        described = functools.partial(self._described, key, content_type, metadata, sha256)
        return await self._run(self._store_file, described, path)

    async def put_bytes(
        self, key: str, data: bytes, *, content_type: str, metadata: Mapping[str, str], overwrite: bool = False
    ) -> StoredObject:
        """See ObjectStore."""
        sha256 = hashlib.sha256(data).hexdigest()
        check_object(key, content_type, metadata, sha256)
        record = self._described(key, content_type, metadata, sha256, len(data))
        return await self._run(self._store, record, [data], overwrite)

    async def head(self, key: str) -> StoredObject | None:
        """See ObjectStore. The ETag is strong: the quoted SHA-256."""
        record = await self._run(self._files.read, check_key(key))
        return record.stored if record else None

    async def open_range(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """See ObjectStore."""
        check_key(key)
        check_range(start, end)
        file, left = await self._run(self._open_at, key, start, end)
        try:
            while left:
                part = await self._run(file.read, min(left, PART_BYTES))
                if not part:
                    raise StorageFailed(f"the data of {key} ends early")
                left -= len(part)
                yield part
        finally:
            self._workers.later(file.close)

    async def delete(self, keys: Sequence[str]) -> None:
        """See ObjectStore."""
        for key in [check_key(key) for key in keys]:
            await self._run(self._files.delete, key)

    async def list(
        self, prefix: str = "", *, limit: int = 1000, start_after: str | None = None
    ) -> tuple[ListedObject, ...]:
        """See ObjectStore."""
        after = check_key(start_after) if start_after else ""
        walk = functools.partial(self._files.walk, check_prefix(prefix), after)
        return await self._run(lambda: tuple(islice(walk(), limit)))

    async def presign(self, key: str, ttl: timedelta, *, filename: str | None = None) -> SignedUrl:
        """See ObjectStore."""
        return self._signer.sign(check_key(key), ttl, self._clock(), filename=filename)

    def verify_url(
        self, path_key: str, expires: str, signature: str, now: datetime | None = None, *, filename: str = ""
    ) -> str:
        """The key a `/media/` request may read: `path_key` is its path percent-decoded once, the rest its query.

        Raises UrlRefused for whatever was not signed by this installation exactly so, or has expired.
        """
        return self._signer.verify(path_key, expires, signature, now or self._clock(), filename=filename)

    async def sweep(self, prefix: str, older_than: timedelta) -> int:
        """See ObjectStore: data whose record never came, and drafts of records."""
        return await self._run(self._files.sweep, check_prefix(prefix), self._clock() - older_than)

    async def check(self) -> None:
        """See ObjectStore: writes, links and removes a probe."""
        await self._run(self._files.prepare)

    async def close(self) -> None:
        """See ObjectStore."""
        await self._workers.close()

    def _described(self, key: str, content_type: str, metadata: Mapping[str, str], sha256: str, size: int) -> Record:
        moment = self._clock()
        return new_record(key, size=size, sha256=sha256, content_type=content_type, metadata=metadata, modified=moment)

    def _store_file(self, described: Callable[[int], Record], path: Path) -> StoredObject:
        with path.open("rb") as file:
            return self._store(described(os.fstat(file.fileno()).st_size), read_parts(file), overwrite=False)

    def _store(self, record: Record, parts: Iterable[bytes], overwrite: bool) -> StoredObject:
        if not overwrite and self._files.read(record.key) is not None:
            return self._files.same_or_refuse(record)
        return self._files.store(record, parts, overwrite=overwrite)

    def _open_at(self, key: str, start: int, end: int | None) -> tuple[BinaryIO, int]:
        record, file = self._files.open(key)
        file.seek(start)
        return file, max(0, (record.size if end is None else min(end, record.size)) - start)

    async def _run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await self._workers.run(function, *args, **kwargs)
        except StorageFailed:
            raise
        except OSError as error:
            raise StorageFailed(f"the disk store: {error.strerror}") from None
