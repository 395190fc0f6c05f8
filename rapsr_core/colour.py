"""Colour fixes: give a restored image the colours of the input enlarged. Both (B, 3, H, W), results not clamped.

AdaIN: Huang and Belongie, ICCV 2017, eq. 8. Wavelet: StableSR's five-level a-trous split (Wang et al., IJCV 2024), which keeps
the restored image's high bands and takes the source's low band.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from rapsr_core.recipe import ColourFix

LEVELS = 5


def adain(content: Tensor, style: Tensor) -> Tensor:
    """Per channel: mean and standard deviation (unbiased variance + 1e-5) of `style` in place of `content`'s."""
    spread = [(x.var(dim=(2, 3), keepdim=True) + 1e-5).sqrt() for x in (content, style)]
    means = [x.mean(dim=(2, 3), keepdim=True) for x in (content, style)]
    return (content - means[0]) / spread[0] * spread[1] + means[1]


def wavelet_split(image: Tensor) -> tuple[Tensor, Tensor]:
    """High band (sum of five differences) and low band (last blur): 3x3 binomial kernel, dilation 1, 2, 4, 8, 16."""
    line = torch.tensor([0.25, 0.5, 0.25]).to(image)
    kernel = torch.outer(line, line).expand(image.shape[1], 1, 3, 3)
    high, low = torch.zeros_like(image), image
    for level in range(LEVELS):
        step = 2**level
        blurred = F.conv2d(F.pad(low, (step,) * 4, mode="replicate"), kernel, dilation=step, groups=image.shape[1])
        high, low = high + (low - blurred), blurred
    return high, low


def wavelet(content: Tensor, style: Tensor) -> Tensor:
    """High band of `content`, low band of `style`."""
    return wavelet_split(content)[0] + wavelet_split(style)[1]


def fix_colour(image: Tensor, source: Tensor, method: ColourFix) -> Tensor:
    """Apply a method by name."""
    return {"none": lambda i, s: i, "wavelet": wavelet, "adain": adain}[method](image, source)
