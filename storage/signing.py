"""Signed, expiring `/media/…` URLs of the disk store: HMAC-SHA256 over method, key, expiry and file name."""

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

from storage.store import SignedUrl, check_key, check_ttl

MEDIA_PATH = "/media/"
_EXPIRES = re.compile(r"[1-9][0-9]{0,10}", re.ASCII)


class UrlRefused(ValueError):
    """Not a URL of ours, not for this object, or expired: the text never says which."""

    def __init__(self) -> None:
        super().__init__("this link is not valid or has expired")


class UrlSigner:
    """Makes and verifies the URLs. `base_url` is what browsers see in front of `/media/`; empty makes paths."""

    def __init__(self, secret: bytes, base_url: str) -> None:
        if len(secret) < 32:
            raise ValueError("the signing secret must have at least 32 bytes")
        self._secret = secret
        self._base_url = base_url.rstrip("/")

    def sign(self, key: str, ttl: timedelta, now: datetime, *, filename: str | None = None) -> SignedUrl:
        """A URL for GET and HEAD of this key; `filename` becomes part of what is signed."""
        expires = int(now.timestamp() + check_ttl(ttl).total_seconds())
        name = _clean(filename or "")
        query = {"expires": str(expires), **({"filename": name} if name else {})}
        query["signature"] = self._signature(check_key(key), query["expires"], name)
        url = f"{self._base_url}{MEDIA_PATH}{quote(key)}?{urlencode(query)}"
        return SignedUrl(url=url, expire_time=datetime.fromtimestamp(expires, UTC))

    def verify(self, key: str, expires: str, signature: str, now: datetime, *, filename: str = "") -> str:
        """The key, when this signature is ours and has not expired; UrlRefused otherwise.

        `key` is the path after `/media/`, percent-decoded once, as every ASGI server gives it; a key never holds a
        percent sign, so what was encoded twice is refused.
        """
        try:
            expected = self._signature(check_key(key), expires, filename)
            given = signature.encode("ascii")
        except ValueError:
            raise UrlRefused from None
        if not hmac.compare_digest(expected.encode(), given) or not _EXPIRES.fullmatch(expires):
            raise UrlRefused
        if now.timestamp() >= int(expires):
            raise UrlRefused
        return key

    def _signature(self, key: str, expires: str, filename: str) -> str:
        message = "\n".join(("GET", key, expires, filename)).encode()
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()


def _clean(filename: str) -> str:
    return "".join(character for character in filename if character.isprintable())[:150]
