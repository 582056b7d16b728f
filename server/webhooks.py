"""The rpcs of `filmgate.v1.AccountService` about webhooks: read, ask the webhooks' room, answer."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

import grpc
from filmgate.v1 import account_service_pb2 as pb
from filmgate.v1 import job_pb2, webhook_pb2

from core.errors import FilmgateError
from jobs.audit import OK, Act
from jobs.events import EventKind
from jobs.life import Jobs
from jobs.orders import Page
from jobs.webhooks import DeliveryFilter, DeliveryView, Endpoint, EndpointChange
from server import words
from server.callers import Callers
from server.checks import Findings
from server.convert import timestamp
from server.pages import PageTokens
from server.queries import fingerprint, page_size
from server.words import short

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"  # generic in the stubs only
_LONGEST_DESCRIPTION = 200
_LONGEST_OVERLAP = 7 * 86_400
_USUAL_OVERLAP = timedelta(days=1)


class WebhookCalls:
    """A part of the account service."""

    def __init__(self, jobs: Jobs, pages: PageTokens, callers: Callers) -> None:
        self._jobs = jobs
        self._webhooks = jobs.webhooks
        self._tokens = pages
        self._who = callers

    async def CreateWebhookEndpoint(  # noqa: N802 - the contract's name
        self, request: pb.CreateWebhookEndpointRequest, context: Context
    ) -> pb.CreateWebhookEndpointResponse:
        """Make an endpoint."""
        findings = Findings()
        tenant = findings.tenant(request.tenant_name)
        if not request.url:
            findings.add("url", "is required: a public https address")
        events = _kinds(request.events, "events", findings)
        description = findings.text("description", request.description, _LONGEST_DESCRIPTION)
        findings.raise_if_any()
        async with self._noted("CreateWebhookEndpoint", context, tenant, tenant):
            endpoint, secret = await self._webhooks.create(tenant, request.url, events, description)
        return pb.CreateWebhookEndpointResponse(endpoint=_endpoint(endpoint), secret=secret)

    async def GetWebhookEndpoint(  # noqa: N802 - the contract's name
        self, request: pb.GetWebhookEndpointRequest, context: Context
    ) -> pb.GetWebhookEndpointResponse:
        """Read an endpoint."""
        tenant, endpoint_id = _target(request)
        return pb.GetWebhookEndpointResponse(endpoint=_endpoint(await self._webhooks.get(endpoint_id, tenant)))

    async def ListWebhookEndpoints(  # noqa: N802 - the contract's name
        self, request: pb.ListWebhookEndpointsRequest, context: Context
    ) -> pb.ListWebhookEndpointsResponse:
        """Read a page of endpoints."""
        paging = _paging(request, Findings())
        found = await self._webhooks.listed(paging.tenant, self._page(paging))
        shown = found[: paging.size]
        token = self._tokens.make(paging.fingerprint, shown[-1].id) if len(found) > paging.size else ""
        return pb.ListWebhookEndpointsResponse(endpoints=[_endpoint(row) for row in shown], next_page_token=token)

    async def UpdateWebhookEndpoint(  # noqa: N802 - the contract's name
        self, request: pb.UpdateWebhookEndpointRequest, context: Context
    ) -> pb.UpdateWebhookEndpointResponse:
        """Change an endpoint."""
        tenant, endpoint_id, change = _update(request)
        async with self._noted("UpdateWebhookEndpoint", context, tenant, endpoint_id):
            endpoint = await self._webhooks.update(endpoint_id, tenant, change)
        return pb.UpdateWebhookEndpointResponse(endpoint=_endpoint(endpoint))

    async def DeleteWebhookEndpoint(  # noqa: N802 - the contract's name
        self, request: pb.DeleteWebhookEndpointRequest, context: Context
    ) -> pb.DeleteWebhookEndpointResponse:
        """Remove an endpoint."""
        tenant, endpoint_id = _target(request)
        async with self._noted("DeleteWebhookEndpoint", context, tenant, endpoint_id):
            await self._webhooks.delete(endpoint_id, tenant)
        return pb.DeleteWebhookEndpointResponse()

    async def RotateWebhookSecret(  # noqa: N802 - the contract's name
        self, request: pb.RotateWebhookSecretRequest, context: Context
    ) -> pb.RotateWebhookSecretResponse:
        """Make a new secret."""
        tenant, endpoint_id, overlap = _rotation(request)
        async with self._noted("RotateWebhookSecret", context, tenant, endpoint_id or tenant):
            if endpoint_id:
                _, secret = await self._webhooks.rotate(endpoint_id, tenant, overlap)
            else:
                secret = await self._webhooks.rotate_own(tenant, overlap)
        return pb.RotateWebhookSecretResponse(secret=secret)

    async def GetWebhookSecret(  # noqa: N802 - the contract's name
        self, request: pb.GetWebhookSecretRequest, context: Context
    ) -> pb.GetWebhookSecretResponse:
        """Read the secret of the requests' own webhooks."""
        findings = Findings()
        tenant = findings.tenant(request.tenant_name)
        findings.raise_if_any()
        async with self._noted("GetWebhookSecret", context, tenant, tenant):
            secret = await self._webhooks.own_secret(tenant)
        return pb.GetWebhookSecretResponse(secret=secret)

    async def ListWebhookDeliveries(  # noqa: N802 - the contract's name
        self, request: pb.ListWebhookDeliveriesRequest, context: Context
    ) -> pb.ListWebhookDeliveriesResponse:
        """Read a page of the log."""
        findings = Findings()
        kind = webhook_pb2.WebhookDeliveryState
        states = [findings.one_of("states", state or -1, kind) for state in request.states[:16]]
        wanted = DeliveryFilter(
            endpoint_id=findings.identifier("endpoint_id", "hook", request.endpoint_id, required=False),
            job_id=findings.identifier("job_id", "job", request.job_id, required=False),
            states=tuple(short(kind, state, "WEBHOOK_DELIVERY_STATE_") for state in states if state),
        )
        paging = _paging(request, findings)
        found = await self._webhooks.deliveries(paging.tenant, wanted, self._page(paging))
        shown = found[: paging.size]
        token = self._tokens.make(paging.fingerprint, shown[-1].id) if len(found) > paging.size else ""
        return pb.ListWebhookDeliveriesResponse(deliveries=[_delivery(row) for row in shown], next_page_token=token)

    async def RedeliverWebhook(  # noqa: N802 - the contract's name
        self, request: pb.RedeliverWebhookRequest, context: Context
    ) -> pb.RedeliverWebhookResponse:
        """Send again."""
        findings = Findings()
        tenant = findings.tenant(request.tenant_name)
        delivery_id = findings.identifier("delivery_id", "evt", request.delivery_id)
        findings.raise_if_any()
        async with self._noted("RedeliverWebhook", context, tenant, delivery_id):
            view = await self._webhooks.redeliver(delivery_id, tenant)
        return pb.RedeliverWebhookResponse(delivery=_delivery(view))

    async def TestWebhookEndpoint(  # noqa: N802 - the contract's name
        self, request: pb.TestWebhookEndpointRequest, context: Context
    ) -> pb.TestWebhookEndpointResponse:
        """Send a test."""
        tenant, endpoint_id = _target(request)
        async with self._noted("TestWebhookEndpoint", context, tenant, endpoint_id):
            view = await self._webhooks.test(endpoint_id, tenant)
        return pb.TestWebhookEndpointResponse(delivery=_delivery(view))

    def _page(self, paging: "_Paging") -> Page:
        return Page(size=paging.size + 1, before=self._tokens.read(paging.fingerprint, paging.token))

    @contextlib.asynccontextmanager
    async def _noted(self, action: str, context: Context, tenant: str, target: str) -> AsyncIterator[None]:
        """Write down what was done, or what was refused."""
        act = Act(caller=self._who.name(context), action=action, tenant=tenant, target=target)
        try:
            yield
        except FilmgateError as error:
            await self._jobs.accounts.note(act, str(error.reason))
            raise
        await self._jobs.accounts.note(act, OK)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Paging:
    tenant: str
    size: int
    token: str
    fingerprint: str


def _paging(request: pb.ListWebhookEndpointsRequest | pb.ListWebhookDeliveriesRequest, findings: Findings) -> _Paging:
    tenant, size = findings.tenant(request.tenant_name), page_size(request.page_size, findings)
    findings.raise_if_any()
    return _Paging(tenant=tenant, size=size, token=request.page_token, fingerprint=fingerprint(request))


_Target: TypeAlias = (
    pb.GetWebhookEndpointRequest
    | pb.UpdateWebhookEndpointRequest
    | pb.DeleteWebhookEndpointRequest
    | pb.TestWebhookEndpointRequest
)


def _target(request: _Target) -> tuple[str, str]:
    findings = Findings()
    found = _named(request, findings)
    findings.raise_if_any()
    return found


def _named(request: _Target, findings: Findings) -> tuple[str, str]:
    return findings.tenant(request.tenant_name), findings.identifier("endpoint_id", "hook", request.endpoint_id)


def _update(request: pb.UpdateWebhookEndpointRequest) -> tuple[str, str, EndpointChange]:
    findings = Findings()
    tenant, endpoint_id = _named(request, findings)
    state = findings.one_of("state", request.state, webhook_pb2.WebhookEndpointState)
    described = request.HasField("description")
    change = EndpointChange(
        url=request.url if request.HasField("url") else None,
        events=_kinds(request.events.kinds, "events.kinds", findings) if request.HasField("events") else None,
        description=findings.text("description", request.description, _LONGEST_DESCRIPTION) if described else None,
        enabled=state == webhook_pb2.WEBHOOK_ENDPOINT_STATE_ENABLED if state else None,
    )
    if change == EndpointChange() and not findings.violations:
        findings.add("url", "nothing is to be changed: set `url`, `events`, `description` or `state`")
    findings.raise_if_any()
    return tenant, endpoint_id, change


def _rotation(request: pb.RotateWebhookSecretRequest) -> tuple[str, str, timedelta]:
    findings = Findings()
    tenant = findings.tenant(request.tenant_name)
    endpoint_id = findings.identifier("endpoint_id", "hook", request.endpoint_id, required=False)
    overlap = _USUAL_OVERLAP
    if request.HasField("overlap"):
        overlap = timedelta(seconds=findings.seconds("overlap", request.overlap, 0, _LONGEST_OVERLAP) or 0.0)
    findings.raise_if_any()
    return tenant, endpoint_id, overlap


def _kinds(values: Any, field: str, findings: Findings) -> tuple[str, ...]:
    """The events' short words, sorted."""
    if len(values) > 64:
        findings.add(field, "may be at most 64")
    numbers = [findings.one_of(field, value or -1, job_pb2.JobEventKind) for value in values[:64]]
    chosen = {short(job_pb2.JobEventKind, number, "JOB_EVENT_KIND_") for number in numbers if number}
    return tuple(sorted(chosen & {str(kind) for kind in EventKind}))


def _endpoint(row: Endpoint) -> webhook_pb2.WebhookEndpoint:
    return webhook_pb2.WebhookEndpoint(
        id=row.id,
        tenant_name=row.tenant,
        url=row.url,
        events=[words.EVENTS[event] for event in row.events],
        description=row.description,
        state=words.ENDPOINT_STATES["ENABLED" if row.enabled else "DISABLED"],
        state_reason=row.reason,
        create_time=timestamp(row.create_time),
        update_time=timestamp(row.update_time),
    )


def _delivery(row: DeliveryView) -> webhook_pb2.WebhookDelivery:
    message = webhook_pb2.WebhookDelivery(
        id=row.id,
        tenant_name=row.tenant,
        endpoint_id=row.endpoint_id,
        job_id=row.job_id,
        type=row.kind,
        url=row.url,
        body=row.body,
        state=words.DELIVERY_STATES[row.state],
        tries=[
            webhook_pb2.WebhookTry(
                time=timestamp(tried.time), status=tried.status, error=tried.error, milliseconds=tried.milliseconds
            )
            for tried in row.tries
        ],
        create_time=timestamp(row.create_time),
    )
    if row.next_time is not None:
        message.next_time.CopyFrom(timestamp(row.next_time))
    return message
