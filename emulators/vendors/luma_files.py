"""Luma's Files API: presigned or inline upload, ingest, soft delete. https://docs.agents.lumalabs.ai/guides/files/"""

import uuid
from collections.abc import Mapping
from pathlib import Path

from starlette.responses import JSONResponse, Response

from core.outcome import Json
from emulators import ledger
from emulators.exchange import Exchange
from emulators.spelling import iso, page, whole
from emulators.world import World

VENDOR_NAME = "luma"
MAX_BYTES = 5 * 1024**3
MAX_INLINE = 25 * 1024 * 1024
"""That there is a cap is documented, its size is not."""
UPLOAD_LIFE = 3600.0
INGEST_SECONDS = 2.0
"""Vendor seconds from the last byte to `ready`; a guess."""
SHOWN = ("id", "created_at", "mime_type", "purpose", "size_bytes", "deleted_at", "expires_at", "filename", "user_id")
NO_FILE = (404, "File not found")


async def create(exchange: Exchange) -> Response:
    """`POST /v1/files`: JSON for a presigned upload, multipart for the bytes themselves."""
    form = exchange.form
    if form is not None:
        return await _create_inline(exchange)
    body = exchange.document or {}
    size, kind = body.get("size_bytes"), body.get("mime_type")
    if not isinstance(kind, str) or not isinstance(size, int) or isinstance(size, bool) or not 0 < size <= MAX_BYTES:
        return await exchange.refuse(400, "mime_type and size_bytes are required")
    document = _document(exchange, body, kind, size)
    await _store(exchange, document)
    upload = {
        "url": f"{exchange.base('uploads')}/{document['id']}?X-Amz-Signature={_signature(exchange.world, document)}",
        "method": "PUT",
        "headers": {"Content-Type": kind},
        "expires_at": iso(exchange.at + UPLOAD_LIFE),
    }
    return _created(exchange.world, document, upload)


async def _create_inline(exchange: Exchange) -> Response:
    parts = exchange.form or {}
    file = parts.get("file")
    if file is None:
        return await exchange.refuse(400, "file is required")
    if len(file.data) > MAX_INLINE:
        return await exchange.refuse(413, "File exceeds the inline size limit; use a presigned upload")
    fields = {name: part.data.decode("utf-8", "replace") for name, part in parts.items() if name != "file"}
    kind = fields.get("mime_type") or file.content_type or "application/octet-stream"
    document = _document(exchange, fields, kind, len(file.data)) | _ingesting(exchange)
    path_of(exchange.world, document["id"]).write_bytes(file.data)
    await _store(exchange, document)
    return _created(exchange.world, document, None)


def _document(exchange: Exchange, asked: Mapping[str, Json], kind: str, size: int) -> dict[str, Json]:
    return {
        "id": str(uuid.uuid4()),
        "credential": exchange.credential,
        "created_at": iso(exchange.at),
        "mime_type": kind,
        "size_bytes": size,
        "purpose": asked.get("purpose") or "input",
        "filename": asked.get("filename"),
        "user_id": asked.get("user_id"),
        "expires_at": asked.get("expires_at"),
        "deleted_at": None,
        "upload_until": exchange.at + UPLOAD_LIFE,
        "filled": False,
        "ready_work": None,
    }


def _ingesting(exchange: Exchange) -> dict[str, Json]:
    return {"filled": True, "ready_work": exchange.world.timeline.work_at(exchange.at) + INGEST_SECONDS}


async def _store(exchange: Exchange, document: Mapping[str, Json]) -> None:
    await exchange.witness(201)
    await exchange.world.ledger.do(ledger.put_file, VENDOR_NAME, document["id"], document)


def _created(world: World, document: Mapping[str, Json], upload: Json) -> Response:
    file = shown(world, document)
    return JSONResponse({"id": file["id"], "state": file["state"], "file": file, "upload": upload}, status_code=201)


def _signature(world: World, document: Mapping[str, Json]) -> str:
    return world.sign("luma upload", document["id"], document["size_bytes"])


def path_of(world: World, file_id: str) -> Path:
    """Where the bytes of an upload lie."""
    return world.uploads / f"luma-{file_id}"


def state_of(world: World, document: Mapping[str, Json]) -> str:
    """`pending`, `ready` or `deleted`; the emulator's ingest never fails."""
    if document["deleted_at"] is not None:
        return "deleted"
    due = document["ready_work"]
    return "ready" if due is not None and world.timeline.work_at(world.now()) >= due else "pending"


def shown(world: World, document: Mapping[str, Json]) -> dict[str, Json]:
    """The file as the API tells it."""
    return {name: document[name] for name in SHOWN} | {"state": state_of(world, document), "failure_reason": None}


async def find(exchange: Exchange, file_id: str) -> dict[str, Json] | None:
    """This account's file of that id."""
    document = await exchange.world.ledger.do(ledger.file, VENDOR_NAME, file_id)
    return document if document is not None and document["credential"] == exchange.credential else None


async def receive(exchange: Exchange) -> Response:
    """The storage behind a presigned address: takes the raw bytes by PUT, without a key."""
    world, request = exchange.world, exchange.request
    document = await world.ledger.do(ledger.file, VENDOR_NAME, request.path_params["file"])
    signed = document is not None and request.query_params.get("X-Amz-Signature") == _signature(world, document)
    if document is None or not signed or exchange.at > document["upload_until"]:
        return Response("<Error><Code>AccessDenied</Code></Error>", 403, media_type="application/xml")
    if request.headers.get("content-type") != document["mime_type"]:
        return Response("<Error><Code>SignatureDoesNotMatch</Code></Error>", 403, media_type="application/xml")
    path_of(world, document["id"]).write_bytes(exchange.body)
    await world.ledger.do(ledger.put_file, VENDOR_NAME, document["id"], document | {"filled": True})
    return Response(status_code=200, headers={"etag": '"luma"'})


async def complete(exchange: Exchange) -> Response:
    """`POST /v1/files/{id}/complete`: the bytes are there; what is said when they are not is a guess."""
    document = await find(exchange, exchange.request.path_params["file"])
    if document is None or document["deleted_at"] is not None:
        return await exchange.refuse(*NO_FILE)
    path = path_of(exchange.world, document["id"])
    if not document["filled"] or path.stat().st_size != document["size_bytes"]:
        return await exchange.refuse(400, "The uploaded object is missing or has another size")
    if document["ready_work"] is None:
        document |= _ingesting(exchange)
    await exchange.witness(200)
    await exchange.world.ledger.do(ledger.put_file, VENDOR_NAME, document["id"], document)
    return JSONResponse(shown(exchange.world, document))


async def retrieve(exchange: Exchange) -> Response:
    """`GET /v1/files/{id}`."""
    document = await find(exchange, exchange.request.path_params["file"])
    return exchange.error(*NO_FILE) if document is None else JSONResponse(shown(exchange.world, document))


async def delete(exchange: Exchange) -> Response:
    """`DELETE /v1/files/{id}`: soft, nothing may refer to it any more."""
    document = await find(exchange, exchange.request.path_params["file"])
    if document is None:
        return await exchange.refuse(*NO_FILE)
    await exchange.witness(204)
    gone = document | {"deleted_at": document["deleted_at"] or iso(exchange.at)}
    await exchange.world.ledger.do(ledger.put_file, VENDOR_NAME, document["id"], gone)
    return Response(status_code=204)


async def listed(exchange: Exchange) -> Response:
    """`GET /v1/files?cursor&limit&purpose&state`, newest first."""
    query = exchange.request.query_params
    limit, offset = whole(query.get("limit"), 25, least=1, most=100), whole(query.get("cursor"), 0)
    if limit is None or offset is None:
        return exchange.error(400, "Invalid cursor or limit")
    everything = await exchange.world.ledger.do(ledger.files, VENDOR_NAME)
    mine = [shown(exchange.world, each) for each in everything if each["credential"] == exchange.credential]
    mine.sort(key=lambda file: str(file["created_at"]), reverse=True)
    wanted = {name: query[name] for name in ("purpose", "state") if name in query}
    kept = [file for file in mine if all(file[name] == value for name, value in wanted.items())]
    files, more = page(kept, limit, offset)
    return JSONResponse({"data": files, "has_more": more, "next_cursor": str(offset + limit) if more else None})
