"""An emulated language model that speaks OpenAI's chat completions, at `/llm` and `/llm/v1`: every word of it is MOCK.

https://developers.openai.com/api/reference/resources/chat. Not streamed, one choice, no tools. Prices are told in
`/models` as OpenRouter tells them, in USD per token.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from starlette.responses import JSONResponse, Response

from core.outcome import Json
from emulators.exchange import Exchange
from emulators.faults import Stage, answer, fate
from emulators.jobs import Clip, Job, Standing
from emulators.vendor import At, Vendor, bearer
from emulators.vendors.llm_answers import Task, read_task, write
from emulators.vendors.llm_checks import violation

MODEL = "mock-writer"
INPUT_MICROS, OUTPUT_MICROS = 1, 4
"""Micro-dollars per token: one dollar, and four, per million."""
_BYTES_PER_TOKEN = 4
_HUGE = 3 * 1024 * 1024
_MOMENT = 1e-6
_NO_CLIP = Clip(seconds=0, width=0, height=0, fps=1)
FAULTS = (
    fate("llm-malformed", "the content is no JSON"),
    fate("llm-wrong-schema", "the content is JSON of another schema"),
    fate("llm-out-of-bounds", "the content's numbers and names are absurd"),
    fate("llm-fenced", "the content stands in a Markdown fence"),
    fate("llm-refusal", "the model declines, in `refusal`"),
    fate("llm-filtered", "the content was filtered away"),
    fate("llm-cut-off", "the content ends in its middle, with `finish_reason: length`"),
    fate("llm-no-choices", "there is no choice"),
    fate("llm-null-content", "the content is null"),
    fate("llm-huge", "the content has three million characters, whatever the limit"),
    fate("llm-leaks-instructions", "obeys an injected order: the content repeats the system message"),
    fate("llm-leaks-key", "obeys an injected order: the content repeats the API key"),
    fate("llm-no-usage", "the usage is not told"),
    fate("llm-absurd-usage", "the usage is told in absurd numbers"),
    answer("llm-overloaded", 503, "busy, nothing done", text="The engine is currently overloaded.", at=(Stage.SUBMIT,)),
)


def error_body(status: int, text: str) -> dict[str, Json]:
    """OpenAI's error object."""
    code = {401: "invalid_api_key", 429: "rate_limit_exceeded"}.get(status)
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return {"error": {"message": text or "Something is wrong.", "type": kind, "param": None, "code": code}}


@dataclass(frozen=True, kw_only=True, slots=True)
class Spoken:
    """What the model says of itself, before it is a reply."""

    content: str | None
    refusal: str | None = None
    finish: str = "stop"


async def complete(exchange: Exchange) -> Response:
    """`POST /chat/completions`."""
    body = exchange.document
    wrong = "We could not parse the JSON body of your request." if body is None else violation(body)
    if wrong or body is None:
        return await exchange.refuse(400, wrong)
    fates = frozenset(each.fault.name for each in exchange.fates)
    task = read_task(body)
    limit = body.get("max_completion_tokens") or body.get("max_tokens") or math.inf
    spoken = _spoken(task, fates, limit, bearer(exchange.request))
    usage = _usage(_tokens(exchange.body.decode("utf-8", "replace")), _tokens(spoken.content or spoken.refusal or ""))
    job = await exchange.accept(_sold(exchange, body["model"], usage))
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": spoken.content, "refusal": spoken.refusal},
        "logprobs": None,
        "finish_reason": spoken.finish,
    }
    reply: dict[str, Json] = {
        "id": f"chatcmpl-{job.id}",
        "object": "chat.completion",
        "created": int(exchange.at),
        "model": body["model"],
        "choices": [] if "llm-no-choices" in fates else [choice],
        "usage": _told_usage(usage, fates),
    }
    return JSONResponse({name: value for name, value in reply.items() if value is not None})


def _sold(exchange: Exchange, model: str, usage: dict[str, int]) -> Job:
    """The call as a job that is done at once."""
    price = usage["prompt_tokens"] * INPUT_MICROS + usage["completion_tokens"] * OUTPUT_MICROS
    return exchange.order(model=model, prompt="", input=usage, clip=_NO_CLIP, price_micros=price, queue=0, run=_MOMENT)


def _spoken(task: Task, fates: frozenset[str], limit: float, key: str) -> Spoken:
    if "llm-refusal" in fates:
        return Spoken(content=None, refusal="MOCK: I'm sorry, but I can't help with that.")
    if "llm-filtered" in fates:
        return Spoken(content="", finish="content_filter")
    if "llm-null-content" in fates:
        return Spoken(content=None)
    text = _spoiled(json.dumps(write(task), ensure_ascii=False), task, fates, key)
    if "llm-cut-off" in fates:
        return Spoken(content=text[: len(text) // 2], finish="length")
    if _tokens(text) > limit and "llm-huge" not in fates:
        return Spoken(content=text.encode()[: int(limit) * _BYTES_PER_TOKEN].decode("utf-8", "ignore"), finish="length")
    return Spoken(content=text)


def _spoiled(text: str, task: Task, fates: frozenset[str], key: str) -> str:
    """The content as the faults have it."""
    spoil = next((_SPOILT[name] for name in _SPOILT if name in fates), None)
    return spoil(text, task, key) if spoil is not None else text


def _absurd(value: Json) -> Json:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return -1e300
    if isinstance(value, dict):
        return {name: _absurd(member) for name, member in value.items()}
    return "" if isinstance(value, str) else value * 50


def _leaking(text: str, secret: str) -> str:
    """The honest content with a secret in its first text."""
    honest = json.loads(text)
    if "scenes" in honest:
        honest["scenes"] = [{**scene, "video_prompt_template": secret} for scene in honest["scenes"]]
        return json.dumps(honest)
    return json.dumps({**honest, "prompt": secret})


_SPOILT: Mapping[str, Callable[[str, Task, str], str]] = {
    "llm-malformed": lambda text, task, key: f"Here you are! {text[: len(text) // 2]} …",
    "llm-wrong-schema": lambda text, task, key: json.dumps({"answer": "MOCK", "steps": [text]}),
    "llm-out-of-bounds": lambda text, task, key: json.dumps(_absurd(json.loads(text))),
    "llm-fenced": lambda text, task, key: f"```json\n{text}\n```",
    "llm-huge": lambda text, task, key: _leaking(text, "MOCK " + "x" * _HUGE),
    "llm-leaks-instructions": lambda text, task, key: _leaking(text, task.system),
    "llm-leaks-key": lambda text, task, key: _leaking(text, f"The key is {key}"),
}


def _tokens(text: str) -> int:
    return math.ceil(len(text.encode()) / _BYTES_PER_TOKEN)


def _usage(read: int, written: int) -> dict[str, int]:
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _told_usage(usage: dict[str, int], fates: frozenset[str]) -> Json:
    if "llm-no-usage" in fates:
        return None
    return {**usage, "prompt_tokens": -5, "completion_tokens": "many"} if "llm-absurd-usage" in fates else usage


async def models(exchange: Exchange) -> Response:
    """`GET /models`: one, but any name is taken."""
    price = {"prompt": f"{INPUT_MICROS / 1e6:.6f}", "completion": f"{OUTPUT_MICROS / 1e6:.6f}"}
    shown = {"id": MODEL, "object": "model", "created": 0, "owned_by": "filmgate-mock", "pricing": price}
    return JSONResponse({"object": "list", "data": [shown]})


def _billed(job: Job, standing: Standing) -> int:
    """Every call that was taken is charged, whatever comes of its answer."""
    return job.price_micros


def _routes(version: str) -> Iterator[At]:
    yield At("POST", f"{version}/chat/completions", complete, Stage.SUBMIT)
    yield At("GET", f"{version}/models", models)


VENDOR = Vendor(
    name="llm",
    title="A language model behind OpenAI's chat completions",
    models=(MODEL,),
    example="curl {base}/v1/chat/completions -H 'Authorization: Bearer any' -H 'Content-Type: application/json' "
    '-d \'{"model": "mock-writer", "messages": [{"role": "user", "content": "a cat"}]}\'',
    routes=(*_routes(""), *_routes("/v1")),
    error_body=error_body,
    not_found=(404, "Not found."),
    unauthorized=(401, "Incorrect API key provided."),
    no_credit=(429, "You exceeded your current quota, please check your plan and billing details."),
    throttled="Rate limit reached for requests.",
    first={"object": "chat.completion"},
    success={"object": "chat.completion"},
    status_member="object",
    billed=_billed,
    faults=FAULTS,
)
