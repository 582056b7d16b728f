"""The emulated Replicate API, mounted at `/replicate`. https://replicate.com/docs/reference/http"""

import asyncio
import base64
import contextlib
import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from math import inf
from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from core.outcome import Json
from emulators import ledger, schema
from emulators.exchange import Exchange, Perform, callback_token, endpoint, fingerprint
from emulators.faults import Stage
from emulators.forms import read_form
from emulators.images import ImageHead, from_data_uri, read_head
from emulators.jobs import Job
from emulators.predictions import prediction, spell
from emulators.replicate_models import REPLICATE_MODELS, ReplicateModel
from emulators.schema import Invalid
from emulators.vendor import Vendor
from emulators.webhooks import EVENTS, Courier
from emulators.world import World

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
MEMBERS = frozenset({"input", "webhook", "webhook_events_filter", "stream", "version"})
FILE_LIFE = 24 * 3600.0
NO_CREDIT = (
    "You have insufficient credit to run this model. Go to https://replicate.com/account/billing#billing to purchase "
    "credit. Once you purchase credit, please wait a few minutes before trying again."
)
BAD_VERSION: Mapping[str, Json] = {
    "title": "Invalid version or not permitted",
    "detail": "The specified version does not exist (or perhaps you don't have permission to use it?)",
    "status": 422,
}
TITLES: Mapping[int, tuple[str, str]] = {
    401: ("Unauthenticated", "You did not pass a valid authentication token"),
    402: ("Insufficient credit", NO_CREDIT),
}


def error_body(status: int, text: str) -> dict[str, Json]:
    """`{"title", "detail", "status"}`; 404 and 429 come without a title, as observed."""
    title, detail = TITLES.get(status, (HTTPStatus(status).phrase, HTTPStatus(status).description or "Error"))
    body: dict[str, Json] = {"detail": text or detail, "status": status}
    return body if status in (404, 429) else {"title": title, **body}


def guard(world: World, request: Request) -> Response | None:
    """401 without a good key."""
    key = request.headers.get("authorization", "").partition(" ")[2].strip()
    wanted = world.options.require_key
    if not fingerprint(request) or (wanted is not None and key != wanted):
        return REPLICATE.error(401)
    return None


REPLICATE = Vendor(
    name="replicate",
    error_body=error_body,
    guard=guard,
    first={"status": "starting", "output": None, "started_at": None, "completed_at": None, "metrics": {}, "logs": ""},
    success={"status": "succeeded", "output": None},
    no_credit=(402, NO_CREDIT),
    nullable=frozenset({"output", "started_at", "completed_at"}),
)


def routes(world: World, courier: Courier) -> list[BaseRoute]:
    """The API."""

    def at(path: str, method: str, perform: Perform, stage: Stage | None = None) -> Route:
        return Route(path, endpoint(world, REPLICATE, perform, stage), methods=[method])

    async def by_model(exchange: Exchange) -> Response:
        return await _create_by_model(exchange, courier)

    async def by_version(exchange: Exchange) -> Response:
        return await _create_by_version(exchange, courier)

    async def stop(exchange: Exchange) -> Response:
        return await _cancel(exchange, courier)

    api: list[BaseRoute] = [
        at("/v1/predictions", "POST", by_version, Stage.SUBMIT),
        at("/v1/models/{owner}/{name}/predictions", "POST", by_model, Stage.SUBMIT),
        at("/v1/predictions", "GET", listing),
        at("/v1/predictions/{job}", "GET", retrieve, Stage.POLL),
        at("/v1/predictions/{job}/cancel", "POST", stop, Stage.CANCEL),
        at("/v1/models/{owner}/{name}", "GET", model_card),
        at("/v1/models/{owner}/{name}/versions/{version}", "GET", version_card),
        at("/v1/account", "GET", account),
        at("/v1/webhooks/default/secret", "GET", webhook_secret),
        at("/v1/files", "POST", create_file),
        at("/v1/files", "GET", list_files),
        at("/v1/files/{file}", "GET", retrieve_file),
        at("/v1/files/{file}", "DELETE", delete_file),
        Route("/{path:path}", endpoint(world, REPLICATE, missing), methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
    ]
    return [Mount("/replicate", routes=api)]


async def missing(exchange: Exchange) -> Response:
    """Any other path, model, prediction or file."""
    return REPLICATE.error(404, "The requested resource could not be found.")


async def _refused(exchange: Exchange, body: Mapping[str, Json], status: int = 422) -> Response:
    await exchange.witness(status)
    return JSONResponse(body, status_code=status)


async def _create_by_model(exchange: Exchange, courier: Courier) -> Response:
    """`POST /v1/models/{owner}/{name}/predictions`, for official models only."""
    model = REPLICATE_MODELS.get("{owner}/{name}".format(**exchange.request.path_params))
    if model is None or not model.is_official:
        await exchange.witness(404)
        return await missing(exchange)
    return await _create(exchange, courier, model, needs_version=False)


async def _create_by_version(exchange: Exchange, courier: Courier) -> Response:
    """`POST /v1/predictions`, with 64 hex digits, `owner/name:` and them, or an official `owner/name`."""
    version = (exchange.document or {}).get("version")
    if not isinstance(version, str):
        return await _create(exchange, courier, None, needs_version=True)
    model = find_version(version)
    if model is None:
        return await _refused(exchange, BAD_VERSION)
    return await _create(exchange, courier, model, needs_version=True)


def find_version(version: str) -> ReplicateModel | None:
    """The model that a `version` names."""
    name, _, digits = version.rpartition(":")
    for model in REPLICATE_MODELS.values():
        if digits == model.version and name in ("", model.name):
            return model
    official = REPLICATE_MODELS.get(version)
    return official if official is not None and official.is_official else None


async def _create(
    exchange: Exchange, courier: Courier, model: ReplicateModel | None, *, needs_version: bool
) -> Response:
    body = exchange.document
    if body is None:
        return await _refused(exchange, error_body(400, "The request body is not valid JSON."), 400)
    invalid = check_body(body, needs_version=needs_version)
    values = body.get("input")
    if model is not None and isinstance(values, dict):
        invalid += schema.check(model.fields, values)
        invalid += schema.unknown(model.fields, values) if exchange.world.options.strict_inputs else []
    if invalid or model is None or not isinstance(values, dict):
        return await _refused(exchange, schema.refusal(invalid))
    deadline = cancel_after(exchange.request.headers.get("cancel-after", ""))
    if deadline is None:
        return await _refused(exchange, error_body(400, "Cancel-After must be a duration from 5s to 24h."), 400)
    job = exchange.fated(await _job(exchange, model, body, exchange.at + deadline))
    await exchange.witness(201, job)
    courier.watch(job)
    return await _created(exchange, job)


def check_body(body: Mapping[str, Json], *, needs_version: bool) -> list[Invalid]:
    """What is wrong with the members around the input."""
    required = ("version", "input") if needs_version else ("input",)
    invalid = [
        Invalid(type="required", field="", description=f"{name} is required") for name in required if name not in body
    ]
    for name in body:
        if name not in MEMBERS or (name == "version" and not needs_version):
            text = f"Additional property {name} is not allowed"
            invalid.append(Invalid(type="additional_property_not_allowed", field="", description=text))
    if not isinstance(body.get("input", {}), dict):
        text = "Invalid type. Expected: object"
        invalid.append(Invalid(type="invalid_type", field="input", description=text))
    if not is_webhook(body.get("webhook", "https://localhost/")):
        invalid.append(Invalid(type="format", field="webhook", description="Must be an HTTPS URL"))
    events = body.get("webhook_events_filter") or []
    if not isinstance(events, list) or not set(map(str, events)) <= set(EVENTS):
        text = f"webhook_events_filter must be one of the following: {', '.join(EVENTS)}"
        invalid.append(Invalid(type="enum", field="webhook_events_filter", description=text))
    return invalid


def is_webhook(url: Json) -> bool:
    """HTTPS, as the vendor wants it; plain HTTP on loopback, which only an emulator can reach."""
    if not isinstance(url, str):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    is_loopback = parts.hostname in ("localhost", "::1") or (parts.hostname or "").startswith("127.")
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback))


def cancel_after(header: str) -> float | None:
    """Seconds of a `Cancel-After` such as `15s`, `90s`, `2m`, `1h`; inf without one, None for a bad one."""
    if not header:
        return inf
    match = re.fullmatch(r"(\d{1,9})([smh])", header.strip())
    seconds = int(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]] if match else 0
    return float(seconds) if 5 <= seconds <= 24 * 3600 else None


async def _job(exchange: Exchange, model: ReplicateModel, body: Mapping[str, Json], deadline: float) -> Job:
    # Unknown names are dropped without a word, which is what makes a wrong name expensive.
    given = {name: value for name, value in body["input"].items() if name in model.fields}
    values = schema.complete(model.fields, given)
    first_frame = values.get(model.image) or values.get("image")
    clip = model.draw(values, await _first_frame(exchange, first_frame))
    webhook = body.get("webhook", "")
    events = body.get("webhook_events_filter")
    return Job(
        id="".join(secrets.choice(ALPHABET) for _ in range(26)),
        vendor="replicate",
        model=model.name,
        version=model.version,
        credential=exchange.credential,
        created=exchange.at,
        prompt=str(values.get("prompt", "")),
        input=given,
        clip=clip,
        price_micros=model.price(clip),
        tariff=model.tariff,
        run=model.run_seconds,
        webhook=webhook,
        events=None if events is None else tuple(events),
        callback_token=callback_token(webhook),
        deadline=None if deadline == inf else deadline,
        seed=values.get("seed") or 0,
    )


async def _first_frame(exchange: Exchange, uri: Json) -> ImageHead | None:
    """What can be seen of the first frame without asking anyone: `data:` URIs and files uploaded here."""
    if not isinstance(uri, str):
        return None
    marker = f"{exchange.world.base_url}/replicate/v1/files/"
    if not uri.startswith(marker):
        return read_head(from_data_uri(uri) or b"")
    found = await exchange.world.ledger.do(ledger.file, "replicate", uri.removeprefix(marker))
    if found is None:
        return None
    path = exchange.world.uploads / found["id"]
    return read_head(path.read_bytes()) if path.exists() else None


async def _created(exchange: Exchange, job: Job) -> Response:
    """201; with `Prefer: wait` 202 if the wait was too short."""
    seconds = prefer_wait(exchange.request.headers.get("prefer", ""))
    if seconds is None:
        return JSONResponse(prediction(exchange.world, job, exchange.at), status_code=201)
    until = exchange.at + seconds
    while (current := await _reread(exchange, job)) and not exchange.world.standing(current).is_terminal:
        pause = min(until - exchange.world.now(), 0.1)
        if pause <= 0 or exchange.world.closing.is_set():
            return JSONResponse(prediction(exchange.world, current), status_code=202)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(exchange.world.closing.wait(), pause)
    return JSONResponse(prediction(exchange.world, current or job), status_code=201)


async def _reread(exchange: Exchange, job: Job) -> Job | None:
    return await exchange.world.ledger.do(ledger.job, job.id)


def prefer_wait(header: str) -> float | None:
    """Seconds of `wait` (60) or `wait=n`, 1 to 60; None without."""
    match = re.search(r"(?:^|[,\s])wait(?:=(\d+))?", header)
    return None if match is None else float(min(max(int(match[1] or 60), 1), 60))


async def retrieve(exchange: Exchange) -> Response:
    """`GET /v1/predictions/{id}`."""
    return await missing(exchange) if exchange.job is None else JSONResponse(prediction(exchange.world, exchange.job))


async def _cancel(exchange: Exchange, courier: Courier) -> Response:
    """`POST /v1/predictions/{id}/cancel`: takes effect a little later; an ended prediction stays as it is."""
    if exchange.job is None:
        await exchange.witness(404)
        return await missing(exchange)
    timeline = exchange.world.timeline
    stop = timeline.wall_at(timeline.work_at(exchange.at) + exchange.world.options.cancel_seconds)

    def edit(job: Job) -> Job:
        return job if job.stop is not None else replace(job, stop=stop)

    await exchange.witness(200)
    edited = await exchange.world.ledger.do(ledger.change, exchange.job.id, edit)
    courier.poke(exchange.job.id)
    return JSONResponse(prediction(exchange.world, edited or exchange.job))


async def listing(exchange: Exchange) -> Response:
    """`GET /v1/predictions`: newest first, by pages; `created_after` and `created_before` bound it."""
    query = exchange.request.query_params
    try:
        after, before = (_moment(query.get(name), other) for name, other in SPAN)
        cursor = _decode(query["cursor"]) if "cursor" in query else (inf, "")
    except ValueError:
        return REPLICATE.error(400, "created_after, created_before or cursor is not valid.")
    size = exchange.world.options.page_size
    rows = await exchange.world.ledger.do(
        ledger.page, "replicate", exchange.credential, (after, before), cursor, size + 1
    )
    following = None
    if len(rows) > size:
        last = rows[size - 1]
        kept = {name: query[name] for name, _ in SPAN if name in query}
        marks = urlencode({**kept, "cursor": _encode(last)})
        following = f"{exchange.world.base_url}/replicate/v1/predictions?{marks}"
    results = [prediction(exchange.world, job) for job in rows[:size]]
    return JSONResponse({"previous": None, "next": following, "results": results})


SPAN = (("created_after", -inf), ("created_before", inf))


def _moment(text: str | None, otherwise: float) -> float:
    if text is None:
        return otherwise
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _encode(job: Job) -> str:
    return base64.urlsafe_b64encode(json.dumps([job.created, job.id]).encode()).decode()


def _decode(cursor: str) -> tuple[float, str]:
    created, job_id = json.loads(base64.urlsafe_b64decode(cursor))
    return float(created), str(job_id)


def _version_card(model: ReplicateModel) -> dict[str, Json]:
    output = {"type": "array", "items": {"type": "string", "format": "uri"}} if model.is_list else None
    described = schema.document(model.name, model.fields, output or {"type": "string", "format": "uri"})
    return {
        "id": model.version,
        "created_at": "2026-01-01T00:00:00.000Z",
        "cog_version": "0.17.0",
        "openapi_schema": described,
    }


async def model_card(exchange: Exchange) -> Response:
    """`GET /v1/models/{owner}/{name}`, with the input schema."""
    model = REPLICATE_MODELS.get("{owner}/{name}".format(**exchange.request.path_params))
    if model is None:
        return await missing(exchange)
    owner, _, name = model.name.partition("/")
    card: dict[str, Any] = {
        "url": f"{exchange.world.base_url}/replicate/{model.name}",
        "owner": owner,
        "name": name,
        "description": f"Emulated {model.name}",
        "visibility": "public",
        "github_url": None,
        "paper_url": None,
        "license_url": None,
        "run_count": 1,
        "cover_image_url": None,
        "default_example": None,
        "is_official": model.is_official,
        "latest_version": _version_card(model),
    }
    return JSONResponse(card)


async def version_card(exchange: Exchange) -> Response:
    """`GET /v1/models/{owner}/{name}/versions/{id}`."""
    model = REPLICATE_MODELS.get("{owner}/{name}".format(**exchange.request.path_params))
    if model is None or model.version != exchange.request.path_params["version"]:
        return await missing(exchange)
    return JSONResponse(_version_card(model))


async def account(exchange: Exchange) -> Response:
    """`GET /v1/account`."""
    return JSONResponse({"type": "organization", "username": "mock", "name": "MOCK", "github_url": None})


async def webhook_secret(exchange: Exchange) -> Response:
    """`GET /v1/webhooks/default/secret`."""
    return JSONResponse({"key": exchange.world.webhook_secret})


async def create_file(exchange: Exchange) -> Response:
    """`POST /v1/files`: a form with `content`, maybe `metadata`, `filename` and `type`."""
    parts = read_form(exchange.request.headers.get("content-type", ""), exchange.body)
    content = None if parts is None else parts.get("content")
    if parts is None or content is None:
        return await _refused(exchange, error_body(400, "Missing content"), 400)
    name = parts["filename"].data.decode("utf-8", "replace") if "filename" in parts else content.filename or "file"
    if len(name.encode()) > 255:
        return await _refused(exchange, error_body(400, "The file name is longer than 255 bytes."), 400)
    try:
        metadata = json.loads(parts["metadata"].data) if "metadata" in parts else {}
    except ValueError:
        return await _refused(exchange, error_body(400, "metadata is not JSON."), 400)
    kind = parts["type"].data.decode("latin-1") if "type" in parts else content.content_type
    document = _file(exchange, name, kind, content.data) | {"metadata": metadata}
    (exchange.world.uploads / document["id"]).write_bytes(content.data)
    await exchange.world.ledger.do(ledger.put_file, "replicate", document["id"], document)
    await exchange.witness(201)
    return JSONResponse(document, status_code=201)


def _file(exchange: Exchange, name: str, kind: str, data: bytes) -> dict[str, Json]:
    file_id = "".join(secrets.choice(ALPHABET) for _ in range(26))
    digest = hashlib.sha256(data).hexdigest()
    return {
        "id": file_id,
        "name": name,
        "content_type": kind,
        "size": len(data),
        "etag": digest[:32],
        "checksums": {"sha256": digest},
        "created_at": spell(exchange.at),
        "expires_at": spell(exchange.at + FILE_LIFE),
        "urls": {"get": f"{exchange.world.base_url}/replicate/v1/files/{file_id}"},
    }


async def list_files(exchange: Exchange) -> Response:
    """`GET /v1/files`."""
    found = await exchange.world.ledger.do(ledger.files, "replicate")
    return JSONResponse({"previous": None, "next": None, "results": found})


async def retrieve_file(exchange: Exchange) -> Response:
    """`GET /v1/files/{id}`."""
    found = await exchange.world.ledger.do(ledger.file, "replicate", exchange.request.path_params["file"])
    return await missing(exchange) if found is None else JSONResponse(found)


async def delete_file(exchange: Exchange) -> Response:
    """`DELETE /v1/files/{id}`."""
    file_id = exchange.request.path_params["file"]
    known = await exchange.world.ledger.do(ledger.drop_file, "replicate", file_id)
    await exchange.witness(204 if known else 404)
    if not known:
        return await missing(exchange)
    (exchange.world.uploads / file_id).unlink(missing_ok=True)
    return Response(status_code=204)
