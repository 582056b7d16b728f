"""Replicate's own SDK (1.0.7) drives the emulated Replicate; what it cannot do is said where it cannot."""

import io
import time
from collections.abc import Iterator

import httpx
import pytest
from replicate.client import Client
from replicate.exceptions import ModelError, ReplicateError

from emulators.vendors.replicate_errors import FAILURES
from tests.emulators.driving import (
    NO_TLS,
    REPLICATE,
    SVD_VERSION,
    Start,
    buy_replicate,
    completed,
    data_uri,
    job_of,
    jobs_for,
    look,
    posts,
    prediction,
)

VIDEO_01, KLING = "minimax/video-01", "kwaivgi/kling-v2.5-turbo-pro"


@pytest.fixture
def replicate(base_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("REPLICATE_POLL_INTERVAL", "0.02")
    monkeypatch.setenv("NO_PROXY", "*")
    sdk = Client(api_token="r8-key", base_url=f"{base_url}/replicate")
    yield sdk
    sdk._client.close()  # it offers no way to do so


def test_create_poll_download(replicate: Client, http: httpx.Client) -> None:
    created = replicate.models.predictions.create(VIDEO_01, input={"prompt": "a cat"}, wait=False)
    assert (created.started_at, created.output) == (None, None)
    assert created.version == "hidden"
    created.wait()
    assert created.status == "succeeded"
    assert created.metrics is not None
    assert created.metrics["predict_time"] == 60
    assert created.metrics["video_output_duration_seconds"] == 6
    # FileOutput is for https addresses only, so the output of a plain-http emulator stays a string.
    assert isinstance(created.output, str)
    facts = look(http.get(created.output).content)
    assert (facts.frames, facts.fps, facts.size) == (150, 25.0, (1280, 720))
    assert job_of(http, created.id)["billed_micros"] == 500_000


def test_run_waits_and_returns_the_address(replicate: Client, http: httpx.Client) -> None:
    output = replicate.run(KLING, input={"prompt": "a dog", "duration": 5, "aspect_ratio": "9:16"})
    facts = look(http.get(str(output)).content)
    assert (facts.seconds, facts.fps, facts.size) == (5.0, 24.0, (1080, 1920))


def test_a_community_model_goes_by_version(replicate: Client, http: httpx.Client, png: bytes) -> None:
    values = {"input_image": data_uri(png), "frames_per_second": 6, "seed": 7}
    for version in (SVD_VERSION, f"stability-ai/stable-video-diffusion:{SVD_VERSION}"):
        created = replicate.predictions.create(version=version, input=values)
        created.wait()
        assert created.version == SVD_VERSION
        assert created.logs is not None
        assert created.logs.startswith("Using seed: 7\n")
        assert created.progress is not None
        assert created.progress.percentage == 1.0
    facts = look(http.get(str(created.output)).content)
    assert (facts.frames, facts.fps, facts.seconds, facts.size) == (14, 7.0, 2.0, (1024, 512))
    assert job_of(http, created.id)["billed_micros"] == 45 * 1400
    with pytest.raises(ReplicateError) as caught:
        replicate.models.predictions.create("stability-ai/stable-video-diffusion", input=values)
    assert caught.value.status == 404


def test_the_first_frame_decides_the_shape(replicate: Client, http: httpx.Client, png: bytes) -> None:
    created = replicate.models.predictions.create(
        VIDEO_01, input={"prompt": "x", "first_frame_image": io.BytesIO(png)}, wait=False
    )
    created.wait()
    width, height = look(http.get(str(created.output)).content).size
    assert abs(width / height - 2) < 0.01


def test_cancel_while_starting_and_while_processing(replicate: Client, http: httpx.Client) -> None:
    for fault, phase, billed in (("stuck", "starting", 0), ("stuck-running", "processing", 500_000)):
        created = replicate.models.predictions.create(VIDEO_01, input={"prompt": f"[[fault:{fault}]]"}, wait=False)
        while prediction(http, created.id).json()["status"] != phase:
            pass
        created.cancel()
        assert completed(http, created.id)["status"] == "canceled"
        assert job_of(http, created.id)["billed_micros"] == billed


async def test_cancelling_takes_a_while_and_an_end_stays_as_it_is(start: Start) -> None:
    server = await start(speed=1)
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False, verify=NO_TLS, headers=REPLICATE) as client:
        body = {"input": {"prompt": "x"}}
        job = (await client.post(f"/replicate/v1/models/{VIDEO_01}/predictions", json=body)).json()
        await client.post("/control/advance", json={"seconds": 10})
        assert (await client.post(job["urls"]["cancel"])).json()["status"] == "processing"
        await client.post("/control/advance", json={"seconds": 2})
        ended = (await client.get(job["urls"]["get"])).json()
        assert ended["status"] == "canceled"
        assert ended["completed_at"] > ended["started_at"] > ended["created_at"]
        assert (await client.post(job["urls"]["cancel"])).json() == ended


@pytest.mark.parametrize("code", FAILURES)
def test_every_failure(replicate: Client, http: httpx.Client, code: str) -> None:
    with pytest.raises(ModelError) as caught:
        replicate.run(VIDEO_01, input={"prompt": f"[[fault:fail-{code}]]"})
    assert caught.value.prediction.error == FAILURES[code]
    assert job_of(http, caught.value.prediction.id)["billed_micros"] == 0


async def test_cancel_after(start: Start) -> None:
    server = await start(speed=1, allow_prompt_faults=True)
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False, verify=NO_TLS, headers=REPLICATE) as client:
        path = f"/replicate/v1/models/{VIDEO_01}/predictions"
        ends = {}
        for prompt, header in (("[[fault:stuck]]", "90s"), ("runs", "1m")):
            made = await client.post(path, json={"input": {"prompt": prompt}}, headers={"Cancel-After": header})
            assert made.json()["deadline"] > made.json()["created_at"]
            ends[prompt] = made.json()["urls"]["get"]
        await client.post("/control/advance", json={"seconds": 61})
        assert (await client.get(ends["[[fault:stuck]]"])).json()["status"] == "starting"
        assert (await client.get(ends["runs"])).json()["status"] == "canceled"
        await client.post("/control/advance", json={"seconds": 30})
        assert (await client.get(ends["[[fault:stuck]]"])).json()["status"] == "aborted"
        bills = {job["phase"]: job["billed_micros"] for job in (await client.get("/control/jobs")).json()["jobs"]}
        assert bills == {"aborted": 0, "cancelled": 500_000}
        for bad in ("4s", "25h", "soon", "1m30s"):
            refused = await client.post(path, json={"input": {"prompt": "x"}}, headers={"Cancel-After": bad})
            assert refused.status_code == 400


async def test_the_sdk_crashes_on_aborted(start: Start) -> None:
    server = await start(speed=1, allow_prompt_faults=True)
    client = Client(api_token="k", base_url=f"{server.base_url}/replicate", headers={"Cancel-After": "5s"})
    made = await client.models.predictions.async_create(VIDEO_01, input={"prompt": "[[fault:stuck]]"}, wait=False)
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False, verify=NO_TLS) as control:
        await control.post("/control/advance", json={"seconds": 6})
    with pytest.raises(ValueError, match="unexpected value"):
        await client.predictions.async_get(made.id)
    await client._async_client.aclose()


def test_prefer_wait_really_waits(http: httpx.Client) -> None:
    path, body = f"/replicate/v1/models/{VIDEO_01}/predictions", {"input": {"prompt": "x"}}
    assert http.post(path, json=body, headers=REPLICATE).status_code == 201
    waited = http.post(path, json=body, headers={**REPLICATE, "Prefer": "wait"})
    assert (waited.status_code, waited.json()["status"]) == (201, "succeeded")
    began = time.monotonic()
    stuck = {"input": {"prompt": "[[fault:stuck]]"}}
    short = http.post(path, json=stuck, headers={**REPLICATE, "Prefer": "wait=1"})
    assert (short.status_code, short.json()["status"]) == (202, "starting")
    assert time.monotonic() - began >= 1


def test_list_by_pages(replicate: Client, http: httpx.Client) -> None:
    made = [buy_replicate(http, f"listed {number}").json() for number in range(3)]
    page = replicate.predictions.list()
    assert [each.id for each in page.results[:3]] == [each["id"] for each in reversed(made)]


async def test_the_list_follows_its_cursor(start: Start) -> None:
    server = await start(page_size=2)
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False, verify=NO_TLS, headers=REPLICATE) as client:
        path = f"/replicate/v1/models/{VIDEO_01}/predictions"
        made = [(await client.post(path, json={"input": {"prompt": "x"}})).json() for _ in range(5)]
        seen, following = [], "/replicate/v1/predictions"
        while following:
            page = (await client.get(following)).json()
            seen += [each["id"] for each in page["results"]]
            following = page["next"]
        assert seen == [each["id"] for each in reversed(made)]
        later = await client.get("/replicate/v1/predictions", params={"created_after": "2100-01-01T00:00:00Z"})
        assert later.json() == {"previous": None, "next": None, "results": []}
        span = {"created_before": made[1]["created_at"], "created_after": "2020-01-01T00:00:00Z"}
        before = (await client.get("/replicate/v1/predictions", params=span)).json()["results"]
        assert {each["id"] for each in before} <= {made[0]["id"], made[1]["id"]}
        other = {"Authorization": "Bearer somebody-else"}
        assert (await client.get("/replicate/v1/predictions", headers=other)).json()["results"] == []
        assert (await client.get("/replicate/v1/predictions?created_after=x")).status_code == 400


def test_the_list_shows_the_webhook(http: httpx.Client) -> None:
    hook = "https://gateway.example/webhooks/replicate/tok-123"
    job = buy_replicate(http, "orphan", webhook=hook, webhook_events_filter=["start", "completed"]).json()["id"]
    listed = http.get("/replicate/v1/predictions", headers=REPLICATE).json()["results"]
    assert next(each["webhook"] for each in listed if each["id"] == job) == hook
    assert posts(http, job=job)[0]["callback_token"] == "tok-123"


REFUSED = [
    ({}, "required", "input", "prompt is required"),
    ({"prompt": 3}, "invalid_type", "input.prompt", "Invalid type. Expected: string, given: integer"),
    ({"prompt": "x", "duration": 7}, "enum", "input.duration", "duration must be one of the following: 5, 10"),
    (
        {"prompt": "x", "aspect_ratio": "4:3"},
        "enum",
        "input.aspect_ratio",
        'aspect_ratio must be one of the following: "16:9", "9:16", "1:1"',
    ),
    ({"prompt": "x", "start_image": "no uri"}, "format", "input.start_image", "Does not match format 'uri'"),
    ({"prompt": "x", "guidance_scale": "1"}, "invalid_type", "input.guidance_scale", None),
]


@pytest.mark.parametrize(("values", "kind", "field", "text"), REFUSED)
def test_input_is_checked(http: httpx.Client, values: object, kind: str, field: str, text: str | None) -> None:
    path = f"/replicate/v1/models/{KLING}/predictions"
    refused = http.post(path, headers=REPLICATE, json={"input": values})
    assert refused.status_code == 422
    body = refused.json()
    assert (body["title"], body["status"]) == ("Input validation failed", 422)
    assert (body["invalid_fields"][0]["type"], body["invalid_fields"][0]["field"]) == (kind, field)
    if text is not None:
        assert body["invalid_fields"][0]["description"] == text
        assert body["detail"] == f"- {field}: {text}\n"


def test_bounds_and_versions_are_checked(http: httpx.Client) -> None:
    def post(**body: object) -> dict[str, object]:
        shown: dict[str, object] = http.post("/replicate/v1/predictions", headers=REPLICATE, json=body).json()
        return shown

    image = {"input_image": "https://example.com/a.png"}
    low = post(version=SVD_VERSION, input={**image, "frames_per_second": 4, "motion_bucket_id": 256})
    assert low["detail"] == (
        "- input.frames_per_second: Must be greater than or equal to 5\n"
        "- input.motion_bucket_id: Must be less than or equal to 255\n"
    )
    assert post(version="ab" * 32, input=image)["title"] == "Invalid version or not permitted"
    assert post(version="stability-ai/stable-video-diffusion", input=image)["status"] == 422
    assert post(version=VIDEO_01, input={"prompt": "x"})["status"] == "starting"
    assert post(input=image)["invalid_fields"] == [
        {"type": "required", "field": "", "description": "version is required"}
    ]
    extra = post(version=VIDEO_01, input={"prompt": "x"}, model=VIDEO_01)
    assert extra["detail"] == "- Additional property model is not allowed\n"
    assert post(version=VIDEO_01, input={"prompt": "x"}, webhook="http://example.com/")["status"] == 422
    assert post(version=VIDEO_01, input={"prompt": "x"}, webhook_events_filter=["end"])["status"] == 422


async def test_unknown_names_are_dropped_without_a_word_unless_strict(start: Start) -> None:
    for strict, status in ((False, 201), (True, 422)):
        server = await start(strict_inputs=strict)
        async with httpx.AsyncClient(
            base_url=server.base_url, trust_env=False, verify=NO_TLS, headers=REPLICATE
        ) as client:
            body = {"input": {"prompt": "x", "aspect_ratio": "9:16"}}
            made = await client.post(f"/replicate/v1/models/{VIDEO_01}/predictions", json=body)
            assert made.status_code == status
            assert strict or made.json()["input"] == {"prompt": "x"}
        await server.stop()


async def test_data_is_removed_in_time(start: Start) -> None:
    server = await start(speed=100_000, retention_seconds=60)
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False, verify=NO_TLS, headers=REPLICATE) as client:
        path, body = f"/replicate/v1/models/{VIDEO_01}/predictions", {"input": {"prompt": "x"}}
        job = (await client.post(path, json=body, headers={"Prefer": "wait"})).json()
        assert (await client.head(job["output"])).status_code == 200
        await client.post("/control/advance", json={"seconds": 61})
        shown = (await client.get(job["urls"]["get"])).json()
        assert (shown["output"], shown["input"], shown["logs"], shown["data_removed"]) == (None, {}, "", True)
        assert (await client.get(job["output"])).status_code == 404


def test_models_files_and_account(replicate: Client, http: httpx.Client, png: bytes) -> None:
    model = replicate.models.get(VIDEO_01)
    assert model.latest_version is not None
    schemas = model.latest_version.openapi_schema["components"]["schemas"]
    assert schemas["Input"]["required"] == ["prompt"]
    kling = replicate.models.get(KLING).latest_version
    assert kling is not None
    assert kling.openapi_schema["components"]["schemas"]["duration"]["enum"] == [5, 10]
    version = replicate.models.get("stability-ai/stable-video-diffusion").versions.get(SVD_VERSION)
    assert version.id == SVD_VERSION
    assert replicate.accounts.current().username == "mock"
    stored = replicate.files.create(io.BytesIO(png), metadata={"k": 1})
    assert stored.metadata == {"k": 1}
    assert replicate.files.get(stored.id).size == len(png)
    assert stored.id in [each.id for each in replicate.files.list()]
    replicate.files.delete(stored.id)
    assert http.get(f"/replicate/v1/files/{stored.id}", headers=REPLICATE).status_code == 404
    with pytest.raises(ReplicateError) as caught:
        replicate.models.get("nobody/nothing")
    assert caught.value.status == 404


def test_the_sdk_does_not_repeat_a_create(replicate: Client, http: httpx.Client) -> None:
    prompt = "once [[fault:lost-reply]]"
    with pytest.raises(ReplicateError) as caught:
        replicate.models.predictions.create(VIDEO_01, input={"prompt": prompt}, wait=False)
    assert caught.value.status == 500
    assert len(jobs_for(http, prompt)) == 1
