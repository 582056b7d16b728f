"""The process that decodes: `python -m media.worker FD MEMORY CPU_SECONDS`, one call after another until EOF."""

import ctypes
import os
import pickle
import resource
import signal
import socket
import sys
import time
from typing import Protocol

from core.errors import MediaRejected
from media.errors import MediaFault
from media.wire import FAILED, HEADER, REJECTED, RESULT, encode

NICENESS = 10
MAX_FILE = 8 * 1024**3
PR_SET_PDEATHSIG = 1


class Readable(Protocol):
    """Gives up to so many bytes; fewer only at EOF."""

    def read(self, size: int, /) -> bytes: ...


def main() -> None:
    """Serve calls that arrive on the inherited socket; returns when the server closes it."""
    descriptor, memory, cpu_seconds = (int(argument) for argument in sys.argv[1:4])
    die_with_parent()
    bound(memory)
    with socket.socket(fileno=descriptor) as connection, connection.makefile("rwb") as stream:
        while (call := read_call(stream)) is not None:
            bound_cpu(cpu_seconds)
            reply = answer(call)
            stream.write(HEADER.pack(len(reply)))
            stream.write(reply)
            stream.flush()


def die_with_parent() -> None:
    """Have the kernel kill this process when the server dies, even in the middle of a decoder call."""
    if sys.platform != "linux":
        return  # elsewhere EOF on the socket ends an idle worker and the CPU limit ends a busy one
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def bound(memory: int) -> None:
    """Be polite and small: niceness, address space in bytes, no core files, no file without end."""
    os.nice(NICENESS)
    if sys.platform == "linux":  # macOS has the name and refuses the call
        lower(resource.RLIMIT_AS, memory)
    lower(resource.RLIMIT_FSIZE, MAX_FILE)
    lower(resource.RLIMIT_CORE, 0)


def bound_cpu(seconds: int) -> None:
    """Allow this many more CPU seconds, then SIGXCPU."""
    lower(resource.RLIMIT_CPU, int(time.process_time()) + seconds + 1)


def lower(limit: int, value: int) -> None:
    """Set a soft limit, not above the hard one."""
    _, hard = resource.getrlimit(limit)
    resource.setrlimit(limit, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def read_call(stream: Readable) -> bytes | None:
    """The next call, or None when the server is gone."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    (length,) = HEADER.unpack(header)
    body = stream.read(length)
    return body if len(body) == length else None


def answer(call: bytes) -> bytes:
    """Run one call; exceptions become texts, since a decoder's own exception objects must not travel."""
    try:
        function, arguments, keywords = pickle.loads(call)  # noqa: S301 - written by our own server process
        return encode((RESULT, function(*arguments, **keywords)))
    except MediaRejected as rejection:
        return encode((REJECTED, str(rejection)))
    except MediaFault as fault:
        return encode((FAILED, str(fault)))
    except MemoryError:
        return encode((REJECTED, "the file needs more memory than it may have"))
    except Exception as error:  # the caller learns of any fault by its type; its text may name paths
        return encode((FAILED, f"unexpected {type(error).__name__}"))


if __name__ == "__main__":
    main()
