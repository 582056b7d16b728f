"""fal's webhooks: the vector of the vendor page, what they say, and everything that must be refused."""

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Billed, FailureReason, PolicyStage
from core.outcome import Callback, CallbackRefused, Failed, Pending, Ready, Reply
from providers.catalogue import ADAPTERS
from providers.fal_signature import TOLERANCE_SECONDS, is_key_set, verified

_FAL = ADAPTERS["fal"]
_SEED = bytes(range(32))
_KEYS = '{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"test-1","x":"A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"}]}'
_ID = "764cabcf-b745-4b3e-ae38-1200304cf45b"
_USER = "github|12345"
_MOMENT = 1763683200
_NOW = datetime.fromtimestamp(_MOMENT, UTC)
_BODY = (
    b'{"request_id":"764cabcf-b745-4b3e-ae38-1200304cf45b","gateway_request_id":"764cabcf-b745-4b3e-ae38-1200304cf45b",'
    b'"status":"OK","payload":{"video":{"url":"https://v3.fal.media/files/x/out.mp4","content_type":"video/mp4",'
    b'"file_name":"out.mp4","file_size":70000}}}'
)
_SIGNATURE = (
    "ef0aaf7ca6d5019e592eb3bd3d453fbfef422f022a175cce273bdf555265c193"
    "ac8aa53b3b002dccedd50bc80b204d6744f3142e76591c5b59a0fb6c37b56805"
)
_HEADERS = {
    "x-fal-webhook-request-id": _ID,
    "x-fal-webhook-user-id": _USER,
    "x-fal-webhook-timestamp": str(_MOMENT),
    "x-fal-webhook-signature": _SIGNATURE,
}
_URL = "https://v3.fal.media/files/x/out.mp4"


def _sign(body: bytes, seed: bytes = _SEED, **changes: str) -> dict[str, str]:
    facts = {"request_id": _ID, "user_id": _USER, "timestamp": str(_MOMENT)} | changes
    text = "\n".join((*(facts[name] for name in ("request_id", "user_id", "timestamp")), _digest(body)))
    headers = {f"x-fal-webhook-{name.replace('_', '-')}": value for name, value in facts.items()}
    return headers | {
        "x-fal-webhook-signature": Ed25519PrivateKey.from_private_bytes(seed).sign(text.encode()).hex(),
    }


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _told(document: Mapping[str, Any]) -> Callback:
    body = json.dumps(document).encode()
    return _FAL.callback(_sign(body), body, [_KEYS], _NOW)


def _jwk(seed: bytes, **changes: str) -> dict[str, str]:
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    point = base64.urlsafe_b64encode(public).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": point} | changes


def test_the_vector_is_the_one_of_the_page() -> None:
    assert _digest(_BODY) == "24fc710bea560b3d6f0f517837084e4b022dd613487508572e89b183f3670a2f"
    assert _sign(_BODY)["x-fal-webhook-signature"] == _SIGNATURE


def test_vector_c() -> None:
    callback = _FAL.callback(_HEADERS, _BODY, [_KEYS], _NOW)
    assert callback == Callback(vendor_task_id=_ID, outcome=Ready(outputs=(_URL,)), delivery_id=f"{_ID}:OK")
    assert callback.signed


def test_it_wants_callbacks_and_reads_a_key_set() -> None:
    assert _FAL.takes_callbacks
    assert _FAL.callback_secrets(Reply(status=200, body=_KEYS.encode())) == (_KEYS,)
    assert _FAL.callback_secrets(Reply(status=503, body=_KEYS.encode())) == ()


def test_any_key_of_any_set_may_sign() -> None:
    before = json.dumps({"keys": [_jwk(bytes(32))]})
    rotated = json.dumps({"keys": [_jwk(bytes(32)), {"kty": "RSA", "n": "x", "e": "AQAB"}, *json.loads(_KEYS)["keys"]]})
    for keys in ([rotated], [before, _KEYS], [_KEYS, before]):
        assert verified(_HEADERS, _BODY, keys, _NOW) == _ID


@pytest.mark.parametrize("seconds", [-TOLERANCE_SECONDS, -1, 0, 1, TOLERANCE_SECONDS])
def test_within_the_window(seconds: int) -> None:
    assert verified(_HEADERS, _BODY, [_KEYS], _NOW + timedelta(seconds=seconds)) == _ID


def test_an_upper_case_signature_is_the_same() -> None:
    assert verified({**_HEADERS, "x-fal-webhook-signature": _SIGNATURE.upper()}, _BODY, [_KEYS], _NOW) == _ID


_REFUSED: dict[str, tuple[dict[str, str], bytes, list[str], datetime]] = {
    "a changed body": (_HEADERS, _BODY.replace(b"out.mp4", b"evl.mp4"), [_KEYS], _NOW),
    "a body with a space more": (_HEADERS, _BODY + b" ", [_KEYS], _NOW),
    "an empty body": (_HEADERS, b"", [_KEYS], _NOW),
    "another request": ({**_HEADERS, "x-fal-webhook-request-id": "other"}, _BODY, [_KEYS], _NOW),
    "another user": ({**_HEADERS, "x-fal-webhook-user-id": "github|1"}, _BODY, [_KEYS], _NOW),
    "another moment": ({**_HEADERS, "x-fal-webhook-timestamp": str(_MOMENT + 1)}, _BODY, [_KEYS], _NOW),
    "stale": (_HEADERS, _BODY, [_KEYS], _NOW + timedelta(seconds=TOLERANCE_SECONDS + 1)),
    "from the future": (_HEADERS, _BODY, [_KEYS], _NOW - timedelta(seconds=TOLERANCE_SECONDS + 1)),
    "a foreign key": (_sign(_BODY, bytes(32)), _BODY, [_KEYS], _NOW),
    "no key": (_HEADERS, _BODY, [], _NOW),
    "no key set": (_HEADERS, _BODY, ["", "{}", '{"keys": 1}', "not json", "[]"], _NOW),
    "a key set that is too long": (_HEADERS, _BODY, [_KEYS + " " * 70_000], _NOW),
    "the wrong algorithm": (_HEADERS, _BODY, [json.dumps({"keys": [_jwk(_SEED, alg="RS256")]})], _NOW),
    "the wrong curve": (_HEADERS, _BODY, [json.dumps({"keys": [_jwk(_SEED, crv="X25519")]})], _NOW),
    "the wrong kind": (_HEADERS, _BODY, [json.dumps({"keys": [_jwk(_SEED, kty="EC")]})], _NOW),
    "a key for another use": (_HEADERS, _BODY, [json.dumps({"keys": [_jwk(_SEED, use="enc")]})], _NOW),
    "a key that is too short": (_HEADERS, _BODY, [json.dumps({"keys": [_jwk(_SEED, x="A6EH")]})], _NOW),
    "a short signature": ({**_HEADERS, "x-fal-webhook-signature": _SIGNATURE[:-2]}, _BODY, [_KEYS], _NOW),
    "no hex": ({**_HEADERS, "x-fal-webhook-signature": "z" * 128}, _BODY, [_KEYS], _NOW),
    "base64 instead of hex": (
        {**_HEADERS, "x-fal-webhook-signature": base64.b64encode(bytes.fromhex(_SIGNATURE)).decode()},
        _BODY,
        [_KEYS],
        _NOW,
    ),
    "no number for a time": ({**_HEADERS, "x-fal-webhook-timestamp": "now"}, _BODY, [_KEYS], _NOW),
    "a line break in a header": ({**_HEADERS, "x-fal-webhook-user-id": "a\nb"}, _BODY, [_KEYS], _NOW),
    "no headers": ({}, _BODY, [_KEYS], _NOW),
}


@pytest.mark.parametrize("name", list(_REFUSED))
def test_refused(name: str) -> None:
    headers, body, keys, now = _REFUSED[name]
    with pytest.raises(CallbackRefused) as refused:
        _FAL.callback(headers, body, keys, now)
    assert _SIGNATURE not in str(refused.value)


@pytest.mark.parametrize("missing", list(_HEADERS))
def test_refused_without(missing: str) -> None:
    with pytest.raises(CallbackRefused, match=missing):
        _FAL.callback({name: value for name, value in _HEADERS.items() if name != missing}, _BODY, [_KEYS], _NOW)


@pytest.mark.parametrize(
    "body", [b"not json", b"[]", b"null", b'"OK"', b"{}", b'{"request_id": 7}', b'{"request_id": "a/../b"}', b"\xff"]
)
def test_refused_though_signed(body: bytes) -> None:
    with pytest.raises(CallbackRefused, match="not about a request"):
        _FAL.callback(_sign(body), body, [_KEYS], _NOW)


def test_a_repeated_delivery_has_the_same_id() -> None:
    """fal repeats one message up to ten times over two hours, each with a signature of its own."""
    later = _sign(_BODY, timestamp=str(_MOMENT + 200))
    first = _FAL.callback(_HEADERS, _BODY, [_KEYS], _NOW)
    again = _FAL.callback(later, _BODY, [_KEYS], _NOW)
    assert first.delivery_id == again.delivery_id


def test_the_request_is_named_by_the_body_not_by_the_gateway() -> None:
    told = _told({"request_id": _ID, "gateway_request_id": "another", "status": "OK", "payload": {}})
    assert told.vendor_task_id == _ID


def test_an_error_of_the_model() -> None:
    detail = [{"loc": ["body", "prompt"], "msg": "flagged", "type": "content_policy_violation"}]
    told = _told(
        {"request_id": _ID, "status": "ERROR", "error": "Invalid status code: 422", "payload": {"detail": detail}}
    )
    assert isinstance(told.outcome, Failed)
    assert told.outcome.failure.reason is FailureReason.CONTENT_POLICY
    assert told.outcome.failure.stage is PolicyStage.PROMPT
    assert told.delivery_id == f"{_ID}:ERROR"


def test_an_error_of_the_machinery() -> None:
    payload = {"detail": "Request timed out", "error_type": "request_timeout"}
    told = _told({"request_id": _ID, "status": "ERROR", "error": "Invalid status code: 504", "payload": payload})
    assert isinstance(told.outcome, Failed)
    assert (told.outcome.failure.reason, told.outcome.failure.billed) == (FailureReason.VENDOR_FAILED, Billed.NO)


def test_an_error_without_words_is_looked_up() -> None:
    """The result tells what a bare 500 was: nothing is decided by a webhook that does not say."""
    for said in ({"error": "Invalid status code: 500"}, {"error": "Oops", "payload": None}, {}):
        told = _told({"request_id": _ID, "status": "ERROR", **said})
        assert told.outcome == Pending(unknown="ERROR")


def test_an_output_that_could_not_be_sent_is_looked_up() -> None:
    said = {"payload": None, "payload_error": "Response payload is not JSON serializable."}
    assert _told({"request_id": _ID, "status": "OK", **said}).outcome == Pending()


def test_an_output_without_a_video() -> None:
    told = _told({"request_id": _ID, "status": "OK", "payload": {"images": []}})
    assert isinstance(told.outcome, Failed)
    assert told.outcome.failure.reason is FailureReason.BAD_OUTPUT


def test_a_word_nobody_knows() -> None:
    assert _told({"request_id": _ID, "status": "MAYBE"}).outcome == Pending(unknown="no status")


@given(
    headers=st.dictionaries(st.sampled_from(list(_HEADERS)), st.text() | st.sampled_from(list(_HEADERS.values()))),
    body=st.binary(max_size=200),
    keys=st.lists(st.text(max_size=100) | st.just(_KEYS), max_size=3),
)
def test_whatever_comes_is_refused(headers: dict[str, str], body: bytes, keys: list[str]) -> None:
    with pytest.raises(CallbackRefused):
        _FAL.callback(headers, body, keys, _NOW)


@given(place=st.integers(0, 127), digit=st.sampled_from("0123456789abcdef"))
def test_one_changed_digit_is_refused(place: int, digit: str) -> None:
    changed = _SIGNATURE[:place] + digit + _SIGNATURE[place + 1 :]
    if changed != _SIGNATURE:
        with pytest.raises(CallbackRefused):
            verified({**_HEADERS, "x-fal-webhook-signature": changed}, _BODY, [_KEYS], _NOW)


@given(text=st.text(max_size=200))
def test_any_text_may_be_no_key_set(text: str) -> None:
    assert is_key_set(_KEYS)
    assert not is_key_set(text)
