"""The object store of this server, from the settings: a bucket when one is named, else the data folder."""

import base64
import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from pydantic import SecretStr

from core.database import Database, insert_unless_there
from server.settings import Settings
from server.tables import installation
from storage.disk import DiskStore
from storage.secret import SECRET_BYTES, installation_secret
from storage.store import ObjectStore


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """The store, and what the server must know about it."""

    objects: ObjectStore
    disk: DiskStore | None
    """The embedded store, which the HTTP edge serves; None for a bucket."""
    uri_base: str


def open_store(settings: Settings, secret: bytes, edge_url: str) -> Store:
    """The store; nothing is contacted yet. `edge_url` is what browsers see of the HTTP edge."""
    if settings.s3_bucket is not None:
        return Store(objects=_bucket(settings), disk=None, uri_base=f"s3://{settings.s3_bucket}/")
    disk = DiskStore(settings.data_dir / "media", secret=derived(secret, "media"), public_base_url=edge_url)
    return Store(objects=disk, disk=disk, uri_base="disk:///")


def _bucket(settings: Settings) -> ObjectStore:
    from storage.s3 import S3Store  # boto3 takes a third of a second and 30 MiB: only who needs it pays
    from storage.s3_options import S3Options

    options = S3Options(
        bucket=settings.s3_bucket or "",
        region=settings.aws_region,
        endpoint_url=settings.s3_endpoint_url,
        public_endpoint_url=settings.s3_public_endpoint_url,
        access_key_id=_plain(settings.aws_access_key_id),
        secret_access_key=_plain(settings.aws_secret_access_key),
        session_token=_plain(settings.aws_session_token),
        ambient_credentials=settings.aws_access_key_id is None,
    )
    return S3Store(options)


def derived(secret: bytes, purpose: str) -> bytes:
    """A key for one purpose, so that none serves two."""
    return hmac.digest(secret, purpose.encode(), "sha256")


def webhook_secret(settings: Settings, secret: bytes) -> str:
    """What our webhooks' secrets are derived from: the operator's, or one made from the installation's secret."""
    if settings.webhook_secret is not None:
        return settings.webhook_secret.get_secret_value()
    return "whsec_" + base64.b64encode(derived(secret, "webhooks")).decode()


async def secret_of(settings: Settings, database: Database) -> bytes:
    """The installation's secret: the operator's, or one made once where all replicas find it. Raises StorageFailed."""
    if settings.secret is not None:
        return settings.secret.get_secret_value().encode()
    if database.shared:
        return await database.write(_shared_secret)
    return installation_secret(secret_file(settings))


def _shared_secret(connection: sa.Connection) -> bytes:
    fresh = {"name": "secret", "value": secrets.token_bytes(SECRET_BYTES)}
    connection.execute(insert_unless_there(connection, installation, [fresh]))
    query = sa.select(installation.c.value).where(installation.c.name == "secret")
    return bytes(connection.execute(query).scalar_one())


def secret_file(settings: Settings) -> Path:
    """Where the installation's secret lies when it is this data folder's alone."""
    return settings.data_dir / "installation.secret"


def _plain(value: SecretStr | None) -> str:
    return "" if value is None else value.get_secret_value()
