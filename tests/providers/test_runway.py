"""Runway beyond its folder of data: uploads, lengths that follow a source, and what is held for each model."""

import json
from decimal import Decimal
from typing import Any

import pytest

from core.money import Money
from core.outcome import Json, Reply, Slot
from core.spec import MediaInput, Wish
from providers import prices
from providers.catalogue import CATALOGUE
from providers.model import MediaForm
from providers.resolve import Resolved, resolve
from providers.runway import RunwayProvider

_RUNWAY = RunwayProvider()
_GEN45 = CATALOGUE.rows["runway/gen4.5"]
_A, _V = MediaInput(uri="https://example.com/a.png"), MediaInput(uri="https://example.com/v.mp4")
_SLOT: dict[str, Json] = {
    "runwayUri": "runway://4f7c",
    "uploadUrl": "https://storage.example.com/ephemeral",
    "fields": {"key": "k", "policy": "p", "x-amz-signature": "s"},
}


@pytest.mark.parametrize(
    ("media", "filename"),
    [
        (MediaInput(mime_type="image/jpeg", size=9, name="reference0"), "reference0.jpg"),
        (MediaInput(mime_type="image/webp", size=9, name="a.picture.webp"), "a.webp"),
        (MediaInput(mime_type="video/quicktime", size=200_000_000), "input.mov"),
        (MediaInput(mime_type="video/webm", size=9, name=".hidden"), "input.webm"),
    ],
)
def test_an_upload_is_asked_for_by_name(media: MediaInput, filename: str) -> None:
    request = _RUNWAY.upload(media, _GEN45)
    assert request is not None
    assert (request.method, request.path) == ("POST", "/v1/uploads")
    assert request.json == {"filename": filename, "type": "ephemeral"}
    assert request.auth is not None


def test_what_cannot_be_uploaded_is_not_asked_for() -> None:
    assert _RUNWAY.upload(MediaInput(mime_type="image/gif", size=9), _GEN45) is None
    assert _RUNWAY.upload(MediaInput(mime_type="video/mp4", size=200_000_001), _GEN45) is None


def _slot(**changed: Json) -> Slot | None:
    return _RUNWAY.slot(Reply(status=200, body=json.dumps({**_SLOT, **changed}).encode()))


def test_a_slot_is_a_form() -> None:
    slot = _slot()
    assert slot is not None
    assert (slot.uri, slot.url, slot.method) == ("runway://4f7c", "https://storage.example.com/ephemeral", "POST")
    assert list(slot.fields) == ["key", "policy", "x-amz-signature"]
    assert slot.headers == {}


@pytest.mark.parametrize(
    "changed",
    [
        {"runwayUri": "https://elsewhere.example.com/a"},
        {"runwayUri": "runway://a b"},
        {"runwayUri": "runway://" + "a" * 5000},
        {"runwayUri": None},
        {"uploadUrl": 7},
        {"fields": {}},
        {"fields": {"key": 7}},
        {"fields": ["key"]},
    ],
)
def test_no_slot_without_a_place(changed: dict[str, Json]) -> None:
    assert _slot(**changed) is None


def test_no_slot_from_a_refusal() -> None:
    assert _RUNWAY.slot(Reply(status=400, body=json.dumps(_SLOT).encode())) is None
    assert _RUNWAY.slot(Reply(status=200, body=b"<html>")) is None


@pytest.mark.parametrize("row", [row for row in RunwayProvider.models if row.modes], ids=lambda row: row.wire_name)
def test_files_go_inline_or_by_upload_before_an_address(row: Any) -> None:
    assert row.media_forms == (MediaForm.INLINE, MediaForm.UPLOAD, MediaForm.URI)
    assert (row.inline_limit, row.uri_limit) == (5_000_000, 2048)
    if row.video is not None:
        assert row.source_limit == 200_000_000
        assert row.source_seconds >= 10


def _resolved(name: str, **typed: Any) -> Resolved:
    return resolve(Wish(prompt="A cat", **typed), CATALOGUE.rows[f"runway/{name}"])


def _held(name: str, **typed: Any) -> Money:
    resolved = _resolved(name, **typed)
    assert not resolved.violations
    return prices.quote(CATALOGUE.rows[f"runway/{name}"], resolved.spec).held_max


def _credits(amount: str) -> Money:
    return Money.of(Decimal(amount) / 100)


@pytest.mark.parametrize(
    ("name", "typed", "amount"),
    [
        ("gen4.5", {"duration": 10}, "120"),
        ("veo3.1", {"duration": 4, "audio": False}, "80"),
        ("veo3.1_fast", {"duration": 8}, "120"),
        ("kling2.5_turbo_pro", {"duration": 10, "resolution": "720p"}, "120"),
        ("kling2.5_turbo_pro", {"first_frame": _A}, "75"),
        ("kling3.0_standard", {"duration": 3}, "27"),
        ("kling3.0_pro", {"duration": 15, "audio": True}, "255"),
        ("kling3.0_4k", {"audio": True}, "235"),
        ("klingo3_standard", {"source_video": _V}, "260"),
        ("klingo3_pro", {"source_video": MediaInput(asset_id="v", mime_type="video/mp4", seconds=4.2)}, "170"),
        ("kling_4", {"duration": 30, "resolution": "1080p"}, "900"),
        ("seedance2", {"duration": 4, "resolution": "4k"}, "600"),
        ("seedance2_mini", {"duration": 4}, "64"),
        ("seedance2_5", {"duration": 4, "resolution": "480p"}, "80"),
        ("seedance2_5", {"duration": 30, "resolution": "1080p"}, "2040"),
        ("seedance2_5", {"duration": 10, "source_video": _V}, "450"),
        ("hailuo3", {"duration": 5, "first_frame": _A, "last_frame": _A}, "54"),
        ("hailuo3", {"duration": 5, "references": (_A,) * 9, "resolution": "2k"}, "93"),
        ("wan3_prime", {"duration": 10, "resolution": "480p"}, "68"),
        ("happyhorse_1_0", {"duration": 3, "resolution": "1080p"}, "90"),
        ("gemini_omni_flash_1.1", {"duration": 10, "resolution": "360p"}, "34"),
        ("grok_imagine_1_5_lite", {"duration": 1, "first_frame": _A}, "4"),
        ("aleph2", {"source_video": MediaInput(asset_id="v", mime_type="video/mp4", seconds=1.4)}, "56"),
        ("aleph2", {"source_video": MediaInput(asset_id="v", mime_type="video/mp4", seconds=9)}, "252"),
        ("aleph2", {"source_video": _V}, "840"),
    ],
)
def test_what_is_held(name: str, typed: dict[str, Any], amount: str) -> None:
    assert _held(name, **typed) == _credits(amount)


@pytest.mark.parametrize("row", [row for row in RunwayProvider.models if row.modes], ids=lambda row: row.wire_name)
def test_sound_never_makes_a_clip_cheaper(row: Any) -> None:
    if "audio" in row.wire and row.text is not None:
        silent, sounding = (_held(row.id.removeprefix("runway/"), audio=audio) for audio in (False, True))
        assert silent.micros <= sounding.micros


@pytest.mark.parametrize(
    ("name", "typed", "field"),
    [
        ("klingo3_pro", {"references": (_A,)}, "reference_images"),
        ("gemini_omni_flash", {"first_frame": _A, "references": (_A,)}, "reference_images"),
        ("seedance2", {"first_frame": _A, "references": (_A,)}, "reference_images"),
        ("grok_imagine_1_5", {"references": (_A,), "resolution": "1080p"}, "parameters.resolution"),
        ("grok_imagine_1_5", {"first_frame": _A, "last_frame": _A}, "last_frame"),
        ("gen4_turbo", {}, "first_frame"),
        ("aleph2", {}, "source_video"),
        ("aleph2", {"source_video": MediaInput(asset_id="v", mime_type="video/mp4", seconds=31)}, "source_video"),
        ("kling3.0_4k", {"first_frame": _A, "aspect_ratio": "1:1"}, "parameters.aspect_ratio"),
        ("kling_4", {"audio": False}, "parameters.audio"),
        ("h3_max", {"aspect_ratio": "9:16"}, "parameters.aspect_ratio"),
        ("seedance2_fast", {"resolution": "1080p"}, "parameters.resolution"),
        ("kling2.5_turbo_pro", {"duration": 7}, "parameters.duration"),
        ("kling3.0_pro", {"vendor_options": {"cfgScale": 1.5}}, "vendor_options.cfgScale"),
        ("kling3.0_pro", {"vendor_options": {"promptImage": "x"}}, "vendor_options.promptImage"),
    ],
)
def test_what_the_vendor_would_refuse_is_refused_here(name: str, typed: dict[str, Any], field: str) -> None:
    assert [violation.field for violation in _resolved(name, **typed).violations] == [field]
