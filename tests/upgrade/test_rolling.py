"""An old and a new version side by side on one Postgres: each goes on with what the other began."""

import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from filmgate.v1 import job_pb2

from tests.postgres import Postgres
from tests.replicas.conftest import FILMGATE, Fleet, Process, Replica, eventually, fleet_on
from tests.upgrade.newer import NEXT_HEAD, PATCH

NEWER = str(Path(__file__).with_name("newer.py"))
CANNOT_START = 3
WITH_VENDOR = {job_pb2.PROGRESS_STAGE_VENDOR_QUEUED, job_pb2.PROGRESS_STAGE_VENDOR_RUNNING}


class Newer(Replica):
    """A server of the next version."""

    program = (sys.executable, NEWER)


class Alone(Replica):
    """A server on the file in the fleet's folder."""

    def __init__(self, fleet: Fleet, number: int, variables: Mapping[str, str]) -> None:
        usual = {"FILMGATE_EMULATOR_URL": fleet.emulator_url, "FILMGATE_MOCK": "always"}
        Process.__init__(
            self,
            fleet.folder / f"alone-{number}.log",
            *("serve", "--grpc-port=0", "--http-port=0", f"--data-dir={fleet.folder}"),
            **{**usual, **variables},
        )


class NewerAlone(Alone):
    """The same, of the next version."""

    program = (sys.executable, NEWER)


def _order(fleet: Fleet, count: int, replicas: list[Replica], until: Callable[[], bool]) -> int:
    """Order at least so many jobs, until there is what is wanted; returns how many, once all were bought."""
    ordered = 0
    while ordered < count or not until():
        assert ordered < 60, "it did not come to pass"
        replica = replicas[ordered % len(replicas)]
        replica.order(f"clip {ordered} of {len(replicas)}")
        ordered += 1
        eventually(lambda: not fleet.query("SELECT 1 FROM clip WHERE state = 'QUEUED'"))
    eventually(lambda: not fleet.query("SELECT 1 FROM attempt WHERE outcome = 'INTENDED'"))
    return ordered


def _begun_by_newer(fleet: Fleet) -> set[str]:
    """The clips that have the new step in their history."""
    found = fleet.query("SELECT workflow_uuid, function_name FROM dbos.operation_outputs")
    return {workflow.rpartition(":")[0] for workflow, name in found if name == f"DBOS.patch-{PATCH}"}


def _all_with(fleet: Fleet, executors: set[str], jobs: int) -> None:
    """Wait until these work on every job."""
    eventually(lambda: set(fleet.pending()) == executors and fleet.pending().total() == jobs)


def _refuses_to_start(fleet: Fleet, **variables: str) -> bool:
    """Whether the version as it is does not start, for the schema is newer."""
    done = subprocess.run(
        [FILMGATE, "serve", "--grpc-port=0", "--http-port=0", f"--data-dir={fleet.folder}"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "", "FILMGATE_EMULATOR_URL": fleet.emulator_url, **variables},
    )
    return done.returncode == CANNOT_START and "newer version" in done.stderr


@pytest.mark.timeout(300)  # three servers one after the other, two of which are missed for a lease each
def test_pending_jobs_go_on_in_the_other_version(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fleet_on(postgres, tmp_path, speed=0.01) as fleet:
        notes = tmp_path / "notes"
        monkeypatch.setattr(Newer, "more", {"UPGRADE_NOTES": str(notes)})
        [old] = fleet.start()
        jobs = _order(fleet, 4, [old], lambda: True)
        [old_id] = fleet.pending()
        [new] = fleet.start(kind=Newer)
        assert fleet.query("SELECT version_num FROM alembic_version") == [(NEXT_HEAD,)]
        jobs += _order(fleet, 2, [old, new], lambda: len(_begun_by_newer(fleet)) >= 2)
        newer = _begun_by_newer(fleet)
        assert _refuses_to_start(fleet, FILMGATE_DATABASE_URL=fleet.url)
        new.send(signal.SIGKILL)
        _all_with(fleet, {old_id}, jobs)
        eventually(lambda: old.log.read_text().count("begun anew") == len(newer))
        [last] = fleet.start(kind=Newer)
        old.send(signal.SIGKILL)
        eventually(lambda: old_id not in fleet.pending() and fleet.pending().total() == jobs)
        fleet.speed(50_000.0)
        ended = last.all_ended()
        assert [job.state for job in ended] == [job_pb2.JOB_STATE_SUCCEEDED] * jobs
        assert fleet.bought().total() == jobs
        fleet.judge()
        assert set(notes.read_text().split()) == newer == _begun_by_newer(fleet)
        assert fleet.query("SELECT DISTINCT mood FROM clip") == [("calm",)]


def test_the_next_version_goes_on_with_the_file_of_the_last(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fleet_on(postgres, tmp_path, speed=0.01) as fleet:
        notes = tmp_path / "notes"
        notes.touch()
        monkeypatch.setattr(NewerAlone, "more", {"UPGRADE_NOTES": str(notes)})
        [old] = fleet.start(kind=Alone)
        for number in range(3):
            old.order(f"clip {number}")
        eventually(lambda: all(job.progress.stage in WITH_VENDOR for job in old.jobs()))
        old.send(signal.SIGKILL)
        old.process.wait(10)
        [new] = fleet.start(kind=NewerAlone)
        fleet.speed(50_000.0)
        assert [job.state for job in new.all_ended()] == [job_pb2.JOB_STATE_SUCCEEDED] * 3
        assert fleet.bought().total() == 3
        assert notes.read_text() == ""  # each had come past the new step's place
        new.send(signal.SIGTERM)
        assert new.process.wait(40) == 0
        assert _refuses_to_start(fleet)
