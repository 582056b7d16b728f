"""A short slice of the crash rig; the whole of it is `make chaos`."""

import pytest

from tests.chaos import rig
from tests.chaos.verdicts import MEANINGS


def test_the_rig_knows_every_crash_point_of_a_life() -> None:
    points = set(rig.crash_points())
    life = ("accept", "intend", "submit", "record", "poll", "ready", "download", "store", "settle", "cancel", "adopt")
    assert {f"{side}-{step}" for side in ("before", "after") for step in life} <= points


@pytest.mark.timeout(240)
def test_a_kill_between_answer_and_record_costs_nothing_twice(capsys: pytest.CaptureFixture[str]) -> None:
    assert rig.main(["--runs", "1", "--points", "after-submit", "--lanes", "2"]) == 0, capsys.readouterr().out
    assert "2 kills" in capsys.readouterr().out


@pytest.mark.timeout(240)
def test_a_kill_around_a_call_of_the_language_model_never_repeats_it(capsys: pytest.CaptureFixture[str]) -> None:
    points = "after-enhance-intend,before-enhance-record"
    assert rig.main(["--runs", "1", "--points", points, "--vendors", "runway", "--lanes", "2"]) == 0, (
        capsys.readouterr().out
    )
    assert "2 kills" in capsys.readouterr().out


@pytest.mark.timeout(240)
def test_a_kill_between_a_webhooks_answer_and_its_record_sends_it_once_more(capsys: pytest.CaptureFixture[str]) -> None:
    points = "before-webhook,after-webhook"
    assert rig.main(["--runs", "1", "--points", points, "--vendors", "replicate", "--lanes", "2"]) == 0, (
        capsys.readouterr().out
    )
    assert "2 kills" in capsys.readouterr().out


@pytest.mark.timeout(240)
def test_a_short_random_mix_breaks_no_invariant(capsys: pytest.CaptureFixture[str]) -> None:
    broken = rig.main(["--mix", "2", "--seed", "7", "--lock-seconds", "1"])
    told = capsys.readouterr().out
    assert broken == 0, told
    assert "2 kills" in told
    assert [line.split()[0] for line in told.splitlines() if " ok " in line] == list(MEANINGS)


@pytest.mark.timeout(240)
def test_a_short_mix_on_two_replicas_breaks_no_invariant(capsys: pytest.CaptureFixture[str]) -> None:
    broken = rig.main(["--postgres", "--replicas", "2", "--kills", "2", "--freezes", "1", "--seed", "5"])
    told = capsys.readouterr().out
    assert broken == 0, told
    assert "replicas: 2 kills, 1 freezes, 0 outages" in told
    assert [line.split()[0] for line in told.splitlines() if " ok " in line] == list(MEANINGS)
