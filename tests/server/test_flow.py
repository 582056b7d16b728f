"""New work is refused with the right reason while there is no room, or a tenant asks too often; reads go on."""

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from filmgate.v1 import account_pb2, account_service_pb2_grpc, job_pb2
from filmgate.v1 import account_service_pb2 as accounts
from filmgate.v1 import video_service_pb2 as pb

from core.database import metadata
from tests.conftest import Served, serving
from tests.server.calling import Stub, fetch, refused, wanted

EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
CAUSES: dict[str, dict[str, Any]] = {
    "memory": {"memory_limit": 1},
    "disk": {"disk_reserve": 1 << 62},
    "queue": {"max_queued": 4},
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server whose vendors never finish, and that works on two clips of a tenant at a time."""
    with serving(tmp_path_factory.mktemp("slow"), emulator_speed=0.001, tenant_clips=2) as running:
        yield running


@pytest.fixture(scope="module")
def desk(served: Served) -> Iterator[Any]:
    """The account service."""
    with grpc.insecure_channel(served.target) as channel:
        yield account_service_pb2_grpc.AccountServiceStub(channel)  # type: ignore[no-untyped-call] # generated code


@contextlib.contextmanager
def _policy(served: Served, **changes: Any) -> Iterator[None]:
    """The server under another policy; it has looked around before the block, and after it."""
    jobs = served.application.jobs
    usual = jobs.context.policy
    jobs.context.policy = replace(usual, **changes)
    served.run(jobs.admission.look())
    try:
        yield
    finally:
        jobs.context.policy = usual
        served.run(jobs.admission.look())


def _rows(served: Served) -> dict[str, int]:
    """How many rows an accepted request has left behind, by table."""
    names = ("job", "clip", "request", "iteration", "ledger_entry", "tally", "tenant", "bucket", "input")

    def count(connection: sa.Connection) -> dict[str, int]:
        counts = {name: sa.select(sa.func.count()).select_from(metadata.tables[name]) for name in names}
        return {name: connection.execute(query).scalar_one() for name, query in counts.items()}

    found: dict[str, int] = served.run(served.application.jobs.context.database.read(count))
    return found


def _filled(served: Served, stub: Stub, tenant: str) -> str:
    """A job whose eight clips are wanted at once, of which two run; its id, once they do."""
    job: job_pb2.Job = stub.GenerateVideo(wanted(tenant, variations=8)).job
    end = time.monotonic() + 20
    while sum(clip.state == job_pb2.CLIP_STATE_RUNNING for clip in job.clips) < 2:
        assert time.monotonic() < end
        job = stub.GetJob(pb.GetJobRequest(tenant_name=tenant, job_id=job.id)).job
        time.sleep(0.05)
    return job.id


def _told(served: Served, word: str) -> None:
    """Wait until `/readyz`, which looks once a second, says so; it stays ready."""
    end, said = time.monotonic() + 10, ""
    while said != word:
        assert time.monotonic() < end, said
        answer = fetch(f"{served.url}/readyz")
        assert answer.status == 200
        said = json.loads(answer.body)["components"]["admission"]
        time.sleep(0.05)


@pytest.mark.parametrize("cause", CAUSES)
def test_without_room_work_is_refused_and_nothing_is_written(
    served: Served, stub: Stub, tenant: str, cause: str
) -> None:
    job_id = _filled(served, stub, tenant)
    request = wanted(tenant, request_id="again")
    with _policy(served, **CAUSES[cause]):
        before = _rows(served)
        batch = pb.BatchGenerateVideosRequest(tenant_name=tenant, requests=[wanted("")])
        refusals = [refused(stub.GenerateVideo, request), refused(stub.BatchGenerateVideos, batch)]
        assert [(each.code, each.reason) for each in refusals] == [(EXHAUSTED, "SERVER_OVERLOADED")] * 2
        assert all(1.0 <= (each.retry_after or 0) <= 60.0 for each in refusals)
        assert _rows(served) == before
        _told(served, f"refusing: {cause}")
        listed = stub.ListJobs(pb.ListJobsRequest(tenant_name=tenant)).jobs
        assert [job.id for job in listed] == [job_id]
        assert stub.GenerateVideo(wanted(tenant, validate_only=True)).quote.expected.micros
        cancelled = stub.CancelJob(pb.CancelJobRequest(tenant_name=tenant, job_id=job_id)).job
        assert cancelled.state != job_pb2.JOB_STATE_QUEUED
        ended = stub.WatchJob(pb.WatchJobRequest(tenant_name=tenant, job_id=job_id), timeout=30)
        assert list(ended)[-1].event.kind == job_pb2.JOB_EVENT_KIND_ENDED  # it writes no more rows
    assert stub.GenerateVideo(request).job.id


def test_an_upload_needs_room_too(served: Served, stub: Stub, tenant: str) -> None:
    def messages() -> Iterator[pb.UploadAssetRequest]:
        metadata = pb.AssetMetadata(tenant_name=tenant, mime_type="image/png")
        yield pb.UploadAssetRequest(metadata=metadata)

    with _policy(served, disk_reserve=1 << 62):
        refusal = refused(stub.UploadAsset, messages())
    assert (refusal.code, refusal.reason, refusal.retry_after) == (EXHAUSTED, "SERVER_OVERLOADED", 10.0)


def _limit(desk: Any, tenant: str, **limits: Any) -> account_pb2.Tenant:
    request = accounts.CreateTenantRequest(tenant_name=tenant, limits=account_pb2.TenantLimits(**limits))
    made: account_pb2.Tenant = desk.CreateTenant(request).tenant
    return made


def test_a_tenant_that_asks_too_often_is_told_when_to_come_back(stub: Stub, desk: Any, tenant: str) -> None:
    made = _limit(desk, tenant, requests_per_second=0.5, burst=2)
    assert (made.limits.requests_per_second, made.limits.burst) == (0.5, 2)
    assert not made.limits.HasField("reads_per_second")
    first = stub.GenerateVideo(wanted(tenant, request_id="one")).job
    for _ in range(5):  # a repeated request costs nothing
        assert stub.GenerateVideo(wanted(tenant, request_id="one")).job.id == first.id
    stub.GenerateVideo(wanted(tenant, request_id="two"))
    refusal = refused(stub.GenerateVideo, wanted(tenant, request_id="three"))
    assert (refusal.code, refusal.reason) == (EXHAUSTED, "TENANT_RATE_LIMITED")
    assert {"RetryInfo", "QuotaFailure"} <= refusal.kinds
    assert refusal.retry_after is not None
    assert 0 < refusal.retry_after <= 2.0
    time.sleep(refusal.retry_after)  # as it was told: then it is let in
    assert stub.GenerateVideo(wanted(tenant, request_id="three")).job.id != first.id


def test_a_batch_counts_by_its_requests(stub: Stub, desk: Any, tenant: str) -> None:
    _limit(desk, tenant, requests_per_second=0.01, burst=3)
    pair = pb.BatchGenerateVideosRequest(tenant_name=tenant, requests=[wanted(""), wanted("")])
    assert len(stub.BatchGenerateVideos(pair).results) == 2
    assert refused(stub.BatchGenerateVideos, pair).reason == "TENANT_RATE_LIMITED"
    stub.GenerateVideo(wanted(tenant))
    assert refused(stub.GenerateVideo, wanted(tenant)).reason == "TENANT_RATE_LIMITED"


def test_limits_can_be_changed_and_lifted(stub: Stub, desk: Any, tenant: str) -> None:
    _limit(desk, tenant, requests_per_second=0.01, burst=1)
    stub.GenerateVideo(wanted(tenant))
    assert refused(stub.GenerateVideo, wanted(tenant)).reason == "TENANT_RATE_LIMITED"
    lifted = account_pb2.TenantLimits(requests_per_second=0)
    changed = desk.UpdateTenant(accounts.UpdateTenantRequest(tenant_name=tenant, limits=lifted)).tenant
    assert changed.limits == lifted
    for _ in range(3):
        stub.GenerateVideo(wanted(tenant))
    entries = desk.ListAuditEntries(accounts.ListAuditEntriesRequest(tenant_name=tenant)).entries
    assert [entry.detail for entry in entries] == ["requests_per_second 0", "requests_per_second 0.01, burst 1"]


@pytest.mark.parametrize(
    ("limits", "field"),
    [
        ({"requests_per_second": -1.0}, "limits.requests_per_second"),
        ({"requests_per_second": float("nan")}, "limits.requests_per_second"),
        ({"reads_per_second": 1e9}, "limits.reads_per_second"),
        ({"burst": -1}, "limits.burst"),
    ],
)
def test_limits_are_checked(desk: Any, tenant: str, limits: dict[str, Any], field: str) -> None:
    request = accounts.CreateTenantRequest(tenant_name=tenant, limits=account_pb2.TenantLimits(**limits))
    assert refused(desk.CreateTenant, request).fields == (field,)


def test_reads_have_a_limit_of_their_own(stub: Stub, desk: Any, tenant: str) -> None:
    _limit(desk, tenant, reads_per_second=0.01)
    job = stub.GenerateVideo(wanted(tenant)).job
    stub.ListJobs(pb.ListJobsRequest(tenant_name=tenant))
    read = pb.GetJobRequest(tenant_name=tenant, job_id=job.id)
    for call, request in (
        (stub.GetJob, read),
        (stub.WatchJob, pb.WatchJobRequest(tenant_name=tenant, job_id=job.id)),
        (stub.ListVideos, pb.ListVideosRequest(tenant_name=tenant)),
        (stub.QuoteVideo, pb.QuoteVideoRequest(request=wanted(tenant))),
        (stub.GenerateVideo, wanted(tenant, validate_only=True)),
    ):
        refusal = refused(call, request)
        assert (refusal.code, refusal.reason) == (EXHAUSTED, "TENANT_RATE_LIMITED")
        assert (refusal.retry_after or 0) > 60
    stub.GenerateVideo(wanted(tenant))
    assert stub.CancelJob(pb.CancelJobRequest(tenant_name=tenant, job_id=job.id)).job.id == job.id
