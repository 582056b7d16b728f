"""Vendors' webhooks: verified, then only ever a reason to look. What the vendor says is read by polling."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from core.database import insert_unless_there
from core.outcome import Callback, CallbackRefused, Failed, Ready, Ticket
from jobs import parked, tables
from jobs.context import Context
from jobs.endpoints import Endpoint
from jobs.records import Attempt, AttemptOutcome, Situation
from jobs.sender import Sender, news_id

_LARGEST_BODY = 1 << 20
_log = structlog.get_logger()


_KEPT_SECONDS = 3600.0
_ASKED_AGAIN = 60.0
"""A signature that does not verify may mean new keys; asking for them is not done more often than this."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Secrets:
    """What verifies an endpoint's webhooks, and when it was asked for."""

    values: tuple[str, ...]
    since: float


@dataclass(slots=True)
class Callbacks:
    """Answers `/webhooks/{provider}/{token}`."""

    context: Context
    sender: Sender
    resolver: parked.Resolver
    _secrets: dict[str, _Secrets] = field(default_factory=dict)

    async def largest(self, name: str, token: str) -> int:
        """Bytes of the largest body that is worth reading from this address."""
        provider = self.context.vendors.providers.get(name)
        if provider is None or not provider.answers_by_callback:
            return _LARGEST_BODY
        found = await self.context.database.read(lambda connection: parked.attempt_by_token(connection, name, token))
        return _LARGEST_BODY if found is None else provider.largest_reply

    async def __call__(self, name: str, token: str, headers: Mapping[str, str], body: bytes) -> int:
        """The HTTP status to answer: 200 taken, 401 not the vendor, 404 no such address."""
        provider = self.context.vendors.providers.get(name)
        if provider is None:
            return 404
        found = await self.context.database.read(lambda connection: parked.attempt_by_token(connection, name, token))
        if found is None:
            return 404
        clip, attempt = found
        endpoint = self.context.vendors.endpoint(attempt.endpoint)
        if endpoint is None:
            return 404
        try:
            news = await self._verified(endpoint, token, headers, body)
        except CallbackRefused as error:
            _log.warning("webhook refused", provider=name, attempt=attempt.id, why=str(error))
            return 401
        ticket = provider.adopt(news.vendor_task_id, self.context.row(attempt))
        if (
            ticket is None
            or attempt.vendor_task_id not in (None, news.vendor_task_id)
            or await parked.owned(self.context, attempt, ticket)
        ):
            _log.warning("webhook names another job", provider=name, attempt=attempt.id)
        elif provider.answers_by_callback:
            await self._keep(clip, attempt, news, body)
            await self._take(clip, attempt, ticket)
        elif news.signed or attempt.outcome is AttemptOutcome.ACCEPTED or await self._confirmed(attempt, ticket):
            await self._take(clip, attempt, ticket)
        return 200

    async def _keep(self, found: Situation, attempt: Attempt, news: Callback, body: bytes) -> None:
        """Write down the end of a job that can be heard of only once; the polls of the attempt read it."""
        if not isinstance(news.outcome, Ready | Failed):
            return
        row = {
            "id": news_id(attempt),
            "job_id": found.job.id,
            "mime_type": "application/json",
            "data": body,
        }
        await self.context.database.write(
            lambda connection: connection.execute(insert_unless_there(connection, tables.inputs, [row])).rowcount
        )

    async def _confirmed(self, attempt: Attempt, ticket: Ticket) -> bool:
        """Whether the vendor's own list says that an unsigned webhook's job is this attempt's."""
        found = await self.sender.search(attempt)
        return found.ticket is not None and found.ticket["id"] == ticket["id"]

    async def _take(self, found: Situation, attempt: Attempt, ticket: Mapping[str, object]) -> None:
        if attempt.end_time is not None and attempt.vendor_task_id is None:
            await self.resolver.late_news(found, attempt, ticket)
        elif attempt.outcome is AttemptOutcome.ACCEPTED:
            self.context.bell.ring(found.clip.id)
        else:
            await parked.adopt(self.context, found, attempt, ticket, "the vendor called back")

    async def _verified(self, endpoint: Endpoint, token: str, headers: Mapping[str, str], body: bytes) -> Callback:
        """What the webhook says; a vendor may have changed its keys since we asked. Raises CallbackRefused."""
        provider = self.context.vendors.providers[endpoint.provider]
        address = self.context.callback_url(endpoint, token)
        ours = (address,) if provider.signs_addresses and address else ()
        known = await self._signing_secrets(endpoint)
        try:
            return provider.callback(headers, body, (*known.values, *ours), self.context.now())
        except CallbackRefused:
            fresh = await self._signing_secrets(endpoint, older_than=_ASKED_AGAIN)
            if fresh.values == known.values:
                raise
            return provider.callback(headers, body, (*fresh.values, *ours), self.context.now())

    async def _signing_secrets(self, endpoint: Endpoint, older_than: float = _KEPT_SECONDS) -> _Secrets:
        """The vendor's keys, asked for anew when they are older than so many seconds, or when there are none."""
        known, now = self._secrets.get(endpoint.name), self.context.monotonic()
        if known is None or not known.values or now - known.since > older_than:
            provider = self.context.vendors.providers[endpoint.provider]
            values = await self.sender.callback_secrets(provider, endpoint)
            known = _Secrets(values=values or (known.values if known else ()), since=now)
            self._secrets[endpoint.name] = known
        return known
