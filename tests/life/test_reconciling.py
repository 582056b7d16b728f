"""The books beside a vendor's invoice, made from the emulators' own account with differences planted."""

import csv
import io
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from jobs import invoice, reconcile
from jobs.invoice import BadInvoice, Columns
from jobs.orders import JobView, Verdict, VerdictKind
from jobs.reconcile import Difference, Scope
from jobs.records import AttemptOutcome, JobState
from ledger.tables import entries
from server.cli import app

if TYPE_CHECKING:
    from tests.life.conftest import Workshop

Opened = Callable[..., "Awaitable[Workshop]"]
GEN45 = "runway/gen4.5"
RUNWAY = Scope(vendor="runway")
COMMUNITY = "replicate/cogvideox-5b"


def _csv(rows: Sequence[Mapping[str, Any]], header: Sequence[str] = ("Task ID", "Amount", "Currency", "Date")) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(header)
    writer.writerows([row["id"], row["amount"], row["currency"], row["date"]] for row in rows)
    return file.getvalue().encode()


async def _charged(workshop: "Workshop", vendor: str) -> list[dict[str, Any]]:
    """What the emulators charge, as an invoice would say it."""
    today = datetime.now(UTC).date().isoformat()
    jobs = [job for job in await workshop.vendor_jobs() if job["vendor"] == vendor and job["billed_micros"]]
    return [
        {"id": job["id"], "amount": f"{job['billed_micros'] / 1_000_000:.6f}", "currency": "XTS", "date": today}
        for job in jobs
    ]


async def _found(workshop: "Workshop", raw: bytes, scope: Scope = RUNWAY) -> reconcile.Reconciliation:
    read = invoice.read(raw)
    return await workshop.database.read(lambda connection: reconcile.reconcile(connection, read, scope))


async def _applied(workshop: "Workshop", raw: bytes, scope: Scope = RUNWAY) -> reconcile.Reconciliation:
    read, now = invoice.read(raw), workshop.jobs.context.now()
    return await workshop.database.write(lambda connection: reconcile.apply(connection, read, scope, now, "a test"))


async def _made(workshop: "Workshop", count: int, model: str = GEN45) -> list[JobView]:
    ids = [await workshop.order(model, prompt=f"clip {number}", duration=2.0) for number in range(count)]
    views = await workshop.all_ended(ids)
    assert {view.job.state for view in views} == {JobState.SUCCEEDED}
    return views


async def test_an_invoice_that_agrees_has_no_difference(opened: Opened) -> None:
    workshop = await opened()
    await _made(workshop, 3)
    found = await _found(workshop, _csv(await _charged(workshop, "runway")))
    assert (found.findings, found.remaining) == ([], [])
    assert found.totals["XTS"] == reconcile.Totals(ours=720_000, theirs=720_000, equal=3)


async def test_every_planted_difference_is_explained_and_what_can_be_is_corrected(opened: Opened) -> None:
    workshop = await opened(speed=400)
    missing, dearer, cheaper, same = await _made(workshop, 4)
    await workshop.script("runway", "lost-reply", contains="lost")
    lost = await workshop.ended(await workshop.order(GEN45, prompt="lost", duration=2.0))
    await workshop.jobs.resolve(lost.clips[0].clip.id, "acme", Verdict(kind=VerdictKind.ABANDON))
    await workshop.script("runway", "stuck-running", contains="slow")
    slow_id = await workshop.order(GEN45, prompt="slow", duration=2.0)
    slow = await workshop.until(slow_id, _accepted)
    rows = await _charged(workshop, "runway")
    by_id = {row["id"]: row for row in rows}
    del by_id[_task(missing)]
    by_id[_task(dearer)]["amount"] = "0.31"
    by_id[_task(cheaper)] |= {"amount": "$0.10"}
    stranger = {"id": "never-heard-of", "amount": "9.99", "currency": "XTS", "date": rows[0]["date"]}
    pending = {"id": _task(slow), "amount": "0.24", "currency": "XTS", "date": rows[0]["date"]}
    refund = {"id": _task(cheaper), "amount": "-0.02", "currency": "XTS", "date": rows[0]["date"]}
    by_id.setdefault(_task(slow), pending)
    raw = _csv([*by_id.values(), stranger, refund])
    found = await _found(workshop, raw)
    told = {finding.task_id: (finding.kind, finding.ours, finding.theirs) for finding in found.findings}
    [theirs] = [job["id"] for job in await workshop.vendor_jobs("lost")]
    assert told == {
        _task(missing): (Difference.MISSING_AT_VENDOR, 240_000, None),
        _task(dearer): (Difference.AMOUNT_DIFFERS, 240_000, 310_000),
        _task(cheaper): (Difference.AMOUNT_DIFFERS, 240_000, 80_000),
        "never-heard-of": (Difference.UNKNOWN_TO_US, None, 9_990_000),
        theirs: (Difference.UNKNOWN_TO_US, None, 240_000),
        _task(slow): (Difference.NOT_SETTLED, None, told[_task(slow)][2]),
        "": (Difference.MISSING_AT_VENDOR, 240_000, None),
    }
    by_task = {finding.task_id: finding for finding in found.findings}
    assert f"lost submit of {lost.clips[0].attempts[0].id}" in by_task[theirs].remark
    assert by_task[_task(dearer)].basis == dearer.clips[0].attempts[0].cost_basis
    assert by_task[_task(cheaper)].numbers == (2 + list(by_id).index(_task(cheaper)), len(by_id) + 3)
    assert found.totals["XTS"].equal == 1
    before = await _rows(workshop)
    applied = await _applied(workshop, raw)
    assert {finding.task_id for finding in applied.findings if finding.corrected} == {_task(dearer), _task(cheaper)}
    assert (await _rows(workshop))[: len(before)] == before
    costs = [(await workshop.jobs.view(view.job.id, "acme")).cost.micros for view in (dearer, cheaper, same)]
    assert costs == [310_000, 80_000, 240_000]
    again = await _applied(workshop, raw)
    assert len(again.findings) == len(found.findings) - 2
    assert (await workshop.verdict()).faults == ()


def _task(view: JobView) -> str:
    return view.clips[0].attempts[-1].vendor_task_id or ""


def _accepted(view: JobView) -> bool:
    return bool(view.clips[0].attempts) and view.clips[0].attempts[-1].outcome is AttemptOutcome.ACCEPTED


async def _rows(workshop: "Workshop") -> list[Any]:
    query = sa.select(entries).order_by(entries.c.id)
    return list(await workshop.database.read(lambda connection: connection.execute(query).all()))


async def test_an_invoice_makes_an_unknown_cost_known(opened: Opened) -> None:
    workshop = await opened()
    await workshop.script("replicate", "fail-E8765", contains="fails")
    view = await workshop.ended(await workshop.order(COMMUNITY, prompt="fails"))
    assert view.cost_unknown
    task = _task(view)
    row = {"id": task, "amount": "0.123456", "currency": "XTS", "date": datetime.now(UTC).date().isoformat()}
    scope = Scope(vendor="replicate")
    found = await _found(workshop, _csv([row]), scope)
    assert [(each.kind, each.theirs) for each in found.findings] == [(Difference.NOW_KNOWN, 123_456)]
    assert (await _applied(workshop, _csv([row]), scope)).remaining == []
    now = await workshop.jobs.view(view.job.id, "acme")
    assert (now.cost.micros, now.cost_unknown) == (123_456, False)
    assert (await _found(workshop, _csv([row]), scope)).findings == []


async def test_only_what_falls_into_the_invoices_time_is_missed(opened: Opened) -> None:
    workshop = await opened()
    await _made(workshop, 1)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    row = {"id": "x", "amount": "1", "currency": "XTS", "date": yesterday.isoformat()}
    kinds = [each.kind for each in (await _found(workshop, _csv([row]))).findings]
    assert kinds == [Difference.UNKNOWN_TO_US]
    wider = Scope(vendor="runway", until=datetime.now(UTC) + timedelta(hours=1))
    kinds = [each.kind for each in (await _found(workshop, _csv([row]), wider)).findings]
    assert kinds == [Difference.UNKNOWN_TO_US, Difference.MISSING_AT_VENDOR]
    dollars = _csv([row | {"currency": "USD"}])
    assert [each.kind for each in (await _found(workshop, dollars, wider)).findings] == [Difference.UNKNOWN_TO_US]


async def test_the_command_tells_and_its_status_says(opened: Opened, tmp_path: Path) -> None:
    workshop = await opened()
    await _made(workshop, 2)
    rows = await _charged(workshop, "runway")
    path = tmp_path / "invoice.csv"
    command = ["ledger", "reconcile", str(path), "--vendor", "runway", "--data-dir", str(workshop.data_dir)]
    path.write_bytes(_csv(rows))
    agreed = CliRunner().invoke(app, command)
    assert (agreed.exit_code, "0 differences" in agreed.output) == (0, True), agreed.output
    rows[0]["amount"] = "0.5"
    path.write_bytes(_csv(rows, ("Prediction", "Total", "Currency", "Date")))
    assert CliRunner().invoke(app, command).exit_code == 2
    columns = ["--task-column", "prediction"]
    differs = CliRunner().invoke(app, [*command, *columns])
    assert (differs.exit_code, "1 remain" in differs.output) == (1, True), differs.output
    applied = CliRunner().invoke(app, [*command, *columns, "--apply"])
    assert (applied.exit_code, "1 corrected, 0 remain" in applied.output) == (0, True), applied.output
    assert CliRunner().invoke(app, [*command, *columns]).exit_code == 0
    assert (await workshop.verdict()).faults == ()


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", ["line 1: no column is known to be the task", "line 1: no column is known to be the amount"]),
        ("id,amount\na,1.5\nb,1,5\n,2\nc,NaN\nd,Infinity\ne,\n", [f"line {number}: " for number in range(3, 8)]),
        ("id,amount,currency\na,1,dollars\n", ["line 2: 'DOLLARS' is no currency"]),
        ("id,amount,date\na,1,yesterday\n", ["line 2: 'yesterday' is no date"]),
        ("id,amount\na,1e400\nb,10000000000\n", ["line 2: ", "line 3: "]),
        ('id,amount\n"a,1\n', ["line 2: "]),
    ],
)
def test_a_bad_invoice_names_its_lines(text: str, faults: list[str]) -> None:
    with pytest.raises(BadInvoice) as refused:
        invoice.read(text.encode())
    assert len(refused.value.faults) == len(faults)
    assert all(told.startswith(begin) for told, begin in zip(refused.value.faults, faults, strict=True))


def test_invoices_are_read_exactly() -> None:
    raw = "\N{ZERO WIDTH NO-BREAK SPACE}When,Generation-ID,Cost USD\n"
    raw += "2026-11-21T23:30:00-02:00,g1,$0.1\n,g1,0.0000005\n\n,g2,1e-3\n"
    [first, second] = invoice.read(raw.encode(), Columns(date="when")).lines
    assert (first.task_id, first.money.micros, first.numbers) == ("g1", 100_001, (2, 3))
    assert first.day == datetime(2026, 11, 22, 1, 30, tzinfo=UTC)
    assert (second.money.micros, second.money.currency, second.numbers) == (1000, "USD", (5,))
    with pytest.raises(BadInvoice, match="there is no column 'price'"):
        invoice.read(raw.encode(), Columns(amount="price"))
    with pytest.raises(BadInvoice, match="not UTF-8"):
        invoice.read(b"\xff\xfe")
