"""The emulated Veo on Vertex: operations polled by POST, bytes inline or in a bucket of its own.

https://docs.cloud.google.com/vertex-ai/docs/reference/rest/v1beta1/projects.locations.publishers.models/predictLongRunning

The mount stands for one project's endpoint; the whole paths of the real host work below it too.
"""

import base64
import binascii
import uuid
from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import JSONResponse, Response

from core.outcome import Json
from emulators.exchange import Exchange
from emulators.faults import Stage, answer, fate
from emulators.jobs import Clip, Job, Phase
from emulators.signing import unpadded
from emulators.vendor import At, Vendor
from emulators.vendors.vertex_checks import Invalid, Order, read
from emulators.vendors.vertex_models import FPS, MODELS, SIZES, VeoModel

WORDS: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
CODES: Mapping[str, str] = {
    "3": "Unable to process the input image.",
    "4": "Deadline exceeded.",
    "7": "The caller does not have permission.",
    "8": "Resource has been exhausted (e.g. check quota).",
    "13": "Video generation failed due to an internal server issue. Please try again.",
    "14": "The service is currently unavailable.",
}
"""`google.rpc.Code` of a failed operation to its text."""
FILTERED: Mapping[str, str] = {
    "rai-output": "Veo could not generate videos because the output violates Agent Platform's usage guidelines. If you "
    "think this was an error, send feedback. Support codes: 17301594",
    "rai-prompt": "Veo could not generate videos because the prompt violates Agent Platform's usage guidelines. If you "
    "think this was an error, send feedback. Support codes: 58061214",
    "rai-image": "Veo could not generate videos because the input image violates Agent Platform's usage guidelines. If "
    "you think this was an error, send feedback. Support codes: 15236754",
}
"""Ways to end done, without an error and without a video; the third text was observed."""
KIND = "type.googleapis.com/cloud.ai.large_models.vision.GenerateVideoResponse"


def error_body(status: int, text: str) -> Json:
    """`{"error": {"code", "message", "status"}}`."""
    word = WORDS.get(status, "UNKNOWN")
    return {"error": {"code": status, "message": text or HTTPStatus(status).phrase, "status": word}}


async def create(exchange: Exchange) -> Response:
    """`POST …/{model}:predictLongRunning`."""
    name = exchange.request.path_params["model"]
    model = MODELS.get(name)
    if model is None:
        text = (
            f"Publisher Model `{_parent(exchange)}/publishers/google/models/{name}` was not found or your project does"
        )
        return await exchange.refuse(404, f"{text} not have access to it.")
    body = exchange.document
    if body is None:
        return await exchange.refuse(400, "Invalid JSON payload received.")
    try:
        order = read(model, body)
    except Invalid as invalid:
        return await exchange.refuse(400, str(invalid))
    job = await exchange.accept(_job(exchange, model, order))
    return JSONResponse({"name": job.id})


def _parent(exchange: Exchange) -> str:
    facts = exchange.request.path_params
    return f"projects/{facts.get('project', 'mock')}/locations/{facts.get('location', 'us-central1')}"


def _job(exchange: Exchange, model: VeoModel, order: Order) -> Job:
    """Known by the operation's whole name."""
    width, height = SIZES[order.resolution]
    if order.aspect_ratio == "9:16":
        width, height = height, width
    return exchange.order(
        id=f"{_parent(exchange)}/publishers/google/models/{model.name}/operations/{uuid.uuid4()}",
        model=model.name,
        prompt=order.prompt,
        clip=Clip(seconds=order.seconds, width=width, height=height, fps=FPS, audio=order.audio),
        count=order.count,
        price_micros=model.micros_per_second[order.resolution] * order.seconds * order.count,
        queue=2.0,
        run=model.run_seconds,
        seed=order.seed,
        extra={"storage_uri": order.storage_uri},
    )


async def fetch(exchange: Exchange) -> Response:
    """`POST …/{model}:fetchPredictOperation` with the operation's name; asked of its own model."""
    job = exchange.job
    if job is None or job.model != exchange.request.path_params["model"]:
        return exchange.error(404, "The operation was not found.")
    return JSONResponse(await operation(exchange, job))


async def operation(exchange: Exchange, job: Job) -> dict[str, Json]:
    """The operation: `done` is absent while it runs."""
    now = exchange.world.standing(job)
    if now.phase is Phase.SUCCEEDED:
        videos = [await _video(exchange, job, index) for index in range(job.count)]
        return {"name": job.id, "done": True, "response": {"@type": KIND, "videos": videos}}
    if now.phase is not Phase.FAILED:
        return {"name": job.id}
    if job.failure in FILTERED:
        reasons = [] if "no-reason" in job.fates else [FILTERED[job.failure]]
        verdict = {"raiMediaFilteredCount": job.count, "raiMediaFilteredReasons": reasons}
        return {"name": job.id, "done": True, "response": {"@type": KIND, **verdict}}
    return {"name": job.id, "done": True, "error": {"code": int(job.failure), "message": CODES[job.failure]}}


async def _video(exchange: Exchange, job: Job, index: int) -> dict[str, Json]:
    folder = str(job.extra["storage_uri"]).rstrip("/")
    if folder:
        return {"gcsUri": f"{folder}/{unpadded(job.id.encode())}/sample_{index}.mp4", "mimeType": "video/mp4"}
    return {"bytesBase64Encoded": await exchange.world.clips.base64(job, index), "mimeType": "video/mp4"}


async def stored(exchange: Exchange) -> Response:
    """`GET https://storage.googleapis.com/{bucket}/{object}`, with the token: only what an operation put there."""
    job, path = exchange.job, exchange.request.path_params["path"]
    index = path.rpartition("/sample_")[2].removesuffix(".mp4")
    bucket = f"gs://{exchange.request.path_params['bucket']}/"
    if job is None or not index.isdecimal() or not f"{job.extra['storage_uri']}/".startswith(bucket):
        return Response("<Error><Code>NoSuchKey</Code></Error>", 404, media_type="application/xml")
    return await exchange.clip_file(int(index))


def _named(exchange: Exchange) -> str:
    name = (exchange.document or {}).get("operationName")
    return name if isinstance(name, str) else ""


def _of_object(exchange: Exchange) -> str:
    """The operation's name, which is a folder of the object's."""
    folder = exchange.request.path_params["path"].rpartition("/")[0].rpartition("/")[2]
    try:
        return base64.urlsafe_b64decode(folder + "=" * (-len(folder) % 4)).decode()
    except (binascii.Error, ValueError):
        return ""


MODEL = "/publishers/google/models/{model}"
WHOLE = "/{version}/projects/{project}/locations/{location}" + MODEL
EXHAUSTED: Json = {
    "error": {
        "code": 429,
        "message": "Quota exceeded for aiplatform.googleapis.com/online_prediction_requests_per_base_model.",
        "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2s"}],
    }
}
BLOCKED: Json = {
    "error": {
        "code": 400,
        "message": "The prompt couldn't be submitted. Support codes: 90789179",
        "status": "INVALID_ARGUMENT",
    }
}
OVERLOADED: Json = [{"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}]
EXPIRED: Json = {
    "error": {
        "code": 401,
        "message": "Request had invalid authentication credentials.",
        "status": "UNAUTHENTICATED",
        "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "ACCESS_TOKEN_EXPIRED"}],
    }
}

VENDOR = Vendor(
    name="vertex",
    title="Google Veo on Vertex",
    models=tuple(MODELS),
    example="curl {base}/publishers/google/models/veo-3.1-fast-generate-001:predictLongRunning "
    '-H \'Authorization: Bearer any\' -d \'{"instances": [{"prompt": "a cat"}]}\'',
    routes=tuple(
        At("POST", f"{prefix}:{method}", perform, stage, job_id=job_id)
        for prefix in (MODEL, WHOLE)
        for method, perform, stage, job_id in (
            ("predictLongRunning", create, Stage.SUBMIT, None),
            ("fetchPredictOperation", fetch, Stage.POLL, _named),
        )
    ),
    hosts={"storage": (At("GET", "/{bucket}/{path:path}", stored, Stage.DOWNLOAD, job_id=_of_object),)},
    error_body=error_body,
    unauthorized=(401, "Request is missing required authentication credential. Expected OAuth 2 access token."),
    no_credit=(403, "This API method requires billing to be enabled."),
    throttled="Resource has been exhausted (e.g. check quota).",
    first={"done": None, "response": None},
    success={"done": True, "response": {"@type": KIND}},
    id_member="name",
    status_member="done",
    failures={**CODES, **FILTERED},
    faults=(
        fate("no-reason", "filtered without a word why; with `fail-rai-output`"),
        answer("resource-exhausted", 429, "429 that tells the wait in `details`", body=EXHAUSTED, at=(Stage.SUBMIT,)),
        answer("prompt-blocked", 400, "the prompt is refused at once", body=BLOCKED, at=(Stage.SUBMIT,)),
        answer("overloaded", 503, "load is shed, in so many words", body=OVERLOADED, at=(Stage.SUBMIT,)),
        answer("token-expired", 401, "the token's time is over", body=EXPIRED, at=(Stage.SUBMIT, Stage.POLL)),
    ),
)
