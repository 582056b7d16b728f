"""Page tokens: opaque, signed, and good for the very list they came from."""

import base64
import binascii
import hmac

from core.errors import InvalidRequest, Reason, Violation

_MAC_BYTES = 16
_LONGEST = 200


class PageTokens:
    """Makes and reads tokens with one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def make(self, fingerprint: str, last: str) -> str:
        """The token of the page after the row `last` of the list with this fingerprint."""
        return base64.urlsafe_b64encode(self._mac(fingerprint, last) + last.encode()).decode().rstrip("=")

    def read(self, fingerprint: str, token: str) -> str:
        """The row after which the page begins; empty for the first page. Raises InvalidRequest."""
        if not token:
            return ""
        try:
            if len(token) > _LONGEST:
                raise ValueError
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            last = raw[_MAC_BYTES:].decode("ascii")
            if not last or not hmac.compare_digest(raw[:_MAC_BYTES], self._mac(fingerprint, last)):
                raise ValueError
        except (ValueError, binascii.Error):
            raise _refusal() from None
        return last

    def _mac(self, fingerprint: str, last: str) -> bytes:
        return hmac.digest(self._key, f"page\0{fingerprint}\0{last}".encode(), "sha256")[:_MAC_BYTES]


def _refusal() -> InvalidRequest:
    text = "is not a token of this list; take `next_page_token` as it came and change no other field"
    return InvalidRequest.of([Violation(field="page_token", message=text, reason=Reason.INVALID_PAGE_TOKEN)])
