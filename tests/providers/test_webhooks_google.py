"""Google's webhooks: RS256 tokens against Google's key set, and a project's own by shared secret.

Google publishes no vector: PyJWT's algorithm is played by hand here, with keys of this test run. The header's shape,
the key set's place and what a token says are those of its guide and of two third-party receivers.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from core.outcome import Callback, CallbackRefused, Reply
from providers.catalogue import ADAPTERS

ADAPTER = ADAPTERS["google"]
ADDRESS = "https://filmgate.example/webhooks/google/token-of-the-attempt"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
EVENT: Mapping[str, Any] = {
    "type": "interaction.completed",
    "version": "v1",
    "timestamp": "2026-11-21T12:00:00Z",
    "data": {"id": "v1_abc"},
    "user_metadata": {"client": "filmgate"},
}
BODY = json.dumps(EVENT).encode()
CLAIMS: Mapping[str, Any] = {
    **EVENT,
    "iss": "https://generativelanguage.googleapis.com",
    "aud": ADDRESS,
    "iat": int(NOW.timestamp()),
    "exp": int(NOW.timestamp()) + 300,
}
KEY, OTHER = (rsa.generate_private_key(public_exponent=65_537, key_size=2048) for _ in range(2))


def unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwk(key: rsa.RSAPrivateKey = KEY, **changes: object) -> dict[str, object]:
    numbers = key.public_key().public_numbers()
    n, e = (value.to_bytes((value.bit_length() + 7) // 8, "big") for value in (numbers.n, numbers.e))
    return {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "k1", "n": unpadded(n), "e": unpadded(e), **changes}


def key_set(*keys: object) -> str:
    return json.dumps({"keys": list(keys)})


KEYS = key_set(jwk(OTHER, kid="k0"), jwk())


def compact(header: object, claims: object, sign: Callable[[bytes], bytes]) -> str:
    text = ".".join(unpadded(json.dumps(part).encode()) for part in (header, claims))
    return f"{text}.{unpadded(sign(text.encode()))}"


def by_rsa(key: rsa.RSAPrivateKey = KEY, digest: HashAlgorithm | None = None) -> Callable[[bytes], bytes]:
    return lambda text: key.sign(text, padding.PKCS1v15(), digest or SHA256())


def token(claims: object = CLAIMS, header: Mapping[str, object] | None = None, **signer: Any) -> str:
    return compact({"alg": "RS256", "kid": "k1", "typ": "JWT", **(header or {})}, claims, by_rsa(**signer))


def headers(signature: str, identifier: str = "msg_1", timestamp: datetime = NOW) -> dict[str, str]:
    return {
        "webhook-id": identifier,
        "webhook-timestamp": str(int(timestamp.timestamp())),
        "webhook-signature": signature,
    }


def receive(signature: str, *secrets: str, body: bytes = BODY, now: datetime = NOW, **named: Any) -> Callback:
    return ADAPTER.callback(headers(signature, **named), body, secrets or (KEYS, ADDRESS), now)


def claims(**changes: object) -> dict[str, object]:
    return {name: value for name, value in {**CLAIMS, **changes}.items() if value is not ...}


def test_a_token_of_googles() -> None:
    news = receive(token())
    assert (news.vendor_task_id, news.delivery_id, news.signed) == ("v1_abc", "msg_1", True)


@pytest.mark.parametrize(
    "kind", ["interaction.completed", "interaction.failed", "interaction.cancelled", "video.generated"]
)
def test_every_event_names_its_interaction(kind: str) -> None:
    assert receive(token(claims(type=kind))).vendor_task_id == "v1_abc"


def test_the_tokens_word_counts_and_not_the_bodys() -> None:
    forged = json.dumps({**EVENT, "data": {"id": "v1_evil"}}).encode()
    assert receive(token(), body=forged).vendor_task_id == "v1_abc"


def test_an_event_that_only_the_body_tells_is_a_hint() -> None:
    bare = claims(type=..., data=..., version=...)
    news = receive(token(bare))
    assert (news.vendor_task_id, news.signed) == ("v1_abc", False)


@pytest.mark.parametrize("audience", [..., "my-project", ["my-project", "1234.apps.googleusercontent.com"], 7, []])
def test_an_audience_that_is_no_address_proves_nothing(audience: object) -> None:
    assert receive(token(claims(aud=audience))).signed is False


@pytest.mark.parametrize("audience", [ADDRESS, [ADDRESS], ["my-project", ADDRESS]])
def test_an_audience_that_is_our_address(audience: object) -> None:
    assert receive(token(claims(aud=audience))).signed is True


def test_without_our_address_its_path_must_fit() -> None:
    assert receive(token(), KEYS).signed is True
    with pytest.raises(CallbackRefused, match="another address"):
        receive(token(claims(aud="https://elsewhere.example/hook")), KEYS)


def test_the_tokens_own_id_comes_first() -> None:
    assert receive(token(claims(jti="jti-1"))).delivery_id == "jti-1"


def test_a_repeated_delivery_keeps_its_id() -> None:
    first, second = receive(token()), receive(token(claims(iat=CLAIMS["iat"] + 30)), now=NOW + timedelta(seconds=30))
    assert first.delivery_id == second.delivery_id == "msg_1"


@pytest.mark.parametrize(
    "changes",
    [{"iss": ...}, {"iss": "accounts.google.com"}, {"iss": "webhooks@google.iam.gserviceaccount.com"}],
)
def test_issuers_that_pass(changes: dict[str, object]) -> None:
    assert receive(token(claims(**changes))).signed


@pytest.mark.parametrize("seconds", [-59, 0, 299, 359])
def test_times_that_pass(seconds: int) -> None:
    assert receive(token(), now=NOW + timedelta(seconds=seconds)).signed


@pytest.mark.parametrize("seconds", [0, 300])
def test_a_token_without_an_end_is_good_for_five_minutes(seconds: int) -> None:
    assert receive(token(claims(exp=...)), now=NOW + timedelta(seconds=seconds)).signed


def _with_hmac(secret: bytes) -> str:
    head = {"alg": "HS256", "kid": "k1", "typ": "JWT"}
    return compact(head, CLAIMS, lambda text: hmac.new(secret, text, hashlib.sha256).digest())


def _pss(text: bytes) -> bytes:
    return KEY.sign(text, padding.PSS(padding.MGF1(SHA256()), 32), SHA256())


def _spki() -> bytes:
    return KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


_HEAD = {"alg": "RS256", "kid": "k1"}
TOKENS: dict[str, str] = {
    "another key": token(key=OTHER),
    "another key under its own name": token(key=OTHER, header={"kid": "k7"}),
    "no key id": token(header={"kid": None}),
    "a key id of another shape": token(header={"kid": ["k1"]}),
    "no signature": token().rsplit(".", 1)[0] + ".",
    "a cut signature": token()[:-10],
    "a signature with a bit more": token() + "AA",
    "an empty signature": token().rsplit(".", 1)[0] + ".AA",
    "alg none": compact({"alg": "none", "kid": "k1"}, CLAIMS, lambda _: b"x"),
    "alg none, well signed": token(header={"alg": "none"}),
    "alg missing": token(header={"alg": None}),
    "alg in lower case": token(header={"alg": "rs256"}),
    "alg in a list": token(header={"alg": ["RS256"]}),
    "HS256 with the key set as the secret": _with_hmac(KEYS.encode()),
    "HS256 with the public key as the secret": _with_hmac(_spki()),
    "HS256 with nothing": _with_hmac(b""),
    "RS512": token(header={"alg": "RS512"}, digest=SHA512()),
    "RS512 that says RS256": token(digest=SHA512()),
    "PS256 that says RS256": compact(_HEAD, CLAIMS, _pss),
    "a critical header": token(header={"crit": ["b64"], "b64": False}),
    "a key in the header": compact({"alg": "RS256", "kid": "k9", "jwk": jwk(OTHER, kid="k9")}, CLAIMS, by_rsa(OTHER)),
    "an address of keys in the header": compact(
        {"alg": "RS256", "kid": "k9", "jku": "https://evil.example/jwks"}, CLAIMS, by_rsa(OTHER)
    ),
    "changed claims": token().split(".")[0]
    + "."
    + unpadded(json.dumps({**CLAIMS, "data": {"id": "v1_evil"}}).encode())
    + "."
    + token().split(".")[2],
    "claims that are a list": token([CLAIMS]),
    "claims that are no JSON": compact(_HEAD, CLAIMS, by_rsa()).replace(".", ".!", 1),
    "expired": token(claims(exp=CLAIMS["iat"] - 61)),
    "expired long ago": token(claims(iat=CLAIMS["iat"] - 90_000, exp=CLAIMS["iat"] - 86_400)),
    "no time at all": token(claims(iat=..., exp=...)),
    "times in words": token(claims(iat="now", exp="later")),
    "times that are none": token(claims(iat=float("nan"), exp=float("nan"))),
    "old, and without an end": token(claims(exp=..., iat=CLAIMS["iat"] - 301)),
    "made tomorrow": token(claims(iat=CLAIMS["iat"] + 3600, exp=CLAIMS["iat"] + 7200)),
    "not yet": token(claims(nbf=CLAIMS["iat"] + 61)),
    "from somebody else": token(claims(iss="https://evil.example")),
    "from a host that ends alike": token(claims(iss="https://generativelanguage.googleapis.com.evil.example")),
    "from nobody's account": token(claims(iss="x@evil.example?gserviceaccount.com")),
    "from a number": token(claims(iss=7)),
    "for somebody else": token(claims(aud="https://elsewhere.example/webhooks/google/token-of-the-attempt")),
    "for another attempt": token(claims(aud="https://filmgate.example/webhooks/google/another")),
    "about something else": token(claims(type="batch.succeeded", data={"id": "b1"})),
    "about nothing": token(claims(data={})),
    "about an id that leaves its path": token(claims(data={"id": "../files/x"})),
    "an id with a line break": token(claims(jti="a\nb")),
    "an endless token": token(claims(pad="x" * 40_000)),
    "four parts": token() + ".x",
    "nothing": "",
    "words": "not a token",
    "a shared secret's scheme": "v1,AAAA",
}


@pytest.mark.parametrize("name", TOKENS)
def test_refused(name: str) -> None:
    with pytest.raises(CallbackRefused):
        receive(TOKENS[name], KEYS, ADDRESS, SECRET)


KEY_SETS: dict[str, str] = {
    "no key": "",
    "an empty set": key_set(),
    "no set": json.dumps(jwk()),
    "an array": json.dumps([jwk()]),
    "another key": key_set(jwk(OTHER)),
    "another name": key_set(jwk(kid="k2")),
    "no name": key_set(jwk(kid=None)),
    "for encryption": key_set(jwk(use="enc")),
    "for another algorithm": key_set(jwk(alg="RS512")),
    "of another kind": key_set(jwk(kty="oct", k="AAAA")),
    "no modulus": key_set(jwk(n="")),
    "an exponent of one": key_set(jwk(e="AQ")),
    "a modulus that is none": key_set(jwk(n="***")),
    "too short": key_set(jwk(n=unpadded((KEY.public_key().public_numbers().n >> 1024).to_bytes(128, "big")))),
    "a shared secret": SECRET,
    "an endless set": "[" * 100_000,
}


@pytest.mark.parametrize("name", KEY_SETS)
def test_refused_with_these_keys(name: str) -> None:
    with pytest.raises(CallbackRefused, match=r"does not publish|wrong"):
        receive(token(), KEY_SETS[name], ADDRESS)


def test_sha1_is_not_taken() -> None:
    signed = compact(_HEAD, CLAIMS, lambda text: KEY.sign(text, padding.PKCS1v15(), SHA1()))  # noqa: S303 - on purpose
    with pytest.raises(CallbackRefused, match="wrong"):
        receive(signed)


@pytest.mark.parametrize("identifier", ["", "m\n1", "m" * 257, "é"])
def test_a_delivery_without_a_good_id(identifier: str) -> None:
    with pytest.raises(CallbackRefused, match="no id"):
        receive(token(), identifier=identifier)


def shared(body: bytes = BODY, secret: str = SECRET, identifier: str = "msg_1", timestamp: datetime = NOW) -> str:
    return Webhook(secret).sign(identifier, timestamp, body.decode())


def test_a_projects_own_webhook() -> None:
    news = receive(shared(), KEYS, ADDRESS, SECRET)
    assert (news.vendor_task_id, news.delivery_id, news.signed) == ("v1_abc", "msg_1", True)


SHARED: dict[str, tuple[str, dict[str, Any]]] = {
    "a changed body": (shared(), {"body": BODY + b" "}),
    "another id": (shared(), {"identifier": "msg_2"}),
    "stale": (shared(timestamp=NOW - timedelta(hours=1)), {"timestamp": NOW - timedelta(hours=1)}),
    "a moved timestamp": (shared(timestamp=NOW - timedelta(hours=1)), {"timestamp": NOW}),
    "another secret": (shared(secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), {}),
    "about nothing": (shared(b"{}"), {"body": b"{}"}),
    "no JSON": (shared(b"<html>"), {"body": b"<html>"}),
    "an array": (shared(b"[]"), {"body": b"[]"}),
    "another scheme": (shared().replace("v1,", "v2,"), {}),
}


@pytest.mark.parametrize("name", SHARED)
def test_a_projects_own_webhook_is_refused(name: str) -> None:
    signature, named = SHARED[name]
    with pytest.raises(CallbackRefused):
        receive(signature, KEYS, ADDRESS, SECRET, **named)


def test_the_public_key_set_is_no_shared_secret() -> None:
    digest = hmac.new(KEYS.encode(), b"msg_1.%d." % NOW.timestamp() + BODY, hashlib.sha256).digest()
    with pytest.raises(CallbackRefused, match="no secret"):
        receive(f"v1,{base64.b64encode(digest).decode()}", KEYS, ADDRESS)


def test_the_key_set_is_fetched_without_a_key() -> None:
    request = ADAPTER.callback_secret()
    assert request is not None
    assert (request.method, request.path, request.auth) == ("GET", "/.well-known/jwks.json", None)
    assert ADAPTER.callback_secrets(Reply(status=200, body=KEYS.encode())) == (KEYS,)


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, "{}"), (200, '{"keys": []}'), (200, "<html>"), (200, "[]"), (404, KEYS), (200, key_set(jwk(kty="EC")))],
)
def test_what_is_no_key_set(status: int, body: str) -> None:
    assert ADAPTER.callback_secrets(Reply(status=status, body=body.encode())) == ()


@given(st.dictionaries(st.sampled_from(sorted(headers(""))), st.text()), st.binary(), st.lists(st.text(), max_size=3))
def test_nothing_but_refusal(sent: dict[str, str], body: bytes, secrets: list[str]) -> None:
    with pytest.raises(CallbackRefused):
        ADAPTER.callback(sent, body, secrets, NOW)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted({**CLAIMS, "jti": 0, "nbf": 0})), _JSON))
def test_well_signed_claims_of_any_shape(changes: dict[str, object]) -> None:
    try:
        news = receive(token(claims(**changes)))
    except CallbackRefused:
        return
    assert news.vendor_task_id


def test_vertex_sends_no_webhooks() -> None:
    assert ADAPTERS["vertex"].callback_secret() is None
    with pytest.raises(CallbackRefused):
        ADAPTERS["vertex"].callback(headers(token()), BODY, (KEYS,), NOW)
