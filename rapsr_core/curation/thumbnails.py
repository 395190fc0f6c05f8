"""Small JPEG copies for the report and the review page."""

from __future__ import annotations

import io

from PIL import Image

from rapsr_core.images import read, resize, to_uint8

QUALITY = 82


def jpeg_thumbnail(data: bytes, side_px: int) -> bytes:
    """The image in `data`, upright, in sRGB, as a JPEG whose longer side is `side_px` or less; never enlarged.

    Raises ImageError when `data` is no usable image.
    """
    image = read(data)
    height, width = image.shape[-2:]
    scale = min(1.0, side_px / max(height, width))
    small = resize(image, (max(1, round(height * scale)), max(1, round(width * scale))))
    buffer = io.BytesIO()
    Image.fromarray(to_uint8(small)).save(buffer, "JPEG", quality=QUALITY, optimize=True)
    return buffer.getvalue()
