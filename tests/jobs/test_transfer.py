"""Downloads from hostile senders and along hostile redirects; a canary listens where nothing may ever arrive."""

import asyncio
import base64
import contextlib
import gzip
import hashlib
import ipaddress
import ssl
import threading
import time
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from core.errors import TransferFailed
from core.outcome import Auth
from jobs.http import PublicClient
from jobs.transfer import Credential, OutputExpired, TransferLimits, download

if TYPE_CHECKING:
    from tests.jobs.conftest import Script, Serve, Served

PUBLIC = ipaddress.ip_address("127.0.0.1")
LIMITS = TransferLimits(max_bytes=4_000_000, deadline=5.0, minimum_rate=1000, grace=0.3, connect_timeout=2.0)
CONTENT = bytes(range(256)) * 12_000
SECRET = "canary-sk-live-0123456789"
NAMES = {
    "cdn.example.com": ["127.0.0.1"],
    "other.example.com": ["127.0.0.1"],
    "inside.example.com": ["127.0.0.2"],
    "half.example.com": ["127.0.0.1", "127.0.0.2"],
    "six.example.com": ["::1"],
    "gone.example.com": [],
}


@dataclass
class World:
    """A public host, a private one with a canary, and a client that tells them apart by address."""

    client: PublicClient
    public: "Served"
    canary: "Served"
    replies: dict[str, "Script"]
    folder: Path

    def url(self, path: str = "/clip.mp4", host: str = "cdn.example.com") -> str:
        return f"http://{host}:{self.public.port}{path}"

    async def fetch(self, url: str | None = None, **changes: float) -> bytes:
        """The downloaded bytes, checked against what `download` says of them."""
        target = self.folder / "clip.mp4"
        limits = replace(LIMITS, **changes)  # type: ignore[arg-type]  # a field's type cannot be told from its name
        result = await download(url or self.url(), target, client=self.client, limits=limits)
        content = target.read_bytes()
        assert (result.size, result.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        return content


async def resolve(host: str, port: int) -> Sequence[str]:
    return NAMES.get(host, ["127.0.0.2"])


def reply(body: bytes = b"", *headers: str, status: str = "200 OK", length: bool = True) -> "Script":
    """A script that sends one reply and closes."""
    lines = [f"HTTP/1.1 {status}", *([f"Content-Length: {len(body)}"] if length else []), *headers, "", ""]

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write("\r\n".join(lines).encode("utf-8") + body)

    return script


@pytest.fixture
async def world(serve: "Serve", tmp_path: Path, trusting: ssl.SSLContext) -> AsyncIterator[World]:
    """One public server whose reply depends on the path, and a canary at the private address, on the same port."""
    replies: dict[str, Script] = {}

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = public.heads[-1].split(b" ")[1].decode()
        await replies.get(path, replies.get("/clip.mp4", reply(CONTENT)))(reader, writer)

    public = await serve(script)
    canary = await serve(reply(b"secret of the inside"), host="127.0.0.2", port=public.port)
    client = PublicClient(
        resolve=resolve, verify=trusting, is_public=lambda ip: ip == PUBLIC, allow_http=True, ports={public.port}
    )
    yield World(client, public, canary, replies, tmp_path)
    await client.aclose()
    assert canary.connections == 0


async def refused(world: World, url: str | None = None, **changes: float) -> TransferFailed:
    """The error of a download that must fail and leave nothing behind."""
    with pytest.raises(TransferFailed) as caught:
        await world.fetch(url, **changes)
    assert list(world.folder.iterdir()) == []
    assert caught.value.__context__ is None or "canary" not in repr(caught.value.__context__)
    return caught.value


async def test_a_file_arrives_whole(world: World) -> None:
    world.replies["/clip.mp4"] = reply(CONTENT, "Content-Type: Video/MP4; codecs=avc1")
    target = world.folder / "out.mp4"
    result = await download(world.url(), target, client=world.client, limits=LIMITS)
    assert target.read_bytes() == CONTENT
    assert (result.size, result.content_type) == (len(CONTENT), "video/mp4")
    assert result.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert [path.name for path in world.folder.iterdir()] == ["out.mp4"]


def chunks(*parts: bytes, end: bytes = b"0\r\n\r\n") -> "Script":
    body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + end
    return reply(body, "Transfer-Encoding: chunked", length=False)


def repeat(part: bytes, pause: float, *headers: str, status: str = "200 OK") -> "Script":
    """A script that sends `part` for ever."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write("\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode())
        with contextlib.suppress(OSError):
            while not writer.is_closing():
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause)

    return script


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc")
    await writer.drain()
    writer.transport.abort()


async def fast_then_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 1_500_000)
    await reader.read()


GOOD_CONTENT = {
    "no length": (reply(b"abc", length=False), b"abc"),
    "chunks": (chunks(b"a", b"bc", b"d" * 2_000_000), b"abc" + b"d" * 2_000_000),
    "empty": (reply(b""), b""),
    "more than its length": (reply(b"abcdef", "Content-Length: 3", length=False), b"abc"),
    "same length twice": (reply(b"abc", "Content-Length: 3"), b"abc"),
    "wrong type": (reply(b"<html>", "Content-Type: text/html"), b"<html>"),
    "odd type": (reply(b"abc", "Content-Type: ../../etc/passwd\t\u00e9"), b"abc"),
    "playlist": (reply(b"#EXTM3U\nhttp://127.0.0.2/x", "Content-Type: application/vnd.apple.mpegurl"), b"#EXTM3U\nhttp://127.0.0.2/x"),
    "attachment name": (reply(b"abc", "Content-Disposition: attachment; filename=/etc/passwd"), b"abc"),
    "refresh header": (reply(b"abc", "Refresh: 0; url=http://127.0.0.2/"), b"abc"),
    "explicit identity": (reply(b"abc", "Content-Encoding: identity"), b"abc"),
    "exactly the limit": (reply(b"x" * 4_000_000), b"x" * 4_000_000),
    "1xx first": (reply(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", status="103 Hints", length=False), b"a"),
}  # fmt: skip

BAD_CONTENT = {
    "one byte over the limit": (reply(b"x" * 4_000_001), "larger"),
    "five gigabytes announced": (reply(b"x", "Content-Length: 5000000000", length=False), "larger"),
    "endless without a length": (repeat(b"x" * 100_000, 0), "larger"),
    "endless chunks": (repeat(b"10000\r\n" + b"x" * 65536 + b"\r\n", 0, "Transfer-Encoding: chunked"), "larger"),
    "shorter than its length": (reply(b"abc", "Content-Length: 10", length=False), "ended early"),
    "chunks cut short": (chunks(b"abc", end=b""), "ended early"),
    "reset": (reset, "broke|ended early"),
    "bad chunk": (reply(b"zz\r\n", "Transfer-Encoding: chunked", length=False), "broken HTTP"),
    "lengths that differ": (reply(b"abc", "Content-Length: 4"), "broken HTTP"),
    "length that is no number": (reply(b"abc", "Content-Length: 3x", length=False), "broken HTTP"),
    "length too long to read": (reply(b"abc", "Content-Length: " + "9" * 5000, length=False), "broken HTTP"),
    "gzip": (reply(gzip.compress(b"abc"), "Content-Encoding: gzip"), "encoding"),
    "gzip bomb": (reply(gzip.compress(b"0" * 50_000_000), "Content-Encoding: gzip"), "encoding"),
    "brotli": (reply(b"abc", "Content-Encoding: br"), "encoding"),
    "two encodings": (reply(b"abc", "Content-Encoding: identity, gzip"), "encoding"),
    "trickle": (repeat(b"x", 0.02), "too slow"),
    "trickle with a length": (repeat(b"xx", 0.02, "Content-Length: 100000"), "too slow"),
    "silence": (hang, "in time"),
    "fast, then silent": (fast_then_silent, "in time"),
    "garbage": (reply(b"", status="hello"), "broken HTTP"),
    "no HTTP": (repeat(b"", 0, status="\0\0\0\0"), "broken HTTP"),
    "200 kB of headers": (reply(b"abc", "X-A: " + "a" * 200_000), "broken HTTP"),
    "partial content": (reply(b"abc", "Content-Range: bytes 0-2/9", status="206 Partial"), "answers 206"),
    "no content": (reply(b"", status="204 No Content"), "answers 204"),
    "not modified": (reply(b"", status="304 Not Modified"), "answers 304"),
    "several choices": (reply(b"", "Location: http://127.0.0.2/", status="300 Choices"), "answers 300"),
    "needs a key": (reply(b"", "WWW-Authenticate: Basic", status="401 Unauthorized"), "answers 401"),
    "busy": (reply(b"", status="429 Too Many"), "answers 429"),
    "broken": (reply(b"", status="500 Oops"), "answers 500"),
    "another protocol": (reply(b"", "Upgrade: x", "Connection: upgrade", status="101 X", length=False), "broken"),
}  # fmt: skip


def test_the_content_corpus_is_large_enough() -> None:
    assert len(GOOD_CONTENT) + len(BAD_CONTENT) >= 25


@pytest.mark.parametrize(("script", "expected"), GOOD_CONTENT.values(), ids=GOOD_CONTENT.keys())
async def test_odd_but_whole_content_arrives(world: World, script: "Script", expected: bytes) -> None:
    world.replies["/clip.mp4"] = script
    assert await world.fetch() == expected


@pytest.mark.parametrize(("script", "text"), BAD_CONTENT.values(), ids=BAD_CONTENT.keys())
async def test_bad_content_is_refused_in_time_and_leaves_nothing(world: World, script: "Script", text: str) -> None:
    world.replies["/clip.mp4"] = script
    started = time.monotonic()
    error = await refused(world)
    assert time.monotonic() - started < LIMITS.deadline
    assert not isinstance(error, OutputExpired)
    with pytest.raises(TransferFailed, match=text):
        raise error


@pytest.mark.parametrize("status", ["403 Forbidden", "404 Not Found", "410 Gone"])
async def test_an_expired_address_is_told_apart(world: World, status: str) -> None:
    world.replies["/clip.mp4"] = reply(b"<Error/>", status=status)
    assert isinstance(await refused(world), OutputExpired)


async def test_the_deadline_is_wall_clock_time(world: World) -> None:
    world.replies["/clip.mp4"] = repeat(b"x" * 1000, 0.01)
    started = time.monotonic()
    assert "in time" in str(await refused(world, deadline=0.4))
    assert time.monotonic() - started < 1.5


async def test_memory_does_not_grow_with_the_file(world: World) -> None:
    world.replies["/clip.mp4"] = repeat(b"x" * 65536, 0)
    tracemalloc.start()
    try:
        await refused(world, max_bytes=40_000_000)
        assert tracemalloc.get_traced_memory()[1] < 12_000_000
    finally:
        tracemalloc.stop()


async def test_the_loop_is_never_blocked_by_the_disk(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: set[str] = set()
    sha256 = hashlib.sha256

    class Noting:
        """A digest that notes who feeds it."""

        def __init__(self) -> None:
            self._digest = sha256()

        def update(self, part: bytes) -> None:
            threads.add(threading.current_thread().name.partition("_")[0])
            self._digest.update(part)

        def hexdigest(self) -> str:
            return self._digest.hexdigest()

    monkeypatch.setattr("jobs.transfer.hashlib.sha256", Noting)
    await download(world.url(), world.folder / "x", client=world.client, limits=LIMITS)
    assert threads == {"transfer"}


async def test_a_cancelled_download_leaves_nothing(world: World) -> None:
    arrived = asyncio.Event()

    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 1_500_000)
        arrived.set()
        await reader.read()

    world.replies["/clip.mp4"] = half
    task = asyncio.create_task(world.fetch(grace=60))
    await arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list(world.folder.iterdir()) == []


async def test_a_disk_that_refuses_is_a_failed_transfer(world: World) -> None:
    target = world.folder / "missing" / "clip.mp4"
    with pytest.raises(TransferFailed, match="written to disk"):
        await download(world.url(), target, client=world.client, limits=LIMITS)


REDIRECTS = {
    "to loopback": "http://127.0.0.2:{port}/",
    "to loopback, short": "http://127.1:{port}/",
    "to loopback, number": "http://2130706434:{port}/",
    "to loopback, hexadecimal": "http://0x7f000002:{port}/",
    "to loopback, mapped": "http://[::ffff:127.0.0.2]:{port}/",
    "to loopback, IPv6": "http://[::1]:{port}/",
    "to a private name": "http://inside.example.com:{port}/",
    "to a half private name": "http://half.example.com:{port}/",
    "to an IPv6-only private name": "http://six.example.com:{port}/",
    "to localhost": "http://localhost:{port}/",
    "without a scheme": "//inside.example.com:{port}/",
    "to metadata": "http://169.254.169.254/latest/meta-data/",
    "to metadata by name": "http://metadata.google.internal/computeMetadata/v1/",
    "to nowhere": "http://gone.example.com:{port}/",
    "to another port": "http://cdn.example.com:22/",
    "to file": "file:///etc/passwd",
    "to gopher": "gopher://127.0.0.2:{port}/_x",
    "to ftp": "ftp://inside.example.com/",
    "to data": "data:video/mp4;base64,AAAA",
    "to javascript": "javascript:alert(1)",
    "with userinfo": "http://cdn.example.com@inside.example.com:{port}/",
    "with backslash": "http://inside.example.com:{port}\\@cdn.example.com/",
    "backslashes only": "\\\\inside.example.com:{port}\\",
    "with a tab": "ht\ttp://inside.example.com:{port}/",
    "with a fragment": "http://inside.example.com:{port}/#@cdn.example.com/",
    "with a trailing dot": "http://inside.example.com.:{port}/",
    "not ASCII": "http://inside\u3002example\u3002com:{port}/",
    "empty": "",
    "a loop": "/clip.mp4",
}


@pytest.mark.parametrize("location", REDIRECTS.values(), ids=REDIRECTS.keys())
@pytest.mark.parametrize("status", ["301", "302", "303", "307", "308"])
async def test_no_redirect_leads_inside(world: World, location: str, status: str) -> None:
    where = location.format(port=world.public.port)
    world.replies["/clip.mp4"] = reply(b"", f"Location: {where}", status=f"{status} Moved")
    await refused(world)


async def test_a_redirect_without_a_location_is_refused(world: World) -> None:
    world.replies["/clip.mp4"] = reply(b"", status="302 Found")
    await refused(world)


def chain(world: World, hops: int) -> None:
    """Redirects from `/clip.mp4` over so many hops to the content."""
    for hop in range(hops):
        path = "/clip.mp4" if hop == 0 else f"/{hop}"
        world.replies[path] = reply(b"", f"Location: /{hop + 1}", status="302 Found")
    world.replies[f"/{hops}"] = reply(CONTENT)


async def test_three_redirects_are_followed(world: World) -> None:
    chain(world, 3)
    assert await world.fetch() == CONTENT


@pytest.mark.parametrize("hops", [4, 21])
async def test_more_are_not(world: World, hops: int) -> None:
    chain(world, hops)
    assert "too many" in str(await refused(world))
    assert world.public.connections == 4


async def test_the_deadline_covers_all_redirects(world: World) -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)
        if not writer.is_closing():
            writer.write(b"HTTP/1.1 302 Found\r\nLocation: /clip.mp4\r\nContent-Length: 0\r\n\r\n")

    world.replies["/clip.mp4"] = slow
    assert "in time" in str(await refused(world, deadline=0.3))


async def sent_credentials(world: World, *, origin: str, hops: Sequence[str]) -> list[bool]:
    """For each request of a download that redirects over `hops`: whether it carried the secret."""
    paths = ["/clip.mp4", *(f"/{number}" for number in range(1, len(hops) + 1))]
    for path, hop, following in zip(paths, hops, paths[1:], strict=False):
        world.replies[path] = reply(b"", f"Location: {world.url(following, hop)}", status="302 Found")
    world.replies[paths[-1]] = reply(CONTENT)
    credential = Credential(auth=Auth(header="X-Key", prefix=""), secret=SECRET, origin=origin)
    assert SECRET not in repr(credential)
    await download(world.url(), world.folder / "x", client=world.client, limits=LIMITS, credential=credential)
    return [SECRET.encode() in head for head in world.public.heads]


async def test_a_credential_goes_to_its_own_origin_only(world: World) -> None:
    own = world.url("").rstrip("/")
    assert await sent_credentials(world, origin=own, hops=[]) == [True]


async def test_a_credential_never_goes_to_another_host_or_port(world: World) -> None:
    for origin in (
        "http://cdn.example.com",
        world.url("", "other.example.com"),
        world.url("").replace("http", "https"),
    ):
        world.public.heads.clear()
        assert await sent_credentials(world, origin=origin, hops=[]) == [False]


async def test_a_redirect_within_the_origin_keeps_the_credential(world: World) -> None:
    assert await sent_credentials(world, origin=world.url(""), hops=["cdn.example.com"]) == [True, True]


async def test_a_redirect_across_hosts_drops_it_for_good(world: World) -> None:
    hops = ["other.example.com", "cdn.example.com"]
    assert await sent_credentials(world, origin=world.url(""), hops=hops) == [True, False, False]


async def test_an_unusable_credential_is_not_quoted(world: World) -> None:
    credential = Credential(auth=Auth(), secret=f"{SECRET}\r\nX: y", origin=world.url(""))
    with pytest.raises(TransferFailed) as caught:
        await download(world.url(), world.folder / "x", client=world.client, limits=LIMITS, credential=credential)
    assert SECRET not in repr(caught.value)
    assert caught.value.__context__ is None


async def test_the_attempts_own_loopback_endpoint_is_allowed_by_exact_origin(serve: "Serve", tmp_path: Path) -> None:
    served = await serve(reply(CONTENT))
    own = f"http://127.0.0.1:{served.port}"
    client = PublicClient()
    result = await download(f"{own}/clip.mp4", tmp_path / "x", client=client, limits=LIMITS, allowed_origins={own})
    assert result.size == len(CONTENT)
    for other in (
        f"http://localhost:{served.port}/",
        f"http://127.0.0.1:{served.port + 1}/",
        f"https://127.0.0.1:{served.port}/",
    ):
        with pytest.raises(TransferFailed):
            await download(other, tmp_path / "y", client=client, limits=LIMITS, allowed_origins={own})
    assert served.connections == 1
    await client.aclose()


async def test_a_mock_behind_a_name_may_not_be_metadata(tmp_path: Path) -> None:
    async def rebound(host: str, port: int) -> Sequence[str]:
        return ["169.254.169.254"]

    client = PublicClient(resolve=rebound)
    with pytest.raises(TransferFailed, match="may not be called"):
        await download(
            "http://emulate:9/x", tmp_path / "x", client=client, limits=LIMITS, allowed_origins={"http://emulate:9"}
        )
    await client.aclose()


async def test_https_downloads_verify_the_name(
    serve: "Serve", authority: trustme.CA, trusting: ssl.SSLContext, tmp_path: Path
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("cdn.example.com").configure_cert(context)
    served = await serve(reply(CONTENT), tls=context)
    client = PublicClient(resolve=resolve, verify=trusting, is_public=lambda ip: ip == PUBLIC, ports={served.port})
    result = await download(f"https://cdn.example.com:{served.port}/x", tmp_path / "x", client=client, limits=LIMITS)
    assert result.size == len(CONTENT)
    with pytest.raises(TransferFailed):
        await download(f"https://other.example.com:{served.port}/x", tmp_path / "y", client=client, limits=LIMITS)
    await client.aclose()


DATA: dict[str, tuple[str, bytes, str]] = {
    "base64": ("data:video/mp4;base64," + base64.b64encode(CONTENT).decode(), CONTENT, "video/mp4"),
    "with parameters": ("data:video/mp4;x=y;base64,YWJj", b"abc", "video/mp4"),
    "percent-encoded": ("data:text/plain,a%20b", b"a b", "text/plain"),
    "percent-encoded base64": ("data:;base64,YWJjZA%3D%3D", b"abcd", ""),
    "empty": ("data:,", b"", ""),
}


@pytest.mark.parametrize(("url", "content", "media_type"), DATA.values(), ids=DATA.keys())
async def test_a_data_address_is_decoded(world: World, url: str, content: bytes, media_type: str) -> None:
    result = await download(url, world.folder / "x", client=world.client, limits=LIMITS)
    assert (world.folder / "x").read_bytes() == content
    assert (result.size, result.content_type) == (len(content), media_type)


BAD_DATA = {
    "no comma": "data:",
    "type only": "data:video/mp4",
    "base64 without content": "data:video/mp4;base64",
    "cut base64": "data:;base64,a",
    "base64 with a space": "data:;base64,YW Jj",
    "not ASCII": "data:;base64,\u00e9",
    "over the limit": "data:;base64," + "A" * 8_000_000,
    "over the limit, plain": "data:," + "a" * 6_000_000,
}


@pytest.mark.parametrize("url", BAD_DATA.values(), ids=BAD_DATA.keys())
async def test_a_bad_data_address_is_refused(world: World, url: str) -> None:
    await refused(world, url)
