"""Clips whose clock is wrong: every frame stays, at the rate it was made for."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from core.errors import MediaRejected
from media import placeholder
from media.pool import MediaPool
from media.probe import probe, verify
from media.retime import retime


def _clip(path: Path, *, frames: int, fps: int, b_frames: int) -> None:
    import av
    from av import VideoFrame

    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps, options={"bf": str(b_frames), "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for number in range(frames):
            frame = VideoFrame(64, 64, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([min(255, 20 + 25 * number)]) * plane.buffer_size)
            frame.pts, frame.time_base = number, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.mark.parametrize("b_frames", [0, 2])
def test_eight_frames_in_64_milliseconds_last_a_second(tmp_path: Path, b_frames: int) -> None:
    source, target = tmp_path / "a.mp4", tmp_path / "b.mp4"
    _clip(source, frames=8, fps=125, b_frames=b_frames)
    assert probe(source).duration == pytest.approx(0.064, abs=0.01)
    retime(source, target, 8.0)
    facts = verify(target)
    assert facts.duration == pytest.approx(1.0, abs=1 / 8)
    assert (facts.frame_count, round(facts.fps)) == (8, 8)
    assert facts.faststart
    assert not facts.is_frozen


def _pictures(path: Path) -> list[int]:
    """The luma in the middle of each frame."""
    import av

    with av.open(str(path)) as container:
        frames = [frame.reformat(format="gray") for frame in container.decode(video=0)]
    return [bytes(frame.planes[0])[frame.height // 2 * frame.planes[0].line_size + 20] for frame in frames]


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("a.mp4", "libx264", "yuv420p"),
        ("a.mp4", "mpeg4", "yuv420p"),
        ("a.mov", "prores_ks", "yuv422p10le"),
        ("a.webm", "libvpx-vp9", "yuv420p"),
        ("a.gif", "gif", "rgb8"),
    ],
)
@pytest.mark.parametrize("rate", [5, 25])
@pytest.mark.parametrize("fps", [8.0, 23.976])
def test_every_frame_stays_in_its_order(
    tmp_path: Path, paint: Callable[..., Path], name: str, codec: str, pixels: str, fps: float, rate: int
) -> None:
    source = paint(name, codec, 12, lambda number: 20 + 18 * number, pixels=pixels, rate=rate, size=(62, 34))
    target = tmp_path / "b.mp4"
    retime(source, target, fps)
    facts = verify(target)
    assert (facts.container, facts.frame_count) == ("mp4", 12)
    assert facts.fps == pytest.approx(fps, rel=0.001)
    assert facts.duration == pytest.approx(12 / fps, rel=0.001)
    # a GIF has few shades
    assert _pictures(target) == pytest.approx(_pictures(source), abs=8)


def test_frames_that_an_edit_hides_stay_hidden(tmp_path: Path, clip: Path) -> None:
    import av

    cut = tmp_path / "cut.mp4"
    with av.open(str(clip)) as source, av.open(str(cut), "w", format="mp4") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.pts is not None and packet.dts is not None:
                shift = 5 * (packet.duration or 0)
                packet.stream, packet.pts, packet.dts = stream, packet.pts - shift, packet.dts - shift
                target.mux(packet)
    shown = verify(cut).frame_count
    assert shown == 19
    retime(cut, tmp_path / "b.mp4", 10)
    facts = verify(tmp_path / "b.mp4")
    assert facts.frame_count == shown
    assert facts.duration == pytest.approx(1.9)


@pytest.mark.parametrize("fps", [0, 0.5, 1000, float("nan"), float("inf")])
def test_rates_no_video_has_are_refused(tmp_path: Path, clip: Path, fps: float) -> None:
    with pytest.raises(ValueError, match="1 to 240"):
        retime(clip, tmp_path / "b.mp4", fps)


async def test_in_the_pool_in_its_own_place(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    placeholder.render(path, seconds=1, width=64, height=64, fps=8, audio=True, played_fps=125)
    async with MediaPool(workers=1) as pool:
        facts = await pool.run(retime, path, path, 8.0, timeout=20)
    assert (facts.frame_count, facts.fps) == (8, 8)
    assert facts.duration == pytest.approx(1.0)
    assert facts == probe(path)


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "a.mp4"
    source.write_bytes(b"<html>")
    with pytest.raises(MediaRejected):
        retime(source, tmp_path / "b.mp4", 8.0)
    assert not (tmp_path / "b.mp4").exists()
