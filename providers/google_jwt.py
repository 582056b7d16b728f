"""The signed tokens of Google's per-request webhooks. https://ai.google.dev/gemini-api/docs/webhooks

RS256 alone: which key signed is told by `kid`, what was signed by nothing but the key set of Google's own host.
`cryptography` weighs nine MiB: it is loaded with the first signature.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from core.outcome import CallbackRefused, Json
from providers.base import finite

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

LEEWAY_SECONDS = 60
OLDEST_SECONDS = 300
_LONGEST = 32 * 1024
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_ISSUERS = frozenset({"generativelanguage.googleapis.com", "accounts.google.com"})
_SMALLEST_KEY, _LARGEST_KEY = 2048, 8192


def looks_like_token(text: str) -> bool:
    """Whether a signature header holds a token instead of Standard Webhooks' `v1,…`."""
    return len(text) <= _LONGEST and _COMPACT.fullmatch(text) is not None


def is_key_set(text: str) -> bool:
    """Whether this is a JSON web key set with a key that we can use."""
    return any(True for _ in _keys([text]))


def verified(token: str, secrets: Sequence[str], now: datetime) -> Mapping[str, Json]:
    """The claims of a token that a key of these key sets signed, and that is neither stale nor somebody else's.

    Raises CallbackRefused. The audience is the caller's to judge.
    """
    if not looks_like_token(token):
        raise CallbackRefused("the webhook's signature is no token")
    head, body, signature = token.split(".")
    header, claims = _object(head), _object(body)
    if header is None or claims is None or header.get("alg") != "RS256" or "crit" in header:
        raise CallbackRefused("the webhook's token is not an RS256 token")
    keys = [key for name, key in _keys(secrets) if name == header.get("kid")]
    if not keys:
        raise CallbackRefused("the webhook's token names a key that the vendor does not publish")
    message = f"{head}.{body}".encode("ascii")
    if not any(_fits(key, _decoded(signature), message) for key in keys):
        raise CallbackRefused("the webhook's signature is wrong")
    _check_time(claims, now.timestamp())
    _check_issuer(claims.get("iss"))
    return claims


def _fits(key: "RSAPublicKey", signature: bytes, message: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        key.verify(signature, message, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _check_time(claims: Mapping[str, Json], now: float) -> None:
    """`exp` where there is one, else an `iat` of the last minutes; no clock runs more than a minute ahead of ours."""
    expires, issued, begins = (finite(claims.get(name)) for name in ("exp", "iat", "nbf"))
    if expires is None and issued is None:
        raise CallbackRefused("the webhook's token says neither when it was made nor when it ends")
    if expires is not None and now >= expires + LEEWAY_SECONDS:
        raise CallbackRefused("the webhook's token has expired")
    if expires is None and issued is not None and now - issued > OLDEST_SECONDS:
        raise CallbackRefused("the webhook's token is too old")
    if any(moment is not None and moment > now + LEEWAY_SECONDS for moment in (issued, begins)):
        raise CallbackRefused("the webhook's token is from the future")


def _check_issuer(issuer: Json) -> None:
    """Google does not document the issuer: these are its known ones, and a token may name none."""
    if issuer is None:
        return
    text = issuer if isinstance(issuer, str) else "?"
    try:
        host = urlsplit(text if "//" in text else f"//{text}").hostname
    except ValueError:
        host = None
    if host not in _ISSUERS and not re.fullmatch(r"[a-z0-9.-]+@[a-z0-9.-]+\.gserviceaccount\.com", text):
        raise CallbackRefused("the webhook's token is not from Google")


def _keys(secrets: Sequence[str]) -> "Iterator[tuple[Json, RSAPublicKey]]":
    """Key id and key of every usable RSA key in these key sets; what is no key set is passed over."""
    for secret in secrets:
        document = _parsed(secret) if secret.startswith("{") else None
        listed = document.get("keys") if document else None
        for entry in listed if isinstance(listed, list) else []:
            key = _key(entry) if isinstance(entry, dict) and isinstance(entry.get("kid"), str) else None
            if key is not None:
                yield entry["kid"], key


def _key(entry: Mapping[str, Json]) -> "RSAPublicKey | None":
    if entry.get("kty") != "RSA" or entry.get("alg", "RS256") != "RS256" or entry.get("use", "sig") != "sig":
        return None
    modulus, exponent = (int.from_bytes(_decoded(entry.get(name)), "big") for name in ("n", "e"))
    if not _SMALLEST_KEY <= modulus.bit_length() <= _LARGEST_KEY or not 3 <= exponent < 2**32:
        return None
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

    try:
        return RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError:
        return None


def _object(part: str) -> dict[str, Json] | None:
    return _parsed(_decoded(part))


def _parsed(text: str | bytes) -> dict[str, Json] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _decoded(part: Json) -> bytes:
    """Base64url without padding; empty for anything else."""
    if not isinstance(part, str) or not re.fullmatch(r"[A-Za-z0-9_-]*", part):
        return b""
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        return b""
