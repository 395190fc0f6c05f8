"""Full-reference figures on the luma, as the field reports them: Y of BT.601 studio range, no border crop."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def luma(image: Tensor) -> Tensor:
    """Y of BT.601 in [16/255, 235/255], as MATLAB's rgb2ycbcr: (B, 3, H, W) in [0, 1] -> (B, 1, H, W)."""
    weights = torch.tensor([65.481, 128.553, 24.966], dtype=torch.float64, device=image.device).view(1, 3, 1, 1)
    return ((image.double() * weights).sum(1, keepdim=True) + 16) / 255


def psnr_y(image: Tensor, reference: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of two (1, 3, H, W) images in [0, 1]; infinite when they are equal."""
    mse = (luma(image) - luma(reference)).square().mean()
    return float(-10 * torch.log10(mse))


def ssim_y(image: Tensor, reference: Tensor) -> float:
    """Mean structural similarity (Wang et al. 2004): 11x11 Gaussian of sigma 1.5, K1 0.01, K2 0.03, valid positions only."""
    axis = torch.arange(11, dtype=torch.float64) - 5
    line = torch.exp(-axis.square() / (2 * 1.5**2))
    window = (line[:, None] * line[None] / line.sum() ** 2).view(1, 1, 11, 11).to(image.device)
    x, y = luma(image) * 255, luma(reference) * 255
    mx, my = F.conv2d(x, window), F.conv2d(y, window)
    vx, vy = F.conv2d(x * x, window) - mx**2, F.conv2d(y * y, window) - my**2
    cov = F.conv2d(x * y, window) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float((((2 * mx * my + c1) * (2 * cov + c2)) / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean())
