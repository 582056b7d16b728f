"""The HTTP edge but media: health, readiness, vendors' webhooks, and what comes of nonsense."""

import json
import socket

import pytest

from tests.conftest import Served
from tests.server.calling import fetch

HOOK = "/webhooks/replicate/no-such-token"


def test_health_and_readiness(served: Served) -> None:
    assert json.loads(fetch(f"{served.url}/healthz").body) == {"status": "ok"}
    answer = json.loads(fetch(f"{served.url}/readyz").body)
    assert answer["status"] == "ready"
    assert set(answer["components"].values()) == {"ok"}


@pytest.mark.parametrize("path", ["/", "/metrics", "/media", "/webhooks/replicate", "/healthz/x", "/%2e%2e/x", "//x"])
def test_what_is_not_there_is_small_json(served: Served, path: str) -> None:
    answer = fetch(served.url + path)
    assert answer.status in (403, 404)
    assert set(json.loads(answer.body)) == {"error"}
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("provider", ["replicate", "runway", "nobody", "..", "%00", "x" * 200])
def test_a_webhook_for_nobody_is_not_found(served: Served, provider: str) -> None:
    assert fetch(f"{served.url}/webhooks/{provider}/token", "POST", b"{}").status == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
def test_webhooks_are_posted(served: Served, method: str) -> None:
    assert fetch(served.url + HOOK, method).status == 405


def test_a_large_webhook_is_refused_whether_it_says_so_or_not(served: Served) -> None:
    large = b"x" * (1024 * 1024 + 1)
    assert fetch(served.url + HOOK, "POST", large).status == 413
    chunked = b"POST %s HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n" % HOOK.encode()
    with socket.create_connection(("127.0.0.1", served.application.http_port), timeout=20) as connection:
        connection.sendall(chunked)
        for _ in range(18):
            connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        assert b" 413 " in connection.recv(4096)


def test_large_headers_are_refused(served: Served) -> None:
    answer = fetch(f"{served.url}/healthz", headers={"x-large": "x" * 70_000})
    assert answer.status in (400, 431)


@pytest.mark.parametrize(
    "raw",
    [
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        b"POST %s HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello" % HOOK.encode(),
        b"POST %s HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n" % HOOK.encode(),
        b"GET http://evil/healthz HTTP/1.1\r\nhost: evil\r\n\r\n",
        b"GET /media/\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_nonsense_is_answered_or_dropped_and_the_server_lives(served: Served, raw: bytes) -> None:
    with socket.create_connection(("127.0.0.1", served.application.http_port), timeout=20) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b" 500 " not in answer
    assert b"Traceback" not in answer
    assert fetch(f"{served.url}/healthz").status == 200
