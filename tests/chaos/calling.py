"""What the witnesses of the rig say of the language model's calls, and by what its words are known again."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

_MARKER = re.compile(r"marker-[0-9-]+-end")
LLM = "llm"
CALLS = "SELECT state, cost_micros, cost_unknown FROM prompt_call"
OPEN = "SELECT count(*) FROM prompt WHERE state = 'OPEN'"


def marker(prompt: str) -> str:
    """What stays of the rig's prompts however they are rewritten; any other prompt as it is."""
    found = _MARKER.search(prompt)
    return found[0] if found else prompt


def clips_of(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The emulators' own jobs without the language model's calls, each prompt as its marker."""
    return [{**row, "prompt": marker(row["prompt"])} for row in rows if row["vendor"] != LLM]


def calls_differ(rows: Iterable[dict[str, Any]], calls: Sequence[Any]) -> list[str]:
    """Where the language model's own account differs from ours.

    Each call that we know answered is one that it charged, at that price; what else it charged is a call whose answer
    was lost, and nothing is charged that nobody has written down.
    """
    charged = Counter(row["billed_micros"] for row in rows if row["vendor"] == LLM)
    known = Counter(call.cost_micros for call in calls if call.state == "ANSWERED" and not call.cost_unknown)
    unsure = sum(call.state == "UNKNOWN" or bool(call.cost_unknown) for call in calls)
    faults = [f"{micros} micros are booked that the language model never charged" for micros in known - charged]
    lost = (charged - known).total()
    if lost > unsure:
        faults.append(f"{lost} calls were charged beside those we know of, and only {unsure} answers were lost")
    faults += [f"{call.state}: still" for call in calls if call.state == "INTENDED"]
    return faults
