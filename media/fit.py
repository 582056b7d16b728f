"""Makes an input image fit what a vendor takes: exact pixels, another type, or fewer bytes."""

import io
from typing import TYPE_CHECKING

from core.errors import MediaRejected
from media.images import MAX_PIXELS, MAX_SIDE, decoded

if TYPE_CHECKING:
    from PIL.Image import Image

_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG"}
_QUALITY = 92
_LEAST_SIDE = 16
"""Below this no picture is left."""


def fit(data: bytes, width: int, height: int, *, mime_type: str) -> bytes:
    """The image scaled to cover `width` x `height` pixels and cropped to them about its middle.

    Turned upright as its EXIF says, flattened on black, as `image/jpeg` or `image/png`. Raises MediaRejected for what
    is no still image, ValueError for a size or type that no vendor wants.
    """
    from PIL import Image, ImageOps

    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE and width * height <= MAX_PIXELS):
        raise ValueError(f"an image cannot be made {width}x{height}")
    return _encoded(ImageOps.fit(_upright(data), (width, height), Image.Resampling.LANCZOS), mime_type)


def convert(data: bytes, *, mime_type: str) -> bytes:
    """The same picture, upright and flattened on black, as `image/jpeg` or `image/png`. Raises as `fit` does."""
    return _encoded(_upright(data), mime_type)


def shrink(data: bytes, *, longest_bytes: int, longest_side: int | None = None) -> bytes:
    """A JPEG of the picture in at most so many bytes and pixels a side, about as large as that allows.

    Upright and flattened as by `fit`. Raises MediaRejected for what is no still image, or cannot be so small.
    """
    picture = _upright(data)
    if longest_side is not None and max(picture.size) > longest_side:
        picture = _scaled(picture, longest_side / max(picture.size))
    encoded = _encoded(picture, "image/jpeg")
    while len(encoded) > longest_bytes:
        # bytes follow the area; a picture of fewer pixels has more to say with each of them
        picture = _scaled(picture, min(0.9, 0.95 * (longest_bytes / len(encoded)) ** 0.5))
        if max(picture.size) < _LEAST_SIDE:
            raise MediaRejected("the image cannot be made small enough for this vendor")
        encoded = _encoded(picture, "image/jpeg")
    return encoded


def _scaled(picture: "Image", share: float) -> "Image":
    from PIL import Image

    width, height = (max(1, int(side * share)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _upright(data: bytes) -> "Image":
    """The picture as it is meant to be seen, in RGB and without transparency."""
    from PIL import ImageOps

    picture = decoded(data)
    try:
        ImageOps.exif_transpose(picture, in_place=True)
    except MemoryError:
        raise
    except Exception:  # noqa: S110 - EXIF is free to be nonsense, and Pillow to raise anything at it: it then says nothing
        pass
    return _flat(picture)


def _flat(picture: "Image") -> "Image":
    from PIL import Image

    if picture.mode.startswith("I"):  # Pillow cuts 16 bits off at 255 instead of scaling them
        picture = picture.convert("I").point(lambda value: value / 257).convert("L")
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    above = picture.convert("RGBA")
    ground = Image.new("RGB", above.size)
    ground.paste(above, mask=above.getchannel("A"))
    return ground


def _encoded(picture: "Image", mime_type: str) -> bytes:
    if mime_type not in _FORMATS:
        raise ValueError(f"images are made as {' or '.join(_FORMATS)}")
    picture.info.clear()  # comments and the like are nobody's business, a profile may not fit any more
    file = io.BytesIO()
    if mime_type == "image/png":
        picture.save(file, "PNG", compress_level=3)
    else:
        picture.save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()
