"""The room's only door: one call of a language model behind any OpenAI-compatible address, sent once, never repeated.

https://developers.openai.com/api/reference/resources/chat
"""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from core.outcome import Json, parsed
from prompts.words import Ask, Fate, Said, Usage

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_NOT_TAKEN = frozenset({400, 401, 402, 403, 404, 405, 410, 413, 415, 422, 429})
"""Statuses that certainly cost nothing; any other that is not 2xx may come from behind a call that was taken."""
_NEVER_CONNECTED = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol"})
"""What the SDK's HTTP library raises before the first byte; by name, because its version is the SDK's affair."""
_SENT_HEADERS = frozenset(
    {"host", "accept", "accept-encoding", "connection", "content-type", "content-length", "x-stainless-raw-response"}
)
"""The SDK also wants to tell operating system, Python and retries, and what `OPENAI_*` of the environment adds. The
last one is how the SDK notes for itself that an answer is read in parts."""
_LARGEST_ANSWER = 2 * 1024 * 1024
_FRAME = 64
"""Bytes that a service may put around each text: roles, marks of beginning and end."""
_LARGEST_COUNT = 1_000_000_000
_LONGEST_REFUSAL = 500
_LONGEST_WAIT = 3600.0
_SHORTEST_KEY = 8
"""A shorter one could stand in any answer by chance."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LlmSettings:
    """Which language model writes. `base_url` is the operator's own choice and may lead to this very machine."""

    base_url: str
    """Up to and with `/v1`."""
    model: str
    api_key: str = field(default="", repr=False)
    """Empty: no `Authorization` is sent."""
    temperature: float | None = None
    """None: the model's own; some models take no other."""
    timeout: float = 60.0
    """Seconds for the whole call."""
    calls: int = 16
    """So many at once; others wait, within their time."""
    max_output_tokens: int = 4096
    """Hidden thoughts count too."""
    limit_name: str = "max_completion_tokens"
    """How the service calls that limit. Ollama knows `max_tokens` only; OpenAI's newer models refuse just that."""
    json_schema: bool = True
    """Whether the service takes `response_format: json_schema` (OpenAI, OpenRouter, vLLM, Ollama since 0.5 do). Else
    `json_object` is asked for, and the schema stands in the system message."""
    input_price: Decimal | None = None
    """USD per million tokens. Without both prices nobody knows what a call costs."""
    output_price: Decimal | None = None
    mock: bool = False
    """Whether an emulator answers."""


class Llm:
    """Asks the language model of the settings. May be used by many tasks of one event loop at once."""

    def __init__(self, settings: LlmSettings) -> None:
        """Nothing is connected, nor imported, before the first call."""
        self.settings = settings
        self.slots = asyncio.Semaphore(settings.calls)
        """One is held by each call that is under way."""
        self._client: AsyncOpenAI | None = None
        self._opening = asyncio.Lock()

    async def open(self) -> None:
        """Get ready, which takes a second or more: else the first call does, on top of its timeout."""
        with suppress(Exception):  # what is wrong with the settings, every call says
            await self._opened()

    async def ask(self, ask: Ask) -> Said:
        """What came of one call, within the timeout. Raises nothing but CancelledError."""
        try:
            client = await self._opened()
        except Exception as error:  # an address or key that nothing can be made of: nothing was sent
            return _said(Fate.REFUSED, f"the call could not be made: {type(error).__name__}")
        sent = False
        try:
            async with asyncio.timeout(self.settings.timeout), self.slots:
                sent = True
                return heard(await self._post(client, ask), self.settings.api_key)
        except TimeoutError:
            fate, what = (Fate.UNKNOWN, "no answer") if sent else (Fate.REFUSED, "its turn did not come")
            return _said(fate, f"{what} within {self.settings.timeout:g} s", timed_out=True)
        except _Status as refusal:
            fate = Fate.REFUSED if refusal.status in _NOT_TAKEN else Fate.UNKNOWN
            return _said(fate, f"HTTP {refusal.status}", retry_after=refusal.retry_after)
        except _TooLarge:
            return _said(Fate.UNKNOWN, "the answer is too large")
        except Exception as error:  # whatever the SDK raises: the call may have been taken
            return _broken(error)

    def worst_case(self, ask: Ask) -> tuple[int, int]:
        """The most tokens a call can read and write: no token is shorter than a byte of a text."""
        texts = [*(message.content for message in ask.messages), json.dumps(ask.schema)]
        sent = sum(len(text.encode("utf-8", "surrogatepass")) + _FRAME for text in texts)
        return sent, self.settings.max_output_tokens

    def cost(self, usage: Usage) -> int | None:
        """USD micros, rounded up; None when the prices or the tokens are not known."""
        read, written = usage.input_tokens, usage.output_tokens
        input_price, output_price = self.settings.input_price, self.settings.output_price
        if read is None or written is None or input_price is None or output_price is None:
            return None
        # A dollar per million tokens is one micro-dollar per token.
        return int((input_price * read + output_price * written).to_integral_value(ROUND_CEILING))

    async def close(self) -> None:
        """End the connections; a later call opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _opened(self) -> "AsyncOpenAI":
        async with self._opening:
            if self._client is None:
                # The import takes about a second, and the certificates a tenth.
                self._client = await asyncio.to_thread(_connected, self.settings)
            return self._client

    def _body(self, ask: Ask) -> dict[str, Json]:
        """The call as it is sent."""
        messages = [{"role": message.role, "content": message.content} for message in ask.messages]
        if self.settings.json_schema:
            schema = {"name": ask.schema_name, "schema": ask.schema, "strict": True}
            form: dict[str, Json] = {"type": "json_schema", "json_schema": schema}
        else:
            form = {"type": "json_object"}
            # In front, and in the one system message: some models take no second one.
            rule = f"The JSON schema of your answer:\n{json.dumps(ask.schema)}"
            messages[0]["content"] = f"{rule}\n\n{messages[0]['content']}"
        body: dict[str, Json] = {"model": self.settings.model, "messages": messages, "response_format": form}
        body[self.settings.limit_name] = self.settings.max_output_tokens
        return body if self.settings.temperature is None else body | {"temperature": self.settings.temperature}

    async def _post(self, client: "AsyncOpenAI", ask: Ask) -> bytes:
        call = client.chat.completions.with_streaming_response.create(**self._body(ask))
        async with call as reply:
            body = b""
            # Undecoded: what was asked for uncompressed is not uncompressed here, and so cannot be a bomb.
            async for part in reply.http_response.aiter_raw():
                body += part
                if len(body) > _LARGEST_ANSWER:
                    raise _TooLarge
            return body


def heard(body: bytes, api_key: str = "") -> Said:
    """What the body of a 200 says; its shape is checked here, because the SDK takes any."""
    document = parsed(body)
    usage = _usage(_member(document, "usage"))
    choices = _member(document, "choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message, finish = _member(choice, "message"), _member(choice, "finish_reason")
    if not isinstance(message, dict):
        return _said(Fate.UNKNOWN, "the answer is not one of chat completions", usage=usage)
    text, refusal = _text(message.get("content")), _text(message.get("refusal"))
    if len(api_key) >= _SHORTEST_KEY and api_key in f"{text} {refusal}":
        return _said(Fate.ANSWERED, "the answer holds the API key", usage=usage)
    declined = refusal[:_LONGEST_REFUSAL] or ("(filtered)" if finish == "content_filter" else "")
    return _said(Fate.ANSWERED, text=text, declined=declined, cut_off=finish == "length", usage=usage)


class _Status(Exception):
    """An answer that is not 2xx. Its body is never read."""

    def __init__(self, status: int, retry_after: float | None) -> None:
        super().__init__(status)
        self.status, self.retry_after = status, retry_after


class _TooLarge(Exception):
    """An answer beyond all bounds."""


def _connected(settings: LlmSettings) -> "AsyncOpenAI":
    """The SDK's client, with its own repeating, redirects, environment and talkativeness switched off."""
    import openai  # takes a second: whoever has no language model shall not wait for it

    if not (settings.api_key.isascii() and settings.api_key.isprintable()):
        raise ValueError("no header can carry this key")

    async def prune(request: Any) -> None:
        for name in [name for name in request.headers if name.lower() not in _SENT_HEADERS]:
            del request.headers[name]
        request.headers["user-agent"] = "filmgate"
        if settings.api_key:
            request.headers["authorization"] = f"Bearer {settings.api_key}"

    async def judge(response: Any) -> None:
        if not response.is_success:
            raise _Status(response.status_code, _wait(response.headers.get("retry-after", "")))

    return openai.AsyncOpenAI(
        base_url=settings.base_url,
        # Never empty, or the SDK looks for keys of the environment; what is sent is said above.
        api_key=settings.api_key or "none",
        max_retries=0,
        # A fresh connection each: one that the other side is about to close would make the outcome unknown.
        default_headers={"Connection": "close", "Accept-Encoding": "identity"},
        http_client=openai.DefaultAsyncHttpxClient(
            trust_env=False,
            follow_redirects=False,
            timeout=openai.Timeout(settings.timeout, connect=min(10.0, settings.timeout / 2)),
            event_hooks={"request": [prune], "response": [judge]},
        ),
    )


def _said(fate: Fate, detail: str = "", **more: Any) -> Said:
    return Said(fate=fate, detail=detail, **more)


def _broken(error: Exception) -> Said:
    """An exception of the SDK: only its kind is told, because its text may quote anything."""
    cause = error.__cause__ or error
    name = type(cause).__name__
    if name in _NEVER_CONNECTED:
        return _said(Fate.REFUSED, f"no connection: {name}")
    return _said(Fate.UNKNOWN, f"no answer: {name}", timed_out=name.endswith("Timeout"))


def _member(value: Json, name: str) -> Json:
    return value.get(name) if isinstance(value, Mapping) else None


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _usage(value: Json) -> Usage:
    return Usage(
        input_tokens=_count(_member(value, "prompt_tokens")), output_tokens=_count(_member(value, "completion_tokens"))
    )


def _count(value: Json) -> int | None:
    is_sane = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST_COUNT
    return value if is_sane else None


def _wait(header: str) -> float | None:
    """The seconds of a Retry-After, which may also be a date; at most an hour."""
    with suppress(ValueError):
        seconds = float(header)
        return min(max(seconds, 0.0), _LONGEST_WAIT) if seconds == seconds else None
    try:
        moment = parsedate_to_datetime(header)
    except (TypeError, ValueError, OverflowError):
        return None
    left = (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return min(max(left, 0.0), _LONGEST_WAIT)
