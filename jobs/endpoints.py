"""Named endpoints: where a vendor's requests go, and with which credential. Attempts are pinned to names."""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from core import urls
from core.money import MOCK_CURRENCY, USD
from providers.base import BaseVideoProvider


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """One place a vendor's API is spoken: the vendor's own, or an emulator's."""

    name: str
    """`runway`, or `mock:runway`."""
    provider: str
    base_url: str
    credential: str
    """The credential's name, stored with the attempt; never the secret."""
    secret: str = field(repr=False)

    @property
    def mock(self) -> bool:
        """Whether an emulator answers."""
        return self.name.startswith("mock:")

    @property
    def near(self) -> bool:
        """Whether it is an emulator, or on this machine: then its outputs may lie at its own address."""
        ip = urls.split(self.base_url).ip
        return self.mock or (ip is not None and ip.is_loopback)

    @property
    def currency(self) -> str:
        """What is charged: real money, or the mock currency."""
        return MOCK_CURRENCY if self.mock else USD


class RowState(enum.StrEnum):
    """What a model row is on this server."""

    LIVE = "LIVE"
    MOCK = "MOCK"
    UNAVAILABLE = "UNAVAILABLE"
    RETIRED = "RETIRED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Availability:
    """Whether a vendor can be used here, and why (not)."""

    state: RowState
    reason: str
    endpoint: Endpoint | None = None


class Vendors:
    """The adapters and the endpoints they use on this server."""

    def __init__(
        self,
        providers: Iterable[BaseVideoProvider],
        endpoints: Iterable[Endpoint],
        unavailable: Mapping[str, str],
    ) -> None:
        self.providers = {provider.name: provider for provider in providers}
        self._endpoints = {endpoint.name: endpoint for endpoint in endpoints}
        self._unavailable = dict(unavailable)
        """Vendor name -> the sentence that names the missing variable."""

    def endpoint(self, name: str) -> Endpoint | None:
        """The endpoint of this name, if this server has it."""
        return self._endpoints.get(name)

    def availability(self, provider: str) -> Availability:
        """How a vendor's rows can be bought here: live before mock."""
        for name, state in ((provider, RowState.LIVE), (f"mock:{provider}", RowState.MOCK)):
            endpoint = self._endpoints.get(name)
            if endpoint is not None:
                return Availability(state=state, reason=self._why(state, provider), endpoint=endpoint)
        reason = self._unavailable.get(provider, "no credential is set for this vendor")
        return Availability(state=RowState.UNAVAILABLE, reason=reason)

    def _why(self, state: RowState, provider: str) -> str:
        if state is RowState.LIVE:
            return "answered by the vendor"
        return self._unavailable.get(provider, "answered by the built-in emulator")
