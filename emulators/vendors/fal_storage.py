"""fal's storage at the emulators: upload slots, tokens for the CDN, and the CDN itself. https://fal.ai/docs/storage"""

import uuid
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from starlette.responses import FileResponse, JSONResponse, Response

from core.outcome import Json
from emulators import ledger
from emulators.exchange import Exchange
from emulators.spelling import iso
from emulators.vendor import At
from emulators.world import World

VENDOR_NAME = "fal"
SLOT_LIFE = 3600.0
TOKEN_LIFE = 3600.0
PROVIDERS = ("gcs", "fal-cdn-v3")


async def initiate(exchange: Exchange) -> Response:
    """`POST /storage/upload/initiate?storage_type=gcs`: where to PUT the bytes, and the address they will have."""
    body = exchange.document or {}
    name, kind = body.get("file_name"), body.get("content_type")
    known = exchange.request.query_params.get("storage_type", "gcs") in PROVIDERS
    if not isinstance(name, str) or not isinstance(kind, str) or not name or not known:
        return await exchange.refuse(422, "file_name and content_type are required")
    document = _document(exchange, name, kind)
    await exchange.witness(200)
    await exchange.world.ledger.do(ledger.put_file, VENDOR_NAME, document["id"], document)
    signature = exchange.world.sign("fal upload", document["id"])
    slot = f"{exchange.base('cdn')}/slots/{document['id']}?X-Goog-Signature={signature}"
    return JSONResponse({"file_url": address(exchange, document), "upload_url": slot})


async def token(exchange: Exchange) -> Response:
    """`POST /storage/auth/token?storage_type=fal-cdn-v3`: a key for the CDN."""
    until = int(exchange.at + TOKEN_LIFE)
    secret = f"{exchange.credential}.{until}.{_token_signature(exchange.world, exchange.credential, until)}"
    await exchange.witness(200)
    told = {"token": secret, "token_type": "Bearer", "base_url": exchange.base("cdn"), "expires_at": iso(until)}
    return JSONResponse(told)


async def fill(exchange: Exchange) -> Response:
    """`PUT` of a slot's bytes, without a key; the content type is part of the signature."""
    world, request = exchange.world, exchange.request
    document = await world.ledger.do(ledger.file, VENDOR_NAME, request.path_params["file"])
    signed = document is not None and request.query_params.get("X-Goog-Signature") == world.sign(
        "fal upload", document["id"]
    )
    if document is None or not signed or exchange.at > document["until"]:
        return Response("<Error><Code>AccessDenied</Code></Error>", 403, media_type="application/xml")
    if request.headers.get("content-type") != document["content_type"]:
        return Response("<Error><Code>SignatureDoesNotMatch</Code></Error>", 403, media_type="application/xml")
    path_of(world, document["id"]).write_bytes(exchange.body)
    return Response(status_code=200)


async def upload(exchange: Exchange) -> Response:
    """`POST {cdn}/files/upload` with a token: the bytes are the body, the name is a header."""
    request, world = exchange.request, exchange.world
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    owner, until, signature = [*secret.split("."), "", "", ""][:3]
    fits = until.isdecimal() and signature == _token_signature(world, owner, int(until)) and int(until) > exchange.at
    if scheme != "Bearer" or not fits:
        return await exchange.refuse(401, "Invalid token")
    kind = request.headers.get("content-type", "application/octet-stream")
    document = _document(exchange, request.headers.get("x-fal-file-name", "file"), kind)
    path_of(world, document["id"]).write_bytes(exchange.body)
    await exchange.witness(200)
    await world.ledger.do(ledger.put_file, VENDOR_NAME, document["id"], document)
    return JSONResponse({"access_url": address(exchange, document)})


async def serve(exchange: Exchange) -> Response:
    """A stored file, public to who knows its address."""
    document = await exchange.world.ledger.do(ledger.file, VENDOR_NAME, exchange.request.path_params["file"])
    path = None if document is None else path_of(exchange.world, document["id"])
    if document is None or path is None or not path.exists():
        return Response("Not found", 404)
    return FileResponse(path, media_type=document["content_type"])


async def stored(exchange: Exchange, uri: str) -> bytes | None:
    """The bytes behind an address of the CDN; None when it is not one, or nothing lies there."""
    prefix = f"{exchange.base('cdn')}/files/"
    if not uri.startswith(prefix):
        return None
    document = await exchange.world.ledger.do(ledger.file, VENDOR_NAME, uri.removeprefix(prefix).partition("/")[0])
    path = None if document is None else path_of(exchange.world, document["id"])
    return path.read_bytes() if path is not None and path.exists() else None


def is_stored(exchange: Exchange, uri: str) -> bool:
    """Whether this is an address of the CDN, filled or not."""
    return uri.startswith(f"{exchange.base('cdn')}/files/")


def address(exchange: Exchange, document: Mapping[str, Json]) -> str:
    """Where the CDN serves a file."""
    return f"{exchange.base('cdn')}/files/{document['id']}/{quote(document['file_name'], safe='')}"


def path_of(world: World, file_id: str) -> Path:
    """Where the bytes of a file lie."""
    return world.uploads / f"fal-{file_id}"


def _document(exchange: Exchange, name: str, kind: str) -> dict[str, Json]:
    return {
        "id": uuid.uuid4().hex,
        "file_name": name.rpartition("/")[2],
        "content_type": kind,
        "until": exchange.at + SLOT_LIFE,
    }


def _token_signature(world: World, owner: str, until: int) -> str:
    return world.sign("fal cdn", owner, until)


REST = (At("POST", "/storage/upload/initiate", initiate), At("POST", "/storage/auth/token", token))
CDN = (
    At("PUT", "/slots/{file}", fill, open=True),
    At("POST", "/files/upload", upload, open=True),
    At("GET", "/files/{file}/{name}", serve, open=True),
)
