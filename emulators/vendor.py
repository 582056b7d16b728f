"""What an emulated vendor is: facts and functions, defined as `VENDOR` by one module in `emulators/vendors/`."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.outcome import Json
from emulators.faults import FAULTS, WEBHOOK_FAULTS, Effect, Fault, Stage
from emulators.jobs import Job, Standing, fair_bill
from emulators.webhooks import Webhooks

if TYPE_CHECKING:
    from emulators.exchange import Exchange
    from emulators.world import World

Perform = Callable[["Exchange"], Awaitable[Response]]
"""What a vendor does with a request that passed the guard."""


@dataclass(frozen=True, slots=True)
class At:
    """One route: method, path (as Starlette writes it) and what happens there."""

    method: str
    path: str
    """A path parameter `{job}` puts this account's job of that id into `exchange.job`."""
    perform: Perform
    stage: Stage | None = None
    """The faults that strike here; None: no fault does."""
    open: bool = field(default=False, kw_only=True)
    """Whether no key is asked for."""
    job_id: Callable[["Exchange"], str] | None = field(default=None, kw_only=True)
    """Where the job's id stands, when it is not in the path."""


def bearer(request: Request) -> str:
    """The key of `Authorization: Bearer KEY`, which some vendors also take as `Token KEY`."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() in ("bearer", "token") else ""


def scheme_key(scheme: str) -> Callable[[Request], str]:
    """The reader of `Authorization: {scheme} KEY`."""

    def read(request: Request) -> str:
        found, _, key = request.headers.get("authorization", "").partition(" ")
        return key.strip() if found.lower() == scheme.lower() else ""

    return read


def header_key(name: str) -> Callable[[Request], str]:
    """The reader of a key in a header of its own, such as `x-goog-api-key`."""
    return lambda request: request.headers.get(name, "").strip()


def _pass(world: "World", request: Request) -> Response | None:
    return None


def _forever(world: "World", job: Job) -> float:
    return inf


@dataclass(frozen=True, kw_only=True, slots=True)
class Files:
    """How a vendor's public output addresses look and die; all of them can be revoked by `/control/expire`."""

    expires: Callable[["World", Job], float] = _forever
    """Unix seconds at which an address told now stops working."""
    gone: Callable[["World", Job], bool] = lambda world, job: False
    """Whether the vendor has dropped the file by itself."""
    query: str = ""
    """The query parameter that carries the signature; empty: a part of the path does."""
    name: str = "output"
    """The file's name without its ending."""
    wrong: int = 403
    """The status of an address that was never given out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Vendor:
    """A vendor's name, manners and routes; mounted at `/{name}`. Everything with a default may be left out."""

    name: str
    title: str
    models: tuple[str, ...]
    example: str
    """A curl line for the index page; `{base}` stands for the vendor's base address."""
    routes: tuple[At, ...]
    """Looked through in order; what matches none gets `not_found`."""
    hosts: Mapping[str, tuple[At, ...]] = field(default_factory=dict)
    """The vendor's other hosts by a short name: `rest` of `fal` is mounted at `/fal-rest`."""

    error_body: Callable[[int, str], Json]
    """Status and text (may be empty) to the JSON of an error."""
    not_found: tuple[int, str] = (404, "")
    unauthorized: tuple[int, str] = (401, "")
    no_credit: tuple[int, str]
    throttled: str = "Request was throttled."
    """The text of a 429."""
    key: Callable[[Request], str] | None = bearer
    """The key in a request, empty without one; None: the vendor asks for no key."""
    guard: Callable[["World", Request], Response | None] = _pass
    """A further refusal, such as of a missing version header; None lets the request pass."""

    first: Mapping[str, Json]
    """What a job object says before anything happened; null drops a member that is not in `nullable`."""
    success: Mapping[str, Json]
    """What a finished job object says, without an output."""
    nullable: frozenset[str] = frozenset()
    id_member: str = "id"
    status_member: str = "status"
    rewordings: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    """Other members for the faults `no-id`, `no-status`, `unknown-status`, `backwards`, `no-output` than follow
    from the four above."""

    failures: Mapping[str, str] = field(default_factory=dict)
    """Code to the vendor's text; each is a fault `fail-CODE`, and then `job.failure`. No blanks in codes."""
    faults: tuple[Fault, ...] = ()
    """What only this vendor plays. A FATE appears in `job.fates`; a STATUS with a `body` answers just that."""
    billed: Callable[[Job, Standing], int] = fair_bill
    """Micro-dollars charged so far."""
    webhooks: Webhooks | None = None
    files: Files = field(default_factory=Files)

    def error(self, status: int, text: str = "", headers: Mapping[str, str] | None = None) -> JSONResponse:
        """An error in the vendor's shape."""
        return JSONResponse(self.error_body(status, text), status_code=status, headers=headers)

    def credential(self, request: Request) -> str:
        """A short hash of the key of a request; the key itself is kept nowhere. Empty when there is none."""
        key = self.key(request) if self.key is not None else ""
        return hashlib.sha256(key.encode()).hexdigest()[:12] if key else ""

    def refusal(self, world: "World", request: Request, *, keyless: bool = False) -> Response | None:
        """The answer to a request without a good key or version header; None lets it pass."""
        if keyless or self.key is None:
            return None if keyless else self.guard(world, request)
        key, wanted = self.key(request), world.options.require_key
        if not key or (wanted is not None and key != wanted):
            return self.error(*self.unauthorized)
        return self.guard(world, request)

    def reworded(self, fault: str) -> Mapping[str, Json]:
        """The members that a REWORD fault puts over those of the honest answer."""
        usual: Mapping[str, Mapping[str, Json]] = {
            "no-id": {self.id_member: None},
            "no-status": {self.status_member: None},
            "unknown-status": {self.status_member: "pondering"},
            "backwards": self.first,
            "no-output": self.success,
        }
        return self.rewordings.get(fault, usual[fault])

    def played(self) -> dict[str, Fault]:
        """Every fault this vendor plays, by name: the common ones, `fail-CODE` of its failures, and its own."""
        silent = WEBHOOK_FAULTS if self.webhooks is None else self.webhooks.unplayable
        common = {name: fault for name, fault in FAULTS.items() if name not in silent}
        failing = {f"fail-{code}": _failing(code) for code in self.failures}
        return common | failing | {fault.name: fault for fault in self.faults}


def _failing(code: str) -> Fault:
    return Fault(name=f"fail-{code}", effect=Effect.FATE, stages=(Stage.SUBMIT,), meaning=f"ends failed with {code}")
