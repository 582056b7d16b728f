"""What a client really sees of every fault of a file, on one clip per vendor."""

from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.emulators.driving import NO_TLS, VENDORS, Seen, buy, fresh, output, raw


@pytest.fixture(scope="module", params=VENDORS)
def clip(request: Any, base_url: str) -> tuple[str, str, bytes]:
    """The vendor, a finished job and its honest file."""
    with httpx.Client(base_url=base_url, trust_env=False, verify=NO_TLS, timeout=20) as http:
        job = buy(http, request.param, fresh()).json()["id"]
        return request.param, job, http.get(output(http, request.param, job)).content


def fetch(base_url: str, clip: tuple[str, str, bytes], fault: str, **options: Any) -> Seen:
    """GET the file with a fault, over a bare socket."""
    vendor, job, _ = clip
    with httpx.Client(base_url=base_url, trust_env=False, verify=NO_TLS) as http:
        url = urlsplit(output(http, vendor, job))
        http.post("/control/script", json={"fault": fault, "match": "download", "job": job, "options": options})
    return raw(base_url, "GET", f"{url.path}?{url.query}", {}, wait=0.5)


def test_truncated(base_url: str, clip: tuple[str, str, bytes]) -> None:
    seen = fetch(base_url, clip, "truncated")
    assert (seen.length, seen.body, seen.end) == (len(clip[2]), clip[2][: len(clip[2]) // 2], "closed")


def test_truncated_without_a_length(base_url: str, clip: tuple[str, str, bytes]) -> None:
    seen = fetch(base_url, clip, "truncated-unsized")
    assert (seen.length, seen.body, seen.end) == (-1, clip[2][: len(clip[2]) // 2], "closed")


def test_reset(base_url: str, clip: tuple[str, str, bytes]) -> None:
    seen = fetch(base_url, clip, "reset-in-body")
    assert seen.end == "reset"
    assert 0 < len(seen.body) <= len(clip[2]) // 2 < seen.length


def test_trickle(base_url: str, clip: tuple[str, str, bytes]) -> None:
    seen = fetch(base_url, clip, "trickle", bytes=16, seconds=1)
    assert (seen.length, seen.body, seen.end) == (len(clip[2]), clip[2][:16], "silence")


def test_wrong_content(base_url: str, clip: tuple[str, str, bytes]) -> None:
    seen = fetch(base_url, clip, "wrong-content")
    assert "content-type: video/mp4" in seen.head
    assert seen.body.startswith(b"<!DOCTYPE html>")


def test_empty(base_url: str, clip: tuple[str, str, bytes]) -> None:
    seen = fetch(base_url, clip, "empty")
    assert seen.head.startswith("HTTP/1.1 200")
    assert (seen.length, seen.body) == (0, b"")


def test_huge(base_url: str, clip: tuple[str, str, bytes]) -> None:
    seen = fetch(base_url, clip, "huge", bytes=3_000_000)
    assert (seen.length, len(seen.body)) == (3_000_000, 3_000_000)
    assert seen.body.startswith(clip[2])


def test_huge_is_64_gib_unless_told(base_url: str, clip: tuple[str, str, bytes]) -> None:
    vendor, job, _ = clip
    with httpx.Client(base_url=base_url, trust_env=False, verify=NO_TLS) as http:
        url = output(http, vendor, job)
        http.post("/control/script", json={"fault": "huge", "job": job})
        with http.stream("GET", url) as reply:
            assert int(reply.headers["content-length"]) == 64 * 1024**3
            assert len(next(reply.iter_bytes(4_000_000))) == 4_000_000


def test_expired_url(base_url: str, clip: tuple[str, str, bytes]) -> None:
    vendor, job, data = clip
    with httpx.Client(base_url=base_url, trust_env=False, verify=NO_TLS) as http:
        url = output(http, vendor, job)
        http.post("/control/script", json={"fault": "expired-url", "job": job})
        assert [http.get(url).status_code for _ in range(2)] == [403, 403]
        assert http.get(output(http, vendor, job)).content == data
