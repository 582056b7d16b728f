"""One call of a language model: what goes over the wire, and what comes of each answer."""

import asyncio
import gzip
import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prompts.llm import Llm, LlmSettings, heard
from prompts.words import Ask, Fate, Message, Said, Usage
from tests.prompts.recording import Recorder, completion, http, recording

KEY = "sk-planted-secret-1234567890"
SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
ASK = Ask(
    messages=(Message(role="system", content="Do it."), Message(role="user", content='{"text": "größer 🐈"}')),
    schema_name="quantify",
    schema=SCHEMA,
)
SETTINGS = LlmSettings(base_url="", model="any/model-1", api_key=KEY, timeout=5)


@asynccontextmanager
async def calling(recorder: Recorder, **changes: Any) -> AsyncIterator[Llm]:
    """A client of the recorder."""
    llm = Llm(replace(SETTINGS, base_url=recorder.url, **changes))
    try:
        yield llm
    finally:
        await llm.close()


async def said(answer: bytes, **changes: Any) -> tuple[Said, Recorder]:
    """What comes of an answer."""
    async with recording() as recorder, calling(recorder, **changes) as llm:
        recorder.answer = answer
        return await llm.ask(ASK), recorder


async def test_a_call_is_one_post_of_the_sdk_with_a_strict_schema() -> None:
    answer, recorder = await said(http(200, completion('{"a": "x"}', usage=(12, 7))))
    assert answer == Said(fate=Fate.ANSWERED, text='{"a": "x"}', usage=Usage(input_tokens=12, output_tokens=7))
    [request] = recorder.heard
    assert request.line == "POST /v1/chat/completions HTTP/1.1"
    assert request.document == {
        "model": "any/model-1",
        "messages": [
            {"role": "system", "content": "Do it."},
            {"role": "user", "content": '{"text": "größer 🐈"}'},
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "quantify", "schema": SCHEMA, "strict": True},
        },
        "max_completion_tokens": 4096,
    }


async def test_nothing_but_the_call_is_told_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_API_KEY", "OPENAI_ADMIN_KEY"):
        monkeypatch.setenv(name, "planted")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Planted: planted\nAuthorization: Bearer planted")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/planted")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    _, recorder = await said(http(200, completion("{}")))
    [request] = recorder.heard
    host, size = recorder.url.removeprefix("http://").removesuffix("/v1"), str(len(request.body))
    assert request.headers == {
        "host": host,
        "accept": "application/json",
        "accept-encoding": "identity",
        "connection": "close",
        "content-type": "application/json",
        "content-length": size,
        "user-agent": "filmgate",
        "authorization": f"Bearer {KEY}",
        "x-stainless-raw-response": "stream",
    }


async def test_without_a_key_none_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "planted")
    _, recorder = await said(http(200, completion("{}")), api_key="")
    assert "authorization" not in recorder.heard[0].headers


async def test_the_settings_choose_how_the_model_is_asked() -> None:
    _, recorder = await said(
        http(200, completion("{}")), json_schema=False, temperature=0.2, limit_name="max_tokens", max_output_tokens=77
    )
    body = recorder.heard[0].document
    assert (body["response_format"], body["temperature"], body["max_tokens"]) == ({"type": "json_object"}, 0.2, 77)
    assert "max_completion_tokens" not in body
    assert [each["role"] for each in body["messages"]] == ["system", "user"]
    assert json.dumps(SCHEMA) in body["messages"][0]["content"]
    assert body["messages"][0]["content"].endswith("Do it.")


STATUSES = {
    Fate.REFUSED: (400, 401, 402, 403, 404, 405, 410, 413, 415, 422, 429),
    Fate.UNKNOWN: (201, 204, 300, 301, 302, 307, 308, 408, 409, 418, 425, 451, 499, 500, 501, 502, 503, 504, 529),
}


@pytest.mark.parametrize("fate", STATUSES)
async def test_a_status_says_whether_the_call_was_taken_and_nothing_follows_it(fate: Fate) -> None:
    body = f'{{"error": {{"message": "{KEY}"}}}}'.encode()
    async with recording() as recorder, calling(recorder) as llm:
        for count, status in enumerate(STATUSES[fate], start=1):
            recorder.answer = http(status, body, location=f"http://127.0.0.1:1/{KEY}", retry_after="0")
            answer = await llm.ask(ASK)
            assert (answer.fate, recorder.connections) == (fate, count), status
            assert KEY not in repr(answer)


WAITS = {
    "2": 2.0,
    "0.5": 0.5,
    "-3": 0.0,
    "999999": 3600.0,
    "nan": None,
    "soon": None,
    "": None,
    "Wed, 21 Oct 2015 07:28:00 GMT": 0.0,
    "Wed, 21 Oct 2099 07:28:00 GMT": 3600.0,
}


async def test_a_named_wait_is_handed_on() -> None:
    async with recording() as recorder, calling(recorder) as llm:
        for told, seconds in WAITS.items():
            recorder.answer = http(429, retry_after=told)
            answer = await llm.ask(ASK)
            assert (answer.fate, answer.detail, answer.retry_after) == (Fate.REFUSED, "HTTP 429", seconds), told


BODIES: list[tuple[bytes, Said]] = [
    (
        completion(None, refusal="I will not."),
        Said(fate=Fate.ANSWERED, declined="I will not."),
    ),
    (completion("", finish="content_filter"), Said(fate=Fate.ANSWERED, declined="(filtered)")),
    (completion('{"a', finish="length"), Said(fate=Fate.ANSWERED, text='{"a', cut_off=True)),
    (completion(None), Said(fate=Fate.ANSWERED)),
    (completion([{"type": "text"}]), Said(fate=Fate.ANSWERED)),
    (completion("x", usage=(True, -1)), Said(fate=Fate.ANSWERED, text="x")),
    (completion("x", usage=(1.5, 10**12)), Said(fate=Fate.ANSWERED, text="x")),
    (
        completion(f"the key: {KEY}", usage=(3, 4)),
        Said(
            fate=Fate.ANSWERED,
            detail="the answer holds the API key",
            usage=Usage(input_tokens=3, output_tokens=4),
        ),
    ),
    (
        b'{"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 0}}',
        Said(
            fate=Fate.UNKNOWN,
            detail="the answer is not one of chat completions",
            usage=Usage(input_tokens=5, output_tokens=0),
        ),
    ),
]


@pytest.mark.parametrize(("body", "expected"), BODIES)
def test_what_a_200_says(body: bytes, expected: Said) -> None:
    assert heard(body, KEY) == expected


ODD = (b"", b"<html>", b"[1]", b"null", b'"x"', b'{"choices": {"0": 1}}', b"\xff\xfe", b"[" * 9000)


async def test_an_unreadable_200_may_have_been_paid() -> None:
    async with recording() as recorder, calling(recorder) as llm:
        for body in ODD:
            recorder.answer = http(200, body)
            answer = await llm.ask(ASK)
            assert (answer.fate, answer.text) == (Fate.UNKNOWN, ""), body


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["choices", "message", "content", "refusal", "usage", "prompt_tokens", "finish_reason"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=25)
@given(JSON | st.fixed_dictionaries({"choices": st.lists(st.fixed_dictionaries({"message": JSON})), "usage": JSON}))
def test_no_json_at_all_is_too_odd_to_be_heard(document: object) -> None:
    answer = heard(json.dumps(document).encode(), KEY)
    assert answer.fate in (Fate.ANSWERED, Fate.UNKNOWN)
    assert all(count is None or count >= 0 for count in (answer.usage.input_tokens, answer.usage.output_tokens))


@given(st.binary(max_size=300))
def test_no_bytes_at_all_are_too_odd_to_be_heard(body: bytes) -> None:
    assert heard(body, KEY).fate in (Fate.ANSWERED, Fate.UNKNOWN)


async def test_where_nobody_listens_nothing_was_taken() -> None:
    async with recording() as recorder:
        url = recorder.url
    for address in (url, url.replace("http://", "https://")):
        llm = Llm(replace(SETTINGS, base_url=address))
        answer = await llm.ask(ASK)
        assert (answer.fate, answer.detail) == (Fate.REFUSED, "no connection: ConnectError")
        await llm.close()


async def test_without_a_handshake_nothing_was_taken() -> None:
    async with recording() as recorder:
        recorder.url = recorder.url.replace("http://", "https://")
        async with calling(recorder, timeout=1) as llm:
            assert (await llm.ask(ASK)).fate is Fate.REFUSED
        assert recorder.heard == []


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://127.0.0.1/v1", "http://[::1", "http://", "file:///etc/passwd"])
async def test_an_address_that_is_none_raises_nothing(url: str) -> None:
    llm = Llm(replace(SETTINGS, base_url=url))
    await llm.open()
    answer = await llm.ask(ASK)
    assert (answer.fate, KEY in repr(answer)) == (Fate.REFUSED, False)
    await llm.close()


@pytest.mark.parametrize("key", ["sk-\u00fcber-secret", "sk-secret\r\nx: y", "sk-\x00secret"])
async def test_a_key_that_no_header_can_carry_is_not_sent(key: str) -> None:
    answer, recorder = await said(http(200), api_key=key)
    assert (answer.fate, recorder.heard, "secret" in repr(answer)) == (Fate.REFUSED, [], False)


async def test_what_was_compressed_unasked_is_not_unpacked() -> None:
    bomb = gzip.compress(b" " * 5_000_000)
    answer, _ = await said(http(200, bomb, content_encoding="gzip"))
    assert (answer.fate, answer.detail) == (Fate.UNKNOWN, "the answer is not one of chat completions")


async def _nothing(writer: asyncio.StreamWriter) -> None:
    """Close without a word."""


async def _half(writer: asyncio.StreamWriter) -> None:
    writer.write(http(200, completion("x" * 500))[:-200])
    await writer.drain()


@pytest.mark.parametrize("play", [_nothing, _half])
async def test_a_connection_that_breaks_after_the_request_leaves_it_open(play: Any) -> None:
    async with recording() as recorder, calling(recorder) as llm:
        recorder.play = play
        answer = await llm.ask(ASK)
        assert (answer.fate, answer.timed_out, recorder.connections) == (Fate.UNKNOWN, False, 1)


async def test_no_answer_in_time_leaves_it_open() -> None:
    async def hold(writer: asyncio.StreamWriter) -> None:
        await gone.wait()

    gone = asyncio.Event()
    async with recording() as recorder, calling(recorder, timeout=0.3) as llm:
        recorder.play = hold
        answer = await llm.ask(ASK)
        gone.set()
        assert (answer.fate, answer.timed_out, answer.text) == (Fate.UNKNOWN, True, "")


async def test_drops_in_time_do_not_prolong_the_whole_call() -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with recording() as recorder, calling(recorder, timeout=0.3) as llm:
        recorder.play = drip
        async with asyncio.timeout(10):
            answer = await llm.ask(ASK)
        assert (answer.fate, answer.timed_out) == (Fate.UNKNOWN, True)


@pytest.mark.parametrize("status", [200, 500])
async def test_an_endless_answer_is_not_read_to_its_end(status: int) -> None:
    sent = 0

    async def flood(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: {2**40}\r\n\r\n".encode())
        while not writer.is_closing():
            writer.write(b"x" * 65536)
            sent += 65536
            await writer.drain()

    async with recording() as recorder, calling(recorder, timeout=30) as llm:
        recorder.play = flood
        answer = await llm.ask(ASK)
        assert answer.fate is Fate.UNKNOWN
        assert answer.timed_out is False
    assert sent < 64 * 1024 * 1024


async def test_who_stops_waiting_is_let_go() -> None:
    async def hold(writer: asyncio.StreamWriter) -> None:
        await gone.wait()

    gone = asyncio.Event()
    async with recording() as recorder, calling(recorder) as llm:
        recorder.play = hold
        call = asyncio.create_task(llm.ask(ASK))
        await recorder.arrived.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        gone.set()


async def test_many_calls_at_once_and_after_closing() -> None:
    async with recording() as recorder, calling(recorder) as llm:
        recorder.answer = http(200, completion("{}"))
        await llm.open()
        answers = await asyncio.gather(*(llm.ask(ASK) for _ in range(8)))
        await llm.close()
        answers.append(await llm.ask(ASK))
        assert {answer.fate for answer in answers} == {Fate.ANSWERED}
        assert recorder.connections == 9


async def test_so_many_calls_run_at_once() -> None:
    active, most = 0, 0

    async def answer(writer: asyncio.StreamWriter) -> None:
        nonlocal active, most
        active += 1
        most = max(most, active)
        await asyncio.sleep(0.02)  # so that calls that may overlap do
        active -= 1
        writer.write(http(200, completion("{}")))

    async with recording() as recorder, calling(recorder, calls=2) as llm:
        recorder.play = answer
        answers = await asyncio.gather(*(llm.ask(ASK) for _ in range(6)))
    assert [each.fate for each in answers] == [Fate.ANSWERED] * 6
    assert most == 2


async def test_whose_turn_does_not_come_in_time_has_paid_nothing() -> None:
    async with recording() as recorder, calling(recorder, calls=1, timeout=0.2) as llm:
        async with llm.slots:
            answer = await llm.ask(ASK)
        assert (answer.fate, answer.timed_out, recorder.connections) == (Fate.REFUSED, True, 0)


async def test_the_key_stands_nowhere_but_in_its_header(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assert KEY not in repr(SETTINGS)
    for answer in (http(401, KEY.encode()), http(200, completion(KEY)), http(200, completion("{}")), b"nonsense"):
        result, recorder = await said(answer)
        assert KEY not in repr(result)
        assert KEY.encode() not in recorder.heard[0].body
    assert KEY not in caplog.text
    assert "größer" not in caplog.text


def test_what_a_call_costs() -> None:
    llm = Llm(replace(SETTINGS, input_price=Decimal("0.15"), output_price=Decimal("0.60")))
    assert llm.cost(Usage(input_tokens=1_000_000, output_tokens=1_000_000)) == 750_000
    assert llm.cost(Usage(input_tokens=1, output_tokens=0)) == 1, "rounded up"
    assert llm.cost(Usage(input_tokens=0, output_tokens=0)) == 0
    assert llm.cost(Usage(input_tokens=5)) is None
    assert llm.cost(Usage()) is None
    assert Llm(SETTINGS).cost(Usage(input_tokens=5, output_tokens=5)) is None
    unpriced = Llm(replace(SETTINGS, input_price=Decimal(1)))
    assert unpriced.cost(Usage(input_tokens=5, output_tokens=5)) is None


@settings(max_examples=30)
@given(st.text(max_size=200), st.text(max_size=200))
def test_the_worst_case_counts_every_byte(instructions: str, text: str) -> None:
    ask = replace(ASK, messages=(Message(role="system", content=instructions), Message(role="user", content=text)))
    read, written = Llm(replace(SETTINGS, max_output_tokens=99)).worst_case(ask)
    assert read >= len(instructions.encode()) + len(text.encode()) + len(json.dumps(SCHEMA))
    assert written == 99


def test_whoever_asks_nothing_imports_nothing() -> None:
    code = "import sys, prompts.llm, prompts.tasks; print({'openai', 'httpx', 'httpx2'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout == "set()\n"
