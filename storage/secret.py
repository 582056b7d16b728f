"""The secret of one installation, made once and kept in a file only its owner can read."""

import os
import secrets
from pathlib import Path

from core.errors import StorageFailed

SECRET_BYTES = 32


def installation_secret(path: Path) -> bytes:
    """The secret in this file, which is created (mode 0600) when missing; processes that start at once agree on one.

    Raises StorageFailed when the file is shorter than 32 bytes or cannot be read or made.
    """
    try:
        if not path.exists():
            _create(path)
        path.chmod(0o600)
        secret = path.read_bytes()
    except OSError as error:
        raise StorageFailed(f"the secret file {path.name} cannot be used: {error.strerror}") from None
    if len(secret) < SECRET_BYTES:
        raise StorageFailed(f"the secret file {path.name} must hold at least {SECRET_BYTES} bytes")
    return secret


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return  # another process was first: its secret counts
    finally:
        draft.unlink()
