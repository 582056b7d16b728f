"""Emulated Cog servers, one for each image, mounted at `/cog/{image}`. https://cog.run/http/ (coglet 0.22)

There is no way to ask for a prediction: its end is told by webhook, or to who waited for it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from weakref import WeakKeyDictionary

from starlette.responses import JSONResponse, Response

from core.outcome import Json
from emulators import ledger, schema
from emulators.exchange import Exchange
from emulators.faults import Stage, answer, fate
from emulators.images import ImageHead, from_data_uri, read_head
from emulators.jobs import Job
from emulators.spelling import identifier
from emulators.vendor import At, Files, Vendor
from emulators.vendors.cog_models import IMAGES
from emulators.vendors.cog_predictions import (
    AT_CAPACITY,
    FAILURES,
    NO_STREAM,
    NOT_READY,
    OTHER_ID,
    described,
    health,
    index,
    refusal,
    snapshot,
)
from emulators.webhooks import Webhooks, when_ended, when_half_done, when_started
from emulators.world import World

LARGEST_BODY = 100 << 20
LONGEST_WAIT = 600.0
EVENTS = ("start", "output", "logs", "completed")
LOCKS: WeakKeyDictionary[World, asyncio.Lock] = WeakKeyDictionary()
"""Two requests at once must not both find the last slot free."""


async def create(exchange: Exchange, slots: int) -> Response:
    """`POST /predictions`, under the body's id or one of the server's own."""
    body = exchange.document
    named = (body or {}).get("id")
    return await _run(exchange, body, named if isinstance(named, str) else f"pred_{identifier(16)}", slots)


async def create_idempotent(exchange: Exchange, slots: int) -> Response:
    """`PUT /predictions/{id}`: 202 with the prediction if it runs, else a new run, even of an id that has ended."""
    body = exchange.document
    wanted = exchange.request.path_params["prediction"]
    if (body or {}).get("id") not in (None, wanted):
        return await exchange.refuse(422, body=OTHER_ID)
    running = await _running(exchange)
    known = next((job for job in running if job.extra["prediction"] == wanted), None)
    if known is None:
        return await _run(exchange, body, wanted, slots)
    await exchange.witness(202)
    shown = await snapshot(exchange.world, known)
    return JSONResponse(shown | {"input": dict(known.input)}, status_code=202)


async def _run(exchange: Exchange, body: Mapping[str, Json] | None, name: str, slots: int) -> Response:
    image = IMAGES.get(exchange.request.path_params["image"])
    if image is None:
        return await exchange.refuse(404)
    if "text/event-stream" in exchange.request.headers.get("accept", ""):
        return await exchange.refuse(406, body=NO_STREAM)
    if len(exchange.body) > LARGEST_BODY:
        return await exchange.refuse(413)
    inputs = {} if body is None or body.get("input") is None else body["input"]
    if (body is None and exchange.body) or not isinstance(inputs, dict):
        return await exchange.refuse(422)
    # Unknown names are dropped without a word.
    given = {key: value for key, value in inputs.items() if key in image.fields}
    wrong = schema.check(image.fields, given)
    if wrong:
        return await exchange.refuse(422, body=refusal(wrong))
    async with LOCKS.setdefault(exchange.world, asyncio.Lock()):
        if len(await _running(exchange)) >= slots:
            return await exchange.refuse(409, body=AT_CAPACITY)
        job = await exchange.accept(await _order(exchange, body or {}, given, name), 202)
    return await _started(exchange, job, name)


async def _order(exchange: Exchange, body: Mapping[str, Json], given: Mapping[str, Json], name: str) -> Job:
    short = exchange.request.path_params["image"]
    image = IMAGES[short]
    values = schema.complete(image.fields, given)
    clip = image.draw(values, _head(values.get(image.image)))
    taken = await exchange.world.ledger.do(ledger.job, name) is not None
    events = body.get("webhook_events_filter")
    return exchange.order(
        id=f"{name}-{identifier(8)}" if taken else name,
        model=short,
        prompt=str(values.get("prompt", "")),
        input=given,
        clip=clip,
        count=image.count(values),
        price_micros=image.price(values, clip),
        tariff=image.tariff,
        queue=0.0,
        run=image.run_seconds,
        webhook=body.get("webhook") or "",
        events=tuple(events) if isinstance(events, list) else None,
        extra={"prediction": name},
    )


def _head(uri: Json) -> ImageHead | None:
    """What can be seen of a first frame without asking anyone."""
    return read_head(from_data_uri(uri) or b"") if isinstance(uri, str) else None


async def _started(exchange: Exchange, job: Job, name: str) -> Response:
    """202 at once with `Prefer: respond-async`, in just this spelling; else 200 at the end.

    That a prediction is cancelled when a client that waits for it goes away is not played.
    """
    if exchange.request.headers.get("prefer") == "respond-async":
        return JSONResponse({"id": name, "status": "starting"}, status_code=202)
    ended = await exchange.until_ended(job, LONGEST_WAIT)
    return JSONResponse(await snapshot(exchange.world, ended))


async def _running(exchange: Exchange) -> list[Job]:
    """The predictions that hold a slot of this server."""
    short = exchange.request.path_params["image"]
    jobs = await exchange.jobs()
    return [job for job in jobs if job.model == short and not exchange.world.standing(job).is_terminal]


async def cancel(exchange: Exchange) -> Response:
    """`POST /predictions/{id}/cancel`: 200 if it runs, 404 if it has ended or never was; both without a word."""
    wanted = exchange.request.path_params["job"]
    running = next((job for job in await _running(exchange) if job.extra["prediction"] == wanted), None)
    if running is None:
        await exchange.witness(404)
        return JSONResponse({}, status_code=404)
    await replace(exchange, job=running).stop(after=exchange.world.options.cancel_seconds)
    return JSONResponse({})


async def health_check(exchange: Exchange, slots: int) -> Response:
    """`GET /health-check`."""
    if exchange.request.path_params["image"] not in IMAGES:
        return exchange.missing()
    return JSONResponse(health(exchange.world, busy=len(await _running(exchange)) >= slots))


async def no_polling(exchange: Exchange) -> Response:
    """`GET /predictions/{id}` is no route: the path knows PUT alone."""
    return Response(status_code=405, headers={"allow": "PUT"})


async def discovery(exchange: Exchange) -> Response:
    """`GET /`."""
    return JSONResponse(index()) if exchange.request.path_params["image"] in IMAGES else exchange.missing()


async def openapi(exchange: Exchange) -> Response:
    """`GET /openapi.json`."""
    short = exchange.request.path_params["image"]
    return JSONResponse(described(short)) if short in IMAGES else exchange.missing()


def error_body(status: int, text: str) -> dict[str, Json]:
    """Cog's own refusals have bodies of their own; this is for what only a fault makes it say."""
    return {"error": text or HTTPStatus(status).phrase, "status": "failed"}


def wanted(job: Job) -> tuple[str, ...]:
    """The events a prediction asked for; all of them without a filter."""
    return EVENTS if job.events is None else job.events


def _restarted(status: str) -> dict[str, Json]:
    return {"status": status, "version": {"coglet": "0.22.0"}}


def vendor(slots: int = 1) -> Vendor:
    """Cog servers with so many slots each; `@cog.concurrent(max=N)` is how an image gets more than one."""
    run: Callable[[Exchange], Awaitable[Response]] = partial(create, slots=slots)
    run_once: Callable[[Exchange], Awaitable[Response]] = partial(create_idempotent, slots=slots)
    well: Callable[[Exchange], Awaitable[Response]] = partial(health_check, slots=slots)
    return Vendor(
        name="cog",
        title="Cog (self-hosted)",
        models=tuple(IMAGES),
        example="curl {base}/hotshot-xl/predictions -H 'Content-Type: application/json' "
        '-d \'{"input": {"prompt": "a cat", "mp4": true}}\'',
        routes=(
            At("GET", "/{image}", discovery),
            At("GET", "/{image}/", discovery),
            At("GET", "/{image}/health-check", well, Stage.POLL),
            At("GET", "/{image}/openapi.json", openapi),
            At("POST", "/{image}/predictions", run, Stage.SUBMIT),
            At("PUT", "/{image}/predictions/{prediction}", run_once, Stage.SUBMIT),
            At("GET", "/{image}/predictions/{prediction}", no_polling),
            At("POST", "/{image}/predictions/{job}/cancel", cancel, Stage.CANCEL),
        ),
        error_body=error_body,
        # The runtime's 404 has no body at all.
        not_found=(404, "Not Found"),
        no_credit=(402, "A machine of one's own asks for no money; this is somebody's proxy."),
        key=None,
        first={"status": "starting"},
        success={"status": "succeeded", "output": None},
        # What is polled is the server's health, not a prediction.
        rewordings={
            "no-id": {"id": None},
            "no-status": {"status": None},
            "unknown-status": {"status": "UNKNOWN"},
            "backwards": {"status": "BUSY"},
            "no-output": {"status": "READY"},
        },
        failures=FAILURES,
        faults=(
            fate("uploaded", "the server was started with --upload-url: the output is an address"),
            fate("no-video", "success without an output"),
            answer("busy", 409, "every slot is taken", body=AT_CAPACITY, at=(Stage.SUBMIT,)),
            answer("loading", 503, "setup is not over", body=NOT_READY, at=(Stage.SUBMIT,)),
            answer("restarted", 200, "the server starts anew", body=_restarted("STARTING"), at=(Stage.POLL,)),
            answer("setup-failed", 200, "setup raised", body=_restarted("SETUP_FAILED"), at=(Stage.POLL,)),
            answer("defunct", 200, "the server is broken", body=_restarted("DEFUNCT"), at=(Stage.POLL,)),
        ),
        # `start` says `processing`, as the runtime's source has it; its manual says `starting`. A model that returns
        # its output sends no `output` event: the source sends them for what is yielded.
        webhooks=Webhooks(
            events={"start": when_started, "logs": when_half_done, "completed": when_ended},
            body=lambda world, job, event, at: snapshot(world, job, at),
            wanted=wanted,
            # Twelve times, ever slower; the real one gives up at once on a status other than 429 and 5xx.
            pauses=tuple(0.1 * 2 ** min(attempt, 10) for attempt in range(1, 13)),
            reply_seconds=30.0,
        ),
        files=Files(),
    )


VENDOR = vendor()
ROOMY = vendor(slots=1000)
"""The same machines with slots for everybody: for tests that run everything at once."""
