"""The rpcs of `filmgate.v1.AccountService`: read, ask the accounts desk, answer."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import grpc
from filmgate.v1 import account_service_pb2 as pb
from filmgate.v1 import account_service_pb2_grpc

from core.errors import InvalidRequest, Violation
from jobs.accounts import Accounts
from jobs.audit import Act
from jobs.life import Jobs
from jobs.usage import Dimension
from server import account_convert as convert
from server import account_queries as queries
from server.callers import Callers
from server.convert import timestamp
from server.pages import PageTokens
from server.webhooks import WebhookCalls

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"  # generic in the stubs only
_MOST_ROWS = 10_000


class AccountService(WebhookCalls, account_service_pb2_grpc.AccountServiceServicer):
    """One instance per server."""

    def __init__(self, jobs: Jobs, pages: PageTokens, callers: Callers) -> None:
        super().__init__(jobs, pages, callers)
        self._accounts: Accounts = jobs.accounts
        self._erasure = jobs.erasure
        self._now = jobs.context.now
        self._pages = pages
        self._callers = callers

    async def CreateTenant(  # noqa: N802 - the contract's name
        self, request: pb.CreateTenantRequest, context: Context
    ) -> pb.CreateTenantResponse:
        """Make a tenant's row."""
        name, start = queries.create_tenant(request)
        act = self._act("CreateTenant", context, name, detail=convert.limits_told(start.limits))
        return pb.CreateTenantResponse(tenant=convert.tenant(await self._accounts.create_tenant(name, start, act)))

    async def GetTenant(self, request: pb.GetTenantRequest, context: Context) -> pb.GetTenantResponse:  # noqa: N802 - the contract's name
        """Read a tenant."""
        return pb.GetTenantResponse(tenant=convert.tenant(await self._accounts.tenant(queries.tenant_name(request))))

    async def ListTenants(self, request: pb.ListTenantsRequest, context: Context) -> pb.ListTenantsResponse:  # noqa: N802 - the contract's name
        """Read a page of tenants."""
        paging = queries.list_tenants(request)
        found = await self._accounts.tenants(paging.size + 1, self._after(paging))
        shown = found[: paging.size]
        token = self._token(paging, shown[-1].name) if len(found) > paging.size else ""
        return pb.ListTenantsResponse(tenants=[convert.tenant(row) for row in shown], next_page_token=token)

    async def UpdateTenant(  # noqa: N802 - the contract's name
        self, request: pb.UpdateTenantRequest, context: Context
    ) -> pb.UpdateTenantResponse:
        """Change a tenant."""
        name, change = queries.update_tenant(request)
        words = [f"state {change.state}"] if change.state else []
        words += [f"ambiguous {change.policy.ambiguous}"] if change.policy else []
        words += [convert.limits_told(change.limits)] if change.limits else []
        act = self._act("UpdateTenant", context, name, detail=", ".join(words))
        return pb.UpdateTenantResponse(tenant=convert.tenant(await self._accounts.update_tenant(name, change, act)))

    async def DeleteTenant(  # noqa: N802 - the contract's name
        self, request: pb.DeleteTenantRequest, context: Context
    ) -> pb.DeleteTenantResponse:
        """Erase a tenant."""
        name, force = queries.delete_tenant(request)
        async with self._noted("DeleteTenant", context, name, name):
            tenant = await self._erasure.begin(name, force=force)
        return pb.DeleteTenantResponse(tenant=convert.tenant(tenant))

    async def SetBudget(self, request: pb.SetBudgetRequest, context: Context) -> pb.SetBudgetResponse:  # noqa: N802 - the contract's name
        """Set a budget."""
        name, period, limit = queries.set_budget(request)
        act = self._act("SetBudget", context, name, str(period), str(limit))
        return pb.SetBudgetResponse(budget=convert.budget(await self._accounts.set_budget(name, period, limit, act)))

    async def GetBudget(self, request: pb.GetBudgetRequest, context: Context) -> pb.GetBudgetResponse:  # noqa: N802 - the contract's name
        """Read a budget."""
        return pb.GetBudgetResponse(budget=convert.budget(await self._accounts.budget(*queries.budget(request))))

    async def ListBudgets(self, request: pb.ListBudgetsRequest, context: Context) -> pb.ListBudgetsResponse:  # noqa: N802 - the contract's name
        """Read a tenant's budgets."""
        found = await self._accounts.budgets(queries.tenant_name(request))
        return pb.ListBudgetsResponse(budgets=[convert.budget(row) for row in found])

    async def DeleteBudget(  # noqa: N802 - the contract's name
        self, request: pb.DeleteBudgetRequest, context: Context
    ) -> pb.DeleteBudgetResponse:
        """Lift a budget."""
        name, period = queries.budget(request)
        await self._accounts.delete_budget(name, period, self._act("DeleteBudget", context, name, str(period)))
        return pb.DeleteBudgetResponse()

    async def GetUsage(self, request: pb.GetUsageRequest, context: Context) -> pb.GetUsageResponse:  # noqa: N802 - the contract's name
        """Sum up."""
        window, dimensions = queries.get_usage(request, self._now())
        found = await self._accounts.usage(window, dimensions)
        if len(found.rows) > _MOST_ROWS:
            raise _too_many(dimensions)
        return pb.GetUsageResponse(
            rows=convert.usage_rows(found),
            total=convert.usage_row((), (), found.total),
            time_from=timestamp(window.since),
            time_before=timestamp(window.until),
        )

    async def ListLedgerEntries(  # noqa: N802 - the contract's name
        self, request: pb.ListLedgerEntriesRequest, context: Context
    ) -> pb.ListLedgerEntriesResponse:
        """Read a page of the ledger."""
        paging = queries.list_ledger_entries(request)
        before = self._after(paging)
        found = await self._accounts.entries(paging.entries, paging.size + 1, int(before) if before else None)
        shown = found[: paging.size]
        token = self._token(paging, str(shown[-1].id)) if len(found) > paging.size else ""
        return pb.ListLedgerEntriesResponse(entries=[convert.entry(row) for row in shown], next_page_token=token)

    async def ListParkedClips(  # noqa: N802 - the contract's name
        self, request: pb.ListParkedClipsRequest, context: Context
    ) -> pb.ListParkedClipsResponse:
        """Read a page of what waits for a decision."""
        paging = queries.list_parked_clips(request)
        found = await self._accounts.parked(paging.tenant, paging.size + 1, self._after(paging))
        shown = found[: paging.size]
        token = self._token(paging, shown[-1].clip.id) if len(found) > paging.size else ""
        return pb.ListParkedClipsResponse(clips=[convert.parked(row) for row in shown], next_page_token=token)

    async def ListAuditEntries(  # noqa: N802 - the contract's name
        self, request: pb.ListAuditEntriesRequest, context: Context
    ) -> pb.ListAuditEntriesResponse:
        """Read a page of what was done."""
        paging = queries.list_audit_entries(request)
        found = await self._accounts.audit(paging.audit, paging.size + 1, self._after(paging))
        shown = found[: paging.size]
        token = self._token(paging, shown[-1].id) if len(found) > paging.size else ""
        return pb.ListAuditEntriesResponse(entries=[convert.audit_entry(row) for row in shown], next_page_token=token)

    def _act(self, action: str, context: Context, tenant: str, target: str = "", detail: str = "") -> Act:
        caller = self._callers.name(context)
        return Act(caller=caller, action=action, tenant=tenant, target=target or tenant, detail=detail)

    def _after(self, paging: queries.Paging) -> str:
        return self._pages.read(paging.fingerprint, paging.token)

    def _token(self, paging: queries.Paging, last: str) -> str:
        return self._pages.make(paging.fingerprint, last)


def _too_many(dimensions: Sequence[Dimension]) -> InvalidRequest:
    text = f"there would be more than {_MOST_ROWS:,} rows by {', '.join(dimensions)}: ask for fewer or a shorter time"
    return InvalidRequest.of([Violation(field="group_by", message=text)])
