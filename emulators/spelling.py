"""How vendors write moments, identifiers and pages of lists."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlsplit

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
Item = TypeVar("Item")


def iso(moment: float | None, timespec: str = "milliseconds") -> str | None:
    """Unix seconds as `2026-01-02T03:04:05.678Z`; None stays None."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def moment_of(text: str) -> float:
    """The inverse of `iso`; without a zone it is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def identifier(size: int, alphabet: str = ALPHABET) -> str:
    """A random id."""
    return "".join(secrets.choice(alphabet) for _ in range(size))


def page(items: Sequence[Item], limit: int, offset: int = 0) -> tuple[list[Item], bool]:
    """`limit` items from `offset` on, and whether there are more."""
    return list(items[offset : offset + limit]), len(items) > offset + limit


def whole(text: str | None, otherwise: int, least: int = 0, most: int = 1_000_000) -> int | None:
    """The whole number of a query parameter; None when it is not one, or out of bounds."""
    if text is None:
        return otherwise
    return int(text) if text.isascii() and text.isdecimal() and least <= int(text[:9]) <= most else None


def is_fetchable(url: object) -> bool:
    """Whether a vendor fetches from this address: https, or plain http on loopback, where only an emulator can."""
    if not isinstance(url, str):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    is_loopback = parts.hostname in ("localhost", "::1") or (parts.hostname or "").startswith("127.")
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback))
