"""A thumbnail shows something, in 320x180."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageStat

from core.errors import MediaRejected
from media import placeholder
from media.pool import MediaPool
from media.thumbnail import thumbnail, write_thumbnail


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=("JPEG",))
    image.load()
    return image


def brightness(image: Image.Image) -> float:
    return ImageStat.Stat(image.convert("L")).mean[0]


@pytest.mark.parametrize("size", [(160, 90), (90, 160), (128, 128), (1920, 816), (100, 400)])
def test_always_320_by_180(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "clip.mp4"
    placeholder.render(path, seconds=0.5, width=size[0], height=size[1], fps=8, audio=False)
    image = opened(thumbnail(path))
    assert image.size == (320, 180)
    assert brightness(image) > 5


def test_a_portrait_clip_has_bars_at_its_sides(paint: Callable[..., Path]) -> None:
    image = opened(thumbnail(paint("a.mp4", "libx264", 3, lambda _: 200, size=(90, 160)))).convert("L")
    assert image.getpixel((5, 90)) == 0
    assert image.getpixel((314, 90)) == 0
    assert brightness(image.crop((150, 80, 170, 100))) > 180


def test_a_fade_in_from_black_is_waited_out(paint: Callable[..., Path]) -> None:
    fade = paint("fade.mp4", "libx264", 48, lambda number: min(200, 8 * number))
    assert 45 < brightness(opened(thumbnail(fade))) < 100
    late = paint("late.mp4", "libx264", 72, lambda number: 0 if number < 60 else 180)
    assert brightness(opened(thumbnail(late))) > 150


def test_a_dark_clip_shows_its_brightest_frame(paint: Callable[..., Path]) -> None:
    dark = paint("dark.mp4", "libx264", 30, lambda number: 40 if number == 20 else 10)
    assert 25 < brightness(opened(thumbnail(dark))) < 45
    assert opened(thumbnail(paint("black.mp4", "libx264", 30, lambda _: 0))).size == (320, 180)


@pytest.mark.parametrize(("name", "codec", "pixels"), [("a.webm", "libvpx-vp9", "yuv420p"), ("a.gif", "gif", "rgb8")])
def test_other_kinds(paint: Callable[..., Path], name: str, codec: str, pixels: str) -> None:
    assert brightness(opened(thumbnail(paint(name, codec, 5, lambda _: 150, pixels=pixels)))) > 120


def test_what_is_not_a_video(tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(b"<html>")
    with pytest.raises(MediaRejected):
        thumbnail(path)


async def test_in_the_pool_into_a_file(tmp_path: Path, clip: Path) -> None:
    target = tmp_path / "thumbnail.jpg"
    async with MediaPool(workers=1) as pool:
        size = await pool.run(write_thumbnail, clip, target, timeout=20)
        data = await pool.run(thumbnail, clip, timeout=20)
    assert target.read_bytes() == data
    assert len(data) == size
