"""One attempt to send one object to S3: a single conditional PUT, or a multipart upload with one part in memory."""

import functools
import hashlib
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.crashpoints import crashpoint, declare
from core.errors import StorageFailed
from storage.s3_errors import S3Trouble, translated
from storage.s3_options import S3Options
from storage.store import StoredObject, encode_value

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

MAX_PARTS = 10_000

declare("s3-after-put", "s3-after-part", "s3-before-complete", "s3-after-complete")


@dataclass(kw_only=True)
class Upload:
    """What is to be stored. `stop` ends it between two parts."""

    key: str
    size: int
    sha256: str
    content_type: str
    metadata: Mapping[str, str]
    source: Path | bytes = field(repr=False)
    overwrite: bool = False
    stop: threading.Event = field(default_factory=threading.Event)

    def matches(self, stored: StoredObject) -> bool:
        """Whether what is stored need not be sent again: the same bytes and, when overwriting, the same facts."""
        facts = (stored.content_type, dict(stored.metadata)) == (self.content_type, dict(self.metadata))
        return stored.holds(self.size, self.sha256) and (facts or not self.overwrite)

    @property
    def headers(self) -> dict[str, Any]:
        """Content type and encoded metadata, the SHA-256 among them."""
        encoded = {name: encode_value(value) for name, value in self.metadata.items()}
        return {"ContentType": self.content_type, "Metadata": {**encoded, "sha256": self.sha256}}


@dataclass(kw_only=True)
class Sender:
    """Sends uploads with one client. `conditional` turns itself off at a service that knows no If-None-Match."""

    client: "S3Client"
    options: S3Options
    conditional: bool = True

    def send(self, upload: Upload) -> None:
        """Store the object once. Raises S3Trouble, or StorageFailed when the source is not what was announced."""
        if isinstance(upload.source, bytes):
            self._single(upload, upload.source)
        elif upload.size < self.options.single_put_bytes:
            self._single(upload, upload.source.read_bytes())
        else:
            self._multipart(upload, upload.source)

    def _single(self, upload: Upload, body: bytes) -> None:
        _verify(upload, len(body), hashlib.sha256(body).hexdigest())
        put = functools.partial(self.client.put_object, Bucket=self.options.bucket, Key=upload.key, Body=body)
        self._conditionally(upload, functools.partial(put, **upload.headers))
        crashpoint("s3-after-put")

    def _multipart(self, upload: Upload, path: Path) -> None:
        with translated("CreateMultipartUpload"):
            created = self.client.create_multipart_upload(Bucket=self.options.bucket, Key=upload.key, **upload.headers)
        upload_id = created["UploadId"]
        try:
            parts = self._parts(upload, path, upload_id)
            crashpoint("s3-before-complete")
            complete = functools.partial(
                self.client.complete_multipart_upload,
                Bucket=self.options.bucket,
                Key=upload.key,
                UploadId=upload_id,
                MultipartUpload={"Parts": parts},
            )
            self._conditionally(upload, complete)
        except BaseException:  # cancelled or failed, the parts must not stay and be billed; raised on
            self._abort(upload.key, upload_id)
            raise
        crashpoint("s3-after-complete")

    def _parts(self, upload: Upload, path: Path, upload_id: str) -> "list[CompletedPartTypeDef]":
        digest, size = hashlib.sha256(), 0
        parts: list[CompletedPartTypeDef] = []
        for number, body in enumerate(_chunks(path, max(self.options.part_bytes, -(-upload.size // MAX_PARTS))), 1):
            digest.update(body)
            size += len(body)
            parts.append({"PartNumber": number, "ETag": self._part(upload, upload_id, number, body)})
            crashpoint("s3-after-part")
        _verify(upload, size, digest.hexdigest())
        return parts

    def _part(self, upload: Upload, upload_id: str, number: int, body: bytes) -> str:
        """The part's ETag. A part may be sent again at will: the same number replaces it."""
        attempt = 1
        while not upload.stop.wait(pause_before(attempt, self.options)):
            try:
                with translated("UploadPart"):
                    sent = self.client.upload_part(
                        Bucket=self.options.bucket, Key=upload.key, UploadId=upload_id, PartNumber=number, Body=body
                    )
                return sent["ETag"]
            except S3Trouble as trouble:
                if not trouble.retryable or attempt == self.options.attempts:
                    raise
            attempt += 1
        raise StorageFailed(f"the upload of {upload.key} was given up")

    def _conditionally(self, upload: Upload, call: Callable[..., object]) -> None:
        conditional = self.conditional and not upload.overwrite
        condition = {"IfNoneMatch": "*"} if conditional else {}
        try:
            with translated("the upload"):
                call(**condition)
        except S3Trouble as trouble:
            if not conditional or trouble.status != 501:
                raise
            self.conditional = False  # the HEAD before every upload remains
            self._conditionally(upload, call)

    def _abort(self, key: str, upload_id: str) -> None:
        # A failed abort is left to the sweep; the failure that led here is the one to tell.
        with suppress(S3Trouble), translated("AbortMultipartUpload"):
            self.client.abort_multipart_upload(Bucket=self.options.bucket, Key=key, UploadId=upload_id)


def pause_before(attempt: int, options: S3Options) -> float:
    """Seconds to wait before this attempt, counted from 1: doubling up to 5, jittered."""
    if attempt == 1:
        return 0.0
    return min(5.0, options.retry_pause * 2.0 ** (attempt - 2)) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter


def _verify(upload: Upload, size: int, sha256: str) -> None:
    if (size, sha256) != (upload.size, upload.sha256):
        raise StorageFailed(f"what was to be stored as {upload.key} does not have the SHA-256 given")


def _chunks(path: Path, part_bytes: int) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(part_bytes):
            yield chunk
