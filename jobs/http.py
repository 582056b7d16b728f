"""The only door to the network for HTTP: single exchanges on pinned addresses, bounded in bytes and in time.

https://www.python-httpx.org/advanced/extensions/ (`sni_hostname`, `timeout`: what the pinning rests on).
"""

import asyncio
import contextlib
import ipaddress
import json
import logging
import math
import re
import socket
import ssl
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import httpx as http_library  # its twin httpx2 has the same words

from core import urls
from core.errors import UnsafeUrl
from core.outcome import Part, Reply, Request, Slot
from core.urls import Address, IPAddress

# The library writes whole URLs (INFO) and reply headers (DEBUG) to its log; both may hold signatures.
for _name in ("httpx", "httpx2", "httpcore", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.WARNING)

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""A host name and port to its IP addresses; OSError when there are none."""

MAX_REPLY = 4 * 1024 * 1024
"""Bytes of a vendor's reply, also after decompression."""
MAX_TRIED_ADDRESSES = 4
RESOLVE_SECONDS = 2.0
_SENDING_SECONDS = 300.0
_READING = ThreadPoolExecutor(2, "upload")
ROUTE_SECONDS = 60.0
"""How long the polling client keeps a host's addresses."""
KEPT_CONNECTIONS = 16
"""The most it keeps to one origin, and the most requests it has under way there."""
_KEPT_SECONDS = 15.0
"""How long a connection is kept that nobody uses."""

_NOT_SENT = (
    http_library.ConnectError,
    http_library.ConnectTimeout,
    http_library.PoolTimeout,
    http_library.UnsupportedProtocol,
)
_UNREACHABLE = (http_library.ConnectError, http_library.ConnectTimeout)
_WORDS: Mapping[type[BaseException], str] = {
    http_library.ConnectError: "the connection could not be made",
    http_library.ConnectTimeout: "the connection was not made in time",
    http_library.PoolTimeout: "no connection was free in time",
    http_library.WriteTimeout: "the request was not taken in time",
    http_library.ReadTimeout: "no reply came in time",
    http_library.ReadError: "the connection broke before the reply was complete",
    http_library.RemoteProtocolError: "the reply is broken HTTP or ended early",
    TimeoutError: "the reply was not complete in time",
}


class ExchangeFailed(OSError):
    """An exchange without a complete reply. The text is ours and holds nothing of the request."""


class NotSent(ExchangeFailed):
    """Certainly not one byte of the request left: DNS, TCP, TLS, no free connection, or an unsendable request."""


class ReplyLost(ExchangeFailed):
    """The request may have been received: anything that went wrong after the connection stood."""


class SystemResolver:
    """The machine's DNS, on threads of its own: the loop's default executor belongs to the engine."""

    def __init__(self, *, threads: int = 16) -> None:
        self._threads = ThreadPoolExecutor(threads, "dns")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """The host's addresses in the system's order of preference. Raises OSError."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host, port)

    def close(self) -> None:
        """Give the threads back; look-ups under way are forgotten."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int) -> Sequence[str]:
    # Bytes, so that Python's own IDNA step cannot turn the checked name into another one.
    found = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """One request, ready to leave: its address is checked, its headers may hold a secret."""

    method: str
    address: Address
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    stream: Callable[[], AsyncIterator[bytes]] | None = field(default=None, repr=False)
    """The body in parts, in place of `body`; its Content-Length must be among the headers."""
    connect_timeout: float = 5.0
    """Seconds for TCP and TLS, over all addresses tried."""
    read_timeout: float = 60.0
    """Seconds from the connection to the last byte of a reply; for a download, between two parts."""


@dataclass(slots=True)
class _Kept:
    """The connections that are kept to one origin: each in a pool of its own, for one request at a time.

    One pool for them all looks at each of them for every request, and what a cancelled request leaves in it half done
    takes its place for ever.
    """

    make: Callable[[], http_library.AsyncHTTPTransport]
    turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(KEPT_CONNECTIONS))
    _idle: list[tuple[float, http_library.AsyncHTTPTransport]] = field(default_factory=list)
    """Since when, the last used at the end."""
    _closed: bool = False

    @contextlib.asynccontextmanager
    async def one(self) -> AsyncIterator[http_library.AsyncHTTPTransport]:
        """The last used, or a new one; kept again once its exchange is complete."""
        transport = self._idle.pop()[1] if self._idle else self.make()
        try:
            yield transport
        except BaseException:
            await transport.aclose()
            raise
        now = time.monotonic()
        self._idle.append((now, transport))
        await self._close_before(math.inf if self._closed else now - _KEPT_SECONDS)

    async def aclose(self) -> None:
        """Close them all, those in use when their exchange is over."""
        self._closed = True
        await self._close_before(math.inf)

    async def _close_before(self, moment: float) -> None:
        while self._idle and self._idle[0][0] < moment:
            await self._idle.pop(0)[1].aclose()


class Wire:
    """Opens exchanges: name to addresses, every address admitted, connection to exactly that one, TLS for the name."""

    def __init__(self, *, resolve: Resolve | None = None, verify: ssl.SSLContext | None = None) -> None:
        self._own_resolver: SystemResolver | None = None
        if resolve is None:
            resolve = self._own_resolver = SystemResolver()
        self._resolve: Resolve = resolve
        self._verify = verify or http_library.create_ssl_context(trust_env=False)
        self._routes: dict[str, tuple[float, Sequence[str]]] = {}
        self._kept: dict[str, _Kept] = {}

    def turn(self, address: Address) -> asyncio.Semaphore:
        """What a request on a kept connection holds while it is under way."""
        return self._at(address).turn

    async def addresses(self, address: Address, admit: Callable[[IPAddress], bool]) -> Sequence[str]:
        """The addresses of a host. Raises UnsafeUrl when there are none or one of them is not admitted."""
        found: Sequence[str] = [address.host] if address.ip else await self._resolved(address)
        if not found:
            raise UnsafeUrl("host does not resolve")
        for text in found:
            if not _admitted(text, admit):
                raise UnsafeUrl("the host has an address that may not be called")
        return found[:MAX_TRIED_ADDRESSES]

    async def _resolved(self, address: Address) -> Sequence[str]:
        with contextlib.suppress(OSError, UnicodeError):  # TimeoutError is an OSError; so is "no such name"
            async with asyncio.timeout(RESOLVE_SECONDS):
                return await self._resolve(address.host, address.port)
        return []

    @contextlib.asynccontextmanager
    async def open(
        self, outgoing: Outgoing, route: Sequence[str], *, keep: bool = False
    ) -> AsyncIterator[http_library.Response]:
        """One exchange up to its reply's headers; the body is the caller's to read. `keep` reuses connections.

        Raises the library's errors. No redirects, cookies, retries or environment.
        """
        async with self._at(outgoing.address).one() if keep else self._transport() as transport:
            response = await self._connect(transport, outgoing, route)
            try:
                yield response
            finally:
                await response.aclose()

    async def kept_route(self, address: Address, admit: Callable[[IPAddress], bool]) -> Sequence[str]:
        """As `addresses`, remembered for a minute: a kept connection needs no look-up."""
        until, route = self._routes.get(address.origin, (0.0, ()))
        if time.monotonic() >= until:
            route = await self.addresses(address, admit)
            self._routes[address.origin] = (time.monotonic() + ROUTE_SECONDS, route)
        return route

    async def _connect(
        self, transport: http_library.AsyncHTTPTransport, outgoing: Outgoing, route: Sequence[str]
    ) -> http_library.Response:
        """The reply of the first address that takes a connection; a next one is tried only while nothing was sent."""
        for text in route[:-1]:
            with contextlib.suppress(*_UNREACHABLE):
                return await transport.handle_async_request(_pinned(outgoing, text, len(route)))
        try:
            return await transport.handle_async_request(_pinned(outgoing, route[-1], len(route)))
        except _UNREACHABLE:
            self._routes.pop(outgoing.address.origin, None)
            raise

    def _at(self, address: Address) -> _Kept:
        # By origin: two names on one IP must never share a connection that TLS proved for one of them.
        kept = self._kept.get(address.origin)
        if kept is None:
            kept = self._kept[address.origin] = _Kept(self._transport)
        return kept

    def _transport(self) -> http_library.AsyncHTTPTransport:
        limits = http_library.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_KEPT_SECONDS)
        return http_library.AsyncHTTPTransport(
            verify=self._verify, trust_env=False, http1=True, http2=False, retries=0, limits=limits
        )

    async def aclose(self) -> None:
        """Close every kept connection and the own resolver."""
        for kept in self._kept.values():
            await kept.aclose()
        self._kept.clear()
        if self._own_resolver is not None:
            self._own_resolver.close()


def _admitted(text: str, admit: Callable[[IPAddress], bool]) -> bool:
    try:
        return admit(ipaddress.ip_address(text))
    except ValueError:
        return False


def _pinned(outgoing: Outgoing, ip: str, shares: int) -> http_library.Request:
    address = outgoing.address
    headers = {
        "Host": address.origin.removeprefix(f"{address.scheme}://"),
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "User-Agent": "filmgate",
        **outgoing.headers,
    }
    timeout = http_library.Timeout(outgoing.read_timeout, connect=outgoing.connect_timeout / shares)
    return http_library.Request(
        outgoing.method,
        replace(address, host=ip).url,
        headers=headers,
        content=outgoing.stream() if outgoing.stream else outgoing.body or None,
        extensions={"sni_hostname": address.host, "timeout": timeout.as_dict()},
    )


async def exchange(
    wire: Wire,
    outgoing: Outgoing,
    admit: Callable[[IPAddress], bool],
    *,
    keep: bool = False,
    max_reply: int = MAX_REPLY,
) -> Reply:
    """The complete reply, of any status from 200 on. Raises NotSent or ReplyLost, never anything of the library's."""
    # Twice: TCP and TLS each get the connect time-out, and it must end as theirs (not sent), not as this one (lost).
    total = 2 * outgoing.connect_timeout + outgoing.read_timeout
    find = wire.kept_route if keep else wire.addresses
    turn = wire.turn(outgoing.address) if keep else contextlib.nullcontext()
    try:
        route = await find(outgoing.address, admit)
        async with turn, asyncio.timeout(total), wire.open(outgoing, route, keep=keep) as response:
            return await _complete(response, max_reply)
    except UnsafeUrl as error:
        failure: ExchangeFailed = NotSent(str(error))
    except _NOT_SENT as error:
        failure = NotSent(word(error))
    except Exception as error:  # whatever else it is, the request may have left: it must not be sent again
        failure = ReplyLost(word(error))
    # Raised outside the handlers, so that the library's error (it may hold the request) is not chained to ours.
    raise failure


def word(error: BaseException) -> str:
    """Our text for an error of the library; never its own, which may quote the request or the reply."""
    known = (text for kind, text in _WORDS.items() if isinstance(error, kind))
    return str(error) if isinstance(error, ReplyLost) else next(known, "the exchange failed")


async def _complete(response: http_library.Response, max_reply: int) -> Reply:
    if response.status_code < 200:
        raise ReplyLost("the reply is not a final one")
    body = bytearray()
    async for part in response.aiter_raw():
        body += part
        if len(body) > max_reply:
            raise ReplyLost("the reply is too large")
    encoding = response.headers.get("content-encoding", "").strip().lower()
    return Reply(
        status=response.status_code,
        headers=dict(response.headers),
        body=_decoded(bytes(body), encoding, max_reply),
    )


def _decoded(body: bytes, encoding: str, max_reply: int) -> bytes:
    """The body without its compression (some servers compress unasked); a bomb is a lost reply."""
    if encoding in {"", "identity"} or not body:
        return body
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise ReplyLost("the reply is in an encoding we did not ask for")
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        decoded = inflater.decompress(body, max_reply + 1)
    except zlib.error:
        raise ReplyLost("the reply is not what its encoding says") from None
    if len(decoded) > max_reply or not inflater.eof:
        raise ReplyLost("the reply is too large or ended early")
    return decoded


Observe = Callable[[Request, Reply | ExchangeFailed], None]
"""Is told of a request (without its secret) and of what came of it. Must not raise."""


class VendorClient:
    """Talks to vendors' endpoints that the operator named. Belongs to one event loop; `aclose` it.

    `base_url` is the attempt's endpoint (`core.urls.check_endpoint` passed it): a request's path is joined to it, so
    the secret can only go there.
    """

    def __init__(self, *, resolve: Resolve | None = None, verify: ssl.SSLContext | None = None) -> None:
        self._wire = Wire(resolve=resolve, verify=verify)
        self.observe: Observe | None = None
        """For `filmgate verify`; nobody watches otherwise."""

    async def send_once(
        self,
        request: Request,
        *,
        base_url: str,
        secret: str | None,
        connect_timeout: float = 5.0,
        read_timeout: float = 60.0,
        max_reply: int = MAX_REPLY,
    ) -> Reply:
        """The reply to one request on a connection of its own, whatever its status. Raises NotSent or ReplyLost."""
        outgoing = prepared(request, base_url, secret, connect_timeout, read_timeout)
        return await self._exchange(request, outgoing, keep=False, max_reply=max_reply)

    async def poll(
        self,
        request: Request,
        *,
        base_url: str,
        secret: str | None,
        connect_timeout: float = 5.0,
        read_timeout: float = 30.0,
        max_reply: int = MAX_REPLY,
    ) -> Reply:
        """As `send_once`, for a GET: connections are kept and reused. ValueError for another method."""
        if request.method != "GET":
            raise ValueError("only a GET may be polled")
        outgoing = prepared(request, base_url, secret, connect_timeout, read_timeout)
        return await self._exchange(request, outgoing, keep=True, max_reply=max_reply)

    async def _exchange(self, request: Request, outgoing: Outgoing, *, keep: bool, max_reply: int) -> Reply:
        observe = self.observe or _unobserved
        try:
            reply = await exchange(self._wire, outgoing, urls.is_endpoint, keep=keep, max_reply=max_reply)
        except ExchangeFailed as error:
            observe(request, error)
            raise
        observe(request, reply)
        return reply

    async def aclose(self) -> None:
        """Close every kept connection."""
        await self._wire.aclose()


def _unobserved(request: Request, came: Reply | ExchangeFailed) -> None:
    """Nobody watches."""


class PublicClient:
    """Talks to addresses that came from outside: tenants' images and webhooks, vendors' outputs. `aclose` it.

    `is_public`, `ports` and `allow_http` exist for tests and for an operator's explicit choice.
    """

    def __init__(
        self,
        *,
        resolve: Resolve | None = None,
        verify: ssl.SSLContext | None = None,
        is_public: Callable[[IPAddress], bool] = urls.is_public,
        allow_http: bool = False,
        ports: Collection[int] = (),
    ) -> None:
        self._wire = Wire(resolve=resolve, verify=verify)
        self._is_public = is_public
        self._allow_http = allow_http
        self._ports = frozenset(ports)

    def parse(self, url: str, *, allowed_origins: Collection[str] = (), max_length: int = urls.MAX_LENGTH) -> Address:
        """`core.urls.parse` with this client's choices. Raises UnsafeUrl."""
        return urls.parse(
            url,
            allow_http=self._allow_http,
            ports=self._ports,
            allowed_origins=allowed_origins,
            max_length=max_length,
        )

    async def check_public(self, url: str, *, allowed_origins: Collection[str] = ()) -> None:
        """Accept-time check of a tenant's URL: grammar, policy, and every address public. Raises UnsafeUrl.

        The connection checks again and is made to an address that passed: DNS may have changed since.
        """
        address = self.parse(url, allowed_origins=allowed_origins)
        await self._wire.addresses(address, self._admit(address, allowed_origins))

    def _admit(self, address: Address, allowed_origins: Collection[str]) -> Callable[[IPAddress], bool]:
        return urls.is_endpoint if address.origin in allowed_origins else self._is_public

    async def deliver(
        self,
        url: str,
        *,
        body: bytes,
        headers: Mapping[str, str],
        connect_timeout: float = 5.0,
        read_timeout: float = 15.0,
        allowed_origins: Collection[str] = (),
    ) -> Reply:
        """The reply (64 KiB at most) to one POST of `body`. Raises UnsafeUrl, NotSent or ReplyLost.

        `allowed_origins` are inside the operator's network, by the operator's choice.
        """
        address = self.parse(url, allowed_origins=allowed_origins)
        outgoing = Outgoing(
            method="POST",
            address=address,
            headers=checked_headers(headers),
            body=body,
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
        )
        return await exchange(self._wire, outgoing, self._admit(address, allowed_origins), max_reply=64 * 1024)

    async def send_file(
        self, slot: Slot, path: Path, size: int, mime_type: str, *, allowed_origins: Collection[str] = ()
    ) -> Reply:
        """The reply (64 KiB at most) to a file of `size` bytes, sent in parts to a vendor's slot, without a credential.

        Raises UnsafeUrl, NotSent or ReplyLost.
        """
        head, tail, kind = _around_file(slot, path.name, mime_type)
        outgoing = Outgoing(
            method=slot.method,
            address=self.parse(slot.url, allowed_origins=allowed_origins, max_length=urls.MAX_OUTPUT_LENGTH),
            headers={
                "Content-Type": kind,
                **checked_headers(slot.headers),
                "Content-Length": str(len(head) + size + len(tail)),
            },
            stream=partial(_parts, head, path, tail),
            read_timeout=_SENDING_SECONDS,
        )
        admit = self._admit(outgoing.address, allowed_origins)
        return await exchange(self._wire, outgoing, admit, max_reply=64 * 1024)

    @contextlib.asynccontextmanager
    async def open(
        self, outgoing: Outgoing, *, allowed_origins: Collection[str] = ()
    ) -> AsyncIterator[http_library.Response]:
        """One GET up to its reply's headers, the body to be read by the caller. Raises UnsafeUrl and `LibraryError`."""
        admit = self._admit(outgoing.address, allowed_origins)
        route = await self._wire.addresses(outgoing.address, admit)
        async with self._wire.open(outgoing, route) as response:
            yield response

    async def aclose(self) -> None:
        """Give the resolver's threads back."""
        await self._wire.aclose()


LibraryError = http_library.TransportError
"""What a reader of an opened body has to expect."""
OpenReply = http_library.Response


def prepared(
    request: Request, base_url: str, secret: str | None, connect_timeout: float, read_timeout: float
) -> Outgoing:
    """A vendor request with its host and, last of all, its secret. Raises NotSent for one that cannot be sent."""
    body, headers = _body(request)
    address = _joined(request, base_url)
    headers = checked_headers({**headers, **request.headers})
    if request.auth is not None:
        headers = _with_secret(headers, request.auth.header, request.auth.prefix, secret)
    return Outgoing(
        method=request.method,
        address=address,
        headers=headers,
        body=body,
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
    )


def _body(request: Request) -> tuple[bytes, dict[str, str]]:
    if request.form:
        return multipart(request.form)
    if request.json is None:
        return request.content, {}
    try:
        body = json.dumps(request.json, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (ValueError, TypeError, RecursionError):
        body = None
    if body is None:
        raise NotSent("the request cannot be written as JSON")
    return body, {"Content-Type": "application/json"}


def multipart(parts: Sequence[Part]) -> tuple[bytes, dict[str, str]]:
    """A multipart/form-data body and its Content-Type."""
    files = [(part.name, (part.filename or None, part.data, part.content_type or None)) for part in parts]
    encoded = http_library.Request("POST", "http://form.invalid", files=files)
    return encoded.read(), {"Content-Type": encoded.headers["Content-Type"]}


def _around_file(slot: Slot, filename: str, mime_type: str) -> tuple[bytes, bytes, str]:
    """What goes before and after a file's bytes, and the Content-Type of it all: a form where the slot has fields."""
    if not slot.fields:
        return b"", b"", mime_type
    fields = [Part(name=name, data=value.encode()) for name, value in slot.fields.items()]
    mark = b"the file's bytes"
    body, headers = multipart([*fields, Part(name="file", data=mark, filename=filename, content_type=mime_type)])
    head, _, tail = body.rpartition(mark)
    return head, tail, headers["Content-Type"]


async def _parts(head: bytes, path: Path, tail: bytes) -> AsyncIterator[bytes]:
    yield head
    with path.open("rb") as file:
        while part := await asyncio.get_running_loop().run_in_executor(_READING, file.read, 1 << 20):
            yield part
    yield tail


def _joined(request: Request, base_url: str) -> Address:
    """The request's path and query on the endpoint; anything that would leave the endpoint's origin is not sent."""
    query = f"?{urlencode(request.query)}" if request.query else ""
    if not request.path.startswith("/") or "?" in request.path or not request.method.isalpha():
        raise NotSent("a request needs a method and a path that starts with / and holds no query")
    try:
        base = urls.split(base_url)
        address = urls.split(base_url.rstrip("/") + request.path + query, max_length=urls.MAX_OUTPUT_LENGTH)
    except UnsafeUrl as error:
        refusal = str(error)
    else:
        if address.origin == base.origin:
            return address
        refusal = "the request would leave its endpoint"
    raise NotSent(refusal)


def _with_secret(headers: dict[str, str], name: str, prefix: str, secret: str | None) -> dict[str, str]:
    if not secret:
        raise NotSent("the endpoint's credential is missing")
    others = {key: value for key, value in headers.items() if key.lower() != name.lower()}
    return {**others, **checked_headers({name: prefix + secret})}


def checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers, once none can end a line or frame the request anew. Raises NotSent without quoting any."""
    for name, value in headers.items():
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name) or not re.fullmatch(r"[\x20-\x7e]*", value):
            raise NotSent("a header or credential holds characters that HTTP cannot carry")
        if name.lower() in {"host", "content-length", "transfer-encoding", "connection"}:
            raise NotSent("a request may not set the headers that frame it")
    return dict(headers)
