"""The emulated Runway API, mounted at `/runway`. https://docs.dev.runwayml.com/api"""

import uuid
from collections.abc import Mapping
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.outcome import Json
from emulators import ledger
from emulators.exchange import Exchange
from emulators.faults import Stage, answer
from emulators.files import output_urls
from emulators.jobs import Job, Phase, Standing, charged_at_start
from emulators.spelling import iso
from emulators.vendor import At, Files, Vendor
from emulators.vendors.runway_assets import seen, working_uploads
from emulators.vendors.runway_checks import DOCUMENTATION, check, refusal, too_long
from emulators.vendors.runway_models import RUNWAY_MODELS
from emulators.vendors.runway_orders import FILES, Order
from emulators.vendors.runway_parts import MICROS_PER_CREDIT
from emulators.world import World

UPLOAD_LIFE = 24 * 3600.0
MAX_UPLOAD = 200 * 1024 * 1024
SLACK_SECONDS = 0.5
"""By how much a source may be longer than is allowed: a guess."""
BALANCE = 1_000_000
NO_TASK: Mapping[str, Json] = {"error": "Could not find Task"}
STATUSES: Mapping[Phase, str] = {
    Phase.QUEUED: "PENDING",
    Phase.THROTTLED: "THROTTLED",
    Phase.RUNNING: "RUNNING",
    Phase.SUCCEEDED: "SUCCEEDED",
    Phase.FAILED: "FAILED",
    Phase.CANCELLED: "CANCELLED",
    Phase.ABORTED: "CANCELLED",
}


def error_body(status: int, text: str) -> dict[str, Json]:
    """`{"error", "docUrl"}`; only the 400s and the 404 of a task were observed."""
    return {"error": text or HTTPStatus(status).phrase, "docUrl": DOCUMENTATION}


def guard(world: World, request: Request) -> Response | None:
    """400 without the version header."""
    if request.headers.get("x-runway-version", "") == "2024-11-06":
        return None
    return VENDOR.error(400, "The X-Runway-Version header is missing or names no known version.")


FAILURES: Mapping[str, str] = {
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


def billed(job: Job, now: Standing) -> int:
    """A running task is charged at once, for deleting it gives nothing back; so is input that was moderated."""
    if now.phase is Phase.FAILED and job.failure.startswith("SAFETY.INPUT"):
        return job.price_micros
    return charged_at_start(job, now)


async def create_from_text(exchange: Exchange) -> Response:
    """`POST /v1/text_to_video`."""
    return await _create(exchange, "text")


async def create_from_image(exchange: Exchange) -> Response:
    """`POST /v1/image_to_video`."""
    return await _create(exchange, "image")


async def create_from_video(exchange: Exchange) -> Response:
    """`POST /v1/video_to_video`."""
    return await _create(exchange, "video")


async def _create(exchange: Exchange, route: str) -> Response:
    body = exchange.document
    if body is None:
        return await exchange.refuse(400, "Request body is not valid JSON.")
    issues = check(route, body, await working_uploads(exchange))
    if issues:
        return await exchange.refuse(400, body=refusal(issues))
    order = await _order(exchange, route, body)
    longest = 10 if order.mode == "edit" else order.operation.longest_source
    if order.source is not None and order.source.seconds > longest + SLACK_SECONDS:
        return await exchange.refuse(400, body=refusal([too_long(_source_name(body), longest)]))
    job = await exchange.accept(_job(exchange, order))
    return JSONResponse({"id": job.id, "estimatedCost": _estimate(job)})


async def _order(exchange: Exchange, route: str, body: Mapping[str, Json]) -> Order:
    model = RUNWAY_MODELS[body["model"]]
    operation = model.operation(route)
    if operation is None:
        raise LookupError(f"{body['model']} is not sold at {route}")
    images, video = body.get("promptImage"), body.get(_source_name(body))
    frame = images[0]["uri"] if isinstance(images, list) else images
    return Order(
        model=model,
        operation=operation,
        body=body,
        source=None if video is None else await seen(exchange, video),
        frame=None if frame is None else await seen(exchange, frame),
    )


def _source_name(body: Mapping[str, Json]) -> str:
    return "videoUri" if "videoUri" in body else "promptVideo"


def _job(exchange: Exchange, order: Order) -> Job:
    body = order.body
    return exchange.order(
        model=body["model"],
        prompt=body.get("promptText", ""),
        input={name: value for name, value in body.items() if name not in FILES},
        clip=order.clip,
        price_micros=order.credits * MICROS_PER_CREDIT,
        run=order.model.run_seconds,
        seed=body.get("seed", 0),
        extra={"estimate": order.estimate},
    )


def _estimate(job: Job) -> dict[str, Json]:
    """A maximum: what is not used is given back at the end."""
    return {"credits": job.extra["estimate"]}


def _credits(micros: int) -> dict[str, Json]:
    return {"credits": micros // MICROS_PER_CREDIT}


async def retrieve(exchange: Exchange) -> Response:
    """`GET /v1/tasks/{id}`."""
    if exchange.job is None:
        return JSONResponse(NO_TASK, status_code=404)
    return JSONResponse(task(exchange.world, exchange.job))


def task(world: World, job: Job) -> dict[str, Json]:
    """The task object, with fresh output URLs when there are any."""
    now = world.standing(job)
    shown: dict[str, Json] = {"id": job.id, "createdAt": iso(job.created), "status": STATUSES[now.phase]}
    if not now.is_terminal:
        shown["estimatedCost"] = _estimate(job)
        return shown | ({"progress": round(now.progress, 3)} if now.phase is Phase.RUNNING else {})
    shown["cost"] = _credits(billed(job, now))
    if now.phase is Phase.SUCCEEDED:
        shown["output"] = output_urls(world, job)
    elif now.phase is Phase.FAILED:
        shown["failure"] = FAILURES.get(job.failure, "An unexpected error occurred.")
        shown["failureCode"] = None if job.failure == "NULL" else job.failure
    return shown


async def delete(exchange: Exchange) -> Response:
    """`DELETE /v1/tasks/{id}`: stops a task that has not ended; either way it is gone for the API."""
    if exchange.job is None:
        return await exchange.refuse(404, body=NO_TASK)
    await exchange.stop(204, delete=True)
    return Response(status_code=204)


async def organization(exchange: Exchange) -> Response:
    """`GET /v1/organization`: credits and limits; the limits are told, not enforced (the fault is `throttled`)."""
    everything = await exchange.world.ledger.do(ledger.jobs)
    mine = [job for job in everything if job.vendor == "runway" and job.credential == exchange.credential]
    spent = sum(billed(job, exchange.world.standing(job)) for job in mine) // MICROS_PER_CREDIT
    today = [job.model for job in mine if job.created > exchange.at - 24 * 3600]
    limits = {"maxConcurrentGenerations": 20, "maxDailyGenerations": 25_000}
    usage = {name: {"dailyGenerations": today.count(name)} for name in RUNWAY_MODELS}
    tier = {"maxMonthlyCreditSpend": 10_000_000, "models": dict.fromkeys(RUNWAY_MODELS, limits)}
    return JSONResponse({"creditBalance": BALANCE - spent, "tier": tier, "usage": {"models": usage}})


async def create_upload(exchange: Exchange) -> Response:
    """`POST /v1/uploads`: where to send the bytes, and the address they will have."""
    body = exchange.document or {}
    if not isinstance(body.get("filename"), str) or body.get("type", "ephemeral") != "ephemeral":
        return await exchange.refuse(400, "Validation of body failed")
    await exchange.witness(200)
    upload_id = str(uuid.uuid4())
    document = {"uri": f"runway://{upload_id}", "expires": exchange.at + UPLOAD_LIFE, "filled": False}
    await exchange.world.ledger.do(ledger.put_file, "runway", upload_id, document)
    url = f"{exchange.base('uploads')}/{upload_id}"
    fields = {"key": upload_id, "policy": exchange.world.sign("upload", upload_id)}
    return JSONResponse({"runwayUri": document["uri"], "uploadUrl": url, "fields": fields})


async def receive_upload(exchange: Exchange) -> Response:
    """The storage behind `uploadUrl`: takes a form with the `fields` and the file; needs no key."""
    world, upload_id = exchange.world, exchange.request.path_params["upload"]
    document = await world.ledger.do(ledger.file, "runway", upload_id)
    parts = exchange.form
    if document is None or parts is None or "file" not in parts:
        return Response("<Error><Code>MalformedPOSTRequest</Code></Error>", 400, media_type="application/xml")
    if parts["policy"].data.decode("latin-1") != world.sign("upload", upload_id) if "policy" in parts else True:
        return Response("<Error><Code>AccessDenied</Code></Error>", 403, media_type="application/xml")
    if len(parts["file"].data) > MAX_UPLOAD:
        return Response("<Error><Code>EntityTooLarge</Code></Error>", 400, media_type="application/xml")
    (world.uploads / upload_id).write_bytes(parts["file"].data)
    await world.ledger.do(ledger.put_file, "runway", upload_id, document | {"filled": True})
    return Response(status_code=204)


VENDOR = Vendor(
    name="runway",
    title="Runway",
    models=tuple(RUNWAY_MODELS),
    example="curl {base}/v1/text_to_video -H 'Authorization: Bearer any' -H 'X-Runway-Version: 2024-11-06' "
    '-d \'{"model": "gen4.5", "promptText": "a cat", "ratio": "1280:720", "duration": 5}\'',
    routes=(
        At("POST", "/v1/text_to_video", create_from_text, Stage.SUBMIT),
        At("POST", "/v1/image_to_video", create_from_image, Stage.SUBMIT),
        At("POST", "/v1/video_to_video", create_from_video, Stage.SUBMIT),
        At("GET", "/v1/tasks/{job}", retrieve, Stage.POLL),
        At("DELETE", "/v1/tasks/{job}", delete, Stage.CANCEL),
        At("GET", "/v1/organization", organization),
        At("POST", "/v1/uploads", create_upload),
    ),
    hosts={"uploads": (At("POST", "/{upload}", receive_upload, open=True),)},
    error_body=error_body,
    unauthorized=(401, "The API key you provided is not valid."),
    no_credit=(400, "You do not have enough credits to run this task."),
    guard=guard,
    first={"status": "PENDING", "progress": None, "output": None, "failure": None, "failureCode": None, "cost": None},
    success={"status": "SUCCEEDED", "output": []},
    failures=FAILURES,
    faults=(
        # As two third parties were told; Runway's own list of errors has no 403.
        answer(
            "not-entitled",
            403,
            "the account may not use the model",
            text="Model variant is not available for your organization.",
            at=(Stage.SUBMIT,),
        ),
    ),
    billed=billed,
    files=Files(expires=lambda world, job: world.now() + world.options.signed_url_seconds, query="_jwt"),
)
