"""Secrets of outgoing webhooks and what they sign (https://www.standardwebhooks.com).

Every secret is derived from one root that is not in the database: by what it belongs to, and a serial that a rotation
raises. So nothing secret is stored, and whoever reads the database can sign nothing.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field

_PREFIX = "whsec_"


def sign(secret: str, delivery_id: str, timestamp: int, body: bytes) -> str:
    """One entry of the `webhook-signature` header: `v1,` + base64 HMAC-SHA256 over `id.timestamp.body`."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    digest = hmac.digest(key, f"{delivery_id}.{timestamp}.".encode() + body, "sha256")
    return "v1," + base64.b64encode(digest).decode()


def headers(secrets: Sequence[str], delivery_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of one attempt; during a rotation one signature by each secret, the newest first."""
    return {
        "content-type": "application/json",
        "webhook-id": delivery_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(sign(secret, delivery_id, timestamp, body) for secret in secrets),
    }


def fingerprint(secret: str) -> str:
    """Tells two secrets apart without telling either."""
    return hashlib.sha256(secret.encode()).hexdigest()[:16]


def tenants_own(tenant: str) -> str:
    """The owner of the secrets that sign the webhooks which a tenant's requests name."""
    return f"tenant:{tenant}"


@dataclass(frozen=True, slots=True)
class Root:
    """What every secret is derived from: `whsec_` and base64, from the settings."""

    text: str = field(repr=False)

    def secret(self, owner: str, serial: int) -> str:
        """The secret of an endpoint (its id) or of `tenants_own`: `whsec_` + base64 of 32 bytes."""
        key = base64.b64decode(self.text.removeprefix(_PREFIX))
        digest = hmac.digest(key, f"webhook-secret\0{owner}\0{serial}".encode(), "sha256")
        return _PREFIX + base64.b64encode(digest).decode()
