"""An emulated upstream that speaks OpenAI's Videos API, at `/openai-compatible` and `/openai-compatible/v1`.

https://developers.openai.com/api/docs/guides/video-generation. Account-wide webhook endpoints are not played.
"""

from collections.abc import Iterator

from starlette.responses import JSONResponse, RedirectResponse, Response

from core.outcome import Json
from emulators.exchange import Exchange
from emulators.faults import Stage, answer, fate
from emulators.files import output_url
from emulators.jobs import Phase
from emulators.spelling import whole
from emulators.vendor import At, Files, Vendor
from emulators.vendors import openai_compatible_more as more
from emulators.vendors.openai_compatible_checks import fault, read, told
from emulators.vendors.openai_compatible_models import SORA_MODELS, clip
from emulators.vendors.openai_compatible_videos import FAILURES, is_gone, sell, shown, video

NO_CREDIT = "You exceeded your current quota, please check your plan and billing details."
THROTTLED = "Too many running tasks"
NOT_READY = "Video is not ready yet, use GET /v1/videos/{video_id} to check status."
VARIANTS = {"video": "", "thumbnail": "webp", "spritesheet": "jpg"}


def error_body(status: int, text: str) -> dict[str, Json]:
    """OpenAI's error object. Seen live: `Too many running tasks`; the codes of 401 and of no credit are OpenAI's."""
    if text == THROTTLED or text.startswith(f"{THROTTLED} "):
        return told(text, "video_generation_user_error")
    if text == NO_CREDIT:
        return told(text, "insufficient_quota", code="insufficient_quota")
    if status == 401:
        return told(text or "Incorrect API key provided.", code="invalid_api_key")
    if status >= 500:
        return told(text or "The server had an error while processing your request.", "server_error")
    return told(text or "Bad request.")


async def create(exchange: Exchange) -> Response:
    """`POST /videos`, a form or JSON."""
    wish = read(exchange.form, exchange.document)
    if wish is None:
        return await exchange.refuse(400, "We could not parse the body of your request.")
    wrong = fault(wish)
    if wrong is not None:
        return await exchange.refuse(wrong.status, body=wrong.body)
    values = {"model": "sora-2", "seconds": "4", "size": "720x1280", **wish.values}
    made = clip(values["size"], int(values["seconds"]))
    return await sell(exchange, values, made)


async def retrieve(exchange: Exchange) -> Response:
    """`GET /videos/{id}`."""
    return exchange.missing() if exchange.job is None else shown(exchange, exchange.job)


async def listing(exchange: Exchange) -> Response:
    """`GET /videos?after&limit&order`."""
    query = exchange.request.query_params
    limit, order = whole(query.get("limit"), 20, 1, 100), query.get("order", "desc")
    jobs = await exchange.jobs()
    videos = jobs if order == "desc" else jobs[::-1]
    ids = [job.id for job in videos]
    after = query.get("after")
    if limit is None or order not in ("asc", "desc") or (after is not None and after not in ids):
        return exchange.error(400, "Invalid 'limit', 'order' or 'after'.")
    first = 0 if after is None else ids.index(after) + 1
    part = videos[first : first + limit]
    return JSONResponse(
        {
            "object": "list",
            "data": [video(exchange.world, job) for job in part],
            "first_id": part[0].id if part else None,
            "last_id": part[-1].id if part else None,
            "has_more": len(videos) > first + limit,
        }
    )


async def delete(exchange: Exchange) -> Response:
    """`DELETE /videos/{id}`: of an ended video only; this is no cancel."""
    if exchange.job is None:
        return await exchange.refuse(*exchange.vendor.not_found)
    if not exchange.standing.is_terminal:
        # The status is a guess; that only ended videos can be deleted is in the SDK's words.
        return await exchange.refuse(400, "Only completed or failed videos can be deleted.")
    await exchange.stop(delete=True)
    return JSONResponse({"id": exchange.job.id, "object": "video.deleted", "deleted": True})


async def content(exchange: Exchange) -> Response:
    """`GET /videos/{id}/content?variant=`: the bytes, behind the key; or, under `content-redirect`, where they lie."""
    job, variant = exchange.job, exchange.request.query_params.get("variant", "video")
    if variant not in VARIANTS:
        return exchange.error(400, f"Invalid value: '{variant}'. Supported values are: {', '.join(VARIANTS)}.")
    if job is None:
        return exchange.missing()
    if exchange.standing.phase is not Phase.SUCCEEDED:
        return exchange.error(404, NOT_READY)  # the status is a guess
    if "content-redirect" in job.fates and variant == "video":
        return RedirectResponse(output_url(exchange.world, job), 302)
    return await exchange.clip_file(file_format=VARIANTS[variant])


def routes(version: str) -> Iterator[At]:
    """Every route below this part of the path; SDKs are given a base with or without `/v1`."""
    yield At("POST", f"{version}/videos", create, Stage.SUBMIT)
    yield At("GET", f"{version}/videos", listing)
    yield At("POST", f"{version}/videos/edits", more.edit, Stage.SUBMIT, job_id=more.source_id)
    yield At("POST", f"{version}/videos/extensions", more.extend, Stage.SUBMIT, job_id=more.source_id)
    yield At("POST", f"{version}/videos/characters", more.create_character)
    yield At("GET", f"{version}/videos/characters/{{character}}", more.retrieve_character)
    yield At("GET", f"{version}/videos/{{job}}", retrieve, Stage.POLL)
    yield At("DELETE", f"{version}/videos/{{job}}", delete)
    yield At("GET", f"{version}/videos/{{job}}/content", content, Stage.DOWNLOAD)
    yield At("POST", f"{version}/videos/{{job}}/remix", more.remix, Stage.SUBMIT)


VENDOR = Vendor(
    name="openai-compatible",
    title="OpenAI-compatible upstream",
    models=tuple(SORA_MODELS),
    example="curl {base}/v1/videos -H 'Authorization: Bearer any' -F model=sora-2 -F prompt='a cat' -F seconds=4 "
    "-F size=1280x720",
    routes=(*routes(""), *routes("/v1")),
    error_body=error_body,
    not_found=(404, "Not found."),
    no_credit=(429, NO_CREDIT),
    throttled=THROTTLED,
    first={"status": "queued", "progress": 0},
    success={"status": "completed", "progress": 100},
    failures=FAILURES,
    faults=(
        fate("content-redirect", "the content is answered with a 302 to where it lies"),
        fate("no-seconds", "the video object never tells its length (seen by a third party)"),
        answer(
            "moderated",
            400,
            "the request is blocked at once",
            body=told(FAILURES["moderation_blocked"], "video_generation_user_error", code="moderation_blocked"),
            at=(Stage.SUBMIT,),
        ),
        answer(
            "retired",
            404,
            "the model is gone",
            body=told("The model 'sora-2' does not exist or you do not have access to it.", code="model_not_found"),
            at=(Stage.SUBMIT,),
        ),
        answer(
            "unverified",
            403,
            "the organization must be verified first",
            text="Your organization must be verified to use the model `sora-2`.",
            at=(Stage.SUBMIT,),
        ),
    ),
    files=Files(gone=is_gone, wrong=404),
)
