"""A server killed while it erases a tenant goes on when it is started again."""

import time
from pathlib import Path

import grpc
import pytest
from filmgate.v1 import account_pb2, account_service_pb2, account_service_pb2_grpc, job_pb2, video_service_pb2

from tests.chaos.lives import Emulators, Server

POINTS = ("before-erase-objects", "after-erase-objects", "before-erase-rows", "after-erase-rows", "before-erase-end")


def _erased(server: Server) -> bool:
    """Ask for the deletion until it is done; False when the server dies of it."""
    with grpc.insecure_channel(server.target) as channel:
        accounts = account_service_pb2_grpc.AccountServiceStub(channel)  # type: ignore[no-untyped-call] # generated code
        request = account_service_pb2.DeleteTenantRequest(tenant_name="acme", force=True)
        try:
            while accounts.DeleteTenant(request, timeout=10).tenant.state != account_pb2.TENANT_STATE_DELETED:
                time.sleep(0.1)
        except grpc.RpcError:
            return False
        return True


@pytest.mark.timeout(240)
def test_an_erasure_survives_every_kill(tmp_path: Path) -> None:
    emulators = Emulators(tmp_path / "emulators", speed=300.0)
    try:
        server = Server(tmp_path, emulators.url, "http://127.0.0.1:9")
        with server.client() as client:
            request = video_service_pb2.GenerateVideoRequest(
                tenant_name="acme", creative_id="kite", prompt="a canary", model="runway/gen4.5"
            )
            request.wait.FromSeconds(30)
            assert client.GenerateVideo(request, timeout=40).job.state == job_pb2.JOB_STATE_SUCCEEDED
        server.kill()
        assert list((tmp_path / "media").rglob("*acme*"))
        for point in POINTS:
            server = Server(tmp_path, emulators.url, "http://127.0.0.1:9", point)
            assert not server.target or not _erased(server)
            assert server.died(20), point
            server.kill()
        server = Server(tmp_path, emulators.url, "http://127.0.0.1:9")
        assert _erased(server)
        server.kill()
    finally:
        emulators.stop()
    assert [path for path in (tmp_path / "media").rglob("*") if path.is_file() and "acme" in str(path)] == []
