"""How vendors sign their webhooks: Standard Webhooks (HMAC), Ed25519 and RS256 JSON web tokens, with their key sets.

Every key is made from, or kept beside, the emulators' own secret, and survives a restart.
"""

import base64
import functools
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from core.outcome import Json
from emulators.webhooks import Letter, Sign

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from emulators.world import World


def unpadded(data: bytes) -> str:
    """Base64url without padding, as JSON web keys and tokens have it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def webhook_secret(world: "World", name: str) -> str:
    """The `whsec_...` secret of this name; always the same at one emulator."""
    return "whsec_" + base64.b64encode(world.derived(f"webhooks {name}", 24)).decode()


def hmac_signature(secret: str, webhook_id: str, timestamp: int, body: bytes) -> str:
    """`v1,` and the base64 HMAC-SHA256 over `{id}.{timestamp}.{body}`. https://www.standardwebhooks.com"""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{webhook_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def standard_headers(secret: str, letter: Letter) -> dict[str, str]:
    """The three headers of Standard Webhooks; a forged letter is signed with another secret."""
    if letter.forged:
        secret = "whsec_" + base64.b64encode(b"not the secret of this account").decode()
    return {
        "webhook-id": letter.webhook_id,
        "webhook-timestamp": str(letter.timestamp),
        "webhook-signature": hmac_signature(secret, letter.webhook_id, letter.timestamp, letter.body),
    }


def standard_webhooks(name: str) -> Sign:
    """Standard Webhooks with the account's one secret, `webhook_secret(world, name)`."""

    async def sign(world: "World", letter: Letter) -> Mapping[str, str]:
        return standard_headers(webhook_secret(world, name), letter)

    return sign


def ed25519_seed(world: "World", name: str, *, forged: bool = False) -> bytes:
    """The private key of this name; a forged one is not in `ed25519_jwk`."""
    return world.derived(f"{'forged ' if forged else ''}ed25519 {name}", 32)


def ed25519_signature(seed: bytes, message: bytes) -> bytes:
    """The 64 bytes of an Ed25519 signature."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def ed25519_jwk(seed: bytes, key_id: str) -> dict[str, Json]:
    """The public key, as one of a JWKS' `keys`."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return {"kty": "OKP", "crv": "Ed25519", "kid": key_id, "x": unpadded(public)}


def _new_rsa_key() -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return rsa.generate_private_key(public_exponent=65_537, key_size=2048).private_bytes(*form).decode()


async def rsa_key(world: "World", name: str, *, forged: bool = False) -> "RSAPrivateKey":
    """The private key of this name, made when first asked for; a forged one is nobody's."""
    return _read_rsa_key(await world.kept(f"{'forged ' if forged else ''}rsa {name}", _new_rsa_key))


@functools.lru_cache(maxsize=4)  # reading one checks its numbers, which takes as long as many signatures
def _read_rsa_key(pem: str) -> "RSAPrivateKey":
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(pem.encode(), password=None)
    assert isinstance(key, RSAPrivateKey)
    return key


def rsa_jwk(key: "RSAPrivateKey", key_id: str) -> dict[str, Json]:
    """The public key, as one of a JWKS' `keys`."""
    numbers = key.public_key().public_numbers()
    modulus, exponent = (each.to_bytes((each.bit_length() + 7) // 8, "big") for each in (numbers.n, numbers.e))
    facts = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": key_id}
    return facts | {"n": unpadded(modulus), "e": unpadded(exponent)}


def rs256_token(key: "RSAPrivateKey", key_id: str, claims: Mapping[str, Json]) -> str:
    """A signed JSON web token with these claims."""
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    header = {"alg": "RS256", "kid": key_id, "typ": "JWT"}
    text = ".".join(unpadded(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    return f"{text}.{unpadded(key.sign(text.encode(), PKCS1v15(), SHA256()))}"
