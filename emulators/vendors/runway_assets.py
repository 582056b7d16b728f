"""The input files of the emulated Runway: whether an address is good, and what is seen of a file that is at hand."""

import asyncio
import ipaddress
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from core.errors import MediaRejected
from emulators import ledger
from emulators.exchange import Exchange
from emulators.images import from_data_uri, read_head
from media.probe import probe

MAX_DATA_URI = {"image": 5 * 1024 * 1024, "video": 16 * 1024 * 1024, "audio": 16 * 1024 * 1024}
MAX_URL = 2048
UNSEEN_SECONDS = 5.0
"""How long a video elsewhere is taken to be: an emulator contacts no one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Media:
    """What is seen of an input; nothing of one elsewhere."""

    size: tuple[int, int] | None = None
    seconds: float = 0.0
    sounds: bool = False


def trouble(uri: str, kind: str, uploads: Collection[str]) -> str:
    """What is wrong with the address of an `image`, a `video` or an `audio`; empty when nothing is."""
    if uri.startswith("runway://"):
        return "" if uri in uploads else "The upload does not exist or has expired"
    return _data_trouble(uri, kind) if uri.startswith("data:") else _url_trouble(uri)


def _data_trouble(uri: str, kind: str) -> str:
    most = MAX_DATA_URI[kind]
    if len(uri) > most:
        return f"Data URIs must be at most {most // 1024**2}MB"
    data = from_data_uri(uri)
    if kind != "image":
        return "" if data and uri.startswith(f"data:{kind}/") else f"Expected a base64 data URI of a {kind}"
    head = read_head(data or b"")
    matches = head is not None and uri.startswith(f"data:{head.mime_type};")
    return "" if matches else "Expected a base64 data URI of a JPEG, PNG or WebP image"


def _url_trouble(uri: str) -> str:
    if len(uri) > MAX_URL:
        return f"URLs must be at most {MAX_URL} characters"
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
    except ValueError:
        return "Invalid URL"
    if parts.scheme != "https" or not host:
        return "Only HTTPS URLs are allowed"
    return "URLs must use a hostname" if _is_address(host) else ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


async def working_uploads(exchange: Exchange) -> set[str]:
    """The `runway://` addresses that are filled and have not expired."""
    if b"runway://" not in exchange.body:
        return set()
    documents = await exchange.world.ledger.do(ledger.files, "runway")
    return {each["uri"] for each in documents if each["filled"] and each["expires"] > exchange.at}


async def seen(exchange: Exchange, uri: str) -> Media:
    """What the file of a good address is."""
    folder = exchange.world.uploads
    if uri.startswith("runway://"):
        return await asyncio.to_thread(_facts, folder / uri.removeprefix("runway://"))
    data = from_data_uri(uri)
    if data is None:
        return Media()
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        file.write(data)
        file.flush()
        return await asyncio.to_thread(_facts, Path(file.name))


def _facts(path: Path) -> Media:
    """The size and length of an image or a video; blocking."""
    head = read_head(path.read_bytes()[:65_536])
    if head is not None:
        return Media(size=(head.width, head.height))
    try:
        facts = probe(path)
    except MediaRejected:
        return Media()
    return Media(size=(facts.width, facts.height), seconds=facts.duration, sounds=bool(facts.audio_codec))
