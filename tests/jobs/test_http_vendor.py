"""What the sender is told when a vendor, or the road to it, misbehaves: not sent, reply lost, or a reply."""

import asyncio
import contextlib
import functools
import gzip
import random
import socket
import ssl
import struct
import time
import traceback
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import pytest
import trustme

from core.outcome import Auth, Reply, Request
from jobs.http import KEPT_CONNECTIONS, MAX_REPLY, ExchangeFailed, NotSent, ReplyLost, SystemResolver, VendorClient

if TYPE_CHECKING:
    from tests.jobs.conftest import Script, Serve

SECRET = "canary-sk-live-0123456789"
POST = Request(method="POST", path="/v1/videos", json={"prompt": "a fox"}, auth=Auth())
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n" + b'{"id": "7"}'


@pytest.fixture
async def client(trusting: ssl.SSLContext) -> AsyncIterator[VendorClient]:
    """A client that trusts our authority and finds every host on loopback."""

    async def on_loopback(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    made = VendorClient(resolve=on_loopback, verify=trusting)
    yield made
    await made.aclose()


async def send(client: VendorClient, base_url: str, request: Request = POST, *, read_timeout: float = 0.3) -> Reply:
    return await client.send_once(
        request, base_url=base_url, secret=SECRET, connect_timeout=0.3, read_timeout=read_timeout
    )


def answer(raw: bytes) -> "Script":
    """A script that sends `raw` and closes."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)

    return script


def reset(writer: asyncio.StreamWriter) -> None:
    """Cut the connection with a TCP reset."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def reset_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    reset(writer)


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def reset_in_the_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(OK[:-4])
    await writer.drain()
    reset(writer)


async def trickle_a_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    await drip(writer, b"x")


async def trickle_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    await drip(writer, b"X-A: b\r\n")


async def flood_with_early_hints(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await drip(writer, b"HTTP/1.1 103 Early Hints\r\n\r\n")


async def drip(writer: asyncio.StreamWriter, drop: bytes) -> None:
    """One drop every 20 ms, until the client goes."""
    with contextlib.suppress(OSError):
        while not writer.is_closing():
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(0.02)


async def endless_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    with contextlib.suppress(OSError):
        while not writer.is_closing():
            writer.write(b"x" * 65536)
            await writer.drain()


def with_length(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """A complete reply."""
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers, b"", body]
    return b"\r\n".join(lines)


BOMB = gzip.compress(b"0" * (MAX_REPLY + 1))
LOST = {
    "reset after reading the request": reset_at_once,
    "closed without a reply": answer(b""),
    "no reply": hang,
    "reset inside the body": reset_in_the_body,
    "trickled body": trickle_a_body,
    "trickled headers": trickle_headers,
    "flood of 1xx": flood_with_early_hints,
    "endless body": endless_body,
    "switching protocols": answer(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
    "truncated content-length": answer(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}"),
    "truncated chunks": answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}"),
    "bad chunk size": answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}"),
    "conflicting lengths": answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
    "negative length": answer(b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}"),
    "garbage status line": answer(b"hello there\r\n\r\n"),
    "status 99999": answer(b"HTTP/1.1 99999 What\r\n\r\n"),
    "a different protocol": answer(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "NUL bytes": answer(b"\0" * 2048),
    "header without colon": answer(b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n"),
    "200 kB of headers": answer(b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 200_000 + b"\r\n\r\n"),
    "endless headers": answer(b"HTTP/1.1 200 OK\r\n" + b"X-A: aaaaaaaaaa\r\n" * 20_000),
    "over the size limit": answer(with_length(b"x" * (MAX_REPLY + 1))),
    "gzip bomb": answer(with_length(BOMB, b"Content-Encoding: gzip")),
    "gzip cut short": answer(with_length(BOMB[:50], b"Content-Encoding: gzip")),
    "gzip that is not": answer(with_length(b"{}", b"Content-Encoding: gzip")),
    "unknown encoding": answer(with_length(b"{}", b"Content-Encoding: br")),
}


@pytest.mark.parametrize("script", LOST.values(), ids=LOST.keys())
async def test_trouble_after_the_connection_stood_is_a_lost_reply(
    client: VendorClient, serve: "Serve", script: "Script"
) -> None:
    served = await serve(script)
    started = time.monotonic()
    with pytest.raises(ReplyLost) as caught:
        await send(client, f"http://127.0.0.1:{served.port}", read_timeout=1 if script is endless_body else 0.3)
    assert time.monotonic() - started < 4
    assert served.connections == 1
    assert_silent(caught.value)


async def test_a_reset_before_the_request_was_read_is_a_lost_reply(client: VendorClient, serve: "Serve") -> None:
    served = await serve(reset_at_once, read=False)
    with pytest.raises(ReplyLost):
        await send(client, f"http://127.0.0.1:{served.port}")


def assert_silent(error: BaseException) -> None:
    """Nothing reachable from the error, nor its printed traceback, holds the secret or the library's own error."""
    assert error.__context__ is None
    assert error.__cause__ is None
    text = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error)) + str(error.args)
    assert SECRET not in text
    assert "httpx" not in repr(error)


def closed_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        assert isinstance(port, int)
        return port


async def test_a_refused_connection_is_not_sent(client: VendorClient) -> None:
    with pytest.raises(NotSent, match="could not be made") as caught:
        await send(client, f"http://127.0.0.1:{closed_port()}")
    assert_silent(caught.value)


async def test_a_connection_that_never_comes_is_not_sent(client: VendorClient) -> None:
    with socket.socket() as full, contextlib.ExitStack() as stack:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        for _ in range(4):  # fill the backlog: further SYNs are dropped, as by a firewall
            filler = stack.enter_context(contextlib.closing(socket.socket()))
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        with pytest.raises(NotSent, match="in time") as caught:
            await send(client, f"http://127.0.0.1:{port}")
    assert_silent(caught.value)


async def test_an_unknown_host_is_not_sent() -> None:
    async def unknown(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    client = VendorClient(resolve=unknown)
    with pytest.raises(NotSent, match="does not resolve") as caught:
        await send(client, "https://api.example.com")
    assert_silent(caught.value)
    await client.aclose()


async def test_a_dns_answer_with_the_metadata_service_is_not_sent() -> None:
    async def rebound(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1", "169.254.169.254"]

    client = VendorClient(resolve=rebound)
    with pytest.raises(NotSent, match="may not be called"):
        await send(client, "https://api.example.com")
    await client.aclose()


@pytest.mark.parametrize(
    "script", [reset_at_once, hang, answer(b""), answer(b"plain text"), answer(b"\x15\x03\x01\x00\x02\x02\x28")]
)
async def test_a_failed_tls_handshake_is_not_sent(client: VendorClient, serve: "Serve", script: "Script") -> None:
    served = await serve(script, read=False)
    with pytest.raises(NotSent) as caught:
        await send(client, f"https://api.example.com:{served.port}")
    assert_silent(caught.value)


def tls(authority: trustme.CA, name: str) -> ssl.SSLContext:
    """A server's TLS settings with a certificate for `name`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


async def test_a_certificate_for_another_name_is_not_sent(
    client: VendorClient, serve: "Serve", authority: trustme.CA
) -> None:
    served = await serve(answer(OK), tls=tls(authority, "other.example.com"))
    with pytest.raises(NotSent):
        await send(client, f"https://api.example.com:{served.port}")
    assert served.heads == []


async def test_a_certificate_of_a_stranger_is_not_sent(client: VendorClient, serve: "Serve") -> None:
    served = await serve(answer(OK), tls=tls(trustme.CA(), "api.example.com"))
    with pytest.raises(NotSent):
        await send(client, f"https://api.example.com:{served.port}")
    assert served.heads == []


async def test_tls_is_verified_for_the_name_while_the_address_is_pinned(
    client: VendorClient, serve: "Serve", authority: trustme.CA
) -> None:
    served = await serve(answer(OK), tls=tls(authority, "api.example.com"))
    reply = await send(client, f"https://api.example.com:{served.port}/base")
    assert reply.document == {"id": "7"}
    assert served.heads[0].startswith(b"POST /base/v1/videos HTTP/1.1\r\n")
    assert f"Host: api.example.com:{served.port}\r\n".encode() in served.heads[0]


async def test_a_next_address_is_tried_while_nothing_was_sent(serve: "Serve") -> None:
    async def two(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.9", "127.0.0.1"]

    served = await serve(answer(OK))
    client = VendorClient(resolve=two)
    assert (await send(client, f"http://localhost:{served.port}")).status == 200
    await client.aclose()


async def test_no_next_address_is_tried_once_something_was_sent(serve: "Serve") -> None:
    async def twice(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1", "127.0.0.1"]

    served = await serve(reset_at_once)
    client = VendorClient(resolve=twice)
    with pytest.raises(ReplyLost):
        await send(client, f"http://localhost:{served.port}")
    assert served.connections == 1
    await client.aclose()


@pytest.mark.parametrize(
    "status", [b"200 OK", b"202 X", b"301 X", b"307 X", b"400 X", b"429 X", b"500 X", b"503 X", b"599 X"]
)
async def test_any_final_status_is_a_reply(client: VendorClient, serve: "Serve", status: bytes) -> None:
    served = await serve(answer(with_length(b"{}", b"Location: http://127.0.0.1:1/", b"Retry-After: 3", status=status)))
    reply = await send(client, f"http://127.0.0.1:{served.port}")
    assert (reply.status, reply.body, reply.headers["retry-after"]) == (int(status[:3]), b"{}", "3")
    assert served.connections == 1


COMPLETE = {
    "after 100 Continue": b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
    "without a length": b"HTTP/1.1 200 OK\r\n\r\n" + b'{"id": "7"}',
    "in chunks": b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n{"id": "7"}\r\n0\r\n\r\n',
    "HTTP/1.0": b'HTTP/1.0 200 OK\r\n\r\n{"id": "7"}',
    "bytes after the body": OK + b"GARBAGE",
    "gzip unasked": with_length(gzip.compress(b'{"id": "7"}'), b"Content-Encoding: gzip"),
    "deflate unasked": with_length(zlib.compress(b'{"id": "7"}'), b"Content-Encoding: DEFLATE"),
    "60 kB of headers": with_length(b'{"id": "7"}', b"X-A: " + b"a" * 60_000),
}


@pytest.mark.parametrize("raw", COMPLETE.values(), ids=COMPLETE.keys())
async def test_unusual_but_complete_replies_are_replies(client: VendorClient, serve: "Serve", raw: bytes) -> None:
    served = await serve(answer(raw))
    assert (await send(client, f"http://127.0.0.1:{served.port}")).document == {"id": "7"}


async def test_a_reply_that_overtakes_a_large_request_is_kept(client: VendorClient, serve: "Serve") -> None:
    async def refuse_early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(with_length(b"{}", status=b"413 Too Large"))

    served = await serve(refuse_early, read=False)
    request = Request(method="POST", path="/", json={"image": "x" * 3_000_000})
    try:
        reply = await send(client, f"http://127.0.0.1:{served.port}", request, read_timeout=2)
    except ReplyLost:
        return  # the server's reset may also outrun its reply: then we know no better
    assert reply.status == 413


async def test_the_request_is_what_the_adapter_wrote_and_no_more(client: VendorClient, serve: "Serve") -> None:
    served = await serve(answer(OK))
    request = Request(
        method="POST",
        path="/v1/videos",
        headers={"X-Version": "2", "authorization": "stale"},
        json={"é": [1, None]},
        query={"a": "b c&d"},
        auth=Auth(prefix="Key "),
    )
    await send(client, f"http://127.0.0.1:{served.port}/mock/", request)
    head = served.heads[0].decode().lower().split("\r\n")
    assert head[0] == "post /mock/v1/videos?a=b+c%26d http/1.1"
    assert [line for line in head if line.startswith("authorization")] == [f"authorization: key {SECRET}"]
    names = {line.partition(":")[0] for line in head[1:] if line}
    ours = {"host", "accept", "accept-encoding", "user-agent", "content-type", "content-length"}
    assert names == ours | {"x-version", "authorization"}
    assert served.bodies == ['{"é":[1,null]}'.encode()]


async def test_a_secret_goes_nowhere_without_auth(client: VendorClient, serve: "Serve") -> None:
    served = await serve(answer(OK))
    await send(client, f"http://127.0.0.1:{served.port}", Request(method="DELETE", path="/x"))
    assert SECRET.encode() not in served.heads[0]
    assert b"Content-Type" not in served.heads[0]


UNSENDABLE = {
    "path without slash": Request(method="POST", path="v1"),
    "path with host": Request(method="POST", path="@evil.example.com/"),
    "path with query": Request(method="POST", path="/v1?key=x"),
    "path with fragment": Request(method="POST", path="/v1#x"),
    "path that climbs": Request(method="GET", path="/v1/../../admin"),
    "path that climbs encoded": Request(method="GET", path="/v1/%2e%2e/admin"),
    "path with newline": Request(method="GET", path="/v1/\r\nX: y"),
    "path with backslash": Request(method="GET", path="/\\evil.example.com"),
    "path too long": Request(method="GET", path="/" + "a" * 9000),
    "method with space": Request(method="GET /x", path="/"),
    "not a number": Request(method="POST", path="/", json={"a": float("nan")}),
    "lone surrogate": Request(method="POST", path="/", json={"a": "\ud800"}),
    "not JSON": Request(method="POST", path="/", json={"a": object()}),
    "header injection": Request(method="POST", path="/", headers={"X-A": "b\r\nX-C: d"}),
    "header name injection": Request(method="POST", path="/", headers={"X-A: b\r\nX-C": "d"}),
    "own host": Request(method="POST", path="/", headers={"HOST": "evil.example.com"}),
    "own length": Request(method="POST", path="/", headers={"Content-Length": "1"}),
    "own framing": Request(method="POST", path="/", headers={"transfer-encoding": "chunked"}),
}


@pytest.mark.parametrize("request_", UNSENDABLE.values(), ids=UNSENDABLE.keys())
async def test_a_malformed_request_is_not_sent(client: VendorClient, serve: "Serve", request_: Request) -> None:
    served = await serve(answer(OK))
    with pytest.raises(NotSent) as caught:
        await send(client, f"http://127.0.0.1:{served.port}", request_)
    assert served.connections == 0
    assert_silent(caught.value)


@pytest.mark.parametrize("secret", [f"{SECRET}\n", f"{SECRET}\r\nX: y", f"{SECRET}é", f"{SECRET}\0", "", None])
async def test_an_unusable_secret_is_not_sent_and_not_quoted(client: VendorClient, secret: str | None) -> None:
    with pytest.raises(NotSent) as caught:
        await client.send_once(POST, base_url="http://127.0.0.1:1", secret=secret)
    assert_silent(caught.value)


@pytest.mark.parametrize("base_url", ["ftp://127.0.0.1", "http://a@127.0.0.1", "127.0.0.1", "http://127.0.0.1?x=", ""])
async def test_a_malformed_endpoint_is_not_sent(client: VendorClient, base_url: str) -> None:
    with pytest.raises(NotSent) as caught:
        await send(client, base_url)
    assert_silent(caught.value)


async def keep_answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One reply per request head, on one connection."""
    while await reader.readuntil(b"\r\n\r\n"):
        writer.write(OK)


POLL = Request(method="GET", path="/v1/videos/7", auth=Auth())


async def test_polling_reuses_its_connection_and_sending_never_does(client: VendorClient, serve: "Serve") -> None:
    served = await serve(keep_answering, read=False)
    base_url = f"http://127.0.0.1:{served.port}"
    for _ in range(3):
        await client.poll(POLL, base_url=base_url, secret=SECRET)
    assert served.connections == 1
    for _ in range(3):
        await send(client, base_url, POLL)
    assert served.connections == 4


async def test_polling_survives_a_connection_that_the_vendor_closed(client: VendorClient, serve: "Serve") -> None:
    served = await serve(answer(OK))
    for _ in range(3):
        reply = await client.poll(POLL, base_url=f"http://127.0.0.1:{served.port}", secret=SECRET)
        assert reply.document == {"id": "7"}


async def test_two_names_on_one_address_never_share_a_connection(
    client: VendorClient, serve: "Serve", authority: trustme.CA
) -> None:
    served = await serve(keep_answering, tls=tls(authority, "one.example.com"), read=False)
    await client.poll(POLL, base_url=f"https://one.example.com:{served.port}", secret=SECRET)
    with pytest.raises(NotSent):
        await client.poll(POLL, base_url=f"https://two.example.com:{served.port}", secret=SECRET)


async def test_a_lost_poll_does_not_spoil_the_next(client: VendorClient, serve: "Serve") -> None:
    async def second_time_well(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if served.connections == 1:
            await hang(reader, writer)
        writer.write(OK)

    served = await serve(second_time_well)
    base_url = f"http://127.0.0.1:{served.port}"
    with pytest.raises(ReplyLost):
        await client.poll(POLL, base_url=base_url, secret=SECRET, read_timeout=0.1)
    assert (await client.poll(POLL, base_url=base_url, secret=SECRET)).status == 200


async def test_many_polls_at_once_all_end(client: VendorClient, serve: "Serve") -> None:
    served = await serve(keep_answering, read=False)
    base_url = f"http://127.0.0.1:{served.port}"
    replies = await asyncio.gather(*(client.poll(POLL, base_url=base_url, secret=SECRET) for _ in range(200)))
    assert {reply.status for reply in replies} == {200}
    assert served.connections <= KEPT_CONNECTIONS


async def test_polls_that_wait_for_their_turn_do_not_run_out_of_time(client: VendorClient, serve: "Serve") -> None:
    async def answer_later(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            await asyncio.sleep(0.1)
            writer.write(OK)

    served = await serve(answer_later, read=False)
    poll = functools.partial(client.poll, POLL, base_url=f"http://127.0.0.1:{served.port}", secret=SECRET)
    replies = await asyncio.gather(*(poll(connect_timeout=0.5, read_timeout=1.0) for _ in range(30 * KEPT_CONNECTIONS)))
    assert {reply.status for reply in replies} == {200}


async def test_cancelled_polls_leave_every_place_to_the_next(client: VendorClient, serve: "Serve") -> None:
    random_source, together = random.Random(4), asyncio.Barrier(KEPT_CONNECTIONS)
    answers: list[Callable[[], Awaitable[object]]] = [functools.partial(asyncio.sleep, 0.01)]

    async def answer_in_time(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            await answers[-1]()
            writer.write(OK)

    served = await serve(answer_in_time, read=False)
    poll = functools.partial(client.poll, POLL, base_url=f"http://127.0.0.1:{served.port}", secret=SECRET)
    for _ in range(10):
        polls = [asyncio.create_task(poll()) for _ in range(100)]
        for each in polls:
            asyncio.get_running_loop().call_later(random_source.uniform(0.0, 0.1), each.cancel)
        await asyncio.gather(*polls, return_exceptions=True)
    answers.append(together.wait)
    replies = await asyncio.gather(*(poll(read_timeout=10.0) for _ in range(KEPT_CONNECTIONS)))
    assert {reply.status for reply in replies} == {200}


async def test_a_poll_under_way_when_the_client_closes_leaves_no_connection(
    trusting: ssl.SSLContext, serve: "Serve"
) -> None:
    arrived, go, gone = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def answer_when_told(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        arrived.set()
        await go.wait()
        writer.write(OK)
        assert await reader.read() == b""
        gone.set()

    served = await serve(answer_when_told, read=False)
    client = VendorClient(verify=trusting)
    poll = asyncio.create_task(client.poll(POLL, base_url=f"http://127.0.0.1:{served.port}", secret=SECRET))
    await arrived.wait()
    await client.aclose()
    go.set()
    assert (await poll).status == 200
    await asyncio.wait_for(gone.wait(), 10)


async def test_only_a_get_may_be_polled(client: VendorClient) -> None:
    with pytest.raises(ValueError, match="GET"):
        await client.poll(POST, base_url="http://127.0.0.1:1", secret=SECRET)


async def test_cancelling_a_send_ends_it_at_once(client: VendorClient, serve: "Serve") -> None:
    arrived = asyncio.Event()

    async def note_and_hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await reader.read()

    served = await serve(note_and_hang)
    task = asyncio.create_task(send(client, f"http://127.0.0.1:{served.port}", read_timeout=30))
    await arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_systems_resolver_uses_its_own_threads_and_knows_loopback() -> None:
    resolver = SystemResolver(threads=1)
    assert "127.0.0.1" in await resolver("localhost", 80)
    for host in ("-", "a..b", "\u2460"):
        with pytest.raises((OSError, UnicodeError)):
            await resolver(host, 80)
    resolver.close()


async def test_proxy_variables_and_netrc_are_ignored(
    client: VendorClient, serve: "Serve", monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    served = await serve(answer(OK))
    assert (await send(client, f"http://127.0.0.1:{served.port}")).status == 200


def test_both_failures_are_os_errors() -> None:
    assert issubclass(NotSent, ExchangeFailed)
    assert issubclass(ReplyLost, ExchangeFailed)
    assert issubclass(ExchangeFailed, OSError)
