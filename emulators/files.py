"""The vendors' storage under `/files`: signed, expiring, revocable addresses of what jobs make, drawn when fetched."""

from collections.abc import Awaitable, Callable
from math import inf

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


def output_url(world: World, job: Job, index: int = 0) -> str:
    """The address of a job's file, good as of now. It needs no key and dies as the vendor's `files` say."""
    manners = world.vendors[job.vendor].files
    expires = manners.expires(world, job)
    moment = 0 if expires == inf else int(expires)
    token = f"{job.generation}.{moment}.{world.sign(job.vendor, job.id, index, job.generation, moment)}"
    name = f"{manners.name}{'' if index == 0 else f'-{index}'}.{job.clip.format}"
    base = f"{world.base_url}/files/{job.vendor}/{job.id}/{index}"
    return f"{base}/{name}?{manners.query}={token}" if manners.query else f"{base}/{token}/{name}"


def output_urls(world: World, job: Job) -> list[str]:
    """The addresses of all the job's files."""
    return [output_url(world, job, index) for index in range(job.count)]


def _judge(world: World, vendor: Vendor, request: Request, job: Job) -> int:
    """The status of a refusal, or 200."""
    manners, index = vendor.files, request.path_params["index"]
    token = request.query_params.get(manners.query, "") if manners.query else request.path_params.get("token", "")
    generation, _, rest = token.partition(".")
    expires, _, signature = rest.partition(".")
    if signature != world.sign(vendor.name, job.id, index, generation, expires) or not expires.isdecimal():
        return manners.wrong
    if manners.gone(world, job):
        return 404
    return 403 if 0 < int(expires) <= world.now() or int(generation) < job.generation else 200


def routes(world: World) -> list[BaseRoute]:
    """Every vendor's download routes."""
    return [
        Route(f"/files/{vendor.name}/{{job}}/{{index:int}}{token}/{{name}}", _download(world, vendor))
        for vendor in world.vendors.values()
        for token in ("", "/{token}")
    ]


def _download(world: World, vendor: Vendor) -> Callable[[Request], Awaitable[Response]]:
    async def download(request: Request) -> Response:
        job = await world.ledger.do(ledger.job, request.path_params["job"])
        if job is None or job.vendor != vendor.name or job.deleted:
            return Response("Not found", 404)
        status = _judge(world, vendor, request, job)
        if status != 200 or world.standing(job).phase is not Phase.SUCCEEDED:
            return Response(effects.DENIED, 404 if status == 200 else status, media_type="application/xml")
        index = request.path_params["index"]
        scripted = await world.take(vendor.name, Stage.DOWNLOAD, job.prompt, job.id)
        if scripted is None:
            return await file_of(world, job, index)
        honest = await file_of(world, job, index) if scripted.accepts else None
        return await effects.play(world, vendor, request, scripted, honest, job)

    return download


async def file_of(world: World, job: Job, index: int = 0, file_format: str = "") -> Response:
    """200 with the file; `file_format` is another one than the job's, such as a `webp` of the first frame."""
    try:
        path, kind = await world.clips.path(job, index, file_format)
    except (MediaRejected, MediaFault):
        return Response("The emulator could not draw this clip", 503)
    return FileResponse(path, media_type=kind)
