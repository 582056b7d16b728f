"""fal beyond the contract data: results, endpoints, uploads, tickets and prices."""

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Billed, FailureReason
from core.outcome import Accepted, Failed, Finished, Pending, Ready, Reply, Slot
from core.spec import ClipSpec, MediaInput, ModeName, Wish
from emulators import schema
from emulators.vendors.fal_models import APPS, ENDPOINTS
from providers import prices
from providers.catalogue import ADAPTERS, CATALOGUE
from providers.fal_models import MODELS, endpoint
from providers.model import MediaForm
from providers.plain import plain
from providers.resolve import resolve

_FAL = ADAPTERS["fal"]
_FOLDER = Path(__file__).parent / "contract" / "fal"
_RESULTS = json.loads((_FOLDER / "results.json").read_text())
_REQUESTS = json.loads((_FOLDER / "requests.json").read_text())
_ID = "764cabcf-b745-4b3e-ae38-1200304cf45b"
_TICKET = {"id": _ID, "app": "fal-ai/pika"}
_FRAME = MediaInput(uri="https://example.com/a.png")
_PIKA = CATALOGUE.rows["fal/pika-v2.2"]
_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


def _reply(value: Mapping[str, Any]) -> Reply:
    body = json.dumps(value["json"]) if "json" in value else value["text"]
    return Reply(status=value["status"], headers=value.get("headers", {}), body=body.encode())


def _assert_holds(expected: object, actual: object, where: str) -> None:
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        for name, member in expected.items():
            _assert_holds(member, actual[name], f"{where}.{name}")
    else:
        assert actual == expected, where


@pytest.mark.parametrize("case", _RESULTS, ids=lambda case: case["name"])
def test_result(case: Mapping[str, Any]) -> None:
    outcome = _FAL.delivered(_reply(case["reply"]))
    expected = dict(case["expect"])
    assert type(outcome).__name__ == expected.pop("is")
    _assert_holds(expected, plain(outcome), case["name"])
    assert "sig=" not in repr(plain(outcome))


def test_the_ways_of_a_request() -> None:
    poll, result, cancel = _FAL.poll(_TICKET), _FAL.result(_TICKET), _FAL.cancel(_TICKET)
    assert result is not None
    assert cancel is not None
    way = f"/fal-ai/pika/requests/{_ID}"
    assert (poll.method, poll.path, poll.query) == ("GET", f"{way}/status", {"logs": "true"})
    assert (result.method, result.path, result.query) == ("GET", way, {})
    assert (cancel.method, cancel.path, cancel.json) == ("PUT", f"{way}/cancel", None)
    for request in (poll, result, cancel):
        assert request.auth is not None
        assert (request.auth.header, request.auth.prefix, request.host) == ("Authorization", "Key ", "")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_a_named_job_is_asked_for_where_a_submitted_one_is(model: Any) -> None:
    ticket = _FAL.adopt(_ID, model)
    assert ticket is not None
    assert ticket["app"] in APPS
    way = f"https://queue.fal.run/{ticket['app']}/requests/{_ID}"
    accepted = _FAL.submitted(_reply({"status": 200, "json": {"request_id": _ID, "status_url": f"{way}/status"}}))
    assert accepted == Accepted(ticket=ticket)


@pytest.mark.parametrize("identifier", ["", "a/b", "../x", "a b", "a?b", "ä", "x" * 129])
def test_a_named_job_has_an_id(identifier: str) -> None:
    assert _FAL.adopt(identifier, _PIKA) is None


def test_every_endpoint_is_asked_for_and_takes_what_it_is_sent() -> None:
    asked = {case["expect"]["path"].removeprefix("/"): case["expect"]["json"] for case in _REQUESTS}
    assert set(asked) == set(ENDPOINTS)
    for case in _REQUESTS:
        sold = ENDPOINTS[case["expect"]["path"].removeprefix("/")]
        inputs = case["expect"]["json"]
        assert schema.check(sold.fields, inputs) + schema.unknown(sold.fields, inputs) == [], case["name"]
        assert [*sold.complain(schema.complete(sold.fields, inputs))] == []


@pytest.mark.parametrize("case", _REQUESTS, ids=lambda case: case["name"])
def test_the_emulator_asks_what_the_row_says(case: Mapping[str, Any]) -> None:
    """Two tables of prices, read apart from each other."""
    sold = ENDPOINTS[case["expect"]["path"].removeprefix("/")]
    values = schema.complete(sold.fields, case["expect"]["json"])
    frames = {name: _FRAME for name in ("first_frame", "last_frame") if name in case["wish"]}
    images = (_FRAME,) * len(case["wish"].get("references", ()))
    simple = {"prompt", "duration", "resolution", "aspect_ratio", "audio", "fps"}
    typed = {name: value for name, value in case["wish"].items() if name in simple}
    if "quality" in case["wish"]:
        typed["resolution"] = CATALOGUE.rows[case["model"]].qualities[case["wish"]["quality"]]
    resolved = resolve(Wish(**{**typed, **frames, "references": images}), CATALOGUE.rows[case["model"]])
    assert not resolved.violations
    quote = prices.quote(CATALOGUE.rows[case["model"]], resolved.spec)
    assert quote.expected.micros == sold.price(values)
    clip = sold.clip(values, None)
    assert resolved.spec.duration == pytest.approx(clip.seconds, abs=0.01)


def test_a_row_of_the_operators_own_has_its_whole_endpoint_as_its_name() -> None:
    own = replace(_PIKA, id="fal/mine", wire_name="me/app/some/path")
    request = _FAL.submit(ClipSpec(prompt="x", duration=5, resolution="720p"), own, None)
    assert request.path == "/me/app/some/path"
    assert _FAL.adopt(_ID, own) == {"id": _ID, "app": "me/app"}


def test_an_endpoint_renames_and_drops() -> None:
    veo = CATALOGUE.rows["fal/veo-3.1"]
    both = ClipSpec(prompt="x", first_frame=_FRAME, last_frame=_FRAME)
    assert endpoint(both, veo).inputs({"image_url": 1, "last_frame_url": 2}) == {
        "first_frame_url": 1,
        "last_frame_url": 2,
    }
    hailuo = ClipSpec(prompt="x", resolution="1080p")
    assert endpoint(hailuo, CATALOGUE.rows["fal/hailuo-2.3"]).inputs({"duration": "6", "prompt": "x"}) == {
        "prompt": "x"
    }


@pytest.mark.parametrize(
    ("model", "typed", "usd"),
    [
        ("pika-v2.2", {}, "0.20"),
        ("pika-v2.2", {"resolution": "1080p"}, "0.45"),
        ("pika-v2.2", {"duration": 10}, "0.40"),
        ("pika-v2.2", {"duration": 10, "resolution": "1080p"}, "0.90"),
        ("pika-v2.2-frames", {"first_frame": _FRAME, "duration": 5}, "0.20"),
        ("pika-v2.2-frames", {"first_frame": _FRAME, "duration": 10, "resolution": "1080p"}, "0.60"),
        ("veo-3.1", {}, "3.20"),
        ("veo-3.1", {"audio": False, "duration": 4}, "0.80"),
        ("veo-3.1", {"resolution": "4k"}, "4.80"),
        ("hailuo-2.3", {"duration": 10}, "0.56"),
        ("wan-2.5", {}, "0.75"),
        ("wan-2.5", {"resolution": "480p"}, "0.25"),
        ("pika-v2.2-scenes", {"references": (_FRAME,)}, "0.45"),
        ("ltx-2-fast", {"duration": 20}, "0.80"),
        ("stable-video", {"first_frame": _FRAME}, "0.075"),
    ],
)
def test_prices(model: str, typed: dict[str, Any], usd: str) -> None:
    row = CATALOGUE.rows[f"fal/{model}"]
    resolved = resolve(Wish(prompt="x", **typed), row)
    assert resolved.violations == ()
    assert Decimal(prices.quote(row, resolved.spec).expected.micros) / 1_000_000 == Decimal(usd)


def test_what_cannot_be_asked_for() -> None:
    def refused(model: str, **typed: Any) -> list[str]:
        return [each.field for each in resolve(Wish(prompt="x", **typed), CATALOGUE.rows[f"fal/{model}"]).violations]

    assert refused("hailuo-2.3", resolution="1080p", duration=10) == ["parameters.duration"]
    assert refused("ltx-2-fast", resolution="4k", duration=20) == ["parameters.duration"]
    assert refused("pika-v2.2", first_frame=_FRAME, aspect_ratio="1:1") == ["parameters.aspect_ratio"]
    assert refused("pika-v2.2-scenes") == ["reference_images"]
    assert refused("pika-v2.2-scenes", references=(_FRAME,) * 6) == ["reference_images"]
    assert refused("pika-v2.2-frames", last_frame=_FRAME) == ["first_frame", "last_frame"]
    assert refused("kling-v2.1") == ["first_frame"]


def test_files_come_by_address_inline_or_by_upload() -> None:
    assert {form for row in MODELS for form in row.media_forms} == {*MediaForm}
    assert all(row.mode(ModeName.VIDEO) is None for row in MODELS)


def test_upload() -> None:
    media = MediaInput(name="/tmp/in put/../Straße 1.png", mime_type="image/png", size=70_000)  # noqa: S108 - a name
    request = _FAL.upload(media, _PIKA)
    assert request is not None
    assert (request.method, request.path, request.host) == ("POST", "/storage/upload/initiate", "rest")
    assert request.query == {"storage_type": "gcs"}
    assert request.json == {"file_name": "Stra-e-1.png", "content_type": "image/png"}
    assert set(request.headers) == {"X-Fal-Object-Lifecycle-Preference", "X-Fal-Object-Lifecycle"}
    assert set(request.headers.values()) == {'{"expiration_duration_seconds": 86400}'}
    assert request.auth is not None
    assert _FAL.hosts["rest"] == "https://rest.fal.ai"


def test_an_upload_needs_a_type_and_any_name_will_do() -> None:
    assert _FAL.upload(MediaInput(name="a.png"), _PIKA) is None
    request = _FAL.upload(MediaInput(name="", mime_type="image/png"), _PIKA)
    assert request is not None
    assert request.json["file_name"] == "input"
    long = _FAL.upload(MediaInput(name=f"{'x' * 300}.png", mime_type="image/png"), _PIKA)
    assert long is not None
    assert len(long.json["file_name"]) == 100
    assert long.json["file_name"].endswith(".png")


def test_slot() -> None:
    told = {"upload_url": "https://v3b.fal.media/x?sig=1", "file_url": "https://v3b.fal.media/files/x.png"}
    slot = _FAL.slot(_reply({"status": 200, "json": told}))
    assert slot == Slot(uri=told["file_url"], url=told["upload_url"])
    assert slot.method == "PUT"
    assert not slot.fields


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (200, {}),
        (200, {"upload_url": "https://a.example/x"}),
        (200, {"file_url": "https://a.example/x"}),
        (200, {"upload_url": 1, "file_url": "https://a.example/x"}),
        (200, {"upload_url": "https://a.example/x", "file_url": "file:///x"}),
        (401, {"upload_url": "https://a.example/x", "file_url": "https://a.example/x"}),
    ],
)
def test_no_slot(status: int, document: dict[str, Any]) -> None:
    assert _FAL.slot(_reply({"status": status, "json": document})) is None


def test_the_key_set_is_asked_for_without_a_key() -> None:
    request = _FAL.callback_secret()
    assert request is not None
    assert (request.method, request.host, request.path) == ("GET", "rest", "/.well-known/jwks.json")
    assert request.auth is None


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"keys": []}', b'{"keys": [{"kty": "RSA"}]}', b"\xff\xfe", b'{"keys": [1, null]}']
)
def test_what_is_no_key_set(body: bytes) -> None:
    assert _FAL.callback_secrets(Reply(status=200, body=body)) == ()


def test_a_price_is_nobody_elses_word() -> None:
    """fal tells no cost: whatever the answers say, the row's price counts."""
    ready = _FAL.delivered(_reply({"status": 200, "json": {"video": {"url": "https://a.example/x.mp4"}, "cost": 99}}))
    assert isinstance(ready, Ready)
    assert ready.usage.cost is None


def test_a_lost_key_never_fails_a_clip() -> None:
    for status in (401, 402, 403, 407, 408, 425, 429):
        assert isinstance(_FAL.delivered(_reply({"status": status, "json": {"detail": "no"}})), Pending)
        assert isinstance(_FAL.outcome(_reply({"status": status, "json": {"detail": "no"}})), Pending)


def test_a_server_error_costs_nothing_and_a_client_error_may() -> None:
    def failed(status: int) -> Failed:
        headers = {"x-fal-request-id": _ID}
        outcome = _FAL.delivered(Reply(status=status, headers=headers, body=b'{"detail": "no"}'))
        assert isinstance(outcome, Failed)
        return outcome

    assert {failed(status).failure.billed for status in (500, 502, 503, 504)} == {Billed.NO}
    assert {failed(status).failure.billed for status in (400, 413, 422)} == {Billed.UNKNOWN}
    assert failed(422).failure.reason is FailureReason.INVALID_INPUT


@given(document=st.dictionaries(st.sampled_from(["status", "logs", "metrics", "error_type", "error"]), _JSON))
def test_any_status_is_read(document: dict[str, Any]) -> None:
    outcome = _FAL.state(document)
    assert isinstance(outcome, Pending | Failed | Finished)


@given(
    status=st.sampled_from([200, 202, 400, 404, 422, 500, 503]),
    document=st.dictionaries(st.sampled_from(["video", "detail", "error_type", "timings", "seed"]), _JSON),
    headers=st.dictionaries(st.sampled_from(["x-fal-request-id", "x-fal-retryable", "x-fal-error-type"]), st.text()),
)
def test_any_result_is_read(status: int, document: dict[str, Any], headers: dict[str, str]) -> None:
    body = json.dumps(document).encode()
    outcome = _FAL.delivered(Reply(status=status, headers=headers, body=body))
    assert isinstance(outcome, Pending | Failed | Ready)


@given(document=st.dictionaries(st.sampled_from(["request_id", "status_url", "response_url", "cancel_url"]), _JSON))
def test_any_answer_to_a_submit_is_read(document: dict[str, Any]) -> None:
    _FAL.submitted(Reply(status=200, body=json.dumps(document).encode()))
    _FAL.submitted(Reply(status=422, body=json.dumps({"detail": document}).encode()))
