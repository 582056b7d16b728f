"""Runway's own SDK and our own requests buy what the emulated Runway resells; its validation of every field."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from runwayml import BadRequestError, PermissionDeniedError, RunwayML

from core.outcome import Json
from core.spec import MediaInput, Quality, Wish
from emulators.vendors.runway_checks import check
from emulators.vendors.runway_models import RUNWAY_MODELS
from providers import prices
from providers.catalogue import CATALOGUE
from providers.resolve import resolve
from providers.runway import RunwayProvider
from tests.emulators.driving import NO_TLS, RUNWAY, data_uri, finished, job_of, look

_CONTRACT = Path(__file__).parents[1] / "providers" / "contract" / "runway" / "requests.json"
_CASES: list[dict[str, Any]] = json.loads(_CONTRACT.read_text())
_A, _V = "https://example.com/a.png", "https://example.com/v.mp4"
_A_INPUT, _V_INPUT = MediaInput(uri=_A), MediaInput(uri=_V)
_FILES = {"first_frame", "last_frame", "source_video"}


@pytest.fixture
def runway(base_url: str) -> Iterator[RunwayML]:
    with RunwayML(
        api_key="rw-key",
        base_url=f"{base_url}/runway",
        http_client=httpx.Client(trust_env=False, verify=NO_TLS),
        max_retries=0,
    ) as sdk:
        yield sdk


def _clip(runway: RunwayML, http: httpx.Client, **more: Any) -> bytes:
    """A small clip of Seedance's."""
    body: dict[str, Any] = {"model": "seedance2", "prompt_text": "a cat", "ratio": "496:864", "duration": 4, **more}
    created = runway.text_to_video.create(**body)
    return http.get(finished(http, created.id)["output"][0]).content


def _upload(runway: RunwayML, data: bytes) -> str:
    return runway.uploads.create_ephemeral(file=("v.mp4", data, "video/mp4")).uri


def _bought(http: httpx.Client, path: str, body: Json) -> httpx.Response:
    return http.post(f"/runway{path}", headers=RUNWAY, json=body)


def _held_credits(model: str, wish: dict[str, Any]) -> float:
    """What we hold for a wish of the contract's data."""
    row = CATALOGUE.rows[model]
    files: dict[str, Any] = {name: _V_INPUT if name == "source_video" else _A_INPUT for name in _FILES & set(wish)}
    told = {name: value for name, value in wish.items() if name not in (*_FILES, "references", "quality")}
    references = (_A_INPUT,) * len(wish.get("references", ()))
    quality = Quality(wish["quality"]) if "quality" in wish else None
    found = resolve(Wish(references=references, quality=quality, **told, **files), row)
    assert not found.violations
    return prices.quote(row, found.spec).held_max.micros / 10_000


def test_every_model_is_sold_here() -> None:
    assert {row.wire_name for row in RunwayProvider.models if row.modes} == set(RUNWAY_MODELS)


@pytest.mark.parametrize("case", _CASES, ids=[case["name"] for case in _CASES])
def test_our_requests_are_taken_and_never_cost_more_than_is_held(
    case: dict[str, Any], runway: RunwayML, http: httpx.Client, png: bytes
) -> None:
    expected = case["expect"]
    text = json.dumps(expected["json"]).replace("data:image/png;base64,UE5H", data_uri(png))
    if "runway://" in text:
        text = text.replace("runway://4f7c", _upload(runway, _clip(runway, http)))
    answer = _bought(http, expected["path"], json.loads(text))
    assert answer.status_code == 200, answer.text
    done = finished(http, answer.json()["id"])
    assert done["status"] == "SUCCEEDED"
    assert done["cost"]["credits"] <= _held_credits(case["model"], case["wish"])
    assert done["cost"]["credits"] <= answer.json()["estimatedCost"]["credits"]


def test_an_edit_of_an_upload_lasts_as_long_as_it(runway: RunwayML, http: httpx.Client) -> None:
    uri = _upload(runway, _clip(runway, http))
    created = runway.video_to_video.create(model="aleph2", video_uri=uri, prompt_text="snow")
    done = runway.tasks.retrieve(finished(http, created.id)["id"])
    assert done.status == "SUCCEEDED"
    assert done.cost.credits == 4 * 28
    facts = look(http.get(done.output[0]).content)
    assert (facts.seconds, facts.size, facts.audio) == (4.0, (720, 1254), False)


def test_an_edit_of_an_inline_video_costs_two_seconds_at_least(runway: RunwayML, http: httpx.Client) -> None:
    created = runway.text_to_video.create(model="gen4.5", prompt_text="x", ratio="1280:720", duration=2)
    data = http.get(finished(http, created.id)["output"][0]).content
    inline = data_uri(data).replace("image/png", "video/mp4")
    edited = runway.video_to_video.create(model="aleph2", video_uri=inline, prompt_text="snow")
    assert finished(http, edited.id)["cost"] == {"credits": 56}


@pytest.mark.parametrize("keeps", [True, False])
def test_kling_o3_keeps_the_sound_of_its_source(runway: RunwayML, http: httpx.Client, keeps: bool) -> None:
    created = runway.video_to_video.create(
        model="klingO3_standard",
        prompt_text="at night",
        prompt_video=_upload(runway, _clip(runway, http, audio=True)),
        provider_settings={"keep_original_sound": keeps},
    )
    facts = look(http.get(finished(http, created.id)["output"][0]).content)
    assert (facts.seconds, facts.audio) == (4.0, keeps)


def test_an_automatic_length_is_charged_as_the_longest_until_it_is_done(runway: RunwayML, http: httpx.Client) -> None:
    created = runway.video_to_video.create(
        model="seedance2_5",
        prompt_text="at night",
        prompt_video=_upload(runway, _clip(runway, http)),
        duration="auto",
        mode="edit",
    )
    told = created.model_dump(by_alias=True)["estimatedCost"]["credits"]
    done = finished(http, created.id)
    assert (told, done["cost"]["credits"]) == (30 * 30 + 4 * 15, 4 * 30 + 4 * 15)
    assert job_of(http, created.id)["billed_micros"] == 1_800_000


def test_a_source_may_not_be_too_long(runway: RunwayML, http: httpx.Client) -> None:
    uri = _upload(runway, _clip(runway, http, duration=12))
    with pytest.raises(BadRequestError) as caught:
        runway.video_to_video.create(model="gemini_omni_flash", prompt_text="x", video_uri=uri)
    (issue,) = caught.value.response.json()["issues"]
    text = "Asset duration must be at most 10 seconds"
    assert issue == {"code": "too_big", "maximum": 10, "path": ["videoUri"], "message": text}


def test_a_clip_from_an_image_has_its_shape(runway: RunwayML, http: httpx.Client, png: bytes) -> None:
    created = runway.image_to_video.create(
        model="wan3", prompt_text="x", prompt_image=[{"uri": data_uri(png), "position": "first"}], ratio="auto_480p"
    )
    assert look(http.get(finished(http, created.id)["output"][0]).content).size == (960, 480)


def test_a_model_that_the_account_may_not_use(runway: RunwayML) -> None:
    with pytest.raises(PermissionDeniedError) as caught:
        runway.text_to_video.create(
            model="kling3.0_standard", prompt_text="[[fault:not-entitled]]", ratio="1280:720", duration=3
        )
    assert "Model variant is not available" in caught.value.response.json()["error"]


_FIRST, _LAST = {"uri": _A, "position": "first"}, {"uri": _A, "position": "last"}
_SEEDANCE: dict[str, Json] = {"model": "seedance2_5", "promptVideo": _V, "promptText": "x"}
_KLING: dict[str, Json] = {"model": "kling3.0_pro", "ratio": "1920:1080"}
_WAN: dict[str, Json] = {"model": "wan3", "promptText": "x", "promptImage": [_FIRST]}
_ALEPH: dict[str, Json] = {"model": "aleph2", "videoUri": _V}
_O3: dict[str, Json] = {"model": "klingO3_pro", "promptText": "x", "promptImage": [_FIRST]}

_REFUSED: list[tuple[str, dict[str, Json], list[tuple[str, list[Json]]]]] = [
    ("video", _ALEPH, []),
    ("video", {**_ALEPH, "duration": 5}, [("unrecognized_keys", [])]),
    ("video", {**_ALEPH, "videoUri": "runway://gone"}, [("custom", ["videoUri"])]),
    ("video", {**_ALEPH, "videoUri": "data:video/mp4;base64,"}, [("custom", ["videoUri"])]),
    ("video", {**_ALEPH, "videoUri": "data:image/png;base64,AAAA"}, [("custom", ["videoUri"])]),
    ("video", {**_ALEPH, "videoUri": "data:video/mp4;base64," + "A" * 16_800_000}, [("custom", ["videoUri"])]),
    ("video", {**_ALEPH, "videoUri": 7}, [("invalid_type", ["videoUri"])]),
    ("video", {**_ALEPH, "targetAspectRatio": "5:4"}, [("invalid_enum_value", ["targetAspectRatio"])]),
    ("video", {**_ALEPH, "keyframes": [{"uri": _A, "seconds": 1}]}, []),
    ("video", {**_ALEPH, "keyframes": [{"uri": _A}]}, [("invalid_union", ["keyframes", 0])]),
    ("video", {**_ALEPH, "keyframes": [{"uri": _A, "at": 0.1}] * 6}, [("too_big", ["keyframes"])]),
    (
        "video",
        {**_ALEPH, "keyframes": [{"uri": _A, "at": 0.1}, {"uri": _A, "at": 0.5, "range": {}}]},
        [("custom", ["keyframes"])],
    ),
    ("video", {"model": "gen4.5", "videoUri": _V}, [("invalid_union_discriminator", ["model"])]),
    ("video", {**_SEEDANCE, "mode": "extend", "duration": 5}, []),
    ("video", {**_SEEDANCE, "mode": "extend", "ratio": "1280:720"}, [("custom", ["ratio"])]),
    ("video", {**_SEEDANCE, "mode": "edit", "duration": 5}, [("custom", ["duration"])]),
    ("video", {"model": "seedance2_5", "promptVideo": _V, "mode": "extend"}, [("custom", ["promptText"])]),
    ("video", {**_SEEDANCE, "mode": "morph"}, [("invalid_enum_value", ["mode"])]),
    ("video", {**_SEEDANCE, "references": [{"uri": _A}] * 31}, [("too_big", ["references"])]),
    ("video", {**_SEEDANCE, "references": [_A]}, [("invalid_type", ["references", 0, "uri"])]),
    ("video", {**_SEEDANCE, "references": _A}, [("invalid_type", ["references"])]),
    (
        "video",
        {**_SEEDANCE, "referenceVideos": [{"uri": _V}]},
        [("invalid_literal", ["referenceVideos", 0, "type"])],
    ),
    ("text", {"model": "seedance2", "promptText": "x", "mode": "edit"}, [("unrecognized_keys", [])]),
    ("text", {"model": "seedance2", "promptText": "x", "duration": 16}, [("too_big", ["duration"])]),
    ("text", {"model": "seedance2", "promptText": "x", "duration": "auto"}, []),
    ("text", {"model": "seedance2", "promptText": "x" * 3501}, [("too_big", ["promptText"])]),
    ("text", {"model": "seedance2_fast", "promptText": "x", "ratio": "1920:1080"}, [("invalid_enum_value", ["ratio"])]),
    ("text", {**_KLING, "promptText": "x", "cfgScale": 1.5}, [("too_big", ["cfgScale"])]),
    ("text", {**_KLING, "promptText": "x", "cfgScale": -0.1}, [("too_small", ["cfgScale"])]),
    ("text", {**_KLING, "promptText": "x", "cfgScale": "0.5"}, [("invalid_type", ["cfgScale"])]),
    ("text", {**_KLING, "promptText": "x", "duration": 2}, [("too_small", ["duration"])]),
    ("text", {**_KLING, "promptText": "x", "duration": "auto"}, [("invalid_type", ["duration"])]),
    ("text", {**_KLING, "providerSettings": {"shotType": "intelligence"}}, [("custom", ["promptText"])]),
    (
        "text",
        {**_KLING, "promptText": "x", "providerSettings": {"shotType": "wild"}},
        [("invalid_enum_value", ["providerSettings", "shotType"])],
    ),
    (
        "text",
        {**_KLING, "promptText": "x", "providerSettings": {"multiPrompt": [{"prompt": "a", "duration": 9}] * 2}},
        [("custom", ["providerSettings", "multiPrompt"])],
    ),
    ("text", {**_KLING, "promptText": "x", "providerSettings": 7}, [("invalid_type", ["providerSettings"])]),
    ("text", {"model": "kling2.5_turbo_pro", "promptText": "x", "duration": 7}, [("invalid_enum_value", ["duration"])]),
    ("text", {"model": "hailuo3", "promptText": "x", "ratio": "adaptive"}, [("custom", ["ratio"])]),
    ("text", {"model": "hailuo3", "promptText": "x", "resolution": "1080p"}, [("invalid_enum_value", ["resolution"])]),
    ("text", {"model": "h3_max", "promptText": "x", "ratio": "16:9"}, [("unrecognized_keys", [])]),
    (
        "text",
        {"model": "h3_max", "promptText": "x", "promptExpansionMode": "much"},
        [("invalid_enum_value", ["promptExpansionMode"])],
    ),
    ("text", {"model": "happyhorse_1_0", "promptText": "x", "resolution": "720p"}, [("unrecognized_keys", [])]),
    ("text", {"model": "grok_imagine_1_5", "promptText": "x", "duration": 0}, [("too_small", ["duration"])]),
    ("text", {"model": "gemini_omni_flash", "promptText": "x", "references": []}, [("unrecognized_keys", [])]),
    ("image", _WAN, []),
    ("image", {**_WAN, "ratio": "auto_720p"}, []),
    ("image", {**_WAN, "ratio": "1280:720"}, [("custom", ["ratio"])]),
    ("image", {**_WAN, "promptImage": [{"uri": _A}], "ratio": "1280:720"}, []),
    ("image", {**_WAN, "promptImage": [{"uri": _A}] * 11}, [("too_big", ["promptImage"])]),
    (
        "image",
        {**_WAN, "promptImage": [_FIRST, {"uri": _A}]},
        [("invalid_enum_value", ["promptImage", 1, "position"])],
    ),
    ("image", {**_WAN, "promptImage": [_FIRST, _FIRST]}, [("custom", ["promptImage"])]),
    ("image", {**_WAN, "promptImage": [_LAST]}, [("custom", ["promptImage"])]),
    ("image", {**_O3, "references": [{"uri": _A}] * 7}, []),
    ("image", {**_O3, "references": [{"uri": _A}] * 8}, [("too_big", ["references"])]),
    (
        "image",
        {"model": "kling2.5_turbo_pro", "promptText": "x", "promptImage": _A, "ratio": "1280:720"},
        [("unrecognized_keys", [])],
    ),
    ("image", {"model": "kling_4", "promptImage": _A, "ratio": "1280:720"}, [("invalid_enum_value", ["ratio"])]),
]


@pytest.mark.parametrize(("route", "body", "expected"), _REFUSED)
def test_partners_issues(route: str, body: dict[str, Json], expected: list[tuple[str, list[Json]]]) -> None:
    assert [(issue["code"], issue["path"]) for issue in check(route, body, set())] == expected
