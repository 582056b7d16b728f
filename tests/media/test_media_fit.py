"""Images made to fit a vendor: exact pixels, upright, without transparency, in few enough bytes."""

import io
import struct

import pytest
from PIL import Image

from core.errors import MediaRejected
from media.facts import ImageFacts
from media.fit import convert, fit, shrink
from media.images import inspect_image
from media.pool import MediaPool


def _png(picture: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", **options)
    return file.getvalue()


def _halves(width: int, height: int) -> Image.Image:
    """Red on the left, blue on the right."""
    picture = Image.new("RGB", (width, height), (255, 0, 0))
    picture.paste((0, 0, 255), (width // 2, 0, width, height))
    return picture


@pytest.mark.parametrize("kind", ["image/png", "image/jpeg"])
@pytest.mark.parametrize("size", [(1280, 720), (720, 1280), (64, 64)])
def test_a_fitted_image_has_exactly_the_size_and_keeps_its_middle(kind: str, size: tuple[int, int]) -> None:
    fitted = fit(_png(_halves(300, 200)), *size, mime_type=kind)
    facts = inspect_image(fitted)
    assert (facts.mime_type, facts.width, facts.height) == (kind, *size)
    picture = Image.open(io.BytesIO(fitted)).convert("RGB")
    left, right = picture.getpixel((2, size[1] // 2)), picture.getpixel((size[0] - 3, size[1] // 2))
    assert isinstance(left, tuple)
    assert isinstance(right, tuple)
    assert left[0] > 200 > 60 > left[2]
    assert right[2] > 200 > 60 > right[0]


def test_an_image_lying_on_its_side_is_turned_upright() -> None:
    picture = _halves(300, 200)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise
    file = io.BytesIO()
    picture.save(file, "JPEG", exif=exif)
    facts = inspect_image(convert(file.getvalue(), mime_type="image/png"))
    assert (facts.width, facts.height) == (200, 300)


def test_what_is_transparent_becomes_black() -> None:
    picture = Image.open(
        io.BytesIO(convert(_png(Image.new("RGBA", (8, 8), (255, 255, 255, 0))), mime_type="image/png"))
    )
    assert picture.mode == "RGB"
    assert picture.getpixel((4, 4)) == (0, 0, 0)


def test_an_image_is_shrunk_until_it_fits() -> None:
    noise = Image.effect_noise((1200, 900), 90)
    whole = _png(noise)
    for longest in (300_000, 150_000, 20_000, 2_000):
        shrunk = shrink(whole, longest_bytes=longest)
        assert longest / 3 < len(shrunk) <= longest
        facts = inspect_image(shrunk)
        assert facts.mime_type == "image/jpeg"
        assert facts.width / facts.height == pytest.approx(4 / 3, rel=0.1)
    with pytest.raises(MediaRejected, match="small enough"):
        shrink(whole, longest_bytes=100)


@pytest.mark.parametrize(("longest", "size"), [(600, (600, 450)), (1200, (1200, 900)), (None, (1200, 900))])
def test_a_side_may_be_too_long_too(longest: int | None, size: tuple[int, int]) -> None:
    shrunk = shrink(_png(_halves(1200, 900)), longest_bytes=1_000_000, longest_side=longest)
    facts = inspect_image(shrunk)
    assert (facts.width, facts.height) == size


def test_a_grey_image_of_16_bits_keeps_its_shades() -> None:
    picture = Image.frombytes("I;16", (256, 8), b"".join(struct.pack("<H", 257 * value) for value in range(256)) * 8)
    converted = Image.open(io.BytesIO(convert(_png(picture), mime_type="image/png")))
    assert [converted.getpixel((x, 4)) for x in (0, 100, 255)] == [(0, 0, 0), (100, 100, 100), (255, 255, 255)]


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA"])
@pytest.mark.parametrize("kind", ["image/png", "image/jpeg"])
def test_every_kind_of_pixel_becomes_colour(mode: str, kind: str) -> None:
    picture = Image.open(io.BytesIO(fit(_png(_halves(64, 64).convert(mode)), 32, 32, mime_type=kind)))
    assert (picture.mode, picture.size) == ("RGB", (32, 32))


@pytest.mark.parametrize("kind", ["image/png", "image/jpeg"])
def test_what_a_camera_wrote_stays_behind(kind: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "planted place"
    file = io.BytesIO()
    _halves(30, 20).save(file, "JPEG", exif=exif, comment=b"planted comment", icc_profile=b"planted profile")
    for made in (convert(file.getvalue(), mime_type=kind), shrink(file.getvalue(), longest_bytes=10_000)):
        assert b"planted" not in made


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_exif_that_is_nonsense_is_passed_over(kind: str) -> None:
    file = io.BytesIO()
    _halves(300, 200).save(file, kind, exif=b"nonsense" + bytes(20))
    facts = inspect_image(convert(file.getvalue(), mime_type="image/png"))
    assert (facts.width, facts.height) == (300, 200)


def _animated() -> bytes:
    file = io.BytesIO()
    _halves(32, 32).save(file, "WEBP", save_all=True, append_images=[Image.new("RGB", (32, 32))])
    return file.getvalue()


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"<svg/>", _animated(), _png(_halves(64, 64))[:-40]]
)
def test_what_is_no_image_is_refused(data: bytes) -> None:
    with pytest.raises(MediaRejected):
        fit(data, 64, 64, mime_type="image/png")
    with pytest.raises(MediaRejected):
        convert(data, mime_type="image/png")
    with pytest.raises(MediaRejected):
        shrink(data, longest_bytes=1000)


@pytest.mark.parametrize("size", [(0, 10), (10, -1), (20_000, 10), (10_000, 10_000)])
def test_sizes_no_vendor_wants_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="cannot be made"):
        fit(_png(_halves(64, 64)), *size, mime_type="image/png")


def test_types_no_vendor_wants_are_refused() -> None:
    with pytest.raises(ValueError, match="image/jpeg or image/png"):
        convert(_png(_halves(64, 64)), mime_type="image/tiff")


async def test_in_the_pool() -> None:
    async with MediaPool(workers=1) as pool:
        fitted = await pool.run(fit, _png(_halves(64, 64)), 32, 16, mime_type="image/jpeg", timeout=20)
    assert inspect_image(fitted) == ImageFacts(mime_type="image/jpeg", width=32, height=16)
