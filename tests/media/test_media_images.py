"""An image is a whole, still PNG, JPEG or WebP of a sane size, or it is refused."""

import io
import random
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from core.errors import MediaRejected
from media.facts import ImageFacts
from media.images import MAX_BYTES, inspect_image, probe_image
from media.pool import MediaPool, WorkerLimits


def encoded(kind: str, size: tuple[int, int] = (64, 48), mode: str = "RGB", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise(size, 60).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, body: bytes, depth: int = 8, colour: int = 0) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "mime_type"),
    [
        (encoded("PNG"), "image/png"),
        (encoded("PNG", mode="RGBA"), "image/png"),
        (encoded("PNG", mode="P"), "image/png"),
        (encoded("PNG", mode="1"), "image/png"),
        (encoded("PNG", mode="I;16"), "image/png"),
        (encoded("JPEG"), "image/jpeg"),
        (encoded("JPEG", mode="CMYK"), "image/jpeg"),
        (encoded("JPEG", mode="L", progressive=True), "image/jpeg"),
        (encoded("WEBP"), "image/webp"),
        (encoded("WEBP", lossless=True), "image/webp"),
    ],
)
def test_what_is_accepted(data: bytes, mime_type: str) -> None:
    assert inspect_image(data) == ImageFacts(mime_type=mime_type, width=64, height=48)


def test_a_single_pixel() -> None:
    assert inspect_image(encoded("PNG", (1, 1))) == ImageFacts(mime_type="image/png", width=1, height=1)


def test_a_photo_with_a_preview_inside_is_one_image() -> None:
    buffer = io.BytesIO()
    pictures = [Image.effect_noise((64, 48), 60).convert("RGB") for _ in range(2)]
    pictures[0].save(buffer, "MPO", save_all=True, append_images=pictures[1:])
    assert inspect_image(buffer.getvalue()) == ImageFacts(mime_type="image/jpeg", width=64, height=48)


def animated(kind: str) -> bytes:
    buffer = io.BytesIO()
    pictures = [Image.effect_noise((32, 32), 60).convert("RGB") for _ in range(3)]
    pictures[0].save(buffer, kind, save_all=True, append_images=pictures[1:])
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "empty"),
        (b"\x89", "not a PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><image href='http://127.0.0.1/'/></svg>", "not a PNG"),
        (b"<!doctype html><html></html>", "not a PNG"),
        (b"%PDF-1.7", "not a PNG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "not a PNG"),
        (encoded("GIF"), "not a PNG"),
        (encoded("TIFF"), "not a PNG"),
        (encoded("BMP"), "not a PNG"),
        (encoded("JPEG2000"), "not a PNG"),
        (animated("PNG"), "animated"),
        (animated("WEBP"), "animated"),
        (animated("GIF"), "not a PNG"),
        (b"\x89PNG\r\n\x1a\n" + encoded("JPEG"), "damaged"),
        (b"\xff\xd8\xff" + encoded("PNG"), "damaged"),
        (b"RIFF\x10\x00\x00\x00WEBP" + bytes(100), "damaged"),
        (encoded("PNG")[:-30], "damaged"),
        (encoded("PNG", (20_000, 3)), "20000x3"),
        (png(9000, 9000, zlib.compress(bytes(9001 * 9000))), "50 megapixels"),
        (png(2**31 - 1, 2**31 - 1, b""), "50 megapixels"),
        (png(0, 10, b""), "damaged"),
        (png(100, 100, zlib.compress(bytes(10))), "damaged"),
        (png(100, 100, b"not deflate"), "damaged"),
    ],
)
def test_what_is_refused(data: bytes, text: str) -> None:
    started = time.monotonic()
    with pytest.raises(MediaRejected, match=text):
        inspect_image(data)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("data", "mime_type", "moves"),
    [
        (encoded("PNG", (32, 32)), "image/png", False),
        (encoded("JPEG", (32, 32)), "image/jpeg", False),
        (encoded("WEBP", (32, 32)), "image/webp", False),
        (encoded("GIF", (32, 32)), "image/gif", False),
        (animated("PNG"), "image/png", True),
        (animated("WEBP"), "image/webp", True),
        (animated("GIF"), "image/gif", True),
    ],
)
def test_a_file_tells_its_type_and_whether_it_moves(tmp_path: Path, data: bytes, mime_type: str, moves: bool) -> None:
    path = tmp_path / "image.txt"
    path.write_bytes(data)
    assert probe_image(path) == ImageFacts(mime_type=mime_type, width=32, height=32, is_animated=moves)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "empty"),
        (b"<svg/>", "not a PNG"),
        (b"GIF8", "damaged"),
        (b"GIF89a" + bytes(100), "damaged"),
        (animated("GIF")[:200], "damaged"),
        (animated("WEBP")[:200], "damaged"),
        (b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + encoded("GIF")[10:], "50 megapixels"),
    ],
)
def test_a_file_that_is_no_image(tmp_path: Path, data: bytes, text: str) -> None:
    path = tmp_path / "image"
    path.write_bytes(data)
    with pytest.raises(MediaRejected, match=text):
        probe_image(path)


def test_a_file_too_large_to_be_an_image_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "image"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(MediaRejected, match="larger than 128 MiB"):
        probe_image(path)


async def test_facts_of_a_file_through_the_pool(tmp_path: Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(animated("GIF"))
    async with MediaPool(workers=1) as pool:
        facts = await pool.run(probe_image, path, timeout=20)
    assert facts.is_animated


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated(kind: str, share: float) -> None:
    data = encoded(kind)
    with pytest.raises(MediaRejected, match="truncated or damaged"):
        inspect_image(data[: int(len(data) * share)])


def test_a_text_bomb_inside_a_png() -> None:
    bomb = chunk(b"zTXt", b"x\x00\x00" + zlib.compress(bytes(80 * 1024**2), 1))
    data = encoded("PNG")
    with pytest.raises(MediaRejected):
        inspect_image(data[:33] + bomb + data[33:])


async def test_the_largest_image_fits_into_a_worker() -> None:
    data = png(10_000, 5_000, zlib.compress(bytes(30_001 * 5_000), 1), colour=2)
    async with MediaPool(workers=1, limits=WorkerLimits(memory=1024**3)) as pool:
        facts = await pool.run(inspect_image, data, timeout=20)
    assert facts == ImageFacts(mime_type="image/png", width=10_000, height=5_000)


def flipped(data: bytes, seed: int) -> bytes:
    chance = random.Random(seed)
    changed = bytearray(data)
    for _ in range(chance.choice((1, 4, 16))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def cut(data: bytes, seed: int) -> bytes:
    return data[: random.Random(seed).randrange(len(data))]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("mutate", [flipped, cut])
def test_mutations_give_facts_or_a_rejection(kind: str, mutate: Callable[[bytes, int], bytes]) -> None:
    data, outcomes = encoded(kind), set()
    for seed in range(100):
        try:
            outcomes.add(inspect_image(mutate(data, seed)).mime_type)
        except MediaRejected:
            outcomes.add("rejected")
    assert "rejected" in outcomes
