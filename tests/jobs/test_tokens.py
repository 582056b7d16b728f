"""Access tokens: asked for once, kept until shortly before their end, and never told in an error."""

import asyncio
import base64
import json
import re
import ssl
import traceback
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from google.auth.transport.requests import Request as GoogleRequest
from google.oauth2 import credentials as google_credentials
from google.oauth2 import service_account

from jobs.http import VendorClient
from jobs.tokens import (
    SCOPE,
    Grant,
    MetadataServer,
    NoToken,
    RefreshedUser,
    ServiceAccount,
    StaticToken,
    credentials_file,
)

if TYPE_CHECKING:
    from tests.jobs.conftest import Script, Serve, Served

EMAIL = "robot@my-project.iam.gserviceaccount.com"
KEY_ID = "5f0c5f0a"
TOKEN = "ya29.canary-token"


@pytest.fixture(scope="session")
def key() -> rsa.RSAPrivateKey:
    """A service account's key of this test run."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=2048)


@pytest.fixture(scope="session")
def pem(key: rsa.RSAPrivateKey) -> str:
    """The same as credentials files hold it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture
async def client() -> AsyncIterator[VendorClient]:
    """A client that needs no certificates: everything here is plain HTTP on loopback."""
    made = VendorClient(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    yield made
    await made.aclose()


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def reply(document: object, status: int = 200, headers: str = "") -> bytes:
    """An HTTP answer with JSON."""
    body = json.dumps(document).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def granted(token: str = TOKEN, seconds: object = 3599) -> bytes:
    return reply({"access_token": token, "expires_in": seconds, "token_type": "Bearer"})


def answers(*raw: bytes) -> "Script":
    """A script that sends one of these to each connection; the last one for ever."""
    left = list(raw)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(left.pop(0) if len(left) > 1 else left[0])

    return script


def account(client: VendorClient, key: rsa.RSAPrivateKey, port: int, clock: Clock | None = None) -> ServiceAccount:
    return ServiceAccount(
        client,
        email=EMAIL,
        key=key,
        key_id=KEY_ID,
        token_uri=f"http://127.0.0.1:{port}/token",
        monotonic=clock or Clock(),
        pause=0.001,
    )


def form_of(served: "Served", place: int = 0) -> dict[str, str]:
    return dict(parse_qsl(served.bodies[place].decode(), strict_parsing=True))


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def assert_tells_nothing(error: BaseException, *secrets: str) -> None:
    told = "".join(traceback.format_exception(error))
    assert not [secret for secret in (TOKEN, *secrets) if secret in told]


async def test_a_static_token() -> None:
    source = StaticToken(TOKEN)
    assert await source.token() == TOKEN
    assert TOKEN not in repr(source)


async def test_a_service_account_signs_who_it_is(client: VendorClient, key: rsa.RSAPrivateKey, serve: "Serve") -> None:
    served = await serve(answers(granted()))
    assert await account(client, key, served.port).token() == TOKEN
    form = form_of(served)
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    head, claims, signature = form["assertion"].split(".")
    key.public_key().verify(decoded(signature), f"{head}.{claims}".encode(), PKCS1v15(), SHA256())
    assert json.loads(decoded(head)) == {"typ": "JWT", "alg": "RS256", "kid": KEY_ID}
    said = json.loads(decoded(claims))
    assert (said["iss"], said["scope"], said["exp"] - said["iat"]) == (EMAIL, SCOPE, 3600)
    assert said["aud"] == "https://oauth2.googleapis.com/token"
    assert b"authorization" not in served.heads[0].lower()


def ask_as_google_does(credentials: Any) -> str:
    with requests.Session() as session:
        session.trust_env = False
        credentials.refresh(GoogleRequest(session=session))
    return str(credentials.token)


async def test_googles_own_library_posts_the_same(
    client: VendorClient, key: rsa.RSAPrivateKey, pem: str, serve: "Serve"
) -> None:
    served = await serve(answers(granted()))
    await account(client, key, served.port).token()
    theirs = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]  # no types there
        {
            "client_email": EMAIL,
            "private_key": pem,
            "private_key_id": KEY_ID,
            "token_uri": f"http://127.0.0.1:{served.port}/token",
        },
        scopes=[SCOPE],
    )
    assert await asyncio.to_thread(ask_as_google_does, theirs) == TOKEN
    ours, google = (form_of(served, place) for place in (0, 1))
    assert [head.split(b"\r\n")[0] for head in served.heads] == [b"POST /token HTTP/1.1"] * 2
    assert ours.keys() == google.keys()
    assert ours["grant_type"] == google["grant_type"]
    for part in (0, 1):
        mine, other = (json.loads(decoded(form["assertion"].split(".")[part])) for form in (ours, google))
        assert mine.keys() == other.keys()
        assert {**mine, "iat": 0, "exp": 0} == {**other, "iat": 0, "exp": 0}


async def test_a_persons_login_posts_the_same(client: VendorClient, serve: "Serve") -> None:
    served = await serve(answers(granted()))
    uri = f"http://127.0.0.1:{served.port}/token"
    login: dict[str, Any] = {"client_id": "id", "client_secret": "canary-secret", "refresh_token": "canary-refresh"}
    assert await RefreshedUser(client, token_uri=uri, **login).token() == TOKEN
    theirs = google_credentials.Credentials(token=None, token_uri=uri, **login)  # type: ignore[no-untyped-call]  # same
    assert await asyncio.to_thread(ask_as_google_does, theirs) == TOKEN
    assert form_of(served, 0) == form_of(served, 1)


async def test_the_machines_own_account(serve: "Serve") -> None:
    document = {"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"}
    served = await serve(answers(reply(document, headers="Metadata-Flavor: Google\r\n")))
    assert await MetadataServer(f"http://127.0.0.1:{served.port}").token() == TOKEN
    line, *headers = served.heads[0].decode().split("\r\n")
    assert line == "GET /computeMetadata/v1/instance/service-accounts/default/token HTTP/1.1"
    assert "Metadata-Flavor: Google" in headers


async def test_an_impostor_of_the_metadata_server(serve: "Serve") -> None:
    served = await serve(answers(granted()))
    with pytest.raises(NoToken, match="not Google's") as caught:
        await MetadataServer(f"http://127.0.0.1:{served.port}").token()
    assert_tells_nothing(caught.value)


@pytest.mark.parametrize("address", ["http://10.0.0.1", "http://192.0.2.1", "http://169.254.170.2", "http://[fe80::1]"])
async def test_the_metadata_server_has_one_address(address: str) -> None:
    with pytest.raises(NoToken, match="metadata server"):
        await MetadataServer(address, pause=0).token()


async def test_kept_until_five_minutes_before_the_end(
    client: VendorClient, key: rsa.RSAPrivateKey, serve: "Serve"
) -> None:
    clock = Clock()
    served = await serve(answers(granted("first", 3600), granted("second", 3600)))
    source = account(client, key, served.port, clock)
    assert await source.token() == "first"
    clock.seconds += 3299
    assert await source.token() == "first"
    clock.seconds += 1
    assert await source.token() == "second"
    assert served.connections == 2


async def test_a_short_life_is_half_used(client: VendorClient, key: rsa.RSAPrivateKey, serve: "Serve") -> None:
    clock = Clock()
    served = await serve(answers(granted("first", 100), granted("second", 100)))
    source = account(client, key, served.port, clock)
    assert await source.token() == "first"
    clock.seconds += 49
    assert await source.token() == "first"
    clock.seconds += 2
    assert await source.token() == "second"


@pytest.mark.parametrize("seconds", [None, "3600", True, -5, 0, float("nan"), float("inf")])
async def test_a_token_of_unknown_life_is_not_kept(
    client: VendorClient, key: rsa.RSAPrivateKey, serve: "Serve", seconds: object
) -> None:
    served = await serve(answers(granted(seconds=seconds)))
    source = account(client, key, served.port)
    assert [await source.token(), await source.token()] == [TOKEN, TOKEN]
    assert served.connections == 2


async def test_a_hundred_callers_make_one_request(client: VendorClient, key: rsa.RSAPrivateKey, serve: "Serve") -> None:
    served = await serve(answers(granted()))
    source = account(client, key, served.port)
    assert set(await asyncio.gather(*(source.token() for _ in range(100)))) == {TOKEN}
    assert served.connections == 1


async def test_a_caller_that_gives_up_takes_nothing_from_the_others(
    client: VendorClient, key: rsa.RSAPrivateKey, serve: "Serve"
) -> None:
    go, asked = asyncio.Event(), asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await go.wait()
        writer.write(granted())

    served = await serve(slow)
    source = account(client, key, served.port)
    first, second = asyncio.create_task(source.token()), asyncio.create_task(source.token())
    await asked.wait()
    first.cancel()
    go.set()
    assert await second == TOKEN
    assert first.cancelled()
    assert served.connections == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
async def test_what_may_pass_is_tried_again(
    client: VendorClient, key: rsa.RSAPrivateKey, serve: "Serve", status: int
) -> None:
    served = await serve(answers(reply({}, status), b"", granted()))
    assert await account(client, key, served.port).token() == TOKEN
    assert served.connections == 3


async def test_but_not_for_ever(client: VendorClient, key: rsa.RSAPrivateKey, serve: "Serve") -> None:
    served = await serve(answers(reply({}, 503)))
    with pytest.raises(NoToken, match="answers 503"):
        await account(client, key, served.port).token()
    assert served.connections == 3


async def test_a_failure_is_not_kept(client: VendorClient, key: rsa.RSAPrivateKey, serve: "Serve") -> None:
    served = await serve(answers(reply({"error": "invalid_grant"}, 400), granted()))
    source = account(client, key, served.port)
    with pytest.raises(NoToken):
        await source.token()
    assert await source.token() == TOKEN


async def test_an_old_token_is_better_than_none(client: VendorClient, key: rsa.RSAPrivateKey, serve: "Serve") -> None:
    clock = Clock()
    served = await serve(answers(granted(seconds=3600), reply({}, 500)))
    source = account(client, key, served.port, clock)
    await source.token()
    clock.seconds += 3500
    assert await source.token() == TOKEN
    clock.seconds += 41
    with pytest.raises(NoToken):
        await source.token()


ERRORS: dict[str, tuple[bytes, str]] = {
    "refused": (reply({"error": "invalid_grant", "error_description": f"key {TOKEN}"}, 400), "400 (invalid_grant)"),
    "refused in other words": (reply({"error": {"message": TOKEN}}, 401), "401"),
    "an error that is no word": (reply({"error": TOKEN}, 403), "403"),
    "no token": (reply({"expires_in": 3600}), "no token"),
    "a token of another shape": (reply({"access_token": ["x"], "expires_in": 3600}), "no token"),
    "a token that ends a line": (reply({"access_token": f"{TOKEN}\r\nX-Evil: 1", "expires_in": 3600}), "no token"),
    "a token without an end": (reply({"access_token": "x" * 20_000, "expires_in": 3600}), "no token"),
    "another type": (reply({"access_token": TOKEN, "token_type": "mac"}), "another type"),
    "no JSON": (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "no token"),
    "an array": (reply([TOKEN]), "no token"),
    "a redirect": (
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n",
        "answers 302",
    ),
    "endless": (b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n" + b"x" * 999_999, "too large"),
    "nothing": (b"", "the token server: "),
}


@pytest.mark.parametrize("name", ERRORS)
async def test_an_error_tells_no_secret(
    client: VendorClient, key: rsa.RSAPrivateKey, serve: "Serve", name: str
) -> None:
    raw, said = ERRORS[name]
    served = await serve(answers(raw))
    with pytest.raises(NoToken, match=re.escape(said)) as caught:
        await account(client, key, served.port).token()
    assertions = [form_of(served, place)["assertion"] for place in range(len(served.bodies))]
    assert_tells_nothing(caught.value, *assertions)
    assert isinstance(caught.value, OSError)


async def test_nobody_listens(client: VendorClient, key: rsa.RSAPrivateKey) -> None:
    with pytest.raises(NoToken, match="could not be made") as caught:
        await account(client, key, 9).token()
    assert_tells_nothing(caught.value)


@pytest.fixture
def file(tmp_path: Path, pem: str) -> tuple[Path, dict[str, Any]]:
    """A service account's file as Google hands it out, and what is in it."""
    document = {
        "type": "service_account",
        "project_id": "my-project",
        "private_key_id": KEY_ID,
        "private_key": pem,
        "client_email": EMAIL,
        "client_id": "123",
        "token_uri": "https://oauth2.googleapis.com/token",
        "universe_domain": "googleapis.com",
    }
    path = tmp_path / "robot.json"
    path.write_text(json.dumps(document))
    return path, document


async def test_a_service_accounts_file(client: VendorClient, file: tuple[Path, dict[str, Any]], serve: "Serve") -> None:
    path, document = file
    served = await serve(answers(granted()))
    path.write_text(json.dumps({**document, "token_uri": f"http://localhost:{served.port}/token"}))
    source = credentials_file(path, client)
    assert isinstance(source, ServiceAccount)
    assert await source.token() == TOKEN


async def test_a_persons_file(client: VendorClient, tmp_path: Path) -> None:
    path = tmp_path / "application_default_credentials.json"
    login = {"type": "authorized_user", "client_id": "a", "client_secret": "b", "refresh_token": "c"}
    path.write_text(json.dumps(login))
    assert isinstance(credentials_file(path, client), RefreshedUser)


FILES: dict[str, tuple[dict[str, Any], str]] = {
    "another type": ({"type": "external_account"}, "neither"),
    "no type": ({"type": None}, "neither"),
    "no e-mail": ({"client_email": ""}, "has no client_email"),
    "a number for a key": ({"private_key": 7}, "has no private_key"),
    "no PEM": ({"private_key": "canary-key"}, "not an RSA key"),
    "plain http": ({"token_uri": "http://oauth2.example.com/token"}, "https://"),
    "a file address": ({"token_uri": "file:///etc/passwd"}, "token_uri"),
    "the metadata server": ({"token_uri": "https://169.254.169.254/token"}, "token_uri"),
    "a user in the address": ({"token_uri": "https://a:canary-key@oauth2.googleapis.com/token"}, "user name"),
    "a query": ({"token_uri": "https://oauth2.googleapis.com/token?x=canary-key"}, "query"),
}


@pytest.mark.parametrize("name", FILES)
async def test_a_wrong_file(client: VendorClient, file: tuple[Path, dict[str, Any]], name: str) -> None:
    path, document = file
    changes, said = FILES[name]
    path.write_text(json.dumps(document | changes))
    with pytest.raises(ValueError, match=said) as caught:
        credentials_file(path, client)
    assert "canary-key" not in "".join(traceback.format_exception(caught.value))
    assert str(document["private_key"])[100:140] not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"7", b"\xff\xfe", b"[" * 100_000])
async def test_a_file_that_is_none(client: VendorClient, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="credentials file"):
        credentials_file(path, client)


async def test_no_file(client: VendorClient, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="No such file"):
        credentials_file(tmp_path / "x.json", client)


@pytest.mark.parametrize(
    "weak",
    [
        rsa.generate_private_key(65_537, 1024),  # noqa: S505 - too short on purpose
        ec.generate_private_key(ec.SECP256R1()),
    ],
    ids=["short", "elliptic"],
)
async def test_a_key_of_another_kind(
    client: VendorClient, file: tuple[Path, dict[str, Any]], weak: rsa.RSAPrivateKey
) -> None:
    path, document = file
    pem = weak.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    path.write_text(json.dumps({**document, "private_key": pem}))
    with pytest.raises(ValueError, match="2048"):
        credentials_file(path, client)


async def test_sources_show_no_secret(client: VendorClient, key: rsa.RSAPrivateKey) -> None:
    user = RefreshedUser(
        client, client_id="a", client_secret=TOKEN, refresh_token=TOKEN, token_uri="https://oauth2.googleapis.com/token"
    )
    assert not [each for each in (user, StaticToken(TOKEN), Grant(token=TOKEN, seconds=1)) if TOKEN in repr(each)]
