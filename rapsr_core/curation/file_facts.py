"""What a file says of itself: its real format, whether its name agrees, and the JPEG quality it was saved with."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SAME = {"MPO": "JPEG", "APNG": "PNG"}
"""Pillow's names for what is written under one suffix."""

STANDARD_LUMA = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
"""Luminance quantisers of quality 50: ITU-T T.81, table K.1."""


def format_and_quality(data: bytes) -> tuple[str, float | None]:
    """Pillow's name of the format by content, and the JPEG quality (1 to 100; None for other formats). Reads the header alone.

    For data that `rapsr_core.images.read` accepts.
    """
    with Image.open(io.BytesIO(data)) as image:
        tables = getattr(image, "quantization", None)
        return SAME.get(image.format or "", image.format or ""), jpeg_quality(tables[0]) if tables else None


def suffix_agrees(name: str, format_name: str) -> float | None:
    """1 when the name's suffix is one of the format's, 0 when not, None when the name has no suffix of an image."""
    said = Image.registered_extensions().get(PurePath(name).suffix.lower())
    return None if said is None else float(SAME.get(said, said) == format_name)


def jpeg_quality(luma_table: Sequence[int]) -> float:
    """The quality at which libjpeg's luminance quantisers are nearest to these 64 (in any order: they are compared sorted).

    libjpeg's `jpeg_quality_scaling`: the standard table times 5000 / q below 50, 200 - 2 q above, in percent.
    """
    found = np.sort(np.asarray(luma_table, dtype=np.float64))
    return float(np.abs(_TABLES - found).sum(1).argmin() + 1)


def _tables() -> NDArray[np.float64]:
    quality = np.arange(1, 101)[:, None]
    percent = np.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    return np.sort(np.clip((STANDARD_LUMA.ravel() * percent + 50) // 100, 1, 255), axis=1).astype(np.float64)


_TABLES = _tables()
