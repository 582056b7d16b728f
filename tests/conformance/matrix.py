"""What was seen, as tables: behaviours and surfaces in Markdown, and one list per surface for a terminal."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from jobs.records import JobState
from providers.model import Unit
from tests.conformance.playing import Played, Seen
from tests.conformance.surface import Behaviour, Surface, behaviours

HEAD = """# The fault matrix

Every vendor surface against every behaviour that the kit in `tests/conformance` plays, as `make faults` saw it last:
what became of the clip, whether the vendor bills it, how often it was ordered, and what was booked in dollars.

- `clip` it was delivered; `parked` the vendor may have it: the money stays held until somebody decides, and what an
  operator's decision makes of it follows; `cancelled`, or the reason why it failed, with the stage of a moderation.
- YES booked what the vendor bills, to the micro-dollar; NO booked nothing, and nothing is billed; UNKNOWN booked our
  own quote; HELD booked nothing yet. `what ran`: the seconds until it was stopped, which no two runs share.
- A cell with `no …` cannot happen there. This file is generated; a test compares its rows and columns.
"""


KINDS: Mapping[str, tuple[str, str]] = {
    "moderation of the prompt": ("CONTENT_POLICY", "PROMPT"),
    "moderation of an input": ("CONTENT_POLICY", "INPUT"),
    "moderation of the output": ("CONTENT_POLICY", "OUTPUT"),
    "moderation, of what is not told": ("CONTENT_POLICY", ""),
    "the vendor breaks": ("VENDOR_FAILED", ""),
}
"""Rows of the matrix that show the first of a vendor's failures of this reason and stage."""


def rows() -> list[str]:
    """The names of the matrix' rows."""
    return [*[each.name for each in behaviours()], *KINDS]


def document(played: Sequence[Played]) -> str:
    """The whole file."""
    common = [[each.name, *[_cell(one, each) for one in played]] for each in behaviours()]
    common += [[name, *[_first(one, *kind) for one in played]] for name, kind in KINDS.items()]
    parts = [HEAD, _table(["behaviour", *[one.surface.name for one in played]], common)]
    for title, then in (("Every failure a vendor names", "fails"), ("What only one vendor does", "own")):
        rows = [[one.surface.name, _short(each), _cell(one, each)] for one in played for each in _of(one.surface, then)]
        parts.append(f"## {title}\n\n{_table(['surface', 'behaviour', 'what becomes of it'], rows)}")
    return "\n".join(parts)


def shape(text: str) -> tuple[list[str], list[str]]:
    """The columns and the rows of a file's first table."""
    lines = [line for line in text.partition("\n## ")[0].splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return cells[0][1:], [row[0] for row in cells[2:]]


def listing(played: Played) -> str:
    """One surface's rows, for a terminal."""
    facts = [(each.name, *_facts(played.seen[each.name])) for each in played.surface.playable()]
    told = [("behaviour", "what became of it", "billed", "POSTs", "USD"), *facts]
    lines = [f"{name:<50} {fate:<32} {billed:<8} {posts:>5} {money:>9}" for name, fate, billed, posts, money in told]
    return "\n".join([f"{played.surface.name} ({played.surface.row.id})", *lines])


def _of(surface: Surface, then: str) -> list[Behaviour]:
    return [behaviour for behaviour in surface.playable() if behaviour.then == then]


def _first(played: Played, reason: str, stage: str) -> str:
    """The cell of the first failure, or fault of the vendor's own, with this reason and stage."""
    for behaviour in [*_of(played.surface, "fails"), *_of(played.surface, "own")]:
        expected = played.surface.expected(behaviour)
        if (expected.reason, expected.stage) == (reason, stage):
            return _cell(played, behaviour)
    return "no such word"


def _short(behaviour: Behaviour) -> str:
    return behaviour.name.partition(": ")[2]


def _cell(played: Played, behaviour: Behaviour) -> str:
    missing = played.surface.missing(behaviour)
    if missing:
        return missing if missing.startswith("no ") else "not here"
    fate, billed, posts, money = _facts(played.seen[behaviour.name])
    is_metered = billed == "YES" and behaviour.then in ("cancelled", "timed out") and fate != "clip"
    if is_metered and all(price.unit is Unit.COMPUTE_SECOND for price in played.surface.row.prices):
        money = "what ran"
    return f"{fate}, {billed}, {posts}, {money}"


def _facts(seen: Seen) -> tuple[str, str, str, str]:
    """What became of it, billed, POSTs, money."""
    plain = {JobState.SUCCEEDED: "clip", JobState.NEEDS_RESOLUTION: "parked", JobState.CANCELLED: "cancelled"}
    fate = plain.get(JobState(seen.state), f"{seen.reason}{f'/{seen.stage}' if seen.stage else ''}")
    if seen.later:
        fate += f", then {plain.get(JobState(seen.later), 'given up')}"
    return fate, seen.billed, str(seen.posts), f"{(Decimal(seen.booked) / 1_000_000).normalize():f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
