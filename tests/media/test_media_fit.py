"""Images made to fit a vendor: exact pixels, upright, without transparency, in few enough bytes."""

import io

import pytest
from PIL import Image

from core.errors import MediaRejected
from media.fit import convert, fit, shrink
from media.images import inspect_image


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
    shrunk = shrink(whole, longest_bytes=150_000)
    assert len(shrunk) <= 150_000 < len(whole)
    assert inspect_image(shrunk).mime_type == "image/jpeg"
    with pytest.raises(MediaRejected, match="small enough"):
        shrink(whole, longest_bytes=100)


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"<svg/>"])
def test_what_is_no_image_is_refused(data: bytes) -> None:
    with pytest.raises(MediaRejected):
        fit(data, 64, 64, mime_type="image/png")
