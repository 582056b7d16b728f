"""A 200 MiB file passes through either store in little memory."""

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.storage.conftest import Service

SIZE = 200 << 20
ALLOWED_MIB = 64
CHILD = """
import asyncio, hashlib, sys, threading
from pathlib import Path
import psutil
from storage.disk import DiskStore
from storage.s3 import S3Store
from storage.s3_options import S3Options

class Peak(threading.Thread):
    def __init__(self):
        super().__init__(daemon=True)
        self.process, self.done = psutil.Process(), threading.Event()
        self.highest = 0
        self.start()

    def run(self):
        while not self.done.wait(0.005):
            self.highest = max(self.highest, self.process.memory_info().rss)

async def measure(store, key, path):
    await store.put_bytes(key + "-warm", b"warm", content_type="video/mp4", metadata={})
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    before, peak = psutil.Process().memory_info().rss, Peak()
    stored = await store.put_file(key, path, content_type="video/mp4", metadata={}, sha256=sha256)
    assert stored.size == path.stat().st_size
    size = 0
    async for part in store.open_range(key):
        size += len(part)
    assert size == stored.size
    peak.done.set()
    peak.join()
    await store.delete([key])
    await store.close()
    print((peak.highest - before) >> 20)

kind, path, key, *rest = sys.argv[1:]
if kind == "disk":
    store = DiskStore(Path(rest[0]), secret=bytes(32), public_base_url="")
else:
    endpoint, access_key, secret_key = rest
    store = S3Store(S3Options(
        bucket="filmgate", endpoint_url=endpoint, access_key_id=access_key, secret_access_key=secret_key))
asyncio.run(measure(store, key, Path(path)))
"""


def growth(tmp_path: Path, kind: str, key: str, *rest: str) -> int:
    """MiB by which a process grew at most while storing and reading back the file."""
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(SIZE)
    command = [sys.executable, "-c", CHILD, kind, str(path), key, *rest]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def test_the_disk_store_needs_little_memory(tmp_path: Path, space: str) -> None:
    assert growth(tmp_path, "disk", f"{space}/large.mp4", str(tmp_path / "media")) < ALLOWED_MIB


def test_the_s3_store_needs_little_memory(tmp_path: Path, space: str, service: "Service") -> None:
    address = (service.endpoint, service.access_key, service.secret_key)
    assert growth(tmp_path, "s3", f"{space}/large.mp4", *address) < ALLOWED_MIB
