"""From the contract's account messages to what the accounts desk is asked for; all violations at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from filmgate.v1 import account_pb2
from filmgate.v1 import account_service_pb2 as pb

from core.money import USD, Money
from jobs.audit import AuditFilter
from jobs.tenants import Ambiguous, TenantChange, TenantLimits, TenantPolicy, TenantState
from jobs.usage import Dimension
from ledger.budgets import Period
from ledger.ledger import Kind
from ledger.usage import EntryFilter, Window
from server.checks import Findings
from server.queries import fingerprint, moment, page_size
from server.variables import LARGEST_BURST, MOST_PER_SECOND
from server.words import short

_LONGEST_NAME = 200
_USUAL_WINDOW = timedelta(days=30)
_LONGEST_WINDOW = timedelta(days=400)
_ACTION_LENGTH = 64

BudgetRequest: TypeAlias = pb.GetBudgetRequest | pb.DeleteBudgetRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class Paging:
    """A page that is asked for."""

    size: int
    token: str
    fingerprint: str
    """Of everything that must stay as it was from page to page."""
    tenant: str = ""
    entries: EntryFilter = field(default_factory=EntryFilter)
    audit: AuditFilter = field(default_factory=AuditFilter)


def tenant_name(request: pb.GetTenantRequest | pb.ListBudgetsRequest) -> str:
    """The tenant. Raises InvalidRequest."""
    findings = Findings()
    name = findings.tenant(request.tenant_name)
    findings.raise_if_any()
    return name


def create_tenant(request: pb.CreateTenantRequest) -> tuple[str, TenantChange]:
    """Name, and what it starts as. Raises InvalidRequest."""
    findings = Findings()
    name = findings.tenant(request.tenant_name)
    start = TenantChange(
        display_name=findings.text("display_name", request.display_name, _LONGEST_NAME),
        policy=_policy(request.policy, findings),
        limits=_limits(request.limits, findings),
    )
    findings.raise_if_any()
    return name, start


def update_tenant(request: pb.UpdateTenantRequest) -> tuple[str, TenantChange]:
    """Name and what to change. Raises InvalidRequest."""
    findings = Findings()
    name = findings.tenant(request.tenant_name)
    named = request.HasField("display_name")
    state = findings.one_of("state", request.state, account_pb2.TenantState)
    if state in (account_pb2.TENANT_STATE_DELETING, account_pb2.TENANT_STATE_DELETED):
        findings.add("state", "is set by DeleteTenant alone")
    change = TenantChange(
        display_name=findings.text("display_name", request.display_name, _LONGEST_NAME) if named else None,
        state=TenantState(short(account_pb2.TenantState, state, "TENANT_STATE_")) if state else None,
        policy=_policy(request.policy, findings) if request.HasField("policy") else None,
        limits=_limits(request.limits, findings) if request.HasField("limits") else None,
    )
    if change == TenantChange() and not findings.violations:
        findings.add("display_name", "nothing is to be changed: set `display_name`, `state`, `policy` or `limits`")
    findings.raise_if_any()
    return name, change


def _policy(policy: account_pb2.TenantPolicy, findings: Findings) -> TenantPolicy:
    chosen = findings.one_of("policy.ambiguous", policy.ambiguous, account_pb2.AmbiguousPolicy)
    word = short(account_pb2.AmbiguousPolicy, chosen, "AMBIGUOUS_POLICY_") if chosen else Ambiguous.PARK
    return TenantPolicy(ambiguous=Ambiguous(word), default_fallbacks=policy.use_default_fallbacks)


def delete_tenant(request: pb.DeleteTenantRequest) -> tuple[str, bool]:
    """Name, and whether unfinished jobs are cancelled. Raises InvalidRequest."""
    findings = Findings()
    name = findings.tenant(request.tenant_name)
    findings.raise_if_any()
    return name, request.force


def _limits(limits: account_pb2.TenantLimits, findings: Findings) -> TenantLimits:
    part = findings.under("limits")
    rates = {
        name: part.number(name, getattr(limits, name), 0, MOST_PER_SECOND) if getattr(limits, name) else 0.0
        for name in ("requests_per_second", "reads_per_second")
        if limits.HasField(name)
    }
    burst = part.whole("burst", limits.burst, 0, LARGEST_BURST) if limits.HasField("burst") else None
    return TenantLimits(burst=burst, **rates)


def set_budget(request: pb.SetBudgetRequest) -> tuple[str, Period, Money]:
    """Tenant, period and limit. Raises InvalidRequest."""
    findings = Findings()
    name, period = findings.tenant(request.tenant_name), _period(request.period, findings)
    limit = None
    if not request.HasField("limit"):
        findings.add("limit", "is required: the most that may be spent")
    elif request.limit.currency_code != USD:
        findings.add("limit.currency_code", f"must be {USD}: mock money is in no budget")
    else:
        limit = findings.money("limit", USD, request.limit.micros)
    findings.raise_if_any()
    return name, period, limit or Money(currency=USD, micros=0)


def budget(request: BudgetRequest) -> tuple[str, Period]:
    """Tenant and period. Raises InvalidRequest."""
    findings = Findings()
    found = findings.tenant(request.tenant_name), _period(request.period, findings)
    findings.raise_if_any()
    return found


def _period(value: int, findings: Findings) -> Period:
    number = findings.one_of("period", value or -1, account_pb2.BudgetPeriod)
    return Period(short(account_pb2.BudgetPeriod, number, "BUDGET_PERIOD_")) if number else Period.TOTAL


def get_usage(request: pb.GetUsageRequest, now: datetime) -> tuple[Window, Sequence[Dimension]]:
    """The window and its dimensions. Raises InvalidRequest."""
    findings = Findings()
    until = moment("time_before", request, findings) or now
    since = moment("time_from", request, findings) or until - _USUAL_WINDOW
    if not since < until <= since + _LONGEST_WINDOW:
        findings.add("time_before", f"must be after `time_from`, by at most {_LONGEST_WINDOW.days} days")
    window = Window(
        since=since,
        until=until,
        tenant=_optional_tenant(request.tenant_name, findings),
        model=findings.word("model", request.model),
        vendor=findings.word("vendor", request.vendor),
        creative_id=findings.creative(request.creative_id, required=False),
    )
    kind = account_pb2.UsageDimension
    numbers = [findings.one_of("group_by", value or -1, kind) for value in request.group_by[: len(Dimension) + 1]]
    words = [Dimension(short(kind, number, "USAGE_DIMENSION_")) for number in numbers if number]
    if len(set(words)) < len(request.group_by) and not findings.violations:
        findings.add("group_by", "may name each dimension once only")
    findings.raise_if_any()
    return window, words


def list_tenants(request: pb.ListTenantsRequest) -> Paging:
    """Which page. Raises InvalidRequest."""
    findings = Findings()
    return _paging(request, findings)


def list_parked_clips(request: pb.ListParkedClipsRequest) -> Paging:
    """Whose clips, which page. Raises InvalidRequest."""
    findings = Findings()
    return _paging(request, findings, tenant=_optional_tenant(request.tenant_name, findings))


def list_ledger_entries(request: pb.ListLedgerEntriesRequest) -> Paging:
    """Which entries, which page. Raises InvalidRequest."""
    findings = Findings()
    kind = account_pb2.LedgerEntryKind
    kinds = [findings.one_of("kinds", value or -1, kind) for value in request.kinds[:16]]
    wanted = EntryFilter(
        tenant=_optional_tenant(request.tenant_name, findings),
        job_id=findings.identifier("job_id", "job", request.job_id, required=False),
        clip_id=findings.identifier("clip_id", "clip", request.clip_id, required=False),
        creative_id=findings.creative(request.creative_id, required=False),
        model=findings.word("model", request.model),
        kinds=frozenset(Kind(short(kind, each, "LEDGER_ENTRY_KIND_")) for each in kinds if each),
        since=moment("time_from", request, findings),
        until=moment("time_before", request, findings),
        unknown_only=request.unknown_only,
    )
    return _paging(request, findings, entries=wanted)


def list_audit_entries(request: pb.ListAuditEntriesRequest) -> Paging:
    """Which entries, which page. Raises InvalidRequest."""
    findings = Findings()
    wanted = AuditFilter(
        tenant=_optional_tenant(request.tenant_name, findings),
        action=findings.text("action", request.action, _ACTION_LENGTH),
        caller=findings.text("caller", request.caller, _ACTION_LENGTH),
        since=moment("time_from", request, findings),
        until=moment("time_before", request, findings),
    )
    return _paging(request, findings, audit=wanted)


def _paging(request: Any, findings: Findings, **wanted: Any) -> Paging:
    size = page_size(request.page_size, findings)
    findings.raise_if_any()
    return Paging(size=size, token=request.page_token, fingerprint=fingerprint(request), **wanted)


def _optional_tenant(value: str, findings: Findings) -> str:
    return findings.tenant(value) if value else ""
