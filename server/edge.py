"""The HTTP edge: media of the embedded store, vendors' webhooks, health. Errors are small JSON without internals."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import StorageFailed
from core.identifiers import new_id
from jobs.life import Jobs
from storage.disk import DiskStore
from storage.ranges import answer_range, http_date, still_the_same
from storage.signing import UrlRefused
from storage.store import ObjectMissing, StoredObject, content_disposition

LARGEST_HEADERS = 64 * 1024
_WEBHOOK_SECONDS = 10.0
_READY_SECONDS = 5.0
_READY_KEPT = 1.0
_SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"cross-origin"),
)
_log = structlog.get_logger()


def application(jobs: Jobs, disk: DiskStore | None) -> ASGIApp:
    """The ASGI application; `disk` is the embedded store, or None when videos lie in a bucket."""
    media, webhooks = _Media(disk), _Webhooks(jobs)
    routes = [
        Route("/healthz", _healthz, methods=["GET"]),
        Route("/readyz", _Ready(jobs), methods=["GET"]),
        Route("/media/{key:path}", media, methods=["GET", "HEAD"]),
        Route("/webhooks/{provider}/{token}", webhooks, methods=["POST"]),
    ]
    handlers: Mapping[Any, Any] = {HTTPException: _told, Exception: _failed}
    inner = Starlette(routes=routes, exception_handlers=handlers)
    inner.router.redirect_slashes = False  # its redirects trust the Host header
    return _Outer(inner)


class _Outer:
    """Bounds the headers and adds the security headers to every answer."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_SECURITY]
            await send(message)

        if sum(len(name) + len(value) for name, value in scope["headers"]) > LARGEST_HEADERS:
            await _problem(431, "the headers are too large")(scope, receive, safely)
            return
        await self._inner(scope, receive, safely)


async def _healthz(_request: Request) -> Response:
    """The process answers."""
    return JSONResponse({"status": "ok"})


class _Ready:
    """Whether calls are welcome: 503 while the database or the store is out of reach, and during a drain.

    That new work is refused for a while is told, and changes no status: reads and cancels go on here, and where a full
    queue is the reason no other replica would take it either.
    """

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._answers: dict[str, str] = {}
        self._until = 0.0

    async def _looked(self) -> dict[str, str]:
        """What was found a moment ago: looking writes to the store, and anybody may ask."""
        if time.monotonic() >= self._until or self._jobs.draining.is_set():
            try:
                async with asyncio.timeout(_READY_SECONDS):
                    self._answers = await self._jobs.ready()
            except TimeoutError:
                self._answers = {"server": "too slow to tell"}
            self._until = time.monotonic() + _READY_KEPT
        return self._answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answers = await self._looked()
        words = {name: "ok" if answer == "ok" else _one_of(answer) for name, answer in answers.items()}
        ready = all(word == "ok" for name, word in words.items() if name != "admission")
        status = "ready" if ready else "not ready"
        response = JSONResponse({"status": status, "components": words}, 200 if ready else 503)
        await response(scope, receive, send)


def _one_of(answer: str) -> str:
    """What strangers may read of it; the log and `doctor` tell the rest."""
    known = {"draining", "not reachable", "too slow to tell"}
    return answer if answer in known or answer.startswith("refusing: ") else "not ready"


class _Media:
    """GET and HEAD of signed addresses, with one range."""

    def __init__(self, disk: DiskStore | None) -> None:
        self._disk = disk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if self._disk is None:
            return _problem(404, "no such address")
        query = request.query_params
        try:
            if len(query.multi_items()) != len(query) or not set(query) <= {"expires", "signature", "filename"}:
                raise UrlRefused
            filename = query.get("filename", "")
            key = self._disk.verify_url(
                request.path_params["key"], query.get("expires", ""), query.get("signature", ""), filename=filename
            )
        except UrlRefused as error:
            return _problem(403, str(error))
        try:
            found = await self._disk.head(key)
        except StorageFailed:
            return _problem(503, "the store does not answer")
        if found is None:
            return _problem(404, "the file is gone")
        return self._file(self._disk, request, found, filename)

    def _file(self, disk: DiskStore, request: Request, found: StoredObject, filename: str) -> Response:
        headers = {
            "content-type": found.content_type,
            "etag": found.etag,
            "last-modified": http_date(found.modified),
            "cache-control": "private, max-age=3600, immutable",
        }
        if filename:
            headers["content-disposition"] = content_disposition(filename)
        if request.headers.get("if-none-match") == found.etag:
            return Response(status_code=304, headers=headers)
        same = still_the_same(request.headers.get("if-range"), found.etag, found.modified)
        part = answer_range(request.headers.get("range") if same else None, found.size)
        headers |= part.headers
        if request.method == "HEAD" or part.status == 416:
            return Response(status_code=part.status, headers=headers)
        body = _body(disk, found.key, part.start, part.end)
        return StreamingResponse(body, status_code=part.status, headers=headers)


async def _body(disk: DiskStore, key: str, start: int, end: int) -> AsyncIterator[bytes]:
    """The bytes; a file that is deleted meanwhile ends the connection early, which the length shows."""
    try:
        async for chunk in disk.open_range(key, start, end):
            yield chunk
    except ObjectMissing:
        _log.warning("a file was deleted while it was being sent", key=key)
        raise


class _Webhooks:
    """POSTs of vendors: the body is bounded, the answer is quick, and what it says is only ever a reason to look."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            async with asyncio.timeout(_WEBHOOK_SECONDS):
                provider, token = request.path_params["provider"], request.path_params["token"]
                body = await _bounded_body(request, await self._jobs.callback.largest(provider, token))
                headers = {name.lower(): value for name, value in request.headers.items()}
                status = await self._jobs.callback(provider, token, headers, body)
        except _TooLarge:
            return _problem(413, "the body is too large")
        except ClientDisconnect:
            return _problem(400, "the body did not come")
        except TimeoutError:
            return _problem(503, "too busy; send it again")
        if status >= 400:
            return _problem(status, "not taken")
        return Response(status_code=status)


class _TooLarge(Exception):
    """The body is larger than any webhook."""


async def _bounded_body(request: Request, largest: int) -> bytes:
    declared = request.headers.get("content-length", "0")
    if declared.isascii() and declared.isdigit() and int(declared) > largest:
        raise _TooLarge
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > largest:
            raise _TooLarge
    return bytes(body)


def _problem(status: int, text: str) -> Response:
    return JSONResponse({"error": text}, status, headers={"cache-control": "no-store"})


async def _told(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    texts = {404: "no such address", 405: "this address does not take that method"}
    response = _problem(error.status_code, texts.get(error.status_code, "refused"))
    response.headers.update(error.headers or {})
    return response


async def _failed(request: Request, error: Exception) -> Response:
    error_id = new_id("error")
    # The route, not the path: a path may hold a webhook's token.
    route: Callable[..., Awaitable[Any]] | None = request.scope.get("endpoint")
    _log.error("request failed", error_id=error_id, route=type(route).__name__, exc_info=error)
    return JSONResponse({"error": "something went wrong here", "id": error_id}, 500)
