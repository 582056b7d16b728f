"""The emulated Runway API, mounted at `/runway`. https://docs.dev.runwayml.com/api"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from core.outcome import Json
from emulators import ledger
from emulators.exchange import Exchange, endpoint, fingerprint
from emulators.faults import RUNWAY_FAILURES, Stage
from emulators.files import runway_url
from emulators.forms import read_form
from emulators.jobs import Clip, Job, Phase, billed_micros
from emulators.runway_checks import DOCUMENTATION, check, refusal
from emulators.runway_models import MICROS_PER_CREDIT, RUNWAY_MODELS, SURCHARGES, RunwayModel
from emulators.vendor import Vendor
from emulators.world import World

UPLOAD_LIFE = 24 * 3600.0
MAX_UPLOAD = 200 * 1024 * 1024
BALANCE = 1_000_000
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
    """401 without a good key, 400 without the version header."""
    key = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    wanted = world.options.require_key
    if not fingerprint(request) or (wanted is not None and key != wanted):
        return RUNWAY.error(401, "The API key you provided is not valid.")
    version = request.headers.get("x-runway-version", "")
    if version != "2024-11-06":
        return RUNWAY.error(400, "The X-Runway-Version header is missing or names no known version.")
    return None


RUNWAY = Vendor(
    name="runway",
    error_body=error_body,
    guard=guard,
    first={"status": "PENDING", "progress": None, "output": None, "failure": None, "failureCode": None, "cost": None},
    success={"status": "SUCCEEDED", "output": []},
    no_credit=(400, "You do not have enough credits to run this task."),
)


def routes(world: World) -> list[BaseRoute]:
    """The API, and the target of its uploads."""

    def at(path: str, method: str, perform: Callable[[Exchange], Json], stage: Stage | None = None) -> Route:
        return Route(path, endpoint(world, RUNWAY, perform, stage), methods=[method])

    async def upload(request: Request) -> Response:
        return await receive_upload(world, request)

    api: list[BaseRoute] = [
        at("/v1/text_to_video", "POST", create_from_text, Stage.SUBMIT),
        at("/v1/image_to_video", "POST", create_from_image, Stage.SUBMIT),
        at("/v1/tasks/{job}", "GET", retrieve, Stage.POLL),
        at("/v1/tasks/{job}", "DELETE", delete, Stage.CANCEL),
        at("/v1/organization", "GET", organization),
        at("/v1/uploads", "POST", create_upload),
        Route("/{path:path}", endpoint(world, RUNWAY, missing), methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
    ]
    return [Route("/runway-uploads/{upload}", upload, methods=["POST"]), Mount("/runway", routes=api)]


async def missing(exchange: Exchange) -> Response:
    """Any other path."""
    return RUNWAY.error(404)


async def create_from_text(exchange: Exchange) -> Response:
    """`POST /v1/text_to_video`."""
    return await _create(exchange, "text")


async def create_from_image(exchange: Exchange) -> Response:
    """`POST /v1/image_to_video`."""
    return await _create(exchange, "image")


async def _create(exchange: Exchange, route: str) -> Response:
    body = exchange.document
    if body is None:
        await exchange.witness(400)
        return RUNWAY.error(400, "Request body is not valid JSON.")
    issues = check(route, body, await _working_uploads(exchange))
    if issues:
        await exchange.witness(400)
        return JSONResponse(refusal(issues), status_code=400)
    job = exchange.fated(_job(exchange, body))
    await exchange.witness(200, job)
    return JSONResponse({"id": job.id, "estimatedCost": _credits(job.price_micros)})


def _job(exchange: Exchange, body: Mapping[str, Json]) -> Job:
    model = RUNWAY_MODELS[body["model"]]
    seconds = body.get("duration", model.default_duration)
    audio = model.has_audio and body.get("audio", True)
    width, height = (int(side) for side in body["ratio"].split(":"))
    return Job(
        id=str(uuid.uuid4()),
        vendor="runway",
        model=body["model"],
        credential=exchange.credential,
        created=exchange.at,
        prompt=body.get("promptText", ""),
        input={name: value for name, value in body.items() if name != "promptImage"},
        clip=Clip(seconds=float(seconds), width=width, height=height, fps=model.fps, audio=audio),
        price_micros=_price(model, seconds, audio, body.get("outputFormat", "mp4")) * MICROS_PER_CREDIT,
        run=model.run_seconds,
        seed=body.get("seed", 0),
    )


def _price(model: RunwayModel, seconds: int, audio: bool, output_format: str) -> int:
    per_second = model.credits if audio or not model.has_audio else model.silent_credits
    return (per_second + SURCHARGES[output_format]) * seconds


def _credits(micros: int) -> dict[str, Json]:
    return {"credits": micros // MICROS_PER_CREDIT}


async def retrieve(exchange: Exchange) -> Response:
    """`GET /v1/tasks/{id}`."""
    if exchange.job is None:
        return JSONResponse({"error": "Could not find Task"}, status_code=404)
    return JSONResponse(task(exchange.world, exchange.job))


def task(world: World, job: Job) -> dict[str, Json]:
    """The task object, with fresh output URLs when there are any."""
    now = world.standing(job)
    created = datetime.fromtimestamp(job.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    shown: dict[str, Json] = {"id": job.id, "createdAt": created, "status": STATUSES[now.phase]}
    if not now.is_terminal:
        shown["estimatedCost"] = _credits(job.price_micros)
        return shown | ({"progress": round(now.progress, 3)} if now.phase is Phase.RUNNING else {})
    shown["cost"] = _credits(billed_micros(job, now))
    if now.phase is Phase.SUCCEEDED:
        shown["output"] = [runway_url(world, job)]
    elif now.phase is Phase.FAILED:
        shown["failure"] = RUNWAY_FAILURES.get(job.failure, "An unexpected error occurred.")
        shown["failureCode"] = None if job.failure == "NULL" else job.failure
    return shown


async def delete(exchange: Exchange) -> Response:
    """`DELETE /v1/tasks/{id}`: stops a task that has not ended; either way it is gone for the API."""
    job, world = exchange.job, exchange.world
    if job is None:
        await exchange.witness(404)
        return JSONResponse({"error": "Could not find Task"}, status_code=404)

    def edit(each: Job) -> Job:
        ended = world.standing(each, exchange.at).is_terminal
        return replace(each, deleted=True, stop=each.stop if ended else exchange.at)

    await exchange.witness(204)
    await world.ledger.do(ledger.change, job.id, edit)
    world.clips.forget(job)
    return Response(status_code=204)


async def organization(exchange: Exchange) -> Response:
    """`GET /v1/organization`: credits and limits; the limits are told, not enforced (the fault is `throttled`)."""
    everything = await exchange.world.ledger.do(ledger.jobs)
    mine = [job for job in everything if job.vendor == "runway" and job.credential == exchange.credential]
    spent = sum(billed_micros(job, exchange.world.standing(job)) for job in mine) // MICROS_PER_CREDIT
    today = [job.model for job in mine if job.created > exchange.at - 24 * 3600]
    limits = {"maxConcurrentGenerations": 20, "maxDailyGenerations": 25_000}
    usage = {name: {"dailyGenerations": today.count(name)} for name in RUNWAY_MODELS}
    tier = {"maxMonthlyCreditSpend": 10_000_000, "models": dict.fromkeys(RUNWAY_MODELS, limits)}
    return JSONResponse({"creditBalance": BALANCE - spent, "tier": tier, "usage": {"models": usage}})


async def create_upload(exchange: Exchange) -> Response:
    """`POST /v1/uploads`: where to send the bytes, and the address they will have."""
    body = exchange.document or {}
    if not isinstance(body.get("filename"), str) or body.get("type", "ephemeral") != "ephemeral":
        await exchange.witness(400)
        return RUNWAY.error(400, "Validation of body failed")
    await exchange.witness(200)
    upload_id = str(uuid.uuid4())
    document = {"uri": f"runway://{upload_id}", "expires": exchange.at + UPLOAD_LIFE, "filled": False}
    await exchange.world.ledger.do(ledger.put_file, "runway", upload_id, document)
    url = f"{exchange.world.base_url}/runway-uploads/{upload_id}"
    fields = {"key": upload_id, "policy": exchange.world.sign("upload", upload_id)}
    return JSONResponse({"runwayUri": document["uri"], "uploadUrl": url, "fields": fields})


async def receive_upload(world: World, request: Request) -> Response:
    """The storage behind `uploadUrl`: takes a form with the `fields` and the file; needs no key."""
    upload_id = request.path_params["upload"]
    document = await world.ledger.do(ledger.file, "runway", upload_id)
    parts = read_form(request.headers.get("content-type", ""), await request.body())
    if document is None or parts is None or "file" not in parts:
        return Response("<Error><Code>MalformedPOSTRequest</Code></Error>", 400, media_type="application/xml")
    if parts["policy"].data.decode("latin-1") != world.sign("upload", upload_id) if "policy" in parts else True:
        return Response("<Error><Code>AccessDenied</Code></Error>", 403, media_type="application/xml")
    if len(parts["file"].data) > MAX_UPLOAD:
        return Response("<Error><Code>EntityTooLarge</Code></Error>", 400, media_type="application/xml")
    (world.uploads / upload_id).write_bytes(parts["file"].data)
    await world.ledger.do(ledger.put_file, "runway", upload_id, document | {"filled": True})
    return Response(status_code=204)


async def _working_uploads(exchange: Exchange) -> set[str]:
    if b"runway://" not in exchange.body:
        return set()
    documents = await exchange.world.ledger.do(ledger.files, "runway")
    return {each["uri"] for each in documents if each["filled"] and each["expires"] > exchange.at}
