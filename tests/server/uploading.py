"""Files for uploads, made once, and the streams that carry them."""

import functools
import hashlib
import io
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filmgate.v1 import asset_pb2
from filmgate.v1 import video_service_pb2 as pb
from PIL import Image

from media import placeholder
from tests.server.calling import Stub

CHUNK = 64 * 1024


@functools.cache
def image(kind: str = "PNG", width: int = 64, height: int = 36) -> bytes:
    """A picture of noise, which does not compress."""
    noise = random.Random(7).randbytes(width * height * 3)
    out = io.BytesIO()
    Image.frombytes("RGB", (width, height), noise).save(out, kind)
    return out.getvalue()


@functools.cache
def clip(seconds: int = 2) -> bytes:
    """A playable MP4 of 160x90."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        placeholder.render(path, seconds=seconds, width=160, height=90, fps=24, audio=False, lines=["a source"])
        return path.read_bytes()


def moving() -> bytes:
    """An animated WebP."""
    out = io.BytesIO()
    first, second = (Image.new("RGB", (16, 16), color) for color in ("red", "blue"))
    first.save(out, "WEBP", save_all=True, append_images=[second])
    return out.getvalue()


def padded(data: bytes, size: int) -> bytes:
    """The MP4 with a box of nothing at its end, so that it is `size` bytes long and plays as before."""
    room = size - len(data)
    return data + room.to_bytes(4) + b"free" + bytes(room - 8)


def stream(tenant: str, data: bytes, *, chunk: int = CHUNK, **said: Any) -> Iterator[pb.UploadAssetRequest]:
    """The messages of one upload; `said` goes into its metadata."""
    yield pb.UploadAssetRequest(metadata=pb.AssetMetadata(tenant_name=tenant, **said))
    for start in range(0, len(data), chunk):
        yield pb.UploadAssetRequest(chunk=data[start : start + chunk])


def upload(stub: Stub, tenant: str, data: bytes, **said: Any) -> asset_pb2.Asset:
    """A stored file."""
    answer: pb.UploadAssetResponse = stub.UploadAsset(stream(tenant, data, **said), timeout=30)
    return answer.asset


def sha256(data: bytes) -> str:
    """As the contract writes it."""
    return hashlib.sha256(data).hexdigest()
