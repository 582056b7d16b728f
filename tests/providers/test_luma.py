"""Luma's two surfaces beyond the contract data: prices, uploads, options, and the search of a lost submit."""

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Reason
from core.outcome import AttemptReference, Reply, Slot
from core.spec import ClipSpec, MediaInput, ModeName, Wish
from providers import prices
from providers.catalogue import ADAPTERS, CATALOGUE
from providers.luma import LumaProvider, merged
from providers.model import LifecycleState
from providers.resolve import resolve

_LUMA, _LEGACY = LumaProvider(), ADAPTERS["luma-legacy"]
_RAY, _EDIT, _REFRAME = (CATALOGUE.rows[f"luma/ray-3.2{name}"] for name in ("", "-edit", "-reframe"))
_ID = "d1968551-6113-4b46-b567-09210c2e79b0"


def _asked(model_id: str, **typed: Any) -> ClipSpec:
    resolved = resolve(Wish(prompt="x", **typed), CATALOGUE.rows[model_id])
    assert resolved.violations == ()
    return resolved.spec


def _usd(model_id: str, **typed: Any) -> Decimal:
    quote = prices.quote(CATALOGUE.rows[model_id], _asked(model_id, **typed))
    return Decimal(quote.held_max.micros) / 1_000_000


@pytest.mark.parametrize(
    ("resolution", "five", "ten"),
    [("360p", "0.06", "0.18"), ("540p", "0.15", "0.45"), ("720p", "0.30", "0.90"), ("1080p", "1.20", "3.60")],
)
def test_flat_prices(resolution: str, five: str, ten: str) -> None:
    for seconds, usd in ((5, five), (10, ten)):
        assert _usd("luma/ray-3.2", resolution=resolution, duration=seconds) == Decimal(usd)
        frame = MediaInput(uri="https://example.com/a.png")
        assert _usd("luma/ray-3.2", resolution=resolution, duration=seconds, first_frame=frame) == Decimal(usd)


@pytest.mark.parametrize(("resolution", "usd"), [("720p", "0.60"), ("1080p", "2.40")])
def test_hdr_costs_more(resolution: str, usd: str) -> None:
    assert _usd("luma/ray-3.2", resolution=resolution, vendor_options={"hdr": True}) == Decimal(usd)
    assert _usd("luma/ray-3.2", resolution=resolution, vendor_options={"hdr": False}) < Decimal(usd)


@pytest.mark.parametrize(
    ("model_id", "resolution", "seconds", "usd"),
    [
        ("luma/ray-3.2-edit", "540p", 5, "0.72"),
        ("luma/ray-3.2-edit", "720p", 10, "2.16"),
        ("luma/ray-3.2-edit", "1080p", 10, "4.32"),
        ("luma/ray-3.2-edit", "1080p", 2, "2.16"),
        ("luma/ray-3.2-edit", "720p", 7, "2.16"),
        ("luma/ray-3.2-edit", "540p", 18, "2.88"),
        ("luma/ray-3.2-reframe", "540p", 10, "0.60"),
        ("luma/ray-3.2-reframe", "720p", 10, "1.20"),
        ("luma/ray-3.2-reframe", "1080p", 10, "3.60"),
    ],
)
def test_prices_of_a_source_video(model_id: str, resolution: str, seconds: float, usd: str) -> None:
    video = MediaInput(uri="https://example.com/a.mp4")
    assert _usd(model_id, resolution=resolution, duration=seconds, source_video=video) == Decimal(usd)


def test_the_longest_source_is_held_where_its_length_is_unknown() -> None:
    video = MediaInput(uri="https://example.com/a.mp4")
    assert _asked("luma/ray-3.2-edit", source_video=video).duration == 18
    assert _asked("luma/ray-3.2-reframe", source_video=video).duration == 30


@pytest.mark.parametrize(
    ("model_id", "resolution", "seconds", "usd"),
    [
        ("ray-2", "540p", 5, "0.40"),
        ("ray-2", "720p", 5, "0.71"),
        ("ray-2", "1080p", 5, "1.59"),
        ("ray-2", "4k", 5, "6.37"),
        ("ray-2", "540p", 9, "0.72"),
        ("ray-2", "720p", 9, "1.27"),
        ("ray-2", "1080p", 9, "2.87"),
        ("ray-2", "4k", 9, "11.47"),
        ("ray-flash-2", "4k", 5, "2.19"),
        ("ray-flash-2", "4k", 9, "3.94"),
    ],
)
def test_prices_per_pixel_give_the_price_pages_examples(
    model_id: str, resolution: str, seconds: float, usd: str
) -> None:
    exact = _usd(f"luma-legacy/{model_id}", resolution=resolution, duration=seconds)
    assert exact.quantize(Decimal("0.01")) == Decimal(usd)


def test_sizes_have_their_ratio_and_the_area_of_wide_ones() -> None:
    for row in (_RAY, CATALOGUE.rows["luma-legacy/ray-2"]):
        assert row.text is not None
        for (ratio, resolution), (width, height) in row.text.sizes.items():
            across, down = map(int, ratio.split(":"))
            assert width / height == pytest.approx(across / down, rel=0.04)
            wide, high = row.text.sizes["16:9", resolution]
            assert width * height == pytest.approx(wide * high, rel=0.05)


def test_a_retired_row_names_its_successor() -> None:
    lifecycle = CATALOGUE.rows["luma-legacy/ray-1-6"].lifecycle
    assert (lifecycle.state, lifecycle.successor) == (LifecycleState.RETIRED, "luma/ray-3.2")
    assert CATALOGUE.find("luma/ray-3.2", ModeName.IMAGE).model is _RAY


def test_a_shape_is_not_asked_of_a_clip_from_a_frame() -> None:
    frame = MediaInput(uri="https://example.com/a.png")
    for model_id in ("luma/ray-3.2", "luma-legacy/ray-2"):
        wish = Wish(prompt="x", first_frame=frame, aspect_ratio="9:16")
        (violation,) = resolve(wish, CATALOGUE.rows[model_id]).violations
        assert (violation.field, violation.reason) == ("parameters.aspect_ratio", Reason.UNSUPPORTED_PARAMETER)


def test_an_upright_reframe_is_not_to_be_had_at_1080p() -> None:
    video = MediaInput(uri="https://example.com/a.mp4")
    wish = Wish(prompt="x", source_video=video, aspect_ratio="9:16", resolution="1080p")
    assert [violation.field for violation in resolve(wish, _REFRAME).violations] == ["parameters.resolution"]


@pytest.mark.parametrize(
    ("model_id", "options", "field"),
    [
        ("luma/ray-3.2", {"exr_export": True}, "vendor_options.exr_export"),
        ("luma/ray-3.2", {"start_frame": {"url": "x"}}, "vendor_options.start_frame.url"),
        ("luma/ray-3.2", {"loop": "yes"}, "vendor_options.loop"),
        ("luma/ray-3.2-edit", {"hdr": True}, "vendor_options.hdr"),
        ("luma/ray-3.2-edit", {"edit": {"strength": "flex_4"}}, "vendor_options.edit.strength"),
        ("luma/ray-3.2-reframe", {"source_position": {"w_norm": 3}}, "vendor_options.source_position.w_norm"),
        ("luma-legacy/ray-2", {"keyframes": {"frame0": {"type": "image"}}}, "vendor_options.keyframes.frame0.type"),
        ("luma-legacy/ray-2", {"callback_url": "https://x.example"}, "vendor_options.callback_url"),
    ],
)
def test_options_are_checked(model_id: str, options: dict[str, object], field: str) -> None:
    video = MediaInput(uri="https://example.com/a.mp4") if CATALOGUE.rows[model_id].video else None
    violations = resolve(Wish(prompt="x", source_video=video, vendor_options=options), CATALOGUE.rows[model_id])
    assert [violation.field for violation in violations.violations] == [field]


def test_a_source_is_bounded() -> None:
    for row, seconds in ((_EDIT, 18.5), (_REFRAME, 31.0)):
        video = MediaInput(asset_id="asset_1", mime_type="video/mp4", seconds=seconds)
        fields = [violation.field for violation in resolve(Wish(prompt="x", source_video=video), row).violations]
        assert fields == ["source_video"]


def _reply(document: Mapping[str, object], status: int = 200) -> Reply:
    return Reply(status=status, body=json.dumps(document).encode())


_PUT = "https://s3.example/put?X-Amz-Signature=a"
_UPLOAD = {"url": _PUT, "method": "PUT", "headers": {"Content-Type": "image/png"}}


def test_an_upload_from_the_question_to_the_spec() -> None:
    asked = _LUMA.upload(MediaInput(data=b"PNG!", mime_type="image/png"), _RAY)
    assert asked is not None
    assert asked.json == {"mime_type": "image/png", "size_bytes": 4, "purpose": "input"}
    slot = _LUMA.slot(_reply({"id": _ID, "state": "pending", "file": {"id": _ID}, "upload": _UPLOAD}, 201))
    assert slot == Slot(uri=f"luma-file:{_ID}", url=_PUT, headers={"Content-Type": "image/png"})
    frame = MediaInput(uri=slot.uri)
    body = _LUMA.submit(replace(_asked("luma/ray-3.2"), first_frame=frame, aspect_ratio=None), _RAY, None).json
    assert body["video"]["start_frame"] == {"file_id": _ID}


@pytest.mark.parametrize(
    ("status", "members"),
    [
        (201, {"id": _ID, "upload": None}),
        (201, {"id": "../x", "upload": _UPLOAD}),
        (201, {"upload": _UPLOAD}),
        (201, {"id": _ID, "upload": {"url": 7}}),
        (201, {"id": _ID, "upload": {**_UPLOAD, "headers": [1]}}),
        (401, {"id": _ID, "upload": _UPLOAD}),
    ],
)
def test_an_answer_that_names_no_place(status: int, members: dict[str, object]) -> None:
    assert _LUMA.slot(_reply(members, status)) is None


def test_nothing_is_uploaded_without_its_size_and_type() -> None:
    assert _LUMA.upload(MediaInput(asset_id="asset_1", mime_type="image/png"), _RAY) is None
    assert _LUMA.upload(MediaInput(asset_id="asset_1", size=7), _RAY) is None


@pytest.mark.parametrize(
    ("status", "state", "usable"),
    [
        (200, "pending", None),
        (200, "ready", True),
        (200, "failed", False),
        (200, "deleted", False),
        (200, "odd", None),
        (502, "ready", None),
    ],
)
def test_when_an_uploaded_file_can_be_used(status: int, state: str, usable: bool | None) -> None:
    assert _LUMA.usable(_reply({"id": _ID, "state": state}, status)) is usable


def test_objects_are_merged_member_by_member() -> None:
    assert merged({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"c": 4}, "d": {"e": 5}}) == {
        "a": {"b": 1, "c": 4},
        "d": {"e": 5},
    }


_TOKEN = "tok-7f3a"
_OURS = f"https://filmgate.example/edge/webhooks/luma-legacy/{_TOKEN}"
_SENT = {"model": "ray-2", "prompt": "a cat", "aspect_ratio": "16:9", "resolution": "720p", "duration": "5s"}


def _attempt(request: object = None, token: str = _TOKEN) -> AttemptReference:
    return AttemptReference(
        attempt_id="attempt_1",
        callback_token=token,
        model="ray-2",
        request={**_SENT, "callback_url": _OURS} if request is None else request,
        intended_at="2026-11-20T10:00:00+00:00",
    )


def _generation(identifier: str, created: object = "2026-11-20T10:00:01.5Z", **request: object) -> dict[str, object]:
    echoed = {"generation_type": "video", "loop": False, **_SENT, "callback_url": None, **request}
    return {"id": identifier, "state": "queued", "created_at": created, "model": "ray-2", "request": echoed}


def _page(*generations: object, **members: object) -> Reply:
    usual = {"count": len(generations), "limit": 50, "offset": 0, "has_more": False}
    return _reply({"generations": generations, **usual, **members})


def test_found_by_token() -> None:
    page = _page(_generation("g1", callback_url=f"{_OURS}x"), _generation("g2", callback_url=_OURS), _generation("g3"))
    assert _LEGACY.found(page, _attempt()) == {"id": "g2"}


@pytest.mark.parametrize(
    "address",
    [None, "", 7, [_OURS], f"{_OURS}x", _OURS.replace("luma-legacy", "replicate"), f"https://x.example/?u={_TOKEN}"],
)
def test_not_found_by_anything_else(address: object) -> None:
    assert _LEGACY.found(_page(_generation("g1", callback_url=address)), _attempt()) is None


def test_an_empty_token_finds_nothing() -> None:
    assert _LEGACY.found(_page(_generation("g1")), _attempt(token="")) is None


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"generations": 7}', b'{"generations": [7, {"id": 8}, {"id": "../x"}, {"id": "g"}]}']
)
def test_a_broken_list_finds_nothing(body: bytes) -> None:
    reply = Reply(status=200, body=body)
    assert _LEGACY.found(reply, _attempt()) is None
    assert _LEGACY.candidates(reply, _attempt(request=_SENT)) == ()


def test_candidates_echo_what_we_sent_and_are_not_older() -> None:
    page = _page(
        _generation("g1"),
        _generation("g2", callback_url=_OURS),
        _generation("g3", prompt="a dog"),
        _generation("g4", created="2026-11-20T09:54:00Z"),
        _generation("g5", created="2026-11-20T09:56:00"),
        _generation("g6", created="yesterday"),
        _generation("g7", created=None),
        _generation("g8", model="ray-flash-2"),
    )
    assert _LEGACY.candidates(page, _attempt(request=_SENT)) == ({"id": "g1"}, {"id": "g5"})


def test_no_candidates_for_an_attempt_that_sent_its_token_or_is_not_remembered() -> None:
    page = _page(_generation("g1"))
    assert _LEGACY.candidates(page, _attempt()) == ()
    assert _LEGACY.candidates(page, _attempt(request=[])) == ()


@pytest.mark.parametrize(
    ("members", "offset"),
    [
        ({"has_more": True}, "2"),
        ({"has_more": True, "offset": 100}, "102"),
        ({"has_more": True, "offset": "x"}, "2"),
        ({"has_more": None, "limit": 2}, "2"),
        ({"has_more": None, "limit": 3}, None),
        ({"has_more": False}, None),
        ({"generations": "none"}, "0"),
    ],
)
def test_the_next_page(members: dict[str, object], offset: str | None) -> None:
    document: dict[str, object] = {"generations": [_generation("g1"), _generation("g2")], "limit": 50, **members}
    following = _LEGACY.search_next(_reply(document))
    assert (None if following is None else following.query["offset"]) == offset


@given(st.dictionaries(st.sampled_from(["generations", "limit", "offset", "has_more"]), st.integers() | st.text()))
def test_no_page_breaks_the_search(document: dict[str, object]) -> None:
    following = _LEGACY.search_next(_reply(document))
    assert following is None or int(following.query["offset"]) >= 0
