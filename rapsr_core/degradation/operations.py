"""The operations of the process on (B, 3, H, W) sRGB in [0, 1]. Deterministic: every random number is an argument."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from scipy.fft import next_fast_len
from torch import Tensor

LUMA = (0.2989, 0.587, 0.114)


def filter2d(image: Tensor, kernel: Tensor) -> Tensor:
    """Cross-correlation with reflect padding, by FFT. `kernel`: (k, k) for all images, or (B, k, k), one each; k odd.

    Raises ValueError when a side of the image does not exceed k // 2, which reflection needs.
    """
    height, width = image.shape[-2:]
    margin = kernel.shape[-1] // 2
    if min(height, width) <= margin:
        raise ValueError(
            f"an image of {width} x {height} px is too small for a {kernel.shape[-1]}-px kernel; give over {margin} px a side"
        )
    padded = F.pad(image, (margin,) * 4, mode="reflect")
    size = (
        next_fast_len(padded.shape[-2], real=True),
        next_fast_len(padded.shape[-1], real=True),
    )  # zeros beyond: no wrap-around
    with _one_thread():
        spectrum = torch.fft.rfft2(kernel.to(image).expand(len(image), *kernel.shape[-2:]), s=size)[:, None]
        return torch.fft.irfft2(torch.fft.rfft2(padded, s=size) * spectrum.conj(), s=size)[..., :height, :width]


def usm_sharpen(image: Tensor, weight: float = 0.5, radius_px: int = 50, threshold: float = 10) -> Tensor:
    """Unsharp masking where the residual exceeds `threshold` / 255, the mask softened by the same Gaussian."""
    size = radius_px + 1 - radius_px % 2
    sigma = 0.3 * ((size - 1) * 0.5 - 1) + 0.8
    axis = torch.arange(size, dtype=torch.float64) - size // 2
    line = torch.exp(-axis.square() / (2 * sigma**2))
    kernel = torch.outer(line, line) / line.sum() ** 2
    residual = image - filter2d(image, kernel)
    soft = filter2d((residual.abs() * 255 > threshold).to(image), kernel)
    return soft * (image + weight * residual).clamp(0, 1) + (1 - soft) * image


def resize_by(image: Tensor, factor: float, mode: str) -> Tensor:
    """Resize by a factor, as the official code calls it (no antialias; size floor(side * factor)). Mode area, bilinear or bicubic."""
    with _one_thread():
        return F.interpolate(image, scale_factor=factor, mode=mode)


def resize_to(image: Tensor, size: tuple[int, int], mode: str) -> Tensor:
    """Resize to (height, width) in the same manner."""
    with _one_thread():
        return F.interpolate(image, size=size, mode=mode)


@contextmanager
def _one_thread() -> Iterator[None]:
    """torch's FFT, bilinear and area resizing give other last bits with another number of threads; pixels must not."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def resize_antialiased(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Bicubic reduction to (height, width) with antialiasing, as Pillow's and MATLAB's (a = -0.5): the "bicubic" preset."""
    return F.interpolate(image, size=size, mode="bicubic", antialias=True)


def add_gaussian(image: Tensor, normal: Tensor, sigma: float) -> Tensor:
    """Add sigma / 255 times a standard normal field, (B, 3, H, W) or grey (B, 1, H, W), and clamp."""
    return (image + normal * (sigma / 255)).clamp(0, 1)


def poisson_rate(image: Tensor, grey: bool) -> tuple[Tensor, int]:
    """Rates of the Poisson draw of ONE image (1, 3, H, W) and its number of levels.

    Levels are the next power of two of the number of distinct 8-bit values; rate = 8-bit image (or its luma) * levels.
    """
    if grey:
        image = (image * torch.tensor(LUMA).view(1, 3, 1, 1).to(image)).sum(1, keepdim=True)
    quantised = (image.clamp(0, 1) * 255).round()
    distinct = torch.count_nonzero(torch.bincount(quantised.byte().flatten(), minlength=256)).item()
    levels = 2 ** math.ceil(math.log2(distinct))
    return quantised / 255 * levels, levels


def add_poisson(image: Tensor, counts: Tensor, rate: Tensor, levels: int, scale: float) -> Tensor:
    """Add scale * (counts - rate) / levels and clamp; `counts` are Poisson draws for `rate`."""
    return (image + (counts - rate) / levels * scale).clamp(0, 1)


def jpeg_codec(image: Tensor, quality: float) -> Tensor:
    """One (1, 3, H, W) through libjpeg (Pillow, 4:2:0); the quality is rounded to a whole number, as the codec wants it."""
    pixels = (image[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=round(quality))
    with Image.open(buffer) as decoded:
        return torch.from_numpy(np.array(decoded)).permute(2, 0, 1)[None].to(image) / 255
