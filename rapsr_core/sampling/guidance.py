"""Classifier-free guidance (Ho and Salimans 2022), its schedule over the steps, and its rescaling."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

GuidanceSchedule = Callable[[int, int], float | None]
"""(step index, timestep) -> guidance scale; None = the positive branch alone, no second pass."""


def constant(scale: float) -> GuidanceSchedule:
    """The same guidance at every step; scale 1 needs no second pass."""
    return lambda i, t: None if scale == 1 else scale


def constant_over(scale: float, steps: int) -> GuidanceSchedule:
    """`constant`, for any number of steps."""
    return constant(scale)


def all_but_last(scale: float, steps: int) -> GuidanceSchedule:
    """The same guidance at every step but the last of several, which has nothing left to choose.

    After Kynkaanniemi et al., "Applying Guidance in a Limited Interval", NeurIPS 2024.
    """
    return lambda i, t: None if scale == 1 or 0 < i == steps - 1 else scale


def positive_alone(scale: float, steps: int) -> GuidanceSchedule:
    """No guidance, whatever the scale: of hosts that have no negative branch."""
    return constant(1)


def rising(scale: float) -> GuidanceSchedule:
    """From 1 at t = 1000 to 1 + scale at t = 0, late and steeply: 1 + scale * (1 - cos(pi * ((1000 - t) / 1000)^5)) / 2.

    DiffBIR's `rescale_cfg` (diffbir/sampler of v2); a scale of 1 or less stays as it is, as there.
    """
    if scale <= 1:
        return constant(scale)
    return lambda i, t: 1 + scale * (1 - math.cos(math.pi * ((1000 - t) / 1000) ** 5)) / 2


def constant_or_rising(scale: float, steps: int, rising_guidance: float = 0) -> GuidanceSchedule:
    """DiffBIR's choice: `constant`, or `rising` where `rising_guidance` is not 0 (--rescale_cfg)."""
    return rising(scale) if rising_guidance else constant(scale)


def guide(positive: Tensor, negative: Tensor, scale: float, rescale: float = 0.0) -> Tensor:
    """negative + scale * (positive - negative), of two predictions (B, C, h, w) for the whole latent.

    `rescale` in [0, 1] brings the spread of each image back towards that of the positive prediction: phi of Lin et al., "Common
    Diffusion Noise Schedules and Sample Steps are Flawed", WACV 2024, eq. 15 and 16.
    """
    guided = negative + scale * (positive - negative)
    if rescale == 0:
        return guided
    axes = tuple(range(1, guided.ndim))
    matched = guided * (positive.std(dim=axes, keepdim=True) / guided.std(dim=axes, keepdim=True))
    return rescale * matched + (1 - rescale) * guided
