"""The composition root: what it refuses to start with, and what lasts from one start to the next."""

from pathlib import Path
from typing import Any

import grpc
import pytest
from filmgate.v1 import video_service_pb2 as pb
from filmgate.v1 import video_service_pb2_grpc

from core.errors import StorageFailed
from server import settings
from server.app import Application, CannotStart
from tests.server.calling import wanted


def chosen(data_dir: Path, **overrides: object) -> settings.Settings:
    """Settings on free ports."""
    return settings.load({}, data_dir=data_dir, grpc_port=0, http_port=0, **overrides)


async def test_the_ready_line_names_both_ports(application: Application) -> None:
    line = application.ready_line
    assert line == f"filmgate ready grpc=127.0.0.1:{application.grpc_port} http=127.0.0.1:{application.http_port}"
    assert 0 not in (application.grpc_port, application.http_port)


async def test_a_drain_refuses_new_calls_on_open_connections(application: Application) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{application.grpc_port}") as channel:
        stub: Any = video_service_pb2_grpc.VideoServiceStub(channel)  # type: ignore[no-untyped-call] # generated code
        await stub.GenerateVideo(wanted("acme"))
        application.jobs.draining.set()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.GetJob(pb.GetJobRequest())
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert (await application.jobs.ready())["engine"] == "draining"


@pytest.mark.parametrize(
    ("public", "told"), [("http://localhost:9", "http://localhost:9"), ("https://films.example.com", "")]
)
async def test_emulators_call_what_stands_before_the_replicas_of_this_machine(
    tmp_path: Path, public: str, told: str
) -> None:
    running = Application(chosen(tmp_path, mock="always", public_url=public))
    await running.start()
    assert running.jobs.context.loopback_url == (told or f"http://127.0.0.1:{running.http_port}")
    await running.stop()


async def test_what_is_signed_lasts_over_a_restart(tmp_path: Path) -> None:
    ports = []
    tokens = []
    for _ in range(2):
        running = Application(chosen(tmp_path))
        await running.start()
        secret = (tmp_path / "installation.secret").read_bytes()
        tokens.append(secret)
        ports.append(running.emulator_url)
        await running.stop()
    assert tokens[0] == tokens[1]
    assert ports[0] == ports[1]
    assert (tmp_path / "installation.secret").stat().st_mode & 0o777 == 0o600


async def test_an_emulator_that_runs_elsewhere_is_used(tmp_path: Path) -> None:
    elsewhere = "http://127.0.0.1:9"
    running = Application(chosen(tmp_path, emulator_url=elsewhere))
    await running.start()
    assert running.emulator_url == elsewhere
    await running.stop()
    assert not (tmp_path / "emulators").exists()


async def test_a_data_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(CannotStart, match="data folder"):
        await Application(chosen(blocked / "below")).start()


async def test_a_store_that_does_not_answer_is_told(tmp_path: Path) -> None:
    address = {"s3_bucket": "films", "s3_endpoint_url": "http://127.0.0.1:9"}
    keys = {"aws_access_key_id": "planted-id", "aws_secret_access_key": "planted-secret"}
    with pytest.raises(CannotStart, match="object store") as caught:
        await Application(chosen(tmp_path, **address, **keys)).start()
    assert "planted" not in str(caught.value)
    assert not isinstance(caught.value, StorageFailed)


async def test_a_database_that_does_not_answer_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="database") as caught:
        await Application(chosen(tmp_path, database_url="postgresql://u:planted@127.0.0.1:9/d")).start()
    assert "planted" not in str(caught.value)
