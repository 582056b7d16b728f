"""`account …`: tenants, budgets, usage, parked clips and who changed what; for operators."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Annotated, Any

import typer
from filmgate.v1 import account_pb2, common_pb2, quote_pb2
from filmgate.v1 import account_service_pb2 as messages
from filmgate_client import FilmgateClient
from google.protobuf.timestamp_pb2 import Timestamp

from clients.commands import connection, output, words
from clients.commands.refusals import plain

app = typer.Typer(help="Tenants, budgets, usage; for operators.", no_args_is_help=True)
Everyone = Annotated[bool, typer.Option("--everyone", help="Of every tenant.")]
Limit = Annotated[int, typer.Option(min=1, help="Most rows to show.")]
_LARGEST_PAGE = 200
_TENANT_COLUMNS = ("tenant", "name", "state", "ambiguous attempts", "default fallbacks", "since")
_DIMENSIONS = ("day", "model", "creative", "stage", "vendor", "tenant")


@app.command("tenants")
def tenants(
    limit: Limit = 100,
    as_json: connection.AsJson = False,
    target: connection.Target = connection.TARGET,
    api_key: connection.ApiKey = "",
    insecure: connection.Insecure = False,
) -> None:
    """Every tenant, by name."""
    with connection.connect(target, "", api_key, insecure) as client:
        request = messages.ListTenantsRequest()
        found = _rows(client, "ListTenants", request, "tenants", limit)
    if not _printed(found, as_json):
        output.print_table(_TENANT_COLUMNS, map(_tenant_row, found))


@app.command("tenant")
def tenant(
    create: Annotated[bool, typer.Option("--create", help="Make it before its first job does.")] = False,
    name: Annotated[str | None, typer.Option(help="A name for people.", show_default=False)] = None,
    active: Annotated[
        bool | None, typer.Option("--active/--suspended", help="Whether new work is taken.", show_default=False)
    ] = None,
    ambiguous: Annotated[
        str, typer.Option(help="park or resubmit: what is done with maybe-bought clips.", show_default=False)
    ] = "",
    default_fallbacks: Annotated[bool, typer.Option("--default-fallbacks", help="With --ambiguous.")] = False,
    as_json: connection.AsJson = False,
    target: connection.Target = connection.TARGET,
    tenant: connection.Tenant = connection.TENANT,
    api_key: connection.ApiKey = "",
    insecure: connection.Insecure = False,
) -> None:
    """Show, make or change the tenant named by --tenant."""
    policy = _policy(ambiguous, default_fallbacks) if ambiguous else None
    with connection.connect(target, tenant, api_key, insecure) as client:
        if create:
            made = messages.CreateTenantRequest(tenant_name=tenant, display_name=name or "", policy=policy)
            client.account("CreateTenant", made)
        elif name is not None or active is not None or policy is not None:
            state = account_pb2.TENANT_STATE_ACTIVE if active else account_pb2.TENANT_STATE_SUSPENDED
            change = messages.UpdateTenantRequest(tenant_name=tenant, display_name=name, policy=policy)
            change.state = account_pb2.TENANT_STATE_UNSPECIFIED if active is None else state
            client.account("UpdateTenant", change)
        found = client.account("GetTenant", messages.GetTenantRequest(tenant_name=tenant)).tenant
    if not _printed([found], as_json):
        output.print_table(_TENANT_COLUMNS, [_tenant_row(found)])


@app.command("budgets")
def budgets(
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Such as day=25.00 or month=off; repeatable. In USD.", show_default=False),
    ] = None,
    as_json: connection.AsJson = False,
    target: connection.Target = connection.TARGET,
    tenant: connection.Tenant = connection.TENANT,
    api_key: connection.ApiKey = "",
    insecure: connection.Insecure = False,
) -> None:
    """The budgets of the tenant named by --tenant: day, month and total."""
    changes = [_budget_change(text, tenant) for text in set_ or ()]
    with connection.connect(target, tenant, api_key, insecure) as client:
        for rpc, request in changes:
            client.account(rpc, request)
        found = client.account("ListBudgets", messages.ListBudgetsRequest(tenant_name=tenant)).budgets
    if not _printed(found, as_json):
        output.print_table(("budget", "limit", "spent", "held", "available", "renews"), map(_budget_row, found))


@app.command("usage")
def usage(
    by: Annotated[list[str] | None, typer.Option(help="day, model, creative, stage, vendor, tenant.")] = None,
    days: Annotated[int, typer.Option(min=1, max=400, help="The last days, today included.")] = 30,
    everyone: Everyone = False,
    as_json: connection.AsJson = False,
    target: connection.Target = connection.TARGET,
    tenant: connection.Tenant = connection.TENANT,
    api_key: connection.ApiKey = "",
    insecure: connection.Insecure = False,
) -> None:
    """What was spent and what came of it; what nobody knows apart."""
    dimensions = [_dimension(word) for word in by or ("day", "model")]
    begin = Timestamp()
    begin.FromDatetime(datetime.now(UTC).replace(hour=0, minute=0, second=0) - timedelta(days=days - 1))
    request = messages.GetUsageRequest(
        tenant_name="" if everyone else tenant, time_from=begin, group_by=[f"USAGE_DIMENSION_{d}" for d in dimensions]
    )
    with connection.connect(target, tenant, api_key, insecure) as client:
        found = client.account("GetUsage", request)
    if _printed([found], as_json):
        return
    names = [word.lower() for word in dimensions]
    columns = (*names, "settled", "unknown", "held", "clips", "seconds", "cost / quote", "success", "alarms")
    rows = [(*(_told(row, word) for word in names), *_usage_row(row)) for row in found.rows]
    output.print_table(columns, [*rows, (*("" for _ in names), *_usage_row(found.total))])


@app.command("parked")
def parked(
    everyone: Everyone = False,
    limit: Limit = 100,
    as_json: connection.AsJson = False,
    target: connection.Target = connection.TARGET,
    tenant: connection.Tenant = connection.TENANT,
    api_key: connection.ApiKey = "",
    insecure: connection.Insecure = False,
) -> None:
    """Clips that wait for a decision: see `resolve`."""
    request = messages.ListParkedClipsRequest(tenant_name="" if everyone else tenant)
    with connection.connect(target, tenant, api_key, insecure) as client:
        found = _rows(client, "ListParkedClips", request, "clips", limit)
    if not _printed(found, as_json):
        columns = ("clip", "tenant", "creative", "model", "attempt", "held", "sent", "ends", "why")
        output.print_table(columns, map(_parked_row, found))


@app.command("audit")
def audit(
    everyone: Everyone = False,
    action: Annotated[str, typer.Option(help="Such as SetBudget or Alarm.", show_default=False)] = "",
    limit: Limit = 50,
    as_json: connection.AsJson = False,
    target: connection.Target = connection.TARGET,
    tenant: connection.Tenant = connection.TENANT,
    api_key: connection.ApiKey = "",
    insecure: connection.Insecure = False,
) -> None:
    """Who changed what, and the alarms about money."""
    request = messages.ListAuditEntriesRequest(tenant_name="" if everyone else tenant, action=action)
    with connection.connect(target, tenant, api_key, insecure) as client:
        found = _rows(client, "ListAuditEntries", request, "entries", limit)
    if not _printed(found, as_json):
        output.print_table(("time", "who", "what", "tenant", "to", "outcome", "detail"), map(_audit_row, found))


def _rows(client: FilmgateClient, rpc: str, request: Any, field: str, limit: int) -> list[Any]:
    """The first rows of a list."""
    request.page_size = min(limit, _LARGEST_PAGE)
    return list(islice(_pages(client, rpc, request, field), limit))


def _pages(client: FilmgateClient, rpc: str, request: Any, field: str) -> Iterator[Any]:
    """The rows of a list, page by page as they are needed."""
    while True:
        page = client.account(rpc, request)
        yield from getattr(page, field)
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


def _printed(found: Any, as_json: bool) -> bool:
    for message in found if as_json else ():
        output.print_json(message)
    return as_json


def _policy(ambiguous: str, default_fallbacks: bool) -> account_pb2.TenantPolicy:
    if ambiguous not in {"park", "resubmit"}:
        raise typer.BadParameter("--ambiguous is park or resubmit")
    resubmit = ambiguous == "resubmit"
    chosen = account_pb2.AMBIGUOUS_POLICY_RESUBMIT if resubmit else account_pb2.AMBIGUOUS_POLICY_PARK
    return account_pb2.TenantPolicy(ambiguous=chosen, use_default_fallbacks=default_fallbacks)


def _budget_change(text: str, tenant: str) -> tuple[str, Any]:
    period, _, amount = text.partition("=")
    name = f"BUDGET_PERIOD_{period.upper()}"
    if name not in account_pb2.BudgetPeriod.keys()[1:]:
        raise typer.BadParameter(f"{text}: a budget is per day, month or total, as in day=25.00")
    if amount == "off":
        return "DeleteBudget", messages.DeleteBudgetRequest(tenant_name=tenant, period=name)
    try:
        micros = int(Decimal(amount) * 1_000_000)
    except (InvalidOperation, ValueError, OverflowError):
        raise typer.BadParameter(f"{text}: {amount!r} is no amount, such as 25.00, nor off") from None
    limit = common_pb2.Money(currency_code="USD", micros=micros)
    return "SetBudget", messages.SetBudgetRequest(tenant_name=tenant, period=name, limit=limit)


def _dimension(word: str) -> str:
    if word not in _DIMENSIONS:
        raise typer.BadParameter(f"--by is one of {', '.join(_DIMENSIONS)}")
    return word.upper()


def _tenant_row(row: account_pb2.Tenant) -> tuple[str, ...]:
    return (
        plain(row.name),
        plain(row.display_name),
        words.colored(words.enum_word(account_pb2.TenantState, row.state, "TENANT_STATE_")),
        words.enum_word(account_pb2.AmbiguousPolicy, row.policy.ambiguous, "AMBIGUOUS_POLICY_").lower(),
        "yes" if row.policy.use_default_fallbacks else "no",
        words.moment(row.create_time),
    )


def _budget_row(row: account_pb2.Budget) -> tuple[str, ...]:
    return (
        words.enum_word(account_pb2.BudgetPeriod, row.period, "BUDGET_PERIOD_").lower(),
        words.amount_text(row.limit),
        words.amount_text(row.spent),
        words.amount_text(row.held),
        words.amount_text(row.available),
        words.moment(row.renew_time) or "never",
    )


def _told(row: account_pb2.UsageRow, dimension: str) -> str:
    if dimension == "stage":
        return words.enum_word(quote_pb2.CostStage, row.stage, "COST_STAGE_").lower()
    return plain(getattr(row, {"creative": "creative_id", "tenant": "tenant_name"}.get(dimension, dimension)))


def _usage_row(row: account_pb2.UsageRow) -> tuple[str, ...]:
    alarms = [words.enum_word(account_pb2.UsageAlarm, alarm, "USAGE_ALARM_") for alarm in row.alarms]
    return (
        words.amount_text(row.settled),
        words.amount_text(row.unknown),
        words.amount_text(row.held),
        f"{row.succeeded}/{row.clips}",
        words.length(row.video_duration),
        f"{row.cost_ratio:.2f}" if row.HasField("cost_ratio") else "",
        f"{row.success_rate:.0%}" if row.HasField("success_rate") else "",
        f"[red]{', '.join(alarms).lower().replace('_', ' ')}[/]" if alarms else "",
    )


def _parked_row(row: account_pb2.ParkedClip) -> tuple[str, ...]:
    return (
        plain(row.clip_id),
        plain(row.tenant_name),
        plain(row.creative_id),
        plain(row.model),
        str(row.attempt_number),
        words.amount_text(row.held),
        words.moment(row.submit_time),
        words.moment(row.expire_time),
        plain(row.detail),
    )


def _audit_row(row: account_pb2.AuditEntry) -> tuple[str, ...]:
    told = (row.caller, row.action, row.tenant_name, row.target, row.outcome, row.detail)
    return (words.moment(row.time), *map(plain, told))
