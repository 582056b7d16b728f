"""Catalogue rows as plain JSON data: for the snapshot, the revision and anybody who lists them."""

import enum
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal

from providers.model import Choices, Frames, Span, VideoModel


def plain(value: object) -> object:
    """Any part of a row as JSON data; durations say which kind they are."""
    if is_dataclass(value) and not isinstance(value, type):
        kind = {"kind": type(value).__name__} if isinstance(value, Choices | Span | Frames) else {}
        return kind | {member.name: plain(getattr(value, member.name)) for member in fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Mapping):
        return {" ".join(key) if isinstance(key, tuple) else str(key): plain(member) for key, member in value.items()}
    if isinstance(value, tuple | list):
        return [plain(member) for member in value]
    if isinstance(value, type):
        return value.__name__
    return str(value) if isinstance(value, Decimal | date) else value


def revision(rows: Sequence[VideoModel]) -> str:
    """Twelve hex digits that change exactly when any row changes."""
    data = json.dumps([plain(row) for row in rows], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(data.encode()).hexdigest()[:12]
