"""The part of `verify` that costs money: one clip from order to file, and one more that is cancelled at once."""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from decimal import Decimal

from filmgate.v1 import job_pb2
from filmgate_client import FilmgateCallError
from filmgate_client.aio import AsyncFilmgateClient

from core.money import Money
from core.outcome import Accepted, Ambiguous, Failed, Pending, Refused
from core.spec import ClipSpec
from providers import prices
from providers.model import VideoModel
from server.commands.verify_transcript import Exchange, Recorder, Report

_GRACE = 900.0
_SECOND = ", at dusk"
"""Makes the second order another one: a vendor may answer an equal one with what it has."""
_TOLERANCE_SECONDS = 2.0
_TOLERANCE_RATIO = 0.05
_TOLERANCE_COST = 0.05
"""Where nobody states a price and ours is multiplied by what was delivered."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Purchases:
    """What they work with."""

    client: AsyncFilmgateClient
    row: VideoModel
    spec: ClipSpec
    recorder: Recorder
    report: Report
    limit: Money
    """Of all of them together."""

    @property
    def quote(self) -> prices.Quote:
        """The price of one."""
        return prices.quote(self.row, self.spec)

    async def run(self, *, cancel: bool) -> Money:
        """Buy; what was spent, as far as anybody says."""
        job = await self._buy("order")
        spent = self._judge(job)
        if not cancel:
            return spent
        if job is None or job.state != job_pb2.JOB_STATE_SUCCEEDED:
            self.report.add("cancelled order", False, "not bought: the first one did not succeed")
            return spent
        if spent.micros + self.quote.held_max.micros > self.limit.micros:
            self.report.add("cancelled order", False, f"not bought: {spent} are spent, the limit is {self.limit}")
            return spent
        second = self._judge_cancelled(await self._buy("cancelled order", stop=True))
        return Money(currency=spent.currency, micros=spent.micros + second.micros)

    async def _buy(self, step: str, *, stop: bool = False) -> job_pb2.Job | None:
        self.recorder.step = step
        try:
            job = await self.client.generate(
                self.spec.prompt + (_SECOND if stop else ""),
                creative_id="verify",
                model=self.row.id,
                duration=self.spec.duration or 0.0,
                max_cost=str(Decimal(self.quote.held_max.micros) / 1_000_000),
            )
            await self._follow(job.id, stop=stop)
            return await self.client.get_job(job.id)
        except FilmgateCallError as error:
            self.report.add(step, False, f"{error}")
            return None

    async def _follow(self, job_id: str, *, stop: bool) -> None:
        """Return when the job has ended, or when nobody knows whether the vendor took the order.

        With `stop` it is cancelled once the vendor has taken it: an order that is cancelled before is never sent.
        """
        async with aclosing(self.client.watch(job_id, timeout=self.row.deadline_seconds + _GRACE)) as events:
            async for event in events:
                if event.kind == job_pb2.JOB_EVENT_KIND_STALLED:
                    return
                if stop and event.attempt_outcome == job_pb2.ATTEMPT_OUTCOME_ACCEPTED:
                    stop = False
                    await self.client.cancel(job_id)

    def _judge(self, job: job_pb2.Job | None) -> Money:
        attempt = self._ordered("order", job)
        if job is None or attempt is None:
            return Money(currency=self.limit.currency, micros=0)
        self._states("order")
        self._end(job)
        clip = job.clips[0]
        if job.state == job_pb2.JOB_STATE_SUCCEEDED:
            self._clip(clip)
        return self._cost(attempt)

    def _judge_cancelled(self, job: job_pb2.Job | None) -> Money:
        attempt = self._ordered("cancelled order", job)
        if job is None or attempt is None:
            return Money(currency=self.limit.currency, micros=0)
        cost = Money(currency=attempt.cost.currency_code or self.limit.currency, micros=attempt.cost.micros)
        state = job_pb2.JobState.Name(job.state).removeprefix("JOB_STATE_")
        seen = f"{state} ({self._words('cancelled order')}), {cost} ({attempt.cost_basis or 'nothing said'})"
        told = job.state == job_pb2.JOB_STATE_CANCELLED
        self.report.add("cancel", told, f"{seen}; our tables say {self.row.cancel_cost}")
        return cost

    def _ordered(self, step: str, job: job_pb2.Job | None) -> job_pb2.Attempt | None:
        """What became of the POST; the attempt, where the vendor took it."""
        if job is None:
            return None
        attempts = job.clips[0].attempts
        exchanges = self.recorder.during(step)
        results = [result for each in exchanges for result in each.results("submitted")]
        lost = [each for each in exchanges if each.reply is None and not results]
        match results[-1:]:
            case [Accepted()] if len(results) == 1:
                self.report.add(step, True, f"one POST, accepted as {attempts[-1].vendor_task_id}")
                return attempts[-1]
            case [Accepted()]:
                self.report.add(step, True, f"accepted at the POST number {len(results)}; the others were refused")
                return attempts[-1]
            case [Refused(failure=failure)]:
                self.report.add(step, False, f"refused: {failure.reason}, billed {failure.billed}: {failure.message}")
            case [Ambiguous(detail=detail)]:
                self.report.add(step, False, f"{detail}: whether it was bought is not known, look at your account")
            case _:
                why = lost[-1].lost if lost else self._why(job)
                self.report.add(step, False, f"no whole answer ({why}); look at your account")
        return None

    @staticmethod
    def _why(job: job_pb2.Job) -> str:
        return job.clips[0].failure.message or "nothing was sent"

    def _words(self, step: str) -> str:
        """The vendor's words, each with what our tables make of it."""
        calls = ("outcome", "delivered", "cancelled")
        read = [
            f"{each.word or 'no word'} is {_meaning(result)}"
            for each in self._polls(step)
            for call in calls
            for result in each.results(call)
        ]
        return ", then ".join(_distinct(read)) or "no answer"

    def _polls(self, step: str) -> list[Exchange]:
        calls = ("outcome", "delivered", "cancelled")
        return [each for each in self.recorder.during(step) if any(each.results(call) for call in calls)]

    def _states(self, step: str) -> None:
        """The vendor's words in their order; every one of them must be in our tables."""
        results = [result for each in self._polls(step) for result in each.results("outcome")]
        words = [each.unknown for each in results if isinstance(each, Pending) and each.unknown]
        # An error on the way says nothing about the tables, and was waited out.
        unknown = _distinct([word for word in words if not word.startswith("HTTP ")])
        seen = self._words(step)
        said = f"{seen}; not in our tables: {', '.join(unknown)}" if unknown else seen
        self.report.add("states", not unknown and bool(results), said)

    def _end(self, job: job_pb2.Job) -> None:
        state = job_pb2.JobState.Name(job.state).removeprefix("JOB_STATE_")
        failure = job.clips[0].failure
        if job.state == job_pb2.JOB_STATE_SUCCEEDED:
            self.report.add("end", True, state)
            return
        reason = job_pb2.FailureReason.Name(failure.reason).removeprefix("FAILURE_REASON_")
        billed = job_pb2.Billed.Name(failure.billed).removeprefix("BILLED_")
        stage = job_pb2.PolicyStage.Name(failure.stage).removeprefix("POLICY_STAGE_") if failure.stage else ""
        code = next((each.failure.vendor_code for each in self._failures() if each.failure.vendor_code), "")
        where = "".join((f" at {stage}" if stage else "", f" ({code})" if code else ""))
        self.report.add("end", False, f"{state}: {reason}{where}, billed {billed}: {failure.message}")

    def _failures(self) -> list[Failed]:
        results = [
            result
            for each in self._polls("order")
            for call in ("outcome", "delivered")
            for result in each.results(call)
        ]
        return [each for each in results if isinstance(each, Failed)]

    def _clip(self, clip: job_pb2.Clip) -> None:
        """Playable (the service has looked at it), and of the length and ratio that were asked for."""
        length = clip.actual_duration.ToMilliseconds() / 1000
        asked = self.spec.duration or length
        seen = f"plays, {clip.width}x{clip.height}, {length:g} s of {asked:g} s"
        good = abs(length - asked) <= _TOLERANCE_SECONDS
        ratio = _ratio(self.spec.aspect_ratio)
        if ratio is not None and clip.height:
            good = good and abs(clip.width / clip.height / ratio - 1) <= _TOLERANCE_RATIO
            seen += f", asked {self.spec.aspect_ratio}"
        self.report.add("clip", good, seen)

    def _cost(self, attempt: job_pb2.Attempt) -> Money:
        quote = self.quote
        cost = Money(currency=attempt.cost.currency_code or self.limit.currency, micros=attempt.cost.micros)
        if not attempt.cost.currency_code:
            self.report.add("cost", False, "nobody says what it cost")
            return quote.held_max
        far = abs(cost.micros - quote.expected.micros)
        slack = 0 if attempt.cost_basis == "stated by the vendor" else _TOLERANCE_COST * quote.expected.micros
        exact = quote.expected == quote.held_max
        good = far <= slack if exact and not attempt.failure.reason else cost.micros <= quote.held_max.micros
        self.report.add("cost", good, f"{cost} ({attempt.cost_basis}), quoted {quote.expected}")
        return cost


def _meaning(result: object) -> str:
    match result:
        case Pending(unknown=unknown) if unknown:
            return "not in our tables"
        case Pending(stage=stage):
            return str(stage)
        case Failed(failure=failure):
            return str(failure.reason)
    return type(result).__name__.lower()


def _distinct(words: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(words))


def _ratio(text: str | None) -> float | None:
    """16:9 as a number."""
    width, colon, height = (text or "").partition(":")
    try:
        return float(width) / float(height) if colon else None
    except (ValueError, ZeroDivisionError):
        return None
