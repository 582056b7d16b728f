"""What sets one emulated vendor's answers apart from another's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.outcome import Json
from emulators.world import World


@dataclass(frozen=True, kw_only=True, slots=True)
class Vendor:
    """A vendor's name and manners."""

    name: str
    error_body: Callable[[int, str], Mapping[str, Json]]
    """Status and text (may be empty) to the JSON of an error."""
    guard: Callable[[World, Request], Response | None]
    """The refusal of a request without a good key or version header; None lets it pass."""
    first: Mapping[str, Json]
    """What a job object says before anything happened; null drops a member that is not in `nullable`."""
    success: Mapping[str, Json]
    """What a finished job object says, without an output."""
    no_credit: tuple[int, str]
    nullable: frozenset[str] = frozenset()

    def error(self, status: int, text: str = "", headers: Mapping[str, str] | None = None) -> JSONResponse:
        """An error in the vendor's shape."""
        return JSONResponse(self.error_body(status, text), status_code=status, headers=headers)
