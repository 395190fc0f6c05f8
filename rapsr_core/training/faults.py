"""Single faults, put into a clean image (1, 3, H, W) sRGB in [0, 1] at a random strength; the result is in [0, 1] too."""

from __future__ import annotations

import io

import numpy as np
import torch
import torchvision.transforms.v2.functional as TF
from PIL import Image
from torch import Tensor

from rapsr_core.images import read, resize, to_uint8


def add_blur(image: Tensor, rng: np.random.Generator) -> Tensor:
    """Gaussian, sigma .6 to 2.2 px."""
    return TF.gaussian_blur(image, kernel_size=[13, 13], sigma=[float(rng.uniform(0.6, 2.2))]).clamp(0, 1)


def add_resampling(image: Tensor, rng: np.random.Generator) -> Tensor:
    """Reduced by 1.4 to 3 and enlarged again."""
    height, width = image.shape[-2:]
    factor = rng.uniform(1.4, 3.0)
    return resize(resize(image, (round(height / factor), round(width / factor))), (height, width))


def add_noise(image: Tensor, rng: np.random.Generator) -> Tensor:
    """Gaussian, sigma 3 to 16 of 255, grey in four of ten cases."""
    channels = 1 if rng.random() < 0.4 else 3
    noise = rng.standard_normal((1, channels, *image.shape[-2:]), dtype=np.float32)
    return (image + torch.from_numpy(noise) * float(rng.uniform(3, 16)) / 255).clamp(0, 1)


def add_jpeg(image: Tensor, rng: np.random.Generator) -> Tensor:
    """libjpeg, quality 20 to 69."""
    buffer = io.BytesIO()
    Image.fromarray(to_uint8(image)).save(buffer, "JPEG", quality=int(rng.integers(20, 70)))
    return read(buffer.getvalue())
