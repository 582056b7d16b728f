"""Random bytes as requests of every rpc: always a well-formed refusal or answer, never INTERNAL or UNKNOWN."""

import random
from typing import Any

import grpc
from filmgate.v1 import video_service_pb2 as pb

from tests.conftest import Served
from tests.server.calling import read_refusal, wanted

BODIES = 1000
SERVICE = pb.DESCRIPTOR.services_by_name["VideoService"]
EXPECTED = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.ABORTED,
}


def bodies() -> list[bytes]:
    """Half of them noise, half a good request with a few bytes changed."""
    dice = random.Random(20261121)
    good = wanted("acme", labels={"a": "b"}, request_id="r", validate_only=True).SerializeToString()
    made = [dice.randbytes(dice.randrange(1, 200)) for _ in range(BODIES // 2)]
    for _ in range(BODIES - len(made)):
        raw = bytearray(good)
        for _ in range(dice.randrange(1, 6)):
            raw[dice.randrange(len(raw))] = dice.randrange(256)
        made.append(bytes(raw[: dice.randrange(1, len(raw) + 1)]))
    return made


def test_a_thousand_bodies_never_break_the_server(served: Served) -> None:
    codes: dict[Any, int] = {}
    names = [method.name for method in SERVICE.methods]
    with grpc.insecure_channel(served.target) as channel:
        for number, raw in enumerate(bodies()):
            name = names[number % len(names)]
            kind = "unary_stream" if SERVICE.methods_by_name[name].server_streaming else "unary_unary"
            method: Any = getattr(channel, kind)(f"/{SERVICE.full_name}/{name}")
            try:
                answer = method(raw, timeout=10)
                if kind == "unary_stream":
                    list(answer)
                code = grpc.StatusCode.OK
            except grpc.RpcError as error:
                refusal = read_refusal(error)
                code = refusal.code
                assert code in EXPECTED, (name, raw, refusal)
            codes[code] = codes.get(code, 0) + 1
    assert codes[grpc.StatusCode.INVALID_ARGUMENT] > BODIES / 2
    assert sum(codes.values()) == BODIES
