"""What `verify` saw: every exchange with the vendor, how the adapter read it, and both as a file without secrets."""

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import typer

from core import clock
from core.outcome import Json, Reply, Request
from jobs.http import ExchangeFailed
from providers.base import BaseVideoProvider, readable
from providers.plain import plain
from server.commands.verify_redaction import MASK, Redaction, shape

_REPLAYED = ("submitted", "outcome", "delivered", "cancelled")
"""The adapter's functions whose answers stand in `tests/providers/contract`."""
_OTHERS = ("candidates", "found", "callback_secrets")
_IDLE = frozenset({"date", "server", "content-type", "content-length"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """One function of the adapter, and what it made of a reply."""

    call: str
    result: object


@dataclass(kw_only=True, slots=True)
class Exchange:
    """One request and what came of it."""

    at: str
    step: str
    request: Request
    reply: Reply | None = None
    lost: str = ""
    """Why no whole reply came."""
    reads: list[Read] = field(default_factory=list)

    @property
    def word(self) -> str:
        """The vendor's own word for how the job stands; empty where there is none."""
        document = (self.reply.document if self.reply is not None else None) or {}
        found = (document.get(name) for name in ("status", "state"))
        return readable(next((each for each in found if isinstance(each, str)), ""))[:64]

    def results(self, call: str) -> list[object]:
        """What this function of the adapter made of the reply."""
        return [read.result for read in self.reads if read.call == call]


@dataclass(slots=True)
class Recorder:
    """Sees what passes between us and the vendor, and what an adapter makes of it."""

    step: str = ""
    exchanges: list[Exchange] = field(default_factory=list)

    def observe(self, request: Request, came: Reply | ExchangeFailed) -> None:
        """For `VendorClient.observe`."""
        at = clock.now().isoformat(timespec="milliseconds")
        exchange = Exchange(at=at, step=self.step, request=request)
        if isinstance(came, Reply):
            exchange.reply = came
        else:
            exchange.lost = str(came)
        self.exchanges.append(exchange)

    def watched(self, provider: BaseVideoProvider) -> BaseVideoProvider:
        """A twin of the adapter that tells us what it reads."""
        twin = copy.copy(provider)
        vars(twin).update({name: partial(self._read, name, getattr(provider, name)) for name in _REPLAYED + _OTHERS})
        return twin

    def _read(self, call: str, method: Callable[..., object], reply: Reply, *more: object) -> object:
        result = method(reply, *more)
        # The very object that came from the wire: an equal reply may belong to another exchange.
        source = next((each for each in reversed(self.exchanges) if each.reply is reply), None)
        if source is not None:
            source.reads.append(Read(call=call, result=result))
        return result

    def during(self, step: str) -> list[Exchange]:
        """The exchanges of one step, in their order."""
        return [each for each in self.exchanges if each.step == step]


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One line of the report."""

    name: str
    passed: bool
    seen: str


@dataclass(slots=True)
class Report:
    """The lines so far; each is shown as it comes."""

    redaction: Redaction
    steps: list[Step] = field(default_factory=list)

    def add(self, name: str, passed: bool, seen: str) -> None:
        """One more step; `seen` says what came, and what our tables say where that is something else."""
        step = Step(name=name, passed=passed, seen=readable(self.redaction.text(seen)))
        self.steps.append(step)
        typer.echo(f"{'ok  ' if passed else 'FAIL'} {step.name:16} {step.seen}")

    @property
    def failed(self) -> int:
        """How many steps did not pass."""
        return sum(not step.passed for step in self.steps)


def became(result: object) -> dict[str, Json]:
    """An answer of the adapter as the contract's files write it."""
    facts = plain(result)
    return {"is": type(result).__name__, **(facts if isinstance(facts, dict) else {})}


def replay(provider: BaseVideoProvider, call: str, reply: Mapping[str, Any]) -> dict[str, Json]:
    """What the adapter makes of a reply as it is written in a transcript."""
    body = json.dumps(reply["json"]) if "json" in reply else reply["text"]
    read = getattr(provider, call)
    return became(read(Reply(status=reply["status"], headers=reply.get("headers", {}), body=body.encode())))


def written(
    recorder: Recorder, report: Report, provider: BaseVideoProvider, about: Mapping[str, Json]
) -> dict[str, Json]:
    """The whole transcript. `cases` are those replies that replay, ready for `states.json` and `errors.json`."""
    writer = _Writer(report.redaction, provider)
    return {
        "about": report.redaction.value(dict(about)),
        "steps": [plain(step) for step in report.steps],
        "exchanges": [writer.exchange(number, each) for number, each in enumerate(recorder.exchanges, 1)],
        "cases": list(writer.cases.values()),
    }


def as_text(transcript: Mapping[str, Json]) -> str:
    """JSON with one step, exchange or case on a line, as the contract's files are."""
    parts = []
    for name, value in transcript.items():
        entries = [json.dumps(entry, ensure_ascii=False) for entry in value] if isinstance(value, list) else []
        text = "[\n  " + ",\n  ".join(entries) + "\n ]" if entries else json.dumps(value, ensure_ascii=False)
        parts.append(f" {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _without_idle_headers(reply: Mapping[str, Json]) -> dict[str, Json]:
    """The reply with the headers that an adapter may read."""
    headers = {name: value for name, value in reply["headers"].items() if name not in _IDLE and value != MASK}
    return {name: value for name, value in {**reply, "headers": headers}.items() if value or name != "headers"}


@dataclass(slots=True)
class _Writer:
    redaction: Redaction
    provider: BaseVideoProvider
    cases: dict[str, Json] = field(default_factory=dict)

    def exchange(self, number: int, exchange: Exchange) -> dict[str, Json]:
        """One exchange; bodies in full only where the contract can use them: others may hold keys or old prompts."""
        whole = any(read.call in _REPLAYED for read in exchange.reads)
        told: dict[str, Json] = {"number": number, "at": exchange.at, "step": exchange.step}
        told["request"] = self._request(exchange.request, whole=whole)
        if exchange.reply is None:
            return told | {"lost": exchange.lost}
        reply = self._reply(exchange.reply, whole=whole)
        told |= {"reply": reply, "reply_bytes": len(exchange.reply.body)}
        return told | {"reads": [self._read(exchange, read, reply) for read in exchange.reads]}

    def _request(self, request: Request, *, whole: bool) -> dict[str, Json]:
        told: dict[str, Json] = {"method": request.method, "path": self.redaction.text(request.path)}
        if request.host:
            told["host"] = request.host
        if request.query:
            told["query"] = self.redaction.value(request.query)
        told["headers"] = {name: self.redaction.value(value, name) for name, value in request.headers.items()}
        if request.auth is not None:
            told["headers"][request.auth.header] = request.auth.prefix + MASK
        if request.json is not None:
            told["json"] = self._body(request.json, whole=whole)
        if request.form:
            told["form"] = {part.name: self._part(part.data, part.filename, whole=whole) for part in request.form}
        return told | ({"bytes": len(request.content)} if request.content else {})

    def _part(self, data: bytes, filename: str, *, whole: bool) -> Json:
        return f"({len(data)} bytes)" if filename else self._body(data.decode("utf-8", "replace"), whole=whole)

    def _reply(self, reply: Reply, *, whole: bool) -> dict[str, Json]:
        told: dict[str, Json] = {"status": reply.status, "headers": self.redaction.headers(reply.headers)}
        try:
            return told | {"json": self._body(json.loads(reply.body), whole=whole)}
        except (ValueError, RecursionError):
            return told | {"text": self._body(reply.body.decode("utf-8", "replace"), whole=whole)}

    def _body(self, value: Json, *, whole: bool) -> Json:
        return self.redaction.value(value) if whole else shape(value)

    def _read(self, exchange: Exchange, read: Read, reply: Mapping[str, Json]) -> dict[str, Json]:
        if read.call not in _REPLAYED:
            count = len(read.result) if isinstance(read.result, Sequence) else int(read.result is not None)
            return {"call": read.call, "became": {"count": count}}
        expected = self.redaction.value(became(read.result))
        case = _without_idle_headers(reply)
        replays = replay(self.provider, read.call, case) == expected
        if replays:
            self._keep(exchange, read.call, case, expected)
        return {"call": read.call, "became": expected, "replays": replays}

    def _keep(self, exchange: Exchange, call: str, reply: Mapping[str, Json], expected: dict[str, Json]) -> None:
        """The first reply of each kind; a hundred polls that differ in their progress are one."""
        kind = json.dumps([call, exchange.word, {**expected, "progress": None}], sort_keys=True)
        name = " ".join(filter(None, ("verified", exchange.at[:10], exchange.step, self.redaction.text(exchange.word))))
        self.cases.setdefault(kind, {"name": name, "call": call, "reply": reply, "expect": expected})
