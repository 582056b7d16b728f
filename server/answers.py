"""Answers to GetJob as bytes: made once, exact until the bell rings for the job.

What another replica writes is heard a few milliseconds later; while nothing can be heard, nothing is remembered.
"""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from jobs.events import Bell

_KEPT = 4096
_LONGEST_SECONDS = 30.0
"""An answer holds presigned addresses, and they should be nearly as fresh as the caller expects."""


@dataclass(frozen=True, slots=True)
class _Kept:
    tenant: str
    body: bytes
    until: float


class JobAnswers:
    """Remembers answers by job; forgets one whenever there is news of its job."""

    def __init__(self, bell: Bell, url_ttl: float) -> None:
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._being_made: dict[str, object] = {}
        self._seconds = min(_LONGEST_SECONDS, url_ttl / 10)
        self._bell = bell
        bell.tell(self._forget)

    def known(self, job_id: str, tenant: str) -> bytes | None:
        """The answer, if it is still exact. Another tenant's is as unknown as one that never was."""
        kept = self._kept.get(job_id)
        if kept is None or kept.tenant != tenant or kept.until < time.monotonic() or self._bell.deaf:
            return None
        self._kept.move_to_end(job_id)
        return kept.body

    async def make(self, job_id: str, tenant: str, make: Callable[[], Awaitable[bytes]]) -> bytes:
        """Make the answer, and keep it unless there was news meanwhile."""
        mark = object()
        self._being_made[job_id] = mark
        try:
            body = await make()
            if self._being_made.get(job_id) is mark:
                self._kept[job_id] = _Kept(tenant, body, time.monotonic() + self._seconds)
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            return body
        finally:
            if self._being_made.get(job_id) is mark:
                del self._being_made[job_id]

    def _forget(self, key: str | None) -> None:
        if key is None:
            self._kept.clear()
            self._being_made.clear()
        else:
            self._kept.pop(key, None)
            self._being_made.pop(key, None)
