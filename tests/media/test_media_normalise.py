"""Whatever a vendor delivers becomes an MP4 that every browser plays, encoded again only where it must be."""

import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image

from core.errors import MediaRejected
from media import placeholder
from media.errors import MediaFault
from media.normalise import needs_normalising, normalise
from media.pool import MediaPool
from media.probe import MAX_GIF_FRAMES, MAX_GIF_PIXELS, probe, verify


def ramp(number: int) -> int:
    return 20 + 4 * number


def payloads(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


@pytest.mark.parametrize(
    ("name", "codec", "pixels", "audio"),
    [
        ("a.webm", "libvpx-vp9", "yuv420p", "libopus"),
        ("a.webm", "libvpx", "yuv420p", ""),
        ("a.gif", "gif", "rgb8", ""),
        ("a.mov", "prores_ks", "yuv422p10le", "pcm_s16le"),
        ("a.mp4", "mpeg4", "yuv420p", ""),
        ("a.mp4", "libx264", "yuv444p", "aac"),
        ("a.mkv", "libx264", "yuv420p", "libmp3lame"),
    ],
)
def test_other_codecs_are_encoded_again(
    tmp_path: Path, paint: Callable[..., Path], name: str, codec: str, pixels: str, audio: str
) -> None:
    source, target = paint(name, codec, 48, ramp, pixels=pixels, audio=audio), tmp_path / "normalised.mp4"
    assert needs_normalising(probe(source))
    told = normalise(source, target)
    facts = verify(target)
    assert told == probe(target)
    assert not needs_normalising(facts)
    assert (facts.width, facts.height, facts.frame_count) == (160, 90, 48)
    assert facts.duration == pytest.approx(2.0, abs=1 / 24)
    assert facts.has_audio == bool(audio)
    assert not facts.is_frozen


@pytest.mark.parametrize(("name", "audio"), [("a.mp4", ""), ("a.mp4", "aac"), ("a.mov", "aac"), ("a.mov", "")])
def test_h264_is_copied(tmp_path: Path, paint: Callable[..., Path], name: str, audio: str) -> None:
    source, target = paint(name, "libx264", 48, ramp, audio=audio), tmp_path / "normalised.mp4"
    assert needs_normalising(probe(source))
    normalise(source, target)
    assert payloads(source) == payloads(target)
    facts = verify(target)
    assert not needs_normalising(facts)
    assert facts.frame_count == 48


def test_only_the_sound_is_encoded_when_only_the_sound_is_wrong(tmp_path: Path, paint: Callable[..., Path]) -> None:
    source, target = paint("a.mp4", "libx264", 48, ramp, audio="libmp3lame"), tmp_path / "normalised.mp4"
    normalise(source, target)
    assert payloads(source) == payloads(target)
    assert verify(target).audio_codec == "aac"


def test_fragments_become_one_file(tmp_path: Path, paint: Callable[..., Path]) -> None:
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    source, target = paint("a.mp4", "libx264", 48, ramp, options=options), tmp_path / "normalised.mp4"
    normalise(source, target)
    assert verify(target).frame_count == 48


def test_odd_sides_and_slow_rates(tmp_path: Path, paint: Callable[..., Path]) -> None:
    source, target = paint("a.webm", "libvpx-vp9", 16, ramp, size=(161, 91), rate=8), tmp_path / "normalised.mp4"
    normalise(source, target)
    facts = verify(target)
    assert (facts.width, facts.height, facts.frame_count) == (160, 90, 16)
    assert facts.fps == pytest.approx(8, rel=0.01)


def gif(path: Path, delays: list[int], *, size: tuple[int, int] = (81, 61), clear: bool = False) -> Path:
    """One picture for each delay (milliseconds), each brighter than the one before."""
    first, *others = (
        Image.new(
            "RGBA" if clear else "RGB",
            size,
            ((20 + 30 * number) % 256, 80, 80, 0 if clear else 255)[: 4 if clear else 3],
        )
        for number in range(len(delays))
    )
    more = {"append_images": others, "duration": delays, "disposal": 2} if others else {}
    first.save(path, "GIF", save_all=bool(others), **more)
    return path


def starts(path: Path) -> list[float]:
    """When each frame is shown, in seconds."""
    with av.open(str(path)) as container:
        return [float((frame.pts or 0) * (frame.time_base or 0)) for frame in container.decode(video=0)]


def test_the_frames_of_a_gif_keep_their_delays(tmp_path: Path) -> None:
    source, target = gif(tmp_path / "a.gif", [100, 500, 20, 300, 700]), tmp_path / "a.mp4"
    assert needs_normalising(verify(source))
    normalise(source, target)
    facts = verify(target)
    assert starts(target) == pytest.approx([0, 0.1, 0.6, 0.62, 0.92], abs=0.001)
    assert facts.duration == pytest.approx(1.62, abs=0.001)
    assert facts.fps == pytest.approx(5 / 1.62, rel=0.01)
    assert (facts.width, facts.height, facts.video_codec, facts.audio_codec) == (80, 60, "h264", "")
    assert (facts.pixel_format, facts.faststart, facts.frame_count) == ("yuv420p", True, 5)
    assert not needs_normalising(facts)


def test_delays_of_nothing_are_what_players_make_of_them(tmp_path: Path) -> None:
    source, target = gif(tmp_path / "a.gif", [0, 0, 0, 0]), tmp_path / "a.mp4"
    normalise(source, target)
    assert starts(target) == pytest.approx([0, 0.1, 0.2, 0.3], abs=0.001)


def test_a_mock_gif_becomes_an_mp4_of_the_same_length(tmp_path: Path) -> None:
    source, target = tmp_path / "a.gif", tmp_path / "a.mp4"
    placeholder.render(source, seconds=2, width=96, height=64, fps=8, audio=False, format="gif")
    normalise(source, target)
    facts = verify(target)
    assert (facts.frame_count, facts.duration) == (16, 2.0)
    assert facts.fps == pytest.approx(8, rel=0.001)
    assert not facts.is_frozen


def test_a_transparent_gif_has_a_picture(tmp_path: Path) -> None:
    source, target = gif(tmp_path / "a.gif", [100, 100, 100], clear=True), tmp_path / "a.mp4"
    normalise(source, target)
    assert verify(target).frame_count == 3


def test_a_still_gif_is_no_video(tmp_path: Path) -> None:
    source, target = gif(tmp_path / "a.gif", [100]), tmp_path / "a.mp4"
    for call in (probe, verify):
        with pytest.raises(MediaRejected, match="still image"):
            call(source)
    with pytest.raises(MediaRejected, match="still image"):
        normalise(source, target)
    assert not target.exists()


def test_a_gif_is_bounded(tmp_path: Path) -> None:
    data = gif(tmp_path / "a.gif", [20] * 130, size=(16, 16)).read_bytes()
    wide = tmp_path / "wide.gif"
    wide.write_bytes(data[:6] + struct.pack("<HH", 8192, 8192) + data[10:])
    with pytest.raises(MediaRejected, match=rf"more than {MAX_GIF_PIXELS // 8192**2} frames"):
        probe(wide)
    start = data.index(b"\x21\xf9")  # the first frame
    many = tmp_path / "many.gif"
    many.write_bytes(data[:start] + data[start:-1] * (MAX_GIF_FRAMES // 130 + 1) + b";")
    with pytest.raises(MediaRejected, match=f"more than {MAX_GIF_FRAMES} frames"):
        probe(many)


def test_a_webm_of_uneven_frames_keeps_its_length(tmp_path: Path) -> None:
    source, target = tmp_path / "a.webm", tmp_path / "a.mp4"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("libvpx-vp9", rate=1000)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for number in range(20):
            frame = av.VideoFrame(64, 64, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([40 + 8 * number]) * plane.buffer_size)
            frame.pts, frame.time_base = 50 * number + 13 * (number % 3), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    facts = normalise(source, target)
    assert facts.duration == pytest.approx(1.0, abs=0.1)
    assert facts.frame_count == pytest.approx(20, abs=1)
    assert not needs_normalising(verify(target))


def test_a_clip_as_it_should_be_needs_nothing(clip: Path) -> None:
    assert not needs_normalising(probe(clip))


def test_a_file_can_take_its_own_place(paint: Callable[..., Path]) -> None:
    path = paint("a.webm", "libvpx", 24, ramp)
    normalise(path, path)
    assert not needs_normalising(verify(path))


def test_bad_sources_leave_nothing_behind(tmp_path: Path, paint: Callable[..., Path]) -> None:
    source, target = tmp_path / "bad", tmp_path / "normalised.mp4"
    good = paint("a.webm", "libvpx", 24, ramp).read_bytes()
    for content in (b"", b"<html>", good[: len(good) // 2]):
        source.write_bytes(content)
        with pytest.raises(MediaRejected):
            normalise(source, target)
    assert not target.exists()
    assert not list(tmp_path.glob("*.part"))
    assert not list(tmp_path.glob(".*"))


def test_a_missing_directory_is_a_fault_of_ours(tmp_path: Path, clip: Path) -> None:
    with pytest.raises(MediaFault):
        normalise(clip, tmp_path / "no" / "normalised.mp4")


async def test_in_the_pool(tmp_path: Path, paint: Callable[..., Path]) -> None:
    source, target = paint("a.webm", "libvpx", 24, ramp), tmp_path / "normalised.mp4"
    async with MediaPool(workers=1) as pool:
        facts = await pool.run(normalise, source, target, timeout=20)
    assert facts.container == "mp4"
