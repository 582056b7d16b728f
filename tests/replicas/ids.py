"""Many clients that send the same requests with the same ids: `python tests/replicas/ids.py --database postgres`.

Each id is one job, however many ask and whichever replica they ask. Prints one line; exit status 1 when it is not so.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.conftest import serving
from tests.postgres import Postgres
from tests.replicas.conftest import fleet_on
from tests.server.calling import Stub, stub_on, wanted

_TOGETHER = 32
"""Of the clients that one thread pool plays, so many ask at the same moment."""


def jobs_by_id(stubs: Sequence[Stub], tenant: str, *, clients: int, ids: int) -> dict[str, set[str]]:
    """What all clients were answered for each id: request id -> job ids. Raises what a call raises.

    Client by client and id by id, so that the clients of one id come together and by turns to each server.
    """
    calls = [(number, f"id-{which}") for which in range(ids) for number in range(clients)]

    def ask(call: tuple[int, str]) -> tuple[str, str]:
        number, request_id = call
        request = wanted(tenant, prompt="once", request_id=request_id)
        return request_id, str(stubs[number % len(stubs)].GenerateVideo(request, timeout=60).job.id)

    found: dict[str, set[str]] = {}
    with ThreadPoolExecutor(min(_TOGETHER, clients)) as pool:
        for request_id, job_id in pool.map(ask, calls):
            found.setdefault(request_id, set()).add(job_id)
    return found


def check(found: dict[str, set[str]], ids: int) -> None:
    """Each id is one job, and no two are the same."""
    jobs = [job for each in found.values() for job in each]
    assert len(found) == ids
    assert len(jobs) == len(set(jobs)) == ids, sorted(map(len, found.values()))


def _stubs(stack: ExitStack, database: str) -> list[Stub]:
    """Two replicas on Postgres, or one server on SQLite; their vendors never finish."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="filmgate-ids-")))
    if database == "sqlite":
        import grpc

        served = stack.enter_context(serving(folder, emulator_speed=0.001, tenant_clips=1))
        return [stub_on(stack.enter_context(grpc.insecure_channel(served.target)))]
    postgres = Postgres()
    stack.callback(postgres.remove)
    fleet = stack.enter_context(fleet_on(postgres, folder, speed=0.001))
    return [replica.stub for replica in fleet.start(2, FILMGATE_TENANT_CLIPS="1")]


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--ids", type=int, default=100)
    options: Any = parser.parse_args()
    with ExitStack() as stack:
        stubs = _stubs(stack, options.database)
        begin = time.monotonic()
        found = jobs_by_id(stubs, "acme", clients=options.clients, ids=options.ids)
        took = time.monotonic() - begin
    jobs = {job for each in found.values() for job in each}
    right = len(jobs) == len(found) == options.ids
    calls = options.clients * options.ids
    print(
        f"{options.database}: {options.clients} clients x {options.ids} ids = {calls:,} calls in {took:.1f} s:"
        f" {len(jobs)} jobs, {'as it should be' if right else 'WRONG'}"
    )
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(_main())
