"""Google's own SDK drives the emulated Veo on Vertex, and our adapter reads what it plays."""

import base64
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from google import genai
from google.genai import types
from google.oauth2.credentials import Credentials

from core.outcome import Failed, Outcome, Pending, Ready, Refused, Reply, Request, Stage
from core.spec import MediaInput, Wish
from emulators.vendors.vertex import CODES, FILTERED
from providers.catalogue import CATALOGUE
from providers.resolve import resolve
from providers.vertex import VertexProvider
from tests.emulators.driving import fresh, job_of, jobs_for, look, posts

TOKEN = {"Authorization": "Bearer ya29.token"}
ADAPTER = VertexProvider()
LITE, FAST = "veo-3.1-lite-generate-001", "veo-3.1-fast-generate-001"
MODELS = "/publishers/google/models"
PARENT = "projects/mock/locations/us-central1" + MODELS
SMALL: Mapping[str, Any] = {"durationSeconds": 4, "resolution": "720p"}
_CONTRACT = Path(__file__).parents[1] / "providers" / "contract" / "vertex" / "conformance.json"
EXPECTED = json.loads(_CONTRACT.read_text())["failures"]


@pytest.fixture(scope="module")
def sdk(base_url: str) -> Iterator[genai.Client]:
    """The SDK on the shared server; it writes the whole path of the project."""
    client = genai.Client(
        enterprise=True,
        project="my-project",
        location="us-central1",
        credentials=Credentials(token="ya29.token"),  # type: ignore[no-untyped-call]  # google-auth has no types here
        http_options=types.HttpOptions(
            base_url=f"{base_url}/vertex", api_version="v1", client_args={"trust_env": False}
        ),
    )
    yield client
    client.close()


def bought(sdk: genai.Client, prompt: str = "A cat", model: str = LITE, **config: Any) -> types.GenerateVideosOperation:
    shape: dict[str, Any] = {"duration_seconds": 4, "resolution": "720p"} | config
    return sdk.models.generate_videos(
        model=model,
        source=types.GenerateVideosSource(prompt=prompt),
        config=types.GenerateVideosConfig(**shape),
    )


def ended(sdk: genai.Client, operation: types.GenerateVideosOperation) -> types.GenerateVideosOperation:
    limit = time.monotonic() + 20
    while not operation.done:
        assert time.monotonic() < limit, operation
        time.sleep(0.01)
        operation = sdk.operations.get(operation)
    return operation


def send(http: httpx.Client, request: Request) -> httpx.Response:
    """Our adapter's request, at the mount that stands for a project's endpoint."""
    return http.request(request.method, f"/vertex{request.path}", json=request.json, headers=TOKEN)


def buy(http: httpx.Client, prompt: str = "A cat", model: str = LITE, **parameters: Any) -> httpx.Response:
    body = {"instances": [{"prompt": prompt}], "parameters": {**SMALL, **parameters}}
    return http.post(f"/vertex{MODELS}/{model}:predictLongRunning", json=body, headers=TOKEN)


def read(http: httpx.Client, operation: str) -> Outcome:
    """What our adapter makes of the operation as it stands."""
    reply = send(http, ADAPTER.poll({"id": operation}))
    outcome = ADAPTER.outcome(Reply(status=reply.status_code, headers=dict(reply.headers), body=reply.content))
    assert isinstance(outcome, Pending | Ready | Failed)
    return outcome


def last(http: httpx.Client, operation: str) -> Outcome:
    """The outcome of the operation once it has one."""
    limit = time.monotonic() + 20
    while isinstance(outcome := read(http, operation), Pending):
        assert time.monotonic() < limit, outcome
        time.sleep(0.01)
    return outcome


def bytes_of(outcome: Outcome, index: int = 0) -> bytes:
    assert isinstance(outcome, Ready)
    kind, _, data = outcome.outputs[index].partition(",")
    assert kind == "data:video/mp4;base64"
    return base64.b64decode(data, validate=True)


def image(png: bytes) -> dict[str, str]:
    return {"bytesBase64Encoded": base64.b64encode(png).decode(), "mimeType": "image/png"}


def test_from_create_to_bytes(sdk: genai.Client, http: httpx.Client) -> None:
    begun = bought(sdk, aspect_ratio="9:16", generate_audio=False)
    assert begun.done is None
    assert begun.name is not None
    assert begun.name.startswith(f"projects/my-project/locations/us-central1{MODELS}/{LITE}/operations/")
    done = ended(sdk, begun)
    assert done.response is not None
    [video] = done.response.generated_videos or []
    assert video.video is not None
    facts = look(video.video.video_bytes or b"")
    assert (facts.seconds, facts.fps, facts.size, facts.audio) == (4.0, 24.0, (720, 1280), False)
    assert job_of(http, begun.name)["billed_micros"] == 200_000


def test_four_samples_are_four_videos(sdk: genai.Client, http: httpx.Client) -> None:
    done = ended(sdk, bought(sdk, number_of_videos=4))
    assert done.response is not None
    assert len(done.response.generated_videos or []) == 4
    assert job_of(http, str(done.name))["billed_micros"] == 800_000


@pytest.mark.parametrize("row", ["vertex/veo-3.1", "vertex/veo-3.1-fast", "vertex/veo-3.1-lite"])
def test_what_our_adapter_sends_is_taken(http: httpx.Client, png: bytes, row: str) -> None:
    model = CATALOGUE.rows[row]
    frame = MediaInput(data=png, mime_type="image/png")
    prompt = fresh()
    wish = Wish(prompt=prompt, first_frame=frame, last_frame=frame, duration=8, resolution="1080p", seed=7)
    reply = send(http, ADAPTER.submit(resolve(wish, model).spec, model, None))
    accepted = ADAPTER.ticket(reply.json())
    assert accepted is not None
    assert ADAPTER.adopt(accepted.ticket["id"], model) == accepted.ticket
    [job] = jobs_for(http, prompt)
    assert (job["id"], job["seed"], job["clip"]["seconds"]) == (accepted.ticket["id"], 7, 8)


def test_our_references_are_taken(http: httpx.Client, png: bytes) -> None:
    model = CATALOGUE.rows["vertex/veo-3.1-fast"]
    frame = MediaInput(data=png, mime_type="image/png")
    wish = Wish(prompt="they meet", references=(frame,) * 3, duration=8, resolution="720p")
    reply = send(http, ADAPTER.submit(resolve(wish, model).spec, model, None))
    assert reply.status_code == 200, reply.text


def test_our_adapter_reads_the_bytes(http: httpx.Client) -> None:
    operation = buy(http).json()["name"]
    assert operation.startswith(f"{PARENT}/{LITE}/operations/")
    outcome = last(http, operation)
    assert isinstance(outcome, Ready)
    assert outcome.auth is None
    assert look(bytes_of(outcome)).seconds == 4.0


def test_an_operation_under_way(http: httpx.Client) -> None:
    operation = buy(http, fresh("stuck-running")).json()["name"]
    assert read(http, operation) == Pending(stage=Stage.RUNNING)


def test_a_bucket_takes_the_video(http: httpx.Client) -> None:
    operation = buy(http, storageUri="gs://my-bucket/clips/").json()["name"]
    outcome = last(http, operation)
    assert isinstance(outcome, Ready)
    assert outcome.auth is not None
    [address] = outcome.outputs
    storage = ADAPTER.hosts["storage"]
    assert address.startswith(f"{storage}/my-bucket/clips/")
    path = "/vertex-storage" + address.removeprefix(storage)
    assert http.get(path).status_code == 401
    assert http.get(path, headers={"Authorization": "Bearer other"}).status_code == 404
    assert http.get(path.replace("my-bucket", "their-bucket"), headers=TOKEN).status_code == 404
    assert http.get(path.replace("sample_0", "sample_1"), headers=TOKEN).status_code == 404
    assert http.get("/vertex-storage/my-bucket/clips/x/y/z.mp4", headers=TOKEN).status_code == 404
    clip = http.get(path, headers=TOKEN)
    assert (clip.status_code, clip.headers["content-type"]) == (200, "video/mp4")
    assert look(clip.content).seconds == 4.0


@pytest.mark.parametrize("code", [*CODES, *FILTERED])
def test_every_failure_code(sdk: genai.Client, http: httpx.Client, code: str) -> None:
    done = ended(sdk, bought(sdk, fresh(f"fail-{code}")))
    if code in FILTERED:
        assert done.response is not None
        assert done.response.rai_media_filtered_count == 1
    else:
        assert done.error is not None
        assert done.error["code"] == int(code)
    outcome = read(http, str(done.name))
    assert isinstance(outcome, Failed)
    failure = outcome.failure
    told = {"reason": failure.reason, "stage": failure.stage, "billed": failure.billed, "retryable": failure.may_retry}
    assert told == EXPECTED[code]
    assert job_of(http, str(done.name))["billed_micros"] == 0


def test_every_failure_code_is_expected() -> None:
    assert {*EXPECTED} == {*CODES, *FILTERED}


def test_filtered_without_a_word_why(http: httpx.Client) -> None:
    outcome = last(http, buy(http, fresh("fail-rai-output", "no-reason")).json()["name"])
    assert isinstance(outcome, Failed)
    assert (outcome.failure.reason, outcome.failure.stage) == ("CONTENT_POLICY", "OUTPUT")


REFUSED: dict[str, tuple[str, dict[str, Any], dict[str, Any], str]] = {
    "four seconds in 1080p": (FAST, {}, {"resolution": "1080p"}, "must be 8"),
    "4k of lite": (LITE, {}, {"resolution": "4k", "durationSeconds": 8}, "resolution"),
    "five seconds": (FAST, {}, {"durationSeconds": 5}, "durationSeconds"),
    "seconds in words": (FAST, {}, {"durationSeconds": "4s"}, "durationSeconds"),
    "a square": (FAST, {}, {"aspectRatio": "1:1"}, "aspectRatio"),
    "five samples": (FAST, {}, {"sampleCount": 5}, "sampleCount"),
    "an odd person": (FAST, {}, {"personGeneration": "cats"}, "personGeneration"),
    "a negative seed": (FAST, {}, {"seed": -1}, "seed"),
    "a seed too great": (FAST, {}, {"seed": 2**32}, "seed"),
    "a seed of truth": (FAST, {}, {"seed": True}, "seed"),
    "audio in words": (FAST, {}, {"generateAudio": "yes"}, "generateAudio"),
    "a folder elsewhere": (FAST, {}, {"storageUri": "https://example.com/"}, "storageUri"),
    "no prompt": (FAST, {"prompt": ""}, {}, "prompt"),
    "an endless prompt": (FAST, {"prompt": "x" * 9000}, {}, "prompt"),
    "a last frame alone": (FAST, {"lastFrame": {"gcsUri": "gs://b/a.png"}}, {}, "lastFrame"),
    "an image that is none": (FAST, {"image": {"bytesBase64Encoded": "UE5H", "mimeType": "image/png"}}, {}, "image"),
    "an image not in base64": (FAST, {"image": {"bytesBase64Encoded": "!", "mimeType": "image/png"}}, {}, "image"),
    "an image on the web": (FAST, {"image": {"gcsUri": "https://example.com/a.png"}}, {}, "image"),
    "references of lite": (
        LITE,
        {"referenceImages": [{"image": {"gcsUri": "gs://b/a.png"}, "referenceType": "ASSET"}]},
        {"durationSeconds": 8},
        "At most 0",
    ),
    "four references": (
        FAST,
        {"referenceImages": [{"image": {"gcsUri": "gs://b/a.png"}, "referenceType": "ASSET"}] * 4},
        {"durationSeconds": 8},
        "At most 3",
    ),
    "references for four seconds": (
        FAST,
        {"referenceImages": [{"image": {"gcsUri": "gs://b/a.png"}, "referenceType": "ASSET"}]},
        {},
        "must be 8",
    ),
    "a reference to nothing": (
        FAST,
        {"referenceImages": [{"image": {"gcsUri": "gs://b/a.png"}, "referenceType": "MOOD"}]},
        {"durationSeconds": 8},
        "referenceType",
    ),
    "references beside an image": (
        FAST,
        {
            "image": {"gcsUri": "gs://b/a.png"},
            "referenceImages": [{"image": {"gcsUri": "gs://b/a.png"}, "referenceType": "ASSET"}],
        },
        {"durationSeconds": 8},
        "cannot be combined",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(http: httpx.Client, name: str) -> None:
    model, instance, parameters, word = REFUSED[name]
    body = {"instances": [{"prompt": "x"} | instance], "parameters": {**SMALL, **parameters}}
    assert_refused(http, model, body, word)


@pytest.mark.parametrize(
    "body",
    [[], {}, {"instances": []}, {"instances": ["x"]}, {"instances": [{"prompt": "x"}] * 2}, {"instances": {}}],
    ids=str,
)
def test_a_body_without_its_one_instance(http: httpx.Client, body: Any) -> None:
    assert_refused(http, FAST, body, "")


def assert_refused(http: httpx.Client, model: str, body: Any, word: str) -> None:
    before = len(posts(http, vendor="vertex", accepted=True))
    answer = http.post(f"/vertex{MODELS}/{model}:predictLongRunning", json=body, headers=TOKEN)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    assert word in error["message"]
    assert len(posts(http, vendor="vertex", accepted=True)) == before
    said = ADAPTER.submitted(Reply(status=400, body=answer.content))
    assert isinstance(said, Refused)
    assert said.failure.reason == "INVALID_INPUT"


def test_an_image_under_another_type(http: httpx.Client, png: bytes) -> None:
    body = {"instances": [{"prompt": "x", "image": image(png) | {"mimeType": "image/jpeg"}}]}
    assert_refused(http, FAST, body, "mimeType")


@pytest.mark.parametrize("model", ["veo-9", "veo-3.1-generate-preview", "veo-3.0-generate-001"])
def test_no_such_model(sdk: genai.Client, model: str) -> None:
    with pytest.raises(genai.errors.ClientError, match="was not found") as caught:
        bought(sdk, model=model)
    assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")


MET: dict[str, tuple[int, str, float | None]] = {
    "no-credit": (403, "VENDOR_CREDIT", None),
    "token-expired": (401, "VENDOR_AUTH", None),
    "resource-exhausted": (429, "RATE_LIMITED", 2.0),
    "rate-limit-seconds": (429, "RATE_LIMITED", 2.0),
    "prompt-blocked": (400, "CONTENT_POLICY", None),
    "overloaded": (503, "VENDOR_UNAVAILABLE", None),
}


@pytest.mark.parametrize("fault", MET)
def test_what_a_submit_can_meet(http: httpx.Client, fault: str) -> None:
    status, reason, wait = MET[fault]
    prompt = fresh(f"submit/{fault}")
    answer = buy(http, prompt)
    assert answer.status_code == status
    assert jobs_for(http, prompt) == []
    said = ADAPTER.submitted(Reply(status=status, headers=dict(answer.headers), body=answer.content))
    assert isinstance(said, Refused)
    assert (said.failure.reason, said.retry_after) == (reason, wait)


@pytest.mark.parametrize(
    ("fault", "unknown"),
    [
        ("unknown-status", "pondering"),
        ("token-expired", "HTTP 401"),
        ("http-503", "HTTP 503"),
        ("no-id", "no operation"),
    ],
)
def test_a_poll_that_tells_nothing(http: httpx.Client, fault: str, unknown: str) -> None:
    operation = buy(http, fresh(f"poll/{fault}", "stuck-running")).json()["name"]
    assert read(http, operation) == Pending(unknown=unknown)
    assert read(http, operation) == Pending(stage=Stage.RUNNING)


def test_an_operation_that_goes_backwards(http: httpx.Client) -> None:
    operation = buy(http).json()["name"]
    assert isinstance(last(http, operation), Ready)
    http.post("/control/script", json={"fault": "backwards", "match": "poll", "vendor": "vertex", "job": operation})
    assert read(http, operation) == Pending(stage=Stage.RUNNING)
    assert isinstance(read(http, operation), Ready)


def test_an_operation_that_ends_empty(http: httpx.Client) -> None:
    operation = buy(http, fresh("poll/no-output")).json()["name"]
    outcome = read(http, operation)
    assert isinstance(outcome, Failed)
    assert (outcome.failure.reason, outcome.failure.billed) == ("BAD_OUTPUT", "UNKNOWN")


def test_a_lost_reply_leaves_a_job(http: httpx.Client) -> None:
    prompt = fresh("lost-reply")
    reply = buy(http, prompt)
    assert reply.status_code == 500
    assert len(jobs_for(http, prompt)) == 1
    assert not isinstance(ADAPTER.submitted(Reply(status=500, body=reply.content)), Refused)


def test_polls_are_no_orders(http: httpx.Client) -> None:
    operation = buy(http).json()["name"]
    before = len(posts(http, vendor="vertex"))
    last(http, operation)
    assert len(posts(http, vendor="vertex")) == before


def test_tokens_and_operations(http: httpx.Client) -> None:
    operation = buy(http).json()["name"]
    poll = ADAPTER.poll({"id": operation})
    none = http.post(f"/vertex{poll.path}", json=poll.json)
    assert (none.status_code, none.json()["error"]["status"]) == (401, "UNAUTHENTICATED")
    other = http.post(f"/vertex{poll.path}", json=poll.json, headers={"Authorization": "Bearer other"})
    assert other.status_code == 404
    elsewhere = http.post(f"/vertex{poll.path.replace(LITE, FAST)}", json=poll.json, headers=TOKEN)
    assert elsewhere.status_code == 404
    unknown = read(http, operation[:-8] + "00000000")
    assert isinstance(unknown, Failed)
    assert (unknown.failure.reason, unknown.failure.retryable) == ("VENDOR_FAILED", False)
    assert http.post(f"/vertex/v1/{operation}:cancel", headers=TOKEN).status_code == 404
