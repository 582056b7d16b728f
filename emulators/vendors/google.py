"""The emulated Gemini API for video: interactions, their files and webhooks. https://ai.google.dev/gemini-api/docs/omni"""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.outcome import Json
from emulators import ledger
from emulators.exchange import Exchange
from emulators.faults import Stage, answer, fate
from emulators.jobs import Clip, Job, Phase
from emulators.signing import rsa_jwk, rsa_key
from emulators.spelling import identifier
from emulators.vendor import At, Vendor
from emulators.vendors import google_files
from emulators.vendors.google_checks import Order, Refused, read
from emulators.vendors.google_interactions import (
    FAILURES,
    KEY_ID,
    billed,
    interaction,
    sign,
    told,
    when_cancelled,
)
from emulators.vendors.google_models import FPS, MODELS, SIZES
from emulators.webhooks import Webhooks, when_failed, when_succeeded

LONGEST_WAIT = 600.0
USUAL_SECONDS = 10.0
"""What a video lasts when nobody says: typically ten seconds, by Google's own skill."""
CODES: Mapping[int, str] = {
    400: "invalid_request",
    401: "authentication",
    402: "payment_required",
    403: "permission_denied",
    404: "not_found",
    416: "out_of_range",
    429: "rate_limit_exceeded",
}


def error_body(status: int, text: str) -> Json:
    """`{"error": {"code": word, "message"}}`; words beyond the documented ones are the status' own."""
    phrase = HTTPStatus(status).phrase
    return {"error": {"code": CODES.get(status, phrase.lower().replace(" ", "_")), "message": text or phrase}}


def key(request: Request) -> str:
    """`x-goog-api-key`, or `?key=`."""
    return (request.headers.get("x-goog-api-key") or request.query_params.get("key") or "").strip()


async def create(exchange: Exchange) -> Response:
    """`POST /{version}/interactions`; without `background` it blocks until the end."""
    body = exchange.document
    if body is None:
        return await exchange.refuse(400, "Invalid JSON payload received.")
    try:
        order = read(body, await google_files.ready(exchange))
        job = _job(exchange, order, await _previous(exchange, order))
    except Refused as refused:
        return await exchange.refuse(refused.status, body={"error": {"code": refused.code, "message": str(refused)}})
    job = await exchange.accept(job)
    if not order.background:
        job = await exchange.until_ended(job, LONGEST_WAIT)
    return JSONResponse(await interaction(exchange.world, job, exchange.at if order.background else None))


async def _previous(exchange: Exchange, order: Order) -> Job | None:
    """The finished interaction that this one goes on with. Raises Refused."""
    if not order.previous:
        return None
    found = next((job for job in await exchange.jobs() if job.id == order.previous), None)
    if found is None or exchange.world.standing(found).phase is not Phase.SUCCEEDED:
        raise Refused(404, "not_found", f"Interaction {order.previous} does not exist.")
    return found


def _job(exchange: Exchange, order: Order, previous: Job | None) -> Job:
    seconds = _length(order, previous)
    width, height = SIZES[order.resolution]
    if _is_tall(order, previous):
        width, height = height, width
    return exchange.order(
        id=f"v1_{identifier(60)}",
        model=order.model.name,
        prompt=order.prompt,
        input={"task": order.task, "images": order.images},
        clip=Clip(seconds=seconds, width=width, height=height, fps=FPS, audio=True),
        price_micros=order.model.price_micros(order.resolution, seconds),
        queue=1.0,
        run=order.model.run_seconds,
        webhook=order.webhook,
        extra={
            "resolution": order.resolution,
            "delivery": order.delivery,
            "user_metadata": order.user_metadata,
        },
    )


def _length(order: Order, previous: Job | None) -> float:
    """A changed video keeps its length; whether an extension's file holds its source too is not told: here not."""
    if order.task in ("edit", "upscale"):
        source = order.source.seconds if order.source is not None else previous.clip.seconds if previous else None
        return source or USUAL_SECONDS
    return order.seconds or USUAL_SECONDS


def _is_tall(order: Order, previous: Job | None) -> bool:
    if order.source is not None:
        return order.source.tall
    if previous is not None:
        return previous.clip.height > previous.clip.width
    return order.aspect_ratio == "9:16"


async def retrieve(exchange: Exchange) -> Response:
    """`GET /{version}/interactions/{id}`: an unknown id is a 400."""
    if exchange.job is None:
        return exchange.error(400, "Invalid interaction name.")
    return JSONResponse(await interaction(exchange.world, exchange.job))


async def cancel(exchange: Exchange) -> Response:
    """`POST /{version}/interactions/{id}/cancel`; that an ended one is refused is a guess."""
    if exchange.job is None:
        return await exchange.refuse(400, "Invalid interaction name.")
    if exchange.standing.is_terminal:
        text = "The interaction has already ended."
        return await exchange.refuse(400, body={"error": {"code": "failed_precondition", "message": text}})
    return JSONResponse(await interaction(exchange.world, await exchange.stop()))


async def delete(exchange: Exchange) -> Response:
    """`DELETE /{version}/interactions/{id}`: the stored interaction is gone, and here its file with it."""
    if exchange.job is None:
        return await exchange.refuse(400, "Invalid interaction name.")
    await exchange.witness(200)
    await exchange.change(lambda job: replace(job, deleted=True))
    return JSONResponse({})


async def download(exchange: Exchange) -> Response:
    """`GET /{version}/files/{id}:download?alt=media`, with the key; only what was made here can be downloaded."""
    if exchange.request.query_params.get("alt") != "media":
        return await google_files.retrieve(exchange)
    name = exchange.request.path_params["file"]
    if exchange.job is None and await exchange.world.ledger.do(ledger.file, "google", name) is not None:
        return exchange.error(400, "Only generated files can be downloaded.")
    if exchange.job is not None and exchange.world.now() > exchange.job.created + google_files.FILE_LIFE:
        return exchange.error(403, google_files.NO_FILE)
    return await exchange.clip_file()


async def key_set(exchange: Exchange) -> Response:
    """`GET /.well-known/jwks.json`: the public keys of per-request webhooks."""
    return JSONResponse({"keys": [rsa_jwk(await rsa_key(exchange.world, "google"), KEY_ID)]})


def _job_of_file(exchange: Exchange) -> str:
    return f"v1_{exchange.request.path_params['file']}"


FRONT_END: Json = [
    {"error": {"code": 400, "message": "Request contains an invalid argument.", "status": "INVALID_ARGUMENT"}}
]
BAD_KEY: Json = [
    {
        "error": {
            "code": 400,
            "message": "API key not valid. Please pass a valid API key.",
            "status": "INVALID_ARGUMENT",
            "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}],
        }
    }
]
EXHAUSTED: Json = [
    {
        "error": {
            "code": 429,
            "message": "Resource has been exhausted (e.g. check quota).",
            "status": "RESOURCE_EXHAUSTED",
            "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2s"}],
        }
    }
]
BLOCKED: Json = {"error": {"code": "SAFETY", "message": "The prompt was blocked for safety reasons."}}
OVERLOADED: Json = [
    {"error": {"code": 503, "message": "The model is overloaded. Please try again later.", "status": "UNAVAILABLE"}}
]
UNKNOWN_NAME: Json = {"error": {"code": "invalid_request", "message": "Invalid interaction name."}}

VENDOR = Vendor(
    name="google",
    title="Google Gemini Omni (Interactions API)",
    models=tuple(MODELS),
    example='curl {base}/v1/interactions -H \'x-goog-api-key: any\' -d \'{"model": "gemini-omni-1.1-flash", '
    '"background": true, "input": "a cat", "response_format": {"type": "video", "delivery": "uri"}}\'',
    routes=(
        At("POST", "/{version}/interactions", create, Stage.SUBMIT),
        At("GET", "/{version}/interactions/{job}", retrieve, Stage.POLL),
        At("POST", "/{version}/interactions/{job}/cancel", cancel, Stage.CANCEL),
        At("DELETE", "/{version}/interactions/{job}", delete),
        At("GET", "/{version}/files/{file}:download", download, Stage.DOWNLOAD, job_id=_job_of_file),
        At("GET", "/{version}/files/{file}", google_files.retrieve, job_id=_job_of_file),
        At("DELETE", "/{version}/files/{file}", google_files.delete),
        At("POST", "/upload/{version}/files", google_files.begin),
        At("POST", "/upload/{version}/files/{file}", google_files.receive, open=True),
        At("GET", "/.well-known/jwks.json", key_set, open=True),
    ),
    error_body=error_body,
    unauthorized=(401, "API key is missing."),
    no_credit=(402, "Your prepaid credits are used up. Please add funds to your billing account."),
    throttled="Rate limit exceeded.",
    key=key,
    first={"status": "in_progress", "steps": []},
    success={"status": "completed", "steps": []},
    failures=FAILURES,
    faults=(
        fate("text-only", "completed with a refusal in words and no video: nothing is charged"),
        fate("no-steps", "completed with nothing at all, as an edit where none is offered"),
        fate("inline", "the bytes as base64, whatever was asked for"),
        fate("bare-uri", "an address without its `:download?alt=media`"),
        fate("no-usage", "the tokens are not told"),
        fate("requires-continuation", "runs under the status requires_continuation"),
        fate("incomplete", "ends incomplete"),
        fate("budget-exceeded", "ends budget_exceeded"),
        fate("requires-action", "ends requires_action"),
        answer("api-key-invalid", 400, "a wrong key is a 400 in an array", body=BAD_KEY, at=(Stage.SUBMIT, Stage.POLL)),
        answer("front-end-400", 400, "a passing 400 in an array", body=FRONT_END, at=(Stage.POLL, Stage.SUBMIT)),
        answer(
            "resource-exhausted",
            429,
            "429 that tells the wait in `details`",
            body=EXHAUSTED,
            at=(Stage.SUBMIT, Stage.POLL),
        ),
        answer("prompt-blocked", 400, "the prompt is refused at once", body=BLOCKED, at=(Stage.SUBMIT,)),
        answer("overloaded", 503, "load is shed, in so many words", body=OVERLOADED, at=(Stage.SUBMIT,)),
        answer("unknown-name", 400, "the interaction is not known any more", body=UNKNOWN_NAME, at=(Stage.POLL,)),
    ),
    billed=billed,
    webhooks=Webhooks(
        events={
            "interaction.completed": when_succeeded,
            "interaction.failed": when_failed,
            "interaction.cancelled": when_cancelled,
        },
        last=frozenset({"interaction.completed", "interaction.failed", "interaction.cancelled"}),
        body=told,
        sign=sign,
    ),
)
