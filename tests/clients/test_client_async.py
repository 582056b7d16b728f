"""The asyncio client keeps the blocking one's promises."""

import random
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import grpc
import pytest
from filmgate.v1 import job_pb2
from filmgate_client import AsyncFilmgateClient, FilmgateCallError

if TYPE_CHECKING:
    from tests.clients.conftest import Fake


@pytest.fixture
async def client(target: str) -> AsyncIterator[AsyncFilmgateClient]:
    """A client of tenant acme."""
    async with AsyncFilmgateClient(target, tenant="acme", retry_for=20) as connected:
        yield connected


async def test_generate_is_repeated_with_one_request_id(client: AsyncFilmgateClient, fake: "Fake") -> None:
    fake.refuse("GenerateVideo", 3, code=grpc.StatusCode.UNAVAILABLE)
    job = await client.generate("a boat", creative_id="boat", wait=10)
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED
    assert len({request.request_id for request in fake.named("GenerateVideo")}) == 1
    assert len(fake.named("GenerateVideo")) == 4


@pytest.mark.parametrize("peacefully", [True, False])
async def test_a_watch_cut_200_times_gives_every_event_once(
    client: AsyncFilmgateClient, fake: "Fake", peacefully: bool
) -> None:
    dice = random.Random(7)
    fake.add_job(events=1000)
    fake.cuts = iter([*(dice.randint(0, 9) for _ in range(200)), None])
    fake.cut_with = None if peacefully else fake.cut_with
    assert [event.seq async for event in client.watch("job_1")] == list(range(1, 1001))
    assert len(fake.named("WatchJob")) == 201


async def test_a_refusal_is_the_same_error(client: AsyncFilmgateClient) -> None:
    with pytest.raises(FilmgateCallError) as caught:
        await client.get_job("job_9")
    assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")


async def test_the_rest_of_the_contract_has_its_method(client: AsyncFilmgateClient, fake: "Fake") -> None:
    for number in range(1, 4):
        fake.add_job(f"job_{number}")
    assert [job.id async for job in client.list_jobs()] == ["job_1", "job_2", "job_3"]
    assert [video async for video in client.list_videos()] == []
    assert (await client.models()).default_model == "auto"
    assert (await client.quote("a boat", creative_id="boat")).model == "runway/gen4.5"
    assert (await client.get_video("vid_1")).url
    assert (await client.cancel("job_1")).state == job_pb2.JOB_STATE_CANCELLING
    assert (await client.resolve("clip_1", resubmit=True)).job.id == "job_1"
    assert len(await client.batch([])) == 0
    await client.delete_video("vid_1")


def test_the_twins_have_the_same_methods() -> None:
    from filmgate_client import FilmgateClient

    def public(kind: type) -> set[str]:
        return {name for name in dir(kind) if not name.startswith("_")}

    assert public(AsyncFilmgateClient) == public(FilmgateClient)
