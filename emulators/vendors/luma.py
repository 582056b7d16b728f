"""The emulated Luma Agents API, mounted at `/luma`. https://docs.agents.lumalabs.ai/api/"""

import asyncio
import math
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path

from starlette.responses import JSONResponse, Response

from core.errors import MediaRejected
from core.outcome import Json
from emulators import ledger
from emulators.exchange import Exchange
from emulators.faults import Stage, answer
from emulators.files import output_url
from emulators.images import read_head
from emulators.jobs import Clip, Job, Phase
from emulators.spelling import iso
from emulators.vendor import At, Files, Vendor
from emulators.vendors import luma_files as files
from emulators.vendors.luma_checks import ANCHORS, Known, Media, Refused, check, reference
from emulators.vendors.luma_models import (
    EDIT_MICROS,
    FPS,
    GENERATION_MICROS,
    HDR_EXR_MICROS,
    HDR_MICROS,
    REFRAME_MICROS,
    ratio_of,
    size_of,
)
from emulators.world import World
from media.probe import probe

VERSION = "2026-04-01"
SIGNED_SECONDS = 3600.0
UNSEEN_SECONDS = 5.0
"""The length taken for a source video behind an address."""
STATES: Mapping[Phase, str] = {
    Phase.QUEUED: "queued",
    Phase.THROTTLED: "queued",
    Phase.RUNNING: "processing",
    Phase.SUCCEEDED: "completed",
}
FAILURES: Mapping[str, str] = {
    "content_moderated": "The prompt or an input was flagged by our content moderation system.",
    "content_moderated.output": "Generation output was flagged by our content moderation system.",
    "generation_failed": "Generation failed",
    "budget_exhausted": "Insufficient credits to complete this generation.",
    "output_not_found": "Output artifacts not found",
    "rate_limited": "Too many generations at once.",
    "image_too_large": "An input image exceeded the size limit.",
    "unsupported_format": "An input file is in an unsupported format.",
    "corrupt_input": "An input file could not be decoded.",
    "invalid_request": "The request was invalid.",
    "NULL": "Generation failed",
}
"""`failure_code` (up to a dot) to `failure_reason`; `NULL` stands for a failure without a code."""


async def create(exchange: Exchange) -> Response:
    """`POST /v1/generations`."""
    body = exchange.document
    if body is None:
        return await exchange.refuse(400, "Request body is not valid JSON")
    known = await _known(exchange, body)
    try:
        check(body, known)
    except Refused as refused:
        return await exchange.refuse(refused.status, refused.detail)
    job = await exchange.accept(await _order(exchange, body, known), 201)
    return _answer(exchange, shown(exchange.world, job, exchange.at), 201)


def _references(body: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    """Every `ImageRef` of a body, well-formed or not."""
    video = body.get("video")
    video = video if isinstance(video, dict) else {}
    frames = video.get("keyframes")
    for value in (body.get("source"), *map(video.get, ANCHORS), *(frames if isinstance(frames, list) else [])):
        if isinstance(value, dict):
            yield value


async def _known(exchange: Exchange, body: Mapping[str, Json]) -> Known:
    """What the body refers to by id, as far as it is this account's and ready."""
    world = exchange.world
    usable: dict[str, Media] = {}
    done: dict[str, Media] = {}
    for value in _references(body):
        file_id, generation_id = value.get("file_id"), value.get("generation_id")
        document = await files.find(exchange, file_id) if isinstance(file_id, str) else None
        if document is not None and files.state_of(world, document) == "ready":
            usable[document["id"]] = await asyncio.to_thread(_facts, files.path_of(world, document["id"]))
        job = await world.ledger.do(ledger.job, generation_id) if isinstance(generation_id, str) else None
        if job is not None and _is_mine(exchange, job) and world.standing(job).phase is Phase.SUCCEEDED:
            size = (job.clip.width, job.clip.height)
            done[job.id] = Media(is_video=True, seconds=job.clip.seconds, size=size)
    return Known(files=usable, generations=done)


def _is_mine(exchange: Exchange, job: Job) -> bool:
    return job.vendor == "luma" and job.credential == exchange.credential


def _facts(path: Path) -> Media:
    """What an image or a video file is; blocking."""
    head = read_head(path.read_bytes()[:65_536])
    if head is not None:
        return Media(size=(head.width, head.height))
    try:
        facts = probe(path)
    except MediaRejected:
        return Media(is_video=True)
    return Media(is_video=True, seconds=facts.duration, size=(facts.width, facts.height))


async def _source(exchange: Exchange, body: Mapping[str, Json], known: Known) -> Media:
    """The source video, looked into where its bytes are at hand."""
    media = reference("source", body["source"], known, video=True)
    if media.data is None:
        return media
    with tempfile.NamedTemporaryFile(dir=exchange.world.uploads) as file:
        file.write(media.data)
        file.flush()
        return await asyncio.to_thread(_facts, Path(file.name))


async def _order(exchange: Exchange, body: Mapping[str, Json], known: Known) -> Job:
    video, kind = body.get("video") or {}, body["type"]
    resolution = video.get("resolution") or "720p"
    if kind == "video":
        seconds = 10.0 if video.get("duration") == "10s" else 5.0
        ratio = _shape(body, video, known)
    else:
        source = await _source(exchange, body, known)
        seconds = source.seconds or UNSEEN_SECONDS
        ratio = ratio_of(body["aspect_ratio"]) if kind == "video_reframe" else Fraction(*(source.size or (16, 9)))
    width, height = size_of(ratio, resolution)
    return exchange.order(
        model="ray-3.2",
        prompt=body["prompt"],
        input={"video": {name: value for name, value in video.items() if not isinstance(value, dict | list)}},
        clip=Clip(seconds=seconds, width=width, height=height, fps=FPS),
        price_micros=_price(kind, resolution, seconds, video),
        run=_run_seconds(resolution, seconds),
        extra={"type": kind},
    )


def _shape(body: Mapping[str, Json], video: Mapping[str, Json], known: Known) -> Fraction:
    """The ratio of what the clip is anchored to, where that can be seen; else what is asked for."""
    frames = video.get("keyframes") or []
    anchors = [("video." + name, video[name]) for name in ANCHORS if video.get(name) is not None]
    for path, value in (*anchors, *(("video.keyframes", frame) for frame in frames)):
        size = reference(path, value, known).size
        if size is not None:
            return Fraction(*size)
    return ratio_of(body.get("aspect_ratio") or "16:9")


def _price(kind: str, resolution: str, seconds: float, video: Mapping[str, Json]) -> int:
    if kind == "video_edit":
        return EDIT_MICROS[resolution] * max(math.ceil(round(seconds, 2) / 5), 1)
    if kind == "video_reframe":
        return round(REFRAME_MICROS[resolution] * seconds)
    if video.get("hdr"):
        return (HDR_EXR_MICROS if video.get("exr_export") else HDR_MICROS)[resolution]
    return GENERATION_MICROS[resolution, int(seconds)]


def _run_seconds(resolution: str, seconds: float) -> float:
    """A typical 5 s clip at 720p takes under two minutes, others proportionally longer."""
    return seconds * {"360p": 8, "540p": 12, "720p": 16, "1080p": 32}[resolution]


async def retrieve(exchange: Exchange) -> Response:
    """`GET /v1/generations/{id}`."""
    if exchange.job is None:
        return exchange.error(404, "Generation not found")
    return _answer(exchange, shown(exchange.world, exchange.job), 200)


def shown(world: World, job: Job, at: float | None = None) -> dict[str, Json]:
    """The generation, its outputs freshly signed."""
    now = world.standing(job, at)
    told: dict[str, Json] = {
        "id": job.id,
        "type": job.extra["type"],
        "state": STATES.get(now.phase, "failed"),
        "model": job.model,
        "created_at": iso(job.created, "seconds"),
        "output": [],
        "failure_reason": None,
        "failure_code": None,
    }
    if now.phase is Phase.SUCCEEDED:
        told["output"] = [{"type": "video", "url": output_url(world, job)}]
    elif told["state"] == "failed":
        told["failure_code"] = None if job.failure == "NULL" else job.failure.partition(".")[0]
        told["failure_reason"] = FAILURES.get(job.failure, "Generation failed")
    return told


def _answer(exchange: Exchange, body: Json, status: int) -> Response:
    """With the headers of every answer; the limits are told, not enforced (the faults are `rpm` and `concurrent`)."""
    trace = exchange.request.headers.get("x-request-id") or str(uuid.uuid4())
    headers = {"X-Request-Id": trace, "X-API-Version": VERSION}
    if status == 201:
        reset = str(int(exchange.at) + 60)
        headers |= {"X-RateLimit-Limit": "30", "X-RateLimit-Remaining": "29", "X-RateLimit-Reset": reset}
    return JSONResponse(body, status_code=status, headers=headers)


VENDOR = Vendor(
    name="luma",
    title="Luma Agents",
    models=("ray-3.2",),
    example="curl {base}/v1/generations -H 'Authorization: Bearer luma-api-any' -H 'Content-Type: application/json' "
    '-d \'{"model": "ray-3.2", "type": "video", "prompt": "a cat", "video": {"duration": "5s"}}\'',
    routes=(
        At("POST", "/v1/generations", create, Stage.SUBMIT),
        At("GET", "/v1/generations/{job}", retrieve, Stage.POLL),
        At("POST", "/v1/files", files.create),
        At("GET", "/v1/files", files.listed),
        At("GET", "/v1/files/{file}", files.retrieve),
        At("POST", "/v1/files/{file}/complete", files.complete),
        At("DELETE", "/v1/files/{file}", files.delete),
    ),
    hosts={"uploads": (At("PUT", "/{file}", files.receive, open=True),)},
    error_body=lambda status, text: {"detail": text or "Not Found"},
    not_found=(404, "Not Found"),
    # Any key will do here; the vendor's all begin with `luma-api-`.
    unauthorized=(401, "Missing or invalid API key"),
    no_credit=(402, "Insufficient credits. Please add credits to continue."),
    throttled="Rate limit exceeded",
    first={"state": "queued", "output": []},
    success={"state": "completed", "output": []},
    nullable=frozenset({"failure_code", "failure_reason"}),
    status_member="state",
    failures=FAILURES,
    faults=(
        answer("revoked-key", 401, "the key was revoked", text="API key has been revoked", at=(Stage.SUBMIT,)),
        answer("suspended", 403, "the account is suspended", text="API client is suspended", at=(Stage.SUBMIT,)),
        answer("unknown-model", 400, "the model is gone", text="Unknown model: ray-3.2", at=(Stage.SUBMIT,)),
        answer("concurrent", 429, "ten jobs run already", text="Too many concurrent jobs", at=(Stage.SUBMIT,)),
        answer(
            "no-ingestion",
            503,
            "inputs cannot be fetched; nothing was queued",
            text="Image URL ingestion unavailable",
            at=(Stage.SUBMIT,),
        ),
    ),
    files=Files(
        expires=lambda world, job: world.now() + min(SIGNED_SECONDS, world.options.signed_url_seconds),
        query="X-Amz-Signature",
    ),
)
