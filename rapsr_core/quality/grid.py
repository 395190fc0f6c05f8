"""Grid energy: does an image show the codec's period?"""

from __future__ import annotations

import torch
from torch import Tensor

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
SIDE = 3
"""Frequency bins on each side of a line that count as its neighbourhood (the line itself and one bin beside it do not)."""


def grid_energy(image: Tensor, period_px: int = 4) -> float:
    """Spectral power at the frequencies k / period_px over that of their neighbourhood, both axes, of (1, 3, H, W) in [0, 1].

    About 1 for photographs. The luma is cut to a multiple of the period and Hann-windowed; the power spectrum is
    averaged over the other axis, so a crop's offset against the grid does not matter.
    """
    luma = (image[0].float() * torch.tensor(LUMA).view(3, 1, 1).to(image.device)).sum(0)
    ratios = [ratio for plane in (luma, luma.T) for ratio in _ratios(plane, period_px)]
    return float(torch.stack(ratios).log().mean().exp())


def _ratios(plane: Tensor, period_px: int) -> list[Tensor]:
    """Power ratios of the lines k / period_px along the last axis."""
    length = plane.shape[-1] // period_px * period_px
    rows = plane[:, :length]
    rows = (rows - rows.mean(-1, keepdim=True)) * torch.hann_window(length, periodic=True, device=plane.device)
    power = torch.fft.rfft(rows, dim=-1).abs().square().mean(0)
    found = []
    for k in range(1, period_px // 2 + 1):
        line = k * length // period_px
        around = [line + s * d for d in range(2, 2 + SIDE) for s in (-1, 1) if 0 < line + s * d < len(power)]
        found.append(power[line] / power[around].mean().clamp_min(1e-12))
    return found
