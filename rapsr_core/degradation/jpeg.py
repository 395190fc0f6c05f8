"""JPEG as tensor arithmetic, batched, with one real-valued quality per image: DiffJPEG without differentiable rounding.

Follows `basicsr/utils/diffjpeg.py` (XPixelGroup/BasicSR 8d56e3a, `DiffJPEG(differentiable=False)`), the one the Real-ESRGAN
family trains with, which differs from a real codec: the luma table is transposed, chroma is averaged 2x2 and repeated
without smoothing, edges are padded with black, and the pixels are not rounded at the end.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

_LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
"""Quantisation of the luma, ITU-T T.81 table K.1."""
_CHROMA = ((17, 18, 24, 47), (18, 21, 26, 66), (24, 26, 56, 99), (47, 66, 99, 99))
"""Its chroma counterpart, table K.2: the 4x4 low frequencies; the rest is 99."""
_TO_YCBCR = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
_TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))
_BLOCK, _UNIT = 8, 16


def quality_factor(quality: Tensor) -> Tensor:
    """Multiplier of the tables: 50 / q below quality 50, else 2 - q / 50. Real-valued, q in (0, 100)."""
    return torch.where(quality < 50, 50 / quality, 2 - quality / 50)


def luma_table() -> Tensor:
    """Quantisation of the luma (8, 8), transposed as in DiffJPEG."""
    return torch.tensor(_LUMA).T


def chroma_table() -> Tensor:
    """Quantisation of the chroma (8, 8)."""
    return F.pad(torch.tensor(_CHROMA), (0, 4, 0, 4), value=99)


def jpeg_torch(image: Tensor, quality: Tensor | float) -> Tensor:
    """Compress and decompress (B, 3, H, W) sRGB in [0, 1]; `quality` is one number, or (B,). Not rounded to 8 bits."""
    height, width = image.shape[-2:]
    factor = quality_factor(torch.as_tensor(quality, dtype=image.dtype, device=image.device).expand(len(image)))
    padded = F.pad(image * 255, (0, -width % _UNIT, 0, -height % _UNIT))
    luma, *chroma = torch.einsum("ij,bjhw->ibhw", torch.tensor(_TO_YCBCR).to(image), padded)
    planes = [_requantised(luma - 128, luma_table().to(image), factor) + 128]
    for plane in chroma:  # zero-centred already, as the offset of +128 and the level shift of -128 cancel
        small = _requantised(F.avg_pool2d(plane[:, None], 2)[:, 0], chroma_table().to(image), factor)
        planes.append(small.repeat_interleave(2, -2).repeat_interleave(2, -1))
    rgb = torch.einsum("ij,jbhw->bihw", torch.tensor(_TO_RGB).to(image), torch.stack(planes))
    return rgb[..., :height, :width].clamp(0, 255) / 255


def _requantised(plane: Tensor, table: Tensor, factor: Tensor) -> Tensor:
    """(B, H, W) -> DCT of 8x8 blocks, divided by table * factor, rounded half to even, and back."""
    batch, height, width = plane.shape
    basis = _dct(plane)
    blocks = plane.view(batch, height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK).transpose(2, 3)
    steps = table * factor.view(batch, 1, 1, 1, 1)
    coefficients = torch.round(basis @ blocks @ basis.T / steps) * steps
    return (basis.T @ coefficients @ basis).transpose(2, 3).reshape(batch, height, width)


def _dct(like: Tensor) -> Tensor:
    """Orthonormal type-II DCT (8, 8): row u, column x."""
    u, x = torch.meshgrid(torch.arange(_BLOCK), torch.arange(_BLOCK), indexing="ij")
    basis = torch.cos((2 * x + 1) * u * math.pi / (2 * _BLOCK)).double() * math.sqrt(2 / _BLOCK)
    basis[0] /= math.sqrt(2)
    return basis.to(like)
