"""Addresses of the embedded store: whole, partial, and everything that must be refused."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta

import grpc
import pytest
from filmgate.v1 import video_pb2
from google.protobuf.duration_pb2 import Duration

from tests.conftest import Served
from tests.server.calling import fetch, stub_on, wanted


@pytest.fixture(scope="module")
def video(served: Served) -> Iterator[video_pb2.Video]:
    """A stored video with a fresh address."""
    with grpc.insecure_channel(served.target) as channel:
        job = stub_on(channel).GenerateVideo(wanted("acme", wait=Duration(seconds=60))).job
        yield job.videos[0]


def test_the_whole_file_comes_with_safe_headers(video: video_pb2.Video) -> None:
    answer = fetch(video.url)
    assert answer.status == 200
    assert hashlib.sha256(answer.body).hexdigest() == video.sha256
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["cache-control"].startswith("private")
    assert answer.headers["etag"] == f'"{video.sha256}"'
    assert "server" not in answer.headers


def test_head_tells_the_same_without_the_file(video: video_pb2.Video) -> None:
    answer = fetch(video.url, "HEAD")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", str(video.size))


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("bytes=0-0", 0, 1), ("bytes=10-19", 10, 20), ("bytes=-5", -5, None), ("bytes=100-", 100, None)],
)
def test_a_range_is_that_part(video: video_pb2.Video, asked: str, start: int, end: int | None) -> None:
    whole = fetch(video.url).body
    answer = fetch(video.url, headers={"range": asked})
    assert (answer.status, answer.body) == (206, whole[start:end])
    assert answer.headers["content-range"].endswith(f"/{video.size}")


def test_a_range_beyond_the_file_is_told_its_size(video: video_pb2.Video) -> None:
    answer = fetch(video.url, headers={"range": f"bytes={video.size}-"})
    assert (answer.status, answer.body, answer.headers["content-range"]) == (416, b"", f"bytes */{video.size}")


def test_a_range_of_another_version_gets_the_whole(video: video_pb2.Video) -> None:
    assert fetch(video.url, headers={"range": "bytes=0-0", "if-range": '"other"'}).status == 200
    assert fetch(video.url, headers={"range": "bytes=0-0", "if-range": f'"{video.sha256}"'}).status == 206
    assert fetch(video.url, headers={"if-none-match": f'"{video.sha256}"'}).status == 304


def _changed(url: str, kind: str, other: str) -> str:
    path, _, query = url.partition("?")
    base, _, key = path.partition("/media/")
    changes = {
        "signature": f"{path}?{query[:-1]}{'0' if query[-1] != '0' else '1'}",
        "no signature": f"{path}?{query.rpartition('&signature')[0]}",
        "no query": path,
        "expiry": f"{path}?{query.replace('expires=1', 'expires=2')}",
        "file name": f"{path}?{query.replace('filename=2', 'filename=3')}",
        "extra": f"{path}?{query}&response-content-type=text/html",
        "twice": f"{path}?{query}&expires=9999999999",
        "another tenant": f"{base}/media/{key.replace('/acme/', f'/{other}/')}?{query}",
        "dots": f"{base}/media/videos/other/../acme/{key.rpartition('/')[2]}?{query}",
        "encoded dots": f"{base}/media/videos/other/%2e%2e/acme/{key.rpartition('/')[2]}?{query}",
        "encoded slash": f"{base}/media/{key.replace('/', '%2f', 1)}x?{query}",
        "encoded twice": f"{base}/media/{key.replace('.mp4', '%252emp4')}?{query}",
        "outside": f"{base}/media/../filmgate.sqlite?{query}",
        "absolute": f"{base}/media//etc/passwd?{query}",
        "backslash": f"{base}/media/videos\\acme\\{key.rpartition('/')[2]}?{query}",
        "NUL": f"{base}/media/{key}%00?{query}",
    }
    return changes[kind]


@pytest.mark.parametrize(
    "kind",
    [
        "signature",
        "no signature",
        "no query",
        "expiry",
        "file name",
        "extra",
        "twice",
        "another tenant",
        "dots",
        "encoded dots",
        "encoded slash",
        "encoded twice",
        "outside",
        "absolute",
        "backslash",
        "NUL",
    ],
)
def test_a_changed_address_is_refused(served: Served, video: video_pb2.Video, kind: str) -> None:
    with grpc.insecure_channel(served.target) as channel:
        other = stub_on(channel).GenerateVideo(wanted("other", wait=Duration(seconds=60))).job.tenant_name
    answer = fetch(_changed(video.url, kind, other))
    assert answer.status in (400, 403, 404), answer.body
    assert len(answer.body) < 200
    assert b"Traceback" not in answer.body


def test_an_expired_address_is_refused(served: Served, video: video_pb2.Video) -> None:
    signed = served.run(served.application.store.objects.presign(video.key, timedelta(seconds=1)))
    assert fetch(signed.url).status == 200
    while fetch(signed.url).status == 200:
        pass
    assert fetch(signed.url).status == 403


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
def test_an_address_only_reads(video: video_pb2.Video, method: str) -> None:
    assert fetch(video.url, method, b"x").status == 405
    assert fetch(video.url).status == 200


def test_the_objects_metadata_reads_back(served: Served, video: video_pb2.Video) -> None:
    stored = served.run(served.application.store.objects.head(video.key))
    assert stored.metadata["tenant"] == "acme"
    assert stored.metadata["creative_id"] == "kite"
    assert stored.metadata["iteration"] == "1"
    assert stored.metadata["original_url"].startswith("http://127.0.0.1:")
    assert "?" not in stored.metadata["original_url"]
    assert stored.metadata["upload_time"]
