"""The peer of a recovery: the durable engine alone. Runs of two steps that wait, and nothing of ours but the database.

`python -m bench.bare FOLDER RUNS [--fill]`: with `--fill` the runs are queued first, else those of a killed process are
recovered. Says `all wait` once every run is in its second step, and then does nothing.
"""

import argparse
import asyncio
from pathlib import Path

from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer

from core.database import Database

_NAME = "filmgate"
_QUEUE = "runs"
_AT_ONCE = 100
_waiting: set[str] = set()


@DBOS.step(name="bare-first")
async def _first(name: str) -> str:
    return name


@DBOS.step(name="bare-second")
async def _second(name: str) -> str:
    _waiting.add(name)
    await asyncio.Event().wait()
    return name


@DBOS.workflow(name="bare", max_recovery_attempts=None)
async def _run(name: str) -> str:
    return await _second(await _first(name))


async def _main(folder: Path, runs: int, *, fill: bool) -> None:
    database = Database(folder / "bare.sqlite")
    DBOS(
        config={
            "name": _NAME,
            "application_version": "1",
            "executor_id": "bare",
            "system_database_url": database.url,
            "system_database_engine": database.dbos_engine,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "ERROR",
            "max_executor_threads": 16,
        }
    )
    DBOS.launch()
    await DBOS.register_queue_async(
        _QUEUE, partition_concurrency=runs, polling_interval_sec=0.1, on_conflict="always_update"
    )
    if fill:
        await asyncio.to_thread(_fill, database, runs)
    while len(_waiting) < runs:  # noqa: ASYNC110 - thousands of runs, no event
        await asyncio.sleep(0.02)
    print("all wait", flush=True)
    await asyncio.Event().wait()


def _fill(database: Database, runs: int) -> None:
    client = DBOSClient(
        system_database_url=database.url,
        system_database_engine=database.engine,
        serializer=DBOSPortableJSONSerializer(),
        application_name=_NAME,
    )
    names = [f"run-{number}" for number in range(runs)]
    for start in range(0, runs, _AT_ONCE):
        with database.engine.begin() as connection:
            for name in names[start : start + _AT_ONCE]:
                client.enqueue_in_transaction(
                    connection,
                    {"workflow_name": "bare", "queue_name": _QUEUE, "workflow_id": name, "queue_partition_key": "one"},
                    name,
                )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("runs", type=int)
    parser.add_argument("--fill", action="store_true")
    options = parser.parse_args()
    asyncio.run(_main(options.folder, options.runs, fill=options.fill))
