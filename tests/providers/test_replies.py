"""Reading replies that nobody promised: waits, texts and objects of any shape."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.outcome import Accepted, Ambiguous, Failed, Pending, Ready, Refused, Reply
from providers.base import BaseVideoProvider, readable, retry_after
from providers.catalogue import ADAPTERS

_NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
_VENDORS = st.sampled_from(list(ADAPTERS.values()))


@pytest.mark.parametrize(
    ("header", "body", "seconds"),
    [
        ("7", {}, 7.0),
        ("0.5", {}, 0.5),
        ("Sat, 21 Nov 2026 12:01:30 GMT", {}, 90.0),
        ("Sat, 21 Nov 2026 11:00:00 GMT", {}, 0.0),
        ("Sun, 22 Nov 2026 12:00:00 GMT", {}, 3600.0),
        ("", {"retry_after": 11}, 11.0),
        ("", {"retry_after": "11"}, 11.0),
        ("soon", {"retry_after": 11}, 11.0),
        ("nan", {}, None),
        ("inf", {}, None),
        ("", {"retry_after": [1]}, None),
        ("", {"retry_after": 10**400}, None),
        ("", {"detail": "Your rate limit resets in ~7s."}, 7.0),
        ("", {"detail": "Please try again in 2.5 seconds"}, 2.5),
        ("", {"detail": "resets in 999999s"}, 3600.0),
        ("", {"detail": ["resets"]}, None),
        ("", {}, None),
    ],
)
def test_retry_after(header: str, body: dict[str, object], seconds: float | None) -> None:
    reply = Reply(status=429, headers={"retry-after": header}, body=json.dumps(body).encode())
    assert retry_after(reply, _NOW) == seconds


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  two\n lines\t", "two lines"),
        ("see https://b.example/a?sig=secret now", "see (address) now"),
        ("DATA:image/png;base64,AAAA is bad", "(address) is bad"),
        ("bell\x07 and \ud800 and \u202e", "bell and  and "),
        ("x" * 5000, "x" * 300),
        (None, ""),
        (["a"], ""),
    ],
)
def test_readable(text: object, shown: str) -> None:
    assert readable(text) == shown


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_WORDS = ["PENDING", "THROTTLED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"]
_WORDS += ["starting", "processing", "succeeded", "failed", "canceled", "aborted"]
_MEMBERS = ["id", "output", "cost", "failureCode", "progress", "error", "metrics", "logs", "issues", "invalid_fields"]
_DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={"status": st.sampled_from(_WORDS) | _JSON, "title": _JSON, "next": _JSON, "results": _JSON}
    | dict.fromkeys(_MEMBERS, _JSON),
)
_REPLIES = st.builds(
    Reply,
    status=st.sampled_from([200, 201, 202, 204, 302, 400, 402, 404, 409, 410, 422, 429, 500, 503]),
    headers=st.fixed_dictionaries({}, optional={"retry-after": st.text(max_size=30)}),
    body=_DOCUMENTS.map(lambda document: json.dumps(document).encode()) | st.binary(max_size=30),
)


@settings(max_examples=500)
@given(_VENDORS, _REPLIES)
def test_no_reply_breaks_an_adapter(adapter: BaseVideoProvider, reply: Reply) -> None:
    assert isinstance(adapter.submitted(reply), Accepted | Refused | Ambiguous)
    for outcome in (adapter.outcome(reply), adapter.cancelled(reply)):
        assert isinstance(outcome, Pending | Ready | Failed)
        assert not isinstance(outcome, Ready) or outcome.outputs
    adapter.search_next(reply)
    adapter.callback_secrets(reply)


@settings(max_examples=300)
@given(_VENDORS, _REPLIES)
def test_only_a_2xx_with_an_id_is_accepted(adapter: BaseVideoProvider, reply: Reply) -> None:
    submitted = adapter.submitted(reply)
    if isinstance(submitted, Accepted):
        assert 200 <= reply.status < 300
        assert submitted.ticket["id"] == (reply.document or {})["id"]
    if reply.status in (302, 409, 500, 503):
        assert isinstance(submitted, Ambiguous)
