"""Signed `/media/` URLs: good for one key until one moment, and for nothing else."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import StorageFailed
from storage.disk import DiskStore
from storage.secret import installation_secret
from storage.signing import UrlRefused, UrlSigner
from storage.store import SignedUrl

if TYPE_CHECKING:
    from tests.storage.conftest import Clock

KEY = "videos/acme/20261121_101010-hero-001.mp4"
NOW = datetime(2026, 11, 21, 3, 4, 5, 678901, tzinfo=UTC)
HOUR = timedelta(hours=1)
SIGNER = UrlSigner(bytes(range(32)), "https://films.example/")


def taken_apart(signed: SignedUrl) -> tuple[str, Mapping[str, str]]:
    """The key and the query as a web server would give them."""
    parts = urlsplit(signed.url)
    return unquote(parts.path).removeprefix("/media/"), dict(parse_qsl(parts.query, strict_parsing=True))


async def test_a_url_opens_what_it_was_made_for(disk: DiskStore, clock: "Clock") -> None:
    signed = await disk.presign(KEY, HOUR)
    assert signed.url.startswith(f"http://films.example/media/{KEY}?expires=")
    assert abs(signed.expire_time - clock.now - HOUR) < timedelta(seconds=1)
    key, query = taken_apart(signed)
    assert disk.verify_url(key, query["expires"], query["signature"]) == KEY
    clock.advance(minutes=59)
    assert disk.verify_url(key, query["expires"], query["signature"]) == KEY
    clock.advance(minutes=1, seconds=1)
    with pytest.raises(UrlRefused):
        disk.verify_url(key, query["expires"], query["signature"])


@given(st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from(["a b+c", "ü&?#=;", "x"]))
def test_any_key_and_name_survive_the_url(filename: str, key: str) -> None:
    path, query = taken_apart(SIGNER.sign(key, HOUR, NOW, filename=filename))
    given_name = query.get("filename", "")
    assert SIGNER.verify(path, query["expires"], query["signature"], NOW, filename=given_name) == key
    assert given_name == "".join(filter(str.isprintable, filename))[:150]


def test_the_moment_of_expiry_is_too_late() -> None:
    signed = SIGNER.sign(KEY, HOUR, NOW)
    _, query = taken_apart(signed)
    last = signed.expire_time - timedelta(microseconds=1)
    assert SIGNER.verify(KEY, query["expires"], query["signature"], last) == KEY
    with pytest.raises(UrlRefused):
        SIGNER.verify(KEY, query["expires"], query["signature"], signed.expire_time)


@pytest.mark.parametrize(
    "key",
    [
        "videos/acme2/20261121_101010-hero-001.mp4",
        "videos/other/20261121_101010-hero-001.mp4",
        "videos/acme/20261121_101010-hero-002.mp4",
        f"videos/x/../acme/{KEY.rpartition('/')[2]}",
        f"./{KEY}",
        f"/{KEY}",
        f"{KEY}/",
        KEY.replace("/", "//"),
        KEY.replace("/", "%2F"),
        KEY.replace("/", "\\"),
        KEY.replace("hero", "%68ero"),
        "videos/acme/%2e%2e/acme/x.mp4",
        f"{KEY}\0",
        f"{KEY}\n",
        KEY.upper(),
        "..",
        "",
        "\ud800",
    ],
)
def test_another_key_is_refused(key: str) -> None:
    _, query = taken_apart(SIGNER.sign(KEY, HOUR, NOW))
    with pytest.raises(UrlRefused) as caught:
        SIGNER.verify(key, query["expires"], query["signature"], NOW)
    assert str(caught.value) == str(UrlRefused())
    assert caught.value.__cause__ is None


def test_a_tampered_query_is_refused() -> None:
    _, query = taken_apart(SIGNER.sign(KEY, HOUR, NOW))
    expires, signature = query["expires"], query["signature"]
    later = str(int(expires) + 1)
    signatures = ["", "0" * 64, signature.upper(), signature[:-1], signature + "0", f" {signature}", "é" * 64, "\0"]
    attempts = [(expires, wrong) for wrong in signatures]
    attempts += [(wrong, signature) for wrong in ("", later, "0", "-1", f"0{expires}", f"+{expires}", f"{expires}.0")]
    attempts += [(f"{expires}\n", signature), ("٣" * 10, signature), ("9" * 5000, signature), ("\ud800", signature)]
    for wrong_expires, wrong_signature in attempts:
        with pytest.raises(UrlRefused):
            SIGNER.verify(KEY, wrong_expires, wrong_signature, NOW)
    with pytest.raises(UrlRefused):
        SIGNER.verify(KEY, expires, signature, NOW, filename="evil.exe")
    with pytest.raises(UrlRefused):
        UrlSigner(bytes(32), "").verify(KEY, expires, signature, NOW)


def test_what_is_signed_cannot_be_read_in_two_ways() -> None:
    _, query = taken_apart(SIGNER.sign(KEY, HOUR, NOW, filename="a"))
    with pytest.raises(UrlRefused):
        SIGNER.verify(KEY, f"{query['expires']}\na", query["signature"], NOW)


def test_a_url_lives_seven_days_at_most_and_a_second_at_least() -> None:
    signed = SIGNER.sign(KEY, timedelta(days=30), NOW)
    assert signed.expire_time <= NOW + timedelta(days=7)
    for ttl in (timedelta(0), timedelta(seconds=-5), timedelta(milliseconds=999)):
        with pytest.raises(ValueError, match="second"):
            SIGNER.sign(KEY, ttl, NOW)


def test_a_signed_url_does_not_show_in_a_log() -> None:
    assert "signature" not in repr(SIGNER.sign(KEY, HOUR, NOW))


def test_the_secret_is_made_once_and_is_its_owners(tmp_path: Path) -> None:
    path = tmp_path / "data" / "media.secret"
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(installation_secret(path))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert len(set(found)) == 1
    assert len(found[0]) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["media.secret"]


def test_a_careless_mode_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(bytes(40))
    path.chmod(0o644)
    assert installation_secret(path) == bytes(40)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"", b"short"])
def test_a_short_secret_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    with pytest.raises(StorageFailed, match="32 bytes"):
        installation_secret(path)
    with pytest.raises(ValueError, match="32 bytes"):
        UrlSigner(content, "")


def test_a_secret_that_cannot_be_kept_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageFailed, match="secret file media"):
        installation_secret(tmp_path / "file" / "media")
