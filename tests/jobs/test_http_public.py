"""Addresses from outside against hostile DNS: no packet may reach a private address, whatever a name resolves to."""

import asyncio
import ipaddress
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pytest

from core import urls
from core.errors import UnsafeUrl
from jobs.http import ExchangeFailed, NotSent, PublicClient, ReplyLost, Resolve, SystemResolver

if TYPE_CHECKING:
    from tests.jobs.conftest import Serve, Served

Make = Callable[[Resolve, int], PublicClient]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PUBLIC = ["93.184.216.34", "2606:4700:4700::1111"]
ANSWERS: dict[str, list[str]] = {
    "nothing": [],
    "loopback": ["127.0.0.1"],
    "IPv6 loopback": ["::1"],
    "private A beside public A": ["93.184.216.34", "10.0.0.1"],
    "public A beside private AAAA": ["93.184.216.34", "fd00::1"],
    "private A beside public AAAA": ["192.168.1.1", "2606:4700:4700::1111"],
    "metadata": ["169.254.169.254"],
    "metadata by mapped AAAA": ["::ffff:169.254.169.254"],
    "metadata by NAT64": ["64:ff9b::a9fe:a9fe"],
    "loopback by 6to4": ["2002:7f00:1::"],
    "loopback by Teredo": ["2001:0:7f00:1::"],
    "link-local with a zone": ["fe80::1%eth0"],
    "unspecified": ["0.0.0.0"],  # noqa: S104 - an answer, not a binding
    "broadcast": ["255.255.255.255"],
    "carrier-grade NAT": ["100.64.0.1"],
    "multicast": ["224.0.0.1"],
    "Azure's wire server": ["168.63.129.16"],
    "500 public records and a private one": [f"93.184.{n // 250}.{n % 250}" for n in range(500)] + ["127.0.0.1"],
    "not an address": ["localhost"],
    "an odd spelling": ["127.1"],
    "an empty record": [""],
    "a public one, then garbage": ["93.184.216.34", "x"],
}
FAILURES: dict[str, Exception] = {
    "NXDOMAIN": socket.gaierror(socket.EAI_NONAME, "canary"),
    "SERVFAIL": socket.gaierror(socket.EAI_AGAIN, "canary"),
    "no data": socket.gaierror(socket.EAI_FAIL, "canary"),
    "a broken resolver": OSError("canary"),
    "a name that cannot be encoded": UnicodeError("canary"),
}


def answering(*answers: Sequence[str] | Exception) -> Resolve:
    """A resolver that gives one answer after the other, the last one for ever."""
    waiting = list(answers)

    async def resolve(host: str, port: int) -> Sequence[str]:
        answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return resolve


@pytest.mark.parametrize("answer", [*ANSWERS.values(), *FAILURES.values()], ids=[*ANSWERS, *FAILURES])
async def test_a_name_with_one_address_inside_is_refused(
    trusting: ssl.SSLContext, answer: list[str] | Exception
) -> None:
    client = PublicClient(resolve=answering(answer), verify=trusting)
    with pytest.raises(UnsafeUrl) as caught:
        await client.check_public("https://name.example.com/x?canary")
    assert "canary" not in repr(caught.value)
    with pytest.raises(NotSent) as refused:
        await client.deliver("https://name.example.com/", body=b"", headers={})
    assert refused.value.__context__ is None
    await client.aclose()


@pytest.mark.parametrize("answer", [PUBLIC, PUBLIC[:1], PUBLIC[1:], PUBLIC * 250, ["64:ff9b::808:808"]])
async def test_a_name_with_public_addresses_only_passes(trusting: ssl.SSLContext, answer: list[str]) -> None:
    client = PublicClient(resolve=answering(answer), verify=trusting)
    await client.check_public("https://name.example.com/x")
    await client.aclose()


async def test_a_literal_address_needs_no_dns(trusting: ssl.SSLContext) -> None:
    client = PublicClient(resolve=answering(AssertionError("asked")), verify=trusting)
    await client.check_public("https://93.184.216.34/x")
    await client.check_public("https://[2606:4700:4700::1111]/x")
    for url in ("https://10.0.0.1/", "https://[::1]/", "https://localhost/", "http://name.example.com/"):
        with pytest.raises(UnsafeUrl):
            await client.check_public(url)
    await client.aclose()


async def test_slow_dns_is_given_up(trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return PUBLIC

    monkeypatch.setattr("jobs.http.RESOLVE_SECONDS", 0.1)
    client = PublicClient(resolve=never, verify=trusting)
    started = time.monotonic()
    with pytest.raises(UnsafeUrl, match="does not resolve"):
        await client.check_public("https://name.example.com/")
    assert time.monotonic() - started < 1
    await client.aclose()


async def test_the_default_policy_is_the_real_one(serve: "Serve", trusting: ssl.SSLContext) -> None:
    canary = await listen(serve, "127.0.0.1")
    client = PublicClient(resolve=answering(["127.0.0.1"]), verify=trusting, allow_http=True, ports={canary.port})
    for host in ("name.example.com", "localhost", "127.0.0.1", "127.1", "[::ffff:127.0.0.1]", "[::1]", "0.0.0.0"):  # noqa: S104 - a target, not a binding
        url = f"http://{host}:{canary.port}/"
        with pytest.raises(UnsafeUrl):
            await client.check_public(url)
        with pytest.raises((UnsafeUrl, NotSent)):
            await client.deliver(url, body=b"", headers={})
    assert canary.connections == 0
    await client.aclose()


async def listen(serve: "Serve", host: str, port: int = 0, raw: bytes = OK) -> "Served":
    """A server that sends `raw` to whoever comes."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)

    return await serve(script, host=host, port=port)


@pytest.fixture
def made(trusting: ssl.SSLContext) -> Make:
    """A maker of clients for which 127.0.0.1 is the public internet and the rest of loopback is the inside."""

    def make(resolve: Resolve, port: int) -> PublicClient:
        return PublicClient(
            resolve=resolve,
            verify=trusting,
            is_public=lambda ip: str(ip) == "127.0.0.1",
            allow_http=True,
            ports={port},
        )

    return make


async def test_rebinding_between_check_and_delivery_reaches_nothing(serve: "Serve", made: Make) -> None:
    canary = await listen(serve, "127.0.0.2")
    client = made(answering(["127.0.0.1"], ["127.0.0.2"]), canary.port)
    url = f"http://name.example.com:{canary.port}/"
    await client.check_public(url)
    with pytest.raises(NotSent):
        await client.deliver(url, body=b"{}", headers={})
    assert canary.connections == 0
    await client.aclose()


async def test_a_delivery_asks_dns_once_and_connects_to_that_answer(serve: "Serve", made: Make) -> None:
    public = await listen(serve, "127.0.0.1")
    canary = await listen(serve, "127.0.0.2", public.port)
    client = made(answering(["127.0.0.1"], ["127.0.0.2"]), public.port)
    url = f"http://name.example.com:{public.port}/hook?a=b"
    reply = await client.deliver(url, body=b"{}", headers={"webhook-id": "msg_1"})
    assert (reply.status, reply.body) == (200, b"ok")
    assert public.heads[0].startswith(b"POST /hook?a=b HTTP/1.1\r\n")
    assert f"Host: name.example.com:{public.port}\r\n".encode() in public.heads[0]
    assert b"webhook-id: msg_1\r\n" in public.heads[0]
    assert canary.connections == 0
    await client.aclose()


async def test_many_flipping_answers_never_reach_the_inside(serve: "Serve", made: Make) -> None:
    public = await listen(serve, "127.0.0.1")
    canary = await listen(serve, "127.0.0.2", public.port)
    flips: list[Sequence[str]] = [["127.0.0.1"], ["127.0.0.2"], ["127.0.0.1", "127.0.0.2"]] * 20
    client = made(answering(*flips), public.port)
    url = f"http://name.example.com:{public.port}/"
    results = await asyncio.gather(
        *(client.deliver(url, body=b"", headers={}) for _ in range(60)), return_exceptions=True
    )
    assert sum(isinstance(result, NotSent) for result in results) == 40
    assert (public.connections, canary.connections) == (20, 0)
    await client.aclose()


@pytest.mark.parametrize("status", ["301", "302", "303", "307", "308"])
async def test_a_delivery_follows_no_redirect(serve: "Serve", made: Make, status: str) -> None:
    canary = await listen(serve, "127.0.0.2")
    raw = f"HTTP/1.1 {status} X\r\nLocation: http://127.0.0.2:{canary.port}/\r\nContent-Length: 0\r\n\r\n"
    public = await listen(serve, "127.0.0.1", raw=raw.encode())
    client = made(answering(["127.0.0.1"]), public.port)
    reply = await client.deliver(f"http://name.example.com:{public.port}/", body=b"", headers={})
    assert (reply.status, canary.connections) == (int(status), 0)
    await client.aclose()


async def test_a_deliverys_reply_is_small(serve: "Serve", made: Make) -> None:
    public = await listen(serve, "127.0.0.1", raw=b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 70_000)
    client = made(answering(["127.0.0.1"]), public.port)
    with pytest.raises(ReplyLost, match="too large"):
        await client.deliver(f"http://name.example.com:{public.port}/", body=b"", headers={})
    await client.aclose()


async def test_a_header_cannot_end_its_line(made: Make) -> None:
    client = made(answering(["127.0.0.1"]), 80)
    with pytest.raises(ExchangeFailed):
        await client.deliver("http://name.example.com/", body=b"", headers={"X-A": "b\r\nX-C: d"})
    await client.aclose()


async def test_look_ups_never_run_on_the_loops_default_executor(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[str] = set()

    def look_up(host: bytes, port: int, **_: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        seen.add(threading.current_thread().name.partition("_")[0])
        return [(socket.AF_INET, 1, 6, "", ("127.0.0.1", port)), (socket.AF_INET6, 1, 6, "", ("fe80::1%eth0", port))]

    monkeypatch.setattr("jobs.http.socket.getaddrinfo", look_up)
    resolver = SystemResolver()
    assert await resolver("name.example.com", 443) == ["127.0.0.1", "fe80::1"]
    assert seen == {"dns"}
    resolver.close()


async def test_the_library_logs_no_address(serve: "Serve", made: Make, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    public = await listen(serve, "127.0.0.1")
    client = made(answering(["127.0.0.1"]), public.port)
    url = f"http://name.example.com:{public.port}/?signature=canary"
    await client.deliver(url, body=b"", headers={"X-Key": "canary"})
    assert "canary" not in caplog.text
    assert "name.example.com" not in caplog.text
    await client.aclose()


async def test_a_resolver_of_its_own_is_closed_with_the_client(trusting: ssl.SSLContext) -> None:
    client = PublicClient(verify=trusting)
    with pytest.raises(UnsafeUrl):
        await client.check_public("https://a..b/")
    await client.aclose()


def test_the_dns_corpus_is_large_enough() -> None:
    assert len(ANSWERS) + len(FAILURES) >= 15
    assert all(urls.is_public(ipaddress.ip_address(text)) for text in PUBLIC)
