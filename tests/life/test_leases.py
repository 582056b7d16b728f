"""A process whose lease has ended buys nothing and judges nothing until it is back; but what it knows counts."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from core.outcome import Accepted, Refused
from jobs.events import EventKind
from jobs.failover import Membership
from jobs.orders import JobView
from jobs.records import Attempt, AttemptOutcome, ClipState, JobState, situation
from jobs.sender import TOO_LATE, Sender
from jobs.submit import record

if TYPE_CHECKING:
    from tests.life.conftest import Workshop

pytestmark = pytest.mark.parametrize("kind", ["postgres"], indirect=True)
Opened = Callable[..., "Awaitable[Workshop]"]
GEN45 = "runway/gen4.5"
PATIENCE = 30.0


class Lease:
    """The process's lease, in the test's hands."""

    def __init__(self, workshop: "Workshop") -> None:
        membership = workshop.jobs.context.engine._membership
        assert membership is not None
        self._membership: Membership = membership
        membership._ending.set()  # it renews itself no more

    def end(self) -> None:
        """As after a long freeze, or a database that was away."""
        self._membership._valid_until = -1.0

    def renew(self) -> None:
        """As the next beat does."""
        self._membership.beat()

    def ends_with(self, workshop: "Workshop", words: str) -> None:
        """End the lease when a statement that begins like this is first carried out."""
        seen: list[str] = []

        def look(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            if statement.startswith(words) and not seen:
                seen.append(statement)
                self.end()

        sa.event.listen(workshop.database.engine, "after_cursor_execute", look)


def _held(workshop: "Workshop", monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set once a step stands before what it may not do without a lease."""
    engine, reached = workshop.jobs.context.engine, asyncio.Event()
    hold = engine.hold

    async def noted() -> None:
        if not engine.holds:
            reached.set()
        await hold()

    monkeypatch.setattr(engine, "hold", noted)
    return reached


async def _attempts(workshop: "Workshop", job_id: str) -> tuple[Attempt, ...]:
    [clip] = (await workshop.jobs.view(job_id, "acme")).clips
    return tuple(clip.attempts)


async def _books_are_right(workshop: "Workshop", jobs: int) -> None:
    assert len(await workshop.vendor_jobs()) == jobs
    assert await workshop.booked("SETTLE") == await workshop.vendor_bill()
    assert (await workshop.verdict()).faults == ()


async def test_a_lease_that_ends_after_the_intent_sends_nothing(opened: Opened) -> None:
    workshop = await opened()
    lease = Lease(workshop)
    lease.ends_with(workshop, "INSERT INTO attempt")
    job_id = await workshop.order(GEN45, duration=2.0)

    async def closed() -> tuple[Attempt, ...]:
        return tuple(attempt for attempt in await _attempts(workshop, job_id) if attempt.end_time is not None)

    [attempt] = await workshop.eventually(closed)
    assert (attempt.outcome, attempt.failure) == (AttemptOutcome.REFUSED, TOO_LATE.failure)
    assert await workshop.vendor_ledger() == []
    lease.renew()
    view = await workshop.ended(job_id)
    assert view.job.state is JobState.SUCCEEDED
    assert [each.number for each in view.clips[0].attempts] == [1, 2]
    await _books_are_right(workshop, 1)


async def _parked(workshop: "Workshop", fault: str) -> JobView:
    """A clip that a peer has parked: it found the intent of a process that it took for dead."""
    await workshop.script("runway", fault)
    view = await workshop.ended(await workshop.order(GEN45, duration=2.0))
    assert view.clips[0].clip.state is ClipState.PARKED
    return view


async def _learn(workshop: "Workshop", view: JobView, submitted: Accepted | Refused) -> None:
    """The process that was taken for dead gets to know what became of its POST."""
    clip_id, context = view.clips[0].clip.id, workshop.jobs.context
    found = await workshop.database.read(lambda connection: situation(connection, clip_id))
    assert found.last is not None
    await record(context, Sender(context), found, found.last, submitted)
    await record(context, Sender(context), found, found.last, submitted)


async def test_what_was_surely_not_sent_is_bought_by_another(opened: Opened) -> None:
    workshop = await opened()
    view = await _parked(workshop, "http-500")
    await _learn(workshop, view, TOO_LATE)
    ended = await workshop.until(view.job.id, lambda view: view.job.state.terminal)
    assert ended.job.state is JobState.SUCCEEDED
    assert [each.outcome for each in ended.clips[0].attempts] == [AttemptOutcome.REFUSED, AttemptOutcome.ACCEPTED]
    assert ended.clips[0].clip.run == 2
    await _books_are_right(workshop, 1)


async def test_a_ticket_that_comes_late_is_collected_by_another(opened: Opened) -> None:
    workshop = await opened()
    view = await _parked(workshop, "lost-reply")
    [bought] = await workshop.vendor_jobs()
    await _learn(workshop, view, Accepted(ticket={"id": bought["id"]}))
    ended = await workshop.until(view.job.id, lambda view: view.job.state.terminal)
    assert ended.job.state is JobState.SUCCEEDED
    kinds = [event.kind for event in await workshop.events(view.job.id)]
    assert kinds.count(EventKind.RESOLVED) == 1
    await _books_are_right(workshop, 1)


async def _unchanged_until(
    workshop: "Workshop", job_id: str, lease: Lease, held: asyncio.Event
) -> tuple[Attempt, JobView]:
    """Nothing more is written before the lease is back: the attempt as it was then, and the ended job."""
    async with asyncio.timeout(PATIENCE):
        await held.wait()
    [attempt] = await _attempts(workshop, job_id)
    assert attempt.end_time is None
    assert await workshop.booked("SETTLE") == 0
    lease.renew()
    return attempt, await workshop.ended(job_id)


async def test_a_failure_is_not_believed_without_a_lease(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    workshop = await opened()
    lease, held = Lease(workshop), _held(workshop, monkeypatch)
    await workshop.script("runway", "fail-INTERNAL", times=1)
    lease.ends_with(workshop, "UPDATE attempt SET outcome")  # the vendor has taken it
    _, view = await _unchanged_until(workshop, await workshop.order(GEN45, duration=2.0), lease, held)
    assert view.job.state is JobState.SUCCEEDED
    assert [each.failure is None for each in view.clips[0].attempts] == [False, True]
    await _books_are_right(workshop, 2)


@pytest.mark.parametrize("broken", [False, True], ids=["a-clip", "a-broken-file"])
async def test_nothing_is_stored_or_given_up_without_a_lease(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, broken: bool
) -> None:
    workshop = await opened()
    lease, held = Lease(workshop), _held(workshop, monkeypatch)
    if broken:
        await workshop.script("runway", "truncated", match="download", times=100)
    lease.ends_with(workshop, "UPDATE attempt SET result")  # ready to be collected
    job_id = await workshop.order(GEN45, duration=2.0)
    attempt, view = await _unchanged_until(workshop, job_id, lease, held)
    assert attempt.result is not None
    assert view.job.state is (JobState.FAILED if broken else JobState.SUCCEEDED)
    assert len(view.videos) == (not broken)
    await _books_are_right(workshop, 1)
