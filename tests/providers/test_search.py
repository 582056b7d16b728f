"""Finding a lost submit at the vendor: by our token surely, by input only as a candidate."""

import json

import pytest

from core.outcome import AttemptReference, Reply
from providers.catalogue import ADAPTERS, CATALOGUE

_ADAPTER = ADAPTERS["replicate"]
_MODEL = "minimax/video-01"
_TOKEN = "tok-7f3a"
_OURS = f"https://filmgate.example/edge/webhooks/replicate/{_TOKEN}"
_INPUT = {"prompt": "a cat", "duration": 5}
_ROWS = {
    name: next((row for row in adapter.models if row.lifecycle.state != "retired"), adapter.models[0])
    for name, adapter in ADAPTERS.items()
}
_VERSION = CATALOGUE.rows["replicate/stable-video-diffusion"].wire_version


def _attempt(**changes: object) -> AttemptReference:
    request = {"input": _INPUT, "webhook": _OURS, "webhook_events_filter": ["start", "completed"]}
    return AttemptReference(
        model=_MODEL,
        attempt_id="attempt_1",
        callback_token=str(changes.get("token", _TOKEN)),
        request=changes.get("request", request),
        intended_at=str(changes.get("intended_at", "2026-11-20T10:00:00+00:00")),
    )


def _polling(**request: object) -> AttemptReference:
    return _attempt(request={"input": _INPUT, **request})


def _page(*predictions: object, following: object = None) -> Reply:
    document = {"next": following, "previous": None, "results": list(predictions)}
    return Reply(status=200, body=json.dumps(document).encode())


def _prediction(identifier: str, **changes: object) -> dict[str, object]:
    made = {"id": identifier, "model": _MODEL, "version": "hidden", "input": _INPUT, "webhook": None}
    return made | {"status": "starting"} | changes


@pytest.mark.parametrize(
    ("intended_at", "created_after"),
    [
        ("2026-11-20T10:00:00+00:00", "2026-11-20T09:55:00Z"),
        ("2026-11-20T10:00:00.123456Z", "2026-11-20T09:55:00Z"),
        ("2026-11-20T12:00:00+02:00", "2026-11-20T09:55:00Z"),
        ("2026-11-20T10:00:00", "2026-11-20T09:55:00Z"),
    ],
)
def test_search_begins_before_the_intent(intended_at: str, created_after: str) -> None:
    request = _ADAPTER.search(_attempt(intended_at=intended_at))
    assert request is not None
    assert (request.method, request.path, request.query) == (
        "GET",
        "/v1/predictions",
        {"created_after": created_after},
    )


def test_found_by_token() -> None:
    page = _page(_prediction("p1", webhook=f"{_OURS}x"), _prediction("p2", webhook=_OURS), _prediction("p3"))
    assert _ADAPTER.found(page, _attempt()) == {"id": "p2"}


@pytest.mark.parametrize(
    "webhook",
    [
        None,
        "",
        7,
        [_OURS],
        _OURS + "x",
        _OURS.replace("replicate", "fal"),
        f"https://elsewhere.example/?u={_TOKEN}",
        f"https://filmgate.example/webhooks/replicate/other/{_TOKEN}",
    ],
)
def test_not_found_by_anything_else(webhook: object) -> None:
    assert _ADAPTER.found(_page(_prediction("p1", webhook=webhook)), _attempt()) is None


def test_an_empty_token_finds_nothing() -> None:
    assert _ADAPTER.found(_page(_prediction("p1")), _attempt(token="")) is None


@pytest.mark.parametrize("status", [401, 429, 500])
def test_a_failed_list_finds_nothing(status: int) -> None:
    body = _page(_prediction("p1", webhook=_OURS)).body
    assert _ADAPTER.found(Reply(status=status, body=body), _attempt()) is None


@pytest.mark.parametrize("body", [b"", b"[]", b'{"results": 7}', b'{"results": [7, {"id": 8}, {"id": "../x"}]}'])
def test_a_broken_list_finds_nothing(body: bytes) -> None:
    reply = Reply(status=200, body=body)
    assert _ADAPTER.found(reply, _attempt()) is None
    assert _ADAPTER.candidates(reply, _polling()) == ()


def test_candidates_have_our_input_and_no_webhook() -> None:
    page = _page(
        _prediction("p1"),
        _prediction("p2", webhook=_OURS),
        _prediction("p3", input={"prompt": "a dog"}),
        _prediction("p4", version=_VERSION),
        _prediction("p5"),
        _prediction("p6", model="minimax/hailuo-02"),
    )
    assert _ADAPTER.candidates(page, _polling()) == ({"id": "p1"}, {"id": "p5"})
    assert _ADAPTER.candidates(page, _polling(version=_VERSION)) == ({"id": "p4"},)


def test_no_candidates_for_an_attempt_that_sent_its_token() -> None:
    assert _ADAPTER.candidates(_page(_prediction("p1")), _attempt()) == ()


def test_next_page_keeps_our_host() -> None:
    request = _ADAPTER.search_next(_page(following="https://evil.example/steal?cursor=cD0y&created_after=2026"))
    assert request is not None
    assert request.path == "/v1/predictions"
    assert request.query == {"cursor": "cD0y", "created_after": "2026"}


@pytest.mark.parametrize("following", [None, "", 7, "https://api.replicate.com/v1/predictions", "http://[bad?cursor=x"])
def test_no_next_page(following: object) -> None:
    assert _ADAPTER.search_next(_page(following=following)) is None


def test_runway_has_no_list() -> None:
    runway = ADAPTERS["runway"]
    assert not runway.can_search
    assert runway.search(_attempt()) is None
    assert runway.found(_page(_prediction("p1", webhook=_OURS)), _attempt()) is None


@pytest.mark.parametrize("vendor", ADAPTERS)
@pytest.mark.parametrize("identifier", ["", "..", "a/b", "a?b", "a b", "x" * 5000, "-a", "é"])
def test_an_operator_cannot_adopt_a_path(vendor: str, identifier: str) -> None:
    assert ADAPTERS[vendor].adopt(identifier, _ROWS[vendor]) is None


_IDS = dict.fromkeys(ADAPTERS, "17f20503-6c24-4c16-946b-35dbbce2af2f") | {
    "vertex": "projects/p/locations/us-central1/publishers/google/models/veo-3.1-generate-001/operations/op1"
}


@pytest.mark.parametrize("vendor", [name for name in ADAPTERS if name in _ROWS])
def test_an_operator_adopts_an_id(vendor: str) -> None:
    row = CATALOGUE.rows["vertex/veo-3.1"] if vendor == "vertex" else _ROWS[vendor]
    ticket = ADAPTERS[vendor].adopt(_IDS[vendor], row)
    assert ticket is not None
    request = ADAPTERS[vendor].poll(ticket)
    assert _IDS[vendor] in f"{request.path} {request.query} {request.json}" or ADAPTERS[vendor].answers_by_callback
