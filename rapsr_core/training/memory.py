"""How much memory training takes before the first activation."""

from __future__ import annotations

from torch import nn


def estimate_gb(module: nn.Module, eight_bit_optimizer: bool = False) -> float:
    """Gigabytes of weights, and of gradients, two AdamW moments (1 or 4 bytes a value) and an average for what learns."""
    weights = sum(p.numel() * p.element_size() for p in module.parameters())
    moment_bytes = 1 if eight_bit_optimizer else 4
    learning = sum(p.numel() * (2 * p.element_size() + 2 * moment_bytes) for p in module.parameters() if p.requires_grad)
    return (weights + learning) / 1e9
