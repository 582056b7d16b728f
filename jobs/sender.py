"""The only place that talks to vendors: attaches the secret, sends once, never repeats what may cost money."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import sqlalchemy as sa
import structlog

from core.crashpoints import crashpoint, declare
from core.database import DATABASE_ERRORS
from core.errors import Billed, Failure, FailureReason
from core.outcome import (
    Ambiguous,
    AttemptReference,
    Failed,
    Finished,
    Outcome,
    Pending,
    Refused,
    Reply,
    Request,
    Submitted,
    Ticket,
)
from jobs import tables
from jobs.buckets import Local, Rate, Shared
from jobs.context import Context
from jobs.endpoints import Endpoint
from jobs.http import NotSent, ReplyLost
from jobs.pace import Budget
from jobs.records import Attempt
from providers.base import BaseVideoProvider, retry_after

declare("before-submit", "after-submit")
_SEARCH_PAGES = 20
_UNREACHABLE = Pending(unknown="unreachable")
_EMULATED_RATE = 500.0
_TOO_MANY = 429
_LONGEST_SILENCE = 600.0
"""Seconds for which one vendor's word keeps all others from asking; what they meet then says how long again."""
TOO_LATE = Refused(
    failure=Failure(
        reason=FailureReason.VENDOR_UNAVAILABLE, message="nothing was sent: this server had been standing still"
    )
)
_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What a vendor's list says about a lost submit."""

    ticket: Ticket | None = None
    """Surely this attempt's."""
    candidates: Sequence[Ticket] = ()
    """Equal to what was sent, but without our token."""
    complete: bool = False
    """The whole list was read, and this attempt would have been recognised in it."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends an adapter's requests to the attempt's pinned endpoint."""

    context: Context
    _budgets: dict[tuple[str, bool], Budget] = field(default_factory=dict)

    async def submit(self, provider: BaseVideoProvider, endpoint: Endpoint, request: Request) -> Submitted:
        """The one POST of an attempt. Never raises for what the network or the vendor does."""
        submitted = await self._submit(provider, endpoint, request)
        if submitted is TOO_LATE:
            return submitted
        self.context.vendors.breakers[endpoint.name].note(submitted)
        if isinstance(submitted, Refused) and submitted.failure.reason is FailureReason.RATE_LIMITED:
            await self._leave_alone(self.budget(endpoint, submits=True), submitted.retry_after)
        return submitted

    async def _submit(self, provider: BaseVideoProvider, endpoint: Endpoint, request: Request) -> Submitted:
        try:
            secret = await endpoint.credentials()
        except OSError as error:
            return Refused(failure=_not_sent(FailureReason.VENDOR_AUTH, "no access token could be had", error))
        if not self.context.engine.holds:  # whoever took the clip over has parked it on this attempt, or will
            return TOO_LATE
        try:
            crashpoint("before-submit")
            reply = await self.context.vendor_client.send_once(
                _authorised(request, provider, secret),
                base_url=endpoint.address(request.host),
                secret=secret,
                read_timeout=self.context.policy.submit_timeout,
                max_reply=provider.largest_reply,
            )
            crashpoint("after-submit")
        except NotSent as error:
            return Refused(
                failure=_not_sent(FailureReason.VENDOR_UNAVAILABLE, "the vendor could not be reached", error)
            )
        except ReplyLost as error:
            return Ambiguous(detail=str(error))
        return provider.submitted(reply)

    async def poll(self, attempt: Attempt, owner: str = "") -> Outcome:
        """How far the vendor is. Trouble on the way is Pending. `owner`: who shares the budget with others."""
        provider = self.context.provider(attempt)
        ticket = attempt.ticket or {}
        reply = await self._told(attempt) if provider.answers_by_callback else None
        reply = reply or await self._ask(attempt, provider.poll(ticket), owner)
        if reply is None:
            return _UNREACHABLE
        outcome = provider.outcome(reply)
        if isinstance(outcome, Failed) and provider.answers_by_callback:
            told = await self._told(attempt)  # it may have come while the machine was asked
            outcome = outcome if told is None else provider.outcome(told)
        if isinstance(outcome, Finished):
            return await self._result(attempt, provider, {**ticket, **outcome.more}, owner)
        return outcome

    async def _told(self, attempt: Attempt) -> Reply | None:
        """The webhook that told the job's end, as if it had been polled."""
        query = sa.select(tables.inputs.c.data).where(tables.inputs.c.id == news_id(attempt))
        body = await self.context.database.read(lambda connection: connection.execute(query).scalar())
        return None if body is None else Reply(status=200, body=body)

    async def _result(self, attempt: Attempt, provider: BaseVideoProvider, ticket: Ticket, owner: str) -> Outcome:
        request = provider.result(ticket)
        reply = None if request is None else await self._ask(attempt, request, owner)
        return _UNREACHABLE if reply is None else provider.delivered(reply)

    async def cancel(self, attempt: Attempt) -> Outcome | None:
        """Ask the vendor to stop. None when it cannot, or could not be asked."""
        provider = self.context.provider(attempt)
        request = provider.cancel(attempt.ticket or {})
        if request is None:
            return None
        reply = await self._ask(attempt, request)
        return None if reply is None else provider.cancelled(reply)

    async def delete(self, attempt: Attempt) -> bool | None:
        """Make the vendor forget an ended job: whether it has; None where it offers no such thing."""
        request = self.context.provider(attempt).delete(attempt.ticket or {}) if attempt.ticket else None
        if request is None:
            return None
        reply = await self._ask(attempt, request)
        return reply is not None and (200 <= reply.status < 300 or reply.status == 404)

    async def search(self, attempt: Attempt) -> Found:
        """Look for a lost submit in the vendor's list."""
        provider = self.context.provider(attempt)
        reference = AttemptReference(
            attempt_id=attempt.id,
            callback_token=attempt.callback_token,
            model=self.context.row(attempt).wire_name,
            request=attempt.request,
            intended_at=attempt.intend_time.isoformat(),
        )
        request = provider.search(reference)
        candidates: list[Ticket] = []
        for _ in range(_SEARCH_PAGES):
            if request is None:
                recognisable = attempt.called_back or attempt.request is not None
                return Found(
                    complete=provider.can_search and provider.absence_proves and recognisable, candidates=candidates
                )
            reply = await self._ask(attempt, request)
            if reply is None or reply.status != 200 or reply.document is None:
                break
            ticket = provider.found(reply, reference)
            if ticket is not None:
                return Found(ticket=ticket)
            candidates.extend(provider.candidates(reply, reference))
            request = provider.search_next(reply)
        return Found(candidates=candidates)

    async def callback_secrets(self, provider: BaseVideoProvider, endpoint: Endpoint) -> tuple[str, ...]:
        """The secrets with which this endpoint signs its webhooks."""
        request = provider.callback_secret()
        reply = None if request is None else await self.send(endpoint, request)
        return () if reply is None or reply.status != 200 else provider.callback_secrets(reply)

    async def _ask(self, attempt: Attempt, request: Request, owner: str = "") -> Reply | None:
        endpoint = self.context.vendors.endpoint(attempt.endpoint)
        return None if endpoint is None else await self.send(endpoint, request, owner)

    async def send(self, endpoint: Endpoint, request: Request, owner: str = "") -> Reply | None:
        """One request that costs nothing, within the endpoint's budget. None when no whole reply came."""
        budget = self.budget(endpoint)
        await budget.turn(owner)
        client, provider = self.context.vendor_client, self.context.vendors.providers[endpoint.provider]
        send = client.poll if request.method == "GET" else client.send_once
        try:
            secret = await endpoint.credentials()
            reply = await send(
                _authorised(request, provider, secret),
                base_url=endpoint.address(request.host),
                secret=secret,
                read_timeout=self.context.policy.poll_timeout,
                max_reply=provider.largest_reply,
            )
        except OSError:  # not sent, reply lost, no access token
            return None
        if reply.status == _TOO_MANY:
            await self._leave_alone(budget, retry_after(reply))
        return reply

    async def _leave_alone(self, budget: Budget, seconds: float | None) -> None:
        """A vendor that names a wait is asked nothing of this kind until then, by no replica."""
        if not seconds:
            return
        try:
            await budget.empty(min(seconds, _LONGEST_SILENCE))
        except DATABASE_ERRORS:  # what the vendor said is on its way to the caller, who must not lose it
            _log.warning("a vendor's wait could not be told to other replicas", exc_info=True)

    def budget(self, endpoint: Endpoint, *, submits: bool = False) -> Budget:
        """What one credential may ask, or submit; over all replicas together, but for emulators."""
        found = self._budgets.get((endpoint.name, submits))
        if found is None:
            found = self._budgets[endpoint.name, submits] = self._new_budget(endpoint, submits=submits)
        return found

    def _new_budget(self, endpoint: Endpoint, *, submits: bool) -> Budget:
        context, provider = self.context, self.context.vendors.providers[endpoint.provider]
        if endpoint.mock:
            return Budget(Local(context.now), Rate(per_second=_EMULATED_RATE, burst=int(_EMULATED_RATE)))
        per_second = provider.submits_per_second if submits else provider.requests_per_second
        rate = Rate(per_second=per_second, burst=max(1, int(per_second)))
        if not submits and not context.database.shared:  # nobody else asks with it, so that no poll needs to write
            return Budget(Local(context.now), rate)
        name = f"vendor:{endpoint.name}" + ("/submits" if submits else "")
        return Budget(Shared(context.database, name, context.now, context.monotonic), rate)


def _authorised(request: Request, provider: BaseVideoProvider, secret: str) -> Request:
    """The request, without its credential where the operator's own machine wants none."""
    return replace(request, auth=None) if provider.key_optional and not secret else request


def news_id(attempt: Attempt) -> str:
    """The `input` row that keeps an attempt's last webhook, where nothing else tells its end."""
    return f"{attempt.id}/news"


def _not_sent(reason: FailureReason, message: str, error: OSError) -> Failure:
    return Failure(reason=reason, message=message, billed=Billed.NO, vendor_code=str(error))
