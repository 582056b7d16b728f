"""Webhook endpoints over gRPC: made, told of jobs, rotated, tried, sent again; nobody else's are there."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from filmgate.v1 import account_service_pb2 as pb
from filmgate.v1 import account_service_pb2_grpc, job_pb2, webhook_pb2
from google.protobuf.duration_pb2 import Duration
from grpc_status import rpc_status
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.chaos.hearing import Receiver
from tests.conftest import Served, serving
from tests.server.calling import Stub, refused, stub_on, wanted

ENABLED, DISABLED = webhook_pb2.WEBHOOK_ENDPOINT_STATE_ENABLED, webhook_pb2.WEBHOOK_ENDPOINT_STATE_DISABLED
NOBODYS = "hook_01K9ZZZZZZZZZZZZZZZZZZZZZZ"
BEYOND: Any = 99


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """Who is told."""
    receiver = Receiver()
    yield receiver
    receiver.stop()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Served]:
    """A server that may call the receiver."""
    with serving(tmp_path_factory.mktemp("served"), webhook_origins=receiver.origin) as running:
        yield running


@pytest.fixture
def accounts(served: Served) -> Iterator[Any]:
    """A stock stub."""
    with grpc.insecure_channel(served.target) as channel:
        yield account_service_pb2_grpc.AccountServiceStub(channel)  # type: ignore[no-untyped-call] # generated code


@pytest.fixture
def videos(served: Served) -> Iterator[Stub]:
    """A stock stub."""
    with grpc.insecure_channel(served.target) as channel:
        yield stub_on(channel)


@pytest.fixture
def made(accounts: Any, receiver: Receiver, tenant: str) -> pb.CreateWebhookEndpointResponse:
    """An endpoint of the test's tenant; its path is the tenant's name."""
    request = pb.CreateWebhookEndpointRequest(
        tenant_name=tenant, url=f"{receiver.origin}/{tenant}", description="the end"
    )
    answer: pb.CreateWebhookEndpointResponse = accounts.CreateWebhookEndpoint(request)
    return answer


def eventually(look: Callable[[], Any]) -> Any:
    """What `look` finds, as soon as it finds anything."""
    end = time.monotonic() + 20
    while not (found := look()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def letters(receiver: Receiver, path: str) -> list[tuple[dict[str, str], bytes]]:
    """What came to a path."""
    return [(headers, body) for there, headers, body in list(receiver.letters) if there == f"/{path}"]


def test_a_job_is_told_to_the_endpoint_and_to_the_requests_own_address(
    accounts: Any, videos: Stub, receiver: Receiver, tenant: str, made: pb.CreateWebhookEndpointResponse
) -> None:
    request = wanted(tenant)
    request.webhook.url = f"{receiver.origin}/own-{tenant}"
    job = videos.GenerateVideo(request).job
    [(headers, body)] = eventually(lambda: letters(receiver, tenant))
    told = Webhook(made.secret).verify(body, headers)
    assert (told["type"], told["data"]["job_id"]) == ("job.ended", job.id)
    [(own_headers, own_body)] = eventually(lambda: letters(receiver, f"own-{tenant}"))
    own = accounts.GetWebhookSecret(pb.GetWebhookSecretRequest(tenant_name=tenant)).secret
    assert Webhook(own).verify(own_body, own_headers) == told
    with pytest.raises(WebhookVerificationError):
        Webhook(made.secret).verify(own_body, own_headers)
    log = pb.ListWebhookDeliveriesRequest(
        tenant_name=tenant, job_id=job.id, states=[webhook_pb2.WEBHOOK_DELIVERY_STATE_DELIVERED]
    )
    deliveries = eventually(lambda: (found := accounts.ListWebhookDeliveries(log).deliveries)[1:] and found)
    assert {each.endpoint_id for each in deliveries} == {made.endpoint.id, ""}
    for each in deliveries:
        assert ([tried.status for tried in each.tries], each.body) == ([204], body.decode())
        assert not each.HasField("next_time")


def test_an_endpoint_is_read_listed_changed_and_removed(
    accounts: Any, tenant: str, made: pb.CreateWebhookEndpointResponse
) -> None:
    endpoint = made.endpoint
    assert (endpoint.state, list(endpoint.events), endpoint.description) == (ENABLED, [], "the end")
    one: dict[str, Any] = {"tenant_name": tenant, "endpoint_id": endpoint.id}
    assert accounts.GetWebhookEndpoint(pb.GetWebhookEndpointRequest(**one)).endpoint == endpoint
    events = webhook_pb2.WebhookEvents(kinds=[job_pb2.JOB_EVENT_KIND_SETTLED, job_pb2.JOB_EVENT_KIND_ENDED])
    changed = accounts.UpdateWebhookEndpoint(
        pb.UpdateWebhookEndpointRequest(**one, events=events, description="", state=DISABLED)
    ).endpoint
    assert (changed.state, changed.state_reason, changed.description) == (DISABLED, "disabled on request", "")
    assert set(changed.events) == set(events.kinds)
    answer = refused(accounts.TestWebhookEndpoint, pb.TestWebhookEndpointRequest(**one))
    assert (answer.code, answer.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "WEBHOOK_DISABLED")
    again = accounts.UpdateWebhookEndpoint(pb.UpdateWebhookEndpointRequest(**one, state=ENABLED)).endpoint
    assert (again.state, again.state_reason) == (ENABLED, "")
    second = accounts.CreateWebhookEndpoint(pb.CreateWebhookEndpointRequest(tenant_name=tenant, url=endpoint.url))
    first_page = accounts.ListWebhookEndpoints(pb.ListWebhookEndpointsRequest(tenant_name=tenant, page_size=1))
    assert [each.id for each in first_page.endpoints] == [second.endpoint.id]
    last_page = accounts.ListWebhookEndpoints(
        pb.ListWebhookEndpointsRequest(tenant_name=tenant, page_size=1, page_token=first_page.next_page_token)
    )
    assert ([each.id for each in last_page.endpoints], last_page.next_page_token) == ([endpoint.id], "")
    accounts.DeleteWebhookEndpoint(pb.DeleteWebhookEndpointRequest(**one))
    assert refused(accounts.GetWebhookEndpoint, pb.GetWebhookEndpointRequest(**one)).reason == "NOT_FOUND"


def test_a_test_is_sent_sent_again_and_signed_by_both_secrets_for_a_while(
    accounts: Any, receiver: Receiver, tenant: str, made: pb.CreateWebhookEndpointResponse
) -> None:
    one: dict[str, Any] = {"tenant_name": tenant, "endpoint_id": made.endpoint.id}
    delivery = accounts.TestWebhookEndpoint(pb.TestWebhookEndpointRequest(**one)).delivery
    assert (delivery.type, delivery.job_id) == ("webhook.test", "")
    [(headers, body)] = eventually(lambda: letters(receiver, tenant))
    assert headers["webhook-id"] == delivery.id
    assert Webhook(made.secret).verify(body, headers)["data"] == {
        "endpoint_id": made.endpoint.id,
        "tenant_name": tenant,
    }
    rotated = accounts.RotateWebhookSecret(pb.RotateWebhookSecretRequest(**one)).secret
    again = pb.RedeliverWebhookRequest(tenant_name=tenant, delivery_id=delivery.id)
    eventually(lambda: _state(accounts, tenant) == webhook_pb2.WEBHOOK_DELIVERY_STATE_DELIVERED)
    accounts.RedeliverWebhook(again)
    _, (headers, same_body) = eventually(lambda: (found := letters(receiver, tenant))[1:] and found)
    assert (headers["webhook-id"], same_body) == (delivery.id, body)
    for secret in (made.secret, rotated):
        Webhook(secret).verify(body, headers)
    last = accounts.RotateWebhookSecret(pb.RotateWebhookSecretRequest(**one, overlap=Duration())).secret
    eventually(lambda: _state(accounts, tenant) == webhook_pb2.WEBHOOK_DELIVERY_STATE_DELIVERED)
    accounts.RedeliverWebhook(again)
    *_, (headers, _) = eventually(lambda: (found := letters(receiver, tenant))[2:] and found)
    Webhook(last).verify(body, headers)
    for secret in (made.secret, rotated):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, headers)


def _state(accounts: Any, tenant: str) -> int:
    [delivery] = accounts.ListWebhookDeliveries(pb.ListWebhookDeliveriesRequest(tenant_name=tenant)).deliveries
    return int(delivery.state)


def test_the_tenants_own_secret_is_told_again_and_rotated(accounts: Any, tenant: str) -> None:
    asked = pb.GetWebhookSecretRequest(tenant_name=tenant)
    first = accounts.GetWebhookSecret(asked).secret
    assert accounts.GetWebhookSecret(asked).secret == first
    rotated = accounts.RotateWebhookSecret(pb.RotateWebhookSecretRequest(tenant_name=tenant)).secret
    assert accounts.GetWebhookSecret(asked).secret == rotated != first
    other = accounts.GetWebhookSecret(pb.GetWebhookSecretRequest(tenant_name=f"{tenant}-b")).secret
    assert other not in (first, rotated)


def test_somebody_elses_is_not_found_byte_for_byte(
    accounts: Any, tenant: str, made: pb.CreateWebhookEndpointResponse
) -> None:
    delivery = accounts.TestWebhookEndpoint(
        pb.TestWebhookEndpointRequest(tenant_name=tenant, endpoint_id=made.endpoint.id)
    ).delivery
    nothing = delivery.id[:4] + NOBODYS[5:]
    calls: tuple[tuple[Any, Any, str, str, str], ...] = (
        (accounts.GetWebhookEndpoint, pb.GetWebhookEndpointRequest, "endpoint_id", made.endpoint.id, NOBODYS),
        (accounts.DeleteWebhookEndpoint, pb.DeleteWebhookEndpointRequest, "endpoint_id", made.endpoint.id, NOBODYS),
        (accounts.TestWebhookEndpoint, pb.TestWebhookEndpointRequest, "endpoint_id", made.endpoint.id, NOBODYS),
        (accounts.RotateWebhookSecret, pb.RotateWebhookSecretRequest, "endpoint_id", made.endpoint.id, NOBODYS),
        (accounts.UpdateWebhookEndpoint, _renaming, "endpoint_id", made.endpoint.id, NOBODYS),
        (accounts.RedeliverWebhook, pb.RedeliverWebhookRequest, "delivery_id", delivery.id, nothing),
    )
    for call, kind, field, theirs, nobodys in calls:
        answers = []
        for name in (theirs, nobodys):
            with pytest.raises(grpc.RpcError) as caught:
                call(kind(tenant_name=f"{tenant}-b", **{field: name}))
            answers.append(rpc_status.from_call(caught.value))  # type: ignore[arg-type] # a call, too
        assert answers[0] == answers[1]
        assert answers[0] is not None
        assert answers[0].code == grpc.StatusCode.NOT_FOUND.value[0]
    assert not accounts.ListWebhookDeliveries(pb.ListWebhookDeliveriesRequest(tenant_name=f"{tenant}-b")).deliveries
    assert not accounts.ListWebhookEndpoints(pb.ListWebhookEndpointsRequest(tenant_name=f"{tenant}-b")).endpoints


def _renaming(**fields: Any) -> pb.UpdateWebhookEndpointRequest:
    return pb.UpdateWebhookEndpointRequest(**fields, description="x")


@pytest.mark.parametrize(
    ("rpc", "request_", "fields"),
    [
        (
            "CreateWebhookEndpoint",
            pb.CreateWebhookEndpointRequest(events=[BEYOND], description="x" * 201),
            ("tenant_name", "url", "events", "description"),
        ),
        ("CreateWebhookEndpoint", pb.CreateWebhookEndpointRequest(tenant_name="a", url="https://127.0.0.1/"), ("url",)),
        ("GetWebhookEndpoint", pb.GetWebhookEndpointRequest(endpoint_id="x"), ("tenant_name", "endpoint_id")),
        ("UpdateWebhookEndpoint", pb.UpdateWebhookEndpointRequest(tenant_name="a", endpoint_id=NOBODYS), ("url",)),
        ("ListWebhookEndpoints", pb.ListWebhookEndpointsRequest(page_size=-1), ("tenant_name", "page_size")),
        ("ListWebhookEndpoints", pb.ListWebhookEndpointsRequest(tenant_name="a", page_token="AAAA"), ("page_token",)),
        (
            "RotateWebhookSecret",
            pb.RotateWebhookSecretRequest(tenant_name="a", endpoint_id="x", overlap=Duration(seconds=-1)),
            ("endpoint_id", "overlap"),
        ),
        ("GetWebhookSecret", pb.GetWebhookSecretRequest(), ("tenant_name",)),
        (
            "ListWebhookDeliveries",
            pb.ListWebhookDeliveriesRequest(tenant_name="a", endpoint_id="x", job_id="y", states=[BEYOND]),
            ("states", "endpoint_id", "job_id"),
        ),
        ("RedeliverWebhook", pb.RedeliverWebhookRequest(delivery_id="x"), ("tenant_name", "delivery_id")),
    ],
)
def test_bad_requests_name_every_field(accounts: Any, rpc: str, request_: Any, fields: tuple[str, ...]) -> None:
    answer = refused(getattr(accounts, rpc), request_)
    assert (answer.code, answer.fields) == (grpc.StatusCode.INVALID_ARGUMENT, fields)


def test_there_is_a_limit_and_everything_is_written_down(accounts: Any, receiver: Receiver, tenant: str) -> None:
    request = pb.CreateWebhookEndpointRequest(tenant_name=tenant, url=receiver.origin)
    for _ in range(16):
        accounts.CreateWebhookEndpoint(request)
    answer = refused(accounts.CreateWebhookEndpoint, request)
    assert (answer.code, answer.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "TOO_MANY_ENDPOINTS")
    entries = accounts.ListAuditEntries(pb.ListAuditEntriesRequest(tenant_name=tenant)).entries
    assert [each.outcome for each in entries] == ["TOO_MANY_ENDPOINTS", *["OK"] * 16]
    assert {each.action for each in entries} == {"CreateWebhookEndpoint"}
