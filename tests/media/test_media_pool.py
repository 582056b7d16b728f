"""Whatever a call does to its worker, nothing else notices."""

import asyncio
import os
import pickle
import resource
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest
import uvloop

from core.errors import MediaRejected
from media.errors import MediaCrashed, MediaFault, MediaTimeout
from media.facts import MediaFacts
from media.pool import MediaPool, WorkerLimits
from media.probe import verify
from media.wire import RESULT, decode_reply, encode

SOON = 20.0


@pytest.fixture
async def pool() -> AsyncIterator[MediaPool]:
    async with MediaPool(workers=2) as pool:
        yield pool


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON):
        while not condition():  # noqa: ASYNC110 - another process's state sets no event of ours
            await asyncio.sleep(0.005)


def is_gone(process_id: int) -> bool:
    try:
        return psutil.Process(process_id).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def test_a_result_comes_back_from_another_process(pool: MediaPool, clip: Path) -> None:
    assert pool.process_ids == frozenset()
    facts = await pool.run(verify, clip, timeout=SOON)
    assert isinstance(facts, MediaFacts)
    assert facts.frame_count == 24
    assert os.getpid() not in pool.process_ids


async def test_workers_are_reused_and_work_side_by_side(pool: MediaPool) -> None:
    seen = {await pool.run(os.getpid, timeout=SOON) for _ in range(5)}
    assert len(seen) == 1
    tasks = [asyncio.create_task(pool.run(time.sleep, 60, timeout=120)) for _ in range(3)]
    await until(lambda: len(pool.process_ids) == 2)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def test_calls_wait_for_a_free_worker(pool: MediaPool) -> None:
    seen = await asyncio.gather(*(pool.run(os.getpid, timeout=SOON) for _ in range(20)))
    assert len(set(seen)) <= 2


async def test_a_timeout_kills_only_that_worker(pool: MediaPool) -> None:
    other = asyncio.create_task(pool.run(time.sleep, 0.6, timeout=SOON))
    await until(lambda: len(pool.process_ids) == 1)
    survivor = pool.process_ids
    with pytest.raises(MediaTimeout, match=r"longer than 0\.3 s"):
        await pool.run(time.sleep, 60, timeout=0.3)
    await other
    assert pool.process_ids == survivor


async def test_a_timeout_ends_a_call_that_never_lets_go_of_the_interpreter(pool: MediaPool) -> None:
    with pytest.raises(MediaTimeout):
        await pool.run(sum, range(10**12), timeout=0.3)
    assert await pool.run(abs, -3, timeout=SOON) == 3


async def test_cancelling_kills_the_worker_at_once(pool: MediaPool) -> None:
    task = asyncio.create_task(pool.run(time.sleep, 60, timeout=120))
    await until(lambda: len(pool.process_ids) == 1)
    (process_id,) = pool.process_ids
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert pool.process_ids == frozenset()
    await until(lambda: is_gone(process_id))


async def test_cancelling_at_any_moment_leaves_no_process_behind(pool: MediaPool) -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    for step in range(12):
        task = asyncio.create_task(pool.run(time.sleep, 60, timeout=120))
        for _ in range(step):
            await asyncio.sleep(0)
        await asyncio.sleep(0.004 * (step % 4))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await pool.close()
    await until(lambda: not {child.pid for child in psutil.Process().children(recursive=True)} - before)


async def test_a_dying_worker_fails_only_its_own_call(pool: MediaPool) -> None:
    other = asyncio.create_task(pool.run(time.sleep, 0.3, timeout=SOON))
    for fatal in (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT):
        with pytest.raises(MediaCrashed, match=fatal.name):
            await pool.run(signal.raise_signal, fatal, timeout=SOON)
    await other
    assert await pool.run(abs, -3, timeout=SOON) == 3


async def test_a_worker_that_ends_by_itself_is_our_fault_not_the_files(pool: MediaPool) -> None:
    with pytest.raises(MediaFault, match="status 3"):
        await pool.run(os._exit, 3, timeout=SOON)


async def test_an_idle_worker_that_was_killed_is_replaced(pool: MediaPool) -> None:
    first = await pool.run(os.getpid, timeout=SOON)
    os.kill(first, signal.SIGKILL)
    await until(lambda: is_gone(first))
    for _ in range(3):
        await asyncio.sleep(0)  # the loop reads the end of the socket
    second = await pool.run(os.getpid, timeout=SOON)
    assert second != first


async def test_memory_is_bounded(pool: MediaPool) -> None:
    with pytest.raises(MediaRejected, match="more memory"):
        await pool.run(bytearray, 3 * 1024**3, timeout=SOON)
    async with MediaPool(workers=1, limits=WorkerLimits(memory=256 * 1024**2)) as small:
        with pytest.raises(MediaRejected, match="more memory"):
            await small.run(bytearray, 300 * 1024**2, timeout=SOON)
        assert await small.run(len, b"abc", timeout=SOON) == 3


async def test_cpu_time_is_bounded_per_call() -> None:
    async with MediaPool(workers=1, limits=WorkerLimits(cpu_seconds=1)) as pool:
        with pytest.raises(MediaCrashed, match="more than 1 s of CPU"):
            await pool.run(sum, range(10**12), timeout=SOON)


async def test_a_worker_is_polite_and_knows_nothing_of_the_server(
    pool: MediaPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNWAY_API_KEY", "planted")
    assert await pool.run(os.nice, 0, timeout=SOON) == min(19, os.nice(0) + 10)
    assert await pool.run(os.getenv, "RUNWAY_API_KEY", timeout=SOON) is None
    assert await pool.run(resource.getrlimit, resource.RLIMIT_CORE, timeout=SOON) == (
        0,
        resource.getrlimit(resource.RLIMIT_CORE)[1],
    )
    descriptors = await pool.run(os.listdir, "/proc/self/fd", timeout=SOON)
    assert len(descriptors) <= 6


async def test_workers_are_recycled() -> None:
    async with MediaPool(workers=1, limits=WorkerLimits(calls=2)) as pool:
        seen = [await pool.run(os.getpid, timeout=SOON) for _ in range(6)]
    assert seen[0::2] == seen[1::2]
    assert len(set(seen)) == 3


async def test_idle_workers_retire() -> None:
    async with MediaPool(workers=2, limits=WorkerLimits(idle_seconds=0.05)) as pool:
        process_id = await pool.run(os.getpid, timeout=SOON)
        await until(lambda: not pool.process_ids)
        await until(lambda: is_gone(process_id))
        assert await pool.run(os.getpid, timeout=SOON) != process_id


async def test_a_rejection_keeps_its_text_and_anything_else_only_its_name(pool: MediaPool, tmp_path: Path) -> None:
    empty = tmp_path / "empty.mp4"
    empty.touch()
    with pytest.raises(MediaRejected, match="the file is empty"):
        await pool.run(verify, empty, timeout=SOON)
    with pytest.raises(MediaFault) as caught:
        await pool.run(verify, tmp_path / "sk-planted.mp4", timeout=SOON)
    assert str(caught.value) == "unexpected FileNotFoundError"


async def test_closing_ends_calls_under_way_and_refuses_new_ones() -> None:
    pool = MediaPool(workers=1)
    task = asyncio.create_task(pool.run(time.sleep, 60, timeout=120))
    waiting = asyncio.create_task(pool.run(abs, 1, timeout=120))
    await until(lambda: len(pool.process_ids) == 1)
    (process_id,) = pool.process_ids
    await pool.close()
    assert is_gone(process_id)
    for call in (task, waiting, asyncio.create_task(pool.run(abs, 1, timeout=1))):
        with pytest.raises(MediaFault, match="closed"):
            await call


async def test_large_arguments_and_results_travel(pool: MediaPool) -> None:
    data = os.urandom(30 * 1024**2)
    assert await pool.run(bytes, data, timeout=SOON) == data


async def test_a_reply_beyond_the_bound_is_refused(pool: MediaPool) -> None:
    with pytest.raises(MediaFault, match="too much"):
        await pool.run(bytes, 65 * 1024**2, timeout=SOON)
    assert await pool.run(abs, -1, timeout=SOON) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not a pickle",
        pickle.dumps((RESULT, os.system)),
        pickle.dumps((RESULT, MediaRejected("x"))),
        pickle.dumps((RESULT, Path("x"))),
        pickle.dumps(("other", 1)),
        pickle.dumps(7),
    ],
)
def test_a_hostile_reply_builds_nothing(body: bytes) -> None:
    with pytest.raises(ValueError, match="unreadable reply"):
        decode_reply(body)


def test_facts_travel() -> None:
    assert decode_reply(encode((RESULT, {"a": [1.5, None, b"x"]}))) == (RESULT, {"a": [1.5, None, b"x"]})


def test_the_pool_works_on_uvloop() -> None:
    async def work() -> int:
        async with MediaPool(workers=1) as pool:
            with pytest.raises(MediaTimeout):
                await pool.run(time.sleep, 60, timeout=0.2)
            return await pool.run(abs, -3, timeout=SOON)

    assert uvloop.run(work()) == 3


PARENT = """
import asyncio, os, time
from media.pool import MediaPool

async def main():
    pool = MediaPool(workers=2)
    await asyncio.gather(*(pool.run(time.sleep, 0.1, timeout=20) for _ in range(2)))
    busy = asyncio.create_task(pool.run(sum, range(10**12), timeout=600))
    await asyncio.sleep(0)
    print(*sorted(pool.process_ids), flush=True)
    await busy

asyncio.run(main())
"""


async def test_workers_idle_and_busy_die_with_a_killed_server() -> None:
    server = await asyncio.create_subprocess_exec(sys.executable, "-c", PARENT, stdout=subprocess.PIPE)
    assert server.stdout is not None
    workers = [int(word) for word in (await server.stdout.readline()).split()]
    assert len(workers) == 2
    await until(lambda: any(psutil.Process(worker).status() == psutil.STATUS_RUNNING for worker in workers))
    server.kill()
    await server.wait()
    await until(lambda: all(is_gone(worker) for worker in workers))


LIGHT = """
import asyncio, sys, time
import media.facts, media.fit, media.images, media.normalise, media.placeholder, media.pool, media.probe
import media.retime, media.thumbnail

async def main():
    async with media.pool.MediaPool() as pool:
        await pool.run(abs, -1, timeout=20)

asyncio.run(main())
print(sorted({"av", "PIL", "numpy"} & set(sys.modules)))
"""


def test_the_server_never_imports_a_decoder() -> None:
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
