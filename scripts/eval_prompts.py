"""Score how prompts are read, field by field: by the rules, and by a language model where its address is given."""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from prompts import rules
from prompts.words import FIELDS, Ask, Draft, Said, Target

PROMPTS = Path(__file__).resolve().parents[1] / "tests" / "prompts" / "evaluation.jsonl"
LIMITS = {"duration": 0.9, "aspect_ratio": 0.9, "style": 0.8}
"""What the rules must reach, in precision and in recall."""
SETS = {"all": "", "hard": "hard", "held out": "held_out"}
_LISTS = ("camera", "negative_prompt", "mood")
_AT_ONCE = 4
_TARGET = Target(
    model="evaluation",
    family="evaluation",
    vendor="evaluation",
    prompt_limit=2000,
    durations=tuple(float(second) for second in range(1, 301)),
    aspect_ratios=("16:9", "9:16", "1:1", "4:5", "21:9"),
    negative_prompt=True,
    motion=True,
    audio=True,
)
"""A model that takes everything, so that nothing is left unread for its sake."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One prompt and what must be read from it; a field that is not expected must not be read."""

    id: str
    text: str
    tags: tuple[str, ...] = ()
    expect: Mapping[str, Any] = field(default_factory=dict)
    """By field: a value, or a list of those that are right; null in it: none is right too."""
    contradictions: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()
    """What must still stand in the prompt."""
    drops: tuple[str, ...] = ()
    """What must be gone from it."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """How a field was read in some prompts: `wanted` say it, `read` have it set, `hits` have it right."""

    prompts: int = 0
    right: int = 0
    wanted: int = 0
    read: int = 0
    hits: int = 0

    def __add__(self, other: "Score") -> "Score":
        """Both together."""
        return Score(**{name: getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__})

    @property
    def precision(self) -> float:
        """The part of what was read that is right."""
        return self.hits / self.read if self.read else 1.0

    @property
    def recall(self) -> float:
        """The part of what is said that was read right."""
        return self.hits / self.wanted if self.wanted else 1.0

    @property
    def accuracy(self) -> float:
        """The part of all prompts in which the field is as it should be."""
        return self.right / self.prompts if self.prompts else 1.0


Scores = Mapping[str, Score]


def cases(path: Path = PROMPTS) -> tuple[Case, ...]:
    """The committed prompts."""
    return tuple(Case(**json.loads(line)) for line in path.read_text("utf-8").splitlines() if line.strip())


def score(found: Sequence[Case], drafts: Sequence[Draft], tag: str = "") -> Scores:
    """Every field's score over the prompts with a tag; `contradiction` and `prompt` are judged like fields."""
    total = {name: Score() for name in (*FIELDS, "contradiction", "prompt")}
    for case, draft in zip(found, drafts, strict=True):
        if not tag or tag in case.tags:
            for name, one in judged(case, draft).items():
                total[name] += one
    return total


def judged(case: Case, draft: Draft) -> Scores:
    """One prompt's score of every field."""
    values = {name: _value(draft, name) for name in FIELDS}
    judgements = {name: _judge(_allowed(name, case.expect.get(name)), values[name]) for name in FIELDS}
    torn = frozenset(one.field.rpartition(".")[2] for one in draft.notices if one.code == "CONTRADICTION")
    judgements["contradiction"] = _judge([frozenset(case.contradictions) or None], torn or None)
    whole = all(part in draft.prompt for part in case.keeps) and not any(part in draft.prompt for part in case.drops)
    judgements["prompt"] = Score(prompts=1, right=whole, wanted=1, read=1, hits=whole)
    return judgements


def failures(scores: Scores) -> tuple[str, ...]:
    """Which limits are not reached, in words."""
    reached = {name: min(scores[name].precision, scores[name].recall) for name in LIMITS}
    return tuple(f"{name} {reached[name]:.1%} < {limit:.0%}" for name, limit in LIMITS.items() if reached[name] < limit)


def _value(draft: Draft, name: str) -> object:
    """A field's value as it is compared; None when it is not set."""
    value = getattr(draft, name)
    if name in _LISTS:
        return frozenset(value.split(", ") if isinstance(value, str) else value) or None if value else None
    return None if value is None else getattr(value, "value", value)


def _allowed(name: str, expected: Any) -> list[object]:
    """Every value that is right for a field."""
    several = expected if isinstance(expected, list) else [expected]
    if name not in _LISTS:
        return several
    if name == "mood":
        return [None if one is None else frozenset((one,)) for one in several]
    lists = several if any(isinstance(one, list) for one in several) else [several]
    return [frozenset(one) or None if one != [None] else None for one in lists]


def _judge(allowed: Collection[object], value: object) -> Score:
    right = value in allowed
    hit = right and value is not None
    return Score(prompts=1, right=right, wanted=hit or None not in allowed, read=value is not None, hits=hit)


def read_by_rules(found: Iterable[Case]) -> list[Draft]:
    """What the rules read."""
    return [rules.read(case.text) for case in found]


async def llm_drafts(found: Sequence[Case], base_url: str, model: str, key: str) -> tuple[list[Draft], int]:
    """What a language model reads, by one paid call for each prompt or two, and for how many it was of no help."""
    from prompts.llm import Llm, LlmSettings

    llm = Llm(LlmSettings(base_url=base_url, model=model, api_key=key))
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(case: Case) -> Draft | None:
        async with turns:
            return await _quantified(case.text, llm.ask)

    try:
        drafts = await asyncio.gather(*(one(case) for case in found))
    finally:
        await llm.close()
    return [draft or Draft(prompt="") for draft in drafts], drafts.count(None)


async def _quantified(text: str, ask: Callable[[Ask], Any]) -> Draft | None:
    """A prompt's draft; None when the language model was of no help."""
    from prompts.tasks import quantify

    exchange = quantify(text, _TARGET, rules.BUILT_IN)
    sent: object = exchange.first
    while isinstance(sent, Ask):
        said: Said = await ask(sent)
        sent = exchange.read(said)
    return sent if isinstance(sent, Draft) else None


def table(title: str, by_set: Mapping[str, Scores]) -> Table:
    """Precision, recall and accuracy of each field, for each set of prompts."""
    shown = Table(title=title)
    shown.add_column("field")
    for name, scores in by_set.items():
        prompts = next(iter(scores.values())).prompts
        for column in (f"{name} ({prompts})\nprecision", "\nrecall", "\naccuracy"):
            shown.add_column(column, justify="right")
    for name in (*FIELDS, "contradiction", "prompt"):
        figures = [_figures(name, scores[name]) for scores in by_set.values()]
        shown.add_row(name, *(figure for one in figures for figure in one))
    return shown


def _figures(name: str, score: Score) -> tuple[str, str, str]:
    if name == "prompt":
        return "", "", f"{score.accuracy:.1%}"
    precision = f"{score.precision:.1%} ({score.hits}/{score.read})"
    return precision, f"{score.recall:.1%} ({score.hits}/{score.wanted})", f"{score.accuracy:.1%}"


def _report(console: Console, title: str, found: Sequence[Case], drafts: Sequence[Draft], *, verbose: bool) -> Scores:
    by_set = {name: score(found, drafts, tag) for name, tag in SETS.items()}
    console.print(table(title, by_set))
    if verbose:
        for case, draft in zip(found, drafts, strict=True):
            wrong = [name for name, one in judged(case, draft).items() if not one.right]
            if wrong:
                console.print(f"{case.id}: {', '.join(wrong)}", markup=False)
    return by_set["all"]


def main(
    base_url: Annotated[str, typer.Option(envvar="FILMGATE_LLM_BASE_URL", help="Of a language model, with /v1.")] = "",
    model: Annotated[str, typer.Option(envvar="FILMGATE_LLM_MODEL", help="Which of its models.")] = "",
    key_variable: Annotated[str, typer.Option(help="The variable that holds its key.")] = "FILMGATE_LLM_API_KEY",
    tuned_only: Annotated[bool, typer.Option(help="Leave out the prompts that no rule was tuned on.")] = False,
    verbose: Annotated[bool, typer.Option(help="Name every prompt that was not read right.")] = False,
) -> None:
    """Score the rules on the evaluation set, and a language model too where its address and name are given."""
    console = Console(width=None if sys.stdout.isatty() else 150)
    found = [case for case in cases() if not (tuned_only and "held_out" in case.tags)]
    missed = failures(_report(console, "rules", found, read_by_rules(found), verbose=verbose))
    if base_url and model:
        drafts, failed = asyncio.run(llm_drafts(found, base_url, model, os.environ.get(key_variable, "")))
        _report(console, f"{model} ({failed} of {len(found)} failed)", found, drafts, verbose=verbose)
    else:
        console.print("No language model: give --base-url and --model, and its key in a variable.")
    for miss in missed:
        console.print(f"rules: {miss}", style="red")
    raise typer.Exit(1 if missed else 0)


if __name__ == "__main__":
    typer.run(main)
