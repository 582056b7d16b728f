"""What else the emulated Videos API makes of a video: remixes, edits, extensions, and characters."""

from collections.abc import Mapping
from dataclasses import replace

from starlette.responses import JSONResponse, Response

from core.outcome import Json
from emulators import ledger
from emulators.exchange import Exchange
from emulators.jobs import Job, Phase
from emulators.spelling import identifier
from emulators.vendors.openai_compatible_checks import told
from emulators.vendors.openai_compatible_models import LONGEST, SECONDS
from emulators.vendors.openai_compatible_videos import HEX, sell

LONGEST_NAME = 80


def source_id(exchange: Exchange) -> str:
    """The id in `{"video": {"id"}}`; a file of one's own is not taken by this emulator."""
    named = (exchange.document or {}).get("video")
    return str(named.get("id", "")) if isinstance(named, dict) else ""


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


async def create_character(exchange: Exchange) -> Response:
    """`POST /videos/characters`: a form with `name` and `video`."""
    parts = exchange.form or {}
    name = parts["name"].data.decode("utf-8", "replace") if "name" in parts else ""
    if not 0 < len(name) <= LONGEST_NAME or "video" not in parts:
        return await exchange.refuse(400, body=told("Invalid 'name' or 'video'.", param="name"))
    character = f"char_{identifier(48, HEX)}"
    document = {"id": character, "name": name, "created_at": int(exchange.at)}
    await exchange.world.ledger.do(ledger.put_file, exchange.vendor.name, character, document)
    await exchange.witness(200)
    return JSONResponse(document)


async def retrieve_character(exchange: Exchange) -> Response:
    """`GET /videos/characters/{id}`."""
    found = await exchange.world.ledger.do(ledger.file, exchange.vendor.name, exchange.request.path_params["character"])
    return exchange.missing() if found is None else JSONResponse(found)
