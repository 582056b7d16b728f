"""What may be a key, a content type, metadata; and what leaves a URL or a file name before it is stored or sent."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.metadata import video_metadata, without_secrets
from storage.store import check_key, check_object, check_prefix, content_disposition, encode_value

SHA256 = "0" * 64

GOOD = [
    "a",
    "videos/acme/20261121_101010-hero-001.mp4",
    "videos/acme/_derived/job_01J/thumb.jpg",
    ".hidden/..a/a..",
    "a b/ü/日本",
    "a" * 200,
    "/".join(["a" * 200] * 5),
]
BAD = [
    "",
    "/",
    "/a",
    "a/",
    "a//b",
    ".",
    "..",
    "../a",
    "a/..",
    "a/./b",
    "a/../b",
    "a\\b",
    "..\\a",
    "a%2e%2e/b",
    "%2e%2e/b",
    "a%00",
    "a\0b",
    "a\nb",
    "a\rb",
    "a\tb",
    "\x7f",
    "a\x85b",
    "a\u2028b",
    "a\u202egp4.",
    "a\u200bb",
    "\ud800",
    "a" * 201,
    "é" * 101,
    "/".join(["a" * 200] * 5) + "/" + "a" * 24,
]


@pytest.mark.parametrize("key", GOOD)
def test_a_good_key_is_given_back(key: str) -> None:
    assert check_key(key) == key
    assert check_prefix(f"{key}/") == f"{key}/"


@pytest.mark.parametrize("key", BAD)
def test_a_bad_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        check_key(key)


@pytest.mark.parametrize("prefix", ["/", "//", "a//", "../", "a/../", "%/"])
def test_a_bad_prefix_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="key"):
        check_prefix(prefix)


@given(st.text())
def test_what_passes_stays_inside_its_root(key: str) -> None:
    try:
        check_key(key)
    except ValueError:
        return
    depth = [segment for segment in key.split("/") if segment in {"", ".", ".."}]
    assert depth == []
    assert not set(key) & set("\\%\0\r\n")
    assert key.encode().decode() == key


@pytest.mark.parametrize(
    ("content_type", "metadata", "sha256"),
    [
        ("", {}, SHA256),
        ("video", {}, SHA256),
        ("video/mp4\r\nX-Evil: 1", {}, SHA256),
        ("video/mp4", {"Tenant": "a"}, SHA256),
        ("video/mp4", {"a-b": "a"}, SHA256),
        ("video/mp4", {"a b": "a"}, SHA256),
        ("video/mp4", {"": "a"}, SHA256),
        ("video/mp4", {"sha256": "a"}, SHA256),
        ("video/mp4", {"a": "x" * 2000}, SHA256),
        ("video/mp4", {"a": "é" * 400}, SHA256),
        ("video/mp4", {"a": "\ud800"}, SHA256),
        ("video/mp4", {}, "0" * 63),
        ("video/mp4", {}, "A" * 64),
    ],
)
def test_what_could_not_be_read_back_is_refused(content_type: str, metadata: Mapping[str, str], sha256: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        check_object("a", content_type, metadata, sha256)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_an_encoded_value_is_one_header_word_and_comes_back(value: str) -> None:
    encoded = encode_value(value)
    assert re.fullmatch(r"[!-~]*", encoded)
    assert unquote(encoded) == value


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://cdn.example/a/b.mp4?sig=1&x=2#frag", "https://cdn.example/a/b.mp4"),
        ("https://user:pass@cdn.example:8443/a", "https://cdn.example:8443/a"),
        ("https://u@v@cdn.example/a", "https://cdn.example/a"),
        ("http://127.0.0.1:5/out.mp4", "http://127.0.0.1:5/out.mp4"),
        ("data:video/mp4;base64,AAAA", "data:"),
        ("file:///etc/passwd", "file:"),
        ("https://[broken/a", ""),
        ("no url at all", ""),
        ("", ""),
    ],
)
def test_a_stored_url_has_no_secrets(url: str, kept: str) -> None:
    assert without_secrets(url) == kept


@given(st.text(st.characters()))
def test_any_original_url_can_be_stored(text: str) -> None:
    metadata = video_metadata(
        tenant="a" * 63,
        creative_id="c" * 128,
        iteration=10**9,
        original_url=f"https://cdn.example/{text}",
        upload_time=datetime(2026, 1, 1, tzinfo=UTC),
    )
    check_object("a", "video/mp4", metadata, SHA256)
    assert max(len(encode_value(value)) for value in metadata.values()) <= 255


def test_a_long_url_is_visibly_cut() -> None:
    kept = without_secrets("https://cdn.example/" + "é" * 1000)
    assert kept.endswith("...")
    assert len(encode_value(kept)) <= 255


@pytest.mark.parametrize(
    ("filename", "plain", "full"),
    [
        ("hero 1.mp4", 'filename="hero 1.mp4"', "filename*=UTF-8''hero%201.mp4"),
        ('a"; x="b\r\n.mp4', 'filename="a_; x=_b__.mp4"', "filename*=UTF-8''a%22%3B%20x%3D%22b%0D%0A.mp4"),
        ("../é.mp4", 'filename="..__.mp4"', "filename*=UTF-8''.._%C3%A9.mp4"),
        ("", 'filename="video"', "filename*=UTF-8''video"),
    ],
)
def test_a_download_name_cannot_leave_its_quotes(filename: str, plain: str, full: str) -> None:
    assert content_disposition(filename) == f"attachment; {plain}; {full}"
