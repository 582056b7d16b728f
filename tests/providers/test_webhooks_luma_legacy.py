"""Dream Machine's callbacks: unsigned, so whatever they say is a hint; what is no generation is refused."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import FailureReason
from core.outcome import Callback, CallbackRefused, Failed, Pending, Ready, Stage
from providers.catalogue import ADAPTERS

_ADAPTER = ADAPTERS["luma-legacy"]
_NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
_ID = "d1968551-6113-4b46-b567-09210c2e79b0"
_GENERATION: Mapping[str, Any] = {
    "id": _ID,
    "generation_type": "video",
    "state": "dreaming",
    "failure_reason": None,
    "created_at": "2026-11-21T11:59:00Z",
    "assets": None,
    "model": "ray-2",
    "request": {"model": "ray-2", "prompt": "A cat"},
}


def _told(body: bytes | Mapping[str, Any]) -> Callback:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return _ADAPTER.callback({"content-type": "application/json"}, data, (), _NOW)


def test_it_wants_callbacks_and_has_no_secret() -> None:
    assert _ADAPTER.takes_callbacks
    assert _ADAPTER.callback_secret() is None


def test_dreaming() -> None:
    told = _told(_GENERATION)
    assert (told.vendor_task_id, told.signed) == (_ID, False)
    assert told.outcome == Pending(stage=Stage.RUNNING)


def test_completed() -> None:
    video = "https://storage.cdn-luma.com/dream_machine/a.mp4"
    told = _told({**_GENERATION, "state": "completed", "assets": {"video": video}})
    assert told.outcome == Ready(outputs=(video,))
    assert not told.signed


def test_failed() -> None:
    told = _told({**_GENERATION, "state": "failed", "failure_reason": "Failed output moderation"})
    assert isinstance(told.outcome, Failed)
    assert told.outcome.failure.reason is FailureReason.CONTENT_POLICY


def test_a_repeated_delivery_has_the_same_id_and_another_state_another() -> None:
    first, again = _told(_GENERATION), _told(_GENERATION)
    later = _told({**_GENERATION, "state": "completed"})
    assert first.delivery_id == again.delivery_id != later.delivery_id


def test_a_forged_one_can_only_make_us_look() -> None:
    told = _told({**_GENERATION, "state": "completed", "assets": {"video": "https://evil.example/a.mp4"}})
    assert not told.signed
    assert _ADAPTER.poll({"id": told.vendor_task_id}).path == f"/dream-machine/v1/generations/{_ID}"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b'"completed"',
        b"{}",
        b"\xff\xfe",
        json.dumps({**_GENERATION, "id": None}).encode(),
        json.dumps({**_GENERATION, "id": 7}).encode(),
        json.dumps({**_GENERATION, "id": "../credits"}).encode(),
        json.dumps({**_GENERATION, "id": "a/b"}).encode(),
        json.dumps({**_GENERATION, "id": "x" * 200}).encode(),
    ],
)
def test_what_is_no_generation_is_refused(body: bytes) -> None:
    with pytest.raises(CallbackRefused):
        _told(body)


def test_luma_agents_sends_none() -> None:
    luma = ADAPTERS["luma"]
    assert not luma.takes_callbacks
    with pytest.raises(CallbackRefused):
        luma.callback({}, json.dumps(_GENERATION).encode(), (), _NOW)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("state", "assets", "failure_reason", "request"), _JSON)))
def test_a_generation_of_any_shape_is_read(members: dict[str, object]) -> None:
    assert _told({**members, "id": _ID}).vendor_task_id == _ID
