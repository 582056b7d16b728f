"""Who calls: the fingerprint of the key that was sent, never the key."""

import hashlib
from typing import Any, TypeAlias

import grpc

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"  # generic in the stubs only

OPERATOR = "operator"
_FINGERPRINT = 12


class Callers:
    """Names callers for the audit entries. The guard has checked their key before."""

    def __init__(self, *, keyed: bool) -> None:
        """`keyed`: whether this server asks for a key at all."""
        self._keyed = keyed

    def name(self, context: Context) -> str:
        """`key:` and twelve hexadecimal digits of the key's SHA-256; `operator` on a server without a key."""
        if self._keyed:
            for name, value in context.invocation_metadata() or ():
                if name == "authorization":
                    given = value if isinstance(value, bytes) else str(value).encode()
                    return f"key:{hashlib.sha256(given.partition(b' ')[2].strip()).hexdigest()[:_FINGERPRINT]}"
        return OPERATOR
