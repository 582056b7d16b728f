"""Whatever a vendor delivers becomes an MP4 that every browser plays, encoded again only where it must be."""

from collections.abc import Callable
from pathlib import Path

import av
import pytest

from core.errors import MediaRejected
from media.errors import MediaFault
from media.normalise import needs_normalising, normalise
from media.pool import MediaPool
from media.probe import probe, verify


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
