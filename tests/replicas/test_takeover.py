"""A replica that dies, or stands still, is replaced within its lease; what it has bought is never bought again."""

import signal
import time
from collections.abc import Sequence

from filmgate.v1 import job_pb2

from tests.replicas.conftest import LEASE, Fleet, Replica, eventually

JOBS = 12
LATEST = LEASE + LEASE / 5 + 1.0
"""The lease, one beat, and a second for the work itself."""
TAKEN_FOR_DEAD = 70


def _work_for(fleet: Fleet, replicas: Sequence[Replica]) -> set[str]:
    """Order until all replicas wait for vendors, and none is too new to judge another; the executors' names."""
    ordered = 0
    while ordered < JOBS or len(fleet.pending()) < len(replicas):
        assert ordered < 100, "the queue does not share the work out"
        replicas[ordered % len(replicas)].order(f"clip {ordered}")
        ordered += 1
    eventually(lambda: fleet.query("SELECT count(*) FROM attempt WHERE outcome = 'ACCEPTED'")[0][0] == ordered)
    time.sleep(LEASE + 1.0)
    return set(fleet.pending())


def _taken_over(fleet: Fleet, working: set[str], left: int) -> float:
    """Seconds until only so many of these executors have work, and others have all of it."""
    began, all_work = time.monotonic(), fleet.pending().total()
    eventually(lambda: len(set(fleet.pending()) & working) == left and fleet.pending().total() == all_work)
    return time.monotonic() - began


def test_whoever_goes_is_replaced_and_nothing_is_bought_twice(fleet: Fleet) -> None:
    killed, frozen, leaving = fleet.start(3)
    working = _work_for(fleet, [killed, frozen, leaving])
    killed.send(signal.SIGKILL)
    assert _taken_over(fleet, working, 2) <= LATEST
    frozen.send(signal.SIGSTOP)
    assert _taken_over(fleet, working, 1) <= LATEST
    [fresh] = fleet.start()
    leaving.send(signal.SIGTERM)
    assert leaving.process.wait(30) == 0
    assert _taken_over(fleet, working, 0) <= LEASE / 5 + 1.0, "who leaves in good order need not be waited for"
    fleet.speed(50_000.0)
    frozen.send(signal.SIGCONT)
    assert frozen.process.wait(10) == TAKEN_FOR_DEAD
    jobs = fresh.all_ended()
    assert {job.state for job in jobs} == {job_pb2.JOB_STATE_SUCCEEDED}
    assert fleet.bought().total() == len(jobs)
    fleet.judge()
