"""Cog: an id that only our callback's token makes, a server for each row, and webhooks as the only news."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.errors import FailureReason
from core.outcome import Accepted, CallbackRefused, Failed, Pending, Ready, Refused, Reply, Request, Stage
from core.spec import MediaInput, Wish
from providers.catalogue import CATALOGUE
from providers.cog import CogProvider
from providers.model import VideoModel
from providers.resolve import for_variation, resolve

_ADAPTER = CogProvider()
_CALLBACK = "https://filmgate.example/webhooks/cog/tok-7f3a"
_NOW = datetime(2026, 11, 21, tzinfo=UTC)
_HOTSHOT = CATALOGUE.rows["cog/hotshot-xl"]
_IMAGE = MediaInput(uri="https://example.com/a.png")


def _submit(model: VideoModel = _HOTSHOT, callback: str | None = _CALLBACK, **typed: Any) -> Request:
    resolved = resolve(Wish(prompt="a cat", **typed), model)
    assert not resolved.violations
    return _ADAPTER.submit(resolved.spec, model, callback)


def test_the_id_is_the_tokens_alone() -> None:
    path = _submit().path
    assert re.fullmatch(r"/predictions/[a-z2-7]{26}", path)
    assert _submit(seed=7).path == path
    assert _submit(callback="http://127.0.0.1:8080/edge/webhooks/cog/tok-7f3a").path == path
    assert _submit(callback="https://filmgate.example/webhooks/cog/tok-7f3b").path != path
    assert "tok-7f3a" not in path


def test_nothing_is_bought_that_could_not_tell_of_its_end() -> None:
    with pytest.raises(ValueError, match="by webhook only"):
        _submit(callback=None)


def test_every_row_has_a_place_of_its_own() -> None:
    places = [_ADAPTER.place(row) for row in CogProvider.models]
    assert places == ["cogvideox-5b", "hotshot-xl", "ltx-video", "stable-video-diffusion", "zeroscope-v2-xl"]


def test_clips_of_one_job_do_not_all_look_the_same() -> None:
    model = CATALOGUE.rows["cog/cogvideox-5b"]
    first, second = (_submit(model, f"https://filmgate.example/webhooks/cog/{token}").json for token in "ab")
    assert first["input"]["seed"] != second["input"]["seed"]
    assert 0 <= first["input"]["seed"] < 2**31
    assert _submit(model, _CALLBACK).json == _submit(model, _CALLBACK).json
    spec = for_variation(resolve(Wish(prompt="x", seed=41), model).spec, 1, model)
    assert _ADAPTER.submit(spec, model, _CALLBACK).json["input"]["seed"] == 42
    assert "seed" not in _submit(_HOTSHOT).json["input"]


def test_the_rows_names_are_the_ones_replicate_runs() -> None:
    svd = CATALOGUE.rows["cog/stable-video-diffusion"]
    assert svd.wire_name.endswith(CATALOGUE.rows["replicate/stable-video-diffusion"].wire_version)
    for row in CogProvider.models:
        assert re.fullmatch(r"r8\.im/[a-z0-9-]+/[a-z0-9-]+@sha256:[0-9a-f]{64}", row.wire_name)
        assert row.retime_fps == (8 if row is _HOTSHOT else None)


def test_a_cogs_time_is_the_operators() -> None:
    for row in CogProvider.models:
        assert [price.source.startswith("assumed: your machine") for price in row.prices] == [True]
        assert [price.unit.value for price in row.prices] == ["second of compute"]


def test_health_is_what_is_polled() -> None:
    request = _ADAPTER.poll({"id": "x"})
    assert (request.method, request.path) == ("GET", "/health-check")
    assert request == _ADAPTER.health_check()
    for word in ("READY", "BUSY", "STARTING", "SETUP_FAILED", "DEFUNCT", "UNHEALTHY"):
        assert _ADAPTER.health(Reply(status=200, body=json.dumps({"status": word}).encode())) == word


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=200, body=b'{"status": "ok"}'),
        Reply(status=200, body=b'{"status": 7}'),
        Reply(status=200, body=b'{"status": ["READY"]}'),
        Reply(status=200, body=b"<html>"),
        Reply(status=200, body=b'["READY"]'),
        Reply(status=404, body=b'{"status": "READY"}'),
        Reply(status=503, body=b'{"status": "READY"}'),
    ],
)
def test_no_cog_server_answers(reply: Reply) -> None:
    assert _ADAPTER.health(reply) == ""


def test_a_full_machine_is_waited_for() -> None:
    body = b'{"error": "At capacity - all prediction slots busy", "status": "failed"}'
    refused = _ADAPTER.submitted(Reply(status=409, body=body))
    assert isinstance(refused, Refused)
    assert (refused.failure.reason, refused.retry_after) == (FailureReason.RATE_LIMITED, 5.0)


def test_cancel_names_the_prediction() -> None:
    accepted = _ADAPTER.submitted(Reply(status=202, body=b'{"id": "abc", "status": "starting"}'))
    assert isinstance(accepted, Accepted)
    request = _ADAPTER.cancel(accepted.ticket)
    assert request is not None
    assert (request.method, request.path) == ("POST", "/predictions/abc/cancel")


def _body(**members: object) -> bytes:
    return json.dumps({"id": "abc", "status": "processing", "logs": "", "metrics": {}, **members}).encode()


def test_the_start_is_told() -> None:
    told = _ADAPTER.callback({}, _body(), (), _NOW)
    assert (told.vendor_task_id, told.delivery_id, told.signed) == ("abc", "abc:processing", False)
    assert told.outcome == Pending(stage=Stage.RUNNING)


def test_the_whole_clip_is_told() -> None:
    clip = "data:video/mp4;base64," + "A" * (8 << 20)
    told = _ADAPTER.callback({}, _body(status="succeeded", output=clip, metrics={"predict_time": 4.5}), (), _NOW)
    assert isinstance(told.outcome, Ready)
    assert told.outcome.outputs == (clip,)
    assert told.outcome.usage.compute_seconds == 4.5
    assert len(clip) < CogProvider.largest_reply


def test_a_repetition_has_the_name_of_the_first() -> None:
    body = _body(status="canceled", metrics={"predict_time": 1})
    first, second = (_ADAPTER.callback({}, body, (), _NOW) for _ in range(2))
    assert first.delivery_id == second.delivery_id == "abc:canceled"
    assert isinstance(first.outcome, Failed)


def test_what_a_poll_of_the_kept_webhook_would_say() -> None:
    body = _body(status="failed", error="Worker crashed", metrics={"predict_time": 2})
    assert _ADAPTER.outcome(Reply(status=200, body=body)) == _ADAPTER.callback({}, body, (), _NOW).outcome


def test_a_servers_token_is_asked_for_where_we_know_one() -> None:
    told = _ADAPTER.callback({"authorization": "Bearer right"}, _body(), ("other", "right"), _NOW)
    assert told.signed


@pytest.mark.parametrize(
    ("headers", "body", "secrets"),
    [
        ({}, _body(), ("right",)),
        ({"authorization": ""}, _body(), ("right",)),
        ({"authorization": "Bearer wrong"}, _body(), ("right",)),
        ({"authorization": "right"}, _body(), ("right",)),
        ({"authorization": "Bearer right "}, _body(), ("right",)),
        ({"authorization": "Basic right"}, _body(), ("right",)),
        ({"authorization": "Bearer r\u00eegh\udc80t"}, _body(), ("right",)),
        ({}, b"", ()),
        ({}, b"{", ()),
        ({}, b"[]", ()),
        ({}, b"{}", ()),
        ({}, _body(id=None), ()),
        ({}, _body(id="../keys"), ()),
        ({}, _body(id="x" * 129), ()),
        ({}, _body(status=None), ()),
        ({}, _body(status="READY"), ()),
        ({}, _body(status="DEFUNCT"), ()),
        ({}, _body(status=["succeeded"]), ()),
        ({}, _body(status="pondering"), ()),
    ],
)
def test_refused_webhooks(headers: dict[str, str], body: bytes, secrets: tuple[str, ...]) -> None:
    with pytest.raises(CallbackRefused):
        _ADAPTER.callback(headers, body, secrets, _NOW)


def test_conformance_names_rows_that_live() -> None:
    kit = json.loads((Path(__file__).parent / "contract" / "cog" / "conformance.json").read_text())
    assert {kit["model"], kit["image_model"]} <= {row.id for row in CogProvider.models}
    svd = CATALOGUE.rows[kit["image_model"]]
    assert not resolve(Wish(prompt="x", first_frame=_IMAGE), svd).violations
