"""SIGTERM: a real process refuses, finishes, leaves with 0; a second signal ends it at once; then it goes on."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from filmgate.v1 import job_pb2
from filmgate.v1 import video_service_pb2 as pb
from google.protobuf.duration_pb2 import Duration

from server import settings
from tests.server.calling import Refusal, read_refusal, stub_on, wanted


class Process:
    """`filmgate serve` as its users start it."""

    def __init__(self, data_dir: Path, *options: str) -> None:
        command = [sys.executable, "-m", "server.cli", "serve", f"--data-dir={data_dir}", "--mock=always"]
        command += ["--grpc-port=0", "--http-port=0", *options]
        self.log = data_dir.with_suffix(".log")
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, env=settings.for_child()
            )
        assert self.process.stdout is not None
        self.ready = self.process.stdout.readline().strip()

    @property
    def target(self) -> str:
        """Of gRPC."""
        return self.ready.split("grpc=")[1].split()[0]

    def end(self, seconds: float, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Signal it; the exit status and the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(seconds), time.monotonic() - began


@contextlib.contextmanager
def process(data_dir: Path, *options: str) -> Iterator[Process]:
    """A server that is gone when the block ends."""
    started = Process(data_dir, *options)
    try:
        assert started.ready.startswith("filmgate ready grpc=127.0.0.1:"), started.log.read_text()
        yield started
    finally:
        started.process.kill()
        started.process.wait(10)
        assert started.process.stdout is not None
        started.process.stdout.close()


def _ended(call: Any) -> Refusal | str:
    """How a stream ended."""
    try:
        list(call)
    except grpc.RpcError as error:
        return read_refusal(error)
    return "ended well"


def test_sigterm_ends_waits_and_streams_and_the_next_start_goes_on(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with process(data_dir, "--emulator-speed=1") as first, grpc.insecure_channel(first.target) as channel:
        stub = stub_on(channel)
        job_id = stub.GenerateVideo(wanted("acme")).job.id
        with ThreadPoolExecutor(2) as threads:
            watching = stub.WatchJob(pb.WatchJobRequest(tenant_name="acme", job_id=job_id), timeout=60)
            assert next(watching).event.seq == 1
            stream = threads.submit(_ended, watching)
            waiting = wanted("acme", wait=Duration(seconds=60), request_id="same")
            answer = threads.submit(lambda: stub.GenerateVideo(waiting, timeout=60))
            while not stub.ListJobs(pb.ListJobsRequest(tenant_name="acme")).jobs[0].request_id:
                pass
            status, seconds = first.end(30)
            assert (status, seconds < 15) == (0, True), first.log.read_text()
            ended = stream.result()
            assert isinstance(ended, Refusal)
            assert (ended.code, ended.reason, ended.retry_after) == (
                grpc.StatusCode.UNAVAILABLE,
                "SHUTTING_DOWN",
                1.0,
            )
            job = answer.result().job
            assert job.state in (job_pb2.JOB_STATE_QUEUED, job_pb2.JOB_STATE_RUNNING)
    with process(data_dir, "--emulator-speed=1000") as second, grpc.insecure_channel(second.target) as channel:
        stub = stub_on(channel)
        for name in (job_id, job.id):
            request = pb.WatchJobRequest(tenant_name="acme", job_id=name)
            last = list(stub.WatchJob(request, timeout=60))[-1].event
            assert last.job_state == job_pb2.JOB_STATE_SUCCEEDED
        repeated = stub.GenerateVideo(waiting)
        assert repeated.job.id == job.id
        assert all(len(clip.attempts) == 1 for clip in repeated.job.clips)


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    with process(tmp_path / "data") as running, grpc.insecure_channel(running.target) as channel:
        stub_on(channel).ListVideoModels(pb.ListVideoModelsRequest())
        running.process.send_signal(signal.SIGTERM)
        assert running.end(2)[1] < 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_idle_server_leaves_quickly(tmp_path: Path, number: int) -> None:
    with process(tmp_path / "data") as running:
        status, seconds = running.end(10, number)
    assert (status, seconds < 5) == (0, True)


def test_one_process_per_data_folder(tmp_path: Path) -> None:
    with process(tmp_path / "data"):
        second = Process(tmp_path / "data")
        assert second.process.wait(20) == 3
        assert second.ready == ""
        assert "another filmgate process" in second.log.read_text()
        assert second.process.stdout is not None
        second.process.stdout.close()


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with process(tmp_path / "one") as running:
        port = running.target.rpartition(":")[2]
        second = Process(tmp_path / "two", f"--grpc-port={port}")
        assert second.process.wait(20) == 3
        assert f"gRPC cannot listen on 127.0.0.1:{port}" in second.log.read_text()
        assert second.process.stdout is not None
        second.process.stdout.close()
