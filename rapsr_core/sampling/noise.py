"""Noise that belongs to the image: the same name and shape give the same field, whatever was drawn before."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class ImageNoise:
    """Standard normal fields from a seed; always drawn on the CPU, so all devices see the same."""

    seed: int

    def draw(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """Float32 field of `shape`, a function of (seed, name, shape) alone."""
        digest = hashlib.sha256(f"{self.seed}/{name}/{tuple(shape)}".encode()).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
        return torch.randn(shape, generator=generator)
