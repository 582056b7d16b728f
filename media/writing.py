"""Writes a file whole or not at all."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from media.errors import MediaFault


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A name beside `target` to write to; it takes the target's place at the end, or is removed.

    Raises MediaFault when the disk refuses, with the kind of error and not the path.
    """
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.touch()  # a directory that is missing or closed to us shall not look like a bad source
        yield part
        part.replace(target)
    except OSError as error:
        raise MediaFault(f"the result could not be written ({type(error).__name__})") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
