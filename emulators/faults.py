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

RUNWAY_FAILURES: Mapping[str, str] = {
    "SAFETY.INPUT.TEXT": "The prompt was rejected by our content moderation.",
    "SAFETY.INPUT.IMAGE": "The input image was rejected by our content moderation.",
    "SAFETY.INPUT.VIDEO": "The input video was rejected by our content moderation.",
    "SAFETY.OUTPUT.VIDEO": "The generated video was rejected by our content moderation.",
    "INPUT_PREPROCESSING.SAFETY.TEXT": "The prompt was rejected while it was prepared.",
    "INPUT_PREPROCESSING.INTERNAL": "An unexpected error occurred while the input was prepared.",
    "INTERNAL.BAD_OUTPUT.CODE01": "The generated output did not meet our quality bar.",
    "INTERNAL": "An unexpected error occurred.",
    "ASSET.INVALID": "The supplied asset is not usable.",
    "THIRD_PARTY.UNAVAILABLE": "The partner model is unavailable.",
    "NULL": "An unexpected error occurred.",
}
"""`failureCode` to `failure`; `NULL` stands for a failure without a code."""

REPLICATE_FAILURES: Mapping[str, str] = {
    "E005": "The input or output was flagged as sensitive. Please try again with different inputs. (E005)",
    "E8765": "Prediction interrupted; please retry (code: E8765)",
    "QUEUE": "Director: queue full, please try again later",
    "TIMEOUT": "Prediction timed out",
    "UNAVAILABLE": "The model is temporarily unavailable",
    "OOM": "CUDA out of memory. Tried to allocate 2.00 GiB",
    "ERROR": "list index out of range",
}
"""A short name of ours to the prediction's `error` text. Only E005 was observed; the others are typical wordings."""


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
    yield _fault("no-credit", Effect.NO_CREDIT, submit, "out of credit: Runway says 400, Replicate 402")
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
    yield _fault("throttled", Effect.FATE, submit, "Runway: THROTTLED for `seconds` (60) of vendor time")
    yield _fault("stuck", Effect.FATE, submit, "never starts")
    yield _fault("stuck-running", Effect.FATE, submit, "starts, never ends")
    yield _fault("slow-job", Effect.FATE, submit, "runs `factor` (10) times as long")
    yield _fault("black", Effect.FATE, submit, "the clip is black")
    for code in (*RUNWAY_FAILURES, *REPLICATE_FAILURES):
        yield _fault(f"fail-{code}", Effect.FATE, submit, f"ends failed with {code}")


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
    yield _fault("webhook-reordered", Effect.DELIVERY, webhook, "held back until `completed` was delivered")
    yield _fault("webhook-bad-signature", Effect.DELIVERY, webhook, "signed with another secret")
    yield _fault("webhook-stale", Effect.DELIVERY, webhook, "an hour-old timestamp, correctly signed")
    yield _fault("webhook-never", Effect.DELIVERY, webhook, "not delivered at all")
    yield _fault("webhook-slow", Effect.DELIVERY, webhook, "delivered `seconds` (2) late")


FAULTS: Mapping[str, Fault] = {
    fault.name: fault for part in (_transport, _replies, _fates, _files, _deliveries) for fault in part()
}


def find(name: str, stage: str | None = None) -> tuple[Fault, Stage]:
    """The fault of this name and the stage it strikes. Raises UnknownFault."""
    fault = FAULTS.get(name)
    if fault is None:
        raise UnknownFault(f"no fault {name!r}; known: {', '.join(FAULTS)}")
    if stage is None:
        return fault, fault.stages[0]
    if stage not in fault.stages:
        raise UnknownFault(f"{name} strikes at {', '.join(fault.stages)}, not at {stage!r}")
    return fault, Stage(stage)


_WORD = re.compile(r"\[\[fault:(?:(?P<stage>[a-z]+)/)?(?P<name>[A-Za-z0-9._-]+)(?:\*(?P<times>\d{1,4}))?\]\]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """A magic word found in a prompt."""

    fault: Fault
    stage: Stage
    times: int | None


def words(prompt: str) -> tuple[Word, ...]:
    """The `[[fault:name]]`, `[[fault:stage/name]]` and `[[fault:name*3]]` of a prompt. Raises UnknownFault."""
    found = []
    for match in _WORD.finditer(prompt):
        fault, stage = find(match["name"], match["stage"])
        found.append(Word(fault=fault, stage=stage, times=int(match["times"]) if match["times"] else None))
    return tuple(found)
