"""The committed prompts are read as well as promised, and are what they are said to be."""

from collections.abc import Sequence

import pytest
from typer.testing import CliRunner

from prompts.words import FIELDS, Draft
from scripts import eval_prompts


@pytest.fixture(scope="module")
def found() -> tuple[eval_prompts.Case, ...]:
    """Every committed prompt."""
    return eval_prompts.cases()


@pytest.fixture(scope="module")
def drafts(found: Sequence[eval_prompts.Case]) -> list[Draft]:
    """What the rules read in each."""
    return eval_prompts.read_by_rules(found)


def test_the_set_is_large_varied_and_partly_held_out(found: Sequence[eval_prompts.Case]) -> None:
    tagged = {tag: sum(tag in case.tags for case in found) for tag in ("hard", "held_out", "contradiction", "trap")}
    assert len(found) >= 100
    assert len({case.id for case in found}) == len({case.text for case in found}) == len(found)
    assert tagged["hard"] * 3 >= len(found)
    assert tagged["held_out"] >= 25
    assert min(tagged["contradiction"], tagged["trap"]) >= 10
    assert {name for case in found for name in case.expect} == set(FIELDS)


@pytest.mark.parametrize("tag", ["", "hard", "held_out"])
def test_the_rules_reach_their_limits(found: Sequence[eval_prompts.Case], drafts: list[Draft], tag: str) -> None:
    assert eval_prompts.failures(eval_prompts.score(found, drafts, tag)) == ()


def test_what_no_field_carries_stays_in_the_prompt(found: Sequence[eval_prompts.Case], drafts: list[Draft]) -> None:
    assert eval_prompts.score(found, drafts)["prompt"].accuracy >= 0.95


def test_wrong_missing_and_needless_readings_are_told_apart() -> None:
    case = eval_prompts.Case(id="one", text="…", expect={"duration": 10, "style": ["bold", None]})
    right = eval_prompts.judged(case, Draft(prompt="", duration=10, style="bold"))
    assert (right["duration"].hits, right["style"].hits, right["mood"].right) == (1, 1, 1)
    missing = eval_prompts.judged(case, Draft(prompt=""))
    assert (missing["duration"].recall, missing["duration"].read, missing["style"].right) == (0.0, 0, 1)
    wrong = eval_prompts.judged(case, Draft(prompt="", duration=5, mood="calm"))
    assert (wrong["duration"].precision, wrong["mood"].precision, wrong["mood"].accuracy) == (0.0, 0.0, 0.0)
    assert eval_prompts.failures(wrong) == ("duration 0.0% < 90%",)


def test_the_command_prints_the_table_and_succeeds() -> None:
    result = CliRunner().invoke(_application(), ["--verbose", "--tuned-only"])
    assert result.exit_code == 0, result.output
    assert all(name in result.output for name in ("duration", "aspect_ratio", "hard", "held out", "No language model"))


def _application() -> eval_prompts.typer.Typer:
    application = eval_prompts.typer.Typer()
    application.command()(eval_prompts.main)
    return application
