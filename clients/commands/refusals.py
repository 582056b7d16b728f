"""What a person sees of a refused call, and what a script sees: the exit codes.

0 done · 1 the job failed, wholly or in part, or was cancelled · 2 the command line is wrong · 3 refused ·
4 the server cannot be reached or asks to come back later · 5 the job is parked and needs a decision
"""

import grpc
from filmgate_client import FilmgateCallError, Violation
from rich.console import Console
from rich.markup import escape

FAILED = 1
USAGE = 2
REFUSED = 3
LATER = 4
PARKED = 5

_LATER = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED})

console = Console(stderr=True)


def exit_code(error: FilmgateCallError) -> int:
    """4 when trying later may help, 3 otherwise."""
    return LATER if error.code in _LATER else REFUSED


def plain(text: str) -> str:
    """Text from outside, safe to print: no markup, no control characters that steer a terminal."""
    return escape("".join(letter if letter.isprintable() or letter == "\n" else "�" for letter in text))


def show(error: FilmgateCallError, target: str) -> None:
    """Print the refusal with every violation, and when to come back."""
    unreachable = error.code is grpc.StatusCode.UNAVAILABLE and not error.from_filmgate
    title = f"{target} cannot be reached" if unreachable else error.reason or error.code.name
    console.print(f"[bold red]{plain(title)}[/]" + ("" if error.violations else f": {plain(error.message)}"))
    for violation in (*error.violations, *error.quota_violations):
        console.print(_line(violation), highlight=False)
    if error.retry_after is not None:
        console.print(f"Try again in {error.retry_after:g} s.")


def _line(violation: Violation) -> str:
    name = f"[bold]{plain(violation.field)}[/]: " if violation.field else ""
    return f"  {name}{plain(violation.message)}"
