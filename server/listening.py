"""The two servers of the process, in one loop: grpc.aio, and uvicorn on a port that is taken before work begins."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import grpc
import uvicorn
from filmgate.v1 import (
    account_service_pb2,
    account_service_pb2_grpc,
    prompt_service_pb2,
    prompt_service_pb2_grpc,
    video_service_pb2,
    video_service_pb2_grpc,
)
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from starlette.types import ASGIApp

from server.accounts import AccountService
from server.edge import LARGEST_HEADERS
from server.interceptors import Guard
from server.prompts import PromptService
from server.service import VideoService

MAX_RECEIVE = 20 * 1024 * 1024
SERVICE: str = video_service_pb2.DESCRIPTOR.services_by_name["VideoService"].full_name
ACCOUNTS: str = account_service_pb2.DESCRIPTOR.services_by_name["AccountService"].full_name
PROMPTS: str = prompt_service_pb2.DESCRIPTOR.services_by_name["PromptService"].full_name
_OURS = (SERVICE, ACCOUNTS, PROMPTS)
_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_RECEIVE),
    ("grpc.so_reuseport", 0),  # on, a second server would take the same port without an error
    ("grpc.max_concurrent_streams", 1000),
    # From the first number on (1,000 by default) the C-core cancels calls by chance that no coroutine has taken up yet:
    # their callers see CANCELLED, and are not told when to come back.
    ("grpc.server.max_pending_requests", 10_000),
    ("grpc.server.max_pending_requests_hard_limit", 20_000),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.max_connection_age_ms", 1_800_000),  # load balancers of the fourth layer spread anew
    ("grpc.max_connection_age_grace_ms", 60_000),
)


class PortTaken(OSError):
    """An address to listen on is not free."""


class _Generic:
    """A server as generated code sees it: its methods are not registered one by one.

    `grpc.aio` would wait for each registered method's next call apart, and take up all these waits anew at every call.
    """

    def __init__(self, server: grpc.aio.Server) -> None:
        self.add_generic_rpc_handlers = server.add_generic_rpc_handlers

    def add_registered_method_handlers(self, _service: str, _handlers: object) -> None:
        """They are found by their names."""


class GrpcSide:
    """The gRPC server with health and reflection."""

    def __init__(self, service: VideoService, accounts: AccountService, prompts: PromptService, guard: Guard) -> None:
        self._server = grpc.aio.server(interceptors=[guard], options=_OPTIONS)
        self._health = health.aio.HealthServicer()
        add_service = video_service_pb2_grpc.add_VideoServiceServicer_to_server
        add_service(service, _Generic(self._server))  # type: ignore[no-untyped-call] # generated code
        add_accounts = account_service_pb2_grpc.add_AccountServiceServicer_to_server
        add_accounts(accounts, _Generic(self._server))  # type: ignore[no-untyped-call] # generated code
        add_prompts = prompt_service_pb2_grpc.add_PromptServiceServicer_to_server
        add_prompts(prompts, _Generic(self._server))  # type: ignore[no-untyped-call] # generated code
        health_pb2_grpc.add_HealthServicer_to_server(self._health, _Generic(self._server))  # type: ignore[arg-type] # a view
        names = (*_OURS, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)

    async def start(self, host: str, port: int) -> int:
        """Listen and serve; returns the port. Raises PortTaken."""
        try:
            bound = self._server.add_insecure_port(f"{bracketed(host)}:{port}")
        except RuntimeError:
            raise PortTaken(f"gRPC cannot listen on {host}:{port}") from None
        await self._server.start()
        for name in ("", *_OURS):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        return bound

    async def refuse(self) -> None:
        """Tell health watchers that no more work is welcome; what runs goes on."""
        await self._health.enter_graceful_shutdown()

    async def stop(self, grace: float) -> None:
        """Stop listening; calls under way get `grace` seconds."""
        await self._server.stop(grace)


class _Uvicorn(uvicorn.Server):
    """uvicorn without its grip on the process: signals are the host's, and it tells when it serves."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self.ready.set()


class HttpSide:
    """The HTTP edge on a socket that is bound before anything else starts."""

    def __init__(self, host: str, port: int) -> None:
        """Take the port. Raises PortTaken."""
        self.host = host
        self._socket = _listener(host, port)
        self.port: int = self._socket.getsockname()[1]
        self._server: _Uvicorn | None = None
        self.task: asyncio.Task[None] | None = None

    async def start(self, application: ASGIApp) -> None:
        """Serve."""
        config = uvicorn.Config(
            application,
            http="h11",  # it bounds a request's head before that is in memory
            h11_max_incomplete_event_size=LARGEST_HEADERS,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=2048,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=5,
        )
        self._server = _Uvicorn(config)
        self.task = asyncio.create_task(self._server.serve(sockets=[self._socket]), name="filmgate-http")
        ready = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait((self.task, ready), return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()

    async def stop(self) -> None:
        """Stop listening; requests under way get five seconds."""
        if self._server is not None and self.task is not None:
            self._server.should_exit = True
            await asyncio.gather(self.task, return_exceptions=True)
        self._socket.close()


def bracketed(host: str) -> str:
    """A host as it stands before a port."""
    return f"[{host}]" if ":" in host else host


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise PortTaken(f"HTTP cannot listen on {host}:{port}: {error.strerror}") from None
    return listener
