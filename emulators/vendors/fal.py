"""The emulated fal queue, mounted at `/fal`. https://fal.ai/docs/documentation/model-apis/inference/queue

The queue takes any input; that the model refuses it shows at the result only. Its three states are IN_QUEUE,
IN_PROGRESS and COMPLETED, whatever came of it.
"""

import contextlib
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import replace

from starlette.responses import JSONResponse, Response

from core.errors import MediaRejected
from core.outcome import Json
from emulators import schema
from emulators.exchange import Exchange
from emulators.faults import Stage, fate
from emulators.files import output_url
from emulators.images import ImageHead, from_data_uri, read_head
from emulators.jobs import Clip, Job, Phase, Standing, fair_bill
from emulators.schema import Field
from emulators.signing import ed25519_jwk, ed25519_seed, ed25519_signature
from emulators.spelling import iso
from emulators.vendor import At, Files, Vendor, scheme_key
from emulators.vendors import fal_errors as errors
from emulators.vendors import fal_storage as storage
from emulators.vendors.fal_models import APPS, ENDPOINTS
from emulators.vendors.fal_parts import Endpoint
from emulators.webhooks import Letter, Webhooks, when_ended
from emulators.world import World
from media.errors import MediaFault

USER = "github|12345"
NOTHING = Clip(seconds=1, width=640, height=360, fps=24)
PLACE_SECONDS = 2.5
"""Vendor seconds in which the queue moves on by one."""


async def submit(exchange: Exchange) -> Response:
    """`POST /{owner}/{app}/{path}`: any JSON object is taken."""
    name = exchange.request.path_params["endpoint"]
    body = exchange.document
    if "/".join(name.split("/")[:2]) not in APPS:
        return await exchange.refuse(404, f"Application '{name.partition('/')[2] or name}' not found")
    if name not in ENDPOINTS:
        # Of an app that exists, this is what its own server says; here it is said at once.
        return await exchange.refuse(404, f"Path /{'/'.join(name.split('/')[2:])} not found")
    if body is None:
        return await exchange.refuse(400, "Invalid JSON in request body")
    job = await exchange.accept(_with_deadline(exchange, await _order(exchange, ENDPOINTS[name], body)))
    if "short-reply" in job.fates:
        # As fal's guide to webhooks shows it.
        return _told(job, {"request_id": job.id, "gateway_request_id": job.id}, 200)
    return _told(job, {**_shown(exchange.world, job), "queue_position": _position(exchange.world, job)}, 200)


async def _order(exchange: Exchange, endpoint: Endpoint, body: Mapping[str, Json]) -> Job:
    given = {name: _lax(endpoint.fields[name], value) for name, value in body.items() if name in endpoint.fields}
    wrong = schema.check(endpoint.fields, given)
    values = schema.complete(endpoint.fields, given)
    wrong += [] if wrong else [*endpoint.complain(values)]
    head, unusable = (None, None) if wrong else await _seen(exchange, endpoint, values)
    detail = errors.invalid_detail(wrong) or ([unusable] if unusable else [])
    return exchange.order(
        model=endpoint.id,
        prompt=str(values.get("prompt") or ""),
        input={name: value for name, value in values.items() if name not in endpoint.files},
        clip=NOTHING if detail else endpoint.clip(values, head),
        price_micros=0 if detail else endpoint.price(values),
        run=1.0 if detail else endpoint.run_seconds,
        failure=errors.INVALID if detail else "",
        webhook=exchange.request.query_params.get("fal_webhook", ""),
        seed=values.get("seed") or int(hashlib.sha256(exchange.body).hexdigest()[:7], 16),
        extra={"detail": detail, "keep": _kept_for(exchange), "starts_within": _starts_within(exchange)},
    )


def _lax(field: Field, value: Json) -> Json:
    """pydantic takes "5" for the integer 5, but not 5 for the string "5"."""
    digits = isinstance(value, str) and value.removeprefix("-").isdecimal() and len(value) < 12
    return int(value) if field.kind == "integer" and digits else value


async def _seen(exchange: Exchange, endpoint: Endpoint, values: Mapping[str, Json]) -> tuple[ImageHead | None, Json]:
    """The first frame where it can be seen, or what is wrong with an input image."""
    head = None
    for name in endpoint.files:
        value = values.get(name)
        for uri in value if isinstance(value, list) else [value] if value else []:
            found, unusable = await _looked_at(exchange, endpoint, name, uri)
            if unusable is not None:
                return None, unusable
            head = head or found
    return head, None


async def _looked_at(exchange: Exchange, endpoint: Endpoint, name: str, uri: Json) -> tuple[ImageHead | None, Json]:
    """What other servers hold is not fetched."""
    where = ("body", name)
    if not isinstance(uri, str) or not uri.startswith(("https://", "http://", "data:")):
        return None, errors.entry("image_load_error", "Failed to load the image.", where)
    data = from_data_uri(uri) if uri.startswith("data:") else await storage.stored(exchange, uri)
    if data is None and storage.is_stored(exchange, uri):
        return None, errors.entry("file_download_error", "Failed to download the file.", where)
    if data is None and not uri.startswith("data:"):
        return None, None
    head = read_head(data or b"")
    if head is None:
        return None, errors.entry("image_load_error", "Failed to load the image.", where)
    if min(head.width, head.height) < endpoint.least_side:
        return None, errors.entry("image_too_small", "Image is too small.", where)
    if endpoint.most_side and max(head.width, head.height) > endpoint.most_side:
        return None, errors.entry("image_too_large", "Image is too large.", where)
    return head, None


def _kept_for(exchange: Exchange) -> float | None:
    """Seconds after which the output is deleted; None: never."""
    try:
        asked = json.loads(exchange.request.headers.get("x-fal-object-lifecycle-preference", "{}"))
    except ValueError:
        return None
    seconds = asked.get("expiration_duration_seconds") if isinstance(asked, dict) else None
    return float(seconds) if isinstance(seconds, int | float) and not isinstance(seconds, bool) else None


def _starts_within(exchange: Exchange) -> float | None:
    try:
        seconds = float(exchange.request.headers.get("x-fal-request-timeout", ""))
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) else None


def _with_deadline(exchange: Exchange, job: Job) -> Job:
    """The client's own limit ends a request that does not start in time; one that runs it leaves alone."""
    limit = job.extra["starts_within"]
    fated = exchange.fated(job)
    if limit is None or (fated.stuck != "queued" and fated.queue + fated.throttle <= limit):
        return job
    timeline = exchange.world.timeline
    return replace(job, deadline=timeline.wall_at(timeline.work_at(exchange.at) + limit))


def _shown(world: World, job: Job) -> dict[str, Json]:
    """What every answer about a request begins with; a new one is always in the queue."""
    address = f"{world.base_url}/fal/{ENDPOINTS[job.model].app}/requests/{job.id}"
    return {
        "status": "IN_QUEUE",
        "request_id": job.id,
        "response_url": address,
        "status_url": f"{address}/status",
        "cancel_url": f"{address}/cancel",
        "logs": None,
        "metrics": {},
    }


def _position(world: World, job: Job) -> int:
    """How many are before it."""
    waited = world.timeline.work_at(world.now()) - world.timeline.work_at(job.created)
    return max(math.ceil((job.queue + job.throttle - waited) / PLACE_SECONDS) - 1, 0)


def _told(job: Job, body: Json, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse(body, status_code=status, headers={"x-fal-request-id": job.id, **(headers or {})})


def _is_named(exchange: Exchange) -> bool:
    """Whether the request of the path is this account's, and of the app in the path."""
    names = exchange.request.path_params
    return exchange.job is not None and ENDPOINTS[exchange.job.model].app == f"{names['owner']}/{names['app']}"


async def status(exchange: Exchange) -> Response:
    """`GET /{owner}/{app}/requests/{id}/status?logs=1`: 202 until it is over."""
    job = exchange.job
    if job is None or not _is_named(exchange):
        return exchange.missing()
    if exchange.scripted is not None and exchange.scripted.fault.name == "no-output":
        # The result is asked for elsewhere: it is there that nothing will be found.
        job = await exchange.change(lambda each: replace(each, fates=(*each.fates, "no-output")))
    world, now = exchange.world, exchange.standing
    told = _shown(world, job)
    if not now.is_terminal and now.phase is not Phase.RUNNING:
        return _told(job, {**told, "queue_position": _position(world, job)}, 202)
    if exchange.request.query_params.get("logs", "0").lower() in ("1", "true"):
        told["logs"] = _logs(job, now)
    if not now.is_terminal:
        return _told(job, {**told, "status": "IN_PROGRESS"}, 202)
    told |= {"status": "COMPLETED", "metrics": {"inference_time": now.predict_seconds}}
    error = _error(job, now)
    if error is not None:
        # What `error` says of a model's own error is a guess.
        told["error"] = error.text if error.error_type else f"Invalid status code: {error.status}"
        told |= {"error_type": error.error_type} if error.error_type else {}
    return _told(job, told, 200)


def _logs(job: Job, now: Standing) -> list[Json]:
    messages = ["Request sent to provider"]
    if ENDPOINTS[job.model].bars:
        done = round(50 * now.progress)
        messages = [
            "loading the pipeline",
            f"{2 * done:3d}%|{'#' * (done // 5):<10}| {done}/50 [00:01<00:09,  4.2it/s]",
        ]
    stamp = iso(now.started)
    return [{"message": each, "level": "STDOUT", "source": "USER", "timestamp": stamp} for each in messages]


def _error(job: Job, now: Standing) -> errors.Error | None:
    """How the request went wrong; None for a success, or while it is under way."""
    if now.phase is Phase.FAILED and job.failure == errors.INVALID:
        return errors.Error(status=422, text="")
    if now.phase is Phase.FAILED:
        return errors.ERRORS[job.failure]
    return {Phase.CANCELLED: errors.CANCELLED, Phase.ABORTED: errors.TOO_LATE}.get(now.phase)


async def result(exchange: Exchange) -> Response:
    """`GET /{owner}/{app}/requests/{id}`: the model's own answer, good or bad."""
    job = exchange.job
    if job is None or not _is_named(exchange):
        return exchange.missing()
    now = exchange.standing
    if "no-output" in job.fates:
        return _told(job, {"video": None}, 200)
    if not now.is_terminal:
        return _told(job, {"detail": "Request is still in progress"}, 400)
    error = _error(job, now)
    if error is None:
        return _told(job, await _output(exchange.world, job), 200)
    return _told(job, _body(job, error), error.status, error.headers)


def _body(job: Job, error: errors.Error) -> dict[str, Json]:
    return {"detail": job.extra["detail"]} if job.failure == errors.INVALID else error.body


async def _output(world: World, job: Job) -> dict[str, Json]:
    video: dict[str, Json] = {
        "url": output_url(world, job),
        "content_type": job.clip.mime_type,
        "file_name": f"output.{job.clip.format}",
    }
    with contextlib.suppress(MediaRejected, MediaFault):
        path, _ = await world.clips.path(job)
        video["file_size"] = path.stat().st_size
    told: dict[str, Json] = {"video": video}
    endpoint = ENDPOINTS[job.model]
    if endpoint.has_seed:
        told["seed"] = job.seed
    return told | ({"timings": {"inference": job.run}} if endpoint.bars else {})


async def cancel(exchange: Exchange) -> Response:
    """`PUT /{owner}/{app}/requests/{id}/cancel`.

    In the queue it is removed. A run is only told: partners' models go on, unless the fault `heeds-cancel` says not.
    """
    job = exchange.job
    if job is None or not _is_named(exchange):
        return await exchange.refuse(404, body={"status": "NOT_FOUND"})
    now = exchange.standing
    if now.is_terminal or job.stop is not None:
        return await exchange.refuse(400, body={"status": "ALREADY_COMPLETED"})
    if now.phase is not Phase.RUNNING:
        return _told(await exchange.stop(200), {"status": "OK"}, 200)
    if "heeds-cancel" in job.fates:
        await exchange.stop(202, after=exchange.world.options.cancel_seconds)
    else:
        await exchange.witness(202)
    return _told(job, {"status": "CANCELLATION_REQUESTED"}, 202)


async def jwks(exchange: Exchange) -> Response:
    """`GET /.well-known/jwks.json` of the other host: the keys of the webhooks' signatures."""
    keys = [ed25519_jwk(ed25519_seed(exchange.world, name), name) for name in ("fal-before", "fal")]
    return JSONResponse({"keys": keys}, headers={"cache-control": "public, max-age=86400"})


def _when_over(world: World, job: Job) -> float | None:
    """At the end; whoever removed it from the queue knows it already (a guess)."""
    now = world.standing(job)
    removed = now.phase is Phase.CANCELLED and now.started is None
    return None if removed else when_ended(world, job)


async def letter_body(world: World, job: Job, event: str, at: float) -> Json:
    """`{"request_id", "gateway_request_id", "status": OK | ERROR, "payload"}`."""
    told: dict[str, Json] = {"request_id": job.id, "gateway_request_id": job.id}
    error = _error(job, world.standing(job, at))
    if error is not None:
        said = f"Invalid status code: {error.status}"
        return told | {"status": "ERROR", "error": said, "payload": _body(job, error)}
    if "payload-error" in job.fates:
        said = "Response payload is not JSON serializable. Use the queue endpoint to retrieve the response."
        return told | {"status": "OK", "payload": None, "payload_error": said}
    return told | {"status": "OK", "payload": await _output(world, job)}


async def sign(world: World, letter: Letter) -> Mapping[str, str]:
    """Ed25519 over the request's id, the user's, the time and the hash of the body; in hex."""
    digest = hashlib.sha256(letter.body).hexdigest()
    message = f"{letter.job.id}\n{USER}\n{letter.timestamp}\n{digest}".encode()
    seed = ed25519_seed(world, "fal", forged=letter.forged)
    return {
        "X-Fal-Webhook-Request-Id": letter.job.id,
        "X-Fal-Webhook-User-Id": USER,
        "X-Fal-Webhook-Timestamp": str(letter.timestamp),
        "X-Fal-Webhook-Signature": ed25519_signature(seed, message).hex(),
    }


def _expires(world: World, job: Job) -> float:
    keep = job.extra["keep"]
    return math.inf if keep is None else job.created + keep


REQUEST = "/{owner}/{app}/requests/{job}"
VENDOR = Vendor(
    name="fal",
    title="fal (Pika and others)",
    models=tuple(ENDPOINTS),
    example="curl {base}/fal-ai/pika/v2.2/text-to-video -H 'Authorization: Key any' "
    '-H \'Content-Type: application/json\' -d \'{"prompt": "a cat", "duration": 5}\'',
    routes=(
        At("GET", f"{REQUEST}/status", status, Stage.POLL),
        At("GET", REQUEST, result, Stage.POLL),
        At("GET", f"{REQUEST}/response", result, Stage.POLL),
        At("PUT", f"{REQUEST}/cancel", cancel, Stage.CANCEL),
        At("POST", "/{endpoint:path}", submit, Stage.SUBMIT),
    ),
    hosts={
        "rest": (At("GET", "/.well-known/jwks.json", jwks, open=True), *storage.REST),
        "cdn": storage.CDN,
    },
    error_body=lambda status, text: {"detail": text or "Error"},
    not_found=(404, "Request not found"),
    unauthorized=(401, "Authentication is required to access this application."),
    no_credit=(403, "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."),
    throttled="Too many concurrent requests.",
    key=scheme_key("Key"),
    first={"status": "IN_QUEUE", "queue_position": 0},
    success={"status": "COMPLETED", "video": None},
    id_member="request_id",
    failures={code: error.text for code, error in errors.ERRORS.items()},
    faults=(
        fate("heeds-cancel", "a running request stops when it is told to"),
        fate("short-reply", "the submit's answer has the ids only, no addresses"),
        fate("payload-error", "the webhook cannot carry the output"),
    ),
    # Failures are free here, though of a 4xx fal says it "may" be charged; a run that was stopped costs its price,
    # which is documented nowhere.
    billed=fair_bill,
    webhooks=Webhooks(
        events={"completed": _when_over},
        body=letter_body,
        sign=sign,
        # Ten times within two hours; here they follow each other as fast as a test can wait for.
        pauses=(0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6),
        reply_seconds=15.0,
    ),
    # Public addresses without a signature, which end by the lifecycle that was asked for.
    files=Files(expires=_expires, name="output"),
)
