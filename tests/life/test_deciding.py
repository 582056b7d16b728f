"""What is bought next: a table of histories, and what holds for every history there can be."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Billed, Failure, FailureReason
from jobs.context import Policy
from jobs.decide import Buy, GiveUp, decide
from jobs.records import Attempt, AttemptOutcome, Candidate
from providers.catalogue import CATALOGUE

NOW = datetime(2026, 1, 2, tzinfo=UTC)
POLICY = Policy()
FIRST, SECOND = "runway/gen4.5", "replicate/kling-v2.5-turbo-pro"
REFUSED, ACCEPTED, AMBIGUOUS = AttemptOutcome.REFUSED, AttemptOutcome.ACCEPTED, AttemptOutcome.AMBIGUOUS
R = FailureReason


def _candidate(model: str) -> Candidate:
    return Candidate(model=model, spec={}, quote_micros=1, held_micros=1, basis="")


CANDIDATES = (_candidate(FIRST), _candidate(SECOND))


def _attempt(
    outcome: AttemptOutcome,
    reason: FailureReason,
    *,
    model: str = FIRST,
    billed: Billed = Billed.NO,
    retryable: bool | None = None,
    retry_after: float | None = None,
    number: int = 1,
    late: float = 0.0,
) -> Attempt:
    moment = NOW + timedelta(seconds=late)
    return Attempt(
        id=f"att_{number}",
        clip_id="clip_1",
        number=number,
        model=model,
        endpoint="runway",
        credential="key",
        request=None,
        currency="USD",
        quote_micros=1,
        held_micros=1,
        callback_token=f"token_{number}",
        called_back=False,
        outcome=outcome,
        detail="",
        vendor_task_id=None,
        ticket=None,
        stage="",
        estimate_micros=None,
        intend_time=moment,
        submit_time=None,
        deadline=None,
        end_time=moment,
        result={"retry_after": retry_after} if outcome is REFUSED else None,
        cost_micros=0,
        cost_basis="",
        failure=Failure(reason=reason, message="why", billed=billed, retryable=retryable),
    )


def _decided(*attempts: Attempt, candidates: tuple[Candidate, ...] = CANDIDATES) -> tuple[str, str]:
    numbered = [replace(attempt, number=place, id=f"att_{place}") for place, attempt in enumerate(attempts, 1)]
    match decide(candidates, numbered, POLICY, CATALOGUE):
        case Buy(candidate=candidate, number=number):
            assert number == len(attempts) + 1
            return "buy", candidate.model
        case GiveUp(failure=failure):
            return "give up", failure.reason


BUSY = _attempt(REFUSED, R.RATE_LIMITED)
WAIT = _attempt(REFUSED, R.RATE_LIMITED, retry_after=5.0)
DOWN = _attempt(REFUSED, R.VENDOR_UNAVAILABLE)
AUTH = _attempt(REFUSED, R.VENDOR_AUTH)
BROKE = _attempt(ACCEPTED, R.VENDOR_FAILED)
UNSURE = _attempt(ACCEPTED, R.VENDOR_FAILED, billed=Billed.UNKNOWN)
PAID = _attempt(ACCEPTED, R.DOWNLOAD_FAILED, billed=Billed.YES)
POLICED = _attempt(ACCEPTED, R.CONTENT_POLICY)
ABORTED = _attempt(ACCEPTED, R.TIMED_OUT)
CANCELLED = _attempt(ACCEPTED, R.CANCELLED)
LOST = _attempt(AMBIGUOUS, R.SUBMIT_UNKNOWN, billed=Billed.UNKNOWN, retryable=False)
AGAIN = _attempt(AMBIGUOUS, R.SUBMIT_UNKNOWN, billed=Billed.UNKNOWN, retryable=True)
AT_SECOND = _attempt(REFUSED, R.VENDOR_AUTH, model=SECOND)


@pytest.mark.parametrize(
    ("attempts", "expected"),
    [
        ((), ("buy", FIRST)),
        ((BUSY,), ("buy", FIRST)),
        ((DOWN, BUSY), ("buy", FIRST)),
        ((DOWN, BUSY, DOWN), ("buy", SECOND)),
        ((WAIT,) * 20, ("buy", FIRST)),
        ((WAIT, DOWN, WAIT, DOWN), ("buy", FIRST)),
        ((WAIT, DOWN, WAIT, DOWN, DOWN), ("buy", SECOND)),
        ((AUTH,), ("buy", SECOND)),
        ((BROKE,), ("buy", FIRST)),
        ((BROKE, BROKE, BROKE), ("buy", SECOND)),
        ((POLICED,), ("buy", SECOND)),
        ((ABORTED,), ("buy", SECOND)),
        ((UNSURE,), ("give up", R.VENDOR_FAILED)),
        ((PAID,), ("give up", R.DOWNLOAD_FAILED)),
        ((CANCELLED,), ("give up", R.CANCELLED)),
        ((LOST,), ("give up", R.SUBMIT_UNKNOWN)),
        ((AGAIN,), ("buy", FIRST)),
        ((DOWN, DOWN, AGAIN), ("buy", FIRST)),
        ((AUTH, AT_SECOND), ("give up", R.VENDOR_AUTH)),
        ((AUTH, replace(BUSY, model=SECOND)), ("buy", SECOND)),
        ((AUTH, *(replace(BUSY, model=SECOND),) * 3), ("give up", R.RATE_LIMITED)),
        ((AUTH, replace(PAID, model=SECOND)), ("give up", R.DOWNLOAD_FAILED)),
    ],
)
def test_the_next_purchase(attempts: tuple[Attempt, ...], expected: tuple[str, str]) -> None:
    assert _decided(*attempts) == expected


def test_without_a_fallback_the_last_failure_is_the_clips() -> None:
    assert _decided(AUTH, candidates=CANDIDATES[:1]) == ("give up", R.VENDOR_AUTH)
    assert _decided(DOWN, DOWN, DOWN, candidates=CANDIDATES[:1]) == ("give up", R.VENDOR_UNAVAILABLE)


@pytest.mark.parametrize(("earlier", "low", "high"), [(0, 0.75, 1.25), (1, 1.5, 2.5)])
def test_the_back_off_doubles_with_jitter(earlier: int, low: float, high: float) -> None:
    attempts = [replace(DOWN, number=place, id=f"att_{place}") for place in range(1, earlier + 2)]
    bought = decide(CANDIDATES, attempts, POLICY, CATALOGUE)
    assert isinstance(bought, Buy)
    assert bought.due is not None
    assert low <= (bought.due - NOW).total_seconds() <= high
    assert decide(CANDIDATES, attempts, POLICY, CATALOGUE) == bought


def test_the_back_off_has_an_end() -> None:
    patient = replace(POLICY, clip_attempts=50)
    attempts = [replace(DOWN, number=place, id=f"att_{place}") for place in range(1, 30)]
    bought = decide(CANDIDATES, attempts, patient, CATALOGUE)
    assert isinstance(bought, Buy)
    assert bought.due is not None
    assert (bought.due - NOW).total_seconds() <= POLICY.retry_longest * 1.25


def test_a_named_wait_is_kept_to_and_one_beyond_the_deadline_is_not_waited_for() -> None:
    bought = decide(CANDIDATES, [replace(WAIT, result={"retry_after": 60.0})], POLICY, CATALOGUE)
    assert isinstance(bought, Buy)
    assert bought.due == NOW + timedelta(seconds=60)
    assert _decided(replace(WAIT, result={"retry_after": 3600.0})) == ("buy", SECOND)
    later = replace(WAIT, end_time=NOW + timedelta(seconds=890), result={"retry_after": 20.0})
    assert _decided(WAIT, later) == ("buy", SECOND)


ATTEMPTS = st.lists(
    st.builds(
        _attempt,
        st.sampled_from([REFUSED, ACCEPTED, AMBIGUOUS]),
        st.sampled_from(list(FailureReason)),
        model=st.sampled_from([FIRST, SECOND]),
        billed=st.sampled_from(list(Billed)),
        retryable=st.sampled_from([None, True, False]),
        retry_after=st.sampled_from([None, 0.0, 5.0, 3600.0]),
        late=st.floats(0, 2000),
    ),
    max_size=8,
)


@given(attempts=ATTEMPTS)
def test_nothing_is_bought_after_what_may_have_been_billed_unless_an_operator_says_so(
    attempts: list[Attempt],
) -> None:
    decision = decide(CANDIDATES, attempts, POLICY, CATALOGUE)
    assert decide(CANDIDATES, attempts, POLICY, CATALOGUE) == decision
    if isinstance(decision, GiveUp):
        assert attempts
        assert decision.failure == attempts[-1].failure
        return
    assert decision.number == len(attempts) + 1
    if not attempts:
        return
    failure = attempts[-1].failure
    assert failure is not None
    resubmitted = failure.reason is R.SUBMIT_UNKNOWN and failure.may_retry
    assert failure.billed is Billed.NO or resubmitted
    if decision.candidate.model == attempts[-1].model:
        assert failure.may_retry
    else:
        assert (attempts[-1].model, decision.candidate.model) == (FIRST, SECOND)
        assert decision.due is None


@given(attempts=ATTEMPTS)
def test_a_pause_is_never_negative_nor_beyond_the_deadline(attempts: list[Attempt]) -> None:
    decision = decide(CANDIDATES, attempts, POLICY, CATALOGUE)
    if isinstance(decision, Buy) and decision.due is not None:
        last = attempts[-1]
        assert last.end_time is not None
        first = next(attempt for attempt in attempts if attempt.model == last.model)
        assert last.end_time < decision.due <= first.intend_time + timedelta(seconds=900)
