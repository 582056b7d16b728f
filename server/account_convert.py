"""From what the accounts desk answers to the contract's messages."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from filmgate.v1 import account_pb2, common_pb2

from core.money import MOCK_CURRENCY, USD
from jobs.accounts import Parked
from jobs.audit import AuditEntry
from jobs.endpoints import provider_of
from jobs.tenants import Tenant, TenantLimits
from jobs.usage import Dimension, Figures, Group, Usage
from ledger.budgets import Standing
from ledger.usage import Entry
from server import words
from server.convert import duration, money, timestamp


def tenant(row: Tenant) -> account_pb2.Tenant:
    """A tenant."""
    policy = account_pb2.TenantPolicy(
        ambiguous=words.AMBIGUOUS[row.policy.ambiguous], use_default_fallbacks=row.policy.default_fallbacks
    )
    message = account_pb2.Tenant(
        name=row.name,
        display_name=row.display_name,
        state=words.TENANT_STATES[row.state],
        policy=policy,
        limits=_limits(row.limits),
        create_time=timestamp(row.create_time),
        update_time=timestamp(row.update_time),
    )
    _moment(message.delete_time, row.delete_time)
    return message


def _limits(row: TenantLimits) -> account_pb2.TenantLimits:
    return account_pb2.TenantLimits(
        requests_per_second=row.requests_per_second, burst=row.burst, reads_per_second=row.reads_per_second
    )


def limits_told(row: TenantLimits | None) -> str:
    """Limits in words, for the audit entry; empty when none is set."""
    told = {} if row is None else asdict(row)
    return ", ".join(f"{name} {value:g}" for name, value in told.items() if value is not None)


def budget(row: Standing) -> account_pb2.Budget:
    """A budget as it stands."""
    message = account_pb2.Budget(
        tenant_name=row.tenant,
        period=words.BUDGET_PERIODS[row.period],
        limit=_dollars(row.limit),
        spent=_dollars(row.spent),
        held=_dollars(row.held),
        available=_dollars(row.left),
        create_time=timestamp(row.create_time),
        update_time=timestamp(row.update_time),
    )
    _moment(message.start_time, row.span.start)
    _moment(message.renew_time, row.span.end)
    return message


def usage_rows(found: Usage) -> list[account_pb2.UsageRow]:
    """Rows of usage."""
    return [usage_row(found.dimensions, group, figures) for group, figures in found.rows]


def usage_row(dimensions: Any, group: Group, figures: Figures) -> account_pb2.UsageRow:
    """One row of usage; the dimensions that were not asked for stay empty."""
    told = dict(zip(dimensions, group, strict=True))
    return account_pb2.UsageRow(
        day=told.get(Dimension.DAY, ""),
        model=told.get(Dimension.MODEL, ""),
        creative_id=told.get(Dimension.CREATIVE, ""),
        stage=words.COST_STAGES.get(told.get(Dimension.STAGE, "").upper()),
        vendor=told.get(Dimension.VENDOR, ""),
        tenant_name=told.get(Dimension.TENANT, ""),
        settled=_dollars(figures.booked - figures.unknown),
        unknown=_dollars(figures.unknown),
        held=_dollars(figures.held),
        quoted=_dollars(figures.quoted),
        clips=figures.succeeded + figures.failed + figures.cancelled,
        succeeded=figures.succeeded,
        failed=figures.failed,
        video_duration=duration(figures.seconds),
        cost_ratio=figures.cost_ratio,
        success_rate=figures.success_rate,
        alarms=[words.USAGE_ALARMS[alarm] for alarm in figures.alarms],
    )


def entry(row: Entry) -> account_pb2.LedgerEntry:
    """A ledger entry."""
    return account_pb2.LedgerEntry(
        id=row.id,
        time=timestamp(row.time),
        tenant_name=row.tenant,
        creative_id=row.creative_id,
        job_id=row.job_id,
        clip_id=row.clip_id,
        attempt_id=row.attempt_id,
        kind=words.LEDGER_KINDS[row.kind],
        stage=words.COST_STAGES[row.stage.upper()],
        model=row.model,
        amount=common_pb2.Money(currency_code=row.currency, micros=row.micros),
        basis=row.basis,
        unknown=row.unknown,
    )


def parked(found: Parked) -> account_pb2.ParkedClip:
    """A clip that waits for a decision."""
    return account_pb2.ParkedClip(
        tenant_name=found.job.tenant,
        creative_id=found.job.creative_id,
        job_id=found.job.id,
        clip_id=found.clip.id,
        clip_index=found.clip.position,
        attempt_number=found.attempt.number,
        model=found.attempt.model,
        vendor=provider_of(found.attempt.endpoint),
        mock=found.attempt.currency == MOCK_CURRENCY,
        held=money(found.held),
        submit_time=timestamp(found.attempt.intend_time),
        expire_time=timestamp(found.expire_time),
        detail=found.attempt.detail,
    )


def audit_entry(row: AuditEntry) -> account_pb2.AuditEntry:
    """What was done."""
    return account_pb2.AuditEntry(
        id=row.id,
        time=timestamp(row.time),
        caller=row.caller,
        action=row.action,
        tenant_name=row.tenant,
        target=row.target,
        outcome=row.outcome,
        detail=row.detail,
    )


def _dollars(micros: int) -> common_pb2.Money:
    return common_pb2.Money(currency_code=USD, micros=micros)


def _moment(field: Any, moment: datetime | None) -> None:
    if moment is not None:
        field.CopyFrom(timestamp(moment))
