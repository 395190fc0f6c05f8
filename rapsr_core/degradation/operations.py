"""The operations of the process on (B, 3, H, W) sRGB in [0, 1]. Deterministic: every random number is an argument."""

from __future__ import annotations

import functools
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
    size = _fft_size(image, margin)
    return _correlate(image, margin, size, _spectrum(kernel.to(image), size))


def usm_sharpen(image: Tensor, weight: float = 0.5, radius_px: int = 50, threshold: float = 10) -> Tensor:
    """Unsharp masking where the residual exceeds `threshold` / 255, the mask softened by the same Gaussian."""
    margin = radius_px // 2
    size = _fft_size(image, margin)
    spectrum = _gaussian_spectrum(2 * margin + 1, size, image.dtype, image.device)
    residual = image - _correlate(image, margin, size, spectrum)
    soft = _correlate((residual.abs() > threshold / 255).to(image), margin, size, spectrum)
    return torch.lerp(image, (image + weight * residual).clamp_(0, 1), soft)


def _fft_size(image: Tensor, margin: int) -> tuple[int, int]:
    """(height, width) of a padded image, enlarged to small factors: what lies beyond is zero, so nothing wraps around."""
    height, width = (next_fast_len(side + 2 * margin, real=True) for side in image.shape[-2:])
    return height, width


def _spectrum(kernel: Tensor, size: tuple[int, int]) -> Tensor:
    """Of (k, k) or (B, k, k), conjugated, broadcast over channels: (1 or B, 1, height, width / 2 + 1)."""
    with _one_thread():
        return torch.fft.rfft2(kernel.expand(1, *kernel.shape) if kernel.ndim == 2 else kernel, s=size)[:, None].conj_physical()


@functools.lru_cache(maxsize=8)  # a training set has few sizes
def _gaussian_spectrum(side: int, size: tuple[int, int], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Of the Gaussian OpenCV makes for `side` px when no sigma is given (`getGaussianKernel`)."""
    sigma = 0.3 * ((side - 1) * 0.5 - 1) + 0.8
    axis = torch.arange(side, dtype=torch.float64) - side // 2
    line = torch.exp(-axis.square() / (2 * sigma**2))
    return _spectrum((torch.outer(line, line) / line.sum() ** 2).to(device, dtype), size)


def _correlate(image: Tensor, margin: int, size: tuple[int, int], spectrum: Tensor) -> Tensor:
    height, width = image.shape[-2:]
    with _one_thread():
        product = torch.fft.rfft2(F.pad(image, (margin,) * 4, mode="reflect"), s=size).mul_(spectrum)
        return torch.fft.irfft2(product, s=size)[..., :height, :width]


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
    return torch.add(image, normal, alpha=sigma / 255).clamp_(0, 1)


def poisson_levels(image: Tensor, grey: bool) -> tuple[Tensor, int]:
    """8-bit values (uint8) of ONE image (1, 3, H, W), or of its luma (1, 1, H, W), and the levels of its Poisson draw.

    Levels are the next power of two of the number of distinct values; the rate of a value k is k / 255 * levels.
    """
    if grey:
        image = (image * torch.tensor(LUMA).view(1, 3, 1, 1).to(image)).sum(1, keepdim=True)
    values = (image.clamp(0, 1) * 255).round_().byte()
    distinct = torch.count_nonzero(torch.bincount(values.flatten(), minlength=256)).item()
    return values, 2 ** math.ceil(math.log2(distinct))


def add_poisson(image: Tensor, counts: Tensor, values: Tensor, levels: int, scale: float) -> Tensor:
    """Add scale * (counts - rate) / levels and clamp; `counts` are Poisson draws for the rates values / 255 * levels."""
    noise = counts.to(image) * (scale / levels)
    return noise.sub_(values.to(image), alpha=scale / 255).add(image).clamp_(0, 1)


def jpeg_codec(image: Tensor, quality: float) -> Tensor:
    """One (1, 3, H, W) through libjpeg (Pillow, 4:2:0); the quality is rounded to a whole number, as the codec wants it."""
    pixels = image[0].mul(255).round_().clamp_(0, 255).byte().permute(1, 2, 0).contiguous().cpu().numpy()
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=round(quality))
    with Image.open(buffer) as decoded:
        return (torch.from_numpy(np.array(decoded)).permute(2, 0, 1)[None].to(image) / 255).contiguous()
