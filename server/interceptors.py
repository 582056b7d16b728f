"""The outermost layer of every call: it lets no exception text leave, reads no bytes unguarded, and checks the key.

`grpc.aio` would send the text of an unhandled exception, and of undecodable bytes, to the caller. So a guarded handler
takes and gives bytes, and decoding, working and encoding all happen inside one `try`. One interceptor instead of three:
each costs every call its share.
"""

import asyncio
import contextlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeAlias

import grpc
import structlog

from core.errors import FilmgateError, Internal, InvalidRequest, Reason, Unauthenticated, Unavailable, Unimplemented
from core.identifiers import new_id
from server.status import answer_of

_log = structlog.get_logger()

OPEN_SERVICES = ("/grpc.health.v1.Health/", "/grpc.reflection.")
"""Served without a key and during a drain: what load balancers and tools ask first."""

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"  # generic in the stubs only
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Continue: TypeAlias = "Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]]"


class Calls:
    """How many calls are under way; a drain waits for them."""

    def __init__(self) -> None:
        self.active = 0

    def __enter__(self) -> None:
        self.active += 1

    def __exit__(self, *_error: object) -> None:
        self.active -= 1


class Guard(grpc.aio.ServerInterceptor):
    """Wraps every handler, once per method."""

    def __init__(self, *, api_key: str | None, draining: asyncio.Event) -> None:
        self._expected = None if api_key is None else f"Bearer {api_key}".encode()
        self._draining = draining
        self._guarded: dict[str, Handler] = {}
        self.calls = Calls()

    async def intercept_service(self, continuation: Continue, handler_call_details: grpc.HandlerCallDetails) -> Handler:
        """The guarded handler of the method, or one that refuses the call."""
        method = handler_call_details.method
        if not method.startswith(OPEN_SERVICES):
            refusal = self._refusal(handler_call_details)
            if refusal is not None:
                return refusal
        handler = self._guarded.get(method)
        if handler is None:
            found = await continuation(handler_call_details)
            if found is None:
                return _NO_SUCH_METHOD
            calls = Calls() if method.startswith(OPEN_SERVICES) else self.calls
            handler = self._guarded[method] = _guarded(found, method, calls)
        return handler

    def _refusal(self, details: grpc.HandlerCallDetails) -> "Handler | None":
        if self._expected is not None:
            given = _authorization(details.invocation_metadata)
            if given is None:
                return _NO_KEY
            if not hmac.compare_digest(given, self._expected):
                return _WRONG_KEY
        return _DRAINING if self._draining.is_set() else None


def _authorization(metadata: Sequence[Any] | None) -> bytes | None:
    for key, value in metadata or ():
        if key == "authorization":
            given = value if isinstance(value, bytes) else str(value).encode()
            scheme, space, rest = given.partition(b" ")
            return scheme.capitalize() + space + rest.strip()
    return None


async def refuse(context: Context, error: FilmgateError) -> None:
    """End the call with a rich status: it is sent once the handler returns.

    The context keeps the AbortError, which would keep the frames it went through, which keep the context: garbage that
    only the collector finds. Of some hundred refusals a second it had so much that it stopped the loop for 0.1 s.
    """
    try:
        await context.abort_with_status(answer_of(error))
    except grpc.aio.AbortError as aborted:
        aborted.__traceback__ = aborted.__context__ = None


def _refusing(error: FilmgateError) -> Handler:
    """A handler that answers any kind of call with one refusal."""

    async def behavior(_requests: AsyncIterator[bytes], context: Context) -> None:
        await refuse(context, error)

    return grpc.stream_stream_rpc_method_handler(behavior)


_NO_KEY = _refusing(
    Unauthenticated(
        reason=Reason.MISSING_CREDENTIALS, message="send the server's key as metadata `authorization: Bearer <key>`"
    )
)
_WRONG_KEY = _refusing(Unauthenticated(reason=Reason.BAD_CREDENTIALS, message="this is not the server's key"))
_DRAINING = _refusing(
    Unavailable(reason=Reason.SHUTTING_DOWN, message="this server is shutting down; call again", retry_after=1.0)
)
_NO_SUCH_METHOD = _refusing(Unimplemented(reason=Reason.NOT_IMPLEMENTED, message="this server has no such method"))


def takes_bytes(behavior: Callable[..., Any]) -> Callable[..., Any]:
    """Mark an rpc that reads its request's bytes, and may answer with bytes, by itself."""
    behavior.takes_bytes = True  # type: ignore[attr-defined] # the mark that `_decoder` looks for
    return behavior


def _guarded(handler: Handler, method: str, calls: Calls) -> Handler:
    decode, encode = _decoder(handler), _encoder(handler)
    if handler.request_streaming and handler.response_streaming:
        return grpc.stream_stream_rpc_method_handler(
            _streaming(handler.stream_stream, method, _each(decode), encode, calls), response_serializer=encode
        )
    if handler.response_streaming:
        return grpc.unary_stream_rpc_method_handler(
            _streaming(handler.unary_stream, method, decode, encode, calls), response_serializer=encode
        )
    if handler.request_streaming:
        return grpc.stream_unary_rpc_method_handler(_unary(handler.stream_unary, method, _each(decode), encode, calls))
    return grpc.unary_unary_rpc_method_handler(_unary(handler.unary_unary, method, decode, encode, calls))


def _unary(
    behavior: Any, method: str, decode: Callable[[Any], Any], encode: Callable[[Any], bytes], calls: Calls
) -> Callable[[Any, Context], Awaitable[bytes | None]]:
    async def answer(raw: Any, context: Context) -> bytes | None:
        try:
            with calls:
                return encode(await behavior(decode(raw), context))
        except FilmgateError as error:
            await refuse(context, error)
        except grpc.aio.AbortError:
            raise
        except Exception as error:  # whatever it is, its text stays here
            await _refuse_internal(error, method, context)
        return None

    return answer


def _streaming(
    behavior: Any, method: str, decode: Callable[[Any], Any], encode: Callable[[Any], bytes], calls: Calls
) -> Callable[[Any, Context], Awaitable[None]]:
    async def answer(raw: Any, context: Context) -> None:
        try:
            with calls:
                result = behavior(decode(raw), context)
                if not hasattr(result, "__aiter__"):  # a handler that calls context.write itself
                    await result
                    return
                async with contextlib.aclosing(result):
                    async for message in result:
                        await context.write(encode(message))
        except FilmgateError as error:
            await refuse(context, error)
        except grpc.aio.AbortError:
            raise
        except Exception as error:  # whatever it is, its text stays here
            await _refuse_internal(error, method, context)

    return answer


async def _refuse_internal(error: Exception, method: str, context: Context) -> None:
    if context.done() or context.cancelled():
        return  # the caller has left; writing to it failed, and nobody reads an answer
    error_id = new_id("error")
    _log.error("call failed", error_id=error_id, method=method, exc_info=error)
    message = f"something went wrong here; the server's log has it as {error_id}"
    await refuse(context, Internal(reason=Reason.INTERNAL, message=message, metadata={"error_id": error_id}))


def _decoder(handler: Handler) -> Callable[[Any], Any]:
    parse = handler.request_deserializer
    behavior = handler.unary_unary or handler.unary_stream
    if parse is None or getattr(behavior, "takes_bytes", False):
        return lambda raw: raw

    def decode(raw: bytes) -> Any:
        try:
            return parse(raw)
        except Exception:  # upb raises DecodeError, others ValueError or RecursionError: all mean the same
            raise malformed() from None

    return decode


def malformed() -> InvalidRequest:
    """The refusal of bytes that are no message."""
    return InvalidRequest(
        reason=Reason.INVALID_REQUEST, message="the request's bytes are not a message of this method's request type"
    )


def _encoder(handler: Handler) -> Callable[[Any], bytes]:
    serialize = handler.response_serializer

    def encode(message: Any) -> bytes:
        if type(message) is bytes or serialize is None:
            return message  # type: ignore[no-any-return] # bytes already
        return serialize(message)

    return encode


def _each(decode: Callable[[bytes], Any]) -> Callable[[AsyncIterator[bytes]], AsyncIterator[Any]]:
    async def decoded(requests: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        async for raw in requests:
            yield decode(raw)

    return decoded
