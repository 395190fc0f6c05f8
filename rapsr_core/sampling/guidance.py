"""Classifier-free guidance (Ho and Salimans 2022): negative + scale * (positive - negative)."""

from __future__ import annotations

from torch import Tensor


def guide(positive: Tensor, negative: Tensor, scale: float) -> Tensor:
    """Combine two predictions of the same shape; scale 1 returns the positive one."""
    return negative + scale * (positive - negative)
