"""Luma's own SDK, `luma-agents`, drives the emulated Luma Agents API."""

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import httpx
import luma_agents
import pytest
from luma_agents import APIStatusError, Luma

from core.outcome import Failed, Ready, Reply
from emulators.vendors.luma import FAILURES, VENDOR
from providers.luma import LumaProvider
from tests.emulators.driving import NO_TLS, Start, fresh, job_of, jobs_for, look

_ADAPTER = LumaProvider()
_VIDEO: Mapping[str, Any] = {"duration": "5s", "resolution": "360p"}
_A = "https://example.com/a.png"
_CONTRACT = Path(__file__).parents[1] / "providers" / "contract" / "luma" / "conformance.json"
_EXPECTED = json.loads(_CONTRACT.read_text())["failures"]
Seen = TypeVar("Seen")


@pytest.fixture
def luma(base_url: str) -> Iterator[Luma]:
    """The SDK on the shared server, over plain HTTP, which it does not mind."""
    with Luma(
        auth_token="luma-api-key",
        base_url=f"{base_url}/luma/v1",
        http_client=httpx.Client(trust_env=False, verify=NO_TLS),
        max_retries=0,
    ) as sdk:
        yield sdk


def _bought(luma: Luma, prompt: str = "A cat", **typed: Any) -> luma_agents.types.Generation:
    settings = {"video": _VIDEO, **typed}
    return luma.generations.create(model="ray-3.2", type="video", prompt=prompt, **settings)


def _until(look_at: Callable[[], Seen], good: Callable[[Seen], bool]) -> Seen:
    limit = time.monotonic() + 20
    while not good(seen := look_at()):
        assert time.monotonic() < limit, seen
        time.sleep(0.01)
    return seen


def _ended(luma: Luma, generation_id: str) -> luma_agents.types.Generation:
    return _until(lambda: luma.generations.get(generation_id), lambda seen: seen.state in ("completed", "failed"))


def _is_ready(file: luma_agents.types.File) -> bool:
    return file.state == "ready"


def _clip(http: httpx.Client, generation: luma_agents.types.Generation) -> bytes:
    assert generation.output
    (output,) = generation.output
    assert output.type == "video"
    answer = http.get(output.url)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4")
    return answer.content


def test_from_create_to_download(luma: Luma, http: httpx.Client) -> None:
    created = _bought(luma, aspect_ratio="9:16")
    assert (created.state, created.type, created.model, created.output) == ("queued", "video", "ray-3.2", [])
    done = _ended(luma, created.id)
    assert (done.state, done.failure_code, done.failure_reason) == ("completed", None, None)
    facts = look(_clip(http, done))
    assert (facts.frames, facts.fps, facts.size, facts.audio) == (120, 24.0, (360, 640), False)
    assert (job_of(http, created.id))["billed_micros"] == 60_000


def test_a_ten_second_clip(luma: Luma, http: httpx.Client) -> None:
    created = _bought(luma, aspect_ratio="1:1", video={"duration": "10s", "resolution": "360p"})
    facts = look(_clip(http, _ended(luma, created.id)))
    assert (facts.seconds, facts.size) == (10.0, (480, 480))
    assert (job_of(http, created.id))["billed_micros"] == 180_000


async def test_every_state_in_order(start: Start) -> None:
    server = await start(vendors=(VENDOR,), speed=1)
    headers = {"Authorization": "Bearer k"}
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False, verify=NO_TLS, headers=headers) as client:
        body = {"model": "ray-3.2", "type": "video", "prompt": "x"}
        created = await client.post("/luma/v1/generations", json=body, headers={"X-Request-Id": "trace-1"})
        assert (created.headers["x-request-id"], created.headers["x-api-version"]) == ("trace-1", "2026-04-01")
        assert created.headers["x-ratelimit-limit"] == "30"
        seen = []
        for seconds in (0, 6, 60, 60):
            await client.post("/control/advance", json={"seconds": seconds})
            shown = (await client.get(f"/luma/v1/generations/{created.json()['id']}")).json()
            assert bool(shown["output"]) == (shown["state"] == "completed")
            seen.append(shown["state"])
    assert seen == ["queued", "processing", "processing", "completed"]


def test_anchors_give_the_shape(luma: Luma, http: httpx.Client, png: bytes) -> None:
    frame = {"data": base64.b64encode(png).decode(), "media_type": "image/png"}
    short = _bought(luma, video={**_VIDEO, "start_frame": frame, "end_frame": {"url": _A}})
    keyed = {"duration": "10s", "resolution": "360p", "keyframes": [frame, {"url": _A}], "keyframe_indexes": [0, 240]}
    long = _bought(luma, video=keyed)
    for created, seconds in ((short, 5.0), (long, 10.0)):
        facts = look(_clip(http, _ended(luma, created.id)))
        assert (facts.seconds, facts.size) == (seconds, (672, 336))


def test_an_extension_needs_a_finished_clip(luma: Luma, http: httpx.Client) -> None:
    first = _bought(luma, "[[fault:stuck-running]]")
    with pytest.raises(luma_agents.BadRequestError, match="generation_id not found or not ready"):
        _bought(luma, video={**_VIDEO, "start_frame": {"generation_id": first.id}})
    second = _bought(luma, aspect_ratio="1:1")
    _ended(luma, second.id)
    onwards = _bought(luma, video={**_VIDEO, "start_frame": {"generation_id": second.id}})
    assert look(_clip(http, _ended(luma, onwards.id))).size == (480, 480)
    assert (job_of(http, onwards.id))["billed_micros"] == 60_000


def test_an_edit_follows_its_source(luma: Luma, http: httpx.Client) -> None:
    source = _bought(luma, aspect_ratio="9:16")
    clip = _clip(http, _ended(luma, source.id))
    inline = {"data": base64.b64encode(clip).decode(), "media_type": "video/mp4"}
    for given in ({"generation_id": source.id}, inline):
        edited = luma.generations.create(
            model="ray-3.2",
            type="video_edit",
            prompt="snow",
            source=given,  # type: ignore[arg-type]  # a dict of texts is an ImageRef
            video={"resolution": "540p", "edit": {"auto_controls": True}},
        )
        facts = look(_clip(http, _ended(luma, edited.id)))
        assert (facts.seconds, facts.size) == (5.0, (540, 960))
        assert (job_of(http, edited.id))["billed_micros"] == 720_000


def test_a_reframe_is_paid_by_the_second(luma: Luma, http: httpx.Client) -> None:
    reframed = luma.generations.create(
        model="ray-3.2",
        type="video_reframe",
        prompt="wide",
        aspect_ratio="21:9",
        source={"url": "https://example.com/v.mp4", "media_type": "video/mp4"},
        video={"resolution": "540p"},
    )
    facts = look(_clip(http, _ended(luma, reframed.id)))
    assert facts.size == (1104, 464)
    assert (job_of(http, reframed.id))["billed_micros"] == 300_000


def test_there_is_no_list_no_cancel_and_no_other_route(luma: Luma, http: httpx.Client) -> None:
    created = _bought(luma, "[[fault:stuck]]")
    headers = {"Authorization": "Bearer luma-api-key"}
    for method, path in (("GET", "generations"), ("DELETE", f"generations/{created.id}"), ("GET", "elsewhere")):
        answer = http.request(method, f"/luma/v1/{path}", headers=headers)
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})


def test_outputs_are_signed_for_an_hour_and_renewed(luma: Luma, http: httpx.Client) -> None:
    done = _ended(luma, (_bought(luma)).id)
    assert done.output
    url = done.output[0].url
    assert "X-Amz-Signature=" in url
    assert (http.get(url.partition("?")[0])).status_code == 403
    http.post("/control/expire", json={"job": done.id})
    assert http.get(url).status_code == 403
    again = (luma.generations.get(done.id)).output
    assert again
    assert (http.get(again[0].url)).status_code == 200


@pytest.mark.parametrize("code", FAILURES)
def test_every_failure_code(luma: Luma, http: httpx.Client, code: str) -> None:
    created = _bought(luma, f"[[fault:fail-{code}]]")
    ended = _ended(luma, created.id)
    assert (ended.state, ended.output, ended.failure_reason) == ("failed", [], FAILURES[code])
    assert ended.failure_code == (None if code == "NULL" else code.partition(".")[0])
    assert (job_of(http, created.id))["billed_micros"] == 0
    outcome = _ADAPTER.outcome(Reply(status=200, body=ended.to_json().encode()))
    assert isinstance(outcome, Failed)
    failure = outcome.failure
    read = {"reason": failure.reason, "stage": failure.stage, "billed": failure.billed, "retryable": failure.may_retry}
    assert read == _EXPECTED[code]


def test_every_failure_code_is_expected() -> None:
    assert {*_EXPECTED} == {*FAILURES}


@pytest.mark.parametrize(
    ("members", "video", "status", "detail"),
    [
        ({"model": "ray-9"}, {}, 400, "Unknown model: ray-9"),
        ({"model": "uni-1"}, {}, 400, "Type 'video' is not supported for model 'uni-1'"),
        ({"prompt": ""}, {}, 400, "Prompt must be between 1 and 6000 characters"),
        ({"prompt": "x" * 6001}, {}, 400, "Prompt must be between 1 and 6000 characters"),
        ({"aspect_ratio": "3:1"}, {}, 400, "Invalid aspect_ratio '3:1'. Valid: 16:9, 1:1, 21:9, 3:4, 4:3, 9:16"),
        ({"source": {"url": _A}}, {}, 400, "source is only valid"),
        ({"type": "video_edit"}, {}, 400, "source is required for type 'video_edit'"),
        ({}, {"resolution": "4k"}, 400, "Invalid video.resolution '4k'"),
        ({}, {"duration": "7s"}, 400, "Invalid video.duration '7s'"),
        ({}, {"duration": "10s", "start_frame": {"url": _A}}, 422, "duration '10s' is not supported with start_frame"),
        ({}, {"duration": "10s", "loop": True}, 422, "duration '10s' is not supported with loop"),
        ({}, {"duration": "10s", "hdr": True}, 422, "duration '10s' is not supported with hdr"),
        ({}, {"loop": True, "hdr": True}, 422, "loop is not supported with hdr"),
        ({}, {"loop": True, "end_frame": {"url": _A}}, 422, "loop is not supported with end_frame"),
        ({}, {"hdr": True, "resolution": "540p"}, 422, "video.hdr requires a resolution"),
        ({}, {"exr_export": True}, 422, "video.exr_export requires video.hdr"),
        ({}, {"start_frame": {"url": _A, "generation_id": "a"}}, 400, "video.start_frame: provide exactly one of"),
        ({}, {"start_frame": {"data": "UE5H"}}, 400, "video.start_frame: 'media_type' is required with 'data'"),
        ({}, {"start_frame": {"data": "!", "media_type": "image/png"}}, 422, "video.start_frame: invalid base64 data"),
        ({}, {"end_frame": {"data": "UE5H", "media_type": "image/png"}}, 422, "content-type is not an image"),
        ({}, {"end_frame": {"url": "ftp://x/a.png"}}, 422, "video.end_frame: failed to fetch URL"),
        ({}, {"end_frame": {"file_id": "nobody"}}, 400, "video.end_frame: file_id not found or not ready"),
        ({}, {"keyframes": [{"url": _A}], "keyframe_indexes": [0, 1]}, 422, "must have the same length"),
        ({}, {"keyframes": [{"url": _A}], "keyframe_indexes": [121]}, 422, "positions from 0 to 120"),
        ({}, {"keyframes": [{"url": _A}], "keyframe_indexes": [0], "loop": True}, 422, "keyframes are not supported"),
        ({}, {"edit": {"strength": "flex_1"}}, 400, "video.edit is only valid"),
    ],
)
def test_refusals(luma: Luma, members: Mapping[str, Any], video: Mapping[str, Any], status: int, detail: str) -> None:
    body: dict[str, Any] = {
        "model": "ray-3.2",
        "type": "video",
        "prompt": "x",
        "video": {"resolution": "720p", **video},
    }
    with pytest.raises(APIStatusError) as caught:
        luma.generations.create(**{**body, **members})
    assert caught.value.status_code == status
    assert detail in caught.value.response.json()["detail"]


@pytest.mark.parametrize(
    ("kind", "members", "video", "detail"),
    [
        ("video_reframe", {}, {}, "aspect_ratio is required"),
        ("video_reframe", {"aspect_ratio": "9:16"}, {"resolution": "1080p"}, "1080p is coming soon"),
        ("video_reframe", {"aspect_ratio": "1:1"}, {"hdr": True}, "video.hdr is not supported"),
        ("video_reframe", {"aspect_ratio": "1:1"}, {"source_position": {"x_norm": 0}}, "source_position needs"),
        ("video_edit", {}, {"loop": True}, "video.loop is not supported"),
        ("video_edit", {}, {"edit": {"strength": "flex_9"}}, "Invalid video.edit.strength"),
        ("video_edit", {}, {"edit": {"strength": "flex_1", "auto_controls": True}}, "auto_controls is not supported"),
        ("video_edit", {"source": {"url": "https://example.com/v.mp4"}}, {}, "a video 'media_type' is required"),
    ],
)
def test_refusals_of_source_videos(
    luma: Luma, kind: Any, members: Mapping[str, Any], video: Mapping[str, Any], detail: str
) -> None:
    source = {"url": "https://example.com/v.mp4", "media_type": "video/mp4"}
    body: dict[str, Any] = {"model": "ray-3.2", "type": kind, "prompt": "x", "source": source, "video": video}
    with pytest.raises(APIStatusError) as caught:
        luma.generations.create(**{**body, **members})
    assert detail in caught.value.response.json()["detail"]


@pytest.mark.parametrize(
    ("fault", "status", "detail"),
    [
        ("no-credit", 402, "Insufficient credits. Please add credits to continue."),
        ("revoked-key", 401, "API key has been revoked"),
        ("suspended", 403, "API client is suspended"),
        ("unknown-model", 400, "Unknown model: ray-3.2"),
        ("concurrent", 429, "Too many concurrent jobs"),
        ("no-ingestion", 503, "Image URL ingestion unavailable"),
    ],
)
def test_what_a_submit_can_meet(luma: Luma, http: httpx.Client, fault: str, status: int, detail: str) -> None:
    prompt = fresh(fault)
    with pytest.raises(APIStatusError) as caught:
        _bought(luma, prompt)
    assert (caught.value.status_code, caught.value.response.json()) == (status, {"detail": detail})
    assert jobs_for(http, prompt) == []
    answer = Reply(status=status, body=caught.value.response.content)
    assert type(_ADAPTER.submitted(answer)).__name__ == "Refused"


def test_a_rate_limit_says_how_long(luma: Luma) -> None:
    with pytest.raises(luma_agents.RateLimitError) as caught:
        _bought(luma, fresh("rate-limit-seconds"))
    assert caught.value.response.json() == {"detail": "Rate limit exceeded"}
    assert caught.value.response.headers["retry-after"] == "2"


def test_the_sdk_buys_three_times_when_a_reply_is_lost(
    luma: Luma, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Luma, "_calculate_retry_timeout", lambda *_: 0.01)  # its own pauses are half a second
    prompt = fresh("lost-reply")
    with pytest.raises(luma_agents.InternalServerError):
        _bought(luma.with_options(max_retries=2), prompt)
    assert len(jobs_for(http, prompt)) == 3


def test_keys(luma: Luma, http: httpx.Client) -> None:
    created = _bought(luma)
    none = http.get(f"/luma/v1/generations/{created.id}")
    assert (none.status_code, none.json()) == (401, {"detail": "Missing or invalid API key"})
    other = http.get(f"/luma/v1/generations/{created.id}", headers={"Authorization": "Bearer other"})
    assert (other.status_code, other.json()) == (404, {"detail": "Generation not found"})


def test_a_presigned_upload(luma: Luma, http: httpx.Client, png: bytes) -> None:
    created = luma.files.create(mime_type="image/png", size_bytes=len(png), purpose="input", filename="a.png")
    assert (created.state, created.file.filename) == ("pending", "a.png")
    with pytest.raises(luma_agents.BadRequestError):
        luma.files.complete(created.id)
    slot = _ADAPTER.slot(Reply(status=201, body=created.to_json().encode()))
    assert slot is not None
    assert (http.put(slot.url, content=png, headers={"Content-Type": "image/gif"})).status_code == 403
    assert (http.put(slot.url.partition("?")[0], content=png, headers=slot.headers)).status_code == 403
    assert (http.put(slot.url, content=png, headers=slot.headers)).status_code == 200
    with pytest.raises(luma_agents.BadRequestError, match="file_id not found or not ready"):
        _bought(luma, video={**_VIDEO, "start_frame": {"file_id": created.id}})
    luma.files.complete(created.id)
    _until(lambda: luma.files.get(created.id), _is_ready)
    done = _ended(luma, (_bought(luma, video={**_VIDEO, "start_frame": {"file_id": created.id}})).id)
    assert look(_clip(http, done)).size == (672, 336)


def test_an_inline_upload_of_a_video(luma: Luma, http: httpx.Client) -> None:
    clip = _clip(http, _ended(luma, (_bought(luma)).id))
    headers = {"Authorization": "Bearer luma-api-key"}
    uploaded = http.post("/luma/v1/files", files={"file": ("a.mp4", clip, "video/mp4")}, headers=headers)
    assert (uploaded.status_code, uploaded.json()["upload"]) == (201, None)
    file_id = uploaded.json()["id"]
    _until(lambda: luma.files.get(file_id), _is_ready)
    edited = luma.generations.create(
        model="ray-3.2", type="video_edit", prompt="snow", source={"file_id": file_id}, video={"resolution": "540p"}
    )
    assert look(_clip(http, _ended(luma, edited.id))).seconds == 5.0


def test_files_are_listed_and_deleted(luma: Luma, http: httpx.Client) -> None:
    luma = luma.with_options(auth_token="of its own")
    made = [luma.files.create(mime_type="image/png", size_bytes=1).id for _ in range(3)]
    first = luma.files.list(limit=2)
    assert first.has_more
    assert first.next_cursor
    rest = luma.files.list(limit=2, cursor=first.next_cursor)
    assert {file.id for file in (*first.data, *rest.data)} == {*made}
    luma.files.delete(made[0])
    assert (luma.files.get(made[0])).state == "deleted"
    assert [file.id for file in (luma.files.list(state="deleted")).data] == [made[0]]
    with pytest.raises(luma_agents.NotFoundError):
        luma.files.complete(made[0])
    other = {"Authorization": "Bearer other"}
    assert (http.get(f"/luma/v1/files/{made[1]}", headers=other)).json() == {"detail": "File not found"}


def test_our_adapter_reads_it(luma: Luma) -> None:
    created = _bought(luma)
    assert _ADAPTER.ticket(created.to_dict())
    done = _ended(luma, created.id)
    outcome = _ADAPTER.outcome(Reply(status=200, body=done.to_json().encode()))
    assert isinstance(outcome, Ready)
    assert done.output
    assert outcome.outputs == (done.output[0].url,)
