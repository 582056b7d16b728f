"""The disk store under races, crashes, damage and a full disk."""

import asyncio
import hashlib
import json
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.errors import StorageFailed
from storage.disk import DiskStore
from storage.store import ObjectExists, ObjectMissing, StoredObject

if TYPE_CHECKING:
    from tests.storage.conftest import Clock, MakeFile

KEY = "videos/acme/20261121_101010-hero-001.mp4"
POINTS = ["disk-after-data", "disk-before-record", "disk-after-record"]
CHILD = """
import asyncio, sys
from pathlib import Path
from core import crashpoints
from storage.disk import DiskStore

async def main(root, key, data, overwrite):
    store = DiskStore(Path(root), secret=bytes(32), public_base_url="")
    await store.put_bytes(key, data.encode(), content_type="video/mp4", metadata={}, overwrite=bool(overwrite))

crashpoints.arm(sys.argv[1])
asyncio.run(main(*sys.argv[2:]))
"""


async def put(store: DiskStore, data: bytes, *, overwrite: bool = False) -> StoredObject:
    return await store.put_bytes(KEY, data, content_type="video/mp4", metadata={}, overwrite=overwrite)


async def content(store: DiskStore) -> bytes:
    return b"".join([part async for part in store.open_range(KEY)])


def die_at(point: str, root: Path, data: str, overwrite: str = "") -> None:
    """Let another process store something and be killed on the way."""
    command = [sys.executable, "-c", CHILD, point, str(root), KEY, data, overwrite]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


async def test_of_twenty_racers_exactly_one_wins(disk: DiskStore, tmp_path: Path, make_file: "MakeFile") -> None:
    racers = [make_file(f"racer {number}".encode() * 1000) for number in range(20)]
    results = await asyncio.gather(
        *(
            disk.put_file(KEY, path, content_type="video/mp4", metadata={"racer": path.name}, sha256=sha256)
            for path, sha256 in racers
        ),
        return_exceptions=True,
    )
    winners = [result for result in results if isinstance(result, StoredObject)]
    assert len(winners) == 1
    assert sum(isinstance(result, ObjectExists) for result in results) == 19
    assert await disk.head(KEY) == winners[0]
    data = await content(disk)
    assert hashlib.sha256(data).hexdigest() == winners[0].sha256
    assert (tmp_path / winners[0].metadata["racer"]).read_bytes() == data
    assert len(files(tmp_path / "media")) == 2


async def test_of_twenty_equal_racers_all_succeed(disk: DiskStore, tmp_path: Path) -> None:
    results = await asyncio.gather(*(put(disk, b"the same") for _ in range(20)))
    assert len({result.sha256 for result in results}) == 1
    assert len(files(tmp_path / "media")) == 2


async def test_overwriters_and_readers_do_not_disturb_each_other(disk: DiskStore) -> None:
    versions = [bytes([number]) * 300_000 for number in range(8)]
    await put(disk, versions[0])

    async def read() -> bytes:
        return await content(disk)

    writers = [put(disk, version, overwrite=True) for version in versions]
    results = await asyncio.gather(*writers, *(read() for _ in range(40)))
    assert {result for result in results if isinstance(result, bytes)} <= set(versions)


@pytest.mark.parametrize("point", POINTS[:2])
async def test_a_crash_before_the_record_leaves_no_object(
    disk: DiskStore, tmp_path: Path, clock: "Clock", point: str
) -> None:
    die_at(point, tmp_path / "media", "lost")
    assert await disk.head(KEY) is None
    assert await disk.list() == ()
    with pytest.raises(ObjectMissing):
        await content(disk)
    assert await disk.sweep("", timedelta(hours=1)) == 0
    await put(disk, b"second")
    assert await content(disk) == b"second"
    clock.advance(hours=2)
    assert await disk.sweep("videos/other", timedelta(hours=1)) == 0
    left_over = len(files(tmp_path / "media")) - 2
    assert left_over > 0
    assert await disk.sweep("videos/acme/", timedelta(hours=1)) == left_over
    assert len(files(tmp_path / "media")) == 2
    assert await content(disk) == b"second"


async def test_a_crash_after_the_record_leaves_the_whole_object(disk: DiskStore, tmp_path: Path) -> None:
    die_at(POINTS[2], tmp_path / "media", "kept")
    assert await content(disk) == b"kept"
    assert (await put(disk, b"kept")).size == 4


@pytest.mark.parametrize(("point", "kept"), list(zip(POINTS, [b"old", b"old", b"new"], strict=True)))
async def test_a_crash_while_overwriting_leaves_one_of_the_two(
    disk: DiskStore, tmp_path: Path, clock: "Clock", point: str, kept: bytes
) -> None:
    await put(disk, b"old")
    die_at(point, tmp_path / "media", "new", "yes")
    stored = await disk.head(KEY)
    assert stored is not None
    assert stored.sha256 == hashlib.sha256(kept).hexdigest()
    clock.advance(hours=2)
    assert await disk.sweep("", timedelta(hours=1)) >= 1
    assert await content(disk) == kept
    assert len(files(tmp_path / "media")) == 2


async def test_deleting_leaves_no_files(disk: DiskStore, tmp_path: Path) -> None:
    await put(disk, b"data")
    await disk.delete([KEY])
    assert files(tmp_path / "media") == []


async def test_the_data_lies_open_under_a_name_people_can_read(disk: DiskStore, tmp_path: Path) -> None:
    await put(disk, b"data")
    (data,) = files(tmp_path / "media" / "files")
    assert data.parent == tmp_path / "media" / "files" / "videos" / "acme"
    assert data.name.startswith("20261121_101010-hero-001%")
    assert data.suffix == ".mp4"
    assert (tmp_path / "media").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"key": 1}',
        json.dumps(
            {
                "key": KEY,
                "file": "../../../../secret",
                "size": 6,
                "sha256": "",
                "content_type": "",
                "metadata": {},
                "modified": "2026-01-01T00:00:00+00:00",
            }
        ).encode(),
    ],
)
async def test_a_damaged_record_is_an_error_and_leads_nowhere(disk: DiskStore, tmp_path: Path, record: bytes) -> None:
    (tmp_path / "secret").write_text("secret")
    await put(disk, b"data")
    (path,) = files(tmp_path / "media" / "index")
    path.write_bytes(record)
    with pytest.raises(StorageFailed, match="damaged"):
        await disk.head(KEY)
    with pytest.raises(StorageFailed, match="damaged"):
        await content(disk)


async def test_data_that_ends_early_is_an_error(disk: DiskStore, tmp_path: Path) -> None:
    await put(disk, b"data")
    (data,) = files(tmp_path / "media" / "files")
    data.write_bytes(b"da")
    with pytest.raises(StorageFailed, match="ends early"):
        await content(disk)


async def test_data_that_is_a_link_is_not_followed(disk: DiskStore, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("data")
    await put(disk, b"data")
    (data,) = files(tmp_path / "media" / "files")
    data.unlink()
    data.symlink_to(tmp_path / "secret")
    with pytest.raises(StorageFailed):
        await content(disk)


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    script = CHILD.replace(
        "crashpoints.arm(sys.argv[1])",
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))",
    )
    command = [sys.executable, "-c", script, "", str(tmp_path / "media"), KEY, "x" * 2000, ""]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert "StorageFailed: the disk store: File too large" in result.stderr
    assert files(tmp_path / "media") == []


async def test_several_stores_share_one_directory(disk: DiskStore, tmp_path: Path) -> None:
    other = DiskStore(tmp_path / "media", secret=bytes(32), public_base_url="")
    await put(disk, b"data")
    assert await content(other) == b"data"
    with pytest.raises(ObjectExists):
        await put(other, b"other")
    await other.close()
