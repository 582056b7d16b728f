"""Mock clips are as long, as large and as fast as asked, to the frame, and say that they are mocks."""

import time
from array import array
from itertools import pairwise
from pathlib import Path

import av
import pytest
from PIL import Image

from media import placeholder
from media.errors import MediaFault
from media.normalise import needs_normalising
from media.pattern import ROUND
from media.pool import MediaPool
from media.probe import LOOKS, probe, verify

RATIOS = {"16:9": (160, 90), "9:16": (90, 160), "1:1": (96, 96), "4:3": (128, 96), "21:9": (168, 72)}
GRID = [(fps, seconds) for fps in (6, 8, 24, 25, 30) for seconds in (1, 2.04, 5, 6, 10)]


@pytest.mark.parametrize(("fps", "seconds"), GRID)
def test_length_is_exact_to_the_frame(tmp_path: Path, fps: int, seconds: float) -> None:
    place = GRID.index((fps, seconds))
    # every rate and every length meets every ratio
    ratio, audio = list(RATIOS)[(place + place // 5) % len(RATIOS)], place % 2 == 0
    width, height = RATIOS[ratio]
    path = tmp_path / "mock.mp4"
    placeholder.render(path, seconds=seconds, width=width, height=height, fps=fps, audio=audio, lines=[ratio])
    facts = verify(path)
    assert facts.frame_count == round(seconds * fps)
    assert facts.duration == pytest.approx(facts.frame_count / fps, abs=0.001)
    assert abs(facts.duration - seconds) <= 1 / fps
    assert (facts.width, facts.height, facts.fps) == (width, height, fps)
    assert (facts.has_audio, facts.audio_codec) == (audio, "aac" if audio else "")
    assert not needs_normalising(facts)
    assert not facts.is_black
    assert not facts.is_frozen


@pytest.mark.parametrize("audio", [False, True])
def test_pictures_and_sound_end_together(tmp_path: Path, audio: bool) -> None:
    path = tmp_path / "mock.mp4"
    placeholder.render(path, seconds=5, width=160, height=90, fps=24, audio=audio)
    with av.open(str(path)) as container:
        assert container.duration is not None
        assert container.duration / av.time_base == pytest.approx(5.0, abs=1 / 24)


@pytest.mark.parametrize(
    ("fps", "seconds", "frames"), [(23.976, 5, 120), (29.97, 2, 60), (12.5, 2, 25), (60, 0.5, 30), (24, 0.01, 1)]
)
def test_odd_rates_and_short_clips(tmp_path: Path, fps: float, seconds: float, frames: int) -> None:
    path = tmp_path / "mock.mp4"
    placeholder.render(path, seconds=seconds, width=160, height=90, fps=fps, audio=True)
    facts = verify(path)
    assert facts.frame_count == frames
    assert facts.fps == pytest.approx(fps, rel=0.001)


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [(161, 91, (160, 90)), (17, 17, (16, 16)), (16, 400, (16, 400)), (400, 16, (400, 16))],
)
def test_odd_sizes_become_even(tmp_path: Path, width: int, height: int, expected: tuple[int, int]) -> None:
    path = tmp_path / "mock.mp4"
    placeholder.render(path, seconds=1, width=width, height=height, fps=8, audio=False, lines=["a prompt"])
    facts = verify(path)
    assert (facts.width, facts.height) == expected


def test_the_round_is_seamless(tmp_path: Path) -> None:
    path = tmp_path / "mock.mp4"
    placeholder.render(path, seconds=2.5, width=160, height=90, fps=12, audio=False)
    frames = lumas(path)
    assert frames[0] == frames[ROUND] == frames[2 * ROUND]
    steps = [sum(abs(a - b) for a, b in zip(one, other, strict=True)) for one, other in pairwise(frames)]
    assert max(steps) < 2 * min(steps)


def lumas(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(frame.planes[0]) for frame in container.decode(video=0)]


@pytest.mark.parametrize("size", [(16, 16), (16, 400), (400, 16), (160, 90), (90, 160), (1280, 720)])
def test_something_moves_in_every_picture(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "mock.mp4"
    placeholder.render(path, seconds=1, width=size[0], height=size[1], fps=15, audio=False)
    assert not verify(path).is_frozen
    for one, other in pairwise(lumas(path)):
        assert max(abs(a - b) for a, b in zip(one, other, strict=True)) > 10


def test_motion_is_seen_by_whoever_looks_once_a_round(tmp_path: Path) -> None:
    path = tmp_path / "mock.mp4"
    placeholder.render(path, seconds=LOOKS * ROUND / 8, width=160, height=90, fps=8, audio=False)
    facts = verify(path)
    assert facts.frame_count // LOOKS == ROUND
    assert not facts.is_frozen


def test_the_sound_is_one_even_tone(tmp_path: Path) -> None:
    path = tmp_path / "mock.mp4"
    placeholder.render(path, seconds=2, width=160, height=90, fps=8, audio=True)
    with av.open(str(path)) as container:
        blocks = [array("f", bytes(frame.planes[0])[: 4 * frame.samples]) for frame in container.decode(audio=0)]
    assert sum(map(len, blocks)) == pytest.approx(2 * 48_000, abs=1024)
    for block in blocks[1:]:
        assert max(abs(one - other) for one, other in zip(block, blocks[20], strict=True)) < 0.01
    assert 0.03 < max(blocks[20]) < 0.05


@pytest.mark.parametrize("audio", [False, True])
def test_a_clip_may_lie_about_its_rate(tmp_path: Path, audio: bool) -> None:
    path, drawn = tmp_path / "mock.mp4", tmp_path / "drawn.mp4"
    measures: dict[str, float] = {"seconds": 1, "width": 160, "height": 90, "fps": 8}
    placeholder.render(path, **measures, audio=audio, played_fps=125)  # type: ignore[arg-type]  # sides are whole
    placeholder.render(drawn, **measures, audio=audio)  # type: ignore[arg-type]  # sides are whole
    facts = verify(path)
    assert (facts.frame_count, facts.fps, facts.has_audio) == (8, 125, audio)
    assert facts.duration == pytest.approx(0.064)
    assert lumas(path) == lumas(drawn)


@pytest.mark.parametrize(("fps", "played_fps"), [(8, None), (7, None), (24, None), (8, 25), (30, 12.5)])
def test_an_animated_gif(tmp_path: Path, fps: float, played_fps: float | None) -> None:
    path = tmp_path / "mock.gif"
    render = {"width": 161, "height": 90, "fps": fps, "audio": True, "lines": ["a prompt"], "played_fps": played_fps}
    placeholder.render(path, seconds=3, format="gif", **render)  # type: ignore[arg-type]  # fit them as they are
    facts = verify(path)
    assert (facts.container, facts.width, facts.height, facts.has_audio) == ("gif", 160, 90, False)
    assert facts.frame_count == 3 * fps
    assert facts.duration == pytest.approx(3 * fps / (played_fps or fps), abs=0.011)
    assert not facts.is_frozen
    with Image.open(path) as image:
        assert image.info["loop"] == 0


def test_a_gif_says_mock_in_the_colours_of_its_seed(tmp_path: Path) -> None:
    grounds = set()
    for seed in (1, 2):
        path = tmp_path / f"{seed}.gif"
        placeholder.render(path, seconds=1, width=320, height=180, fps=8, audio=False, seed=seed, format="gif")
        with Image.open(path) as image:
            for number in range(8):
                image.seek(number)
                picture = image.convert("RGB")
                assert picture.crop((40, 30, 280, 90)).convert("L").getextrema() == pytest.approx((24, 235), abs=3)
        grounds.add(picture.getpixel((5, 90)))
    assert len(grounds) == 2


def test_a_gif_too_fast_for_its_clock_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mock.gif"
    with pytest.raises(ValueError, match="GIF has at most 50"):
        placeholder.render(path, seconds=1, width=160, height=90, fps=60, audio=False, format="gif")
    assert list(tmp_path.iterdir()) == []


def test_the_seed_chooses_the_colours_and_nothing_else_varies(tmp_path: Path) -> None:
    def made(name: str, seed: int) -> bytes:
        path = tmp_path / name
        placeholder.render(path, seconds=1, width=160, height=90, fps=8, audio=True, lines=["x"], seed=seed)
        return path.read_bytes()

    assert made("a", 1) == made("b", 1) != made("c", 2)
    assert made("d", -5) != made("e", 10**18)


def test_mock_and_the_prompt_are_in_the_frame(tmp_path: Path) -> None:
    path = tmp_path / "mock.mp4"
    pictures = []
    for lines in ([], ["a prompt of some words"]):
        placeholder.render(path, seconds=1, width=320, height=180, fps=8, audio=False, lines=lines)
        with av.open(str(path)) as container:
            frame = next(container.decode(video=0)).reformat(format="gray")
        rows = [bytes(frame.planes[0])[row * frame.planes[0].line_size :][:320] for row in range(180)]
        pictures.append(rows)
    title = [row for row in pictures[0][30:90] if max(row[40:280]) > 200]
    assert len(title) > 20
    below = [max(row[40:280]) for row in pictures[0][100:150]]
    with_prompt = [max(row[40:280]) for row in pictures[1][60:150]]
    assert max(below) < 100
    assert sum(value > 150 for value in with_prompt) > sum(max(r[40:280]) > 150 for r in pictures[0][60:150])


@pytest.mark.parametrize(
    "lines",
    [
        [""],
        ["\x00\x01\x1b[31m"],
        ["a" * 100_000],
        ["wörd " * 5000],
        ["日本語のプロンプト", "שלום עולם", "مرحبا", "🎬🎥👨‍👩‍👧"],
        ["\u202eevil\u202c \u200b\u200f\ufeff"],
        ["\ud800 lone"],
        ["a\nb\r\nc\u2028d\n\n\n\n\n" * 50],
        ["e" + "\u0301" * 1000],
        ["\uffff\U0010ffff"],
        ["x"] * 5000,
    ],
)
def test_any_prompt_can_be_drawn(tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "mock.mp4"
    placeholder.render(path, seconds=0.5, width=160, height=90, fps=8, audio=False, lines=lines)
    assert probe(path).frame_count == 4


@pytest.mark.parametrize(
    "change",
    [
        *({"width": 8}, {"height": 10_000}, {"fps": 0}, {"fps": 500}, {"fps": float("inf")}),
        *({"played_fps": 0.5}, {"played_fps": 241}, {"played_fps": float("nan")}),
        *({"seconds": 0}, {"seconds": -1}, {"seconds": 5000}, {"seconds": float("nan")}),
    ],
)
def test_measures_no_vendor_has_are_refused(tmp_path: Path, change: dict[str, float]) -> None:
    asked = {"seconds": 1, "width": 160, "height": 90, "fps": 8, **change}
    with pytest.raises(ValueError, match="a placeholder"):
        placeholder.render(tmp_path / "mock.mp4", audio=False, **asked)  # type: ignore[arg-type]  # on purpose
    assert list(tmp_path.iterdir()) == []


def test_a_missing_directory_is_a_fault_of_ours(tmp_path: Path) -> None:
    with pytest.raises(MediaFault, match="FileNotFoundError"):
        placeholder.render(tmp_path / "no" / "mock.mp4", seconds=1, width=160, height=90, fps=8, audio=False)


def test_the_target_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mock.mp4"
    path.write_bytes(b"before")

    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(placeholder, "_repeated", broken)
    with pytest.raises(MediaFault):
        placeholder.render(path, seconds=1, width=160, height=90, fps=8, audio=False)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


async def test_4k_fits_into_a_worker(tmp_path: Path) -> None:
    path = tmp_path / "mock.mp4"
    async with MediaPool(workers=1) as pool:
        await pool.run(
            placeholder.render, path, seconds=2, width=3840, height=2160, fps=24, audio=True, lines=["4K"], timeout=60
        )
        facts = await pool.run(verify, path, timeout=60)
    assert (facts.width, facts.height, facts.frame_count) == (3840, 2160, 48)


def test_length_costs_nothing_and_720p_is_cheap(tmp_path: Path) -> None:
    path = tmp_path / "mock.mp4"
    costs = []
    for seconds in (5, 5, 60):
        started = time.process_time()
        placeholder.render(path, seconds=seconds, width=1280, height=720, fps=30, audio=True, lines=["a prompt"])
        costs.append(time.process_time() - started)
    assert costs[1] < 0.5  # about 0.05 s on an idle machine
    assert costs[2] < 6 * costs[1]
    assert probe(path).frame_count == 1800


def test_4k_is_cheap(tmp_path: Path) -> None:
    started = time.process_time()
    placeholder.render(tmp_path / "mock.mp4", seconds=8, width=3840, height=2160, fps=24, audio=True, lines=["4K"])
    assert time.process_time() - started < 1.5  # about 0.27 s on an idle machine
