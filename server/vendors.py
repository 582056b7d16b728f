"""Which vendors answer here, live or mocked, and why: decided from the settings alone."""

import hashlib
import tomllib
from collections.abc import Iterator, Mapping, Sequence

from core.errors import UnsafeUrl
from core.urls import check_endpoint
from jobs.endpoints import Endpoint, Vendors
from jobs.http import VendorClient
from jobs.tokens import MetadataServer, TokenSource, credentials_file
from providers import vertex
from providers.base import BaseVideoProvider
from providers.catalogue import ADAPTERS, ALIASES, CATALOGUE, Catalogue
from providers.model import LifecycleState
from providers.openai_videos import OpenAIVideosProvider
from providers.overlay import BadOverlay, applied
from server import settings as settings_module
from server.settings import MockMode, Settings, SettingsError

MOCK_SECRET = "mock"  # noqa: S105 - emulators take any key
"""What emulators are sent in place of a key: a real one never leaves for them."""


def surfaces(settings: Settings) -> tuple[BaseVideoProvider, ...]:
    """The adapters of this server: every vendor's, and one for each upstream that the operator named.

    Raises SettingsError for a name that is taken or cannot be one.
    """
    found = list(ADAPTERS.values())
    for name in settings_module.named(settings.upstreams or ""):
        try:
            if name in ADAPTERS:
                raise ValueError(f"{name} is the name of a vendor")
            found.append(OpenAIVideosProvider.under(name)())
        except ValueError as error:
            raise SettingsError([f"FILMGATE_UPSTREAMS: {error}"]) from None
    return tuple(found)


def catalogue_of(settings: Settings, providers: Sequence[BaseVideoProvider]) -> Catalogue:
    """The rows these adapters sell, with the operator's own data over them. Raises SettingsError with every fault."""
    if settings.catalogue is None and len(providers) == len(ADAPTERS):
        return CATALOGUE
    try:
        document = {} if settings.catalogue is None else tomllib.loads(settings.catalogue.read_text("utf-8"))
        rows = applied(sorted((row for each in providers for row in each.models), key=lambda row: row.id), document)
        return Catalogue.of(rows, ALIASES)
    except BadOverlay as error:
        raise SettingsError([f"FILMGATE_CATALOGUE: {fault}" for fault in error.faults]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"FILMGATE_CATALOGUE: the file cannot be read ({type(error).__name__})"]) from None
    except ValueError as error:  # TOML's own, or the catalogue's complaints
        raise SettingsError([f"FILMGATE_CATALOGUE: {error}"]) from None


def needs_emulator(settings: Settings, providers: Sequence[BaseVideoProvider], unfinished: frozenset[str]) -> bool:
    """Whether an emulator must run: for vendors to mock, or for unfinished attempts at one.

    One inside the server would be unknown to the other replicas, so with Postgres there is none.
    """
    if settings.database_url is not None and settings.emulator_url is None:
        return False
    return settings.mock is not MockMode.NEVER and bool(
        unfinished or any(_is_mocked(settings, provider) for provider in providers)
    )


def choose(
    settings: Settings,
    providers: Sequence[BaseVideoProvider],
    emulator_url: str | None,
    unfinished: frozenset[str] = frozenset(),
    catalogue: Catalogue = CATALOGUE,
    client: VendorClient | None = None,
) -> Vendors:
    """The vendors of this server. `unfinished` names the endpoints of attempts that are still waited for.

    `client` fetches access tokens; without one (when nothing will be sent) none can be had.
    """
    endpoints: list[Endpoint] = []
    unavailable: dict[str, str] = {}
    for provider in providers:
        live = list(_live(settings, provider, client))
        endpoints += live
        if not live:
            unavailable[provider.name] = _why(settings, provider)
        if emulator_url is not None:
            mocks = mock_endpoints(provider, emulator_url)
            mocked = _is_mocked(settings, provider)
            endpoints += [mock for mock in mocks if mocked or mock.name in unfinished]
    return Vendors(providers, endpoints, unavailable, catalogue)


def _is_mocked(settings: Settings, provider: BaseVideoProvider) -> bool:
    if settings.mock is MockMode.NEVER:
        return False
    return settings.mock is MockMode.ALWAYS or not any(_live(settings, provider))


def _live(settings: Settings, provider: BaseVideoProvider, client: VendorClient | None = None) -> Iterator[Endpoint]:
    """One endpoint for each key, or for each place where a model of the vendor is served."""
    if settings.mock is MockMode.ALWAYS or (provider.answers_by_callback and settings.public_url is None):
        return
    keys = settings_module.keys_of(settings, provider)
    tokens = _tokens(settings, provider, client)
    for place, address in _addresses(settings, provider).items():
        for key in keys or ([""] if tokens or provider.key_optional else []):
            base = f"{provider.name}/{place}" if place else provider.name
            yield Endpoint(
                name=f"{base}#{_fingerprint(key)}" if len(keys) > 1 else base,
                provider=provider.name,
                base_url=_checked(provider, address, key),
                credential=provider.credential_variables[0],
                secret=key,
                tokens=None if key else tokens,
                hosts=provider.hosts,
                place=place,
            )


def _checked(provider: BaseVideoProvider, address: str, key: str) -> str:
    """The address, once a key may go there."""
    try:
        return check_endpoint(address, allow_private_http=not key).url.rstrip("/")
    except UnsafeUrl as error:
        raise SettingsError([f"{provider.name}: {error}"]) from None


def _addresses(settings: Settings, provider: BaseVideoProvider) -> Mapping[str, str]:
    """Place -> address; a vendor that is served at one address has one place without a name."""
    other = settings_module.address_of(settings, provider)
    if settings_module.has_places(type(provider)):
        return settings_module.named(other or "")
    if provider.name == "vertex" and settings.google_cloud_project and not other:
        return {"": vertex.address(settings.google_cloud_project, settings.google_cloud_location)}
    address = other or provider.base_url
    return {"": address} if address else {}


def _tokens(settings: Settings, provider: BaseVideoProvider, client: VendorClient | None) -> TokenSource | None:
    if provider.name != "vertex" or not settings.google_cloud_project:
        return None
    path = settings.google_application_credentials
    if path is None or client is None:
        return MetadataServer()
    try:
        return credentials_file(path, client)
    except ValueError as error:
        raise SettingsError([f"GOOGLE_APPLICATION_CREDENTIALS: {error}"]) from None


def mock_endpoints(provider: BaseVideoProvider, emulator_url: str) -> Iterator[Endpoint]:
    """Where an emulator server plays this vendor."""
    base = emulator_url.rstrip("/")
    living = [row for row in provider.models if row.lifecycle.state is not LifecycleState.RETIRED]
    for place in sorted({provider.place(row) for row in living}):
        inside = f"/{place}" if place else ""
        yield Endpoint(
            name=f"mock:{provider.name}{inside}",
            provider=provider.name,
            base_url=f"{base}/{provider.played_as or provider.name}{inside}",
            credential="mock",
            secret=MOCK_SECRET,
            hosts={host: f"{base}/{provider.name}-{host}" for host in provider.hosts},
            place=place,
        )


def _fingerprint(key: str) -> str:
    """Names one of several keys for ever, whatever their order."""
    return hashlib.sha256(key.encode()).hexdigest()[:8]


def _why(settings: Settings, provider: BaseVideoProvider) -> str:
    missing = _missing(settings, provider)
    match settings.mock:
        case MockMode.ALWAYS | MockMode.AUTO if settings.database_url is not None and settings.emulator_url is None:
            return (
                f"{missing} is not set, and replicas on Postgres are mocked only by a shared `filmgate emulate`:"
                " FILMGATE_EMULATOR_URL is not set"
            )
        case MockMode.ALWAYS:
            return "played by our emulator: FILMGATE_MOCK=always"
        case MockMode.NEVER:
            return f"{missing} is not set, and FILMGATE_MOCK=never"
        case MockMode.AUTO:
            return f"played by our emulator: {missing} is not set"


def _missing(settings: Settings, provider: BaseVideoProvider) -> str:
    """The variable that would make the vendor live."""
    if provider.name == "vertex":
        return "GOOGLE_CLOUD_PROJECT"
    if provider.answers_by_callback and _addresses(settings, provider):
        return "FILMGATE_PUBLIC_URL, to which alone it tells its results,"
    if not _addresses(settings, provider):
        return f"{provider.name.replace('-', '_').upper()}_BASE_URL"
    return " or ".join(provider.credential_variables)
