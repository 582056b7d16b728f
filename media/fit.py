"""Makes an input image fit what a vendor takes: exact pixels, another type, or fewer bytes."""

import io
from typing import TYPE_CHECKING

from core.errors import MediaRejected
from media.images import inspect_image

if TYPE_CHECKING:
    from PIL.Image import Image

_QUALITY = 92
_SHRINKS = (0.85, 0.7, 0.5, 0.35, 0.25)


def fit(data: bytes, width: int, height: int, *, mime_type: str) -> bytes:
    """The image scaled to cover `width` x `height` pixels and cropped to them about its middle.

    Turned upright as its EXIF says, flattened on black, as `image/jpeg` or `image/png`. Raises MediaRejected for what
    is no still image.
    """
    from PIL import Image, ImageOps

    return _encoded(ImageOps.fit(_upright(data), (width, height), Image.Resampling.LANCZOS), mime_type)


def convert(data: bytes, *, mime_type: str) -> bytes:
    """The same picture as `image/jpeg` or `image/png`. Raises MediaRejected."""
    return _encoded(_upright(data), mime_type)


def shrink(data: bytes, *, longest_bytes: int) -> bytes:
    """A JPEG of the picture in at most so many bytes, as large as that allows. Raises MediaRejected."""
    from PIL import Image

    picture = _upright(data)
    smaller = (
        picture.resize(
            (max(1, round(picture.width * share)), max(1, round(picture.height * share))), Image.Resampling.LANCZOS
        )
        for share in _SHRINKS
    )
    for candidate in (picture, *smaller):
        encoded = _encoded(candidate, "image/jpeg")
        if len(encoded) <= longest_bytes:
            return encoded
    raise MediaRejected("the image cannot be made small enough for this vendor")


def _upright(data: bytes) -> "Image":
    """The picture as it is meant to be seen, without transparency."""
    from PIL import Image, ImageOps

    inspect_image(data)
    picture = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        above = picture.convert("RGBA")
        ground = Image.new("RGBA", above.size, (0, 0, 0, 255))
        return Image.alpha_composite(ground, above).convert("RGB")
    return picture.convert("RGB")


def _encoded(picture: "Image", mime_type: str) -> bytes:
    file = io.BytesIO()
    if mime_type == "image/png":
        picture.save(file, "PNG", compress_level=3)
    else:
        picture.save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()
