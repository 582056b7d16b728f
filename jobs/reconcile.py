"""Our books beside a vendor's invoice: every difference is explained, and may be corrected by further entries."""

import enum
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from core.errors import Billed
from core.money import MOCK_CURRENCY, Money
from jobs import audit, funds, tables
from jobs.endpoints import provider_of
from jobs.invoice import Invoice, Line
from jobs.records import Attempt, attempt_of, failure_json, situation
from ledger import ledger
from ledger.ledger import Kind
from ledger.tables import entries

BASIS = "the vendor's invoice"
_AT_ONCE = 500
_NEAR = timedelta(days=1)
"""How far a task's day on the invoice may lie from a lost submit that it explains."""


class Difference(enum.StrEnum):
    """How an invoice and the books may differ."""

    MISSING_AT_VENDOR = "missing at the vendor"
    UNKNOWN_TO_US = "unknown to us"
    AMOUNT_DIFFERS = "the amount differs"
    NOW_KNOWN = "unknown until now"
    NOT_SETTLED = "not settled yet"
    OTHER_CURRENCY = "another currency"


CORRECTABLE = frozenset({Difference.AMOUNT_DIFFERS, Difference.NOW_KNOWN})
"""What the invoice settles: the task is ours, and it says what it cost."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One difference. Money in micros of `currency`; None: there is nothing on that side."""

    kind: Difference
    currency: str
    task_id: str
    ours: int | None
    theirs: int | None
    attempt: Attempt | None = None
    basis: str = ""
    """How we came to our amount."""
    numbers: tuple[int, ...] = ()
    """Lines of the invoice."""
    remark: str = ""
    corrected: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    """Sums of one currency, in micros."""

    ours: int
    theirs: int
    equal: int
    """Tasks on which both agree."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reconciliation:
    """What came of it."""

    findings: Sequence[Finding]
    totals: Mapping[str, Totals]

    @property
    def remaining(self) -> list[Finding]:
        """Differences that are still there."""
        return [finding for finding in self.findings if not finding.corrected]


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Whose invoice, and over which time it is complete. Without a time: over that of its lines."""

    vendor: str
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Booked:
    attempt: Attempt
    micros: int | None
    """What the ledger has; None: nothing yet."""
    unknown: bool


def reconcile(connection: sa.Connection, invoice: Invoice, scope: Scope) -> Reconciliation:
    """Compare; changes nothing."""
    currencies = {line.money.currency for line in invoice.lines}
    span = _span(invoice, scope)
    booked = _booked(connection, scope.vendor, invoice, span)
    by_task = {each.attempt.vendor_task_id: each for each in booked if each.attempt.vendor_task_id}
    lost = [each for each in booked if each.attempt.vendor_task_id is None and each.unknown]
    findings: list[Finding] = []
    equal: Counter[str] = Counter()
    for line in invoice.lines:
        finding = _compared(line, by_task.get(line.task_id), lost)
        if finding is None:
            equal[line.money.currency] += 1
        else:
            findings.append(finding)
    charged = {line.task_id for line in invoice.lines}
    missing = [each for each in booked if each.attempt.vendor_task_id not in charged and each.micros]
    absent = [each for each in missing if each.attempt.currency in currencies and _within(each.attempt, span)]
    findings += [_missing(each) for each in absent]
    counted = [each for each in booked if each.attempt.vendor_task_id in charged] + absent
    totals = {currency: _totals(currency, counted, invoice, equal[currency]) for currency in sorted(currencies)}
    return Reconciliation(findings=findings, totals=totals)


def apply(connection: sa.Connection, invoice: Invoice, scope: Scope, now: datetime, caller: str) -> Reconciliation:
    """Compare, and book what the invoice settles as further entries. What was written stays as it is."""
    found = reconcile(connection, invoice, scope)
    findings = []
    for finding in found.findings:
        if finding.kind in CORRECTABLE and finding.attempt is not None:
            _correct(connection, finding, finding.attempt, invoice, now)
            findings.append(replace(finding, corrected=True))
        else:
            findings.append(finding)
    detail = f"{len(findings)} differences, {sum(each.corrected for each in findings)} corrected"
    act = audit.Act(caller=caller, action="Reconcile", target=f"{scope.vendor} {invoice.digest}", detail=detail)
    audit.write(connection, act, audit.OK, now)
    return replace(found, findings=findings)


def _compared(line: Line, ours: _Booked | None, lost: Sequence[_Booked]) -> Finding | None:
    theirs, currency = line.money.micros, line.money.currency
    if ours is None:
        return Finding(
            kind=Difference.UNKNOWN_TO_US,
            currency=currency,
            task_id=line.task_id,
            ours=None,
            theirs=theirs,
            numbers=line.numbers,
            remark=_perhaps(line, lost),
        )
    attempt = ours.attempt
    kind, remark = None, ""
    if attempt.currency != currency:
        kind, remark = Difference.OTHER_CURRENCY, f"it was bought in {attempt.currency}"
    elif ours.micros is None:
        kind, remark = Difference.NOT_SETTLED, f"the attempt has not ended, it was quoted {attempt.quote_micros} micros"
    elif ours.unknown:
        kind, remark = Difference.NOW_KNOWN, "what was booked was only our quote"
    elif ours.micros != theirs:
        kind = Difference.AMOUNT_DIFFERS
    if kind is None:
        return None
    return Finding(
        kind=kind,
        currency=currency,
        task_id=line.task_id,
        ours=ours.micros,
        theirs=theirs,
        attempt=attempt,
        basis=attempt.cost_basis or "",
        numbers=line.numbers,
        remark=remark,
    )


def _perhaps(line: Line, lost: Sequence[_Booked]) -> str:
    """Which lost submits a task nobody knows may have come from."""
    near = [
        each.attempt
        for each in lost
        if each.attempt.currency == line.money.currency
        and (line.day is None or abs(each.attempt.intend_time - line.day) <= _NEAR)
    ]
    if not near:
        return "no attempt of ours has this task"
    likely = sorted(near, key=lambda attempt: abs(attempt.quote_micros - line.money.micros))[:3]
    names = ", ".join(f"{attempt.id} of clip {attempt.clip_id}" for attempt in likely)
    return f"no attempt of ours has this task; it may be the lost submit of {names}"


def _missing(ours: _Booked) -> Finding:
    remark = "booked, but not charged"
    if ours.unknown:
        remark = "booked as unknown, and not charged within the time of this invoice"
    return Finding(
        kind=Difference.MISSING_AT_VENDOR,
        currency=ours.attempt.currency,
        task_id=ours.attempt.vendor_task_id or "",
        ours=ours.micros,
        theirs=None,
        attempt=ours.attempt,
        basis=ours.attempt.cost_basis or "",
        remark=remark,
    )


def _totals(currency: str, booked: Sequence[_Booked], invoice: Invoice, equal: int) -> Totals:
    return Totals(
        ours=sum(each.micros or 0 for each in booked if each.attempt.currency == currency),
        theirs=sum(line.money.micros for line in invoice.lines if line.money.currency == currency),
        equal=equal,
    )


_Span = tuple[datetime | None, datetime | None]


def _span(invoice: Invoice, scope: Scope) -> _Span:
    """The time over which the invoice is complete: whole days, UTC, where its own lines say so."""
    days = [line.day for line in invoice.lines if line.day is not None]
    first = min(days).replace(hour=0, minute=0, second=0, microsecond=0) if days else None
    last = max(days).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1) if days else None
    return scope.since or first, scope.until or last


def _within(attempt: Attempt, span: _Span) -> bool:
    since, until = span
    moment = attempt.submit_time or attempt.intend_time
    return (since is None or moment >= since) and (until is None or moment < until)


def _booked(connection: sa.Connection, vendor: str, invoice: Invoice, span: _Span) -> list[_Booked]:
    """A vendor's attempts that the invoice names or that fall into its time, with what the ledger has for them."""
    attempts = tables.attempts
    mocked = any(line.money.currency == MOCK_CURRENCY for line in invoice.lines)
    prefixes = ("", "mock:") if mocked else ("",)
    mine = sa.or_(*(attempts.c.endpoint.startswith(f"{prefix}{vendor}", autoescape=True) for prefix in prefixes))
    taken = sa.or_(attempts.c.vendor_task_id.is_not(None), attempts.c.cost_micros.is_not(None))
    near = [attempts.c.intend_time >= span[0] - _NEAR] if span[0] else []
    near += [attempts.c.intend_time < span[1] + _NEAR] if span[1] else []
    found = {row.id: attempt_of(row) for row in connection.execute(sa.select(attempts).where(mine, taken, *near))}
    ids = sorted({line.task_id for line in invoice.lines} - {each.vendor_task_id for each in found.values()})
    for start in range(0, len(ids), _AT_ONCE):
        named = sa.select(attempts).where(mine, attempts.c.vendor_task_id.in_(ids[start : start + _AT_ONCE]))
        found |= {row.id: attempt_of(row) for row in connection.execute(named)}
    ours = [each for _, each in sorted(found.items()) if provider_of(each.endpoint) == vendor]
    sums = _sums(connection, sorted({each.clip_id for each in ours}))
    found_sums = ((each, *sums.get(each.id, (None, False))) for each in ours)
    return [_Booked(attempt=each, micros=micros, unknown=unknown) for each, micros, unknown in found_sums]


def _sums(connection: sa.Connection, clip_ids: Sequence[str]) -> dict[str, tuple[int, bool]]:
    """Attempt -> what is settled for it, corrections included, and whether nobody knows so far."""
    columns = (entries.c.attempt_id, entries.c.micros, entries.c.unknown)
    query = sa.select(*columns).where(entries.c.kind == str(Kind.SETTLE)).order_by(entries.c.id)
    sums: dict[str, tuple[int, bool]] = {}
    for start in range(0, len(clip_ids), _AT_ONCE):
        for row in connection.execute(query.where(entries.c.clip_id.in_(clip_ids[start : start + _AT_ONCE]))):
            name = row.attempt_id.partition("/")[0]
            sums[name] = (sums.get(name, (0, False))[0] + row.micros, bool(row.unknown))
    return sums


def _correct(connection: sa.Connection, finding: Finding, attempt: Attempt, invoice: Invoice, now: datetime) -> None:
    """Book the difference, and let the attempt say what it cost."""
    found = situation(connection, attempt.clip_id)
    theirs = finding.theirs or 0
    difference = Money(currency=finding.currency, micros=theirs - (finding.ours or 0))
    ledger.correct(
        connection, found.account, difference, BASIS, now, attempt_id=attempt.id, source=f"invoice-{invoice.digest}"
    )
    funds.watch_bill(connection, found, attempt, difference.micros, BASIS, now)
    billed = Billed.YES if theirs else Billed.NO
    failure = None if attempt.failure is None else replace(attempt.failure, billed=billed)
    values = {"cost_micros": theirs, "cost_basis": BASIS, "failure": failure_json(failure)}
    connection.execute(sa.update(tables.attempts).where(tables.attempts.c.id == attempt.id).values(**values))
