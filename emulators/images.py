"""What an emulated vendor sees of an input image without decoding it: its type and its size from the file's head."""

import base64
import binascii
import struct
from dataclasses import dataclass

JPEG_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageHead:
    """An image's MIME type and its size in pixels."""

    mime_type: str
    width: int
    height: int


def read_head(data: bytes) -> ImageHead | None:
    """The head of a PNG, JPEG or WebP; None for anything else, or for a broken one."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            width, height = struct.unpack(">II", data[16:24])
            return ImageHead(mime_type="image/png", width=width, height=height)
        if data.startswith(b"\xff\xd8\xff"):
            return _jpeg(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp(data)
    except (struct.error, IndexError):
        return None
    return None


def _jpeg(data: bytes) -> ImageHead | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], struct.unpack(">H", data[at + 2 : at + 4])[0]
        if marker in JPEG_FRAMES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return ImageHead(mime_type="image/jpeg", width=width, height=height)
        at += 2 + length
    return None


def _webp(data: bytes) -> ImageHead | None:
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
    elif kind == b"VP8L":
        bits = struct.unpack("<I", data[21:25])[0]
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack("<HH", data[26:30]))
    else:
        return None
    return ImageHead(mime_type="image/webp", width=width, height=height)


def from_data_uri(uri: str) -> bytes | None:
    """The bytes of a base64 `data:` URI; None for anything else."""
    head, comma, text = uri.partition(",")
    if not (head.startswith("data:") and head.endswith(";base64") and comma):
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
