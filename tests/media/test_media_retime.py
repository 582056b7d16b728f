"""Clips whose clock is wrong: every frame stays, at the rate it was made for."""

from fractions import Fraction
from pathlib import Path

import pytest

from core.errors import MediaRejected
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


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "a.mp4"
    source.write_bytes(b"<html>")
    with pytest.raises(MediaRejected):
        retime(source, tmp_path / "b.mp4", 8.0)
    assert not (tmp_path / "b.mp4").exists()
