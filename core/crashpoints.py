"""Named places where the crash rig kills the process; free when not armed.

`FILMGATE_CRASHPOINT=name` (or `name:3`, the third passage) arms one of them through `arm`, called by the settings.
"""

import os
import signal

NAMES: set[str] = set()
_armed: str | None = None
_passages_left = 0


def declare(*names: str) -> None:
    """Make crash points known to the rig, which visits every declared one."""
    NAMES.update(names)


def arm(point: str | None) -> None:
    """Arm one point: `name` or `name:passage`. None disarms. Raises ValueError for an undeclared name."""
    global _armed, _passages_left  # noqa: PLW0603 - the one switch of this module
    if point is None:
        _armed = None
        return
    name, _, passage = point.partition(":")
    if name not in NAMES:
        raise ValueError(f"unknown crash point {name!r}; known: {', '.join(sorted(NAMES))}")
    _armed, _passages_left = name, int(passage or 1)


def crashpoint(name: str) -> None:
    """Die by SIGKILL here if this point is armed and its passage has come."""
    global _passages_left  # noqa: PLW0603 - counts down to the armed passage
    if name != _armed:
        return
    _passages_left -= 1
    if _passages_left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
