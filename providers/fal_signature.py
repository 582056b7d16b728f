"""The Ed25519 signatures of fal's webhooks. https://fal.ai/docs/documentation/model-apis/inference/webhooks

What is signed, and that any key of the set may sign, is told alike by six third parties and by fal's page; that the
set lies at `rest.fal.ai` is told by third parties only (older code asks `rest.alpha.fal.ai`). `cryptography` weighs
nine MiB: it is loaded with the first signature.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from core.outcome import CallbackRefused, Json

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TOLERANCE_SECONDS = 300
_LONGEST_SET = 64 * 1024
_MOST_KEYS = 16
_PRINTABLE = re.compile(r"[\x21-\x7e]{1,256}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"[0-9a-fA-F]{128}")
_KEY = re.compile(r"[A-Za-z0-9_-]{43}")


def is_key_set(text: str) -> bool:
    """Whether this is a JSON web key set with an Ed25519 key."""
    return any(True for _ in _keys([text]))


def verified(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> str:
    """The signed request id, when a key of these key sets made the signature within 300 seconds of now.

    Raises CallbackRefused for everything else. Header names are lower case.
    """
    request_id, user_id = (_header(headers, f"x-fal-webhook-{name}", _PRINTABLE) for name in ("request-id", "user-id"))
    timestamp = _header(headers, "x-fal-webhook-timestamp", _TIMESTAMP)
    signature = bytes.fromhex(_header(headers, "x-fal-webhook-signature", _SIGNATURE))
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:
        raise CallbackRefused("the webhook's timestamp is too far from now")
    keys = [*_keys(secrets)]
    if not keys:
        raise CallbackRefused("there is no key to verify the webhook with")
    message = "\n".join((request_id, user_id, timestamp, hashlib.sha256(body).hexdigest())).encode("ascii")
    if not any(_fits(key, signature, message) for key in keys):
        raise CallbackRefused("the webhook's signature is wrong")
    return request_id


def _header(headers: Mapping[str, str], name: str, shape: re.Pattern[str]) -> str:
    value = headers.get(name, "")
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise CallbackRefused(f"the header {name} is missing or malformed")
    return value


def _fits(key: "Ed25519PublicKey", signature: bytes, message: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _keys(secrets: Sequence[str]) -> "Iterator[Ed25519PublicKey]":
    """The usable keys of these key sets; what is no key set is passed over. fal's webhooks name no key."""
    for secret in secrets:
        for entry in _entries(secret)[:_MOST_KEYS]:
            key = _key(entry) if isinstance(entry, dict) else None
            if key is not None:
                yield key


def _entries(secret: str) -> list[Json]:
    try:
        document = json.loads(secret) if len(secret) <= _LONGEST_SET else None
    except (ValueError, RecursionError):
        return []
    listed = document.get("keys") if isinstance(document, dict) else None
    return listed if isinstance(listed, list) else []


def _key(entry: Mapping[str, Json]) -> "Ed25519PublicKey | None":
    point = entry.get("x")
    foreign = entry.get("alg", "EdDSA") not in ("EdDSA", "Ed25519") or entry.get("use", "sig") != "sig"
    if foreign or entry.get("kty") != "OKP" or entry.get("crv") != "Ed25519":
        return None
    if not isinstance(point, str) or not _KEY.fullmatch(point):
        return None
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(f"{point}="))
    except ValueError:
        return None
