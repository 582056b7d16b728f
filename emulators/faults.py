"""The table of faults: what an emulated vendor, its network or its files can be told to do wrong."""

import enum
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from core.outcome import Json


class Stage(enum.StrEnum):
    """Which exchange a fault strikes."""

    SUBMIT = "submit"
    POLL = "poll"
    CANCEL = "cancel"
    DOWNLOAD = "download"
    WEBHOOK = "webhook"


class Effect(enum.StrEnum):
    """How a fault is played; `FATE` changes the job itself instead of one exchange."""

    FATE = "fate"
    STATUS = "status"
    RATE_LIMIT = "rate limit"
    NO_CREDIT = "no credit"
    HTML = "html"
    REDIRECT = "redirect"
    HOLD = "hold"
    RESET = "reset"
    RESET_IN_BODY = "reset in body"
    SLOW = "slow"
    MALFORMED = "malformed"
    REWORD = "reword"
    EXPIRE = "expire"
    TRUNCATE = "truncate"
    TRUNCATE_UNSIZED = "truncate unsized"
    TRICKLE = "trickle"
    WRONG_CONTENT = "wrong content"
    HUGE = "huge"
    EMPTY = "empty"
    DELIVERY = "delivery"


class UnknownFault(ValueError):
    """No such fault, or not at this stage; the text names what there is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One thing that can go wrong. The first of `stages` is where it strikes unless told otherwise."""

    name: str
    effect: Effect
    stages: tuple[Stage, ...]
    meaning: str
    accepts: bool = False
    """Whether the vendor does what was asked (and bills it) before the fault strikes."""
    status: int = 0
    text: str = ""
    """The vendor's own text for a STATUS."""
    body: Json = None
    """The very JSON that a STATUS answers, instead of the vendor's error."""


def fate(name: str, meaning: str) -> Fault:
    """A fault of a vendor's own that changes the job: its name is then in `job.fates`."""
    return Fault(name=name, effect=Effect.FATE, stages=(Stage.SUBMIT,), meaning=meaning)


def answer(name: str, status: int, meaning: str, *, text: str = "", body: Json = None, at: tuple[Stage, ...]) -> Fault:
    """A fault of a vendor's own that answers `status` with the vendor's error of this text, or with just `body`."""
    return Fault(name=name, effect=Effect.STATUS, stages=at, meaning=meaning, status=status, text=text, body=body)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scripted:
    """A fault about to strike, with its options (`seconds`, `accept`, `bytes`, `status`)."""

    fault: Fault
    options: Mapping[str, Json] = field(default_factory=dict)

    @property
    def accepts(self) -> bool:
        """Whether the vendor acts first; the option `accept` overrides the table."""
        chosen = self.options.get("accept")
        return chosen if isinstance(chosen, bool) else self.fault.accepts

    def number(self, name: str, default: float) -> float:
        """A numeric option."""
        value = self.options.get(name)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else default


EXCHANGES = (Stage.SUBMIT, Stage.POLL, Stage.CANCEL, Stage.DOWNLOAD)
ORDERS = (Stage.SUBMIT, Stage.CANCEL)
ANSWERS = (Stage.SUBMIT, Stage.POLL, Stage.CANCEL)
STATUSES = (400, 401, 402, 403, 404, 405, 408, 409, 410, 413, 415, 422, 425, 500, 502, 503, 504)
AMBIGUOUS_STATUSES = (408, 409, 425, 500, 502, 503, 504)
RATE_LIMIT_FORMS = ("seconds", "date", "body", "prose", "bare")


def _fault(name: str, effect: Effect, stages: tuple[Stage, ...], meaning: str, **more: bool | int) -> Fault:
    return Fault(
        name=name,
        effect=effect,
        stages=stages,
        meaning=meaning,
        accepts=bool(more.get("accepts", False)),
        status=int(more.get("status", 0)),
    )


def _transport() -> Iterator[Fault]:
    yield _fault("lost-reply", Effect.STATUS, ORDERS, "500 after accept", accepts=True, status=500)
    yield _fault("timeout-after-accept", Effect.HOLD, ORDERS, "accepted, then never an answer", accepts=True)
    yield _fault("reset-after-accept", Effect.RESET, ORDERS, "accepted, then a TCP reset", accepts=True)
    yield _fault("reset-in-body", Effect.RESET_IN_BODY, EXCHANGES, "a TCP reset inside the body", accepts=True)
    yield _fault("timeout", Effect.HOLD, EXCHANGES, "nothing is done and nothing answered")
    yield _fault("reset", Effect.RESET, EXCHANGES, "nothing is done; a TCP reset")
    yield _fault("slow-reply", Effect.SLOW, EXCHANGES, "the answer comes `seconds` (2) late", accepts=True)


def _replies() -> Iterator[Fault]:
    for status in STATUSES:
        yield _fault(f"http-{status}", Effect.STATUS, EXCHANGES, f"{status}, nothing done", status=status)
    for status in AMBIGUOUS_STATUSES:
        name = f"http-{status}-after-accept"
        yield _fault(name, Effect.STATUS, ORDERS, f"{status} after accept", accepts=True, status=status)
    submit = (Stage.SUBMIT,)
    yield _fault("no-credit", Effect.NO_CREDIT, submit, "out of credit, in the vendor's own words")
    for form in RATE_LIMIT_FORMS:
        meaning = f"429, Retry-After as {form}, `seconds` (2)"
        yield _fault(f"rate-limit-{form}", Effect.RATE_LIMIT, EXCHANGES, meaning, status=429)
    for status in (200, 502, 503):
        yield _fault(f"html-{status}", Effect.HTML, ANSWERS, f"{status} with an HTML page", status=status)
        name = f"html-{status}-after-accept"
        yield _fault(name, Effect.HTML, ORDERS, f"{status} HTML after accept", accepts=True, status=status)
    for status in (302, 307):
        yield _fault(f"redirect-{status}", Effect.REDIRECT, EXCHANGES, f"{status} elsewhere", status=status)
    yield _fault("malformed-json", Effect.MALFORMED, ANSWERS, "done, but the JSON breaks off", accepts=True)
    for name, meaning in (
        ("no-id", "2xx without an id"),
        ("wrong-shape", "2xx with a JSON array"),
        ("no-status", "2xx without a status"),
    ):
        yield _fault(name, Effect.REWORD, ANSWERS, f"done, but {meaning}", accepts=True)
    for name, meaning in (
        ("unknown-status", "a status word nobody knows"),
        ("backwards", "the first status again"),
        ("no-output", "success without an output"),
    ):
        yield _fault(name, Effect.REWORD, (Stage.POLL, Stage.CANCEL), meaning, accepts=True)


def _fates() -> Iterator[Fault]:
    submit = (Stage.SUBMIT,)
    yield _fault("throttled", Effect.FATE, submit, "held back for `seconds` (60) of vendor time (Runway: THROTTLED)")
    yield _fault("stuck", Effect.FATE, submit, "never starts")
    yield _fault("stuck-running", Effect.FATE, submit, "starts, never ends")
    yield _fault("slow-job", Effect.FATE, submit, "runs `factor` (10) times as long")
    yield _fault("black", Effect.FATE, submit, "the clip is black")


def _files() -> Iterator[Fault]:
    download = (Stage.DOWNLOAD,)
    yield _fault("expired-url", Effect.EXPIRE, download, "403; the next poll gives a fresh URL")
    yield _fault("truncated", Effect.TRUNCATE, download, "half the file under its full Content-Length", accepts=True)
    meaning = "half the file, no Content-Length"
    yield _fault("truncated-unsized", Effect.TRUNCATE_UNSIZED, download, meaning, accepts=True)
    yield _fault("trickle", Effect.TRICKLE, download, "`bytes` (256) every `seconds` (0.2)", accepts=True)
    yield _fault("wrong-content", Effect.WRONG_CONTENT, download, "an HTML page as video/mp4")
    yield _fault("huge", Effect.HUGE, download, "`bytes` (64 GiB) are announced and sent", accepts=True)
    yield _fault("empty", Effect.EMPTY, download, "200 and no byte")


def _deliveries() -> Iterator[Fault]:
    webhook = (Stage.WEBHOOK,)
    yield _fault("webhook-duplicate", Effect.DELIVERY, webhook, "delivered twice, same webhook-id")
    yield _fault("webhook-reordered", Effect.DELIVERY, webhook, "held back until the last event was delivered")
    yield _fault("webhook-bad-signature", Effect.DELIVERY, webhook, "signed with another key")
    yield _fault("webhook-stale", Effect.DELIVERY, webhook, "an hour-old timestamp, correctly signed")
    yield _fault("webhook-never", Effect.DELIVERY, webhook, "not delivered at all")
    yield _fault("webhook-slow", Effect.DELIVERY, webhook, "delivered `seconds` (2) late")


FAULTS: Mapping[str, Fault] = {
    fault.name: fault for part in (_transport, _replies, _fates, _files, _deliveries) for fault in part()
}
"""What every vendor plays, but for webhook faults where it has none to spoil."""
WEBHOOK_FAULTS = frozenset(fault.name for fault in _deliveries())

_WORD = re.compile(r"\[\[fault:(?:(?P<stage>[a-z]+)/)?(?P<name>[A-Za-z0-9._-]+)(?:\*(?P<times>\d{1,4}))?\]\]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """A magic word found in a prompt."""

    fault: Fault
    stage: Stage
    times: int | None


class FaultTable:
    """What each vendor plays. One name means the same wherever it is played."""

    def __init__(self, played: Mapping[str, Mapping[str, Fault]]) -> None:
        """`played` is vendor to fault name to fault."""
        self._played = played
        self.all: dict[str, Fault] = {name: fault for own in played.values() for name, fault in own.items()}

    def of(self, vendor: str) -> Mapping[str, Fault]:
        """The faults this vendor plays, by name."""
        return self._played.get(vendor, {})

    def players(self, name: str) -> list[str]:
        """The vendors that play a fault."""
        return [vendor for vendor, own in self._played.items() if name in own]

    def find(self, name: str, stage: str | None = None, vendor: str = "") -> tuple[Fault, Stage]:
        """The fault of this name (at this vendor, or at any) and the stage it strikes. Raises UnknownFault."""
        known = self.of(vendor) if vendor else self.all
        fault = known.get(name)
        if fault is None:
            raise UnknownFault(f"no fault {name!r}{f' at {vendor}' if vendor else ''}; known: {', '.join(known)}")
        if stage is None:
            return fault, fault.stages[0]
        if stage not in fault.stages:
            raise UnknownFault(f"{name} strikes at {', '.join(fault.stages)}, not at {stage!r}")
        return fault, Stage(stage)

    def words(self, prompt: str, vendor: str) -> tuple[Word, ...]:
        """The `[[fault:name]]`, `[[fault:stage/name]]` and `[[fault:name*3]]` of a prompt that this vendor plays.

        What only others play is passed over. Raises UnknownFault for what nobody does.
        """
        found = []
        for match in _WORD.finditer(prompt):
            _, stage = self.find(match["name"], match["stage"])
            fault = self.of(vendor).get(match["name"])
            if fault is not None:
                found.append(Word(fault=fault, stage=stage, times=int(match["times"]) if match["times"] else None))
        return tuple(found)
