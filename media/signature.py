"""What a file is by its own bytes: its magic, and for MP4 the order and the size of its top-level boxes."""

from pathlib import Path
from typing import BinaryIO

from core.errors import MediaRejected

MP4_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip", b"styp"})
STILL_BRANDS = frozenset({b"avif", b"heic", b"heix", b"heim", b"heis", b"mif1", b"jxl "})
EBML = b"\x1a\x45\xdf\xa3"
MAX_BOXES = 20_000

DEMUXERS = {"mp4": "mov", "mov": "mov", "webm": "matroska", "matroska": "matroska", "gif": "gif"}
"""The one demuxer that may open each kind; FFmpeg never guesses, so no playlist or network format is ever reached."""


def kind_of(path: Path) -> str:
    """`mp4`, `mov`, `webm`, `matroska` or `gif`, by magic bytes. Raises MediaRejected for anything else."""
    with path.open("rb") as file:
        head = file.read(64)
    if not head:
        raise MediaRejected("the file is empty")
    if head[4:8] in MP4_BOXES:
        return _mp4_kind(head)
    if head.startswith(EBML):
        return "webm" if b"webm" in head else "matroska"
    if head.startswith((b"GIF87a", b"GIF89a")):
        _check_gif_end(path)
        return "gif"
    raise MediaRejected("the file is not an MP4, MOV, WebM, Matroska or GIF video")


def _check_gif_end(path: Path) -> None:
    """A GIF tells neither its length nor its frames in front; that it is whole shows in its last byte."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 64))
        if not file.read().rstrip(b"\x00").endswith(b";"):
            raise MediaRejected("the file is truncated: the GIF has no end")


def _mp4_kind(head: bytes) -> str:
    brand = head[8:12]
    if head[4:8] == b"ftyp" and brand in STILL_BRANDS:
        raise MediaRejected("the file is a still image, not a video")
    return "mp4" if head[4:8] in (b"ftyp", b"styp") and brand != b"qt  " else "mov"


def is_faststart(path: Path) -> bool:
    """Whether the index of an MP4 or MOV precedes its data. Raises MediaRejected when a box ends beyond the file."""
    size = path.stat().st_size
    order: list[bytes] = []
    with path.open("rb") as file:
        position = 0
        while position < size:
            name, length = _box(file, position, size)
            order.append(name)
            position += length
            if position > size:
                raise MediaRejected("the file is truncated: it ends in the middle of its data")
            if len(order) > MAX_BOXES:
                raise MediaRejected("the file is damaged: it has too many parts")
    if b"moov" not in order:
        raise MediaRejected("the file has no index (moov), so it cannot be played")
    return b"mdat" not in order or order.index(b"moov") < order.index(b"mdat")


def _box(file: BinaryIO, position: int, size: int) -> tuple[bytes, int]:
    """Name and length of the box at a position; a length of 0 means up to the end of the file."""
    file.seek(position)
    header = file.read(16)
    if len(header) < 8:
        raise MediaRejected("the file is truncated: it ends in the middle of a header")
    length, least = int.from_bytes(header[:4]), 8
    if length == 1:
        length, least = int.from_bytes(header[8:16]), 16
    if length == 0:
        length = size - position
    if length < least:
        raise MediaRejected("the file is damaged: a part of it has an impossible size")
    return header[4:8], length
