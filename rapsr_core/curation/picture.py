"""One image of the pool: decoded once, and what several measures need computed once."""

from __future__ import annotations

import hashlib
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rapsr_core.images import read

VIEW_PX = 512
"""Side of the crop that costly measures look at; training crops to 512 as well (RAP-SR's dataset.py)."""

LUMA = (0.299, 0.587, 0.114)
"""ITU-R BT.601."""


class Picture:
    """An encoded image and, on demand, its pixels. Attributes raise ImageError when the data is no usable image."""

    def __init__(self, data: bytes, name: str = "the image") -> None:
        self.data, self.name = data, name

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file: equal for exact duplicates."""
        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def image(self) -> Tensor:
        """(1, 3, H, W) float32 sRGB in [0, 1], turned upright, in sRGB."""
        return read(self.data, repr(self.name))

    @cached_property
    def luma(self) -> NDArray[np.float32]:
        """BT.601 luma (H, W) float32 in [0, 255], at full size."""
        weights = torch.tensor(LUMA).view(3, 1, 1)
        return ((self.image[0] * weights).sum(0) * 255).numpy()

    @cached_property
    def view(self) -> Tensor:
        """The central crop of at most VIEW_PX a side, native pixels, (1, 3, h, w) in [0, 1]."""
        height, width = self.image.shape[-2:]
        h, w = min(height, VIEW_PX), min(width, VIEW_PX)
        y, x = (height - h) // 2, (width - w) // 2
        return self.image[..., y : y + h, x : x + w].contiguous()
