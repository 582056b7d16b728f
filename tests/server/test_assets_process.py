"""Uploads to a real process: in little memory, and cut by its end with a word."""

import queue
from pathlib import Path
from typing import Any

import grpc
from filmgate.v1 import video_service_pb2 as pb

from tests.server.calling import read_refusal, stub_on
from tests.server.test_draining import process
from tests.server.uploading import clip, padded, stream, upload

SIZE = 64 << 20
ALLOWED_KIB = 24 << 10


def peak(process_id: int) -> int:
    """The most memory the process ever had, in KiB."""
    text = Path(f"/proc/{process_id}/status").read_text(encoding="ascii")
    return int(text.split("VmHWM:")[1].split()[0])


def test_sixty_four_mebibytes_pass_through_little_memory(tmp_path: Path) -> None:
    with process(tmp_path / "data") as running, grpc.insecure_channel(running.target) as channel:
        stub = stub_on(channel)
        upload(stub, "acme", padded(clip(), 4 << 20))
        before = peak(running.process.pid)
        asset = upload(stub, "acme", padded(clip(), SIZE), chunk=1 << 20)
        assert (asset.size, asset.mime_type) == (SIZE, "video/mp4")
        assert peak(running.process.pid) - before < ALLOWED_KIB


def test_the_end_of_the_process_is_told_to_who_uploads(tmp_path: Path) -> None:
    feed: queue.SimpleQueue[pb.UploadAssetRequest | None] = queue.SimpleQueue()
    folder = tmp_path / "data" / "tmp"
    with process(tmp_path / "data") as running, grpc.insecure_channel(running.target) as channel:
        stub: Any = stub_on(channel)
        call = stub.UploadAsset.future(iter(feed.get, None), timeout=60)
        for message in stream("acme", clip()):
            feed.put(message)
        while not list(folder.iterdir()):
            pass
        status, seconds = running.end(30)
        feed.put(None)
        refusal = read_refusal(call.exception())
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
    assert (status, seconds < 15, list(folder.iterdir())) == (0, True, [])
