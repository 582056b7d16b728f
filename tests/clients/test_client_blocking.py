"""The blocking client against a real server that refuses, vanishes and cuts its streams."""

import random
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from filmgate.v1 import job_pb2, media_pb2
from filmgate_client import FilmgateCallError, FilmgateClient, is_ended, is_parked
from filmgate_client.requests import generate_request

if TYPE_CHECKING:
    from tests.clients.conftest import Fake, Running


@pytest.fixture
def client(target: str) -> Iterator[FilmgateClient]:
    """A client of tenant acme."""
    with FilmgateClient(target, tenant="acme", api_key="the-key", retry_for=20) as connected:
        yield connected


def test_generate_says_everything_in_the_contracts_words(client: FilmgateClient, fake: "Fake", tmp_path: Path) -> None:
    image = tmp_path / "first.png"
    image.write_bytes(b"\x89PNG")
    client.generate(
        "a boat",
        creative_id="boat",
        model="auto",
        variations=2,
        duration=5.5,
        aspect_ratio="16:9",
        seed=0,
        motion="low",
        quality="HIGH",
        audio=False,
        first_frame=image,
        last_frame="https://example.com/last.png",
        max_cost=Decimal("1.25"),
        strategy="fastest",
        required_capabilities=["seed"],
        vendor_options={"promptUpsampling": True},
        labels={"campaign": "spring"},
    )
    (request,) = fake.named("GenerateVideo")
    assert (request.tenant_name, request.creative_id, request.prompt, request.variations) == (
        "acme",
        "boat",
        "a boat",
        2,
    )
    assert request.parameters.duration.ToTimedelta().total_seconds() == 5.5
    assert request.parameters.motion == media_pb2.MOTION_LOW
    assert request.parameters.quality == media_pb2.QUALITY_HIGH
    assert request.parameters.HasField("seed")
    assert request.parameters.HasField("audio")
    assert not request.parameters.HasField("fps")
    assert request.first_frame.inline.mime_type == "image/png"
    assert request.last_frame.uri == "https://example.com/last.png"
    assert (request.max_cost.currency_code, request.max_cost.micros) == ("USD", 1_250_000)
    assert request.selection.strategy == media_pb2.SELECTION_STRATEGY_FASTEST
    assert list(request.selection.required_capabilities) == [media_pb2.MODEL_CAPABILITY_SEED]
    assert request.vendor_options["promptUpsampling"] is True
    assert dict(request.labels) == {"campaign": "spring"}


def test_what_was_not_said_is_not_sent(client: FilmgateClient, fake: "Fake") -> None:
    client.generate("a boat", creative_id="boat")
    (request,) = fake.named("GenerateVideo")
    said = {descriptor.name for descriptor, _ in request.ListFields()}
    assert said == {"tenant_name", "creative_id", "prompt", "request_id"}


def test_the_key_travels_as_a_bearer_token(client: FilmgateClient, fake: "Fake") -> None:
    client.models()
    assert fake.asked[0][2]["authorization"] == "Bearer the-key"


def test_generate_is_repeated_with_one_request_id_while_the_server_is_away(
    client: FilmgateClient, fake: "Fake"
) -> None:
    fake.refuse("GenerateVideo", 3, code=grpc.StatusCode.UNAVAILABLE)
    assert client.generate("a boat", creative_id="boat").id == "job_1"
    ids = {request.request_id for request in fake.named("GenerateVideo")}
    assert len(fake.named("GenerateVideo")) == 4
    assert len(ids) == 1
    assert "" not in ids


def test_every_call_has_its_own_request_id(client: FilmgateClient, fake: "Fake") -> None:
    for _ in range(3):
        client.generate("a boat", creative_id="boat")
    assert len({request.request_id for request in fake.named("GenerateVideo")}) == 3


def test_a_time_to_come_back_is_waited_out(client: FilmgateClient, fake: "Fake") -> None:
    fake.refuse("GenerateVideo", code=grpc.StatusCode.UNAVAILABLE, reason="SHUTTING_DOWN", retry_after=0.3)
    began = time.monotonic()
    client.generate("a boat", creative_id="boat")
    assert time.monotonic() - began >= 0.3


def test_a_batch_is_repeated_under_one_request_id(client: FilmgateClient, fake: "Fake") -> None:
    fake.refuse("BatchGenerateVideos", 2, code=grpc.StatusCode.UNAVAILABLE)
    jobs = client.batch([generate_request("acme", "a boat", "boat", {}) for _ in range(2)])
    assert len(jobs) == 2
    assert len({request.request_id for request in fake.named("BatchGenerateVideos")}) == 1


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.ABORTED, grpc.StatusCode.INTERNAL]
)
def test_other_refusals_of_what_pays_are_not_repeated(
    client: FilmgateClient, fake: "Fake", code: grpc.StatusCode
) -> None:
    fake.refuse("GenerateVideo", code=code, reason="TENANT_RATE_LIMITED", retry_after=0.01)
    with pytest.raises(FilmgateCallError) as caught:
        client.generate("a boat", creative_id="boat")
    assert caught.value.code is code
    assert len(fake.named("GenerateVideo")) == 1


@pytest.mark.parametrize("rpc", ["CancelJob", "ResolveClip", "DeleteVideo"])
def test_what_changes_things_is_never_repeated(client: FilmgateClient, fake: "Fake", rpc: str) -> None:
    fake.refuse(rpc, code=grpc.StatusCode.UNAVAILABLE)
    calls: dict[str, Callable[[], object]] = {
        "CancelJob": lambda: client.cancel("job_1"),
        "ResolveClip": lambda: client.resolve("clip_1", abandon=True),
        "DeleteVideo": lambda: client.delete_video("vid_1"),
    }
    with pytest.raises(FilmgateCallError):
        calls[rpc]()
    assert len(fake.named(rpc)) == 1


def test_reads_are_repeated_by_grpc_itself(client: FilmgateClient, fake: "Fake") -> None:
    fake.add_job()
    fake.refuse("GetJob", 3, code=grpc.StatusCode.UNAVAILABLE)
    assert client.get_job("job_1").id == "job_1"
    assert len(fake.named("GetJob")) == 4


def test_patience_ends_with_the_servers_own_words(target: str, fake: "Fake") -> None:
    fake.refuse("GenerateVideo", 100, code=grpc.StatusCode.UNAVAILABLE, reason="SHUTTING_DOWN", message="going")
    with FilmgateClient(target, retry_for=0.3) as client, pytest.raises(FilmgateCallError, match="going") as caught:
        client.generate("a boat", creative_id="boat")
    assert caught.value.reason == "SHUTTING_DOWN"


def test_an_error_says_everything_the_server_said(client: FilmgateClient, fake: "Fake") -> None:
    broken = {"parameters.duration": "offers 5 s and 10 s", "creative_id": "must not contain .."}
    fake.refuse(
        "GenerateVideo",
        code=grpc.StatusCode.INVALID_ARGUMENT,
        reason="INVALID_REQUEST",
        message="two things",
        violations=broken,
        retry_after=1.5,
    )
    with pytest.raises(FilmgateCallError) as caught:
        client.generate("a boat", creative_id="a/../b")
    error = caught.value
    assert (error.code, error.reason, error.message) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID_REQUEST",
        "two things",
    )
    assert {one.field: one.message for one in error.violations} == broken
    assert {one.reason for one in error.violations} == {"INVALID_REQUEST"}
    assert error.metadata == {"model": "a/b"}
    assert error.retry_after == 1.5
    assert str(error) == "INVALID_REQUEST: two things"


@pytest.mark.parametrize("peacefully", [True, False])
def test_a_watch_cut_200_times_gives_every_event_once(client: FilmgateClient, fake: "Fake", peacefully: bool) -> None:
    dice = random.Random(7)
    fake.add_job(events=1000)
    fake.cuts = iter([*(dice.randint(0, 9) for _ in range(200)), None])
    fake.cut_with = None if peacefully else fake.cut_with
    assert [event.seq for event in client.watch("job_1")] == list(range(1, 1001))
    assert len(fake.named("WatchJob")) == 201


def test_a_watch_outlives_the_server(client: FilmgateClient, fake: "Fake", running: "Running") -> None:
    fake.add_job(events=50)
    fake.cuts = iter([10, None])
    seen = []
    for event in client.watch("job_1"):
        seen.append(event.seq)
        if event.seq == 10:
            running.die()
            running.start()
    assert seen == list(range(1, 51))


def test_a_watch_resumes_where_it_is_told_and_ends_when_all_is_seen(client: FilmgateClient, fake: "Fake") -> None:
    fake.add_job(events=5)
    assert [event.seq for event in client.watch("job_1", after_event=3)] == [4, 5]
    assert list(client.watch("job_1", after_event=5)) == []


def test_repeated_and_missing_events_never_reach_the_caller(client: FilmgateClient, fake: "Fake") -> None:
    fake.add_job(events=6)
    whole = fake.events["job_1"]
    fake.events["job_1"] = [*whole[:2], whole[1], *whole[4:]]
    watching = client.watch("job_1")
    assert [next(watching).seq for _ in range(2)] == [1, 2]
    fake.events["job_1"] = whole
    assert [event.seq for event in watching] == [3, 4, 5, 6]


def test_a_refused_watch_is_an_error(client: FilmgateClient) -> None:
    with pytest.raises(FilmgateCallError) as caught:
        list(client.watch("job_9"))
    assert caught.value.reason == "NOT_FOUND"


def test_a_watch_with_a_timeout_ends_by_then(client: FilmgateClient, fake: "Fake") -> None:
    fake.add_job(events=5)
    fake.events["job_1"].pop()
    assert [event.seq for event in client.watch("job_1", timeout=0.3)] == [1, 2, 3, 4]


@pytest.mark.parametrize("state", [job_pb2.JOB_STATE_SUCCEEDED, job_pb2.JOB_STATE_NEEDS_RESOLUTION])
def test_waiting_ends_with_the_job_ended_or_parked(
    client: FilmgateClient, fake: "Fake", state: job_pb2.JobState
) -> None:
    fake.add_job(state=state)
    job = client.generate("a boat", creative_id="boat", wait=10)
    assert job.state == state
    assert is_ended(job) != is_parked(job)


def test_waiting_ends_with_the_time(client: FilmgateClient, fake: "Fake") -> None:
    fake.add_job(state=job_pb2.JOB_STATE_RUNNING)
    assert client.generate("a boat", creative_id="boat", wait=0.2).state == job_pb2.JOB_STATE_RUNNING


def test_lists_fetch_page_after_page(client: FilmgateClient, fake: "Fake") -> None:
    for number in range(5):
        fake.add_job(f"job_{number}")
    jobs = list(client.list_jobs(states=["running"], creative_id="boat", labels={"a": "b"}))
    assert [job.id for job in jobs] == [f"job_{number}" for number in range(5)]
    assert [request.page_token for request in fake.named("ListJobs")] == ["", "2", "4"]
    assert list(fake.named("ListJobs")[2].states) == [job_pb2.JOB_STATE_RUNNING]


def test_the_rest_of_the_contract_has_its_method(client: FilmgateClient, fake: "Fake") -> None:
    fake.add_job()
    assert client.quote("a boat", creative_id="boat").quote.expected.micros == 600_000
    assert client.get_video("vid_1", url_ttl=60).url
    assert list(client.list_videos(job_id="job_1", url_ttl=60)) == []
    assert client.cancel("job_1").state == job_pb2.JOB_STATE_CANCELLING
    client.resolve("clip_1", adopt="task-7", attempt_number=2)
    client.delete_video("vid_1")
    (verdict,) = fake.named("ResolveClip")
    assert (verdict.WhichOneof("verdict"), verdict.adopt.vendor_task_id, verdict.attempt_number) == (
        "adopt",
        "task-7",
        2,
    )


@pytest.mark.parametrize("verdict", [{}, {"adopt": "x", "abandon": True}, {"resubmit": True, "abandon": True}])
def test_a_verdict_is_exactly_one(client: FilmgateClient, fake: "Fake", verdict: Any) -> None:
    with pytest.raises(ValueError, match="exactly one"):
        client.resolve("clip_1", **verdict)
    assert fake.asked == []


@pytest.mark.parametrize("amount", ["a lot", "NaN", "Infinity", "0.0000001"])
def test_money_is_exact_or_refused(client: FilmgateClient, amount: str) -> None:
    with pytest.raises(ValueError, match=amount):
        client.generate("a boat", creative_id="boat", max_cost=amount)
