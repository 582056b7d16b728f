"""What a store reads from its surroundings: nothing, unless the machine's own role is allowed; then exactly that."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from core.errors import StorageFailed
from storage.s3 import S3Store
from storage.s3_client import S3Clients
from storage.s3_options import S3Options

if TYPE_CHECKING:
    from tests.storage.conftest import Service

HOSTILE = {
    "AWS_PROFILE": "no-such-profile",
    "AWS_ACCESS_KEY_ID": "AKIASOMEBODYELSE",
    "AWS_SECRET_ACCESS_KEY": "somebody-elses-secret",
    "AWS_SESSION_TOKEN": "somebody-elses-token",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
    "AWS_DEFAULT_REGION": "mars-north-1",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_MAX_ATTEMPTS": "50",
    "AWS_CA_BUNDLE": "/nonexistent",
    "REQUESTS_CA_BUNDLE": "/nonexistent",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
}
CHILD = """
import asyncio, sys
from datetime import timedelta
from storage.s3 import S3Store
from storage.s3_options import S3Options

async def main(endpoint, access_key, secret_key):
    keys = dict(access_key_id=access_key, secret_access_key=secret_key)
    store = S3Store(S3Options(bucket="filmgate", endpoint_url=endpoint, attempts=1, **keys))
    await store.check()
    aws = S3Store(S3Options(bucket="films", region="eu-west-1", **keys))
    print((await aws.presign("x", timedelta(hours=1))).url)

assert "boto3" not in sys.modules and "botocore" not in sys.modules
asyncio.run(main(*sys.argv[1:]))
"""


class Role(BaseHTTPRequestHandler):
    """A container's credential endpoint."""

    credentials: dict[str, str]

    def do_GET(self) -> None:
        body = json.dumps(self.credentials).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Be quiet."""


@pytest.fixture
def role(monkeypatch: pytest.MonkeyPatch, service: "Service", tmp_path: Path) -> Iterator[datetime]:
    """The machine has a role whose temporary credentials are good at the service; gives their end."""
    for name in (*HOSTILE, *(name for name in os.environ if name.startswith("AWS_"))):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=40)
    Role.credentials = {
        "AccessKeyId": service.access_key,
        "SecretAccessKey": service.secret_key,
        "Token": "temporary-token",
        "Expiration": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    with ThreadingHTTPServer(("127.0.0.1", 0), Role) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{server.server_port}/role")
        yield end
        server.shutdown()
        thread.join()


def test_nothing_in_the_environment_matters(service: "Service", tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[default]\nregion = moon-1\ns3 =\n  addressing_style = path\nproxies = x\n")
    environment = {**os.environ, **HOSTILE, "AWS_CONFIG_FILE": str(tmp_path / "config")}
    command = [sys.executable, "-c", CHILD, service.endpoint, service.access_key, service.secret_key]
    result = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("https://films.s3.eu-west-1.amazonaws.com/x?")
    assert "SOMEBODY" not in result.stdout
    assert "Token" not in result.stdout


async def test_the_role_of_the_machine_works_and_its_end_counts(role: datetime, service: "Service") -> None:
    options = S3Options(bucket="filmgate", endpoint_url=service.endpoint, ambient_credentials=True)
    store = S3Store(options)
    await store.check()
    signed = await store.presign("x", timedelta(hours=12))
    assert role - timedelta(seconds=3) <= signed.expire_time <= role
    assert "X-Amz-Security-Token=temporary-token" in signed.url
    await store.close()


async def test_the_role_is_not_used_unless_allowed(role: datetime, service: "Service") -> None:
    store = S3Store(service.options(access_key_id="other"))
    with pytest.raises(StorageFailed, match="403"):
        await store.check()
    assert "other%2F" in (await store.presign("x", timedelta(hours=1))).url
    await store.close()


async def test_a_machine_without_a_role_is_told(
    role: datetime, monkeypatch: pytest.MonkeyPatch, service: "Service"
) -> None:
    monkeypatch.delenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    store = S3Store(S3Options(bucket="filmgate", endpoint_url=service.endpoint, ambient_credentials=True))
    with pytest.raises(StorageFailed, match="NoCredentialsError"):
        await store.check()
    with pytest.raises(StorageFailed, match="no S3 credentials"):
        await store.presign("x", timedelta(hours=1))
    await store.close()


def test_the_name_we_borrow_from_botocore_is_there(role: datetime) -> None:
    clients = S3Clients(S3Options(bucket="filmgate", ambient_credentials=True))
    credentials = clients._open_session().get_credentials()
    assert credentials is not None
    assert credentials._expiry_time.astimezone(UTC) == role  # type: ignore[attr-defined]  # the private name guarded here
    assert clients.credentials_end() == role
    clients.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"bucket": "", "access_key_id": "a", "secret_access_key": "b"},
        {},
        {"access_key_id": "a"},
        {"secret_access_key": "b"},
        {"access_key_id": "a", "secret_access_key": "b", "ambient_credentials": True},
    ],
)
def test_unclear_options_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="S3 needs"):
        S3Options(**{"bucket": "films", **changes})


def test_options_do_not_show_their_secrets() -> None:
    shown = repr(S3Options(bucket="films", access_key_id="a-id", secret_access_key="a-key", session_token="a-token"))
    assert [secret for secret in ("a-id", "a-key", "a-token") if secret in shown] == []
