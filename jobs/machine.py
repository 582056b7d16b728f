"""What this machine has left: memory and disk, cheaply read."""

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterable
from pathlib import Path

_STATM = Path("/proc/self/statm")
_CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def memory_limit() -> int:
    """Bytes this process may use at most: what its control group, or else the machine, has. 0 where nobody says."""
    return min((limit for limit in (_machine(), *map(_group, _CGROUP_LIMITS)) if limit), default=0)


def _machine() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return 0


def _group(path: Path) -> int:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):  # no such file, or the word `max`
        return 0


def resident() -> int:
    """Resident bytes of this process; 0 where the system does not tell."""
    try:
        return int(_STATM.read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def release_memory() -> None:
    """Have the allocator give back what it keeps for later."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


def free_disk(folders: Iterable[Path]) -> int:
    """Bytes that are free for us on the fullest of the folders' disks; folders that are not there do not count."""
    free = []
    for folder in folders:
        with contextlib.suppress(OSError):
            found = os.statvfs(folder)
            free.append(found.f_bavail * found.f_frsize)
    return min(free, default=sys.maxsize)
