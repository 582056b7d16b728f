"""The emulated MiniMax API, mounted at `/minimax`. https://platform.minimax.io/docs/api-reference/video-generation-intro

What is refused and failed comes as HTTP 200 with a code in `base_resp`, as the reference says. The wordings after
"invalid params", the order of the checks and the sizes of clips from images are guesses.
"""

import re
from collections.abc import Iterator, Mapping

from starlette.responses import JSONResponse, Response

from core.outcome import Json
from emulators import schema
from emulators.exchange import Exchange
from emulators.faults import Effect, Fault, Stage, answer, fate
from emulators.files import output_url
from emulators.images import ImageHead, from_data_uri, read_head
from emulators.jobs import Clip, Job, Phase
from emulators.schema import Field
from emulators.spelling import identifier, is_fetchable
from emulators.vendor import At, Files, Vendor
from emulators.world import World

FPS = 24
SIGNED_SECONDS = 3600.0
"""The reference of 2026; older copies say nine hours."""
LARGEST_IMAGE = 20_000_000
DIGITS = "0123456789"
FILE_STEP = 184_912_448
"""What a job's file id is more than its task id: a guess at how far the two counters are apart."""
CODES: Mapping[int, str] = {
    0: "success",
    1000: "unknown error",
    1002: "rate limit",
    1004: "login fail: Please carry the API secret key in the 'Authorization' field of the request header",
    1008: "insufficient balance",
    1024: "internal error",
    1026: "input new_sensitive",
    1027: "output new_sensitive",
    1033: "system error",
    2013: "invalid params",
    2049: "invalid api key",
    2056: "usage limit exceeded",
}
BY_STATUS: Mapping[int, int] = {401: 1004, 402: 1008, 403: 1004, 429: 1002}
"""The code of an error that has an HTTP status; any other is 2013 or 1000 (a guess)."""
FAILURES: Mapping[str, str] = {
    "1026": CODES[1026],
    "1027": CODES[1027],
    "1033": CODES[1033],
    "NULL": CODES[0],
}
"""The code beside `Fail`; `NULL` stands for a failure that has none."""
STATES: Mapping[Phase, str] = {
    Phase.QUEUED: "Preparing",
    Phase.THROTTLED: "Queueing",
    Phase.RUNNING: "Processing",
    Phase.SUCCEEDED: "Success",
}
MICROS: Mapping[str, Mapping[tuple[str, int], int]] = {
    "MiniMax-Hailuo-2.3": {("768P", 6): 280_000, ("768P", 10): 560_000, ("1080P", 6): 490_000},
    "MiniMax-Hailuo-2.3-Fast": {("768P", 6): 190_000, ("768P", 10): 320_000, ("1080P", 6): 330_000},
    "MiniMax-Hailuo-02": {
        ("512P", 6): 100_000,
        ("512P", 10): 150_000,
        ("768P", 6): 280_000,
        ("768P", 10): 560_000,
        ("1080P", 6): 490_000,
    },
    "I2V-01": {("720P", 6): 430_000},
    "I2V-01-Director": {("720P", 6): 430_000},
    "I2V-01-live": {("720P", 6): 430_000},
    "S2V-01": {("720P", 6): 650_000},
    "T2V-01": {("720P", 6): 430_000},
    "T2V-01-Director": {("720P", 6): 430_000},
}
"""Model to what it makes, and the price."""
FIELDS: Mapping[str, Field] = {
    "model": Field(kind="string", required=True, choices=tuple(MICROS)),
    "prompt": Field(kind="string", default="", longest=2000),
    "first_frame_image": Field(kind="string"),
    "last_frame_image": Field(kind="string"),
    "subject_reference": Field(kind="array", shortest=1, longest=1),
    "prompt_optimizer": Field(kind="boolean", default=True),
    "fast_pretreatment": Field(kind="boolean", default=False),
    "aigc_watermark": Field(kind="boolean", default=False),
    "duration": Field(kind="integer", default=6, choices=(6, 10)),
    "resolution": Field(kind="string", choices=("512P", "720P", "768P", "1080P")),
    "callback_url": Field(kind="string"),
}
"""`callback_url` is taken and never called: the kit's webhooks cannot wait for the echo of a `challenge`. What else a
body holds is ignored (a guess)."""


def told(code: int, text: str = "") -> dict[str, Json]:
    """A `base_resp`."""
    return {"status_code": code, "status_msg": text or CODES[code]}


def bought(code: int, text: str = "", task_id: str = "") -> dict[str, Json]:
    """The answer to a submit."""
    return {"task_id": task_id, "base_resp": told(code, text)}


def error_body(status: int, text: str) -> Json:
    """An error without a body of its own; one that is told under HTTP 200 is known by its text."""
    by_text = {words: code for code, words in CODES.items()}
    code = by_text.get(text) or BY_STATUS.get(status) or (1000 if status >= 500 else 2013)
    return {"base_resp": told(code, text)}


async def create(exchange: Exchange) -> Response:
    """`POST /v1/video_generation`."""
    body = exchange.document
    if body is None:
        return await exchange.refuse(200, body=bought(2013, "invalid params, the body is not a JSON object"))
    broken = [f"{each.name}: {each.text}" for each in schema.check(FIELDS, body)]
    values = {"resolution": "720P" if _is_01(body.get("model")) else "768P", **schema.complete(FIELDS, body)}
    wrong = broken or [*_wrong(values)]
    if wrong:
        return await exchange.refuse(200, body=bought(2013, f"invalid params, {wrong[0]}"))
    job = await exchange.accept(_order(exchange, values))
    return JSONResponse(bought(0, task_id=job.id))


def _is_01(model: Json) -> bool:
    return isinstance(model, str) and "2V-01" in model


def _wrong(values: Mapping[str, Json]) -> Iterator[str]:
    """What the table of fields cannot say."""
    model, resolution, seconds = values["model"], values["resolution"], values["duration"]
    first, last = values.get("first_frame_image"), values.get("last_frame_image")
    if (resolution, seconds) not in MICROS[model]:
        yield f"{model} does not support resolution {resolution} with duration {seconds}"
    if last and model != "MiniMax-Hailuo-02":
        yield f"{model} does not support last_frame_image"
    if resolution == "512P" and (last or not first):
        yield "resolution 512P is for first_frame_image only"
    if first and model.startswith(("T2V", "S2V")):
        yield f"{model} does not support first_frame_image"
    if (model == "MiniMax-Hailuo-2.3-Fast" or model.startswith("I2V")) and not first:
        yield f"{model} requires first_frame_image"
    if not (values["prompt"] or first or last):
        yield "prompt is required"
    for name in ("first_frame_image", "last_frame_image"):
        yield from _wrong_image(name, values.get(name))
    yield from _wrong_subject(model, values.get("subject_reference"))


def _wrong_subject(model: str, subjects: Json) -> Iterator[str]:
    """One entry, of one image: `[{"type": "character", "image": [...]}]`."""
    if (subjects is not None) != (model == "S2V-01"):
        yield f"{model} {'requires' if subjects is None else 'does not support'} subject_reference"
        return
    for subject in subjects or []:
        images = subject.get("image") if isinstance(subject, dict) else None
        if not isinstance(images, list) or len(images) != 1 or not isinstance(images[0], str) or not images[0]:
            yield "subject_reference holds one entry with one image"
        elif subject.get("type") != "character":
            yield "subject_reference is of type character"
        else:
            yield from _wrong_image("subject_reference", images[0])


def _wrong_image(name: str, image: str | None) -> Iterator[str]:
    """JPEG, PNG or WebP under 20 MB, its short side over 300 pixels, from 2:5 to 5:2; an address is not looked into."""
    if not image or is_fetchable(image):
        return
    data = from_data_uri(image)
    head = None if data is None else read_head(data)
    if data is None or head is None:
        yield f"{name} is neither an address nor an image in base64"
    elif len(data) >= LARGEST_IMAGE:
        yield f"{name} is too large"
    elif min(head.width, head.height) <= 300 or not 2 / 5 <= head.width / head.height <= 5 / 2:
        yield f"{name} has an unsupported size of {head.width}x{head.height}"


def _order(exchange: Exchange, values: Mapping[str, Json]) -> Job:
    model, resolution, seconds = values["model"], values["resolution"], values["duration"]
    width, height = _size(resolution, _head(values.get("first_frame_image")))
    return exchange.order(
        # The first digit is never 0, so that the id is a number too.
        id=f"1{identifier(14, DIGITS)}",
        model=model,
        prompt=values["prompt"],
        input={name: value for name, value in values.items() if not name.endswith(("_image", "_reference"))},
        clip=Clip(seconds=float(seconds), width=width, height=height, fps=FPS),
        price_micros=MICROS[model][resolution, seconds],
        run=(50 if model.endswith("Fast") else 90) * seconds / 6,
    )


def _head(image: str | None) -> ImageHead | None:
    data = from_data_uri(image or "")
    return None if data is None else read_head(data)


def _size(resolution: str, head: ImageHead | None) -> tuple[int, int]:
    """16:9, or the shape of a first frame that is seen, with as many lines as the resolution says."""
    lines = int(resolution.removesuffix("P"))
    ratio = 16 / 9 if head is None else head.width / head.height
    long = round(lines * max(ratio, 1 / ratio) / 2) * 2
    return (long, lines) if ratio >= 1 else (lines, long)


def _asked_task(exchange: Exchange) -> str:
    return exchange.request.query_params.get("task_id", "")


async def query(exchange: Exchange) -> Response:
    """`GET /v1/query/video_generation?task_id=`. What a task gets that is not this account's is a guess."""
    if exchange.job is None:
        nothing = {"task_id": "", "status": "", "file_id": ""}
        return JSONResponse({**nothing, "base_resp": told(2013, "invalid params, task_id not exist")})
    return JSONResponse(shown(exchange.world, exchange.job))


def shown(world: World, job: Job) -> dict[str, Json]:
    """The task."""
    now = world.standing(job)
    ready = now.phase is Phase.SUCCEEDED
    code = int(job.failure) if now.phase is Phase.FAILED and job.failure.isdecimal() else 0
    return {
        "task_id": job.id,
        "status": STATES.get(now.phase, "Fail"),
        "file_id": file_id(job) if ready else "",
        "video_width": job.clip.width if ready else 0,
        "video_height": job.clip.height if ready else 0,
        "base_resp": told(code),
    }


def file_id(job: Job) -> str:
    """The number of the job's file."""
    return str(int(job.id) + FILE_STEP)


def _task_of_file(exchange: Exchange) -> str:
    asked = exchange.request.query_params.get("file_id", "")
    return str(int(asked) - FILE_STEP) if re.fullmatch(r"\d{1,18}", asked, re.ASCII) else ""


async def retrieve(exchange: Exchange) -> Response:
    """`GET /v1/files/retrieve?file_id=`; `file_id` is a number here. What an unknown file gets is a guess."""
    job = exchange.job
    if job is None or exchange.standing.phase is not Phase.SUCCEEDED:
        return JSONResponse({"base_resp": told(2013, "invalid params, file_id not exist")})
    file = {
        "file_id": int(file_id(job)),
        "bytes": 0,
        "created_at": int(job.created),
        "filename": "output.mp4",
        "purpose": "video_generation",
        "download_url": "" if "no-address" in job.fates else output_url(exchange.world, job),
    }
    return JSONResponse({"file": file, "base_resp": told(0)})


def _refusing(code: int, meaning: str) -> Fault:
    return answer(f"code-{code}", 200, meaning, body=bought(code), at=(Stage.SUBMIT,))


VENDOR = Vendor(
    name="minimax",
    title="MiniMax",
    models=tuple(MICROS),
    example="curl {base}/v1/video_generation -H 'Authorization: Bearer any' -H 'Content-Type: application/json' "
    '-d \'{"model": "MiniMax-Hailuo-2.3", "prompt": "a cat", "duration": 6, "resolution": "768P"}\'',
    routes=(
        At("POST", "/v1/video_generation", create, Stage.SUBMIT),
        At("GET", "/v1/query/video_generation", query, Stage.POLL, job_id=_asked_task),
        At("GET", "/v1/files/retrieve", retrieve, Stage.POLL, job_id=_task_of_file),
    ),
    error_body=error_body,
    not_found=(404, "404 page not found"),
    unauthorized=(200, CODES[1004]),
    no_credit=(200, CODES[1008]),
    throttled=CODES[1002],
    first={"status": "Preparing", "file_id": ""},
    success={"status": "Success", "file_id": ""},
    id_member="task_id",
    failures=FAILURES,
    faults=(
        fate("no-address", "the file has no address"),
        _refusing(1002, "HTTP 200: too many requests"),
        _refusing(1004, "HTTP 200: the key is not good here"),
        _refusing(1026, "HTTP 200: the prompt is not allowed"),
        _refusing(2013, "HTTP 200: an input is wrong"),
        _refusing(2049, "HTTP 200: the key is not valid"),
        _refusing(2056, "HTTP 200: the plan is used up"),
        _refusing(1000, "HTTP 200: an unknown error, nothing done"),
        Fault(
            name="code-1024-after-accept",
            effect=Effect.STATUS,
            stages=(Stage.SUBMIT,),
            meaning="HTTP 200: an internal error after accept",
            accepts=True,
            status=200,
            body=bought(1024),
        ),
        answer("query-1002", 200, "HTTP 200: asked too often", body={"base_resp": told(1002)}, at=(Stage.POLL,)),
    ),
    files=Files(
        expires=lambda world, job: world.now() + min(SIGNED_SECONDS, world.options.signed_url_seconds),
        query="Signature",
    ),
)
