"""The outermost layer: nothing of an exception leaves, whatever kind of call it is; keys; unknown methods."""

import asyncio
import gc
import io
import weakref
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from core.errors import NotFound, Reason
from server import logs
from server.interceptors import Guard
from tests.server.calling import Refusal, read_refusal

PLANTED = "sk-live-planted-in-an-exception"
KEY = "k" * 20


_made: list[weakref.ref[NotFound]] = []
"""Refusals that `_told` made."""


def _refusal() -> NotFound:
    refusal = NotFound(reason=Reason.NOT_FOUND, message="no such thing")
    _made.append(weakref.ref(refusal))
    return refusal


async def _told(_request: Any, _context: Any) -> StringValue:
    raise _refusal()


async def _burst(_request: Any, _context: Any) -> StringValue:
    raise RuntimeError(f"provider key {PLANTED} rejected")


async def _burst_later(_request: Any, _context: Any) -> AsyncIterator[StringValue]:
    yield StringValue(value="one")
    raise RuntimeError(f"provider key {PLANTED} rejected")


async def _burst_writing(_request: Any, context: Any) -> None:
    await context.write(StringValue(value="one"))
    raise RuntimeError(f"provider key {PLANTED} rejected")


async def _nothing(_request: Any, _context: Any) -> None:
    return None


async def _echo(request: StringValue, _context: Any) -> StringValue:
    return request


async def _count(requests: AsyncIterator[StringValue], _context: Any) -> StringValue:
    return StringValue(value=str(len([request async for request in requests])))


BEHAVIORS: dict[str, tuple[str, Any]] = {
    "Told": ("unary_unary", _told),
    "Burst": ("unary_unary", _burst),
    "BurstLater": ("unary_stream", _burst_later),
    "BurstWriting": ("unary_stream", _burst_writing),
    "BurstTaking": ("stream_unary", _burst),
    "BurstBoth": ("stream_stream", _burst_later),
    "Nothing": ("unary_unary", _nothing),
    "Echo": ("unary_unary", _echo),
    "Count": ("stream_unary", _count),
}


class Served:
    """A server with these behaviours behind the guard."""

    def __init__(self, *, api_key: str | None = None) -> None:
        self.draining = asyncio.Event()
        self.guard = Guard(api_key=api_key, draining=self.draining)
        self._server = grpc.aio.server(interceptors=[self.guard])
        handlers = {
            name: getattr(grpc, f"{kind}_rpc_method_handler")(
                behavior,
                request_deserializer=StringValue.FromString,
                response_serializer=StringValue.SerializeToString,
            )
            for name, (kind, behavior) in BEHAVIORS.items()
        }
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("t.T", handlers),))
        self.channel: grpc.aio.Channel

    async def __aenter__(self) -> "Served":
        port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        self.channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.channel.close()
        await self._server.stop(0)

    async def call(self, name: str, raw: bytes = b"", key: str | None = None) -> list[bytes]:
        """All answers of one call with one raw request."""
        kind = BEHAVIORS[name][0] if name in BEHAVIORS else "unary_unary"
        metadata = () if key is None else (("authorization", key),)
        method = getattr(self.channel, kind)(f"/t.T/{name}")
        requests = raw if kind.startswith("unary") else iter([raw])
        call = method(requests, metadata=metadata, timeout=10)
        return [answer async for answer in call] if kind.endswith("stream") else [await call]

    async def refusal(self, name: str, raw: bytes = b"", key: str | None = None) -> Refusal:
        """The refusal of such a call."""
        try:
            await self.call(name, raw, key)
        except grpc.aio.AioRpcError as error:
            return read_refusal(error)
        pytest.fail("the call was not refused")


@pytest.fixture
def lines() -> io.StringIO:
    """What the log got."""
    stream = io.StringIO()
    logs.configure("debug", json=True, secrets=[PLANTED], stream=stream)
    return stream


@pytest.mark.parametrize("name", ["Burst", "BurstLater", "BurstWriting", "BurstTaking", "BurstBoth"])
async def test_no_text_of_an_exception_leaves(name: str, lines: io.StringIO) -> None:
    async with Served() as served:
        refusal = await served.refusal(name)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert "planted" not in str(refusal)
    assert "RuntimeError" not in str(refusal)
    error_id = refusal.message.split()[-1]
    assert error_id in lines.getvalue()
    assert "RuntimeError" in lines.getvalue()
    assert PLANTED not in lines.getvalue()


async def test_an_answer_that_cannot_be_written_is_internal(lines: io.StringIO) -> None:
    async with Served() as served:
        refusal = await served.refusal("Nothing")
    assert refusal.reason == "INTERNAL"
    assert "TypeError" in lines.getvalue()


async def test_our_own_refusals_pass() -> None:
    async with Served() as served:
        refusal = await served.refusal("Told")
    assert (refusal.code, refusal.reason, refusal.message) == (
        grpc.StatusCode.NOT_FOUND,
        "NOT_FOUND",
        "no such thing",
    )


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Rings of objects stay."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def test_a_refusal_leaves_nothing_for_the_collector(no_collector: None) -> None:
    _made.clear()
    async with Served() as served:
        for _ in range(20):
            await served.refusal("Told")
    assert len(_made) == 20  # the server has been stopped: no call is under way
    assert [each() for each in _made if each() is not None] == []


@pytest.mark.parametrize("name", ["Echo", "Count", "BurstLater"])
@pytest.mark.parametrize("raw", [b"\xff", b"\x0a\x05abc", b"\x0a\x01\xff", b"\x08"])
async def test_malformed_bytes_are_an_invalid_argument(name: str, raw: bytes) -> None:
    async with Served() as served:
        refusal = await served.refusal(name, raw)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")


async def test_answers_pass_unchanged() -> None:
    message = StringValue(value="ÿ").SerializeToString()
    async with Served() as served:
        assert await served.call("Echo", message) == [message]
        assert await served.call("Count", message) == [StringValue(value="1").SerializeToString()]
        assert served.guard.calls.active == 0


async def test_an_unknown_method_is_told_as_the_contract_says() -> None:
    async with Served() as served:
        refusal = await served.refusal("Missing")
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNIMPLEMENTED, "NOT_IMPLEMENTED")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (None, "MISSING_CREDENTIALS"),
        ("", "BAD_CREDENTIALS"),
        ("Bearer", "BAD_CREDENTIALS"),
        (f"Bearer {KEY}x", "BAD_CREDENTIALS"),
        (f"Basic {KEY}", "BAD_CREDENTIALS"),
        (KEY, "BAD_CREDENTIALS"),
        (f"Bearer {KEY[:-1]}", "BAD_CREDENTIALS"),
    ],
)
async def test_a_wrong_key_is_refused(given: str | None, reason: str) -> None:
    async with Served(api_key=KEY) as served:
        refusal = await served.refusal("Echo", key=given)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAUTHENTICATED, reason)
    assert KEY not in str(refusal)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
async def test_the_right_key_opens(scheme: str) -> None:
    async with Served(api_key=KEY) as served:
        assert await served.call("Echo", key=f"{scheme} {KEY}") == [b""]


async def test_a_draining_server_says_when_to_come_back() -> None:
    async with Served() as served:
        served.draining.set()
        refusal = await served.refusal("Echo")
    assert (refusal.code, refusal.reason, refusal.retry_after) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN", 1.0)


async def test_a_caller_who_leaves_is_no_error(lines: io.StringIO) -> None:
    async with Served() as served:
        method: Any = served.channel.unary_unary("/t.T/Echo")
        call = method(b"", timeout=10)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await served.call("Echo") == [b""]
    assert "error" not in lines.getvalue()
