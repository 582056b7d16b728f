"""Every rpc of the contract through the generated blocking stubs, with grpcio-testing as server (decision 0002)."""

from typing import Any

import grpc
import grpc_testing  # type: ignore[import-untyped] # ships no types, and no stub package has any
import pytest
from filmgate.v1 import video_service_pb2, video_service_pb2_grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor

SERVICE = video_service_pb2.DESCRIPTOR.services_by_name["VideoService"]
UNARY = [method for method in SERVICE.methods if not method.server_streaming and not method.client_streaming]
STREAMING = [method for method in SERVICE.methods if method.server_streaming]
METADATA = (("authorization", "Bearer key"),)


@pytest.fixture
def channel() -> Any:
    """A channel whose other end is this test."""
    return grpc_testing.channel([SERVICE], grpc_testing.strict_real_time())


def blocking_stub(channel: Any) -> Any:
    """The generated stub on that channel."""
    return video_service_pb2_grpc.VideoServiceStub(channel)  # type: ignore[no-untyped-call] # generated, untyped


def empty(message: Any) -> Any:
    """An empty message of a descriptor's type."""
    return message_factory.GetMessageClass(message)()


def ids(method: MethodDescriptor) -> str:
    """A test id a person can read."""
    return method.name


def test_the_stub_knows_every_rpc_and_nothing_else(channel: Any) -> None:
    stub = blocking_stub(channel)
    assert set(vars(stub)) == {method.name for method in SERVICE.methods}
    assert [method.name for method in SERVICE.methods if method.client_streaming] == ["UploadAsset"]


def test_an_upload_sends_each_message_and_gets_one_answer(channel: Any) -> None:
    method = SERVICE.methods_by_name["UploadAsset"]
    messages = [empty(method.input_type) for _ in range(3)]
    answer = blocking_stub(channel).UploadAsset.future(iter(messages), timeout=5)
    _, server = channel.take_stream_unary(method)
    assert [server.take_request() for _ in messages] == messages
    server.send_initial_metadata(())
    server.terminate(empty(method.output_type), (), grpc.StatusCode.OK, "")
    assert answer.result() == empty(method.output_type)


@pytest.mark.parametrize("method", UNARY, ids=ids)
def test_unary_rpc_carries_request_metadata_and_answer(channel: Any, method: MethodDescriptor) -> None:
    call = getattr(blocking_stub(channel), method.name)
    answer = call.future(empty(method.input_type), metadata=METADATA, timeout=5)
    metadata, request, server = channel.take_unary_unary(method)
    assert request == empty(method.input_type)
    assert METADATA[0] in tuple(metadata)
    server.send_initial_metadata(())
    server.terminate(empty(method.output_type), (), grpc.StatusCode.OK, "")
    assert answer.result() == empty(method.output_type)


@pytest.mark.parametrize("method", STREAMING, ids=ids)
def test_streaming_rpc_gives_each_message_and_then_the_status(channel: Any, method: MethodDescriptor) -> None:
    call = getattr(blocking_stub(channel), method.name)
    answers = call(empty(method.input_type), timeout=5)
    _, _, server = channel.take_unary_stream(method)
    server.send_initial_metadata(())
    server.send_response(empty(method.output_type))
    assert next(answers) == empty(method.output_type)
    server.terminate((), grpc.StatusCode.UNAVAILABLE, "draining")
    with pytest.raises(grpc.RpcError) as refused:
        next(answers)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
