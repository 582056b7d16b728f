"""What both stores promise, asked of both: the disk, and a real S3 service."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.errors import StorageFailed
from storage.disk import DiskStore
from storage.metadata import video_metadata
from storage.s3 import S3Store
from storage.store import ObjectExists, ObjectMissing, ObjectStore, StoredObject

if TYPE_CHECKING:
    from tests.storage.conftest import MakeFile, Service

DATA = bytes(range(256)) * 5000
HOUR = timedelta(hours=1)


async def joined(parts: AsyncIterator[bytes]) -> bytes:
    return b"".join([part async for part in parts])


async def put(store: ObjectStore, key: str, data: bytes = b"data") -> StoredObject:
    return await store.put_bytes(key, data, content_type="image/jpeg", metadata={})


async def test_a_file_comes_back_with_all_its_facts(store: ObjectStore, space: str, make_file: "MakeFile") -> None:
    path, sha256 = make_file(DATA)
    metadata = video_metadata(
        tenant="acme",
        creative_id="Hero_1.a",
        iteration=7,
        original_url="https://user:pass@cdn.example/ä b%20c.mp4?X-Amz-Signature=abc#x",
        upload_time=datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC),
    )
    before = datetime.now(UTC) - timedelta(seconds=2)
    stored = await store.put_file(
        f"{space}/a b+c&d=é.mp4", path, content_type="video/mp4", metadata=metadata, sha256=sha256
    )
    assert stored == await store.head(f"{space}/a b+c&d=é.mp4")
    assert (stored.size, stored.sha256, stored.content_type) == (len(DATA), sha256, "video/mp4")
    assert stored.metadata == {
        "tenant": "acme",
        "creative_id": "Hero_1.a",
        "iteration": "7",
        "original_url": "https://cdn.example/ä b%20c.mp4",
        "upload_time": "2026-11-21T03:04:05+00:00",
    }
    assert before <= stored.modified <= datetime.now(UTC) + timedelta(seconds=2)
    assert stored.etag.startswith('"')
    assert path.read_bytes() == DATA


@pytest.mark.parametrize(
    ("start", "end"), [(0, None), (0, 1), (5, 5), (100, 1_100_000), (len(DATA) - 1, None), (10, 10**9)]
)
async def test_any_range_can_be_read(store: ObjectStore, space: str, start: int, end: int | None) -> None:
    await put(store, f"{space}/x", DATA)
    parts = [part async for part in store.open_range(f"{space}/x", start, end)]
    assert b"".join(parts) == DATA[start:end]
    assert max(map(len, parts), default=0) <= 1 << 20


async def test_an_empty_object_is_an_object(store: ObjectStore, space: str) -> None:
    stored = await put(store, f"{space}/empty", b"")
    assert stored.size == 0
    assert await joined(store.open_range(f"{space}/empty")) == b""


async def test_reading_may_stop_anywhere(store: ObjectStore, space: str) -> None:
    await put(store, f"{space}/x", DATA * 3)
    parts = store.open_range(f"{space}/x")
    assert await anext(parts)
    await parts.aclose()  # type: ignore[attr-defined]  # every store makes it an asynchronous generator
    assert await joined(store.open_range(f"{space}/x", 0, 3)) == DATA[:3]


async def test_the_same_again_is_a_success_and_changes_nothing(
    store: ObjectStore, space: str, make_file: "MakeFile"
) -> None:
    path, sha256 = make_file(DATA)
    first = await store.put_file(f"{space}/x", path, content_type="video/mp4", metadata={"n": "1"}, sha256=sha256)
    again = await store.put_file(f"{space}/x", path, content_type="video/mp4", metadata={"n": "2"}, sha256=sha256)
    assert again == first


async def test_other_bytes_never_replace_what_is_there(store: ObjectStore, space: str, make_file: "MakeFile") -> None:
    await put(store, f"{space}/x", b"first")
    path, sha256 = make_file(b"other")
    with pytest.raises(ObjectExists) as caught:
        await store.put_file(f"{space}/x", path, content_type="video/mp4", metadata={}, sha256=sha256)
    assert caught.value.ambiguous is False
    with pytest.raises(ObjectExists):
        await put(store, f"{space}/x", b"third")
    assert await joined(store.open_range(f"{space}/x")) == b"first"


async def test_overwriting_is_possible_when_asked_for(store: ObjectStore, space: str) -> None:
    await put(store, f"{space}/x", b"first")
    for data, note in [(b"second", "a"), (b"second", "b")]:
        stored = await store.put_bytes(
            f"{space}/x", data, content_type="image/png", metadata={"note": note}, overwrite=True
        )
        assert (stored.content_type, stored.metadata) == ("image/png", {"note": note})
    assert await joined(store.open_range(f"{space}/x")) == b"second"


async def test_a_file_that_is_not_what_was_said_is_not_stored(
    store: ObjectStore, space: str, make_file: "MakeFile"
) -> None:
    path, _ = make_file(DATA)
    with pytest.raises(StorageFailed, match="SHA-256"):
        await store.put_file(
            f"{space}/x", path, content_type="video/mp4", metadata={}, sha256=hashlib.sha256(b"").hexdigest()
        )
    assert await store.head(f"{space}/x") is None


async def test_a_local_file_that_is_gone_is_a_storage_failure(store: ObjectStore, space: str, tmp_path: Path) -> None:
    with pytest.raises(StorageFailed) as caught:
        await store.put_file(f"{space}/x", tmp_path / "gone", content_type="video/mp4", metadata={}, sha256="0" * 64)
    assert str(tmp_path) not in str(caught.value)


async def test_deleting_twice_is_deleting_once(store: ObjectStore, space: str) -> None:
    await put(store, f"{space}/x")
    await put(store, f"{space}/y")
    await store.delete([f"{space}/x", f"{space}/never"])
    await store.delete([f"{space}/x"])
    await store.delete([])
    assert await store.head(f"{space}/x") is None
    assert await store.head(f"{space}/y") is not None
    with pytest.raises(ObjectMissing):
        await joined(store.open_range(f"{space}/x"))


async def test_a_deleted_key_can_be_used_again(store: ObjectStore, space: str) -> None:
    await put(store, f"{space}/x", b"first")
    await store.delete([f"{space}/x"])
    await put(store, f"{space}/x", b"other")
    assert await joined(store.open_range(f"{space}/x")) == b"other"


async def test_a_listing_is_in_key_order_and_can_be_continued(store: ObjectStore, space: str) -> None:
    names = ["a", "a-b", "a.b/c", "a/b", "a/c/d", "a0", "b", "é"]
    await asyncio.gather(*(put(store, f"{space}/{name}", name.encode()) for name in names))
    await put(store, f"{space}2/other-tenant")
    keys = [f"{space}/{name}" for name in sorted(names)]
    everything = await store.list(f"{space}/")
    assert [(line.key, line.size) for line in everything] == [
        (key, len(key.removeprefix(f"{space}/").encode())) for key in keys
    ]
    assert [line.key for line in await store.list(f"{space}/a/")] == [f"{space}/a/b", f"{space}/a/c/d"]
    page: tuple[str, ...] = ()
    for _ in keys:
        found = await store.list(f"{space}/", limit=1, start_after=page[-1] if page else None)
        page += tuple(line.key for line in found)
    assert list(page) == keys
    assert await store.list(f"{space}/", start_after=keys[-1]) == ()
    assert await store.list(f"{space}/nothing") == ()


async def test_a_long_listing_is_cut_at_the_limit(store: ObjectStore, space: str) -> None:
    await asyncio.gather(*(put(store, f"{space}/{number:03d}", b"") for number in range(30)))
    assert len(await store.list(f"{space}/", limit=25)) == 25
    assert len(await store.list(f"{space}/")) == 30


@pytest.mark.parametrize("key", ["", "/a", "a/../b", "a\\b", "a%2fb", "a\0b", "a//b", "a/", "a\nb", "k" * 1025])
async def test_every_operation_refuses_a_bad_key(store: ObjectStore, make_file: "MakeFile", key: str) -> None:
    path, sha256 = make_file(b"data")
    with pytest.raises(ValueError, match="key"):
        await store.put_file(key, path, content_type="video/mp4", metadata={}, sha256=sha256)
    with pytest.raises(ValueError, match="key"):
        await put(store, key)
    with pytest.raises(ValueError, match="key"):
        await store.head(key)
    with pytest.raises(ValueError, match="key"):
        await joined(store.open_range(key))
    with pytest.raises(ValueError, match="key"):
        await store.delete(["good", key])
    with pytest.raises(ValueError, match="key"):
        await store.presign(key, HOUR)
    if key not in {"", "a/"}:
        with pytest.raises(ValueError, match="key"):
            await store.list(key)
    if key:
        with pytest.raises(ValueError, match="key"):
            await store.list("", start_after=key)


async def test_a_store_that_works_says_so(store: ObjectStore) -> None:
    await store.check()


async def test_a_store_that_cannot_work_says_why(service: "Service", tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    stores = [
        DiskStore(tmp_path / "file" / "media", secret=bytes(32), public_base_url=""),
        S3Store(service.options(bucket="no-such-bucket")),
        S3Store(service.options(secret_access_key="wrong")),
    ]
    for store, text in zip(stores, ["Not a directory", "404", "403"], strict=True):
        with pytest.raises(StorageFailed, match=text):
            await store.check()
        await store.close()


async def test_the_default_executor_is_left_to_the_engine(store: ObjectStore, space: str) -> None:
    closed = ThreadPoolExecutor(1)
    closed.shutdown()
    asyncio.get_running_loop().set_default_executor(closed)  # whoever used it would be told
    await put(store, f"{space}/x", DATA)
    assert await joined(store.open_range(f"{space}/x")) == DATA
    await store.list(f"{space}/")
    await store.presign(f"{space}/x", HOUR)
    await store.delete([f"{space}/x"])
