"""The emulated video object, and what is sold as one."""

from collections.abc import Mapping
from math import inf

from starlette.responses import JSONResponse, Response

from core.outcome import Json
from emulators.exchange import Exchange
from emulators.jobs import Clip, Job, Phase
from emulators.spelling import identifier
from emulators.vendors.openai_compatible_models import SORA_MODELS
from emulators.world import World

HEX = "0123456789abcdef"
PACE_MS = 10_000
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


def is_gone(world: World, job: Job) -> bool:
    """Whether the file has expired: an hour after it was made, by one copy of the guide."""
    return world.now() >= expiry(world, job)


def expiry(world: World, job: Job) -> float:
    """When the file expires, in Unix seconds; inf while there is none."""
    ended = world.standing(job).ended
    return inf if ended is None else ended + world.options.retention_seconds


async def sell(
    exchange: Exchange, values: Mapping[str, Json], made: Clip, *, source: str = "", new: float = 0
) -> Response:
    """200 with the video; `new` are the seconds that are paid, where they are not all of the clip."""
    model = SORA_MODELS[values["model"]]
    size = f"{made.width}x{made.height}"
    kept: dict[str, Json] = {"size": size, "seconds": f"{made.seconds:g}", "source": source or None}
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
    return shown(exchange, job, exchange.at)


def video(world: World, job: Job, at: float | None = None) -> dict[str, Json]:
    """The video object, as it is or was `at` another time."""
    now = world.standing(job, at)
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


def shown(exchange: Exchange, job: Job, at: float | None = None) -> Response:
    """The object; that an upstream names a pace is known from the SDK alone, and this one does until the end."""
    speed = exchange.world.timeline.speed
    pace = {"openai-poll-after-ms": str(max(1, round(PACE_MS / speed)))}
    is_over = exchange.world.standing(job, at).is_terminal
    return JSONResponse(video(exchange.world, job, at), headers={} if is_over else pace)
