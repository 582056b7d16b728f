"""Who answers, live or mocked, in each mode, and why."""

import pytest

from jobs.endpoints import RowState
from providers.catalogue import ADAPTERS, CATALOGUE
from server import settings, vendors
from server.vendors import MOCK_SECRET

PROVIDERS = (ADAPTERS["runway"], ADAPTERS["replicate"])
RUNWAY = CATALOGUE.rows["runway/gen4.5"]
REPLICATE = CATALOGUE.rows["replicate/minimax-video-01"]
EMULATOR = "http://127.0.0.1:9999"
S3 = {"S3_BUCKET_NAME": "films"}


@pytest.mark.parametrize(
    ("variables", "runway", "replicate"),
    [
        ({}, RowState.MOCK, RowState.MOCK),
        ({"RUNWAY_API_KEY": "k"}, RowState.LIVE, RowState.MOCK),
        ({"RUNWAYML_API_SECRET": "k"}, RowState.LIVE, RowState.MOCK),
        ({"REPLICATE_API_TOKEN": "k", "RUNWAY_API_KEY": "k"}, RowState.LIVE, RowState.LIVE),
        ({"RUNWAY_API_KEY": "k", "FILMGATE_MOCK": "always"}, RowState.MOCK, RowState.MOCK),
        ({"FILMGATE_MOCK": "never", **S3}, RowState.UNAVAILABLE, RowState.UNAVAILABLE),
        ({"FILMGATE_MOCK": "never", "RUNWAY_API_KEY": "k", **S3}, RowState.LIVE, RowState.UNAVAILABLE),
    ],
)
def test_each_mode(variables: dict[str, str], runway: RowState, replicate: RowState) -> None:
    chosen = settings.load(variables)
    needed = vendors.needs_emulator(chosen, PROVIDERS, frozenset())
    assert needed == (RowState.MOCK in (runway, replicate))
    found = vendors.choose(chosen, PROVIDERS, EMULATOR if needed else None)
    assert (found.availability(RUNWAY).state, found.availability(REPLICATE).state) == (runway, replicate)


def test_a_missing_key_is_named() -> None:
    never = vendors.choose(settings.load({"FILMGATE_MOCK": "never", **S3}), PROVIDERS, None)
    assert "RUNWAY_API_KEY or RUNWAYML_API_SECRET" in never.availability(RUNWAY).reason
    auto = vendors.choose(settings.load({}), PROVIDERS, EMULATOR)
    assert "REPLICATE_API_TOKEN is not set" in auto.availability(REPLICATE).reason


def test_a_key_never_goes_to_an_emulator() -> None:
    variables = {"RUNWAY_API_KEY": "planted", "FILMGATE_MOCK": "always"}
    endpoint = vendors.choose(settings.load(variables), PROVIDERS, EMULATOR).availability(RUNWAY).endpoint
    assert endpoint is not None
    assert (endpoint.name, endpoint.base_url, endpoint.secret) == ("mock:runway", f"{EMULATOR}/runway", MOCK_SECRET)
    assert endpoint.currency == "XTS"


def test_a_live_endpoint_has_the_key_and_the_operators_address() -> None:
    variables = {"RUNWAY_API_KEY": "planted", "RUNWAY_BASE_URL": "http://127.0.0.1:7/runway/"}
    endpoint = vendors.choose(settings.load(variables), PROVIDERS, None).endpoint("runway")
    assert endpoint is not None
    assert (endpoint.base_url, endpoint.credential, endpoint.secret) == (
        "http://127.0.0.1:7/runway",
        "RUNWAY_API_KEY",
        "planted",
    )
    assert "planted" not in repr(endpoint)


def test_attempts_still_waited_for_keep_their_emulator() -> None:
    chosen = settings.load({"RUNWAY_API_KEY": "k", "REPLICATE_API_TOKEN": "k"})
    unfinished = frozenset({"mock:runway"})
    assert vendors.needs_emulator(chosen, PROVIDERS, unfinished)
    found = vendors.choose(chosen, PROVIDERS, EMULATOR, unfinished)
    assert found.endpoint("mock:runway") is not None
    assert found.endpoint("mock:replicate") is None
    assert found.availability(RUNWAY).state is RowState.LIVE


def test_replicas_are_mocked_by_a_shared_emulator_or_not_at_all() -> None:
    url = {"FILMGATE_DATABASE_URL": "postgresql://u@h/d"}
    alone = settings.load(url)
    assert not vendors.needs_emulator(alone, PROVIDERS, frozenset({"mock:runway"}))
    found = vendors.choose(alone, PROVIDERS, None).availability(RUNWAY)
    assert found.state is RowState.UNAVAILABLE
    assert "FILMGATE_EMULATOR_URL" in found.reason
    shared = settings.load({**url, "FILMGATE_EMULATOR_URL": EMULATOR})
    assert vendors.needs_emulator(shared, PROVIDERS, frozenset())
    assert vendors.choose(shared, PROVIDERS, EMULATOR).availability(RUNWAY).state is RowState.MOCK
