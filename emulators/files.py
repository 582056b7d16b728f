"""The emulated vendors' storage under `/files`: signed, expiring addresses of the clips, rendered when fetched."""

from collections.abc import Callable
from typing import Protocol

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from core.errors import MediaRejected
from emulators import effects, ledger
from emulators.faults import Stage
from emulators.jobs import Job, Phase
from emulators.vendor import Vendor
from emulators.world import World
from media.errors import MediaFault


class Refuse(Protocol):
    """Judges the address of a download."""

    def __call__(self, world: World, request: Request, job: Job, /) -> int:
        """The status of a refusal, or 200."""


def runway_url(world: World, job: Job) -> str:
    """A fresh signed address; it dies with its time, with the task, or when revoked."""
    expires = int(world.now() + world.options.signed_url_seconds)
    token = f"{job.generation}.{expires}.{world.sign('runway', job.id, job.generation, expires)}"
    return f"{world.base_url}/files/runway/{job.id}/output.mp4?_jwt={token}"


def judge_runway(world: World, request: Request, job: Job) -> int:
    """403 for a bad, expired or revoked signature."""
    generation, _, rest = request.query_params.get("_jwt", "").partition(".")
    expires, _, signature = rest.partition(".")
    if signature != world.sign("runway", job.id, generation, expires) or not expires.isdecimal():
        return 403
    return 403 if int(expires) <= world.now() or int(generation) < job.generation else 200


def replicate_url(world: World, job: Job) -> str:
    """The output's address; it needs no key and dies with the prediction's data."""
    token = world.sign("replicate", job.id, job.generation)
    return f"{world.base_url}/files/replicate/{job.id}/{token}/tmp{token[:8]}.mp4"  # noqa: S108 - as the vendor names its files


def judge_replicate(world: World, request: Request, job: Job) -> int:
    """404 for a wrong address or dropped data, 403 for a revoked one."""
    token = request.path_params["token"]
    if is_removed(world, job) or token not in {
        world.sign("replicate", job.id, generation) for generation in range(job.generation + 1)
    }:
        return 404
    return 200 if token == world.sign("replicate", job.id, job.generation) else 403


def is_removed(world: World, job: Job) -> bool:
    """Whether Replicate has dropped the inputs, outputs and logs of a prediction."""
    ended = world.standing(job).ended
    lapsed = ended is not None and world.now() >= ended + world.options.retention_seconds
    return lapsed or (job.removed is not None and world.now() >= job.removed)


def routes(world: World, runway: Vendor, replicate: Vendor) -> list[BaseRoute]:
    """Both vendors' download routes."""
    return [
        Route("/files/runway/{job}/output.mp4", _download(world, runway, judge_runway)),
        Route("/files/replicate/{job}/{token}/{name}", _download(world, replicate, judge_replicate)),
    ]


def _download(world: World, vendor: Vendor, judge: Refuse) -> Callable[[Request], object]:
    async def download(request: Request) -> Response:
        job = await world.ledger.do(ledger.job, request.path_params["job"])
        if job is None or job.vendor != vendor.name or job.deleted:
            return Response("Not found", 404)
        status = judge(world, request, job)
        if status != 200 or world.standing(job).phase is not Phase.SUCCEEDED:
            return Response(effects.DENIED, 404 if status == 200 else status, media_type="application/xml")
        scripted = await world.ledger.do(ledger.take, vendor.name, Stage.DOWNLOAD, job.prompt, job.id)
        if scripted is None:
            return await _file(world, job)
        honest = await _file(world, job) if scripted.accepts else None
        return await effects.play(world, vendor, request, scripted, honest, job)

    return download


async def _file(world: World, job: Job) -> Response:
    try:
        return FileResponse(await world.clips.path(job), media_type="video/mp4")
    except (MediaRejected, MediaFault):
        return Response("The emulator could not draw this clip", 503)
