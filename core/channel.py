"""Words between the processes that share a Postgres, by LISTEN and NOTIFY.

https://www.postgresql.org/docs/current/sql-notify.html
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from core.postgres import connect_arguments

_CHANNEL = "filmgate_bell"
_WORDS_AT_ONCE = 150
"""A payload ends at 8,000 bytes."""
_MOST_WAITING = 5_000
_EVERYTHING = "*"
_PAUSES = (0.05, 0.2, 0.5, 1.0)

Heard = Callable[[Sequence[str] | None], None]
"""Gets words of another process; None: any word may have been missed."""


class Channel:
    """Sends words to the other processes, and hears theirs; what is said while one is cut off is lost to it."""

    def __init__(self, url: str, instance: str, heard: Heard, cut: Callable[[], None]) -> None:
        """`heard` and `cut` are called on the loop: at words, and when none can be heard for the moment."""
        self._arguments = connect_arguments(url) | {"application_name": f"fgbell:{instance}", "autocommit": True}
        self._instance = instance
        self._heard = heard
        self._cut = cut
        self._waiting: dict[str, None] = {}
        self._something = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Listen and speak, each on a connection of its own, until stopped."""
        for name, work in (("filmgate-listen", self._listen), ("filmgate-speak", self._speak)):
            self._tasks.append(asyncio.create_task(self._for_ever(work), name=name))

    async def stop(self) -> None:
        """Say what waits, for a moment at most, then let go."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                while self._waiting:  # noqa: ASYNC110 - a few looks, once per life
                    await asyncio.sleep(0.01)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def say(self, words: Sequence[str]) -> None:
        """Tell the others soon; many in one message."""
        if len(self._waiting) > _MOST_WAITING:
            self._waiting = {_EVERYTHING: None}
        self._waiting.update(dict.fromkeys(words))
        self._something.set()

    async def _for_ever(self, work: Callable[[psycopg.AsyncConnection[Any]], Any]) -> None:
        failures = 0
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(**self._arguments) as connection:
                    failures = 0
                    await work(connection)
            except (psycopg.Error, OSError):
                pass  # it is away: the writer and the readers say so louder
            if work == self._listen:
                self._cut()
            await asyncio.sleep(_PAUSES[min(failures, len(_PAUSES) - 1)])
            failures += 1

    async def _listen(self, connection: psycopg.AsyncConnection[Any]) -> None:
        await connection.execute(f"LISTEN {_CHANNEL}")
        self._heard(None)
        async for notice in connection.notifies():
            speaker, *words = notice.payload.split(" ")
            if speaker != self._instance:
                self._heard(None if _EVERYTHING in words else words)

    async def _speak(self, connection: psycopg.AsyncConnection[Any]) -> None:
        while True:
            await self._something.wait()
            words = list(self._waiting)[:_WORDS_AT_ONCE]
            payload = " ".join((self._instance, *words))
            await connection.execute("SELECT pg_notify(%s, %s)", (_CHANNEL, payload))
            for word in words:
                self._waiting.pop(word, None)
            if not self._waiting:
                self._something.clear()
