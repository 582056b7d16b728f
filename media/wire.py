"""How the pool and its workers talk: length-prefixed pickles, of which the parent reads plain data only."""

import io
import pickle
import struct
from typing import Any

HEADER = struct.Struct(">I")
MAX_REPLY = 64 * 1024 * 1024
"""Bytes of one reply; a worker that was taken over must not fill the server's memory either."""

RESULT, REJECTED, FAILED = "result", "rejected", "failed"

_ALLOWED = frozenset({("media.facts", "MediaFacts"), ("media.facts", "ImageFacts")})


class _PlainData(pickle.Unpickler):
    """Builds builtin values and our facts, nothing else: decoders ran in the sender, so it may be hostile."""

    def find_class(self, module: str, name: str) -> Any:
        """The class of that name, if it is one of our facts."""
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError("a media worker may return plain data and facts only")
        return super().find_class(module, name)


def encode(value: object) -> bytes:
    """A frame body. Functions go by reference."""
    return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)


def decode_reply(body: bytes) -> tuple[str, Any]:
    """(RESULT, value), (REJECTED, text) or (FAILED, text). Raises ValueError for anything else."""
    try:
        kind, value = _PlainData(io.BytesIO(body)).load()
    except Exception as error:  # bytes of a worker that decoded hostile media: unpickling may raise anything
        raise ValueError("unreadable reply of a media worker") from error
    if kind not in (RESULT, REJECTED, FAILED):
        raise ValueError("unreadable reply of a media worker")
    return kind, value
