"""The facts written beside every video: tenant, creative, iteration, where it came from, when it was stored."""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit, urlunsplit

from storage.store import encode_value

MAX_VALUE_BYTES = 255
"""OpenStack Swift takes no longer value; S3 would."""


def video_metadata(
    *, tenant: str, creative_id: str, iteration: int, original_url: str, upload_time: datetime
) -> Mapping[str, str]:
    """Object metadata of a video (brief A6), ready for `put_file`. The original URL loses all that may be secret."""
    return {
        "tenant": tenant,
        "creative_id": creative_id,
        "iteration": str(iteration),
        "original_url": without_secrets(original_url),
        "upload_time": upload_time.isoformat(timespec="seconds"),
    }


def without_secrets(url: str) -> str:
    """Scheme, host and path: no user, no query, no fragment; of a `data:` URI only the scheme. At most 255 bytes."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"}:
        return f"{parts.scheme}:" if parts.scheme else ""
    host = parts.netloc.rpartition("@")[2]
    return _shortened(urlunsplit((parts.scheme, host, parts.path, "", "")))


def _shortened(text: str) -> str:
    text = text.encode(errors="replace").decode()  # a lone surrogate cannot travel in a header
    if len(encode_value(text)) <= MAX_VALUE_BYTES:
        return text
    text = text[:MAX_VALUE_BYTES]
    while len(encode_value(text)) > MAX_VALUE_BYTES - 3:
        text = text[:-1]
    return f"{text}..."
