"""What the blocking and the asyncio client share: how they are set up, and the verdict on a finished stream."""

from abc import ABC, abstractmethod
from typing import Any

import grpc
from filmgate.v1 import account_service_pb2_grpc, job_pb2, prompt_service_pb2_grpc, video_service_pb2_grpc

from filmgate_client import channel
from filmgate_client.jobs import Cursor, is_ended


class BaseClient(ABC):
    """One connection and its settings; `stub`, `prompts` and `accounts` are the generated stubs."""

    def __init__(
        self,
        target: str = channel.DEFAULT_TARGET,
        *,
        api_key: str | None = None,
        tenant: str | None = None,
        insecure: bool | None = None,
        credentials: grpc.ChannelCredentials | None = None,
        timeout: float = 30.0,
        retry_for: float = 60.0,
    ) -> None:
        """`tenant` goes into every request.

        `insecure=None` means plaintext on this machine and TLS elsewhere; `credentials` replaces the default TLS.
        `timeout` is seconds per call. `retry_for` is how many seconds without progress `generate`, `batch` and `watch`
        keep trying while the server is away.
        """
        self.tenant = tenant or ""
        self._timeout, self._retry_for = timeout, retry_for
        self._metadata = channel.call_metadata(api_key)
        self._channel: Any = self._connect(target, credentials or channel.channel_credentials(target, insecure))
        self.stub: Any = video_service_pb2_grpc.VideoServiceStub(self._channel)  # type: ignore[no-untyped-call]  # generated
        prompts = prompt_service_pb2_grpc.PromptServiceStub
        self.prompts: Any = prompts(self._channel)  # type: ignore[no-untyped-call]  # generated
        accounts = account_service_pb2_grpc.AccountServiceStub
        self.accounts: Any = accounts(self._channel)  # type: ignore[no-untyped-call]  # generated

    @abstractmethod
    def _connect(self, target: str, credentials: grpc.ChannelCredentials | None) -> Any:
        """A channel of the client's own kind; plaintext without credentials."""


def check_complete(job: job_pb2.Job, cursor: Cursor) -> None:
    """Whether a stream that closed in peace had nothing more to say; raises the error of a cut stream otherwise."""
    if not (is_ended(job) and job.last_event <= cursor.last):
        raise cursor.cut()
    cursor.over = True
