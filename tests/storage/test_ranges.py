"""Range, If-Range and what they answer with (RFC 9110, sections 13.1.5 and 14)."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.ranges import answer_range, http_date, still_the_same

MODIFIED = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-99", 0, 100),
        ("bytes=0-0", 0, 1),
        ("bytes=999-999", 999, 1000),
        ("bytes=500-", 500, 1000),
        ("bytes=0-", 0, 1000),
        ("bytes=900-5000", 900, 1000),
        ("bytes=-1", 999, 1000),
        ("bytes=-5000", 0, 1000),
        ("Bytes=1-2", 1, 3),
        ("bytes= 1-2 ", 1, 3),
        ("bytes=0001-0002", 1, 3),
    ],
)
def test_one_range_is_answered_with_a_part(header: str, start: int, end: int) -> None:
    answer = answer_range(header, 1000)
    assert (answer.status, answer.start, answer.end) == (206, start, end)
    assert answer.headers == {
        "accept-ranges": "bytes",
        "content-length": str(end - start),
        "content-range": f"bytes {start}-{end - 1}/1000",
    }


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=1000-2000", "bytes=-0", "bytes=9999999999999999999-"])
def test_a_range_outside_is_not_satisfiable(header: str) -> None:
    answer = answer_range(header, 1000)
    assert (answer.status, answer.length) == (416, 0)
    assert answer.headers["content-range"] == "bytes */1000"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=5-4",
        "bytes=1-2,4-5",
        "bytes=0-0,-1",
        "items=0-5",
        "bytes=0-5;x",
        "bytes=+1-2",
        "bytes=\uff11-\uff12",
        "bytes=0x0-5",
        "bytes=1 - 2",
        "bytes=" + "9" * 5000 + "-",
        "bytes=--5",
        "bytes 0-5",
    ],
)
def test_everything_else_gets_the_whole_object(header: str | None) -> None:
    answer = answer_range(header, 1000)
    assert (answer.status, answer.start, answer.end) == (200, 0, 1000)
    assert "content-range" not in answer.headers


def test_an_empty_object_has_no_satisfiable_first_byte() -> None:
    assert answer_range("bytes=0-", 0).status == 416
    assert answer_range("bytes=-5", 0).status == 200
    assert answer_range(None, 0).headers["content-length"] == "0"


@given(st.text() | st.from_regex(r"bytes=\d{0,20}-\d{0,20}", fullmatch=True), st.integers(0, 2**63))
def test_no_header_leads_outside_the_object(header: str, size: int) -> None:
    answer = answer_range(header, size)
    assert 0 <= answer.start <= answer.end <= size
    assert answer.status in {200, 206, 416}
    assert (answer.length > 0) == (answer.status != 416 and size > 0)


@pytest.mark.parametrize(
    ("if_range", "same"),
    [
        (None, True),
        ('"abc"', True),
        ('"abd"', False),
        ('W/"abc"', False),
        ("Sat, 21 Nov 2026 03:04:05 GMT", True),
        ("Sat, 21 Nov 2026 03:04:06 GMT", False),
        ("Sat, 21 Nov 2026 03:04:05 -0000", False),
        ("rubbish", False),
        ("", False),
    ],
)
def test_a_range_counts_only_for_the_object_it_was_meant_for(if_range: str | None, same: bool) -> None:
    assert still_the_same(if_range, '"abc"', MODIFIED) is same


def test_a_date_comes_back() -> None:
    assert http_date(MODIFIED) == "Sat, 21 Nov 2026 03:04:05 GMT"
    assert still_the_same(http_date(MODIFIED), '"x"', MODIFIED.replace(microsecond=9))
