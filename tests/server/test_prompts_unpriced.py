"""A real language model without prices: what it costs is unknown and said so, and no limit can be kept."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from filmgate.v1 import (
    account_pb2,
    account_service_pb2,
    account_service_pb2_grpc,
    common_pb2,
    prompt_pb2,
    video_service_pb2,
)
from filmgate.v1 import prompt_service_pb2 as pb

from emulators.server import EmulatorServer
from emulators.world import Options
from tests.conftest import Served, serving
from tests.server.calling import Prompts, Stub, refused, wanted

KEY = "key-of-the-language-model"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server whose language model asks for our key, and is an emulator that we know nothing of."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = EmulatorServer(options=Options(require_key=KEY))
    folder: Path = tmp_path_factory.mktemp("model")
    url = asyncio.run_coroutine_threadsafe(server.start(data_dir=folder), loop).result(30)
    try:
        model = {"llm_base_url": f"{url}/llm/v1", "llm_model": "writer", "llm_api_key": KEY}
        with serving(tmp_path_factory.mktemp("served"), **model) as running:
            yield running
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_what_it_costs_is_unknown_and_said_so(prompts: Prompts, stub: Stub, served: Served, tenant: str) -> None:
    request = pb.QuantifyPromptRequest(tenant_name=tenant, text="a red kite, vertical", creative_id="kite")
    made = prompts.QuantifyPrompt(request).prompt
    assert (made.source, made.llm_model, made.mock) == (prompt_pb2.PROMPT_SOURCE_LLM, "writer", False)
    assert made.cost_unknown
    assert made.input_tokens > 0
    lineage = stub.GetLineage(video_service_pb2.GetLineageRequest(tenant_name=tenant, creative_id="kite"))
    assert [(cost.cost.currency_code, cost.cost_unknown) for cost in lineage.costs] == [("USD", True)]


@pytest.mark.parametrize(("micros", "refusal"), [(5_000_000, "COST_LIMIT_EXCEEDED"), (0, "")])
def test_no_limit_can_be_kept_but_zero(prompts: Prompts, tenant: str, micros: int, refusal: str) -> None:
    limit = common_pb2.Money(currency_code="USD", micros=micros)
    request = pb.QuantifyPromptRequest(tenant_name=tenant, text="a red kite", max_cost=limit)
    if refusal:
        assert refused(prompts.QuantifyPrompt, request).reason == refusal
    else:
        assert prompts.QuantifyPrompt(request).prompt.source == prompt_pb2.PROMPT_SOURCE_RULES


def test_it_is_not_paid_to_write_for_mocked_clips(stub: Stub, tenant: str) -> None:
    answer = stub.GenerateVideo(wanted(tenant, enhance_prompt=True, validate_only=True))
    assert [warning.code for warning in answer.warnings] == ["LLM_NOT_USED"]


def test_a_tenant_that_asks_too_often_is_told_so(prompts: Prompts, served: Served, tenant: str) -> None:
    with grpc.insecure_channel(served.target) as channel:
        accounts = account_service_pb2_grpc.AccountServiceStub(channel)  # type: ignore[no-untyped-call] # generated
        limits = account_pb2.TenantLimits(requests_per_second=0.01, burst=1, reads_per_second=0.01)
        accounts.CreateTenant(account_service_pb2.CreateTenantRequest(tenant_name=tenant, limits=limits))
    request = pb.QuantifyPromptRequest(tenant_name=tenant, text="a kite", request_id="one")
    nothing = common_pb2.Money(currency_code="USD", micros=0)
    request.max_cost.CopyFrom(nothing)
    first = prompts.QuantifyPrompt(request).prompt
    request.request_id = "two"
    refusal = refused(prompts.QuantifyPrompt, request)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TENANT_RATE_LIMITED")
    assert refusal.retry_after
    assert first.id
