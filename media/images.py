"""Says what an image truly is, by decoding all of it."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import MediaRejected
from media.facts import ImageFacts

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 50_000_000
MAX_SIDE = 16_384


MAX_BYTES = 128 * 1024**2
"""Of an image file; it is read whole."""
_MAGIC = {"PNG": b"\x89PNG\r\n\x1a\n", "JPEG": b"\xff\xd8\xff", "GIF": b"GIF8"}


def inspect_image(data: bytes) -> ImageFacts:
    """Type and size of a still PNG, JPEG or WebP that decodes wholly.

    Raises MediaRejected for anything else: another type, animated, too large, truncated, damaged.
    """
    image = decoded(data)
    return ImageFacts(mime_type=_mime_type(image), width=image.width, height=image.height)


def probe_image(path: Path) -> ImageFacts:
    """Type and size of an image file, and whether it moves: PNG, JPEG, WebP or GIF, of which the first picture decodes.

    Raises MediaRejected for anything else: another type, too large, truncated, damaged.
    """
    if path.stat().st_size > MAX_BYTES:
        raise MediaRejected(f"the image is larger than {MAX_BYTES // 1024**2} MiB")
    data = path.read_bytes()
    image, moves = _decoded(data, _kind_of(data) or kind_of_image(data))
    return ImageFacts(mime_type=_mime_type(image), width=image.width, height=image.height, is_animated=moves)


def decoded(data: bytes) -> "Image":
    """The picture of a still PNG, JPEG or WebP. Raises MediaRejected as `inspect_image` does."""
    image, moves = _decoded(data, kind_of_image(data))
    if moves:
        raise MediaRejected("the image is animated; a still one is needed")
    return image


def kind_of_image(data: bytes) -> str:
    """`PNG`, `JPEG` or `WEBP`, by magic bytes, as Pillow names its one decoder for it."""
    if not data:
        raise MediaRejected("the image is empty")
    kind = _kind_of(data)
    if kind in ("", "GIF"):
        raise MediaRejected("the image is not a PNG, JPEG or WebP")
    return kind


def _kind_of(data: bytes) -> str:
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    return next((kind for kind, magic in _MAGIC.items() if data.startswith(magic)), "")


def _mime_type(image: "Image") -> str:
    kind = "jpeg" if image.format == "MPO" else str(image.format).lower()
    return f"image/{kind}"


def _decoded(data: bytes, kind: str) -> "tuple[Image, bool]":
    """The image, its first picture decoded wholly, and whether there are more."""
    try:
        _checked(data, kind).verify()  # checksums; an image can be used once only after it
        image = _checked(data, kind)
        image.load()
        # a JPEG with several frames is a photo with a preview or a gain map (MPO), not an animation
        return image, kind != "JPEG" and bool(getattr(image, "is_animated", False))
    except (MediaRejected, MemoryError):
        raise
    except Exception as error:  # Pillow speaks of bad bytes by many errors, see below
        # Pillow speaks of bad bytes by many errors: OSError, SyntaxError, struct.error, KeyError, its own bomb error
        raise MediaRejected(f"the {kind} image is truncated or damaged") from error


def _checked(data: bytes, kind: str) -> "Image":
    """The opened image, its header within bounds; nothing is decoded yet."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # our own bound below comes before any decoding, and does not merely warn
    image = Image.open(io.BytesIO(data), formats=(kind,))
    if image.width * image.height > MAX_PIXELS or max(image.size) > MAX_SIDE:
        raise MediaRejected(
            f"the image is {image.width}x{image.height}; at most {MAX_PIXELS // 1_000_000} megapixels are accepted"
        )
    return image
