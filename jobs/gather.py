"""Reads for many callers at once what each of them asks for alone: after a restart thousands ask in the same second."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

import sqlalchemy as sa

from core.database import Database
from core.errors import DatabaseUnavailable

Result = TypeVar("Result")
Read = Callable[[sa.Connection, Sequence[str]], Mapping[str, Result]]
"""Key -> result, for those of the keys that it finds."""

_AT_ONCE = 200


class Gathered(Generic[Result]):
    """`await gathered(key)`: what `read(connection, keys)` gives for the key; KeyError when it gives nothing.

    Every answer is read after it was asked for. Who asks alone is answered as soon as without it.
    """

    def __init__(
        self, database: Database, read: Callable[[sa.Connection, Sequence[str]], Mapping[str, Result]]
    ) -> None:
        self._database = database
        self._read = read
        self._asked: dict[str, asyncio.Future[Result]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def __call__(self, key: str) -> Result:
        """Raises what the reading raises."""
        future = self._asked.get(key)
        if future is None:
            future = self._asked[key] = asyncio.get_running_loop().create_future()
        if self._reading is None:
            self._reading = asyncio.create_task(self._run(), name="filmgate-gathered")
        return await asyncio.shield(future)

    async def _run(self) -> None:
        try:
            while self._asked:
                keys = list(self._asked)[:_AT_ONCE]
                await self._answer({key: self._asked.pop(key) for key in keys})
        finally:
            self._reading = None

    async def _answer(self, asked: Mapping[str, "asyncio.Future[Result]"]) -> None:
        try:
            found = await self._database.read(lambda connection: self._read(connection, list(asked)))
        except DatabaseUnavailable as error:
            _refuse(asked.values(), error)
        except Exception as error:  # told to who asked for what cannot be read; the others get theirs
            if len(asked) == 1:
                return _refuse(asked.values(), error)
            for key, future in asked.items():
                await self._answer({key: future})
        except BaseException:
            for future in asked.values():
                future.cancel()
            raise
        else:
            for key, future in asked.items():
                if key in found:
                    future.set_result(found[key])
                else:
                    _refuse([future], KeyError(key))


def _refuse(futures: "Iterable[asyncio.Future[Result]]", error: Exception) -> None:
    for future in futures:
        future.set_exception(error)
        future.exception()  # whoever asked may have gone
