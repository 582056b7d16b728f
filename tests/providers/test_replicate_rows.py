"""Replicate's rows: what they cost, what they refuse before anybody is asked, and how their files are sent."""

from typing import Any

import pytest

from core.money import Money
from core.outcome import Reply, Request
from core.spec import MediaInput, Quality, Wish
from providers import prices
from providers.catalogue import ADAPTERS, CATALOGUE
from providers.model import MediaForm, Unit
from providers.resolve import resolve

_ADAPTER = ADAPTERS["replicate"]
_ROWS = [row for row in _ADAPTER.models if row.lifecycle.state != "retired"]
_IMAGE, _VIDEO = MediaInput(uri="https://example.com/a.png"), MediaInput(uri="https://example.com/v.mp4")

_QUOTES: list[tuple[str, dict[str, Any], str]] = [
    ("kling-v2.5-turbo-pro", {"duration": 10}, "0.70"),
    ("kling-v2.1", {"first_frame": _IMAGE}, "0.25"),
    ("kling-v2.1", {"first_frame": _IMAGE, "quality": Quality.HIGH, "duration": 10}, "0.90"),
    ("kling-v2.6", {}, "0.70"),
    ("kling-v2.6", {"audio": False}, "0.35"),
    ("kling-v3-video", {"duration": 3}, "0.672"),
    ("kling-v3-video", {"duration": 3, "audio": True, "resolution": "720p"}, "0.756"),
    ("kling-v3-video", {"resolution": "4k", "audio": True}, "2.10"),
    ("kling-v3-omni-video", {"references": (_IMAGE,)}, "1.12"),
    ("kling-o1", {"source_video": _VIDEO, "resolution": "720p"}, "0.63"),
    ("kling-o1", {"resolution": "720p"}, "0.42"),
    ("veo-3.1", {}, "3.20"),
    ("veo-3.1", {"audio": False, "duration": 4}, "0.80"),
    ("veo-3.1-fast", {}, "1.20"),
    ("veo-3.1-lite", {"resolution": "1080p"}, "0.64"),
    ("hailuo-2.3", {}, "0.28"),
    ("hailuo-2.3", {"duration": 10}, "0.56"),
    ("hailuo-2.3", {"resolution": "1080p"}, "0.49"),
    ("hailuo-2.3-fast", {"first_frame": _IMAGE, "duration": 10}, "0.32"),
    ("minimax-video-01", {}, "0.50"),
    ("wan-2.2-i2v-fast", {"first_frame": _IMAGE}, "0.05"),
    ("wan-2.2-i2v-fast", {"first_frame": _IMAGE, "duration": 7.5625, "resolution": "720p"}, "0.11"),
    ("wan-2.2-i2v-fast", {"first_frame": _IMAGE, "vendor_options": {"interpolate_output": True}}, "0.065"),
    ("wan-2.2-i2v-fast", {"first_frame": _IMAGE, "vendor_options": {"interpolate_output": False}}, "0.05"),
    ("wan-2.5-t2v", {"resolution": "480p"}, "0.25"),
    ("wan-3", {"duration": 30, "resolution": "1080p"}, "6"),
    ("seedance-1-pro", {}, "0.75"),
    ("seedance-1.5-pro", {"resolution": "480p", "audio": False}, "0.065"),
    ("seedance-2.0", {"resolution": "4k"}, "5"),
    ("seedance-2.5", {}, "1.156"),
    ("ltx-2.3-fast", {"duration": 20}, "1.20"),
    ("ltx-2.3-fast", {"duration": 10, "resolution": "4k"}, "2.40"),
    ("ltx-2.3-pro", {"resolution": "2k"}, "0.96"),
    ("pixverse-v5", {"duration": 8, "resolution": "1080p"}, "0.80"),
    ("pixverse-v6", {"audio": True, "resolution": "1080p"}, "1.15"),
    ("grok-imagine-video", {"duration": 15}, "0.75"),
    ("gen-4.5", {"duration": 10}, "1.20"),
    ("gen4-aleph", {"source_video": _VIDEO}, "0.90"),
]


@pytest.mark.parametrize(("name", "typed", "usd"), _QUOTES, ids=lambda value: str(value)[:60])
def test_a_quote(name: str, typed: dict[str, Any], usd: str) -> None:
    row = CATALOGUE.rows[f"replicate/{name}"]
    resolved = resolve(Wish(prompt="a cat", **typed), row)
    assert resolved.violations == ()
    assert prices.quote(row, resolved.spec).expected == Money.of(usd)


_REFUSALS: list[tuple[str, dict[str, Any], str, str]] = [
    ("hailuo-2.3", {"duration": 10, "resolution": "1080p"}, "parameters.duration", "10 s is not offered at 1080p"),
    ("hailuo-2.3", {"duration": 8}, "parameters.duration", "6 s or 10 s"),
    ("hailuo-2.3", {"aspect_ratio": "9:16"}, "parameters.aspect_ratio", "makes 16:9"),
    ("hailuo-2.3", {"seed": 1}, "parameters.seed", "takes no seed"),
    ("wan-2.7-t2v", {"seed": 2**31}, "parameters.seed", "from 0 to 2147483647"),
    ("hailuo-02", {"resolution": "512p"}, "parameters.resolution", "1080p, 768p"),
    ("hailuo-2.3-fast", {}, "first_frame", "works from an image only"),
    ("veo-3.1-lite", {"duration": 4, "resolution": "1080p"}, "parameters.duration", "makes 8 s"),
    ("veo-3.1-lite", {"audio": False}, "parameters.audio", "always makes sound"),
    ("veo-3.1", {"references": (_IMAGE,), "duration": 4}, "parameters.duration", "makes 8 s"),
    ("veo-3.1", {"references": (_IMAGE,), "aspect_ratio": "9:16"}, "parameters.aspect_ratio", "makes 16:9"),
    ("veo-3.1", {"references": (_IMAGE,) * 4}, "reference_images", "at most 3"),
    ("veo-3.1", {"references": (_IMAGE,), "first_frame": _IMAGE}, "reference_images", "not both"),
    ("veo-3.1-fast", {"references": (_IMAGE,)}, "reference_images", "takes no reference images"),
    ("ltx-2.3-fast", {"duration": 12, "resolution": "4k"}, "parameters.duration", "not offered at 4k"),
    ("ltx-2.3-fast", {"fps": 50}, "parameters.fps", "24, 25"),
    ("seedance-1-lite", {"references": (_IMAGE,), "resolution": "1080p"}, "parameters.resolution", "720p, 480p"),
    ("seedance-2.0", {"references": (_IMAGE,), "first_frame": _IMAGE}, "reference_images", "not both"),
    ("seedance-2.5", {"aspect_ratio": "9:21"}, "parameters.aspect_ratio", "not offered"),
    ("kling-v3-omni-video", {"source_video": _VIDEO, "resolution": "4k"}, "parameters.resolution", "1080p, 720p"),
    ("kling-v3-omni-video", {"audio": True}, "parameters.audio", "makes no sound"),
    ("kling-v1.6-pro", {"references": (_IMAGE,)}, "reference_images", "with other input only"),
    ("gen4-aleph", {}, "source_video", "works from a video only"),
    ("gen4-aleph", {"source_video": _VIDEO, "references": (_IMAGE,) * 2}, "reference_images", "at most 1"),
    ("gen4-turbo", {}, "first_frame", "works from an image only"),
    (
        "gen4-aleph",
        {"source_video": MediaInput(asset_id="a", mime_type="video/mp4", size=17_000_000)},
        "source_video",
        "at most 16 MB",
    ),
    (
        "kling-o1",
        {"source_video": MediaInput(asset_id="a", mime_type="video/mp4", seconds=11.0)},
        "source_video",
        "at most 10 s",
    ),
    ("pixverse-v5", {"vendor_options": {"effect": "Explode"}}, "vendor_options.effect", "must be one of"),
    ("pixverse-v5", {"first_frame": _IMAGE, "last_frame": _IMAGE}, "last_frame", "takes no last frame"),
    ("zeroscope-v2-xl", {"duration": 10}, "parameters.duration", "2 s or 3 s or 4 s"),
    ("wan-2.2-i2v-fast", {"first_frame": _IMAGE, "duration": 5.2}, "parameters.duration", "81 or 85 or 89"),
    ("kling-v2.1", {"first_frame": _IMAGE, "vendor_options": {"mode": "pro"}}, "vendor_options.mode", "resolution"),
]


@pytest.mark.parametrize(("name", "typed", "field", "said"), _REFUSALS, ids=lambda value: str(value)[:50])
def test_a_refusal(name: str, typed: dict[str, Any], field: str, said: str) -> None:
    found = resolve(Wish(prompt="a cat", **typed), CATALOGUE.rows[f"replicate/{name}"]).violations
    assert said in next(violation.message for violation in found if violation.field == field)


def test_every_row_is_on_one_route() -> None:
    """64 hex digits are for the models of the community, and only they are billed by machine time."""
    community = {row.id for row in _ROWS if row.wire_version}
    assert community == {
        "replicate/cogvideox-5b",
        "replicate/hotshot-xl",
        "replicate/ltx-video",
        "replicate/stable-video-diffusion",
        "replicate/zeroscope-v2-xl",
    }
    by_machine = {row.id for row in _ROWS if {price.unit for price in row.prices} == {Unit.COMPUTE_SECOND}}
    assert by_machine == community
    assert len({row.wire_name for row in _ADAPTER.models}) == len(_ADAPTER.models)
    assert {row.id.split("/")[1] for row in _ROWS} - {row.wire_name.split("/")[1] for row in _ROWS} == {
        "minimax-video-01"
    }


def test_only_hotshot_is_retimed() -> None:
    assert {row.id: row.retime_fps for row in _ROWS if row.retime_fps} == {"replicate/hotshot-xl": 8}


def test_large_inputs_are_uploaded_in_one_request() -> None:
    row = CATALOGUE.rows["replicate/kling-v2.1"]
    assert row.media_forms == (MediaForm.URI, MediaForm.INLINE, MediaForm.UPLOAD)
    assert row.inline_limit == 262_144
    media = MediaInput(data=b"PNG", mime_type="image/png", name="folder/../first frame?.png")
    request = _ADAPTER.upload(media, row)
    assert isinstance(request, Request)
    assert (request.method, request.path, request.json) == ("POST", "/v1/files", None)
    assert _ADAPTER.upload_carries
    assert _ADAPTER.upload(MediaInput(mime_type="image/png", size=3), row) is None
    (part,) = request.form
    assert (part.name, part.filename, part.content_type, part.data) == (
        "content",
        "first-frame-.png",
        "image/png",
        b"PNG",
    )


_FILE = "https://api.replicate.com/v1/files/ZjY5MDYxMjQ"


@pytest.mark.parametrize(
    ("status", "body", "uri"),
    [
        (201, f'{{"id": "ZjY5MDYxMjQ", "urls": {{"get": "{_FILE}"}}}}', _FILE),
        (
            200,
            '{"urls": {"get": "http://127.0.0.1:9/replicate/v1/files/a1"}}',
            "http://127.0.0.1:9/replicate/v1/files/a1",
        ),
        (201, '{"urls": {"get": "https://api.replicate.com/v1/files/../secret"}}', None),
        (201, '{"urls": {"get": "https://user@evil.example/v1/files/a"}}', None),
        (201, '{"urls": {"get": "ftp://api.replicate.com/v1/files/a"}}', None),
        (201, '{"urls": {"get": 5}}', None),
        (201, '{"urls": []}', None),
        (201, "<html>", None),
        (400, f'{{"urls": {{"get": "{_FILE}"}}}}', None),
        (500, "", None),
    ],
)
def test_a_stored_file_is_an_address(status: int, body: str, uri: str | None) -> None:
    slot = _ADAPTER.slot(Reply(status=status, body=body.encode()))
    assert (None if slot is None else (slot.uri, slot.url)) == (None if uri is None else (uri, ""))
