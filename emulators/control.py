"""The emulators' control API under `/control`: read the witness, script what goes wrong, move the clock."""

import html
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, replace

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from core.outcome import Json
from emulators import ledger
from emulators.courier import Courier
from emulators.faults import UnknownFault
from emulators.jobs import Job
from emulators.ledger import ScriptRow
from emulators.vendor import Vendor
from emulators.world import World

MAX_SPEED = 1_000_000.0
INDEX = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Filmgate emulators: MOCK</title></head>
<body><h1>MOCK vendors</h1><p>Nothing here is real: no video is bought and no money is spent.</p>
{vendors}
<p>{count} jobs so far, at {speed:g} times real speed. Witness: <a href="/control/ledger">ledger</a>,
<a href="/control/jobs">jobs</a>, <a href="/control/deliveries">webhooks</a>,
<a href="/control/faults">faults</a>.</p></body></html>
"""
ENTRY = """<h2>{title}</h2><p><code>{base}</code></p><p>{models}</p><pre>{example}</pre>"""


class BadOrder(ValueError):
    """A control request that makes no sense; the text says why."""


def routes(world: World, courier: Courier) -> list[BaseRoute]:
    """The control API and the index page."""

    def at(path: str, method: str, perform: Callable[[Mapping[str, Json] | list[Json]], Awaitable[Json]]) -> Route:
        async def answer(request: Request) -> Response:
            try:
                return JSONResponse(await perform(_order(await request.body())))
            except (BadOrder, UnknownFault) as error:
                return JSONResponse({"error": str(error)}, status_code=422)

        return Route(path, answer, methods=[method])

    desk = Desk(world, courier)
    orders: list[BaseRoute] = [
        at("/ledger", "GET", desk.ledger),
        at("/jobs", "GET", desk.jobs),
        at("/deliveries", "GET", desk.deliveries),
        at("/faults", "GET", desk.faults),
        at("/script", "GET", desk.waiting),
        at("/script", "POST", desk.script),
        at("/speed", "POST", desk.speed),
        at("/advance", "POST", desk.advance),
        at("/expire", "POST", desk.expire),
        at("/reset", "POST", desk.reset),
    ]

    async def index(request: Request) -> Response:
        count = len(await world.ledger.do(ledger.jobs))
        shown = "\n".join(_entry(world, vendor) for vendor in world.vendors.values())
        return HTMLResponse(INDEX.format(vendors=shown, count=count, speed=world.timeline.speed))

    return [Route("/", index), Mount("/control", routes=orders)]


def _entry(world: World, vendor: Vendor) -> str:
    """A vendor on the index page: its addresses, models and a line to try."""
    base = f"{world.base_url}/{vendor.name}"
    facts = {
        "title": vendor.title,
        "base": ", ".join((base, *(f"{base}-{host}" for host in vendor.hosts))),
        "models": ", ".join(vendor.models),
        "example": vendor.example.replace("{base}", base),
    }
    return ENTRY.format(**{name: html.escape(text) for name, text in facts.items()})


def _order(body: bytes) -> Mapping[str, Json] | list[Json]:
    try:
        order = json.loads(body or b"{}")
    except ValueError as error:
        raise BadOrder("the body is not JSON") from error
    if not isinstance(order, dict | list):
        raise BadOrder("the body must be an object or an array")
    return order


class Desk:
    """Carries the orders out; each takes the request's JSON and returns the answer's."""

    def __init__(self, world: World, courier: Courier) -> None:
        self._world = world
        self._courier = courier

    async def ledger(self, order: Mapping[str, Json] | list[Json]) -> Json:
        """Every POST, oldest first; an accepted one with what its job has cost so far (`billed_micros`)."""
        known = {job.id: job for job in await self._world.ledger.do(ledger.jobs)}
        rows = []
        for post in await self._world.ledger.do(ledger.posts):
            job = known.get(post.job)
            billed = 0 if job is None else self._world.billed(job)
            rows.append(asdict(post) | {"billed_micros": billed})
        return {"posts": rows}

    async def jobs(self, order: Mapping[str, Json] | list[Json]) -> Json:
        """Every job, oldest first: what was bought, where it stands, what it has cost, how often it was polled."""
        return {"jobs": [self._shown(job) for job in await self._world.ledger.do(ledger.jobs)]}

    def _shown(self, job: Job) -> dict[str, Json]:
        now = self._world.standing(job)
        facts = {name: value for name, value in asdict(job).items() if name != "input"}
        return facts | {
            "phase": now.phase.value,
            "progress": round(now.progress, 3),
            "terminal": now.is_terminal,
            "started": now.started,
            "ended": now.ended,
            "billed_micros": self._world.billed(job, now),
            "polls": self._world.polls[job.id],
        }

    async def deliveries(self, order: Mapping[str, Json] | list[Json]) -> Json:
        """Every webhook begun, without its body."""
        rows = await self._world.ledger.do(ledger.deliveries)
        return {"deliveries": [{k: v for k, v in asdict(row).items() if k != "body"} for row in rows]}

    async def faults(self, order: Mapping[str, Json] | list[Json]) -> Json:
        """The table of faults, each with the vendors that play it."""
        table = self._world.faults
        return {"faults": [asdict(each) | {"vendors": table.players(each.name)} for each in table.all.values()]}

    async def waiting(self, order: Mapping[str, Json] | list[Json]) -> Json:
        """The faults that still wait."""
        return {"script": await self._world.ledger.do(ledger.scripts)}

    async def script(self, order: Mapping[str, Json] | list[Json]) -> Json:
        """Queue one fault or an array of them."""
        rows = [script_row(self._world, each) for each in (order if isinstance(order, list) else [order])]
        await self._world.ledger.do(ledger.add_scripts, rows)
        return {"queued": len(rows)}

    async def speed(self, order: Mapping[str, Json] | list[Json]) -> Json:
        """`{"speed": 60}`: vendor seconds per second from now on."""
        speed = _number(order, "speed")
        if not 0 < speed <= MAX_SPEED:
            raise BadOrder(f"speed must be above 0 and at most {MAX_SPEED:g}")
        await self._world.set_speed(speed)
        self._courier.poke()
        return {"speed": speed}

    async def advance(self, order: Mapping[str, Json] | list[Json]) -> Json:
        """`{"seconds": 3600}`: move the emulators' clock forward."""
        seconds = _number(order, "seconds")
        if not 0 <= seconds <= 10 * 365 * 24 * 3600:
            raise BadOrder("seconds must be from 0 to ten years")
        await self._world.advance(seconds)
        self._courier.poke()
        return {"now": self._world.now()}

    async def expire(self, order: Mapping[str, Json] | list[Json]) -> Json:
        """`{"job": id, "data": false}`: revoke output URLs, of one job or of all; with `data` drop the data too."""
        facts = order if isinstance(order, Mapping) else {}
        removed = self._world.now() if facts.get("data") is True else None

        def edit(job: Job) -> Job:
            if facts.get("job") not in (None, job.id):
                return job
            return replace(job, generation=job.generation + 1, removed=removed or job.removed)

        return {"jobs": await self._world.ledger.do(ledger.change_all, edit)}

    async def reset(self, order: Mapping[str, Json] | list[Json]) -> Json:
        """Forget everything but the secrets and the clock."""
        await self._world.ledger.do(ledger.reset)
        self._world.clips.clear()
        self._courier.poke()
        return {"reset": True}


def _number(order: Mapping[str, Json] | list[Json], name: str) -> float:
    value = order.get(name) if isinstance(order, Mapping) else None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise BadOrder(f"{name} must be a number")
    return float(value)


def script_row(world: World, order: Json) -> ScriptRow:
    """`{fault, match, vendor, times, contains, job, options}` checked; only `fault` is needed. Raises BadOrder."""
    if not isinstance(order, dict) or not isinstance(order.get("fault"), str):
        raise BadOrder("each entry needs a fault")
    unknown = set(order) - {"fault", "match", "vendor", "times", "contains", "job", "options"}
    if unknown:
        raise BadOrder(f"unknown members: {', '.join(sorted(unknown))}")
    times, options = order.get("times", 1), order.get("options", {})
    if not isinstance(times, int) or isinstance(times, bool) or times < 1:
        raise BadOrder("times must be a whole number above 0")
    if order.get("vendor", "") not in ("", *world.vendors):
        raise BadOrder(f"vendor must be one of {', '.join(world.vendors)}")
    fault, stage = world.faults.find(order["fault"], order.get("match"), order.get("vendor", ""))
    texts = {name: order.get(name, "") for name in ("vendor", "contains", "job")}
    if not isinstance(options, dict) or not all(isinstance(text, str) for text in texts.values()):
        raise BadOrder("options must be an object; vendor, contains and job must be text")
    return ScriptRow(fault=fault.name, stage=stage, times=times, options=options, **texts)
