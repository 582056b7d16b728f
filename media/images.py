"""Says what an image truly is, by decoding all of it."""

import io
from typing import TYPE_CHECKING

from core.errors import MediaRejected
from media.facts import ImageFacts

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 50_000_000
MAX_SIDE = 16_384


def inspect_image(data: bytes) -> ImageFacts:
    """Type and size of a still PNG, JPEG or WebP that decodes wholly.

    Raises MediaRejected for anything else: another type, animated, too large, truncated, damaged.
    """
    kind = kind_of_image(data)
    try:
        _checked(data, kind).verify()  # checksums; an image can be used once only after it
        image = _checked(data, kind)
        image.load()
    except (MediaRejected, MemoryError):
        raise
    except Exception as error:  # Pillow speaks of bad bytes by many errors, see below
        # Pillow speaks of bad bytes by many errors: OSError, SyntaxError, struct.error, KeyError, its own bomb error
        raise MediaRejected(f"the {kind} image is truncated or damaged") from error
    return ImageFacts(mime_type=f"image/{kind.lower()}", width=image.width, height=image.height)


def kind_of_image(data: bytes) -> str:
    """`PNG`, `JPEG` or `WEBP`, by magic bytes, as Pillow names its one decoder for it."""
    if not data:
        raise MediaRejected("the image is empty")
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    raise MediaRejected("the image is not a PNG, JPEG or WebP")


def _checked(data: bytes, kind: str) -> "Image":
    """The opened image, its header within bounds; nothing is decoded yet."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # our own bound below comes before any decoding, and does not merely warn
    image = Image.open(io.BytesIO(data), formats=(kind,))
    if image.width * image.height > MAX_PIXELS or max(image.size) > MAX_SIDE:
        raise MediaRejected(
            f"the image is {image.width}x{image.height}; at most {MAX_PIXELS // 1_000_000} megapixels are accepted"
        )
    # a JPEG with several frames is a photo with a preview or a gain map (MPO), not an animation
    if kind != "JPEG" and getattr(image, "is_animated", False):
        raise MediaRejected("the image is animated; a still one is needed")
    return image
