"""Which vendors answer here, live or mocked, and why: decided from the settings alone."""

from collections.abc import Sequence

from core.urls import check_endpoint
from jobs.endpoints import Endpoint, Vendors
from providers.base import BaseVideoProvider
from server import settings as settings_module
from server.settings import MockMode, Settings

MOCK_SECRET = "mock"  # noqa: S105 - emulators take any key
"""What emulators are sent in place of a key: a real one never leaves for them."""


def needs_emulator(settings: Settings, providers: Sequence[BaseVideoProvider], unfinished: frozenset[str]) -> bool:
    """Whether an emulator must run: for vendors to mock, or for unfinished attempts at one."""
    return settings.mock is not MockMode.NEVER and bool(_mocked(settings, providers) or unfinished)


def choose(
    settings: Settings,
    providers: Sequence[BaseVideoProvider],
    emulator_url: str | None,
    unfinished: frozenset[str] = frozenset(),
) -> Vendors:
    """The vendors of this server. `unfinished` names the endpoints of attempts that are still waited for."""
    endpoints: list[Endpoint] = []
    unavailable: dict[str, str] = {}
    mocked = _mocked(settings, providers)
    for provider in providers:
        key = settings_module.secret_of(settings, provider.credential_variables)
        if key is not None and settings.mock is not MockMode.ALWAYS:
            endpoints.append(_live(settings, provider, key))
        else:
            unavailable[provider.name] = _why(settings, provider)
        if emulator_url is not None and (provider.name in mocked or f"mock:{provider.name}" in unfinished):
            endpoints.append(_mock(provider, emulator_url))
    return Vendors(providers, endpoints, unavailable)


def _mocked(settings: Settings, providers: Sequence[BaseVideoProvider]) -> frozenset[str]:
    if settings.mock is MockMode.NEVER:
        return frozenset()
    return frozenset(
        provider.name
        for provider in providers
        if settings.mock is MockMode.ALWAYS
        or settings_module.secret_of(settings, provider.credential_variables) is None
    )


def _live(settings: Settings, provider: BaseVideoProvider, key: str) -> Endpoint:
    other: str | None = getattr(settings, f"{provider.name}_base_url", None)
    return Endpoint(
        name=provider.name,
        provider=provider.name,
        base_url=check_endpoint(other or provider.base_url).url.rstrip("/"),
        credential=provider.credential_variables[0],
        secret=key,
    )


def _mock(provider: BaseVideoProvider, emulator_url: str) -> Endpoint:
    return Endpoint(
        name=f"mock:{provider.name}",
        provider=provider.name,
        base_url=f"{emulator_url.rstrip('/')}/{provider.name}",
        credential="mock",
        secret=MOCK_SECRET,
    )


def _why(settings: Settings, provider: BaseVideoProvider) -> str:
    variables = " or ".join(provider.credential_variables)
    match settings.mock:
        case MockMode.ALWAYS:
            return "played by our emulator: FILMGATE_MOCK=always"
        case MockMode.NEVER:
            return f"{variables} is not set, and FILMGATE_MOCK=never"
        case MockMode.AUTO:
            return f"played by our emulator: {variables} is not set"
