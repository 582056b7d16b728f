"""Uploads over a bad road: lost replies, cut bodies, a service that is busy, one that leaks; real sockets all."""

import asyncio
import traceback
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from core.errors import StorageFailed
from storage.s3 import S3Store
from storage.store import ObjectExists, ObjectMissing, StoredObject

if TYPE_CHECKING:
    from tests.storage.conftest import Clock, FaultProxy, MakeFile, Service

SMALL = b"small" * 100_000
LARGE = b"0123456789abcdef" * (11 << 16)
SECRETS = ["swift-loopback-secret", "X-Amz-Signature", "planted-signature", "test:tester", "StringToSign", "http:"]


def answer(status: str, code: str, message: str = "planted-signature test:tester StringToSign") -> bytes:
    """A complete S3 error reply."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\nConnection: close"
    return head.encode() + b"\r\n\r\n" + body


SLOW_DOWN = answer("503 Slow Down", "SlowDown")


async def put_file(store: S3Store, key: str, file: tuple[Path, str]) -> StoredObject:
    return await store.put_file(key, file[0], content_type="video/mp4", metadata={"a": "ü"}, sha256=file[1])


def uploads(witness: Any, prefix: str) -> list[str]:
    """Multipart uploads left open."""
    found = witness.list_multipart_uploads(Bucket="filmgate", Prefix=prefix)
    return [upload["Key"] for upload in found.get("Uploads", ())]


async def read(store: S3Store, key: str) -> bytes:
    return b"".join([part async for part in store.open_range(key)])


def told(error: BaseException) -> str:
    """All that a log could print about it, its chain included."""
    return "".join(traceback.format_exception(error))


async def test_a_lost_reply_is_followed_by_a_look_and_not_by_a_second_upload(
    faulty: S3Store, proxy: "FaultProxy", space: str, make_file: "MakeFile"
) -> None:
    proxy.plan("PUT", "lose")
    stored = await put_file(faulty, f"{space}/x", make_file(SMALL))
    assert stored.size == len(SMALL)
    assert (proxy.count("PUT"), proxy.count("HEAD")) == (1, 2)


async def test_a_cut_body_is_sent_again(
    faulty: S3Store, proxy: "FaultProxy", space: str, make_file: "MakeFile"
) -> None:
    proxy.plan("PUT", "reset")
    await put_file(faulty, f"{space}/x", make_file(SMALL))
    assert proxy.count("PUT") == 2
    assert await read(faulty, f"{space}/x") == SMALL


async def test_a_stalled_upload_is_given_up_and_sent_again(
    service: "Service", proxy: "FaultProxy", space: str, make_file: "MakeFile"
) -> None:
    store = S3Store(service.options(endpoint_url=proxy.endpoint, read_timeout=0.5))
    proxy.plan("PUT", "stall")
    await put_file(store, f"{space}/x", make_file(SMALL))
    assert proxy.count("PUT") == 2
    await store.close()


@pytest.mark.parametrize("status", ["503 Slow Down", "500 Internal Server Error", "429 Too Many"])
async def test_a_busy_service_is_asked_again(
    faulty: S3Store, proxy: "FaultProxy", space: str, make_file: "MakeFile", status: str
) -> None:
    for _ in range(3):
        proxy.plan("PUT", "answer", answer(status, "SlowDown"))
    await put_file(faulty, f"{space}/x", make_file(SMALL))
    assert proxy.count("PUT") == 4


async def test_a_service_that_stays_busy_is_a_failure_that_stored_nothing(
    faulty: S3Store, proxy: "FaultProxy", space: str, make_file: "MakeFile"
) -> None:
    for _ in range(4):
        proxy.plan("PUT", "answer", SLOW_DOWN)
    with pytest.raises(StorageFailed, match="503 SlowDown") as caught:
        await put_file(faulty, f"{space}/x", make_file(SMALL))
    assert caught.value.ambiguous is False
    assert await faulty.head(f"{space}/x") is None


async def test_a_lost_reply_nobody_could_look_after_is_ambiguous(
    faulty: S3Store, proxy: "FaultProxy", space: str, make_file: "MakeFile", witness: Any
) -> None:
    proxy.plan("PUT", "lose")
    for _ in range(4):
        proxy.plan("HEAD", "answer", SLOW_DOWN)
    with pytest.raises(StorageFailed) as caught:
        await put_file(faulty, f"{space}/x", make_file(SMALL))
    assert caught.value.ambiguous is True
    assert proxy.count("PUT") == 1
    assert witness.head_object(Bucket="filmgate", Key=f"{space}/x")["ContentLength"] == len(SMALL)


async def test_a_reply_lost_at_the_last_try_is_looked_after_too(
    service: "Service", proxy: "FaultProxy", space: str, make_file: "MakeFile"
) -> None:
    store = S3Store(service.options(endpoint_url=proxy.endpoint, attempts=1))
    proxy.plan("PUT", "lose")
    assert (await put_file(store, f"{space}/x", make_file(SMALL))).size == len(SMALL)
    await store.close()


async def test_a_refusal_is_final_and_leaks_nothing(
    faulty: S3Store, proxy: "FaultProxy", space: str, make_file: "MakeFile"
) -> None:
    proxy.plan("PUT", "answer", answer("403 Forbidden", "SignatureDoesNotMatch"))
    with pytest.raises(StorageFailed, match="403 SignatureDoesNotMatch") as caught:
        await put_file(faulty, f"{space}/x", make_file(SMALL))
    assert caught.value.ambiguous is False
    assert proxy.count("PUT") == 1
    assert [secret for secret in SECRETS if secret in told(caught.value)] == []


@pytest.mark.parametrize("code", ["planted signature", "&lt;b&gt;", "A" * 65, ""])
async def test_a_code_that_is_no_code_is_not_repeated(faulty: S3Store, proxy: "FaultProxy", code: str) -> None:
    proxy.plan("GET", "answer", answer("403 Forbidden", code))
    with pytest.raises(StorageFailed, match="403 unreadable"):
        await faulty.list("videos/")


async def test_a_service_that_is_not_there_is_told_without_its_address(service: "Service", space: str) -> None:
    store = S3Store(service.options(endpoint_url="http://127.0.0.1:9"))
    with pytest.raises(StorageFailed, match="cannot be reached") as caught:
        await store.put_bytes(f"{space}/x", b"data", content_type="image/png", metadata={})
    assert caught.value.ambiguous is False
    assert [secret for secret in SECRETS if secret in told(caught.value)] == []
    await store.close()


@pytest.mark.parametrize("same", [True, False])
async def test_somebody_who_was_faster_is_found_by_the_condition(
    faulty: S3Store, proxy: "FaultProxy", space: str, make_file: "MakeFile", same: bool
) -> None:
    await put_file(faulty, f"{space}/x", make_file(SMALL if same else b"theirs"))
    puts = proxy.count("PUT")
    proxy.plan("HEAD", "answer", b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    if same:
        assert (await put_file(faulty, f"{space}/x", make_file(SMALL))).size == len(SMALL)
    else:
        with pytest.raises(ObjectExists):
            await put_file(faulty, f"{space}/x", make_file(SMALL))
        assert await read(faulty, f"{space}/x") == b"theirs"
    assert proxy.count("PUT") == puts + 1
    assert "if-none-match: *" in [head for head in proxy.heads if head.startswith("PUT")][-1].lower()


async def test_a_service_without_conditions_is_used_without(
    faulty: S3Store, proxy: "FaultProxy", space: str, make_file: "MakeFile"
) -> None:
    proxy.plan("PUT", "answer", answer("501 Not Implemented", "NotImplemented"))
    await put_file(faulty, f"{space}/x", make_file(SMALL))
    await put_file(faulty, f"{space}/y", make_file(SMALL))
    conditional = ["if-none-match" in head.lower() for head in proxy.heads if head.startswith("PUT")]
    assert conditional == [True, False, False]


async def test_a_large_file_goes_in_parts(
    faulty: S3Store, proxy: "FaultProxy", space: str, make_file: "MakeFile", witness: Any
) -> None:
    stored = await put_file(faulty, f"{space}/x", make_file(LARGE))
    assert (stored.size, stored.metadata, stored.content_type) == (len(LARGE), {"a": "ü"}, "video/mp4")
    assert (proxy.count("PUT"), proxy.count("POST")) == (3, 2)
    assert witness.get_object(Bucket="filmgate", Key=f"{space}/x")["Body"].read() == LARGE
    with pytest.raises(ObjectExists):
        await put_file(faulty, f"{space}/x", make_file(LARGE[::-1]))


async def test_a_lost_completion_is_followed_by_a_look(
    faulty: S3Store, proxy: "FaultProxy", space: str, make_file: "MakeFile", witness: Any
) -> None:
    proxy.plan("POST", "pass")
    proxy.plan("POST", "lose")
    assert (await put_file(faulty, f"{space}/x", make_file(LARGE))).size == len(LARGE)
    assert (proxy.count("PUT"), proxy.count("POST")) == (3, 2)
    assert uploads(witness, space) == []


async def test_a_completion_that_failed_inside_a_success_is_begun_anew(
    faulty: S3Store, proxy: "FaultProxy", space: str, make_file: "MakeFile", witness: Any
) -> None:
    proxy.plan("POST", "pass")
    proxy.plan("POST", "answer", answer("200 OK", "InternalError"))
    assert (await put_file(faulty, f"{space}/x", make_file(LARGE))).size == len(LARGE)
    assert proxy.count("POST") == 4
    assert uploads(witness, space) == []


async def test_only_the_part_that_was_cut_is_sent_again(
    faulty: S3Store, proxy: "FaultProxy", space: str, make_file: "MakeFile"
) -> None:
    for kind in ("pass", "reset", "lose"):
        proxy.plan("PUT", kind)
    await put_file(faulty, f"{space}/x", make_file(LARGE))
    assert proxy.count("PUT") == 5
    assert await read(faulty, f"{space}/x") == LARGE


async def test_a_refused_part_ends_and_removes_the_upload(
    faulty: S3Store, proxy: "FaultProxy", space: str, make_file: "MakeFile", witness: Any
) -> None:
    proxy.plan("PUT", "pass")
    proxy.plan("PUT", "answer", answer("403 Forbidden", "AccessDenied"))
    with pytest.raises(StorageFailed, match="403 AccessDenied to UploadPart"):
        await put_file(faulty, f"{space}/x", make_file(LARGE))
    assert uploads(witness, space) == []
    assert await faulty.head(f"{space}/x") is None


async def test_a_file_that_is_not_what_was_said_is_never_completed(
    faulty: S3Store, proxy: "FaultProxy", space: str, make_file: "MakeFile", witness: Any
) -> None:
    path, _ = make_file(LARGE)
    with pytest.raises(StorageFailed, match="SHA-256"):
        await put_file(faulty, f"{space}/x", (path, "0" * 64))
    assert proxy.count("POST") == 1
    assert uploads(witness, space) == []


async def test_a_cancelled_upload_stops_and_cleans_up(
    service: "Service", proxy: "FaultProxy", space: str, make_file: "MakeFile", witness: Any
) -> None:
    store = S3Store(service.options(endpoint_url=proxy.endpoint, read_timeout=0.5, single_put_bytes=1))
    proxy.plan("PUT", "pass")
    proxy.plan("PUT", "stall")
    task = asyncio.create_task(put_file(store, f"{space}/x", make_file(LARGE)))
    async with asyncio.timeout(20):
        await proxy.reached("PUT", 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await store.close()
    assert proxy.count("PUT") == 2
    assert uploads(witness, space) == []


async def test_what_a_dead_process_left_is_swept(service: "Service", space: str, clock: "Clock", witness: Any) -> None:
    for name in ("x", "y"):
        witness.create_multipart_upload(Bucket="filmgate", Key=f"{space}/{name}")
    store = S3Store(service.options(), clock=clock)
    assert await store.sweep(f"{space}/", timedelta(hours=1)) == 0
    clock.advance(hours=2)
    assert await store.sweep(f"{space}-other/", timedelta(hours=1)) == 0
    assert await store.sweep(f"{space}/", timedelta(hours=1)) == 2
    assert uploads(witness, space) == []
    await store.close()


async def test_a_download_that_is_cut_is_a_failure_and_not_a_short_file(
    faulty: S3Store, proxy: "FaultProxy", space: str, make_file: "MakeFile"
) -> None:
    await put_file(faulty, f"{space}/x", make_file(SMALL))
    proxy.plan("GET", "cut")
    with pytest.raises(StorageFailed, match="did not finish GetObject"):
        await read(faulty, f"{space}/x")


async def test_a_missing_object_is_told_apart_from_a_missing_right(faulty: S3Store, proxy: "FaultProxy") -> None:
    with pytest.raises(ObjectMissing):
        await read(faulty, "videos/nobody/x")
    proxy.plan("GET", "answer", answer("403 Forbidden", "AccessDenied"))
    with pytest.raises(StorageFailed, match="403 AccessDenied"):
        await read(faulty, "videos/nobody/x")
    proxy.plan("HEAD", "answer", answer("403 Forbidden", "AccessDenied"))
    with pytest.raises(StorageFailed, match="403"):
        await faulty.head("videos/nobody/x")
