"""Planning: which fallbacks may take over, and which never do."""

from collections.abc import Mapping

import pytest

from core.errors import Precondition, Reason
from core.spec import Wish
from jobs.endpoints import Endpoint, RowState, Vendors
from jobs.orders import Order, Plan
from jobs.planning import plan
from providers.catalogue import ADAPTERS, CATALOGUE

GEN45 = "runway/gen4.5"
KLING = "replicate/kling-v2.5-turbo-pro"


def _vendors(names: Mapping[str, str]) -> Vendors:
    endpoints = [
        Endpoint(name=name, provider=provider, base_url="https://vendor.example", credential="key", secret="s")
        for name, provider in names.items()
    ]
    return Vendors(ADAPTERS.values(), endpoints, {"replicate": "set REPLICATE_API_TOKEN"})


LIVE = {"runway": "runway", "replicate": "replicate"}
HALF = {"runway": "runway", "mock:replicate": "replicate"}
MOCK = {"mock:runway": "runway", "mock:replicate": "replicate"}


def _planned(names: Mapping[str, str], *, model: str = GEN45, duration: float = 5.0) -> Plan:
    wish = Wish(prompt="a cat", duration=duration)
    order = Order(tenant="acme", creative_id="spring", model=model, wish=wish, fallbacks=(KLING,))
    return plan(order, _vendors(names), "auto")


@pytest.mark.parametrize(("names", "currency"), [(LIVE, "USD"), (MOCK, "XTS")])
def test_a_fallback_of_the_same_kind_is_kept_and_its_price_held(names: Mapping[str, str], currency: str) -> None:
    planned = _planned(names)
    assert [offer.model for offer in planned.offers[0]] == [GEN45, KLING]
    assert (planned.expected.micros, planned.held_max.micros, planned.currency) == (600_000, 600_000, currency)


@pytest.mark.parametrize("names", [HALF, {"runway": "runway"}])
def test_never_from_live_to_mock_nor_to_what_is_not_there(names: Mapping[str, str]) -> None:
    planned = _planned(names)
    assert [offer.model for offer in planned.offers[0]] == [GEN45]
    assert [notice.code for notice in planned.notices] == ["FALLBACK_SKIPPED"]
    assert planned.violations == []


def test_a_fallback_that_cannot_honour_everything_typed_is_skipped() -> None:
    planned = _planned(LIVE, duration=7.0)
    assert [offer.model for offer in planned.offers[0]] == [GEN45]
    assert "FALLBACK_SKIPPED" in {notice.code for notice in planned.notices}


def test_a_model_without_an_endpoint_is_unavailable_and_says_why() -> None:
    with pytest.raises(Precondition) as refused:
        _planned({"runway": "runway"}, model=KLING)
    assert refused.value.reason is Reason.MODEL_UNAVAILABLE
    assert "set REPLICATE_API_TOKEN" in refused.value.message


def test_live_comes_before_mock() -> None:
    vendors = _vendors(LIVE | MOCK)
    assert {vendors.availability(CATALOGUE.rows[name]).state for name in (GEN45, KLING)} == {RowState.LIVE}
