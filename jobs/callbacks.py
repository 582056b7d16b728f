"""Vendors' webhooks: verified, then only ever a reason to look. What the vendor says is read by polling."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from core.outcome import CallbackRefused
from jobs import parked
from jobs.context import Context
from jobs.endpoints import Endpoint
from jobs.records import Attempt, AttemptOutcome, Situation
from jobs.sender import Sender

_log = structlog.get_logger()


@dataclass(slots=True)
class Callbacks:
    """Answers `/webhooks/{provider}/{token}`."""

    context: Context
    sender: Sender
    resolver: parked.Resolver
    _secrets: dict[str, tuple[str, ...]] = field(default_factory=dict)

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
        secrets = await self._signing_secrets(endpoint)
        try:
            news = provider.callback(headers, body, secrets, self.context.now())
        except CallbackRefused as error:
            _log.warning("webhook refused", provider=name, attempt=attempt.id, why=str(error))
            return 401
        if attempt.vendor_task_id not in (None, str(news.ticket["id"])) or await parked.owned(
            self.context, attempt, news.ticket
        ):
            _log.warning("webhook names another job", provider=name, attempt=attempt.id)
            return 200
        await self._take(clip, attempt, news.ticket)
        return 200

    async def _take(self, found: Situation, attempt: Attempt, ticket: Mapping[str, object]) -> None:
        if attempt.end_time is not None and attempt.vendor_task_id is None:
            await self.resolver.late_news(found, attempt, ticket)
        elif attempt.outcome is AttemptOutcome.ACCEPTED:
            self.context.bell.ring(found.clip.id)
        else:
            await parked.adopt(self.context, found, attempt, ticket, "the vendor called back")

    async def _signing_secrets(self, endpoint: Endpoint) -> tuple[str, ...]:
        """Fetched once per endpoint; asked again as long as the vendor did not say."""
        if not self._secrets.get(endpoint.name):
            provider = self.context.vendors.providers[endpoint.provider]
            self._secrets[endpoint.name] = await self.sender.callback_secrets(provider, endpoint)
        return self._secrets[endpoint.name]
