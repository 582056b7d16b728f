"""OpenAI's Videos API: the forms it is sent, upstreams by name, the look for a lost submit."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.outcome import AttemptReference, Part, Pending, Refused, Reply
from core.spec import MediaInput, Quality, Wish
from providers.catalogue import CATALOGUE
from providers.check import complaints
from providers.model import LifecycleState
from providers.openai_videos import OpenAIProvider, OpenAIVideosProvider
from providers.prices import quote
from providers.resolve import resolve

_ADAPTER = OpenAIVideosProvider()
_CASES = json.loads((Path(__file__).parent / "contract" / "openai-compatible" / "requests.json").read_text())
_SENT = {"prompt": "A cat", "model": "sora-2", "seconds": "4", "size": "1280x720"}
_INTENT = "2026-11-20T10:00:00+00:00"
_AT = 1_795_168_800  # the same moment in Unix seconds


def _media(value: dict[str, str]) -> MediaInput:
    return MediaInput(data=value["data"].encode(), mime_type=value["mime_type"])


def _part(written: list[str]) -> Part:
    if len(written) == 2:
        return Part(name=written[0], data=written[1].encode())
    name, data, filename, kind = written
    return Part(name=name, data=data.encode(), filename=filename, content_type=kind)


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case["name"])
def test_form(case: dict[str, Any]) -> None:
    convert: dict[str, Callable[[Any], object]] = {"first_frame": _media, "quality": Quality}
    typed: dict[str, Any] = {
        name: convert[name](value) if name in convert else value for name, value in case["wish"].items()
    }
    wish = Wish(**typed)
    model = CATALOGUE.rows[case["model"]]
    resolved = resolve(wish, model)
    assert not resolved.violations
    request = _ADAPTER.submit(resolved.spec, model, case.get("callback"))
    assert list(request.form) == [_part(written) for written in case["form"]]
    assert request.content == b""


def test_the_price_follows_the_size() -> None:
    prices = {}
    model = CATALOGUE.rows["openai-compatible/sora-2-pro"]
    for resolution in ("720p", "1024p", "1080p"):
        ratio = "7:4" if resolution == "1024p" else "16:9"
        spec = resolve(Wish(prompt="x", duration=8, resolution=resolution, aspect_ratio=ratio), model).spec
        prices[resolution] = quote(model, spec).expected.micros
    assert prices == {"720p": 2_400_000, "1024p": 4_000_000, "1080p": 5_600_000}


def test_images_are_made_to_measure_and_sent_as_bytes() -> None:
    for row in OpenAIVideosProvider.models:
        assert row.exact_frames
        assert [form.value for form in row.media_forms] == ["inline"]
        assert not resolve(Wish(prompt="x", audio=True), row).violations
        assert [each.field for each in resolve(Wish(prompt="x", audio=False), row).violations] == ["parameters.audio"]
        assert [each.field for each in resolve(Wish(prompt="x", seed=7), row).violations] == ["parameters.seed"]


def test_openai_itself_sells_nothing_any_more() -> None:
    for row in OpenAIProvider.models:
        assert row.lifecycle.state is LifecycleState.RETIRED
        assert str(row.lifecycle.retires) == "2026-09-24"
        assert row.id.startswith("openai/")
    assert OpenAIProvider.base_url == "https://api.openai.com/v1"
    assert OpenAIProvider.credential_variables == ("OPENAI_API_KEY",)


def test_an_upstream_by_name() -> None:
    gateway = OpenAIVideosProvider.under("my-gate")
    assert issubclass(gateway, OpenAIVideosProvider)
    assert (gateway.name, gateway.base_url) == ("my-gate", "")
    assert gateway.credential_variables == ("MY_GATE_API_KEY",)
    assert [row.id for row in gateway.models] == ["my-gate/sora-2", "my-gate/sora-2-pro"]
    assert {row.provider for row in gateway.models} == {"my-gate"}
    assert gateway.models[1].default_fallbacks == ("my-gate/sora-2",)
    assert [row.family for row in gateway.models] == [row.family for row in OpenAIVideosProvider.models]
    assert complaints(gateway.models, {}) == []
    spec = resolve(Wish(prompt="x"), gateway.models[0]).spec
    assert gateway().submit(spec, gateway.models[0], None) == _ADAPTER.submit(spec, _ADAPTER.models[0], None)
    assert OpenAIVideosProvider.name == "openai-compatible"


@pytest.mark.parametrize("name", ["", "My", "a/b", "-a", "a_b", "a b", "x" * 33, "ä"])
def test_a_name_that_no_row_can_have(name: str) -> None:
    with pytest.raises(ValueError, match="an upstream's name"):
        OpenAIVideosProvider.under(name)


def test_waits_in_milliseconds() -> None:
    told = Reply(status=429, headers={"retry-after-ms": "1500"}, body=b'{"error": {"code": null}}')
    refused = _ADAPTER.submitted(told)
    assert isinstance(refused, Refused)
    assert refused.retry_after == 1.5
    pace = {"openai-poll-after-ms": "2500", "retry-after": "9"}
    outcome = _ADAPTER.outcome(Reply(status=503, headers=pace, body=b"busy"))
    assert isinstance(outcome, Pending)
    assert outcome.retry_after == 9.0
    outcome = _ADAPTER.outcome(Reply(status=200, headers=pace, body=b'{"id": "video_1", "status": "queued"}'))
    assert isinstance(outcome, Pending)
    assert outcome.retry_after == 2.5


def _attempt(request: object = _SENT, model: str = "sora-2", intended_at: str = _INTENT) -> AttemptReference:
    return AttemptReference(
        attempt_id="attempt_1", callback_token="", model=model, request=request, intended_at=intended_at
    )


def _page(*videos: object, **more: object) -> Reply:
    return Reply(status=200, body=json.dumps({"object": "list", "data": videos, **more}).encode())


def _video(identifier: object = "video_1", **changes: object) -> dict[str, object]:
    return {"id": identifier, "object": "video", "created_at": _AT + 1, **_SENT, **changes}


def test_the_look_for_a_lost_submit() -> None:
    request = _ADAPTER.search(_attempt())
    assert request is not None
    assert (request.method, request.path, request.query) == ("GET", "/videos", {"limit": "100", "order": "desc"})
    assert request.auth is not None
    page = _page(_video("video_1"), _video("video_2", prompt="A dog"), _video("video_3"))
    assert _ADAPTER.candidates(page, _attempt()) == ({"id": "video_1"}, {"id": "video_3"})
    assert _ADAPTER.found(page, _attempt()) is None
    assert not OpenAIVideosProvider.absence_proves


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "sora-2-2025-12-08"},
        {"seconds": None},
        {"size": None},
        {"created_at": _AT - 299},
        {"status": "failed"},
    ],
)
def test_what_may_be_ours(changes: dict[str, object]) -> None:
    assert _ADAPTER.candidates(_page(_video(**changes)), _attempt()) == ({"id": "video_1"},)


@pytest.mark.parametrize(
    "changes",
    [
        {"prompt": "a cat"},
        {"prompt": None},
        {"prompt": ""},
        {"model": "sora-2-pro"},
        {"model": "sora-2-pro-2025-10-06"},
        {"model": None},
        {"seconds": "8"},
        {"seconds": 4},
        {"size": "720x1280"},
        {"created_at": _AT - 301},
        {"created_at": _AT + 601},
        {"created_at": None},
        {"created_at": "soon"},
        {"id": "../keys"},
        {"id": None},
    ],
)
def test_what_is_not_ours(changes: dict[str, object]) -> None:
    assert _ADAPTER.candidates(_page(_video(**changes)), _attempt()) == ()


@pytest.mark.parametrize("request_", [None, {}, "text", {"model": "sora-2"}])
def test_nothing_is_ours_when_we_do_not_know_what_we_sent(request_: object) -> None:
    assert _ADAPTER.candidates(_page(_video(), _video(prompt=None)), _attempt(request_)) == ()


def test_a_time_without_a_zone_is_utc() -> None:
    assert _ADAPTER.candidates(_page(_video()), _attempt(intended_at="2026-11-20T10:00:00"))


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=404, body=b"{}"),
        Reply(status=200, body=b"[]"),
        Reply(status=200, body=b'{"data": 7}'),
        Reply(status=200, body=b'{"data": ["x", 7, null]}'),
        Reply(status=200, body=b"<html>"),
    ],
)
def test_a_list_that_is_none(reply: Reply) -> None:
    assert _ADAPTER.candidates(reply, _attempt()) == ()
    assert _ADAPTER.search_next(reply) is None


def test_pages() -> None:
    following = _ADAPTER.search_next(_page(_video(), has_more=True, last_id="video_9"))
    assert following is not None
    assert following.query == {"after": "video_9", "limit": "100", "order": "desc"}
    following = _ADAPTER.search_next(_page(_video(), _video("video_8"), has_more=True))
    assert following is not None
    assert following.query["after"] == "video_8"
    assert _ADAPTER.search_next(_page(_video(), has_more=False, last_id="video_9")) is None
    assert _ADAPTER.search_next(_page(has_more=True)) is None


def test_there_is_no_cancel_and_no_webhook() -> None:
    assert _ADAPTER.cancel({"id": "video_1"}) is None
    assert not OpenAIVideosProvider.takes_callbacks
