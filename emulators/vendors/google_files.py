"""The emulated Gemini Files API: resumable uploads, and the files that interactions make. https://ai.google.dev/api/files"""

from collections.abc import Mapping

from starlette.responses import JSONResponse, Response

from core.outcome import Json
from emulators import ledger
from emulators.exchange import Exchange
from emulators.jobs import Phase
from emulators.spelling import identifier, iso
from emulators.world import World

MAX_BYTES = 2 * 1024**3
FILE_LIFE = 48 * 3600.0
PROCESSING_SECONDS = 2.0
"""Vendor seconds from the last byte to ACTIVE; a guess."""
NO_FILE = "You do not have permission to access the File or it may not exist."


async def begin(exchange: Exchange) -> Response:
    """`POST /upload/{version}/files`: the start of a resumable upload."""
    world, headers = exchange.world, exchange.request.headers
    size, kind = (
        headers.get("x-goog-upload-header-content-length", ""),
        headers.get("x-goog-upload-header-content-type"),
    )
    if headers.get("x-goog-upload-command") != "start" or not size.isdecimal() or not kind:
        return await exchange.refuse(400, "The upload protocol's headers are missing.")
    if int(size) > MAX_BYTES:
        return await exchange.refuse(413, "The file is larger than 2 GB.")
    name, token = identifier(12), world.sign("google upload", identifier(12))
    document = {
        "id": name,
        "credential": exchange.credential,
        "mimeType": kind,
        "sizeBytes": size,
        "createTime": iso(exchange.at),
        "expires": exchange.at + FILE_LIFE,
        "token": token,
        "active": None,
    }
    await world.ledger.do(ledger.put_file, "google", name, document)
    await exchange.witness(200)
    url = f"{exchange.base()}/upload/v1/files/{name}?upload_id={token}&upload_protocol=resumable"
    return JSONResponse({}, headers={"x-goog-upload-url": url, "x-goog-upload-status": "active"})


async def receive(exchange: Exchange) -> Response:
    """The bytes, in one piece, at the address that `begin` gave: it is enough of a credential."""
    world, name = exchange.world, exchange.request.path_params["file"]
    document = await world.ledger.do(ledger.file, "google", name)
    if document is None or document["token"] != exchange.request.query_params.get("upload_id"):
        return exchange.error(404, "The upload does not exist.")
    headers = exchange.request.headers
    if headers.get("x-goog-upload-command") != "upload, finalize" or str(len(exchange.body)) != document["sizeBytes"]:
        return exchange.error(400, "The upload is not complete.")
    (world.uploads / name).write_bytes(exchange.body)
    document |= {"active": world.timeline.work_at(exchange.at) + PROCESSING_SECONDS}
    await world.ledger.do(ledger.put_file, "google", name, document)
    return JSONResponse({"file": shown(world, document)}, headers={"x-goog-upload-status": "final"})


def shown(world: World, document: Mapping[str, Json]) -> dict[str, Json]:
    """A File as the API tells it."""
    return {
        "name": f"files/{document['id']}",
        "mimeType": document["mimeType"],
        "sizeBytes": document["sizeBytes"],
        "createTime": document["createTime"],
        "expirationTime": iso(document["expires"]),
        "uri": f"{world.base_url}/google/v1/files/{document['id']}",
        "state": "ACTIVE" if _is_active(world, document) else "PROCESSING",
        "source": "UPLOADED",
    }


def _is_active(world: World, document: Mapping[str, Json]) -> bool:
    return document["active"] is not None and world.timeline.work_at(world.now()) >= document["active"]


async def ready(exchange: Exchange) -> dict[str, bytes]:
    """The uploads of this account that can be used, by name."""
    if b"files/" not in exchange.body:
        return {}
    world = exchange.world
    return {
        document["id"]: (world.uploads / document["id"]).read_bytes()
        for document in await world.ledger.do(ledger.files, "google")
        if document["credential"] == exchange.credential and _is_active(world, document)
    }


async def retrieve(exchange: Exchange) -> Response:
    """`GET /{version}/files/{id}`, of an upload or of what an interaction made."""
    name = exchange.request.path_params["file"]
    if exchange.job is not None and exchange.standing.phase is Phase.SUCCEEDED:
        uri = f"{exchange.base()}/v1beta/files/{name}"
        made = {"name": f"files/{name}", "mimeType": "video/mp4", "state": "ACTIVE", "source": "GENERATED"}
        return JSONResponse({**made, "uri": uri, "downloadUri": f"{uri}:download?alt=media"})
    document = await exchange.world.ledger.do(ledger.file, "google", name)
    if document is None or document["credential"] != exchange.credential:
        return exchange.error(403, NO_FILE)
    return JSONResponse(shown(exchange.world, document))


async def delete(exchange: Exchange) -> Response:
    """`DELETE /{version}/files/{id}` of an upload."""
    name, world = exchange.request.path_params["file"], exchange.world
    document = await world.ledger.do(ledger.file, "google", name)
    if document is None or document["credential"] != exchange.credential:
        return await exchange.refuse(403, NO_FILE)
    await world.ledger.do(ledger.drop_file, "google", name)
    (world.uploads / name).unlink(missing_ok=True)
    await exchange.witness(200)
    return JSONResponse({})
