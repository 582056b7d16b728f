"""A store's own threads: blocking calls never touch the event loop, nor the loop's default executor (the engine's)."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Workers:
    """A named pool of threads."""

    def __init__(self, name: str, threads: int) -> None:
        self._executor = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=name)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The function's result. Cancelling stops the waiting, not a call that has begun."""
        return await asyncio.wrap_future(self._executor.submit(function, *args, **kwargs))

    def later(self, function: Callable[[], object]) -> None:
        """Run it some time soon, even when the pool is closed meanwhile; its result and errors are of no interest."""
        try:
            begun = self._executor.submit(function)
        except RuntimeError:  # the pool is closed already: do it here
            function()
        else:
            begun.add_done_callback(lambda future: future.cancelled() and function())

    async def close(self) -> None:
        """Drop what has not begun, wait for what has."""
        loop = asyncio.get_running_loop()
        closed = asyncio.Event()

        def wait() -> None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            loop.call_soon_threadsafe(closed.set)

        threading.Thread(target=wait, name="storage-close").start()
        await closed.wait()
