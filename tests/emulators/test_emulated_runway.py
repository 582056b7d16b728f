"""Runway's own SDK drives the emulated Runway."""

from collections.abc import Iterator

import httpx
import pytest
from pydantic import BaseModel
from runwayml import (
    BadRequestError,
    InternalServerError,
    NotFoundError,
    RunwayML,
)

from emulators.vendors.runway import FAILURES
from tests.emulators.driving import (
    GEN45,
    NO_TLS,
    REPLICATE,
    RUNWAY,
    Start,
    buy_runway,
    data_uri,
    finished,
    job_of,
    jobs_for,
    look,
    posts,
    task,
)


@pytest.fixture
def runway(base_url: str) -> Iterator[RunwayML]:
    with RunwayML(
        api_key="rw-key", base_url=f"{base_url}/runway", http_client=httpx.Client(trust_env=False, verify=NO_TLS)
    ) as sdk:
        yield sdk


def estimate(created: BaseModel) -> float:
    """Credits; the SDK's own type for a created task leaves them out, so they are an extra member."""
    told: float = created.model_dump(by_alias=True)["estimatedCost"]["credits"]
    return told


def test_text_to_video_from_create_to_download(runway: RunwayML, http: httpx.Client) -> None:
    created = runway.text_to_video.create(model="gen4.5", prompt_text="A cat", ratio="1280:720", duration=3, seed=42)
    assert estimate(created) == 36
    shown = finished(http, created.id)
    retrieved = runway.tasks.retrieve(created.id)
    assert retrieved.status == "SUCCEEDED"
    assert retrieved.cost.credits == 36
    assert shown["cost"] == {"credits": 36}
    facts = look(http.get(retrieved.output[0]).content)
    assert (facts.frames, facts.fps, facts.size, facts.audio) == (72, 24.0, (1280, 720), False)
    assert job_of(http, created.id)["billed_micros"] == 360_000


def test_the_sdks_own_waiting_helper(runway: RunwayML, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)  # the helper waits six seconds between polls
    created = runway.text_to_video.create(model="veo3.1_fast", prompt_text="A dog", ratio="720:1280", duration=4)
    done = created.wait_for_task_output(timeout=20)
    assert done.status == "SUCCEEDED"
    assert done.cost.credits == 60


def test_image_to_video_with_audio(runway: RunwayML, http: httpx.Client, png: bytes) -> None:
    created = runway.image_to_video.create(
        model="veo3.1",
        prompt_image=[
            {"uri": data_uri(png), "position": "first"},
            {"uri": "https://example.com/last.png", "position": "last"},
        ],
        prompt_text="x",
        ratio="1280:720",
        duration=4,
        audio=True,
    )
    assert estimate(created) == 160
    facts = look(http.get(finished(http, created.id)["output"][0]).content)
    assert (facts.seconds, facts.size, facts.audio) == (4.0, (1280, 720), True)


def test_an_uploaded_image(runway: RunwayML, http: httpx.Client, png: bytes) -> None:
    uploaded = runway.uploads.create_ephemeral(file=("a.png", png, "image/png"))
    assert uploaded.uri.startswith("runway://")
    created = runway.image_to_video.create(model="gen4_turbo", prompt_image=uploaded.uri, ratio="960:960", duration=2)
    assert estimate(created) == 10
    assert finished(http, created.id)["status"] == "SUCCEEDED"


def test_cancelling_a_pending_task_is_free(runway: RunwayML, http: httpx.Client) -> None:
    created = runway.text_to_video.create(model="gen4.5", prompt_text="[[fault:stuck]]", ratio="1280:720", duration=2)
    assert runway.tasks.retrieve(created.id).status == "PENDING"
    runway.tasks.delete(created.id)
    with pytest.raises(NotFoundError) as caught:
        runway.tasks.retrieve(created.id)
    assert caught.value.response.json() == {"error": "Could not find Task"}
    assert job_of(http, created.id)["billed_micros"] == 0
    assert job_of(http, created.id)["phase"] == "cancelled"


def test_cancelling_a_running_task_costs_everything(runway: RunwayML, http: httpx.Client) -> None:
    created = runway.text_to_video.create(
        model="gen4.5", prompt_text="[[fault:stuck-running]]", ratio="1280:720", duration=2
    )
    while runway.tasks.retrieve(created.id).status != "RUNNING":
        pass
    runway.tasks.delete(created.id)
    assert job_of(http, created.id)["billed_micros"] == 240_000
    with pytest.raises(NotFoundError):
        runway.tasks.delete(created.id)


def test_deleting_a_finished_task_deletes_its_output(runway: RunwayML, http: httpx.Client) -> None:
    created = runway.text_to_video.create(model="gen4.5", prompt_text="gone", ratio="1280:720", duration=2)
    output = finished(http, created.id)["output"][0]
    runway.tasks.delete(created.id)
    assert http.get(output).status_code == 404
    assert job_of(http, created.id)["billed_micros"] == 240_000


async def test_a_tasks_whole_life_at_real_speed(start: Start) -> None:
    server = await start(speed=1, allow_prompt_faults=True)
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False, verify=NO_TLS, headers=RUNWAY) as client:
        body = {**GEN45, "promptText": "[[fault:throttled]]"}
        created = (await client.post("/runway/v1/text_to_video", json=body)).json()
        seen = []
        for seconds in (0, 6, 60, 50, 60):
            await client.post("/control/advance", json={"seconds": seconds})
            shown = (await client.get(f"/runway/v1/tasks/{created['id']}")).json()
            assert ("progress" in shown) == (shown["status"] == "RUNNING")
            assert ("estimatedCost" in shown) == (shown["status"] != "SUCCEEDED")
            seen.append(shown["status"])
    assert seen == ["PENDING", "THROTTLED", "RUNNING", "RUNNING", "SUCCEEDED"]


@pytest.mark.parametrize("code", FAILURES)
def test_every_failure_code(runway: RunwayML, http: httpx.Client, code: str) -> None:
    created = runway.text_to_video.create(
        model="gen4.5", prompt_text=f"[[fault:fail-{code}]]", ratio="1280:720", duration=2
    )
    finished(http, created.id)
    shown = runway.tasks.retrieve(created.id)
    assert shown.status == "FAILED"
    assert shown.failure == FAILURES[code]
    assert shown.failure_code == (None if code == "NULL" else code)
    assert shown.cost.credits == (24 if code.startswith("SAFETY.INPUT") else 0)


def test_the_sdk_buys_three_times_when_a_reply_is_lost(runway: RunwayML, http: httpx.Client) -> None:
    prompt = "three [[fault:lost-reply]]"
    with pytest.raises(InternalServerError):
        runway.with_options(max_retries=2).text_to_video.create(
            model="gen4.5", prompt_text=prompt, ratio="1280:720", duration=2
        )
    assert len(jobs_for(http, prompt)) == 3


def test_refusals(runway: RunwayML, http: httpx.Client) -> None:
    with pytest.raises(BadRequestError) as caught:
        runway.text_to_video.create(model="gen4.5", prompt_text="", ratio="1280:768", duration=11)  # type: ignore[call-overload]  # the ratio is wrong on purpose
    body = caught.value.response.json()
    assert body["error"] == "Validation of body failed"
    assert {issue["path"][0]: issue["code"] for issue in body["issues"]} == {
        "promptText": "too_small",
        "ratio": "invalid_enum_value",
        "duration": "too_big",
    }
    assert http.get("/runway/v1/organization").status_code == 401
    assert "X-Runway-Version" in http.get("/runway/v1/organization", headers=REPLICATE).json()["error"]
    assert http.get("/runway/v1/elsewhere", headers=RUNWAY).status_code == 404
    bad = http.post("/runway/v1/text_to_video", headers=RUNWAY, content=b"{")
    assert bad.status_code == 400


async def test_only_the_required_key_is_good(start: Start) -> None:
    server = await start(require_key="right")
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False, verify=NO_TLS) as client:
        for key, status in (("wrong", 401), ("right", 200)):
            headers = {"Authorization": f"Bearer {key}", "X-Runway-Version": "2024-11-06"}
            assert (await client.get("/runway/v1/organization", headers=headers)).status_code == status
        assert (await client.get("/replicate/v1/account", headers={"Authorization": "Bearer no"})).status_code == 401


def test_organization(runway: RunwayML) -> None:
    told = runway.organization.retrieve()
    assert told.credit_balance <= 1_000_000
    assert told.tier.models["gen4.5"].max_concurrent_generations == 20


def test_another_key_does_not_see_the_task(http: httpx.Client) -> None:
    job = buy_runway(http, "mine").json()["id"]
    other = {**RUNWAY, "Authorization": "Bearer somebody-else"}
    assert http.get(f"/runway/v1/tasks/{job}", headers=other).status_code == 404


def test_every_post_is_witnessed(http: httpx.Client) -> None:
    before = len(posts(http, vendor="runway"))
    refused = buy_runway(http, "witnessed", duration=99)
    job = buy_runway(http, "witnessed").json()["id"]
    rows = posts(http, vendor="runway")[before:]
    assert refused.status_code == 400
    assert [(row["accepted"], row["status"], row["job"]) for row in rows] == [(False, 400, ""), (True, 200, job)]
    assert rows[1]["price_micros"] == 240_000


def test_output_urls_are_signed_and_renewed(http: httpx.Client) -> None:
    job = buy_runway(http, "signed").json()["id"]
    url = finished(http, job)["output"][0]
    assert http.get(url[:-1] + "x").status_code == 403
    assert http.get(url.partition("?")[0]).status_code == 403
    assert http.post("/control/expire", json={"job": job}).status_code == 200
    assert http.get(url).status_code == 403
    fresh = task(http, job).json()["output"][0]
    assert fresh != url
    assert http.get(fresh, headers={"Range": "bytes=4-7"}).content == b"ftyp"


async def test_output_urls_die_with_their_time(start: Start) -> None:
    server = await start(speed=100_000)
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False, verify=NO_TLS, headers=RUNWAY) as client:
        job = (await client.post("/runway/v1/text_to_video", json=GEN45)).json()["id"]
        await client.post("/control/advance", json={"seconds": 1})
        url = (await client.get(f"/runway/v1/tasks/{job}")).json()["output"][0]
        await client.post("/control/advance", json={"seconds": 86_400})
        assert (await client.get(url)).status_code == 403
        again = (await client.get(f"/runway/v1/tasks/{job}")).json()["output"][0]
        assert (await client.head(again)).status_code == 200
