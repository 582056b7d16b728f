"""Where a job stands is a pure function of the job, the time and the vendor's clock."""

from dataclasses import replace
from math import inf
from typing import Any

import pytest

from emulators.jobs import Clip, Job, Phase, Tariff, end, standing, with_fate
from emulators.timeline import Segment, Timeline
from emulators.vendors import replicate, runway

JOB = Job(
    id="j",
    vendor="runway",
    model="gen4.5",
    credential="c",
    created=1000.0,
    prompt="p",
    input={"a": 1},
    clip=Clip(seconds=5, width=64, height=64, fps=24),
    price_micros=600_000,
    queue=10,
    run=100,
)


def at_speed(speed: float) -> Timeline:
    """A clock that never changed."""
    return Timeline([Segment(wall=0.0, work=0.0, speed=speed)])


@pytest.mark.parametrize("speed", [1.0, 10.0])
def test_the_life_of_a_job(speed: float) -> None:
    phases = [standing(JOB, 1000 + seconds / speed, at_speed(speed)).phase for seconds in (0, 9, 10, 109, 110)]
    assert phases == [Phase.QUEUED, Phase.QUEUED, Phase.RUNNING, Phase.RUNNING, Phase.SUCCEEDED]


def test_progress_and_moments() -> None:
    half = standing(JOB, 1060, at_speed(1))
    assert (half.progress, half.started, half.ended) == (0.5, 1010, None)
    done = standing(JOB, 5000, at_speed(1))
    assert (done.started, done.ended, done.predict_seconds, done.total_seconds) == (1010, 1110, 100, 110)


LIVES: list[tuple[dict[str, Any], float, Phase, int]] = [
    ({}, 1005, Phase.QUEUED, 0),
    ({}, 1050, Phase.RUNNING, 600_000),
    ({}, 2000, Phase.SUCCEEDED, 600_000),
    ({"stop": 1005.0}, 2000, Phase.CANCELLED, 0),
    ({"stop": 1050.0}, 2000, Phase.CANCELLED, 600_000),
    ({"stop": 1050.0}, 1049, Phase.RUNNING, 600_000),
    ({"stop": 1200.0}, 2000, Phase.SUCCEEDED, 600_000),
    ({"deadline": 1005.0}, 2000, Phase.ABORTED, 0),
    ({"deadline": 1050.0}, 2000, Phase.CANCELLED, 600_000),
    ({"failure": "INTERNAL"}, 2000, Phase.FAILED, 0),
    ({"failure": "SAFETY.INPUT.TEXT"}, 2000, Phase.FAILED, 600_000),
    ({"failure": "SAFETY.OUTPUT.VIDEO"}, 2000, Phase.FAILED, 0),
    ({"stuck": "queued"}, 9e9, Phase.QUEUED, 0),
    ({"stuck": "running"}, 9e9, Phase.RUNNING, 600_000),
    ({"throttle": 50.0}, 1030, Phase.THROTTLED, 0),
    ({"throttle": 50.0}, 1070, Phase.RUNNING, 600_000),
    ({"vendor": "replicate"}, 1050, Phase.RUNNING, 0),
    ({"vendor": "replicate", "stop": 1050.0}, 2000, Phase.CANCELLED, 600_000),
    ({"vendor": "replicate", "failure": "SAFETY.INPUT"}, 2000, Phase.FAILED, 0),
    ({"tariff": Tariff.COMPUTE_SECOND, "price_micros": 1_400}, 2000, Phase.SUCCEEDED, 140_000),
    ({"tariff": Tariff.COMPUTE_SECOND, "price_micros": 1_400, "stop": 1020.5}, 2000, Phase.CANCELLED, 14_700),
    (
        {"vendor": "replicate", "tariff": Tariff.COMPUTE_SECOND, "price_micros": 1_400, "failure": "E005"},
        2000,
        Phase.FAILED,
        140_000,
    ),
]


@pytest.mark.parametrize(("changes", "now", "phase", "billed"), LIVES)
def test_standing_and_bill(changes: dict[str, Any], now: float, phase: Phase, billed: int) -> None:
    job = replace(JOB, **changes)
    seen = standing(job, now, at_speed(1))
    vendor = {"runway": runway.VENDOR, "replicate": replicate.VENDOR}[job.vendor]
    assert (seen.phase, vendor.billed(job, seen)) == (phase, billed)


def test_a_change_of_speed_moves_nothing_past() -> None:
    clock = at_speed(1)
    before = standing(JOB, 1050, clock)
    clock.change(1050, 60)
    assert standing(JOB, 1050, clock).progress == before.progress
    assert standing(JOB, 1050, clock).started == 1010
    assert end(JOB, clock) == 1051
    assert standing(JOB, 1051, clock).phase is Phase.SUCCEEDED
    assert clock.wall_at(inf) == inf
    assert clock.work_at(clock.wall_at(1234.5)) == pytest.approx(1234.5)


def test_a_job_reads_back_as_it_was_written() -> None:
    job = with_fate(replace(JOB, events=("start",), webhook="https://x/", deadline=5.0), "black", {})
    assert Job.load(job.document) == job
    assert job.clip.black


def test_fates() -> None:
    assert with_fate(JOB, "throttled", {"seconds": 7}).throttle == 7
    assert with_fate(JOB, "slow-job", {}).run == 1000
    assert with_fate(JOB, "fail-INTERNAL", {}).failure == "INTERNAL"
    assert end(with_fate(JOB, "stuck", {}), at_speed(1)) == inf
