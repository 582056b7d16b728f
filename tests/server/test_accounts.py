"""The account service over gRPC: tenants, budgets under concurrency, usage, the ledger, and who changed what."""

import asyncio
import contextlib
import hashlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from filmgate.v1 import account_pb2, account_service_pb2_grpc, common_pb2, job_pb2
from filmgate.v1 import account_service_pb2 as pb
from filmgate.v1 import video_service_pb2 as video
from google.rpc import error_details_pb2  # type: ignore[import-untyped] # ships no py.typed
from grpc_status import rpc_status
from typer.testing import CliRunner

from emulators.server import EmulatorServer
from emulators.world import Options
from server.cli import app
from tests.conftest import Served, serving
from tests.server.calling import read_refusal, refused, stub_on, wanted
from tests.server.uploading import image, stream

KEY = "sk-planted-0123456789"
CALLER = f"key:{hashlib.sha256(KEY.encode()).hexdigest()[:12]}"
METADATA = (("authorization", f"Bearer {KEY}"),)
PRICE = 240_000
WITH_FALLBACK = "runway/seedance2_fast"
"""Its own list names a dearer one."""
DAY, MONTH, TOTAL = (
    account_pb2.BUDGET_PERIOD_DAY,
    account_pb2.BUDGET_PERIOD_MONTH,
    account_pb2.BUDGET_PERIOD_TOTAL,
)
NONE: Any = 0
BEYOND: Any = 99
"""Numbers of enums that have no such value, or none that may be sent."""


class Desk:
    """Both stubs, with the key."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._accounts: Any = account_service_pb2_grpc.AccountServiceStub(channel)  # type: ignore[no-untyped-call] # generated code
        self._videos: Any = stub_on(channel)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._accounts, name, None) or getattr(self._videos, name)
        return lambda request, timeout=60: method(request, timeout=timeout, metadata=METADATA)


@contextlib.contextmanager
def _vendors(folder: Path) -> Iterator[dict[str, object]]:
    """Settings under which money is real: the live endpoints lead to emulators."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = EmulatorServer(options=Options(speed=100_000))
    url = asyncio.run_coroutine_threadsafe(server.start(data_dir=folder), loop).result(30)
    yield {"mock": "auto", "runway_base_url": f"{url}/runway", "runway_key": "planted-runway-key"}
    asyncio.run_coroutine_threadsafe(server.stop(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with a key, selling for real money."""
    with (
        pytest.MonkeyPatch.context() as patch,
        _vendors(tmp_path_factory.mktemp("vendors")) as vendors,
        serving(tmp_path_factory.mktemp("served"), api_key=KEY, **vendors) as running,
    ):
        patch.setattr("jobs.wait.next_poll", lambda *_: 0.1)  # only how often it looks
        yield running


@pytest.fixture(scope="module")
def desk(server: Served) -> Iterator[Desk]:
    """What tests call."""
    with grpc.insecure_channel(server.target) as channel:
        yield Desk(channel)


def _dollars(micros: int) -> common_pb2.Money:
    return common_pb2.Money(currency_code="USD", micros=micros)


def _set(desk: Desk, tenant: str, period: account_pb2.BudgetPeriod, micros: int) -> account_pb2.Budget:
    request = pb.SetBudgetRequest(tenant_name=tenant, period=period, limit=_dollars(micros))
    budget: account_pb2.Budget = desk.SetBudget(request).budget
    return budget


def _bought(desk: Desk, tenant: str, **fields: Any) -> job_pb2.Job:
    request = wanted(tenant, **fields)
    request.wait.FromSeconds(30)
    job: job_pb2.Job = desk.GenerateVideo(request).job
    return job


def test_tenants_are_made_read_listed_and_changed(desk: Desk, tenant: str) -> None:
    made = desk.CreateTenant(pb.CreateTenantRequest(tenant_name=tenant, display_name="The Tenant")).tenant
    assert (made.name, made.display_name, made.state) == (tenant, "The Tenant", account_pb2.TENANT_STATE_ACTIVE)
    assert made.policy.ambiguous == account_pb2.AMBIGUOUS_POLICY_PARK
    again = refused(desk.CreateTenant, pb.CreateTenantRequest(tenant_name=tenant))
    assert (again.code, again.reason) == (grpc.StatusCode.ALREADY_EXISTS, "ALREADY_EXISTS")
    policy = account_pb2.TenantPolicy(ambiguous=account_pb2.AMBIGUOUS_POLICY_RESUBMIT, use_default_fallbacks=True)
    changed = desk.UpdateTenant(pb.UpdateTenantRequest(tenant_name=tenant, policy=policy)).tenant
    assert (changed.display_name, changed.policy) == ("The Tenant", policy)
    assert desk.GetTenant(pb.GetTenantRequest(tenant_name=tenant)).tenant == changed
    for name in (f"{tenant}-a", f"{tenant}-b"):
        desk.CreateTenant(pb.CreateTenantRequest(tenant_name=name))
    names, token = [], ""
    while True:
        page = desk.ListTenants(pb.ListTenantsRequest(page_size=1, page_token=token))
        names += [each.name for each in page.tenants]
        token = page.next_page_token
        if not token:
            break
    assert names == sorted(names)
    assert {tenant, f"{tenant}-a", f"{tenant}-b"} <= set(names)


def test_a_tenant_may_choose_the_models_own_fallbacks(desk: Desk, tenant: str) -> None:
    before = desk.QuoteVideo(video.QuoteVideoRequest(request=wanted(tenant, model=WITH_FALLBACK, duration=5)))
    policy = account_pb2.TenantPolicy(use_default_fallbacks=True)
    desk.CreateTenant(pb.CreateTenantRequest(tenant_name=tenant, policy=policy))
    after = desk.QuoteVideo(video.QuoteVideoRequest(request=wanted(tenant, model=WITH_FALLBACK, duration=5)))
    assert after.quote.expected == before.quote.expected
    assert after.quote.held_max.micros > before.quote.held_max.micros


def test_a_suspended_tenant_is_told_so(desk: Desk, tenant: str) -> None:
    assert _bought(desk, tenant).state == job_pb2.JOB_STATE_SUCCEEDED
    desk.UpdateTenant(pb.UpdateTenantRequest(tenant_name=tenant, state=account_pb2.TENANT_STATE_SUSPENDED))
    answer = refused(desk.GenerateVideo, wanted(tenant))
    assert (answer.code, answer.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "TENANT_SUSPENDED")
    upload = refused(desk.UploadAsset, stream(tenant, image()))
    assert (upload.code, upload.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "TENANT_SUSPENDED")
    assert len(desk.ListJobs(video.ListJobsRequest(tenant_name=tenant)).jobs) == 1
    desk.UpdateTenant(pb.UpdateTenantRequest(tenant_name=tenant, state=account_pb2.TENANT_STATE_ACTIVE))
    assert desk.GenerateVideo(wanted(tenant)).job.id


def test_a_deleted_tenant_keeps_its_money_and_its_name(desk: Desk, tenant: str) -> None:
    job = _bought(desk, tenant)
    assert desk.DeleteTenant(pb.DeleteTenantRequest(tenant_name=tenant)).tenant.state in (
        account_pb2.TENANT_STATE_DELETING,
        account_pb2.TENANT_STATE_DELETED,
    )
    read = pb.GetTenantRequest(tenant_name=tenant)
    while desk.GetTenant(read).tenant.state != account_pb2.TENANT_STATE_DELETED:
        time.sleep(0.05)
    assert desk.GetTenant(read).tenant.HasField("delete_time")
    assert desk.GetJob(video.GetJobRequest(tenant_name=tenant, job_id=job.id)).job.cost == job.cost
    assert len(desk.ListLedgerEntries(pb.ListLedgerEntriesRequest(tenant_name=tenant)).entries) >= 2
    active = pb.UpdateTenantRequest(tenant_name=tenant, state=account_pb2.TENANT_STATE_ACTIVE)
    for call, request in ((desk.GenerateVideo, wanted(tenant)), (desk.UpdateTenant, active)):
        answer = refused(call, request)
        assert (answer.code, answer.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "TENANT_SUSPENDED")
    assert refused(desk.CreateTenant, pb.CreateTenantRequest(tenant_name=tenant)).reason == "ALREADY_EXISTS"
    gone = pb.UpdateTenantRequest(tenant_name=tenant, state=account_pb2.TENANT_STATE_DELETED)
    assert refused(desk.UpdateTenant, gone).fields == ("state",)
    assert refused(desk.DeleteTenant, pb.DeleteTenantRequest(tenant_name=f"{tenant}-b")).reason == "NOT_FOUND"


def test_what_is_not_there_is_not_found(desk: Desk, tenant: str) -> None:
    calls = [
        (desk.GetTenant, pb.GetTenantRequest(tenant_name=tenant)),
        (desk.UpdateTenant, pb.UpdateTenantRequest(tenant_name=tenant, display_name="x")),
        (desk.GetBudget, pb.GetBudgetRequest(tenant_name=tenant, period=DAY)),
        (desk.DeleteBudget, pb.DeleteBudgetRequest(tenant_name=tenant, period=DAY)),
    ]
    for call, request in calls:
        answer = refused(call, request)
        assert (answer.code, answer.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
        assert "ResourceInfo" in answer.kinds


@pytest.mark.parametrize(
    ("rpc", "request_", "fields"),
    [
        ("CreateTenant", pb.CreateTenantRequest(display_name="x" * 201), ("tenant_name", "display_name")),
        ("UpdateTenant", pb.UpdateTenantRequest(tenant_name="acme"), ("display_name",)),
        ("SetBudget", pb.SetBudgetRequest(), ("tenant_name", "period", "limit")),
        (
            "SetBudget",
            pb.SetBudgetRequest(tenant_name="acme", period=DAY, limit=common_pb2.Money(currency_code="XTS", micros=1)),
            ("limit.currency_code",),
        ),
        ("SetBudget", pb.SetBudgetRequest(tenant_name="acme", period=DAY, limit=_dollars(-1)), ("limit.micros",)),
        ("GetUsage", pb.GetUsageRequest(group_by=["USAGE_DIMENSION_DAY", "USAGE_DIMENSION_DAY"]), ("group_by",)),
        (
            "GetUsage",
            pb.GetUsageRequest(group_by=[NONE, BEYOND], tenant_name="A"),
            ("tenant_name", "group_by", "group_by"),
        ),
        ("ListLedgerEntries", pb.ListLedgerEntriesRequest(job_id="x", kinds=[BEYOND]), ("kinds", "job_id")),
        ("ListAuditEntries", pb.ListAuditEntriesRequest(page_size=-1), ("page_size",)),
        ("ListParkedClips", pb.ListParkedClipsRequest(page_token="AAAA"), ("page_token",)),
    ],
)
def test_bad_requests_name_every_field(desk: Desk, rpc: str, request_: Any, fields: tuple[str, ...]) -> None:
    answer = refused(getattr(desk, rpc), request_)
    assert (answer.code, answer.fields) == (grpc.StatusCode.INVALID_ARGUMENT, fields)


def test_two_hundred_calls_each_worth_a_third_of_the_budget_are_three(desk: Desk, tenant: str) -> None:
    limit = PRICE * 10 // 3
    set_ = _set(desk, tenant, DAY, limit)
    assert (set_.limit, set_.available, set_.spent.micros) == (_dollars(limit), _dollars(limit), 0)
    assert set_.renew_time.seconds - set_.start_time.seconds == 86_400
    _set(desk, tenant, TOTAL, limit * 100)

    def call(number: int) -> Any:
        try:
            return desk.GenerateVideo(wanted(tenant, request_id=f"r{number}")).job.id
        except grpc.RpcError as error:
            return error

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(call, range(200)))
    taken = [answer for answer in answers if isinstance(answer, str)]
    assert len(taken) == 3
    errors = [answer for answer in answers if not isinstance(answer, str)]
    assert {read_refusal(error).reason for error in errors} == {"BUDGET_EXCEEDED"}
    assert {error.code() for error in errors} == {grpc.StatusCode.FAILED_PRECONDITION}
    status = rpc_status.from_call(errors[-1])
    assert status is not None
    quota = error_details_pb2.QuotaFailure()
    assert any(detail.Unpack(quota) for detail in status.details)
    assert quota.violations[0].subject == f"tenant:{tenant}"
    assert "the DAY budget" in quota.violations[0].description
    for job_id in taken:
        list(desk.WatchJob(video.WatchJobRequest(tenant_name=tenant, job_id=job_id)))
    found = desk.ListBudgets(pb.ListBudgetsRequest(tenant_name=tenant)).budgets
    assert [(each.period, each.spent.micros, each.held.micros) for each in found] == [
        (DAY, 3 * PRICE, 0),
        (TOTAL, 3 * PRICE, 0),
    ]
    assert not found[1].HasField("renew_time")
    _replayed(desk, tenant, limit)


def _replayed(desk: Desk, tenant: str, limit: int) -> None:
    """At every instant of the ledger what is spent and held stays within the limit."""
    entries, token = [], ""
    while True:
        page = desk.ListLedgerEntries(pb.ListLedgerEntriesRequest(tenant_name=tenant, page_size=4, page_token=token))
        entries += page.entries
        token = page.next_page_token
        if not token:
            break
    assert [entry.id for entry in entries] == sorted((entry.id for entry in entries), reverse=True)
    spent = held = 0
    for entry in reversed(entries):
        settles = entry.kind == account_pb2.LEDGER_ENTRY_KIND_SETTLE
        spent += entry.amount.micros if settles else 0
        gives = settles or entry.kind == account_pb2.LEDGER_ENTRY_KIND_RELEASE
        held += -entry.amount.micros if gives else entry.amount.micros
        assert spent + held <= limit
    assert (spent, held) == (3 * PRICE, 0)


def test_a_batch_counts_as_a_whole(desk: Desk, tenant: str) -> None:
    _set(desk, tenant, MONTH, PRICE * 3 - 1)
    members = [wanted("", creative_id=f"c{number}") for number in range(3)]
    answer = refused(desk.BatchGenerateVideos, video.BatchGenerateVideosRequest(tenant_name=tenant, requests=members))
    assert answer.reason == "BUDGET_EXCEEDED"
    assert len(desk.ListJobs(video.ListJobsRequest(tenant_name=tenant)).jobs) == 0
    desk.DeleteBudget(pb.DeleteBudgetRequest(tenant_name=tenant, period=MONTH))
    batch = video.BatchGenerateVideosRequest(tenant_name=tenant, requests=members)
    assert len(desk.BatchGenerateVideos(batch).results) == 3


def test_usage_is_summed_up_by_what_is_asked(desk: Desk, tenant: str) -> None:
    for _ in range(2):
        assert _bought(desk, tenant, creative_id="one").state == job_pb2.JOB_STATE_SUCCEEDED
    assert _bought(desk, tenant, creative_id="two", duration=5).state == job_pb2.JOB_STATE_SUCCEEDED
    dimensions = [account_pb2.USAGE_DIMENSION_CREATIVE, account_pb2.USAGE_DIMENSION_VENDOR]
    found = desk.GetUsage(pb.GetUsageRequest(tenant_name=tenant, group_by=dimensions))
    assert [(row.creative_id, row.vendor, row.clips, row.settled.micros) for row in found.rows] == [
        ("one", "runway", 2, 2 * PRICE),
        ("two", "runway", 1, 600_000),
    ]
    total = found.total
    assert (total.settled.micros, total.unknown.micros, total.held.micros) == (2 * PRICE + 600_000, 0, 0)
    assert (total.cost_ratio, total.success_rate, list(total.alarms)) == (1.0, 1.0, [])
    assert 8.5 < total.video_duration.ToMilliseconds() / 1000 < 9.5
    every = pb.GetUsageRequest(tenant_name=tenant, group_by=list(account_pb2.UsageDimension.keys())[1:])
    row = desk.GetUsage(every).rows[0]
    assert (row.model, row.tenant_name, len(row.day)) == ("runway/gen4.5", tenant, 10)
    assert desk.GetUsage(pb.GetUsageRequest(tenant_name=tenant, vendor="fal")).total.clips == 0


def test_every_change_is_written_down_with_who_made_it(desk: Desk, tenant: str) -> None:
    _set(desk, tenant, DAY, 5_000_000)
    refused(desk.CreateTenant, pb.CreateTenantRequest(tenant_name=tenant))
    verdict = video.ResolveClipRequest(
        tenant_name=tenant, clip_id="clip_00000000000000000000000000", abandon=video.AbandonVerdict(), note="no hope"
    )
    refused(desk.ResolveClip, verdict)
    entries = desk.ListAuditEntries(pb.ListAuditEntriesRequest(tenant_name=tenant)).entries
    assert [(each.action, each.target, each.outcome, each.detail) for each in entries] == [
        ("ResolveClip", "clip_00000000000000000000000000", "NOT_FOUND", "ABANDON: no hope"),
        ("CreateTenant", tenant, "ALREADY_EXISTS", ""),
        ("SetBudget", "DAY", "OK", "5.00 USD"),
    ]
    assert {each.caller for each in entries} == {CALLER}
    named = desk.ListAuditEntries(pb.ListAuditEntriesRequest(tenant_name=tenant, action="SetBudget", caller=CALLER))
    assert len(named.entries) == 1


def test_the_account_service_wants_the_key(server: Served) -> None:
    with grpc.insecure_channel(server.target) as channel:
        stub: Any = account_service_pb2_grpc.AccountServiceStub(channel)  # type: ignore[no-untyped-call] # generated code
        answer = refused(stub.ListTenants, pb.ListTenantsRequest())
    assert answer.reason == "MISSING_CREDENTIALS"


def test_the_commands_show_and_change_what_the_service_has(server: Served, desk: Desk, tenant: str) -> None:
    environment = {"FILMGATE_TARGET": server.target, "FILMGATE_TENANT": tenant, "FILMGATE_API_KEY": KEY}

    def run(*words: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, ["account", *words], env=environment | {"COLUMNS": "240"})
        assert result.exit_code == code, result.output
        return result.output

    assert "ACTIVE" in run("tenant", "--create", "--name", "Acme & Sons", "--ambiguous", "resubmit")
    assert "SUSPENDED" in run("tenant", "--suspended")
    assert "Acme & Sons" in run("tenant", "--active", "--ambiguous", "park", "--default-fallbacks")
    assert tenant in run("tenants")
    assert "0.50 USD" in run("budgets", "--set", "day=0.50", "--set", "total=9")
    assert "total" not in run("budgets", "--set", "total=off")
    for wrong in ("week=1", "day=much"):
        run("budgets", "--set", wrong, code=2)
    assert _bought(desk, tenant).state == job_pb2.JOB_STATE_SUCCEEDED
    assert "0.26 USD" in run("budgets")
    told = run("usage", "--by", "vendor", "--by", "stage")
    assert "runway" in told
    assert "0.24 USD" in told
    assert "100%" in told
    run("usage", "--by", "color", code=2)
    assert "clip" in run("parked", "--everyone")
    assert "SetBudget" in run("audit", "--action", "SetBudget")
    assert '"limit"' in run("budgets", "--json")
