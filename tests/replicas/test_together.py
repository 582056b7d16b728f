"""Two replicas answer as one: events, request ids, secrets; and a database that goes away costs time, nothing else."""

import hashlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from filmgate.v1 import job_pb2
from filmgate.v1 import video_service_pb2 as pb

from tests.postgres import Postgres
from tests.replicas.conftest import Fleet, Replica, eventually, fleet_on
from tests.server.calling import fetch, wanted

pytestmark = pytest.mark.timeout(600)  # a busy machine starts a server in half a minute
HEARD_WITHIN = 10.0
"""Far less than a watcher's own next look."""
CLIENTS = 100


@pytest.fixture(scope="module")
def fleet(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """One fleet for the tests that hurt nobody; its vendors are quick."""
    with fleet_on(postgres, tmp_path_factory.mktemp("fleet"), speed=400.0) as fleet:
        yield fleet


@pytest.fixture(scope="module")
def pair(fleet: Fleet) -> list[Replica]:
    """Two servers."""
    return fleet.start(2)


def test_a_watcher_hears_what_another_replica_does(fleet: Fleet, pair: list[Replica]) -> None:
    doing, hearing = pair
    fleet.control("script", [{"vendor": "runway", "match": "submit", "fault": "stuck-running", "times": 1}])
    job_id = doing.order("watched")
    heard: list[tuple[float, Any]] = []

    def watch() -> None:
        request = pb.WatchJobRequest(tenant_name="acme", job_id=job_id)
        answers = hearing.stub.WatchJob(request, timeout=60)
        heard.extend((time.monotonic(), answer.event.kind) for answer in answers)

    watching = threading.Thread(target=watch)
    watching.start()
    eventually(lambda: hearing.job(job_id).progress.stage == job_pb2.PROGRESS_STAGE_VENDOR_RUNNING)
    told = time.monotonic()
    doing.stub.CancelJob(pb.CancelJobRequest(tenant_name="acme", job_id=job_id), timeout=30)
    done = time.monotonic()
    watching.join(60)
    [at] = [at for at, kind in heard if kind == job_pb2.JOB_EVENT_KIND_CANCELLING]
    assert told < at < done + HEARD_WITHIN
    assert hearing.job(job_id).state == job_pb2.JOB_STATE_CANCELLED


def test_many_clients_with_one_request_id_get_one_job(fleet: Fleet, pair: list[Replica]) -> None:
    request = wanted("acme", prompt="once", request_id="the-same")

    def ask(number: int) -> str:
        return str(pair[number % 2].stub.GenerateVideo(request, timeout=60).job.id)

    with ThreadPoolExecutor(CLIENTS) as clients:
        ids = set(clients.map(ask, range(CLIENTS)))
    assert len(ids) == 1
    assert fleet.query("SELECT count(*) FROM job WHERE prompt = 'once'") == [(1,)]


def test_what_one_has_signed_the_other_honours(fleet: Fleet, pair: list[Replica]) -> None:
    first, second = pair
    job_id = first.order("signed")
    eventually(lambda: first.job(job_id).state == job_pb2.JOB_STATE_SUCCEEDED)
    [video] = first.job(job_id).videos
    answer = fetch(video.url.replace(first.http, second.http))
    assert (answer.status, hashlib.sha256(answer.body).hexdigest()) == (200, video.sha256)
    page = first.stub.ListJobs(pb.ListJobsRequest(tenant_name="acme", page_size=1), timeout=30)
    request = pb.ListJobsRequest(tenant_name="acme", page_size=1, page_token=page.next_page_token)
    assert second.stub.ListJobs(request, timeout=30).jobs[0].id != page.jobs[0].id


def test_a_database_that_is_away_for_seconds_strands_nothing(
    postgres: Postgres, fleet: Fleet, pair: list[Replica]
) -> None:
    fleet.speed(40.0)
    for number in range(16):
        pair[number % 2].order(f"outage {number}")
    bought = "SELECT count(*) FROM attempt JOIN clip ON clip.id = clip_id JOIN job ON job.id = job_id"
    eventually(lambda: fleet.query(f"{bought} WHERE prompt LIKE 'outage %'")[0][0] >= 8)
    postgres.stop()
    time.sleep(3.0)
    postgres.start()
    fleet.speed(50_000.0)
    jobs = [job for job in pair[0].all_ended() if job.prompt.startswith("outage")]
    assert [job.state for job in jobs] == [job_pb2.JOB_STATE_SUCCEEDED] * 16
    assert sum(count for prompt, count in fleet.bought().items() if prompt.startswith("outage")) == 16
    fleet.judge()
