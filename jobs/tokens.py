"""Short-lived credentials: where an endpoint's access token comes from.

https://developers.google.com/identity/protocols/oauth2/service-account
`cryptography` weighs nine MiB: it is loaded where a service account signs.
"""

import asyncio
import base64
import json
import re
import ssl
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlencode

from core import urls
from core.errors import UnsafeUrl
from core.outcome import Json, Reply, Request
from core.urls import IPAddress
from jobs.http import ExchangeFailed, VendorClient, Wire, exchange, prepared
from providers.base import finite

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_AUDIENCE = "https://oauth2.googleapis.com/token"
"""Whom an assertion is for: always this, wherever it is posted (as google-auth 2.62 has it)."""
METADATA_SERVER = "http://169.254.169.254"
_METADATA_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"
_FLAVOUR = {"Metadata-Flavor": "Google"}
_MARGIN = 300.0
"""A token is renewed so many seconds before its end (one that lives shorter than twice that: at its half)."""
_LAST_RESORT = 60.0
"""A token that cannot be renewed is still given out while it has this many seconds left."""
_LIFE = 3600
_TRIES = 3
_LONGEST_TOKEN = 16 * 1024
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class TokenSource(Protocol):
    """Gives an access token that is good for the next minutes."""

    async def token(self) -> str:
        """The token. Raises OSError, without any secret in its text, when there is none."""


class NoToken(OSError):
    """No access token can be had. The text is ours and holds nothing of keys, tokens or replies but an error's name."""


class _Busy(NoToken):
    """The token server may do better in a moment."""


@dataclass(frozen=True, slots=True)
class StaticToken:
    """A token that the operator renews: good until it is not."""

    value: str = field(repr=False)

    async def token(self) -> str:
        """It."""
        return self.value


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """A token and how long it lives, in seconds."""

    token: str = field(repr=False)
    seconds: float


class RenewedToken(ABC):
    """Keeps a token until five minutes before its end; however many ask at once, one request is made."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic, pause: float = 0.2) -> None:
        self._monotonic = monotonic
        self._pause = pause
        self._known: Grant | None = None
        self._since = 0.0
        self._flight: asyncio.Task[str] | None = None

    async def token(self) -> str:
        """A token with minutes to live. Raises NoToken."""
        if self._known is not None and self._left(self._known) > min(_MARGIN, self._known.seconds / 2):
            return self._known.token
        if self._flight is None:
            self._flight = asyncio.create_task(self._renewed())
            self._flight.add_done_callback(self._landed)
        # Shielded: a caller that gives up takes nothing from the others.
        return await asyncio.shield(self._flight)

    def _left(self, grant: Grant) -> float:
        return self._since + grant.seconds - self._monotonic()

    def _landed(self, flight: asyncio.Task[str]) -> None:
        self._flight = None
        if not flight.cancelled():
            flight.exception()  # seen, also when nobody waits any more

    async def _renewed(self) -> str:
        asked = self._monotonic()
        try:
            grant = await self._patiently()
        except NoToken:
            if self._known is not None and self._left(self._known) > _LAST_RESORT:
                return self._known.token
            raise
        self._known, self._since = grant, asked
        return grant.token

    async def _patiently(self) -> Grant:
        """Asking for a token costs nothing, so what may pass is tried again."""
        for attempt in range(_TRIES - 1):
            try:
                return await self._grant()
            except _Busy:
                await asyncio.sleep(self._pause * 2**attempt)
        return await self._grant()

    @abstractmethod
    async def _grant(self) -> Grant:
        """Ask once. Raises NoToken."""


class _TokenServer(RenewedToken):
    """Renews by a form that is posted to a token server."""

    def __init__(
        self,
        client: VendorClient,
        token_uri: str,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        pause: float = 0.2,
    ) -> None:
        super().__init__(monotonic=monotonic, pause=pause)
        self._client = client
        self._now = now
        self._address = _checked(token_uri)

    async def _grant(self) -> Grant:
        form = urlencode(self._form()).encode("ascii")
        request = Request(method="POST", path=self._address.path_and_query, headers=_FORM, content=form)
        try:
            reply = await self._client.send_once(
                request, base_url=self._address.origin, secret=None, read_timeout=10.0, max_reply=64 * 1024
            )
        except ExchangeFailed as error:
            failure: NoToken = _Busy(f"the token server: {error}")
        else:
            return _read(reply)
        # Outside the handler: the library's errors, which may hold the request, are not chained to ours.
        raise failure

    @abstractmethod
    def _form(self) -> Mapping[str, str]:
        """What is posted."""


class ServiceAccount(_TokenServer):
    """A service account's key: it signs who it is, and the token server answers with a token (RFC 7523)."""

    def __init__(
        self,
        client: VendorClient,
        *,
        email: str,
        key: "RSAPrivateKey",
        key_id: str,
        token_uri: str,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        pause: float = 0.2,
    ) -> None:
        super().__init__(client, token_uri, monotonic=monotonic, now=now, pause=pause)
        self._email, self._key, self._key_id = email, key, key_id

    def _form(self) -> Mapping[str, str]:
        return {"assertion": self._assertion(), "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}

    def _assertion(self) -> str:
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        issued = int(self._now())
        header = {"typ": "JWT", "alg": "RS256", "kid": self._key_id}
        claims = {
            "iat": issued,
            "exp": issued + _LIFE,
            "iss": self._email,
            "aud": _AUDIENCE,
            "scope": SCOPE,
        }
        text = ".".join(_unpadded(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
        return f"{text}.{_unpadded(self._key.sign(text.encode('ascii'), PKCS1v15(), SHA256()))}"


class RefreshedUser(_TokenServer):
    """A person's own login, as `gcloud auth application-default login` leaves it."""

    def __init__(
        self,
        client: VendorClient,
        *,
        client_id: str,
        client_secret: str,
        refresh_token: str,
        token_uri: str,
        pause: float = 0.2,
    ) -> None:
        super().__init__(client, token_uri, pause=pause)
        self._login = {"client_id": client_id, "client_secret": client_secret, "refresh_token": refresh_token}

    def _form(self) -> Mapping[str, str]:
        return {"grant_type": "refresh_token", **self._login}


class MetadataServer(RenewedToken):
    """The machine's own account, on Google's machines: asked of an address that only they have."""

    def __init__(
        self,
        base_url: str = METADATA_SERVER,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        pause: float = 0.2,
    ) -> None:
        super().__init__(monotonic=monotonic, pause=pause)
        self._base_url = base_url

    async def _grant(self) -> Grant:
        request = Request(method="GET", path=_METADATA_PATH, headers=_FLAVOUR)
        # No certificates are read: the metadata server speaks plain HTTP on a link of its own.
        wire = Wire(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        try:
            outgoing = prepared(request, self._base_url, None, 2.0, 5.0)
            reply = await exchange(wire, outgoing, _is_metadata, max_reply=64 * 1024)
        except ExchangeFailed as error:
            failure: NoToken = _Busy(f"the machine's metadata server: {error}")
        else:
            if reply.headers.get("metadata-flavor") != "Google":
                raise NoToken("what answers at the metadata server's address is not Google's")
            return _read(reply)
        finally:
            await wire.aclose()
        raise failure


def credentials_file(path: Path, client: VendorClient) -> TokenSource:
    """The source that a file of `GOOGLE_APPLICATION_CREDENTIALS` describes: a service account or a person's login.

    Raises ValueError, naming what is wrong and nothing of what the file holds.
    """
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise ValueError(f"the credentials file cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise ValueError("the credentials file is not JSON") from None
    kind = document.get("type") if isinstance(document, dict) else None
    if kind == "service_account":
        return ServiceAccount(
            client,
            email=_member(document, "client_email"),
            key=_private_key(_member(document, "private_key")),
            key_id=_member(document, "private_key_id"),
            token_uri=_member(document, "token_uri"),
        )
    if kind == "authorized_user":
        return RefreshedUser(
            client,
            client_id=_member(document, "client_id"),
            client_secret=_member(document, "client_secret"),
            refresh_token=_member(document, "refresh_token"),
            token_uri=document.get("token_uri") or _AUDIENCE,
        )
    raise ValueError("the credentials file is neither of a service account nor of a person's login")


def _member(document: Mapping[str, Json], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"the credentials file has no {name}")
    return value


def _private_key(pem: str) -> "RSAPrivateKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey) or key.key_size < 2048:
        raise ValueError("the credentials file's private_key is not an RSA key of 2048 bits or more")
    return key


def _checked(token_uri: str) -> urls.Address:
    """https, or http on this very machine. Raises ValueError."""
    try:
        return urls.check_endpoint(token_uri)
    except UnsafeUrl as error:
        raise ValueError(f"the credentials file's token_uri: {error}") from None


def _is_metadata(ip: IPAddress) -> bool:
    return str(ip) == "169.254.169.254" or ip.is_loopback


def _read(reply: Reply) -> Grant:
    """`{"access_token", "expires_in", "token_type": "Bearer"}`. Raises NoToken."""
    document = reply.document or {}
    if reply.status != 200:
        name = document.get("error")
        told = f" ({name})" if isinstance(name, str) and re.fullmatch(r"[a-z_]{1,64}", name) else ""
        kind = _Busy if reply.status in (408, 429) or reply.status >= 500 else NoToken
        raise kind(f"the token server answers {reply.status}{told}")
    token, seconds = document.get("access_token"), document.get("expires_in")
    if not isinstance(token, str) or len(token) > _LONGEST_TOKEN or not re.fullmatch(r"[\x21-\x7e]+", token):
        raise NoToken("the token server's answer holds no token")
    if str(document.get("token_type", "Bearer")).lower() != "bearer":
        raise NoToken("the token server gives tokens of another type")
    return Grant(token=token, seconds=min(max(finite(seconds) or 0.0, 0.0), 86_400.0))


def _unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
