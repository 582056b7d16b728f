"""What is allowed holds over two replicas in sum: budgets, rates, places for clips, what a vendor is asked."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import grpc
import pytest
from filmgate.v1 import account_pb2, account_service_pb2_grpc, common_pb2, job_pb2
from filmgate.v1 import account_service_pb2 as accounts
from filmgate.v1 import video_service_pb2 as pb

from tests.postgres import Postgres
from tests.replicas.conftest import Fleet, Replica, eventually, fleet_on
from tests.replicas.ids import check, jobs_by_id
from tests.server.calling import Refusal, read_refusal, wanted

LIVE = "runway/gen4.5"
"""Sold for dollars here: its vendor is an emulator that the servers take for the real one."""
PRICE = 240_000
"""Micros of two seconds of LIVE."""
TENANT_CLIPS = 2
WORKER_CLIPS = 3
SUBMITS = 5
"""A second that Runway is asked at most, and as many at once."""


@pytest.fixture(scope="module")
def fleet(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Vendors that never finish."""
    with fleet_on(postgres, tmp_path_factory.mktemp("flow"), speed=0.001) as fleet:
        yield fleet


@pytest.fixture(scope="module")
def pair(fleet: Fleet) -> list[Replica]:
    """Two servers with few places."""
    return fleet.start(
        2,
        FILMGATE_MOCK="auto",
        RUNWAY_API_KEY="planted-runway-key",
        RUNWAY_BASE_URL=f"{fleet.emulator_url}/runway",
        FILMGATE_TENANT_CLIPS=str(TENANT_CLIPS),
        FILMGATE_WORKER_CLIPS=str(WORKER_CLIPS),
    )


@pytest.fixture(scope="module")
def desk(pair: list[Replica]) -> Any:
    """The account service of one of them."""
    return account_service_pb2_grpc.AccountServiceStub(pair[0].channel)  # type: ignore[no-untyped-call] # generated code


def _ask(pair: Sequence[Replica], requests: Sequence[pb.GenerateVideoRequest]) -> tuple[list[str], list[Refusal]]:
    """Send all at the same time, by turns to each server: the jobs that were taken, and the refusals."""

    def call(number: int) -> str | Refusal:
        try:
            return str(pair[number % len(pair)].stub.GenerateVideo(requests[number], timeout=60).job.id)
        except grpc.RpcError as error:
            return read_refusal(error)

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(call, range(len(requests))))
    taken = [answer for answer in answers if isinstance(answer, str)]
    return taken, [answer for answer in answers if isinstance(answer, Refusal)]


def test_two_hundred_at_once_each_worth_a_third_of_the_budget_are_three(
    fleet: Fleet, pair: list[Replica], desk: Any
) -> None:
    limit = common_pb2.Money(currency_code="USD", micros=PRICE * 10 // 3)
    day = account_pb2.BUDGET_PERIOD_DAY
    desk.SetBudget(accounts.SetBudgetRequest(tenant_name="thrifty", period=day, limit=limit))
    fleet.control("script", [{"vendor": "runway", "match": "submit", "fault": "stuck", "times": 3}])
    requests = [wanted("thrifty", model=LIVE, request_id=f"r{number}") for number in range(200)]
    taken, refusals = _ask(pair, requests)
    assert len(set(taken)) == 3
    assert Counter(refusal.reason for refusal in refusals) == {"BUDGET_EXCEEDED": 197}
    [budget] = desk.ListBudgets(accounts.ListBudgetsRequest(tenant_name="thrifty")).budgets
    assert (budget.spent.micros, budget.held.micros) == (0, 3 * PRICE)
    assert fleet.query("SELECT count(*) FROM request WHERE tenant = 'thrifty'") == [(3,)]
    _cancel(pair[1], "thrifty")


def test_each_request_id_is_one_job_whoever_asks(fleet: Fleet, pair: list[Replica]) -> None:
    check(jobs_by_id([replica.stub for replica in pair], "many", clients=20, ids=10), 10)
    assert fleet.query("SELECT count(*) FROM job WHERE tenant = 'many'") == [(10,)]
    _cancel(pair[0], "many")


def test_a_tenants_rate_holds_over_both(pair: list[Replica], desk: Any) -> None:
    limits = account_pb2.TenantLimits(requests_per_second=4.0, burst=6)
    desk.CreateTenant(accounts.CreateTenantRequest(tenant_name="hasty", limits=limits))
    begin = time.monotonic()
    taken, refusals = _ask(pair, [wanted("hasty", model=LIVE) for _ in range(60)])
    allowed = 6 + 4.0 * (time.monotonic() - begin)
    assert 6 <= len(taken) <= allowed + 1
    assert {refusal.reason for refusal in refusals} == {"TENANT_RATE_LIMITED"}
    assert all(refusal.retry_after for refusal in refusals)
    _cancel(pair[0], "hasty")


def test_places_for_clips_are_counted_over_both(fleet: Fleet, pair: list[Replica]) -> None:
    tenants = ("one", "two", "three")
    for number in range(12):
        pair[number % 2].stub.GenerateVideo(wanted(tenants[number % 3], model=LIVE), timeout=30)
    ended = 0
    while ended < 12:
        running = eventually(partial(_running, fleet, min(6, 12 - ended)))
        assert set(fleet.pending().values()) <= set(range(WORKER_CLIPS + 1))
        for tenant, job_id in running:
            pair[ended % 2].stub.CancelJob(pb.CancelJobRequest(tenant_name=tenant, job_id=job_id), timeout=30)
            ended += 1
        eventually(partial(_have_ended, fleet, ended))
    names = "'one', 'two', 'three'"
    lives = "SELECT tenant, start_time, end_time FROM job WHERE start_time IS NOT NULL"
    rows = fleet.query(f"{lives} AND tenant IN ({names})")
    assert len(rows) == 12
    for tenant in tenants:
        assert _most_at_once([(start, end) for name, start, end in rows if name == tenant]) == TENANT_CLIPS
    workers = "SELECT executor_id, started_at_epoch_ms, completed_at FROM dbos.workflow_status"
    assert _most_at_once([(start, end) for _, start, end in rows]) <= 2 * WORKER_CLIPS
    assert {name for name, *_ in fleet.query(workers)} == set(_executors(fleet))


def _running(fleet: Fleet, count: int) -> list[tuple[str, str]]:
    """Tenant and id of each job that runs, once so many do; never more than its share of one tenant's."""
    query = "SELECT tenant, id FROM job WHERE state = 'RUNNING' AND tenant IN ('one', 'two', 'three') ORDER BY id"
    rows = [(str(tenant), str(job_id)) for tenant, job_id in fleet.query(query)]
    assert max(Counter(tenant for tenant, _ in rows).values(), default=0) <= TENANT_CLIPS
    assert len(rows) <= 2 * WORKER_CLIPS
    return rows if len(rows) == count else []


def _have_ended(fleet: Fleet, count: int) -> bool:
    query = "SELECT count(*) FROM job WHERE state = 'CANCELLED' AND tenant IN ('one', 'two', 'three')"
    return bool(fleet.query(query) == [(count,)])


def _executors(fleet: Fleet) -> list[str]:
    return [str(name) for (name,) in fleet.query("SELECT id FROM executor")]


def _most_at_once(lives: Sequence[tuple[int, int]]) -> int:
    """Of (begin, end), how many overlapped at most; one that ends as another begins does not."""
    changes = sorted([(begin, 1) for begin, _ in lives] + [(end, -1) for _, end in lives])
    most = now = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


def test_what_a_vendor_is_asked_holds_over_both(fleet: Fleet, pair: list[Replica]) -> None:
    fleet.control("script", [{"vendor": "runway", "match": "submit", "fault": "http-422", "times": 100}])
    before = len(_submits(fleet))
    tenants = [f"buyer-{number}" for number in range(6)]
    taken, _ = _ask(pair, [wanted(tenant, model=LIVE) for tenant in tenants * 4])
    assert len(taken) == 24
    ended = "SELECT count(*) FROM job WHERE state = 'FAILED' AND tenant LIKE 'buyer-%'"
    eventually(lambda: fleet.query(ended) == [(24,)])
    times = _submits(fleet)[before:]
    assert len(times) == 24
    for first in range(24):
        for last in range(first, 24):
            # a slice that one of them has drawn is spent within a second
            allowed = SUBMITS + SUBMITS * (times[last] - times[first]) + 2
            assert last - first + 1 <= allowed + 1e-6, (first, last, times)


def _submits(fleet: Fleet) -> list[float]:
    """When Runway was asked to make something."""
    return sorted(post["at"] for post in fleet.control("ledger")["posts"] if post["vendor"] == "runway")


def _cancel(replica: Replica, tenant: str) -> None:
    """End all jobs of a tenant, so that its places are free."""
    listed = replica.stub.ListJobs(pb.ListJobsRequest(tenant_name=tenant, page_size=200), timeout=30).jobs
    for job in listed:
        replica.stub.CancelJob(pb.CancelJobRequest(tenant_name=tenant, job_id=job.id), timeout=30)
    for job in listed:
        watching = pb.WatchJobRequest(tenant_name=tenant, job_id=job.id)
        *_, last = replica.stub.WatchJob(watching, timeout=60)
        assert last.event.kind == job_pb2.JOB_EVENT_KIND_ENDED


def test_while_the_database_is_away_callers_are_told_soon_when_to_come_back(
    postgres: Postgres, pair: list[Replica]
) -> None:
    postgres.stop()
    begin = time.monotonic()
    try:
        _, refusals = _ask(pair, [wanted("patient", model=LIVE)] * 2)
        for _ in range(10):
            refusals += _ask(pair, [wanted("patient", model=LIVE)] * 2)[1]
        took = time.monotonic() - begin
    finally:
        postgres.start()
    assert len(refusals) == 22
    assert {(each.code, each.reason) for each in refusals} == {(grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE")}
    assert {each.retry_after for each in refusals} == {1.0}
    assert took < 20  # the first of each waits three seconds for it; twenty-two that did would take half a minute
    request = wanted("patient", model=LIVE)
    eventually(lambda: _ask(pair, [request] * 2)[1] == [])
    _cancel(pair[0], "patient")
