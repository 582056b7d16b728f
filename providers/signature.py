"""Standard Webhooks signatures, as Replicate sends them. https://replicate.com/docs/topics/webhooks/verify-webhook"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from core.outcome import CallbackRefused

TOLERANCE_SECONDS = 300
_IDENTIFIER = re.compile(r"[\x21-\x7e]{1,256}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_MOST_SIGNATURES = 16


def verified(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> str:
    """The delivery's id, when one `v1` signature fits one secret and the timestamp is within 300 seconds.

    Raises CallbackRefused for everything else. Header names are lower case.
    """
    identifier = _header(headers, "webhook-id", _IDENTIFIER)
    timestamp = _header(headers, "webhook-timestamp", _TIMESTAMP)
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:
        raise CallbackRefused("the webhook's timestamp is too far from now")
    message = f"{identifier}.{timestamp}.".encode("ascii") + body
    digests = [hmac.new(key, message, hashlib.sha256).digest() for secret in secrets if (key := _key(secret))]
    if not digests:
        raise CallbackRefused("there is no secret to verify the webhook with")
    given = _signatures(headers.get("webhook-signature", ""))
    # A list, not any(): every pair is compared, so that the time taken does not tell which one fitted.
    if True not in [hmac.compare_digest(digest, signature) for digest in digests for signature in given]:
        raise CallbackRefused("the webhook's signature is wrong")
    return identifier


def _header(headers: Mapping[str, str], name: str, shape: re.Pattern[str]) -> str:
    value = headers.get(name, "")
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise CallbackRefused(f"the header {name} is missing or malformed")
    return value


def _key(secret: str) -> bytes:
    """The key's bytes; empty (and then never used) when the secret is not `whsec_` and base64."""
    return _decoded(secret.removeprefix("whsec_"))


def _signatures(header: str) -> list[bytes]:
    """The `v1` entries of a space-separated list. Any other scheme, known or not, counts for nothing."""
    entries = header.split(" ")[:_MOST_SIGNATURES] if isinstance(header, str) else []
    return [_decoded(entry.removeprefix("v1,")) for entry in entries if entry.startswith("v1,")]


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""
