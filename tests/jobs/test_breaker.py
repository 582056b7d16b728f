"""Circuit breakers: when each opens and closes, what callers are told, and whom it never touches."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from filmgate.v1 import model_pb2
from filmgate.v1 import video_service_pb2 as pb

from core.database import sqlite_engine
from core.errors import Failure, FailureReason, Precondition
from core.outcome import Accepted, Ambiguous, Refused, Submitted
from core.spec import Wish
from emulators.server import EmulatorServer
from emulators.vendors import replicate, runway
from emulators.world import Options
from jobs.breaker import Breaker
from jobs.endpoints import Endpoint, RowState, Vendors
from jobs.orders import JobView, Order
from jobs.records import JobState
from media.pool import MediaPool
from providers.catalogue import ADAPTERS, CATALOGUE
from server import schema
from server.catalogue import CatalogueAnswers
from server.vendors import mock_endpoints
from tests.life.conftest import POLICY, Workshop

MODEL = "runway/gen4.5"
ROW = CATALOGUE.rows[MODEL]
OTHER = "replicate/seedance-1-lite"
GOOD = "good"
"""The one key that the emulators of this module take."""

ACCEPTED = Accepted(ticket={"id": "1"})
LOST = Ambiguous(detail="HTTP 500")
MINUTE = timedelta(minutes=1)
PAUSE = timedelta(seconds=30)
in_the_room = pytest.mark.asyncio(loop_scope="module")


def refused(reason: FailureReason) -> Refused:
    return Refused(failure=Failure(reason=reason, message="no"))


AUTH, CREDIT = refused(FailureReason.VENDOR_AUTH), refused(FailureReason.VENDOR_CREDIT)
DOWN = refused(FailureReason.VENDOR_UNAVAILABLE)


@dataclass
class Watch:
    """A clock that a test sets."""

    at: datetime = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@dataclass
class Timed:
    """A breaker and its clock."""

    now: Watch = field(default_factory=Watch)
    breaker: Breaker = field(init=False)

    def __post_init__(self) -> None:
        self.breaker = Breaker(now=self.now)

    def note(self, *submitted: Submitted) -> None:
        for each in submitted:
            self.breaker.note(each)

    def pass_time(self, time: timedelta) -> None:
        self.now.at += time


@pytest.fixture
def timed() -> Timed:
    """A closed breaker."""
    return Timed()


@pytest.mark.parametrize(
    ("refusal", "words"),
    [(AUTH, "refused the operator's credential"), (CREDIT, "has no credit left")],
    ids=["auth", "credit"],
)
def test_one_refusal_of_key_or_account_opens(timed: Timed, refusal: Refused, words: str) -> None:
    assert timed.breaker.admit()
    assert timed.breaker.why() == ""
    timed.note(refusal)
    assert not timed.breaker.admit()
    assert timed.breaker.account
    assert words in timed.breaker.why()
    assert timed.breaker.why().endswith("tried again at 12:00:30 UTC")
    assert timed.breaker.failure().reason is refusal.failure.reason
    assert timed.breaker.failure().message.startswith("nothing was sent: ")
    assert timed.breaker.wait() == 30


@pytest.mark.parametrize("fault", [LOST, DOWN], ids=["no clear answer", "not reached"])
def test_an_outage_opens_after_five_faults_in_a_row(timed: Timed, fault: Submitted) -> None:
    timed.note(*[fault] * 4)
    assert timed.breaker.admit()
    timed.note(fault)
    assert not timed.breaker.admit()
    assert not timed.breaker.account
    assert timed.breaker.failure().reason is FailureReason.VENDOR_UNAVAILABLE
    assert "does not answer" in timed.breaker.why()


@pytest.mark.parametrize(
    "answer",
    [ACCEPTED, refused(FailureReason.INVALID_INPUT), refused(FailureReason.RATE_LIMITED)],
    ids=["accepted", "refused", "slow down"],
)
def test_any_clear_answer_ends_a_row_of_faults(timed: Timed, answer: Submitted) -> None:
    timed.note(*[LOST] * 4, answer, *[DOWN] * 4)
    assert timed.breaker.admit()


def test_when_the_pause_is_over_one_submit_may_try_and_its_success_closes(timed: Timed) -> None:
    timed.note(AUTH)
    timed.pass_time(PAUSE - timedelta(seconds=1))
    assert not timed.breaker.admit()
    timed.pass_time(timedelta(seconds=1))
    assert timed.breaker.why() == ""
    assert [timed.breaker.admit() for _ in range(3)] == [True, False, False]
    timed.note(ACCEPTED)
    assert [timed.breaker.admit() for _ in range(3)] == [True, True, True]
    assert (timed.breaker.why(), timed.breaker.account) == ("", False)


@pytest.mark.parametrize(("first", "trial"), [(AUTH, AUTH), (CREDIT, AUTH), (LOST, DOWN)])
def test_each_failed_trial_doubles_the_pause_up_to_ten_minutes(
    timed: Timed, first: Submitted, trial: Submitted
) -> None:
    timed.note(*[first] * (5 if first is LOST else 1))
    waits = [timed.breaker.wait()]
    for _ in range(6):
        timed.pass_time(timedelta(seconds=waits[-1]))
        assert timed.breaker.admit()
        timed.note(trial)
        waits.append(timed.breaker.wait())
    assert waits == [30, 60, 120, 240, 480, 600, 600]
    timed.note(ACCEPTED, AUTH)
    assert timed.breaker.wait() == 30


def test_a_trial_whose_end_nobody_learns_holds_the_others_for_one_pause(timed: Timed) -> None:
    timed.note(CREDIT)
    timed.pass_time(MINUTE)
    assert timed.breaker.admit()
    timed.pass_time(PAUSE)
    assert timed.breaker.admit()


def endpoints(*names: str) -> list[Endpoint]:
    base = "http://127.0.0.1:1"
    return [Endpoint(name=name, provider="runway", base_url=base, credential=name, secret=name) for name in names]


def vendors(found: Sequence[Endpoint], now: Callable[[], datetime]) -> Vendors:
    made = Vendors(ADAPTERS.values(), found, {})
    made.breakers = {name: Breaker(now=now) for name in made.breakers}
    return made


def test_a_refused_account_is_unavailable_and_says_why_until_its_pause_is_over(timed: Timed) -> None:
    here = vendors(endpoints("runway"), timed.now)
    here.breakers["runway"].note(CREDIT)
    available = here.availability(ROW)
    assert (available.state, available.endpoint, available.paused) == (RowState.UNAVAILABLE, None, True)
    assert available.reason.startswith("paused: the operator's account at the vendor has no credit left; tried again")
    assert MODEL not in here.usable()
    timed.pass_time(PAUSE)
    assert here.availability(ROW).state is RowState.LIVE
    assert MODEL in here.usable()


def test_an_outage_is_told_but_orders_are_still_taken(timed: Timed) -> None:
    here = vendors(endpoints("runway"), timed.now)
    for _ in range(5):
        here.breakers["runway"].note(LOST)
    available = here.availability(ROW)
    assert (available.state, available.paused) == (RowState.LIVE, True)
    assert available.endpoint is here.endpoint("runway")
    assert "the vendor does not answer" in available.reason
    assert MODEL not in here.usable()


def test_with_two_keys_the_other_is_preferred_until_both_are_refused(timed: Timed) -> None:
    here = vendors(endpoints("runway#1", "runway#2"), timed.now)
    here.breakers["runway#1"].note(AUTH)
    available = here.availability(ROW)
    assert (available.state, available.reason) == (RowState.LIVE, "answered by the vendor")
    assert available.endpoint is here.endpoint("runway#2")
    assert MODEL in here.usable()
    here.breakers["runway#2"].note(AUTH)
    assert here.availability(ROW).state is RowState.UNAVAILABLE
    timed.pass_time(PAUSE)
    assert here.availability(ROW).endpoint is here.endpoint("runway#1")


def test_a_breaker_is_its_vendors_alone(timed: Timed) -> None:
    other = Endpoint(name="replicate", provider="replicate", base_url="http://127.0.0.1:1", credential="r")
    here = vendors([*endpoints("runway"), other], timed.now)
    here.breakers["runway"].note(AUTH)
    assert here.availability(CATALOGUE.rows[OTHER]).state is RowState.LIVE
    assert here.paused() == {"runway"}


def test_list_video_models_tells_the_reason_and_forgets_it_again(timed: Timed) -> None:
    here = vendors(endpoints("runway"), timed.now)
    answers = CatalogueAnswers(here, MODEL)

    def told() -> tuple[int, str]:
        raw = answers.answer(pb.ListVideoModelsRequest().SerializeToString())
        [row] = [each for each in pb.ListVideoModelsResponse.FromString(raw).models if each.id == MODEL]
        return row.state, row.state_reason

    live = (model_pb2.MODEL_STATE_LIVE, "answered by the vendor")
    assert told() == live
    here.breakers["runway"].note(AUTH)
    state, reason = told()
    assert state == model_pb2.MODEL_STATE_UNAVAILABLE
    assert "the vendor refused the operator's credential; tried again at 12:00:30 UTC" in reason
    timed.pass_time(PAUSE)
    assert told() == live


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workshop]:
    """A jobs room whose breakers work, and emulators that take one key."""
    folder = tmp_path_factory.mktemp("breaker")
    engine = sqlite_engine(folder / "filmgate.sqlite")
    schema.upgrade(engine)
    engine.dispose()
    async with MediaPool() as pool:
        options = Options(speed=400.0, require_key=GOOD)
        emulators = EmulatorServer(options=options, pool=pool, vendors=(runway.VENDOR, replicate.VENDOR))
        url = await emulators.start(data_dir=folder)
        workshop = Workshop(folder, pool, emulators, url, POLICY, webhooks=False, breakers=True)
        await workshop.open()
        yield workshop
        await workshop.close()
        await emulators.stop()


@pytest.fixture
def room(opened: Workshop) -> Workshop:
    """The room with closed breakers that go by its clock, and the right key."""
    return with_keys(opened, GOOD)


def with_keys(room: Workshop, *keys: str) -> Workshop:
    """The room with these keys for Runway, and the right one for Replicate."""
    [first] = mock_endpoints(ADAPTERS["runway"], room.emulator_url)
    [other] = mock_endpoints(ADAPTERS["replicate"], room.emulator_url)
    found = [replace(first, name=f"mock:runway#{key}" if len(keys) > 1 else first.name, secret=key) for key in keys]
    context = room.jobs.context

    def now() -> datetime:
        return context.now()  # which `pass_time` replaces

    context.vendors = vendors([*found, replace(other, secret=GOOD)], now)
    return room


def reasons(view: JobView) -> list[str]:
    """Why each attempt failed; empty for one that did not."""
    return ["" if each.failure is None else str(each.failure.reason) for each in view.clips[0].attempts]


async def posts(room: Workshop) -> int:
    """The POSTs that the emulators have witnessed."""
    return sum(post["method"] == "POST" for post in await room.vendor_ledger())


@in_the_room
@pytest.mark.parametrize(("fault", "reason"), [("http-401", "VENDOR_AUTH"), ("no-credit", "VENDOR_CREDIT")])
async def test_after_one_refusal_of_the_account_nothing_more_is_sent(room: Workshop, fault: str, reason: str) -> None:
    before = await posts(room)
    wish = Wish(prompt="planned before")
    order = Order(tenant="acme", creative_id="spring", model=MODEL, wish=wish, fallbacks=(OTHER,))
    plan = room.jobs.plan(order)
    await room.script("runway", fault)
    assert reasons(await room.ended(await room.order(MODEL))) == [reason]
    with pytest.raises(Precondition, match=r"paused: the .* tried again at"):
        await room.order(MODEL)
    [view] = await room.jobs.accept([plan], rpc="GenerateVideo", request_id="", request_hash="")
    view = await room.ended(view.job.id)
    assert view.job.state is JobState.SUCCEEDED
    assert [each.model for each in view.clips[0].attempts] == [MODEL, OTHER]
    assert reasons(view) == [reason, ""]
    assert await posts(room) == before + 2
    room.pass_time(31)
    again = await room.ended(await room.order(MODEL))
    assert again.job.state is JobState.SUCCEEDED
    assert room.jobs.context.vendors.paused() == frozenset()


@in_the_room
async def test_an_outage_stops_submits_and_the_first_one_after_it_closes_the_breaker(room: Workshop) -> None:
    before = await posts(room)
    await room.script("runway", "http-500", times=5)
    parked = await room.all_ended([await room.order(MODEL) for _ in range(5)])
    assert {view.job.state for view in parked} == {JobState.NEEDS_RESOLUTION}
    job_id = await room.order(MODEL)
    held_back = await room.until(job_id, lambda view: reasons(view) == ["VENDOR_UNAVAILABLE"])
    assert await posts(room) == before + 5
    assert "does not answer" in room.jobs.context.vendors.availability(ROW).reason
    room.pass_time(31)
    room.jobs.context.bell.ring(held_back.clips[0].clip.id)
    assert (await room.ended(job_id)).job.state is JobState.SUCCEEDED
    assert await posts(room) == before + 6
    assert room.jobs.context.vendors.paused() == frozenset()


@in_the_room
async def test_of_two_keys_the_refused_one_is_left_alone(room: Workshop) -> None:
    with_keys(room, "revoked", GOOD)
    first = await room.ended(await room.order(MODEL))
    assert (first.job.state, reasons(first)) == (JobState.SUCCEEDED, ["VENDOR_AUTH", ""])
    before = await posts(room)
    views = await room.all_ended([await room.order(MODEL) for _ in range(3)])
    assert {view.job.state for view in views} == {JobState.SUCCEEDED}
    assert {view.clips[0].attempts[0].endpoint for view in views} == {f"mock:runway#{GOOD}"}
    assert await posts(room) == before + 3
    assert room.jobs.context.vendors.paused() == {"mock:runway#revoked"}


@in_the_room
async def test_accepted_jobs_are_polled_collected_and_cancelled_however_open_it_is(room: Workshop) -> None:
    await room.script("runway", "slow-job", contains="to the end", options={"factor": 10})
    await room.script("runway", "stuck-running", contains="for ever")
    slow, stuck = await room.order(MODEL, prompt="to the end"), await room.order(MODEL, prompt="for ever")
    for job_id in (slow, stuck):
        await room.until(job_id, lambda view: any(each.ticket for each in view.clips[0].attempts))
    room.jobs.context.vendors.breakers["mock:runway"].note(AUTH)
    assert room.jobs.context.vendors.availability(ROW).paused
    await room.jobs.cancel(stuck, "acme")
    assert (await room.ended(stuck)).job.state is JobState.CANCELLED
    assert (await room.ended(slow)).job.state is JobState.SUCCEEDED
    assert room.jobs.context.vendors.availability(ROW).paused
