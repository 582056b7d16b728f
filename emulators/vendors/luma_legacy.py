"""The emulated Dream Machine API, mounted at `/luma-legacy`. https://docs.lumalabs.ai/reference"""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.outcome import Json
from emulators import schema
from emulators.exchange import Exchange
from emulators.faults import Stage, answer
from emulators.files import output_url
from emulators.jobs import Clip, Job, Phase
from emulators.schema import Field, Invalid, Rule
from emulators.spelling import is_fetchable, iso, page, whole
from emulators.vendor import At, Files, Vendor, bearer
from emulators.vendors.luma_models import FPS, LEGACY_PICODOLLARS, LEGACY_RATIOS, legacy_micros, ratio_of, size_of
from emulators.webhooks import Webhooks, when_failed, when_started, when_succeeded
from emulators.world import World

BALANCE_CENTS = 1_000_000
CONCEPTS = ("bolt_cam", "dolly_zoom", "handheld", "orbit_left", "orbit_right", "pan_left", "push_in", "zoom_out")
"""Some of the camera concepts; the vendor's own list is longer."""
STATES: Mapping[Phase, str] = {
    Phase.QUEUED: "queued",
    Phase.THROTTLED: "queued",
    Phase.RUNNING: "dreaming",
    Phase.SUCCEEDED: "completed",
}
FAILURES: Mapping[str, str] = {
    "moderation": "Failed output moderation",
    "nsfw": "The keyframe contains NSFW content",
    "not_allowed": "The prompt is not allowed",
    "credits": "Insufficient credits",
    "too_many": "Too many concurrent generations",
    "keyframe": "Failed to download keyframe image",
    "internal": "Internal error, please try again",
    "odd": "list index out of range",
    "NULL": "",
}
"""Our codes to `failure_reason`, free text whose wordings are guesses; the API has no codes. `NULL` is no text."""
FIELDS: Mapping[str, Field] = {
    "model": Field(kind="string", required=True, choices=tuple(LEGACY_PICODOLLARS)),
    "generation_type": Field(kind="string", default="video", choices=("video",)),
    # Whether the bounds are the API's own is told by third parties only; a prompt may be missing with keyframes.
    "prompt": Field(kind="string", default="", shortest=3, longest=5000),
    "aspect_ratio": Field(kind="string", default="16:9", choices=LEGACY_RATIOS),
    # The SDK lets any text through; what the API says to it is a guess.
    "resolution": Field(kind="string", default="720p", choices=("540p", "720p", "1080p", "4k")),
    "duration": Field(kind="string", default="5s", choices=("5s", "9s")),
    "loop": Field(kind="boolean", default=False),
    "concepts": Field(kind="array", default=None, nullable=True),
    "keyframes": Field(kind="object", default=None, nullable=True),
    "callback_url": Field(kind="string", default=None, nullable=True, is_uri=True),
}


def guard(world: World, request: Request) -> Response | None:
    """403 for keys of the newer platform, as two projects report."""
    return VENDOR.error(403, "Not authenticated") if bearer(request).startswith("luma-api-") else None


async def create(exchange: Exchange) -> Response:
    """`POST /generations/video`, and `/generations` as older clients have it."""
    body = exchange.document
    if body is None:
        return await exchange.refuse(400, "Request body is not valid JSON")
    wrong = schema.check(FIELDS, body)
    wrong = wrong or [*_keyframes(body.get("keyframes")), *_concepts(body.get("concepts"))]
    if wrong:
        return await exchange.refuse(422, body={"detail": schema.fastapi_detail(wrong)})
    if not body.get("prompt") and not body.get("keyframes"):
        return await exchange.refuse(400, "Prompt or keyframes are required")
    job = await exchange.accept(_order(exchange, schema.complete(FIELDS, body)), 201)
    return JSONResponse(shown(exchange.world, job, exchange.at), status_code=201)


def _keyframes(frames: Json) -> list[Invalid]:
    """`frame0` and `frame1`: an image by public https address, or a generation by id. There is no upload."""
    wrong = []
    for name in ("frame0", "frame1"):
        frame = frames.get(name) if isinstance(frames, dict) else None
        kind = frame.get("type") if isinstance(frame, dict) else None
        wanted = {"image": "url", "generation": "id"}.get(str(kind), "")
        value = frame.get(wanted) if isinstance(frame, dict) else None
        good = is_fetchable(value) if kind == "image" else isinstance(value, str)
        if frame is not None and not (wanted and good):
            text = "Input should be an image with a public https url or a generation with an id"
            wrong.append(Invalid(rule=Rule.KIND, name=f"keyframes.{name}", text=text, value=frame))
    return wrong


def _concepts(concepts: Json) -> list[Invalid]:
    """That a concept nobody knows is refused is not documented."""
    text = "Input should be an object with a key"
    return [
        Invalid(rule=Rule.KIND, name="concepts", text=text, value=each)
        for each in (concepts or [])
        if not isinstance(each, dict) or not isinstance(each.get("key"), str)
    ]


def _order(exchange: Exchange, values: Mapping[str, Json]) -> Job:
    seconds = int(values["duration"].removesuffix("s"))
    # With a keyframe `aspect_ratio` is ignored; what the keyframe looks like is not seen here.
    ratio = Fraction(16, 9) if values.get("keyframes") else ratio_of(values["aspect_ratio"])
    width, height = size_of(ratio, values["resolution"])
    return exchange.order(
        model=values["model"],
        prompt=values["prompt"],
        input=dict(values),
        clip=Clip(seconds=float(seconds), width=width, height=height, fps=FPS),
        price_micros=legacy_micros(values["model"], values["resolution"], seconds),
        run=seconds * (16 if values["model"] == "ray-2" else 7),
        webhook=values.get("callback_url") or "",
    )


async def retrieve(exchange: Exchange) -> Response:
    """`GET /generations/{id}`."""
    if exchange.job is None:
        return exchange.error(404, "Generation not found")
    return JSONResponse(shown(exchange.world, exchange.job))


def shown(world: World, job: Job, at: float | None = None) -> dict[str, Json]:
    """The generation."""
    now = world.standing(job, at)
    state = STATES.get(now.phase, "failed")
    done = now.phase is Phase.SUCCEEDED
    video = {"video": output_url(world, job), "image": None, "progress_video": None}
    return {
        "id": job.id,
        "generation_type": "video",
        "state": state,
        "failure_reason": (FAILURES.get(job.failure) or None) if state == "failed" else None,
        "created_at": iso(job.created),
        "assets": video if done else None,
        "model": job.model,
        "request": job.input,
    }


async def listed(exchange: Exchange) -> Response:
    """`GET /generations?limit&offset`. Newest first, 10 by default and 100 at most: all three are guesses."""
    query = exchange.request.query_params
    limit, offset = whole(query.get("limit"), 10, least=1, most=100), whole(query.get("offset"), 0)
    if limit is None or offset is None:
        detail = [{"type": "int_parsing", "loc": ["query", "limit"], "msg": "Input should be a valid integer"}]
        return JSONResponse({"detail": detail}, status_code=422)
    jobs, more = page(await exchange.jobs(), limit, offset)
    generations = [shown(exchange.world, job) for job in jobs]
    counted = {"count": len(generations), "limit": limit, "offset": offset, "has_more": more}
    return JSONResponse({"generations": generations, **counted})


async def delete(exchange: Exchange) -> Response:
    """`DELETE /generations/{id}`: gone for the API at once. That it stops anything is not documented: here it does not,
    and what was begun is charged."""
    if exchange.job is None:
        return await exchange.refuse(404, "Generation not found")
    await exchange.witness(204)
    job = await exchange.change(lambda each: replace(each, deleted=True))
    exchange.world.clips.forget(job)
    return Response(status_code=204)


async def concepts(exchange: Exchange) -> Response:
    """`GET /generations/concepts/list`."""
    return JSONResponse(list(CONCEPTS))


async def credits_left(exchange: Exchange) -> Response:
    """`GET /credits`: US cents."""
    spent = sum(exchange.world.billed(job) for job in await exchange.jobs())
    return JSONResponse({"credit_balance": BALANCE_CENTS - spent / 10_000})


async def ping(exchange: Exchange) -> Response:
    """`GET /ping`."""
    return JSONResponse({"message": "pong"})


ROOT = "/dream-machine/v1"
VENDOR = Vendor(
    name="luma-legacy",
    title="Luma Dream Machine",
    models=tuple(LEGACY_PICODOLLARS),
    example=f"curl {{base}}{ROOT}/generations/video -H 'Authorization: Bearer any' -H 'Content-Type: application/json' "
    '-d \'{"model": "ray-2", "prompt": "a cat"}\'',
    routes=(
        At("POST", f"{ROOT}/generations/video", create, Stage.SUBMIT),
        At("POST", f"{ROOT}/generations", create, Stage.SUBMIT),
        At("GET", f"{ROOT}/generations/concepts/list", concepts),
        At("GET", f"{ROOT}/generations/{{job}}", retrieve, Stage.POLL),
        At("DELETE", f"{ROOT}/generations/{{job}}", delete, Stage.CANCEL),
        At("GET", f"{ROOT}/generations", listed),
        At("GET", f"{ROOT}/credits", credits_left),
        At("GET", f"{ROOT}/ping", ping),
    ),
    error_body=lambda status, text: {"detail": text or HTTPStatus(status).phrase},
    unauthorized=(401, "Invalid API key is provided"),
    no_credit=(400, "Insufficient credits"),
    throttled="Too many requests",
    guard=guard,
    first={"state": "queued", "assets": None, "failure_reason": None},
    success={"state": "completed", "assets": None},
    nullable=frozenset({"assets", "failure_reason"}),
    status_member="state",
    failures=FAILURES,
    faults=(
        answer(
            "moderated-prompt",
            400,
            "the prompt is refused at once",
            text="Prompt not allowed because advanced moderation failed",
            at=(Stage.SUBMIT,),
        ),
    ),
    webhooks=Webhooks(
        events={"dreaming": when_started, "completed": when_succeeded, "failed": when_failed},
        last=frozenset({"completed", "failed"}),
        body=lambda world, job, event, at: shown(world, job, at),
        # Three more times, 100 ms apart; an answer counts within 5 s and as 200 (here: as any 2xx).
        pauses=(0.1, 0.1, 0.1),
        reply_seconds=5.0,
    ),
    # A plain address; how long it lives is not published, so it lives on.
    files=Files(),
)
