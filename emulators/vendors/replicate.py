"""The emulated Replicate API, mounted at `/replicate`. https://replicate.com/docs/reference/http"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from math import inf
from typing import Any
from urllib.parse import urlencode

from starlette.responses import JSONResponse, Response

from core.outcome import Json
from emulators import ledger, schema
from emulators.exchange import Exchange
from emulators.faults import Stage
from emulators.images import ImageHead, from_data_uri, read_head
from emulators.jobs import Job
from emulators.schema import Invalid, Rule
from emulators.signing import standard_webhooks, webhook_secret
from emulators.spelling import identifier, is_fetchable, iso, moment_of
from emulators.vendor import At, Files, Vendor
from emulators.vendors.replicate_errors import BAD_VERSION, FAILURES, MISFIT, NO_CREDIT, error_body, refusal
from emulators.vendors.replicate_models import REPLICATE_MODELS
from emulators.vendors.replicate_parts import ReplicateModel
from emulators.vendors.replicate_predictions import is_removed, prediction
from emulators.webhooks import Webhooks, when_ended, when_half_done, when_started, when_succeeded
from emulators.world import World

NOT_FOUND = "The requested resource could not be found."
MEMBERS = frozenset({"input", "webhook", "webhook_events_filter", "stream", "version"})
FILE_LIFE = 24 * 3600.0
EVENTS = ("start", "output", "logs", "completed")
UNFILTERED = ("output", "completed")


async def create_by_model(exchange: Exchange) -> Response:
    """`POST /v1/models/{owner}/{name}/predictions`, for official models only."""
    model = REPLICATE_MODELS.get("{owner}/{name}".format(**exchange.request.path_params))
    if model is None or not model.is_official:
        return await exchange.refuse(404, NOT_FOUND)
    return await _create(exchange, model, needs_version=False)


async def create_by_version(exchange: Exchange) -> Response:
    """`POST /v1/predictions`, with 64 hex digits, `owner/name:` and them, or an official `owner/name`."""
    version = (exchange.document or {}).get("version")
    if not isinstance(version, str):
        return await _create(exchange, None, needs_version=True)
    model = find_version(version)
    if model is None:
        return await exchange.refuse(422, body=BAD_VERSION)
    return await _create(exchange, model, needs_version=True)


def find_version(version: str) -> ReplicateModel | None:
    """The model that a `version` names."""
    name, _, digits = version.rpartition(":")
    for model in REPLICATE_MODELS.values():
        if digits == model.version and name in ("", model.name):
            return model
    official = REPLICATE_MODELS.get(version)
    return official if official is not None and official.is_official else None


async def _create(exchange: Exchange, model: ReplicateModel | None, *, needs_version: bool) -> Response:
    body = exchange.document
    if body is None:
        return await exchange.refuse(400, "The request body is not valid JSON.")
    wrong, misfits = check_body(body, needs_version=needs_version), []
    values = body.get("input")
    if model is not None and isinstance(values, dict):
        misfits = schema.check(model.fields, values)
        misfits += schema.unknown(model.fields, values) if exchange.world.options.strict_inputs else []
    if wrong or misfits or model is None or not isinstance(values, dict):
        return await exchange.refuse(422, body=refusal(wrong, misfits))
    deadline = cancel_after(exchange.request.headers.get("cancel-after", ""))
    if deadline is None:
        return await exchange.refuse(400, "Cancel-After must be a duration from 5s to 24h.")
    job = await exchange.accept(await _job(exchange, model, body, exchange.at + deadline), 201)
    return await _created(exchange, job)


def check_body(body: Mapping[str, Json], *, needs_version: bool) -> list[Invalid]:
    """What is wrong with the members around the input."""
    required = ("version", "input") if needs_version else ("input",)
    known = MEMBERS if needs_version else MEMBERS - {"version"}
    invalid = [
        Invalid(rule=Rule.REQUIRED, name=name, text=f"{name} is required") for name in required if name not in body
    ]
    invalid += schema.unknown(known, body)
    if not isinstance(body.get("input", {}), dict):
        invalid.append(Invalid(rule=Rule.KIND, name="input", text="Invalid type. Expected: object"))
    if not is_fetchable(body.get("webhook", "https://localhost/")):
        invalid.append(Invalid(rule=Rule.URI, name="webhook", text="Must be an HTTPS URL"))
    events = body.get("webhook_events_filter") or []
    if not isinstance(events, list) or not set(map(str, events)) <= set(EVENTS):
        text = f"webhook_events_filter must be one of the following: {', '.join(EVENTS)}"
        invalid.append(Invalid(rule=Rule.CHOICE, name="webhook_events_filter", text=text))
    return invalid


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
    # Kling 2.5 still takes `image` for `start_image`.
    first_frame = (values.get(model.image) or values.get("image")) if model.image else None
    clip = model.draw(values, await _first_frame(exchange, first_frame))
    events = body.get("webhook_events_filter")
    complaint = model.complaint(values)
    return exchange.order(
        id=identifier(26),
        model=model.name,
        version=model.version,
        prompt=str(values.get("prompt", "")),
        input=given,
        clip=clip,
        count=model.count(values),
        price_micros=model.price(values, clip),
        tariff=model.tariff,
        # What the schema cannot say the model's own code finds out: the run fails soon after its start.
        run=model.run_seconds / 10 if complaint else model.run_seconds,
        failure=MISFIT if complaint else "",
        extra={"error": complaint},
        webhook=body.get("webhook", ""),
        events=None if events is None else tuple(events),
        deadline=None if deadline == inf else deadline,
        seed=values.get("seed") or 0,
    )


async def _first_frame(exchange: Exchange, uri: Json) -> ImageHead | None:
    """What can be seen of the first frame without asking anyone: `data:` URIs and files uploaded here."""
    if not isinstance(uri, str):
        return None
    marker = f"{exchange.base()}/v1/files/"
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
    current = await exchange.until_ended(job, seconds)
    status = 201 if exchange.world.standing(current).is_terminal else 202
    return JSONResponse(prediction(exchange.world, current), status_code=status)


def prefer_wait(header: str) -> float | None:
    """Seconds of `wait` (60) or `wait=n`, 1 to 60; None without."""
    match = re.search(r"(?:^|[,\s])wait(?:=(\d+))?", header)
    return None if match is None else float(min(max(int(match[1] or 60), 1), 60))


async def retrieve(exchange: Exchange) -> Response:
    """`GET /v1/predictions/{id}`."""
    return exchange.missing() if exchange.job is None else JSONResponse(prediction(exchange.world, exchange.job))


async def cancel(exchange: Exchange) -> Response:
    """`POST /v1/predictions/{id}/cancel`: takes effect a little later; an ended prediction stays as it is."""
    if exchange.job is None:
        return await exchange.refuse(404, NOT_FOUND)
    job = await exchange.stop(after=exchange.world.options.cancel_seconds)
    return JSONResponse(prediction(exchange.world, job))


async def listing(exchange: Exchange) -> Response:
    """`GET /v1/predictions`: newest first, by pages; `created_after` and `created_before` bound it."""
    query = exchange.request.query_params
    try:
        after, before = (moment_of(query[name]) if name in query else other for name, other in SPAN)
        cursor = _decode(query["cursor"]) if "cursor" in query else (inf, "")
    except ValueError:
        return exchange.error(400, "created_after, created_before or cursor is not valid.")
    size = exchange.world.options.page_size
    rows = await exchange.world.ledger.do(
        ledger.page, "replicate", exchange.credential, (after, before), cursor, size + 1
    )
    following = None
    if len(rows) > size:
        last = rows[size - 1]
        kept = {name: query[name] for name, _ in SPAN if name in query}
        marks = urlencode({**kept, "cursor": _encode(last)})
        following = f"{exchange.base()}/v1/predictions?{marks}"
    results = [prediction(exchange.world, job) for job in rows[:size]]
    return JSONResponse({"previous": None, "next": following, "results": results})


SPAN = (("created_after", -inf), ("created_before", inf))


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
        return exchange.missing()
    owner, _, name = model.name.partition("/")
    card: dict[str, Any] = {
        "url": f"{exchange.base()}/{model.name}",
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
        return exchange.missing()
    return JSONResponse(_version_card(model))


async def account(exchange: Exchange) -> Response:
    """`GET /v1/account`."""
    return JSONResponse({"type": "organization", "username": "mock", "name": "MOCK", "github_url": None})


async def default_secret(exchange: Exchange) -> Response:
    """`GET /v1/webhooks/default/secret`."""
    return JSONResponse({"key": webhook_secret(exchange.world, "replicate")})


async def create_file(exchange: Exchange) -> Response:
    """`POST /v1/files`: a form with `content`, maybe `metadata`, `filename` and `type`."""
    parts = exchange.form
    content = None if parts is None else parts.get("content")
    if parts is None or content is None:
        return await exchange.refuse(400, "Missing content")
    name = parts["filename"].data.decode("utf-8", "replace") if "filename" in parts else content.filename or "file"
    if len(name.encode()) > 255:
        return await exchange.refuse(400, "The file name is longer than 255 bytes.")
    try:
        metadata = json.loads(parts["metadata"].data) if "metadata" in parts else {}
    except ValueError:
        return await exchange.refuse(400, "metadata is not JSON.")
    kind = parts["type"].data.decode("latin-1") if "type" in parts else content.content_type
    document = _file(exchange, name, kind, content.data) | {"metadata": metadata}
    (exchange.world.uploads / document["id"]).write_bytes(content.data)
    await exchange.world.ledger.do(ledger.put_file, "replicate", document["id"], document)
    await exchange.witness(201)
    return JSONResponse(document, status_code=201)


def _file(exchange: Exchange, name: str, kind: str, data: bytes) -> dict[str, Json]:
    file_id = identifier(26)
    digest = hashlib.sha256(data).hexdigest()
    return {
        "id": file_id,
        "name": name,
        "content_type": kind,
        "size": len(data),
        "etag": digest[:32],
        "checksums": {"sha256": digest},
        "created_at": iso(exchange.at),
        "expires_at": iso(exchange.at + FILE_LIFE),
        "urls": {"get": f"{exchange.base()}/v1/files/{file_id}"},
    }


async def list_files(exchange: Exchange) -> Response:
    """`GET /v1/files`."""
    found = await exchange.world.ledger.do(ledger.files, "replicate")
    return JSONResponse({"previous": None, "next": None, "results": found})


async def retrieve_file(exchange: Exchange) -> Response:
    """`GET /v1/files/{id}`."""
    found = await exchange.world.ledger.do(ledger.file, "replicate", exchange.request.path_params["file"])
    return exchange.missing() if found is None else JSONResponse(found)


async def delete_file(exchange: Exchange) -> Response:
    """`DELETE /v1/files/{id}`."""
    file_id = exchange.request.path_params["file"]
    known = await exchange.world.ledger.do(ledger.drop_file, "replicate", file_id)
    await exchange.witness(204 if known else 404)
    if not known:
        return exchange.missing()
    (exchange.world.uploads / file_id).unlink(missing_ok=True)
    return Response(status_code=204)


def when_logged(world: World, job: Job) -> float | None:
    """Half way, for models that print something: those of the community."""
    return None if REPLICATE_MODELS[job.model].is_official else when_half_done(world, job)


def told(world: World, job: Job, event: str, at: float) -> dict[str, Json]:
    """The prediction as it was; on `output` it is not over yet."""
    body = prediction(world, job, at)
    return body | {"status": "processing", "completed_at": None} if event == "output" else body


VENDOR = Vendor(
    name="replicate",
    title="Replicate",
    models=tuple(REPLICATE_MODELS),
    example="curl {base}/v1/models/minimax/video-01/predictions -H 'Authorization: Bearer any' "
    '-H \'Content-Type: application/json\' -d \'{"input": {"prompt": "a cat"}}\'',
    routes=(
        At("POST", "/v1/predictions", create_by_version, Stage.SUBMIT),
        At("POST", "/v1/models/{owner}/{name}/predictions", create_by_model, Stage.SUBMIT),
        At("GET", "/v1/predictions", listing),
        At("GET", "/v1/predictions/{job}", retrieve, Stage.POLL),
        At("POST", "/v1/predictions/{job}/cancel", cancel, Stage.CANCEL),
        At("GET", "/v1/models/{owner}/{name}", model_card),
        At("GET", "/v1/models/{owner}/{name}/versions/{version}", version_card),
        At("GET", "/v1/account", account),
        At("GET", "/v1/webhooks/default/secret", default_secret),
        At("POST", "/v1/files", create_file),
        At("GET", "/v1/files", list_files),
        At("GET", "/v1/files/{file}", retrieve_file),
        At("DELETE", "/v1/files/{file}", delete_file),
    ),
    error_body=error_body,
    not_found=(404, NOT_FOUND),
    no_credit=(402, NO_CREDIT),
    first={"status": "starting", "output": None, "started_at": None, "completed_at": None, "metrics": {}, "logs": ""},
    success={"status": "succeeded", "output": None},
    nullable=frozenset({"output", "started_at", "completed_at"}),
    failures=FAILURES,
    # How often and how far apart deliveries are repeated is not known; the vendor says "a few times".
    webhooks=Webhooks(
        events={
            "start": when_started,
            "logs": when_logged,
            "output": when_succeeded,
            "completed": when_ended,
        },
        body=told,
        sign=standard_webhooks("replicate"),
        wanted=lambda job: UNFILTERED if job.events is None else job.events,
    ),
    files=Files(gone=is_removed, wrong=404),
)
