"""Presigned URLs against a service that checks them, and their signature computed anew from the specification.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import pytest

from core.errors import StorageFailed
from storage.s3 import S3Store
from storage.s3_options import S3Options

if TYPE_CHECKING:
    from tests.storage.conftest import Clock, FaultProxy, Service

HOUR = timedelta(hours=1)
DATA = bytes(range(256)) * 100
OFFLINE = {"access_key_id": "AKIAEXAMPLE", "secret_access_key": "wJalrXUtnFEMI/EXAMPLE"}


async def ask(url: str, method: str = "GET", **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.request(method, url, headers=headers)


async def presigned(store: S3Store, space: str, ttl: timedelta = HOUR) -> str:
    await store.put_bytes(f"{space}/ü 1.mp4", DATA, content_type="video/mp4", metadata={})
    return (await store.presign(f"{space}/ü 1.mp4", ttl)).url


def signature(url: str, secret: str) -> str:
    """AWS Signature Version 4 of a presigned GET, from its specification."""
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name != "X-Amz-Signature"]
    canonical_query = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in sorted(query))
    request = "\n".join(["GET", parts.path, canonical_query, f"host:{parts.netloc}", "", "host", "UNSIGNED-PAYLOAD"])
    given = dict(query)
    scope = given["X-Amz-Credential"].partition("/")[2]
    hashed = hashlib.sha256(request.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", given["X-Amz-Date"], scope, hashed])
    key = f"AWS4{secret}".encode()
    for word in (*scope.split("/"), text):
        key = hmac.digest(key, word.encode(), "sha256")
    return key.hex()


async def test_a_url_opens_its_object_and_any_range_of_it(s3: S3Store, space: str) -> None:
    url = await presigned(s3, space)
    whole = await ask(url)
    assert (whole.status_code, whole.content, whole.headers["content-type"]) == (200, DATA, "video/mp4")
    part = await ask(url, Range="bytes=5-9")
    assert (part.status_code, part.content) == (206, DATA[5:10])


async def test_a_tampered_url_opens_nothing(s3: S3Store, space: str) -> None:
    url = await presigned(s3, space)
    await s3.put_bytes(f"{space}2/ü 1.mp4", b"other tenant", content_type="video/mp4", metadata={})
    head, _, given = url.partition("X-Amz-Signature=")
    tampered = [
        f"{head}X-Amz-Signature={'0' * 64}{given[64:]}",
        url.replace("X-Amz-Expires=3600", "X-Amz-Expires=604800"),
        url.replace(space, f"{space}2"),
        url.replace("/%C3%BC%201.mp4", "/other.mp4"),
        f"{url}&response-content-type=text%2Fhtml",
    ]
    assert len({url, *tampered}) == 6
    assert [(await ask(one)).status_code for one in tampered] == [403] * 5
    assert (await ask(url.partition("?")[0])).status_code >= 400
    assert [(await ask(url, method)).status_code for method in ("PUT", "DELETE")] == [403] * 2
    assert (await ask(url)).status_code == 200


async def test_an_expired_url_opens_nothing(s3: S3Store, space: str) -> None:
    await s3.put_bytes(f"{space}/x", DATA, content_type="video/mp4", metadata={})
    signed = await s3.presign(f"{space}/x", timedelta(seconds=1))
    deadline = signed.expire_time + timedelta(seconds=5)
    async with httpx.AsyncClient(trust_env=False) as client:
        while (answer := await client.get(signed.url)).status_code == 200:
            assert datetime.now(UTC) < deadline
    assert answer.status_code == 403
    assert datetime.now(UTC) >= signed.expire_time


async def test_a_download_gets_its_name(s3: S3Store, space: str) -> None:
    await s3.put_bytes(f"{space}/x", DATA, content_type="video/mp4", metadata={})
    signed = await s3.presign(f"{space}/x", HOUR, filename='hero "1" é.mp4')
    answer = await ask(signed.url)
    assert answer.status_code == 200
    expected = "attachment; filename=\"hero _1_ _.mp4\"; filename*=UTF-8''hero%20%221%22%20%C3%A9.mp4"
    assert answer.headers["content-disposition"] == expected


async def test_browsers_get_the_public_address(service: "Service", proxy: "FaultProxy", space: str) -> None:
    store = S3Store(service.options(public_endpoint_url=proxy.endpoint))
    url = await presigned(store, space)
    assert url.startswith(f"{proxy.endpoint}/filmgate/")
    assert (await ask(url)).content == DATA
    assert proxy.count("GET") == len(proxy.heads) == 1
    await store.close()


@pytest.mark.parametrize(
    ("changes", "host"),
    [
        ({"region": "eu-central-1"}, "films.s3.eu-central-1.amazonaws.com"),
        ({"region": "eu-central-1", "addressing_style": "path"}, "s3.eu-central-1.amazonaws.com"),
        ({"endpoint_url": "https://s3.films.example"}, "s3.films.example"),
        ({"endpoint_url": "http://seaweed:8333", "public_endpoint_url": "https://cdn.example"}, "cdn.example"),
        ({"endpoint_url": "https://films.example", "addressing_style": "virtual"}, "films.films.example"),
        ({"session_token": "temporary/token+="}, None),
    ],
)
async def test_a_signature_is_what_the_specification_says(changes: dict[str, str], host: str | None) -> None:
    options = S3Options(**{"bucket": "films", **OFFLINE, **changes})  # type: ignore[arg-type]  # all are strings
    store = S3Store(options)
    for filename in (None, "é 1.mp4"):
        url = (await store.presign("videos/acme/a b+é.mp4", HOUR, filename=filename)).url
        query = dict(parse_qsl(urlsplit(url).query))
        assert query["X-Amz-Signature"] == signature(url, OFFLINE["secret_access_key"])
        assert query.get("X-Amz-Security-Token", "") == changes.get("session_token", "")
        assert host in {None, urlsplit(url).netloc}
    await store.close()


@pytest.mark.parametrize(("ttl", "seconds"), [(HOUR, 3600), (timedelta(days=30), 604800), (timedelta(seconds=1.9), 1)])
async def test_a_url_lives_as_long_as_asked_and_seven_days_at_most(ttl: timedelta, seconds: int) -> None:
    store = S3Store(S3Options(bucket="films", **OFFLINE))  # type: ignore[arg-type]  # all are strings
    before = datetime.now(UTC).replace(microsecond=0)
    signed = await store.presign("x", ttl)
    assert f"X-Amz-Expires={seconds}&" in signed.url
    assert before <= signed.expire_time - timedelta(seconds=seconds) <= datetime.now(UTC)
    assert "X-Amz" not in repr(signed)
    with pytest.raises(ValueError, match="second"):
        await store.presign("x", timedelta(0))
    await store.close()


async def test_a_url_never_outlives_the_credential_that_signed_it(clock: "Clock") -> None:
    end = clock.now + timedelta(minutes=10)
    options = S3Options(bucket="films", session_token="t", credentials_end=end, **OFFLINE)  # type: ignore[arg-type]  # all are strings
    store = S3Store(options, clock=clock)
    signed = await store.presign("x", HOUR)
    assert "X-Amz-Expires=600&" in signed.url
    assert signed.expire_time <= end + timedelta(seconds=2)  # our clock stands still, the signer's does not
    clock.advance(minutes=10)
    with pytest.raises(StorageFailed, match="expired"):
        await store.presign("x", HOUR)
    await store.close()
