"""Odd words of vendors, and answers of the database that are lost: everything can be kept, and is kept once."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from core.money import Money
from core.outcome import Failed, Reply
from jobs import tables
from jobs.orders import Page
from jobs.records import JobState, situation
from jobs.settle import bill_failure, fail_attempt
from ledger import ledger
from ledger.ledger import Basis

if TYPE_CHECKING:
    from tests.life.conftest import Workshop

Opened = Callable[..., "Awaitable[Workshop]"]
GEN45 = "runway/gen4.5"
ON_POSTGRES = pytest.mark.parametrize("kind", ["postgres"], indirect=True)
FAILED = b'{"id": "a", "status": "FAILED", "failure": "a\\u0000b \\ud800", "failureCode": "INTERNAL\\u0000.X"}'


@ON_POSTGRES
async def test_a_vendors_nul_is_kept_as_a_mark(opened: Opened) -> None:
    workshop = await opened()
    await workshop.script("runway", "stuck-running")
    job_id = await workshop.order(GEN45)
    view = await workshop.until(job_id, lambda view: view.clips[0].clip.stage == "VENDOR_RUNNING")
    clip_id, context = view.clips[0].clip.id, workshop.jobs.context
    found = await workshop.database.read(lambda connection: situation(connection, clip_id))
    assert found.last is not None
    outcome = context.provider(found.last).outcome(Reply(status=200, body=FAILED))
    assert isinstance(outcome, Failed)
    failure, bill = bill_failure(context, found, found.last, outcome)
    attempt, now = found.last, context.now()
    await workshop.database.write(lambda connection: fail_attempt(connection, found, attempt, failure, bill, now))
    query = sa.select(tables.attempts.c.failure["vendor_code"].as_string()).where(tables.attempts.c.id == attempt.id)
    code = await workshop.database.read(lambda connection: connection.execute(query).scalar_one())
    assert "\ufffd" in code
    assert "\x00" not in code
    await workshop.jobs.cancel(job_id, "acme")
    await workshop.ended(job_id)


@ON_POSTGRES
async def test_an_endpoint_whose_commit_was_not_confirmed_is_there_once(opened: Opened) -> None:
    workshop = await opened(webhook_origins=("http://127.0.0.1:1",))
    cut: list[None] = []

    def look(connection: Any, cursor: Any, statement: str, *_rest: object) -> None:
        """Written, but the answer to the commit is lost."""
        if statement.startswith(("INSERT INTO webhook_secret", "INSERT INTO delivery")) and not cut:
            cut.append(None)
            driver = cursor.connection
            driver.commit()
            driver.close()

    webhooks = workshop.jobs.webhooks
    sa.event.listen(workshop.database.engine, "after_cursor_execute", look)
    endpoint, secret = await webhooks.create("acme", "http://127.0.0.1:1/hook")
    assert cut
    assert [each.id for each in await webhooks.listed("acme", Page(size=10))] == [endpoint.id]
    assert webhooks.root.secret(endpoint.id, 1) == secret
    cut.clear()
    sent = await webhooks.test(endpoint.id, "acme")
    assert cut
    query = sa.select(tables.deliveries.c.id)
    assert await workshop.database.read(lambda connection: connection.execute(query).scalars().all()) == [sent.id]


async def test_a_clip_that_succeeded_may_have_cost_nobody_knows_what(opened: Opened) -> None:
    workshop = await opened()
    view = await workshop.ended(await workshop.order(GEN45, duration=2.0))
    assert (view.job.state, view.cost_unknown) == (JobState.SUCCEEDED, False)
    [attempt] = view.clips[0].attempts
    found = await workshop.database.read(lambda connection: situation(connection, view.clips[0].clip.id))

    async def told(source: str, *, unknown: bool) -> bool:
        def work(connection: sa.Connection) -> None:
            money, now = Money(currency=attempt.currency, micros=5), workshop.jobs.context.now()
            basis = Basis.UNKNOWN if unknown else Basis.VENDOR
            about = {"attempt_id": attempt.id, "source": source}
            ledger.correct(connection, found.account, money, basis, now, **about, unknown=unknown)

        await workshop.database.write(work)
        return (await workshop.jobs.view(view.job.id, "acme")).cost_unknown

    assert await told("first", unknown=True)
    assert not await told("second", unknown=False)
