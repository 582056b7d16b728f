"""Files to upload: what is said of them, and their bytes as the messages of one stream."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, TypedDict, TypeVar, cast

from filmgate.v1 import video_service_pb2 as messages

from filmgate_client.requests import MEDIA, seconds

CHUNK = 512 * 1024
LARGEST_INLINE = 4 * 1024 * 1024
"""Bytes of a file that may travel inside a request."""
UPLOAD_TIMEOUT = 900.0
"""Seconds; 256 MiB at 300 kB/s."""
_FILES = (*MEDIA, "product_image")
Fields = TypeVar("Fields", bound=Mapping[str, object])


class AssetFilters(TypedDict, total=False):
    """What assets can be narrowed by: kind `IMAGE` or `VIDEO`; None counts as not given."""

    kind: str | None
    page_size: int


def opening(tenant: str, path: Path, filename: str | None, mime_type: str) -> messages.UploadAssetRequest:
    """The first message, for which the file is read once: it tells size and hash. Raises OSError."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.tell()
    metadata = messages.AssetMetadata(
        tenant_name=tenant,
        filename=path.name if filename is None else filename,
        mime_type=mime_type,
        size=size,
        sha256=sha256,
    )
    return messages.UploadAssetRequest(metadata=metadata)


def chunks(file: BinaryIO) -> Iterator[messages.UploadAssetRequest]:
    """All other messages, up to the file's end or until it is closed: a refused call reads no further."""
    with suppress(ValueError):  # what reading a closed file raises
        while chunk := file.read(CHUNK):
            yield messages.UploadAssetRequest(chunk=chunk)


def asset_request(tenant: str, asset_id: str, url_ttl: float | None) -> messages.GetAssetRequest:
    """The request for one asset; no `url_ttl` asks for no address."""
    ttl = None if url_ttl is None else seconds(url_ttl)
    return messages.GetAssetRequest(tenant_name=tenant, asset_id=asset_id, url_ttl=ttl)


def assets_request(tenant: str, filters: AssetFilters) -> messages.ListAssetsRequest:
    """The first page's request. Raises ValueError for an unknown kind."""
    values: dict[str, Any] = {name: value for name, value in filters.items() if value is not None}
    if "kind" in values:
        values["kind"] = f"ASSET_KIND_{values['kind'].upper()}"
    return messages.ListAssetsRequest(tenant_name=tenant, **values)


def too_large(fields: Mapping[str, object]) -> dict[str, Path]:
    """The files among the fields that must be uploaded, being too large to be sent along. Raises OSError."""
    paths = {name: value for name, value in fields.items() if name in _FILES and isinstance(value, Path)}
    return {name: path for name, path in paths.items() if path.stat().st_size > LARGEST_INLINE}


def named(fields: Fields, asset_ids: Mapping[str, str]) -> Fields:
    """The same fields with assets in place of files."""
    return cast(Fields, {**fields, **asset_ids})
