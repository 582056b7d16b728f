"""A file on its way in: slow, endless or cut streams end soon, and say why."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from core.errors import InvalidRequest, Reason, Unavailable
from jobs.uploads import AssetKind, Declared, Received, receive

PNG = b"\x89PNG\r\n\x1a\n" + bytes(56)
MP4 = b"\x00\x00\x00\x18ftypmp42" + bytes(52)
MEBIBYTE = bytes(1 << 20)


async def coming(parts: Iterable[bytes], told: asyncio.Event | None = None) -> AsyncIterator[bytes]:
    """These parts; then, once somebody is told so, nothing for ever."""
    for part in parts:
        yield part
    if told is not None:
        told.set()
        await asyncio.Event().wait()


async def taken(parts: AsyncIterator[bytes], path: Path, draining: asyncio.Event | None = None) -> Received:
    """The file, with nothing said of it."""
    return await receive(Declared(tenant="acme"), parts, path, draining or asyncio.Event())


async def test_nothing_for_a_while_is_too_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.uploads.IDLE_SECONDS", 0.05)  # only how long: what it does then stays the same
    with pytest.raises(InvalidRequest, match="too slowly") as caught:
        await taken(coming([PNG], asyncio.Event()), tmp_path / "file")
    assert [violation.field for violation in caught.value.violations] == ["chunk"]


async def test_a_trickle_is_too_slow_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.uploads.LONGEST_SECONDS", 0.1)  # only how long
    with pytest.raises(InvalidRequest, match="too slowly"):
        await taken(coming(itertools.chain([MP4], itertools.repeat(b"x"))), tmp_path / "file")


async def test_what_comes_steadily_is_not_too_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.uploads.IDLE_SECONDS", 0.2)  # only how long

    async def steadily() -> AsyncIterator[bytes]:
        yield PNG
        for _ in range(8):
            await asyncio.sleep(0.05)
            yield b"x"

    assert (await taken(steadily(), tmp_path / "file")).size == len(PNG) + 8


@pytest.mark.parametrize("begun", [False, True])
async def test_a_drain_ends_it_and_asks_to_come_back(tmp_path: Path, begun: bool) -> None:
    draining, waiting = asyncio.Event(), asyncio.Event()
    if begun:
        draining.set()
    task = asyncio.create_task(taken(coming([PNG], waiting), tmp_path / "file", draining))
    if not begun:
        await waiting.wait()
        draining.set()
    with pytest.raises(Unavailable) as caught:
        await task
    assert (caught.value.reason, caught.value.retry_after) == (Reason.SHUTTING_DOWN, 1.0)


async def test_a_cancelled_upload_is_cancelled(tmp_path: Path) -> None:
    waiting = asyncio.Event()
    task = asyncio.create_task(taken(coming([PNG], waiting), tmp_path / "file"))
    await waiting.wait()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def test_a_video_may_have_256_mebibytes_and_no_byte_more(tmp_path: Path) -> None:
    most = itertools.chain([MP4], itertools.repeat(MEBIBYTE, 255), [bytes((1 << 20) - len(MP4))])
    received = await taken(coming(most), tmp_path / "file")
    assert (received.kind, received.size) == (AssetKind.VIDEO, 256 << 20)
    assert (tmp_path / "file").stat().st_size == 256 << 20
    more = itertools.chain([MP4], itertools.repeat(MEBIBYTE, 256))
    with pytest.raises(InvalidRequest, match="a video may have at most 256 MiB"):
        await taken(coming(more), tmp_path / "file")


async def test_it_is_refused_as_soon_as_its_kind_is_known(tmp_path: Path) -> None:
    said = Declared(tenant="acme", size=(32 << 20) + 1)
    with pytest.raises(InvalidRequest, match=r"metadata\.size: an image may have at most 32 MiB"):
        await receive(said, coming([PNG], asyncio.Event()), tmp_path / "file", asyncio.Event())
    told = Declared(tenant="acme", mime_type="image/png")
    with pytest.raises(InvalidRequest, match=r"metadata\.mime_type: is image/png, but the file is a video"):
        await receive(told, coming([MP4], asyncio.Event()), tmp_path / "file", asyncio.Event())
    small = Declared(tenant="acme", size=100)
    with pytest.raises(InvalidRequest, match=r"metadata\.size: is 100 bytes, but more came"):
        await receive(small, coming([MP4, MP4], asyncio.Event()), tmp_path / "file", asyncio.Event())
