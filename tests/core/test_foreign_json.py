"""What vendors write is read at one place, and can be kept by every database."""

import json

import pytest

from core.outcome import Json, Reply, parsed


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": "b"}', {"a": "b"}),
        (b'{"a\\u0000": ["b\\u0000c", {"d": "\\u0000"}]}', {"a\ufffd": ["b\ufffdc", {"d": "\ufffd"}]}),
        (b'"\\ud800 and \\udc00"', "\ufffd and \ufffd"),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"\xed\xa0\x80"', "\ufffd"),
        ('"\u00e9 \u65e5"'.encode(), "\u00e9 \u65e5"),
        (b'["\\u0041", 1, null, true]', ["A", 1, None, True]),
        (b'"a raw \x00"', None),
        (b"", None),
        (b"[" * 100_000, None),
    ],
)
def test_no_text_holds_what_a_database_refuses(body: bytes, value: Json) -> None:
    assert parsed(body) == value
    json.dumps(parsed(body), ensure_ascii=False).encode()


def test_a_reply_is_read_that_way() -> None:
    assert Reply(status=200, body=b'{"id": "\\u0000"}').document == {"id": "\ufffd"}
    assert Reply(status=200, body=b"[]").document is None
