"""fal's own SDK in a process of its own. It speaks https only: here to loopback, with a certificate made for the test.

`FAL_QUEUE_RUN_HOST` and `SSL_CERT_FILE` are read when the SDK is imported, and it would reach for its real hosts
otherwise; so it gets a process with an environment of ours. For its storage hosts there is no variable: the process
sets the two constants itself.
"""

import base64
import contextlib
import json
import os
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Refusal(Exception):
    """What the SDK raised."""

    kind: str
    status: int | None
    message: str
    error_type: str | None


@dataclass
class Sdk:
    """Calls into the SDK; each returns what the SDK returned, as plain data."""

    process: "subprocess.Popen[str]"

    def submit(self, application: str, arguments: Any, **more: Any) -> dict[str, Any]:
        """A handle: `request_id`, `response_url`, `status_url`, `cancel_url`."""
        handle: dict[str, Any] = self._call("submit", application=application, arguments=arguments, **more)
        return handle

    def status(self, handle: Any, **more: Any) -> dict[str, Any]:
        """The status' class (`is`) and its fields."""
        status: dict[str, Any] = self._call("status", handle=handle, **more)
        return status

    def result(self, handle: Any) -> Any:
        """Poll to the end, then the result."""
        return self._call("result", handle=handle)

    def cancel(self, handle: Any) -> None:
        """Ask it to stop."""
        self._call("cancel", handle=handle)

    def upload(self, data: bytes, content_type: str, file_name: str, repository: str, expires: int = 0) -> str:
        """The address of an uploaded file."""
        encoded = base64.b64encode(data).decode()
        facts = {"content_type": content_type, "file_name": file_name, "repository": repository, "expires": expires}
        return str(self._call("upload", data=encoded, **facts))

    def _call(self, name: str, **arguments: Any) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"name": name, "arguments": arguments}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "raised" in answer:
            raise Refusal(**answer["raised"])
        return answer["returned"]


@contextlib.contextmanager
def sdk(
    queue: str, certificate: Path, storage: str = "https://localhost:1", key: str = "planted-secret"
) -> Iterator[Sdk]:
    """The SDK with `queue` (`host:port`, perhaps with a path) as its queue's host."""
    environment = {
        "PATH": os.environ["PATH"],
        "FAL_KEY": key,
        "FAL_RUN_HOST": "localhost:1",
        "FAL_QUEUE_RUN_HOST": queue,
        "SSL_CERT_FILE": str(certificate),
    }
    command = [sys.executable, "-I", __file__, f"{storage}-rest", f"{storage}-cdn"]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Sdk(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(20) == 0


def certified(folder: Path) -> Path:
    """A PEM file with a key and its certificate for loopback, signed by itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    names = [x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")]
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - _DAY, now + _DAY)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "loopback.pem"
    path.write_bytes(key.private_bytes(*form) + certificate.public_bytes(serialization.Encoding.PEM))
    return path


def server_context(certificate: Path) -> ssl.SSLContext:
    """What a server with this certificate speaks."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@contextlib.contextmanager
def pipe(certificate: Path, host: str, port: int) -> Iterator[int]:
    """The port of a TLS server on loopback behind which a plain one stands."""
    context = server_context(certificate)

    class Relay(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with (
                contextlib.suppress(OSError),
                context.wrap_socket(self.request, server_side=True) as outer,
                socket.create_connection((host, port)) as inner,
            ):
                answers = threading.Thread(target=_pour, args=(inner, outer))
                answers.start()
                _pour(outer, inner)
                answers.join()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Relay) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


def _pour(source: socket.socket, sink: socket.socket) -> None:
    """Everything that comes from one socket into the other, to the end."""
    with contextlib.suppress(OSError):
        while part := source.recv(65_536):
            sink.sendall(part)
    for each in (source, sink):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def _serve() -> None:
    """Read calls as lines of JSON, answer each with one line."""
    import fal_client
    from fal_client import client as inside

    inside.REST_URL, inside.CDN_URL = sys.argv[1:3]
    client = fal_client.SyncClient()
    for line in sys.stdin:
        call = json.loads(line)
        try:
            answer = {"returned": _CALLS[call["name"]](client, **call["arguments"])}
        except Exception as error:  # whatever the SDK raises is what the test looks at
            answer = {"raised": _described(error)}
        print(json.dumps(answer), flush=True)


def _described(error: Exception) -> dict[str, Any]:
    facts = {name: getattr(error, name, None) for name in ("message", "error_type")}
    return {"kind": type(error).__name__, "status": getattr(error, "status_code", None)} | {
        **facts,
        "message": str(facts["message"] or error),
    }


def _submit(client: Any, *, timeout: float = 0.0, **arguments: Any) -> dict[str, Any]:
    import fal_client

    chosen = fal_client.SyncClient(default_timeout=timeout) if timeout else client
    handle = chosen.submit(**arguments)
    names = ("request_id", "response_url", "status_url", "cancel_url")
    return {name: getattr(handle, name) for name in names}


def _handle(client: Any, facts: Any) -> Any:
    """The SDK's handle: of the addresses that it was told, or of `[application, request id]`."""
    from fal_client import SyncRequestHandle

    if isinstance(facts, list):
        return client.get_handle(*facts)
    return SyncRequestHandle(**facts, client=client._client)


def _status(client: Any, *, handle: Any, logs: bool = False) -> dict[str, Any]:
    status = _handle(client, handle).status(with_logs=logs)
    return {"is": type(status).__name__, **vars(status)}


def _upload(client: Any, *, data: str, content_type: str, file_name: str, repository: str, expires: int) -> str:
    from fal_client import client as inside

    lifecycle = inside.StorageSettings(expires_in=expires) if expires else None
    return str(
        client.upload(base64.b64decode(data), content_type, file_name, repository=repository, lifecycle=lifecycle)
    )


_CALLS: dict[str, Any] = {
    "submit": _submit,
    "status": _status,
    "result": lambda client, handle: _handle(client, handle).get(interval=0.02),
    "cancel": lambda client, handle: _handle(client, handle).cancel(),
    "upload": _upload,
}

if __name__ == "__main__":
    _serve()
