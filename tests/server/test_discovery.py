"""What a client learns from the server alone: reflection and health."""

from typing import Any

import grpc
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from tests.conftest import Served

SERVICES = {
    "filmgate.v1.AccountService",
    "filmgate.v1.PromptService",
    "filmgate.v1.VideoService",
    "grpc.health.v1.Health",
    "grpc.reflection.v1alpha.ServerReflection",
}


def test_reflection_lists_the_services_and_describes_every_rpc(served: Served) -> None:
    request: Any = reflection_pb2.ServerReflectionRequest
    asked = [request(list_services=""), request(file_containing_symbol="filmgate.v1.VideoService")]
    with grpc.insecure_channel(served.target) as channel:
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
        services, described = stub.ServerReflectionInfo(iter(asked), timeout=10)
    assert {service.name for service in services.list_services_response.service} == SERVICES
    files = [FileDescriptorProto.FromString(raw) for raw in described.file_descriptor_response.file_descriptor_proto]
    (service,) = [service for file in files for service in file.service if service.name == "VideoService"]
    assert len(service.method) == 17


def test_health_is_serving_for_the_server_and_for_the_service(served: Served) -> None:
    with grpc.insecure_channel(served.target) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        for name in ("", *(name for name in SERVICES if name.startswith("filmgate."))):
            answer = stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=10)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
