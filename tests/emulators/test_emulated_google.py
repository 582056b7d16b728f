"""Google's own SDK drives the emulated Interactions API, and what it plays is read by our adapter.

The SDK takes plain HTTP on loopback for everything but one thing: `files.download` of an address understands https
only, so that it is given the file's name instead, from which it makes the same request.
"""

import base64
import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from google import genai
from google.genai import types
from google.genai.interactions import Interaction

from core.outcome import CallbackRefused, Failed, Outcome, Pending, Ready, Refused, Reply
from core.spec import MediaInput, Wish
from emulators.vendors.google import VENDOR
from emulators.vendors.google_interactions import FAILURES
from providers.catalogue import CATALOGUE
from providers.google import GoogleProvider
from providers.resolve import resolve
from tests.emulators.driving import NO_TLS, Inbox, Start, fresh, job_of, jobs_for, look, posts, until

KEY = {"x-goog-api-key": "g-key"}
ADAPTER = GoogleProvider()
DRAFT: Mapping[str, Any] = {"type": "video", "delivery": "uri", "duration": "3s", "resolution": "360p"}
_CONTRACT = Path(__file__).parents[1] / "providers" / "contract" / "google" / "conformance.json"
EXPECTED = json.loads(_CONTRACT.read_text())["failures"]


@pytest.fixture(scope="module")
def sdk(base_url: str) -> Iterator[genai.Client]:
    """The SDK on the shared server."""
    client = genai.Client(
        api_key=KEY["x-goog-api-key"],
        http_options=types.HttpOptions(base_url=f"{base_url}/google", client_args={"trust_env": False}),
    )
    yield client
    client.close()


def bought(sdk: genai.Client, content: Any = "A cat", **typed: Any) -> Interaction:
    arguments: dict[str, Any] = {"model": "gemini-omni-1.1-flash", "background": True, "response_format": dict(DRAFT)}
    made: Interaction = sdk.interactions.create(input=content, **arguments | typed)
    return made


def ended(sdk: genai.Client, made: Interaction) -> Interaction:
    limit = time.monotonic() + 20
    while made.status in ("queued", "in_progress", "requires_continuation"):
        assert time.monotonic() < limit, made.status
        time.sleep(0.01)
        made = sdk.interactions.get(str(made.id))
    return made


def file_name(made: Interaction) -> str:
    assert made.output_video is not None
    assert made.output_video.uri is not None
    return "files/" + made.output_video.uri.rpartition("/files/")[2].partition(":")[0]


def read(http: httpx.Client, job: str) -> Outcome:
    """What our adapter makes of the job as it stands."""
    request = ADAPTER.poll({"id": job})
    reply = http.request(request.method, f"/google{request.path}", params=dict(request.query), headers=KEY)
    outcome = ADAPTER.outcome(Reply(status=reply.status_code, headers=dict(reply.headers), body=reply.content))
    assert isinstance(outcome, Pending | Ready | Failed)
    return outcome


def png_block(png: bytes) -> dict[str, str]:
    return {"type": "image", "data": base64.b64encode(png).decode(), "mime_type": "image/png"}


def text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


def test_from_create_to_download(sdk: genai.Client, http: httpx.Client) -> None:
    made = bought(sdk, response_format={**DRAFT, "aspect_ratio": "9:16", "duration": "4s"})
    assert made.status == "in_progress"
    done = ended(sdk, made)
    facts = look(sdk.files.download(file=file_name(done)))
    assert (facts.seconds, facts.fps, facts.size, facts.audio) == (4.0, 24.0, (360, 640), True)
    assert job_of(http, str(made.id))["billed_micros"] == int(17.5 * 4 * 1738)
    assert [each.tokens for each in done.usage.output_tokens_by_modality] == [4 * 1738]  # type: ignore[union-attr]  # told


def test_the_sdk_downloads_no_plain_http_address(sdk: genai.Client) -> None:
    done = ended(sdk, bought(sdk))
    assert done.output_video is not None
    with pytest.raises(genai.errors.ClientError):
        sdk.files.download(file=types.Video(uri=done.output_video.uri))


def test_what_our_adapter_sends_is_taken(http: httpx.Client, png: bytes) -> None:
    model = CATALOGUE.rows["google/gemini-omni-1.2-flash"]
    frame = MediaInput(data=png, mime_type="image/png")
    wish = Wish(prompt="she waves", first_frame=frame, references=(frame,), duration=3, resolution="360p")
    request = ADAPTER.submit(resolve(wish, model).spec, model, "http://127.0.0.1:9/webhooks/google/token")
    reply = http.post(f"/google{request.path}", json=request.json, headers=KEY)
    accepted = ADAPTER.ticket(reply.json())
    assert accepted is not None
    job = job_of(http, accepted.ticket["id"])
    assert (job["price_micros"], job["callback_token"]) == (69_000, "token")


def test_our_adapter_reads_the_end(sdk: genai.Client, http: httpx.Client) -> None:
    made = bought(sdk, fresh("stuck-running"))
    assert isinstance(read(http, str(made.id)), Pending)
    done = ended(sdk, bought(sdk))
    outcome = read(http, str(done.id))
    assert isinstance(outcome, Ready)
    assert outcome.usage.tokens == 3 * 1738
    assert outcome.auth is not None
    clip = http.get(outcome.outputs[0], headers={outcome.auth.header: "g-key"})
    assert (clip.status_code, clip.headers["content-type"]) == (200, "video/mp4")
    assert look(clip.content).seconds == 3.0


def test_a_download_needs_the_key(sdk: genai.Client, http: httpx.Client) -> None:
    done = ended(sdk, bought(sdk))
    assert done.output_video is not None
    url = str(done.output_video.uri)
    assert http.get(url).status_code == 401
    assert http.get(url, headers={"x-goog-api-key": "other"}).status_code == 404
    assert http.get(url, params={"alt": "media", "key": "g-key"}).status_code == 200
    assert http.get(url.partition("?")[0], headers=KEY).json()["state"] == "ACTIVE"


def test_a_file_lives_forty_eight_hours_at_most(sdk: genai.Client, http: httpx.Client) -> None:
    done = ended(sdk, bought(sdk))
    assert done.output_video is not None
    http.post("/control/expire", json={"job": done.id, "data": True})
    assert http.get(str(done.output_video.uri), headers=KEY).status_code == 404


def test_without_background_the_create_blocks(sdk: genai.Client) -> None:
    made = bought(sdk, background=False, response_format={"type": "video", "resolution": "360p", "duration": "3s"})
    assert made.status == "completed"
    assert made.output_video is not None
    assert look(base64.b64decode(str(made.output_video.data))).size == (640, 360)


@pytest.mark.parametrize("version", ["v1", "v1beta"])
def test_both_versions_speak(http: httpx.Client, version: str) -> None:
    body = {"model": "gemini-omni-1.1-flash", "input": "x", "background": True}
    made = http.post(f"/google/{version}/interactions", json=body, headers=KEY).json()
    assert http.get(f"/google/{version}/interactions/{made['id']}", headers=KEY).json()["id"] == made["id"]


def test_a_cancelled_interaction(sdk: genai.Client, http: httpx.Client) -> None:
    made = bought(sdk, fresh("stuck-running"))
    stopped = sdk.interactions.cancel(str(made.id))
    assert stopped.status == "cancelled"
    outcome = read(http, str(made.id))
    assert isinstance(outcome, Failed)
    assert (outcome.failure.reason, outcome.failure.billed) == ("CANCELLED", "NO")
    assert job_of(http, str(made.id))["billed_micros"] == 0
    with pytest.raises(genai._gaos.lib.compat_errors.BadRequestError):
        sdk.interactions.cancel(str(made.id))


def test_a_deleted_interaction_is_an_invalid_name(sdk: genai.Client, http: httpx.Client) -> None:
    made = bought(sdk)
    sdk.interactions.delete(str(made.id))
    gone = http.get(f"/google/v1/interactions/{made.id}", headers=KEY)
    assert (gone.status_code, gone.json()["error"]["message"]) == (400, "Invalid interaction name.")
    outcome = read(http, str(made.id))
    assert isinstance(outcome, Failed)
    assert outcome.failure.retryable is False


def test_an_edit_follows_its_source(sdk: genai.Client, http: httpx.Client) -> None:
    source = ended(sdk, bought(sdk, response_format={**DRAFT, "aspect_ratio": "9:16", "duration": "4s"}))
    clip = sdk.files.download(file=file_name(source))
    inline = {"type": "video", "data": base64.b64encode(clip).decode(), "mime_type": "video/mp4"}
    shape = {"type": "video", "delivery": "uri", "resolution": "720p"}
    edited = bought(sdk, [inline, text("anime")], response_format=shape)
    onwards = bought(sdk, "at night", response_format=shape, previous_interaction_id=source.id)
    for made in (edited, onwards):
        facts = look(sdk.files.download(file=file_name(ended(sdk, made))))
        assert (facts.seconds, facts.size) == (4.0, (720, 1280))
        assert job_of(http, str(made.id))["billed_micros"] == int(17.5 * 4 * 5792)


def test_an_uploaded_video_is_extended(sdk: genai.Client, http: httpx.Client, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(sdk.files.download(file=file_name(ended(sdk, bought(sdk)))))
    file = sdk.files.upload(file=clip)
    limit = time.monotonic() + 20
    while file.state != types.FileState.ACTIVE:
        assert time.monotonic() < limit
        file = sdk.files.get(name=str(file.name))
    config: Any = {"video_config": {"task": "extend"}}
    made = bought(
        sdk,
        [{"type": "video", "uri": file.uri, "mime_type": "video/mp4"}, text("go on")],
        generation_config=config,
        response_format={"type": "video", "delivery": "uri", "resolution": "360p", "duration": "5s"},
    )
    assert job_of(http, str(made.id))["clip"]["seconds"] == 5.0
    sdk.files.delete(name=str(file.name))
    with pytest.raises(genai._gaos.lib.compat_errors.BadRequestError, match="ACTIVE"):
        bought(sdk, [{"type": "video", "uri": file.uri, "mime_type": "video/mp4"}, text("go on")])


@pytest.mark.parametrize("code", FAILURES)
def test_every_failure_code(sdk: genai.Client, http: httpx.Client, code: str) -> None:
    made = ended(sdk, bought(sdk, fresh(f"fail-{code}")))
    assert made.status == "failed"
    assert [error.code for error in made.errors or []] == [code]
    outcome = read(http, str(made.id))
    assert isinstance(outcome, Failed)
    failure = outcome.failure
    told = {"reason": failure.reason, "stage": failure.stage, "billed": failure.billed, "retryable": failure.may_retry}
    assert told == EXPECTED[code]
    assert job_of(http, str(made.id))["billed_micros"] == 0


def test_every_failure_code_is_expected() -> None:
    assert {*EXPECTED} == {*FAILURES}


TRAPS: dict[str, tuple[str, str, str, int]] = {
    "text-only": ("completed", "CONTENT_POLICY", "NO", 0),
    "no-steps": ("completed", "BAD_OUTPUT", "NO", 0),
    "incomplete": ("incomplete", "VENDOR_FAILED", "NO", 0),
    "budget-exceeded": ("budget_exceeded", "VENDOR_CREDIT", "NO", 0),
    "requires-action": ("requires_action", "VENDOR_FAILED", "NO", 0),
}


@pytest.mark.parametrize("fault", TRAPS)
def test_an_end_without_a_video(sdk: genai.Client, http: httpx.Client, fault: str) -> None:
    status, reason, billed, micros = TRAPS[fault]
    made = ended(sdk, bought(sdk, fresh(fault)))
    assert made.status == status
    outcome = read(http, str(made.id))
    assert isinstance(outcome, Failed)
    assert (outcome.failure.reason, outcome.failure.billed) == (reason, billed)
    assert not outcome.failure.may_retry
    assert job_of(http, str(made.id))["billed_micros"] == micros


def test_a_refusal_speaks(sdk: genai.Client) -> None:
    made = ended(sdk, bought(sdk, fresh("text-only")))
    assert made.output_video is None
    assert "unable" in str(made.output_text)


def test_bytes_although_an_address_was_asked_for(sdk: genai.Client, http: httpx.Client) -> None:
    made = ended(sdk, bought(sdk, fresh("inline")))
    outcome = read(http, str(made.id))
    assert isinstance(outcome, Ready)
    kind, _, data = outcome.outputs[0].partition(",")
    assert kind == "data:video/mp4;base64"
    assert look(base64.b64decode(data)).seconds == 3.0


def test_an_address_without_its_download(sdk: genai.Client, http: httpx.Client) -> None:
    made = ended(sdk, bought(sdk, fresh("bare-uri")))
    assert made.output_video is not None
    outcome = read(http, str(made.id))
    assert isinstance(outcome, Ready)
    assert outcome.outputs == (f"{made.output_video.uri}:download?alt=media",)
    assert http.get(outcome.outputs[0], headers=KEY).headers["content-type"] == "video/mp4"


def test_untold_tokens(sdk: genai.Client, http: httpx.Client) -> None:
    outcome = read(http, str(ended(sdk, bought(sdk, fresh("no-usage"))).id))
    assert isinstance(outcome, Ready)
    assert outcome.usage.tokens is None


async def test_a_job_that_the_vendor_continues_by_itself(start: Start) -> None:
    server = await start(vendors=(VENDOR,), speed=1, allow_prompt_faults=True)
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False, verify=NO_TLS, headers=KEY) as client:
        body = {"model": "gemini-omni-1.1-flash", "input": "[[fault:requires-continuation]]", "background": True}
        made = (await client.post("/google/v1/interactions", json=body)).json()
        seen = []
        for seconds in (0, 2, 60):
            await client.post("/control/advance", json={"seconds": seconds})
            seen.append((await client.get(f"/google/v1/interactions/{made['id']}")).json()["status"])
    assert seen == ["in_progress", "requires_continuation", "completed"]


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "a bare number for a duration": ({"response_format": {**DRAFT, "duration": 5}}, 400, "invalid_request"),
    "a duration in words": ({"response_format": {**DRAFT, "duration": "five"}}, 400, "invalid_request"),
    "too long": ({"response_format": {**DRAFT, "duration": "11s"}}, 416, "out_of_range"),
    "too short": ({"response_format": {**DRAFT, "duration": "2s"}}, 416, "out_of_range"),
    "a square": ({"response_format": {**DRAFT, "aspect_ratio": "1:1"}}, 400, "invalid_request"),
    "an odd resolution": ({"response_format": {**DRAFT, "resolution": "480p"}}, 400, "invalid_request"),
    "an odd delivery": ({"response_format": {**DRAFT, "delivery": "pigeon"}}, 400, "invalid_request"),
    "an unknown member of the format": ({"response_format": {**DRAFT, "fps": 30}}, 400, "parameter_unknown"),
    "another format": ({"response_format": {"type": "image"}}, 400, "invalid_request"),
    "an unknown member": ({"seed": 7}, 400, "parameter_unknown"),
    "no such model": ({"model": "gemini-omni-9"}, 404, "model_not_found"),
    "no model": ({"model": None}, 400, "invalid_request"),
    "a retired model": ({"model": "veo-3.1-generate-preview"}, 404, "model_not_found"),
    "no input": ({"input": ""}, 400, "invalid_request"),
    "no text": ({"input": [{"type": "image", "uri": "https://example.com/a.png"}]}, 400, "invalid_request"),
    "an odd block": ({"input": [{"type": "smell"}, text("x")]}, 400, "invalid_request"),
    "an image that is none": (
        {"input": [{"type": "image", "data": "UE5H", "mime_type": "image/png"}, text("x")]},
        400,
        "invalid_request",
    ),
    "no base64": ({"input": [{"type": "image", "data": "***"}, text("x")]}, 400, "invalid_request"),
    "a video that is none": ({"input": [{"type": "video", "data": "TVA0"}, text("x")]}, 400, "invalid_request"),
    "a file nobody sent": (
        {"input": [{"type": "image", "uri": "https://x.example/v1/files/abc"}, text("x")]},
        400,
        "failed_precondition",
    ),
    "background without store": ({"store": False}, 400, "invalid_request"),
    "a webhook in the foreground": (
        {"background": False, "webhook_config": {"uris": ["https://x.example/"]}},
        400,
        "invalid_request",
    ),
    "a webhook over plain http": ({"webhook_config": {"uris": ["http://x.example/"]}}, 400, "invalid_request"),
    "an unknown task": ({"generation_config": {"video_config": {"task": "sing"}}}, 400, "invalid_request"),
    "a task of the other model": ({"generation_config": {"video_config": {"task": "upscale"}}}, 400, "invalid_request"),
    "a task without its input": ({"generation_config": {"video_config": {"task": "edit"}}}, 400, "invalid_request"),
    "nobody's earlier interaction": ({"previous_interaction_id": "v1_nope"}, 404, "not_found"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(http: httpx.Client, name: str) -> None:
    changes, status, code = REFUSED[name]
    before = len(posts(http, vendor="google", accepted=True))
    body = {"model": "gemini-omni-1.1-flash", "input": "x", "background": True, "response_format": dict(DRAFT)}
    answer = http.post("/google/v1/interactions", json=body | changes, headers=KEY)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert len(posts(http, vendor="google", accepted=True)) == before
    assert isinstance(ADAPTER.submitted(Reply(status=status, body=answer.content)), Refused)


def test_four_references_are_too_many_for_one_and_not_for_the_other(sdk: genai.Client, png: bytes) -> None:
    content = [*[png_block(png)] * 4, text("[# References <IMAGE_REF_0>@Image1] they meet")]
    config: Any = {"video_config": {"task": "reference_to_video"}}
    with pytest.raises(genai._gaos.lib.compat_errors.BadRequestError, match="At most 3"):
        bought(sdk, content, generation_config=config)
    assert bought(sdk, content, generation_config=config, model="gemini-omni-1.2-flash").id


def test_fifteen_seconds_from_text_and_ten_between_frames(sdk: genai.Client, png: bytes) -> None:
    long = {**DRAFT, "duration": "15s"}
    assert bought(sdk, model="gemini-omni-1.2-flash", response_format=long).id
    frames = [png_block(png), png_block(png), text("<FIRST_FRAME> <LAST_FRAME> pan")]
    with pytest.raises(genai._gaos.lib.compat_errors.APIStatusError, match="10s"):
        bought(sdk, frames, model="gemini-omni-1.2-flash", response_format=long)


MET: dict[str, tuple[int, str, float | None]] = {
    "no-credit": (402, "VENDOR_CREDIT", None),
    "api-key-invalid": (400, "VENDOR_AUTH", None),
    "resource-exhausted": (429, "RATE_LIMITED", 2.0),
    "rate-limit-seconds": (429, "RATE_LIMITED", 2.0),
    "prompt-blocked": (400, "CONTENT_POLICY", None),
    "overloaded": (503, "VENDOR_UNAVAILABLE", None),
    "front-end-400": (400, "INVALID_INPUT", None),
}


@pytest.mark.parametrize("fault", MET)
def test_what_a_submit_can_meet(http: httpx.Client, fault: str) -> None:
    status, reason, wait = MET[fault]
    prompt = fresh(f"submit/{fault}")
    body = {"model": "gemini-omni-1.1-flash", "input": prompt, "background": True}
    answer = http.post("/google/v1/interactions", json=body, headers=KEY)
    assert answer.status_code == status
    assert jobs_for(http, prompt) == []
    said = ADAPTER.submitted(Reply(status=status, headers=dict(answer.headers), body=answer.content))
    assert isinstance(said, Refused)
    assert (said.failure.reason, said.retry_after) == (reason, wait)


@pytest.mark.parametrize(
    ("fault", "kind"), [("front-end-400", Pending), ("api-key-invalid", Pending), ("unknown-name", Failed)]
)
def test_a_400_while_it_runs(sdk: genai.Client, http: httpx.Client, fault: str, kind: type[Outcome]) -> None:
    made = bought(sdk, fresh(f"poll/{fault}", "stuck-running"))
    assert isinstance(read(http, str(made.id)), kind)
    again = read(http, str(made.id))
    assert isinstance(again, Pending)
    assert again.unknown == ""


def test_the_sdk_buys_five_times_when_a_reply_is_lost(
    sdk: genai.Client, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)  # its own pauses add up to six seconds
    prompt = fresh("lost-reply")
    with pytest.raises(genai._gaos.lib.compat_errors.InternalServerError):
        bought(sdk, prompt)
    assert len(jobs_for(http, prompt)) == 5


def test_keys(sdk: genai.Client, http: httpx.Client) -> None:
    made = bought(sdk)
    none = http.get(f"/google/v1/interactions/{made.id}")
    assert (none.status_code, none.json()["error"]["code"]) == (401, "authentication")
    other = http.get(f"/google/v1/interactions/{made.id}", headers={"x-goog-api-key": "other"})
    assert other.json()["error"]["message"] == "Invalid interaction name."
    assert http.get("/google/v1/elsewhere", headers=KEY).status_code == 404


def test_uploads(sdk: genai.Client, http: httpx.Client, png: bytes, tmp_path: Path) -> None:
    assert http.post("/google/upload/v1/files", headers=KEY).status_code == 400
    start = {
        "x-goog-upload-protocol": "resumable",
        "x-goog-upload-command": "start",
        "x-goog-upload-header-content-length": "5",
        "x-goog-upload-header-content-type": "image/png",
    }
    url = http.post("/google/upload/v1/files", headers={**KEY, **start}).headers["x-goog-upload-url"]
    finish = {"x-goog-upload-command": "upload, finalize", "x-goog-upload-offset": "0"}
    assert http.post(url, content=b"1234", headers=finish).status_code == 400
    assert http.post(url.replace("upload_id=", "upload_id=x"), content=b"12345", headers=finish).status_code == 404
    assert http.post(url, content=b"12345", headers=finish).json()["file"]["source"] == "UPLOADED"
    path = tmp_path / "a.png"
    path.write_bytes(png)
    file = sdk.files.upload(file=path)
    with pytest.raises(genai.errors.ClientError, match="Only generated files"):
        sdk.files.download(file=str(file.name))
    other = http.get(f"/google/v1/{file.name}", headers={"x-goog-api-key": "other"})
    assert other.status_code == 403


async def webhook(start: Start, inbox: Inbox, prompt: str = "x") -> tuple[str, str, tuple[str, ...]]:
    """An interaction with a webhook on a server of its own: base address, id, and the secrets that verify."""
    server = await start(vendors=(VENDOR,), speed=2000, allow_prompt_faults=True)
    inbox.url = inbox.url.replace("/webhooks/replicate/", "/webhooks/google/")
    body = {
        "model": "gemini-omni-1.1-flash",
        "input": prompt,
        "background": True,
        "webhook_config": {"uris": [inbox.url], "user_metadata": {"client": "filmgate"}},
    }
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False, verify=NO_TLS) as client:
        made = (await client.post("/google/v1/interactions", json=body, headers=KEY)).json()
        request = ADAPTER.callback_secret()
        assert request is not None
        keys = await client.get(f"/google{request.path}")
    secrets = ADAPTER.callback_secrets(Reply(status=keys.status_code, body=keys.content))
    assert len(secrets) == 1
    return server.base_url, made["id"], secrets


async def test_a_signed_webhook_verifies(start: Start, inbox: Inbox) -> None:
    _, job, secrets = await webhook(start, inbox)
    [body] = await inbox.until(1)
    assert (body["type"], body["data"], body["user_metadata"]) == (
        "interaction.completed",
        {"id": job},
        {"client": "filmgate"},
    )
    _, headers, raw = inbox.mail[0]
    news = ADAPTER.callback(headers, raw, (*secrets, inbox.url), datetime.now(UTC))
    assert (news.vendor_task_id, news.signed) == (job, True)
    assert ADAPTER.callback(headers, raw, secrets, datetime.now(UTC)).signed
    with pytest.raises(CallbackRefused, match="another address"):
        ADAPTER.callback(headers, raw, (*secrets, inbox.url + "y"), datetime.now(UTC))


async def test_a_failure_tells_its_code(start: Start, inbox: Inbox) -> None:
    _, job, secrets = await webhook(start, inbox, "[[fault:fail-SAFETY]]")
    [body] = await inbox.until(1)
    assert (body["type"], body["data"]["error_code"]) == ("interaction.failed", "SAFETY")
    _, headers, raw = inbox.mail[0]
    assert ADAPTER.callback(headers, raw, secrets, datetime.now(UTC)).vendor_task_id == job


async def test_a_cancel_is_told(start: Start, inbox: Inbox) -> None:
    base, job, _ = await webhook(start, inbox, "[[fault:stuck]]")
    async with httpx.AsyncClient(base_url=base, trust_env=False, verify=NO_TLS, headers=KEY) as client:
        await client.post(f"/google/v1/interactions/{job}/cancel")
    [body] = await inbox.until(1)
    assert (body["type"], body["data"]) == ("interaction.cancelled", {"id": job})


@pytest.mark.parametrize(
    ("fault", "why"), [("webhook-bad-signature", "signature is wrong"), ("webhook-stale", "expired")]
)
async def test_a_spoiled_webhook_is_refused(start: Start, inbox: Inbox, fault: str, why: str) -> None:
    _, _, secrets = await webhook(start, inbox, f"[[fault:{fault}]]")
    await inbox.until(1)
    _, headers, raw = inbox.mail[0]
    with pytest.raises(CallbackRefused, match=why):
        ADAPTER.callback(headers, raw, secrets, datetime.now(UTC))


async def test_a_repeated_webhook_keeps_its_id(start: Start, inbox: Inbox) -> None:
    base, _, secrets = await webhook(start, inbox, "[[fault:webhook-duplicate]]")
    await inbox.until(2)
    ids = {ADAPTER.callback(head, raw, secrets, datetime.now(UTC)).delivery_id for _, head, raw in inbox.mail}
    assert len(ids) == 1

    async def deliveries() -> list[str]:
        async with httpx.AsyncClient(base_url=base, trust_env=False, verify=NO_TLS) as client:
            return [row["state"] for row in (await client.get("/control/deliveries")).json()["deliveries"]]

    await until(deliveries, lambda states: states == ["delivered"])
