"""OpenAI's own SDK drives the emulated upstream; its Videos API is deprecated there, and still speaks."""

import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import httpx2
import openai
import pytest
from openai.types import Video
from PIL import Image

from core.outcome import AttemptReference, Failed, Ready, Refused, Reply
from core.spec import MediaInput, Wish
from emulators.vendors.openai_compatible import VENDOR
from emulators.vendors.openai_compatible_videos import FAILURES
from jobs.http import multipart
from providers.openai_videos import OpenAIProvider, OpenAIVideosProvider
from providers.resolve import resolve
from tests.emulators.driving import NO_TLS, Start, fresh, job_of, jobs_for, look, posts

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")
_ADAPTER = OpenAIVideosProvider()
_KEY = {"Authorization": "Bearer sk-any"}
_EXPECTED = json.loads(
    (Path(__file__).parents[1] / "providers/contract/openai-compatible/conformance.json").read_text()
)["failures"]


@pytest.fixture
def sdk(base_url: str) -> Iterator[openai.OpenAI]:
    with (
        httpx2.Client(trust_env=False, verify=NO_TLS, follow_redirects=True) as client,
        openai.OpenAI(
            api_key="sk-any", base_url=f"{base_url}/openai-compatible/v1", max_retries=0, http_client=client
        ) as made,
    ):
        yield made


def _ended(sdk: openai.OpenAI, video_id: str) -> Video:
    limit = time.monotonic() + 20
    while (video := sdk.videos.retrieve(video_id)).status not in ("completed", "failed"):
        assert time.monotonic() < limit, video
        time.sleep(0.01)
    return video


def _reply(response: httpx.Response) -> Reply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(status=response.status_code, headers=headers, body=response.content)


def _buy(http: httpx.Client, prompt: str = "a cat", path: str = "/openai-compatible/videos", **typed: Any) -> Reply:
    """As Filmgate would."""
    model = _ADAPTER.models[0]
    request = _ADAPTER.submit(resolve(Wish(prompt=prompt, **typed), model).spec, model, None)
    body, headers = multipart(request.form)
    return _reply(http.request(request.method, path, content=body, headers={**headers, **_KEY}))


def _error(caught: pytest.ExceptionInfo[openai.APIStatusError]) -> dict[str, Any]:
    error: dict[str, Any] = caught.value.response.json()["error"]
    return error


def test_from_create_to_download(sdk: openai.OpenAI, http: httpx.Client) -> None:
    created = sdk.videos.create(prompt="A cat", model="sora-2", seconds="4", size="1280x720")
    assert (created.status, created.seconds, created.size, created.prompt) == ("queued", "4", "1280x720", "A cat")
    assert created.id.startswith("video_")
    done = _ended(sdk, created.id)
    assert (done.status, done.progress, done.error) == ("completed", 100, None)
    assert done.completed_at is not None
    assert done.expires_at == pytest.approx(done.completed_at + 3600, abs=1)
    content = sdk.videos.download_content(created.id)
    assert content.response.headers["content-type"] == "video/mp4"
    facts = look(content.read())
    assert (facts.seconds, facts.size, facts.audio) == (4.0, (1280, 720), True)
    assert job_of(http, created.id)["billed_micros"] == 400_000


def test_the_sdks_own_waiting_helper(sdk: openai.OpenAI) -> None:
    done = sdk.videos.create_and_poll(prompt="A dog", model="sora-2-pro", seconds="4", size="720x1280")
    assert done.status == "completed"


def test_the_defaults_are_the_vendors(sdk: openai.OpenAI, http: httpx.Client) -> None:
    created = sdk.videos.create(prompt="nothing typed")
    assert (created.model, created.seconds, created.size) == ("sora-2", "4", "720x1280")
    dated = sdk.videos.create(prompt="dated", model="sora-2-pro-2025-10-06", size="1024x1792", seconds="12")
    assert dated.model == "sora-2-pro-2025-10-06"
    assert job_of(http, dated.id)["price_micros"] == 12 * 500_000


def test_filmgates_own_requests(http: httpx.Client) -> None:
    accepted = _ADAPTER.submitted(_buy(http, "ours", aspect_ratio="9:16"))
    ticket = accepted.ticket  # type: ignore[union-attr]  # it is Accepted, or this line fails
    poll = _ADAPTER.poll(ticket)
    limit = time.monotonic() + 20
    while not isinstance(
        outcome := _ADAPTER.outcome(_reply(http.get(f"/openai-compatible{poll.path}", headers=_KEY))), Ready
    ):
        assert time.monotonic() < limit
        time.sleep(0.01)
    assert outcome.usage.video_seconds == 4.0
    content = http.get(f"/openai-compatible/v1{outcome.outputs[0]}", headers=_KEY)
    assert look(content.content).size == (720, 1280)
    assert http.get(f"/openai-compatible{outcome.outputs[0]}").status_code == 401


def test_the_pace_is_told_until_the_end(http: httpx.Client) -> None:
    bought = _buy(http, fresh("stuck"))
    assert bought.headers["openai-poll-after-ms"] == "5"
    video = json.loads(bought.body)["id"]
    assert _ADAPTER.outcome(_reply(http.get(f"/openai-compatible/videos/{video}", headers=_KEY))).retry_after == 0.005  # type: ignore[union-attr]  # it is Pending


def _png(size: tuple[int, int]) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, "teal").save(stream, "PNG")
    return stream.getvalue()


def test_a_first_frame_of_the_very_size(sdk: openai.OpenAI, http: httpx.Client, png: bytes) -> None:
    fitting = _png((1280, 720))
    reference = ("reference.png", fitting, "image/png")
    created = sdk.videos.create(prompt="pan", size="1280x720", input_reference=reference)
    assert _ended(sdk, created.id).status == "completed"
    with pytest.raises(openai.BadRequestError) as caught:
        sdk.videos.create(prompt="pan", size="1280x720", input_reference=("a.png", png, "image/png"))
    assert _error(caught) == {
        "message": "Inpaint image must match the requested width and height",
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }
    ours = MediaInput(data=fitting, mime_type="image/png")
    assert _buy(http, "ours", first_frame=ours).status == 200
    refused = _ADAPTER.submitted(_buy(http, "ours", first_frame=MediaInput(data=png, mime_type="image/png")))
    assert isinstance(refused, Refused)
    assert refused.failure.message.endswith("Inpaint image must match the requested width and height")


@pytest.mark.parametrize("code", FAILURES)
def test_every_failure_code(sdk: openai.OpenAI, http: httpx.Client, code: str) -> None:
    created = sdk.videos.create(prompt=fresh(f"fail-{code}"))
    ended = _ended(sdk, created.id)
    assert ended.error is not None
    assert (ended.error.code, ended.error.message) == (code, FAILURES[code])
    outcome = _ADAPTER.outcome(_reply(http.get(f"/openai-compatible/videos/{created.id}", headers=_KEY)))
    assert isinstance(outcome, Failed)
    failure = outcome.failure
    told = {"reason": failure.reason, "stage": failure.stage, "billed": failure.billed, "retryable": failure.may_retry}
    assert told == _EXPECTED[code]
    assert job_of(http, created.id)["billed_micros"] == 0


def test_every_failure_code_is_expected() -> None:
    assert set(_EXPECTED) == set(FAILURES)


@pytest.mark.parametrize(
    ("body", "param", "code", "message"),
    [
        (
            {"prompt": "x", "seconds": 8},
            "seconds",
            "invalid_type",
            "Invalid type for 'seconds': expected one of '4', '8', '12', '16', or '20', but got an integer instead.",
        ),
        ({"prompt": "x", "seconds": "5"}, "seconds", "invalid_value", "Invalid value: '5'."),
        ({"prompt": "x", "duration": 4}, "duration", "unknown_parameter", "Unknown parameter: 'duration'."),
        ({}, "prompt", "missing_required_parameter", "Missing required parameter: 'prompt'."),
        ({"prompt": ""}, "prompt", "empty_string", "Invalid 'prompt'"),
        ({"prompt": 7}, "prompt", "invalid_type", "Invalid type for 'prompt'"),
        ({"prompt": "x" * 32_001}, "prompt", "string_above_max_length", "string too long"),
        ({"prompt": "x", "model": None}, "model", "invalid_type", "but got null instead"),
        ({"prompt": "x", "size": "1x1"}, "size", "invalid_value", "Invalid value: '1x1'."),
        ({"prompt": "x", "size": "1024x1792"}, "size", "invalid_value", "Model does not support this size"),
        ({"prompt": "x", "input_reference": "https://x/a.png"}, "input_reference", "invalid_type", "expected a file"),
        ({"prompt": "x", "input_reference": {}}, "input_reference", None, "exactly one of"),
        (
            {"prompt": "x", "input_reference": {"image_url": "data:image/png;base64,AAAA"}},
            "input_reference",
            "unsupported_file_mimetype",
            "unsupported mimetype",
        ),
        ({"prompt": "x", "characters": [{"id": "a"}] * 3}, "characters", "invalid_type", "at most 2"),
        ({"prompt": "x", "characters": "a"}, "characters", "invalid_type", "at most 2"),
    ],
)
def test_json_is_checked(http: httpx.Client, body: dict[str, Any], param: str, code: str | None, message: str) -> None:
    answer = http.post("/openai-compatible/v1/videos", headers=_KEY, json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"], error["type"]) == (
        400,
        param,
        code,
        "invalid_request_error",
    )
    assert message in error["message"]
    assert isinstance(_ADAPTER.submitted(_reply(answer)), Refused)


def test_json_is_taken(http: httpx.Client) -> None:
    body = {
        "model": "sora-2",
        "prompt": "x",
        "seconds": "8",
        "size": "1280x720",
        "input_reference": {"image_url": "https://example.com/a.png"},
        "characters": [{"id": "char_1"}],
    }
    answer = http.post("/openai-compatible/v1/videos", headers=_KEY, json=body).json()
    assert (answer["status"], answer["seconds"]) == ("queued", "8")
    assert http.post("/openai-compatible/v1/videos", headers=_KEY, content=b"{").status_code == 400


def test_an_unknown_model_is_gone(sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        sdk.videos.create(prompt="x", model="sora-1")
    assert _error(caught)["code"] == "model_not_found"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("moderated", "CONTENT_POLICY"),
        ("retired", "VENDOR_RETIRED"),
        ("unverified", "VENDOR_AUTH"),
        ("no-credit", "VENDOR_CREDIT"),
        ("rate-limit-bare", "RATE_LIMITED"),
        ("http-401", "VENDOR_AUTH"),
    ],
)
def test_refusals_as_filmgate_reads_them(http: httpx.Client, fault: str, reason: str) -> None:
    prompt = fresh(fault)
    refused = _ADAPTER.submitted(_buy(http, prompt))
    assert isinstance(refused, Refused)
    assert refused.failure.reason == reason
    assert jobs_for(http, prompt) == []


def test_too_many_at_once_in_the_upstreams_words(sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.RateLimitError) as caught:
        sdk.videos.create(prompt=fresh("rate-limit-seconds"))
    assert caught.value.response.headers["retry-after"] == "2"
    assert _error(caught)["message"] == "Too many running tasks"
    assert _error(caught)["type"] == "video_generation_user_error"


async def test_the_list(start: Start) -> None:
    server = await start(vendors=(VENDOR,), speed=2000)
    async with (
        httpx2.AsyncClient(trust_env=False, verify=NO_TLS) as client,
        openai.AsyncOpenAI(
            api_key="sk-list", base_url=f"{server.base_url}/openai-compatible", max_retries=0, http_client=client
        ) as sdk,
    ):
        made = [(await sdk.videos.create(prompt=f"video {number}")).id for number in range(5)]
        newest = [video.id async for video in sdk.videos.list(limit=2)]
        assert newest == made[::-1]
        oldest = await sdk.videos.list(limit=2, order="asc", after=made[1])
        assert ([video.id for video in oldest.data], oldest.has_more) == ([made[2], made[3]], True)
        empty = await sdk.videos.list(after=made[0])
        assert (empty.data, empty.has_more) == ([], False)
        for query in ({"limit": 0}, {"limit": 101}, {"after": "video_unknown"}):
            with pytest.raises(openai.BadRequestError):
                await sdk.videos.list(**query)


async def test_a_lost_submit_is_found_in_the_list(start: Start) -> None:
    server = await start(vendors=(VENDOR,), speed=2000, allow_prompt_faults=True)
    model, prompt = _ADAPTER.models[0], "lost [[fault:lost-reply]]"
    spec = resolve(Wish(prompt=prompt), model).spec
    body, headers = multipart(_ADAPTER.submit(spec, model, None).form)
    base = f"{server.base_url}/openai-compatible"
    async with httpx.AsyncClient(trust_env=False, verify=NO_TLS, headers=_KEY) as client:
        lost = await client.post(f"{base}/videos", content=body, headers=headers)
        await client.post(f"{base}/videos", json={"prompt": "another"})
        assert lost.status_code == 500
        attempt = AttemptReference(
            attempt_id="attempt_1",
            callback_token="",
            model="sora-2",
            request={"prompt": prompt, "model": "sora-2", "seconds": "4", "size": "1280x720"},
            intended_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        )
        search = _ADAPTER.search(attempt)
        assert search is not None
        page = _reply(await client.get(f"{base}{search.path}", params=dict(search.query)))
        [found] = _ADAPTER.candidates(page, attempt)
        assert _ADAPTER.search_next(page) is None
        shown = (await client.get(f"{base}/videos/{found['id']}")).json()
        assert shown["prompt"] == prompt


def test_the_sdk_buys_three_times_when_a_reply_is_lost(sdk: openai.OpenAI, http: httpx.Client) -> None:
    prompt = fresh("lost-reply")
    with pytest.raises(openai.InternalServerError):
        sdk.with_options(max_retries=2).videos.create(prompt=prompt)
    assert len(jobs_for(http, prompt)) == 3


def test_only_what_has_ended_is_deleted(sdk: openai.OpenAI, http: httpx.Client) -> None:
    created = sdk.videos.create(prompt=fresh("stuck"))
    with pytest.raises(openai.BadRequestError):
        sdk.videos.delete(created.id)
    assert job_of(http, created.id)["phase"] == "queued"
    other = sdk.videos.create(prompt="to be deleted")
    _ended(sdk, other.id)
    deleted = sdk.videos.delete(other.id)
    assert (deleted.id, deleted.object, deleted.deleted) == (other.id, "video.deleted", True)
    with pytest.raises(openai.NotFoundError):
        sdk.videos.retrieve(other.id)
    with pytest.raises(openai.NotFoundError):
        sdk.videos.delete(other.id)
    assert job_of(http, other.id)["billed_micros"] == 400_000


def test_content_before_the_end_and_its_variants(sdk: openai.OpenAI) -> None:
    waiting = sdk.videos.create(prompt=fresh("stuck-running"))
    with pytest.raises(openai.NotFoundError) as caught:
        sdk.videos.download_content(waiting.id)
    assert "not ready" in _error(caught)["message"]
    done = sdk.videos.create(prompt="variants")
    _ended(sdk, done.id)
    thumbnail = sdk.videos.download_content(done.id, variant="thumbnail")
    assert thumbnail.response.headers["content-type"] == "image/webp"
    assert thumbnail.read()[8:12] == b"WEBP"
    sheet = sdk.videos.download_content(done.id, variant="spritesheet")
    assert sheet.response.headers["content-type"] == "image/jpeg"
    with pytest.raises(openai.BadRequestError):
        sdk.videos.download_content(done.id, variant="gif")  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(openai.NotFoundError):
        sdk.videos.download_content("video_unknown")


def test_content_behind_a_redirect(sdk: openai.OpenAI, http: httpx.Client) -> None:
    created = sdk.videos.create(prompt=fresh("content-redirect"))
    _ended(sdk, created.id)
    plain = http.get(f"/openai-compatible/v1/videos/{created.id}/content", headers=_KEY)
    assert plain.status_code == 302
    assert http.get(plain.headers["location"]).content[4:8] == b"ftyp"
    assert sdk.videos.download_content(created.id).read()[4:8] == b"ftyp"


def test_a_length_that_is_never_told(sdk: openai.OpenAI, http: httpx.Client) -> None:
    created = sdk.videos.create(prompt=fresh("no-seconds"))
    _ended(sdk, created.id)
    outcome = _ADAPTER.outcome(_reply(http.get(f"/openai-compatible/videos/{created.id}", headers=_KEY)))
    assert isinstance(outcome, Ready)
    assert outcome.usage.video_seconds is None


async def test_files_expire(start: Start) -> None:
    server = await start(vendors=(VENDOR,), speed=100_000)
    base = f"{server.base_url}/openai-compatible/v1/videos"
    async with httpx.AsyncClient(trust_env=False, verify=NO_TLS, headers=_KEY) as client:
        video = (await client.post(base, json={"prompt": "x"})).json()["id"]
        await client.post(f"{server.base_url}/control/advance", json={"seconds": 60})
        assert (await client.get(f"{base}/{video}/content")).status_code == 200
        await client.post(f"{server.base_url}/control/advance", json={"seconds": 3600})
        assert (await client.get(f"{base}/{video}/content")).status_code == 404
        assert (await client.get(f"{base}/{video}")).json()["status"] == "completed"


def test_keys(http: httpx.Client, sdk: openai.OpenAI) -> None:
    refused = http.post("/openai-compatible/v1/videos", json={"prompt": "x"})
    assert refused.status_code == 401
    assert refused.json()["error"]["code"] == "invalid_api_key"
    mine = sdk.videos.create(prompt="mine")
    other = {"Authorization": "Bearer sk-other"}
    assert http.get(f"/openai-compatible/v1/videos/{mine.id}", headers=other).status_code == 404
    assert http.get("/openai-compatible/v1/elsewhere", headers=_KEY).status_code == 404


def test_remix_edit_and_extend(sdk: openai.OpenAI, http: httpx.Client) -> None:
    source = sdk.videos.create(prompt="first", seconds="4", size="1280x720")
    _ended(sdk, source.id)
    remixed = sdk.videos.remix(source.id, prompt="again")
    assert remixed.remixed_from_video_id == source.id
    base = "/openai-compatible/v1/videos"
    edited = http.post(f"{base}/edits", headers=_KEY, json={"prompt": "bluer", "video": {"id": source.id}})
    assert edited.json()["seconds"] == "4"
    body = {"prompt": "go on", "seconds": "8", "video": {"id": source.id}}
    longer = http.post(f"{base}/extensions", headers=_KEY, json=body).json()
    assert longer["seconds"] == "12"
    assert job_of(http, longer["id"])["price_micros"] == 800_000
    assert http.post(f"{base}/extensions", headers=_KEY, json={**body, "seconds": 8}).status_code == 400
    assert http.post(f"{base}/edits", headers=_KEY, json={"prompt": "x", "video": "me"}).status_code == 404
    with pytest.raises(openai.NotFoundError):
        sdk.videos.remix("video_unknown", prompt="x")
    with pytest.raises(openai.BadRequestError):
        sdk.videos.remix(source.id, prompt="")


def test_characters(sdk: openai.OpenAI) -> None:
    made = sdk.videos.create_character(name="Mia", video=("v.mp4", b"mp4", "video/mp4"))
    assert sdk.videos.get_character(made.id or "").name == "Mia"
    with pytest.raises(openai.BadRequestError):
        sdk.videos.create_character(name="x" * 81, video=("v.mp4", b"mp4", "video/mp4"))
    with pytest.raises(openai.NotFoundError):
        sdk.videos.get_character("char_unknown")


def test_every_post_is_witnessed(http: httpx.Client) -> None:
    before = len(posts(http, vendor="openai-compatible"))
    http.post("/openai-compatible/videos", headers=_KEY, json={"prompt": "x", "seconds": 4})
    job = json.loads(_buy(http, "witnessed").body)["id"]
    rows = posts(http, vendor="openai-compatible")[before:]
    assert [(row["accepted"], row["status"], row["job"]) for row in rows] == [(False, 400, ""), (True, 200, job)]
    assert rows[1]["price_micros"] == 400_000


def test_openai_itself_has_closed(base_url: str, http: httpx.Client) -> None:
    with (
        httpx2.Client(trust_env=False, verify=NO_TLS) as client,
        openai.OpenAI(api_key="sk-any", base_url=f"{base_url}/openai/v1", max_retries=2, http_client=client) as sdk,
        pytest.raises(openai.NotFoundError) as caught,
    ):
        sdk.videos.create(prompt="is anybody there?")
    refused = OpenAIProvider().submitted(_reply(httpx.Response(404, content=caught.value.response.content)))
    assert isinstance(refused, Refused)
    assert refused.failure.reason == "VENDOR_RETIRED"
    assert http.get("/openai/v1/videos/video_1", headers=_KEY).status_code == 404
