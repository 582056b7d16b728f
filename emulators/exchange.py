"""One request to an emulated vendor: read, checked, struck by a fault if one waits, answered, and witnessed."""

import asyncio
import contextlib
import hashlib
import json
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from core.outcome import Json
from emulators import effects, ledger
from emulators.courier import Courier
from emulators.faults import Effect, Scripted, Stage, UnknownFault
from emulators.files import file_of
from emulators.forms import Part, read_form
from emulators.jobs import Clip, Job, Phase, Standing, with_fate
from emulators.ledger import Post, ScriptRow
from emulators.vendor import At, Perform, Vendor
from emulators.world import World

MAX_BODY = 210 * 1024 * 1024
WITNESSED = frozenset({"POST", "PUT", "PATCH", "DELETE"})
EVERY_TIME = 1_000_000
SILENT = frozenset({Effect.HOLD, Effect.RESET, Effect.RESET_IN_BODY})


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """A request, with everything a vendor's code needs to answer it."""

    world: World
    courier: Courier
    vendor: Vendor
    route: At
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
    def form(self) -> dict[str, Part] | None:
        """The parts of a multipart body by name; None when it is anything else."""
        return read_form(self.request.headers.get("content-type", ""), self.body)

    @property
    def credential(self) -> str:
        """The fingerprint of the key in the request; empty without one."""
        return self.vendor.credential(self.request)

    def base(self, host: str = "") -> str:
        """The address at which the vendor, or another host of it, is mounted."""
        return f"{self.world.base_url}/{self.vendor.name}{f'-{host}' if host else ''}"

    @property
    def standing(self) -> Standing:
        """Where the job of the path stands now; only with a `job`."""
        if self.job is None:
            raise LookupError("this exchange names no job")
        return self.world.standing(self.job)

    def error(self, status: int, text: str = "") -> Response:
        """An error of the vendor that is not witnessed: for requests that can cost nothing."""
        return self.vendor.error(status, text)

    def missing(self) -> Response:
        """The vendor's answer for what it does not know; not witnessed."""
        return self.vendor.error(*self.vendor.not_found)

    async def refuse(self, status: int, text: str = "", body: Json = None) -> Response:
        """A witnessed refusal, as the vendor's error or as just this body."""
        await self.witness(status)
        return self.vendor.error(status, text) if body is None else JSONResponse(body, status_code=status)

    async def accept(self, job: Job, status: int = 200) -> Job:
        """Make the job of a valid order real: as waiting faults have it, witnessed, its webhooks watched."""
        job = self.fated(job)
        await self.witness(status, job)
        self.courier.watch(job)
        return job

    def order(self, *, model: str, prompt: str, clip: Clip, price_micros: int, **more: Any) -> Job:
        """A job of this vendor, account and moment, not accepted yet; `more` are other fields of `Job`."""
        facts: dict[str, Any] = {"id": str(uuid.uuid4()), "input": {}, **more}
        return Job(
            vendor=self.vendor.name,
            credential=self.credential,
            created=self.at,
            model=model,
            prompt=prompt,
            clip=clip,
            price_micros=price_micros,
            callback_token=facts.pop("callback_token", callback_token(facts.get("webhook", ""))),
            **facts,
        )

    async def change(self, edit: Callable[[Job], Job]) -> Job:
        """The exchange's job, edited and stored; its webhooks learn of it. Only with a `job`."""
        if self.job is None:
            raise LookupError("this exchange names no job")
        edited = await self.world.ledger.do(ledger.change, self.job.id, edit)
        self.courier.poke(self.job.id)
        return edited or self.job

    async def stop(self, status: int = 200, *, after: float = 0.0, delete: bool = False) -> Job:
        """Witness a cancel and stop the job `after` so many vendor seconds, unless it has ended or is stopped already.

        With `delete` the job is gone for the API, and so are its files.
        """
        timeline = self.world.timeline
        moment = timeline.wall_at(timeline.work_at(self.at) + after) if after else self.at

        def edit(job: Job) -> Job:
            over = job.stop is not None or self.world.standing(job, self.at).is_terminal
            return replace(job, deleted=job.deleted or delete, stop=job.stop if over else moment)

        await self.witness(status)
        job = await self.change(edit)
        if delete:
            self.world.clips.forget(job)
        return job

    async def jobs(self) -> list[Job]:
        """The jobs of this account that it has not deleted, newest first."""
        return await self.world.ledger.do(ledger.owned, self.vendor.name, self.credential)

    async def until_ended(self, job: Job, seconds: float) -> Job:
        """The job once it has ended, or as it is after so many wall seconds."""
        until = self.at + seconds
        while True:
            current = await self.world.ledger.do(ledger.job, job.id) or job
            pause = min(until - self.world.now(), 0.1)
            if self.world.standing(current).is_terminal or pause <= 0 or self.world.closing.is_set():
                return current
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.world.closing.wait(), pause)

    async def clip_file(self, index: int = 0, file_format: str = "") -> Response:
        """The bytes of the job's file, for a download route of the vendor's own (`Stage.DOWNLOAD`).

        `not_found` while there is no success and after `/control/expire` with `data`.
        """
        job = self.job
        if job is None or index not in range(job.count) or self.standing.phase is not Phase.SUCCEEDED:
            return self.missing()
        is_dropped = job.removed is not None and self.world.now() >= job.removed
        if is_dropped or self.vendor.files.gone(self.world, job):
            return self.missing()
        return await file_of(self.world, job, index, file_format)

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


def callback_token(webhook: str) -> str:
    """The caller's token in a webhook URL: the query's `token`, else the last part of the path."""
    parts = urlsplit(webhook)
    return (parse_qs(parts.query).get("token") or [parts.path.rpartition("/")[2]])[0]


def mounts(world: World, courier: Courier) -> list[BaseRoute]:
    """Every vendor's hosts, each with all its routes."""
    return [
        Mount(f"/{vendor.name}{f'-{host}' if host else ''}", routes=_routes(world, courier, vendor, table))
        for vendor in world.vendors.values()
        for host, table in {**vendor.hosts, "": vendor.routes}.items()
    ]


async def _missing(exchange: Exchange) -> Response:
    return exchange.missing()


def _routes(world: World, courier: Courier, vendor: Vendor, table: Sequence[At]) -> list[BaseRoute]:
    every = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    routes: list[BaseRoute] = [
        Route(at.path, endpoint(world, courier, vendor, at), methods=[at.method]) for at in table
    ]
    elsewhere = At("", "/{path:path}", _missing)
    return [*routes, Route(elsewhere.path, endpoint(world, courier, vendor, elsewhere), methods=every)]


def endpoint(world: World, courier: Courier, vendor: Vendor, at: At) -> Callable[[Request], Awaitable[Response]]:
    """A Starlette endpoint: guard, fault, perform."""

    async def answer(request: Request) -> Response:
        announced = request.headers.get("content-length", "0")
        body = await request.body() if announced.isdecimal() and int(announced) <= MAX_BODY else None
        exchange = Exchange(
            world=world, courier=courier, vendor=vendor, route=at, request=request, body=body or b"", at=world.now()
        )
        refused = vendor.refusal(world, request, keyless=at.open) if body is not None else vendor.error(413)
        if refused is not None:
            await _witness_refusal(exchange, refused.status_code)
            return refused
        exchange = await _with_job(exchange, at)
        if at.stage is Stage.POLL and exchange.job is not None:
            world.polls[exchange.job.id] += 1
        try:
            exchange = exchange if at.stage is None else await _with_faults(exchange, at.stage)
        except UnknownFault as unknown:
            return vendor.error(400, str(unknown))
        return await _play(exchange, at.perform)

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
    # A poll by POST orders nothing.
    if exchange.request.method in WITNESSED and exchange.route.stage is not Stage.POLL:
        await exchange.witness(status)


async def _with_job(exchange: Exchange, at: At) -> Exchange:
    job_id = exchange.request.path_params.get("job") if at.job_id is None else at.job_id(exchange)
    if not job_id:
        return exchange
    job = await exchange.world.ledger.do(ledger.job, job_id)
    if job is None or job.vendor != exchange.vendor.name or job.deleted:
        return exchange
    return replace(exchange, job=job) if job.credential == exchange.credential else exchange


async def _with_faults(exchange: Exchange, stage: Stage) -> Exchange:
    """The fault the control API queued for this exchange, else those the prompt asks for."""
    job = exchange.job
    text = job.prompt if job is not None else exchange.body.decode("utf-8", "replace")
    scripted = await exchange.world.take(exchange.vendor.name, stage, text, job.id if job is not None else "")
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
    for word in exchange.world.faults.words(text, exchange.vendor.name):
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
