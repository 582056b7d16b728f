"""Objects in a bucket of any S3 service, through boto3 in threads of its own."""

import asyncio
import functools
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from core.clock import Clock, now
from core.errors import StorageFailed
from storage.s3_client import S3Clients
from storage.s3_errors import S3Trouble, translated
from storage.s3_options import S3Options
from storage.s3_upload import Sender, Upload, pause_before
from storage.store import (
    PART_BYTES,
    ListedObject,
    ObjectExists,
    ObjectMissing,
    ObjectStore,
    SignedUrl,
    StoredObject,
    check_key,
    check_object,
    check_prefix,
    check_range,
    check_ttl,
    content_disposition,
)
from storage.workers import Workers

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef

T = TypeVar("T")
_PAGE = 1000


class S3Store(ObjectStore):
    """One bucket. Nothing is contacted before the first operation.

    The identity needs Get, Put, Delete, AbortMultipartUpload on the objects and ListBucket on the bucket: without the
    last, AWS answers 403 instead of 404 for an object that does not exist.
    """

    def __init__(self, options: S3Options, *, clock: Clock = now) -> None:
        self._options = options
        self._clock = clock
        self._clients = S3Clients(options)
        self._workers = Workers("storage-s3", options.threads)
        self._upload_slots = asyncio.Semaphore(options.uploads)
        self._sender: Sender | None = None

    async def put_file(
        self, key: str, path: Path, *, content_type: str, metadata: Mapping[str, str], sha256: str
    ) -> StoredObject:
        """See ObjectStore. A lost reply is followed by a HEAD, never by a blind second upload."""
        check_object(key, content_type, metadata, sha256)
        try:
            size = (await self._workers.run(path.stat)).st_size
        except OSError as error:
            raise StorageFailed(f"the file for {key} cannot be read: {error.strerror}") from None
        return await self._put(
            Upload(key=key, size=size, sha256=sha256, content_type=content_type, metadata=metadata, source=path)
        )

    async def put_bytes(
        self, key: str, data: bytes, *, content_type: str, metadata: Mapping[str, str], overwrite: bool = False
    ) -> StoredObject:
        """See ObjectStore."""
        sha256 = hashlib.sha256(data).hexdigest()
        check_object(key, content_type, metadata, sha256)
        return await self._put(
            Upload(
                key=key,
                size=len(data),
                sha256=sha256,
                content_type=content_type,
                metadata=metadata,
                source=data,
                overwrite=overwrite,
            )
        )

    async def head(self, key: str) -> StoredObject | None:
        """See ObjectStore."""
        return await self._retried(functools.partial(self._head, check_key(key)))

    async def open_range(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """See ObjectStore."""
        check_key(key)
        check_range(start, end)
        if start == end:
            return
        body = await self._retried(functools.partial(self._get, key, start, end))
        try:
            while part := await self._workers.run(_read, body):
                yield part
        finally:
            self._workers.later(body.close)

    async def delete(self, keys: Sequence[str]) -> None:
        """See ObjectStore. One request each: batch deletion wants checksums on which services differ."""
        checked = [check_key(key) for key in keys]
        await asyncio.gather(*(self._retried(functools.partial(self._delete, key)) for key in checked))

    async def list(
        self, prefix: str = "", *, limit: int = 1000, start_after: str | None = None
    ) -> tuple[ListedObject, ...]:
        """See ObjectStore."""
        check_prefix(prefix)
        found: tuple[ListedObject, ...] = ()
        after = check_key(start_after) if start_after else ""
        while len(found) < limit:
            size = min(_PAGE, limit - len(found))
            page, more = await self._retried(functools.partial(self._list, prefix, size, after))
            found += page
            if not more or not page:
                break
            after = page[-1].key
        return found

    async def presign(self, key: str, ttl: timedelta, *, filename: str | None = None) -> SignedUrl:
        """See ObjectStore. Signed for `public_endpoint_url`, where that is set."""
        check_key(key)
        return await self._retried(functools.partial(self._presign, key, check_ttl(ttl), filename))

    async def sweep(self, prefix: str, older_than: timedelta) -> int:
        """See ObjectStore: multipart uploads nobody completed."""
        before = self._clock() - older_than
        return await self._retried(functools.partial(self._sweep, check_prefix(prefix), before))

    async def check(self) -> None:
        """See ObjectStore: asks for the bucket; that its policy allows writing shows only when writing."""
        await self._retried(self._check)

    async def close(self) -> None:
        """See ObjectStore."""
        await self._workers.close()
        self._clients.close()

    async def _put(self, upload: Upload) -> StoredObject:
        ambiguous = False
        async with self._upload_slots:
            for attempt in range(1, self._options.attempts + 1):
                await asyncio.sleep(pause_before(attempt, self._options))
                try:
                    return await self._put_once(upload)
                except S3Trouble as trouble:
                    ambiguous = ambiguous or trouble.ambiguous
                    failure = str(trouble)
                    if not trouble.retryable:
                        break
            if ambiguous:
                with suppress(S3Trouble):
                    existing = await self._workers.run(self._head, upload.key)
                    if existing is not None and upload.matches(existing):
                        return existing
        raise StorageFailed(failure, ambiguous=ambiguous)

    async def _put_once(self, upload: Upload) -> StoredObject:
        """Look first: an earlier try may have arrived. Then send, then look again and compare."""
        existing = await self._workers.run(self._head, upload.key)
        if existing is not None and upload.matches(existing):
            return existing
        if existing is not None and not upload.overwrite:
            raise ObjectExists(f"{upload.key} holds a different object")
        await self._send(upload)
        stored = await self._workers.run(self._head, upload.key)
        if stored is None or not upload.matches(stored):
            raise S3Trouble(f"{upload.key} is not what was sent", ambiguous=True, retryable=True)
        return stored

    async def _send(self, upload: Upload) -> None:
        try:
            await self._workers.run(self._send_now, upload)
        except asyncio.CancelledError:
            upload.stop.set()
            raise
        except StorageFailed:
            raise
        except OSError as error:
            raise StorageFailed(f"the file for {upload.key} cannot be read: {error.strerror}") from None

    async def _retried(self, function: Callable[[], T]) -> T:
        """The result of a call that may be repeated at will."""
        attempt = 1
        while True:
            try:
                return await self._workers.run(function)
            except S3Trouble as trouble:
                if not trouble.retryable or attempt >= self._options.attempts:
                    raise
            attempt += 1
            await asyncio.sleep(pause_before(attempt, self._options))

    # What follows blocks, and runs in the workers.

    def _send_now(self, upload: Upload) -> None:
        if self._sender is None:
            self._sender = Sender(client=self._clients.main(), options=self._options)
        self._sender.send(upload)

    def _head(self, key: str) -> StoredObject | None:
        try:
            with translated("HeadObject"):
                return _stored(key, self._clients.main().head_object(Bucket=self._options.bucket, Key=key))
        except S3Trouble as trouble:
            if trouble.absent:
                return None
            raise

    def _get(self, key: str, start: int, end: int | None) -> "StreamingBody":
        last = "" if end is None else str(end - 1)
        try:
            with translated("GetObject"):
                get = functools.partial(self._clients.main().get_object, Bucket=self._options.bucket, Key=key)
                # An empty object has no satisfiable range, so everything is asked for without one.
                answer = get() if start == 0 and end is None else get(Range=f"bytes={start}-{last}")
                return answer["Body"]
        except S3Trouble as trouble:
            if trouble.absent:
                raise ObjectMissing(f"there is no data for {key}") from None
            raise

    def _delete(self, key: str) -> None:
        try:
            with translated("DeleteObject"):
                self._clients.main().delete_object(Bucket=self._options.bucket, Key=key)
        except S3Trouble as trouble:
            if not trouble.absent:
                raise

    def _list(self, prefix: str, size: int, after: str) -> tuple[tuple[ListedObject, ...], bool]:
        with translated("ListObjectsV2"):
            page = self._clients.main().list_objects_v2(
                Bucket=self._options.bucket, Prefix=prefix, MaxKeys=size, StartAfter=after
            )
        lines = (
            ListedObject(key=entry["Key"], size=entry["Size"], modified=entry["LastModified"].astimezone(UTC))
            for entry in page.get("Contents", ())
        )
        return tuple(lines), page.get("IsTruncated", False)

    def _presign(self, key: str, ttl: timedelta, filename: str | None) -> SignedUrl:
        with translated("presigning"):
            end = self._clients.credentials_end()
            seconds = int(ttl.total_seconds())
            if end is not None:
                seconds = min(seconds, int((end - self._clock()).total_seconds()))
            if seconds < 1:
                raise StorageFailed("the credentials that would sign have expired")
            disposition = {"ResponseContentDisposition": content_disposition(filename)} if filename else {}
            url = self._clients.public().generate_presigned_url(
                "get_object", Params={"Bucket": self._options.bucket, "Key": key, **disposition}, ExpiresIn=seconds
            )
        return SignedUrl(url=url, expire_time=_signed_until(url))

    def _sweep(self, prefix: str, before: datetime) -> int:
        swept = 0
        client = self._clients.main()
        with translated("ListMultipartUploads"):
            for page in client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self._options.bucket, Prefix=prefix
            ):
                for entry in page.get("Uploads", ()):
                    if entry["Initiated"] < before:
                        swept += self._sweep_one(entry["Key"], entry["UploadId"])
        return swept

    def _sweep_one(self, key: str, upload_id: str) -> int:
        try:
            with translated("AbortMultipartUpload"):
                self._clients.main().abort_multipart_upload(Bucket=self._options.bucket, Key=key, UploadId=upload_id)
        except S3Trouble as trouble:
            if trouble.status != 404:  # completed or aborted by somebody else meanwhile
                raise
            return 0
        return 1

    def _check(self) -> None:
        with translated("HeadBucket"):
            self._clients.main().head_bucket(Bucket=self._options.bucket)


def _read(body: "StreamingBody") -> bytes:
    with translated("GetObject"):
        return body.read(PART_BYTES)


def _stored(key: str, answer: "HeadObjectOutputTypeDef") -> StoredObject:
    # Names never hold a hyphen; some services turn the underscores of header names into hyphens.
    metadata = {name.lower().replace("-", "_"): unquote(value) for name, value in answer["Metadata"].items()}
    return StoredObject(
        key=key,
        size=answer["ContentLength"],
        sha256=metadata.pop("sha256", ""),
        etag=answer["ETag"],
        content_type=answer["ContentType"],
        metadata=metadata,
        modified=answer["LastModified"].astimezone(UTC),
    )


def _signed_until(url: str) -> datetime:
    """What the URL itself says: the moment it was signed plus its seconds."""
    query = parse_qs(urlsplit(url).query)
    signed = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return signed + timedelta(seconds=int(query["X-Amz-Expires"][0]))
