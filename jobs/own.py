"""Vendor options that name an earlier job at the vendor, where all tenants share an account: it must be their own."""

from collections.abc import Iterator, Mapping

import sqlalchemy as sa

from core.errors import Violation
from jobs import tables
from jobs.context import Context
from jobs.orders import Plan
from providers.model import Option, VideoModel


async def check(context: Context, tenant: str, plan: Plan) -> list[Violation]:
    """A violation for every option, of the model or of a fallback, whose job is not the tenant's, or nobody's."""
    rows = context.vendors.catalogue.rows
    specs = {plan.model: plan.spec} | {offer.model: offer.spec for offer in next(iter(plan.offers), ())}
    violations: dict[str, Violation] = {}
    for model, spec in specs.items():
        named = dict(_named(rows[model].options, spec.vendor_options, "vendor_options"))
        owned = await _owned(context, tenant, rows[model], frozenset(named.values())) if named else frozenset()
        for field, value in named.items():
            if value not in owned:
                text = f"must be the vendor task id of a job of {tenant} at {rows[model].provider}"
                violations.setdefault(field, Violation(field=field, message=text))
    return list(violations.values())


def _named(known: Mapping[str, Option], given: Mapping[str, object], path: str) -> Iterator[tuple[str, str]]:
    """Field and vendor's job id, for every option that names one."""
    for name, value in given.items():
        option, field = known.get(name), f"{path}.{name}"
        if option is None:
            continue
        if isinstance(value, Mapping):
            yield from _named(option.fields, value, field)
        elif option.own_job and isinstance(value, str):
            yield field, value


async def _owned(context: Context, tenant: str, row: VideoModel, wanted: frozenset[str]) -> frozenset[str]:
    """Those of the ids that the tenant's own attempts have got, at the endpoints where the row is bought."""
    # Where a vendor has got further credentials since, attempts before that carry its name alone.
    endpoints = {name for each in context.vendors.endpoints(row) for name in (each.name, each.name.partition("#")[0])}
    attempts, clips, jobs = tables.attempts, tables.clips, tables.jobs
    query = (
        sa.select(attempts.c.vendor_task_id)
        .join(clips, clips.c.id == attempts.c.clip_id)
        .join(jobs, jobs.c.id == clips.c.job_id)
        .where(attempts.c.endpoint.in_(endpoints), attempts.c.vendor_task_id.in_(wanted), jobs.c.tenant == tenant)
    )
    return await context.database.read(lambda connection: frozenset(connection.execute(query).scalars()))
