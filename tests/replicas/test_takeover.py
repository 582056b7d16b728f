"""A replica that dies, or stands still, is replaced within its lease; what it has bought is never bought again."""

import signal
import time
from collections.abc import Sequence

import pytest
from filmgate.v1 import job_pb2

from tests.replicas.conftest import LEASE, Fleet, Replica, eventually

pytestmark = pytest.mark.timeout(600)  # a busy machine starts a server in half a minute
JOBS = 12
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


def _taken_over(fleet: Fleet, working: set[str], all_work: int, left: int) -> None:
    """Wait until only so many of these executors have work, and others have all of it."""
    eventually(lambda: len(set(fleet.pending()) & working) == left and fleet.pending().total() == all_work)


def test_whoever_goes_is_replaced_and_nothing_is_bought_twice(fleet: Fleet) -> None:
    killed, frozen, leaving = fleet.start(3)
    working = _work_for(fleet, [killed, frozen, leaving])
    all_work = fleet.pending().total()
    left = fleet.folder / "tmp" / killed.executor / "a clip of which half is here"
    left.mkdir(parents=True)
    killed.send(signal.SIGKILL)
    _taken_over(fleet, working, all_work, 2)
    eventually(lambda: not left.exists())
    frozen.send(signal.SIGSTOP)
    _taken_over(fleet, working, all_work, 1)
    [fresh] = fleet.start()
    leaving.send(signal.SIGTERM)
    assert leaving.process.wait(120) == 0
    _taken_over(fleet, working, all_work, 0)
    fleet.speed(50_000.0)
    frozen.send(signal.SIGCONT)
    assert frozen.process.wait(120) == TAKEN_FOR_DEAD
    jobs = fresh.all_ended()
    assert {job.state for job in jobs} == {job_pb2.JOB_STATE_SUCCEEDED}
    assert fleet.bought().total() == len(jobs)
    fleet.judge()
