"""How each fault is played: from the vendor's honest answer (if it gave one) to what the client gets to see."""

import asyncio
import contextlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response

from emulators import ledger, wire
from emulators.faults import Effect, Scripted
from emulators.jobs import Job
from emulators.vendor import Vendor
from emulators.world import World

PAGE = "<!DOCTYPE html><html><head><title>{0}</title></head><body><center><h1>{0}</h1></center><hr>nginx</body></html>"
DENIED = (
    '<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>Access denied</Message></Error>'
)
GIBIBYTE = 1024**3


async def play(
    world: World, vendor: Vendor, request: Request, scripted: Scripted, honest: Response | None, job: Job | None
) -> Response:
    """The answer of a struck exchange; `honest` is what the vendor would have said, None if it did nothing."""
    effect = scripted.fault.effect
    if effect in _FROM_NOTHING:
        return _from_nothing(world, vendor, scripted)
    if effect is Effect.SLOW:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(world.closing.wait(), scripted.number("seconds", 2.0))
    elif effect is Effect.EXPIRE and job is not None:
        await world.ledger.do(ledger.change, job.id, lambda each: replace(each, generation=each.generation + 1))
        return Response(DENIED, 403, media_type="application/xml")
    honest = honest or vendor.error(500)
    return _from_honest(world, vendor, request, scripted, _whole(honest))


_FROM_NOTHING = frozenset(
    {
        Effect.STATUS,
        Effect.NO_CREDIT,
        Effect.RATE_LIMIT,
        Effect.HTML,
        Effect.REDIRECT,
        Effect.HOLD,
        Effect.RESET,
        Effect.WRONG_CONTENT,
        Effect.EMPTY,
    }
)


def _from_nothing(world: World, vendor: Vendor, scripted: Scripted) -> Response:
    fault = scripted.fault
    match fault.effect:
        case Effect.NO_CREDIT:
            return vendor.error(*vendor.no_credit)
        case Effect.RATE_LIMIT:
            return rate_limit(vendor, fault.name.rpartition("-")[2], scripted.number("seconds", 2.0))
        case Effect.HTML:
            return HTMLResponse(PAGE.format(f"{fault.status} Bad Gateway"), status_code=fault.status)
        case Effect.REDIRECT:
            return RedirectResponse(f"{world.base_url}/elsewhere", status_code=fault.status)
        case Effect.HOLD:
            return wire.Hold(world.closing)
        case Effect.RESET:
            return wire.Reset()
        case Effect.WRONG_CONTENT:
            return Response(PAGE.format("Sign in"), media_type="video/mp4")
        case Effect.EMPTY:
            return Response(b"", media_type="video/mp4")
    if fault.body is not None:
        return JSONResponse(fault.body, status_code=fault.status)
    return vendor.error(fault.status, fault.text)


def _from_honest(world: World, vendor: Vendor, request: Request, scripted: Scripted, honest: Response) -> Response:
    match scripted.fault.effect:
        case Effect.RESET_IN_BODY:
            return wire.halved(honest, by_reset=True)
        case Effect.MALFORMED:
            text = bytes(honest.body)
            return Response(text[: len(text) * 2 // 3], honest.status_code, media_type="application/json")
        case Effect.REWORD:
            return reword(vendor, scripted.fault.name, honest)
        case Effect.TRUNCATE:
            return wire.halved(honest)
        case Effect.TRUNCATE_UNSIZED:
            return wire.halved(honest, sized=False)
        case Effect.TRICKLE:
            size, pause = int(scripted.number("bytes", 256)), scripted.number("seconds", 0.2)
            return wire.trickle(request, bytes(honest.body), world.closing, size=size, seconds=pause)
        case Effect.HUGE:
            size = int(scripted.number("bytes", 64 * GIBIBYTE))
            return wire.endless(request, bytes(honest.body), world.closing, size)
    return honest


def _whole(response: Response) -> Response:
    """A file answer as one that holds its bytes; any other unchanged."""
    if not isinstance(response, FileResponse):
        return response
    data = Path(response.path).read_bytes()
    return Response(data, response.status_code, media_type=response.media_type)


def rate_limit(vendor: Vendor, form: str, seconds: float) -> Response:
    """A 429 that tells the wait as `seconds`, `date` (headers), `body` (a member), `prose`, or (`bare`) not at all."""
    text = vendor.throttled
    if form == "prose":
        text = f"{text} Your rate limit resets in ~{seconds:g}s."
    body = vendor.error_body(429, text)
    headers = {}
    if form == "seconds":
        headers["retry-after"] = f"{seconds:g}"
    elif form == "date":
        headers["retry-after"] = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    elif form == "body":
        body = {**body, "retry_after": seconds} if isinstance(body, dict) else body
    return JSONResponse(body, status_code=429, headers=headers)


def reword(vendor: Vendor, name: str, honest: Response) -> Response:
    """The vendor's answer, with its meaning spoiled; an answer without a JSON body stays as it is."""
    if not honest.body:
        return honest
    document = json.loads(bytes(honest.body))
    if name == "wrong-shape":
        return JSONResponse([document], status_code=honest.status_code)
    if not isinstance(document, dict):
        return honest
    changes = vendor.reworded(name)
    document |= changes
    dropped = {key for key, value in changes.items() if value is None} - vendor.nullable
    kept = {key: value for key, value in document.items() if key not in dropped}
    return JSONResponse(kept, status_code=honest.status_code)
