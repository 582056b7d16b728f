"""Webhook verification: the published vectors, and everything that must be refused without any other exception."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from replicate.webhook import Webhooks, WebhookSigningSecret

from core.outcome import CallbackRefused, Ready, Reply
from providers.catalogue import ADAPTERS
from providers.signature import verified

_ADAPTER = ADAPTERS["replicate"]

_SECRET_A = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_BODY_A = b'{"test": 2432232314}'
_HEADERS_A = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
_NOW_A = datetime.fromtimestamp(1614265330, UTC)

_SECRET_B = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
_BODY_B = (
    b'{"id":"ufawqhfynnddngldkgtslldrkq","model":"minimax/video-01","version":"hidden","input":{"prompt":"a cat"},'
    b'"logs":"","output":"https://replicate.delivery/xezq/abc/tmp1.mp4","error":null,"status":"succeeded",'
    b'"created_at":"2026-11-20T10:00:00.000Z","metrics":{"predict_time":61.2,"total_time":62.0}}'
)
_HEADERS_B = {
    "webhook-id": "msg_2b7Q0hFilmgateTestVector01",
    "webhook-timestamp": "1763683200",
    "webhook-signature": "v1,14NP1R5i+HnnjioTSq8oy/NzjXg/RZz1RRvFgKqgcSo=",
}
_NOW_B = datetime.fromtimestamp(1763683200, UTC)
_GOOD = _HEADERS_B["webhook-signature"]
_OTHER = "v1," + base64.b64encode(bytes(32)).decode()


def _sign(body: bytes, secret: str = _SECRET_B, identifier: str = "msg_1", timestamp: str = "1763683200") -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{identifier}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def _signed(body: bytes, **changes: str) -> dict[str, str]:
    return {
        "webhook-id": changes.get("identifier", "msg_1"),
        "webhook-timestamp": changes.get("timestamp", "1763683200"),
        "webhook-signature": _sign(body, **changes),
    }


def test_vector_b_is_the_one_of_the_page() -> None:
    expected = "9af70c75fed4d7dc500e73cc3be2394532d3983d09a08d683700f72445395de5"
    assert hashlib.sha256(_BODY_B).hexdigest() == expected


def test_vector_a() -> None:
    assert verified(_HEADERS_A, _BODY_A, [_SECRET_A], _NOW_A) == _HEADERS_A["webhook-id"]


def test_vector_b() -> None:
    callback = _ADAPTER.callback(_HEADERS_B, _BODY_B, [_SECRET_B], _NOW_B)
    assert callback.vendor_task_id == "ufawqhfynnddngldkgtslldrkq"
    assert callback.delivery_id == "msg_2b7Q0hFilmgateTestVector01"
    assert isinstance(callback.outcome, Ready)
    assert callback.outcome.outputs == ("https://replicate.delivery/xezq/abc/tmp1.mp4",)


@pytest.mark.parametrize(
    ("headers", "body", "secret"), [(_HEADERS_A, _BODY_A, _SECRET_A), (_HEADERS_B, _BODY_B, _SECRET_B)]
)
def test_the_sdk_agrees(headers: dict[str, str], body: bytes, secret: str) -> None:
    signing = WebhookSigningSecret(key=secret)
    Webhooks.validate(headers=headers, body=body.decode(), secret=signing)
    with pytest.raises(ValueError, match="signature"):
        Webhooks.validate(headers=headers, body=body.decode() + " ", secret=signing)


@pytest.mark.parametrize("seconds", [-300, -299, -1, 0, 1, 299, 300])
def test_within_the_window(seconds: int) -> None:
    now = _NOW_B + timedelta(seconds=seconds)
    assert verified(_HEADERS_B, _BODY_B, [_SECRET_B], now) == _HEADERS_B["webhook-id"]


@pytest.mark.parametrize("seconds", [-86400, -301, 301, 86400])
def test_outside_the_window(seconds: int) -> None:
    with pytest.raises(CallbackRefused, match="timestamp"):
        verified(_HEADERS_B, _BODY_B, [_SECRET_B], _NOW_B + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "signature",
    [
        f"{_OTHER} {_GOOD}",
        f"{_GOOD} {_OTHER}",
        f"v2,abc v1a,def {_GOOD}",
        f"nonsense {_GOOD}",
        f"v1,*** {_GOOD}",
        f"  {_GOOD}  ",
    ],
)
def test_one_good_signature_among_others(signature: str) -> None:
    headers = _HEADERS_B | {"webhook-signature": signature}
    assert verified(headers, _BODY_B, [_SECRET_B], _NOW_B) == _HEADERS_B["webhook-id"]


@pytest.mark.parametrize("secrets", [[_SECRET_A, _SECRET_B], [_SECRET_B, _SECRET_A], ["", "whsec_", _SECRET_B]])
def test_one_good_secret_among_others(secrets: list[str]) -> None:
    assert verified(_HEADERS_B, _BODY_B, secrets, _NOW_B) == _HEADERS_B["webhook-id"]


_BAD_HEADERS: dict[str, Mapping[str, str]] = {
    "none at all": {},
    "no id": {"webhook-id": ""},
    "another id": {"webhook-id": "msg_other"},
    "an id with a line break": {"webhook-id": "msg\n1"},
    "an id that is not ASCII": {"webhook-id": "msg_\u00e9"},
    "an endless id": {"webhook-id": "m" * 257},
    "no timestamp": {"webhook-timestamp": ""},
    "a timestamp in words": {"webhook-timestamp": "now"},
    "a negative timestamp": {"webhook-timestamp": "-1763683200"},
    "a fraction": {"webhook-timestamp": "1763683200.0"},
    "another timestamp": {"webhook-timestamp": "1763683201"},
    "foreign digits": {"webhook-timestamp": "\u0661\u0667\u0666\u0663\u0666\u0668\u0663\u0662\u0660\u0660"},
    "an endless timestamp": {"webhook-timestamp": "9" * 5000},
    "no signature": {"webhook-signature": ""},
    "a scheme alone": {"webhook-signature": "v1,"},
    "no scheme": {"webhook-signature": _GOOD.removeprefix("v1,")},
    "scheme v9 with the right digest": {"webhook-signature": _GOOD.replace("v1,", "v9,")},
    "scheme v1a with the right digest": {"webhook-signature": _GOOD.replace("v1,", "v1a,")},
    "an upper-case scheme": {"webhook-signature": _GOOD.replace("v1,", "V1,")},
    "a hexadecimal digest": {"webhook-signature": "v1," + base64.b64decode(_GOOD[3:]).hex()},
    "a shortened digest": {"webhook-signature": "v1," + base64.b64encode(base64.b64decode(_GOOD[3:])[:16]).decode()},
    "base64 without its padding": {"webhook-signature": _GOOD.rstrip("=")},
    "commas between": {"webhook-signature": f"{_OTHER},{_GOOD}"},
    "not ASCII": {"webhook-signature": "v1,\u00e9\u00e9"},
    "a lone surrogate": {"webhook-signature": "v1,\ud800"},
    "the right one after sixteen": {"webhook-signature": " ".join([_OTHER] * 16 + [_GOOD])},
}


@pytest.mark.parametrize("name", _BAD_HEADERS)
def test_bad_headers(name: str) -> None:
    changes = _BAD_HEADERS[name]
    headers = {**_HEADERS_B, **changes} if changes else {}
    with pytest.raises(CallbackRefused):
        _ADAPTER.callback(headers, _BODY_B, [_SECRET_B], _NOW_B)


@pytest.mark.parametrize(
    "secrets",
    [[], [""], ["whsec_"], ["whsec_***"], ["whsec_\u00e9"], [_SECRET_A], ["whsec_AAECAw_QFBg=="], ["", "", "whsec_"]],
)
def test_bad_secrets(secrets: list[str]) -> None:
    with pytest.raises(CallbackRefused):
        _ADAPTER.callback(_HEADERS_B, _BODY_B, secrets, _NOW_B)


def test_an_empty_secret_signs_nothing() -> None:
    forged = "v1," + base64.b64encode(hmac.new(b"", b"msg_1.1763683200.{}", hashlib.sha256).digest()).decode()
    headers = {"webhook-id": "msg_1", "webhook-timestamp": "1763683200", "webhook-signature": forged}
    for secret in ("", "whsec_"):
        with pytest.raises(CallbackRefused, match="no secret"):
            verified(headers, b"{}", [secret], _NOW_B)


@pytest.mark.parametrize(
    "body", [_BODY_B + b" ", b" " + _BODY_B, _BODY_B[:-1], b"", _BODY_B.replace(b"succeeded", b"failed"), b"\xff\xfe"]
)
def test_a_changed_body(body: bytes) -> None:
    with pytest.raises(CallbackRefused, match="signature"):
        _ADAPTER.callback(_HEADERS_B, body, [_SECRET_B], _NOW_B)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"{}",
        b'{"id": 7}',
        b'{"id": "../x"}',
        b'{"type": "completed", "data": {"id": "a"}}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_signed_but_no_prediction(body: bytes) -> None:
    with pytest.raises(CallbackRefused, match="not a prediction"):
        _ADAPTER.callback(_signed(body), body, [_SECRET_B], _NOW_B)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_STATUS = st.sampled_from(["starting", "processing", "succeeded", "failed", "canceled", "aborted"]) | _JSON
_NAMES = ("output", "error", "metrics", "logs", "started_at", "version", "data_removed")


@given(st.fixed_dictionaries({"status": _STATUS}, optional=dict.fromkeys(_NAMES, _JSON)))
def test_a_signed_prediction_of_any_shape_is_read(members: dict[str, object]) -> None:
    body = json.dumps({**members, "id": "abc"}).encode()
    assert _ADAPTER.callback(_signed(body), body, [_SECRET_B], _NOW_B).vendor_task_id == "abc"


@given(st.dictionaries(st.sampled_from(sorted(_HEADERS_B)), st.text()), st.binary(), st.lists(st.text(), max_size=3))
def test_nothing_but_refusal(headers: dict[str, str], body: bytes, secrets: list[str]) -> None:
    with pytest.raises(CallbackRefused):
        _ADAPTER.callback(headers, body, secrets, _NOW_B)


def test_a_vendor_without_webhooks_refuses() -> None:
    with pytest.raises(CallbackRefused):
        ADAPTERS["runway"].callback(_HEADERS_B, _BODY_B, [_SECRET_B], _NOW_B)


def test_the_secret_is_read() -> None:
    assert _ADAPTER.callback_secrets(Reply(status=200, body=b'{"key": "whsec_AAAA"}')) == ("whsec_AAAA",)


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"key": 7}', b'{"key": ""}', b'{"key": "r8_token"}', b"<html>"])
def test_no_secret_is_read(body: bytes) -> None:
    assert _ADAPTER.callback_secrets(Reply(status=200, body=body)) == ()
