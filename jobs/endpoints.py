"""Named endpoints: where a vendor's requests go, and with which credential. Attempts are pinned to names."""

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from core import urls
from core.money import MOCK_CURRENCY, USD
from jobs.breaker import Breaker
from jobs.tokens import TokenSource
from providers.base import BaseVideoProvider
from providers.catalogue import CATALOGUE, Catalogue, Found
from providers.model import LifecycleState, VideoModel
from providers.selection import Chooser


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """One place a vendor's API is spoken: the vendor's own, or an emulator's."""

    name: str
    """`runway`, `runway#3f2a91c4` where there are several credentials, `cog/hotshot-xl`, or `mock:` and such a name."""
    provider: str
    base_url: str
    credential: str
    """The credential's name, stored with the attempt; never the secret."""
    secret: str = field(default="", repr=False)
    """Empty: the endpoint wants no key, or `tokens` makes them."""
    tokens: TokenSource | None = field(default=None, repr=False)
    """Where short-lived credentials come from."""
    hosts: Mapping[str, str] = field(default_factory=dict)
    """Base addresses of the vendor's further hosts, by the adapter's names for them."""
    place: str = ""
    """The row's own place, for a vendor whose rows are served one by one."""

    async def credentials(self) -> str:
        """The secret to send. Raises OSError when an access token cannot be had."""
        return self.secret if self.tokens is None else await self.tokens.token()

    def address(self, host: str) -> str:
        """The base address of one of the vendor's hosts; empty names its own."""
        return self.hosts[host] if host else self.base_url

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


def provider_of(name: str) -> str:
    """The vendor in an endpoint's name."""
    return name.removeprefix("mock:").partition("/")[0].partition("#")[0]


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
    paused: bool = False
    """Every credential is refused or the vendor is down: nothing is sent until the breaker closes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Usable:
    """The endpoints of one vendor, or of one row that has a place of its own."""

    live: tuple[Endpoint, ...] = ()
    mock: tuple[Endpoint, ...] = ()


class Vendors:
    """The adapters, the rows they sell and the endpoints they use on this server."""

    def __init__(
        self,
        providers: Iterable[BaseVideoProvider],
        endpoints: Iterable[Endpoint],
        unavailable: Mapping[str, str],
        catalogue: Catalogue = CATALOGUE,
    ) -> None:
        self.providers = {provider.name: provider for provider in providers}
        self.catalogue = catalogue
        self._endpoints = {endpoint.name: endpoint for endpoint in endpoints}
        self._unavailable = dict(unavailable)
        """Vendor name -> the sentence that names the missing variable."""
        self._usable = _by_place(self._endpoints.values())
        self.chooser = Chooser(catalogue.rows.values())
        self._auto: tuple[frozenset[str], frozenset[str]] | None = None
        """Which endpoints were paused, and what `auto` might choose then."""
        self.breakers = {endpoint.name: Breaker() for endpoint in self._endpoints.values()}

    def endpoint(self, name: str) -> Endpoint | None:
        """The endpoint of this name, if this server has it.

        Where a vendor has got further credentials since, its old name stands for the first of them.
        """
        return self._endpoints.get(name) or next(
            (endpoint for endpoint in self._endpoints.values() if endpoint.name.partition("#")[0] == name), None
        )

    def find(self, name: str, mode: str) -> Found:
        """The catalogue's row of this name; an alias means a row that is answered here, a live one before a mock."""
        return self.catalogue.find(name, mode, lambda row: _PREFERENCE[self.availability(row).state])

    def endpoints(self, row: VideoModel) -> tuple[Endpoint, ...]:
        """Every endpoint at which the row can be bought here: the live ones, or else the mocks."""
        usable = self._usable.get((row.provider, self.providers[row.provider].place(row)), Usable())
        return usable.live or usable.mock

    def usable(self) -> frozenset[str]:
        """Ids that `auto` may choose: live ones if there are any, else mocks; never a mixture."""
        paused = self.paused()
        if self._auto is None or self._auto[0] != paused:
            by_state: dict[RowState, set[str]] = {RowState.LIVE: set(), RowState.MOCK: set()}
            for row in self.catalogue.rows.values():
                available = self.availability(row)
                if available.state in by_state and not available.paused:
                    by_state[available.state].add(row.id)
            self._auto = (paused, frozenset(by_state[RowState.LIVE] or by_state[RowState.MOCK]))
        return self._auto[1]

    def paused(self) -> frozenset[str]:
        """The names of the endpoints to which nothing is sent at the moment."""
        return frozenset(name for name, breaker in self.breakers.items() if breaker.why())

    def availability(self, row: VideoModel) -> Availability:
        """How a row can be bought here, and with which endpoint by preference."""
        if row.lifecycle.state is LifecycleState.RETIRED:
            lifecycle = row.lifecycle
            reason = f"retired on {lifecycle.retires}; use {lifecycle.successor}"
            return Availability(state=RowState.RETIRED, reason=reason)
        if not row.enabled:
            return Availability(state=RowState.UNAVAILABLE, reason="switched off by this server's operator")
        found = self.endpoints(row)
        if not found:
            reason = self._unavailable.get(row.provider, "no credential is set for this vendor")
            return Availability(state=RowState.UNAVAILABLE, reason=reason)
        return self._answered(row, found)

    def _answered(self, row: VideoModel, found: Sequence[Endpoint]) -> Availability:
        """The reason says why a mock answers, or what keeps every credential of the vendor from being used."""
        shut = [self.breakers[endpoint.name].why() for endpoint in found]
        state = RowState.MOCK if found[0].mock else RowState.LIVE
        reason = "answered by the vendor"
        if state is RowState.MOCK:
            reason = self._unavailable.get(row.provider, "answered by the built-in emulator")
        first = next((place for place, why in enumerate(shut) if not why), None)
        if first is None and all(self.breakers[endpoint.name].account for endpoint in found):
            return Availability(state=RowState.UNAVAILABLE, reason=f"paused: {shut[0]}", paused=True)
        if first is None:
            return Availability(state=state, reason=f"paused: {shut[0]}", endpoint=found[0], paused=True)
        return Availability(state=state, reason=reason, endpoint=found[first])


_PREFERENCE = {RowState.LIVE: 0, RowState.MOCK: 1, RowState.UNAVAILABLE: 2, RowState.RETIRED: 3}


def _by_place(endpoints: Iterable[Endpoint]) -> dict[tuple[str, str], Usable]:
    found: dict[tuple[str, str], Usable] = {}
    for endpoint in endpoints:
        key = (endpoint.provider, endpoint.place)
        usable = found.get(key, Usable())
        grown = {"mock": (*usable.mock, endpoint)} if endpoint.mock else {"live": (*usable.live, endpoint)}
        found[key] = replace(usable, **grown)
    return found
