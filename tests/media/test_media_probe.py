"""The probe counts what is there, and does not believe what is written in front."""

import random
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from core.errors import MediaRejected
from media import placeholder
from media.errors import MediaCrashed
from media.facts import MediaFacts
from media.pool import MediaPool
from media.probe import probe, verify

SDP = (
    "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n"
)
PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1:{port}/a.ts\n#EXT-X-ENDLIST\n"
CONCAT = "ffconcat version 1.0\nfile http://127.0.0.1:{port}/a.mp4\n"
DASH = '<?xml version="1.0"?><MPD><Period><BaseURL>http://127.0.0.1:{port}/</BaseURL></Period></MPD>'
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


@pytest.fixture
async def pool() -> AsyncIterator[MediaPool]:
    async with MediaPool(workers=2) as pool:
        yield pool


def test_facts_of_a_clip(clip: Path) -> None:
    facts = probe(clip)
    assert facts == MediaFacts(
        container="mp4",
        duration=1.0,
        width=160,
        height=90,
        fps=24.0,
        video_codec="h264",
        audio_codec="aac",
        pixel_format="yuv420p",
        frame_count=24,
        size=clip.stat().st_size,
        faststart=True,
    )
    assert facts.has_audio


def test_verify_adds_what_the_picture_shows(clip: Path) -> None:
    facts = verify(clip)
    assert facts.mean_luma is not None
    assert 30 < facts.mean_luma < 200
    assert not facts.is_black
    assert not facts.is_frozen


def test_a_black_clip_and_a_still_clip(paint: Callable[..., Path]) -> None:
    black = verify(paint("black.mp4", "libx264", 24, lambda _: 0))
    still = verify(paint("still.mp4", "libx264", 24, lambda _: 120))
    moving = verify(paint("moving.mp4", "libx264", 24, lambda number: 40 + 6 * number))
    assert (black.is_black, black.is_frozen) == (True, True)
    assert (still.is_black, still.is_frozen) == (False, True)
    assert (moving.is_black, moving.is_frozen) == (False, False)


@pytest.mark.parametrize(
    ("name", "codec", "pixels", "kind", "video"),
    [
        ("a.webm", "libvpx-vp9", "yuv420p", "webm", "vp9"),
        ("a.webm", "libvpx", "yuv420p", "webm", "vp8"),
        ("a.mkv", "libx264", "yuv420p", "matroska", "h264"),
        ("a.mov", "libx264", "yuv420p", "mov", "h264"),
        ("a.mp4", "mpeg4", "yuv420p", "mp4", "mpeg4"),
        ("a.gif", "gif", "rgb8", "gif", "gif"),
    ],
)
def test_other_kinds(paint: Callable[..., Path], name: str, codec: str, pixels: str, kind: str, video: str) -> None:
    path = paint(name, codec, 24, lambda number: 9 * number, pixels=pixels)
    facts = verify(path.rename(path.with_suffix(".bin")))
    assert (facts.container, facts.video_codec, facts.frame_count) == (kind, video, 24)
    assert facts.duration == pytest.approx(1.0, abs=0.02)
    assert facts.fps == pytest.approx(24, rel=0.02)
    assert facts.audio_codec == ""
    assert not facts.faststart


def test_fragmented_mp4(paint: Callable[..., Path]) -> None:
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    facts = verify(paint("a.mp4", "libx264", 48, lambda number: number, options=options))
    assert (facts.frame_count, facts.faststart) == (48, True)
    assert facts.duration == pytest.approx(2.0, abs=0.05)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00",
        b"\x00" * 100_000,
        b"<!doctype html><html><body>502 Bad Gateway</body></html>",
        b'{"detail": "expired"}',
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b"[Script Info]\nScriptType: v4.00+\n",
        b"RIFF\x00\x00\x00\x00AVI LIST",
        b"\x00\x00\x01\xba" + bytes(1000),
        b"G" * 188 * 10,
        b"FLV\x01\x05\x00\x00\x00\x09",
        PNG + bytes(500),
        b"\xff\xd8\xff\xe0" + bytes(500),
        b"\x1a\x45\xdf\xa3",
        b"\x1a\x45\xdf\xa3" + bytes(5000),
        b"GIF89a",
        b"GIF89a" + bytes(500),
        struct.pack(">I4s4s", 12, b"ftyp", b"isom"),
        struct.pack(">I4s", 0, b"mdat") + bytes(5000),
        struct.pack(">I4s", 4, b"moov") + bytes(5000),
        struct.pack(">I4sQ", 1, b"mdat", 2**63) + bytes(5000),
        struct.pack(">I4s", 8, b"free") * 30_000,
        struct.pack(">I4s", 8, b"moov") * 2,
        struct.pack(">I4s4s", 16, b"ftyp", b"avif") + bytes(500),
    ],
)
def test_what_is_not_a_video(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    started = time.monotonic()
    with pytest.raises(MediaRejected):
        verify(path)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("name", ["a.mp4", "a.m3u8", "a.sdp", "a.ffconcat", "a.mpd", "http:.mp4"])
@pytest.mark.parametrize("text", [SDP, PLAYLIST, CONCAT, DASH])
@pytest.mark.parametrize("prefix", [b"", struct.pack(">I4s", 8, b"free")])
def test_text_that_names_an_address_reaches_no_one(tmp_path: Path, name: str, text: str, prefix: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.setblocking(False)
        path = tmp_path / name
        path.write_bytes(prefix + text.format(port=canary.getsockname()[1]).encode())
        started = time.monotonic()
        with pytest.raises(MediaRejected):
            verify(path)
        assert time.monotonic() - started < 5
        with pytest.raises(BlockingIOError):
            canary.accept()


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_a_download_that_broke_off(tmp_path: Path, clip: Path, share: float) -> None:
    data = clip.read_bytes()
    path = tmp_path / "half.mp4"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(MediaRejected):
        probe(path)


@pytest.mark.parametrize(("name", "codec", "pixels"), [("a.webm", "libvpx", "yuv420p"), ("a.gif", "gif", "rgb8")])
@pytest.mark.parametrize("audio", ["", "libopus"])
def test_other_kinds_that_broke_off(
    tmp_path: Path, paint: Callable[..., Path], name: str, codec: str, pixels: str, audio: str
) -> None:
    audio = "" if codec == "gif" else audio
    data = paint(name, codec, 36, lambda number: 3 * number, pixels=pixels, audio=audio).read_bytes()
    half = tmp_path / "half"
    half.write_bytes(data[: len(data) // 2])
    with pytest.raises(MediaRejected):
        verify(half)


def test_no_index_or_no_data(tmp_path: Path, clip_boxes: dict[bytes, bytes]) -> None:
    for missing in (b"moov", b"mdat"):
        path = tmp_path / "part.mp4"
        path.write_bytes(b"".join(body for name, body in clip_boxes.items() if name != missing))
        with pytest.raises(MediaRejected):
            verify(path)


def test_data_overwritten_by_zeros_is_found_by_decoding(tmp_path: Path, clip: Path) -> None:
    data = bytearray(clip.read_bytes())
    start = data.index(b"mdat") + 3000
    data[start : start + 2000] = bytes(2000)
    path = tmp_path / "hole.mp4"
    path.write_bytes(data)
    assert probe(path).frame_count == 24
    with pytest.raises(MediaRejected, match="damaged"):
        verify(path)


def test_audio_only_even_with_cover_art(tmp_path: Path, paint: Callable[..., Path], clip: Path) -> None:
    import av

    path = tmp_path / "audio.mp4"
    with av.open(str(clip)) as source, av.open(str(path), "w", format="mp4") as target:
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    with pytest.raises(MediaRejected, match="no video"):
        probe(path)


def patched(clip: Path, target: Path, old: bytes, new: bytes, *, count: int = -1) -> Path:
    data = clip.read_bytes()
    assert old in data
    assert len(old) == len(new)
    target.write_bytes(data.replace(old, new, count))
    return target


@pytest.mark.parametrize("side", [9000, 16_384, 65_535])
def test_absurd_dimensions_in_the_header(tmp_path: Path, clip: Path, side: int) -> None:
    path = patched(clip, tmp_path / "big.mp4", struct.pack(">HH", 160, 90), struct.pack(">HH", side, side))
    facts_or_text: MediaFacts | str
    try:
        facts_or_text = verify(path)
    except MediaRejected as rejection:
        facts_or_text = str(rejection)
    if isinstance(facts_or_text, MediaFacts):  # FFmpeg believes the pictures themselves instead
        assert (facts_or_text.width, facts_or_text.height) == (160, 90)
    else:
        assert "picture" in facts_or_text


def test_too_large_too_long_too_fast(tmp_path: Path, clip: Path, paint: Callable[..., Path]) -> None:
    wide = paint("wide.webm", "libvpx", 1, lambda _: 50, size=(8200, 16))
    with pytest.raises(MediaRejected, match="8200x16"):
        probe(wide)
    with pytest.raises(MediaRejected, match="longer than"):
        probe(clip, max_seconds=0.5)
    with pytest.raises(MediaRejected, match="frame rate"):
        probe(paint("fast.mp4", "libx264", 60, lambda number: number, rate=300))
    slow = paint("slow.mp4", "libx264", 3, lambda number: 60 * number, rate=1)
    assert verify(slow).duration == pytest.approx(3.0)


def test_an_unknown_codec_is_refused(tmp_path: Path, clip: Path) -> None:
    path = patched(clip, tmp_path / "encrypted.mp4", b"avc1\x00\x00\x00\x00\x00\x00", b"encv\x00\x00\x00\x00\x00\x00")
    with pytest.raises(MediaRejected):
        verify(path)


def test_a_sparse_file_of_four_gigabytes_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "sparse.mp4"
    with path.open("wb") as file:
        file.write(struct.pack(">I4s4s4x", 16, b"ftyp", b"isom") + struct.pack(">I4s", 0, b"mdat"))
        file.truncate(4 * 1024**3)
    started = time.monotonic()
    with pytest.raises(MediaRejected):
        probe(path)
    assert time.monotonic() - started < 5


def mutations(data: bytes, count: int) -> list[bytes]:
    made = []
    for seed in range(count):
        chance = random.Random(seed)
        changed = bytearray(data)
        for _ in range(chance.choice((1, 4, 16, 64))):
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        made.append(bytes(changed))
    return made


async def test_flipped_bits_give_facts_or_a_rejection_and_nothing_else(
    pool: MediaPool, tmp_path: Path, clip: Path, paint: Callable[..., Path]
) -> None:
    sources = [
        (clip, 100),
        (paint("a.webm", "libvpx-vp9", 12, lambda number: 9 * number), 30),
        (paint("a.gif", "gif", 12, lambda number: 9 * number, pixels="rgb8"), 30),
    ]
    rejected = 0
    for source, count in sources:
        for mutation in mutations(source.read_bytes(), count):
            path = tmp_path / "mutated.mp4"
            path.write_bytes(mutation)
            try:
                facts = await pool.run(verify, path, timeout=20)
            except MediaCrashed:
                raise
            except MediaRejected:
                rejected += 1
            else:
                assert facts.frame_count > 0
    assert rejected > 60


async def test_a_worker_survives_many_bad_files(pool: MediaPool, tmp_path: Path) -> None:
    path = tmp_path / "bad.mp4"
    path.write_bytes(struct.pack(">I4s", 8, b"free") + b"x" * 100)
    for _ in range(60):
        with pytest.raises(MediaRejected):
            await pool.run(probe, path, timeout=20)
    assert len(pool.process_ids) == 1


def test_the_name_of_a_file_says_nothing(tmp_path: Path, clip: Path) -> None:
    for name in ("x.m3u8", "x.png", "x", "http:x.mp4", "-i"):
        path = tmp_path / name
        path.write_bytes(clip.read_bytes())
        assert probe(path).frame_count == 24


def test_a_probe_reads_a_large_clip_in_milliseconds(tmp_path: Path) -> None:
    path = tmp_path / "long.mp4"
    placeholder.render(path, seconds=60, width=160, height=90, fps=24, audio=True)
    probe(path)
    started = time.process_time()
    assert probe(path).frame_count == 1440
    assert time.process_time() - started < 0.25
