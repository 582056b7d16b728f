"""A tenant at a hundred times its quota: another one's calls all succeed, and its clips are made."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from filmgate.v1 import job_pb2
from filmgate.v1 import video_service_pb2 as pb

from tests.conftest import serving
from tests.server.calling import Refusal, read_refusal, stub_on, wanted

EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED


class _Flood:
    """A tenant that asks again and again, from many threads, whatever it is told."""

    def __init__(self, target: str, tenant: str, callers: int = 4) -> None:
        self.accepted = 0
        self.refusals: list[Refusal] = []
        self._target = target
        self._tenant = tenant
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(callers)
        self._callers = [self._pool.submit(self._call) for _ in range(callers)]

    def _call(self) -> None:
        with grpc.insecure_channel(self._target, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            stub = stub_on(channel)
            while not self._over.is_set():
                try:
                    stub.GenerateVideo(wanted(self._tenant), timeout=20)
                    self.accepted += 1
                except grpc.RpcError as error:
                    self.refusals.append(read_refusal(error))

    def stop(self) -> None:
        """End it, and raise what was no refusal."""
        self._over.set()
        self._pool.shutdown()
        for caller in self._callers:
            caller.result()


def test_a_tenant_at_a_hundred_times_its_quota_does_not_starve_another(tmp_path: Path) -> None:
    options: dict[str, Any] = {"tenant_rate": 2.0, "tenant_burst": 10, "tenant_clips": 2, "accepts_at_once": 4}
    with serving(tmp_path, **options) as served, grpc.insecure_channel(served.target) as channel:
        stub = stub_on(channel)
        begin = time.monotonic()
        flood = _Flood(served.target, "noisy")
        try:
            end = begin + 30
            while len(flood.refusals) < 200:
                assert time.monotonic() < end
                time.sleep(0.05)
            jobs = []
            for _ in range(3):
                request = wanted("quiet")
                request.wait.seconds = 20
                jobs.append(stub.GenerateVideo(request, timeout=25).job)
        finally:
            flood.stop()
        allowed = 10 + 2.0 * (time.monotonic() - begin)
        assert [job.state for job in jobs] == [job_pb2.JOB_STATE_SUCCEEDED] * 3
        assert {(each.code, each.reason) for each in flood.refusals} <= {
            (EXHAUSTED, "TENANT_RATE_LIMITED"),
            (EXHAUSTED, "SERVER_OVERLOADED"),
        }
        assert all(each.retry_after is not None for each in flood.refusals)
        assert 10 <= flood.accepted <= allowed + 1
        stored = stub.ListJobs(pb.ListJobsRequest(tenant_name="noisy", page_size=200)).jobs
        assert len(stored) == flood.accepted
