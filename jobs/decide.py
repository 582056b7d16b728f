"""What to buy next for a clip, from what happened so far. Pure."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.errors import Billed, Failure, FailureReason
from jobs.context import Policy
from jobs.records import Attempt, AttemptOutcome, Candidate
from providers.catalogue import Catalogue


@dataclass(frozen=True, kw_only=True, slots=True)
class Buy:
    """Make a new attempt at this candidate, not before `due`."""

    candidate: Candidate
    number: int
    due: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class GiveUp:
    """The clip has failed."""

    failure: Failure


def decide(
    candidates: Sequence[Candidate], attempts: Sequence[Attempt], policy: Policy, catalogue: Catalogue
) -> Buy | GiveUp:
    """The next purchase, given only ended attempts.

    Retry and fallback follow a refusal or an unbilled failure, never anything that was or may have been billed.
    """
    number = len(attempts) + 1
    if not attempts:
        return Buy(candidate=candidates[0], number=number)
    last = attempts[-1]
    failure = last.failure or Failure(reason=FailureReason.VENDOR_FAILED, message="the attempt failed")
    index = next((place for place, candidate in enumerate(candidates) if candidate.model == last.model), 0)
    if failure.reason is FailureReason.SUBMIT_UNKNOWN and failure.may_retry:
        return Buy(candidate=candidates[index], number=number)  # an operator's RESUBMIT
    if failure.billed is not Billed.NO or failure.reason is FailureReason.CANCELLED:
        return GiveUp(failure=failure)
    due = _due(attempts, policy)
    if (
        failure.may_retry
        and _tries(attempts, last.model) < policy.clip_attempts
        and due < _deadline(attempts, catalogue)
    ):
        return Buy(candidate=candidates[index], number=number, due=due)
    if index + 1 < len(candidates):
        return Buy(candidate=candidates[index + 1], number=number)
    return GiveUp(failure=failure)


def _tries(attempts: Sequence[Attempt], model: str) -> int:
    return sum(1 for attempt in attempts if attempt.model == model and not _waited(attempt))


def _waited(attempt: Attempt) -> bool:
    """A 429 that named a wait is waited out and is not an attempt."""
    return (
        attempt.outcome is AttemptOutcome.REFUSED
        and attempt.failure is not None
        and attempt.failure.reason is FailureReason.RATE_LIMITED
        and _asked_wait(attempt) is not None
    )


def _asked_wait(attempt: Attempt) -> float | None:
    return None if attempt.result is None else attempt.result.get("retry_after")


def _deadline(attempts: Sequence[Attempt], catalogue: Catalogue) -> datetime:
    """Until when a model may be tried: the row's deadline, counted from its first attempt."""
    model = attempts[-1].model
    first = next(attempt for attempt in attempts if attempt.model == model)
    return first.intend_time + timedelta(seconds=catalogue.rows[model].deadline_seconds)


def _due(attempts: Sequence[Attempt], policy: Policy) -> datetime:
    last = attempts[-1]
    tries = max(1, _tries(attempts, last.model))
    backoff = min(policy.retry_base * 2 ** (tries - 1), policy.retry_longest)
    jittered = backoff * random.Random(last.id).uniform(0.75, 1.25)  # noqa: S311 - spread, the same on every replay
    wait = max(jittered, _asked_wait(last) or 0.0)
    return (last.end_time or last.intend_time) + timedelta(seconds=wait)
