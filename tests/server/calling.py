"""How the server's tests call it, and how a refusal is read."""

import http.client
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import grpc
import pytest
from filmgate.v1 import prompt_service_pb2_grpc, video_service_pb2_grpc
from filmgate.v1 import video_service_pb2 as pb
from google.protobuf.message import Message
from google.rpc import error_details_pb2  # type: ignore[import-untyped] # ships no py.typed
from grpc_status import rpc_status

Stub: TypeAlias = video_service_pb2_grpc.VideoServiceStub
Prompts: TypeAlias = prompt_service_pb2_grpc.PromptServiceStub


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A rich status, read."""

    code: grpc.StatusCode
    message: str
    reason: str
    domain: str
    fields: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    retry_after: float | None = None
    kinds: frozenset[str] = field(default=frozenset())


def read_refusal(error: Any) -> Refusal:
    """The refusal in a gRPC error."""
    status = rpc_status.from_call(error)
    assert status is not None, f"{error.code()} without details: {error.details()}"
    found: dict[str, Any] = {}
    kinds = set()
    for detail in status.details:
        name = detail.TypeName().rpartition(".")[2]
        message: Message = getattr(error_details_pb2, name)()
        assert detail.Unpack(message)
        kinds.add(name)
        found[name] = message
    info, bad, retry = found["ErrorInfo"], found.get("BadRequest"), found.get("RetryInfo")
    violations = bad.field_violations if bad else ()
    return Refusal(
        code=error.code(),
        message=error.details(),
        reason=info.reason,
        domain=info.domain,
        fields=tuple(violation.field for violation in violations),
        texts=tuple(violation.description for violation in violations),
        reasons=tuple(violation.reason for violation in violations),
        retry_after=retry.retry_delay.ToMilliseconds() / 1000 if retry else None,
        kinds=frozenset(kinds),
    )


def stub_on(channel: grpc.Channel) -> Stub:
    """The generated stub."""
    return video_service_pb2_grpc.VideoServiceStub(channel)  # type: ignore[no-untyped-call] # generated code


def prompts_on(channel: grpc.Channel) -> Prompts:
    """The generated stub of PromptService."""
    return prompt_service_pb2_grpc.PromptServiceStub(channel)  # type: ignore[no-untyped-call] # generated code


def refused(call: Callable[..., Any], *arguments: Any, **options: Any) -> Refusal:
    """The refusal of a call that must be refused."""
    try:
        result = call(*arguments, timeout=20, **options)
        if hasattr(result, "__next__"):
            list(result)
    except grpc.RpcError as error:
        return read_refusal(error)
    pytest.fail("the call was not refused")


def wanted(tenant: str, **fields: Any) -> pb.GenerateVideoRequest:
    """A good request: two seconds from a prompt; `duration` in seconds, all else as in the contract."""
    seconds = fields.pop("duration", 2)
    defaults = {"creative_id": "kite", "prompt": "a red kite", "model": "runway/gen4.5"}
    request = pb.GenerateVideoRequest(tenant_name=tenant, **(defaults | fields))
    if seconds is not None:
        request.parameters.duration.FromMilliseconds(int(seconds * 1000))
    return request


@dataclass(frozen=True, kw_only=True)
class HttpAnswer:
    """A whole HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes


def fetch(
    url: str, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None
) -> HttpAnswer:
    """One request exactly as written: nothing of the path is normalised."""
    host, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=20)
    try:
        connection.request(method, f"/{path}", body=body, headers=headers or {})
        reply = connection.getresponse()
        names = {name.lower(): value for name, value in reply.getheaders()}
        return HttpAnswer(status=reply.status, headers=names, body=reply.read())
    finally:
        connection.close()
