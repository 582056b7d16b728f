"""Keys, addresses, named upstreams and the operator's own catalogue: what a server makes of its settings."""

from pathlib import Path

import pytest

from jobs.endpoints import RowState, Vendors
from providers.catalogue import CATALOGUE
from server import settings, vendors
from server.settings import SettingsError

EMULATOR = "http://127.0.0.1:9999"
GEN45 = CATALOGUE.rows["runway/gen4.5"]
SVD = CATALOGUE.rows["cog/stable-video-diffusion"]


def _vendors(variables: dict[str, str], emulator: str | None = None) -> Vendors:
    chosen = settings.load(variables)
    surfaces = vendors.surfaces(chosen)
    return vendors.choose(chosen, surfaces, emulator, catalogue=vendors.catalogue_of(chosen, surfaces))


def test_several_keys_are_endpoints_named_by_what_they_are() -> None:
    found, turned = (
        _vendors({"RUNWAY_API_KEY": keys}).endpoints(GEN45) for keys in ("first,second", " second , first,second")
    )
    assert [endpoint.secret for endpoint in found] == ["first", "second"]
    assert {endpoint.name for endpoint in found} == {endpoint.name for endpoint in turned}
    assert all(endpoint.name.startswith("runway#") for endpoint in found)
    assert "first" not in repr(found)


def test_an_attempt_from_before_there_were_several_keys_still_has_an_endpoint() -> None:
    found = _vendors({"RUNWAY_API_KEY": "first,second"}).endpoint("runway")
    assert found is not None
    assert found.secret == "first"


def test_a_named_upstream_is_a_vendor_of_its_own() -> None:
    found = _vendors(
        {
            "FILMGATE_UPSTREAMS": "lab=https://lab.example/v1,other=https://other.example/v1",
            "FILMGATE_UPSTREAM_KEYS": "lab=k1,other=k2",
        },
        EMULATOR,
    )
    row = found.catalogue.rows["other/sora-2"]
    endpoint = found.availability(row).endpoint
    assert endpoint is not None
    assert (endpoint.name, endpoint.base_url, endpoint.secret) == ("other", "https://other.example/v1", "k2")
    assert found.availability(found.catalogue.rows["openai-compatible/sora-2"]).state is RowState.MOCK


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("runway=https://x.example/v1", "runway is the name of a vendor"),
        ("lab", "name=value"),
        ("lab=ftp://planted-9f3a", "https"),
        ("lab=https://a.example,lab=https://b.example", "named twice"),
    ],
)
def test_a_bad_upstream_is_refused(value: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as refused:
        _vendors({"FILMGATE_UPSTREAMS": value})
    assert "planted-9f3a" not in str(refused.value)


def test_each_cog_image_has_its_own_address_and_needs_ours() -> None:
    variables = {"COG_BASE_URL": "stable-video-diffusion=http://10.0.0.7:5000"}
    missing = _vendors(variables).availability(SVD)
    assert (missing.state, "FILMGATE_PUBLIC_URL" in missing.reason) == (RowState.UNAVAILABLE, True)
    found = _vendors(variables | {"FILMGATE_PUBLIC_URL": "https://films.example"})
    endpoint = found.availability(SVD).endpoint
    assert endpoint is not None
    assert (endpoint.name, endpoint.base_url) == ("cog/stable-video-diffusion", "http://10.0.0.7:5000")
    assert found.availability(CATALOGUE.rows["cog/hotshot-xl"]).state is RowState.UNAVAILABLE


def test_a_key_never_goes_over_plain_http_to_another_machine() -> None:
    with pytest.raises(SettingsError, match="https"):
        _vendors(
            {
                "COG_BASE_URL": "stable-video-diffusion=http://10.0.0.7:5000",
                "COG_API_KEY": "planted",
                "FILMGATE_PUBLIC_URL": "https://films.example",
            }
        )


def test_vertex_is_addressed_by_project_and_location() -> None:
    found = _vendors({"GOOGLE_CLOUD_PROJECT": "films-1", "GOOGLE_CLOUD_LOCATION": "europe-west4"})
    endpoint = found.availability(CATALOGUE.rows["vertex/veo-3.1"]).endpoint
    assert endpoint is not None
    path = "/v1/projects/films-1/locations/europe-west4"
    assert endpoint.base_url == f"https://europe-west4-aiplatform.googleapis.com{path}"
    assert endpoint.tokens is not None


def _overlay(tmp_path: Path, text: str) -> Vendors:
    path = tmp_path / "catalogue.toml"
    path.write_text(text)
    return _vendors({"FILMGATE_CATALOGUE": str(path), "RUNWAY_API_KEY": "k"})


def test_the_operators_own_catalogue(tmp_path: Path) -> None:
    found = _overlay(
        tmp_path,
        '[models."runway/gen4.5"]\nenabled = false\ndeadline_seconds = 1500\n'
        '[[models."runway/gen4.5".prices]]\nusd = "0.10"\nunit = "SECOND"\nsince = 2026-12-01\nsource = "ours"\n',
    )
    row = found.catalogue.rows["runway/gen4.5"]
    assert (row.deadline_seconds, len(row.prices)) == (1500, len(GEN45.prices) + 1)
    available = found.availability(row)
    assert (available.state, "operator" in available.reason) == (RowState.UNAVAILABLE, True)
    assert found.catalogue.revision != CATALOGUE.revision


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[models."runway/none"]\nenabled = true', "there is no such model"),
        ('[models."runway/gen4.5"]\nwire_name = "x"', "wire_name cannot be changed"),
        ('[models."runway/gen4.5"]\nprompt_limit = 100000', "can only be lowered"),
        ('[models."runway/gen4.5"]\nenabled = 1', "true or false"),
        ('[[models."runway/gen4.5".prices]]\nusd = "x"\nunit = "SECOND"\nsince = 2026-12-01\nsource = "s"', "prices"),
        (
            '[[models."runway/gen4.5".prices]]\nusd = "1"\nunit = "SECOND"\nsince = 2020-01-01\nsource = "s"',
            "is not after",
        ),
        ("models = 3", "table"),
        ("not toml", "FILMGATE_CATALOGUE"),
    ],
)
def test_a_bad_catalogue_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        _overlay(tmp_path, text)
