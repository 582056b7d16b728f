"""What an emulated Cog server tells: predictions, refused inputs, its health and itself."""

import json
from collections.abc import Mapping, Sequence

from core.outcome import Json
from emulators import schema
from emulators.files import output_urls
from emulators.jobs import Job, Phase, Standing
from emulators.schema import Invalid, Rule
from emulators.spelling import iso
from emulators.vendors.cog_models import IMAGES
from emulators.world import World

VERSION = "0.22.0"
STATUSES: Mapping[Phase, str] = {
    Phase.QUEUED: "starting",
    Phase.THROTTLED: "starting",
    Phase.RUNNING: "processing",
    Phase.SUCCEEDED: "succeeded",
    Phase.FAILED: "failed",
}
FAILURES: Mapping[str, str] = {
    "NSFW": "NSFW content detected. Try running it again, or try a different prompt.",
    "IMAGE": "cannot identify image file '/tmp/tmpabcdefgh.png'",
    "OOM": "CUDA out of memory. Tried to allocate 2.00 GiB",
    "CRASH": "Worker crashed",
    "ERROR": "list index out of range",
}
"""A short name of ours to the text of the model's exception; `Worker crashed` is the runtime's own."""
AT_CAPACITY: Mapping[str, Json] = {"error": "At capacity - all prediction slots busy", "status": "failed"}
NOT_READY: Mapping[str, Json] = {
    "error": "Setup has not finished yet. Wait until it has finished, or GET /health-check for status.",
    "status": "failed",
}
NO_STREAM: Mapping[str, Json] = {
    "error": "This model does not support streaming responses. Add @cog.streaming to predict() to enable SSE."
}
OTHER_ID: Mapping[str, Json] = {
    "detail": [
        {
            "loc": ["body", "id"],
            "msg": "prediction ID must match the ID supplied in the URL",
            "type": "value_error",
        }
    ]
}


def prediction_id(job: Job) -> str:
    """The client's id of a prediction; an id that is used again after its end names another job of ours."""
    return str(job.extra["prediction"])


async def snapshot(world: World, job: Job, at: float | None = None) -> dict[str, Json]:
    """The prediction as it is, or was `at` another time; its files are inside, unless the server uploads them."""
    now = world.standing(job, at)
    told: dict[str, Json] = {
        "id": prediction_id(job),
        "status": STATUSES.get(now.phase, "canceled"),
        "logs": "" if now.started is None else "Using seed: 42\n",
    }
    if now.phase is Phase.SUCCEEDED and "no-video" not in job.fates:
        told["output"] = await _output(world, job)
    if now.phase is Phase.FAILED:
        told["error"] = FAILURES.get(job.failure, "Unknown error")
    return told | {"metrics": _metrics(now)}


async def _output(world: World, job: Job) -> Json:
    if "uploaded" in job.fates:
        # Where `--upload-url` has put them; Cog drops the query of such an address.
        files = output_urls(world, job)
    else:
        files = [await world.clips.data_uri(job, index) for index in range(job.count)]
    return files if IMAGES[job.model].is_list else files[0]


def _metrics(now: Standing) -> dict[str, Json]:
    return {"predict_time": now.predict_seconds} if now.is_terminal else {}


def refusal(invalid: Sequence[Invalid]) -> dict[str, Json]:
    """The 422 for inputs; the wordings of `msg` are those of the JSON schema validator in Cog's runtime."""
    return {
        "detail": [{"loc": ["body", "input", each.name], "msg": _said(each), "type": _kind(each)} for each in invalid]
    }


def _kind(each: Invalid) -> str:
    return "value_error.missing" if each.rule is Rule.REQUIRED else "value_error"


def _said(each: Invalid) -> str:
    value, field = json.dumps(each.value), each.field
    if each.rule is Rule.REQUIRED or field is None:
        return "Field required"
    wordings = {
        Rule.KIND: f'{value} is not of type "{field.kind}"',
        Rule.CHOICE: f"{value} is not one of {json.dumps(field.choices)}",
        Rule.LOW: f"{value} is less than the minimum of {field.low}",
        Rule.HIGH: f"{value} is greater than the maximum of {field.high}",
        Rule.URI: f'{value} is not a "uri"',
    }
    return wordings.get(each.rule, each.text)


def health(world: World, *, busy: bool) -> dict[str, Json]:
    """The health of a server that is up."""
    since = iso(world.timeline.wall_at(0.0))
    return {
        "status": "BUSY" if busy else "READY",
        "setup": {"started_at": since, "completed_at": since, "status": "succeeded", "logs": ""},
        "version": {"coglet": VERSION, "cog": VERSION, "python": "3.12.0"},
    }


def index() -> dict[str, Json]:
    """`GET /`."""
    return {
        "cog_version": VERSION,
        "docs_url": "/docs",
        "openapi_url": "/openapi.json",
        "shutdown_url": "/shutdown",
        "healthcheck_url": "/health-check",
        "predictions_url": "/predictions",
        "predictions_idempotent_url": "/predictions/{prediction_id}",
        "predictions_cancel_url": "/predictions/{prediction_id}/cancel",
    }


def described(name: str) -> dict[str, Json]:
    """`GET /openapi.json`, as far as inputs and output go."""
    image = IMAGES[name]
    one: dict[str, Json] = {"type": "string", "format": "uri"}
    return schema.document("Cog", image.fields, {"type": "array", "items": one} if image.is_list else one)
