"""One request to an emulated vendor: read, checked, struck by a fault if one waits, answered, and witnessed."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from core.outcome import Json
from emulators import effects, ledger
from emulators.faults import Effect, Scripted, Stage, UnknownFault, words
from emulators.jobs import Job, with_fate
from emulators.ledger import Post, ScriptRow
from emulators.vendor import Vendor
from emulators.world import World

MAX_BODY = 210 * 1024 * 1024
WITNESSED = frozenset({"POST", "DELETE"})
EVERY_TIME = 1_000_000
SILENT = frozenset({Effect.HOLD, Effect.RESET, Effect.RESET_IN_BODY})


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """A request, with everything a vendor's code needs to answer it."""

    world: World
    vendor: Vendor
    request: Request
    body: bytes
    at: float
    job: Job | None = None
    """The job named in the path, if it is this account's."""
    scripted: Scripted | None = None
    fates: tuple[Scripted, ...] = ()
    bound: tuple[ScriptRow, ...] = ()
    """Faults the prompt asks for later in the job's life."""

    @property
    def document(self) -> dict[str, Json] | None:
        """The body as a JSON object; None when it is anything else."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None

    @property
    def credential(self) -> str:
        """The fingerprint of the key in the request; empty without one."""
        return fingerprint(self.request)

    def fated(self, job: Job) -> Job:
        """The job as the waiting faults make it."""
        for scripted in self.fates:
            job = with_fate(job, scripted.fault.name, scripted.options)
        return job

    async def witness(self, status: int, job: Job | None = None) -> None:
        """Write the request down, with the job it bought, before it is answered."""
        await self.world.ledger.do(ledger.record, self._post(status, job), job, self._scripts(job))

    def _post(self, status: int | None, job: Job | None) -> Post:
        post = Post(
            at=self.at,
            vendor=self.vendor.name,
            method=self.request.method,
            path=self.request.url.path,
            body_sha256=hashlib.sha256(self.body).hexdigest(),
            credential=self.credential,
            status=status,
            fault=" ".join(each.fault.name for each in (*self.fates, *([self.scripted] if self.scripted else []))),
        )
        if self.scripted is not None:
            fault = self.scripted.fault
            post = replace(post, status=None if fault.effect in SILENT else fault.status or status)
        if job is None:
            return post
        post = replace(post, accepted=True, job=job.id, price_micros=job.price_micros)
        return replace(post, webhook=job.webhook, callback_token=job.callback_token)

    def _scripts(self, job: Job | None) -> tuple[ScriptRow, ...]:
        return () if job is None else tuple(replace(row, job=job.id) for row in self.bound)


def fingerprint(request: Request) -> str:
    """A short hash of the key of a request; the key itself is kept nowhere. Empty when there is none."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() not in ("bearer", "token") or not key.strip():
        return ""
    return hashlib.sha256(key.strip().encode()).hexdigest()[:12]


def callback_token(webhook: str) -> str:
    """The caller's token in a webhook URL: the query's `token`, else the last part of the path."""
    parts = urlsplit(webhook)
    return (parse_qs(parts.query).get("token") or [parts.path.rpartition("/")[2]])[0]


class Perform(Protocol):
    """What a vendor does with a request."""

    def __call__(self, exchange: Exchange, /) -> Awaitable[Response]: ...


def endpoint(
    world: World, vendor: Vendor, perform: Perform, stage: Stage | None = None
) -> Callable[[Request], Awaitable[Response]]:
    """A Starlette endpoint: guard, fault, perform. Without a stage no fault strikes."""

    async def answer(request: Request) -> Response:
        announced = request.headers.get("content-length", "0")
        body = await request.body() if announced.isdecimal() and int(announced) <= MAX_BODY else None
        exchange = Exchange(world=world, vendor=vendor, request=request, body=body or b"", at=world.now())
        refused = vendor.guard(world, request) if body is not None else vendor.error(413)
        if refused is not None:
            await _witness_refusal(exchange, refused.status_code)
            return refused
        exchange = await _with_job(exchange)
        try:
            exchange = exchange if stage is None else await _with_faults(exchange, stage)
        except UnknownFault as unknown:
            return vendor.error(400, str(unknown))
        return await _play(exchange, perform)

    return answer


async def _play(exchange: Exchange, perform: Perform) -> Response:
    scripted = exchange.scripted
    if scripted is None:
        return await perform(exchange)
    response = None
    if scripted.accepts:
        response = await perform(exchange)
    else:
        await _witness_refusal(exchange, scripted.fault.status)
    return await effects.play(exchange.world, exchange.vendor, exchange.request, scripted, response, exchange.job)


async def _witness_refusal(exchange: Exchange, status: int) -> None:
    if exchange.request.method in WITNESSED:
        await exchange.witness(status)


async def _with_job(exchange: Exchange) -> Exchange:
    job_id = exchange.request.path_params.get("job")
    if job_id is None:
        return exchange
    job = await exchange.world.ledger.do(ledger.job, job_id)
    if job is None or job.vendor != exchange.vendor.name or job.deleted:
        return exchange
    return replace(exchange, job=job) if job.credential == exchange.credential else exchange


async def _with_faults(exchange: Exchange, stage: Stage) -> Exchange:
    """The fault the control API queued for this exchange, else those the prompt asks for."""
    job = exchange.job
    text = job.prompt if job is not None else exchange.body.decode("utf-8", "replace")
    do, name = exchange.world.ledger.do, exchange.vendor.name
    scripted = await do(ledger.take, name, stage, text, job.id if job is not None else "")
    if scripted is not None and scripted.fault.effect is Effect.FATE:
        exchange = replace(exchange, fates=(scripted,))
    elif scripted is not None:
        exchange = replace(exchange, scripted=scripted)
    if stage is Stage.SUBMIT and exchange.world.options.allow_prompt_faults:
        exchange = await _with_words(exchange, text)
    return exchange


async def _with_words(exchange: Exchange, text: str) -> Exchange:
    """Faults asked for by the prompt. `*n` makes one strike the first n submits of that very body only."""
    digest = hashlib.sha256(exchange.body).hexdigest()[:16]
    for word in words(text):
        scripted = Scripted(fault=word.fault)
        if word.stage is not Stage.SUBMIT:
            times = word.times or (EVERY_TIME if word.stage is Stage.WEBHOOK else 1)
            row = ScriptRow(fault=word.fault.name, stage=word.stage, vendor=exchange.vendor.name, times=times)
            exchange = replace(exchange, bound=(*exchange.bound, row))
        elif word.times is not None and not await exchange.world.ledger.do(
            ledger.is_due, f"{digest} {word.fault.name}", word.times
        ):
            continue
        elif word.fault.effect is Effect.FATE:
            exchange = replace(exchange, fates=(*exchange.fates, scripted))
        elif exchange.scripted is None:
            exchange = replace(exchange, scripted=scripted)
    return exchange
