"""Builds boto3 clients from options alone: no environment, no profile, no proxy, no retries of their own.

https://docs.aws.amazon.com/boto3/latest/guide/configuration.html
"""

import os
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from core.errors import StorageFailed
from storage.s3_options import S3Options

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.config import Config
    from botocore.session import Session as CoreSession
    from mypy_boto3_s3 import S3Client


class S3Clients:
    """The two clients of one store, built on first use because boto3 is heavy. Blocking; for worker threads."""

    def __init__(self, options: S3Options) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._clients: dict[str | None, S3Client] = {}

    def main(self) -> "S3Client":
        """The client for all operations."""
        return self._client(self._options.endpoint_url)

    def public(self) -> "S3Client":
        """The client that signs URLs for browsers."""
        return self._client(self._options.public_endpoint_url or self._options.endpoint_url)

    def credentials_end(self) -> datetime | None:
        """When the credential that signs now stops working; None when it does not, or nobody told us."""
        credentials = self._open_session().get_credentials()
        if credentials is None:
            raise StorageFailed("there are no S3 credentials")
        credentials.get_frozen_credentials()  # refreshes what is due, so that the end read next is current
        end = getattr(credentials, "_expiry_time", None)  # no public name; a contract test guards it
        if isinstance(end, datetime):
            return end.astimezone(UTC)
        return self._options.credentials_end

    def close(self) -> None:
        """Drop the pooled connections."""
        for client in self._clients.values():
            client.close()

    def _client(self, endpoint_url: str | None) -> "S3Client":
        session = self._open_session()
        with self._lock:
            if endpoint_url not in self._clients:
                self._clients[endpoint_url] = session.client(
                    "s3",
                    region_name=self._options.region,
                    endpoint_url=endpoint_url,
                    verify=self._options.ca_bundle or True,
                    config=_config(self._options),
                )
            return self._clients[endpoint_url]

    def _open_session(self) -> "Session":
        with self._lock:
            if self._session is None:
                self._session = _session(self._options)
            return self._session


def _session(options: S3Options) -> "Session":
    """A session that reads neither environment nor files, with the credentials the options allow."""
    import boto3  # takes 0.3 s and 30 MB: only who uses S3 pays
    from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
    from botocore.session import Session

    variables: dict[str, Any] = {
        name: (None, None, default, convert)
        for name, (_, _, default, convert) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
    }
    for file in ("config_file", "credentials_file"):
        variables[file] = (None, None, os.devnull, None)
    variables["ignore_configured_endpoint_urls"] = (None, None, True, None)
    core: CoreSession = Session(session_vars=variables)
    if options.ambient_credentials:
        core.register_component("credential_provider", Session().get_component("credential_provider"))
    else:
        core.set_credentials(options.access_key_id, options.secret_access_key, options.session_token or None)
    return boto3.Session(botocore_session=core)


def _config(options: S3Options) -> "Config":
    from botocore.config import Config

    return Config(
        signature_version="s3v4",
        connect_timeout=options.connect_timeout,
        read_timeout=options.read_timeout,
        retries={"total_max_attempts": 1},
        proxies={},
        max_pool_connections=options.threads,
        # The signed payload hash proves the bytes everywhere; the newer checksum trailers work at few services.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": options.style, "payload_signing_enabled": True},
    )
