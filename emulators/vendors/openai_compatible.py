"""An emulated upstream that speaks OpenAI's Videos API, at `/openai-compatible` and `/openai-compatible/v1`.

https://developers.openai.com/api/docs/guides/video-generation. Account-wide webhook endpoints are not played.
"""

from collections.abc import Mapping
from dataclasses import replace
from math import inf
from typing import Any

from starlette.responses import JSONResponse, RedirectResponse, Response

from core.outcome import Json
from emulators.exchange import Exchange
from emulators.faults import Stage, answer, fate
from emulators.files import output_url
from emulators.jobs import Clip, Job, Phase
from emulators.spelling import identifier, whole
from emulators.vendor import At, Files, Vendor
from emulators.vendors.openai_compatible_checks import fault, read, told
from emulators.vendors.openai_compatible_models import SORA_MODELS, clip
from emulators.world import World

HEX = "0123456789abcdef"
STATUSES: Mapping[Phase, str] = {
    Phase.QUEUED: "queued",
    Phase.THROTTLED: "queued",
    Phase.RUNNING: "in_progress",
    Phase.SUCCEEDED: "completed",
}
FAILURES: Mapping[str, str] = {
    "moderation_blocked": "Your request was blocked by our moderation system.",
    "processing_error": "We're under heavy load. Please try again later.",
    "server_error": "The server had an error while processing your request.",
}
"""The first was seen live, the second by one third party; the set is open."""
NO_CREDIT = "You exceeded your current quota, please check your plan and billing details."
THROTTLED = "Too many running tasks"
NOT_READY = "Video is not ready yet, use GET /v1/videos/{video_id} to check status."
PACE_MS = 10_000
VARIANTS = {"video": "", "thumbnail": "webp", "spritesheet": "jpg"}


def error_body(status: int, text: str) -> dict[str, Json]:
    """OpenAI's error object. Seen live: `Too many running tasks`; the codes of 401 and of no credit are OpenAI's."""
    if text == THROTTLED or text.startswith(f"{THROTTLED} "):
        return told(text, "video_generation_user_error")
    if text == NO_CREDIT:
        return told(text, "insufficient_quota", code="insufficient_quota")
    if status == 401:
        return told(text or "Incorrect API key provided.", code="invalid_api_key")
    if status >= 500:
        return told(text or "The server had an error while processing your request.", "server_error")
    return told(text or "Bad request.")


def is_gone(world: World, job: Job) -> bool:
    """Whether the file has expired: an hour after it was made, by one copy of the guide."""
    return world.now() >= expiry(world, job)


def expiry(world: World, job: Job) -> float:
    """When the file expires, in Unix seconds; inf while there is none."""
    ended = world.standing(job).ended
    return inf if ended is None else ended + world.options.retention_seconds


async def create(exchange: Exchange) -> Response:
    """`POST /videos`, a form or JSON."""
    wish = read(exchange.form, exchange.document)
    if wish is None:
        return await exchange.refuse(400, "We could not parse the body of your request.")
    wrong = fault(wish)
    if wrong is not None:
        return await exchange.refuse(wrong.status, body=wrong.body)
    values = {"model": "sora-2", "seconds": "4", "size": "720x1280", **wish.values}
    made = clip(values["size"], int(values["seconds"]))
    return await sell(exchange, values, made)


async def sell(exchange: Exchange, values: Mapping[str, Json], made: Clip, *, source: str = "", new: float = 0) -> Response:
    """200 with the video; `new` are the seconds that are paid, where they are not all of the clip."""
    model = SORA_MODELS[values["model"]]
    size = f"{made.width}x{made.height}"
    kept: dict[str, Any] = {"size": size, "seconds": f"{made.seconds:g}", "source": source or None}
    job = await exchange.accept(
        exchange.order(
            id=f"video_{identifier(48, HEX)}",
            model=values["model"],
            prompt=values["prompt"],
            input={name: value for name, value in values.items() if name != "input_reference"},
            clip=made,
            price_micros=model.price(size, round(new or made.seconds)),
            run=model.run_seconds,
            extra=kept,
        )
    )
    return _shown(exchange, job)


def video(world: World, job: Job) -> dict[str, Json]:
    """The video object."""
    now = world.standing(job)
    status = STATUSES.get(now.phase, "failed")
    ended = None if now.ended is None else int(now.ended)
    is_done = now.phase is Phase.SUCCEEDED
    error = None if status != "failed" else {"code": job.failure, "message": FAILURES.get(job.failure, "Unknown error")}
    return {
        "id": job.id,
        "object": "video",
        "created_at": int(job.created),
        "status": status,
        "model": job.model,
        "progress": 100 if is_done else int(now.progress * 100) if now.phase is Phase.RUNNING else 0,
        "seconds": None if "no-seconds" in job.fates else job.extra["seconds"],
        "size": job.extra["size"],
        "prompt": job.prompt,
        "completed_at": ended if is_done else None,
        "expires_at": int(expiry(world, job)) if is_done else None,
        "remixed_from_video_id": job.extra["source"],
        "error": error,
    }


def _shown(exchange: Exchange, job: Job) -> Response:
    """The object; that an upstream names a pace is known from the SDK alone, and this one does until the end."""
    speed = exchange.world.timeline.speed
    pace = {"openai-poll-after-ms": str(max(1, round(PACE_MS / speed)))}
    is_over = exchange.world.standing(job).is_terminal
    return JSONResponse(video(exchange.world, job), headers={} if is_over else pace)


async def retrieve(exchange: Exchange) -> Response:
    """`GET /videos/{id}`."""
    return exchange.missing() if exchange.job is None else _shown(exchange, exchange.job)


async def listing(exchange: Exchange) -> Response:
    """`GET /videos?after&limit&order`."""
    query = exchange.request.query_params
    limit, order = whole(query.get("limit"), 20, 1, 100), query.get("order", "desc")
    jobs = await exchange.jobs()
    videos = jobs if order == "desc" else jobs[::-1]
    ids = [job.id for job in videos]
    after = query.get("after")
    if limit is None or order not in ("asc", "desc") or (after is not None and after not in ids):
        return exchange.error(400, "Invalid 'limit', 'order' or 'after'.")
    first = 0 if after is None else ids.index(after) + 1
    shown = videos[first : first + limit]
    return JSONResponse(
        {
            "object": "list",
            "data": [video(exchange.world, job) for job in shown],
            "first_id": shown[0].id if shown else None,
            "last_id": shown[-1].id if shown else None,
            "has_more": len(videos) > first + limit,
        }
    )


async def delete(exchange: Exchange) -> Response:
    """`DELETE /videos/{id}`: of an ended video only; this is no cancel."""
    if exchange.job is None:
        return await exchange.refuse(*exchange.vendor.not_found)
    if not exchange.standing.is_terminal:
        # The status is a guess; that only ended videos can be deleted is in the SDK's words.
        return await exchange.refuse(400, "Only completed or failed videos can be deleted.")
    await exchange.stop(delete=True)
    return JSONResponse({"id": exchange.job.id, "object": "video.deleted", "deleted": True})


async def content(exchange: Exchange) -> Response:
    """`GET /videos/{id}/content?variant=`: the bytes, behind the key; or, under `content-redirect`, where they lie."""
    job, variant = exchange.job, exchange.request.query_params.get("variant", "video")
    if variant not in VARIANTS:
        return exchange.error(400, f"Invalid value: '{variant}'. Supported values are: {', '.join(VARIANTS)}.")
    if job is None:
        return exchange.missing()
    if exchange.standing.phase is not Phase.SUCCEEDED:
        return exchange.error(404, NOT_READY)  # the status is a guess
    if "content-redirect" in job.fates and variant == "video":
        return RedirectResponse(output_url(exchange.world, job), 302)
    return await exchange.clip_file(file_format=VARIANTS[variant])


async def remix(exchange: Exchange) -> Response:
    """`POST /videos/{id}/remix`: the same clip after another prompt."""
    body = exchange.document or {}
    return await _again(exchange, body, exchange.job, added=0)


async def edit(exchange: Exchange) -> Response:
    """`POST /videos/edits`, of a video made here; a file of one's own is not taken by this emulator."""
    return await _again(exchange, exchange.document or {}, exchange.job, added=0)


async def extend(exchange: Exchange) -> Response:
    """`POST /videos/extensions`: the clip and up to 20 s more, 120 s in all."""
    body = exchange.document or {}
    seconds = body.get("seconds")
    if seconds not in SECONDS:
        return await exchange.refuse(400, "Invalid value for 'seconds'.")
    if exchange.job is not None and exchange.job.clip.seconds + int(seconds) > LONGEST:
        return await exchange.refuse(400, f"A video can be extended to {LONGEST} seconds in all.")
    return await _again(exchange, body, exchange.job, added=int(seconds))


async def _again(exchange: Exchange, body: Mapping[str, Json], source: Job | None, *, added: int) -> Response:
    if source is None or exchange.world.standing(source).phase is not Phase.SUCCEEDED:
        return await exchange.refuse(*exchange.vendor.not_found)
    if not isinstance(body.get("prompt"), str) or not body["prompt"]:
        return await exchange.refuse(400, body=told("Missing required parameter: 'prompt'.", param="prompt"))
    made = replace(source.clip, seconds=source.clip.seconds + added)
    values = {"model": source.model, "prompt": body["prompt"]}
    return await sell(exchange, values, made, source="" if added else source.id, new=added)
