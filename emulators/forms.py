"""Reads multipart/form-data bodies, as the vendors' upload routes get them."""

import re
from dataclasses import dataclass
from email.message import Message


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One part of a form; `filename` is None for plain text fields."""

    name: str
    filename: str | None
    content_type: str
    data: bytes


def read_form(content_type: str, body: bytes) -> dict[str, Part] | None:
    """The parts by name, the last of each; None when this is no well-formed multipart body."""
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_param("boundary")
    if header.get_content_type() != "multipart/form-data" or not isinstance(boundary, str):
        return None
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary.encode("latin-1"))
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        return None
    parts = [_part(piece) for piece in pieces[1:-1]]
    return {part.name: part for part in parts if part is not None}


def _part(piece: bytes) -> Part | None:
    head, separator, data = piece.partition(b"\r\n\r\n")
    headers = Message()
    for name, value in re.findall(r"^([A-Za-z-]+):[ \t]*(.*?)\r?$", head.decode("utf-8", "replace"), re.MULTILINE):
        headers[name] = value
    name, filename = (headers.get_param(key, header="content-disposition") for key in ("name", "filename"))
    if not separator or not isinstance(name, str):
        return None
    kind = headers.get("content-type", "application/octet-stream")
    return Part(name=name, filename=filename if isinstance(filename, str) else None, content_type=kind, data=data)
