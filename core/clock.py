"""Wall time as one seam, so that tests can move it."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def now() -> datetime:
    """The current time, timezone-aware, UTC."""
    return datetime.now(UTC)
