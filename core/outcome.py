"""What passes between an adapter and the sender: requests, replies, tickets, outcomes. All pure data."""

import enum
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.errors import Failure
from core.money import Money

Json = Any
"""A JSON value as `json.loads` gives it; every reader checks shapes itself, replies are not trusted."""

Ticket = Mapping[str, Json]
"""What a vendor gave us for a job: opaque JSON, stored, read by its own adapter only. Holds at least `id`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Auth:
    """How a request carries its credential; the sender fills the secret in last."""

    header: str = "Authorization"
    prefix: str = "Bearer "


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One part of a multipart form: a text field, or a file when it has a `filename`."""

    name: str
    data: bytes = field(repr=False)
    filename: str = ""
    content_type: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One HTTP request to a vendor, without its secret and without its host.

    `path` is joined to the attempt's named endpoint, or to the adapter's `hosts[host]`, so an adapter can never choose
    where a key goes. At most one of `json`, `form` and `content` is set.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Json = None
    form: Sequence[Part] = ()
    """Sent as multipart/form-data, in order."""
    content: bytes = field(default=b"", repr=False)
    """Sent as it is; name its type in `headers`."""
    query: Mapping[str, str] = field(default_factory=dict)
    auth: Auth | None = None
    host: str = ""
    """Another host of the same vendor, by its name in the adapter's `hosts`; empty: the endpoint's own."""


_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_REPLACEMENT = "\ufffd"


def parsed(body: bytes) -> Json:
    """What JSON of foreign hands says, None when it is none: the one way in for what vendors write.

    Characters that no database keeps (U+0000, halves of surrogate pairs) are U+FFFD in it.
    """
    try:
        value = json.loads(body)
        return value if body.isascii() and b"\\u" not in body else _storable(value)
    except (ValueError, RecursionError):
        return None


def _storable(value: Json) -> Json:
    if isinstance(value, str):
        return _UNSTORABLE.sub(_REPLACEMENT, value)
    if isinstance(value, list):
        return [_storable(each) for each in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(each) for name, each in value.items()}
    return value


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """A complete HTTP reply. Header names are lower case. The body is untrusted and bounded (4 MiB)."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def document(self) -> dict[str, Json] | None:
        """The body as a JSON object, or None when it is anything else."""
        value = parsed(self.body)
        return value if isinstance(value, dict) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What the vendor says was used. All optional; the row's price turns it into money (`providers.prices`)."""

    cost: Money | None = None
    """Stated by the vendor in money or in credits with a fixed price."""
    video_seconds: float | None = None
    compute_seconds: float | None = None
    tokens: int | None = None
    """Output tokens, where the row has a price per million of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """The vendor took the job: it will be billed."""

    ticket: Ticket
    estimate: Money | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """The vendor certainly did not take the job: nothing is billed."""

    failure: Failure
    retry_after: float | None = None
    """Seconds the vendor asked us to wait."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ambiguous:
    """The vendor may or may not have taken the job. Never sent again by itself."""

    detail: str


Submitted = Accepted | Refused | Ambiguous


class Stage(enum.StrEnum):
    """How far a vendor is with a job."""

    QUEUED = "queued"
    THROTTLED = "throttled"
    RUNNING = "running"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pending:
    """Not finished. `unknown` marks a status word we do not know: counted, waited on, never success."""

    stage: Stage = Stage.QUEUED
    progress: float | None = None
    """0 to 1 where the vendor tells."""
    unknown: str = ""
    """The unknown status word, for the log."""
    retry_after: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Ready:
    """Finished. `outputs` are absolute URLs, `data:` URIs, or paths (`/v1/…`) on the endpoint itself, best first."""

    outputs: Sequence[str]
    auth: Auth | None = None
    """Set when the output URL needs the credential (and then only on the endpoint's own hosts)."""
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """Ended without a clip. `failure.billed` says whether it costs; `usage` says what, where the vendor tells."""

    failure: Failure
    usage: Usage = field(default_factory=Usage)


Outcome = Pending | Ready | Failed


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """The vendor is done, but says elsewhere with what: ask the adapter's `result` next."""

    more: Mapping[str, Json] = field(default_factory=dict)
    """What only this answer told and `result` needs, added to the ticket it is given."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """A place a vendor gave us for an input file: how to send the bytes there, and the address they will have."""

    uri: str
    url: str
    """Absolute and signed; it gets no credential."""
    method: str = "PUT"
    fields: Mapping[str, str] = field(default_factory=dict)
    """Form fields to send before the file; empty: the bytes are the body."""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptReference:
    """What is known of an attempt whose submit reply was lost; enough to look for it at the vendor."""

    attempt_id: str
    callback_token: str
    model: str
    """The model's name in the vendor's API."""
    request: Json
    """The JSON body that was sent; None when it was too large to keep."""
    intended_at: str
    """ISO 8601 UTC, taken before the POST."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Callback:
    """A verified vendor webhook: the job it names and what it says, as if polled."""

    vendor_task_id: str
    outcome: Outcome
    delivery_id: str
    """The vendor's id of this delivery, for replay protection."""
    signed: bool = True
    """False: nothing but the unguessable address speaks for it. A hint: the vendor's own API is asked before anything
    is believed."""


class CallbackRefused(ValueError):
    """A webhook whose signature, age or shape is wrong."""
